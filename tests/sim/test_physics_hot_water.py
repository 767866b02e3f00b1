"""Hot water: balances at any flows, stratification, circulation loss, draw-off by the day."""

from math import exp, isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.draw_off import DrawOff
from sim.physics.exchanger import Exchanger
from sim.physics.hot_water import CP, HotWater, Storage


def hot_water(storage_mass=2000.0, circulation=0.3):
    """For 200 flats: 350 kW, 70/30 to 10/60 °C."""
    exchanger = Exchanger(350e3 / 14.4, 2.1, 1.7, cp2=CP, water_capacity=60e3, plate_capacity=30e3)
    storage = Storage(storage_mass, 8.0, 55.0) if storage_mass else None
    return HotWater(exchanger, storage, circulation, 300.0)


flows = st.floats(0.0, 3.0)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0.0, 300.0, 2000.0]),
    st.lists(st.tuples(flows, flows, flows, st.booleans(), st.floats(0.5, 60.0)), min_size=1, max_size=15),
)
def test_energy_balance_and_range(mass, steps):
    station = hot_water(mass)
    start, net, turnover = station.stored_heat(), 0.0, 1.0
    for primary, charge, draw, circulating, dt in steps:
        supply = station.step(dt, 70.0, primary, charge, draw, circulating)
        assert isfinite(supply)
        assert 9.9 < supply < 70.1
        net += dt * (station.heat - station.drawn_heat - station.loss)
        turnover += dt * (abs(station.heat) + abs(station.drawn_heat) + abs(station.loss))
    assert station.stored_heat() - start == pytest.approx(net, abs=1e-6 * turnover + 1e-3)


def test_storage_keeps_its_front_and_gives_its_water():
    storage = Storage(2000.0, 0.0, 60.0)
    tops = []
    for _ in range(2000):
        tops.append(storage.top())
        storage.step(1.0, 0.0, 60.0, 1.0, 10.0)
        assert all(upper >= lower for upper, lower in zip(storage.layers, storage.layers[1:], strict=False))
    useful = sum(top > 55.0 for top in tops)
    assert 1300 < useful < 1900  # of 2000 kg; the front takes the rest
    assert sum(tops) + sum(storage.layers) * storage.layer == pytest.approx(2000 * 60.0 + 2000 * 10.0)


def test_colder_charge_mixes_instead_of_lying_on_top():
    storage = Storage(1200.0, 0.0, 55.0)
    before = storage.stored_heat()
    storage.step(50.0, 1.0, 35.0, 0.0, 10.0)
    assert max(storage.layers) - min(storage.layers) == pytest.approx(0.0, abs=1e-9)
    assert storage.stored_heat() == pytest.approx(before + 50.0 * CP * (35.0 - 55.0))


def test_circulation_loses_by_its_length():
    station = hot_water(0.0)
    for _ in range(600):
        station.step(5.0, 70.0, 0.5, 0.0, 0.0)
    end = 15.0 + (station.supply - 15.0) * exp(-300.0 / (0.3 * CP))
    assert station.circulation_return == pytest.approx(end)
    assert station.loss == pytest.approx(0.3 * CP * (station.supply - end), rel=1e-3)
    assert station.heat == pytest.approx(station.loss, rel=1e-3)


def test_instantaneous_exchanger_serves_a_tap():
    station = hot_water(0.0, circulation=0.0)
    for _ in range(200):
        station.step(1.0, 70.0, 2.1, 0.0, 1.7)
    assert station.supply == pytest.approx(60.0, abs=2.0)
    assert station.drawn_heat == pytest.approx(station.heat, rel=1e-3)


def test_draw_off_meets_its_day_and_does_not_depend_on_the_step():
    draw = DrawOff("a", 200)
    day = sum(60.0 * draw.at(60.0 * minute) for minute in range(10 * 1440)) / 10.0
    assert day == pytest.approx(200 * 87.5, rel=0.05)
    other = DrawOff("a", 200)
    assert [other.at(7.0 * i) for i in range(2000)] == [draw.at(7.0 * i) for i in range(2000)]
    evening = sum(draw.mean(60.0 * m) for m in range(11 * 60, 13 * 60))  # 19 to 21 o'clock
    night = sum(draw.mean(60.0 * m) for m in range(17 * 60, 19 * 60))  # 1 to 3 o'clock
    assert evening > 8.0 * night
