"""Weather compensation: supply temperature demand from outdoor temperature.

From the design point (radiator characteristic, EN 442, exponent n about 1.3; floor heating 1.1):

    q  = (Ti − To) / (Ti − To0)                 load, 1 on the design day
    Ts = Ti + (Tm0 − Ti)·q^(1/n) + ½·ΔT0·q      Tm0 = (Ts0 + Tr0)/2, ΔT0 = Ts0 − Tr0

or by points, straight between neighbours and level beyond the first and the last,

or by slope and level, for those who know panel controllers: a straight line through a common point,

    Ts = 24.6 + slope·(20 − To) + 2.5·slope·(Ti − 20) + level,   level beyond To = 20 °C

24.6 °C at 20 °C outside and the factor 2.5 are those of the Danfoss ECL 310 (operating guide, "Flow
temperature"), range of slope that of the Samson TROVIS (0.2 … 3.2; its advice: radiators 90/70 about 1.8,
70/55 about 1.4, 55/45 about 1.0, floor heating below 0.5). The panels bend their lines a little: against
ECL's factory points at slope 1.0 (75 °C at −30 … 28 °C at 15) ours is at most 1.6 K off.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Annotated, Literal

from pydantic import Field

from controller.fields import Amount, Settings
from controller.points import Point, Term

Outdoor = Annotated[float, Amount("temperature", -45, 30)]
Supply = Annotated[float, Amount("temperature", 20, 95)]
Shift = Annotated[float, Amount("temperature_difference", -15, 15, adjustable=True)]


class PointsCurve(Settings):
    """Heat curve by 2–12 points."""

    kind: Literal["points"]
    points: dict[Outdoor, Supply] = Field(
        description="Outdoor temperature: supply temperature", min_length=2, max_length=12
    )
    shift: Shift = Field(0.0, description="Parallel shift of the curve")


class DesignCurve(Settings):
    """Heat curve from the design point."""

    kind: Literal["design"]
    design_outdoor: Annotated[float, Amount("temperature", -45, 5)] = Field(
        -24.2, description="Outdoor temperature of the design day"
    )
    design_supply: Annotated[float, Amount("temperature", 30, 95)] = Field(
        60.0, description="Supply temperature on that day"
    )
    design_return: Annotated[float, Amount("temperature", 20, 80)] = Field(
        45.0, description="Return temperature on that day"
    )
    room: Annotated[float, Amount("temperature", 10, 28, adjustable=True)] = Field(
        20.0, description="Room temperature wanted"
    )
    exponent: Annotated[float, Amount("number", 1.0, 1.6)] = Field(
        1.3, description="Radiators 1.3, floor heating 1.1"
    )
    shift: Shift = Field(0.0, description="Parallel shift of the curve")


PIVOT_OUTDOOR, PIVOT_SUPPLY = 20.0, 24.6
ROOM_FACTOR = 2.5


class SlopeCurve(Settings):
    """Heat curve by slope and level."""

    kind: Literal["slope"]
    slope: Annotated[float, Amount("number", 0.2, 3.2, adjustable=True)] = Field(
        1.0, description="K of supply for each K outside"
    )
    level: Annotated[float, Amount("temperature_difference", -15, 15, adjustable=True)] = Field(
        0.0, description="Moves the whole line up or down"
    )
    room: Annotated[float, Amount("temperature", 10, 28, adjustable=True)] = Field(
        20.0, description="Room temperature wanted"
    )
    shift: Shift = Field(0.0, description="Parallel shift of the curve")

    def supply(self, outdoor: float) -> float:
        """Supply temperature without the shift, °C."""
        colder = max(PIVOT_OUTDOOR - outdoor, 0.0) + ROOM_FACTOR * (self.room - 20)
        return PIVOT_SUPPLY + self.slope * colder + self.level


AnyCurve = PointsCurve | DesignCurve | SlopeCurve
HeatCurveSettings = Annotated[AnyCurve, Field(discriminator="kind")]


class HeatCurve:
    """Demand in °C for the secondary supply. A bad outdoor temperature keeps the last demand."""

    def __init__(self, settings: AnyCurve) -> None:
        self.settings = settings
        self.outdoor: Point | None = None
        self.base = self._curve(0.0)
        self.demand = self.base + settings.shift
        self.held = False
        self.read_at = math.nan
        """Outdoor temperature that it was read at last, °C."""

    def step(self, outdoor: Point) -> float:
        """Demand for this outdoor temperature, °C."""
        self.outdoor = outdoor
        self.held = not outdoor.usable
        if not self.held:
            self.base, self.read_at = self._curve(outdoor.value), outdoor.value
        self.demand = self.base + self.settings.shift
        return self.demand

    def at(self, outdoor: float) -> float:
        """What the curve gives at this outdoor temperature, with its shift, °C."""
        return self._curve(outdoor) + self.settings.shift

    def mean(self, outdoor: float) -> float:
        """Mean of supply and return that the design curve means, without its shift, °C; of another curve the
        supply temperature."""
        settings = self.settings
        if not isinstance(settings, DesignCurve):
            return self._curve(outdoor)
        load = max((settings.room - outdoor) / (settings.room - settings.design_outdoor), 0.0)
        spread = settings.design_supply - settings.design_return
        return self._curve(outdoor) - spread * load / 2

    def _curve(self, outdoor: float) -> float:
        settings = self.settings
        if isinstance(settings, PointsCurve):
            return interpolate(sorted(settings.points.items()), outdoor)
        if isinstance(settings, SlopeCurve):
            return settings.supply(outdoor)
        load = (settings.room - outdoor) / (settings.room - settings.design_outdoor)
        if load <= 0:
            return settings.room
        mean = (settings.design_supply + settings.design_return) / 2
        spread = settings.design_supply - settings.design_return
        rise = (mean - settings.room) * load ** (1 / settings.exponent)
        return float(settings.room + rise + spread * load / 2)

    def explain(self) -> Term:
        """The curve, its shift, and the outdoor temperature it was read at."""
        if self.outdoor is None:
            return Term("curve_not_stepped")
        outdoor = (("outdoor", self.outdoor.value, "temperature"),)
        children = [Term("outdoor_held" if self.held else "outdoor", outdoor)]
        if self.settings.shift:
            children.append(Term("curve_shift", (("shift", self.settings.shift, "temperature_difference"),)))
        return Term("curve", (("base", self.base, "temperature"),), tuple(children))


def interpolate(points: list[tuple[float, float]], x: float) -> float:
    """Straight between sorted (x, y) neighbours, level beyond both ends."""
    index = bisect_right(points, x, key=lambda point: point[0])
    if index == 0:
        return points[0][1]
    if index == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[index - 1], points[index]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
