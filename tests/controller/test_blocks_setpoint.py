"""Where the set-point comes from: heat curve, offsets by the time of day, ramp."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.parts.ramp import Ramp
from controller.control.blocks.setpoint.day_offsets import DayOffsets
from controller.control.blocks.setpoint.heat_curve import DesignCurve, HeatCurve, PointsCurve, interpolate
from controller.points import Point, Quality

POINTS = {-24.0: 60.0, -10.0: 49.0, 0.0: 41.0, 10.0: 32.0}


def outdoor(value: float, quality: Quality = Quality.GOOD) -> Point:
    point = Point("station.outdoor_temperature", "temperature")
    point.mark(value, quality, "" if quality is Quality.GOOD else "open_circuit", 0.0)
    return point


@pytest.mark.parametrize(
    ("outside", "supply"),
    [(-24.2, 60.0), (-20, 56.88), (-15, 53.10), (-10, 49.21), (-5, 45.21), (0, 41.05), (5, 36.70)],
)
def test_design_curve_gives_the_published_table(outside: float, supply: float) -> None:
    """60/45 °C at −24.2 °C, room 20 °C, exponent 1.3 (EN 442); the table is rounded to 0.01 K."""
    curve = HeatCurve(DesignCurve(kind="design"))
    assert curve.step(outdoor(outside)) == pytest.approx(supply, abs=0.0101)


def test_design_curve_ends_at_room_temperature() -> None:
    curve = HeatCurve(DesignCurve(kind="design"))
    assert curve.step(outdoor(20.0)) == 20.0
    assert curve.step(outdoor(35.0)) == 20.0


def test_floor_heating_is_a_flatter_curve_between_the_same_ends() -> None:
    radiators = HeatCurve(DesignCurve(kind="design"))
    floor = HeatCurve(DesignCurve(kind="design", exponent=1.1))
    assert floor.step(outdoor(-24.2)) == pytest.approx(60.0)
    assert floor.step(outdoor(-5.0)) < radiators.step(outdoor(-5.0)) - 1.0


@pytest.mark.parametrize(
    ("outside", "supply"), [(-40, 60), (-24, 60), (-17, 54.5), (-10, 49), (-5, 45), (10, 32), (30, 32)]
)
def test_points_curve_is_straight_between_and_level_beyond(outside: float, supply: float) -> None:
    curve = HeatCurve(PointsCurve(kind="points", points=POINTS))
    assert curve.step(outdoor(outside)) == pytest.approx(supply)


def test_points_may_stand_in_any_order_of_the_file() -> None:
    mixed = dict(sorted(POINTS.items(), key=lambda row: row[1] % 7))
    assert HeatCurve(PointsCurve(kind="points", points=mixed)).step(outdoor(-17)) == pytest.approx(54.5)


def test_shift_moves_the_curve_at_once_and_is_told() -> None:
    curve = HeatCurve(PointsCurve(kind="points", points=POINTS))
    curve.settings.shift = 2.0
    assert curve.step(outdoor(-10)) == 51.0
    assert "curve_shift" in [child.code for child in curve.explain().children]


def test_bad_outdoor_keeps_the_last_demand_and_says_so() -> None:
    curve = HeatCurve(PointsCurve(kind="points", points=POINTS))
    curve.step(outdoor(-10))
    assert curve.step(outdoor(math.nan, Quality.BAD)) == 49.0
    assert curve.explain().children[0].code == "outdoor_held"


def test_bad_outdoor_before_any_good_one_is_no_demand_of_zero() -> None:
    """Nothing known yet: the demand of a day at 0 °C, and the shift still counts."""
    curve = HeatCurve(PointsCurve(kind="points", points=POINTS, shift=1.0))
    assert curve.step(outdoor(math.nan, Quality.BAD)) == 42.0


@given(st.floats(-60, 60), st.floats(-60, 60))
def test_colder_outside_never_asks_for_less(a: float, b: float) -> None:
    for settings in (DesignCurve(kind="design"), PointsCurve(kind="points", points=POINTS)):
        curve = HeatCurve(settings)
        cold, mild = curve.step(outdoor(min(a, b))), curve.step(outdoor(max(a, b)))
        assert cold >= mild - 1e-9
        assert mild >= 20 - 1e-9
        assert cold <= 95


def test_interpolation_hits_its_own_points() -> None:
    rows = sorted(POINTS.items())
    assert [interpolate(rows, x) for x, _ in rows] == [y for _, y in rows]


# ---- offsets


@pytest.mark.parametrize(
    ("hour", "offset"),
    [(5.99, 0), (6, 1), (7.99, 1), (8, 0), (21.99, 0), (22, -2), (23.99, -2), (0, -2), (3, 0)],
)
def test_offsets_by_time_and_over_midnight(hour: float, offset: float) -> None:
    offsets = DayOffsets({(21600.0, 28800.0): 1.0, (79200.0, 10800.0): -2.0})
    assert offsets.step(hour * 3600) == offset


def test_first_of_two_overlapping_windows_counts() -> None:
    offsets = DayOffsets({(0.0, 86400.0): 1.0, (3600.0, 7200.0): 5.0})
    assert offsets.step(4000.0) == 1.0


def test_unknown_clock_gives_no_offset_and_says_so() -> None:
    offsets = DayOffsets({(0.0, 86400.0): 3.0})
    assert offsets.step(None) == 0.0
    term = offsets.explain()
    assert term is not None
    assert term.code == "offset_clock_unknown"
    assert offsets.step(100.0) == 3.0


def test_a_station_without_offsets_does_not_talk_about_its_clock() -> None:
    offsets = DayOffsets({})
    offsets.step(None)
    assert offsets.explain() is None


# ---- ramp


def test_ramp_goes_at_its_rate_both_ways_and_arrives_exactly() -> None:
    ramp = Ramp(30.0)
    ramp.start_from(40.0)
    assert ramp.step(50.0, 60.0) == pytest.approx(40.5)
    assert ramp.step(30.0, 120.0) == pytest.approx(39.5)
    for _ in range(2000):
        ramp.step(41.0, 1.0)
    assert ramp.value == 41.0
    assert ramp.explain() is None


def test_ramp_without_a_start_begins_at_its_target() -> None:
    ramp = Ramp(30.0)
    assert ramp.step(49.0, 1.0) == 49.0


def test_ramp_is_not_poisoned_by_a_target_that_is_no_number() -> None:
    ramp = Ramp(36.0)
    ramp.start_from(40.0)
    assert ramp.step(math.nan, 1.0) == 40.0
    assert ramp.step(50.0, 100.0) == 41.0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30), st.floats(0, 5))
def test_ramp_never_moves_faster_than_its_rate(targets: list[float], dt: float) -> None:
    ramp = Ramp(60.0)
    ramp.start_from(40.0)
    for target in targets:
        before = ramp.value
        after = ramp.step(target, dt)
        assert abs(after - before) <= 60.0 * dt / 3600 + 1e-9
