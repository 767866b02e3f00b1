"""Identification and tuning rules: what comes out is what went in, and what the rules promise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.loop.identification import MOST_SAMPLES, Model, Recording, identify, lagged
from controller.control.blocks.loop.tuning_rules import (
    Lags,
    Pi,
    accepted,
    amigo,
    margins,
    simc,
    step_answer,
    tuned,
    with_lags,
)
from tests.controller.loop_plant import LoopPlant

NO_LAGS = Lags()
LEVELS = (0.0, 10.0, -10.0, 12.0, 0.0)


def experiment(
    plant: LoopPlant,
    *,
    levels: tuple[float, ...] = LEVELS,
    dwell: int = 200,
    drift: float = 0.0,
    filter_s: float = 0.0,
    moves: float = 0.0,
) -> Recording:
    """Steps of the flow; `drift` K/h; the disturbance swings by `moves` and acts with half of it."""
    recording = Recording(1.0, 1)
    base, seen, lag = plant.flow, plant.measured, 0.0
    for second in range(dwell * len(levels)):
        disturbance = moves * math.sin(second / 150)
        lag += (disturbance - lag) / plant.lag
        measured = plant.step(base + levels[second // dwell]) + drift * second / 3600 + 0.5 * lag
        seen += (measured - seen) / (filter_s + 1) if filter_s else measured - seen
        recording.add(1.0, plant.flow, seen, (90 + disturbance,))
    return recording


# ---- identification


@pytest.mark.parametrize("gain", [0.08, 0.2, 0.5])
@pytest.mark.parametrize(("lag", "dead"), [(8, 2), (15, 5), (15, 15), (40, 15), (60, 30)])
@pytest.mark.parametrize("rate", [math.inf, 0.8])
def test_finds_the_model_behind_noise_and_rounding(gain: float, lag: float, dead: float, rate: float) -> None:
    """0.03 K noise in steps of 0.05 K; the valve's rate does not count, because its position is the input."""
    found = identify(experiment(LoopPlant(gain, lag, dead, rate=rate)))
    assert found.why == ""
    assert found.model.gain == pytest.approx(gain, rel=0.03)
    # The plant of the tests holds its input over each second: half a second more of dead time.
    assert found.model.lag_s == pytest.approx(lag, rel=0.12, abs=1.0)
    assert found.model.dead_time_s == pytest.approx(dead + 0.5, rel=0.1, abs=1.0)
    assert found.fit > 85


def test_fit_and_residual_are_those_of_the_noise() -> None:
    found = identify(experiment(LoopPlant(0.2), dwell=190))
    assert found.residual_k == pytest.approx(math.hypot(0.03, 0.05 / math.sqrt(12)), rel=0.1)
    assert found.fit > 95
    assert found.gain_error < 0.002


def test_a_filter_in_the_recording_is_not_the_plants() -> None:
    recording = experiment(LoopPlant(0.2, 15, 5), filter_s=10.0)
    assert identify(recording, filter_s=10.0).model.lag_s == pytest.approx(15, rel=0.1)
    assert identify(recording).model.lag_s > 17


def test_drift_is_not_the_inputs() -> None:
    found = identify(experiment(LoopPlant(0.2), drift=4.0))
    assert found.why == ""
    assert found.model.gain == pytest.approx(0.2, rel=0.03)


def test_a_measured_disturbance_is_explained() -> None:
    recording = experiment(LoopPlant(0.1), moves=1.5)
    found = identify(recording)
    assert found.model.gain == pytest.approx(0.1, rel=0.03)
    assert found.fit > 90
    recording.disturbances[0][:] = [90.0] * len(recording.share)
    assert identify(recording).fit < 80


def test_the_bend_of_the_exchanger_does_not_pass_for_dynamics() -> None:
    found = identify(experiment(LoopPlant(0.2, 15, 5, bend=0.3)))
    assert found.model.gain == pytest.approx(0.2, rel=0.04)
    assert found.model.lag_s == pytest.approx(15, rel=0.12)
    assert found.model.dead_time_s == pytest.approx(5.5, abs=1.2)


def test_sparse_samples_do() -> None:
    """A recording that was thinned twice."""
    plant = LoopPlant(0.2, 40, 15)
    recording = experiment(plant, dwell=600)
    assert len(recording.share) <= MOST_SAMPLES
    assert recording.period_s == 4.0
    found = identify(recording)
    assert found.model.lag_s == pytest.approx(40, rel=0.1)
    assert found.model.dead_time_s == pytest.approx(15.5, abs=2)


def test_the_valve_must_have_moved() -> None:
    assert identify(experiment(LoopPlant(0.2), levels=(0.0,) * 5)).why == "no_movement"


def test_a_supply_that_does_not_answer_is_no_model() -> None:
    assert identify(experiment(LoopPlant(1e-4))).why == "no_response"


def test_a_valve_mounted_the_wrong_way_is_told() -> None:
    assert identify(experiment(LoopPlant(-0.2))).why == "wrong_way"


def test_something_else_that_moved_the_supply_is_no_model() -> None:
    """The supply swings by 2 K whatever the valve does."""
    recording = experiment(LoopPlant(0.1))
    recording.measured[:] = [y + 2 * math.sin(k / 23) for k, y in enumerate(recording.measured)]
    assert identify(recording).why == "poor_fit"


def test_an_answer_that_changes_is_not_repeatable() -> None:
    """The gain falls to a third in the middle."""
    plant, recording = LoopPlant(0.3), Recording(1.0)
    for second in range(1000):
        if second == 500:
            plant.gain = 0.1
            plant.zero += 0.2 * 50
        recording.add(1.0, plant.flow, plant.step(50 + LEVELS[second // 200]))
    assert identify(recording).why in ("not_repeatable", "poor_fit")


@given(st.lists(st.floats(0, 100), min_size=0, max_size=80), st.lists(st.floats(-50, 150), max_size=80))
@settings(max_examples=40, deadline=None)
def test_any_recording_ends_in_a_model_or_a_reason(share: list[float], measured: list[float]) -> None:
    recording = Recording(1.0)
    for u, y in zip(share, measured, strict=False):
        recording.add(1.0, u, y)
    found = identify(recording)
    assert found.why or (found.model.gain > 0 and math.isfinite(found.model.lag_s) and found.fit >= 75)


@given(st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=200))
def test_a_recording_holds_only_numbers(rows: list[tuple[float, float, float]]) -> None:
    recording = Recording(1.0, 1)
    for share, measured, other in rows:
        recording.add(1.0, share, measured, (other,))
    for column in (recording.share, recording.measured, *recording.disturbances):
        assert not any(math.isnan(value) or math.isinf(value) for value in column if abs(value) < 1e300)
        assert len(column) == len(recording.share)


def test_lag_and_dead_time_of_a_ramp() -> None:
    """A ramp comes through unchanged, later by L + T."""
    answer = lagged([float(k) for k in range(400)], 1.0, 20.0, 7.5)
    assert answer[-1] == pytest.approx(399 - 27.5, abs=0.05)


# ---- rules and margins


@pytest.mark.parametrize("ratio", [1, 2, 4, 8])
@pytest.mark.parametrize("dead", [3.0, 20.0])
def test_simc_has_the_published_margins(ratio: float, dead: float) -> None:
    """T/L 1 … 8: Ms 1.59, gain margin 3.14, phase margin 61°, overshoot 4 % (Skogestad 2003, Grimholt
    2012)."""
    model = Model(0.2, ratio * dead, dead)
    pi = simc(model)
    found = margins(model, pi, NO_LAGS)
    assert pi == Pi(pytest.approx(ratio / 2 / 0.2), pytest.approx(ratio * dead))
    assert found.sensitivity == pytest.approx(1.59, abs=0.01)
    assert found.gain_margin == pytest.approx(math.pi, abs=0.01)
    assert found.phase_margin == pytest.approx(61.35, abs=0.1)
    assert found.ultimate_period_s == pytest.approx(4 * dead)
    assert step_answer(model, pi, NO_LAGS).overshoot == pytest.approx(4.5, abs=0.6)


def test_simc_limits_the_integral_time_of_a_slow_plant() -> None:
    assert simc(Model(0.2, 400, 10)).integral_time_s == 80


@pytest.mark.parametrize("ratio", [1, 2, 4, 8])
def test_amigo_is_calm(ratio: float) -> None:
    model = Model(0.2, ratio * 10, 10)
    assert 1.20 <= margins(model, amigo(model), NO_LAGS).sensitivity <= 1.36


def test_amigo_is_the_published_formula() -> None:
    """K = T = L = 1: 0.15 + 0.35 − 0.25 and 0.35 + 13/20."""
    assert amigo(Model(1, 1, 1)) == Pi(pytest.approx(0.25), pytest.approx(1.0))


def test_the_half_rule_shares_out_filter_and_delay() -> None:
    assert with_lags(Model(0.2, 20, 4), Lags(6.0, 2.0)) == Model(0.2, 23, 10)
    assert with_lags(Model(0.2, 6, 4), Lags(20.0, 0.0)) == Model(0.2, 23, 7)


@pytest.mark.parametrize("rule", ["simc", "amigo"])
@pytest.mark.parametrize(("lag", "dead"), [(5, 0), (14, 2.5), (15, 15), (40, 15), (100, 40), (10, 30)])
@pytest.mark.parametrize("filter_s", [0.0, 5.0, 20.0])
def test_what_is_proposed_may_be_accepted(rule: str, lag: float, dead: float, filter_s: float) -> None:
    model, lags = Model(0.15, lag, dead), Lags(filter_s, 1.0)
    pi = tuned(model, "simc" if rule == "simc" else "amigo", lags)
    found = margins(model, pi, lags)
    assert found.sensitivity <= 1.7
    assert found.gain_margin >= 3
    if rule == "simc":
        assert accepted(found, step_answer(model, pi, lags))


@pytest.mark.parametrize("hot", [0.9, 1.1])
def test_the_gain_margin_is_where_the_loop_begins_to_swing(hot: float) -> None:
    """Simulated scan by scan: below it the error dies out, above it grows."""
    model, lags = Model(0.2, 20, 8), Lags(5.0, 1.0)
    pi = simc(with_lags(model, lags))
    gain = pi.gain * margins(model, pi, lags).gain_margin * hot
    plant = LoopPlant(model.gain, model.lag_s, model.dead_time_s, noise=0, rounding=0)
    seen, integral, errors = plant.temperature, 50.0, []
    for _ in range(1200):
        error = 51.0 - seen
        integral += gain * error / pi.integral_time_s
        seen += (plant.step(gain * error + integral) - seen) / (lags.filter_s + 1)
        errors.append(abs(error))
    assert (max(errors[-100:]) > max(errors[200:300])) == (hot > 1)


@given(st.floats(0.02, 2), st.floats(1, 600), st.floats(0, 120), st.floats(0, 60))
@settings(max_examples=40, deadline=None)
def test_any_model_gets_a_stable_loop(gain: float, lag: float, dead: float, filter_s: float) -> None:
    model, lags = Model(gain, lag, dead), Lags(filter_s, 1.0)
    pi = tuned(model, "simc", lags)
    assert pi.gain > 0
    assert pi.integral_time_s > 0
    assert margins(model, pi, lags).gain_margin > 2.5


@pytest.mark.parametrize("model", [Model(-0.2, 10, 5), Model(0, 10, 5), Model(0.2, 0, 5), Model(0.2, 9, -1)])
def test_no_loop_for_a_model_that_is_none(model: Model) -> None:
    with pytest.raises(ValueError, match="no loop can be tuned"):
        tuned(model, "simc", NO_LAGS)
