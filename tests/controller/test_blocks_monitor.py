"""Loop monitor: finds what is wrong with a loop, does what helps, and leaves a sound loop alone."""

from __future__ import annotations

import json
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.alarms import AlarmBook
from controller.control.blocks.loop.half_waves import HalfWaves
from controller.control.blocks.loop.identification import Model
from controller.control.blocks.loop.loop_monitor import (
    LEAST_FACTOR,
    MOST_HOLD_K,
    QUIET_S,
    STEP,
    LoopMonitor,
    LoopSample,
)
from controller.control.blocks.loop.tuning_rules import Lags, simc, with_lags
from controller.control.blocks.parts.pid_loop import PiLoop
from controller.control.tick import Tick
from controller.texts import alarm, text
from tests.controller.loop_plant import LoopPlant

FILTER = 5.0


class World:
    """A regulated plant with its monitor; the flow is the valve's opening here.

    `hot`: gain as a multiple of SIMC's. `load` may be changed at any time.
    """

    def __init__(
        self,
        hot: float = 1.0,
        gain: float = 0.15,
        lag: float = 14.0,
        dead: float = 2.5,
        *,
        rate: float = 0.8,
        stiction: float = 0.5,
        position: bool = True,
        noise: float = 0.03,
    ) -> None:
        self.plant = LoopPlant(
            gain, lag, dead, rate=rate, stiction=stiction, noise=noise, zero=50 - gain * 50
        )
        self.pi = simc(with_lags(Model(gain, lag, dead), Lags(FILTER, 1.0)))
        self.loop = PiLoop(hot * self.pi.gain, self.pi.integral_time_s, 0.0, 100.0)
        self.loop.track(50.0)
        self.hot = hot
        self.monitor = LoopMonitor(1.0)
        self.filtered, self.setpoint, self.primary = 50.0, 50.0, 100.0
        self.command = 50.0
        self.position = position
        self.now = 0.0
        self.seen: list[tuple[float, str]] = []
        self.regulates = True
        self._random = Random(7)
        self.errors: list[float] = []
        self.travel = 0.0

    def scan(self) -> None:
        self.now += 1
        before = self.plant.flow
        self.filtered += (self.plant.step(self.command) - self.filtered) / (FILTER + 1)
        self.travel += abs(self.plant.flow - before)
        self.loop.gain = self.hot * self.pi.gain * self.monitor.factor
        error = self.monitor.deadened(self.setpoint - self.filtered)
        self.loop.step(self.filtered + error, self.filtered, 1.0)
        reach = self.plant.rate
        wanted = min(max(self.loop.output, self.command - reach), self.command + reach)
        if abs(wanted - self.command) >= 0.5:
            self.command = wanted
        if abs(self.loop.output - wanted) > 1e-9:
            self.loop.applied(wanted)
        position = self.plant.flow + self._random.gauss(0, 0.05) if self.position else math.nan
        sample = LoopSample(
            self.setpoint,
            self.filtered,
            self.loop.output,
            0.0,
            100.0,
            self.command,
            position,
            self.primary,
            self.regulates,
        )
        self.monitor.step(Tick(self.now, 1.0, None), sample, self.pi.integral_time_s)
        self.errors.append(self.plant.temperature - self.setpoint)
        if not self.seen or self.seen[-1][1] != self.monitor.condition:
            self.seen.append((self.now, self.monitor.condition))

    def run(self, hours: float, *, disturbed: float = 0.0) -> None:
        """`disturbed`: standard deviation of a load that wanders with 5 min, K."""
        keep = math.exp(-1 / 300)
        for _ in range(round(3600 * hours)):
            if disturbed:
                kick = disturbed * math.sqrt(1 - keep * keep)
                self.plant.load = keep * self.plant.load + self._random.gauss(0, kick)
            self.scan()

    def found(self, condition: str) -> float:
        """Hours until it was found first; inf for never."""
        return next((time / 3600 for time, name in self.seen if name == condition), math.inf)


# ---- a loop that is too hot


PLANTS = [(0.15, 14, 2.5), (0.3, 20, 8), (0.1, 40, 15)]


@pytest.mark.parametrize(("gain", "lag", "dead"), PLANTS)
def test_four_times_too_hot_is_found_within_an_hour_and_quiet_within_two(
    gain: float, lag: float, dead: float
) -> None:
    it = World(4.0, gain, lag, dead)
    it.run(1, disturbed=0.4)
    assert it.found("swings") <= 1
    it.run(1, disturbed=0.4)
    factor = it.monitor.factor
    it.run(0.5, disturbed=0.4)
    assert LEAST_FACTOR <= factor < 1
    assert it.monitor.factor == factor
    assert not it.monitor.error.swings(0.04)


@pytest.mark.parametrize(("gain", "lag", "dead"), PLANTS)
@pytest.mark.parametrize("hot", [0.25, 0.5, 1.0, 2.0])
def test_a_damped_loop_keeps_its_gain(hot: float, gain: float, lag: float, dead: float) -> None:
    it = World(hot, gain, lag, dead)
    it.run(6, disturbed=0.5)
    assert it.monitor.factor == 1
    assert it.monitor.hold_k == 0
    assert it.found("swings") == it.found("sticks") == math.inf


def test_far_too_hot_comes_to_rest_too() -> None:
    it = World(8.0)
    it.run(2, disturbed=0.3)
    it.travel = 0.0
    it.run(0.5)
    assert it.travel / 100 * 48 < 60  # strokes a day; 550 when it is left as hot
    assert not it.monitor.error.swings(0.04)


def test_a_set_point_that_moves_is_no_swinging() -> None:
    it = World()
    for step in range(12):
        it.setpoint = 50 + 2 * (step % 2)
        it.run(0.3)
    assert it.monitor.factor == 1


def test_what_is_driven_from_outside_is_not_the_loops_fault() -> None:
    it = World(2.0)
    for second in range(3600):
        swing = math.sin(2 * math.pi * second / 90)
        it.primary = 100 + 3 * swing
        it.plant.load = 1.5 * swing
        it.scan()
    assert it.found("driven") < 1
    assert it.monitor.factor == 1


def test_a_swing_that_does_not_mind_the_gain_comes_from_outside() -> None:
    """Nothing is measured of it: the gain goes down to its least, and then back."""
    it = World(0.5)
    for second in range(4 * 3600):
        it.plant.load = 1.5 * math.sin(2 * math.pi * second / 60)
        it.scan()
    assert it.seen[-1][1] == "driven"
    assert it.monitor.factor == 1


def test_a_hand_on_the_valve_is_not_judged() -> None:
    it = World(8.0)
    it.regulates = False
    it.run(1)
    assert it.monitor.factor == 1
    assert it.monitor.condition == "quiet"


def test_tries_a_higher_gain_after_a_week_and_waits_longer_when_that_was_wrong() -> None:
    it = World(5.0)
    it.run(1, disturbed=0.3)
    low = it.monitor.factor
    assert low < 1
    quiet = LoopSample(50, 50, 50, 0, 100, 50, math.nan, 100, True)
    for _ in range(int(QUIET_S / 60) + 2):
        it.monitor.step(Tick(0, 60.0, None), quiet, 16)
    assert it.monitor.factor == pytest.approx(low / math.sqrt(STEP))
    state = it.monitor.state()
    it.run(1.5, disturbed=0.3)
    if it.monitor.factor < low / math.sqrt(STEP):
        assert it.monitor.state()["wait"] == 2 * state["wait"]
    for _ in range(int(40 * QUIET_S / 600)):
        it.monitor.step(Tick(0, 600.0, None), quiet, 16)
    assert it.monitor.factor == 1


def test_a_person_may_begin_anew() -> None:
    it = World(4.0)
    it.run(1, disturbed=0.3)
    assert it.monitor.factor < 1
    it.monitor.forgive(30.0)
    assert (it.monitor.factor, it.monitor.hold_k, it.monitor.condition) == (1.0, 0.0, "quiet")
    assert it.monitor.explain() is None


# ---- a valve that sticks


@pytest.mark.parametrize("stiction", [2.0, 3.0])
def test_a_sticking_valve_is_left_alone_instead(stiction: float) -> None:
    """Limit cycle of at most ± 0.5 K and 12 strokes a day once it is found."""
    it = World(1.0, stiction=stiction)
    it.run(6, disturbed=0.1)
    assert it.found("sticks") <= 3
    assert it.monitor.factor == 1
    assert 0 < it.monitor.hold_k <= MOST_HOLD_K
    it.travel = 0.0
    it.errors.clear()
    it.run(4, disturbed=0.1)
    assert it.travel / 100 * 6 <= 12
    assert sorted(map(abs, it.errors))[int(0.99 * len(it.errors))] <= 0.5


def test_stiction_is_found_without_a_position_when_a_lower_gain_makes_it_slower() -> None:
    it = World(1.0, stiction=3.0, position=False)
    it.run(8)
    assert it.found("sticks") < 8
    assert it.monitor.hold_k > 0
    assert it.monitor.factor >= STEP**2 - 1e-9


def test_an_integral_time_far_too_short_is_no_sticking() -> None:
    it = World(1.0)
    it.loop = PiLoop(it.pi.gain, it.pi.integral_time_s / 4, 0.0, 100.0)
    it.loop.track(50.0)
    it.run(2.5, disturbed=0.4)
    assert it.found("swings") <= 1
    assert it.found("sticks") == math.inf
    assert it.monitor.factor < 1


def test_a_loop_beyond_help_stays_at_its_least_gain() -> None:
    """Four times the gain and a quarter of the integral time: nothing of it passes for somebody else's
    doing."""
    it = World(4.0, 0.3, 20, 8)
    it.loop = PiLoop(4 * it.pi.gain, it.pi.integral_time_s / 4, 0.0, 100.0)
    it.loop.track(50.0)
    it.run(4, disturbed=0.3)
    assert it.monitor.factor == pytest.approx(LEAST_FACTOR)
    assert it.found("driven") == math.inf


def test_an_ordinary_dead_band_is_no_sticking() -> None:
    it = World(1.0, stiction=0.5)
    it.run(4, disturbed=0.5)
    assert not it.monitor.stick.sticks


# ---- slow, and at its limits


def load_steps(it: World, hours: float) -> None:
    for second in range(round(3600 * hours)):
        it.plant.load = 4.0 * (second // 2400 % 2)
        it.scan()


def test_a_slow_loop_is_told_to_be_slow() -> None:
    it = World(0.15)
    it.loop = PiLoop(0.15 * it.pi.gain, 120.0, 0.0, 100.0)
    it.loop.track(50.0)
    load_steps(it, 8)
    assert it.monitor.condition == "drags"


def test_a_well_tuned_loop_is_not_slow() -> None:
    it = World(1.0)
    load_steps(it, 8)
    assert it.monitor.condition == "quiet"


def test_a_valve_at_its_end_is_told() -> None:
    it = World(1.0)
    it.plant.load = -20.0
    it.run(3)
    assert it.monitor.condition == "at_limit"
    it.plant.load = 0.0
    it.run(2)
    assert it.monitor.condition == "quiet"


# ---- half-waves


def test_height_and_period_of_a_sine() -> None:
    waves = HalfWaves(0.1, 8, 0.1)
    for second in range(1000):
        waves.step(1.0, 0.8 * math.sin(2 * math.pi * second / 100))
    assert waves.period_s == pytest.approx(100, rel=0.02)
    assert waves.height == pytest.approx(0.8, rel=0.1)
    assert waves.swings(0.5)
    assert not waves.swings(0.9)


def test_what_dies_away_does_not_swing() -> None:
    waves = HalfWaves(0.01, 8, 0.1)
    for second in range(520):
        waves.step(1.0, math.exp(-second / 200) * math.sin(2 * math.pi * second / 100))
    assert not waves.swings(0.01)


# ---- whatever comes


NUMBER = st.one_of(st.floats(), st.floats(0, 100))


@given(
    st.lists(
        st.tuples(*[NUMBER] * 8, st.booleans(), st.one_of(st.floats(0, 5), st.just(1.0))),
        max_size=120,
    )
)
@settings(max_examples=80, deadline=None)
def test_any_samples_leave_it_within_its_bounds(rows: list[tuple[float, ...]]) -> None:
    monitor = LoopMonitor()
    for row in rows:
        sample = LoopSample(*row[:8], bool(row[8]))
        monitor.step(Tick(0.0, row[9], None), sample, 50.0)
        assert LEAST_FACTOR <= monitor.factor <= 1
        assert 0 <= monitor.hold_k <= MOST_HOLD_K
    monitor.explain()
    json.dumps(monitor.state(), allow_nan=False)


@given(st.floats(-1e6, 1e6), st.floats(0, MOST_HOLD_K))
def test_the_dead_zone_only_makes_errors_smaller(error: float, hold: float) -> None:
    monitor = LoopMonitor()
    monitor.hold_k = hold
    answer = monitor.deadened(error)
    assert abs(answer) <= abs(error)
    assert answer * error >= 0
    assert abs(error - answer) <= hold + 1e-9


def test_is_restored() -> None:
    it = World(4.0)
    it.run(1, disturbed=0.3)
    fresh = LoopMonitor()
    fresh.restore(json.loads(json.dumps(it.monitor.state())))
    assert fresh.factor == it.monitor.factor
    assert fresh.state() == it.monitor.state()


@pytest.mark.parametrize("odd", [{}, {"factor": None}, {"factor": "x"}, {"factor": True}, {"hold": math.nan}])
def test_an_odd_state_is_none(odd: dict[str, object]) -> None:
    fresh = LoopMonitor()
    fresh.restore(odd)
    assert (fresh.factor, fresh.hold_k) == (1.0, 0.0)


def test_a_remembered_factor_is_bounded() -> None:
    fresh = LoopMonitor()
    fresh.restore({"factor": 7.0, "hold": 9.0})
    assert (fresh.factor, fresh.hold_k) == (1.0, MOST_HOLD_K)


# ---- it tells


@pytest.mark.parametrize("language", ["en", "zh"])
def test_says_that_it_swings_and_what_it_does(language: str) -> None:
    it = World(4.0)
    it.run(1, disturbed=0.3)
    book = AlarmBook()
    it.monitor.report(book, "low.valve_command")
    raised = [entry for entry in book.view() if entry.code == "loop_swings"]
    assert len(raised) == 1
    words = alarm("loop_swings", "low.valve_command", language, raised[0].values)
    assert f"{100 * it.monitor.factor:.1f} %" in words
    term = it.monitor.explain()
    assert term is not None
    assert [term.code, *(child.code for child in term.children)] == ["loop_swings", "loop_gain_lowered"]
    assert "?" not in text(term.code, language, term.values)


def test_a_lowered_gain_stays_visible_when_it_is_quiet_again() -> None:
    monitor = LoopMonitor()
    monitor.restore({"factor": 0.7})
    term = monitor.explain()
    assert monitor.condition == "quiet"
    assert term is not None
    assert term.code == "loop_gain_lowered"
