"""Halving the plant's step changes nothing that anybody would decide by (a night in January).

Heat, electricity and mean temperatures within 0.5 %; degree-hours within 5 % or 1 K·h; the same alarms. The
scan keeps its two seconds: only the plant's step is halved. Travel and starts of the valve (within 10 %)
take more nights to be told from noise: `make validation` holds them.
"""

from pathlib import Path

import pytest

from controller.settings.check import check_file
from sim.rig import Rig
from sim.scenario import Scenario, ScenarioEvent
from sim.season import run_season
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
DAYS = 0.25
SEEDS = (3, 4)
MINUTE = 60.0
BAD_HOUR = Scenario(
    "a bad hour",
    (
        ScenarioEvent(5 * MINUTE, 25 * MINUTE, "trip", "low.pump_1"),
        ScenarioEvent(15 * MINUTE, 40 * MINUTE, "open", "station.outdoor_temperature"),
        ScenarioEvent(30 * MINUTE, 60 * MINUTE, "leak", "low", 4.0),
        ScenarioEvent(45 * MINUTE, 70 * MINUTE, "pressure_step", "station", -0.8),
    ),
)


def make_rig(parts: int, seed: int, scenario: Scenario | None = None) -> Rig:
    """The demo station, its plant stepped `parts` times a scan."""
    checked = check_file(DEMO)
    assert checked.file is not None
    weather = Weather.load("shenyang_2013_01")
    rig = Rig(checked.file, checked.profiles, weather, seed=seed, scenario=scenario, dt=2.0)
    whole = rig.plant.step

    def step(dt: float) -> None:
        for _ in range(parts):
            whole(dt / parts)

    rig.plant.step = step  # type: ignore[method-assign]
    return rig


def season(parts: int, seed: int, days: float = DAYS) -> dict[str, float]:
    """What is compared, with the plant stepped `parts` times a scan."""
    found, trace = run_season(make_rig(parts, seed), days)
    low = found["circuits"]["low"]
    kept = ("heat_gj", "pump_kwh", "degree_hours_below_20", "degree_hours_below_18", "degree_hours_above_24")
    return {
        **{key: found[key] for key in kept},
        "supply": sum(trace.supply) / len(trace.supply),
        "room": sum(trace.room) / len(trace.room),
        "strokes": low["valve_strokes_per_day"],
        "starts": low["valve_starts_per_day"],
        "alarms": found["alarms"],
    }


@pytest.mark.timeout(300)
def test_halving_the_plants_step_changes_no_decision() -> None:
    """Noise is drawn anew at every step: so the mean of two seeds."""
    one = [season(1, seed) for seed in SEEDS]
    two = [season(2, seed) for seed in SEEDS]
    mean = [{key: sum(run[key] for run in runs) / len(SEEDS) for key in runs[0]} for runs in (one, two)]
    print(*mean, sep="\n")
    whole, halved = mean
    for key in ("heat_gj", "pump_kwh", "supply", "room"):
        assert halved[key] == pytest.approx(whole[key], rel=0.005), key
    for key in ("degree_hours_below_20", "degree_hours_below_18", "degree_hours_above_24"):
        assert halved[key] == pytest.approx(whole[key], rel=0.05, abs=1.0), key
    assert [run["alarms"] for run in two] == [run["alarms"] for run in one]


def test_a_bad_hour_raises_the_same_alarms() -> None:
    """The night above is a quiet one: here pump, sensor, loop and primary fail one after the other."""
    raised = []
    for parts in (1, 2):
        found, _ = run_season(make_rig(parts, SEEDS[0], BAD_HOUR), 90 / 1440)
        raised.append(found["alarms_by_code"])
    print(raised)
    assert len(raised[0]) >= 4
    assert raised[1] == raised[0]
