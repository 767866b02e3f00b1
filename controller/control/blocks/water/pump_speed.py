"""Speed of circulation pumps: one number in Hz for all pumps that run, and why.

- `differential_pressure`: PI on what the pumps make; the set-point by outdoor temperature or local time.
- `proportional`: the set-point falls with the flow, as the pressure drop of the pipes does (turbulent,
  ~ V²):  dp = low + (set − low)·x,  x = flow/nominal flow, or (speed/highest speed)² without a meter.
  The share x is smoothed over 60 s: the speed that it is read from depends on it.
- `worst_point`: a slow integrator moves the local set-point until the farthest building has its
  differential pressure; that value lost, the local set-point that held last stays.
- `temperature_difference`, `return_temperature`: slow PI, for small nets without thermostatic valves.
- `fixed`.

The pressure is smoothed, and the speed stands while the error is within a dead band, so that the drive
does not follow noise and ripple. What cannot be measured keeps the speed; nothing here stops a pump.
Source of the proportional law: affinity laws and turbulent pipe friction; bounds and times are our own
judgement on the simulated 2 MW station.
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.blocks.parts.pid_loop import PiLoop
from controller.control.blocks.setpoint.day_offsets import DayOffsets
from controller.control.blocks.setpoint.heat_curve import interpolate
from controller.control.blocks.water.pump_settings import SpeedSettings
from controller.control.tick import Tick
from controller.points import Image, Point, Term

SETPOINT_KPA_PER_S = 0.5
"""A set-point that changes with the clock or by hand must be no bump for the buildings."""
SHARE_S = 60.0
WORST_TIME_S = 300.0
WORST_BAND_KPA = 2.0
SETTLED_S = 5.0
AT_END_HZ = 0.2
FLOOR_HZ_PER_S = 0.2
"""How fast the least speed rises with no flow at all."""
_TEMPERATURE = ("temperature_difference", "return_temperature")


class PumpSpeed:
    """`circuit` names where its measured points are; `pressure` is the differential pressure."""

    def __init__(self, settings: SpeedSettings, image: Image, circuit: str, pressure: Point | None) -> None:
        self.settings = settings
        find = image.points.get
        self.pressure = pressure
        self.outdoor = find("station.outdoor_temperature")
        self.worst = find(f"{circuit}.worst_point_pressure")
        self.flow = find(f"{circuit}.circulation_flow")
        self.supply = find(f"{circuit}.supply_temperature")
        self.back = find(f"{circuit}.return_temperature")
        low, high = settings.speed
        gain, integral_time = settings.gain, settings.integral_time
        if settings.control in _TEMPERATURE:
            gain, integral_time = (high - low) / settings.temperature_band, settings.temperature_time
        self.loop = PiLoop(gain, integral_time, low, high)
        self.loop.track(settings.fixed_speed)
        self.output = self.loop.output
        self.setpoint = math.nan
        self.smooth = math.nan
        self.share = math.nan
        self.local_setpoint = min(max(settings.setpoint, settings.lowest_setpoint), self._most())
        self.floor = low
        self.short = False
        self.holds = False
        self._origin = Term("dp_setpoint_of_the_file")
        self._close_since = math.inf
        self._by_time = DayOffsets(settings.setpoint_by_time)
        self._curve = sorted(settings.setpoint_by_outdoor.items())
        self._blind = True
        self._worst_lost = False

    @property
    def by_pressure(self) -> bool:
        """The speed follows a differential pressure."""
        control = self.settings.control
        return control != "fixed" and control not in _TEMPERATURE

    def step(self, tick: Tick, *, free: bool, believed: bool) -> float:
        """Speed in Hz. `free`: a pump runs and nothing else sets its speed; `believed`: no other sign
        contradicts the differential pressure."""
        low, high = self.settings.speed
        self.short = False
        if self.settings.control == "fixed":
            wanted = min(max(self.settings.fixed_speed, low), high)
            self.loop.track(wanted)
            self.output = self.loop.output
        elif self.settings.control in _TEMPERATURE:
            self._by_temperature(tick, free)
        else:
            self._by_pressure(tick, free, believed)
        self._keep_flow(tick, free)
        return self.output

    def track(self, speed: float) -> None:
        """Go on from a speed that something else has set, Hz."""
        if math.isfinite(speed):
            self.loop.track(speed)
            self.output = self.loop.output
            self.holds, self._close_since = False, math.inf

    def applied(self, value: float, tolerance: float) -> None:
        """Tell which speed was really put out."""
        if math.isfinite(value) and abs(value - self.output) > tolerance:
            self.track(value)

    # ---- by temperature

    def _by_temperature(self, tick: Tick, free: bool) -> None:
        measured = self._temperature()
        self._blind = not math.isfinite(measured)
        if not free or self._blind:
            self.loop.rest()
            return
        if self.settings.control == "temperature_difference":
            # Too large a difference asks for more flow: both signs are turned.
            self.output = self.loop.step(-self.settings.temperature_difference, -measured, tick.dt)
        else:
            self.output = self.loop.step(self.settings.return_temperature, measured, tick.dt)

    def _temperature(self) -> float:
        """What the mode looks at, K or °C; NaN when it cannot be seen."""
        back, supply = self.back, self.supply
        if back is None or not back.usable:
            return math.nan
        if self.settings.control == "return_temperature":
            return back.value
        return supply.value - back.value if supply is not None and supply.usable else math.nan

    # ---- by pressure

    def _by_pressure(self, tick: Tick, free: bool, believed: bool) -> None:
        pressure = self.pressure
        self._blind = pressure is None or not pressure.usable or not math.isfinite(pressure.value)
        self._set(tick, free and believed)
        if pressure is None or self._blind or not free or not believed:
            self.loop.rest()
            self.smooth = math.nan
            self.holds, self._close_since = False, math.inf
            return
        self._smooth(pressure.value, tick.dt)
        error = self.setpoint - self.smooth
        band = self.settings.dead_band
        self._judge_hold(tick.now, abs(error), band)
        if self.holds:
            self.loop.rest()
        else:
            self.output = self.loop.step(self.setpoint, self.smooth, tick.dt)
        self.short = error > band and self.output >= self.settings.speed[1] - AT_END_HZ

    def _judge_hold(self, now: float, error: float, band: float) -> None:
        """Hold once the error has been small for a while; let go when it leaves the whole band."""
        if self.holds:
            self.holds = error <= band
        elif error > band / 2:
            self._close_since = math.inf
        else:
            self._close_since = min(self._close_since, now)
            self.holds = band > 0 and now - self._close_since >= SETTLED_S

    def _smooth(self, value: float, dt: float) -> None:
        if math.isnan(self.smooth):
            self.smooth = value
            return
        self.smooth += (
            min(dt / (self.settings.pressure_filter + dt), 1.0) * (value - self.smooth) if dt else 0.0
        )

    def _set(self, tick: Tick, free: bool) -> None:
        """The set-point of this scan, on its way to where it shall be."""
        target = self._target(tick)
        if self.settings.control == "proportional":
            low = min(self.settings.lowest_setpoint, target)
            target = low + (target - low) * self._flow_share(tick.dt)
        elif self.settings.control == "worst_point":
            target = self._by_worst_point(tick, free)
        if math.isnan(self.setpoint):
            self.setpoint = target
        most = SETPOINT_KPA_PER_S * tick.dt
        self.setpoint += min(max(target - self.setpoint, -most), most)

    def _target(self, tick: Tick) -> float:
        value = self._by_time.step(tick.second_of_day)
        if value:
            self._origin = Term("dp_setpoint_by_time")
            return value
        outdoor = self.outdoor
        if self._curve and outdoor is not None and outdoor.usable:
            self._origin = Term("dp_setpoint_by_outdoor", (("outdoor", outdoor.value, "temperature"),))
            return interpolate(self._curve, outdoor.value)
        self._origin = Term("dp_setpoint_of_the_file")
        return self.settings.setpoint

    def _flow_share(self, dt: float) -> float:
        flow, nominal = self.flow, self.settings.nominal_flow
        if nominal is not None and flow is not None and flow.usable:
            share = flow.value / nominal
        else:
            share = (self.output / self.settings.speed[1]) ** 2
        share = min(max(share, 0.0), 1.0) if math.isfinite(share) else 1.0
        if math.isnan(self.share):
            self.share = share
        self.share += min(dt / SHARE_S, 1.0) * (share - self.share)
        return self.share

    def _most(self) -> float:
        return max(self.settings.highest_setpoint, self.settings.lowest_setpoint)

    def _by_worst_point(self, tick: Tick, free: bool) -> float:
        worst = self.worst
        self._worst_lost = worst is None or not worst.usable or not math.isfinite(worst.value)
        if worst is not None and not self._worst_lost and free:
            error = self.settings.worst_setpoint - worst.value
            at_top = error > 0 and self.output >= self.settings.speed[1] - AT_END_HZ
            at_low = error < 0 and self.output <= self.settings.speed[0] + AT_END_HZ
            if abs(error) > WORST_BAND_KPA and not at_top and not at_low:
                moved = self.local_setpoint + tick.dt / WORST_TIME_S * error
                self.local_setpoint = min(max(moved, self.settings.lowest_setpoint), self._most())
        return self.local_setpoint

    # ---- least flow

    def _keep_flow(self, tick: Tick, free: bool) -> None:
        """Raise the least speed while there is less water than `min_flow`, and let it sink again."""
        low, high = self.settings.speed
        least, flow = self.settings.min_flow, self.flow
        if least is None or flow is None or not flow.usable or not free:
            self.floor = max(self.floor - FLOOR_HZ_PER_S * tick.dt / 10, low)
        else:
            missing = min(max((least - flow.value) / least, -0.5), 1.0)
            if missing > 0 and self.floor < self.output:
                self.floor = self.output
            if missing > 0 or missing < -0.1:
                self.floor = min(max(self.floor + FLOOR_HZ_PER_S * missing * tick.dt, low), high)
        if self.output < self.floor:
            self.loop.track(self.floor)
            self.output = self.loop.output

    # ---- for others

    def explain(self) -> Term:
        """Why this speed."""
        speed = ("speed", self.output, "frequency")
        settings = self.settings
        least = () if self.floor <= settings.speed[0] else (self._floor_term(),)
        if settings.control == "fixed":
            return Term("speed_fixed", (speed,), least)
        if settings.control in _TEMPERATURE:
            return self._explain_temperature(least)
        if self.pressure is None or self._blind:
            return Term("speed_kept_without_pressure", (speed,), least)
        values = (
            speed,
            ("pressure", self.pressure.value, "pressure"),
            ("setpoint", self.setpoint, "pressure"),
        )
        code = "speed_holds_in_band" if self.holds else "speed_by_pressure"
        return Term(code, values, (*self._explain_setpoint(), *least))

    def _explain_setpoint(self) -> tuple[Term, ...]:
        if self.settings.control == "proportional":
            share = ("share", 100 * self.share, "percent")
            return (Term("dp_setpoint_proportional", (share,), (self._origin,)),)
        if self.settings.control == "worst_point":
            if self.worst is None or self._worst_lost:
                return (Term("worst_point_lost", (("setpoint", self.local_setpoint, "pressure"),)),)
            values = (
                ("pressure", self.worst.value, "pressure"),
                ("wanted", self.settings.worst_setpoint, "pressure"),
            )
            return (Term("dp_setpoint_by_worst_point", values),)
        return () if self._origin.code == "dp_setpoint_of_the_file" else (self._origin,)

    def _explain_temperature(self, least: tuple[Term, ...]) -> Term:
        measured = self._temperature()
        speed = ("speed", self.output, "frequency")
        if not math.isfinite(measured):
            return Term("speed_kept_without_temperature", (speed,), least)
        if self.settings.control == "temperature_difference":
            kind, wanted = "temperature_difference", self.settings.temperature_difference
            return Term(
                "speed_by_difference",
                (speed, ("difference", measured, kind), ("setpoint", wanted, kind)),
                least,
            )
        kind, wanted = "temperature", self.settings.return_temperature
        return Term(
            "speed_by_return", (speed, ("measured", measured, kind), ("setpoint", wanted, kind)), least
        )

    def _floor_term(self) -> Term:
        flow = self.flow.value if self.flow is not None else math.nan
        least = self.settings.min_flow or 0.0
        return Term("speed_least_flow", (("flow", flow, "flow"), ("least", least, "flow")))

    def memory(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {"speed": self.output, "local_setpoint": self.local_setpoint}

    def remember(self, state: object) -> None:
        """Take over what `memory` gave; anything missing or odd keeps its fresh value."""
        if not isinstance(state, dict):
            return
        speed, local = state.get("speed"), state.get("local_setpoint")
        if isinstance(speed, int | float):
            self.track(float(speed))
        if isinstance(local, int | float) and math.isfinite(local):
            self.local_setpoint = min(max(float(local), self.settings.lowest_setpoint), self._most())
