"""Inputs that the cases 5 to 12 of VDI 6007-1 need: sun by side, neighbour, limited heat, surfaces."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.building import Building
from sim.physics.elements import Facing, equivalent_excess
from sim.physics.sunlight import Sunlight
from sim.physics.two_elements import TwoElements
from tests.sim.validation_cases import failures
from tests.sim.validation_vdi6007_inputs import CASES, ROOM_S, hourly, input_cases

CLOSED = replace(Building(1e4, 360e3).elements, opening=0.0)


def test_the_other_cases_of_the_standard():
    assert failures(input_cases()) == []


def test_the_cases_use_their_inputs():
    """A limit that limits, a ceiling that cools the air less at once, a neighbour that matters."""
    limited = [heat for _, heat in hourly(7)[0]]
    assert max(limited) == pytest.approx(500.0)
    assert min(limited) == pytest.approx(-500.0)
    by_ceiling, by_air = TwoElements(ROOM_S, 28.0), TwoElements(ROOM_S, 28.0)
    for room, share in ((by_ceiling, 1.0), (by_air, 0.0)):
        room.step(600.0, 28.0, 0.0, 0.0, setpoint=22.0, least=-500.0, cool_surface=share)
        assert room.ideal_heat == pytest.approx(-500.0)
    assert by_air.air < by_ceiling.air < 28.0
    assert CASES[10].inputs(0)["excess"] < 0.0


def test_equivalent_excess():
    assert equivalent_excess(-10.0, [Facing(5.0)]) == 0.0
    assert equivalent_excess(-10.0, [Facing(5.0, absorbed=100.0)]) == pytest.approx(4.0)
    cellar = [Facing(6.0), Facing(4.0, adjacent=15.0)]
    assert equivalent_excess(-10.0, cellar) == pytest.approx(10.0)
    south_and_north = [Facing(10.0, absorbed=200.0, outer_film=20.0), Facing(30.0)]
    assert equivalent_excess(0.0, south_and_north) == pytest.approx(2.5)


def test_a_room_between_neighbours_goes_to_their_temperature():
    """No window and no air change: only what is behind the walls counts, whatever the outdoors."""
    inside = replace(CLOSED, window_area=0.0, air_change=0.0)
    room = TwoElements(inside, 20.0)
    excess = equivalent_excess(-20.0, [Facing(50.0, adjacent=15.0)])
    for _ in range(3000):
        room.step(3600.0, -20.0, 0.0, 0.0, excess=excess)
    assert room.air == pytest.approx(15.0, abs=1e-3)
    assert room.loss == pytest.approx(0.0, abs=0.5)
    for _ in range(3000):
        room.step(3600.0, -20.0, 4000.0, 0.0, excess=excess)
    assert room.loss == pytest.approx(4000.0, abs=1.0)
    assert room.exterior == pytest.approx(15.0 + 4000.0 * inside.exterior_rest, abs=1e-3)
    assert room.air > room.exterior


def test_sun_comes_round_the_house():
    """A March day: windows of one side each; every joule is stored or lost, the quickest hour goes round."""
    sunlight = Sunlight()
    begin = datetime(2013, 3, 21, tzinfo=timezone(timedelta(hours=8.45))).timestamp()
    steepest, warmest = {}, {}
    for side, name in enumerate(("south", "west", "north", "east")):
        room = TwoElements(CLOSED, 20.0)
        room.settle(0.0, 20.0)
        heat = room.loss
        stored, came, lost, airs = room.stored_heat(), 0.0, 0.0, []
        for minute in range(24 * 60):
            up = max(0.0, 6.0 - abs(minute / 60.0 - 12.0)) / 6.0
            facade = sunlight.facades(begin + 60.0 * minute, 600.0 * up)[side]
            sun = 100.0 * facade
            room.step(60.0, 0.0, heat + 0.1 * sun, 0.0, sun=0.9 * sun)
            came += 60.0 * (heat + sun)
            lost += 60.0 * room.loss
            airs.append(room.air)
        assert room.stored_heat() - stored == pytest.approx(came - lost, abs=1e-6 * came)
        rise = [late - early for early, late in zip(airs, airs[60:], strict=False)]
        steepest[name] = rise.index(max(rise)) / 60.0
        warmest[name] = max(airs)
    assert steepest["east"] < steepest["south"] - 1.0 < steepest["west"] - 2.0
    assert min(warmest, key=lambda name: warmest[name]) == "north"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.01, 7200.0),
            st.floats(-50.0, 50.0),
            st.floats(-30.0, 30.0),
            st.floats(0.0, 1e4),
            st.floats(10.0, 30.0),
            st.floats(0.0, 5e4),
            st.floats(-5e4, 0.0),
            st.floats(0.0, 1.0),
            st.floats(0.0, 1.0),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_mix_of_inputs_keeps_its_heat_and_its_limits(steps):
    room = TwoElements(Building(1e4, 360e3).elements, 20.0)
    stored = room.stored_heat()
    came = lost = turnover = 0.0
    for dt, outdoor, excess, gain, setpoint, most, least, warm, cool in steps:
        room.step(
            dt,
            outdoor,
            0.3 * gain,
            0.3 * gain,
            1.0,
            0.4 * gain,
            excess=excess,
            setpoint=setpoint,
            most=most,
            least=least,
            warm_surface=warm,
            cool_surface=cool,
        )
        assert least - 1e-9 <= room.ideal_heat <= most + 1e-9
        assert all(isfinite(value) for value in (room.air, room.exterior, room.interior, room.loss))
        came += dt * (gain + room.ideal_heat)
        lost += dt * room.loss
        turnover += dt * (gain + abs(room.ideal_heat) + abs(room.loss))
    error = room.stored_heat() - stored - came + lost
    assert abs(error) <= 1e-9 * (turnover + abs(stored))


def test_the_ideal_heater_gives_one_power_a_step_that_holds_the_mean():
    """In the hour in which heating turns to cooling, as the standard counts a load: not minute by minute."""
    room = TwoElements(CLOSED, 21.0)
    outdoors = [30.0, 12.0, 40.0, -10.0]
    for outdoor in outdoors:
        before = room.air, room.exterior, room.interior
        room.step(3600.0, outdoor, 0.0, 0.0, setpoint=21.0, most=1e6, least=-1e6, cool_surface=0.7)
        power, mean = room.ideal_heat, room.mean
        assert mean == pytest.approx(21.0, abs=1e-8)
        room.air, room.exterior, room.interior = before
        surface = 0.7 * power if power < 0.0 else 0.0
        airs = [room.step(60.0, outdoor, power - surface, 0.0, sun=surface) for _ in range(60)]
        assert sum(airs) / 60.0 == pytest.approx(mean, abs=1e-8)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_heat_in_the_floor_holds_the_set_temperature_too(share):
    room = TwoElements(CLOSED, 15.0)
    for _ in range(400):
        room.step(600.0, -10.0, 0.0, 0.0, setpoint=21.0, most=1e6, warm_surface=share)
    assert room.mean == pytest.approx(21.0, abs=1e-8)
    assert room.air == pytest.approx(21.0, abs=1e-6)
    assert room.ideal_heat == pytest.approx(room.loss, rel=0.2)
