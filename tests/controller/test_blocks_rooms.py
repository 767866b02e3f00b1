"""What rooms do to the set-point: whom to believe, influence, and the return limit that respects them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.setpoint.return_limit import ReturnLimit, ReturnLimitSettings, starves
from controller.control.blocks.setpoint.room_influence import RoomInfluence, RoomInfluenceSettings
from controller.control.blocks.setpoint.room_sensors import RoomSensors
from tests.controller.blocks_points import codes, temperature

HOUR = 3600.0


def sensed(sensors: RoomSensors, rooms: list[float | None], seconds: float, dt: float = 60.0) -> float:
    value = math.nan
    for _ in range(round(seconds / dt)):
        value = sensors.step([temperature(room) for room in rooms], dt)
    return value


def test_the_median_of_those_that_can_be_read() -> None:
    sensors = RoomSensors()
    assert sensed(sensors, [19.0, None, 21.0, 22.0, -40.0, 85.0], 60) == 21.0
    assert sensors.counted == (0, 2, 3)
    assert math.isnan(sensed(sensors, [None, None], 60))
    assert math.isnan(RoomSensors().step([], 1.0))


def test_a_room_far_off_counts_for_two_hours_and_no_longer() -> None:
    sensors = RoomSensors()
    rooms: list[float | None] = [20.0, 20.5, 30.0]
    assert sensed(sensors, rooms, 1.9 * HOUR) == 20.5
    assert sensed(sensors, rooms, 0.2 * HOUR) == 20.25
    assert sensors.strange == 1
    sensed(sensors, [20.0, 20.5, 21.0], 60)
    assert sensors.strange == 0
    assert sensed(sensors, [20.0, 20.5, 21.0], 2 * HOUR) == 20.5


def test_an_open_window_is_left_out_until_half_an_hour_after_the_fall() -> None:
    sensors = RoomSensors()
    sensed(sensors, [20.0, 21.0, 22.0], HOUR)
    assert sensed(sensors, [20.0, 21.0, 18.0], 60) == 20.5
    assert sensors.windows == 1
    assert sensed(sensors, [20.0, 21.0, 22.0], 29 * 60) == 20.5
    assert sensed(sensors, [20.0, 21.0, 22.0], 120) == 21.0


def test_a_house_that_cools_without_heat_is_no_open_window() -> None:
    """1 K/h is faster than any building of the region cools."""
    sensors = RoomSensors()
    for minute in range(300):
        sensors.step([temperature(20.0 - minute / 60)] * 3, 60.0)
        assert sensors.windows == 0


# ---- influence


def influence(**settings: float) -> RoomInfluence:
    return RoomInfluence(RoomInfluenceSettings(**settings))


def ran(
    block: RoomInfluence, rooms: list[float | None], seconds: float, limited: int = 0, dt: float = 60.0
) -> float:
    value = math.nan
    for _ in range(round(seconds / dt)):
        value = block.step([temperature(room) for room in rooms], dt, limited)
    return value


def test_influence_is_two_kelvin_a_kelvin_at_once_and_again_in_six_hours() -> None:
    block = influence()
    first = ran(block, [20.0], 660.0)
    assert first == pytest.approx(2.0, abs=0.07)
    assert ran(block, [20.0], 6 * HOUR - 660.0) == pytest.approx(4.0, abs=0.001)


def test_all_parts_are_bounded_both_ways() -> None:
    for room, sign in ((16.0, 1), (26.0, -1)):
        block = influence()
        assert ran(block, [room], 48 * HOUR) == sign * 5.0
        assert abs(block.integral) <= 3.0
    block = influence(most=15)
    assert ran(block, [19.0], 48 * HOUR) == pytest.approx(7.0)
    assert block.integral == pytest.approx(3.0)


def test_lost_rooms_fade_out_within_an_hour_and_say_so() -> None:
    block = influence()
    before = ran(block, [20.0, 20.0], 2 * HOUR)
    assert ran(block, [None, None], HOUR / 2) == pytest.approx(before / 2, abs=0.03)
    assert codes(block.explain()) == ["rooms_fade"]
    assert ran(block, [None, None], HOUR / 2 + 60) == pytest.approx(0.0, abs=1e-9)
    assert codes(block.explain()) == ["rooms_unknown"]
    after = ran(block, [20.0, 20.0], 60)
    assert 0 < after <= before / 10 + 0.01


def test_a_station_without_rooms_says_nothing() -> None:
    block = influence()
    assert ran(block, [], 60) == 0.0
    assert block.explain() is None


def test_a_share_of_the_rooms_may_be_demanded() -> None:
    block = influence(least_share=50)
    ran(block, [20.0, None, None], 60)
    assert not block.enough
    ran(block, [20.0, 20.0, None], 60)
    assert block.enough


def test_a_limited_setpoint_does_not_wind_the_integral_up() -> None:
    """Limited from above the integral may fall but not rise; from below the other way round."""
    for room, limited in ((19.0, 1), (23.0, -1)):
        block = influence()
        ran(block, [room], 12 * HOUR, limited)
        assert block.integral == 0.0
        ran(block, [42.0 - room], HOUR, limited)
        assert block.integral * limited < 0


def test_other_rooms_take_over_without_a_bump() -> None:
    block = influence()
    before = ran(block, [19.0, 20.0, 20.5], HOUR)
    after = ran(block, [None, 20.0, 20.5], 1.0, dt=1.0)
    assert abs(after - before) < 0.01
    assert ran(block, [None, 20.0, 20.5], 601, dt=1.0) == pytest.approx(before - 0.5, abs=0.1)


def test_influence_explains_itself_and_whom_it_leaves_out() -> None:
    block = influence()
    ran(block, [20.0, 20.0, 20.0, 31.0], 3 * HOUR)
    ran(block, [20.0, 20.0, 17.0, 31.0], 60)
    assert codes(block.explain()) == ["rooms", "rooms_strange", "rooms_window"]


def test_influence_survives_a_restart() -> None:
    block, again = influence(), influence()
    before = ran(block, [20.0], 12 * HOUR)
    again.restore(json.loads(json.dumps(block.state())))
    assert again.integral == block.integral
    assert ran(again, [20.0], 60) == pytest.approx(before, abs=0.02)
    odd = influence()
    odd.restore({"integral": "x", "share": 1e9})
    assert (odd.integral, odd.share.value) == (0.0, 5.0)


rooms_lists = st.lists(
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), min_size=3, max_size=3
)


@given(st.lists(st.tuples(rooms_lists, st.sampled_from([-1, 0, 1])), max_size=30))
def test_influence_is_bounded_whatever_the_rooms_read(steps: list[tuple[list[float], int]]) -> None:
    block = influence()
    for rooms, limited in steps:
        share = block.step([temperature(room) for room in rooms], 600.0, limited)
        assert -5.0 <= share <= 5.0
        assert -3.0 <= block.integral <= 3.0
    assert ran(block, [21.0], 4 * HOUR, dt=600.0) == pytest.approx(block.integral, abs=1e-6)


# ---- return limit


def limiter(**settings: object) -> ReturnLimit:
    return ReturnLimit(ReturnLimitSettings.model_validate(settings))


def limited_run(
    block: ReturnLimit,
    primary: float | None,
    outdoor: float | None,
    seconds: float,
    room: float = math.nan,
    secondary: float | None = None,
    limited: int = 0,
    dt: float = 10.0,
) -> float:
    value = math.nan
    for _ in range(round(seconds / dt)):
        value = block.step(
            temperature(primary), temperature(secondary), temperature(outdoor), room, dt, limited
        )
    return value


@pytest.mark.parametrize(
    ("outdoor", "limit"), [(-30, 65), (-24, 65), (-17, 60), (-10, 55), (-5, 51.5), (0, 48), (10, 48)]
)
def test_the_limit_slides_with_the_outdoor_temperature(outdoor: float, limit: float) -> None:
    assert limited_run(limiter(), limit - 0.1, outdoor, HOUR) == 0.0
    assert limited_run(limiter(), limit + 0.1, outdoor, HOUR) < 0.0


def test_one_kelvin_too_warm_lowers_by_two_and_again_in_twenty_minutes() -> None:
    block = limiter(follow_time="0 s", integral_time="20 min")
    assert limited_run(block, 49.0, 0.0, 1200.0) == pytest.approx(-4.0, abs=0.02)


def test_it_lowers_by_five_kelvin_at_most_and_recovers_without_windup() -> None:
    block = limiter()
    assert limited_run(block, 70.0, 0.0, 10 * HOUR) == pytest.approx(-5.0)
    assert limited_run(block, 47.0, 0.0, 6 * HOUR) == 0.0
    assert limited_run(block, 20.0, 0.0, 100 * HOUR) == 0.0
    assert limited_run(block, 50.0, 0.0, 2 * HOUR) < -3.0, "a long cool time does not delay it"


def test_it_never_raises_the_setpoint() -> None:
    assert limited_run(limiter(), 20.0, -24.0, HOUR) == 0.0


def test_cold_rooms_come_first() -> None:
    block = limiter()
    limited_run(block, 70.0, 0.0, 10 * HOUR, room=21.0)
    assert block.share.value == pytest.approx(-5.0)
    assert limited_run(block, 70.0, 0.0, 310.0, room=19.9) == 0.0
    assert codes(block.explain()) == ["return_limit_rooms"]
    assert limited_run(block, 70.0, 0.0, HOUR, room=20.2) == 0.0, "a band keeps it from hunting"
    assert limited_run(block, 70.0, 0.0, 10 * HOUR, room=20.4) == pytest.approx(-5.0)


def test_letting_go_for_cold_rooms_is_no_bump() -> None:
    block = limiter()
    limited_run(block, 70.0, 0.0, 10 * HOUR, room=21.0)
    assert limited_run(block, 70.0, 0.0, 1.0, room=19.0, dt=1.0) == pytest.approx(-5.0, abs=0.02)


def test_without_its_sensor_it_is_off_and_says_so() -> None:
    block = limiter()
    limited_run(block, 70.0, 0.0, HOUR)
    assert limited_run(block, None, 0.0, 310.0) == 0.0
    assert codes(block.explain()) == ["return_limit_blind"]
    assert block.integral == 0.0


def test_without_an_outdoor_temperature_the_highest_limit_holds() -> None:
    assert limited_run(limiter(), 64.0, None, HOUR) == 0.0
    assert limited_run(limiter(), 66.0, None, HOUR) < 0.0


def test_difference_form_acts_beside_the_limit() -> None:
    block = limiter(difference="4 K")
    assert limited_run(block, 44.0, 0.0, HOUR, secondary=41.0) == 0.0
    assert limited_run(block, 46.0, 0.0, HOUR, secondary=41.0) < -1.0
    assert codes(block.explain()) == ["return_limit_difference"]
    assert limited_run(block, 46.0, 0.0, 9 * HOUR, secondary=None) == 0.0


def test_a_setpoint_that_is_held_from_below_does_not_wind_it_up() -> None:
    block = limiter()
    limited_run(block, 49.0, 0.0, 3 * HOUR, limited=-1)
    assert block.integral == 0.0


def test_it_explains_itself_and_survives_a_restart() -> None:
    block, again = limiter(), limiter()
    before = limited_run(block, 49.0, 0.0, 2 * HOUR)
    assert codes(block.explain()) == ["return_limit"]
    again.restore(json.loads(json.dumps(block.state())))
    assert limited_run(again, 49.0, 0.0, 10.0) == pytest.approx(before, abs=0.05)


@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=True), st.floats(allow_nan=True), st.floats(allow_nan=True),
            st.floats(15, 25), st.sampled_from([-1, 0, 1]),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_the_return_limit_stays_in_its_bounds_and_recovers(
    steps: list[tuple[float, float, float, float, int]],
) -> None:
    block = limiter(difference="4 K")
    for primary, secondary, outdoor, room, limited in steps:
        share = block.step(
            temperature(primary), temperature(secondary), temperature(outdoor), room, 60.0, limited
        )
        assert -5.0 <= share <= 0.0
        assert -8.0 <= block.integral <= 0.0
    assert limited_run(block, 30.0, 0.0, 3 * HOUR, room=21.0) == 0.0


def test_a_limit_that_starves_the_design_day_is_told() -> None:
    """Design return 45 °C: below 48 °C is too low."""
    assert starves(ReturnLimitSettings(), -24.2, 45.0) is None
    assert (
        starves(
            ReturnLimitSettings.model_validate({"limit": {"-24 °C": "47 °C", "0 °C": "40 °C"}}), -24.2, 45.0
        )
        == 47.0
    )
