"""Indicators of a run as small accumulators: exact on a known trace, fed by `sim.season`.

Definitions are BOPTEST's where it has them (`kpis/kpi_calculator.py`): discomfort ∫ max(0, Tlow - T) dt in
K·h a zone, peak as the largest 15-minute mean, actuator travel ∫|dy|. A refund of the fee follows the heating
regulation of Heilongjiang (2021-10-29, FACTS §3): a day below 20 °C gives half of the day's fee back, one
below 16 °C all of it; it is measured outside 10:00-14:00, and a thermometer shows tenths.
"""

from __future__ import annotations

from dataclasses import dataclass

COMFORT_C, COLD_C, HOT_C = 20.0, 18.0, 24.0
NO_SERVICE_C = 16.0
SEASON_DAYS = 182  # 20 October to 20 April
PEAK_S = 900.0
_HOUR, _DAY = 3600.0, 86400.0
_NOT_MEASURED = (10 * _HOUR, 14 * _HOUR)


class Comfort:
    """Degree-hours of one building and the days on which its fee goes back. Feed it at equal intervals."""

    __slots__ = (
        "_day",
        "_lowest",
        "_since",
        "above_24",
        "below_18",
        "below_20",
        "half_days",
        "lost_days",
        "lowest",
    )

    def __init__(self) -> None:
        self.below_20 = self.below_18 = self.above_24 = 0.0  # K·h
        self.half_days = 0
        self.lost_days = 0
        self.lowest = float("inf")
        self._day = -1
        self._since = 0.0
        self._lowest = float("inf")

    def add(self, air: float, dt: float, local: float) -> None:
        """`air` °C holds for `dt` s from `local` on (s since some local midnight). Only whole days are
        judged."""
        hours = dt / _HOUR
        if air < COMFORT_C:
            self.below_20 += (COMFORT_C - air) * hours
            if air < COLD_C:
                self.below_18 += (COLD_C - air) * hours
        elif air > HOT_C:
            self.above_24 += (air - HOT_C) * hours
        if air < self.lowest:
            self.lowest = air
        day, clock = int(local // _DAY), local % _DAY
        if day != self._day:
            self._day, self._since, self._lowest = day, clock, float("inf")
        if air < self._lowest and not _NOT_MEASURED[0] <= clock < _NOT_MEASURED[1]:
            self._lowest = air
        if clock + dt >= _DAY and self._since < dt:
            self._judge()

    def _judge(self) -> None:
        shown = round(self._lowest, 1)
        self.lost_days += shown < NO_SERVICE_C
        self.half_days += NO_SERVICE_C <= shown < COMFORT_C

    def refund(self, fee: float) -> float:
        """Money that goes back of a season's `fee`."""
        return fee / SEASON_DAYS * (self.lost_days + 0.5 * self.half_days)


class Deviation:
    """Mean and 95th percentile of |error|, in classes of 0.05 K up to 50 K."""

    __slots__ = ("_classes", "_sum", "count")

    def __init__(self) -> None:
        self._classes = [0] * 1001
        self._sum = 0.0
        self.count = 0

    def add(self, error: float) -> None:
        """One scan's error in K."""
        size = -error if error < 0.0 else error
        self._sum += size
        self.count += 1
        self._classes[int(size * 20.0) if size < 50.0 else 1000] += 1

    def mean(self) -> float:
        """Mean |error| in K; 0 without any."""
        return self._sum / self.count if self.count else 0.0

    def percentile(self, share: float = 0.95) -> float:
        """Upper edge in K of the class below which `share` of all errors lie."""
        edge, seen = share * self.count, 0
        for i, count in enumerate(self._classes):
            seen += count
            if count and seen >= edge:
                return (i + 1) / 20.0
        return 0.0


class Travel:
    """∫|dy| of an actuator and how often it begins to move."""

    __slots__ = ("_last", "_moving", "_threshold", "starts", "total")

    def __init__(self, position: float, threshold: float = 0.01) -> None:
        """A change of no more than `threshold` from one scan to the next is no movement."""
        self._last = position
        self._threshold = threshold
        self._moving = False
        self.total = 0.0
        self.starts = 0

    def add(self, position: float) -> None:
        """The position after one more scan."""
        moved = position - self._last
        if moved:
            self._last = position
            self.total += moved if moved > 0.0 else -moved
            moving = not -self._threshold <= moved <= self._threshold
            self.starts += moving and not self._moving
            self._moving = moving
        elif self._moving:
            self._moving = False


class Starts:
    """How often a run command comes on."""

    __slots__ = ("_on", "count")

    def __init__(self, value: float) -> None:
        self._on = value >= 0.5
        self.count = 0

    def add(self, value: float) -> None:
        """The command after one more scan."""
        on = value >= 0.5
        if on is not self._on:
            self._on = on
            self.count += on


class Peak:
    """Largest mean power over windows of 15 minutes, from the counter of energy."""

    __slots__ = ("_energy", "_since", "highest")

    def __init__(self, energy: float) -> None:
        self._energy = energy
        self._since = 0.0
        self.highest = 0.0

    def add(self, energy: float, dt: float) -> None:
        """`energy` (kJ) after `dt` more seconds. A window ends with the first call at or after its 15
        minutes."""
        self._since += dt
        if self._since >= PEAK_S - 1e-6:
            self.highest = max(self.highest, (energy - self._energy) / self._since)
            self._energy, self._since = energy, 0.0


@dataclass(slots=True)
class Weighted:
    """Mean of a value, weighted by flow."""

    moment: float = 0.0
    weight: float = 0.0

    def add(self, value: float, weight: float) -> None:
        """One scan."""
        self.moment += value * weight
        self.weight += weight

    def mean(self) -> float | None:
        """None where nothing flowed."""
        return self.moment / self.weight if self.weight > 0.0 else None
