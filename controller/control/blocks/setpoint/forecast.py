"""Forecast feed-forward: a house that stores heat is heated for the cold to come.

    mean    = Σ wₕ·min(Tₕ, T₀) / Σ wₕ     over the next `horizon` hours, wₕ = exp(−h / inertia)
    outside = gain · (mean − T₀)          K of outdoor temperature, −most … 0;  T₀: the forecast for now
    share   = curve(To + outside) − curve(To)     K of the set-point

`inertia` is the building's time constant: hours further off weigh less, as a first-order house forgets.
Only the forecast's own change counts, so its bias against the local sensor cancels. A forecast that is
older than `stale_after`, or does not count, fades out within 1 h, and says so. Nothing is learned: over a
horizon of half a day the weights of a house of 79 h and one of 147 h differ by less than 4 %.

Only hours that are colder than now count: warmth to come takes no heat from the rooms, so no forecast can
chill anybody. Counting both ways was measured, too, and is worse than nothing: heat is taken away every
morning just when the rooms are coldest. K·h below 20 °C in the 8 houses of the demo station and its heat
over 14 days of December in Harbin with a wave of −10 K, errors of `sim.outlook`:

    none 1009, 1772 GJ; both ways 1031, 1774 GJ; colder only 761, 1799 GJ; curve 0.5 K higher 832, 1790 GJ

("colder only" there with the hours clipped by whoever wrote them; by this block, over 5 days with one wave:
348 → 289 K·h, 610 → 622 GJ, coldest house 18.0 → 18.2 °C). A K·h costs about what it costs by a higher
curve; the forecast spends it before the cold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.setpoint.heat_curve import HeatCurve, interpolate
from controller.fields import Amount, Settings
from controller.points import Point, Term

FADE_S = 3600.0
STEPS = 24
PLAUSIBLE_C = (-60.0, 60.0)


class ForecastSettings(Settings):
    """Feed-forward of the weather forecast (天气预报前馈)."""

    horizon: Annotated[float, Amount("time", 3600, 172800)] = Field(
        43200.0, description="So far ahead counts"
    )
    inertia: Annotated[float, Amount("time", 3600, 1080000)] = Field(
        360000.0, description="Time constant of the buildings"
    )
    gain: Annotated[float, Amount("percent", 0, 100, adjustable=True)] = Field(
        50.0, description="Share of the coming cold that is taken; 0 is off"
    )
    most: Annotated[float, Amount("temperature_difference", 0, 6)] = Field(
        3.0, description="Bound of the correction of the outdoor temperature"
    )
    stale_after: Annotated[float, Amount("time", 3600, 86400)] = Field(
        21600.0, description="An older forecast does not count"
    )


class ForecastFeedForward:
    """A correction of the outdoor temperature, `outside`, and what it makes of the set-point, `share`; K."""

    def __init__(self, settings: ForecastSettings) -> None:
        self.settings = settings
        self.outside = Fade(FADE_S)
        self.share = 0.0
        self.why_off = "forecast_none"
        self.age = math.nan
        self.change = math.nan

    def step(
        self, forecast: Sequence[tuple[float, float]], age_s: float, dt_s: float, issue: float = 0.0
    ) -> float:
        """The correction, K. `forecast`: (hours ahead of its issue, °C), any order; `age_s`: since then;
        `issue`: tells one forecast from the next, which then takes over without a bump."""
        settings = self.settings
        self.age, self.change = age_s, math.nan
        self.why_off = self._off(forecast, age_s)
        if self.why_off:
            return self.outside.step(None, dt_s)
        self.change = self._change(sorted(forecast), age_s / 3600)
        wanted = settings.gain / 100 * self.change
        return self.outside.step(min(max(wanted, -settings.most), 0.0), dt_s, issue)

    def on_curve(self, curve: HeatCurve, outdoor: Point) -> float:
        """The share, K of the set-point, at this outdoor temperature."""
        self.share = 0.0
        if outdoor.usable and math.isfinite(outdoor.value):
            self.share = curve.at(outdoor.value + self.outside.value) - curve.at(outdoor.value)
        return self.share

    def _off(self, forecast: Sequence[tuple[float, float]], age_s: float) -> str:
        """Why it does not count; empty when it does."""
        low, high = PLAUSIBLE_C
        if not forecast or not math.isfinite(age_s):
            return "forecast_none"
        if not all(math.isfinite(hour) and low <= value <= high for hour, value in forecast):
            return "forecast_odd"
        return "" if -60 <= age_s <= self.settings.stale_after else "forecast_stale"

    def _change(self, rows: list[tuple[float, float]], begin: float) -> float:
        """Weighted mean of how much colder the hours to come are than now, K, at most 0."""
        horizon, inertia = self.settings.horizon / 3600, self.settings.inertia / 3600
        current = interpolate(rows, begin)
        total = weights = 0.0
        for step in range(STEPS):
            ahead = (step + 0.5) * horizon / STEPS
            weight = math.exp(-ahead / inertia)
            total += weight * min(interpolate(rows, begin + ahead) - current, 0.0)
            weights += weight
        return total / weights

    def explain(self) -> Term | None:
        """None while off, or when nothing is to come."""
        outside = self.outside.value
        if self.settings.gain <= 0 and abs(outside) < 0.05:
            return None
        shares = (
            ("share", self.share, "temperature_difference"),
            ("outside", outside, "temperature_difference"),
        )
        if self.why_off == "forecast_none":
            return Term("forecast_none", shares)
        if self.why_off == "forecast_odd":
            return Term("forecast_odd", shares)
        if self.why_off == "forecast_stale":
            return Term("forecast_stale", (*shares, ("age", self.age, "time")))
        if abs(outside) < 0.05:
            return None
        change = ("change", self.change, "temperature_difference")
        return Term("forecast", (*shares, change, ("age", self.age, "time")))

    def state(self) -> dict[str, Any]:
        """The correction."""
        return {"outside": self.outside.value}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        most = self.settings.most
        self.outside.restore(remembered(state, "outside", 0.0, -most, 0.0))
