"""Halving the plant's step changes nothing that anybody would decide by (twelve hours in January).

Heat, electricity and mean temperatures within 0.5 %; degree-hours within 5 % or 1 K·h; travel and starts
of the valve within 10 %; the same alarms. The scan keeps its second: only the plant's step is halved.
"""

from pathlib import Path
from typing import Any

import pytest

from controller.settings.check import check_file
from sim.rig import Rig
from sim.season import run_season
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
DAYS = 0.5


def season(parts: int) -> tuple[dict[str, Any], float, float]:
    """Indicators, mean supply and mean room temperature with the plant stepped `parts` times a scan."""
    checked = check_file(DEMO)
    assert checked.file is not None
    rig = Rig(checked.file, checked.profiles, Weather.load("shenyang_2013_01"), seed=3)
    whole = rig.plant.step

    def step(dt: float) -> None:
        for _ in range(parts):
            whole(dt / parts)

    rig.plant.step = step  # type: ignore[method-assign]
    indicators, trace = run_season(rig, DAYS)
    return indicators, sum(trace.supply) / len(trace.supply), sum(trace.room) / len(trace.room)


@pytest.mark.timeout(200)
def test_halving_the_plants_step_changes_no_decision() -> None:
    (one, supply, room), (two, supply_two, room_two) = season(1), season(2)
    for key in ("heat_gj", "pump_kwh"):
        assert two[key] == pytest.approx(one[key], rel=0.005), key
    assert supply_two == pytest.approx(supply, rel=0.005)
    assert room_two == pytest.approx(room, rel=0.005)
    for key in ("degree_hours_below_20", "degree_hours_below_18", "degree_hours_above_24"):
        assert two[key] == pytest.approx(one[key], rel=0.05, abs=1.0), key
    valve, valve_two = one["circuits"]["low"], two["circuits"]["low"]
    for key in ("valve_strokes_per_day", "valve_starts_per_day"):
        print(key, valve[key], valve_two[key])
        assert valve_two[key] == pytest.approx(valve[key], rel=0.10), key
    assert two["alarms"] == one["alarms"]
