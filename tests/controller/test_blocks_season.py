"""Season states: a person and a date change them, the weather does not; what each of them allows."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.season.season import HOLD_OFF_S, STATES, Season, SeasonSettings
from controller.control.tick import Tick
from controller.points import Image
from tests.controller.station_file import BASE, findings

WINTER, SUMMER = date(2026, 1, 15), date(2026, 6, 15)


class Calendar:
    """A season with scans ten minutes apart."""

    def __init__(self, **changes: object) -> None:
        given_dates = {"start": "10-20", "end": "04-20", **changes}
        self.season = Season(SeasonSettings.model_validate(given_dates), Image())
        self.now = 0.0
        self.mean = 0.0

    def pass_(self, hours: float, day: date | None, risen: bool = False) -> str:
        """So many hours of this day; the state at their end."""
        for _ in range(max(round(hours * 6), 1)):
            self.now += 600.0
            self.season.step(Tick(self.now, 5.0, 0.0 if day else None, day), self.mean, risen)
        return self.season.state_name

    def choose(self, state: str) -> None:
        """A person's command, as the station applies it."""
        self.season.adjustable().put(float(STATES.index(state)), self.now)
        self.season.wrote(float(STATES.index(state)))


@pytest.fixture
def calendar() -> Calendar:
    calendar = Calendar()
    assert calendar.pass_(2, WINTER) == "heating"
    return calendar


def test_without_dates_and_at_a_fresh_start_it_heats() -> None:
    fresh = Season(SeasonSettings(), Image())
    assert fresh.plan.heat
    assert fresh.plan.circulation
    assert fresh.plan.makeup
    assert Calendar().pass_(5, SUMMER) == "heating", "a first start in summer is a person's matter"


def test_the_end_of_the_season_lays_the_station_up_wet(calendar: Calendar) -> None:
    calendar.mean = 9.0
    assert calendar.pass_(24, date(2026, 4, 19)) == "heating"
    assert calendar.pass_(0.8, date(2026, 4, 20)) == "heating"
    assert calendar.pass_(0.5, date(2026, 4, 20)) == "wet_lay_up"
    plan = calendar.season.plan
    assert (plan.heat, plan.circulation, plan.makeup, plan.filling) == (False, False, True, False)
    assert plan.exercise is not None
    assert calendar.season.explain().code == "season_by_date"


def test_the_start_of_the_season_heats_up_slowly_and_then_heats(calendar: Calendar) -> None:
    calendar.choose("wet_lay_up")
    calendar.pass_(1, SUMMER)
    assert calendar.pass_(24, date(2026, 10, 19)) == "wet_lay_up"
    assert calendar.pass_(2, date(2026, 10, 20)) == "heating_up"
    assert calendar.season.plan.fastest_rise == 10.0
    assert not calendar.season.plan.warm
    assert calendar.pass_(1, date(2026, 10, 21), risen=True) == "heating"
    assert math.isinf(calendar.season.plan.fastest_rise)
    assert calendar.season.explain().code == "season_by_progress"


@pytest.mark.parametrize("mean", [4.9, -20.0, math.nan])
def test_in_the_cold_a_date_does_not_end_the_season(calendar: Calendar, mean: float) -> None:
    calendar.mean = mean
    assert calendar.pass_(48, SUMMER) == "heating"
    assert calendar.season.waits == "cold"
    assert calendar.season.waits_point.show() == "cold"
    calendar.mean = 5.0
    assert calendar.pass_(0.2, SUMMER) == "wet_lay_up"
    assert calendar.season.waits == "no"


def test_a_person_ends_the_season_in_the_cold(calendar: Calendar) -> None:
    calendar.mean = -20.0
    calendar.choose("wet_lay_up")
    assert calendar.pass_(48, WINTER) == "wet_lay_up", "and no date brings it back before it passes"


def test_a_person_wins_over_a_date_that_has_just_passed(calendar: Calendar) -> None:
    calendar.mean = 9.0
    calendar.pass_(0.5, date(2026, 4, 20))
    calendar.choose("heating_up")
    assert calendar.pass_(0.5, date(2026, 4, 20), risen=True) == "heating"
    assert calendar.pass_(48, date(2026, 4, 22)) == "heating"


def test_a_person_confirms_the_heat_that_a_date_would_end(calendar: Calendar) -> None:
    calendar.pass_(48, SUMMER)
    assert calendar.season.waits == "cold"
    calendar.choose("heating")
    calendar.mean = 20.0
    assert calendar.pass_(48, SUMMER) == "heating"


def test_a_loop_that_may_be_empty_is_not_heated_by_a_date(calendar: Calendar) -> None:
    calendar.choose("out_of_service")
    calendar.pass_(1, SUMMER)
    assert calendar.pass_(24, date(2026, 10, 21)) == "out_of_service"
    assert calendar.season.waits == "not_filled"
    assert "season_waits_not_filled" in [term.code for term in calendar.season.explain().children]
    calendar.choose("filling")
    assert calendar.pass_(24, date(2026, 10, 22)) == "filling"
    assert calendar.season.waits == "no"


def test_a_clock_that_is_not_trusted_or_jumps_for_a_moment_changes_nothing(calendar: Calendar) -> None:
    calendar.mean = 9.0
    assert calendar.pass_(48, None) == "heating"
    assert calendar.pass_((HOLD_OFF_S - 600) / 3600, SUMMER) == "heating"
    assert calendar.pass_(1, WINTER) == "heating"
    assert calendar.pass_((HOLD_OFF_S - 600) / 3600, SUMMER) == "heating"


def test_the_date_passes_while_the_station_has_no_power(calendar: Calendar) -> None:
    later = Calendar()
    later.season.restore(calendar.season.state())
    later.mean = 12.0
    assert later.pass_(2, date(2026, 5, 1)) == "wet_lay_up"


@pytest.mark.parametrize("state", STATES)
def test_the_state_survives(calendar: Calendar, state: str) -> None:
    calendar.choose(state)
    calendar.pass_(0.2, WINTER)
    again = Calendar()
    again.season.restore(calendar.season.state())
    assert again.season.point.show() == state
    assert again.season.explain().code == "season_by_person"
    assert again.pass_(1, WINTER) == state


@pytest.mark.parametrize(
    "odd",
    [{}, {"state": "winter"}, {"state": 3}, {"in_season": "yes", "written": math.nan}, {"written": "x"}],
)
def test_an_odd_state_is_left_out(odd: dict[str, object]) -> None:
    calendar = Calendar()
    calendar.season.restore(odd)
    assert calendar.pass_(1, WINTER) == "heating"
    assert calendar.season.written == STATES.index("heating")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{start: 10-20, end: 04-20}", ""),
        ("{start: 10/20, end: 04-20}", "10/20 is not a day of the year (month-day, 10-20)"),
        ("{start: 02-29, end: 04-20}", "02-29 is not a day of the year (month-day, 10-20)"),
        ("{start: 13-01, end: 04-20}", "13-01 is not a day of the year (month-day, 10-20)"),
        ("{start: 10-20}", "a season has two dates that differ: start and end"),
        ("{start: 10-20, end: 10-20}", "a season has two dates that differ: start and end"),
        ("{heating_up: 60 K/h}", "60 K/h is too high (1 … 30 K/h)"),
    ],
)
def test_the_dates_of_a_file(tmp_path: Path, text: str, said: str) -> None:
    found = [line for line in findings(tmp_path, f"{BASE}season: {text}\n") if "season" in line]
    assert bool(found) == bool(said)
    assert all(said in line for line in found)


DAYS = st.one_of(st.none(), st.integers(0, 3650).map(lambda count: date(2026, 1, 1) + timedelta(days=count)))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            DAYS,
            st.one_of(st.floats(-40, 40), st.just(math.nan)),
            st.booleans(),
            st.one_of(st.none(), st.sampled_from(STATES)),
            st.floats(0.2, 30),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_heat_never_ends_by_itself_in_the_cold(
    rows: list[tuple[date | None, float, bool, str | None, float]],
) -> None:
    calendar = Calendar()
    for day, mean, risen, chosen, hours in rows:
        calendar.mean = mean
        heated = calendar.season.plan.heat
        if chosen is not None:
            calendar.choose(chosen)
            heated = heated and chosen in ("heating", "heating_up")
        calendar.pass_(hours, day, risen)
        plan = calendar.season.plan
        assert calendar.season.point.value == STATES.index(calendar.season.state_name)
        if heated and not mean >= 5.0:
            assert plan.heat
        if day is None and chosen is None:
            assert plan.heat == heated
        assert plan.circulation or not plan.heat
        assert plan.makeup or not plan.circulation
        again = Calendar()
        again.season.restore(calendar.season.state())
        assert again.season.plan == plan
