# ruff: noqa: E402 (the paths come first)
"""How near the bus comes to what a serial line can carry (FACTS §5), and what a request costs.

    .venv/bin/python benchmarks/bus.py

A paced pseudo-terminal stands for the line: its device answers at once, so the bound is the frames
and the two silent gaps of each exchange, 8N1. Prints, never fails.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import statistics
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests" / "drivers")]

from hostile import HostileSlave, over_pty, over_tcp

from drivers.modbus import Exchange, Master, RtuLine, TcpLine
from drivers.plan import Span, least_read_s, plan_reads, serial_cost
from drivers.profile import Merge

_SECONDS = 2.0


async def serial(baud: int, count: int) -> None:
    """Back-to-back reads on a paced line."""
    async with over_pty(HostileSlave(), baud=baud) as pty:
        master = Master(RtuLine(pty.path, baud), slowest_s=0.2)
        await master.connect()
        loop = asyncio.get_running_loop()
        end = loop.time() + _SECONDS
        while loop.time() < end:
            await master.read(1, "holding", 0, count, Exchange(0.2))
        await master.close()
        spans = sorted(b - a for a, b in itertools.pairwise(pty.starts))
    bound, middle = least_read_s(count, baud, "N", 1), statistics.median(spans)
    print(
        f"{baud:7} baud {count:3} registers: {middle * 1000:7.2f} ms, bound {bound * 1000:7.2f} ms,"
        f" {bound / middle:.2f} of the bound (fastest {bound / spans[0]:.3f})"
    )


async def tcp() -> None:
    """Back-to-back reads over loopback; the slave in this same process takes about half of it."""
    async with over_tcp(HostileSlave()) as port:
        master = Master(TcpLine("127.0.0.1", port))
        await master.connect()
        loop = asyncio.get_running_loop()
        begun, cpu = loop.time(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
        for number in range(5000):
            await master.read(1, "holding", number % 8, 10, Exchange(0.2))
        took = loop.time() - begun
        cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime - cpu
        await master.close()
    print(
        f"TCP loopback 10 registers: {5000 / took:.0f} a second, {cpu / 5000 * 1e6:.0f} µs of processor each"
    )


def plans() -> None:
    """What merging is worth, for a drive's twenty scattered registers."""
    spans = [
        Span("holding", first, 1) for first in (0, 1, 2, 5, 6, 9, 14, 20, 21, 22, 40, 41, 44, 60, 61, 90, 99)
    ]
    for baud in (9600, 19200, 115200):
        cost = serial_cost(baud, "E")
        requests = plan_reads(spans, Merge(registers=100, hole=50), cost)
        merged = sum(cost.of(request.count, bits=False) for request in requests)
        single = sum(cost.of(span.count, bits=False) for span in spans)
        print(
            f"{baud:7} baud: {len(spans)} points in {len(requests)} requests,"
            f" {merged / single:.2f} of the time of single reads"
        )


async def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for baud in (9600, 19200, 38400, 115200):
        for count in (1, 10, 32):
            await serial(baud, count)
    await tcp()
    plans()


if __name__ == "__main__":
    asyncio.run(main())
