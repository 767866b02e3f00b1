"""Pictures of `station season`: one run in two panels, or two on the same weather, quantity by quantity."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.season import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES = (".png", ".svg", ".pdf", ".jpg")
_DPI = 110
# Broad and light below, narrow and dark above: both are seen where they agree, and without colour.
_FIRST: dict[str, Any] = {"color": "#f0a860", "linewidth": 3.0}
_SECOND: dict[str, Any] = {"color": "#00507f", "linewidth": 1.0}
_IN_THE_LINE = (
    ("heat_gj", "heat", "GJ", 2),
    ("pump_kwh", "pumps", "kWh", 1),
    ("makeup_m3", "makeup", "m³", 2),
    ("primary_return_c", "primary return", "K", 2),
    ("degree_hours_below_20", "below 20 °C", "K·h", 1),
    ("degree_hours_above_24", "above 24 °C", "K·h", 1),
    ("alarms", "alarms", "", 0),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What a file came to: its indicators (see `sim.season.run_season`) and the trace of `circuit`."""

    file: Path
    circuit: str
    indicators: dict[str, Any]
    trace: Trace


def draw(runs: Sequence[Run], path: Path) -> None:
    """Write one run, or two of the same weather, to `path`: whole or not at all. Needs matplotlib."""
    figure = _one(runs[0].trace) if len(runs) == 1 else _two(runs[0], runs[1])
    beside = path.with_name(f".{path.stem}.new{path.suffix}")
    figure.savefig(beside, dpi=_DPI)
    os.replace(beside, path)


def labels(first: Run, second: Run) -> tuple[str, str]:
    """Name of each file, with its folder or circuit where the names alone do not tell them apart."""
    names = [first.file.name, second.file.name]
    if names[0] == names[1]:
        names = [str(first.file), str(second.file)]
    if first.circuit != second.circuit:
        names = [f"{name}: {run.circuit}" for name, run in zip(names, (first, second), strict=True)]
    return names[0], names[1]


def difference_line(first: Run, second: Run) -> str:
    """What the second is more or less than the first, of the whole station, in one line."""
    parts = []
    for key, what, unit, digits in _IN_THE_LINE:
        was, now = float(first.indicators[key]), float(second.indicators[key])
        share = f" ({100.0 * (now - was) / was:+.1f} %)" if unit in ("GJ", "kWh") and was > 0.0 else ""
        parts.append(f"{what} {now - was:+.{digits}f}{unit and ' ' + unit}{share}")
    one, two = labels(first, second)
    return f"{two} less {one}: {', '.join(parts)}"


def _one(trace: Trace) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7))
    upper, lower = figure.subplots(2, 1, sharex=True)
    days = _days(trace)
    upper.plot(days, trace.setpoint, label="supply set-point", color="0.6", linewidth=2.5)
    upper.plot(days, trace.supply, label="supply", color="tab:red")
    upper.plot(days, trace.back, label="return", color="tab:blue")
    upper.plot(days, trace.room, label="room", color="tab:green")
    upper.plot(days, trace.outdoor, label="outdoor", color="tab:cyan")
    upper.set_ylabel("°C")
    upper.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, frameon=False)
    lower.plot(days, trace.valve, color="tab:purple")
    _valve_axis(lower)
    upper.grid(alpha=0.3)
    lower.grid(alpha=0.3)
    figure.tight_layout()
    return figure


def _two(first: Run, second: Run) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 10), layout="constrained")
    weather, supply, back, room, valve = figure.subplots(5, 1, sharex=True, height_ratios=(1, 2, 2, 1.4, 1.4))
    weather.plot(_days(first.trace), first.trace.outdoor, color="0.3", linewidth=1.0)
    for run, label, style in zip((first, second), labels(first, second), (_FIRST, _SECOND), strict=True):
        trace, days = run.trace, _days(run.trace)
        supply.plot(days, trace.supply, label=label, **style)
        supply.plot(days, trace.setpoint, color=style["color"], linewidth=0.8, linestyle=":")
        back.plot(days, trace.back, **style)
        room.plot(days, trace.room, **style)
        valve.plot(days, trace.valve, **style)
    weather.set_ylabel("outdoor, °C")
    supply.set_ylabel("supply, °C\n(dotted: set-point)")
    back.set_ylabel("return, °C")
    room.set_ylabel("room, °C")
    _valve_axis(valve)
    for axis in (weather, supply, back, room, valve):
        axis.grid(alpha=0.3)
    figure.legend(*supply.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    figure.supxlabel(difference_line(first, second), fontsize="small", wrap=True)
    return figure


def _days(trace: Trace) -> list[float]:
    return [hours / 24.0 for hours in trace.hours]


def _valve_axis(axis: Axes) -> None:
    axis.set_ylabel("valve, %")
    axis.set_xlabel("days")
    axis.set_ylim(-2, 102)
