"""Makeup by reckoning: what the loop lacks by the balance of its water, while no pressure can be seen.

    lacks = C·(set-point − p) when p was last seen, then + leak·t + β·V·(T0 − T) − makeup

with the leak, C and β·V of `leak_balance`. A learned leak counts for at most what is permitted, else 0.5 % of
the volume an hour (FACTS §8: from there on it is a fault that people must look for, not the loss of every
day). A fill begins at the water of `start_below` and ends when nothing is lacking.

A makeup pump is a gauge by itself: its head at little flow goes with n² (affinity law). Where it has lifted
the loop to a pressure p near the set-point that rises no further, it lifts just that: so `reach` = p·(50
Hz/n)² is learned there, and the pump turns no faster than its square root asks. Later its check valve may
hold the pressure while it turns more slowly and lifts nothing. Where that is known a fifth more is made up
than the balance says (FACTS §8 allows half): too much ends at the pump's own head, too little would add up.
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.blocks.water.leak_balance import SHRINKS_PER_K
from controller.control.blocks.water.makeup_guard import MakeupGuard
from controller.control.tick import Tick

NOMINAL_HZ = 50.0
LEAK_S = 6 * 3600.0
"""Filter of the learned leak: what the loop loses day by day, not this hour."""
MOST_PERCENT = 0.5
USUAL_VOLUME = 100.0
"""m³ where no volume is in the file, as in `leak_balance`."""
SHARE_HELD = 1.2
HOLDS_KPA, HOLDS_S = 3.0, 10.0
"""So near to the set-point, no higher for so long: a pump has lifted the loop as far as it can …"""
LIFTED_KPA, HIGHER_KPA = 2.0, 0.25
"""… where it has lifted it by so much; less is no rise."""
REACH_SHARE = 0.5
"""Of what a fill has shown that goes into `reach`."""
MOST_LACKING_KPA = 100.0
"""The balance runs no further than the water of so much pressure, up or down."""
LEAST_FILL_S, LONGEST_FILL_S = 60.0, 1800.0
WITHOUT_GAS_S = 3600.0
"""A portion is what leaks in this time where C is not known."""


class ReckonedMakeup:
    """`setpoint`, `start_below` in kPa; `lacks` in m³."""

    def __init__(self, start_below: float) -> None:
        self.start_below = start_below
        self.leak = math.nan
        self.reach = math.nan
        self.lacks = 0.0
        self.runs = False
        self._ran_s = 0.0
        self.rest()
        self._total = math.nan
        self._temperature = math.nan

    # ---- while the pressure is seen

    def learn(self, tick: Tick, guard: MakeupGuard, below: float) -> None:
        """`below`: set-point less pressure, kPa."""
        self.runs, self._ran_s = False, 0.0
        found = guard.balance.leak
        if math.isfinite(found):
            if math.isnan(self.leak):
                self.leak = found
            self.leak += min(tick.dt / LEAK_S, 1.0) * (found - self.leak)
        stored = guard.balance.elasticity
        self.lacks = stored * self._bounded(below) if math.isfinite(stored) else 0.0
        self._total, self._temperature = guard.meter.total, math.nan

    def rest(self) -> None:
        """No pump runs by the pressure: the next fill begins anew."""
        self._lowest, self._highest = math.inf, -math.inf
        self._at_highest = math.nan
        self._stands_s = 0.0
        self._shown = False

    def learn_speed(self, dt: float, setpoint: float, pressure: float, speed_hz: float) -> None:
        """A pump runs at `speed_hz` by the loop on the pressure."""
        self._lowest = min(self._lowest, pressure)
        if pressure > self._highest + HIGHER_KPA:
            self._highest, self._at_highest, self._stands_s = pressure, speed_hz, 0.0
        self._stands_s += dt
        lifted = self._highest >= self._lowest + LIFTED_KPA and self._stands_s >= HOLDS_S
        near = abs(setpoint - self._highest) <= HOLDS_KPA and self._at_highest > 0.0
        if self._shown or not lifted or not near:
            return
        self._shown = True  # of this fill: what comes now may be the check valve
        reach = self._highest * (NOMINAL_HZ / self._at_highest) ** 2
        self.reach = reach if math.isnan(self.reach) else self.reach + REACH_SHARE * (reach - self.reach)

    # ---- while it is not

    def known(self, guard: MakeupGuard) -> bool:
        """There is a leak to go by, and a flow to count with."""
        return math.isfinite(self.leak) and guard.meter.known

    def speed(self, setpoint: float) -> float:
        """Speed that holds `setpoint` at little flow, Hz; NaN when none was learned."""
        if not self.reach > 0.0:
            return math.nan
        return NOMINAL_HZ * math.sqrt(max(setpoint, 0.0) / self.reach)

    def step(self, tick: Tick, guard: MakeupGuard) -> bool:
        """One scan without pressure: run or not."""
        leak = min(self.leak, self._most_leak(guard))
        self.lacks += (SHARE_HELD if self.reach > 0.0 else 1.0) * leak * tick.dt / 3600.0
        self.lacks += self._shrunk(guard)
        total = guard.meter.total
        if math.isfinite(self._total):
            self.lacks -= total - self._total
        self._total = total
        stored = guard.balance.elasticity
        known = math.isfinite(stored)
        portion = stored * self.start_below if known else leak * WITHOUT_GAS_S / 3600.0
        most = stored * MOST_LACKING_KPA if known else 3 * portion
        self.lacks = min(max(self.lacks, -most if known else 0.0), most)
        if not self.runs:
            self.runs, self._ran_s = portion > 0.0 and self.lacks >= portion, 0.0
            return self.runs
        self._ran_s += tick.dt
        self.runs = self.lacks > 0.0 or self._ran_s < LEAST_FILL_S
        if self._ran_s >= LONGEST_FILL_S:
            self.runs, self.lacks = False, 0.0
        return self.runs

    @staticmethod
    def _most_leak(guard: MakeupGuard) -> float:
        if guard.settings.permitted is not None:
            return guard.settings.permitted
        return MOST_PERCENT / 100.0 * (guard.settings.loop_volume or USUAL_VOLUME)

    def _shrunk(self, guard: MakeupGuard) -> float:
        """m³ that the water has lost by cooling since the last scan."""
        now, before = guard.temperature(), self._temperature
        if math.isnan(now):
            return 0.0
        self._temperature = now
        volume = guard.settings.loop_volume or 0.0
        return 0.0 if math.isnan(before) else SHRINKS_PER_K * volume * (before - now)

    @staticmethod
    def _bounded(kpa: float) -> float:
        return min(max(kpa, -MOST_LACKING_KPA), MOST_LACKING_KPA)

    # ---- state

    def memory(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {
            "leak": self.leak if math.isfinite(self.leak) else None,
            "reach": self.reach if math.isfinite(self.reach) else None,
            "lacks": self.lacks,
        }

    def remember(self, state: object) -> None:
        """Take over what `memory` gave; anything missing or odd keeps its fresh value."""
        if not isinstance(state, dict):
            return
        leak, reach, lacks = state.get("leak"), state.get("reach"), state.get("lacks")
        if isinstance(leak, int | float) and math.isfinite(leak) and leak >= 0.0:
            self.leak = float(leak)
        if isinstance(reach, int | float) and math.isfinite(reach) and reach > 0.0:
            self.reach = float(reach)
        if isinstance(lacks, int | float) and math.isfinite(lacks):
            self.lacks = float(lacks)
