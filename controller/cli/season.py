"""`station season`: days of plant time in minutes, with indicators as JSON and a picture."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from controller.cli.start import BAD_INPUT, leave, read_or_leave
from controller.station import CannotRun
from controller.texts import fill
from sim.rig import Rig
from sim.season import Trace, run_season
from sim.weather import Weather, WeatherError


def season(
    file: Annotated[Path, typer.Argument(help="Station file (YAML)", show_default=False)],
    weather: Annotated[str | None, typer.Option(help="Weather: a name that ships, or a CSV of hours")] = None,
    days: Annotated[float, typer.Option(help="How many days", min=0.01, max=400)] = 7.0,
    step: Annotated[float, typer.Option(help="Seconds a scan", min=0.5, max=5)] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of noise and disturbances")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the indicators here")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture here (needs matplotlib)")] = None,
) -> None:
    """Run a station against its simulated plant and report comfort, energy and wear.

    Example: station season config/demo.yaml --weather shenyang_2013_01 --days 7 --json /tmp/season.json
    """
    checked = read_or_leave(file)
    assert checked.file is not None
    try:
        played = Weather.load(weather or checked.file.plant.weather)
        rig = Rig(checked.file, checked.profiles, played, seed=seed, dt=step)
    except (WeatherError, OSError) as problem:
        raise leave(f"weather: {problem}", BAD_INPUT) from None
    except CannotRun as problem:
        raise leave(
            f"{file}: {fill(f'run.{problem.code}', 'en', {'subject': problem.subject})}", BAD_INPUT
        ) from None
    with Progress(transient=True) as bar:
        task = bar.add_task("season", total=1.0)
        indicators, trace = run_season(rig, days, lambda share: bar.update(task, completed=share))
    text = json.dumps(indicators, indent=1)
    if json_file is not None:
        partial = json_file.with_name(json_file.name + ".new")
        partial.write_text(text + "\n", encoding="utf-8")
        os.replace(partial, json_file)
    if plot is not None:
        _plot(trace, plot)
    typer.echo(text)


def _plot(trace: Trace, path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise leave("--plot needs matplotlib (pip install matplotlib)") from None
    figure = Figure(figsize=(12, 7))
    upper, lower = figure.subplots(2, 1, sharex=True)
    days = [hours / 24 for hours in trace.hours]
    upper.plot(days, trace.setpoint, label="supply set-point", color="0.6", linewidth=2.5)
    upper.plot(days, trace.supply, label="supply", color="tab:red")
    upper.plot(days, trace.back, label="return", color="tab:blue")
    upper.plot(days, trace.room, label="room", color="tab:green")
    upper.plot(days, trace.outdoor, label="outdoor", color="tab:cyan")
    upper.set_ylabel("°C")
    upper.legend(loc="upper right", ncols=5)
    upper.grid(alpha=0.3)
    lower.plot(days, trace.valve, color="tab:purple")
    lower.set_ylabel("valve %")
    lower.set_xlabel("days")
    lower.set_ylim(0, 100)
    lower.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
