"""Pressure holding: makeup pumps on the return pressure, and the relief valve.

- `return_pressure`: the duty makeup pump starts `start_below` under the set-point, holds it by PI on its
  speed, and stops once the pressure has stayed there for 30 s with the pump at its lowest speed, for 40 s
  with nothing flowing at the meter, or for 5 min in any case;
- `band`: it starts there too, runs at one speed, and stops `stop_above` over the set-point.

Each start takes the other pump. Near the relief valve's band, or half way to the high alarm, makeup stops
at once, whatever mode. `filling` an empty circuit: the set-point rises slowly from where the pressure is. A
pressure that cannot be seen: see `makeup_blind`. What makeup amounts to is watched by `makeup_guard`. Starts,
stops at the set-point and relief go by the median of some seconds: makeup can only fill, so that a noisy
sensor would raise the pressure until the relief valve lets it out again.
Relief opens and closes on a band. Set-point = height of the highest radiator + 30–50 kPa.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.control.blocks.parts.band import Band
from controller.control.blocks.parts.drive import PumpDrive
from controller.control.blocks.parts.median import Median
from controller.control.blocks.parts.pid_loop import PiLoop
from controller.control.blocks.water.makeup_blind import BlindMakeup, OtherPressures
from controller.control.blocks.water.makeup_guard import MakeupGuard, MakeupGuardSettings
from controller.control.blocks.water.makeup_meter import CLEAR_FLOW
from controller.control.blocks.water.makeup_start import LIFTED_KPA, MakeupStart
from controller.control.tick import Tick
from controller.fields import Amount, Flag, Name, Reference, Settings, Span
from controller.points import Image, Output, Point, Term, reading

SETTLED_S, STANDING_S = 30.0, 300.0
IDLE_S = 40.0
"""A pump through which nothing flows: its seals last a minute, should it be air that it turns in."""
DRY = "makeup_dry"
"""Row of the safety table that rests the makeup."""
NEAR_KPA = 1.0
FAR_WEIGHT = 3.0
NEAR_RELIEF_KPA = 5.0
STEADY_S = 7.0
"""Their median has 40 % of a sensor's noise, at a scan a second, and comes 3 s late; relief may take 10 s."""
FILL_KPA_PER_S = 10.0 / 60.0
FILL_AHEAD_KPA = 20.0
"""While air leaves, the pressure stands: the set-point of the filling waits for it."""
TRY_S = 600.0
USUAL_SPEED_S = 300.0


class ReliefSettings(Settings):
    """Relief valve (泄压阀), back to the tank."""

    valve: Reference = Field(description="Output that opens it")
    open: Annotated[float, Amount("pressure", 50, 1600)] = Field(description="Opens at this return pressure")
    close: Annotated[float, Amount("pressure", 50, 1600)] = Field(description="Closes again at this one")


class MakeupSettings(Settings):
    """Makeup pumps (补水泵)."""

    pumps: list[Name] = Field(min_length=1, max_length=3, description="Drives, the first is duty")
    control: Literal["return_pressure", "band"] = Field(
        "return_pressure", description="Constant pressure by speed, or start and stop at one speed"
    )
    setpoint: Annotated[float, Amount("pressure", 50, 1200, adjustable=True)] = Field(
        description="Return pressure to hold"
    )
    start_below: Annotated[float, Amount("pressure", 2, 100)] = Field(
        10.0, description="Starts so far under the set-point"
    )
    stop_above: Annotated[float, Amount("pressure", 0, 100)] = Field(
        10.0, description="With band: stops so far over the set-point"
    )
    band_speed: Annotated[float, Amount("frequency", 10, 60)] = Field(
        45.0, description="With band: speed of the pump"
    )
    alternate: Flag = Field(True, description="Each start takes the other pump")
    speed: Annotated[tuple[float, float], Span("frequency", 10, 60)] = Field(
        (20.0, 50.0), description="Lowest and highest speed"
    )
    gain: Annotated[float, Amount("pressure_gain", 0.001, 10)] = Field(
        0.5, description="Proportional gain of the speed"
    )
    integral_time: Annotated[float, Amount("time", 1, 600)] = Field(
        20.0, description="Integral time of the speed"
    )
    high_alarm: Annotated[float, Amount("pressure", 5, 500)] = Field(
        80.0, description="Alarm so far over the set-point; makeup stops"
    )
    low_alarm: Annotated[float, Amount("pressure", 5, 500)] = Field(
        50.0, description="Alarm so far under the set-point for 60 s"
    )
    relief: ReliefSettings | None = None
    guard: MakeupGuardSettings = MakeupGuardSettings()
    on_bus_loss: Literal["stop", "keep_running", "trip"] = Field(
        "stop", description="What the drive is set to do when its bus dies"
    )


class PressureHolding:
    """`prefix` `low.makeup` makes `low.makeup_1_run` …; relief is `low.relief_valve`."""

    def __init__(self, settings: MakeupSettings, image: Image, circuit: str, pressure: Point) -> None:
        self.settings = settings
        self.pressure = pressure
        low, high = settings.speed
        self.pumps = [
            PumpDrive(image, f"{circuit}.makeup_{number}", low, high, keep_running=False)
            for number in range(1, len(settings.pumps) + 1)
        ]
        self.others = OtherPressures(image, circuit)
        self.blind = BlindMakeup(image, circuit, settings.start_below)
        self.guard = MakeupGuard(settings.guard, image, circuit)
        self.start = MakeupStart(image.points.get(f"{circuit}.makeup_flow"))
        self.duty = 0
        self.loop = PiLoop(settings.gain, settings.integral_time, low, high)
        self.loop.track(low)
        self.filling = False
        """A makeup pump is asked to run."""
        self.by: Point = pressure
        """The pressure that counts in this scan."""
        self.steady = math.nan
        """Median of its readings of the last seconds, kPa."""
        self._median = Median(STEADY_S)
        self.usual_speed = min(max(settings.band_speed, low), high)
        self._rising = math.nan
        self._settled_s = self._idle_s = 0.0
        self._ran_before = self._was_dry = False
        self.relief: Output | None = None
        self.relief_band: Band | None = None
        if settings.relief is not None:
            self.relief = image.add(Output(f"{circuit}.relief_valve", "flag", 0, 1, failsafe=0.0))
            self.relief_band = Band(settings.relief.open, settings.relief.close)

    def step(self, tick: Tick, wanted: bool, filling: bool = False) -> None:
        """Demand for the makeup pumps and the relief valve. `filling`: of an empty circuit (season state)."""
        for pump in self.pumps:
            pump.watch(tick, None)
        turns = any(pump.turns for pump in self.pumps)
        self.others.step(tick, self.pressure, turns)
        seen = self.pressure.usable and math.isfinite(self.pressure.value)
        self.by = self.pressure if seen else self.others.point
        self.steady = self._median.step(reading(self.by), tick.now)
        if filling and wanted:
            self._rise(tick.dt)
        else:
            self._rising = math.nan
        self._decide(tick, wanted)
        self._choose(tick)
        speed = self._speed(tick)
        for index, pump in enumerate(self.pumps):
            pump.command(tick, self.filling and index == self.duty and not pump.failed, speed)
        if self.relief is not None and self.relief_band is not None:
            self.relief.demand = float(self.relief_band.step(self.steady if seen else math.nan))
        relieves = self.relief is not None and self.relief.value >= 0.5
        speed_hz = self.pumps[self.duty].speed.value
        holds = self.blind.reckoned.speed(self.settings.setpoint)
        self.guard.step(
            tick,
            self.pressure,
            runs=turns,
            speed_hz=speed_hz,
            relief=relieves,
            filling=filling,
            holds_hz=holds,
        )

    def applied(self) -> None:
        """Take over the speed that the duty pump really got."""
        pump = self.pumps[self.duty]
        if self.filling and pump.run.value >= 0.5:
            self.loop.applied(pump.speed.value, tolerance=pump.speed.dead_band)
        else:
            self.loop.track(self.settings.speed[0])

    def forgive(self, name: str = "") -> bool:
        """A person lets a pump (`low.makeup_1`; empty: all) start afresh; False for an unknown name."""
        meant = [pump for pump in self.pumps if name in ("", pump.name)]
        for pump in meant:
            pump.forgive()
        return bool(meant)

    @property
    def setpoint(self) -> float:
        """The pressure to hold now, kPa: while an empty circuit is filled, one that rises."""
        setpoint = self.settings.setpoint
        return setpoint if math.isnan(self._rising) else min(self._rising, setpoint)

    @property
    def highest(self) -> float:
        """No makeup above this, kPa."""
        settings = self.settings
        highest = settings.setpoint + settings.high_alarm / 2
        if settings.relief is not None:
            highest = min(highest, settings.relief.close - NEAR_RELIEF_KPA)
        return max(highest, settings.setpoint)

    def _rise(self, dt: float) -> None:
        if not self.by.usable or not math.isfinite(self.by.value):
            return
        if math.isnan(self._rising):
            self._rising = self.by.value + self.settings.start_below
        ahead = self.by.value + FILL_AHEAD_KPA
        self._rising = min(self._rising + FILL_KPA_PER_S * dt, max(ahead, self._rising))

    def _decide(self, tick: Tick, wanted: bool) -> None:
        if not wanted:
            self.filling, self._settled_s = False, 0.0
            self.blind.stop()
            return
        if not self.by.usable or not math.isfinite(self.by.value):
            self.filling, self._settled_s = self.blind.step(tick, self.guard), 0.0
            return
        self.blind.stop()
        short = self.setpoint - self.steady
        self.blind.reckoned.learn(tick, self.guard, self.settings.setpoint - self.by.value)
        full = self.by is not self.pressure and self.blind.full
        if self.by.value >= self.highest or full:
            self.filling, self._settled_s = False, 0.0
        elif not self.filling:
            self.filling = short >= self.settings.start_below
            self._settled_s = self._idle_s = 0.0
        elif self.settings.control == "band":
            self.filling = short > -self.settings.stop_above
        else:
            self._settle(tick.dt, short)

    def _settle(self, dt: float, short: float) -> None:
        """Enough at the lowest speed, or after minutes at the set-point: a pump that only feeds a small leak
        would run for days at next to no flow. A noisy reading costs a few seconds, not all of them."""
        near = short <= NEAR_KPA
        self._settled_s = self._settled_s + dt if near else max(self._settled_s - FAR_WEIGHT * dt, 0.0)
        idles = short <= 0 and self.loop.output <= self.settings.speed[0] + 0.5
        self._idle_s = self._idle_s + dt if short <= LIFTED_KPA and self._flows_nothing() else 0.0
        nothing_more = self._idle_s >= IDLE_S and not self._starts_often()
        self.filling = not nothing_more and self._settled_s < (SETTLED_S if idles else STANDING_S)

    def _flows_nothing(self) -> bool:
        flow = self.start.flow
        return flow is not None and flow.usable and flow.value < CLEAR_FLOW

    def _starts_often(self) -> bool:
        """A stiff loop: a pump that runs on for some minutes is better than one that starts every minute."""
        return 2 * self.guard.starts > self.settings.guard.most_starts

    def _choose(self, tick: Tick) -> None:
        """The other pump at each start; the next one available when this one fails, when a person holds it
        off, or when its drive can no longer be told anything while another's can; never none for ever."""
        dry = any(pump.run.reason == DRY for pump in self.pumps)
        if dry and not self._was_dry:
            self._next()  # its rest is for all, but what sucks air may be this one alone
        self._was_dry = dry
        ended = self._ran_before and not self.filling
        self._ran_before = self.filling
        if ended and self.settings.alternate:
            self._next()
        duty = self.pumps[self.duty]
        if not self.filling or (
            duty.available and (self._obeys(duty) or not any(self._obeys(pump) for pump in self.pumps))
        ):
            return
        self._next()
        if not self.pumps[self.duty].available:
            self._try_again(tick.now)

    @staticmethod
    def _obeys(pump: PumpDrive) -> bool:
        """It would run if it were asked: it answers, and nobody holds it off."""
        return pump.answers and not pump.held_off

    def _try_again(self, now: float) -> None:
        """No pump is left: the one that failed longest ago is tried, locked out or not."""
        failed = [index for index, pump in enumerate(self.pumps) if pump.failed and not pump.in_local]
        if not failed:
            return
        oldest = min(failed, key=lambda index: self.pumps[index].failed_since)
        if now - self.pumps[oldest].failed_since >= TRY_S:
            self.pumps[oldest].let_try()
            self.duty = oldest

    def _next(self) -> None:
        """The next available pump after the duty, one that answers first; or none."""
        count = len(self.pumps)
        others = [(self.duty + step) % count for step in range(1, count)]
        answering = [index for index in others if self._obeys(self.pumps[index])]
        if answering:
            self.duty = answering[0]
        elif not self._obeys(self.pumps[self.duty]):
            self.duty = next((index for index in others if self.pumps[index].available), self.duty)

    def _speed(self, tick: Tick) -> float:
        low, high = self.settings.speed
        if not self.filling or self.pumps[self.duty].run.value < 0.5:
            self.start.rest()
            self.blind.reckoned.rest()
            return low
        if not self.by.usable:
            return self._blind_speed()
        if self.settings.control == "band" and math.isnan(self._rising):
            return min(max(self.settings.band_speed, low), high)
        speed = self.loop.step(self.setpoint, self.by.value, tick.dt)
        if math.isnan(self._rising):
            lifting = self.start.step(tick.dt, speed, self.by.value)
            if lifting > speed:
                self.loop.track(lifting)
                speed = self.loop.output
        self.usual_speed += min(tick.dt / USUAL_SPEED_S, 1.0) * (speed - self.usual_speed)
        if math.isnan(self._rising):
            self.blind.reckoned.learn_speed(tick.dt, self.setpoint, self.steady, speed)
        return speed

    def _blind_speed(self) -> float:
        """By reckoning: no faster than what holds the set-point; else the usual one."""
        low, high = self.settings.speed
        holds = self.blind.reckoned.speed(self.settings.setpoint)
        if self.blind.code != "makeup_by_balance" or math.isnan(holds):
            return self.usual_speed
        return min(max(holds, low), high)

    def explain(self, output: Output) -> Term:
        """Why makeup runs, or not; why relief is open, or not."""
        if output is self.relief and self.relief_band is not None:
            code = "relief_open" if self.relief_band.on else "relief_closed"
            pressure = ("pressure", self.pressure.value, "pressure")
            return Term(code, (pressure, ("open_at", self.relief_band.on_at, "pressure")))
        values = (("pressure", self.by.value, "pressure"), ("setpoint", self.setpoint, "pressure"))
        pump = next(p for p in self.pumps if output in (p.run, p.speed))
        rests: tuple[Term, ...] = (pump.explain(), self.guard.explain())
        if not self.by.usable:
            blind = self.blind.explain()
            return blind if blind.code == "makeup_blind" else Term(blind.code, (), rests)
        if self.by is not self.pressure:
            rests = (*rests, Term(f"quality_{self.by.reason}"))
        if self.filling and self.pumps[self.duty] is pump:
            return Term("makeup_filling", values, rests)
        if self.by.value >= self.highest:
            return Term("makeup_near_relief", (values[0], ("highest", self.highest, "pressure")), rests)
        return Term("makeup_idle", values, rests)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {
            "duty": self.duty,
            "usual_speed": self.usual_speed,
            "pumps": [pump.memory() for pump in self.pumps],
            "guard": self.guard.memory(),
            "reckoned": self.blind.reckoned.memory(),
        }

    def restore(self, state: object) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        if not isinstance(state, dict):
            return
        duty, speed = state.get("duty"), state.get("usual_speed")
        if isinstance(duty, int) and 0 <= duty < len(self.pumps):
            self.duty = duty
        if isinstance(speed, int | float) and math.isfinite(speed):
            self.usual_speed = min(max(float(speed), self.settings.speed[0]), self.settings.speed[1])
        pumps = state.get("pumps")
        for pump, remembered in zip(self.pumps, pumps if isinstance(pumps, list) else (), strict=False):
            pump.remember(remembered)
        self.guard.remember(state.get("guard"))
        self.blind.reckoned.remember(state.get("reckoned"))
