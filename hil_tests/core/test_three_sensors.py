"""A station with three sensors of one temperature: two that agree outvote the one that lies."""

from __future__ import annotations

import pytest

from controller.settings.check import Checked
from sim.campaign.causes import cause_of
from sim.campaign.matrix import matrix
from sim.rig import Rig
from sim.weather import Weather

SUPPLY, OUTDOOR = "low.supply_temperature", "station.outdoor_temperature"
LIARS = [("", "_1"), ("_2", "_2"), ("_3", "_3")]
"""The plant's name of a sensor, and the station's."""


@pytest.fixture
def station(checked: Checked) -> Rig:
    """The demo station with three supply and three outdoor sensors, warmed up at −24 °C."""
    assert checked.file is not None
    file = checked.file.model_copy(deep=True)
    file.points[SUPPLY].third = "temperatures.channel_6"
    file.points[OUTDOOR].third = "rooms.channel_6"
    rig = Rig(file, checked.profiles, Weather.constant(-24.0), seed=3, dt=2.0)
    rig.run(minutes=30)
    assert not rig.alarms()
    return rig


def supply(station: Rig) -> float:
    return station.plant.zones["low"].supply


@pytest.mark.parametrize(("sensor", "point"), LIARS)
@pytest.mark.parametrize("wrong", [-20.0, 60.0])
def test_one_of_three_supply_sensors_lies(station: Rig, sensor: str, point: str, wrong: float) -> None:
    """60 K more is beyond the trip: one sensor alone stops no heat."""
    station.fault(f"{SUPPLY}{sensor}", "offset", wrong)
    wanted = station["low.supply_setpoint"].value
    station.run(seconds=30)
    assert station.alarms() == {("input_bad", f"{SUPPLY}{point}")}
    for _ in range(20):
        station.run(minutes=1)
        assert supply(station) == pytest.approx(wanted, abs=1.5)
    station.clear(f"{SUPPLY}{sensor}")
    station.run(minutes=2)
    assert not station.alarms()


def test_two_of_three_that_are_too_hot_close_the_valve(station: Rig) -> None:
    for sensor in ("_2", "_3"):
        station.fault(f"{SUPPLY}{sensor}", "offset", 60.0)
    station.run(seconds=60)
    assert ("over_temperature", "low") in station.alarms()
    assert station["low.valve_command"].value == 0.0


def test_two_are_lost_and_the_third_goes_on(station: Rig) -> None:
    wanted = station["low.supply_setpoint"].value
    for sensor in ("", "_2"):
        station.fault(f"{SUPPLY}{sensor}", "open")
    station.run(hours=1)
    assert supply(station) == pytest.approx(wanted, abs=1.5)
    assert ("supply_lost", SUPPLY) not in station.alarms()


@pytest.mark.parametrize(("sensor", "point"), LIARS)
def test_one_of_three_outdoor_sensors_lies(station: Rig, sensor: str, point: str) -> None:
    station.fault(f"{OUTDOOR}{sensor}", "offset", 15.0)
    station.run(minutes=5)
    assert station[OUTDOOR].value == pytest.approx(-24.0, abs=0.5)
    assert station.alarms() == {("input_bad", f"{OUTDOOR}{point}")}


def test_the_campaign_breaks_each_of_the_three(station: Rig) -> None:
    cells = {cell.name: cell for cell in matrix(station.station, station.plant)}
    for sensor, point in LIARS:
        cause = cause_of(cells[f"-24/{SUPPLY}{sensor}:offset=-5"])
        assert cause is not None
        assert cause.names("input_bad", f"{SUPPLY}{point}")
    assert f"-24/{OUTDOOR}_3:open" in cells
