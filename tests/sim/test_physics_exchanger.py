"""The exchanger against the table of effectiveness, `ht`, and its own promises about range and heat."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.exchanger import Exchanger, film_share
from tests.sim.validation_cases import failures
from tests.sim.validation_exchanger import (
    against_ht,
    chain_up_to_ntu_8,
    design_points,
    dynamic_model_at_rest,
    effectiveness_table,
)


def test_effectiveness_table():
    assert failures(effectiveness_table()) == []


def test_design_points():
    assert failures(design_points()) == []


def test_steady_state_of_the_dynamic_model_is_the_formula():
    assert failures(dynamic_model_at_rest()) == []


def test_200_random_design_points_against_ht():
    pytest.importorskip("ht")
    assert failures(against_ht()) == []


def test_partial_flow_follows_the_films():
    exchanger = Exchanger(69e3, 9.5, 31.9)
    assert film_share(1.0) == 1.0
    assert film_share(0.1) == pytest.approx(0.1**0.8)
    assert film_share(0.0) == pytest.approx(0.05 * 0.1**0.8)
    assert exchanger.conductance(9.5, 31.9) == pytest.approx(69e3)
    assert exchanger.conductance(4.75, 31.9) == pytest.approx(138e3 / (1 + 2**0.8))
    exchanger.break_down("fouling", 0.25)
    assert exchanger.conductance(9.5, 31.9) == pytest.approx(69e3 / 1.25)
    with pytest.raises(ValueError, match="allowed: fouling"):
        exchanger.break_down("hole")


def test_standing_primary_water_takes_the_secondary_temperature():
    exchanger = Exchanger(69e3, 9.5, 31.9)
    exchanger.settle(110.0, 9.5, 45.0, 31.9)
    for _ in range(3600):
        out1, out2 = exchanger.step(1.0, 110.0, 0.0, 45.0, 31.9)
    assert out1 == pytest.approx(45.0, abs=0.1)
    assert out2 == pytest.approx(45.0, abs=0.1)
    assert exchanger.heat == 0.0


def test_primary_flow_on_standing_secondary_water_heats_it_up():
    exchanger = Exchanger(69e3, 9.5, 31.9, temperature=45.0)
    for _ in range(1200):
        _, out2 = exchanger.step(1.0, 110.0, 9.5, 45.0, 0.0)
    assert 109.0 < out2 <= 110.0


def test_answer_within_the_lag_of_real_exchangers():
    exchanger = Exchanger(69e3, 9.5, 31.9)
    exchanger.settle(110.0, 9.5, 45.0, 31.9)
    _, old = exchanger.step(1.0, 110.0, 9.5, 45.0, 31.9)
    _, goal = Exchanger(69e3, 9.5, 31.9).settle(100.0, 9.5, 45.0, 31.9)
    seconds = 0
    now = old
    while now > goal + (old - goal) * 0.37:
        _, now = exchanger.step(1.0, 100.0, 9.5, 45.0, 31.9)
        seconds += 1
    assert 3 <= seconds <= 20  # FACTS §1: 5–20 s


def test_steady_state_of_the_chain_is_the_formula_up_to_ntu_8():
    assert failures(chain_up_to_ntu_8()) == []


def warming(dt):
    """Secondary outlet 12 s after both inlets have changed."""
    exchanger = Exchanger(69e3, 9.5, 31.9)
    exchanger.settle(80.0, 6.0, 40.0, 31.9)
    for _ in range(round(12.0 / dt)):
        _, out2 = exchanger.step(dt, 110.0, 9.5, 45.0, 31.9)
    return out2


def test_halving_the_step_halves_the_error():
    at_two, at_one, at_half, fine = (warming(dt) for dt in (2.0, 1.0, 0.5, 0.03125))
    assert abs(at_two - fine) < 0.5
    assert abs(at_one - fine) == pytest.approx(0.5 * abs(at_two - fine), rel=0.2)
    assert abs(at_half - fine) == pytest.approx(0.5 * abs(at_one - fine), rel=0.2)


def test_heavier_plates_answer_later():
    light, heavy = (Exchanger(69e3, 9.5, 31.9, plate_capacity=capacity) for capacity in (1e3, 600e3))
    for exchanger in (light, heavy):
        exchanger.settle(80.0, 9.5, 45.0, 31.9)
    for _ in range(5):
        _, quick = light.step(1.0, 110.0, 9.5, 45.0, 31.9)
        _, slow = heavy.step(1.0, 110.0, 9.5, 45.0, 31.9)
    assert quick > slow + 1.0
    for plate, hot, cold in zip(heavy.wall, heavy.hot, heavy.cold, strict=True):
        assert cold < plate < hot


def test_both_sides_stand_and_even_out():
    exchanger = Exchanger(69e3, 9.5, 31.9)
    exchanger.settle(110.0, 9.5, 45.0, 31.9)
    content = exchanger.stored_heat()
    widest = 110.0
    for _ in range(120):
        exchanger.step(30.0, 110.0, 0.0, 45.0, 0.0)
        spread = max(h - c for h, c in zip(exchanger.hot, exchanger.cold, strict=True))
        assert 0.0 <= spread < widest
        widest = spread
    assert widest < 0.1
    assert exchanger.heat == 0.0
    assert exchanger.stored_heat() == pytest.approx(content, rel=1e-12)


def test_scale_grows_until_it_is_washed_off():
    exchanger = Exchanger(69e3, 9.5, 31.9)
    clean = exchanger.steady_heat(110.0, 9.5, 45.0, 31.9)
    exchanger.break_down("scaling", 0.02)
    for _ in range(240):
        exchanger.step(3600.0, 110.0, 9.5, 45.0, 31.9)
    assert exchanger.fouling == pytest.approx(0.2)
    assert exchanger.conductance(9.5, 31.9) == pytest.approx(69e3 / 1.2)
    assert 0.9 * clean < exchanger.heat < 0.98 * clean
    settled = exchanger.fouling
    exchanger.settle(110.0, 9.5, 45.0, 31.9)
    assert exchanger.fouling == settled
    exchanger.repair()
    exchanger.step(3600.0, 110.0, 9.5, 45.0, 31.9)
    assert exchanger.conductance(9.5, 31.9) == pytest.approx(69e3)


def test_scale_stops_at_its_limit():
    exchanger = Exchanger(69e3, 9.5, 31.9, fouling_rate=1e-6, fouling_limit=0.3)
    exchanger.step(1e6, 110.0, 9.5, 45.0, 31.9)
    assert exchanger.fouling == 0.3
    exchanger.fouling = 0.5
    exchanger.step(1e6, 110.0, 9.5, 45.0, 31.9)
    assert exchanger.fouling == 0.5


def test_oversized_exchanger():
    needed, large = Exchanger(69e3, 9.5, 31.9), Exchanger(69e3, 9.5, 31.9, oversizing=1.6)
    assert large.conductance(5.0, 20.0) == pytest.approx(1.6 * needed.conductance(5.0, 20.0))
    assert large.stored_heat() == pytest.approx(1.6 * needed.stored_heat())
    out1, out2 = large.settle(110.0, 24.0, 47.0, 31.9)
    assert out2 > needed.settle(110.0, 24.0, 47.0, 31.9)[1] + 5.0
    assert 24.0 * large.cp1 * (110.0 - out1) == pytest.approx(31.9 * large.cp2 * (out2 - 47.0), rel=1e-9)
    large.break_down("fouling", 0.5)
    assert large.conductance(9.5, 31.9) == pytest.approx(1.6 * 69e3 / 1.5)


flows = st.one_of(st.just(0.0), st.floats(1e-9, 200.0))
temperatures = st.floats(0.0, 150.0)


@settings(max_examples=150, deadline=None)
@given(temperatures, flows, temperatures, flows, st.floats(0.0, 2.0), st.floats(0.5, 2.0))
def test_steady_heat_never_runs_uphill_nor_beyond_the_other_inlet(
    inlet1, flow1, inlet2, flow2, fouling, oversizing
):
    exchanger = Exchanger(69e3, 9.5, 31.9, oversizing=oversizing)
    exchanger.fouling = fouling
    heat = exchanger.steady_heat(inlet1, flow1, inlet2, flow2)
    assert heat * (inlet1 - inlet2) >= 0.0
    low, high = min(inlet1, inlet2) - 1e-9, max(inlet1, inlet2) + 1e-9
    if flow1 > 0.0 and flow2 > 0.0:
        assert low <= inlet1 - heat / (flow1 * exchanger.cp1) <= high
        assert low <= inlet2 + heat / (flow2 * exchanger.cp2) <= high
    out1, out2 = exchanger.settle(inlet1, flow1, inlet2, flow2)
    if flow1 > 1e-3 and flow2 > 1e-3:
        # Dynamic chain: each water lies between the inlets, and the heat has the sign of the difference.
        assert low - 1e-6 <= min(out1, out2) <= max(out1, out2) <= high + 1e-6
        assert exchanger.heat * (inlet1 - inlet2) >= -1e-3


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.01, 600.0), temperatures, flows, temperatures, flows), min_size=1, max_size=8
    )
)
def test_outlets_stay_in_range_and_no_heat_is_lost(steps):
    exchanger = Exchanger(69e3, 9.5, 31.9, temperature=20.0)
    for dt, inlet1, flow1, inlet2, flow2 in steps:
        known = [inlet1, inlet2, *exchanger.hot, *exchanger.wall, *exchanger.cold]
        before = exchanger.stored_heat()
        out1, out2 = exchanger.step(dt, inlet1, flow1, inlet2, flow2)
        for value in (out1, out2, *exchanger.hot, *exchanger.wall, *exchanger.cold):
            assert min(known) - 1e-6 <= value <= max(known) + 1e-6
        came = flow1 * exchanger.cp1 * (inlet1 - out1) + flow2 * exchanger.cp2 * (inlet2 - out2)
        scale = 1e6 + dt * (flow1 + flow2) * 4200.0 * 150.0
        assert abs(exchanger.stored_heat() - before - dt * came) <= 1e-9 * scale
