"""Forecast feed-forward: takes part of the coming change, and nothing from a stale or absurd forecast."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.setpoint.forecast import ForecastFeedForward, ForecastSettings
from tests.controller.blocks_points import codes

HOUR = 3600.0
FALLING = [(float(hour), -10.0 - hour * 0.5) for hour in range(25)]
LEVEL = [(float(hour), -10.0) for hour in range(25)]


def feed(**settings: object) -> ForecastFeedForward:
    return ForecastFeedForward(ForecastSettings.model_validate(settings))


def settled(
    block: ForecastFeedForward, forecast: list[tuple[float, float]], age: float = 0.0, seconds: float = 3610.0
) -> float:
    value = 0.0
    for _ in range(round(seconds / 10)):
        value = block.step(forecast, age, 10.0)
    return value


def test_half_of_the_coming_change_is_taken() -> None:
    """A fall of 0.5 K/h: the plain mean of 12 h is 3 K lower; nearer hours weigh a little more."""
    block = feed()
    assert settled(block, FALLING) == pytest.approx(-1.5, abs=0.05)
    assert block.outside.value > -1.5
    assert codes(block.explain()) == ["forecast"]


def test_a_lighter_house_looks_less_far() -> None:
    assert abs(settled(feed(inertia="6 h"), FALLING)) < abs(settled(feed(), FALLING)) - 0.3


def test_a_forecast_that_is_wrong_by_a_constant_adds_nothing() -> None:
    block = feed()
    assert settled(block, LEVEL) == 0.0
    assert settled(block, [(hour, value + 7) for hour, value in LEVEL]) == pytest.approx(0.0)
    assert block.explain() is None


def test_an_old_forecast_is_read_from_now_on() -> None:
    """After a step 3 h after its issue, 4 h later nothing more is to come."""
    step = [(0.0, -5.0), (3.0, -5.0), (3.01, -15.0), (24.0, -15.0)]
    assert settled(feed(), step, 0.0) < -2.0
    assert settled(feed(), step, 4 * HOUR) == pytest.approx(0.0)


def test_the_correction_is_bounded_and_takes_no_heat_for_warmth_to_come() -> None:
    plunge = [(0.0, 0.0), (1.0, -30.0), (24.0, -30.0)]
    assert settled(feed(gain="100 %"), plunge) == -3.0
    assert settled(feed(gain="100 %"), [(hour, -value) for hour, value in plunge]) == 0.0


@pytest.mark.parametrize(
    ("forecast", "age", "code"),
    [
        (FALLING, 6.01 * HOUR, "forecast_stale"),
        (FALLING, -HOUR, "forecast_stale"),
        (FALLING, math.nan, "forecast_none"),
        ([], 0.0, "forecast_none"),
        ([*FALLING, (25.0, math.nan)], 0.0, "forecast_odd"),
        ([*FALLING, (25.0, 99.0)], 0.0, "forecast_odd"),
    ],
)
def test_what_cannot_be_used_fades_out_within_an_hour_and_says_so(
    forecast: list[tuple[float, float]], age: float, code: str
) -> None:
    block = feed()
    before = settled(block, FALLING)
    assert settled(block, forecast, age, 10.0) == pytest.approx(before, abs=0.01)
    assert codes(block.explain()) == [code]
    assert settled(block, forecast, age, 1800.0) == pytest.approx(before / 2, abs=0.01)
    assert settled(block, forecast, age, 1800.0) == 0.0
    assert abs(settled(block, FALLING, 0.0, 10.0)) < 0.01


def test_it_survives_a_restart() -> None:
    block, again = feed(), feed()
    before = settled(block, FALLING)
    again.restore(json.loads(json.dumps(block.state())))
    assert again.step(FALLING, 0.0, 10.0) == pytest.approx(before, abs=1e-6)


def test_a_warm_day_after_a_cold_night_does_not_hide_the_night() -> None:
    night = [(0.0, -5.0), (6.0, -11.0), (12.0, 5.0)]
    assert settled(feed(), night) < -0.9


@given(
    st.lists(st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True)), max_size=20),
    st.floats(allow_nan=True),
)
def test_the_forecast_is_bounded_whatever_it_says(forecast: list[tuple[float, float]], age: float) -> None:
    block = feed(gain="100 %")
    for _ in range(3):
        assert -3.0 <= block.step(forecast, age, 3600.0) <= 0.0
