"""Carry on without the supply temperature sensor: estimate it, or repeat the day's average.

While the sensor is good the block learns the heat capacity flow of the secondary side,
C = P/(Ts − Tr) (energy balance of the exchanger, losses neglected), averaged over an hour. Without
the sensor Ts = Tr + P/C. Between sensors that contradict each other this estimate decides; where the circuit
has no meter of its own, Ts = Tr + s·(20 − To) does, s being the usual spread for a kelvin of cold: a supply
that is really colder takes the return down with it. Without meter or return as well it gives the share of
valve flow of the last day, scaled to today's load, q = (20 − To)/(20 − mean To).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from controller.control.blocks.parts.memory import finite, remembered
from controller.control.tick import Tick
from controller.points import Point

_HOUR, _DAY = 3600.0, 86400.0
_MIN_SPREAD_K = 3.0
_NORMAL_C, _MIN_COLD_K = 20.0, 8.0
"""Nearer to 20 °C outside, sun and gains make the spread."""
_AGREE_K = 1.0


Sensors = tuple[Point, ...]
"""All sensors of a redundant point, none of another."""


class SupplyEstimate:
    """Learns while it can, estimates when it must."""

    def __init__(self) -> None:
        self.capacity_flow = math.nan
        self.spread_share = math.nan
        """Supply − return for a kelvin that it is colder than 20 °C outside, K/K."""
        self._learned_s = _HOUR
        self.mean_flow = math.nan
        self.mean_outdoor = math.nan

    def believe(
        self, supply: Point, sensors: Sensors, back: Point | None, power: Point | None, outdoor: Point
    ) -> float:
        """Supply temperature of sensors that may contradict each other, °C.

        The estimate is one witness more; without it what `supply` holds counts, of two the higher one.
        """
        if supply.reason != "disagree":
            return supply.value
        estimated = self.supply(back, power)
        if estimated is None:
            estimated = self._by_load(back, outdoor)
        if estimated is None:
            return supply.value
        values = [sensor.value for sensor in sensors if sensor.usable]
        return min(values, key=lambda value: abs(value - estimated), default=supply.value)

    def learn(
        self,
        tick: Tick,
        supply: Point,
        sensors: Sensors,
        back: Point | None,
        power: Point | None,
        outdoor: Point,
    ) -> None:
        """Update C (kW/K) and s (K/K) from good values: °C, °C, kW, °C. Sensors that drift apart teach
        nothing."""
        if back is None or not (supply.usable and back.usable):
            return
        values = [sensor.value for sensor in sensors if sensor.usable]
        if len(values) > 1 and max(values) - min(values) > _AGREE_K:
            return
        spread, cold = supply.value - back.value, _NORMAL_C - outdoor.value
        if spread < _MIN_SPREAD_K:
            return
        if outdoor.usable and cold >= _MIN_COLD_K:
            self.spread_share = _average(self.spread_share, spread / cold, tick.dt / _HOUR)
        if power is None or not power.usable or power.value <= 0:
            return
        if math.isnan(self.capacity_flow):
            self._learned_s = 0.0
        # The mean of what there is until it is an hour; the first value is as good as any other.
        self._learned_s = min(self._learned_s + tick.dt, _HOUR)
        weight = tick.dt / self._learned_s if self._learned_s > 0 else 1.0
        self.capacity_flow = _average(self.capacity_flow, power.value / spread, weight)

    def learn_day(self, tick: Tick, flow_share: float, outdoor: Point) -> None:
        """Update the day's average of the valve's flow share (%) and of the outdoor temperature."""
        self.mean_flow = _average(self.mean_flow, flow_share, tick.dt / _DAY)
        if outdoor.usable:
            self.mean_outdoor = _average(self.mean_outdoor, outdoor.value, tick.dt / _DAY)

    def supply(self, back: Point | None, power: Point | None) -> float | None:
        """Estimated supply temperature, °C, or None when meter, return or experience is missing."""
        if back is None or power is None or not (back.usable and power.usable):
            return None
        if math.isnan(self.capacity_flow):
            return None
        return back.value + power.value / self.capacity_flow

    def _by_load(self, back: Point | None, outdoor: Point) -> float | None:
        """The same by the usual spread at this outdoor temperature."""
        cold = _NORMAL_C - outdoor.value
        if back is None or not (back.usable and outdoor.usable) or cold < _MIN_COLD_K:
            return None
        return None if math.isnan(self.spread_share) else back.value + self.spread_share * cold

    def flow_share(self, outdoor: Point) -> float | None:
        """The day's average share of flow, %, for this outdoor temperature."""
        if math.isnan(self.mean_flow):
            return None
        if not outdoor.usable or math.isnan(self.mean_outdoor):
            return self.mean_flow
        usual = max(20 - self.mean_outdoor, 1.0)
        return min(max(self.mean_flow * (20 - outdoor.value) / usual, 0.0), 100.0)

    def state(self) -> dict[str, Any]:
        """What was learned."""
        return {
            "capacity_flow": finite(self.capacity_flow),
            "spread_share": finite(self.spread_share),
            "mean_flow": finite(self.mean_flow),
            "mean_outdoor": finite(self.mean_outdoor),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from it."""
        self.capacity_flow = remembered(state, "capacity_flow", math.nan)
        self.spread_share = remembered(state, "spread_share", math.nan)
        self.mean_flow = remembered(state, "mean_flow", math.nan)
        self.mean_outdoor = remembered(state, "mean_outdoor", math.nan)


def _average(mean: float, value: float, weight: float) -> float:
    return value if math.isnan(mean) else mean + min(weight, 1.0) * (value - mean)
