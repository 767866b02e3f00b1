"""A trip of the black box in words: what tripped, which points matter, which alarms stood when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from controller.cli.why import ALARM, told
from controller.points import Event, PointInfo, Quality
from controller.quantities import QUANTITIES
from controller.store.trip_files import Columns, Trip
from controller.texts import fill, text, title

Values = tuple[tuple[str, float | str, str], ...]
_PUMPS = re.compile(r"(pump|makeup)_\d+_frequency|pump_\d+_running|makeup_\d+_running")
PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("temperature", ("supply_setpoint", "supply_temperature", "return_temperature")),
    ("percent", ("valve_command", "valve_position")),
    ("pressure", ("supply_pressure", "return_pressure", "differential_pressure")),
)
"""What matters of a circuit, by quantity; its pumps follow, and the point of the alarm goes first."""
_STATION = ("station.primary_supply_temperature",)


@dataclass(frozen=True, slots=True)
class Bar:
    """An alarm over time: offsets from the trip in seconds, cut to what the record holds."""

    code: str
    subject: str
    priority: str
    begin: float
    end: float
    hidden: bool
    values: Values = ()


def when(wall: float) -> str:
    """Date and time of this machine."""
    return datetime.fromtimestamp(wall, UTC).astimezone().isoformat(sep=" ", timespec="seconds")[:19]


def circuit_of(trip: Trip) -> str:
    """The circuit that tripped; the first one for a trip of the whole station."""
    circuits = [
        info.name.partition(".")[0] for info in trip.catalogue if info.name.endswith(".valve_command")
    ]
    for _, cause in trip.trips:
        name = cause.partition("@")[2].partition(".")[0]
        if name in circuits:
            return name
    return circuits[0] if circuits else ""


def panels_of(trip: Trip) -> list[tuple[str, list[PointInfo]]]:
    """Points that matter, in groups of one quantity; the alarm's own point first where it is none of them."""
    infos = {info.name: info for info in trip.catalogue}
    circuit = circuit_of(trip)
    groups = [
        (quantity, [infos[name] for role in roles if (name := f"{circuit}.{role}") in infos])
        for quantity, roles in PANELS
    ]
    groups[0][1].extend(infos[name] for name in _STATION if name in infos)
    pumps = [info for info in trip.catalogue if _PUMPS.fullmatch(info.name.removeprefix(f"{circuit}."))]
    for quantity in ("frequency", "flag"):
        groups.append((quantity, [info for info in pumps if info.quantity == quantity]))
    own = infos.get(trip.cause.partition("@")[2])
    if own is not None and all(own not in points for _, points in groups):
        groups.insert(0, (own.quantity, [own]))
    return [(quantity, points) for quantity, points in groups if points]


def label(info: PointInfo, trip: Trip, language: str) -> str:
    """A point's name without that of the circuit that the picture is about."""
    circuit = circuit_of(trip)
    return title(info.name, language, {circuit: ""}).strip()


def said(code: str, subject: str, values: Values, language: str) -> str:
    """What an alarm has seen, about whom; for a row without an alarm its reason."""
    words = told(code, language, values, ALARM) if values or _has(code, language) else text(code, language)
    return f"{title(subject, language)}{'：' if language == 'zh' else ': '}{words}"


def _has(code: str, language: str) -> bool:
    """Has the alarm a sentence that needs no values?"""
    words = text(ALARM.format(code), language)
    return words != ALARM.format(code) and "?" not in words


def cause_said(trip: Trip, cause: str, language: str) -> str:
    """A cause in words, with the values of its alarm where it became one."""
    code, _, subject = cause.partition("@")
    values = next((bar.values for bar in bars_of(trip) if (bar.code, bar.subject) == (code, subject)), ())
    return said(code, subject, values, language)


def bars_of(trip: Trip, columns: Columns | None = None) -> list[Bar]:
    """Alarms of the record by their beginning, that of the cause first."""
    begin, end = (columns.offsets[0], columns.offsets[-1]) if columns is not None else (-1e9, 1e9)
    views = {(view.code, view.subject): view for view in trip.alarms}
    bars: list[Bar] = []
    open_since: dict[tuple[str, str], Event] = {}

    def close(event: Event, until: float) -> None:
        view = views.get((event.code, event.subject))
        priority = view.priority if view is not None else "warning"
        since = max(event.time - trip.time, begin)
        bars.append(Bar(event.code, event.subject, priority, since, min(until, end), False, event.values))

    for event in trip.events:
        key = (event.code, event.subject)
        if event.kind == "alarm":
            open_since[key] = event
        elif event.kind == "clear" and key in open_since:
            close(open_since.pop(key), event.time - trip.time)
    for event in open_since.values():
        close(event, end)
    seen = {(bar.code, bar.subject) for bar in bars}
    for key, view in views.items():
        until = end if view.ended is None else view.ended - trip.time
        if key not in seen and until >= begin:
            since = max(view.since - trip.time, begin)
            bars.append(Bar(*key, view.priority, since, until, bool(view.hidden_by), view.values))
    first = trip.cause.partition("@")
    bars.sort(key=lambda bar: ((bar.code, bar.subject) != (first[0], first[2]), bar.hidden, bar.begin))
    return bars


def story(trip: Trip, language: str) -> Iterable[str]:
    """Lines for a terminal: the trip, then what happened around it with its time from the trip."""
    yield fill(
        "export.head",
        language,
        {"number": str(trip.number), "station": trip.station, "time": when(trip.wall)},
    )
    if not trip.complete:
        yield fill("export.incomplete", language, {})
    rows = [(after, f"▲ {cause_said(trip, cause, language)}") for after, cause in trip.trips]
    rows += [
        (event.time - trip.time, f"{_MARKS[event.kind]} {_event_said(event, language)}")
        for event in trip.events
        if event.kind in _MARKS
    ]
    rows.sort(key=lambda row: row[0])
    for after, words in rows:
        yield f"{after:+8.1f} s  {words}"
    for cause, count in trip.skipped:
        yield fill("export.skipped", language, {"cause": cause, "count": str(count)})


_MARKS = {"alarm": "!", "clear": "✓", "command": ">", "effect": ">", "acknowledge": ">"}


def _event_said(event: Event, language: str) -> str:
    if event.kind in ("command", "effect", "acknowledge"):
        who = f"{event.user}: " if event.user else ""
        words = told(event.code, language, event.values) if event.kind != "acknowledge" else event.code
        return f"{who}{title(event.subject, language)}: {words}"
    return said(event.code, event.subject, event.values, language)


def cell(info: PointInfo, value: float, quality: int) -> str:
    """A value for a table: empty when it is bad, a choice by its name, a number in its unit."""
    if quality == Quality.BAD or value != value:
        return ""
    if info.choices and 0 <= int(value) < len(info.choices):
        return info.choices[int(value)]
    digits = QUANTITIES[info.quantity].decimals + 2
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") or "0"


def heading(info: PointInfo) -> str:
    """Name and unit."""
    unit = QUANTITIES[info.quantity].unit
    return f"{info.name} [{unit}]" if unit else info.name
