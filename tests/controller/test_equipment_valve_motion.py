"""A valve that does not go where it is told: stuck, reversed; none that is only slow, called back or shown
wrongly."""

from __future__ import annotations

import math

import pytest
from equipment_desk import Desk, codes

from controller.equipment.valve_motion import ValveMotion, ValveShut


def test_a_stuck_stem_is_told_within_two_minutes_of_being_asked() -> None:
    desk = Desk(lambda hour: {"low.valve_position": 50.0})
    watcher = ValveMotion(desk.image, "low", desk.valve, 120.0)
    desk.valve.put(50.0, desk.now)
    desk.run(watcher, 2.0, sample=10.0)
    assert codes(watcher) == set()
    desk.valve.put(53.0, desk.now)
    assert desk.until(watcher, "valve_stuck", 1.0, sample=10.0) <= 1 / 30


def test_a_slow_valve_is_not_stuck() -> None:
    desk = Desk(lambda hour: {"low.valve_position": 20.0 + 2.0 * (hour * 60.0 % 30.0)})
    watcher = ValveMotion(desk.image, "low", desk.valve, 120.0)
    desk.valve.put(90.0, desk.now)
    assert desk.until(watcher, "valve_stuck", 1.0, sample=10.0) == math.inf


def driven(way: float) -> Desk:
    """A valve of 120 s stroke that follows its command (`way` 1) or runs away from it (-1)."""
    stem = [40.0]

    def world(hour: float) -> dict[str, float]:
        left = desk.valve.value - stem[0]
        stem[0] = min(max(stem[0] + way * math.copysign(min(abs(left), 10 / 1.2), left), 0.0), 100.0)
        return {"low.valve_position": stem[0]}

    desk = Desk(world)
    desk.valve.put(40.0, desk.now)
    return desk


def test_a_motor_that_runs_the_wrong_way_is_told_at_once() -> None:
    desk = driven(-1.0)
    watcher = ValveMotion(desk.image, "low", desk.valve, 120.0)
    desk.run(watcher, 1.0, sample=10.0)
    assert codes(watcher) == set()
    desk.valve.put(60.0, desk.now)
    assert desk.until(watcher, "valve_reversed", 1.0, sample=10.0) <= 1 / 60
    desk.run(watcher, 0.5, sample=10.0)
    assert codes(watcher) == {"valve_reversed"}


@pytest.mark.parametrize("seconds", [10, 30, 60, 90, 300])
def test_a_command_that_turns_to_and_fro_is_no_reversed_motor(seconds: int) -> None:
    desk = driven(1.0)
    watcher = ValveMotion(desk.image, "low", desk.valve, 120.0)
    for _ in range(30):
        for command in (80.0, 20.0):
            desk.valve.put(command, desk.now)
            desk.run(watcher, seconds / 3600.0, sample=10.0)
            assert codes(watcher) == set()


def test_a_command_that_turns_while_nobody_looks_is_no_reversed_motor() -> None:
    """The valve was still on its way up when the command came down."""
    desk = Desk(lambda hour: {})
    watcher = ValveMotion(desk.image, "low", desk.valve, 120.0)
    for command, position in ((90.0, 80.0), (90.0, 84.0), (80.0, 89.0), (80.0, 85.0), (90.0, 81.0)):
        desk.now += 10.0
        desk.valve.put(command, desk.now)
        desk.put({"low.valve_position": position})
        watcher.step(desk.now, True)
        assert codes(watcher) == set()


def test_a_feedback_that_is_off_and_follows_is_no_reversed_motor() -> None:
    """It shows 4 % less than there is, and comes down with its command."""
    desk = Desk(lambda hour: {})
    watcher = ValveMotion(desk.image, "low", desk.valve, 120.0)
    for command in (80.0, 86.0, 84.0, 81.0, 78.0, 74.0, 79.0, 75.0):
        desk.now += 10.0
        desk.valve.put(command, desk.now)
        desk.put({"low.valve_position": command - 4.0})
        watcher.step(desk.now, True)
        assert "valve_reversed" not in codes(watcher)


@pytest.mark.parametrize(("spread", "told"), [(5.5, True), (0.4, False)])
def test_a_shut_valve_that_heats_is_told_without_feedback(spread: float, told: bool) -> None:
    """Water that stood in the exchanger is warm for some minutes, and is no sign."""
    desk = Desk(lambda hour: {"low.supply_temperature": 31.0 + spread, "low.return_temperature": 31.0})
    watcher = ValveShut(desk.image, "low", desk.valve, 150.0)
    desk.valve.put(30.0, desk.now)
    desk.run(watcher, 3.0, sample=10.0)
    assert codes(watcher) == set()
    desk.valve.put(0.0, desk.now)
    desk.run(watcher, 0.2, sample=10.0)
    assert codes(watcher) == set()
    desk.run(watcher, 0.1, sample=10.0)
    assert codes(watcher) == ({"valve_not_shut"} if told else set())
    desk.valve.put(10.0, desk.now)
    desk.run(watcher, 0.1, sample=10.0)
    assert codes(watcher) == set()


def test_without_circulation_warm_water_says_nothing_of_a_shut_valve() -> None:
    desk = Desk(lambda hour: {"low.supply_temperature": 60.0, "low.return_temperature": 31.0})
    watcher = ValveShut(desk.image, "low", desk.valve, 150.0)
    desk.valve.put(0.0, desk.now)
    desk.put({"low.circulation": 0.0})
    desk.run(watcher, 3.0, sample=10.0)
    assert codes(watcher) == set()
