"""Damped outdoor temperature: a first-order filter, for heavy houses whose technicians ask for it.

    dTd/dt = (To − Td) / time_constant        exact for a step held over one scan

Off by default: the damped value comes late at every change, and a season then needs about 3 % more heat
for the same rooms (calculated on a two-node building with a filter of 12 h).
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.memory import finite, remembered
from controller.control.tick import Tick
from controller.fields import Amount, Settings
from controller.points import Point, Quality, Term


class DampedOutdoorSettings(Settings):
    """Damped outdoor temperature (室外温度滤波)."""

    time_constant: Annotated[float, Amount("time", 0, 172800, adjustable=True)] = Field(
        0.0, description="Of the filter; 0 is off. A filter of 12 h costs about 3 % of the season's heat"
    )


class DampedOutdoor:
    """Gives a point that the heat curve reads in place of the sensor."""

    def __init__(self, settings: DampedOutdoorSettings, circuit: str) -> None:
        self.settings = settings
        self.point = Point(f"{circuit}.outdoor_damped", "temperature", role="calculated")
        self.value = math.nan
        self.raw = math.nan

    def step(self, outdoor: Point, tick: Tick) -> Point:
        """The damped point, °C, with the sensor's quality. While the sensor is lost the filter stands;
        before anything is known it begins at the first reading. Switched off it follows at once."""
        if not outdoor.usable or not math.isfinite(outdoor.value):
            self.raw = math.nan
            self.point.mark(self.value, Quality.BAD, outdoor.reason or "no_reading", tick.now)
            return self.point
        self.raw = outdoor.value
        constant = self.settings.time_constant
        if constant <= 0 or math.isnan(self.value):
            self.value = outdoor.value
        else:
            share = 1 - math.exp(-max(tick.dt, 0.0) / constant)
            self.value += share * (outdoor.value - self.value)
        self.point.mark(self.value, outdoor.quality, outdoor.reason, tick.now)
        return self.point

    def explain(self) -> Term | None:
        """None when off."""
        if self.settings.time_constant <= 0:
            return None
        return Term(
            "outdoor_damped",
            (
                ("damped", self.value, "temperature"),
                ("outdoor", self.raw, "temperature"),
                ("time", self.settings.time_constant, "time"),
            ),
        )

    def state(self) -> dict[str, Any]:
        """The filter's value."""
        return {"outdoor": finite(self.value)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self.value = remembered(state, "outdoor", self.value, -60, 60)
