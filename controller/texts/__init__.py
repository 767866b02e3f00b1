"""The text catalogue: every sentence that a person reads, by key, in English and Chinese.

Code carries codes and values; the sentence is the reader's. Both languages stand side by side, with the
same placeholders (tested). A file's name begins with its group: `reason.yaml`, `reason-water.yaml`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import yaml

from controller.quantities import QUANTITIES

LANGUAGES = ("en", "zh")
Values = Iterable[tuple[str, float | str, str]]

_SEARCHED = ("reason", "alarm", "answer", "event", "choice")
"""Where `text` looks for a code, in this order."""
_NAMES_OF_POINTS = frozenset({"output", "point", "pump", "subject"})
_CODES_AS_VALUES = ("failure_", "quality_")
_FREE = re.compile(r"free_(above|below|differs|is)_.+_(seen|does|check)")
"""An alarm of the file: its code holds its limit, its words come with its values."""
_STAGES = re.compile(r"(pump|makeup|room_temperature|exchanger)_(\d+)(?:_(\w+))?")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All texts of a language by `group.key`. Raises KeyError for a language that is not there."""
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        # BaseLoader leaves keys such as `on` and `no` as they are written.
        group: dict[str, dict[str, str]] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for key, texts in group.items():
            found[f"{path.stem.partition('-')[0]}.{key}"] = texts[language]
    return found


def placeholders(text: str) -> set[str]:
    """Names that a text wants filled."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def fill(key: str, language: str, values: Mapping[str, str]) -> str:
    """The text of `group.key` with its placeholders filled; the bare key when there is no such text."""
    found = catalogue(language).get(key)
    if found is None:
        return key
    return found.format_map({name: values.get(name, "?") for name in placeholders(found)}).strip()


def text(code: str, language: str, values: Values = ()) -> str:
    """The sentence of a reason, part of an alarm (`frost_seen`), answer, event or choice; the bare code
    when there is none. Numbers get their units, codes and names of points their words; a value whose quantity
    is a language is only for that one."""
    known = catalogue(language)
    free = _FREE.fullmatch(code)
    if free is not None:
        code = f"free_{free[1]}_{free[2]}"
    keys = [*(f"{group}.{code}" for group in _SEARCHED), f"reason.rule_{code}"]
    key = next((key for key in keys if key in known), None)
    if key is None:
        return code
    mine = [row for row in values if row[2] not in LANGUAGES or row[2] == language]
    return fill(key, language, {name: _shown(name, value, kind, language) for name, value, kind in mine})


def choice(name: str, language: str) -> str:
    """Words of a choice's position, which may bear the name of a reason."""
    return catalogue(language).get(f"choice.{name}") or text(name, language).replace("_", " ")


def alarm(code: str, subject: str, language: str, values: Values = ()) -> str:
    """What was seen, what the station does now, what to check, about whom: one line."""
    given = list(values)
    parts = [text(f"{code}_{part}", language, given) for part in ("seen", "does", "check")]
    colon, space = ("：", "") if language == "zh" else (": ", " ")
    return f"{title(subject, language)}{colon}{space.join(parts)}"


def title(name: str, language: str, circuits: Mapping[str, str] | None = None) -> str:
    """A point's name for people: `low.pump_1_speed` → low circulation pump 1: speed command.

    `circuits`: names of the circuits for people (their `title` of the file). The bare name where a role
    is not known.
    """
    circuit, dot, role = name.partition(".")
    shown = (circuits or {}).get(circuit, circuit)
    if not dot:
        return shown
    words = _role(role, language)
    if words is None:
        return name
    return words if circuit == "station" else f"{shown} {words}"


def _role(role: str, language: str) -> str | None:
    """Words of what stands behind the dot, or None."""
    known = catalogue(language)
    if f"point.{role}" in known:
        return known[f"point.{role}"]
    colon = "：" if language == "zh" else ": "
    if role.endswith("_reason"):
        base = _role(role.removesuffix("_reason"), language)
        return f"{base}{colon}{known['point.reason']}" if base is not None else None
    staged = _STAGES.fullmatch(role)
    if staged is not None:
        base = fill(f"point.{staged[1]}", language, {"number": staged[2]})
        part = known.get(f"point.{staged[3]}")
        if staged[3] is None:
            return base
        return f"{base}{colon}{part}" if part is not None else None
    base, _, number = role.rpartition("_")
    return f"{known[f'point.{base}']} {number}" if number.isdigit() and f"point.{base}" in known else None


def _shown(name: str, value: float | str, quantity: str, language: str) -> str:
    if isinstance(value, str):
        if name in _NAMES_OF_POINTS:
            return title(value, language)
        if value.startswith(_CODES_AS_VALUES):
            return text(value, language)
        if name == "why":
            return catalogue(language).get(f"choice.{value}", value)
        return value or ("–" if name == "near" else "")
    if quantity == "flag" and value == value:
        return text("on" if value >= 0.5 else "off", language)
    if quantity == "time":
        return duration(value)
    return QUANTITIES[quantity].show(value)


def duration(seconds: float) -> str:
    """A time in the unit that reads best: 42 s, 15 min, 3.5 h, 2.0 d."""
    kind = QUANTITIES["time"]
    for unit, decimals in (("d", 1), ("h", 1), ("min", 0)):
        size = kind.factor(unit) or 1.0
        if seconds >= 2 * size and seconds != float("inf"):
            return f"{seconds / size:.{decimals}f} {unit}"
    return kind.show(seconds)
