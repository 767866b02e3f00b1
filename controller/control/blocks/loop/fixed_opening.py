"""Mode `fixed_opening` (阀门定开度): the valve stands at one opening, whatever the weather.

    y += clamp(r·dt / |w(target) − w(y)|, 0, 1)·(target − y)

w(y): lift that an opening gives under the present conditions. So the water changes no faster than by r, the
ramp of its set-point, when the opening is changed, the mode begins, or a hand or a limit has let go; then the
opening stands still. The supply is kept between `supply.min` and `supply.max` (`supply_limiter`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from controller.fields import Amount, Settings
from controller.points import Term

REACHED = 0.05
"""Closer than this is there, %."""


class FixedOpeningSettings(Settings):
    """Mode `fixed_opening`: the valve stands at one opening (阀门定开度)."""

    opening: Annotated[float, Amount("percent", 0, 100, adjustable=True)] = Field(
        description="Opening of the valve"
    )


class FixedOpening:
    """`value`: opening on its way, %."""

    def __init__(self, settings: FixedOpeningSettings, low: float, high: float) -> None:
        """`low`, `high`: limits of the valve, %."""
        self.settings = settings
        self.low, self.high = low, high
        self.value = math.nan
        self.arrived = False
        """It stands where it is to be."""

    def start(self, opening: float) -> None:
        """Set out from where the valve stands, %."""
        self.value = opening if math.isfinite(opening) else 0.0

    @property
    def target(self) -> float:
        """The settings' opening within the valve's limits, %."""
        return min(max(self.settings.opening, self.low), self.high)

    @property
    def final(self) -> bool:
        """The opening is to be met exactly."""
        return self.arrived

    def step(self, part: Callable[[float, float], float]) -> float:
        """Opening of this scan, %. `part`: share of the way between two openings that the water bears."""
        target = self.target
        self.value += part(self.value, target) * (target - self.value)
        self.arrived = abs(target - self.value) < REACHED
        if self.arrived:
            self.value = target
        return self.value

    def explain(self) -> Term:
        """The opening, and whether it is there."""
        values = (("opening", self.settings.opening, "percent"), ("now", self.value, "percent"))
        return Term("fixed_opening_stands" if self.arrived else "fixed_opening_moves", values)
