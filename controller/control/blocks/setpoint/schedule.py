"""Weekly schedule with a fixed setback, for schools and offices; never for housing.

Outside the hours of use the supply is `setback` cooler (or room_setback · factor, where that is given):

    share = −setback · fade,   fade 1 above full_above, 0 below none_below, straight between

so that in the cold nothing is saved that the morning would have to make up with a peak in the network
(Danfoss ECL's auto saving fades alike, from 10 °C to its setting). Heat comes back before the hours begin:

    lead = advance · (mild − To) / (mild − cold)     0 at +5 °C, 120 min at −12 °C and below
           + stagger                                  0 … 20 min, fixed by the station's name

(120 min at −12 °C: Samson TROVIS's outdoor-based optimum start.) The stagger keeps the stations of a
network from starting in the same minute. Without a trusted clock or an outdoor temperature it is comfort.
"""

from __future__ import annotations

import math
import zlib
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.setpoint.weekdays import Days
from controller.fields import Amount, DayWindow, Settings
from controller.points import Point, Term

DAY_S = 86400.0
STAGGER_S = 1200
CHANGE_S = 600.0

Degrees = Annotated[float, Amount("temperature", -40, 20)]


class ScheduleSettings(Settings):
    """Weekly schedule with setback (周时间表), for use: school or office."""

    days: dict[Days, list[DayWindow]] = Field(
        description="Hours of use: `mon-fri: [07:00-18:00]`", min_length=1, max_length=7
    )
    setback: Annotated[float, Amount("temperature_difference", 0, 20, adjustable=True)] = Field(
        6.0, description="Supply so much cooler outside the hours of use"
    )
    room_setback: Annotated[float, Amount("temperature_difference", 0, 8)] | None = Field(
        None, description="Rooms so much cooler instead: `setback` is then this times `factor`"
    )
    factor: Annotated[float, Amount("number", 0.5, 5)] = Field(
        2.5, description="K of supply for each K of room"
    )
    full_above: Degrees = Field(-5.0, description="Whole setback above this outdoor temperature")
    none_below: Degrees = Field(-15.0, description="No setback below this outdoor temperature")
    advance: Annotated[float, Amount("time", 0, 28800)] = Field(
        7200.0, description="Heat comes back so long before the hours of use on a cold day"
    )
    advance_cold: Degrees = Field(-12.0, description="Outdoor temperature of the whole advance")
    advance_mild: Degrees = Field(5.0, description="No advance above this outdoor temperature")


def refuses_housing(settings: ScheduleSettings | None, use: str) -> bool:
    """True when a schedule stands where people live: a setback there breaks the heating regulations."""
    return settings is not None and use == "housing"


class WeeklySchedule:
    """A share of the set-point in K, 0 or below. `station`: its name, for the stagger."""

    def __init__(self, settings: ScheduleSettings, station: str) -> None:
        self.settings = settings
        self.stagger = float(zlib.crc32(station.encode()) % (STAGGER_S + 1))
        self.share = Fade(CHANGE_S)
        self.mode = "comfort"
        self.lead = 0.0
        self._outdoor = math.nan

    @property
    def depth(self) -> float:
        """The whole setback in K of supply."""
        settings = self.settings
        return settings.setback if settings.room_setback is None else settings.room_setback * settings.factor

    def step(self, weekday: int | None, second_of_day: float | None, outdoor: Point, dt_s: float) -> float:
        """The share, K. `weekday`: local, Monday is 0; None for both while the time is not trusted."""
        self._outdoor = outdoor.value if outdoor.usable else math.nan
        self.mode = self._mode(weekday, second_of_day)
        wanted = -self.depth * self._fade() if self.mode == "setback" else 0.0
        return self.share.step(wanted, dt_s, self.mode)

    def _mode(self, weekday: int | None, second_of_day: float | None) -> str:
        if weekday is None or second_of_day is None:
            return "clock_unknown"
        if math.isnan(self._outdoor):
            return "outdoor_unknown"
        settings = self.settings
        span = settings.advance_mild - settings.advance_cold
        cold = (settings.advance_mild - self._outdoor) / span if span > 0 else 1.0
        self.lead = settings.advance * min(max(cold, 0.0), 1.0) + self.stagger
        if self._in_use(weekday, second_of_day, 0.0):
            return "comfort"
        return "heating_up" if self._in_use(weekday, second_of_day, self.lead) else "setback"

    def _in_use(self, weekday: int, second: float, lead: float) -> bool:
        """True within a window of yesterday (over midnight), today or tomorrow (its lead)."""
        for days, windows in self.settings.days.items():
            for shift in (-1, 0, 1):
                if (weekday + shift) % 7 not in days:
                    continue
                for begin, end in windows:
                    length = (end - begin) % DAY_S or DAY_S
                    start = begin + shift * DAY_S
                    if start - lead <= second < start + length:
                        return True
        return False

    def _fade(self) -> float:
        settings = self.settings
        span = settings.full_above - settings.none_below
        if span <= 0:
            return 1.0 if self._outdoor > settings.none_below else 0.0
        return min(max((self._outdoor - settings.none_below) / span, 0.0), 1.0)

    def explain(self) -> Term | None:
        """None in the hours of use."""
        share = ("share", self.share.value, "temperature_difference")
        if self.mode == "clock_unknown":
            return Term("schedule_clock_unknown")
        if self.mode == "outdoor_unknown":
            return Term("schedule_outdoor_unknown", (share,))
        if self.mode == "heating_up":
            return Term("schedule_heating_up", (("lead", self.lead, "time"), share))
        if self.mode == "setback":
            setback = ("setback", -self.depth, "temperature_difference")
            return Term("schedule_setback", (share, setback, ("outdoor", self._outdoor, "temperature")))
        return None

    def state(self) -> dict[str, Any]:
        """The share."""
        return {"share": self.share.value}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self.share.restore(remembered(state, "share", 0.0, -40, 0))
