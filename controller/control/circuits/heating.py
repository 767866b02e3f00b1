"""What every heating circuit has, whatever heats it: set-point, circulation, pressure holding.

`exchanger` and `mixing` say how the heat gets in.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.control.blocks.heat_transfer import HeatTransfer
from controller.control.blocks.pressure_holding import MakeupSettings, PressureHolding
from controller.control.blocks.pump_group import PumpGroup, PumpGroupSettings
from controller.control.blocks.supply_control import (
    MODES,
    LoopSettings,
    Sensed,
    SupplyControl,
    ValveSettings,
    number,
)
from controller.control.circuits.supply_setpoint import SetpointSettings, SupplySetpoint
from controller.control.tick import Tick
from controller.fields import Amount, Words
from controller.points import Image, Output, Point, Term


class CircuitSettings(SetpointSettings):
    """What every heating circuit has."""

    title: Words | None = Field(None, description="Name for people (低区)")
    use: Literal["housing", "school", "office"] = Field("housing", description="Housing has no night setback")
    highest_building: Annotated[float, Amount("length", 2, 150)] = Field(
        description="Height of the highest radiator"
    )
    valve: ValveSettings
    loop: LoopSettings = LoopSettings()
    circulation: PumpGroupSettings
    makeup: MakeupSettings | None = None


class HeatingCircuit:
    """Reads its points from the image, writes the demands of its outputs and its own points."""

    settings: CircuitSettings

    def __init__(self, name: str, settings: CircuitSettings, image: Image) -> None:
        self.name = name
        self.settings = settings
        self.image = image
        find = image.points.get
        valve = settings.valve
        self.valve = image.add(
            Output(f"{name}.valve_command", "percent", 0, 100, failsafe=None, rate=100 / valve.stroke_time)
        )
        self.setpoint = SupplySetpoint(name, settings, image)
        self.mode_point = image.add(Point(f"{name}.valve_mode", "choice", choices=MODES, role="calculated"))
        first, second = find(f"{name}.supply_temperature_1"), find(f"{name}.supply_temperature_2")
        sensed = Sensed(
            supply=image[f"{name}.supply_temperature"],
            pair=(first, second) if first is not None and second is not None else None,
            back=find(f"{name}.return_temperature"),
            power=find("station.heat_power"),
            outdoor=image["station.outdoor_temperature"],
            position=find(f"{name}.valve_position"),
        )
        self.control = SupplyControl(valve, settings.loop, self.valve, self.heat_transfer(), sensed)
        self.circulation = PumpGroup(
            settings.circulation, image, f"{name}.pump", find(f"{name}.differential_pressure")
        )
        self.secondary_flow = find(f"{name}.secondary_flow")
        self.pressure_holding: PressureHolding | None = None
        if settings.makeup is not None:
            pressure = image[f"{name}.return_pressure"]
            self.pressure_holding = PressureHolding(settings.makeup, image, name, pressure)

    def heat_transfer(self) -> HeatTransfer:
        """How the heat gets from the primary into the secondary water."""
        raise NotImplementedError

    def primary_pressures(self) -> tuple[Point, Point] | None:
        """Supply and return pressure of the primary network, where both are measured."""
        find = self.image.points.get
        supply, back = find("station.primary_supply_pressure"), find("station.primary_return_pressure")
        return (supply, back) if supply is not None and back is not None else None

    @property
    def outputs(self) -> list[Output]:
        """All outputs that this circuit demands."""
        found = [self.valve]
        for pump in self.circulation.pumps:
            found += [pump.run, pump.speed]
        if self.pressure_holding is not None:
            for pump in self.pressure_holding.pumps:
                found += [pump.run, pump.speed]
            if self.pressure_holding.relief is not None:
                found.append(self.pressure_holding.relief)
        return found

    def step(self, tick: Tick) -> None:
        """One scan of control, as the water flows."""
        setpoint = self.setpoint.step(tick)
        self.control.step(tick, setpoint, self._flow())
        self.circulation.step(tick, wanted=True)
        if self.pressure_holding is not None:
            self.pressure_holding.step(tick, wanted=True)
        self.mode_point.put(MODES.index(self.control.mode), tick.now)

    def applied(self, tick: Tick) -> None:
        """What the output stage really put out, back into the loops (anti-windup, bumpless)."""
        self.control.applied(tick)
        self.circulation.applied()
        if self.pressure_holding is not None:
            self.pressure_holding.applied()

    def _flow(self) -> float:
        """Secondary flow in m³/h where it is measured; else the speed that drives it, in Hz."""
        flow = self.secondary_flow
        if flow is not None:
            return flow.value if flow.usable else math.nan
        return self.circulation.speed

    def explain(self, output: Output) -> Term:
        """Why this output asks for what it asks."""
        if output is self.valve:
            loop = self.control.explain()
            return Term(loop.code, loop.values, (*loop.children, self.setpoint.explain()))
        holding = self.pressure_holding
        if holding is not None and (
            output is holding.relief or any(output in (p.run, p.speed) for p in holding.pumps)
        ):
            return holding.explain(output)
        return self.circulation.explain(output)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        speed = self.circulation.speed
        return {
            "setpoint": self.setpoint.state(),
            "control": self.control.state(),
            "duty": self.circulation.duty,
            "speed": speed if math.isfinite(speed) else None,
            "makeup_duty": self.pressure_holding.duty if self.pressure_holding else 0,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        parts = ((self.setpoint, "setpoint"), (self.control, "control"))
        for part, key in parts:
            remembered = state.get(key)
            if isinstance(remembered, dict):
                part.restore(remembered)
        duty = state.get("duty")
        if isinstance(duty, int) and 0 <= duty < len(self.circulation.pumps):
            self.circulation.duty = duty
        speed = number(state.get("speed"), math.nan)
        if not math.isnan(speed):
            self.circulation.loop.track(speed)
            self.circulation.speed = self.circulation.loop.output
        makeup = state.get("makeup_duty")
        if (
            self.pressure_holding
            and isinstance(makeup, int)
            and 0 <= makeup < len(self.pressure_holding.pumps)
        ):
            self.pressure_holding.duty = makeup
