"""Exchanger circuit (换热): primary valve, plate exchanger, circulation, pressure holding.

Read `step` from top to bottom: outdoor → curve → set-point → loop → valve; pumps; makeup.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.control.blocks.day_offsets import DayOffsets, OffsetsByTime
from controller.control.blocks.heat_curve import HeatCurve, HeatCurveSettings
from controller.control.blocks.pressure_holding import MakeupSettings, PressureHolding
from controller.control.blocks.pump_group import PumpGroup, PumpGroupSettings
from controller.control.blocks.ramp import Ramp
from controller.control.blocks.supply_control import MODES, LoopSettings, SupplyControl, ValveSettings
from controller.control.tick import Tick
from controller.fields import Amount, Settings, Words
from controller.points import Image, Output, Point, Term

BELOW_ALARM_K = 2.0
"""No set-point comes nearer to the alarm, whatever maximum an operator sets at run time."""


class SupplySettings(Settings):
    """Limits of the secondary supply temperature."""

    min: Annotated[float, Amount("temperature", 5, 60, adjustable=True)] = Field(
        30.0, description="Lowest set-point"
    )
    max: Annotated[float, Amount("temperature", 30, 95, adjustable=True)] = Field(
        65.0, description="Highest set-point"
    )
    alarm: Annotated[float, Amount("temperature", 30, 110)] = Field(70.0, description="Alarm above this")
    trip: Annotated[float, Amount("temperature", 35, 115)] = Field(
        75.0, description="The valve closes above this"
    )
    ramp: Annotated[float, Amount("temperature_rate", 1, 1500)] = Field(
        30.0, description="Fastest change of the set-point"
    )


class CircuitSettings(Settings):
    """What every heating circuit has."""

    title: Words | None = Field(None, description="Name for people (低区)")
    use: Literal["housing", "school", "office"] = Field("housing", description="Housing has no night setback")
    highest_building: Annotated[float, Amount("length", 2, 150)] = Field(
        description="Height of the highest radiator"
    )
    heat_curve: HeatCurveSettings
    offset_by_time: OffsetsByTime = Field({}, description="Local time: offset of the set-point")
    supply: SupplySettings = SupplySettings()
    loop: LoopSettings = LoopSettings()
    circulation: PumpGroupSettings
    makeup: MakeupSettings | None = None


class ExchangerSettings(CircuitSettings):
    """Circuit with its own heat exchanger."""

    kind: Literal["exchanger"]
    valve: ValveSettings


class ExchangerCircuit:
    """Reads its points from the image, writes the demands of its outputs and its own points."""

    def __init__(self, name: str, settings: ExchangerSettings, image: Image) -> None:
        self.name = name
        self.settings = settings
        find = image.points.get
        self.outdoor = image["station.outdoor_temperature"]
        self.supply = image[f"{name}.supply_temperature"]
        first, second = find(f"{name}.supply_temperature_1"), find(f"{name}.supply_temperature_2")
        self.pair = (first, second) if first is not None and second is not None else None
        self.flow = image[f"{name}.circulation"]
        self.back = find(f"{name}.return_temperature")
        self.primary = find("station.primary_supply_temperature")
        self.power = find("station.heat_power")
        self.position = find(f"{name}.valve_position")
        valve = settings.valve
        self.valve = image.add(
            Output(
                f"{name}.valve_command",
                "percent",
                0,
                100,
                failsafe=None,
                rate=100 / valve.stroke_time,
                dead_band=valve.dead_band,
            )
        )
        self.demand_point = image.add(Point(f"{name}.supply_demand", "temperature", role="calculated"))
        self.setpoint_point = image.add(Point(f"{name}.supply_setpoint", "temperature", role="calculated"))
        self.mode_point = image.add(Point(f"{name}.valve_mode", "choice", choices=MODES, role="calculated"))
        self.curve = HeatCurve(settings.heat_curve)
        self.offsets = DayOffsets(settings.offset_by_time)
        self.ramp = Ramp(settings.supply.ramp)
        self.control = SupplyControl(valve, settings.loop, self.valve)
        self.circulation = PumpGroup(
            settings.circulation, image, f"{name}.pump", find(f"{name}.differential_pressure")
        )
        self.pressure_holding: PressureHolding | None = None
        if settings.makeup is not None:
            pressure = image[f"{name}.return_pressure"]
            self.pressure_holding = PressureHolding(settings.makeup, image, name, pressure)
        self._limited = ""
        self._highest = settings.supply.max

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
        wanted = self.curve.step(self.outdoor) + self.offsets.step(tick.second_of_day)
        demand = self._limit(wanted)
        setpoint = self._ramped(demand, tick)
        self.control.step(
            tick,
            setpoint,
            self.supply,
            self.pair,
            self.back,
            self.primary,
            self.power,
            self.outdoor,
            self.position,
        )
        self.circulation.step(tick, wanted=True)
        if self.pressure_holding is not None:
            self.pressure_holding.step(tick, wanted=True)
        self.demand_point.put(demand, tick.now)
        self.setpoint_point.put(setpoint, tick.now)
        self.mode_point.put(MODES.index(self.control.mode), tick.now)

    def applied(self, tick: Tick) -> None:
        """What the output stage really put out, back into the loops (anti-windup, bumpless)."""
        self.control.applied(tick, self.outdoor, self.position)
        self.circulation.applied()
        if self.pressure_holding is not None:
            self.pressure_holding.applied()

    def _ramped(self, demand: float, tick: Tick) -> float:
        """Set-point on its way. It sets out from the water's temperature: at the start, and again
        whenever the water stood still, so that heat comes back as slowly as at the start."""
        stands = self.flow.usable and self.flow.value == 0
        if self.supply.usable and (stands or math.isnan(self.ramp.value)):
            self.ramp.start_from(min(max(self.supply.value, self.settings.supply.min), demand))
        elif math.isnan(self.ramp.value):
            return demand
        return self.ramp.step(demand, tick.dt)

    def _limit(self, wanted: float) -> float:
        supply = self.settings.supply
        self._highest = min(supply.max, supply.alarm - BELOW_ALARM_K)
        if wanted > self._highest:
            self._limited = "supply_max"
            return self._highest
        if wanted < supply.min:
            self._limited = "supply_min"
            return supply.min
        self._limited = ""
        return wanted

    def explain(self, output: Output) -> Term:
        """Why this output asks for what it asks."""
        if output is self.valve:
            loop = self.control.explain()
            return Term(loop.code, loop.values, (*loop.children, self.explain_setpoint()))
        holding = self.pressure_holding
        if holding is not None and (
            output is holding.relief or any(output in (p.run, p.speed) for p in holding.pumps)
        ):
            return holding.explain(output)
        return self.circulation.explain(output)

    def explain_setpoint(self) -> Term:
        """How the set-point came about: curve, offset, limit, ramp."""
        parts = [self.curve.explain(), self.offsets.explain(), self.ramp.explain()]
        if self._limited:
            limit = self._highest if self._limited == "supply_max" else self.settings.supply.min
            parts.append(Term(self._limited, (("limit", limit, "temperature"),)))
        children = tuple(part for part in parts if part is not None)
        return Term("setpoint", (("setpoint", self.setpoint_point.value, "temperature"),), children)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        estimate = self.control.estimate
        return {
            "setpoint": _finite(self.ramp.value),
            "flow": _finite(self.control.loop.output),
            "capacity_flow": _finite(estimate.capacity_flow),
            "mean_flow": _finite(estimate.mean_flow),
            "mean_outdoor": _finite(estimate.mean_outdoor),
            "curve": _finite(self.curve.base),
            "duty": self.circulation.duty,
            "speed": _finite(self.circulation.speed),
            "makeup_duty": self.pressure_holding.duty if self.pressure_holding else 0,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        estimate = self.control.estimate
        self.ramp.value = _number(state.get("setpoint"), self.ramp.value)
        flow = _number(state.get("flow"), math.nan)
        if not math.isnan(flow):
            self.control.loop.track(flow)
        estimate.capacity_flow = _number(state.get("capacity_flow"), math.nan)
        estimate.mean_flow = _number(state.get("mean_flow"), math.nan)
        estimate.mean_outdoor = _number(state.get("mean_outdoor"), math.nan)
        self.curve.base = _number(state.get("curve"), self.curve.base)
        duty = state.get("duty")
        if isinstance(duty, int) and 0 <= duty < len(self.circulation.pumps):
            self.circulation.duty = duty
        speed = _number(state.get("speed"), math.nan)
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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else otherwise
