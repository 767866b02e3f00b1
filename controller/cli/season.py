"""`station season`: days of plant time in minutes, with indicators as JSON and a picture."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from controller.cli.season_picture import PICTURES, Run, draw
from controller.cli.start import BAD_INPUT, FAILED, language, leave, plant_or_leave, read_or_leave
from controller.settings.check import Checked
from sim.outlook import Outlook
from sim.rig import Rig
from sim.scenario import Scenario, ScenarioError, load_scenario
from sim.season import BALANCE_LIMIT, differences, out_of_balance, run_season
from sim.weather import Weather, WeatherError, month_and_day, parse_cold_wave

_SHOWN = (
    ("heat_gj", "heat, GJ", 1),
    ("heat_gj_per_m2", "heat, GJ/m²", 4),
    ("peak_kw", "peak of 15 min, kW", 0),
    ("peak_w_per_m2", "peak of 15 min, W/m²", 1),
    ("pump_kwh", "pumps, kWh", 0),
    ("makeup_m3", "makeup, m³", 2),
    ("primary_return_c", "primary return by flow, °C", 2),
    ("degree_hours_below_20", "below 20 °C, K·h", 1),
    ("degree_hours_below_18", "below 18 °C, K·h", 1),
    ("degree_hours_above_24", "above 24 °C, K·h", 1),
    ("fee_refund", "fee refunded", 0),
    ("co2_kg", "CO₂, kg", 0),
    ("alarms", "alarms", 0),
)
_BALANCES = (
    ("energy_balance_error", "heat that does not add up, %"),
    ("mass_balance_error", "water that does not add up, %"),
)
_SHOWN_OF_CIRCUIT = (
    ("supply_error_mean_k", "supply error mean, K", 3),
    ("supply_error_95_k", "supply error 95 %, K", 2),
    ("valve_strokes_per_day", "valve strokes a day", 2),
    ("valve_starts_per_day", "valve starts a day", 0),
    ("pump_starts", "pump starts", 0),
)
_SHOWN_OF_HOT_WATER = (
    ("heat_gj", "heat, GJ", 1),
    ("drawn_m3", "drawn, m³", 1),
    ("drawn_c", "at the taps, °C", 1),
    ("pump_kwh", "pumps, kWh", 0),
)


def season(
    file: Annotated[Path, typer.Argument(help="Station file (YAML)", show_default=False)],
    weather: Annotated[
        str | None,
        typer.Option(help="Weather: a name that ships (harbin:7 = seed 7), CSV, EPW or climate file"),
    ] = None,
    days: Annotated[float, typer.Option(help="How many days", min=0.01, max=400)] = 7.0,
    from_day: Annotated[
        str | None,
        typer.Option("--from", help="First day, month-day like 10-20; default: the weather's first"),
    ] = None,
    cold_wave: Annotated[
        list[str] | None,
        typer.Option(
            help="Lay a cold wave over the weather, month-day:days:kelvin like 01-10:5:-8; repeatable"
        ),
    ] = None,
    scenario: Annotated[Path | None, typer.Option(help="Scenario file: what goes wrong when")] = None,
    compare: Annotated[
        Path | None,
        typer.Option(help="A second station file on the same weather; table, JSON and picture show both"),
    ] = None,
    step: Annotated[float, typer.Option(help="Seconds a scan", min=0.5, max=5)] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of noise and disturbances")] = 0,
    cold: Annotated[bool, typer.Option("--cold", help="Start with a cold, standing plant")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Start cold and without water in the loops")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the indicators here")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture here (needs matplotlib)")] = None,
) -> None:
    """Run a station against its simulated plant and report comfort, energy, wear and money.

    Example: station season config/demo.yaml --weather harbin --from 10-20 --days 182 --step 5 --json s.json

    Exit code 1 when heat or water of the run does not add up within 0.1 %: report and table are written, but
    worth nothing.
    """
    files = [file] if compare is None else [file, compare]
    stations = [read_or_leave(path) for path in files]
    _writable(json_file, plot)
    _drawable(plot)
    name = weather or _station(stations[0]).plant.weather
    rigs = []
    for checked in stations:
        played, start = _weather(name, from_day, cold_wave or [])
        make = partial(Rig, seed=seed, start_time=start, cold=cold, empty=empty, dt=step)
        rigs.append(_rig(make, checked, played, seed, scenario))
    if not rigs[0].plant.weather.sunny:
        typer.echo(f"weather {name} has no sun (no radiation in its data): none warms the houses", err=True)
    runs = _run(files, rigs, days)
    results = [{"file": str(run.file), **run.indicators} for run in runs]
    if json_file is not None:
        _write(json_file, json.dumps(_report(results), indent=1, ensure_ascii=False) + "\n")
    if plot is not None:
        draw(runs, plot)
    _show(results)
    wrong = [line for result in results for line in _not_adding_up(result)]
    if wrong:
        raise leave("\n".join(wrong), FAILED)


def _run(files: Sequence[Path], rigs: Sequence[Rig], days: float) -> list[Run]:
    """Each station for `days`, with a bar where a terminal shows it."""
    runs = []
    console = Console(stderr=True)
    with Progress(transient=True, console=console, disable=not console.is_terminal) as bar:
        for path, rig in zip(files, rigs, strict=True):
            task = bar.add_task(path.name, total=1.0)
            indicators, trace = run_season(rig, days, partial(_advance, bar, task))
            runs.append(Run(path, next(iter(rig.station.file.circuits)), indicators, trace))
    return runs


def _report(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What stands in the JSON: one run, or two and their differences."""
    if len(results) == 1:
        return results[0]
    first, second = results
    return {"first": first, "second": second, "difference": differences(first, second)}


def _not_adding_up(result: dict[str, Any]) -> list[str]:
    """One loud line for a run whose balances are beyond the limit."""
    found = out_of_balance(result)
    if not found:
        return []
    errors = ", ".join(f"{100 * result[key]:.3g} % {title.split(',')[0]}" for key, title in _BALANCES)
    return [
        f"{Path(result['file']).name}: DO NOT USE THIS RUN: {' and '.join(found)} out of balance "
        f"({errors}; allowed {100 * BALANCE_LIMIT:g} %)"
    ]


def _advance(bar: Progress, task: TaskID, share: float) -> None:
    bar.update(task, completed=share)


def _station(checked: Checked) -> Any:
    assert checked.file is not None
    return checked.file


def _weather(name: str, from_day: str | None, waves: list[str]) -> tuple[Weather, float]:
    """The weather with its waves, and where to start."""
    try:
        played = Weather.load(name)
        start = played.start if from_day is None else played.first(*month_and_day(from_day))
        for text in waves:
            month, day, lasts, kelvin = parse_cold_wave(text)
            played.lay_cold_wave(played.first(month, day, after=start), lasts, kelvin)
    except (WeatherError, OSError) as problem:
        raise leave(f"weather: {problem}", BAD_INPUT) from None
    return played, start


def _rig(
    make: Callable[..., Rig], checked: Checked, played: Weather, seed: int, scenario: Path | None
) -> Rig:
    """The station on its plant; leaves where the plant that the file describes cannot be."""
    file = _station(checked)
    with plant_or_leave(checked.path):
        return make(
            file,
            checked.profiles,
            played,
            scenario=_scenario(scenario, checked),
            outlook=Outlook(played, seed) if file.outdoor is not None else None,
        )


def _scenario(path: Path | None, checked: Checked) -> Scenario | None:
    if path is None:
        return None
    try:
        return load_scenario(
            path, _station(checked), language(None), written=_station(checked).outdoor is not None
        )
    except ScenarioError as problem:
        raise leave(str(problem), BAD_INPUT) from None


def _writable(*paths: Path | None) -> None:
    """Say so before a long run, not after it."""
    for path in paths:
        if path is not None and not os.access(path.absolute().parent, os.W_OK):
            raise leave(f"{path}: its folder does not exist or cannot be written", BAD_INPUT)


def _drawable(plot: Path | None) -> None:
    """Say before a long run that its picture cannot be drawn."""
    if plot is None:
        return
    if find_spec("matplotlib") is None:
        raise leave("--plot needs matplotlib (pip install matplotlib)")
    if plot.suffix.lower() not in PICTURES:
        raise leave(f"{plot}: no picture ends so (allowed: {', '.join(PICTURES)})", BAD_INPUT)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _show(results: list[dict[str, Any]]) -> None:
    """A table for people: one column a file, and the difference of two."""
    table = Table(title=f"{results[0]['days']:g} days in steps of {results[0]['step_s']:g} s")
    table.add_column("")
    for result in results:
        table.add_column(Path(result["file"]).name, justify="right")
    if len(results) == 2:
        table.add_column("difference", justify="right")
    for key, title, digits in _SHOWN:
        _row(table, title, [result[key] for result in results], digits)
    for key, title in _BALANCES:
        _row(table, title, [100.0 * result[key] for result in results], 6)
    for section, shown in (("circuits", _SHOWN_OF_CIRCUIT), ("hot_waters", _SHOWN_OF_HOT_WATER)):
        for name in dict.fromkeys(name for result in results for name in result[section]):
            parts = [result[section].get(name) for result in results]
            for key, title, digits in shown:
                _row(table, f"{name}: {title}", [part[key] if part else None for part in parts], digits)
    Console().print(table)


def _row(table: Table, title: str, values: list[float | None], digits: int) -> None:
    cells = ["–" if value is None else f"{value:.{digits}f}" for value in values]
    if len(values) == 2:
        first, second = values
        known = first is not None and second is not None
        cells.append(f"{second - first:+.{digits}f}" if known else "–")  # type: ignore[operator]
    table.add_row(title, *cells)
