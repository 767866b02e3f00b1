"""An analog module that answers with what it measured once: none of its values counts."""

from __future__ import annotations

import math

import pytest

from controller.channels import InputChannel, Key
from controller.points import Image, Point, Quality
from controller.safety.witnesses.repeating import LOOK_S, MOVES_S, REPEATS_S, repeating_modules
from drivers.readings import Fault, Reading

NAMES = ("low.supply_pressure", "low.return_pressure", "low.makeup_pressure", "station.tank_level")


def channels(names: tuple[str, ...] = NAMES, analog: bool = True) -> list[InputChannel]:
    span = ((4.0, 20.0), (0.0, 1000.0)) if analog else (None, None)
    return [
        InputChannel(
            name, "pressure", ("analog", f"channel_{number}"), -1e3, 1e4, 1e3, 10.0, span[0], span[1]
        )
        for number, name in enumerate(names)
    ]


class Desk:
    def __init__(self) -> None:
        self.image = Image()
        self.channels = channels()
        self.points = [self.image.add(Point(name, "pressure")) for name in NAMES]
        self.pump = self.image.add(Point("low.pump_1_running", "flag"))
        (self.module,) = repeating_modules(self.channels, self.image)
        self.raw = [8.0, 9.0, 10.0, 11.0]
        self.fault = Fault.NONE
        self.runs = 1.0
        self.now = 0.0

    def run(self, seconds: float, *, moves: int | None = None) -> None:
        for _ in range(round(seconds / LOOK_S)):
            self.now += LOOK_S
            if moves is not None:
                self.raw[moves] += 0.01
            self.pump.put(self.runs, self.now)
            readings: dict[Key, Reading] = {}
            for channel, point, raw in zip(self.channels, self.points, self.raw, strict=True):
                point.put(channel.value(raw), self.now)
                value = math.nan if self.fault else raw
                readings[channel.source] = Reading(value, self.now, self.fault)
            self.module.step(readings, self.now)


def test_it_is_left_out_after_two_hours_and_comes_back_once_it_has_moved_for_a_minute() -> None:
    desk = Desk()
    desk.run(REPEATS_S)
    assert not desk.module.repeats
    desk.run(2 * LOOK_S)
    assert desk.module.repeats
    assert {(point.quality, point.reason) for point in desk.points} == {(Quality.BAD, "repeats")}
    desk.runs = 0.0  # a pump that stops proves nothing
    desk.run(600)
    assert desk.module.repeats
    desk.run(MOVES_S, moves=1)
    assert desk.module.repeats
    desk.run(LOOK_S, moves=1)
    assert not desk.module.repeats
    assert all(point.usable for point in desk.points)


@pytest.mark.parametrize("number", range(4))
def test_one_channel_that_moves_acquits_the_module(number: int) -> None:
    desk = Desk()
    for _ in range(4):
        desk.run(REPEATS_S / 2)
        desk.run(LOOK_S, moves=number)
    assert not desk.module.repeats


def test_nothing_need_move_while_the_pumps_stand() -> None:
    desk = Desk()
    desk.runs = 0.0
    desk.run(2 * REPEATS_S)
    assert not desk.module.repeats


def test_a_module_that_cannot_be_read_does_not_repeat() -> None:
    desk = Desk()
    desk.fault = Fault.NO_REPLY
    desk.run(2 * REPEATS_S)
    assert not desk.module.repeats


def test_few_transmitters_or_other_inputs_are_not_judged() -> None:
    desk = Desk()
    assert repeating_modules(channels(NAMES[:3]), desk.image) == []
    assert repeating_modules(channels(analog=False), desk.image) == []
    assert repeating_modules([], desk.image) == []
