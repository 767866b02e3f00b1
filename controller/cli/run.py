"""`station run`: the controller of one station."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.start import clock_of, errors_of, leave, set_up_logging, state_directory
from controller.service.boot import Boot
from controller.service.lines import NotHere, lines_of
from controller.service.service import Service

Here = Annotated[
    Path | None,
    typer.Option(
        help="Folder of a simulated field: pseudo-terminals and loopback ports instead of the file's wires"
    ),
]
Speed = Annotated[float, typer.Option(help="Plant time runs so many times as fast as real time")]
Epoch = Annotated[
    str | None, typer.Option(help="Time at which plant time and real time agree (with --speed)")
]


def run(
    file: Annotated[Path, typer.Argument(help="Station file (YAML)", show_default=False)],
    here: Here = None,
    state: Annotated[Path | None, typer.Option(help="Folder for state, history, users, certificate")] = None,
    door: Annotated[str | None, typer.Option(help="OPC UA endpoint instead of the file's")] = None,
    speed: Speed = 1.0,
    epoch: Epoch = None,
) -> None:
    """Run a station. Logs `ready` once every output was written once. A file that is broken, or that brings
    the program down again and again, is replaced by the last one that worked.

    Example: station run /etc/heat-station/station.yaml
    """
    clock = clock_of(speed, epoch)
    set_up_logging()
    directory = state_directory(file, here, state)
    boot = Boot(file, directory)
    if boot.checked.file is None:
        raise errors_of(boot.checked)
    try:
        lines = lines_of(boot.checked.file, here)
    except NotHere as problem:
        boot.ended()  # the caller's mistake, and no failed start
        raise leave(str(problem)) from None
    service = Service(boot.checked, lines, directory, clock, endpoint=door, boot=boot)
    asyncio.run(_until_stopped(service))


async def _until_stopped(service: Service) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    await service.run()
