"""What the watchers learn with: hourly means, what is usual here, a curve of two terms, a slow verdict.

Everything is a handful of floats, O(1) a call, and plain JSON as state. Hours are plant time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

HOUR_S = 3600.0
FEWEST_SAMPLES = 30
"""Of an hour that counts; with one every 10 s that is 5 min."""


class HourlyMeans:
    """Means of some values over an hour of plant time; an hour counts when half of its samples are good."""

    def __init__(self, size: int) -> None:
        self._sums = [0.0] * size
        self._good = self._all = 0
        self._end = -math.inf

    def take(self, now: float, values: Sequence[float] | None) -> list[float] | None:
        """Add a sample (None: not usable now). The means when an hour has just ended, None otherwise."""
        means = None
        if now >= self._end:
            if self._good >= FEWEST_SAMPLES and 2 * self._good >= self._all:
                means = [value / self._good for value in self._sums]
            self._sums = [0.0] * len(self._sums)
            self._good = self._all = 0
            self._end = now + HOUR_S
        self._all += 1
        if values is not None:
            sums = self._sums
            for index, value in enumerate(values):
                sums[index] += value
            self._good += 1
        return means


class Usual:
    """Mean and deviation of an hourly value over the first `hours` of good operation (Welford)."""

    def __init__(self, hours: int) -> None:
        self.hours = hours
        self.count = 0
        self.mean = 0.0
        self._squares = 0.0

    @property
    def ready(self) -> bool:
        """Enough has been learned."""
        return self.count >= self.hours

    @property
    def deviation(self) -> float:
        """Standard deviation of the hourly value; 0 before two hours."""
        return math.sqrt(self._squares / (self.count - 1)) if self.count > 1 else 0.0

    def learn(self, value: float) -> None:
        """Take an hour in; NaN and infinity are left out."""
        if math.isfinite(value):
            self.count += 1
            away = value - self.mean
            self.mean += away / self.count
            self._squares += away * (value - self.mean)

    def state(self) -> list[float]:
        """Plain JSON."""
        return [self.count, self.mean, self._squares]

    def restore(self, state: object) -> None:
        """Take over `state()`; anything odd is left out."""
        values = numbers(state, 3)
        if values is not None and values[0] >= 0 and values[2] >= 0:
            self.count, self.mean, self._squares = int(values[0]), values[1], values[2]


class TwoTermFit:
    """1/z = a·u + b·v by least squares of the relative error, learned hour by hour.

    Σ(1 − z(a·u + b·v))² + w·n·((1 − s)·a·p − s·b·q)² → min, p and q the mean terms: where the hours are
    too alike to tell a from b, the first term takes the share `s` (w = 2·10⁻⁴, a pull weaker than the noise
    of well spread hours). `low` … `high` is the range of the driver x that has been learned. Source: linear
    least squares with a quadratic penalty (ridge), any text on regression.
    """

    _PULL = 2e-4

    def __init__(self, hours: int, share: float) -> None:
        self.hours = hours
        self.share = share
        self.low, self.high = math.inf, -math.inf
        self._sums = [0.0] * 6  # n, pp, pq, qq, p, q

    @property
    def ready(self) -> bool:
        """Enough has been learned."""
        return self._sums[0] >= self.hours

    def learn(self, x: float, z: float, u: float, v: float) -> None:
        """Take an hour in: driver x, result z > 0, terms u and v > 0. What is not finite is left out."""
        p, q = z * u, z * v
        if not (math.isfinite(x) and math.isfinite(p) and math.isfinite(q) and p > 0.0 and q > 0.0):
            return
        self.low, self.high = min(self.low, x), max(self.high, x)
        for index, value in enumerate((1.0, p * p, p * q, q * q, p, q)):
            self._sums[index] += value

    def factors(self) -> tuple[float, float]:
        """a and b, neither below 0; NaN before the first hour."""
        n, pp, pq, qq, p, q = self._sums
        if n < 1.0:
            return math.nan, math.nan
        first, second = (1.0 - self.share) * p / n, self.share * q / n
        pull = self._PULL * n
        app, apq, aqq = pp + pull * first * first, pq - pull * first * second, qq + pull * second * second
        whole = app * aqq - apq * apq
        a, b = (p * aqq - q * apq) / whole, (q * app - p * apq) / whole
        if b < 0.0:
            return p / pp, 0.0
        if a < 0.0:
            return 0.0, q / qq
        return a, b

    def result(self, u: float, v: float) -> float:
        """z that the curve expects, NaN where it expects none."""
        a, b = self.factors()
        inverse = a * u + b * v
        return 1.0 / inverse if inverse > 0.0 else math.nan

    def state(self) -> list[float]:
        """Plain JSON."""
        bounds = [self.low, self.high] if self._sums[0] else [0.0, 0.0]
        return [*self._sums, *bounds]

    def restore(self, state: object) -> None:
        """Take over `state()`; anything odd is left out."""
        values = numbers(state, 8)
        if values is not None and values[0] > 0 and values[1] > 0 and values[3] > 0:
            self._sums = values[:6]
            self.low, self.high = values[6], values[7]


class Verdict:
    """A slow mean of hourly deviations, held against a threshold.

    mean += min(1, 1/hours)·(deviation − mean), deviations cut at three thresholds: one wild hour decides
    nothing. `found` from the threshold on until the mean is back at half of it; `suspect` from `suspect_at`
    on, in the mean or in the last hour, for `lasts_s` by now (in hours that could be judged).
    """

    def __init__(self, threshold: float, hours: float, suspect_at: float | None = None) -> None:
        self.threshold = threshold
        self.hours = hours
        self.suspect_at = threshold / 2 if suspect_at is None else suspect_at
        self.mean = 0.0
        self.last = 0.0
        self.found = False
        self.lasts_s = 0.0

    @property
    def suspect(self) -> bool:
        """Something is not as usual: nothing is learned meanwhile."""
        return self.found or self.lasts_s > 0.0

    def take(self, deviation: float, usual_deviation: float = 0.0) -> None:
        """Judge an hour. `usual_deviation`: of the hourly value; the threshold is at least 4 times, the
        suspicion at least 3 times that."""
        if not math.isfinite(deviation):
            return
        threshold = max(self.threshold, 4.0 * usual_deviation)
        suspect_at = min(max(self.suspect_at, 3.0 * usual_deviation), threshold)
        cut = min(max(deviation, -3.0 * threshold), 3.0 * threshold)
        self.mean += (cut - self.mean) * min(1.0, 1.0 / self.hours)
        self.last = deviation
        quiet = max(abs(self.mean), abs(deviation)) < suspect_at
        self.lasts_s = 0.0 if quiet else self.lasts_s + HOUR_S
        self.found = abs(self.mean) >= (threshold / 2 if self.found else threshold)

    def state(self) -> list[float]:
        """Plain JSON."""
        return [self.mean, float(self.found), self.lasts_s]

    def restore(self, state: object) -> None:
        """Take over `state()`; anything odd is left out."""
        values = numbers(state, 3)
        if values is not None and values[2] >= 0:
            self.mean, self.found, self.lasts_s = values[0], values[1] >= 0.5, values[2]


def numbers(state: object, count: int) -> list[float] | None:
    """`count` finite numbers of a remembered state, or None."""
    if not isinstance(state, list) or len(state) != count:
        return None
    values = []
    for value in state:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        values.append(float(value))
    return values
