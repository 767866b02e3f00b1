"""Circulation: which of up to four pumps run. Their speed is one, set by `pump_speed`.

The duty pump runs. When it fails, the next one available takes over in the same scan (the valve is closed
meanwhile by the safety table, not here). Further pumps assist (`pump_assist`), take turns (`pump_turns`)
and are exercised (`pump_exercise`). A pump on mains bypass becomes duty: it runs anyway. With no pump left
the one that failed longest ago is tried, each minute at first, then every ten minutes, for ever: people
freeze. The differential pressure lost: the pump keeps its speed, never stops.
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.blocks.parts.drive import MAINS_HZ, PumpDrive
from controller.control.blocks.parts.pid_loop import PiLoop
from controller.control.blocks.water.pump_assist import Assist
from controller.control.blocks.water.pump_exercise import PumpExercise
from controller.control.blocks.water.pump_settings import PumpGroupSettings
from controller.control.blocks.water.pump_speed import PumpSpeed
from controller.control.blocks.water.pump_turns import WAITING_SHARE, ChangeOver
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Slot, Term

__all__ = ["PumpGroup", "PumpGroupSettings"]

TRY_S, TRY_LATER_S = 60.0, 600.0
LOOK_S = 5.0
QUICK_TRIES = 10
"""Of each pump, a minute apart; then ten minutes apart."""
SUCTION_KPA = 80.0
"""Less than this at the pumps: no exercise of a standing circuit."""


class PumpGroup:
    """`prefix` `low.pump` makes outputs `low.pump_1_run`, `low.pump_1_speed` … in the image."""

    def __init__(
        self, settings: PumpGroupSettings, image: Image, prefix: str, pressure: Point | None
    ) -> None:
        self.settings = settings
        low, high = settings.speed
        self.pumps = [
            PumpDrive(image, f"{prefix}_{number}", low, high, keep_running=True)
            for number in range(1, len(settings.pumps) + 1)
        ]
        circuit = prefix.rpartition(".")[0]
        find = image.points.get
        self.pressure = pressure
        self.flow = find(f"{circuit}.circulation")
        self.outdoor = find("station.outdoor_temperature")
        self.suction = find(f"{circuit}.return_pressure")
        self.speeds = PumpSpeed(settings, image, circuit, pressure)
        self.assist = Assist(settings.assist, self.pumps)
        self.turns = ChangeOver(settings.change_over, self.pumps)
        self.exercise = PumpExercise(settings.exercise, self.pumps)
        self.duty = 0
        self.wanted = False
        self.may_exercise = True
        """The season lets idle pumps turn."""
        self.none_left = False
        self.last_resort = 0
        self._locked_before: set[int] = set()
        self._looked_at = -math.inf

    @property
    def loop(self) -> PiLoop:
        """The loop of the speed."""
        return self.speeds.loop

    @property
    def speed(self) -> float:
        """The common speed, Hz."""
        return self.speeds.output

    @speed.setter
    def speed(self, value: float) -> None:
        self.speeds.track(value)

    def step(self, tick: Tick, wanted: bool, weekday: int | None = None) -> None:
        """Demand for every pump. `weekday`: 1 = Monday, for the weekly change-over."""
        self.wanted = wanted
        pressure_made = self._pressure_made()
        for index, pump in enumerate(self.pumps):
            # Only of the duty pump is it known that the pressure is its own.
            pump.watch(tick, pressure_made if index == self.duty else None)
        if wanted:
            self._choose(tick)
        if self._looks(tick.now):
            self._share(tick, weekday)
        busy = self._running()
        exercised = self.exercise.active
        if tick.now == self._looked_at:
            exercised = self.exercise.step(tick, self._may_exercise(tick), busy)
        self._set_speed(tick)
        speed_least = self.settings.speed[0]
        for index, pump in enumerate(self.pumps):
            speed = speed_least if index == exercised else self.speed
            if index == self.turns.incoming and not self.turns.rising:
                speed = max(WAITING_SHARE * self.speed, speed_least)
            pump.command(tick, index in busy or index == exercised, speed)

    def applied(self) -> None:
        """Take over the speed that the duty pump really got, from a person, a rule or the cabinet."""
        speed = self.pumps[self.duty].speed
        if self.settings.control != "fixed" and self.wanted and speed.slot is not Slot.DEMAND:
            self.speeds.applied(speed.value, tolerance=speed.dead_band)

    def forgive(self, name: str = "") -> bool:
        """A person lets a pump (`low.pump_1`; empty: all) start afresh; False for an unknown name."""
        meant = [pump for pump in self.pumps if name in ("", pump.name)]
        for pump in meant:
            pump.forgive()
        return bool(meant)

    def _looks(self, now: float) -> bool:
        """Who shall help, take over or be exercised is asked every few seconds, while one does every scan."""
        acts = self.turns.incoming is not None or self.exercise.active is not None
        acts = acts or self.settings.assist.most > 1 or not self.wanted
        if not acts and now - self._looked_at < LOOK_S:
            return False
        self._looked_at = now
        return True

    def _running(self) -> set[int]:
        """Pumps that run because circulation is wanted."""
        if not self.wanted:
            return set()
        incoming = set() if self.turns.incoming is None else {self.turns.incoming}
        return {self.duty, *self.assist.helping} | incoming

    def _pressure_made(self) -> bool | None:
        """None: nobody can say. A transmitter that the other two contradict is not believed."""
        if self.pressure is None or not self.pressure.usable:
            return None
        return self.pressure.value >= self.settings.proof or self._lies()

    def _lies(self) -> bool:
        """The differential pressure is too low, but circulation is proven by other signs."""
        if self.pressure is None or not self.pressure.usable:
            return False
        proven = self.flow is not None and self.flow.usable and self.flow.value == 1
        return proven and self.pressure.value < self.settings.proof

    def _choose(self, tick: Tick) -> None:
        """The duty pump of this scan."""
        duty = self.pumps[self.duty]
        usable = [index for index, pump in enumerate(self.pumps) if pump.available]
        on_mains = [index for index in usable if self.pumps[index].on_mains]
        if on_mains and self.duty not in on_mains:
            self.duty = on_mains[0]
            self.turns.stop()
        elif usable and not (duty.available and self._obeys(duty, usable)):
            # One that does what it is told, and of those one that turns already is the quickest.
            pumps = self.pumps
            self.duty = min(usable, key=lambda index: (not pumps[index].obeys, not pumps[index].turns, index))
            self.turns.stop()
        elif not usable:
            self._try_again(tick)
        if usable and self.pumps[self.duty].turns and self.pumps[self.duty].proven(tick.now):
            if self.none_left:
                self._forgive_common_cause()
            self.last_resort, self.none_left = 0, False

    def _obeys(self, duty: PumpDrive, usable: list[int]) -> bool:
        """The duty pump does what it is told, or no other one would."""
        return duty.obeys or not any(self.pumps[index].obeys for index in usable)

    def _try_again(self, tick: Tick) -> None:
        """Nothing is left: the one that failed longest ago is tried, locked out or not."""
        if not self.none_left:
            self.none_left = True
            self._locked_before = {index for index, pump in enumerate(self.pumps) if pump.locked_out}
        duty = self.pumps[self.duty]
        if duty.recovered(tick.now):
            duty.let_try()
            return
        failed = [index for index, pump in enumerate(self.pumps) if pump.failed and not pump.in_local]
        if not failed:
            return
        oldest = min(failed, key=lambda index: self.pumps[index].failed_since)
        pause = TRY_S if self.last_resort < QUICK_TRIES * len(self.pumps) else TRY_LATER_S
        if tick.now - self.pumps[oldest].failed_since >= pause:
            self.last_resort += 1
            self.pumps[oldest].let_try()
            self.duty = oldest

    def _forgive_common_cause(self) -> None:
        """All failed and one runs again: what they failed of (a power cut, no water) was not the pumps. Only
        those that were locked out before stay so."""
        for index, pump in enumerate(self.pumps):
            if index not in self._locked_before:
                pump.forgive_row()

    def _share(self, tick: Tick, weekday: int | None) -> None:
        """Who takes over, and who helps."""
        calm = self._calm(tick)
        alone = calm and not self.speeds.short
        busy = {*self.assist.helping}
        if self.exercise.active is not None:
            busy.add(self.exercise.active)
        mild = self._mild() or self.turns.incoming is not None
        self.duty = self.turns.step(
            tick, self.duty, allowed=alone and mild, speed=self.speed, busy=busy, weekday=weekday
        )
        self.assist.step(
            tick,
            self.duty,
            allowed=self.wanted and not self.pumps[self.duty].on_mains,
            short=self.speeds.short and self.turns.incoming is None,
            speed=self.speed,
        )

    def _calm(self, tick: Tick) -> bool:
        """The duty pump has proven itself, water flows, and nobody else has a hand on it."""
        duty = self.pumps[self.duty]
        flows = self.flow is None or (self.flow.usable and self.flow.value == 1)
        # A rule that asks for what is asked anyway (frost outside) is no hand.
        ours = duty.run.slot is not Slot.OVERRIDE and duty.run.value == duty.run.demand
        ours = ours and not duty.in_local and not duty.on_mains
        return self.wanted and flows and ours and duty.available and duty.proven(tick.now)

    def _mild(self) -> bool:
        outdoor = self.outdoor
        return outdoor is None or (outdoor.usable and outdoor.value >= self.settings.change_over.mild_above)

    def _may_exercise(self, tick: Tick) -> bool:
        """Beside a proven duty pump in mild weather; in a standing circuit only with water at the pumps."""
        if not self.may_exercise:
            return False
        if self.wanted:
            return self._calm(tick) and self._mild() and self.turns.incoming is None
        suction = self.suction
        return suction is None or (suction.usable and suction.value >= SUCTION_KPA)

    def _set_speed(self, tick: Tick) -> None:
        duty = self.pumps[self.duty]
        runs = self.wanted and duty.runs is not False
        free = runs and not duty.on_mains and self.turns.incoming is None
        self.speeds.step(tick, free=free, believed=not self._lies())
        if duty.on_mains:
            self.speeds.track(MAINS_HZ)

    def explain(self, output: Output) -> Term:
        """Why this pump runs, or not, at this speed."""
        index, pump = next((i, p) for i, p in enumerate(self.pumps) if output in (p.run, p.speed))
        if output is pump.run:
            return self._explain_run(index, pump)
        if index not in self._running():
            return pump.explain()
        if pump.on_mains:
            return Term("speed_on_mains", (("pump", pump.name, "text"),))
        return self.speeds.explain()

    def _explain_run(self, index: int, pump: PumpDrive) -> Term:
        """What a pump does in the group, and how all of them are."""
        values: tuple[tuple[str, float | str, str], ...] = (("pump", pump.name, "text"),)
        states = tuple(p.explain() for p in self.pumps)
        if index == self.duty and self.none_left and self.wanted:
            values = (("pump", pump.name, "text"), ("tries", self.last_resort, "count"))
            return Term("pump_last_resort", values, states)
        code = "pump_is_standby"
        if index == self.duty:
            code = "pump_is_duty"
        elif index == self.turns.incoming:
            code = "pump_takes_over"
        elif index in self.assist.helping:
            code = "pump_assists"
        elif index == self.exercise.active:
            code = "pump_is_exercised"
        return Term(code, values, states)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {
            "duty": self.duty,
            "speed": self.speeds.memory(),
            "pumps": [pump.memory() for pump in self.pumps],
        }

    def restore(self, state: object) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        if not isinstance(state, dict):
            return
        duty = state.get("duty")
        if isinstance(duty, int) and 0 <= duty < len(self.pumps):
            self.duty = duty
        self.speeds.remember(state.get("speed"))
        pumps = state.get("pumps")
        for pump, remembered in zip(self.pumps, pumps if isinstance(pumps, list) else (), strict=False):
            pump.remember(remembered)
