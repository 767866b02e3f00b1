"""The season of the whole station: its state, the return of power, and what both allow each circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from controller.alarms import AlarmBook
from controller.control.blocks.season.power_return import PowerReturn
from controller.control.blocks.season.season import Season, SeasonPlan, SeasonSettings
from controller.control.circuits.heating import HeatingCircuit
from controller.control.tick import Tick
from controller.points import Image, Point, Term


class StationSeason:
    """`plan`: what counts in this scan. `station`: its name, for the delay after a power cut."""

    def __init__(self, settings: SeasonSettings, station: str, image: Image) -> None:
        self.season = Season(settings, image)
        self.power_return = PowerReturn(station, image)
        self.contact = image.points.get("station.power_failure")
        self.plan: SeasonPlan = self.season.plan

    @property
    def point(self) -> Point:
        """The state as a point that takes commands."""
        return self.season.point

    def step(
        self, tick: Tick, outdoor_mean: float, circuits: Sequence[HeatingCircuit], alarms: AlarmBook
    ) -> None:
        """One scan, before the circuits. `circuits`: those that work; `outdoor_mean`: of ten days, °C."""
        risen = bool(circuits) and all(circuit.arrived for circuit in circuits)
        wanted = self.season.step(tick, outdoor_mean, risen)
        before = self.power_return.stage
        self.plan = self.power_return.step(
            tick,
            wanted,
            cut=self.contact is not None and self.contact.on,
            runs=self._pumps_run(circuits),
            pressed=all(circuit.pressed for circuit in circuits),
            risen=risen,
        )
        if before == "power_off" and self.power_return.stage != before:
            for circuit in circuits:
                circuit.power_is_back()
        mean = (("mean", self.season.outdoor_mean, "temperature"),)
        waits, name = self.season.waits, self.point.name
        alarms.report("season_end_waits", name, waits == "cold", "warning", mean)
        alarms.report("season_start_waits", name, waits == "not_filled", "warning")

    def plan_of(self, circuit: HeatingCircuit, circuits: Sequence[HeatingCircuit]) -> SeasonPlan:
        """The plan for one circuit: one thing of the station is exercised at a time."""
        plan = self.plan
        if plan.exercise is not None and any(c.exercises for c in circuits if c is not circuit):
            return replace(plan, exercise=None)
        return plan

    def _pumps_run(self, circuits: Sequence[HeatingCircuit]) -> bool | None:
        """Does a circulation pump run, by its drive or by the pressure it makes? None: nobody can say."""
        pumps = [pump for circuit in circuits for pump in circuit.circulation.pumps]
        known = [pump.running for pump in pumps if pump.running is not None and pump.running.usable]
        flows = [circuit.setpoint.flow for circuit in circuits]
        if any(point.on for point in known) or any(flow.usable and flow.value == 1 for flow in flows):
            return True
        return False if pumps and len(known) == len(pumps) else None

    def explain(self) -> Term:
        """The state and who brought it; the stage of a return of power below it."""
        reason, power = self.season.explain(), self.power_return.explain()
        return reason if power is None else Term(reason.code, reason.values, (*reason.children, power))

    def is_old(self, value: float) -> bool:
        """True for a person's command of before the restart: a date, or heating up, has gone on from it."""
        return value == self.season.written

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {"season": self.season.state(), "power_return": self.power_return.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        season, power = state.get("season"), state.get("power_return")
        if isinstance(season, dict):
            self.season.restore(season)
        if isinstance(power, dict):
            self.power_return.restore(power)
