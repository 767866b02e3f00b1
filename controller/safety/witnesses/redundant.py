"""Two or three sensors of one point: what they say together, and which of them is believed no longer.

one is bad             what is left
one hangs              bad, like one without a value
two agree, one not     two of three: the third is outvoted, and bad
two, or three, differ  the higher of two, the middle one of three; each is told
all agree              the first of two, the middle one of three
"""

from __future__ import annotations

import math

from controller.points import Image, Point, Quality

SHOWN_WRONG = ("frozen", "against_two")
"""Reasons of a sensor that the others show to be wrong."""
FROZEN_S, MOVED_K, MOVES_AGAIN_S = 900.0, 1.0, 60.0
"""The very same number for so long, while another sensor of the point moved by so much: it hangs."""
DISAGREE = {
    "temperature": (3.0, 0.0),
    "pressure": (30.0, 0.0),
    "length": (0.2, 0.0),
    "flow": (1.0, 0.15),
    "power": (50.0, 0.15),
    "percent": (10.0, 0.0),
}
"""Two sensors of one point further apart than this contradict each other: in its unit, and by so large a
share of the higher one (own judgement: two meters of class 3 on one pipe agree within a tenth)."""


class _Still:
    """Does one of several sensors hang? It shows the same number for `FROZEN_S` while the other one moved.

    The other one is the evidence that something changed, so that a quiet night trips nothing. Where both
    hang nothing is told here (the equipment's watchers do). Sound again once it has moved, 60 s later."""

    __slots__ = ("_high", "_low", "_other", "_point", "_since", "_until", "_value", "frozen")

    def __init__(self, point: Point, other: Point) -> None:
        self._point, self._other = point, other
        self._value = self._since = math.nan
        self._low, self._high = math.inf, -math.inf
        self._until = -math.inf
        self.frozen = False

    def look(self) -> None:
        """Judge this scan's values; the times are those of the readings."""
        point, other = self._point, self._other
        value, time = point.value, point.time
        if value != self._value or not point.usable:
            self._value, self._since = value, time
            self._low, self._high = math.inf, -math.inf
            if self.frozen:
                if self._until == math.inf:
                    self._until = time + MOVES_AGAIN_S
                self.frozen = time < self._until
        if other.usable:
            seen = other.value
            if seen < self._low:
                self._low = seen
            if seen > self._high:
                self._high = seen
        if time - self._since >= FROZEN_S and self._high - self._low >= MOVED_K:
            self.frozen, self._until = True, math.inf


class Redundant:
    """Several sensors of one value, joined.

    The limits of the safety table look at the higher one of two that differ; the supply loop asks another
    witness (`SupplyEstimate.believe`), because the higher one may be the liar. They agree again at two thirds
    of the difference, so that noise at the edge is not a row of alarms.
    """

    __slots__ = ("_limit", "_outvoted", "_sensors", "_share", "_stills", "differs", "joined")

    def __init__(self, name: str, image: Image) -> None:
        self._sensors = image.sensors(name)
        first = self._sensors[0]
        self.joined = image.add(Point(name, first.quantity, role="measured"))
        self._limit, self._share = DISAGREE.get(first.quantity, (math.inf, 0.0))
        self._outvoted: Point | None = None
        self.differs = False
        others = (*self._sensors[1:], first)
        warm = first.quantity == "temperature"
        self._stills = [(s, _Still(s, o)) for s, o in zip(self._sensors, others, strict=True) if warm]

    @property
    def troubled(self) -> bool:
        """There is something to tell."""
        return self.differs or self._outvoted is not None or any(still.frozen for _, still in self._stills)

    def join(self) -> None:
        """Fill the joined point."""
        for _, still in self._stills:
            still.look()
        for point, still in self._stills:
            if still.frozen and point.usable:
                point.mark(point.value, Quality.BAD, "frozen", point.time)
        self._vote()
        joined, first = self.joined, self._sensors[0]
        usable = [sensor for sensor in self._sensors if sensor.usable]
        if not usable:
            self.differs = False
            joined.mark(first.value, first.quality, first.reason, first.time)
            return
        usable.sort(key=_value)
        limit = self._apart(usable[-1].value, told=self.differs)
        self.differs = usable[-1].value - usable[0].value > limit
        if self.differs:
            chosen = usable[1]  # the higher of two, the middle one of three
            joined.mark(chosen.value, Quality.UNCERTAIN, "disagree", chosen.time)
        elif len(usable) > 2:
            joined.mark(usable[1].value, usable[1].quality, usable[1].reason, usable[1].time)
        elif first.usable:
            joined.mark(first.value, first.quality, first.reason, first.time)
        else:
            left = next(sensor for sensor in self._sensors if sensor.usable)
            joined.mark(left.value, Quality.UNCERTAIN, "second_sensor", left.time)

    def _apart(self, highest: float, *, told: bool) -> float:
        """So far apart may two of them be; what is told ends at two thirds of it."""
        limit = self._limit + self._share * abs(highest)
        return limit * 2 / 3 if told else limit

    def _vote(self) -> None:
        """Two of three that agree outvote the third."""
        before, self._outvoted = self._outvoted, None
        if len(self._sensors) < 3 or not all(sensor.usable for sensor in self._sensors):
            return
        low, middle, high = sorted(self._sensors, key=_value)

        def away(sensor: Point) -> bool:
            limit = self._apart(max(sensor.value, middle.value), told=sensor is before)
            return abs(sensor.value - middle.value) > limit

        if away(low) == away(high):
            return
        liar = self._outvoted = low if away(low) else high
        liar.mark(liar.value, Quality.BAD, "against_two", liar.time)


def _value(point: Point) -> float:
    return point.value
