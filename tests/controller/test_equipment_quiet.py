"""What may stand by nature, and a counter that must not: told by what was usual here, and nobody accused."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from controller.equipment.counter import LEAST_S, UNKNOWN_GJ, CounterStuck
from controller.equipment.frozen import QUIET_S, FrozenSensors, MeterStuck
from controller.equipment.watcher import PERIOD_S
from controller.points import Image, Output, Point, Quality

ROOM = "low.room_temperature_1"
WEEK_H = 7 * 24
SAMPLE_S = 60.0
"""Of a watcher; the hours of a week pass six times as fast as with its own."""


class Room:
    """A room's sensor in steps of 0.1 K; a pump runs."""

    def __init__(self) -> None:
        image = Image()
        self.point = image.add(Point(ROOM, "temperature"))
        self.pump = image.add(Point("low.pump_1_running", "flag"))
        self.pump.put(1.0, 0.0)
        self.watcher = FrozenSensors([], [self.pump], [self.point])
        self.random = random.Random(1)
        self.now = 0.0
        self.hung = False

    def run(self, hours: float, noise: float = 0.05, true: Callable[[float], float] = lambda _: 20.0) -> None:
        for _ in range(round(hours * 3600 / PERIOD_S)):
            self.now += PERIOD_S
            value = round(true(self.now / 3600.0) + self.random.gauss(0.0, noise), 1)
            self.point.put(self.point.value if self.hung else value, self.now)
            self.watcher.step(self.now, True)

    def told_within(self, hours: float) -> float:
        """Hours until it is told, infinite when it is not."""
        begin = self.now
        while self.now - begin < hours * 3600:
            self.run(0.25)
            if ROOM in self.watcher.frozen:
                return (self.now - begin) / 3600
        return math.inf


def test_a_room_that_flickers_is_told_when_it_stands_for_half_a_day() -> None:
    room = Room()
    room.run(WEEK_H + 1)
    room.hung = True
    assert room.told_within(13) == pytest.approx(QUIET_S / 3600, abs=0.3)
    assert not room.watcher.suspect, "nobody learns by a room"
    room.hung = False
    room.run(0.1)
    assert room.watcher.frozen == set()


def test_before_a_week_is_known_a_room_may_stand() -> None:
    room = Room()
    room.run(WEEK_H - 24)
    room.hung = True
    assert room.told_within(23) == math.inf


def test_a_room_that_is_quiet_by_nature_is_accused_of_nothing() -> None:
    """Hours between two digits every night: half a day and more of them are no wonder."""

    def warm(hour: float) -> float:
        return 20.0 + 0.3 * max(math.sin(2 * math.pi * hour / 24), 0.0)

    room = Room()
    room.run(2 * WEEK_H, 0.002, warm)
    room.hung = True
    assert room.told_within(60) == math.inf
    assert room.told_within(30) < 30, "six times the longest night"


def test_water_that_stands_since_the_pump_does_is_no_sign() -> None:
    room = Room()
    room.run(WEEK_H + 1)
    room.hung = True
    room.pump.put(0.0, room.now)
    assert room.told_within(24) == math.inf


def test_what_a_week_has_shown_outlives_a_restart() -> None:
    room, again = Room(), Room()
    room.run(WEEK_H + 1)
    again.watcher.restore(json.loads(json.dumps(room.watcher.state(), allow_nan=False)))
    again.run(1)
    again.hung = True
    assert again.told_within(13) < 13


# ---- counter


class Meter:
    """Power in kW by the hour; the counter shows whole `step`s of GJ, looked at every `every` seconds."""

    def __init__(self, power: Callable[[float], float], step: float = 0.001, every: float = 60.0) -> None:
        self.image = Image()
        self.counter = self.image.add(Point("station.heat_energy", "heat"))
        self.power = self.image.add(Point("station.heat_power", "power"))
        self.watcher = CounterStuck(self.image)
        self.world, self.step, self.every = power, step, every
        self.true = 120.0
        self.now = self.shown_at = 0.0
        self.hangs = self.false = False

    def run(self, hours: float, sample: float = SAMPLE_S) -> None:
        for _ in range(round(hours * 3600 / sample)):
            self.now += sample
            power = self.world(self.now / 3600)
            self.true += power * sample * 1e-6
            self.power.put(power, self.now)
            if not self.hangs and self.now - self.shown_at >= self.every:
                self.shown_at = self.now
                self.counter.put(self.true // self.step * self.step, self.now)
            self.watcher.step(self.now, True)
            self.false = self.false or self.watcher.found

    def until_told(self, within_h: float) -> float:
        begin = self.now
        while self.now - begin < 3600 * within_h:
            self.run(SAMPLE_S / 3600)
            if self.watcher.found:
                return (self.now - begin) / 3600
        return math.inf


def swinging(hour: float) -> float:
    """A load between a tenth and the whole."""
    return 1100.0 + 900.0 * math.sin(2 * math.pi * hour / 24)


def test_a_counter_that_stands_while_heat_flows_is_told_within_the_hour() -> None:
    meter = Meter(lambda _: 1500.0)
    meter.run(24)
    meter.hangs = True
    assert meter.until_told(2) == pytest.approx(LEAST_S / 3600, abs=0.05)
    assert [rule.subject for rule in meter.watcher.rules() if rule.when()] == ["station.heat_energy"]
    meter.hangs = False
    meter.run(0.1)
    assert not meter.watcher.found


@pytest.mark.parametrize(("step", "every"), [(0.001, 60.0), (3.6, 60.0), (0.001, 3600.0), (1.0, 900.0)])
def test_coarse_and_rare_steps_are_no_standing_and_one_that_stands_is_told(step: float, every: float) -> None:
    meter = Meter(swinging, step, every)
    meter.run(24 * 14)
    assert not meter.false
    meter.hangs = True
    assert meter.until_told(24) < 13


def test_no_heat_moves_no_counter() -> None:
    meter = Meter(lambda hour: 800.0 if hour < 24 else 0.0)
    meter.run(24 * 10)
    assert not meter.false


def test_a_counter_that_was_never_seen_to_move_is_given_ten_megawatt_hours() -> None:
    meter = Meter(lambda _: 1000.0)
    meter.run(0.1)
    fresh = CounterStuck(meter.image)
    meter.watcher, meter.hangs = fresh, True
    assert meter.until_told(24) == pytest.approx(UNKNOWN_GJ / 3.6, abs=0.1)


def test_an_exchanged_meter_and_one_that_does_not_answer_are_no_standing_counter() -> None:
    meter = Meter(swinging)
    meter.run(24)
    meter.true = 0.0
    meter.run(24)
    meter.counter.mark(math.nan, Quality.BAD, "no_reply", meter.now)
    meter.hangs = True
    meter.run(24)
    meter.hangs = False
    meter.run(24)
    assert not meter.false


def test_power_that_itself_stands_is_told_by_another() -> None:
    meter = Meter(lambda hour: 1500.0 if hour < 24 else 300.0)
    names = ("station.primary_supply_temperature", "low.supply_temperature", "low.valve_position")
    for name in names:
        meter.image.add(Point(name, "temperature" if "temperature" in name else "percent"))
    valve = meter.image.add(Output("low.valve_command", "percent", 0, 100, failsafe=None))
    power = MeterStuck(meter.image, "station.heat_power", {"low": valve})
    meter.watcher.trusts = (power,)
    step: Callable[..., Any] = meter.watcher.step

    def both(now: float, may_learn: bool) -> None:
        power.step(now, may_learn)
        step(now, may_learn)

    meter.watcher.step = both  # type: ignore[method-assign]
    meter.run(24)
    meter.hangs = True
    meter.run(24)
    assert power.suspect
    assert not meter.false


def test_the_usual_step_outlives_a_restart_and_no_odd_state_breaks_it() -> None:
    meter = Meter(lambda _: 1500.0, 3.6)
    meter.run(24)
    state = json.loads(json.dumps(meter.watcher.state(), allow_nan=False))
    again = CounterStuck(meter.image)
    again.restore(state)
    meter.watcher, meter.hangs = again, True
    assert meter.until_told(5) == pytest.approx(3 * 3.6 / (1500 * 3.6e-3), abs=0.5)
    for odd in ({"usual": "x"}, {"usual": [-1.0]}, {"usual": [math.nan]}, {"usual": []}):
        CounterStuck(meter.image).restore(odd)
