"""The watch as a whole: in the station, through a restart, with bad input; and what it learns with."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from equipment_desk import Desk as Bench
from equipment_desk import Plant
from hypothesis import given
from hypothesis import strategies as st

from controller.equipment.learning import HourlyMeans, TwoTermFit, Usual, Verdict
from controller.equipment.watcher import PERIOD_S
from controller.equipment.water import density, heat_capacity
from controller.points import Output, Quality

anything = st.floats(allow_nan=True, allow_infinity=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)

# ---- what it learns with


def test_an_hour_with_too_few_good_samples_does_not_count() -> None:
    hour = HourlyMeans(1)
    for second in range(0, 3600, 10):
        assert hour.take(float(second), (5.0,) if second < 1700 else None) is None
    assert hour.take(3600.0, (5.0,)) is None
    for second in range(3610, 7200, 10):
        hour.take(float(second), (7.0,))
    assert hour.take(7200.0, None) == pytest.approx([(5.0 + 359 * 7.0) / 360])


def test_usual_is_mean_and_deviation() -> None:
    usual = Usual(4)
    for value in (1.0, 2.0, math.nan, 3.0, 4.0):
        assert not usual.ready
        usual.learn(value)
    assert usual.ready
    assert usual.mean == pytest.approx(2.5)
    assert usual.deviation == pytest.approx(math.sqrt(5 / 3))


def test_the_fit_finds_both_terms_and_leans_where_it_cannot() -> None:
    spread, alike = TwoTermFit(10, 0.5), TwoTermFit(10, 0.7)
    for step in range(200):
        u = 1.0 + 0.5 * math.sin(step)
        spread.learn(u, 1.0 / (2.0 * u + 3.0), u, 1.0)
        alike.learn(1.0, 1.0 / 5.0, 1.0, 1.0)
    assert spread.factors() == pytest.approx((2.0, 3.0), rel=0.02)
    assert spread.result(4.0, 1.0) == pytest.approx(1.0 / 11.0, rel=0.02)
    assert alike.factors() == pytest.approx((3.5, 1.5), rel=1e-6)
    assert (spread.low, spread.high) == pytest.approx((0.5, 1.5), abs=0.01)


@given(st.lists(st.tuples(anything, anything, anything, anything), max_size=20))
def test_the_fit_never_learns_what_is_no_number(rows: list[tuple[float, float, float, float]]) -> None:
    fit = TwoTermFit(1, 0.5)
    fit.learn(1.0, 0.2, 1.0, 1.0)
    for row in rows:
        if max(abs(value) if math.isfinite(value) else 0.0 for value in row) < 1e6:
            fit.learn(*row)
    assert all(math.isfinite(value) for value in fit.factors())
    assert min(fit.factors()) >= 0.0


@given(st.lists(anything, max_size=60))
def test_the_verdict_stays_bounded_and_recovers(deviations: list[float]) -> None:
    verdict = Verdict(5.0, 12.0)
    for deviation in deviations:
        verdict.take(deviation)
    assert abs(verdict.mean) <= 15.0
    for _ in range(48):
        verdict.take(0.0)
    assert not verdict.found
    assert not verdict.suspect


def test_one_wild_hour_decides_nothing() -> None:
    verdict = Verdict(5.0, 12.0)
    verdict.take(1e9)
    assert verdict.suspect
    assert not verdict.found


def test_a_restless_station_gets_a_wider_threshold() -> None:
    verdict = Verdict(5.0, 12.0)
    for _ in range(200):
        verdict.take(7.0, usual_deviation=2.0)
    assert not verdict.found
    for _ in range(200):
        verdict.take(9.0, usual_deviation=2.0)
    assert verdict.found


@pytest.mark.parametrize(
    ("temperature", "kg", "kj"),
    [(60.0, 983.384, 4.18188), (110.0, 951.652, 4.22686), (45.0, 990.353, 4.17806), (20.0, 998.205, 4.1848)],
)
def test_water(temperature: float, kg: float, kj: float) -> None:
    assert density(temperature) == pytest.approx(kg, rel=5e-4)
    assert heat_capacity(temperature) == pytest.approx(kj, rel=1e-3)


# ---- in the station


def values(station: Any, hour: float) -> None:
    """The world of the bench on the points of a station."""
    for name, value in Plant()(hour).items():
        if name in station.image.points and not isinstance(station.image[name], Output):
            station.image[name].put(value, 3600.0 * hour)
    station.image["low.circulation"].put(1.0, 3600.0 * hour)
    station.image["low.differential_pressure"].value += 0.1 * math.sin(90.0 * hour)


def test_every_row_only_tells(make_desk: Any) -> None:
    rules = list(make_desk().station.equipment.rules())
    assert {rule.code for rule in rules} >= {"exchanger_fouled", "valve_leaks", "pump_worn", "leak_begins"}
    assert all(rule.act is None and rule.priority for rule in rules)
    assert len({(rule.code, rule.subject) for rule in rules}) == len(rules)


def test_each_watcher_looks_every_ten_seconds_and_not_all_at_once(make_desk: Any) -> None:
    equipment = make_desk().station.equipment
    looks: list[tuple[float, str]] = []
    for name, watcher in equipment.watchers.items():
        watcher.step = lambda now, may_learn, name=name: looks.append((now, name))
    for second in range(200):
        equipment.step(float(second))
    times = {name: [now for now, looked in looks if looked == name] for name in equipment.watchers}
    for seen in times.values():
        assert len(seen) >= 18
        assert all(b - a >= PERIOD_S for a, b in pairwise(seen))
    scans = [sum(now == second for now, _ in looks) for second in range(200)]
    assert max(scans) <= 2 + len(times) // PERIOD_S


def test_a_watcher_that_throws_stops_neither_the_scan_nor_the_others(make_desk: Any) -> None:
    desk = make_desk()
    equipment = desk.station.equipment

    def throw(now: float, may_learn: bool) -> None:
        raise ZeroDivisionError

    equipment.watchers["low.fouling"].step = throw
    looked: list[float] = []
    equipment.watchers["low.leak"].step = lambda now, may_learn: looked.append(now)
    desk.run(60)
    assert ("watch_broken", "station") in desk.alarms()
    assert len(looked) >= 5
    assert desk["low.pump_1_run"].on


def test_its_points_explain_themselves(make_desk: Any) -> None:
    desk = make_desk()
    for name in ("low.exchanger_fouling", "low.valve_leak", "low.pump_1_wear", "low.makeup_mean"):
        assert "still_learning" in desk.reason(name)


def test_what_was_learned_survives_a_restart(make_desk: Any) -> None:
    station = make_desk().station
    for step in range(36 * 30):
        hour = step / 36.0
        values(station, hour)
        station.equipment.step(3600.0 * hour)
    state = json.loads(json.dumps(station.state(), allow_nan=False))
    assert state["equipment"]["low.fouling"]["clean"][0] > 20
    other = make_desk().station
    other.restore(state)
    assert other.equipment.state() == state["equipment"]


@given(JSON)
def test_no_remembered_state_breaks_it(junk: Any) -> None:
    bench = Bench(Plant())
    for watcher in _watchers(bench):
        for key in watcher.state():
            watcher.restore({key: junk})
        json.dumps(watcher.state(), allow_nan=False)


def _watchers(bench: Bench) -> list[Any]:
    from equipment_desk import SHAPE

    from controller.equipment.equipment import Equipment, WatchedCircuit

    circuit = WatchedCircuit("low", bench.valve, SHAPE, 120.0, 2)
    return list(Equipment(bench.image, [circuit], ["low.supply_temperature"]).watchers.values())


@given(st.integers(0, 2**19 - 1), st.lists(anything, min_size=19, max_size=19))
def test_bad_points_never_tell_nor_teach(broken: int, odd: list[float]) -> None:
    """Points that cannot be used, whatever number stands in them, leave no trace."""
    bench = Bench(Plant())
    watchers = _watchers(bench)
    names = [name for name in bench.image.points if bench.image[name].role == "measured"]
    for _ in range(80):
        bench.now += 100.0
        bench.put(bench.world(bench.now / 3600.0))
        for index, (name, value) in enumerate(zip(names, odd, strict=False)):
            if broken >> index & 1:
                bench.image[name].mark(value, Quality.BAD, "open_circuit", bench.now)
        for watcher in watchers:
            watcher.step(bench.now, True)
    for watcher in watchers:
        json.dumps(watcher.state(), allow_nan=False)
        assert not any(rule.when() for rule in watcher.rules())


def test_two_circuits_watch_their_secondary_sides_and_the_meter_that_they_share() -> None:
    from equipment_desk import SHAPE

    from controller.equipment.equipment import Equipment, WatchedCircuit

    bench = Bench(Plant())
    high = bench.image.add(Output("high.valve_command", "percent", 0, 100, failsafe=None))
    circuits = [
        WatchedCircuit("low", bench.valve, SHAPE, 120.0, 2),
        WatchedCircuit("high", high, SHAPE, 120.0, 1),
    ]
    names = set(Equipment(bench.image, circuits, []).watchers)
    assert {"low.loop", "low.pump_1", "low.leak", "low.valve_motion"} <= names
    assert {"station.primary_balance", "station.primary_flow_stuck"} <= names  # of the water of both
    assert not names & {"low.fouling", "low.valve_flow", "low.secondary_balance", "high.loop"}
