"""`station sim`: the simulated field of a station on its wires."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.run import Epoch, Here, Speed
from controller.cli.start import BAD_INPUT, clock_of, language, leave, plant_or_leave, read_or_leave
from controller.settings.station import StationFile
from sim.scenario import Scenario, ScenarioError, load_scenario
from sim.simulator import CannotServe, Simulator
from sim.weather import Weather, WeatherError


def sim(
    file: Annotated[Path, typer.Argument(help="Station file (YAML)", show_default=False)],
    here: Here = None,
    weather: Annotated[
        str | None,
        typer.Option(help="Weather: a name that ships (harbin:7 = seed 7), CSV, EPW or climate file"),
    ] = None,
    scenario: Annotated[Path | None, typer.Option(help="Scenario file: what goes wrong when")] = None,
    seed: Annotated[int, typer.Option(help="Seed of noise and disturbances")] = 0,
    cold: Annotated[bool, typer.Option("--cold", help="Start with a cold, standing plant")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Start cold and without water in the loops")] = False,
    speed: Speed = 1.0,
    epoch: Epoch = None,
) -> None:
    """Serve every device that the file names. Prints `ready` when all listen.

    Example: station sim config/demo.yaml --here /tmp/station
    """
    checked = read_or_leave(file)
    assert checked.file is not None
    clock = clock_of(speed, epoch)
    try:
        played = Weather.load(weather or checked.file.plant.weather)
    except (WeatherError, OSError) as problem:
        raise leave(f"weather: {problem}", BAD_INPUT) from None
    with plant_or_leave(file):
        script = _script(scenario, checked.file)
        simulator = Simulator(
            checked.file,
            checked.profiles,
            played,
            clock,
            seed=seed,
            cold=cold,
            empty=empty,
            scenario=script,
        )
    try:
        asyncio.run(_serve(simulator, here))
    except (CannotServe, ValueError) as problem:
        raise leave(f"{file}: {problem}") from None
    except OSError as problem:
        raise leave(f"{file}: {problem}") from None


def _script(path: Path | None, file: StationFile) -> Scenario | None:
    if path is None:
        return None
    try:
        return load_scenario(path, file, language(None))
    except ScenarioError as problem:
        raise leave(str(problem), BAD_INPUT) from None


async def _serve(simulator: Simulator, here: Path | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await simulator.start(here)
        task = asyncio.create_task(simulator.run())
        for name, address in simulator.addresses.items():
            typer.echo(f"{name}: {address}")
        typer.echo("ready")
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    finally:
        simulator.close()
