"""Return limiter: lowers the set-point while primary water comes back too warm.

    excess e = return − limit(outdoor), or, where asked for, (primary − secondary return) − difference,
               the larger of the two                                                         K
    share = influence·f + I         −most … 0: only downward
    df/dt = (e − f) / follow_time
    dI/dt = influence·e / integral_time        I within −integral_most … 0

A good exchanger cools primary water nearly to the secondary return, so what the limiter does comes back to
it only after the water's round trip of 10–30 min: an influence of −2 at once would hunt between its bounds
(tried on such a loop). Hence `follow_time`, and an integral that is slower still.

PI form, influence −2 and the bound of 8 K for I as panel controllers for district heating have them
(Danfoss ECL 310, Samson TROVIS; difference form: Siemens RVD). The limit slides with the outdoor
temperature, because at design the nominal return is 59.8 °C: a fixed 50 °C would leave rooms at 15.4 °C
(calculated for the 2 MW demo station). It must not starve the rooms: at most 5 K, and it lets go while the
rooms' median is below 20 °C. Without the return sensor it is off, and says so.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.setpoint.heat_curve import Outdoor, interpolate
from controller.fields import Amount, Settings
from controller.points import Point, Term

LET_GO_S = 300.0
ROOM_BAND_K = 0.3
"""Rooms must be this far above their floor before it acts again."""
COOL_K = -1.0
"""So far under the limit is far enough."""
STARVES_K = 3.0
"""A limit less than this above the design return starves the station on the design day."""

Limit = Annotated[float, Amount("temperature", 20, 90)]


class ReturnLimitSettings(Settings):
    """Limit of the primary return temperature (一次回水温度限制): off without its key, on by `{}`."""

    limit: dict[Outdoor, Limit] = Field(
        {-24.0: 65.0, -10.0: 55.0, 0.0: 48.0},
        description="Outdoor temperature: highest return temperature",
        min_length=1,
        max_length=8,
    )
    difference: Annotated[float, Amount("temperature_difference", 0.5, 30)] | None = Field(
        None, description="Primary return at most so far above the secondary return"
    )
    influence: Annotated[float, Amount("number", -9.9, 0, adjustable=True)] = Field(
        -2.0, description="K of set-point for each K too warm; 0 is off"
    )
    follow_time: Annotated[float, Amount("time", 0, 14400)] = Field(
        3600.0, description="Filter of the excess, two to four round trips of the secondary water"
    )
    integral_time: Annotated[float, Amount("time", 60, 28800)] = Field(
        7200.0, description="Time in which a lasting excess lowers as much again"
    )
    integral_most: Annotated[float, Amount("temperature_difference", 0, 8)] = Field(
        8.0, description="Bound of the lasting part"
    )
    most: Annotated[float, Amount("temperature_difference", 0, 10)] = Field(
        5.0, description="It never lowers the set-point by more"
    )
    room_floor: Annotated[float, Amount("temperature", 16, 24)] = Field(
        20.0, description="It does not act while the rooms' median is below"
    )


def starves(settings: ReturnLimitSettings, design_outdoor: float, design_return: float) -> float | None:
    """The limit on the design day, °C, when it is too low for the house's own return; None when it is not."""
    limit = interpolate(sorted(settings.limit.items()), design_outdoor)
    return limit if limit < design_return + STARVES_K else None


class ReturnLimit:
    """A share of the set-point in K, 0 or below."""

    def __init__(self, settings: ReturnLimitSettings) -> None:
        self.settings = settings
        self.share = Fade(LET_GO_S)
        self.integral = 0.0
        self.why_off = ""
        self.by_difference = False
        self._followed = math.nan
        self._measured = math.nan
        self._limit = math.nan
        self._rooms = math.nan

    def step(
        self,
        primary_return: Point | None,
        secondary_return: Point | None,
        outdoor: Point,
        room_median: float,
        dt_s: float,
        limited: int = 0,
    ) -> float:
        """The share, K. `room_median`: NaN when no room is known; `limited` −1: the set-point is held
        from below already, so lowering more would only wind up."""
        self._rooms = room_median
        excess = self._excess(primary_return, secondary_return, outdoor)
        self.why_off = self._off(primary_return, room_median)
        if self.why_off:
            self.integral, self._followed = 0.0, math.nan
            return self.share.step(None, dt_s)
        settings = self.settings
        dt_s = max(dt_s, 0.0)
        proportional = settings.influence * self._follow(excess, dt_s)
        growth = settings.influence * excess * dt_s / settings.integral_time
        blocked = limited < 0 or proportional + self.integral <= -settings.most
        if growth > 0 or not blocked:
            self.integral = min(max(self.integral + growth, -settings.integral_most), 0.0)
        total = min(max(proportional + self.integral, -settings.most), 0.0)
        return self.share.step(total, dt_s)

    def _follow(self, excess: float, dt_s: float) -> float:
        """The filtered excess. What no longer changes the share does not go into the filter, so that
        neither a cool hour before nor a great excess delays the next turn."""
        settings = self.settings
        enough = settings.most / abs(settings.influence) if settings.influence else 0.0
        excess = min(max(excess, COOL_K), enough)
        if settings.follow_time <= 0:
            self._followed = excess
        elif math.isnan(self._followed):
            self._followed = min(excess, 0.0)
        else:
            self._followed += (excess - self._followed) * -math.expm1(-dt_s / settings.follow_time)
        return self._followed

    def _off(self, primary_return: Point | None, room_median: float) -> str:
        if not _sound(primary_return):
            return "return_limit_blind"
        floor = self.settings.room_floor
        if self.why_off == "return_limit_rooms":
            floor += ROOM_BAND_K
        return "return_limit_rooms" if room_median < floor else ""

    def _excess(self, primary: Point | None, secondary: Point | None, outdoor: Point) -> float:
        """K above the nearer of both limits. Without an outdoor temperature the highest limit holds."""
        rows = sorted(self.settings.limit.items())
        self._limit = interpolate(rows, outdoor.value) if _sound(outdoor) else max(y for _, y in rows)
        self.by_difference = False
        if primary is None or not _sound(primary):
            return math.nan
        self._measured = primary.value
        excess = self._measured - self._limit
        difference = self.settings.difference
        if difference is not None and secondary is not None and _sound(secondary):
            apart = primary.value - secondary.value
            if apart - difference > excess:
                self.by_difference = True
                self._measured, self._limit, excess = apart, difference, apart - difference
        return excess

    def explain(self) -> Term | None:
        """None while it neither acts nor is hindered."""
        share = ("share", self.share.value, "temperature_difference")
        if self.why_off == "return_limit_blind":
            return Term("return_limit_blind", (share,))
        if self.why_off:
            rooms = ("rooms", self._rooms, "temperature")
            if self._measured <= self._limit:
                return None
            return Term("return_limit_rooms", (share, rooms))
        if abs(self.share.value) < 0.05:
            return None
        if self.by_difference:
            apart = ("difference", self._measured, "temperature_difference")
            return Term(
                "return_limit_difference", (share, apart, ("limit", self._limit, "temperature_difference"))
            )
        measured = ("measured", self._measured, "temperature")
        return Term("return_limit", (share, measured, ("limit", self._limit, "temperature")))

    def state(self) -> dict[str, Any]:
        """Filter, lasting part and share."""
        followed = finite(self._followed)
        return {"integral": self.integral, "followed": followed, "share": self.share.value}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self._followed = remembered(state, "followed", math.nan, COOL_K, 20)
        self.integral = remembered(state, "integral", 0.0, -self.settings.integral_most, 0)
        self.share.restore(remembered(state, "share", 0.0, -self.settings.most, 0))


def _sound(point: Point | None) -> bool:
    return point is not None and point.usable and math.isfinite(point.value)
