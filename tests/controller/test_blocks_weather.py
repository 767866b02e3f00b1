"""What the weather does to the set-point: slope curve, damping, wind and sun, and fading."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.setpoint.damped_outdoor import DampedOutdoor, DampedOutdoorSettings
from controller.control.blocks.setpoint.heat_curve import HeatCurve, SlopeCurve
from controller.control.blocks.setpoint.wind_sun import WindSun, WindSunSettings
from controller.points import Quality
from tests.controller.blocks_points import codes, good, lost, temperature, ticks

# ---- slope and level


@pytest.mark.parametrize(
    ("outside", "panel"), [(-30, 75), (-15, 60), (-5, 50), (0, 45), (5, 40), (15, 28), (20, 24.6)]
)
def test_slope_one_is_the_panels_factory_curve(outside: float, panel: float) -> None:
    """ECL 310's factory points belong to slope 1.0; its lines bend towards the mild end."""
    curve = HeatCurve(SlopeCurve(kind="slope"))
    assert curve.step(temperature(outside)) == pytest.approx(panel, abs=1.6001)


def test_all_slopes_meet_at_the_common_point_and_stay_level_beyond() -> None:
    for slope in (0.2, 1.0, 3.2):
        curve = HeatCurve(SlopeCurve(kind="slope", slope=slope, level=-2.0))
        assert curve.step(temperature(20.0)) == pytest.approx(22.6)
        assert curve.step(temperature(35.0)) == pytest.approx(22.6)


def test_slope_level_room_and_shift_each_do_their_part() -> None:
    curve = HeatCurve(SlopeCurve(kind="slope", slope=1.4, level=3.0, room=21.0, shift=0.5))
    assert curve.step(temperature(-10.0)) == pytest.approx(24.6 + 1.4 * 30 + 2.5 * 1.4 + 3.0 + 0.5)
    assert curve.at(-10.0) == curve.demand


# ---- fade


def test_fade_comes_and_goes_straight_in_its_time() -> None:
    fade = Fade(100.0)
    assert [round(fade.step(4.0, 25.0), 6) for _ in range(5)] == [1.0, 2.0, 3.0, 4.0, 4.0]
    assert fade.step(5.0, 1.0) == 5.0
    assert [round(fade.step(None, 25.0), 6) for _ in range(5)] == [3.75, 2.5, 1.25, 0.0, 0.0]


def test_fade_to_another_source_is_no_bump() -> None:
    fade = Fade(100.0)
    fade.step(4.0, 100.0, "li")
    assert fade.step(-2.0, 1.0, "wang") == pytest.approx(3.94)
    assert fade.step(-2.0, 99.0, "wang") == pytest.approx(-2.0)


@given(st.lists(st.tuples(st.sampled_from([None, -3.0, 0.0, 3.0, math.nan, math.inf]), st.integers(0, 2))))
def test_fade_never_bumps_when_the_source_changes(steps: list[tuple[float | None, int]]) -> None:
    fade = Fade(600.0)
    for wanted, _ in steps:
        before = fade.value
        fade.step(wanted, 1.0, wanted)
        assert abs(fade.value - before) <= 6.0 / 600 + 1e-9
        assert abs(fade.value) <= 3.0 + 1e-9


def test_a_remembered_share_goes_on_and_fades() -> None:
    fade = Fade(100.0)
    fade.restore(3.0)
    assert fade.step(None, 50.0) == pytest.approx(1.5)
    fade.restore(math.nan)
    assert fade.value == pytest.approx(1.5)


@pytest.mark.parametrize("odd", ["3", None, math.nan, math.inf, True, [1]])
def test_an_odd_memory_keeps_the_fresh_value(odd: object) -> None:
    assert remembered({"a": odd}, "a", 7.0) == 7.0
    assert remembered({}, "a", 7.0) == 7.0


def test_a_memory_out_of_bounds_is_cut() -> None:
    assert remembered({"a": 99}, "a", 7.0, 0, 10) == 10
    assert finite(math.nan) is None


# ---- damped outdoor


def damped(time_constant: float = 36000.0) -> DampedOutdoor:
    return DampedOutdoor(DampedOutdoorSettings(time_constant=time_constant), "low")


def test_damping_is_off_unless_asked_for() -> None:
    block = DampedOutdoor(DampedOutdoorSettings(), "low")
    for tick in ticks(3):
        assert block.step(temperature(-5.0 - tick.now), tick).value == -5.0 - tick.now
    assert block.explain() is None


def test_damped_outdoor_covers_63_percent_in_its_time_constant() -> None:
    block = damped()
    for tick in ticks(1):
        block.step(temperature(0.0), tick)
    for tick in ticks(36000, 10.0):
        block.step(temperature(-10.0), tick)
    assert block.point.value == pytest.approx(-10 * (1 - math.exp(-1)), abs=0.01)
    assert codes(block.explain()) == ["outdoor_damped"]


def test_damping_does_not_depend_on_the_scan() -> None:
    coarse, fine = damped(), damped()
    for block, dt in ((coarse, 100.0), (fine, 1.0)):
        block.value = 0.0
        for tick in ticks(1000, dt):
            block.step(temperature(-10.0), tick)
    assert coarse.value == pytest.approx(fine.value, abs=1e-9)


def test_lost_outdoor_stands_and_is_bad_and_goes_on_from_there() -> None:
    block = damped()
    first, *_, last = ticks(10)
    block.step(temperature(-8.0), first)
    point = block.step(temperature(None), last)
    assert (point.value, point.quality, point.reason) == (-8.0, Quality.BAD, "open_circuit")
    assert block.step(temperature(2.0), last).value == pytest.approx(-8.0, abs=0.01)


def test_switching_damping_on_begins_where_the_outdoor_is() -> None:
    block = damped(0.0)
    first, second = ticks(2)
    block.step(temperature(-8.0), first)
    block.settings.time_constant = 36000.0
    assert block.step(temperature(-8.5), second).value == pytest.approx(-8.0, abs=0.001)


def test_damped_outdoor_survives_a_restart() -> None:
    block, again = damped(), damped()
    block.value = -12.5
    again.restore(json.loads(json.dumps(block.state())))
    (tick,) = ticks(1)
    assert again.step(temperature(0.0), tick).value == pytest.approx(-12.5, abs=0.001)
    fresh = damped()
    fresh.restore(json.loads(json.dumps(damped().state())))
    assert fresh.step(temperature(3.0), tick).value == 3.0


# ---- wind and sun


def settled(block: WindSun, wind: float | None, sun: float | None, seconds: float = 601.0) -> float:
    value = 0.0
    for _ in range(int(seconds)):
        value = block.step(
            lost("speed") if wind is None else good("speed", wind),
            lost("irradiance") if sun is None else good("irradiance", sun),
            1.0,
        )
    return value


@pytest.mark.parametrize(
    ("wind", "sun", "share"),
    [(4, 0, 0), (8, 0, 1.2), (30, 0, 3.0), (0, 300, -1.5), (0, 1000, -3.0), (8, 300, -0.3), (0, -4, 0)],
)
def test_wind_warms_and_sun_cools_within_bounds(wind: float, sun: float, share: float) -> None:
    assert settled(WindSun(WindSunSettings()), wind, sun) == pytest.approx(share)


def test_a_lost_anemometer_fades_out_in_ten_minutes_and_back_without_a_bump() -> None:
    block = WindSun(WindSunSettings())
    assert settled(block, 14.0, 0.0) == pytest.approx(3.0)
    assert settled(block, None, 0.0, 300) == pytest.approx(1.5, abs=0.01)
    assert codes(*block.explain()) == ["wind_fades"]
    assert settled(block, None, 0.0, 301) == pytest.approx(0.0)
    assert codes(*block.explain()) == []
    assert settled(block, 14.0, 0.0, 1) == pytest.approx(0.005)


def test_an_absurd_reading_counts_as_lost_and_none_is_no_share() -> None:
    assert settled(WindSun(WindSunSettings()), 99.0, 5000.0) == 0.0
    assert WindSun(WindSunSettings()).step(None, None, 1.0) == 0.0


def test_both_shares_explain_themselves() -> None:
    block = WindSun(WindSunSettings())
    settled(block, 9.0, 400.0)
    assert codes(*block.explain()) == ["wind", "sun"]


def test_wind_and_sun_survive_a_restart() -> None:
    block, again = WindSun(WindSunSettings()), WindSun(WindSunSettings())
    settled(block, 9.0, 400.0)
    again.restore(json.loads(json.dumps(block.state())))
    assert settled(again, 9.0, 400.0, 1) == pytest.approx(1.5 - 2.0)


@given(st.lists(st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True)), max_size=30))
def test_wind_and_sun_are_bounded_whatever_they_read(readings: list[tuple[float, float]]) -> None:
    block = WindSun(WindSunSettings())
    for wind, sun in readings:
        assert -3.0 <= block.step(good("speed", wind), good("irradiance", sun), 60.0) <= 3.0
