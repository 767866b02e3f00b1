"""The start of a makeup pump: quickly to the speed at which it lifts water into the loop.

Below that speed its head is less than the loop's pressure: it churns, and nobody can tell it from one that
sucks air. So until water flows, or the pressure has risen, the speed rises by `RISE_HZ_PER_S` at least; from
there the loop on the pressure goes on. One that has reached its highest speed and still lifts nothing is told
from one that only turns too slowly (`safety.dry_makeup`).
"""

from __future__ import annotations

import math

from controller.control.blocks.water.makeup_meter import CLEAR_FLOW
from controller.points import Point

RISE_HZ_PER_S = 1.0
"""From the lowest speed to the highest in half a minute. At 1 Hz/s the head of a pump of 520 kPa rises by 17
kPa/s: slower than its loop on the pressure follows (own judgement)."""
LIFTED_KPA = 2.0


class MakeupStart:
    """`flow`: of the makeup, where there is a meter."""

    def __init__(self, flow: Point | None) -> None:
        self.flow = flow
        self._lifts = False
        self._from = self._speed = math.nan

    def rest(self) -> None:
        """No pump runs: the next start begins anew."""
        self._lifts = False
        self._from = self._speed = math.nan

    def step(self, dt: float, speed: float, pressure: float) -> float:
        """The speed to turn at, Hz; `speed`: what the loop wants; `pressure` in kPa."""
        if self._lifts:
            return speed
        if math.isnan(self._from):
            self._from, self._speed = pressure, speed
            return speed
        flow = self.flow
        flows = flow is not None and flow.usable and flow.value >= CLEAR_FLOW
        if flows or pressure >= self._from + LIFTED_KPA:
            self._lifts = True
            return speed
        self._speed = max(self._speed + RISE_HZ_PER_S * dt, speed)
        return self._speed
