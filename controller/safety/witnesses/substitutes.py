"""Substitutes for what cannot be read, in the order of FACTS §8. Applied after the input stage."""

from __future__ import annotations

import math
from typing import Any

from controller.points import Image, Point, Quality
from controller.safety.witnesses.outdoor_witness import SUBSTITUTED
from controller.safety.witnesses.plausibility import HEAD_LEFT_KPA, running_points

HELD_S = 2 * 3600.0
MEAN_S = 10 * 86400.0
CALENDAR_COLDER_K = 3.0
ASSUMED_OUTDOOR = -10.0
DROP_S = 120.0
HIGHEST_DROP_KPA = 80.0
"""No exchanger takes more on its secondary side; what shows more is a lying transmitter."""


class OutdoorSubstitute:
    """Outdoor temperature lost, and nobody else tells it (`outdoor_witness`): held for 2 h, then the mean of
    ten days less 3 K, else −10 °C assumed.

    Too warm a guess freezes people: −10 °C assumed at −24 °C gives 15 °C rooms in 72 h (FACTS §8).
    """

    def __init__(self, point: Point) -> None:
        self.point = point
        self.mean = math.nan
        self.last = math.nan
        self.last_time = -math.inf

    def step(self, now: float, dt: float) -> None:
        """Learn from a good point, stand in for a bad one. What others say of the weather teaches nothing."""
        point = self.point
        if point.usable and point.reason in SUBSTITUTED:
            return
        if point.usable:
            self.last, self.last_time = point.value, now
            self.mean = (
                point.value if math.isnan(self.mean) else self.mean + dt / MEAN_S * (point.value - self.mean)
            )
        elif now - self.last_time <= HELD_S and not math.isnan(self.last):
            point.mark(self.last, Quality.UNCERTAIN, "held", self.last_time)
        elif not math.isnan(self.mean):
            point.mark(self.mean - CALENDAR_COLDER_K, Quality.UNCERTAIN, "ten_day_mean", now)
        else:
            point.mark(ASSUMED_OUTDOOR, Quality.UNCERTAIN, "assumed", now)

    def state(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {"mean": None if math.isnan(self.mean) else self.mean}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the ten-day mean."""
        mean = state.get("mean")
        if isinstance(mean, int | float) and math.isfinite(mean):
            self.mean = float(mean)


class ReturnPressureSubstitute:
    """Return pressure lost: supply pressure less what the pumps add, while both can be read.

    The exchanger's own drop (20–50 kPa) lies between the transmitters; it is learned while all three are
    good, or makeup would pump the loop up by as much. A differential pressure of nothing over a pump that
    turns is a dead transmitter, and by it the return would seem to stand at the supply's pressure: relief
    would empty the loop.
    """

    def __init__(self, image: Image, circuit: str, pumps: int) -> None:
        """`pumps`: how many circulation pumps there are."""
        self.point = image.points.get(f"{circuit}.return_pressure")
        self.supply = image.points.get(f"{circuit}.supply_pressure")
        self.added = image.points.get(f"{circuit}.differential_pressure")
        self.pumps = running_points(image, f"{circuit}.pump", pumps)
        self.drop = 0.0

    def step(self, now: float, dt: float) -> None:
        """Learn from good points, stand in for a bad one."""
        point, supply, added = self.point, self.supply, self.added
        if point is None or supply is None or added is None or not (supply.usable and added.usable):
            return
        if added.value < HEAD_LEFT_KPA and any(pump.on for pump in self.pumps):
            return
        without_drop = supply.value - added.value
        if point.usable:
            drop = min(max(point.value - without_drop, 0.0), HIGHEST_DROP_KPA)
            self.drop += min(dt / DROP_S, 1.0) * (drop - self.drop)
            return
        time = min(supply.time, added.time)
        point.mark(without_drop + self.drop, Quality.UNCERTAIN, "from_supply_pressure", time)
