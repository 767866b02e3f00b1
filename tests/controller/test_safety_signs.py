"""Signs with a memory, each by itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.points import Image, Output, Point, Quality
from controller.safety.rows.dry_makeup import DryMakeup
from controller.safety.rows.parts import Portions
from controller.safety.rows.signs import Fall, Recent
from controller.safety.rows.standstill import Standstill, minutes_to_freeze

NUMBERS = st.one_of(st.floats(-200, 2000), st.just(math.nan))


@pytest.mark.parametrize(("water", "minutes"), [(25.0, 88.0), (5.0, 29.0)])
def test_a_riser_freezes_as_calculated(water: float, minutes: float) -> None:
    """FACTS: a bare DN25 riser in a staircase of −10 °C."""
    assert minutes_to_freeze(water, -10.0) == pytest.approx(minutes, abs=1.0)


def test_what_is_frozen_or_never_freezes() -> None:
    assert minutes_to_freeze(-1.0, -10.0) == 0.0
    assert minutes_to_freeze(20.0, 1.0) == math.inf
    assert math.isnan(minutes_to_freeze(math.nan, -10.0))


@given(st.floats(0.1, 90), st.floats(-45, -0.1), st.floats(0.1, 20))
def test_warmer_water_or_milder_air_lasts_longer(water: float, around: float, more: float) -> None:
    minutes = minutes_to_freeze(water, around)
    assert 0.0 < minutes < minutes_to_freeze(water + more, around)
    assert minutes_to_freeze(water, around - more) < minutes


def test_standing_counts_from_the_stop_by_the_water_of_then() -> None:
    flow = Point("low.circulation", "choice", choices=("no", "yes", "unknown"))
    water, outdoor = Point("w", "temperature"), Point("o", "temperature")
    stands = Standstill(flow, water, outdoor, -5.0)
    outdoor.put(-10.0, 0.0)
    water.put(25.0, 0.0)
    flow.put(1.0, 0.0)
    assert not stands()
    flow.put(0.0, 10.0)
    assert stands()
    water.put(60.0, 20.0)  # the sensor's pocket warms up
    flow.put(0.0, 10.0 + 600.0)
    assert stands()
    assert stands.minutes_left == pytest.approx(minutes_to_freeze(25.0, -10.0) - 10.0)
    flow.put(0.0, 86400.0)
    assert stands.minutes_left == 0.0


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=60))
def test_standing_never_says_less_than_nothing(rows: list[tuple[float, float]]) -> None:
    flow = Point("low.circulation", "choice", choices=("no", "yes", "unknown"))
    water, outdoor = Point("w", "temperature"), Point("o", "temperature")
    stands = Standstill(flow, water, outdoor, -5.0)
    for now, (first, second) in enumerate(rows):
        water.put(first, now)
        outdoor.put(second, now)
        flow.put(0.0, now)
        stands()
        assert not stands.minutes_left < 0.0


def test_a_sign_counts_for_a_while_and_begins_as_none() -> None:
    now, on = [0.0], [False]
    recent = Recent(lambda: on[0], lambda: now[0], 100.0)
    assert not recent()
    on[0] = True
    assert recent()
    on[0] = False
    now[0] = 100.0
    assert recent()
    now[0] = 100.1
    assert not recent()


def falls(values: list[float], kpa: float = 50.0, within: float = 60.0) -> bool:
    now, point = [0.0], Point("p", "pressure")
    fall = Fall(point, lambda: now[0], kpa, within)
    seen = False
    for value in values:
        now[0] += 1.0
        if math.isnan(value):
            point.mark(math.nan, Quality.BAD, "open_circuit", now[0])
        else:
            point.put(value, now[0])
        seen = fall() or seen
    return seen


def test_falls() -> None:
    assert falls([700.0] * 60 + [640.0] * 60)
    assert falls([700.0 - second for second in range(120)])
    assert not falls([700.0] * 60 + [655.0] * 60)
    assert not falls([700.0 - second / 3 for second in range(600)])
    assert not falls([640.0] * 60 + [700.0] * 60)
    assert not falls([640.0] * 60 + [900.0] * 6 + [640.0] * 60)
    assert not falls([700.0] * 30 + [math.nan] + [600.0] * 200)


@given(st.lists(st.floats(680, 729), max_size=200))
def test_what_moves_by_less_has_not_fallen(values: list[float]) -> None:
    assert not falls(values)


def test_portions_begin_with_a_pause() -> None:
    now = [1000.0]
    output = Output("low.makeup_1_run", "flag", 0, 1, failsafe=0.0)
    portions = Portions([output], lambda: now[0], 60.0, 300.0)
    portions.begin()
    free = []
    for _ in range(600):
        output.limit.clear()
        portions("flood_makeup")
        free.append(output.limit.high >= 1.0)
        now[0] += 1.0
    assert free == ([False] * 240 + [True] * 60) * 2


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.booleans()), max_size=80), st.floats(50, 1200)
)
def test_air_is_never_seen_while_nothing_runs_nor_at_once(
    rows: list[tuple[float, float, float, float, bool]], setpoint: float
) -> None:
    image = Image()
    names = ("return_pressure", "makeup_flow", "makeup_1_current", "makeup_1_frequency")
    kinds = ("pressure", "flow", "current", "frequency")
    points = [image.add(Point(f"low.{name}", kind)) for name, kind in zip(names, kinds, strict=True)]
    run = image.add(Output("low.makeup_1_run", "flag", 0, 1, failsafe=0.0))
    now = [0.0]
    speed = image.add(Output("low.makeup_1_speed", "frequency", 0, 50, failsafe=None))
    dry = DryMakeup(image, "low", [run], [speed], lambda: points[0], lambda: setpoint, lambda: now[0])
    ran_for = 0.0
    for *values, runs in rows:
        for point, value in zip(points, values, strict=True):
            point.put(value, now[0])
        run.demand = float(runs)
        run.put(float(runs), now[0])
        ran_for = ran_for + 10.0 if runs else 0.0
        seen = dry()
        assert not (seen and ran_for < DryMakeup.SUSPECT_S)
        now[0] += 10.0
