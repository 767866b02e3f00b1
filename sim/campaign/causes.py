"""Which alarm names which fault and how soon, what else a fault may bring about, and whom an alarm accuses.

The tables are read from the top; the first row that fits counts. A fault that no measured value can show has
no row: it is asked to harm nobody, not to be told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from controller.station import Station
from sim.campaign.cells import Break, Cell

_HOUR, _DAY = 3600.0, 86400.0
ASKED_PERCENT = 3.0
"""A valve that does not do what it is told can be found once it is told something: its time counts from the
moment its command and its true position are so far apart."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Any of `codes` about `subject` (empty: about anything) within `within_s`; `asked`: since it was asked
    to do something that it cannot. `sensors`: those that broke, where any subject is right but for an alarm
    about a single sensor."""

    codes: tuple[str, ...]
    subject: str = ""
    within_s: float = 120.0
    asked: bool = False
    sensors: tuple[str, ...] = ()

    def names(self, code: str, subject: str) -> bool:
        """True for an alarm that tells this."""
        if self.sensors and code == "input_bad":
            return code in self.codes and subject in self.sensors
        return code in self.codes and subject.startswith(self.subject)

    def __str__(self) -> str:
        return " or ".join(self.codes) + (f"@{self.subject}" if self.subject else "")


@dataclass(frozen=True, slots=True)
class _Row:
    """`on` and `kind` are patterns of what broke; `about`: whether the alarm must be about that very part."""

    on: str
    kind: str
    codes: tuple[str, ...]
    within_s: float
    about: bool = True
    asked: bool = False


_LOST = ("input_bad", "outdoor_lost", "supply_lost")
_DRIFTS = (
    "pair_drifts",
    "primary_sensors_drift",
    "secondary_sensors_drift",
    "temperatures_cross",
    "sensors_disagree",
    "supply_above_primary",
    "return_above_supply",
)
_CROSSED = ("pressures_crossed", "pump_without_pressure")
_DEVICE_ROWS = (
    _Row(".*", "dead|garbage|exception|late|slow", ("device_silent",), 30.0),
    _Row(".*", "overwritten", ("other_master", "write_not_confirmed"), 120.0, False),
)
"""Yesterday's values are told, if at all, by each of the sensors behind; that a device ignores what is
written to it, when something else is written."""
_ROWS = (
    # sensors that show nothing, or nothing that can be
    _Row(
        r".*supply_temperature(_[23])?",
        "open|short|nan|stale|out_of_range",
        ("input_bad", "sensors_disagree"),
        60.0,
    ),
    _Row(r".*_energy", "stale", _LOST, 330.0),  # counters are read slowly, and believed for five minutes
    _Row(".*", "open|nan|stale|out_of_range", _LOST, 60.0),
    _Row(r".*differential_pressure", "short", ("pump_without_pressure", "input_bad"), 60.0),
    _Row(r".*(pressure|temperature.*|level)", "short", _LOST, 60.0),
    # sensors that lie
    _Row(
        r".*\.supply_temperature(_[23])?",
        "offset",
        ("sensors_disagree", "pair_drifts", "input_bad"),
        120.0,
        False,
    ),
    # One of two that hangs while the other moves is believed no longer, which says more than any advice.
    _Row(
        r".*\.supply_temperature(_[23])?",
        "drift|frozen",
        ("sensors_disagree", *_DRIFTS, "sensor_frozen", "input_bad"),
        _DAY,
        False,
    ),
    _Row(r".*(primary|return)_.*temperature", "offset|drift", _DRIFTS, 3 * _DAY, False),
    _Row(r"station.outdoor_temperature_[23]", "offset", ("sensors_disagree", "input_bad"), 120.0, False),
    _Row(r"station.outdoor_temperature_[23]", "drift", ("sensors_disagree", "input_bad"), 12 * _HOUR, False),
    _Row(
        r".*(heat_power|primary_flow|heat_energy)",
        "frozen",
        ("meter_stuck", "sensor_frozen"),
        13 * _HOUR,
        False,
    ),
    _Row(r".*(temperature.*|pressure|level)", "frozen", ("sensor_frozen",), 13 * _HOUR),
    # valves
    _Row(
        r".*\.valve",
        "local",
        ("valve_local", "valve_astray", "valve_stuck", "valve_not_shut"),
        120.0,
        False,
        True,
    ),
    _Row(
        r".*\.valve",
        "stuck|slow|reversed",
        ("valve_stuck", "valve_astray", "valve_reversed", "valve_not_shut"),
        120.0,
        False,
        True,
    ),
    _Row(r".*\.valve", "slipping", ("valve_slips", "valve_astray"), 3 * _DAY, False),
    _Row(r".*\.valve", "leaking", ("valve_leaks",), 3 * _DAY, False),
    _Row(r".*\.exchanger_\d_valve", "local|stuck|slow", ("exchanger_stuck",), 150.0, False, True),
    # pumps
    _Row(r".*\.pump_1", "trip|dry", ("pump_failed",), 30.0),
    _Row(r".*\.booster", "trip", ("pump_failed",), 30.0),
    _Row(r".*\.(pump_\d|makeup_\d|booster)", "local", ("pump_local",), 30.0),
    _Row(r".*\.(pump_\d|booster)", "mains_bypass", ("pump_on_mains", "pump_local"), 30.0),
    _Row(r".*\.pump_1", "stuck", ("write_not_confirmed",), 120.0),
    _Row(r".*\.pump_1", "wear", ("pump_worn",), 7 * _DAY),
    _Row(r".*\.pump_2", "check_valve", ("check_valve_leaks",), 3 * _DAY, False),
    # water
    _Row(r".*\.makeup_\d", "dry", ("makeup_dry",), 12 * _HOUR, False),  # once its turn comes
    _Row("station.tank_inlet", "stuck_on", ("tank_rises", "tank_high"), 600.0, False),
    _Row("[a-z_]+", "burst", ("pressure_drops", "leak_begins", "leak_urgent"), 120.0),
    _Row("[a-z_]+", "leak", ("leak_begins", "leak_alarm", "leak_urgent", "makeup_warning"), 12 * _HOUR),
    # the station as a whole
    _Row("station", "power_failure", ("power_failure",), 30.0, False),
    _Row("station", "flood", ("flood",), 30.0, False),
    _Row("station", "primary_outage", ("supply_low",), 2400.0, False, True),
    # strainers, fouling
    _Row(r".*\.strainer", "clogged", ("loop_throttled",), 3 * _DAY, False),
    _Row(r".*\.primary_strainer", "clogged", ("primary_strainer_clogged",), 3 * _DAY, False),
    _Row(r".*\.exchanger", "fouling", ("exchanger_fouled",), 7 * _DAY, False),
    _Row(r".*\.primary_bypass", "open", ("excess_flow",), 3 * _DAY, False),
    _Row(r".*\.branch_\d+", "short_circuit|opened", ("loop_short_circuit",), 3 * _DAY, False),
    # the program
    _Row("circuit .*", "exception", ("circuit_broken",), 10.0, False),
    _Row("rule .*", "exception", ("rule_broken",), 10.0, False),
    _Row("equipment", "exception", ("part_broken", "watch_broken"), 10.0, False),
    _Row(r"outdoor|season|tank|substitute_\d+|.*\.circulation", "exception", ("part_broken",), 10.0, False),
    _Row("bus .*|store|door|state|blackbox", "exception|hang", ("part_down",), 240.0),
    _Row("disk", "full", ("store_failing",), 60.0, False),
    # mistakes of the installer
    _Row(r".*pressure", "swapped", _CROSSED, 120.0, False),
    # Frost in a return pipe is no temperature that a sensor in there can have.
    _Row(r".*temperature", "swapped", (*_DRIFTS, "input_bad"), _DAY, False),
)


def _kind(one: Break) -> str:
    """An offset that no sensor can have is out of range."""
    far = one.kind == "offset" and one.value is not None and one.value >= 100.0
    return "out_of_range" if far and "temperature" in one.on else one.kind


def _cause_of_break(one: Break) -> Cause | None:
    rows = _DEVICE_ROWS if one.target == "device" else _ROWS
    for row in rows:
        if re.fullmatch(row.on, one.on) and re.fullmatch(row.kind, _kind(one)):
            subject, sensors = (one.on, ()) if row.about else ("", _sensors(one))
            return Cause(row.codes, subject, row.within_s, row.asked, sensors)
    return None


def _sensors(one: Break) -> tuple[str, ...]:
    """The names of the points behind what broke: the first sensor of a pair has a number, too."""
    return tuple(name for on in (one.on, one.other) if on for name in (on, f"{on}_1"))


_WARNED_SHARE = 0.005
"""Of the loop's volume an hour (FACTS §8)."""


def warned_leaks(station: Station) -> dict[str, float]:
    """m³/h from which the guard of each circuit calls a loss a leak, whatever was usual there before."""
    found = {}
    for name, circuit in station.file.circuits.items():
        guard = circuit.makeup.guard if circuit.makeup is not None else None
        limits = [guard.permitted] if guard is not None and guard.permitted else []
        if guard is not None and guard.loop_volume:
            limits.append(_WARNED_SHARE * guard.loop_volume)
        if limits:
            found[name] = min(limits)
    return found


def _is_usual(cell: Cell, one: Break, warned: Mapping[str, float]) -> bool:
    """A loss that sound networks have (the demo's 40 m³ lose 0.1 m³/h, an eighth of a per cent of what
    circulates; FACTS §8 permits 1 … 2 %), in a loop that has just been heated up: nobody knows yet what is
    usual there. The same leak is asked of a station that has learned, and a larger one of all whose guard has
    a limit (`check` hints where it has none)."""
    return cell.start.cold and one.kind == "leak" and (one.value or 0.0) <= warned.get(one.on, math.inf)


def cause_of(cell: Cell, warned: Mapping[str, float] | None = None) -> Cause | None:
    """What must be told of a cell: of a pair one of both, for the one may hide the other. A hand is no
    fault. `warned`: see `warned_leaks`."""
    causes = [
        None if _is_usual(cell, one, warned or {}) else _cause_of_break(one)
        for one in cell.breaks
        if one.target != "hand"
    ]
    if not causes:
        return None
    if len(causes) == 1 or None in causes:
        return causes[0]
    known = [cause for cause in causes if cause is not None]
    codes = tuple(code for cause in known for code in cause.codes)
    sensors = tuple(name for one in cell.breaks for name in _sensors(one))
    within_s, asked = max(cause.within_s for cause in known), any(cause.asked for cause in known)
    return Cause(codes, "", within_s, asked, sensors)


_ACCUSING = {
    "input_bad",
    "sensor_frozen",
    "sensors_disagree",
    "pair_drifts",
    "meter_stuck",
    "device_silent",
    "write_not_confirmed",
    "other_master",
    "pump_failed",
    "pump_locked_out",
    "valve_stuck",
    "valve_leaks",
    "valve_slips",
    "exchanger_fouled",
    "excess_flow",
    "pump_worn",
    "check_valve_leaks",
    "primary_strainer_clogged",
    "circuit_broken",
    "rule_broken",
    "watch_broken",
}
"""Alarms that name a part which is to be looked at. The others say what the station suffers."""
_WATER = ("burst", "leak", "power_failure")


def accused(cell: Cell, code: str, subject: str) -> bool:
    """True when the alarm names a part that is sound."""
    if code not in _ACCUSING or cell.group == "pair":
        return False
    for one in cell.breaks:
        cause = _cause_of_break(one)
        if cause is not None and cause.names(code, subject):
            return False
        if _stem(one.on) in (_stem(subject), _stem(subject.split(".", 1)[-1])) or one.other == subject:
            return False
        if one.target == "device" or one.kind in _WATER:
            return False  # a module's sensors, the pumps that a burst or a power cut takes along
        if "valve" in one.on and "valve" in subject:
            return False
    return True


def _stem(name: str) -> str:
    """`low.supply_temperature_1` and `_2` are one pair; a pump's current and frequency belong to the pump."""
    return re.sub(r"(?<=temperature)_[12]$|_(current|frequency|running|fault|run|speed)$", "", name)


_LATCHED = {"pump_locked_out", "exchanger_stuck"}
"""Until a person acknowledges, or for a day (docs/failsafe.md)."""
_LEARNED = {
    "sensor_frozen",
    "pair_drifts",
    "primary_sensors_drift",
    "secondary_sensors_drift",
    "temperatures_cross",
    "exchanger_fouled",
    "excess_flow",
    "valve_leaks",
    "valve_slips",
    "primary_strainer_clogged",
    "loop_throttled",
    "loop_short_circuit",
    "pump_worn",
    "check_valve_leaks",
    "leak_begins",
    "makeup_excess",
    "makeup_warning",
    "leak_alarm",
    "leak_urgent",
    "watch_broken",
}
"""Told by means of half a day and more, which take as long to forget."""


def is_latched(code: str) -> bool:
    """True for an alarm that may still be there three hours after its fault has gone."""
    return code in _LATCHED or code in _LEARNED
