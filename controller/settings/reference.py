"""The reference page of all keys of a station file, made from the models that read it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from controller.control.blocks.setpoint.weekdays import Days
from controller.fields import Amount, DayWindow, Flag, MonthDay, Name, Reference, Span, Switch, Whole, Words
from controller.quantities import QUANTITIES
from controller.settings.load import alternatives
from controller.settings.station import StationFile

_HEAD = """\
# Settings of a station file

Made by `station show settings` from the models that read the file; a test keeps both alike. A value is
written with its unit, in any unit of its row; ranges and defaults are told in the first one. `<name>`
stands for a name of your own. What is **adjustable** can also be changed while the station runs.
`station check FILE` says what is wrong, where, and what is allowed.
"""
_SCALARS: dict[Any, str] = {
    Flag: "yes, no",
    Name: "name: small letters, digits, _",
    Reference: "device.point",
    Whole: "whole number",
    Words: "text",
    DayWindow: "06-08, 22:30-05:00",
    Days: "mon-fri, sat, daily",
    MonthDay: "month-day: 10-20",
}


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    meaning: str
    value: str
    unit: str
    default: str
    adjustable: bool


def settings_page() -> str:
    """Markdown: one section for each key of the file's top, one table for each kind of thing below it."""
    parts = [_HEAD]
    for name, info in StationFile.model_fields.items():
        parts.append(f"## {name}\n\n{_about(info)}")
        for title, rows in _tables(name, info):
            parts += [f"### {title}\n"] if title else []
            parts.append(table_of(rows))
    return "\n".join(parts).rstrip() + "\n"


def table_of(rows: list[Row]) -> str:
    lines = ["| key | meaning | value | unit | default |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        meaning = f"{row.meaning} (**adjustable**)" if row.adjustable else row.meaning
        cells = (f"`{row.key}`", meaning, row.value, row.unit, row.default)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _about(info: FieldInfo) -> str:
    must = "Must be there." if info.is_required() else "May be left out."
    models = [model for model in models_of(info.annotation) if model.__doc__]
    return f"{models[0].__doc__} {must}\n" if len(models) == 1 else f"{must}\n"


def _tables(name: str, info: FieldInfo) -> Iterator[tuple[str, list[Row]]]:
    """A table a model; several where `kind` decides."""
    kind = get_origin(alternatives(info.annotation)[0])
    prefix = name + {dict: ".<name>", list: ".<number>"}.get(kind, "")
    models = models_of(info.annotation)
    told: list[Row] = []
    for model in models:
        title = f"`{prefix}` with `kind: {_kind(model)}`" if len(models) > 1 else ""
        rows = sorted(_rows(model, prefix), key=lambda row: row.key != f"{prefix}.kind")
        same = [row for row in rows if row in told]
        if len(same) > len(rows) / 2:
            title += ": as above, and"
            rows = [row for row in rows if row not in same]
        told += rows
        yield title, rows


def _kind(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


def models_of(annotation: Any) -> list[type[BaseModel]]:
    """Models of a type: itself, of a union, of a dict's values, or of a list's items."""
    found: list[type[BaseModel]] = []
    for choice in alternatives(annotation):
        if get_origin(choice) in (dict, list):
            found += models_of(get_args(choice)[-1])
        elif isinstance(choice, type) and issubclass(choice, BaseModel):
            found.append(choice)
    return found


def _rows(model: type[BaseModel], prefix: str) -> Iterator[Row]:
    for name, info in model.model_fields.items():
        path = f"{prefix}.{info.alias or name}"
        models = models_of(info.annotation)
        if models and get_origin(alternatives(info.annotation)[0]) is dict:
            path = f"{path}.<name>"
        elif models and get_origin(alternatives(info.annotation)[0]) is list:
            about = (info.description or "").strip(".")
            size = _size(info)
            kind = f"list of {size}with the keys below" if size else "list with the keys below"
            yield Row(path, about, kind, "", _default(info, None), False)
            path = f"{path}.<n>"
        for inner in models:
            about = (inner.__doc__ or "").strip().split("\n")[0].strip(".")
            if len(models) > 1:
                yield Row(f"{path}.kind: {_kind(inner)}", about, "", "", "", False)
            elif type(None) in get_args(info.annotation):
                yield Row(path, about, "the keys below", "", "none", False)
            rows = _rows(inner, path)
            yield from (row for row in rows if len(models) == 1 or not row.key.endswith(".kind"))
        if not models:
            yield row_of(path, info)


def row_of(path: str, info: FieldInfo) -> Row:
    annotation = alternatives(info.annotation)[0]
    marks = [*info.metadata, *_marks(info.annotation)]
    amount = next((mark for mark in marks if isinstance(mark, Amount | Span)), None)
    unit = QUANTITIES[amount.quantity].units() if amount is not None else ""
    value = _bounds(amount) if amount is not None else _value(annotation, info)
    adjustable = isinstance(amount, Amount) and amount.adjustable
    meaning = (info.description or "").strip(".")
    return Row(path, meaning, value, unit, _default(info, amount), adjustable)


def _marks(annotation: Any) -> list[Any]:
    """What Annotated carries, also inside of a union."""
    if get_origin(annotation) is Annotated:
        return list(get_args(annotation)[1:])
    if get_origin(annotation) in (dict, list):
        return []
    return [mark for part in get_args(annotation) for mark in _marks(part)]


def _bounds(amount: Amount | Span) -> str:
    if isinstance(amount, Switch):
        return ", ".join(amount.names)
    low, high = (_number(end, amount) for end in (amount.low, amount.high))
    text = f"{low} … {high}"
    if math.isinf(amount.high):
        text = "" if math.isinf(amount.low) else f"≥ {low}"
    elif math.isinf(amount.low):
        text = f"≤ {high}"
    return f"two values (`20…40`) within {text}" if isinstance(amount, Span) else text


def _value(annotation: Any, info: FieldInfo) -> str:
    """What may be written, for all that is no amount."""
    if get_origin(annotation) is Literal:
        return ", ".join(map(str, get_args(annotation)))
    if get_origin(annotation) is list:
        return f"list of {_size(info)}{_scalar(get_args(annotation)[0])}"
    if get_origin(annotation) is dict:
        key, inner = get_args(annotation)
        return f"{_size(info)}pairs, {_scalar(key)}: {_scalar(inner)}"
    ends = {type(mark).__name__: mark for mark in info.metadata}
    if "Ge" in ends and "Le" in ends:
        return f"{ends['Ge'].ge} … {ends['Le'].le}"
    readers = {part for mark in info.metadata for part in (mark, getattr(mark, "func", None))}
    for scalar, words in _SCALARS.items():
        if readers & {mark.func for mark in get_args(scalar)[1:]}:
            return words
    return next((w for s, w in _SCALARS.items() if set(_marks(s)) & set(_marks(info.annotation))), "text")


def _size(info: FieldInfo) -> str:
    ends = {type(mark).__name__: mark for mark in info.metadata}
    if "MinLen" in ends and "MaxLen" in ends:
        least, most = ends["MinLen"].min_length, ends["MaxLen"].max_length
        return f"{least} … {most} " if least != most else f"{most} "
    return ""


def _scalar(annotation: Any) -> str:
    """Words for a list's items or a dict's keys and values."""
    if get_origin(annotation) is list:
        return f"list of {_scalar(get_args(annotation)[0])}"
    amount = next((mark for mark in _marks(annotation) if isinstance(mark, Amount)), None)
    if amount is not None:
        return f"{_bounds(amount)} {QUANTITIES[amount.quantity].unit}"
    return next((words for scalar, words in _SCALARS.items() if scalar == annotation), "text")


def _default(info: FieldInfo, amount: Amount | Span | None) -> str:
    if info.is_required():
        return "must be given"
    default = info.default
    if default is None or default == {}:
        return "none"
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, dict):
        return ", ".join(f"{key:g}: {value:g}" for key, value in default.items())
    if amount is None:
        return str(default)
    if isinstance(amount, Switch):
        return amount.names[int(default)]
    ends = default if isinstance(default, tuple) else (default,)
    unit = "" if amount.quantity == "time" else QUANTITIES[amount.quantity].unit
    return f"{'…'.join(_number(end, amount) for end in ends)} {unit}".strip()


def _number(value: float, amount: Amount | Span) -> str:
    """Times in the largest unit that needs no decimals; the rest bare, its unit stands beside it."""
    if amount.quantity == "time" and math.isfinite(value):
        size, unit = next((size, unit) for size, unit in _TIMES if (value and value % size == 0) or size == 1)
        return f"{value / size:.10g} {unit}"
    return f"{value:.10g}"


_TIMES = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
