"""Hot water that people draw: a daily profile of taps that open at random.

In every minute the number of open taps is a Poisson number with the mean that flats, daily need and hour
give; the sum over a day is the daily need on average. Drawn from (seed, minute), so it is the same for any dt
and any start.
Source: own judgement: 35 l of 60 °C a person and day, 2.5 persons a flat, 0.1 kg/s a tap, hours with the
morning and evening peaks of housing; EN 12831-3 and EN 16147 hold profiles of the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt
from random import Random

_TAP = 0.1  # kg/s
HOUSING = (
    1.0, 0.5, 0.5, 0.5, 1.0, 3.0, 7.5, 8.5, 6.5, 5.0, 4.0, 4.0,
    4.5, 4.0, 3.0, 3.0, 3.5, 5.0, 7.0, 8.5, 8.0, 6.0, 4.0, 1.5,
)  # fmt: skip


class DrawOff:
    """`at` gives kg/s. `daily` is kg a flat and day."""

    __slots__ = ("_flow", "_minute", "daily", "flats", "hours", "hours_ahead", "seed")

    def __init__(
        self,
        seed: str,
        flats: int,
        daily: float = 87.5,
        hours_ahead: float = 8.0,
        hours: Sequence[float] = HOUSING,
    ) -> None:
        """`hours_ahead` of UTC is local time; `hours` are 24 weights from midnight, not all 0."""
        self.seed = seed
        self.flats = flats
        self.daily = daily
        self.hours_ahead = hours_ahead
        total = sum(hours)
        self.hours = tuple(weight / total for weight in hours)
        self._minute = -1
        self._flow = 0.0

    def mean(self, time: float) -> float:
        """Expected flow in kg/s at `time` (epoch s)."""
        hour = int(time / 3600.0 + self.hours_ahead) % 24
        return self.flats * self.daily * self.hours[hour] / 3600.0

    def at(self, time: float) -> float:
        """Flow in kg/s at `time` (epoch s)."""
        minute = int(time // 60.0)
        if minute != self._minute:
            self._minute = minute
            self._flow = _TAP * _poisson(self.mean(time) / _TAP, Random(f"{self.seed}/{minute}"))
        return self._flow


def _poisson(mean: float, random: Random) -> float:
    """Poisson number; above 30 the rounded normal one of the same mean and deviation."""
    if mean > 30.0:
        return max(0.0, round(random.gauss(mean, sqrt(mean))))
    limit, product, count = exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return float(count)
