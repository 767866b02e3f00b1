"""The picture of a trip: curves with time zero at the trip, and the alarms as bars below, the cause first."""

from __future__ import annotations

import logging
import math
import os
import warnings
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.cli.trip_story import Bar, bars_of, cause_said, label, panels_of, said, when
from controller.points import PointInfo, Quality
from controller.quantities import QUANTITIES
from controller.store.trip_files import Columns, Trip
from controller.texts import choice, fill

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST_CHINESE = "⺀"
"""Unicode: radicals, ideographs and full-width signs stand from here on."""
CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Droid Sans Fallback",
)
MOST_BARS = 14
_COLOURS = ("0.55", "tab:red", "tab:blue", "tab:orange", "tab:purple", "tab:green", "tab:brown")
_BARS = {"urgent": "tab:red", "high": "tab:orange", "warning": "gold"}


class NoPlots(Exception):
    """matplotlib is not installed."""


def chinese_font() -> str:
    """A font of this machine with Chinese signs, or empty. Raises NoPlots."""
    try:
        from matplotlib.font_manager import get_font_names
    except ImportError:
        raise NoPlots from None
    known = set(get_font_names())
    return next((name for name in CHINESE_FONTS if name in known), "")


def draw(trip: Trip, columns: Columns, path: Path, language: str) -> None:
    """Write the picture (PNG, SVG or PDF by the name). Raises NoPlots or OSError.

    Chinese in an SVG is text and needs a font only where it is looked at.
    """
    font = chinese_font()
    with warnings.catch_warnings():
        # Signs that no font here has: empty boxes in a picture, and nothing at all in an SVG.
        warnings.simplefilter("ignore", UserWarning)
        _draw(trip, columns, path, language, font)


def _draw(trip: Trip, columns: Columns, path: Path, language: str, font: str) -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

    panels, bars = panels_of(trip), bars_of(trip, columns)[:MOST_BARS]
    families = [*([font] if font else CHINESE_FONTS[:1]), "DejaVu Sans"]
    with rc_context({"font.family": families, "svg.fonttype": "none", "axes.unicode_minus": False}):
        heights = [3.0] + [2.0] * (len(panels) - 1) + [0.35 * max(len(bars), 2) + 0.3]
        figure = Figure(figsize=(12, sum(heights) + 1.2), layout="constrained")
        axes: list[Axes] = list(
            figure.subplots(
                len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
            )[:, 0]
        )
        shown = trip.station if font or path.suffix.lower() == ".svg" else _without_chinese(trip.station)
        figure.suptitle(_title(trip, shown, language), fontsize=13)
        minutes = array("d", [offset / 60 for offset in columns.offsets])
        for axis, (quantity, infos) in zip(axes, panels, strict=False):
            _curves(axis, quantity, infos, trip, columns, minutes, language)
        _alarms(axes[-1], bars, 0.004 * (columns.offsets[-1] - columns.offsets[0]), language)
        for axis in axes:
            for after, _ in trip.trips:
                axis.axvline(after / 60, color="tab:red", linewidth=1.2 if after == 0 else 0.6, alpha=0.7)
            axis.set_xlim(minutes[0], max(minutes[-1], minutes[0] + 1 / 60))
            axis.grid(alpha=0.3)
        axes[-1].set_xlabel(fill("export.axis", language, {}))
        beside = path.with_name(f".{path.stem}.new{path.suffix}")
        figure.savefig(beside, dpi=110)
    os.replace(beside, path)


def _without_chinese(name: str) -> str:
    """What a font without Chinese signs can show of a name, instead of boxes."""
    return "".join(sign for sign in name if sign < FIRST_CHINESE).strip() or "–"


def _title(trip: Trip, station: str, language: str) -> str:
    head = {"number": str(trip.number), "station": station, "time": when(trip.wall)}
    return f"{fill('export.head', language, head)}\n{cause_said(trip, trip.cause, language)}"


def _curves(
    axis: Axes,
    quantity: str,
    infos: list[PointInfo],
    trip: Trip,
    columns: Columns,
    minutes: array[float],
    language: str,
) -> None:
    """Curves of one quantity; contacts one above the other. A bad value leaves a gap."""
    flags = quantity == "flag"
    for place, info in enumerate(infos):
        values = _usable(columns, info.name)
        if flags:
            values = [value * 0.8 + len(infos) - 1 - place for value in values]
        steps: dict[str, Any] = {"drawstyle": "steps-post"} if flags or info.choices else {}
        colour = _COLOURS[place % len(_COLOURS)]
        width = 2.5 if info.name.endswith("setpoint") else 1.3
        axis.plot(minutes, values, label=label(info, trip, language), color=colour, linewidth=width, **steps)
    axis.legend(loc="upper left", fontsize=8, ncols=min(len(infos), 4), frameon=False)
    if flags:
        axis.set_yticks([])
    elif len(infos) == 1 and infos[0].choices:
        axis.set_yticks(range(len(infos[0].choices)), [choice(name, language) for name in infos[0].choices])
    else:
        axis.set_ylabel(QUANTITIES[quantity].unit)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.18 * (high - low))  # room for the legend


def _usable(columns: Columns, name: str) -> list[float]:
    pairs = zip(columns.values[name], columns.qualities[name], strict=True)
    return [math.nan if quality == Quality.BAD else value for value, quality in pairs]


def _alarms(axis: Axes, bars: list[Bar], least_s: float, language: str) -> None:
    """A bar for each alarm, `least_s` long at least; what stood behind a cause is pale."""
    axis.set_yticks([])
    axis.set_ylim(-max(len(bars), 2) + 0.4, 0.6)
    for row, bar in enumerate(bars):
        begin, length = bar.begin / 60, max(bar.end - bar.begin, least_s, 1.0) / 60
        colour = _BARS.get(bar.priority, "gold")
        axis.barh(-row, length, left=begin, height=0.7, color=colour, alpha=0.25 if bar.hidden else 0.55)
        words = said(bar.code, bar.subject, bar.values, language)
        axis.text(0.005, -row, words[:110], transform=axis.get_yaxis_transform(), fontsize=8, va="center")
