"""What every heating circuit has, whatever heats it: set-point, circulation, pressure holding.

`exchanger` and `mixing` say how the heat gets in.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.control.blocks.heat_transfer import LEAST_LIFT_K, HeatTransfer, Steady
from controller.control.blocks.pressure_holding import MakeupSettings, PressureHolding
from controller.control.blocks.primary_pump import PrimaryPump, PrimaryPumpSettings
from controller.control.blocks.pump_group import PumpGroup, PumpGroupSettings
from controller.control.blocks.supply_control import MODES, Sensed, SupplyControl
from controller.control.blocks.supply_settings import LoopSettings, ValveSettings
from controller.control.blocks.three_point import ThreePoint
from controller.control.blocks.tuning_experiment import Room
from controller.control.circuits.loop_points import LoopPoints
from controller.control.circuits.supply_setpoint import BELOW_ALARM_K, SetpointSettings, SupplySetpoint
from controller.control.tick import Tick
from controller.fields import Amount, Words
from controller.points import Image, Output, Point, Term

METERED_FLOW_S = 20.0
"""Filter of the flow by the meter: the heat comes into the supply with about this lag."""
PUMP_AS_VALVE = ValveSettings(
    characteristic="linear", authority=1.0, stroke_time=60.0, dead_band=1.0, hold=30.0, keep_warm=0.0
)
"""A primary pump as the loop sees it: flow in proportion to speed, up and down within a minute."""


class CircuitSettings(SetpointSettings):
    """What every heating circuit has."""

    title: Words | None = Field(None, description="Name for people (低区)")
    use: Literal["housing", "school", "office"] = Field("housing", description="Housing has no night setback")
    highest_building: Annotated[float, Amount("length", 2, 150)] = Field(
        description="Height of the highest radiator"
    )
    valve: ValveSettings | None = None
    primary_pump: PrimaryPumpSettings | None = None
    loop: LoopSettings = LoopSettings()
    circulation: PumpGroupSettings
    makeup: MakeupSettings | None = None

    @property
    def actuator(self) -> ValveSettings:
        """The valve; of a circuit without one, the primary pump as the loop sees it."""
        return self.valve or PUMP_AS_VALVE


class HeatingCircuit:
    """Reads its points from the image, writes the demands of its outputs and its own points."""

    settings: CircuitSettings

    def __init__(self, name: str, settings: CircuitSettings, image: Image, *, alone: bool) -> None:
        """`alone`: the station has no other circuit, so that its heat meter is this circuit's."""
        self.name = name
        self.settings = settings
        self.image = image
        find = image.points.get
        valve = settings.actuator
        what = "valve_command" if settings.valve is not None else "primary_command"
        self.valve = image.add(
            Output(f"{name}.{what}", "percent", 0, 100, failsafe=None, rate=100 / valve.stroke_time)
        )
        position = find(f"{name}.valve_position")
        self.elements = self._final_elements(position)
        if self.relays is not None and position is None:
            position = self.relays.estimate
        self.setpoint = SupplySetpoint(name, settings, image)
        self.mode_point = image.add(Point(f"{name}.valve_mode", "choice", choices=MODES, role="calculated"))
        self.care = LoopPoints(name, image)
        first, second = find(f"{name}.supply_temperature_1"), find(f"{name}.supply_temperature_2")
        sensed = Sensed(
            supply=image[f"{name}.supply_temperature"],
            pair=(first, second) if first is not None and second is not None else None,
            back=find(f"{name}.return_temperature"),
            power=find(f"{name}.heat_power") or (find("station.heat_power") if alone else None),
            outdoor=image["station.outdoor_temperature"],
            position=position,
            pressure=find(f"{name}.differential_pressure"),
        )
        self.control = SupplyControl(valve, settings.loop, self.valve, self.heat_transfer(), sensed)
        self.circulation = PumpGroup(
            settings.circulation, image, f"{name}.pump", find(f"{name}.differential_pressure")
        )
        self.secondary_flow = find(f"{name}.secondary_flow")
        self._metered_flow = Steady(METERED_FLOW_S)
        self.pressure_holding: PressureHolding | None = None
        if settings.makeup is not None:
            pressure = image[f"{name}.return_pressure"]
            self.pressure_holding = PressureHolding(settings.makeup, image, name, pressure)

    def _final_elements(self, position: Point | None) -> list[ThreePoint | PrimaryPump]:
        """What carries out the opening where no positioner does: relays, a primary pump."""
        settings = self.settings
        self.relays: ThreePoint | None = None
        if settings.valve is not None and settings.valve.open is not None:
            self.relays = ThreePoint(self.name, settings.valve.stroke_time, self.image, position)
        pump: PrimaryPump | None = None
        if settings.primary_pump is not None:
            helps = settings.valve is not None
            pump = PrimaryPump(self.name, settings.primary_pump, self.image, helps=helps)
        return [element for element in (self.relays, pump) if element is not None]

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
        self.control.step(tick, setpoint, self._flow(tick), self._pumps(), self._room())
        self.circulation.step(tick, wanted=True)
        if self.pressure_holding is not None:
            self.pressure_holding.step(tick, wanted=True)
        self.mode_point.put(MODES.index(self.control.mode), tick.now)

    def actuate(self, tick: Tick) -> None:
        """After the output stage: relays and primary pump carry out the opening that has won."""
        for element in self.elements:
            element.step(tick, self.valve)

    def applied(self, tick: Tick) -> None:
        """What the output stage really put out, back into the loops (anti-windup, bumpless)."""
        self.control.applied(tick)
        self.care.put(self.control, tick.now)
        if self.relays is not None:
            self.relays.witness(tick, self.control.opening_by_heat())
        self.circulation.applied()
        if self.pressure_holding is not None:
            self.pressure_holding.applied()

    def _pumps(self) -> int:
        """Another number when another pump runs."""
        return sum(1 << index for index, pump in enumerate(self.circulation.pumps) if pump.runs is not False)

    def _room(self) -> Room:
        """What a tuning may use of flow (%) and supply temperature (°C)."""
        valve, supply = self.control.valve, self.settings.supply
        low, high = self.control.curve.flow(valve.min), self.control.curve.flow(valve.max)
        return Room(low, high, supply.min, min(supply.max, supply.alarm - BELOW_ALARM_K))

    def _flow(self, tick: Tick) -> float:
        """Secondary flow in any unit: measured, m³/h; else by heat meter and spread, kW/K; else the pumps'
        speed, Hz. Which one is a matter of the station's sensors, so that the unit never changes; NaN while
        that one cannot be seen."""
        flow, sensed = self.secondary_flow, self.control.sensed
        if flow is not None:
            return flow.value if flow.usable else math.nan
        if sensed.power is None or sensed.back is None:
            return self.circulation.speed
        if not (sensed.power.usable and sensed.back.usable and sensed.supply.reason == ""):
            return math.nan
        spread = self.control.filtered - sensed.back.value
        known = spread >= LEAST_LIFT_K and sensed.power.value > 0
        return self._metered_flow.step(sensed.power.value / spread if known else math.nan, tick.dt)

    def forgive(self, pump: str) -> None:
        """A person has acknowledged the failure of a pump: it may try again."""
        self.circulation.forgive(pump)
        if self.pressure_holding is not None:
            self.pressure_holding.forgive(pump)

    def explain(self, output: Output) -> Term:
        """Why this output asks for what it asks."""
        if output is self.valve:
            loop = self.control.explain()
            return Term(loop.code, loop.values, (*loop.children, self.setpoint.explain()))
        for element in self.elements:
            if output in element.outputs:
                return element.explain(output)
        holding = self.pressure_holding
        if holding is not None and (
            output is holding.relief or any(output in (p.run, p.speed) for p in holding.pumps)
        ):
            return holding.explain(output)
        return self.circulation.explain(output)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {
            "setpoint": self.setpoint.state(),
            "control": self.control.state(),
            "relays": self.relays.state() if self.relays is not None else {},
            "circulation": self.circulation.state(),
            "pressure_holding": self.pressure_holding.state() if self.pressure_holding else {},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        parts = (
            (self.setpoint, "setpoint"),
            (self.control, "control"),
            (self.relays, "relays"),
            (self.circulation, "circulation"),
            (self.pressure_holding, "pressure_holding"),
        )
        for part, key in parts:
            remembered = state.get(key)
            if part is not None and isinstance(remembered, dict):
                part.restore(remembered)
