"""Tuning of a loop: waits, steps, proposes; ends without a trace when something moves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.loop.identification import MOST_SAMPLES
from controller.control.blocks.loop.tuning import LONGEST_S, PATIENCE_S, QUIET_S, REASONS, LoopView, Tuning
from controller.control.blocks.loop.tuning_experiment import MOST_STEP, Room
from controller.control.blocks.loop.tuning_rules import Lags, Pi
from controller.control.blocks.parts.pid_loop import PiLoop
from controller.control.tick import Tick
from controller.texts import catalogue, text
from tests.controller.loop_plant import LoopPlant

OLD = Pi(1.5, 50.0)
ROOM = Room(0.0, 100.0, 30.0, 65.0)


class World:
    """A loop that regulates at its set-point, and its tuning. `change` alters what the tuning sees."""

    def __init__(self, plant: LoopPlant, room: Room = ROOM) -> None:
        self.plant = plant
        self.tuning = Tuning(Lags(5.0, 1.0), 1.0)
        self.now = 0.0
        self.pi = PiLoop(1.0, 60.0, 0.0, 100.0)
        self.pi.track(plant.flow)
        self.view = LoopView(
            plant.temperature, plant.measured, plant.flow, plant.flow, 100.0, 35.0, 120.0, 1, True, 1.0, room
        )
        self.change: Callable[[LoopView], LoopView] = lambda view: view
        self.flows: list[float] = []
        self.temperatures: list[float] = []

    def scan(self) -> None:
        self.now += 1
        asked = self.pi.step(self.view.setpoint, self.plant.measured, 1.0)
        self.view = replace(
            self.view, measured=self.plant.measured, share=self.plant.flow, asked=self.pi.output
        )
        share = self.tuning.step(Tick(self.now, 1.0, None), self.change(self.view))
        if share is not None:
            self.pi.track(self.tuning.base)
            self.flows.append(share)
            self.temperatures.append(self.plant.temperature)
        self.plant.step(asked if share is None else share)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.scan()

    def tune(self) -> str:
        assert self.tuning.begin(OLD)
        for _ in range(4000):
            self.scan()
            if not self.tuning.active:
                return self.tuning.state
        return self.tuning.state

    def until_stepping(self) -> None:
        self.tuning.begin(OLD)
        self.run(QUIET_S + 100)
        assert self.tuning.state == "stepping"


def world(gain: float = 0.2, lag: float = 15.0, dead: float = 5.0, **more: float) -> World:
    more = {"rate": 1.0, "zero": 50 - gain * more.get("flow", 50.0)} | more
    return World(LoopPlant(gain, lag, dead, **more))  # type: ignore[arg-type]


# ---- it works


@pytest.mark.parametrize("gain", [0.1, 0.2, 0.4])
@pytest.mark.parametrize(("lag", "dead"), [(10, 2), (15, 5), (40, 15), (60, 30)])
def test_finds_the_loop_and_proposes(gain: float, lag: float, dead: float) -> None:
    it = world(gain, lag, dead, bend=0.15)
    assert it.tune() == "done", it.tuning.why
    assert it.tuning.proposal is not None
    found = it.tuning.proposal.found.model
    assert found.gain == pytest.approx(gain, rel=0.1)
    assert found.lag_s == pytest.approx(lag, rel=0.15, abs=1)
    assert found.dead_time_s == pytest.approx(dead + 0.5, rel=0.15, abs=1.5)
    assert it.tuning.proposal.margins.gain_margin >= 3
    assert it.tuning.proposal.margins.sensitivity <= 1.7
    assert it.tuning.proposal.answer.overshoot <= 5
    assert it.tuning.proposal.old == OLD
    assert len(it.tuning.recording.share) <= MOST_SAMPLES


@pytest.mark.parametrize("gain", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("bend", [0.0, 0.3])
def test_the_supply_moves_by_a_few_kelvin_and_stays_off_its_limits(gain: float, bend: float) -> None:
    it = world(gain, bend=bend)
    it.tune()
    assert 1.5 <= max(it.temperatures) - 50 <= 3.5
    assert 1.5 <= 50 - min(it.temperatures) <= 4.0
    assert max(it.flows) - 50 <= MOST_STEP + 1
    assert 50 - min(it.flows) <= MOST_STEP + 1


def test_ends_where_it_began() -> None:
    it = world()
    it.tune()
    assert it.flows[-1] == it.tuning.base == pytest.approx(50, abs=0.5)


def test_near_the_upper_limit_it_only_goes_down() -> None:
    it = World(LoopPlant(0.2, zero=40, rate=1.0), Room(0.0, 100.0, 30.0, 51.5))
    assert it.tune() == "done", it.tuning.why
    assert max(it.flows) <= it.tuning.base + 1e-9
    assert max(it.temperatures) < 51
    found = it.tuning.proposal
    assert found is not None
    assert found.found.model.gain == pytest.approx(0.2, rel=0.1)


def test_the_gain_schedule_is_taken_out_of_the_proposal() -> None:
    plain, scheduled = world(), world()
    scheduled.change = lambda view: replace(view, factor=1.6)
    plain.tune()
    scheduled.tune()
    assert plain.tuning.proposal is not None
    assert scheduled.tuning.proposal is not None
    assert scheduled.tuning.proposal.pi.gain == pytest.approx(plain.tuning.proposal.pi.gain / 1.6, rel=0.02)
    assert scheduled.tuning.proposal.margins.gain_margin == pytest.approx(
        plain.tuning.proposal.margins.gain_margin, rel=0.02
    )


def test_tells_how_much_too_hot_the_old_tuning_is() -> None:
    it = world()
    it.tuning.begin(Pi(60.0, 15.0))
    it.run(3000)
    assert it.tuning.proposal is not None
    assert it.tuning.proposal.old_margins.gain_margin < 1


def test_a_loop_that_swings_can_be_tuned() -> None:
    """With a gain far too high it never stands still by itself; the experiment holds the flow."""
    it = world(rate=math.inf)
    it.pi.gain, it.pi.integral_time_s = 24.0, 15.0
    it.plant.load = 1.0
    it.run(600)
    off = []
    for _ in range(100):
        it.scan()
        off.append(abs(it.plant.temperature - 50))
    assert max(off) > 2
    assert it.tune() == "done", it.tuning.why
    assert it.tuning.proposal is not None
    assert it.tuning.proposal.found.model.gain == pytest.approx(0.2, rel=0.1)


def test_the_proposed_tuning_regulates() -> None:
    """After acceptance: a set-point step without overshoot to speak of, and no swinging."""
    it = world(rate=1.0)
    it.tune()
    new = it.tuning.accept()
    assert new is not None
    it.pi.gain, it.pi.integral_time_s = new.gain, new.integral_time_s
    it.view = replace(it.view, setpoint=51.0)
    seen = it.plant.measured
    errors = []
    for _ in range(300):
        seen += (it.plant.step(it.pi.step(51.0, seen, 1.0)) - seen) / 6
        it.pi.applied(it.plant.flow, 1.0)
        errors.append(51.0 - it.plant.temperature)
    assert min(errors) > -0.12
    assert max(map(abs, errors[150:])) < 0.12


# ---- it ends


MOVED = {
    "setpoint_moves": {"setpoint": 52.0},
    "primary_moves": {"primary": 103.0},
    "pressure_moves": {"pressure": 140.0},
    "pump_changed": {"pumps": 2},
    "not_automatic": {"automatic": False},
    "no_measurement": {"measured": math.nan},
    "near_limit": {"measured": 64.8},
    "too_far": {"measured": 57.0},
}


@pytest.mark.parametrize("why", MOVED)
def test_a_disturbance_ends_the_experiment_and_the_regulator_goes_on(why: str) -> None:
    it = world()
    it.until_stepping()
    it.run(120)
    before = it.tuning.base
    it.change = lambda view: replace(view, **MOVED[why])  # type: ignore[arg-type]
    it.scan()
    assert (it.tuning.state, it.tuning.why) == ("aborted", why)
    assert it.tuning.proposal is None
    assert it.tuning.accept() is None
    assert it.tuning.base == before
    flows = len(it.flows)
    it.run(60)
    assert len(it.flows) == flows


@pytest.mark.parametrize("why", ["setpoint_moves", "primary_moves", "pressure_moves"])
def test_what_keeps_moving_is_a_refusal(why: str) -> None:
    it = world()
    name, value = next(iter(MOVED[why].items()))

    def swings(view: LoopView) -> LoopView:
        high = int(it.now / 120) % 2 == 0
        return replace(view, **{name: value if high else getattr(view, name)})  # type: ignore[arg-type]

    it.change = swings
    it.tuning.begin(OLD)
    it.run(PATIENCE_S - 10)
    assert it.tuning.state == "waiting"
    it.run(200)
    assert (it.tuning.state, it.tuning.why) == ("refused", why)
    assert it.flows == []


@pytest.mark.parametrize("why", ["not_automatic", "no_measurement"])
def test_what_cannot_be_tuned_is_refused_at_once(why: str) -> None:
    it = world()
    it.change = lambda view: replace(view, **MOVED[why])  # type: ignore[arg-type]
    it.tuning.begin(OLD)
    it.scan()
    assert (it.tuning.state, it.tuning.why) == ("refused", why)


def test_one_disturbance_only_delays_it() -> None:
    it = world()
    it.tuning.begin(OLD)
    it.run(200)
    it.view = replace(it.view, primary=105.0)
    it.run(200)
    assert it.tuning.state == "waiting"
    assert it.tuning.why == "primary_moves"
    it.run(QUIET_S)
    assert it.tuning.state == "stepping"


def test_no_room_to_either_side_is_a_refusal() -> None:
    it = World(LoopPlant(0.2, zero=40), Room(0.0, 100.0, 49.0, 51.0))
    assert it.tune() == "refused"
    assert it.tuning.why == "near_limit"


def test_a_valve_that_does_not_move_gives_no_model() -> None:
    it = world()
    it.plant.rate = 0.0
    assert it.tune() == "refused"
    assert it.tuning.why in ("no_movement", "no_response")


def test_it_takes_no_longer_than_it_may() -> None:
    it = world(0.2, 300.0, 60.0)
    it.tune()
    assert len(it.flows) <= LONGEST_S + 1


def test_a_person_ends_it_and_forgets_it() -> None:
    it = world()
    it.until_stepping()
    it.tuning.stop()
    assert (it.tuning.state, it.tuning.why) == ("aborted", "by_person")
    it.scan()
    assert it.tuning.state == "aborted"
    it.tuning.stop()
    assert it.tuning.state == "idle"
    assert it.tuning.explain() is None


def test_only_one_at_a_time_and_accepted_once() -> None:
    it = world()
    it.until_stepping()
    assert not it.tuning.begin(OLD)
    it.tuning.stop()
    assert it.tune() == "done"
    assert it.tuning.accept() is not None
    assert it.tuning.accept() is None
    assert it.tuning.state == "accepted"


def test_sensors_that_are_not_there_do_not_matter() -> None:
    it = world()
    it.change = lambda view: replace(view, primary=math.nan, back=math.nan, pressure=math.nan)
    assert it.tune() == "done", it.tuning.why
    assert it.tuning.proposal is not None
    assert it.tuning.proposal.found.model.gain == pytest.approx(0.2, rel=0.1)


def test_a_primary_sensor_that_dies_meanwhile_does_not_spoil_the_model() -> None:
    it = world()
    it.until_stepping()
    it.change = lambda view: replace(view, primary=math.nan)
    it.run(1500)
    assert it.tuning.state == "done", it.tuning.why
    assert it.tuning.proposal is not None
    assert it.tuning.proposal.found.model.gain == pytest.approx(0.2, rel=0.1)


VALUE = st.one_of(st.floats(), st.floats(0, 100), st.just(50.0))


@given(st.lists(st.tuples(*[VALUE] * 8, st.booleans(), st.integers(0, 2)), max_size=60), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_any_view_gives_a_flow_in_its_range_or_none(rows: list[tuple[float, ...]], start: int) -> None:
    it = world()
    if start:
        it.until_stepping()
    else:
        it.tuning.begin(OLD)
    low, high = it.tuning.base - MOST_STEP, it.tuning.base + MOST_STEP
    for row in rows:
        automatic, pumps = bool(row[8]) or start == 2, int(row[9])
        view = LoopView(*row[:7], pumps, automatic, row[7], ROOM)
        share = it.tuning.step(Tick(it.now, 1.0, None), view)
        assert share is None or low <= share <= high
    assert it.tuning.why == "" or it.tuning.why in REASONS


# ---- it tells


def codes(tuning: Tuning) -> list[str]:
    term = tuning.explain()
    return [] if term is None else [term.code, *(child.code for child in term.children)]


def test_explains_itself_at_every_stage() -> None:
    it = world()
    seen = []
    it.tuning.begin(OLD)
    for _ in range(2000):
        it.scan()
        if codes(it.tuning) not in seen:
            seen.append(codes(it.tuning))
    told = ["tuning_done", "tuning_model", "tuning_margins", "tuning_old_margins"]
    assert seen == [["tuning_waiting"], ["tuning_stepping"], ["tuning_calculating"], told]
    it.tuning.accept()
    assert codes(it.tuning)[0] == "tuning_accepted"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_says_why_in_words(language: str) -> None:
    it = world()
    it.change = lambda view: replace(view, automatic=False)
    it.tuning.begin(OLD)
    it.scan()
    term = it.tuning.explain()
    assert term is not None
    assert catalogue(language)["choice.not_automatic"] in text(term.code, language, term.values)
