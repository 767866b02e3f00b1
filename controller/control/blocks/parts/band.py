"""Band (two-point) control with hysteresis: on below one value and off above another, or the reverse.

    on_at < off_at    on when x ≤ on_at, off when x ≥ off_at, in between as before       (filling)
    on_at > off_at    on when x ≥ on_at, off when x ≤ off_at, in between as before       (relieving)

A value that cannot be seen switches off. The high/low band of makeup and relief in the station controllers
of FACTS §4.
"""

from __future__ import annotations

import math


class Band:
    """A switch that keeps its state between its two values and when it cannot see.

    `on_at` < `off_at`: filling (on when low); `on_at` > `off_at`: relieving (on when high).
    """

    def __init__(self, on_at: float, off_at: float) -> None:
        if on_at == off_at:
            raise ValueError("a band needs two different values")
        self.on_at, self.off_at = on_at, off_at
        self.on = False

    def step(self, measured: float) -> bool:
        """New state. NaN (nothing can be seen) switches off: filling or relieving blind does harm."""
        if math.isnan(measured):
            self.on = False
        elif self.on_at < self.off_at:
            self.on = measured <= self.on_at or (self.on and measured < self.off_at)
        else:
            self.on = measured >= self.on_at or (self.on and measured > self.off_at)
        return self.on
