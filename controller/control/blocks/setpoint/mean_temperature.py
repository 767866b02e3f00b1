"""Mode `mean_temperature` (二次平均温度): the mean of secondary supply and return follows the weather.

    Ts = 2·(M(To) + e) − F(Tr)        M: mean wanted, e: all shares of the set-point but the curve, K

The radiators' heat goes with their mean temperature, so the houses get what they need at any flow: with a
weak pump, or many shut valves, the return is colder and the supply makes up for it. M comes from the design
curve, Ti + (Tm0 − Ti)·q^(1/n) (see `heat_curve`), so that choosing the mode changes no heat at the design
flow; beside any other curve the section has points of its own, because those of the curve are supply
temperatures. F is a first-order filter: the return answers to the supply with less than its own change, after
the water's round trip, so any filter is stable; ten minutes damp what would swing for some round trips.

    M + e − F(Tr) within [0.65·u·h, 1.5·u·h]    h: half the spread of the curve, u: what is usual here of it

is how far a return is believed: it leads the heat, and nothing else says whether it drifts. A pump that
weakens by a third is made up for; a sensor that drifts for days takes a tenth of the heat. u begins at 1 and
follows the spread, in weeks (time constant of ten days) and only while the supply is as wanted: a station
that pumps twice the design flow is learned.

A return that cannot be used keeps its last value for 10 min; then the heat curve takes over until it is back
for a minute. A remote offset is one of the supply, and raises the mean by about half of it.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.parts.steady import Steady
from controller.control.blocks.setpoint.heat_curve import HeatCurve, Outdoor, interpolate
from controller.fields import Amount, Settings
from controller.points import Point, Term

HOLD_S = 600.0
BACK_S = 60.0
BELIEVED_LOW, BELIEVED_HIGH = 0.65, 1.5
"""Shares of the usual spread; at least ±1 K of its half, for small spreads are measured badly."""
LEAST_WIDTH_K, LEAST_HALF_K = 1.0, 2.0
LEARN_S = 10 * 86400.0
USUAL_LOW, USUAL_HIGH = 0.3, 3.0
AS_WANTED_K = 2.0

Mean = Annotated[float, Amount("temperature", 15, 90)]


class MeanTemperatureSettings(Settings):
    """Mode `mean_temperature`: (supply + return)/2 follows the weather (二次平均温度)."""

    points: dict[Outdoor, Mean] = Field(
        {}, description="Outdoor temperature: mean temperature; none: from the design curve", max_length=12
    )
    filter: Annotated[float, Amount("time", 0, 7200)] = Field(
        600.0, description="Filter of the return temperature"
    )


class MeanTemperature:
    """Supply temperature that brings the mean. `blind`: the return has been lost for too long."""

    def __init__(self, settings: MeanTemperatureSettings, curve: HeatCurve, back: Point | None) -> None:
        self.settings, self.curve, self.back = settings, curve, back
        self.rows = sorted(settings.points.items())
        self.lost_s = 0.0
        self.mean = math.nan
        self.supply = math.nan
        self.doubts = False
        self.usual = 1.0
        self._half = LEAST_HALF_K
        self._back_s = 0.0
        self._return = Steady(settings.filter)

    def watch(self, dt: float) -> None:
        """Look at the return, in every mode."""
        usable = self.back is not None and self.back.usable
        self._back_s = self._back_s + dt if usable else 0.0
        if self.back is not None and usable:
            self._return.step(self.back.value, dt)
        if not usable:
            self.lost_s += dt
        elif self._back_s >= BACK_S or self.lost_s < HOLD_S:
            self.lost_s = 0.0

    @property
    def blind(self) -> bool:
        """The heat curve takes over."""
        return self.lost_s >= HOLD_S or math.isnan(self._return.value)

    def step(self, outdoor: float, more: float) -> float:
        """Supply temperature wanted, °C. `outdoor`: what the curve was read at; `more`: other shares, K."""
        shift = self.curve.settings.shift
        base = interpolate(self.rows, outdoor) if self.rows else self.curve.mean(outdoor)
        self._half = max(self.curve.at(outdoor) - shift - base, LEAST_HALF_K)
        self.mean = base + shift + more
        lowest, highest = self._believed()
        asked = self.mean - self._return.value
        self.supply = self.mean + min(max(asked, lowest), highest)
        self.doubts = self.supply != self.mean + asked
        return self.supply

    def learn(self, supply: float, dt: float) -> None:
        """What is usual of the spread, from a supply (°C) that is as wanted."""
        if not abs(supply - self.supply) <= AS_WANTED_K or self.lost_s > 0:
            return
        lowest, highest = self._believed()
        seen = min(max((supply - self._return.value) / 2, lowest), highest) / self._half
        self.usual += (min(max(seen, USUAL_LOW), USUAL_HIGH) - self.usual) * dt / (LEARN_S + dt)

    def _believed(self) -> tuple[float, float]:
        usual = self.usual * self._half
        return (
            min(BELIEVED_LOW * usual, usual - LEAST_WIDTH_K),
            max(BELIEVED_HIGH * usual, usual + LEAST_WIDTH_K),
        )

    def explain(self) -> Term:
        """Mean wanted, return, and the supply that follows."""
        values = (
            ("mean", self.mean, "temperature"),
            ("back", self._return.value, "temperature"),
            ("supply", self.supply, "temperature"),
        )
        held = (Term("return_held"),) if self.lost_s > 0 else ()
        usual = (("back", self.mean - self.usual * self._half, "temperature"),)
        doubts = (Term("return_doubted", usual),) if self.doubts else ()
        return Term("mean_temperature_wants", values, (*held, *doubts))

    def explain_lost(self) -> Term:
        """Why the heat curve has taken over."""
        return Term("return_lost")

    def state(self) -> dict[str, Any]:
        """The filtered return, for how long it has been lost, and the usual spread."""
        return {"return": finite(self._return.value), "lost": self.lost_s, "usual": self.usual}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self._return.value = remembered(state, "return", self._return.value, 0.0, 95.0)
        self.lost_s = remembered(state, "lost", 0.0, 0.0, HOLD_S)
        self.usual = remembered(state, "usual", self.usual, USUAL_LOW, USUAL_HIGH)
