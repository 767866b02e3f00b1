"""Signs of the safety table that need a memory: one that has just gone, and a pressure that fell."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from controller.points import Point, reading
from controller.safety.rows.parts import Clock

SAMPLE_S = 5.0
ENDS = 3
"""Samples at either end of a window that must agree: one spike is no fall."""


class Recent:
    """`sign`, and for `lasts_s` after it: what follows from it shows later than it does."""

    def __init__(self, sign: Callable[[], bool], clock: Clock, lasts_s: float) -> None:
        self.sign, self.clock, self.lasts_s = sign, clock, lasts_s
        self._seen_at = -math.inf

    def __call__(self) -> bool:
        """To be asked in every scan."""
        if self.sign():
            self._seen_at = self.clock()
        return self.clock() - self._seen_at <= self.lasts_s


class Fall:
    """A pressure fell by `kpa` or more within `within_s`. A gap in the readings begins anew, and so does a
    value that comes from elsewhere."""

    def __init__(self, point: Point | None, clock: Clock, kpa: float, within_s: float) -> None:
        self.point, self.clock, self.kpa = point, clock, kpa
        self._rows: deque[float] = deque(maxlen=round(within_s / SAMPLE_S) + 2 * ENDS - 1)
        self._sampled_at = -math.inf
        self._fell = False
        self._source = ""

    def __call__(self) -> bool:
        """To be asked in every scan."""
        value = reading(self.point)
        if self.point is not None and self.point.reason != self._source:
            self._source = self.point.reason
            self._rows.clear()
        if not math.isfinite(value):
            self._rows.clear()
            self._fell = False
        elif self.clock() - self._sampled_at >= SAMPLE_S:
            self._sampled_at = self.clock()
            self._rows.append(value)
            self._fell = self._judge()
        return self._fell

    def _judge(self) -> bool:
        rows = list(self._rows)
        if len(rows) < 2 * ENDS:
            return False
        newest = max(rows[-ENDS:])
        if max(rows) - newest < self.kpa:
            return False
        return any(min(rows[i : i + ENDS]) - newest >= self.kpa for i in range(len(rows) - 2 * ENDS + 1))
