"""Alarms: what is active since when, who acknowledged or shelved it, and the events that must not be lost.

An alarm is a code (its text: what was seen, what the station does, what to check) about a subject. Its life
follows ISA-18.2-2016 / IEC 62682: shelving by a person with an end (11.7), suppression by a table of causes
(designed suppression, 11.8), first-out, and an end to a flood of more than 10 alarms in 10 minutes. One that
comes again and again stands until it has been quiet for a while (a longer off-delay, which the standard names
against chattering alarms, 16.4). What is not announced stays visible with the reason; its condition and what
the station does are never touched.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.points import AlarmView, Event

Values = tuple[tuple[str, float | str, str], ...]
Key = tuple[str, str]
PRIORITIES = ("urgent", "high", "warning")
LONGEST_SHELF_S: Mapping[str, float] = {"urgent": 0.0, "high": 86400.0, "warning": 7 * 86400.0}
"""How long a person may shelve an alarm of a priority: an urgent one never, a high one until tomorrow, a
warning while a spare part is on its way. The standard asks for a limit and leaves it to the site."""
LINGERS_S = 60.0
"""A cause still explains its consequences so long after it has gone: they need time to go, too."""
BURST_S = 60.0
"""Quiet for so long, the next alarm is the first of a new burst."""
FLOOD_WINDOW_S = 600.0
FLOOD_BEGINS = 10
"""More new alarms in 10 minutes than this are a flood (ISA-18.2, 16.5: what an operator can still read)."""
FLOOD_ENDS = 5
"""It is over below so many in 10 minutes (the same place)."""
CHATTERS, WITHIN_S, QUIET_S = 4, 3 * 3600.0, 3600.0
"""An alarm that comes for this time within so long ends only after so long in peace (own judgement)."""
FLOOD: Key = ("alarm_flood", "station")
FREE = "free_"
"""Codes of alarms that the file adds begin so; in the table of causes all of them are FREE."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A row of the table of causes: while `code` stands, `hides` need not be told.

    `reach`: `same` subject, same `circuit`, whole `station`, or what a `device` feeds (its points, the pump
    or circuit they belong to). `about`: only where the cause's own subject begins so behind its circuit
    (`makeup_`: a makeup pump, whatever its number). An alarm is never hidden behind one of lower priority.
    """

    code: str
    hides: frozenset[str]
    reach: str = "circuit"
    about: str = ""


class _Alarm:
    __slots__ = (
        "acknowledged",
        "active",
        "by",
        "ended",
        "first",
        "priority",
        "quiet_since",
        "since",
        "told",
        "values",
    )

    def __init__(self, priority: str, since: float, values: Values) -> None:
        self.priority, self.since, self.values = priority, since, values
        self.ended: float | None = None
        self.active = True
        self.quiet_since = math.inf
        """Its condition has gone, but it chatters."""
        self.acknowledged = False
        self.told = False
        self.first = False
        self.by = ""


@dataclass(slots=True)
class _Shelf:
    ends: float
    user: str
    reason: str


class AlarmBook:
    """All alarms that are active or not yet acknowledged, by (code, subject).

    `feeds(device, subject)`: does the subject live on that device?
    """

    def __init__(
        self, causes: tuple[Cause, ...] = (), feeds: Callable[[str, str], bool] = lambda *_: False
    ) -> None:
        self._alarms: dict[Key, _Alarm] = {}
        self._events: list[Event] = []
        self._causes: dict[str, list[Cause]] = {}
        for cause in causes:
            for hidden in cause.hides:
                self._causes.setdefault(hidden, []).append(cause)
        self._feeds = feeds
        self._shelves: dict[Key, _Shelf] = {}
        self._left: dict[Key, _Shelf] = {}
        self._gone: dict[Key, tuple[float, str]] = {}
        self._began: dict[Key, deque[float]] = {}
        """When it came, the last times."""
        self._told_at: deque[float] = deque()
        self._last_told = -math.inf
        self.flood = False
        self.now = 0.0
        self.wall = 0.0

    def report(self, code: str, subject: str, active: bool, priority: str, values: Values = ()) -> None:
        """Say in every scan whether the alarm's condition holds."""
        key = (code, subject)
        alarm = self._alarms.get(key)
        if active:
            if alarm is None or not alarm.active:
                self._alarms[key] = _Alarm(priority, self.now, values)
                self._began.setdefault(key, deque(maxlen=CHATTERS)).append(self.now)
            elif alarm.quiet_since < math.inf:
                alarm.quiet_since = math.inf
        elif alarm is not None and alarm.active and alarm.quiet_since == math.inf:
            if alarm.told and self._chatters(key):
                alarm.quiet_since = self.now
            else:
                self._end(key, alarm)

    def _chatters(self, key: Key) -> bool:
        began = self._began[key]
        return len(began) == CHATTERS and began[-1] - began[0] <= WITHIN_S

    def _end(self, key: Key, alarm: _Alarm) -> None:
        alarm.active, alarm.ended = False, self.now
        self._gone[key] = (self.now, alarm.priority)
        if alarm.told:
            self._event("clear", *key, alarm.values)
        if alarm.acknowledged or not alarm.told:
            del self._alarms[key]

    def is_active(self, code: str, subject: str) -> bool:
        """True while its condition holds, or while it chatters."""
        alarm = self._alarms.get((code, subject))
        return alarm is not None and alarm.active

    def is_acknowledged(self, code: str, subject: str) -> bool:
        """True once a person has seen it, until it comes anew."""
        alarm = self._alarms.get((code, subject))
        return alarm is not None and alarm.acknowledged

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

    # ---- shelving

    def longest_shelf(self, code: str, subject: str) -> float | None:
        """Seconds for which this alarm may be shelved; None when there is no such alarm."""
        alarm = self._alarms.get((code, subject))
        return None if alarm is None else LONGEST_SHELF_S[alarm.priority]

    def shelve(self, code: str, subject: str, user: str, lasts_s: float, reason: str) -> None:
        """Do not announce it until its time is over. A length beyond what its priority allows is cut."""
        lasts_s = min(lasts_s, self.longest_shelf(code, subject) or 0.0)
        if lasts_s > 0:
            self._shelves[(code, subject)] = _Shelf(self.now + lasts_s, user, reason)

    def unshelve(self, code: str, subject: str) -> bool:
        """Announce it again; False when it was not shelved."""
        return self._shelves.pop((code, subject), None) is not None

    def state(self) -> dict[str, Any]:
        """Shelves with the time that they have left, as plain JSON."""
        rows = [
            [code, subject, shelf.ends - self.now, shelf.user, shelf.reason]
            for (code, subject), shelf in self._shelves.items()
        ]
        rows += [[code, subject, s.ends, s.user, s.reason] for (code, subject), s in self._left.items()]
        return {"shelves": rows}

    def restore(self, state: object) -> None:
        """Shelves of the last run; none lasts longer than it had left. What is odd is left out."""
        rows = state.get("shelves") if isinstance(state, dict) else None
        for row in rows if isinstance(rows, list) else ():
            if not isinstance(row, list) or len(row) != 5 or not isinstance(row[2], int | float):
                continue
            if 0 < row[2] <= max(LONGEST_SHELF_S.values()):
                self._left[(str(row[0]), str(row[1]))] = _Shelf(float(row[2]), str(row[3]), str(row[4]))

    # ---- once a scan

    def settle(self) -> None:
        """After all reports of a scan: who is hidden behind a cause, what is new, is it a flood."""
        self._end_shelves()
        for key, alarm in [*self._alarms.items()]:
            if alarm.active and self.now - alarm.quiet_since >= QUIET_S:
                self._end(key, alarm)
        fresh: list[Key] = []
        for key, alarm in self._alarms.items():
            if not alarm.active:
                continue
            by = self._hidden_by(key, alarm)
            waits = self.flood and alarm.by == "@".join(FLOOD)
            if (by == alarm.by and (alarm.told or by)) or (waits and not by):
                continue
            if by and not alarm.told and not alarm.by:
                self._event("hidden", *key, (*alarm.values, ("by", by, "text")))
            alarm.by = by
            if by == "shelf":
                alarm.told = False  # it is told anew when it leaves the shelf
            if not by and not alarm.told:
                fresh.append(key)
        causes = {alarm.by for alarm in self._alarms.values() if alarm.by}
        # The cause first, then the urgent.
        fresh.sort(
            key=lambda key: ("@".join(key) not in causes, PRIORITIES.index(self._alarms[key].priority))
        )
        for key in fresh:
            self._announce(key, self._alarms[key])
        self._judge_flood()

    def _end_shelves(self) -> None:
        for key, shelf in self._left.items():
            self._shelves.setdefault(key, _Shelf(self.now + shelf.ends, shelf.user, shelf.reason))
        self._left.clear()
        for key in [key for key, shelf in self._shelves.items() if shelf.ends <= self.now]:
            del self._shelves[key]
            self._event("effect", "shelve_expired", "@".join(key), ())
        for key in [key for key, (when, _) in self._gone.items() if self.now - when >= LINGERS_S]:
            del self._gone[key]

    def _hidden_by(self, key: Key, alarm: _Alarm) -> str:
        """`shelf`, the cause as code@subject, or empty."""
        if key in self._shelves and alarm.priority != "urgent":
            return "shelf"
        rank = PRIORITIES.index(alarm.priority)
        for cause in self._causes.get(FREE if key[0].startswith(FREE) else key[0], ()):
            for other, standing in self._alarms.items():
                # One that only waits for peace explains no more than one that has gone.
                holds = standing.active and self.now - standing.quiet_since < LINGERS_S
                is_near = other[0] == cause.code and other != key and (holds or other in self._gone)
                if (
                    is_near
                    and PRIORITIES.index(standing.priority) <= rank
                    and self._reaches(cause, other, key)
                ):
                    return "@".join(other)
            for other, (_, priority) in self._gone.items():
                # An alarm that was told before its cause came is not taken back by one that has gone.
                is_near = other[0] == cause.code and other != key and not alarm.told
                if is_near and PRIORITIES.index(priority) <= rank and self._reaches(cause, other, key):
                    return "@".join(other)
        return ""

    def _reaches(self, cause: Cause, source: Key, key: Key) -> bool:
        if not source[1].partition(".")[2].startswith(cause.about):
            return False
        if cause.reach == "same":
            return source[1] == key[1]
        if cause.reach == "circuit":
            return source[1].partition(".")[0] == key[1].partition(".")[0]
        return cause.reach == "station" or self._feeds(source[1], key[1])

    def _announce(self, key: Key, alarm: _Alarm) -> None:
        while self._told_at and self.now - self._told_at[0] >= FLOOD_WINDOW_S:
            self._told_at.popleft()
        if self.flood or len(self._told_at) >= FLOOD_BEGINS:
            self.flood = True
            if alarm.priority != "urgent" and key != FLOOD:
                alarm.by = "@".join(FLOOD)
                self._event("hidden", *key, (*alarm.values, ("by", alarm.by, "text")))
                return
        alarm.told = True
        alarm.first = self.now - self._last_told >= BURST_S
        self._last_told = self.now
        self._told_at.append(self.now)
        self._event("alarm", *key, alarm.values)

    def _judge_flood(self) -> None:
        while self._told_at and self.now - self._told_at[0] >= FLOOD_WINDOW_S:
            self._told_at.popleft()
        if self.flood and len(self._told_at) < FLOOD_ENDS:
            self.flood = False
        stands = self.is_active(*FLOOD)
        if self.flood and not stands:
            self.report(*FLOOD, active=True, priority="high")
            alarm = self._alarms[FLOOD]
            alarm.told = True
            self._event("alarm", *FLOOD, ())
        elif not self.flood and stands:
            self.report(*FLOOD, active=False, priority="high")
            # What waited is told now, and is no new flood.
            for key, alarm in self._alarms.items():
                if alarm.by == "@".join(FLOOD) and alarm.active:
                    alarm.by, alarm.told = "", True
                    self._event("alarm", *key, alarm.values)

    def view(self) -> tuple[AlarmView, ...]:
        """The most urgent and newest first; what is hidden behind a cause or shelved comes after the rest."""
        rows = sorted(
            self._alarms.items(),
            key=lambda row: (
                not row[1].active,
                bool(row[1].by),
                PRIORITIES.index(row[1].priority),
                -row[1].since,
            ),
        )
        return tuple(self._row(key, alarm) for key, alarm in rows)

    def _row(self, key: Key, a: _Alarm) -> AlarmView:
        shelf = self._shelves.get(key) if a.by == "shelf" else None
        return AlarmView(
            code=key[0],
            subject=key[1],
            priority=a.priority,
            since=a.since,
            ended=a.ended,
            acknowledged=a.acknowledged,
            values=a.values,
            hidden_by=a.by,
            shelved_until=None if shelf is None else shelf.ends,
            shelved_by="" if shelf is None else shelf.user,
            first=a.first,
        )

    def take_events(self) -> list[Event]:
        """What happened since the last call; settles the scan first."""
        self.settle()
        events, self._events = self._events, []
        return events

    def _event(
        self, kind: str, code: str, subject: str, values: Values, user: str = "", source: str = ""
    ) -> None:
        self._events.append(Event(self.now, self.wall, kind, subject, code, user, source, values))
