"""Forecast feed-forward: a house that stores heat is heated for the hours to come.

    mean  = Σ wₕ·Tₕ / Σ wₕ        over the next `horizon` hours, wₕ = exp(−h / inertia)
    share = gain · (mean − T₀)    K of outdoor temperature, −most … most;  T₀: the forecast for now

`inertia` is the building's time constant: hours further off weigh less, as a first-order house forgets.
Only the forecast's own change counts, so its bias against the local sensor cancels. `share` is added to
the outdoor temperature that the heat curve reads. A forecast that is older than `stale_after` or does
not reach far enough fades out within 1 h, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.setpoint.heat_curve import interpolate
from controller.fields import Amount, Settings
from controller.points import Term

FADE_S = 3600.0
STEPS = 24
PLAUSIBLE_C = (-60.0, 50.0)


class ForecastSettings(Settings):
    """Feed-forward of the weather forecast (天气预报前馈)."""

    horizon: Annotated[float, Amount("time", 3600, 172800)] = Field(
        43200.0, description="So far ahead counts"
    )
    inertia: Annotated[float, Amount("time", 3600, 1080000)] = Field(
        360000.0, description="Time constant of the buildings"
    )
    gain: Annotated[float, Amount("percent", 0, 100, adjustable=True)] = Field(
        50.0, description="Share of the coming change that is taken; 0 is off"
    )
    most: Annotated[float, Amount("temperature_difference", 0, 6)] = Field(
        3.0, description="Bound of the correction of the outdoor temperature, either way"
    )
    stale_after: Annotated[float, Amount("time", 3600, 86400)] = Field(
        21600.0, description="An older forecast does not count"
    )


class ForecastFeedForward:
    """A correction of the outdoor temperature in K."""

    def __init__(self, settings: ForecastSettings) -> None:
        self.settings = settings
        self.share = Fade(FADE_S)
        self.why_off = "forecast_none"
        self.age = math.nan
        self.change = math.nan

    def step(self, forecast: Sequence[tuple[float, float]], age_s: float, dt_s: float) -> float:
        """The correction, K. `forecast`: (hours ahead of its issue, °C), any order; `age_s`: since then."""
        settings = self.settings
        self.age, self.change = age_s, math.nan
        self.why_off = self._off(forecast, age_s)
        if self.why_off:
            return self.share.step(None, dt_s)
        self.change = self._change(sorted(forecast), age_s / 3600)
        wanted = settings.gain / 100 * self.change
        return self.share.step(min(max(wanted, -settings.most), settings.most), dt_s)

    def _off(self, forecast: Sequence[tuple[float, float]], age_s: float) -> str:
        """Why it does not count; empty when it does."""
        low, high = PLAUSIBLE_C
        if not forecast or not math.isfinite(age_s):
            return "forecast_none"
        if not all(math.isfinite(hour) and low <= value <= high for hour, value in forecast):
            return "forecast_odd"
        if not -60 <= age_s <= self.settings.stale_after:
            return "forecast_stale"
        reach = max(hour for hour, _ in forecast) - age_s / 3600
        return "" if reach >= self.settings.horizon / 7200 else "forecast_short"

    def _change(self, rows: list[tuple[float, float]], begin: float) -> float:
        """Weighted mean of the hours to come less the forecast for now, K."""
        horizon, inertia = self.settings.horizon / 3600, self.settings.inertia / 3600
        total = weights = 0.0
        for step in range(STEPS):
            ahead = (step + 0.5) * horizon / STEPS
            weight = math.exp(-ahead / inertia)
            total += weight * interpolate(rows, begin + ahead)
            weights += weight
        return total / weights - interpolate(rows, begin)

    def explain(self) -> Term | None:
        """None while off, or when nothing is to come."""
        share = ("share", self.share.value, "temperature_difference")
        if self.settings.gain <= 0 and abs(self.share.value) < 0.05:
            return None
        if self.why_off == "forecast_none":
            return Term("forecast_none", (share,))
        if self.why_off == "forecast_odd":
            return Term("forecast_odd", (share,))
        if self.why_off == "forecast_stale":
            return Term("forecast_stale", (share, ("age", self.age, "time")))
        if self.why_off:
            return Term("forecast_short", (share,))
        if abs(self.share.value) < 0.05:
            return None
        return Term(
            "forecast",
            (share, ("change", self.change, "temperature_difference"), ("age", self.age, "time")),
        )

    def state(self) -> dict[str, Any]:
        """The share."""
        return {"share": self.share.value}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self.share.restore(remembered(state, "share", 0.0, -self.settings.most, self.settings.most))
