"""Wind and sun correction on the plant: the sensors that the file asks for, and what they do there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.control.blocks.setpoint.wind_sun import WindSunSettings
from controller.settings.check import Checked
from controller.settings.station import PointSettings
from hil_tests.core.conftest import Loop
from sim.weather import Weather


@pytest.fixture
def windy(checked: Checked) -> Loop:
    """The demo station with both sensors, at −10 °C in 8 m/s of wind under 200 W/m² of sun."""
    assert checked.file is not None
    file = checked.file.model_copy(deep=True)
    for channel, role in (("temperatures", "wind_speed"), ("rooms", "solar_radiation")):
        file.points[f"station.{role}"] = PointSettings.model_validate({"from": f"{channel}.channel_6"})
    file.circuits["low"].wind_sun = WindSunSettings()
    return Loop(replace(checked, file=file), Weather.constant(-10.0, radiation=200.0, wind=8.0), dt=2.0)


def test_wind_asks_for_more_and_sun_for_less_until_their_sensors_are_lost(windy: Loop) -> None:
    """0.3 K for each m/s above 4: + 1.2 K; 0.5 K for each 100 W/m²: − 1.0 K; on 49.0 °C of the curve."""
    windy.run(hours=1)
    assert windy.value("station.wind_speed") == pytest.approx(8.0, abs=1.5)
    assert windy.value("station.solar_radiation") == pytest.approx(200.0, abs=10.0)
    assert windy.value("low.supply_demand") == pytest.approx(49.2, abs=0.4)
    assert {"wind", "sun"} <= set(windy.reason("low.supply_setpoint").split())
    windy.fault("station.solar_radiation", "open")
    windy.run(minutes=40)
    assert windy.value("low.supply_demand") == pytest.approx(50.2, abs=0.4)
    assert windy.supply == pytest.approx(50.2, abs=1.0)
    windy.fault("station.wind_speed", "open")
    windy.run(minutes=40)
    assert windy.value("low.supply_demand") == pytest.approx(49.0, abs=0.2)
