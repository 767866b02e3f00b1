"""First-order filter of what is measured, y += (x − y)·dt/(T + dt), that keeps its value while nothing is."""

from __future__ import annotations

import math


class Steady:
    """A disturbance that is measured: filtered; its last value while it cannot be seen."""

    def __init__(self, filter_s: float) -> None:
        self.filter_s = filter_s
        self.value = math.nan

    def step(self, value: float, dt_s: float) -> float:
        """The filtered value; NaN teaches nothing."""
        if math.isfinite(value):
            if math.isnan(self.value):
                self.value = value
            else:
                self.value += (value - self.value) * dt_s / (self.filter_s + dt_s)
        return self.value
