"""The words as JSON: how terms, points and alarms travel through the door, and back.

JSON has no infinity and no NaN: an open end of a range and a missing value are null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from controller.points import AlarmView, PointInfo, Term

Values = tuple[tuple[str, float | str, str], ...]


def _dump(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _values(values: Values) -> list[list[Any]]:
    return [[name, v if isinstance(v, str) else _number(v), quantity] for name, v, quantity in values]


def _values_back(rows: Iterable[Any]) -> Values:
    return tuple(
        (str(name), v if isinstance(v, str) else math.nan if v is None else float(v), str(quantity))
        for name, v, quantity in rows
    )


def _term(term: Term) -> dict[str, Any]:
    data: dict[str, Any] = {"code": term.code}
    if term.values:
        data["values"] = _values(term.values)
    if term.children:
        data["children"] = [_term(child) for child in term.children]
    return data


def _term_back(data: dict[str, Any]) -> Term:
    return Term(
        str(data["code"]),
        _values_back(data.get("values", ())),
        tuple(_term_back(child) for child in data.get("children", ())),
    )


def term_to_json(term: Term) -> str:
    """An explanation with everything that it rests on."""
    return _dump(_term(term))


def term_from_json(text: str) -> Term:
    """The explanation that `term_to_json` wrote. ValueError, KeyError or TypeError when it did not."""
    return _term_back(json.loads(text))


def catalogue_to_json(catalogue: Iterable[PointInfo]) -> str:
    """The fixed part of all points, in the snapshot's order."""
    return _dump(
        [
            {
                "name": info.name,
                "quantity": info.quantity,
                "role": info.role,
                "choices": list(info.choices),
                "low": _number(info.low),
                "high": _number(info.high),
                "writable": info.writable,
            }
            for info in catalogue
        ]
    )


def catalogue_from_json(text: str) -> tuple[PointInfo, ...]:
    """The catalogue that `catalogue_to_json` wrote. ValueError, KeyError or TypeError when it did not."""
    return tuple(
        PointInfo(
            str(row["name"]),
            str(row["quantity"]),
            str(row["role"]),
            tuple(str(choice) for choice in row["choices"]),
            -math.inf if row["low"] is None else float(row["low"]),
            math.inf if row["high"] is None else float(row["high"]),
            bool(row["writable"]),
        )
        for row in json.loads(text)
    )


def alarms_to_json(alarms: Iterable[AlarmView]) -> str:
    """The standing and the unacknowledged alarms."""
    return _dump(
        [
            {
                "code": alarm.code,
                "subject": alarm.subject,
                "priority": alarm.priority,
                "since": alarm.since,
                "ended": alarm.ended,
                "acknowledged": alarm.acknowledged,
                "values": _values(alarm.values),
                "hidden_by": alarm.hidden_by,
                "shelved_until": alarm.shelved_until,
                "shelved_by": alarm.shelved_by,
                "first": alarm.first,
            }
            for alarm in alarms
        ]
    )


def alarms_from_json(text: str) -> tuple[AlarmView, ...]:
    """The alarms that `alarms_to_json` wrote. ValueError, KeyError or TypeError when it did not."""
    return tuple(
        AlarmView(
            str(row["code"]),
            str(row["subject"]),
            str(row["priority"]),
            float(row["since"]),
            None if row["ended"] is None else float(row["ended"]),
            bool(row["acknowledged"]),
            _values_back(row["values"]),
            str(row.get("hidden_by", "")),
            None if row.get("shelved_until") is None else float(row["shelved_until"]),
            str(row.get("shelved_by", "")),
            bool(row.get("first", False)),
        )
        for row in json.loads(text)
    )
