"""Branch, riser, sun on the walls, and the houses of a station."""

from datetime import datetime, timedelta, timezone
from math import asin, degrees, isfinite
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.buildings_branch import BuildingsBranch
from sim.physics.houses import build_houses, plan_houses
from sim.physics.riser import Riser
from sim.physics.sunlight import Sunlight, diffuse_share, sun_direction
from tests.sim.validation_cases import failures
from tests.sim.validation_heat import RISER, riser_freezing, riser_minutes

FLOW, WATER = 31.9, 39_550.0
HARBIN = 45.75, 126.77


def houses(count: int = 8, **changes: object) -> list[BuildingsBranch]:
    return build_houses(plan_houses(count, 2e6, 50_000.0, "0"), FLOW, WATER, **changes)


def at(*when: int) -> float:
    return datetime(*when, tzinfo=timezone(timedelta(hours=8))).timestamp()  # type: ignore[misc, arg-type]


# --- riser ----------------------------------------------------------------------------------------------


def test_a_standing_riser_reaches_zero_as_the_facts_say():
    """FACTS §8: 88 min from 25 °C, 29 from 5, in a staircase of -10 °C."""
    assert failures(riser_freezing()) == []
    assert not any(riser_minutes(start)[1] for start, _ in RISER)


def test_a_riser_freezes_blocks_and_thaws():
    riser = Riser(temperature=5.0)
    for _ in range(720):
        riser.step(5.0, 0.0, 0.0, -24.0, 20.0)
    assert riser.frozen
    assert riser.temperature == 0.0
    # Hot water in front of the plug does not help; a warm staircase does.
    ice = riser.ice
    riser.step(5.0, 60.0, 0.1, -24.0, 20.0)
    assert riser.ice > ice
    for _ in range(24 * 720):
        riser.step(5.0, 0.0, 0.0, -24.0, 20.0)
    assert riser.ice == 1.0
    assert -10.1 < riser.temperature < -5.0
    for _ in range(48 * 720):
        riser.step(5.0, 60.0, 0.1, 20.0, 20.0)
    assert not riser.frozen
    assert riser.temperature > 55.0


def test_a_flowing_riser_does_not_freeze():
    riser = Riser()
    assert riser.settle(40.0, 0.1, -30.0, 18.0) == pytest.approx(38.1, abs=0.3)
    assert riser.settle(5.0, 0.1, -30.0, 18.0) > 0.0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 3600.0),
            st.floats(0.0, 110.0),
            st.one_of(st.just(0.0), st.floats(1e-9, 5.0)),
            st.floats(-45.0, 40.0),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_riser_stays_in_range_and_keeps_its_heat(steps):
    riser = Riser(temperature=8.0)
    for dt, inlet, flow, outdoor in steps:
        through = 0.0 if riser.frozen else flow * 4180.0
        stairs = outdoor + riser.stairs_share * (20.0 - outdoor)
        known = [inlet, stairs, riser.temperature]
        before = riser.stored_heat()
        out = riser.step(dt, inlet, flow, outdoor, 20.0)
        assert min(known) - 1e-9 <= out <= max(known) + 1e-9
        assert 0.0 <= riser.ice <= 1.0
        came = through * (inlet - out) - riser.loss
        assert abs(riser.stored_heat() - before - dt * came) <= 1e-8 * (1e6 + dt * 1e6)


# --- sun ------------------------------------------------------------------------------------------------


def test_the_sun_stands_where_the_almanac_says():
    """Noon height is 90° - latitude + declination; at the equinox it rises in the east."""
    for day, height in (((2013, 12, 21), 20.8), ((2013, 3, 20), 44.2), ((2013, 6, 21), 67.7)):
        best = max(sun_direction(at(*day, 12, minute), *HARBIN)[0] for minute in range(0, 60, 5))
        best = max(best, *(sun_direction(at(*day, 11, minute), *HARBIN)[0] for minute in range(0, 60, 5)))
        assert degrees(asin(best)) == pytest.approx(height, abs=0.6)
    up, south, west, _ = sun_direction(at(2013, 3, 20, 5, 41), *HARBIN)
    assert abs(up) < 0.03
    assert west == pytest.approx(-1.0, abs=0.01)
    assert abs(south) < 0.03


def test_walls_get_their_share():
    noon = Sunlight(*HARBIN).facades(at(2013, 1, 15, 11, 45), 330.0)
    south, west, north, east = noon
    assert south > 1.4 * 330.0
    assert west == pytest.approx(east, rel=0.15)
    assert 0.0 < north < 0.4 * 330.0
    morning = Sunlight(*HARBIN).facades(at(2013, 3, 20, 8), 320.0)
    assert morning[3] > morning[0] > morning[1]
    assert Sunlight().facades(at(2013, 1, 15, 0), 0.0) == (0.0, 0.0, 0.0, 0.0)
    # Below five hundredths of the sine all light is diffuse and all walls get the same.
    dusk = Sunlight(*HARBIN).facades(at(2013, 1, 15, 16, 10), 10.0)
    assert len(set(dusk)) == 1


def test_diffuse_share_of_the_paper():
    assert diffuse_share(0.0) == 1.0
    assert diffuse_share(0.5) == pytest.approx(0.659, abs=0.002)
    assert diffuse_share(0.9) == 0.165
    assert diffuse_share(0.22) == pytest.approx(0.9802, abs=0.003)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 2e9), st.floats(0.0, 1500.0))
def test_sun_on_walls_is_finite_and_bounded(time, horizontal):
    for value in Sunlight(*HARBIN).facades(time, horizontal):
        assert 0.0 <= value <= 25.0 * horizontal


# --- houses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 8, 40])
def test_plans_add_up(count):
    plans = plan_houses(count, 2e6, 50_000.0, "0")
    assert len({plan.name for plan in plans}) == count
    assert sum(plan.design_heat for plan in plans) == pytest.approx(2e6)
    assert sum(plan.floor_area for plan in plans) == pytest.approx(50_000.0)
    assert sum(plan.load_share for plan in plans) == pytest.approx(1.0, abs=1e-12)
    assert sum(plan.flow_share for plan in plans) == pytest.approx(1.0, abs=1e-12)
    branches = build_houses(plans, FLOW, WATER)
    assert sum(branch.water_mass() for branch in branches) == pytest.approx(WATER)
    assert [branch.name for branch in branches if branch.riser] == [plans[-1].name]


def test_plans_are_various_and_repeat():
    plans = plan_houses(8, 2e6, 50_000.0, "a")
    assert plans == plan_houses(8, 2e6, 50_000.0, "a")
    assert plans != plan_houses(8, 2e6, 50_000.0, "b")
    for low, high, values in (
        (28.0, 55.0, [plan.design_heat / plan.floor_area for plan in plans]),
        (80.0, 150.0, [plan.capacity for plan in plans]),
        (0.9, 1.25, [plan.radiator_size for plan in plans]),
        (0.5, 1.6, [plan.wind_exposure for plan in plans]),
        (90.0, 360.0, [plan.travel for plan in plans]),
    ):
        assert low <= min(values)
        assert max(values) <= high
        assert max(values) - min(values) > 0.5 * (high - low)
    assert sum(plan.facade_apertures[3] > plan.facade_apertures[0] for plan in plans) == 2
    with pytest.raises(ValueError, match="must be at least 1"):
        plan_houses(0, 2e6, 50_000.0)
    with pytest.raises(ValueError, match="loop_volume leaves"):
        build_houses(plans, FLOW, 14_000.0)


@pytest.mark.parametrize("floor_heating", [False, True])
def test_rooms_differ_around_twenty_on_the_design_day(floor_heating):
    branches = houses(floor_heating=floor_heating)
    rooms = []
    for branch in branches:
        branch.settle_free(60.0, branch.flow_share * FLOW, -24.2)
        rooms.append(branch.building.air)
    assert 18.5 < min(rooms) < 20.0
    assert 20.5 < max(rooms) < 23.0
    # And they stay there, but for what the pipes lose.
    for _ in range(2 * 720):
        for branch in branches:
            branch.step(5.0, 60.0, branch.flow_share * FLOW, -24.2, 0.0, 1.0)
    for branch, room in zip(branches, rooms, strict=True):
        assert branch.building.air == pytest.approx(room, abs=0.15)


def test_sun_and_wind_come_to_each_house_in_its_own_way():
    def day(sun: float, loss_factor: float) -> list[float]:
        branches = houses()
        facades = (500.0, 100.0, 90.0, 100.0)
        for branch in branches:
            branch.settle(50.0, branch.flow_share * FLOW, -10.0, 20.0)
            for _ in range(4 * 60):
                flow = branch.flow_share * FLOW
                branch.step(60.0, 50.0, flow, -10.0, sun, loss_factor, facades)
        return [branch.building.air for branch in branches]

    plain, sunny, windy = day(0.0, 1.0), day(300.0, 1.0), day(0.0, 1.2)
    warmer = [a - b for a, b in zip(sunny, plain, strict=True)]
    colder = [a - b for a, b in zip(plain, windy, strict=True)]
    assert min(warmer) > 0.0
    assert max(warmer) > 1.5 * min(warmer)
    assert min(colder) > 0.0
    assert max(colder) > 1.5 * min(colder)


@pytest.mark.parametrize("dt", [1.0, 5.0])
def test_the_balance_of_a_day_is_exact(dt):
    """Flow, supply, weather, sun, wind and a freezing riser all move."""
    branch = houses(internal_gains=3.0)[-1]
    branch.fill(40.0, 20.0)
    assert branch.riser is not None
    start = branch.stored_heat()
    came = went = 0.0
    frozen = False
    for i in range(round(86400 / dt)):
        hour = i * dt / 3600.0
        flow = 0.0 if 6.0 < hour < 14.0 else 3.0 + hour % 1.0
        supply = 40.0 + 20.0 * (hour % 3.0) / 3.0
        sun = max(0.0, 300.0 - 60.0 * abs(hour - 12.0))
        outdoor = -20.0 + 5.0 * (hour % 7.0) / 7.0
        back = branch.step(dt, supply, flow, outdoor, sun, 1.0 + hour % 0.3, (2 * sun, sun, 9.0, 0.5 * sun))
        heat = flow * 4180.0 * (supply - back) + branch.gains
        loss = branch.building.loss + branch.pipe_loss
        came += dt * heat
        went += dt * loss
        frozen = frozen or branch.riser.frozen
    assert frozen
    assert abs(branch.stored_heat() - start - came + went) < 1e-8 * max(came, went)


def test_the_riser_freezes_first():
    """Circulation stops at -24 °C: the riser is at 0 °C within three hours, the rooms are warm by then."""
    branch = houses()[-1]
    assert branch.riser is not None
    branch.settle(58.0, branch.flow_share * FLOW, -24.0, 20.0)
    minutes = 0
    while not branch.riser.frozen:
        for _ in range(12):
            branch.step(5.0, 58.0, 0.0, -24.0, 0.0, 1.0)
        minutes += 1
    assert 120 < minutes < 180
    assert branch.building.air > 17.0
    assert branch.return_pipe.outlet > 20.0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 5.0),
            st.floats(0.0, 110.0),
            st.one_of(st.just(0.0), st.floats(1e-6, 20.0)),
            st.floats(-45.0, 45.0),
            st.floats(0.0, 1200.0),
            st.floats(1.0, 2.0),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_weather_and_any_water_keep_a_house_finite(steps):
    branch = houses(2)[-1]
    branch.fill(20.0, 20.0)
    low, high = 5.0, 20.0  # the pipes lie at 5 °C
    for dt, supply, flow, outdoor, sun, loss_factor in steps:
        low, high = min(low, supply, outdoor), max(high, supply, outdoor)
        back = branch.step(dt, supply, flow, outdoor, sun, loss_factor, (sun, sun, sun, sun))
        assert isfinite(back)
        assert isfinite(branch.stored_heat())
        assert low - 1e-6 <= back <= high + 1e-6
        assert low - 1e-6 <= branch.building.air <= high + 5.0


def test_eight_houses_are_fast():
    """A generous bound for any machine; the real figure is printed (3.5 µs where this was written)."""
    branches = houses()
    begin = process_time()
    for _ in range(500):
        for branch in branches:
            branch.step(5.0, 55.0, branch.flow_share * FLOW, -15.0, 100.0, 1.05, (200.0, 50.0, 50.0, 50.0))
    each = (process_time() - begin) / 500 / len(branches)
    print(f"a house with pipes and radiators takes {each * 1e6:.2f} µs a step")
    assert each < 60e-6
