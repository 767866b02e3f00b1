"""After a power cut: pressure, then the pump slowly, then the valve (FACTS §8).

    waits      0 … 120 s, a hash of the station's name: not all stations of a network in the same second
    pressure   makeup until the return pressure is there, 15 min at most: people freeze without a pump
    pump       circulation at its lowest speed for 60 s, valve shut
    rises      heat, the supply rises by 10 K per 10 min at most, until it is where it was to go

It begins when the power-failure contact opens again, or when the controller itself comes back with a memory
of an earlier run to a plant whose drives all stand. A controller that is restarted beside a running plant
finds a drive that runs, and goes on at once. Frost that is measured in the water does not wait.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from typing import Any

from controller.control.blocks.season.season import SeasonPlan
from controller.control.tick import Tick
from controller.points import Image, Point, Term

STAGES = ("normal", "power_off", "delay", "pressure", "slow_pump", "rises")
LONGEST_DELAY_S = 120
LONGEST_PRESSURE_S = 900.0
PUMP_S = 60.0
LONGEST_PUMP_S = 600.0
RISE_K_PER_H = 60.0
LONGEST_RISE_S = 7200.0
JUDGED_WITHIN_S = 60.0
"""Drives that have not been read after this time do not delay anything."""
OFF_S = 2.0


class PowerReturn:
    """Writes `station.power_return`. `station`: its name, for the delay."""

    def __init__(self, station: str, image: Image) -> None:
        self.delay_s = float(zlib.crc32(station.encode()) % (LONGEST_DELAY_S + 1))
        self.point = image.add(Point("station.power_return", "choice", choices=STAGES, role="calculated"))
        self.stage = "normal"
        self._since = -math.inf
        self._off_since: float | None = None
        self._remembers = False
        self._first_scan: float | None = None
        self._flows_since = math.inf

    def step(
        self,
        tick: Tick,
        plan: SeasonPlan,
        *,
        cut: bool,
        runs: bool | None,
        pressed: bool,
        risen: bool,
    ) -> SeasonPlan:
        """The plan of this scan, narrowed while the sequence lasts.

        `cut`: no power by its contact; `runs`: a circulation drive runs, None while nobody can say;
        `pressed`: pressure is there wherever it is held; `risen`: the supply is where it was to go.
        """
        self._watch(tick.now, plan, cut, runs)
        for _ in STAGES:
            if not self._go_on(tick.now, plan, runs is True, pressed, risen):
                break
        self.point.put(STAGES.index(self.stage), tick.now)
        return self._narrowed(plan)

    def _watch(self, now: float, plan: SeasonPlan, cut: bool, runs: bool | None) -> None:
        """Is this a power cut, or its end?"""
        if self._first_scan is None:
            self._first_scan = now
        if self._remembers and runs is not None:
            self._remembers = False
            if not runs and plan.circulation:
                self._enter("delay", now)
        elif now - self._first_scan >= JUDGED_WITHIN_S:
            self._remembers = False
        if cut and runs is not True:
            self._off_since = now if self._off_since is None else self._off_since
            if now - self._off_since >= OFF_S:
                self._enter("power_off", now)
        else:
            self._off_since = None
            if self.stage == "power_off":
                self._enter("delay", now)

    def _go_on(self, now: float, plan: SeasonPlan, runs: bool, pressed: bool, risen: bool) -> bool:
        """One step along the sequence; False where it stays."""
        waited = now - self._since
        if self.stage in ("normal", "power_off"):
            return False
        if not plan.circulation:
            self._enter("normal", now)
        elif self.stage == "delay" and waited >= self.delay_s:
            self._enter("pressure", now)
        elif self.stage == "pressure" and (pressed or waited >= LONGEST_PRESSURE_S):
            self._enter("slow_pump", now)
        elif self.stage == "slow_pump" and self._ran(now, runs, waited):
            self._enter("rises", now)
        elif self.stage == "rises" and ((risen and waited > PUMP_S) or waited >= LONGEST_RISE_S):
            self._enter("normal", now)
        else:
            return False
        return True

    def _ran(self, now: float, runs: bool, waited: float) -> bool:
        self._flows_since = min(self._flows_since, now) if runs else math.inf
        return now - self._flows_since >= PUMP_S or waited >= LONGEST_PUMP_S

    def _enter(self, stage: str, now: float) -> None:
        if stage != self.stage:
            self.stage, self._since, self._flows_since = stage, now, math.inf

    def _narrowed(self, plan: SeasonPlan) -> SeasonPlan:
        if self.stage == "normal":
            return plan
        if self.stage in ("power_off", "delay", "pressure"):
            makeup = plan.makeup and self.stage == "pressure"
            return replace(plan, heat=False, circulation=False, makeup=makeup, exercise=None, waits=True)
        if self.stage == "slow_pump":
            return replace(plan, heat=False, slow_pump=True)
        return replace(plan, fastest_rise=min(plan.fastest_rise, RISE_K_PER_H))

    def explain(self) -> Term | None:
        """The stage; None in ordinary operation."""
        if self.stage == "normal":
            return None
        return Term(f"return_{self.stage}", (("delay", self.delay_s, "time"),))

    def state(self) -> dict[str, Any]:
        """Its being there says that the station has run before."""
        return {"stage": self.stage}

    def restore(self, state: dict[str, Any]) -> None:
        """There was a life before this one: standing drives are a black start."""
        self._remembers = state.get("stage") in STAGES
