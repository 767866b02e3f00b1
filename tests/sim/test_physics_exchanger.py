"""The exchanger against the table of effectiveness, `ht`, and its own promises about range and heat."""

from math import log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.exchanger import Exchanger, effectiveness, film_share

TABLE = [
    (0.5, 0.3, 0.374479),
    (1, 0.3, 0.591540),
    (1, 0.5, 0.564733),
    (2, 0.5, 0.774600),
    (3, 0.3, 0.911011),
    (3, 0.5, 0.874425),
    (4, 0.3, 0.956642),
    (5, 0.3, 0.978669),
    (3, 1, 0.75),
    (5, 1, 0.833333),
]


@pytest.mark.parametrize(("ntu", "ratio", "expected"), TABLE)
def test_effectiveness_table(ntu, ratio, expected):
    assert effectiveness(ntu, ratio) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("hot", "cold", "ua_per_mw"),
    [((110, 60), (45, 60), 34.399), ((110, 50), (40, 50), 35.835), ((95, 55), (45, 60), 50.110)],
)
def test_design_points(hot, cold, ua_per_mw):
    c1, c2 = 1e6 / (hot[0] - hot[1]), 1e6 / (cold[1] - cold[0])
    eps = effectiveness(ua_per_mw * 1e3 / c1, c1 / c2)
    assert eps * c1 * (hot[0] - cold[0]) == pytest.approx(1e6, rel=1e-4)
    at_hot, at_cold = hot[0] - cold[1], hot[1] - cold[0]
    assert 1e3 / ua_per_mw == pytest.approx((at_hot - at_cold) / log(at_hot / at_cold), rel=1e-4)


def test_steady_state_of_the_dynamic_model_is_the_formula():
    exchanger = Exchanger(120e3, 10.0, 33.0, cp1=4210.0, cp2=4180.0)
    for _ in range(600):
        out1, out2 = exchanger.step(1.0, 110.0, 10.0, 45.0, 33.0)
    assert exchanger.heat == pytest.approx(2_462_557, rel=1e-5)
    assert out1 == pytest.approx(51.5069, abs=1e-3)
    assert out2 == pytest.approx(62.8524, abs=1e-3)


def test_200_random_design_points_against_ht():
    ht = pytest.importorskip("ht")
    random = Random(1)
    for _ in range(200):
        m1, m2 = random.uniform(2, 30), random.uniform(5, 90)
        ua = random.uniform(0.3, 3.0) * min(m1, m2) * 4200
        inlet1, inlet2 = random.uniform(60, 130), random.uniform(20, 55)
        exchanger = Exchanger(ua, m1, m2, cp1=4210.0, cp2=4180.0)
        out1, out2 = exchanger.settle(inlet1, m1, inlet2, m2)
        witness = ht.effectiveness_NTU_method(
            mh=m1, mc=m2, Cph=4210.0, Cpc=4180.0, subtype="counterflow", Thi=inlet1, Tci=inlet2, UA=ua
        )
        assert exchanger.steady_heat(inlet1, m1, inlet2, m2) == pytest.approx(witness["Q"], rel=1e-6)
        assert exchanger.heat == pytest.approx(witness["Q"], rel=1e-3)
        assert m2 * 4180.0 * (out2 - inlet2) == pytest.approx(witness["Q"], rel=1e-3)
        assert out1 == pytest.approx(witness["Tho"], abs=0.05)


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
    for _ in range(600):
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


flows = st.one_of(st.just(0.0), st.floats(1e-9, 200.0))
temperatures = st.floats(0.0, 150.0)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.01, 600.0), temperatures, flows, temperatures, flows), min_size=1, max_size=8
    )
)
def test_outlets_stay_in_range_and_no_heat_is_lost(steps):
    exchanger = Exchanger(69e3, 9.5, 31.9, temperature=20.0)
    for dt, inlet1, flow1, inlet2, flow2 in steps:
        known = [inlet1, inlet2, *exchanger.hot, *exchanger.cold]
        before = exchanger.stored_heat()
        out1, out2 = exchanger.step(dt, inlet1, flow1, inlet2, flow2)
        for value in (out1, out2, *exchanger.hot, *exchanger.cold):
            assert min(known) - 1e-6 <= value <= max(known) + 1e-6
        came = flow1 * exchanger.cp1 * (inlet1 - out1) + flow2 * exchanger.cp2 * (inlet2 - out2)
        scale = 1e6 + dt * (flow1 + flow2) * 4200.0 * 150.0
        assert abs(exchanger.stored_heat() - before - dt * came) <= 1e-9 * scale
