"""Season state: filling → cold circulation → heating up → heating → wet lay-up → out of service.

A person changes it, or a date; the weather alone never does (FACTS §8). What each state allows is a
`SeasonPlan`, one row of `PLANS`:

- `filling`: makeup fills slowly, pumps stand until a person has vented and goes on;
- `cold_circulation`: pumps run, the valve is shut;
- `heating_up`: heat, the water rises by `heating_up` per hour at most (10 K/h: the network's pipes and the
  radiators' joints), until the set-point is reached; then it is `heating` by itself;
- `wet_lay_up`: pressure holding goes on (a loop with air rusts), pumps and valve are exercised;
- `out_of_service`: all off. The safety table is awake in every state.

A date counts only with a trusted clock, once it has held for an hour, and only when it passes: what a person
chose stays until then. The end of the season waits while the ten-day mean outside is below +5 °C (a clock
that jumps must not stop the heat in winter); the start waits where the loop may be empty. Both are told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from controller.adjustables import Adjustable
from controller.control.blocks.parts.memory import remembered
from controller.control.tick import Tick
from controller.fields import Amount, Flag, MonthDay, Settings, switch
from controller.points import Image, Point, Term

STATES = ("filling", "cold_circulation", "heating_up", "heating", "wet_lay_up", "out_of_service")
HEATING = STATES.index("heating")
CAUSES = ("fresh", "person", "date", "progress")
WAITS = ("no", "cold", "not_filled")
HOLD_OFF_S = 3600.0
MILD_C = 5.0
"""Heating ends where the mean of days stays above this (JGJ 26: heating period below +5 °C)."""


class SeasonExerciseSettings(Settings):
    """Exercise while laid up (防卡死): of the valve as here, of the pumps as in `circulation`."""

    on: Flag = Field(True, description="Exercise of pumps and valve while laid up")
    idle: Annotated[float, Amount("time", 3600, 1e7)] = Field(
        604800.0, description="A valve that stood for so long is moved"
    )
    primary_below: Annotated[float, Amount("temperature", 10, 60)] = Field(
        45.0, description="Only while the primary supply is cooler, or its pump stands"
    )


class SeasonSettings(Settings):
    """Heating season (供热季): optional dates, and the limits of its states."""

    start: MonthDay | None = Field(None, description="Heating up begins on this day, month-day")
    end: MonthDay | None = Field(None, description="Heating ends on this day, month-day")
    heating_up: Annotated[float, Amount("temperature_rate", 1, 30)] = Field(
        10.0, description="Fastest rise of the supply while heating up"
    )
    exercise: SeasonExerciseSettings = SeasonExerciseSettings()

    @model_validator(mode="after")
    def _both_or_none(self) -> SeasonSettings:
        if (self.start is None) != (self.end is None) or (self.start is not None and self.start == self.end):
            raise PydanticCustomError("season_dates", "{value}", {"value": "start, end"})
        return self


class SeasonChoice(Settings):
    """The state as a setting that a person writes; not a key of the file."""

    state: Annotated[float, switch(*STATES)] = Field(float(HEATING), description="Season state")


@dataclass(frozen=True, slots=True)
class SeasonPlan:
    """What a state allows the circuits.

    `fastest_rise`: of the supply set-point, K/h, inf for the circuit's own ramp; a finite one also makes the
    set-point set out from the water as it is. `slow_pump`: the pump stays at its lowest speed. `warm`: the
    water is expected to be warm, so that cool water is a sign of frost. `waits`: the plant has just got its
    power back, and no weather starts a pump before its turn. `exercise`: None for no exercise.
    """

    state: str
    heat: bool = False
    circulation: bool = False
    makeup: bool = False
    filling: bool = False
    fastest_rise: float = math.inf
    warm: bool = False
    slow_pump: bool = False
    waits: bool = False
    exercise: SeasonExerciseSettings | None = None

    @property
    def filled(self) -> bool:
        """Water stands in the loop, under pressure."""
        return self.makeup and not self.filling


PLANS = {
    plan.state: plan
    for plan in (
        SeasonPlan("filling", makeup=True, filling=True),
        SeasonPlan("cold_circulation", circulation=True, makeup=True),
        SeasonPlan("heating_up", heat=True, circulation=True, makeup=True),
        SeasonPlan("heating", heat=True, circulation=True, makeup=True, warm=True),
        SeasonPlan("wet_lay_up", makeup=True),
        SeasonPlan("out_of_service"),
    )
}
ALWAYS_HEATING = PLANS["heating"]
"""The plan of a station whose season never changes."""


class Season:
    """Writes `station.season` and `station.season_waits`; `plan` is what counts in this scan."""

    def __init__(self, settings: SeasonSettings, image: Image) -> None:
        self.settings = settings
        self.choice = SeasonChoice()
        self.point = image.add(Point("station.season", "choice", choices=STATES, role="setting"))
        self.waits_point = image.add(
            Point("station.season_waits", "choice", choices=WAITS, role="calculated")
        )
        self.written = float(HEATING)
        """What a person wrote last; kept with the settings of operators."""
        self.waits = "no"
        self.outdoor_mean = math.nan
        self._wrote = False
        self._cause = "fresh"
        self._state = HEATING
        self._in_season: bool | None = None
        self._passed_since: float | None = None
        self._plans = self._make_plans()
        self.point.put(self._state, 0.0)

    @property
    def state_name(self) -> str:
        """One of STATES."""
        return STATES[self._state]

    @property
    def plan(self) -> SeasonPlan:
        """What the state allows."""
        return self._plans[self._state]

    def adjustable(self) -> Adjustable:
        """The point as a setting that takes commands."""
        return Adjustable(self.choice, "state", switch(*STATES), float(HEATING), self.point)

    def wrote(self, value: float) -> None:
        """A person has written the point, be it with the state that it is in: a date in the past is over."""
        self.written, self._wrote = value, True

    def _make_plans(self) -> tuple[SeasonPlan, ...]:
        settings = self.settings
        exercise = settings.exercise if settings.exercise.on else None
        made = {
            **PLANS,
            "heating_up": replace(PLANS["heating_up"], fastest_rise=settings.heating_up),
            "wet_lay_up": replace(PLANS["wet_lay_up"], exercise=exercise),
        }
        return tuple(made[state] for state in STATES)

    def step(self, tick: Tick, outdoor_mean: float, risen: bool) -> SeasonPlan:
        """One scan. `outdoor_mean`: of ten days, °C, NaN for unknown; `risen`: the supply is where it was to
        go."""
        self.outdoor_mean = outdoor_mean
        today = self._is_season(tick.day)
        if self._wrote or self.choice.state != self._state:
            self._wrote = False
            self._go(int(self.choice.state), "person")
            self._in_season, self._passed_since = today, None
        elif self.state_name == "heating_up" and risen:
            self._go(HEATING, "progress")
        self._follow_date(tick, today)
        self.point.put(self._state, tick.now)
        self.waits_point.put(WAITS.index(self.waits), tick.now)
        return self.plan

    def _go(self, state: int, cause: str) -> None:
        self._state, self._cause = state, cause
        self.choice.state = float(state)

    def _is_season(self, day: date | None) -> bool | None:
        """None: nobody can say."""
        start, end = self.settings.start, self.settings.end
        if day is None or start is None or end is None:
            return None
        today = (day.month, day.day)
        return start <= today < end if start < end else today >= start or today < end

    def _follow_date(self, tick: Tick, today: bool | None) -> None:
        """Carry out a date that has passed, once it has held for a while and nothing speaks against it."""
        self.waits = "no"
        if today is None or self._in_season is None or today == self._in_season:
            self._in_season = self._in_season if today is None else today
            self._passed_since = None
            return
        if self._passed_since is None:
            self._passed_since = tick.now
        if tick.now - self._passed_since < HOLD_OFF_S:
            return
        state = self.state_name
        if today:
            if state in ("filling", "out_of_service"):
                self.waits = "not_filled"
                return
            if state in ("wet_lay_up", "cold_circulation"):
                self._go(STATES.index("heating_up"), "date")
        elif state in ("heating_up", "heating"):
            if not self.outdoor_mean >= MILD_C:
                self.waits = "cold"
                return
            self._go(STATES.index("wet_lay_up"), "date")
        self._in_season, self._passed_since = today, None

    def explain(self) -> Term:
        """The state and who brought it; what a date waits for."""
        waits: tuple[Term, ...] = ()
        if self.waits == "cold":
            waits = (Term("season_waits_cold", (("mean", self.outdoor_mean, "temperature"),)),)
        elif self.waits == "not_filled":
            waits = (Term("season_waits_not_filled"),)
        return Term(f"season_by_{self._cause}", (("why", self.state_name, "text"),), waits)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {
            "state": self.state_name,
            "cause": self._cause,
            "written": self.written,
            "in_season": self._in_season,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        name, cause, in_season = state.get("state"), state.get("cause"), state.get("in_season")
        if name in STATES:
            self._go(STATES.index(name), cause if cause in CAUSES else "fresh")
            self.point.put(self._state, 0.0)
        if isinstance(in_season, bool):
            self._in_season = in_season
        self.written = float(round(remembered(state, "written", self.written, 0, len(STATES) - 1)))
