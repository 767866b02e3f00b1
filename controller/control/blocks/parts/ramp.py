"""Ramp: a set-point that moves no faster than pipes and the network bear.

    y += min(max(target − y, −rate·dt), rate·dt)          rate in K/h, the same up and down

It begins where the plant stands (`start_from`) and rests while there is no target. 30 K/h by default is 5 K
in 10 min, half of what FACTS §8 bears after a power cut; panel blocks allow up to 25 K/min (Saia PCD).
"""

from __future__ import annotations

import math

from controller.points import Term


class Ramp:
    """Follows its target with at most `rate` per hour. Starts at the first value it is given."""

    def __init__(self, rate_per_hour: float) -> None:
        self.rate_per_hour = rate_per_hour
        self.value = math.nan
        self.target = math.nan

    def start_from(self, value: float) -> None:
        """Begin at `value`, so that taking over from a standing plant is no jump."""
        self.value = value

    def step(self, target: float, dt_s: float) -> float:
        """The value on its way to `target`; it stays where it is while there is no target (NaN)."""
        if not math.isfinite(target):
            return self.value
        self.target = target
        if math.isnan(self.value):
            self.value = target
        most = self.rate_per_hour * dt_s / 3600
        self.value += min(max(target - self.value, -most), most)
        return self.value

    def explain(self) -> Term | None:
        """None once the target is reached."""
        if abs(self.target - self.value) < 0.05:
            return None
        return Term(
            "ramp",
            (("target", self.target, "temperature"), ("rate", self.rate_per_hour, "temperature_rate")),
        )
