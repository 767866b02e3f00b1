"""A hung sensor told within the hour, and no quiet one accused: constant weather, standing water, summer."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable

import pytest

from controller.equipment.frozen import FROZEN_S, FrozenSensors
from controller.equipment.stillness import EARLY_S, LEAST_HOURS, Stillness
from controller.equipment.watcher import PERIOD_S
from controller.points import Image, Point

NAMES = ("low.supply_pressure", "low.return_pressure", "low.differential_pressure")
COUNT = 0.25
"""kPa a count of a 12-bit transmitter of 1 MPa."""


class Bench:
    """Three pressures of a circuit with noise of `noise` counts; the pump runs."""

    def __init__(self, noise: float = 0.7, seed: int = 1) -> None:
        image = Image()
        self.points = [image.add(Point(name, "pressure")) for name in NAMES]
        self.pump = image.add(Point("low.pump_1_running", "flag"))
        self.pump.put(1.0, 0.0)
        self.watcher = FrozenSensors(self.points, [self.pump])
        self.noise = noise
        self.true = [350.1, 230.05, 120.2]
        self.hung: set[str] = set()
        self.random = random.Random(seed)
        self.now = 0.0
        self.told: dict[str, float] = {}
        self.early: set[str] = set()

    def run(self, hours: float, each: Callable[[], None] | None = None) -> None:
        """Samples of 10 s; `told` keeps when each was first told."""
        for _ in range(round(hours * 3600 / PERIOD_S)):
            self.now += PERIOD_S
            if each is not None:
                each()
            for point, true in zip(self.points, self.true, strict=True):
                value = COUNT * round(true / COUNT + self.random.gauss(0.0, self.noise))
                point.put(point.value if point.name in self.hung else value, self.now)
            self.watcher.step(self.now, True)
            for name in self.watcher.frozen:
                self.told.setdefault(name, self.now)
                if self.watcher._lasts[NAMES.index(name)] < FROZEN_S["pressure"]:
                    self.early.add(name)


def test_a_hung_sensor_is_told_within_the_hour_once_its_liveliness_is_known() -> None:
    bench = Bench()
    bench.run(25)
    begin = bench.now
    bench.hung = {NAMES[1]}
    bench.run(2)
    assert bench.told == {NAMES[1]: pytest.approx(begin + EARLY_S, abs=60)}
    bench.run(12)
    assert bench.watcher.frozen == {NAMES[1]}, "it does not become usual"
    bench.hung = set()
    bench.run(0.1)
    assert bench.watcher.frozen == set()


def test_before_it_is_known_only_the_long_time_counts() -> None:
    bench = Bench()
    bench.run(LEAST_HOURS - 2)
    begin = bench.now
    bench.hung = {NAMES[1]}
    bench.run(13)
    assert bench.told == {NAMES[1]: pytest.approx(begin + FROZEN_S["pressure"], abs=30)}


def test_a_module_of_which_nothing_moves_waits_for_the_long_time() -> None:
    """Perhaps nothing moves: there is no neighbour to tell."""
    bench = Bench()
    bench.run(25)
    bench.hung = set(NAMES)
    bench.run(11)
    assert bench.told == {}
    bench.run(1.1)
    assert set(bench.told) == set(NAMES)


@pytest.mark.parametrize("noise", [0.05, 0.15, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_constant_weather_accuses_nobody(noise: float, seed: int) -> None:
    """Values rest anywhere between two counts, and creep: the same noise flickers here and stands there."""
    bench = Bench(noise, seed)
    bench.true = [350.0 + bench.random.uniform(0, 1), 230.0 + bench.random.uniform(0, 1), 120.125]

    def creep() -> None:
        bench.true = [value + bench.random.gauss(0.0, 0.003) for value in bench.true]

    bench.run(24 * 10, each=creep)
    assert bench.early == set()


@pytest.mark.parametrize("seed", range(6))
def test_lively_water_that_gets_quiet_while_its_pump_runs_accuses_nobody(seed: int) -> None:
    """A slower pump pulsates less: one value flickers between two counts, another stands inside one."""
    bench = Bench(0.8, seed)
    bench.run(30)
    bench.noise = 0.1
    bench.true = [350.0 + bench.random.choice([0.125, 0.0]), 230.0 + bench.random.choice([0.125, 0.0]), 120.0]
    bench.run(11)
    assert bench.early == set()


def test_a_pump_that_stops_makes_the_water_quiet_and_accuses_nobody() -> None:
    bench = Bench()
    bench.run(30)
    bench.pump.put(0.0, bench.now)
    bench.noise = 0.02
    bench.true = [350.125, 230.0, 120.0]  # one of them at the edge between two counts: it flickers on
    bench.run(11)
    assert bench.told == {}


def test_a_pump_that_has_just_started_is_given_its_time() -> None:
    bench = Bench()
    bench.run(30)
    bench.pump.put(0.0, bench.now)
    bench.hung = {NAMES[1]}
    bench.run(2)
    bench.pump.put(1.0, bench.now)
    bench.run(0.45)
    assert bench.told == {}
    bench.run(0.2)
    assert set(bench.told) == {NAMES[1]}


def test_what_was_learned_outlives_a_restart_and_no_odd_state_breaks_it() -> None:
    bench = Bench()
    bench.run(25)
    again = Bench()
    again.watcher.restore(json.loads(json.dumps(bench.watcher.state(), allow_nan=False)))
    again.run(0.5)
    begin = again.now
    again.hung = {NAMES[0]}
    again.run(1)
    assert again.told == {NAMES[0]: pytest.approx(begin + EARLY_S, abs=60)}
    for odd in ({}, {NAMES[0]: 3}, {NAMES[0]: [1, 2, 3]}, {NAMES[0]: [1.0, 1.0, 9.0, 0.0, 7.0]}):
        again.watcher.restore(odd)  # type: ignore[arg-type]
    usual = Stillness()
    usual.restore([-1.0] * 6)
    assert usual.early_s == math.inf
