"""`station demo`: simulated field, controller and live view of the demo station, all on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.start import language, leave
from controller.cli.watch import watch

PORT = 4840
PREFIX = "heat-station-demo-"
START_WITHIN_S = 60.0


def demo(
    seconds: Annotated[float, typer.Option(help="Stop by itself after so long (0: run until Ctrl-C)")] = 0.0,
    weather: Annotated[
        str | None,
        typer.Option(help="Weather: a name that ships (harbin:7 = seed 7), CSV, EPW or climate file"),
    ] = None,
    scenario: Annotated[Path | None, typer.Option(help="Scenario file: what goes wrong when")] = None,
    cold: Annotated[bool, typer.Option("--cold", help="Start with a cold, standing plant")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Start cold and without water in the loops")] = False,
    speed: Annotated[
        float, typer.Option(help="Plant time runs so many times as fast", min=0.1, max=10)
    ] = 1.0,
    speak: Annotated[str | None, typer.Option("--language", help="en or zh")] = None,
) -> None:
    """Run the demo station: simulated plant, controller, OPC UA server, live view.

    Example: station demo
    """
    for ending in (signal.SIGTERM, signal.SIGHUP):  # a terminal that is closed leaves no station behind
        signal.signal(ending, signal.default_int_handler)
    file = demo_file()
    endpoint = f"opc.tcp://127.0.0.1:{_free_port()}/heat-station"
    spoken = language(speak)
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        here = Path(folder)
        clock = [] if speed == 1.0 else ["--speed", f"{speed:g}", "--epoch", f"{time.time():.0f}"]  # noqa: TID251  # both processes need one real time
        plant = [word for word, wanted in (("--cold", cold), ("--empty", empty)) if wanted]
        plant += [] if weather is None else ["--weather", weather]
        plant += [] if scenario is None else ["--scenario", str(scenario)]
        simulate = ["sim", str(file), "--here", folder, *plant, *clock]
        control = ["run", str(file), "--here", folder, "--door", endpoint, *clock]
        with _child(simulate, here / "sim.log") as field:
            _wait_for(field, here / "sim.log", "ready")
            with _child(control, here / "run.log") as station:
                _wait_for(station, here / "run.log", "door_open")
                typer.echo(f"simulated field: {folder} (ports.json, sim.log)")
                typer.echo(f"controller log:  {here / 'run.log'}")
                typer.echo(f"OPC UA:          {endpoint}")
                typer.echo(f"in another terminal: station why low.valve_command --door {endpoint}", nl=True)
                with contextlib.suppress(KeyboardInterrupt, TimeoutError):
                    asyncio.run(_show(endpoint, spoken, seconds))
                if station.poll() is not None:
                    raise leave(f"the controller stopped by itself:\n{_tail(here / 'run.log')}")


def demo_file() -> Path:
    """The demo station's file: of the checkout, or installed beside the program."""
    for place in (Path(__file__).parents[2] / "config", Path(sys.prefix) / "share/heat-station/config"):
        if (place / "demo.yaml").is_file():
            return place / "demo.yaml"
    raise leave("config/demo.yaml is missing (run this in a checkout, or install the package again)")


async def _show(endpoint: str, spoken: str, seconds: float) -> None:
    """The live view; plain lines where no terminal can show it."""
    async with asyncio.timeout(seconds or None):
        if sys.stdout.isatty():
            await watch(endpoint, None, spoken, once=False)
            return
        while True:
            await watch(endpoint, None, spoken, once=True)
            await asyncio.sleep(10.0)  # noqa: TID251  # a terminal's reader lives in real time


def _free_port() -> int:
    """The door's usual port, or any other when somebody has it."""
    for port in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise leave("no free port on 127.0.0.1")


@contextlib.contextmanager
def _child(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "controller.cli.main", *arguments]
    with log.open("wb") as out:
        # Its own session: Ctrl-C is ours, and we stop it in order.
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, env=os.environ)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                process.kill()
                process.wait(5)


def _wait_for(process: subprocess.Popen[bytes], log: Path, word: str) -> None:
    begin = time.perf_counter()
    while time.perf_counter() - begin < START_WITHIN_S:
        if word in log.read_text(encoding="utf-8", errors="replace"):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise leave(f"did not start:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
