"""Primary pump: 分布式变频泵 (distributed pump) or return booster, alone or in sequence after the valve.

Alone it is the actuator: its speed is the share of primary flow, as the flow through a fixed circuit goes
with the speed (affinity laws). Its lowest speed brings the least flow; asked for less than half of that it
stops, and starts again when that much is asked for and a short rest is over: mild weather is on and off.
After a valve it helps when the valve is nearly open: it starts above HELPS_ABOVE % of opening and then keeps
the valve at VALVE_AT % by its own speed (mid-ranging; Allison, Isaksson 1998), so the loop goes on with the
valve. It stops once the valve does without it at lowest speed.

The primary return pressure is guarded: below `least_return_pressure` the highest speed sinks by 1 Hz/s until
the pressure is back (FACTS of northern stations: ≥ 0.15 MPa), so that no pump sucks the network dry.

One that failed is tried again as any pump is (see `drive`), but is never left locked out: no other is there.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.control.blocks.parts.drive import PumpDrive
from controller.control.tick import Tick
from controller.fields import Amount, Name, Settings, Span
from controller.points import Image, Output, Point, Term

STOPS_BELOW = 0.5
STOPS_AT = 0.5
"""Of the share at lowest speed: there the pump alone rests."""
REST_S = 60.0
"""Shortest rest of a pump alone."""
HELPS_ABOVE, VALVE_AT, DONE_BELOW = 92.0, 80.0, 55.0
DONE_S = 300.0
HZ_PER_PERCENT_S = 0.01
PRESSURE_HZ_PER_S = 1.0
PRESSURE_BAND_KPA = 10.0
TRY_S = 600.0


class PrimaryPumpSettings(Settings):
    """Primary distributed pump (分布式变频泵) or return booster."""

    pump: Name = Field(description="Its drive")
    speed: Annotated[tuple[float, float], Span("frequency", 5, 60)] = Field(
        (15.0, 50.0), description="Lowest and highest speed"
    )
    least_return_pressure: Annotated[float, Amount("pressure", 0, 1500)] = Field(
        150.0, description="Primary return pressure that it never pulls below"
    )
    on_bus_loss: Literal["keep_running", "stop", "trip"] = Field(
        "keep_running", description="What the drive is set to do when its bus dies"
    )


class PrimaryPump:
    """Drives `<circuit>.booster_run` and `<circuit>.booster_speed`."""

    def __init__(self, name: str, settings: PrimaryPumpSettings, image: Image, *, helps: bool) -> None:
        """`helps`: a valve leads, the pump comes after it."""
        self.settings = settings
        self.helps = helps
        low, high = settings.speed
        self.drive = PumpDrive(image, f"{name}.booster", low, high, keep_running=True)
        self.pressure: Point | None = image.points.get("station.primary_return_pressure")
        self.runs = False
        self.speed = low
        self.ceiling = high
        self._done_since = math.inf
        self._rests_since = -math.inf

    @property
    def outputs(self) -> list[Output]:
        """Run and speed."""
        return [self.drive.run, self.drive.speed]

    def step(self, tick: Tick, command: Output) -> None:
        """`command`: what the output stage has left of the circuit's demand, %."""
        self._guard(tick)
        self.drive.watch(tick, None)
        asked = command.value
        if math.isfinite(asked):
            if self.helps:
                self._help(tick, asked)
            else:
                self._lead(tick, asked)
        if self.drive.locked_out and tick.now - self.drive.failed_at >= TRY_S:
            self.drive.let_try()
        self.drive.command(tick, self.runs and not self.drive.failed, self.speed)

    def _lead(self, tick: Tick, share: float) -> None:
        low, high = self.settings.speed
        wanted = high * share / 100
        if self.runs:
            self.runs = wanted >= STOPS_AT * low
            self._rests_since = tick.now
        else:
            self.runs = wanted >= low and tick.now - self._rests_since >= REST_S
        self.speed = min(max(wanted, low), self.ceiling)

    def _help(self, tick: Tick, opening: float) -> None:
        low = self.settings.speed[0]
        if not self.runs:
            self.runs, self.speed = opening >= HELPS_ABOVE, low
            self._done_since = math.inf
            return
        wanted = self.speed + HZ_PER_PERCENT_S * (opening - VALVE_AT) * tick.dt
        self.speed = min(max(wanted, low), max(self.ceiling, low))
        if opening > DONE_BELOW or self.speed > low:
            self._done_since = math.inf
        else:
            self._done_since = min(self._done_since, tick.now)
        # A valve that was shut by a stronger hand needs no help either.
        self.runs = opening > STOPS_BELOW and tick.now - self._done_since < DONE_S

    def _guard(self, tick: Tick) -> None:
        low, high = self.settings.speed
        pressure = self.pressure
        if pressure is None or not pressure.usable:
            return
        spare = pressure.value - self.settings.least_return_pressure
        if spare < 0:
            self.ceiling = max(min(self.ceiling, self.speed) - PRESSURE_HZ_PER_S * tick.dt, low)
        elif spare > PRESSURE_BAND_KPA:
            self.ceiling = min(self.ceiling + PRESSURE_HZ_PER_S / 5 * tick.dt, high)

    def explain(self, output: Output) -> Term:
        """Why it runs, or not, at this speed."""
        values = (("speed", self.speed, "frequency"), ("ceiling", self.ceiling, "frequency"))
        pump = (self.drive.explain(),)
        if self.ceiling < self.settings.speed[1] and self.runs and self.speed >= self.ceiling:
            return Term("primary_pump_guarded", values, pump)
        runs = "primary_pump_helps" if self.helps else "primary_pump_leads"
        return Term(runs if self.runs else "primary_pump_rests", values, pump)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {"drive": self.drive.memory()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        self.drive.remember(state.get("drive"))
