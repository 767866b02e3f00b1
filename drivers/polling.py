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
READ_BACK_S = 2.0
"""Written points are read back no more often than this, unless a request comes by them anyway."""
ASK_AGAIN_S = 600.0
"""How often a register that the device refuses is asked for again."""
_LONGEST_BACK_OFF_S = 60.0
_NEVER_SILENT = (0.0, -math.inf)
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
    retried: set[Span] = field(default_factory=set)
    probing: bool = False

    def begin(self, origin: float, now: float, requests: list[Span]) -> None:
        """Start a cycle. The next one is due at the next tick of the grid: a late one is dropped."""
        self.serving = min(self.due, now)
        self.left, self.arrived, self.retried, self.probing = requests, {}, set(), False
        ticks = math.floor((now - origin + INSTANT_S) / self.period_s) + 1
        self.due = origin + ticks * self.period_s

    @property
    def running(self) -> bool:
        return bool(self.left)


class Polling:
    """What is read from one device and what has come of it."""

    def __init__(
        self,
        device: str,
        profile: Profile,
        used: Iterable[str] | None,
        cost: Cost,
        now: float,
        confirm: Iterable[str] = (),
    ) -> None:
        """`used`: points to read; None for every point with a poll period. `confirm`: written points to read
        back, where the profile has a poll period for them. Raises KeyError for an unknown one."""
        self.device = device
        self._points: Mapping[str, ProfilePoint] = profile.points
        self._merge = profile.merge
        self._cost = replace(cost, request_s=cost.request_s + profile.timing.gap)
        self._origin = now
        self._unbridged: set[Span] = set()  # points whose holes the device refuses
        self._single: set[Span] = set()  # points that it gives only one at a time
        self._silent: dict[Span, tuple[float, float]] = {}  # request → (step, when to ask again)
        self._turn = 0
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
        self._measured = self.polled
        self.cycles = {name: self._add(name, now) for name in sorted(confirm) if self._points[name].poll}
        """Written point → how often it is read back, s."""

    def _add(self, name: str, now: float) -> float:
        """Read one more point at the least wire time: with a group that there is, or in one of its own.
        Returns its period."""
        point = self._points[name]
        own = max(point.poll or 0.0, READ_BACK_S)
        if name in self.polled:
            return next(group.period_s for group in self.groups if name in group.points)
        costs: list[tuple[float, float]] = []
        spans = {span_of(point)}
        for group in self.groups:
            alone = {span_of(self._points[one]) for one in group.points}
            more = self._seconds(alone | spans) - self._seconds(alone)
            costs.append((more / group.period_s, group.period_s))
        if all(group.period_s != own for group in self.groups):
            costs.append((self._seconds(spans) / own, own))
        _, period = min(costs)
        if all(group.period_s != period for group in self.groups):
            self.groups.append(Group(period, set(), [], now))
            self.groups.sort(key=lambda group: group.period_s)
        for group in self.groups:
            if group.period_s == period:
                group.points.add(name)
                self._plan(group)
        return period

    def _seconds(self, spans: set[Span]) -> float:
        """Wire time of reading them once."""
        return sum(
            self._cost.of(span.count, span.bits) for span in plan_reads(spans, self._merge, self._cost)
        )

    @property
    def polled(self) -> set[str]:
        """Points that get a reading."""
        return {name for group in self.groups for name in group.points}

    def word(self, table: str, register: int) -> int | None:
        """The word last read there, if any."""
        return self._words.get((table, register))

    def next_due(self) -> float:
        """Since or until when a request of this device is due; inf for none at all."""
        soonest = min(self._refused.values()) if self._refused else math.inf
        for group in self.groups:
            if group.running:
                soonest = min(soonest, group.serving)
            elif group.requests:
                soonest = min(soonest, group.due)
        return soonest

    def due_group(self, now: float) -> Group | None:
        """The group to serve now, its cycle begun.

        The longest due goes first, so that a bus that is too slow starves none of its groups.
        """
        self._ask_again(now)
        ready = [group for group in self.groups if group.running or group.due <= now + INSTANT_S]
        ready.sort(key=lambda g: (g.serving if g.running else g.due, g.period_s))
        for group in ready:
            if not group.running:
                group.begin(self._origin, now, [r for r in group.requests if self._is_asked(r, now)])
            if group.running:
                return group
        return None

    def _is_asked(self, request: Span, now: float) -> bool:
        return self._silent.get(request, _NEVER_SILENT)[1] <= now + INSTANT_S

    def probe(self, now: float) -> Group | None:
        """One request to find out whether the device is alive; another one each time, lest one that
        is never answered hides a device that answers all others. None where nothing is measured: then a
        write asks, which some modules answer sooner than a read."""
        measuring = [group for group in self.groups if group.points & self._measured]
        every = [(group, request) for group in measuring for request in group.requests]
        if not every:
            return None
        likely = [pair for pair in every if pair[1] not in self._silent] or every
        group, request = likely[self._turn % len(likely)]
        group.serving, group.left, group.arrived, group.retried = now, [request], {}, {request}
        group.probing = True
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
        self._silent.pop(request, None)
        group.left.remove(request)
        if not group.left:
            self.publish(group, readings)

    def failed(
        self, group: Group, request: Span, now: float, gone: bool, readings: dict[Key, Reading]
    ) -> None:
        """No useful answer: asked once more in the same cycle, unless the device is gone.

        A request that a good device leaves unanswered gets a back-off of its own, 1, 2, 4 … 60 s,
        besides the device's: some devices fall silent where they should refuse.
        """
        group.left.remove(request)
        if not gone and request not in group.retried:
            group.retried.add(request)
            group.left.append(request)
            return
        if not group.probing:
            step = min(max(2 * self._silent.get(request, _NEVER_SILENT)[0], 1.0), _LONGEST_BACK_OFF_S)
            self._silent[request] = (step, now + step)
        if gone:
            self._turn += 1
        if gone or not group.left:
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
        """The device refuses a request. It is split from now on, beginning at once: first at its
        holes, then into single points. A point refused alone is left out for ten minutes."""
        group.left.remove(request)
        inside = [name for name in group.points if request.covers(span_of(self._points[name]))]
        spans = {span_of(self._points[name]) for name in inside}
        parts = plan_reads(spans, self._merge.model_copy(update={"hole": 0}), self._cost)
        if spans == {request}:
            for name in inside:
                self._refused[name] = now + ASK_AGAIN_S
                last = readings.get((self.device, name), NEVER)
                readings[self.device, name] = Reading(math.nan, last.time, Fault.REFUSED)
        elif len(parts) > 1:  # perhaps it only refuses what lies between
            self._unbridged |= spans
            group.left = parts + group.left
        else:
            self._single |= spans
            group.left = sorted(spans, key=lambda span: (span.first, span.count)) + group.left
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
        single = spans & self._single
        unbridged = (spans & self._unbridged) - single
        group.requests = [
            *plan_reads(spans - unbridged - single, self._merge, self._cost),
            *plan_reads(unbridged, self._merge.model_copy(update={"hole": 0}), self._cost),
            *sorted(single, key=lambda span: (span.table, span.first)),
        ]

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
