"""Rate limit of the supply temperature itself: the set-point may lead the water only by so much.

    dx/dt = (Ts − x) / τ                       x: slow follower of the supply temperature, τ = 10 min
    x − rate·τ ≤ set-point ≤ x + rate·τ

A ramp limits how fast the set-point moves; water that stood cold behind a shut valve can still shoot up.
While the supply moves at `rate`, x lags by rate·τ, so the set-point is held just at the supply: it cannot
be driven faster. At rest the set-point is free within rate·τ (30 K/h: 5 K). A supply that cannot be seen
limits nothing.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from controller.fields import Amount, Settings
from controller.points import Point, Term

FOLLOW_S = 600.0


class SupplyRateSettings(Settings):
    """Limit of how fast the supply temperature changes (供水温度变化率限制)."""

    rate: Annotated[float, Amount("temperature_rate", 6, 600, adjustable=True)] = Field(
        60.0, description="Fastest change of the supply temperature, either way"
    )


class SupplyRate:
    """Cuts a set-point; `limited` is −1 or 1 while it does (raises or lowers it), 0 otherwise."""

    def __init__(self, settings: SupplyRateSettings) -> None:
        self.settings = settings
        self.limited = 0
        self._follower = math.nan

    def step(self, setpoint: float, supply: Point, dt_s: float) -> float:
        """The set-point within what the supply can bear, °C."""
        self.limited = 0
        if not supply.usable or not math.isfinite(supply.value):
            self._follower = math.nan
            return setpoint
        if math.isnan(self._follower):
            self._follower = supply.value
        self._follower += (supply.value - self._follower) * -math.expm1(-max(dt_s, 0.0) / FOLLOW_S)
        lead = self.settings.rate * FOLLOW_S / 3600
        cut = min(max(setpoint, self._follower - lead), self._follower + lead)
        if cut != setpoint:
            self.limited = 1 if cut < setpoint else -1
        return cut

    def explain(self) -> Term | None:
        """None while it does not cut."""
        if not self.limited:
            return None
        return Term("supply_rate", (("rate", self.settings.rate, "temperature_rate"),))
