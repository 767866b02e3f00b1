"""docs/plant.md from its template: tables of parameters by name pattern, the table of comparisons, plots.

In the template stand alone on a line
    <!-- parameters: valve_* primary_strainer_drop_kpa -->   these fields of sim/physics/parameters.py
    <!-- comparisons: valve.py hydraulics.py -->             the rows of these models
    <!-- missed -->                                          every missed limit with its reason
and `![...](plant/NAME.png)` shows the plot NAME. Everything else is copied.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from fnmatch import fnmatch
from pathlib import Path

from sim.physics import parameters
from sim.physics.parameters import (
    GroupParameters,
    HotWaterParameters,
    PlantParameters,
    RoomParameters,
    ZoneParameters,
)
from tests.sim.validation_cases import Comparison

ROOT = Path(__file__).parents[2]
TEMPLATE = Path(__file__).with_name("template.md")
PAGE = ROOT / "docs" / "plant.md"
CLASSES = (PlantParameters, ZoneParameters, GroupParameters, RoomParameters, HotWaterParameters)
PREFIXES = {
    "GroupParameters": "groups.",
    "RoomParameters": "rooms.",
    "HotWaterParameters": "hot_waters.",
}
# A name's end says its unit; longer ends first.
UNITS = (
    ("_m2_per_m2", "m²/m²"),
    ("_w_per_m2", "W/m²"),
    ("_kw_per_k", "kW/K"),
    ("_kj_per_k", "kJ/K"),
    ("_w_per_k", "W/K"),
    ("_per_m_per_s", "1/(m/s)"),
    ("_kg_per_s", "kg/s"),
    ("_kg_per_flat", "kg a flat"),
    ("_m3_per_h", "m³/h"),
    ("_percent", "%"),
    ("_kpa", "kPa"),
    ("_hz", "Hz"),
    ("_kw", "kW"),
    ("_m2", "m²"),
    ("_m3", "m³"),
    ("_m", "m"),
    ("_k", "K"),
    ("_c", "°C"),
    ("_h", "h"),
    ("_s", "s"),
)
# Fields that are parts of the plant, not figures of it.
STRUCTURE = {"zones", "groups", "rooms", "hot_waters"}
# Two runs differ by rounding and library versions; the page is then still the same.
RELATIVE, DIGITS = 0.02, 1.5
_MARK = re.compile(r"<!-- (parameters|comparisons|missed)(?:: ([^>]*))? -->")
_NUMBER = re.compile(r"(?<![\w.])[-−+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def unit_of(name: str) -> str:
    """Unit of a parameter by the end of its name, empty for shares, counts and choices."""
    return next((unit for end, unit in UNITS if name.endswith(end)), "")


def parameter_comments() -> dict[tuple[str, str], str]:
    """What stands behind each field of the parameter classes, by (class, field)."""
    source = inspect.getsource(parameters)
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    _, _, comment = lines[(item.end_lineno or item.lineno) - 1].partition("  # ")
                    found[node.name, item.target.id] = comment.strip()
    return found


def parameter_rows() -> dict[str, str]:
    """A row of the table for every parameter by its name, with `groups.`, `rooms.` or `hot_waters.`
    before it."""
    comments = parameter_comments()
    rows = {}
    for owner in CLASSES:
        for one in fields(owner):
            if one.name in STRUCTURE:
                continue
            prefix = PREFIXES.get(owner.__name__, "")
            default = "–" if one.default is MISSING else str(one.default).replace('""', "") or "–"
            meaning = comments[owner.__name__, one.name]
            rows[prefix + one.name] = (
                f"| `{prefix}{one.name}` | {default} | {unit_of(one.name)} | {meaning} |"
            )
    return rows


def parameter_table(patterns: Sequence[str]) -> str:
    """Raises ValueError for a pattern that fits nothing."""
    rows = parameter_rows()
    chosen = []
    for pattern in patterns:
        fitting = [row for name, row in rows.items() if fnmatch(name, pattern)]
        if not fitting:
            raise ValueError(f"no parameter fits {pattern!r} of {TEMPLATE.name}")
        chosen += [row for row in fitting if row not in chosen]
    return "\n".join(["| parameter | default | unit | meaning |", "| --- | --- | --- | --- |", *chosen])


def figure(value: float) -> str:
    """A number with three digits, plain where that is short."""
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.1e}"


def reached(one: Comparison) -> str:
    """What was reached; what is only rounding is not told apart from zero."""
    floor = 1e-4 * one.limit
    return f"below {figure(floor)}" if abs(one.reached) < floor else figure(one.reached)


def comparison_row(one: Comparison) -> str:
    """A line of the table."""
    verdict = "passed" if one.passed else "**MISSED**"
    unit = f" {one.unit}" if one.unit else ""
    return f"| {one.name} | {one.reference} | {figure(one.limit)}{unit} | {reached(one)}{unit} | {verdict} |"


def comparison_table(comparisons: Sequence[Comparison], models: Sequence[str]) -> str:
    """The rows whose first model is one of `models`; raises ValueError where there is none."""
    rows = [comparison_row(one) for one in comparisons if one.model.split(",")[0] in models]
    if not rows:
        raise ValueError(f"no comparison of {', '.join(models)} for {TEMPLATE.name}")
    return "\n".join(["| what | reference | limit | reached | |", "| --- | --- | --- | --- | --- |", *rows])


def missed_list(comparisons: Sequence[Comparison]) -> str:
    """Every missed limit with its reason."""
    return "\n".join(
        f"- **MISSED** {one.name}: {reached(one)} {one.unit}, limit {figure(one.limit)}: "
        f"{one.missed_because}."
        for one in comparisons
        if not one.passed
    )


def fill(template: str, write: Callable[[str, list[str]], str | None]) -> str:
    """The template with each mark replaced by what `write(kind, words)` gives, or left where that is None."""

    def put(match: re.Match[str]) -> str:
        text = write(match.group(1), (match.group(2) or "").split())
        return match.group(0) if text is None else text

    return _MARK.sub(put, template)


def page(comparisons: Sequence[Comparison]) -> str:
    """The whole page."""

    def write(kind: str, words: list[str]) -> str:
        if kind == "parameters":
            return parameter_table(words)
        return missed_list(comparisons) if kind == "missed" else comparison_table(comparisons, words)

    return fill(TEMPLATE.read_text(encoding="utf-8"), write)


def page_without_run() -> list[str]:
    """The page cut at what only a run knows: pieces that all stand in a current page, in this order."""
    template = TEMPLATE.read_text(encoding="utf-8")
    text = fill(template, lambda kind, words: parameter_table(words) if kind == "parameters" else None)
    return [piece.strip("\n") for piece in _MARK.sub("\0", text).split("\0")]


def _last_digit(number: str) -> float:
    mantissa, _, exponent = number.partition("e")
    return float(10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])))


def same_line(one: str, two: str) -> bool:
    """Whether two lines say the same, numbers within 2 % or one and a half of the coarser last digit."""
    one, two = (text.replace("below ", "") for text in (one, two))
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", two):
        return False
    for a, b in zip(_NUMBER.findall(one), _NUMBER.findall(two), strict=True):
        x, y = (float(text.replace("−", "-")) for text in (a, b))
        step = max(_last_digit(a), _last_digit(b))
        if not abs(x - y) <= max(RELATIVE * max(abs(x), abs(y)), DIGITS * step):
            return False
    return True


def differences(committed: str, fresh: str) -> list[str]:
    """Lines in which the page on disk is not the fresh one, as two lines each."""
    old, new = committed.splitlines(), fresh.splitlines()
    if len(old) != len(new):
        return [f"the page has {len(old)} lines, a fresh one {len(new)}"]
    return [f"- {a}\n+ {b}" for a, b in zip(old, new, strict=True) if not same_line(a, b)]
