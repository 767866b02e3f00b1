"""Constant primary flow on a valve of another shape than believed, with meters of all kinds."""

from __future__ import annotations

import math
from collections import deque
from random import Random

import pytest

from controller.control.blocks.loop.characteristic import Characteristic
from controller.control.blocks.loop.flow_control import ConstantFlowSettings, FlowControl
from controller.control.tick import Tick
from controller.points import Point, Quality

FLOW = 40.0


class Bench:
    """A valve with a stroke rate and a dead band, a flow, and a meter that averages over its interval."""

    def __init__(self, interval: float, *, rangeability: float = 30.0, authority: float = 0.3) -> None:
        self.control = FlowControl(
            ConstantFlowSettings(flow=FLOW),
            Characteristic("equal_percentage", 50.0, 0.5),
            Point("low.primary_flow", "flow"),
            None,
        )
        self.valve = Characteristic("equal_percentage", rangeability, authority)
        self.full = 90.0
        self.opening = self.asked = 50.0
        self.interval = interval
        self.now = 0.0
        self.flows: list[float] = []
        self.openings: list[float] = []
        self.meter_works = True
        self.cut_off = 0.0
        self.shown = self.flow
        self._window: deque[float] = deque(maxlen=max(round(interval), 1))
        self._random = Random(1)

    @property
    def flow(self) -> float:
        return self.full * self.valve.flow(self.opening) / 100

    def scan(self, *, leads: bool = True) -> None:
        self.now += 1.0
        self.opening += min(max(self.asked - self.opening, -0.8), 0.8)
        self._window.append(self.flow * (1 + self._random.gauss(0, 0.005)))
        point = self.control.flow
        assert point is not None
        if self.meter_works and self.now % max(self.interval, 1.0) < 1.0:
            self.shown = round(sum(self._window) / len(self._window), 2)
        if self.meter_works:
            point.put(self.shown if self.shown >= self.cut_off else 0.0, self.now)
        self.control.watch(Tick(self.now, 1.0, None), self.opening)
        if leads:
            # 30 K/h where 80 % of the stroke are 40 K: a sixtieth of a per cent in a scan.
            wanted = self.control.step(lambda now, then: min(1 / 60 / max(abs(then - now), 1 / 60), 1.0))
            if abs(wanted - self.asked) >= 1.0:
                self.asked = wanted
        self.flows.append(self.flow)
        self.openings.append(self.asked)

    def run(self, seconds: int, *, leads: bool = True) -> None:
        for _ in range(seconds):
            self.scan(leads=leads)


@pytest.mark.parametrize("interval", [1.0, 10.0, 60.0])
@pytest.mark.parametrize(("rangeability", "authority"), [(50.0, 0.5), (30.0, 0.2), (100.0, 0.9)])
def test_the_flow_comes_to_its_value_and_stays(
    interval: float, rangeability: float, authority: float
) -> None:
    """Also through another differential pressure that nobody measures: + 40 % of flow at the same opening."""
    bench = Bench(interval, rangeability=rangeability, authority=authority)
    bench.run(600, leads=False)
    bench.control.start(bench.opening)
    bench.run(3600)
    assert max(abs(flow - FLOW) for flow in bench.flows[-600:]) < 0.06 * FLOW
    bench.full *= 1.4
    bench.run(1200)
    assert max(abs(flow - FLOW) for flow in bench.flows[-300:]) < 0.06 * FLOW
    moves = sum(
        one != other for one, other in zip(bench.openings[-300:], bench.openings[-299:], strict=False)
    )
    assert moves <= 3, "it does not hunt"


def test_the_mode_begins_without_a_bump_and_without_knowing_anything() -> None:
    """Nothing is known of the valve: it sets out from where it stands, and what it then learns is no jump."""
    bench = Bench(10.0)
    bench.control.start(bench.opening)
    bench.run(60)
    assert abs(bench.asked - 50.0) < 2.5
    bench.run(1800)
    assert max(abs(flow - FLOW) for flow in bench.flows[-300:]) < 0.06 * FLOW


def test_from_a_shut_valve_it_opens_and_learns_on_the_way() -> None:
    bench = Bench(10.0)
    bench.opening = bench.asked = 0.0
    bench.control.start(0.0)
    bench.run(7200)
    assert max(bench.flows) < 1.15 * FLOW
    assert max(abs(flow - FLOW) for flow in bench.flows[-300:]) < 0.06 * FLOW


def test_a_meter_that_shows_a_constant_flow_as_constant_is_no_broken_one() -> None:
    bench = Bench(1.0)
    bench.run(600, leads=False)
    bench.control.start(bench.opening)
    bench.run(1800)
    value = round(bench.flow)
    point = bench.control.flow
    assert point is not None
    for _ in range(3600):
        bench.now += 1.0
        point.put(value, bench.now)
        bench.control.watch(Tick(bench.now, 1.0, None), bench.opening)
    assert bench.control.why == ""


def test_one_wrong_value_moves_nothing() -> None:
    bench = Bench(60.0)
    bench.run(600, leads=False)
    bench.control.start(bench.opening)
    bench.run(3600)
    before = bench.asked
    point = bench.control.flow
    assert point is not None
    bench.meter_works = False
    bench.run(58)
    point.put(3 * FLOW, bench.now + 1)
    bench.scan()
    bench.meter_works = True
    bench.run(300)
    assert max(abs(asked - before) for asked in bench.openings[-300:]) < 2.1


def test_below_its_cut_off_a_meter_may_show_nothing() -> None:
    """A vortex meter that shows 0 up to 6 m³/h: the valve opens past that, and is not held shut."""
    bench = Bench(1.0)
    bench.cut_off = 6.0
    bench.opening = bench.asked = 0.0
    bench.control.start(0.0)
    bench.run(7200)
    assert max(abs(flow - FLOW) for flow in bench.flows[-300:]) < 0.06 * FLOW


def test_a_meter_slower_than_asked_for_still_does_while_the_valve_is_slow() -> None:
    bench = Bench(90.0)
    bench.run(1200, leads=False)
    bench.control.start(bench.opening)
    for _ in range(3600):
        bench.scan()
        assert not bench.control.blind
    assert max(abs(flow - FLOW) for flow in bench.flows[-300:]) < 0.06 * FLOW


@pytest.mark.parametrize("fault", ["bad", "old"])
def test_a_lost_meter_holds_for_half_an_hour_and_comes_back_where_the_valve_stands(fault: str) -> None:
    bench = Bench(10.0)
    bench.run(600, leads=False)
    bench.control.start(bench.opening)
    bench.run(1800)
    bench.meter_works = False
    before = bench.asked
    point = bench.control.flow
    assert point is not None
    if fault == "bad":
        point.mark(math.nan, Quality.BAD, "open_circuit", bench.now)
    bench.run(1790)
    assert abs(bench.asked - before) < 1.01
    assert not bench.control.blind
    bench.run(800)
    assert bench.control.blind
    assert bench.control.explain_lost().code == "flow_meter_lost"
    bench.meter_works = True
    bench.run(30, leads=False)
    assert bench.control.blind, "not at once"
    bench.run(120, leads=False)
    assert not bench.control.blind
    bench.control.start(bench.opening)
    asked = bench.asked
    bench.scan()
    assert abs(bench.asked - asked) < 1.5


@pytest.mark.parametrize("odd", [None, "x", -1.0, True, 1e300, {}])
def test_an_odd_memory_is_no_knowledge(odd: object) -> None:
    bench = Bench(10.0)
    bench.control.restore({"full": odd, "first_pressure": odd, "lost": odd})
    bench.control.start(bench.opening)
    bench.run(9000)
    assert max(abs(flow - FLOW) for flow in bench.flows[-300:]) < 0.06 * FLOW
