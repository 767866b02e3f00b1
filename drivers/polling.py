"""The polled side of one device: rate groups, their requests, and readings made of the answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from drivers.plan import Cost, Span, plan_reads, rate_groups, span_of
from drivers.profile import Profile, ProfilePoint, Quality
from drivers.readings import NEVER, Fault, Key, Reading
from drivers.registers import decode, raw_of

USED_POLL_S = 1.0
"""Poll period of a point that is used but has none in its profile."""
ASK_AGAIN_S = 600.0
"""How often a register that the device refuses is asked for again."""
INSTANT_S = 1e-6
"""Plant times nearer than this are the same (a Unix time in a float resolves 0.2 µs)."""


@dataclass(slots=True)
class Group:
    """Requests of one device that are due together. A cycle runs them once, in order."""

    period_s: float
    points: set[str]
    requests: list[Span]
    due: float
    serving: float = 0.0
    left: list[Span] = field(default_factory=list)
    arrived: dict[Span, float] = field(default_factory=dict)

    def begin(self, origin: float, now: float) -> None:
        """Start a cycle. The next one is due at the next tick of the grid: a late one is dropped."""
        self.serving = min(self.due, now)
        self.left = list(self.requests)
        self.arrived = {}
        ticks = math.floor((now - origin + INSTANT_S) / self.period_s) + 1
        self.due = origin + ticks * self.period_s

    @property
    def running(self) -> bool:
        return bool(self.left)


class Polling:
    """What is read from one device and what has come of it."""

    def __init__(
        self, device: str, profile: Profile, used: Iterable[str] | None, cost: Cost, now: float
    ) -> None:
        """`used`: points to read; None for every point with a poll period. Raises KeyError for an
        unknown one."""
        self.device = device
        self._points: Mapping[str, ProfilePoint] = profile.points
        self._merge = profile.merge
        self._cost = replace(cost, request_s=cost.request_s + profile.timing.gap)
        self._origin = now
        self._single: set[Span] = set()
        self._refused: dict[str, float] = {}  # point → when to ask again
        self._words: dict[tuple[str, int], int] = {}
        wanted = (
            [name for name, point in self._points.items() if point.poll is not None]
            if used is None
            else list(used)
        )
        periods = rate_groups(self._points, wanted, USED_POLL_S)
        self.groups = [Group(period, periods[period], [], now) for period in sorted(periods)]
        for group in self.groups:
            self._plan(group)

    @property
    def polled(self) -> set[str]:
        """Points that get a reading."""
        return {name for group in self.groups for name in group.points}

    def word(self, table: str, register: int) -> int | None:
        """The word last read there, if any."""
        return self._words.get((table, register))

    def next_due(self) -> float:
        """Since or until when a request of this device is due; inf for none at all."""
        dues = [g.serving if g.running else g.due for g in self.groups if g.requests or g.running]
        return min([*dues, *self._refused.values()], default=math.inf)

    def due_group(self, now: float, whatever: bool = False) -> Group | None:
        """The group to serve now, its cycle begun; `whatever`: even if none is due.

        The longest due goes first, so that a bus that is too slow starves none of its groups.
        """
        self._ask_again(now)
        ready = [
            group
            for group in self.groups
            if group.running or (group.requests and (whatever or group.due <= now + INSTANT_S))
        ]
        if not ready:
            return None
        group = min(ready, key=lambda g: (g.serving if g.running else g.due, g.period_s))
        if not group.running:
            group.begin(self._origin, now)
        return group

    def all_due(self, now: float) -> None:
        """The device is back: read everything at once."""
        for group in self.groups:
            if not group.running:
                group.due = min(group.due, now)

    def got(
        self, group: Group, request: Span, words: Sequence[int], now: float, readings: dict[Key, Reading]
    ) -> None:
        """Keep the answer to a request; the last one of a cycle makes the readings."""
        for number, word in enumerate(words):
            self._words[request.table, request.first + number] = word
        group.arrived[request] = now
        group.left.remove(request)
        if not group.left:
            self.publish(group, readings)

    def publish(self, group: Group, readings: dict[Key, Reading]) -> None:
        """Make readings of what came in this cycle, and end it.

        A point whose quality point did not come along keeps its last reading and ages.
        """
        group.left = []
        for name in group.points:
            point = self._points[name]
            arrived = self._arrival(group, point)
            if arrived is None or name in self._refused:
                continue
            value, fault = decode(point, self._words_of(point))
            if point.quality is not None:
                witness = point.quality.point
                if witness in self._refused:
                    fault = Fault.REFUSED
                elif self._arrival(group, self._points[witness]) is None:
                    continue
                else:
                    fault = self._doubt(point.quality) or fault
            readings[self.device, name] = Reading(value if fault is Fault.NONE else math.nan, arrived, fault)
        group.arrived = {}

    def refused(self, group: Group, request: Span, now: float, readings: dict[Key, Reading]) -> None:
        """The device refuses a request. One point: leave it out for ten minutes. More: read its
        points singly from now on, beginning at once."""
        group.left.remove(request)
        inside = [name for name in group.points if request.covers(span_of(self._points[name]))]
        singles = sorted({span_of(self._points[name]) for name in inside}, key=lambda s: (s.first, s.count))
        if singles == [request]:
            for name in inside:
                self._refused[name] = now + ASK_AGAIN_S
                last = readings.get((self.device, name), NEVER)
                readings[self.device, name] = Reading(math.nan, last.time, Fault.REFUSED)
        else:
            self._single.update(singles)
            group.left = singles + group.left
        for each in self.groups:
            self._plan(each)
        if not group.left:
            self.publish(group, readings)

    def lost(self, fault: Fault, readings: dict[Key, Reading]) -> None:
        """The device is offline: no value, and the time of the last one."""
        for name in self.polled - self._refused.keys():
            last = readings[self.device, name]
            readings[self.device, name] = Reading(math.nan, last.time, fault)

    def _ask_again(self, now: float) -> None:
        """Take refused points back into the plan once their time has come."""
        back = [name for name, when in self._refused.items() if when <= now + INSTANT_S]
        for name in back:
            del self._refused[name]
        if back:
            for group in self.groups:
                self._plan(group)

    def _plan(self, group: Group) -> None:
        spans = {span_of(self._points[n]) for n in group.points if n not in self._refused}
        single = sorted(spans & self._single, key=lambda s: (s.table, s.first))
        group.requests = plan_reads(spans - self._single, self._merge, self._cost) + single

    @staticmethod
    def _arrival(group: Group, point: ProfilePoint) -> float | None:
        """When this cycle's answer with the point came."""
        span = span_of(point)
        return next((time for request, time in group.arrived.items() if request.covers(span)), None)

    def _words_of(self, point: ProfilePoint) -> list[int]:
        return [self._words[point.table, point.register_ + i] for i in range(point.words)]

    def _doubt(self, quality: Quality) -> Fault:
        """What the quality point's raw word says against a value."""
        witness = self._points[quality.point]
        raw = raw_of(witness, self._words_of(witness))
        if isinstance(raw, float):
            return Fault.NONE
        if raw in quality.values:
            return quality.values[raw]
        return next((fault for bit, fault in quality.bits.items() if raw >> bit & 1), Fault.NONE)
