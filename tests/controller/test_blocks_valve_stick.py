"""A stem that sticks: told from a dead band and from a stuck one, broken loose, and forgotten when mended."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.loop.valve_stick import BEYOND, STICKS, WIDEST, WORTH, Stick, StuckStem


class Valve:
    """Motor with a dead band of 1 %, a stem that follows by whole jumps, a feedback that may be off, drift
    (%/h), and ends at 0 and 100 %."""

    def __init__(self, stiction: float, offset: float = 0.0, drift: float = 0.0, at: float = 50.0) -> None:
        self.stiction, self.offset, self.drift = stiction, offset, drift
        self.motor = self.stem = self.command = at
        self.stuck = False
        self.moves = 0
        self.found = StuckStem(1.0)
        self.stick = Stick(1.0)

    @property
    def position(self) -> float:
        return min(max(self.stem + self.offset, 0.0), 100.0)

    def ask(self, command: float, seconds: int = 60) -> None:
        """A command and the time after it; the motor makes 0.83 % a second."""
        for _ in range(seconds):
            self.command += min(max(command - self.command, -0.83), 0.83)
            if abs(self.command - self.motor) > 1.0:
                self.motor = self.command
            slip = self.motor - self.stem
            if self.stiction:
                slip = int(slip / self.stiction) * self.stiction
            if slip and not self.stuck:
                self.stem += slip
                self.moves += 1
            self.offset += self.drift / 3600.0
            self.found.step(1.0, self.command, self.position)
            self.stick.step(1.0, self.command, self.position)

    def wander(self, times: int, step: float = 1.1) -> None:
        """A loop's small corrections, two up and two down in turn and a longer way now and then."""
        for n in range(times):
            self.ask(self.command + (step if n % 4 < 2 else -step) + (0.6 if n % 7 == 0 else 0.0))

    def follow(self, wanted: float) -> None:
        """Ask as the loop does for a stem that sticks."""
        self.ask(self.found.asks(wanted, self.position, self.command))


@pytest.mark.parametrize("stiction", [2.0, 2.5, 3.0])
def test_three_moves_that_were_refused_are_stiction(stiction: float) -> None:
    valve = Valve(stiction)
    valve.wander(60)
    assert valve.found.sticks
    assert STICKS + 1.0 <= valve.found.band <= stiction + 0.5


@pytest.mark.parametrize("stiction", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("offset", [0.0, 3.0, -3.0])
def test_a_dead_band_and_a_feedback_that_is_off_are_none(stiction: float, offset: float) -> None:
    valve = Valve(stiction, offset)
    valve.wander(300)
    valve.wander(100, 2.5)
    assert not valve.found.sticks


@pytest.mark.parametrize("drift", [1.7, -1.7, 4.0, -4.0])
def test_a_feedback_that_drifts_is_no_stem_that_sticks(drift: float) -> None:
    valve = Valve(0.0, drift=drift)
    for _ in range(60):
        valve.wander(10)
        assert not valve.found.sticks
        assert not valve.stick.sticks
    valve.drift = valve.offset = 0.0
    valve.wander(60)
    assert not valve.stick.sticks


@pytest.mark.parametrize(
    ("at", "offset"), [(92.0, 17.0), (87.0, 60.0), (8.0, -17.0), (97.0, 4.0), (87.0, -200.0)]
)
def test_a_feedback_at_the_end_of_its_scale_tells_nothing(at: float, offset: float) -> None:
    valve = Valve(0.0, offset, at=at)
    valve.wander(300)
    assert not valve.found.sticks
    assert not valve.stick.sticks


@pytest.mark.parametrize("offset", [0.0, 3.0, -3.0])
def test_a_stem_that_sticks_is_seen_by_a_feedback_that_is_off(offset: float) -> None:
    valve = Valve(2.5, offset)
    valve.wander(300)
    assert valve.stick.sticks
    assert valve.stick.measured == pytest.approx(2.5, abs=0.3), "by the command's own way, not the feedback"


@pytest.mark.parametrize("stands_at", [30.0, 70.0])
def test_a_feedback_far_from_any_reach_is_a_matter_of_others(stands_at: float) -> None:
    valve = Valve(0.0)
    valve.stuck, valve.stem = True, stands_at
    valve.wander(60)
    assert not valve.found.sticks


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_a_stem_that_sticks_follows_at_once_and_rests_within_reach(offset: float) -> None:
    valve = Valve(2.0, offset)
    valve.wander(60)
    late = 0
    for n in range(200):
        wanted = 50 + 6 * math.sin(n / 15)
        valve.follow(wanted)
        late += abs(wanted - valve.position) > WORTH * valve.found.band + 0.01
    assert valve.found.sticks
    assert valve.found.band < WIDEST - 1.0, "stiction, dead band and what the feedback is off"
    assert late <= 30, "one refusal in so many moves tells whether the band is still as wide"


def test_a_small_way_is_not_worth_a_jump() -> None:
    valve = Valve(2.0)
    valve.wander(60)
    found, place = valve.found, valve.position
    reach = found.band + BEYOND
    assert found.asks(place + 0.9 * WORTH * found.band, place, place - 0.5) == place - 0.5
    assert found.asks(place + 1.1 * WORTH * found.band, place, place - 0.5) == pytest.approx(place + reach)
    assert found.asks(place - 1.1 * WORTH * found.band, place, place + 0.5) == pytest.approx(place - reach)
    assert found.asks(place + 9.0, place, place) == pytest.approx(place + 9.0)


def test_a_command_far_ahead_comes_back_when_less_is_wanted() -> None:
    """The valve is on its way to 80 % when the load falls."""
    found = StuckStem(1.0)
    assert found.asks(58.0, 50.0, 80.0) == pytest.approx(58.0)
    assert found.asks(50.5, 50.0, 80.0) == pytest.approx(50.5)
    assert found.asks(45.0, 50.0, 80.0) == pytest.approx(45.0)


def test_a_motor_that_stands_half_way_is_asked_for_more_than_its_dead_band() -> None:
    found = StuckStem(1.0)
    asked = found.asks(51.5, 50.0, 51.4)
    assert asked - 51.4 > 1.0
    assert found.asks(51.5, 50.0, asked) == asked, "a move that is under way is not asked for anew"


def test_a_valve_that_was_mended_is_moved_as_before() -> None:
    valve = Valve(2.5)
    valve.wander(60)
    assert valve.found.sticks
    valve.stiction = 0.25
    for n in range(400):
        valve.follow(50 + 6 * math.sin(n / 3))
    assert not valve.found.sticks


def test_a_stem_that_was_almost_stuck_and_is_mended_is_believed_within_some_dozen_moves() -> None:
    """At a dozen moves an hour: three hours. By one small step for each move it took a day."""
    valve = Valve(4.5)
    valve.wander(200, 3.0)
    assert valve.found.sticks
    assert valve.found.band >= 4.0
    valve.stiction, asked = 0.0, 0
    while valve.found.sticks and asked < 500:
        way = 0.8 * valve.found.band
        valve.follow(valve.position + (way if valve.position < 50 else -way))
        asked += 1
    assert asked <= 50


def test_a_stem_that_never_moves_is_left_to_others() -> None:
    valve = Valve(2.0)
    valve.wander(60)
    valve.stuck = True
    place = valve.position
    for _ in range(40):
        valve.follow(place + 3.0)
        assert abs(valve.command - place) <= WIDEST + BEYOND + 0.01
    assert not valve.found.sticks
    valve.wander(60)
    assert not valve.found.sticks


@given(st.lists(st.tuples(st.floats(), st.floats(0, 100)), max_size=200))
@settings(max_examples=50, deadline=None)
def test_any_numbers_give_a_band_in_its_range(rows: list[tuple[float, float]]) -> None:
    found = StuckStem(1.0)
    for command, position in rows:
        for _ in range(25):
            found.step(1.0, command, position)
        assert found.least <= found.band <= WIDEST
        asked = found.asks(position + 5.0, position, 50.0)
        assert position < asked <= position + max(5.0, WIDEST + 2 * BEYOND + 1.0)
