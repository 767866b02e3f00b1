"""The whole service under load: start to `ready`, lateness of scans, memory.

    python benchmarks/service.py [SECONDS] [CLIENTS]

The simulator is a process, the controller this one, and the OPC UA clients a third: each polls every
point once a second. Lateness is how long after its due time a scan began.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from controller.clock import RealClock
from controller.door import DoorClient
from controller.service.lines import lines_of
from controller.service.service import SCAN_PERIOD_S, Service
from controller.settings.check import check_file
from sim.simulator import Simulator
from sim.weather import Weather

DEMO = Path(__file__).parents[1] / "config" / "demo.yaml"


def simulate(folder: str) -> None:
    """The field, until killed."""

    async def serve() -> None:
        checked = check_file(DEMO)
        assert checked.file is not None
        simulator = Simulator(checked.file, checked.profiles, Weather.load("shenyang_2013_01"), RealClock())
        await simulator.start(Path(folder))
        await simulator.run()

    asyncio.run(serve())


def poll(endpoint: str, clients: int, seconds: float) -> None:
    """So many clients, each reading every point once a second."""

    async def one() -> int:
        async with DoorClient(endpoint) as door:
            names = [info.name for info in await door.catalogue()]
            end, reads = time.monotonic() + seconds, 0
            while time.monotonic() < end:
                await door.read(names)
                reads += 1
                await asyncio.sleep(1.0)
            return reads

    async def every() -> None:
        reads = await asyncio.gather(*(one() for _ in range(clients)))
        print(f"clients                 {clients}, {sum(reads)} looks at all points in {seconds:.0f} s")

    asyncio.run(every())


class Timed(Service):
    """Notes when each scan began."""

    begun: list[float]

    def _scan(self) -> None:
        self.begun.append(time.perf_counter())
        super()._scan()


async def measure(folder: Path, seconds: float, clients: int) -> None:
    """Start, listen, load, print."""
    begin = time.perf_counter()
    checked = check_file(DEMO)
    assert checked.file is not None
    service = Timed(
        checked,
        lines_of(checked.file, folder),
        folder / "state",
        RealClock(),
        endpoint="opc.tcp://127.0.0.1:0/heat-station",
    )
    service.begun = []
    task = asyncio.create_task(service.run())
    while not service.ready:
        await asyncio.sleep(0.01)
    print(f"file to ready           {time.perf_counter() - begin:.2f} s")
    while ":0/" in service.outside.door.endpoint:
        await asyncio.sleep(0.05)
    await asyncio.sleep(2)
    for load in (0, clients):
        service.begun.clear()
        if load:
            arguments = (service.outside.door.endpoint, load, seconds)
            child = multiprocessing.get_context("spawn").Process(target=poll, args=arguments)
            child.start()
            await asyncio.to_thread(child.join)
        else:
            await asyncio.sleep(seconds)
        _print_lateness(f"{load} clients", service.begun)
    status = Path("/proc/self/status").read_text()
    rss = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    print(f"memory of the service   {int(rss.split()[1]) / 1024:.0f} MB")
    service.stop()
    await task


def _print_lateness(label: str, begun: list[float]) -> None:
    """Against the best line through the grid: the earliest scan is taken as on time."""
    phases = [(moment - begun[0]) % SCAN_PERIOD_S for moment in begun]
    centred = [phase if phase < SCAN_PERIOD_S / 2 else phase - SCAN_PERIOD_S for phase in phases]
    late = sorted(phase - min(centred) for phase in centred)
    p99 = late[min(int(len(late) * 0.99), len(late) - 1)]
    median, worst = late[len(late) // 2] * 1e3, late[-1] * 1e3
    print(f"lateness, {label:<13} median {median:.1f} ms, 99 % {p99 * 1e3:.1f} ms, worst {worst:.1f} ms")


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as name:
        field = multiprocessing.get_context("spawn").Process(target=simulate, args=(name,), daemon=True)
        field.start()
        while not (Path(name) / "ports.json").exists():
            time.sleep(0.05)
        asyncio.run(measure(Path(name), seconds, clients))
        field.terminate()


if __name__ == "__main__":
    main()
