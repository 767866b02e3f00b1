"""Load of a circuit as a share of its design day, for the number of exchangers.

    by outdoor temperature   q = (20 °C − To)/(20 °C − To0), To0 of the design day
    by the heat meter        q = P/P0, P smoothed over 5 min
    P0                       given, or learned: mean of P/q over days, from a day on
    load                     the larger of both: the outdoor temperature leads, the heat says what is taken

20 °C is the rooms'; the straight line is the loss of a house. The design heat is learned over a week, so that
day and night, sun and the houses' mass average out (own judgement; FACTS §1: houses have 80 … 150 h).
Without the meter the outdoor temperature alone counts, if it is measured and no substitute; nobody knows the
load else.
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.parts.steady import Steady
from controller.control.tick import Tick
from controller.points import Point, Quality

ROOM_C = 20.0
HEAT_FILTER_S = 300.0
LEARN_FROM = 0.25
"""Least share by the outdoor temperature: near the end of heating the line through 20 °C says little."""
FIRST_S = 86400.0
LEARN_S = 7 * 86400.0
MOST = 2.0


class ExchangerLoad:
    """`step` gives the share of the design heat, NaN while nobody knows it."""

    def __init__(
        self, design_outdoor: float, design_heat: float | None, outdoor: Point, power: Point | None
    ) -> None:
        """°C and kW; `power`: the heat meter's."""
        self.design_outdoor = design_outdoor
        self.outdoor, self.power = outdoor, power
        self.given = design_heat is not None
        self.design_heat = design_heat if design_heat is not None else math.nan
        self.by_heat = self.by_outdoor = math.nan
        self._heat = Steady(HEAT_FILTER_S)
        self._learned_s = 0.0

    def step(self, tick: Tick) -> float:
        """One scan."""
        outdoor, power = self.outdoor, self.power
        self.by_outdoor = self.by_heat = math.nan
        if outdoor.usable:
            share = (ROOM_C - outdoor.value) / (ROOM_C - self.design_outdoor)
            self.by_outdoor = min(max(share, 0.0), MOST)
        if power is not None and power.usable and power.value >= 0.0:
            heat = self._heat.step(power.value, tick.dt)
            self._learn(tick.dt, heat)
            if self.given or self._learned_s >= FIRST_S:
                self.by_heat = min(heat / self.design_heat, MOST)
        if math.isnan(self.by_outdoor):
            return math.nan
        if math.isnan(self.by_heat):
            return self.by_outdoor if outdoor.quality is Quality.GOOD else math.nan
        return max(self.by_heat, self.by_outdoor)

    def _learn(self, dt: float, heat: float) -> None:
        if self.given or self.outdoor.quality is not Quality.GOOD or self.by_outdoor < LEARN_FROM:
            return
        if heat <= 0.0:
            return
        seen = heat / self.by_outdoor
        if math.isnan(self.design_heat):
            self.design_heat = seen
        self._learned_s = min(self._learned_s + dt, LEARN_S)
        self.design_heat += (seen - self.design_heat) * dt / max(self._learned_s, FIRST_S / 4)

    def state(self) -> dict[str, float | None]:
        """What was learned."""
        heat = None if self.given else finite(self.design_heat)
        return {"design_heat": heat, "learned": self._learned_s}

    def restore(self, state: object) -> None:
        """Take it over; what is missing or odd stays fresh, and a given design heat stays."""
        if self.given or not isinstance(state, dict):
            return
        heat: dict[str, Any] = state
        self.design_heat = remembered(heat, "design_heat", math.nan, 1e-3)
        if math.isfinite(self.design_heat):
            self._learned_s = remembered(heat, "learned", 0.0, 0.0, LEARN_S)
