"""Pictures of a tuning: supply temperature and valve over time, in a terminal and as SVG.

Both are drawn from the samples that the tool took while it watched. Numbers that are none leave a gap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from controller.quantities import QUANTITIES
from controller.texts import duration, fill

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LABEL = 9
"""Columns in front of the picture, for the ends of its scale."""
_LEAST_SPAN = {"temperature": 2.0, "percent": 4.0}
"""A scale narrower than this would show noise as if it were movement."""


class Sample(NamedTuple):
    """`time` in s; supply temperature and its set-point in °C, opening of the valve in %. NaN: not known."""

    time: float
    supply: float
    setpoint: float
    valve: float


class Panel(NamedTuple):
    """One diagram: its text key, quantity, curve, and a dashed one beside it if there is one."""

    key: str
    quantity: str
    curve: Callable[[Sample], float]
    beside: Callable[[Sample], float] | None = None


PANELS = (
    Panel("tune.supply", "temperature", lambda s: s.supply, lambda s: s.setpoint),
    Panel("tune.valve", "percent", lambda s: s.valve),
)


def span(panel: Panel, samples: Sequence[Sample]) -> tuple[float, float]:
    """Ends of a diagram's scale: all that is drawn, and not less than a sensible range. NaN without any."""
    curves = [panel.curve] if panel.beside is None else [panel.curve, panel.beside]
    values = [value for curve in curves for sample in samples if math.isfinite(value := curve(sample))]
    if not values:
        return math.nan, math.nan
    low, high = min(values), max(values)
    missing = max(_LEAST_SPAN[panel.quantity] - (high - low), 0.0) / 2
    return low - missing, high + missing


def columns(samples: Sequence[Sample], curve: Callable[[Sample], float], width: int) -> list[float]:
    """Mean of the curve in `width` equal stretches of time; NaN where nothing was seen."""
    if not samples:
        return []
    begin, whole = samples[0].time, samples[-1].time - samples[0].time
    sums, counts = [0.0] * width, [0] * width
    for sample in samples:
        value = curve(sample)
        if math.isfinite(value):
            place = min(int((sample.time - begin) / whole * width), width - 1) if whole > 0 else 0
            sums[place] += value
            counts[place] += 1
    return [total / count if count else math.nan for total, count in zip(sums, counts, strict=True)]


def bars(values: Sequence[float], low: float, high: float, height: int) -> list[str]:
    """Rows, the top one first, of bars whose tops are the values in eighths of a row."""
    eighths = []
    for value in values:
        share = (value - low) / (high - low)
        # The lowest value still shows: a gap means that nothing was seen.
        inside = min(max(share, 0.0), 1.0)
        eighths.append(max(round(inside * 8 * height), 1) if math.isfinite(share) else 0)
    return [
        "".join(_EIGHTHS[min(max(filled - 8 * row, 0), 8)] for filled in eighths)
        for row in reversed(range(height))
    ]


def terminal(samples: Sequence[Sample], language: str, width: int = 72, height: int = 5) -> list[str]:
    """Lines, at most `width` characters, with both diagrams above one axis of time."""
    if not samples:
        return []
    # Fewer samples than columns would leave gaps that are none.
    inside = max(min(width - _LABEL, len(samples)), 1)
    lines: list[str] = []
    for panel in PANELS:
        low, high = span(panel, samples)
        if not math.isfinite(low):
            continue
        lines.append(_named(panel, language))
        quantity = QUANTITIES[panel.quantity]
        labels = {0: quantity.show(high), height - 1: quantity.show(low)}
        for row, bar in enumerate(bars(columns(samples, panel.curve, inside), low, high, height)):
            lines.append(f"{labels.get(row, ''):>{_LABEL - 1}} {bar}".rstrip())
    taken = duration(samples[-1].time - samples[0].time)
    axis = f"0{'─' * max(inside - len(taken) - 1, 1)}{taken}"
    return [*lines, " " * _LABEL + axis] if lines else []


def _named(panel: Panel, language: str) -> str:
    return " " * _LABEL + fill(panel.key, language, {})


# ---- SVG

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _GAP = 820, 260, 70, 20, 44, 46
_INK, _GRID, _CURVE, _BESIDE = "#333", "#ddd", "#c0392b", "#2c7fb8"


def svg(samples: Sequence[Sample], title: str, language: str) -> str:
    """A whole SVG document with both diagrams."""
    total = _TOP + len(PANELS) * (_HEIGHT + _GAP)
    body = [f'<text x="{_LEFT}" y="24" font-size="16">{escape(title)}</text>']
    for index, panel in enumerate(PANELS):
        body += _diagram(panel, samples, language, _TOP + index * (_HEIGHT + _GAP))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {total}" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}">\n'
        f'<rect width="{_WIDTH}" height="{total}" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _diagram(panel: Panel, samples: Sequence[Sample], language: str, top: float) -> list[str]:
    low, high = span(panel, samples)
    parts = [f'<text x="{_LEFT}" y="{top + 12}">{escape(fill(panel.key, language, {}))}</text>']
    top, height = top + 20, _HEIGHT - 20
    if not math.isfinite(low):
        return parts
    begin, whole = samples[0].time, max(samples[-1].time - samples[0].time, 1.0)
    inside = _WIDTH - _LEFT - _RIGHT

    def at(time: float, value: float) -> tuple[float, float]:
        return _LEFT + (time - begin) / whole * inside, top + (high - value) / (high - low) * height

    for value in ticks(low, high):
        _, y = at(begin, value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>')
        shown = escape(QUANTITIES[panel.quantity].show(value))
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>')
    for minute in ticks(0.0, whole / 60):
        x, _ = at(begin + 60 * minute, low)
        parts.append(f'<path d="M{x:.1f} {top}V{top + height}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{x:.1f}" y="{top + height + 16}" text-anchor="middle">{minute:g} min</text>')
    if panel.beside is not None:
        path = _path(samples, panel.beside, at)
        parts.append(f'<path d="{path}" fill="none" stroke="{_BESIDE}" stroke-dasharray="5 4"/>')
    path = _path(samples, panel.curve, at)
    parts.append(f'<path d="{path}" fill="none" stroke="{_CURVE}" stroke-width="1.5"/>')
    return parts


def _path(
    samples: Sequence[Sample],
    curve: Callable[[Sample], float],
    at: Callable[[float, float], tuple[float, float]],
) -> str:
    """Path data of the curve; it starts anew after each gap."""
    parts, pen = [], "M"
    for sample in samples:
        value = curve(sample)
        if not math.isfinite(value):
            pen = "M"
            continue
        x, y = at(sample.time, value)
        parts.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return "".join(parts)


def ticks(low: float, high: float, most: int = 8) -> list[float]:
    """Round numbers from `low` to `high`, at most `most` of them, one step (1, 2 or 5 × 10^n) apart."""
    raw = max(high - low, 1e-9) / (most - 1)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [step * n for n in range(first, math.floor(high / step + 1e-9) + 1)]
