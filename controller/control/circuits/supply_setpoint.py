"""Set-point of the secondary supply temperature: outdoor → curve → offsets → limits → ramp."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.day_offsets import DayOffsets, OffsetsByTime
from controller.control.blocks.heat_curve import HeatCurve, HeatCurveSettings
from controller.control.blocks.ramp import Ramp
from controller.control.blocks.supply_control import number
from controller.control.tick import Tick
from controller.fields import Amount, Settings
from controller.points import Image, Point, Term

BELOW_ALARM_K = 2.0
"""No set-point comes nearer to the alarm, whatever maximum an operator sets at run time."""

ARRIVED_K, WATER_ARRIVED_K = 0.1, 2.0


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


class SetpointSettings(Settings):
    """What the set-point is made of."""

    heat_curve: HeatCurveSettings
    offset_by_time: OffsetsByTime = Field({}, description="Local time: offset of the set-point")
    supply: SupplySettings = SupplySettings()


class SupplySetpoint:
    """Writes `<circuit>.supply_demand` (wanted) and `<circuit>.supply_setpoint` (on its way there), °C."""

    def __init__(self, name: str, settings: SetpointSettings, image: Image) -> None:
        self.limits = settings.supply
        self.outdoor = image["station.outdoor_temperature"]
        self.supply = image[f"{name}.supply_temperature"]
        self.back = image.points.get(f"{name}.return_temperature")
        self.flow = image[f"{name}.circulation"]
        self.demand_point = image.add(Point(f"{name}.supply_demand", "temperature", role="calculated"))
        self.setpoint_point = image.add(Point(f"{name}.supply_setpoint", "temperature", role="calculated"))
        self.curve = HeatCurve(settings.heat_curve)
        self.offsets = DayOffsets(settings.offset_by_time)
        self.ramp = Ramp(settings.supply.ramp)
        self._limited = ""
        self._least = settings.supply.min
        self._highest = settings.supply.max

    def step(self, tick: Tick, fastest_rise: float = math.inf, *, heat: bool = True) -> float:
        """Set-point of this scan, °C. A finite `fastest_rise` (K/h) sets out from the water as it is; without
        `heat` the set-point goes with the water."""
        self.ramp.rate_per_hour = min(self.limits.ramp, fastest_rise)
        self._least = self.limits.min if math.isinf(fastest_rise) else -math.inf
        wanted = self.curve.step(self.outdoor) + self.offsets.step(tick.second_of_day)
        demand = self._limit(wanted)
        setpoint = self._ramped(demand, tick) if heat else self._with_the_water(demand)
        self.demand_point.put(demand, tick.now)
        self.setpoint_point.put(setpoint, tick.now)
        return setpoint

    def _with_the_water(self, demand: float) -> float:
        """Nobody heats: so that heat sets out from the water when it comes back, sensor or not."""
        if self.supply.usable:
            self.ramp.start_from(self._water())
        return demand if math.isnan(self.ramp.value) else self.ramp.value

    def _water(self) -> float:
        """The cooler of supply and return: in a standing exchanger a leaking valve heats a slug of water."""
        back = self.back
        if back is None or not back.usable:
            return self.supply.value
        return min(self.supply.value, back.value)

    def _ramped(self, demand: float, tick: Tick) -> float:
        """Set-point on its way. It sets out from the water's temperature: at the start, and again
        whenever the water stood still, so that heat comes back as slowly as at the start."""
        stands = self.flow.usable and self.flow.value == 0
        if self.supply.usable and (stands or math.isnan(self.ramp.value)):
            water = self.supply.value if self._least > -math.inf else self._water()
            self.ramp.start_from(min(max(water, self._least), demand))
        elif math.isnan(self.ramp.value):
            return demand
        return self.ramp.step(demand, tick.dt)

    @property
    def arrived(self) -> bool:
        """The set-point is where it was to go, and the water with it."""
        point, demand = self.setpoint_point, self.demand_point
        on_its_way = not abs(demand.value - point.value) < ARRIVED_K
        return not on_its_way and self.supply.usable and self.supply.value >= point.value - WATER_ARRIVED_K

    def _limit(self, wanted: float) -> float:
        supply = self.limits
        self._highest = min(supply.max, supply.alarm - BELOW_ALARM_K)
        if wanted > self._highest:
            self._limited = "supply_max"
            return self._highest
        if wanted < supply.min:
            self._limited = "supply_min"
            return supply.min
        self._limited = ""
        return wanted

    def explain(self) -> Term:
        """How the set-point came about: curve, offset, limit, ramp."""
        parts = [self.curve.explain(), self.offsets.explain(), self.ramp.explain()]
        if self._limited:
            limit = self._highest if self._limited == "supply_max" else self.limits.min
            parts.append(Term(self._limited, (("limit", limit, "temperature"),)))
        children = tuple(part for part in parts if part is not None)
        return Term("setpoint", (("setpoint", self.setpoint_point.value, "temperature"),), children)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        value = self.ramp.value
        return {"setpoint": value if math.isfinite(value) else None, "curve": self.curve.base}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        self.ramp.value = number(state.get("setpoint"), self.ramp.value)
        self.curve.base = number(state.get("curve"), self.curve.base)
