"""Alarms: what is active since when, who acknowledged it, and the events that must not be lost.

An alarm is a code (its text: what was seen, what the station does, what to check) about a subject.
"""

from __future__ import annotations

from controller.points import AlarmView, Event

Values = tuple[tuple[str, float | str, str], ...]
PRIORITIES = ("urgent", "high", "warning")


class _Alarm:
    __slots__ = ("acknowledged", "active", "ended", "priority", "since", "values")

    def __init__(self, priority: str, since: float, values: Values) -> None:
        self.priority, self.since, self.values = priority, since, values
        self.ended: float | None = None
        self.active = True
        self.acknowledged = False


class AlarmBook:
    """All alarms that are active or not yet acknowledged, by (code, subject)."""

    def __init__(self) -> None:
        self._alarms: dict[tuple[str, str], _Alarm] = {}
        self._events: list[Event] = []
        self.now = 0.0
        self.wall = 0.0

    def report(self, code: str, subject: str, active: bool, priority: str, values: Values = ()) -> None:
        """Say in every scan whether the alarm's condition holds."""
        key = (code, subject)
        alarm = self._alarms.get(key)
        if active:
            if alarm is None or not alarm.active:
                self._alarms[key] = _Alarm(priority, self.now, values)
                self._event("alarm", code, subject, values)
        elif alarm is not None and alarm.active:
            alarm.active, alarm.ended = False, self.now
            self._event("clear", code, subject, alarm.values)
            if alarm.acknowledged:
                del self._alarms[key]

    def is_active(self, code: str, subject: str) -> bool:
        """True while its condition holds."""
        alarm = self._alarms.get((code, subject))
        return alarm is not None and alarm.active

    def acknowledge(self, code: str, subject: str, user: str, source: str) -> bool:
        """A person has seen it; False when there is no such alarm."""
        alarm = self._alarms.get((code, subject))
        if alarm is None:
            return False
        if not alarm.acknowledged:
            alarm.acknowledged = True
            self._event("acknowledge", code, subject, (), user, source)
        if not alarm.active:
            del self._alarms[(code, subject)]
        return True

    def view(self) -> tuple[AlarmView, ...]:
        """The most urgent and newest first."""
        rows = sorted(
            self._alarms.items(),
            key=lambda row: (not row[1].active, PRIORITIES.index(row[1].priority), -row[1].since),
        )
        return tuple(
            AlarmView(code, subject, a.priority, a.since, a.ended, a.acknowledged, a.values)
            for (code, subject), a in rows
        )

    def take_events(self) -> list[Event]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def _event(
        self, kind: str, code: str, subject: str, values: Values, user: str = "", source: str = ""
    ) -> None:
        self._events.append(Event(self.now, self.wall, kind, subject, code, user, source, values))
