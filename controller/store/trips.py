"""What counts as a trip of the station, and which trips are worth a record.

A trip is an urgent alarm that comes up, or an output that a row of the safety table takes down: a valve
closed, a pump stopped. What stood already in the first scan is none, and a row that only follows the cabinet
switch is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from controller.points import SLOT_NAMES, PointInfo, Snapshot

FOLLOW = frozenset({"valve_local", "pump_local"})
"""Rows that put out what a person's hand does at the cabinet."""
LONGEST_PAUSE_S = 6 * 3600.0
FORGOTTEN_S = 86400.0
"""A cause that has not been seen for so long begins with the short pause again."""
MOST_AN_HOUR = 6
_LEAST_DROP = 0.01


class TripWatch:
    """Finds the trips in consecutive snapshots."""

    def __init__(self, catalogue: Sequence[PointInfo]) -> None:
        places = {info.name: place for place, info in enumerate(catalogue)}
        first_rule = len(SLOT_NAMES) - 1  # the slot `limit` has no name of its own: its rules follow
        self._rows = [
            (place, places[info.name.removesuffix("_reason")], first_rule, info)
            for place, info in enumerate(catalogue)
            if info.role == "reason" and info.name.removesuffix("_reason") in places
        ]
        self._values: tuple[float, ...] = ()
        self._urgent: frozenset[tuple[str, str]] = frozenset()

    def look(self, snapshot: Snapshot) -> list[str]:
        """Causes (code@subject) of trips that began in this scan, an alarm before a row."""
        old, values = self._values, snapshot.values
        urgent = frozenset(
            (a.code, a.subject)
            for a in snapshot.alarms
            if a.priority == "urgent" and a.ended is None and not a.hidden_by
        )
        found: list[str] = []
        if old:
            if urgent != self._urgent:
                found += [f"{code}@{subject}" for code, subject in sorted(urgent - self._urgent)]
            for reason, output, first_rule, info in self._rows:
                rule = values[reason]
                if rule >= first_rule and rule != old[reason] and values[output] < old[output] - _LEAST_DROP:
                    self._add_row(found, info, int(rule))
        self._values, self._urgent = values, urgent
        return found

    @staticmethod
    def _add_row(found: list[str], info: PointInfo, rule: int) -> None:
        code = info.choices[rule]
        cause = f"{code}@{info.name.partition('.')[0]}"
        if code not in FOLLOW and cause not in found:
            found.append(cause)


class Pauses:
    """An alternating fault must wear out neither the card nor the memory of how it began.

    The same cause is recorded again after `pause_s`, then after twice that, up to six hours; any cause at
    most six times an hour. So twenty records of one reach three days back even then.
    """

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._causes: dict[str, tuple[int, float, float]] = {}
        """Times recorded, last time recorded, last time seen."""
        self._begun: list[float] = []

    def allow(self, cause: str, now: float) -> bool:
        """May this trip be recorded? Counts it as recorded when it may."""
        count, recorded, seen = self._causes.get(cause, (0, -math.inf, -math.inf))
        if now - seen >= FORGOTTEN_S:
            count = 0
        pause = min(self._pause_s * 2 ** max(count - 1, 0), max(LONGEST_PAUSE_S, self._pause_s))
        self._begun = [time for time in self._begun if now - time < 3600.0]
        allowed = (count == 0 or now - recorded >= pause) and len(self._begun) < MOST_AN_HOUR
        if allowed:
            self._begun.append(now)
        self._causes[cause] = (count + 1, now, now) if allowed else (count, recorded, now)
        return allowed
