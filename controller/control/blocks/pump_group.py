"""Circulation: duty and standby pumps, speed by differential pressure or fixed.

The duty pump runs; when it fails, the first one available takes over in the next scan (the valve is
closed meanwhile by the safety table, not here). PI on the pressure the pumps make. The differential
pressure lost: the pump keeps its speed, never stops. Defaults: FACTS of Danfoss ECL and Chinese
stations (25–50 Hz).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.control.blocks.drive import PumpDrive
from controller.control.blocks.pid_loop import PiLoop
from controller.control.tick import Tick
from controller.fields import Amount, Name, Settings, Span
from controller.points import Image, Output, Point, Slot, Term


class PumpGroupSettings(Settings):
    """Circulation pumps (循环泵)."""

    pumps: list[Name] = Field(min_length=1, max_length=4, description="Drives, the first is duty")
    control: Literal["differential_pressure", "fixed"] = Field(
        "differential_pressure", description="What sets the speed"
    )
    setpoint: Annotated[float, Amount("pressure", 10, 600, adjustable=True)] = Field(
        120.0, description="Differential pressure wanted"
    )
    fixed_speed: Annotated[float, Amount("frequency", 15, 60, adjustable=True)] = Field(
        40.0, description="Speed with control: fixed, and to start from"
    )
    speed: Annotated[tuple[float, float], Span("frequency", 10, 60)] = Field(
        (25.0, 50.0), description="Lowest and highest speed"
    )
    gain: Annotated[float, Amount("pressure_gain", 0.001, 5)] = Field(
        0.05, description="Proportional gain of the speed"
    )
    integral_time: Annotated[float, Amount("time", 1, 600)] = Field(
        10.0, description="Integral time of the speed"
    )
    proof: Annotated[float, Amount("pressure", 2, 200)] = Field(
        15.0, description="Differential pressure that proves circulation"
    )
    on_bus_loss: Literal["keep_running", "stop", "trip"] = Field(
        "keep_running", description="What the drive is set to do when its bus dies"
    )


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
        self.pressure = pressure
        self.flow = image.points.get(f"{prefix.rpartition('.')[0]}.circulation")
        self.duty = 0
        self.loop = PiLoop(settings.gain, settings.integral_time, low, high)
        self.loop.track(settings.fixed_speed)
        self.speed = self.loop.output
        self.wanted = False

    def step(self, tick: Tick, wanted: bool) -> None:
        """Demand for every pump."""
        self.wanted = wanted
        pressure_made = self._pressure_made()
        for pump in self.pumps:
            pump.watch(tick, pressure_made)
        if wanted:
            self._choose(tick)
        self.speed = self._speed(tick)
        for index, pump in enumerate(self.pumps):
            pump.command(tick, wanted and index == self.duty, self.speed)

    def applied(self) -> None:
        """Take over the speed that the duty pump really got, from a person, a rule or the cabinet."""
        speed = self.pumps[self.duty].speed
        if self.settings.control == "differential_pressure" and self.wanted and speed.slot is not Slot.DEMAND:
            self.loop.applied(speed.value, tolerance=speed.dead_band)

    def _pressure_made(self) -> bool | None:
        """None: nobody can say. A transmitter that the other two contradict is not believed."""
        if self.pressure is None or not self.pressure.usable:
            return None
        return self.pressure.value >= self.settings.proof or self._lies()

    def _lies(self) -> bool:
        """The differential pressure is too low, but circulation is proven by other signs."""
        assert self.pressure is not None
        proven = self.flow is not None and self.flow.usable and self.flow.value == 1
        return proven and self.pressure.value < self.settings.proof

    def _choose(self, tick: Tick) -> None:
        if self.pumps[self.duty].available:
            return
        for index, pump in enumerate(self.pumps):
            if pump.available:
                self.duty = index
                return
        # Nothing is left: the one that failed longest ago is tried again, one minute at the earliest.
        oldest = min(range(len(self.pumps)), key=lambda i: self.pumps[i].failed_at)
        if tick.now - self.pumps[oldest].failed_at >= 60.0:
            self.pumps[oldest].forgive()
            self.duty = oldest

    def _speed(self, tick: Tick) -> float:
        settings = self.settings
        if settings.control == "fixed":
            return min(max(settings.fixed_speed, settings.speed[0]), settings.speed[1])
        duty = self.pumps[self.duty]
        blind = self.pressure is None or not self.pressure.usable or self._lies()
        if not self.wanted or self.pressure is None or blind or duty.runs is False:
            self.loop.rest()
            return self.speed
        return self.loop.step(settings.setpoint, self.pressure.value, tick.dt)

    def explain(self, output: Output) -> Term:
        """Why this pump runs, or not, at this speed."""
        pump = next(p for p in self.pumps if output in (p.run, p.speed))
        is_duty = self.pumps[self.duty] is pump
        if output is pump.run:
            role = "pump_is_duty" if is_duty else "pump_is_standby"
            return Term(role, (("pump", pump.name, "text"),), tuple(p.explain() for p in self.pumps))
        if not is_duty or not self.wanted:
            return pump.explain()
        if self.settings.control == "fixed":
            return Term("speed_fixed", (("speed", self.speed, "frequency"),))
        if self.pressure is None or not self.pressure.usable:
            return Term("speed_kept_without_pressure", (("speed", self.speed, "frequency"),))
        return Term(
            "speed_by_pressure",
            (
                ("speed", self.speed, "frequency"),
                ("pressure", self.pressure.value, "pressure"),
                ("setpoint", self.settings.setpoint, "pressure"),
            ),
        )
