"""Leak of a loop from the balance of its water, m³/h.

Over a window of up to two hours, between two states with pressure p, mean water temperature T and summed
makeup M:

    leak = (M1 − M0 − C·(p1 − p0) − β·V·(T0 − T1)) / (t1 − t0)

C is what the expansion vessel takes, m³/kPa, learned from fills (volume over pressure rise); β·V is what
the water shrinks by when it cools: β = 4.5·10⁻⁴ 1/K at 50 °C, 18 l/K for 40 m³ (IAPWS-97 densities).
While pumps stand M1 = M0, and this is the decay of the pressure. Without C, before the first fill, what
swelling water stores cannot be told, and only makeup that is not explained by shrinking counts.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

SHRINKS_PER_K = 4.5e-4
SAMPLE_S = 60.0
WINDOW_SAMPLES = 120
LEAST_SAMPLES = 30
LEAST_RISE_KPA = 5.0
SHARE_OF_A_FILL = 0.3
MOST_PER_KPA = 0.01
"""Of the loop's volume (or of 100 m³): no vessel yields more per kPa."""


@dataclass(frozen=True, slots=True)
class _State:
    time: float
    makeup: float
    pressure: float
    temperature: float


class LeakBalance:
    """`volume` in m³, None where it is not known: then nothing is corrected for temperature."""

    def __init__(self, volume: float | None) -> None:
        self.volume = volume
        self.leak = math.nan
        self.elasticity = math.nan
        self._window: deque[_State] = deque(maxlen=WINDOW_SAMPLES + 1)
        self._sums = [0.0, 0.0]
        self._count = 0
        self._since = math.nan
        self._fill: tuple[float, float, float] | None = None

    def clear(self) -> None:
        """Water went another way (relief, filling), or nobody looked: begin anew. The last leak stays."""
        self._window.clear()
        self._fill = None
        self._restart(math.nan)

    def step(self, now: float, makeup: float, pressure: float, temperature: float) -> None:
        """`makeup`: sum so far, m³; `pressure` kPa; `temperature`: mean of the water, °C. All finite."""
        if math.isnan(self._since):
            self._since = now
        self._sums[0] += pressure
        self._sums[1] += temperature
        self._count += 1
        if now - self._since < SAMPLE_S:
            return
        mean = [total / self._count for total in self._sums]
        self._window.append(_State(now, makeup, mean[0], mean[1]))
        self._restart(now)
        if len(self._window) > LEAST_SAMPLES:
            self.leak = self._balance(self._window[0], self._window[-1])

    def _restart(self, now: float) -> None:
        self._sums = [0.0, 0.0]
        self._count, self._since = 0, now

    def _balance(self, first: _State, last: _State) -> float:
        shrunk = SHRINKS_PER_K * (self.volume or 0.0) * (first.temperature - last.temperature)
        if math.isfinite(self.elasticity):
            stored = self.elasticity * (last.pressure - first.pressure)
        else:
            shrunk, stored = max(shrunk, 0.0), 0.0
        lost = last.makeup - first.makeup - stored - shrunk
        return max(lost * 3600.0 / (last.time - first.time), 0.0)

    def fill_begins(self, now: float, makeup: float, pressure: float) -> None:
        """A makeup pump starts."""
        self._fill = (now, makeup, pressure)

    def fill_ends(self, now: float, makeup: float, pressure: float) -> None:
        """It has stopped: how much water made how much pressure?"""
        if self._fill is None:
            return
        began, before, low = self._fill
        self._fill = None
        rise = pressure - low
        if rise < LEAST_RISE_KPA:
            return
        lost = self.leak * (now - began) / 3600.0 if math.isfinite(self.leak) else 0.0
        found = (makeup - before - lost) / rise
        if not 0.0 < found < MOST_PER_KPA * (self.volume or 100.0):
            return
        if math.isnan(self.elasticity):
            self.elasticity = found
        self.elasticity += SHARE_OF_A_FILL * (found - self.elasticity)
