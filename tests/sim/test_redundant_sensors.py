"""A point with a second sensor in the station file has one in the plant, whatever it measures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.physics.parameters import PlantParameters
from sim.plant import Plant
from sim.weather import Weather

PAIRS = ("station.outdoor_temperature", "low.return_temperature", "station.tank_level", "low.return_pressure")


@pytest.mark.parametrize("point", PAIRS)
def test_both_sensors_see_the_same_and_fail_alone(point: str) -> None:
    plant = Plant(replace(PlantParameters(), further_sensors=(f"{point}_2",)), Weather.constant(-12.0))
    plant.step(1.0)
    first, second = plant.sensors[point], plant.sensors[f"{point}_2"]
    assert second == pytest.approx(first, rel=0.02, abs=0.3)
    plant.fault(f"{point}_2", "offset", 7.0)
    plant.step(1.0)
    assert plant.sensors[f"{point}_2"] == pytest.approx(second + 7.0, abs=1.0)
    assert plant.sensors[point] == pytest.approx(first, abs=1.0)


def test_a_point_with_one_sensor_has_no_second() -> None:
    plant = Plant(PlantParameters(), Weather.constant(-12.0))
    assert not [name for name in plant.sensors if name.endswith("temperature_2") and "room" not in name]


def test_a_third_sensor_is_one_of_its_own() -> None:
    further = ("low.supply_temperature_2", "low.supply_temperature_3")
    plant = Plant(replace(PlantParameters(), further_sensors=further), Weather.constant(-12.0))
    plant.fault("low.supply_temperature_3", "offset", -7.0)
    plant.step(1.0)
    first, second, third = (plant.sensors[f"low.supply_temperature{end}"] for end in ("", "_2", "_3"))
    assert second == pytest.approx(first, abs=0.3)
    assert third == pytest.approx(first - 7.0, abs=0.3)
