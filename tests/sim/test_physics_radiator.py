"""Radiators and heated floors: design point, heat curve, thermal mass, range and balance."""

from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.radiator import Radiators
from tests.sim.validation_cases import failures
from tests.sim.validation_heat import FLOW, LOAD, floors, heating_surfaces, radiators


def test_design_point_heat_curve_and_exponents():
    assert failures(heating_surfaces()) == []


def test_less_flow_gives_colder_returns_and_no_flow_fades():
    """Returns as of plug flow, whose excess obeys x^-0.3 = x_in^-0.3 + const/flow."""
    heater = radiators()
    for share, within in ((1.5, 0.02), (0.7, 0.05), (0.5, 0.12), (0.2, 0.5), (0.05, 0.5)):
        excess = (40**-0.3 + (25**-0.3 - 40**-0.3) / share) ** (-1 / 0.3)
        assert heater.settle(60.0, share * FLOW, 20.0) == pytest.approx(20.0 + excess, abs=within)
    heats = []
    for _ in range(4 * 720):
        heater.step(5.0, 60.0, 0.0, 20.0)
        heats.append(heater.heat)
    assert heats == sorted(heats, reverse=True)
    assert heater.mean_temperature() == pytest.approx(20.0, abs=3.0)


def test_a_floor_follows_in_hours_where_radiators_take_minutes():
    quick, slow = radiators(), floors()
    for heater in (quick, slow):
        heater.settle(30.0, FLOW, 20.0)
    first = quick.heat, slow.heat
    for _ in range(720):
        quick.step(5.0, 60.0, FLOW, 20.0)
        slow.step(5.0, 60.0, FLOW, 20.0)
    assert quick.heat == pytest.approx(LOAD, rel=0.02)
    assert first[1] < slow.heat < 0.75 * LOAD
    # The water, though, gives its heat to the cold screed at once: the return is colder than at the end.
    assert slow.cells[-1] < 45.0


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([radiators, floors]),
    st.lists(
        st.tuples(
            st.floats(0.1, 3600.0),
            st.floats(0.0, 110.0),
            st.one_of(st.just(0.0), st.floats(1e-9, 100.0)),
            st.floats(-20.0, 40.0),
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_water_stays_in_range_and_keeps_its_heat(make, steps):
    heater = make()
    for dt, inlet, flow, room in steps:
        known = [inlet, room, *heater.cells, *getattr(heater, "floors", [])]
        before = heater.stored_heat()
        out = heater.step(dt, inlet, flow, room)
        now = [*heater.cells, *getattr(heater, "floors", [])]
        assert isfinite(heater.heat)
        assert all(min(known) - 1e-6 <= value <= max(known) + 1e-6 for value in now)
        came = flow * heater.cp * (inlet - out) - heater.heat
        scale = abs(before) + 1e7 + dt * (abs(heater.heat) + flow * 5e5)
        assert abs(heater.stored_heat() - before - dt * came) <= 1e-8 * scale


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([radiators, floors]), st.floats(20.0, 110.0), st.floats(1e-3, 100.0))
def test_no_heat_uphill_in_the_steady_state(make, inlet, flow):
    heater = make()
    out = heater.settle(inlet, flow, 20.0)
    assert 20.0 - 1e-9 <= out <= inlet + 1e-9
    assert heater.heat >= -1e-6


def test_what_is_no_design_point_is_refused():
    with pytest.raises(ValueError, match="supply > return > room"):
        Radiators(FLOW, 45.0, 60.0, 20.0, 100.0)
