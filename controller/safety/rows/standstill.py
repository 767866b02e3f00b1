"""Water that stands in the cold: how long until the first riser freezes."""

from __future__ import annotations

import math

from controller.points import Point, reading

RISER_MINUTES = 70.0
"""Time constant of a bare DN25 riser in a staircase: FACTS §8 calculates 88 min from 25 to 0 °C and 29 min
from 5 to 0 °C at −10 °C, which is 70.2 and 71.5 min; the shorter one is the careful one."""


def minutes_to_freeze(water: float, around: float) -> float:
    """Minutes until standing water of `water` °C is at 0 °C, with `around` °C about the pipe; inf: never.

    T(t) = Ta + (T0 − Ta)·e^(−t/τ) = 0, so t = τ·ln((T0 − Ta)/(0 − Ta)), τ = `RISER_MINUTES`: a lumped pipe
    that loses heat in proportion to its difference (Newton's law of cooling). NaN for NaN.
    """
    if math.isnan(water) or math.isnan(around):
        return math.nan
    if water <= 0.0:
        return 0.0
    return RISER_MINUTES * math.log((water - around) / -around) if around < 0.0 else math.inf


class Standstill:
    """No proven flow while it is cold; remembers how warm the water was when it stopped.

    The sensors hang in the warm station and cool more slowly than a riser: what counts is the temperature at
    the stop and the time since, and the air outside as the coldest that a staircase can be.
    """

    def __init__(self, flow: Point, water: Point, outdoor: Point, below_c: float) -> None:
        self.flow, self.water, self.outdoor, self.below_c = flow, water, outdoor, below_c
        self.temperature = math.nan
        self._stands_since = math.nan

    def __call__(self) -> bool:
        """To be asked in every scan."""
        if not (self.flow.usable and self.flow.value == 0):
            self._stands_since = math.nan
            if self.water.usable and math.isfinite(self.water.value):
                self.temperature = self.water.value
            return False
        if math.isnan(self._stands_since):
            self._stands_since = self.flow.time
            if math.isnan(self.temperature):
                self.temperature = reading(self.water)
        return self.outdoor.usable and self.outdoor.value < self.below_c

    @property
    def minutes_left(self) -> float:
        """Until the first riser freezes; 0 when it may have; NaN when nothing is known."""
        stood = (self.flow.time - self._stands_since) / 60.0
        left = minutes_to_freeze(self.temperature, reading(self.outdoor)) - stood
        return max(left, 0.0) if not math.isnan(left) else math.nan
