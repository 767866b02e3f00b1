"""Three-point valve: relays, estimate and its doubt; primary pump."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.loop.primary_pump import PrimaryPump, PrimaryPumpSettings
from controller.control.blocks.loop.three_point import ThreePoint
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Quality

STROKE_S = 120.0


class Motor:
    """A valve that needs `closing` times as long to close; the block sees only its relays."""

    def __init__(self, at: float, closing: float = 1.0, feedback: bool = False) -> None:
        self.image = Image()
        self.at = at
        self.closing = closing
        self.measured = Point("low.valve_position", "percent") if feedback else None
        self.block = ThreePoint("low", STROKE_S, self.image, self.measured)
        self.command = Output("low.valve_command", "percent", 0, 100, failsafe=None)
        self.now = 0.0
        self.starts = 0

    def run(self, seconds: int, target: float) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.command.value = target
            if self.measured is not None:
                self.measured.put(self.at, self.now)
            self.block.step(Tick(self.now, 1.0, None), self.command)
            opens, closes = self.block.open, self.block.close
            assert opens.demand + closes.demand <= 1.0
            self.starts += (opens.demand or closes.demand) and not (opens.value >= 0.5 or closes.value >= 0.5)
            # The output stage hands the demand on; the motor runs until the next scan.
            opens.put(opens.demand, self.now)
            closes.put(closes.demand, self.now)
            way = opens.value - closes.value
            self.at += way * 100 / STROKE_S / (self.closing if way < 0 else 1.0)
            self.at = min(max(self.at, 0.0), 100.0)


def test_a_known_valve_goes_where_it_is_told() -> None:
    motor = Motor(40.0)
    motor.block.restore({"position": 40.0, "sigma": 1.0})
    motor.run(60, 60.0)
    assert motor.at == pytest.approx(60.0, abs=1.0)
    motor.run(60, 33.0)
    assert motor.at == pytest.approx(33.0, abs=1.5)


def test_an_unknown_valve_is_closed_until_it_is_surely_closed() -> None:
    motor = Motor(100.0)
    motor.run(300, 0.0)
    assert motor.at == 0.0
    assert motor.block.close.demand == 0.0
    assert motor.block.estimate.value == 0.0
    assert motor.block.doubt.value <= 2.0


def test_closed_means_closed_even_when_the_estimate_is_wrong() -> None:
    """The estimate says 20 %, the truth is 28 %, and the doubt knows of it."""
    motor = Motor(28.0)
    motor.block.restore({"position": 20.0, "sigma": 3.0})
    motor.run(120, 0.0)
    assert motor.at == 0.0


def test_an_end_stop_is_doubted_again_and_ever_more_seldom() -> None:
    """Somebody has turned the crank while the valve was surely open: 10 min later it is open again."""
    motor = Motor(60.0)
    motor.run(500, 100.0)
    assert motor.block.doubt.value <= 1.0
    motor.at = 40.0
    motor.run(900, 100.0)
    assert motor.at == 100.0
    motor.starts = 0
    motor.run(4 * 86400, 100.0)
    assert 5 <= motor.starts <= 11


def test_relays_that_somebody_else_switches_leave_nothing_sure() -> None:
    motor = Motor(60.0)
    motor.run(500, 100.0)
    motor.block.close.confirmed = False
    motor.run(10, 100.0)
    motor.at = 20.0
    assert motor.block.doubt.value == 100.0
    motor.block.close.confirmed = True
    motor.run(150, 100.0)
    assert motor.at == 100.0


def test_small_differences_do_not_start_the_motor() -> None:
    motor = Motor(40.0)
    motor.block.restore({"position": 40.0, "sigma": 1.0})
    for step in range(600):
        motor.run(1, 40.0 + 0.5 * (-1) ** step)
    assert motor.starts == 0


def test_the_first_pulse_out_of_the_seat_is_long() -> None:
    motor = Motor(0.0)
    motor.block.restore({"position": 0.0, "sigma": 0.5})
    highest = 0.0
    for _ in range(30):
        motor.run(1, 2.0)
        highest = max(highest, motor.at)
    assert highest >= 4.0
    assert motor.at == pytest.approx(2.0, abs=1.0)


@pytest.mark.parametrize("closing", [0.97, 1.0, 1.01, 1.03])
def test_the_doubt_covers_the_truth_of_a_busy_week(closing: float) -> None:
    """Eleven strokes a day, asymmetric; the target touches an end stop now and then."""
    motor = Motor(50.0, closing)
    motor.block.restore({"position": 50.0, "sigma": 1.0})
    rng = random.Random(7)
    inside = scans = 0
    target = 50.0
    for _ in range(7 * 24 * 12):
        target = min(max(target + rng.gauss(0, 6), -10.0), 95.0)
        for _ in range(5):
            motor.run(12, max(target, 0.0))
            inside += abs(motor.block.estimate.value - motor.at) <= motor.block.doubt.value
            scans += 1
    assert inside / scans >= 0.95


def test_a_feedback_is_believed_more_than_the_time() -> None:
    motor = Motor(40.0, closing=1.3, feedback=True)
    for target in (80.0, 20.0, 70.0, 30.0):
        motor.run(120, target)
        assert motor.at == pytest.approx(target, abs=1.5)
    assert motor.block.estimate.value == pytest.approx(motor.at, abs=1.0)


def test_what_the_heat_says_narrows_the_doubt_once_an_hour() -> None:
    motor = Motor(40.0)
    motor.block.restore({"position": 50.0, "sigma": 10.0})
    motor.run(1, 50.0)
    for _ in range(100):
        motor.block.witness(Tick(motor.now, 1.0, None), 40.0)
    assert 41.0 < motor.block.position < 45.0
    assert motor.block.sigma > 4.0


@given(
    st.lists(st.one_of(st.floats(0, 100), st.just(math.nan)), max_size=20),
    st.one_of(st.none(), st.floats(-5, 105)),
)
def test_any_command_is_one_relay_at_most(targets: list[float], remembered: float | None) -> None:
    motor = Motor(30.0)
    motor.block.restore({"position": remembered, "sigma": "?"})
    for target in targets:
        motor.run(5, target)
    motor.run(400, 0.0)
    assert motor.at == 0.0


# ---- primary pump


def pump(helps: bool, pressure: float | None = 300.0) -> tuple[PrimaryPump, Point]:
    image = Image()
    back = Point("station.primary_return_pressure", "pressure")
    if pressure is not None:
        back.put(pressure, 0.0)
    image.add(back)
    return PrimaryPump("low", PrimaryPumpSettings(pump="drive"), image, helps=helps), back


def command(value: float) -> Output:
    made = Output("low.primary_command", "percent", 0, 100, failsafe=None)
    made.value = value
    return made


def run(block: PrimaryPump, asked: float, seconds: int, begin: float = 0.0) -> None:
    for second in range(seconds):
        block.step(Tick(begin + second, 1.0, None), command(asked))


def test_a_distributed_pump_follows_the_share_and_stands_at_none() -> None:
    """Flow goes with speed: half the flow is half the speed."""
    block, _ = pump(helps=False)
    run(block, 50.0, 2)
    assert block.drive.run.demand == 1.0
    assert block.drive.speed.demand == pytest.approx(25.0)
    run(block, 0.0, 2)
    assert block.drive.run.demand == 0.0


def test_a_distributed_pump_takes_half_its_least_flow_for_a_rest_and_no_short_one() -> None:
    """15 of 50 Hz bring 30 % of the flow: on from there, off below 15 %, and a minute in between."""
    block, _ = pump(helps=False)
    run(block, 29.0, 5)
    assert block.drive.run.demand == 0.0
    run(block, 31.0, 5, 5.0)
    assert block.drive.run.demand == 1.0
    run(block, 16.0, 5, 10.0)
    assert (block.drive.run.demand, block.drive.speed.demand) == (1.0, 15.0)
    run(block, 14.0, 5, 15.0)
    assert block.drive.run.demand == 0.0
    run(block, 40.0, 50, 20.0)
    assert block.drive.run.demand == 0.0
    run(block, 40.0, 10, 70.0)
    assert block.drive.run.demand == 1.0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60))
def test_a_distributed_pump_stays_within_its_speeds_whatever_it_is_asked(asked: list[float]) -> None:
    block, _ = pump(helps=False)
    for step, share in enumerate(asked):
        run(block, share, 1, float(step))
        assert block.drive.run.demand in (0.0, 1.0)
        assert 15.0 <= block.drive.speed.demand <= 50.0


def test_a_low_return_pressure_slows_it_down_and_lets_it_come_back() -> None:
    block, back = pump(helps=False)
    run(block, 100.0, 5)
    back.put(120.0, 5.0)
    run(block, 100.0, 60, 5.0)
    assert block.drive.speed.demand == pytest.approx(15.0)
    back.put(300.0, 65.0)
    run(block, 100.0, 300, 65.0)
    assert block.drive.speed.demand == pytest.approx(50.0)


def test_a_lost_return_pressure_changes_nothing() -> None:
    block, back = pump(helps=False)
    run(block, 100.0, 5)
    back.mark(math.nan, Quality.BAD, "no_reply", 5.0)
    run(block, 100.0, 60, 5.0)
    assert block.drive.speed.demand == pytest.approx(50.0)


def test_a_helper_starts_when_the_valve_is_nearly_open_and_stops_when_it_is_not_needed() -> None:
    block, _ = pump(helps=True)
    run(block, 85.0, 600)
    assert block.drive.run.demand == 0.0
    run(block, 95.0, 300, 600.0)
    assert block.drive.run.demand == 1.0
    assert block.drive.speed.demand > 30.0
    run(block, 40.0, 1200, 900.0)
    assert block.drive.run.demand == 0.0


def test_a_shut_valve_stops_the_helper_at_once() -> None:
    block, _ = pump(helps=True)
    run(block, 95.0, 300)
    run(block, 0.0, 1, 300.0)
    assert block.drive.run.demand == 0.0
