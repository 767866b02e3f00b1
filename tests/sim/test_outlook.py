"""What is written about the simulated weather: errors as they are said to be, faults, and the way in."""

from __future__ import annotations

import statistics
from datetime import datetime
from pathlib import Path

import pytest

from controller.safety.witnesses.outdoor_witness import OutdoorSettings
from controller.settings.check import check_file
from sim.outlook import FORECAST, HOURS, NAMES, UPSTREAM, Outlook
from sim.rig import Rig
from sim.scenario import ScenarioError, load_scenario
from sim.weather import CHINA, Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
START = datetime(2013, 1, 1, tzinfo=CHINA).timestamp()
HOUR = 3600.0


def written(outlook: Outlook, now: float) -> dict[str, float]:
    return {command.subject: command.value for command in outlook.due(now)}


def test_the_same_seed_writes_the_same_and_only_when_it_is_due() -> None:
    weather = Weather.constant(-10.0)
    one, other, third = Outlook(weather, 3), Outlook(weather, 3), Outlook(weather, 4)
    first = written(one, START)
    assert first == written(other, START)
    assert first != written(third, START)
    assert set(first) == {UPSTREAM, *(f"{FORECAST}_{hour}h" for hour in HOURS)}
    assert written(one, START + 599.0) == {}
    assert set(written(one, START + 600.0)) == {UPSTREAM}
    assert len(written(one, START + HOUR)) == 10


def test_errors_grow_with_the_lead_time_and_are_on_no_side() -> None:
    weather = Weather.constant(-10.0)
    rows = [written(Outlook(weather, seed), START) for seed in range(600)]
    for hour, sigma in ((0, 0.5), (24, 1.32), (48, 2.5)):
        errors = [row[f"{FORECAST}_{hour}h"] + 10.0 for row in rows]
        assert statistics.mean(errors) == pytest.approx(0.0, abs=sigma / 8)
        assert statistics.stdev(errors) == pytest.approx(sigma, rel=0.1)


def test_it_foretells_the_weather_that_comes() -> None:
    weather = Weather.constant(-10.0)
    weather.lay_cold_wave(START + 30 * HOUR, 3.0, -10.0)
    found = written(Outlook(weather, 1), START)
    assert found[f"{FORECAST}_0h"] - found[f"{FORECAST}_36h"] > 5.0


def test_faults_of_what_is_written() -> None:
    outlook, sound = Outlook(Weather.constant(-10.0), 1), Outlook(Weather.constant(-10.0), 1)
    outlook.fault(UPSTREAM, "wrong", -8.0)
    outlook.fault(FORECAST, "lost")
    assert written(outlook, START) == {UPSTREAM: pytest.approx(written(sound, START)[UPSTREAM] - 8.0)}
    for name in NAMES:
        outlook.clear(name)
    assert written(outlook, START + HOUR) == written(sound, START + HOUR)
    with pytest.raises(ValueError, match="allowed: lost, wrong"):
        outlook.fault(FORECAST, "broken")
    with pytest.raises(ValueError, match="value in K"):
        outlook.fault(FORECAST, "wrong")


def test_a_rig_carries_it_to_the_station_by_the_way_of_commands() -> None:
    checked = check_file(DEMO)
    assert checked.file is not None
    file = checked.file.model_copy(deep=True)
    file.outdoor = OutdoorSettings()
    weather = Weather.constant(-10.0)
    rig = Rig(file, checked.profiles, weather, dt=5.0, outlook=Outlook(weather, 1))
    rig.run(60)
    assert rig[UPSTREAM].usable
    assert rig["station.forecast_48h"].usable
    rig.fault(FORECAST, "lost")
    rig.fault(UPSTREAM, "wrong", 3.0)
    before = rig[UPSTREAM].value
    rig.run(hours=1.01)
    assert rig[UPSTREAM].value == pytest.approx(before + 3.0, abs=1.0)
    assert rig.plant.time - rig["station.forecast_48h"].time > HOUR
    rig.clear(FORECAST)
    rig.run(hours=1.01)
    assert rig.plant.time - rig["station.forecast_48h"].time < HOUR


def test_a_scenario_names_it_only_where_somebody_plays_it(tmp_path: Path) -> None:
    checked = check_file(DEMO)
    assert checked.file is not None
    path = tmp_path / "s.yaml"
    path.write_text("events:\n  - {at: 1 h, fault: wrong, on: station.forecast, value: 5 K, for: 2 h}\n")
    assert load_scenario(path, checked.file, written=True).faults[0].value == 5.0
    with pytest.raises(ScenarioError, match=r"2:33: events\.0\.on"):
        load_scenario(path, checked.file)
    path.write_text("events:\n  - {at: 1 h, fault: wron, on: station.forecast}\n")
    with pytest.raises(ScenarioError, match="did you mean wrong"):
        load_scenario(path, checked.file, written=True)
