"""Pressure holding: makeup pumps on the return pressure, and the relief valve.

The duty makeup pump starts `start_below` under the set-point, holds it by PI on its speed, and stops
once the pressure has stayed at the set-point for 30 s with the pump at its lowest speed. A pressure
that cannot be seen stops makeup: a hard-wired contact gauge takes over (FACTS §8). Relief opens and
closes on a band. Set-point = height of the highest radiator + 30–50 kPa.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.control.blocks.band import Band
from controller.control.blocks.drive import PumpDrive
from controller.control.blocks.pid_loop import PiLoop
from controller.control.tick import Tick
from controller.fields import Amount, Name, Reference, Settings, Span
from controller.points import Image, Output, Point, Term

SETTLED_S = 30.0


class ReliefSettings(Settings):
    """Relief valve (泄压阀), back to the tank."""

    valve: Reference = Field(description="Output that opens it")
    open: Annotated[float, Amount("pressure", 50, 1600)] = Field(description="Opens at this return pressure")
    close: Annotated[float, Amount("pressure", 50, 1600)] = Field(description="Closes again at this one")


class MakeupSettings(Settings):
    """Makeup pumps (补水泵)."""

    pumps: list[Name] = Field(min_length=1, max_length=3, description="Drives, the first is duty")
    control: Literal["return_pressure"] = "return_pressure"
    setpoint: Annotated[float, Amount("pressure", 50, 1200, adjustable=True)] = Field(
        description="Return pressure to hold"
    )
    start_below: Annotated[float, Amount("pressure", 2, 100)] = Field(
        10.0, description="Starts so far under the set-point"
    )
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
        self.duty = 0
        self.loop = PiLoop(settings.gain, settings.integral_time, low, high)
        self.loop.track(low)
        self.filling = False
        self._settled_since: float | None = None
        self.relief: Output | None = None
        self.relief_band: Band | None = None
        if settings.relief is not None:
            self.relief = image.add(Output(f"{circuit}.relief_valve", "flag", 0, 1, failsafe=0.0))
            self.relief_band = Band(settings.relief.open, settings.relief.close)

    def step(self, tick: Tick, wanted: bool) -> None:
        """Demand for the makeup pumps and the relief valve."""
        for pump in self.pumps:
            pump.watch(tick, None)
        self._decide(tick, wanted)
        speed = self._speed(tick)
        if self.filling and not self.pumps[self.duty].available:
            self.duty = next((i for i, p in enumerate(self.pumps) if p.available), self.duty)
        for index, pump in enumerate(self.pumps):
            pump.command(tick, self.filling and index == self.duty and not pump.failed, speed)
        if self.relief is not None and self.relief_band is not None:
            self.relief.demand = float(self.relief_band.step(self.pressure))

    def applied(self) -> None:
        """Take over the speed that the duty pump really got."""
        pump = self.pumps[self.duty]
        if self.filling and pump.run.value >= 0.5:
            self.loop.applied(pump.speed.value, tolerance=pump.speed.dead_band)
        else:
            self.loop.track(self.settings.speed[0])

    def _decide(self, tick: Tick, wanted: bool) -> None:
        if not wanted or not self.pressure.usable:
            self.filling, self._settled_since = False, None
            return
        short = self.settings.setpoint - self.pressure.value
        if not self.filling:
            self.filling = short >= self.settings.start_below
            self._settled_since = None
        elif short <= 0 and self.loop.output <= self.settings.speed[0] + 0.5:
            if self._settled_since is None:
                self._settled_since = tick.now
            elif tick.now - self._settled_since >= SETTLED_S:
                self.filling = False
        else:
            self._settled_since = None

    def _speed(self, tick: Tick) -> float:
        if not self.filling or self.pumps[self.duty].run.value < 0.5:
            return self.settings.speed[0]
        return self.loop.step(self.settings.setpoint, self.pressure.value, tick.dt)

    def explain(self, output: Output) -> Term:
        """Why makeup runs, or not; why relief is open, or not."""
        pressure = (
            ("pressure", self.pressure.value, "pressure"),
            ("setpoint", self.settings.setpoint, "pressure"),
        )
        if output is self.relief and self.relief_band is not None:
            code = "relief_open" if self.relief_band.on else "relief_closed"
            return Term(code, (pressure[0], ("open_at", self.relief_band.on_at, "pressure")))
        pump = next(p for p in self.pumps if output in (p.run, p.speed))
        if not self.pressure.usable:
            return Term("makeup_blind")
        if self.filling and self.pumps[self.duty] is pump:
            return Term("makeup_filling", pressure, (pump.explain(),))
        return Term("makeup_idle", pressure, (pump.explain(),))
