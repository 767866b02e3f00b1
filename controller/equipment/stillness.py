"""How lively a sound sensor is: learned for each, so that one that hangs is told within the hour.

A transmitter counts in steps; the smallest difference ever seen is one. Noise of a count or more makes jumps
of two counts and more wherever the value rests; noise of a fraction of a count flickers by one between two
counts and stands still in the middle of one, for hours. So a sensor is lively when in every one of its last
hours (at least 24, up to 48) 3 % of the samples jumped by two counts. Then its noise is some 0.6 counts, and
no sample keeps the number with more than a chance of 0.6: half an hour of 10 s samples with 0.6¹⁸⁰ = 10⁻⁴⁰.
Beyond that the longest stand of the last week or two that ended by itself counts six times. Own calculation.
"""

from __future__ import annotations

import math
from collections import deque

from controller.equipment.learning import numbers
from controller.equipment.watcher import PERIOD_S

HOUR_SAMPLES = 360
LEAST_HOURS, MOST_HOURS = 24, 48
LEAST_SHARE = 0.03
JUMP_COUNTS = 1.5
EARLY_S = 1800.0
TIMES_LONGEST = 6.0
FORGETS_SAMPLES = 7 * 24 * HOUR_SAMPLES
NOW_SAMPLES = 90.0
"""Filter of what it does now: a quarter of an hour."""


class Stillness:
    """One sensor, sample by sample."""

    __slots__ = ("_before", "_count", "_hours", "_jumps", "_longest", "_now", "_samples", "_week")

    def __init__(self) -> None:
        self._hours: deque[float] = deque(maxlen=MOST_HOURS)
        self._samples = self._jumps = 0
        self._count = math.inf
        self._longest = self._before = 0.0
        self._week = 0
        self._now = 0.0

    def stands(self) -> None:
        """The very same number again; what that is worth is known when it ends."""
        self._now -= self._now / NOW_SAMPLES

    def moved(self, by: float, stood_s: float) -> None:
        """Another number, after it had stood for so long."""
        by = abs(by)
        self._count = min(self._count, by)
        jumps = by >= JUMP_COUNTS * self._count
        self._now += (float(jumps) - self._now) / NOW_SAMPLES
        samples = max(round(stood_s / PERIOD_S), 1)
        self._longest = max(self._longest, stood_s)
        self._samples += samples
        self._week += samples
        self._jumps += jumps
        if self._samples >= HOUR_SAMPLES:
            self._hours.append(self._jumps / self._samples)
            self._samples = self._jumps = 0
        if self._week >= FORGETS_SAMPLES:
            self._before, self._longest, self._week = self._longest, 0.0, 0

    @property
    def quietest(self) -> float:
        """Share of jumps in the quietest hour; 0 while not known."""
        return min(self._hours) if len(self._hours) >= LEAST_HOURS else 0.0

    @property
    def longest_s(self) -> float:
        """The longest stand that ended by itself."""
        return max(self._longest, self._before)

    @property
    def early_s(self) -> float:
        """So long it does not stand; inf while that is not known, or where it stands by nature."""
        return max(EARLY_S, TIMES_LONGEST * self.longest_s) if self.quietest >= LEAST_SHARE else math.inf

    @property
    def unusual_s(self) -> float:
        """Far longer than it ever stood; inf before a whole week of it is known."""
        return TIMES_LONGEST * self.longest_s if self._before > 0.0 else math.inf

    @property
    def is_as_ever(self) -> bool:
        """It is lively, and that now as well."""
        return self.quietest >= LEAST_SHARE and self._now >= self.quietest / 2.0

    def state(self) -> list[float]:
        """Plain JSON."""
        count = self._count if math.isfinite(self._count) else 0.0
        return [count, self._longest, self._before, float(self._week), *self._hours]

    def restore(self, state: object) -> None:
        """Take over `state()`; anything odd is left out."""
        hours = len(state) - 4 if isinstance(state, list) else -1
        values = numbers(state, hours + 4) if 0 <= hours <= MOST_HOURS else None
        if values is None or min(values) < 0.0 or max(values[4:], default=0.0) > 1.0:
            return
        self._count = values[0] or math.inf
        self._longest, self._before, self._week = values[1], values[2], int(values[3])
        self._hours = deque(values[4:], maxlen=MOST_HOURS)
