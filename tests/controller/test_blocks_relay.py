"""Tuning with a relay: the same loops as with steps, noise, dead bands, drift, limits, and its own point."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.loop.identification import Model, Recording
from controller.control.blocks.loop.relay_experiment import (
    LEAST_HYSTERESIS_K,
    MOST_HYSTERESIS_K,
    RelayExperiment,
)
from controller.control.blocks.loop.relay_point import agrees, relay_point, ultimate
from controller.control.blocks.loop.tuning_experiment import LEAST_STEP, MOST_STEP, MOVE_K, Room
from controller.control.blocks.loop.tuning_rules import Lags, Pi, margins
from tests.controller.loop_plant import LoopPlant
from tests.controller.test_blocks_tuning import MOVED, OLD, ROOM, World, codes, world

pytestmark = pytest.mark.timeout(60)


def tune(it: World, method: str = "relay") -> str:
    assert it.tuning.begin(OLD, "simc", "relay" if method == "relay" else "step")
    for _ in range(4000):
        it.scan()
        if not it.tuning.active:
            break
    return it.tuning.state


def until_swinging(it: World) -> None:
    it.tuning.begin(OLD, "simc", "relay")
    while it.tuning.state != "stepping" or it.tuning.progress < 0.3:
        it.scan()


# ---- what it finds


@pytest.mark.parametrize("gain", [0.1, 0.2, 0.4])
@pytest.mark.parametrize(("lag", "dead"), [(10, 2), (15, 5), (40, 15), (60, 30)])
def test_finds_the_loop_within_15_percent(gain: float, lag: float, dead: float) -> None:
    it = world(gain, lag, dead, bend=0.15)
    assert tune(it) == "done", it.tuning.why
    assert it.tuning.proposal is not None
    found = it.tuning.proposal.found.model
    assert found.gain == pytest.approx(gain, rel=0.15)
    assert found.lag_s == pytest.approx(lag, rel=0.15)
    assert found.dead_time_s == pytest.approx(dead + 0.5, rel=0.15)
    assert it.tuning.proposal.margins.gain_margin >= 3
    assert it.tuning.proposal.margins.sensitivity <= 1.7


TROUBLES = {
    "noise three times the usual": {"noise": 0.09},
    "coarse rounding": {"rounding": 0.1},
    "a stem that sticks": {"stiction": 2.0},
    "a fast valve": {"rate": math.inf},
    "a curve that bends much": {"bend": 0.3},
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_dead_band_and_bend_do_not_spoil_it(trouble: str, seed: int) -> None:
    it = world(0.2, 15.0, 5.0, seed=seed, **TROUBLES[trouble])
    assert tune(it) == "done", it.tuning.why
    assert it.tuning.proposal is not None
    found = it.tuning.proposal.found.model
    assert found.gain == pytest.approx(0.2, rel=0.15)
    assert found.lag_s == pytest.approx(15.0, rel=0.15)
    assert found.dead_time_s == pytest.approx(5.5, rel=0.15)


@pytest.mark.parametrize("drift", [-4.0, 4.0])
def test_a_load_that_drifts_neither_stops_it_nor_passes_for_gain(drift: float) -> None:
    """K/h: the relay's bias alone would take it for static gain."""
    it = world(0.1, 40.0, 15.0, bend=0.15)
    it.tuning.begin(OLD, "simc", "relay")
    for _ in range(4000):
        it.plant.load += drift / 3600
        it.scan()
        if not it.tuning.active:
            break
    assert it.tuning.state == "done", it.tuning.why
    assert it.tuning.proposal is not None
    assert it.tuning.proposal.found.model.gain == pytest.approx(0.1, rel=0.15)


def test_steps_and_relay_propose_the_same_within_reason() -> None:
    stepped, swung = world(bend=0.15), world(bend=0.15)
    assert tune(stepped, "step") == tune(swung) == "done"
    a, b = stepped.tuning.proposal, swung.tuning.proposal
    assert a is not None
    assert b is not None
    assert b.pi.gain == pytest.approx(a.pi.gain, rel=0.15)
    assert b.pi.integral_time_s == pytest.approx(a.pi.integral_time_s, rel=0.15)
    assert max(swung.temperatures) - min(swung.temperatures) < 0.7 * (
        max(stepped.temperatures) - min(stepped.temperatures)
    )


def test_what_swings_by_another_law_is_no_model() -> None:
    """Each answer counts for itself: the swings must say what the fit says."""
    it = world()
    tune(it)
    point = it.tuning.proposal.swings if it.tuning.proposal is not None else None
    assert point is not None
    assert agrees(point, Model(0.2, 15.0, 5.5))
    assert not agrees(point, Model(0.3, 15.0, 5.5))
    assert not agrees(point, Model(0.2, 15.0, 12.0))
    assert not agrees(point, Model(0.2, 40.0, 0.5))


# ---- how far it goes


@pytest.mark.parametrize("gain", [0.05, 0.1, 0.2, 0.3])
def test_the_supply_swings_by_little_and_stays_off_its_limits(gain: float) -> None:
    """What the return and the base promise, 15 K for 50 %, is more than any of these has."""
    it = world(gain)
    tune(it)
    assert max(map(abs, (t - 50 for t in it.temperatures))) < MOVE_K
    assert all(abs(flow - 50) <= MOST_STEP + 1 for flow in it.flows)
    assert it.flows[-1] == it.tuning.base


def test_without_room_to_both_sides_it_refuses_where_steps_would_do() -> None:
    room = Room(0.0, 100.0, 30.0, 51.5)
    swung, stepped = (World(LoopPlant(0.2, zero=40, rate=1.0), room) for _ in range(2))
    assert tune(swung) == "refused"
    assert swung.tuning.why == "near_limit"
    assert swung.flows == []
    assert tune(stepped, "step") == "done"


def test_the_hysteresis_follows_the_noise() -> None:
    widths = []
    for noise in (0.0, 0.05, 0.08, 1.0):
        plant = LoopPlant(noise=noise, rounding=0.0, zero=40)
        experiment = RelayExperiment(50.0, 50.0, 35.0, ROOM)
        while experiment.level == 0:
            experiment.step(1.0, plant.step(50.0))
        widths.append(experiment.hysteresis)
    assert widths[0] == LEAST_HYSTERESIS_K
    assert widths[1] == pytest.approx(0.2, rel=0.3)
    assert widths[2] == pytest.approx(0.32, rel=0.3)
    assert widths[3] == MOST_HYSTERESIS_K


def test_noise_does_not_switch_it() -> None:
    it = world(0.2, 40.0, 15.0, noise=0.09, rounding=0.0)
    tune(it)
    jumps = [n for n, (a, b) in enumerate(pairwise(it.flows)) if a != b]
    assert all(later - sooner > 15 for sooner, later in pairwise(jumps)), jumps


# ---- it ends


@pytest.mark.parametrize("why", MOVED)
def test_a_disturbance_ends_it_and_the_regulator_goes_on(why: str) -> None:
    it = world()
    until_swinging(it)
    it.change = lambda view: replace(view, **MOVED[why])  # type: ignore[arg-type]
    flows = len(it.flows)
    it.scan()
    assert (it.tuning.state, it.tuning.why) == ("aborted", why)
    assert it.tuning.proposal is None
    it.run(60)
    assert len(it.flows) == flows


def test_a_person_ends_it() -> None:
    it = world()
    until_swinging(it)
    it.tuning.stop()
    assert (it.tuning.state, it.tuning.why) == ("aborted", "by_person")
    assert it.tuning.accept() is None


def test_a_valve_that_does_not_move_ends_it_soon() -> None:
    it = world()
    it.plant.rate = 0.0
    assert tune(it) == "aborted"
    assert it.tuning.why == "no_response"
    assert len(it.flows) < 600


def test_after_a_relay_steps_are_asked_for_anew() -> None:
    it = world()
    until_swinging(it)
    it.tuning.stop()
    assert it.tune() == "done"
    assert it.tuning.proposal is not None
    assert it.tuning.proposal.swings is None


@given(
    st.lists(st.floats(20, 90) | st.floats(49, 51), min_size=1, max_size=700),
    st.floats(0, 100),
    st.floats(20, 60),
)
@settings(max_examples=50, deadline=None)
def test_any_answer_gives_flows_in_their_range(seen: list[float], base: float, back: float) -> None:
    experiment = RelayExperiment(base, 50.0, back, ROOM)
    if experiment.impossible:
        return
    for _ in range(3):
        for measured in seen:
            share = experiment.step(1.0, measured)
            if share is None:
                return
            assert max(base - MOST_STEP, ROOM.low) - 1e-9 <= share <= min(base + MOST_STEP, ROOM.high) + 1e-9
            assert share == base or abs(share - base) >= min(LEAST_STEP, 1.0)


# ---- its point and what it tells


def test_the_point_of_a_sine_is_that_of_the_plant_whatever_drifts() -> None:
    turn, model = 2 * math.pi / 60, Model(0.2, 15.0, 5.0)
    gain = model.gain / math.hypot(1, turn * model.lag_s)
    late = turn * model.dead_time_s + math.atan(turn * model.lag_s)
    recording = Recording(1.0)
    for n in range(400):
        measured = 50 + 0.002 * n + 10 * gain * math.sin(turn * n - late)
        recording.add(1.0, 50 + 10 * math.sin(turn * n), measured)
    point = relay_point(recording, 20.0, 380.0, 6)
    assert point is not None
    assert point.period_s == pytest.approx(60)
    assert point.gain == pytest.approx(gain, rel=0.01)
    assert point.lag == pytest.approx(math.degrees(late), abs=1)
    assert agrees(point, model)


def test_no_swing_is_no_point() -> None:
    recording = Recording(1.0)
    for _ in range(100):
        recording.add(1.0, 50.0, 50.0)
    assert relay_point(recording, 0.0, 100.0, 2) is None
    assert relay_point(recording, 0.0, 300.0, 2) is None
    assert relay_point(recording, 0.0, 5.0, 1) is None


@given(st.floats(0.05, 0.5), st.floats(5, 100), st.floats(1, 60))
@settings(max_examples=50, deadline=None)
def test_the_ultimate_gain_is_where_a_p_regulator_swings(gain: float, lag: float, dead: float) -> None:
    model = Model(gain, lag, dead)
    found = ultimate(model)
    almost_p = margins(model, Pi(found.gain, 1e7), Lags())
    assert almost_p.gain_margin == pytest.approx(1.0, rel=0.01)
    assert almost_p.ultimate_period_s == pytest.approx(found.period_s, rel=0.01)


def test_explains_itself() -> None:
    it = world()
    told = []
    it.tuning.begin(OLD, "simc", "relay")
    for _ in range(2500):
        it.scan()
        if codes(it.tuning) not in told:
            told.append(codes(it.tuning))
    done = ["tuning_done", "tuning_model", "tuning_swings", "tuning_margins", "tuning_old_margins"]
    assert told == [["tuning_waiting"], ["tuning_swinging"], ["tuning_calculating"], done]
