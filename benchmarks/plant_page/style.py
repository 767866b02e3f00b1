"""How every figure of docs/plant.md looks: size, colours, lines."""

from __future__ import annotations

DPI = 100
COLOURS = 48
# Reference, ours, a second of ours; told apart without colour by their line styles too.
REFERENCE, OURS, SECOND, THIRD = "#111111", "#0072b2", "#d55e00", "#009e73"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "text.hinting": "none",
    "path.simplify": True,
}
