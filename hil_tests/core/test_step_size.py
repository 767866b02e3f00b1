"""Halving the plant's step changes nothing that anybody would decide by (a night in January).

Heat, electricity and mean temperatures within 0.5 %; degree-hours within 5 % or 1 K·h; travel and starts
of the valve within 10 %; the same alarms. The scan keeps its second: only the plant's step is halved.
"""

from pathlib import Path

import pytest

from controller.settings.check import check_file
from sim.rig import Rig
from sim.season import run_season
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
DAYS = 0.25
SEEDS = (3, 4)


def season(parts: int, seed: int) -> dict[str, float]:
    """What is compared, with the plant stepped `parts` times a scan."""
    checked = check_file(DEMO)
    assert checked.file is not None
    rig = Rig(checked.file, checked.profiles, Weather.load("shenyang_2013_01"), seed=seed)
    whole = rig.plant.step

    def step(dt: float) -> None:
        for _ in range(parts):
            whole(dt / parts)

    rig.plant.step = step  # type: ignore[method-assign]
    found, trace = run_season(rig, DAYS)
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
    """Noise is drawn anew at every step, and the valve follows it: so travel is the mean of two seeds."""
    one = [season(1, seed) for seed in SEEDS]
    two = [season(2, seed) for seed in SEEDS]
    mean = [{key: sum(run[key] for run in runs) / len(SEEDS) for key in runs[0]} for runs in (one, two)]
    print(*mean, sep="\n")
    whole, halved = mean
    for key in ("heat_gj", "pump_kwh", "supply", "room"):
        assert halved[key] == pytest.approx(whole[key], rel=0.005), key
    for key in ("degree_hours_below_20", "degree_hours_below_18", "degree_hours_above_24"):
        assert halved[key] == pytest.approx(whole[key], rel=0.05, abs=1.0), key
    for key in ("strokes", "starts"):
        assert halved[key] == pytest.approx(whole[key], rel=0.10), key
    assert [run["alarms"] for run in two] == [run["alarms"] for run in one]
