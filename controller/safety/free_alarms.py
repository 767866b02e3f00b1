"""Alarms that the file of a station adds to the built-in ones (`alarms:`): they tell and do nothing else.

An alarm looks at one point: above or below a limit, apart from another point, or in a state. It comes when
that has held for `after_s` and goes when it has not held, by the dead band, for `clear_after_s`. While a
value is bad nothing is known: the alarm neither comes nor goes, its times stand still, and after a minute
`alarm_blind` says so (hidden behind the sensor's or device's own alarm where there is one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from controller.alarms import AlarmBook, Values
from controller.points import Image, Point

FORMS = ("above", "below", "differs", "is")
BLIND_S = 60.0
"""A value that is away for less has its own alarm, or none is needed."""


@dataclass(frozen=True, slots=True)
class FreeAlarm:
    """One alarm of the file. `limit` and `dead_band` are in the unit of the point (K for a difference of
    temperatures); of a contact or choice `limit` is the state. `other`: the point to differ from, or empty.
    `code` says form and limit, so that two alarms on one point are two; `said`: the file's words."""

    code: str
    point: str
    form: str
    limit: float
    said: Values
    priority: str
    dead_band: float = 0.0
    other: str = ""
    after_s: float = 60.0
    clear_after_s: float = 10.0
    latch: bool = False


class _Watch:
    """What one alarm remembers: whether it stands, and for how long the opposite has been true."""

    __slots__ = ("active", "alarm", "lasted", "other", "point")

    def __init__(self, alarm: FreeAlarm, image: Image) -> None:
        self.alarm = alarm
        self.point = image[alarm.point]
        self.other: Point | None = image[alarm.other] if alarm.other else None
        self.active = False
        self.lasted = -1.0
        """Seconds for which it should change; below zero: it should not."""

    def sees(self) -> bool:
        """All it looks at can be used."""
        return self.point.usable and (self.other is None or self.other.usable)

    def holds(self, band: float) -> bool:
        """Is the value beyond the limit, less `band`?"""
        alarm, value = self.alarm, self.point.value
        if self.other is not None:
            return abs(value - self.other.value) > alarm.limit - band
        if alarm.form == "above":
            return value > alarm.limit - band
        if alarm.form == "below":
            return value < alarm.limit + band
        return round(value) == alarm.limit

    def shows(self) -> Values:
        """Values of its text."""
        alarm, quantity = self.alarm, self.point.quantity
        if alarm.form == "is":
            return alarm.said
        value = self.point.value
        if self.other is not None:
            value = abs(value - self.other.value)
            quantity = difference_of(quantity)
        numbers: Values = (("value", value, quantity), ("limit", alarm.limit, quantity))
        other: Values = (("point", alarm.other, "text"),) if alarm.other else ()
        return (*alarm.said, *numbers, *other)


def difference_of(quantity: str) -> str:
    """The quantity of a difference of two such values."""
    return "temperature_difference" if quantity == "temperature" else quantity


class FreeAlarms:
    """Steps all alarms of the file and reports them."""

    def __init__(self, alarms: Sequence[FreeAlarm], image: Image, book: AlarmBook) -> None:
        self._watches = [_Watch(alarm, image) for alarm in alarms]
        self._book = book
        points: dict[str, Point] = {}
        for watch in self._watches:
            points[watch.point.name] = watch.point
            if watch.other is not None:
                points[watch.other.name] = watch.other
        self._points = list(points.values())
        self._bad_for = [-1.0] * len(self._points)

    def step(self, dt: float) -> None:
        """One scan, after the outputs; `dt`: seconds since the last one."""
        for watch in self._watches:
            was_active = watch.active
            if watch.sees():
                self._judge(watch, dt)
            if watch.active or was_active:
                alarm = watch.alarm
                values = watch.shows() if watch.active else ()
                self._book.report(alarm.code, alarm.point, watch.active, alarm.priority, values)
        for index, point in enumerate(self._points):
            self._tell_blind(index, point, dt)

    def _judge(self, watch: _Watch, dt: float) -> None:
        alarm = watch.alarm
        holds = watch.holds(alarm.dead_band if watch.active else 0.0)
        if holds == watch.active:
            watch.lasted = -1.0
            return
        watch.lasted = watch.lasted + dt if watch.lasted >= 0 else 0.0
        if watch.lasted < (alarm.clear_after_s if watch.active else alarm.after_s):
            return
        if watch.active and alarm.latch and not self._book.is_acknowledged(alarm.code, alarm.point):
            return
        watch.active, watch.lasted = not watch.active, -1.0

    def _tell_blind(self, index: int, point: Point, dt: float) -> None:
        before = self._bad_for[index]
        if point.usable:
            self._bad_for[index] = -1.0
            if before >= BLIND_S:
                self._book.report("alarm_blind", point.name, False, "warning")
            return
        self._bad_for[index] = before + dt if before >= 0 else 0.0
        if self._bad_for[index] >= BLIND_S:
            why = f"quality_{point.reason}" if point.reason else ""
            self._book.report("alarm_blind", point.name, True, "warning", (("why", why, "text"),))

    def state(self) -> list[list[str]]:
        """Latched alarms that stand, as plain JSON: a restart must not end what nobody has seen yet."""
        return [[w.alarm.code, w.alarm.point] for w in self._watches if w.active and w.alarm.latch]

    def restore(self, state: Any) -> None:
        """Take them over; what the file no longer has is left out."""
        rows = [tuple(row) for row in state if isinstance(row, list)] if isinstance(state, list) else []
        for watch in self._watches:
            if watch.alarm.latch and (watch.alarm.code, watch.alarm.point) in rows:
                watch.active = True
