"""The linear programme of the season: a steady day by hand, and what it must never do."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.season_bound import STATES, Linear, Record, best_curve, bound, discomfort, play, replayed
from controller.settings.check import check_file
from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.rig import Rig
from sim.weather import Weather

DEMO = Path(__file__).parents[1] / "config" / "demo.yaml"
HOURS, OUTDOOR = 24, -10.0


def steady_day() -> tuple[Linear, float]:
    """A day at -10 °C of a house that starts in balance at 20 °C without sun; the W that this takes."""
    plant = Plant(
        replace(PlantParameters(), zones=(replace(ZoneParameters(), buildings=1),)), Weather.constant(OUTDOOR)
    )
    (branch,) = plant.zones["low"].branches
    need = branch.need(OUTDOOR, 20.0)
    start = [getattr(branch.building, name) for name in STATES]
    record = Record(branch, 2e6, start)
    record.outdoor, record.wind = [OUTDOOR] * HOURS, [1.0] * HOURS
    record.solar, record.heat, record.air = [0.0] * HOURS, [need] * HOURS, [20.0] * HOURS
    return Linear(record), need


def test_a_steady_day_takes_its_loss_and_no_programme_can_do_with_less():
    model, need = steady_day()
    assert replayed(model) < 1e-6
    assert bound([model], 0.0) == pytest.approx(need * HOURS * 3600.0, rel=1e-6)


def test_comfort_that_is_given_up_saves_heat_and_no_more_than_it_may():
    model, need = steady_day()
    whole = need * HOURS * 3600.0
    less = bound([model], 12.0)
    # The end must be as warm as the start: only the loss of 12 K·h is saved.
    loss = need / (20.0 - OUTDOOR)
    assert whole - 1.5 * loss * 12.0 * 3600.0 < less < whole - 0.5 * loss * 12.0 * 3600.0


def test_degree_hours_are_those_of_the_season():
    assert discomfort([21.0, 19.5, 20.0, 17.0]) == pytest.approx(3.5)


@pytest.mark.timeout(240)
def test_run_and_curve_cost_more_than_the_bound():
    checked = check_file(DEMO)
    assert checked.file is not None
    weather = Weather.load("harbin")
    rig = Rig(checked.file, checked.profiles, weather, dt=5.0, start_time=weather.first(1, 10))
    records = play(rig, 0.5)
    models = [Linear(record) for record in records]
    assert max(replayed(model) for model in models) < 0.1
    energy = sum(sum(record.heat) for record in records) * 3600.0
    cold = sum(discomfort(model.replay[0]) for model in models)
    assert cold == pytest.approx(sum(discomfort(record.air) for record in records), rel=0.05, abs=1.0)
    least = bound(models, cold)
    assert 0.8 * energy < least < energy
    assert best_curve(models, cold)[0] > least
