"""Sensors that lie within their range: seen by physics or by their twin, and the heat goes on."""

from __future__ import annotations

import pytest

from hil_tests.core.conftest import Loop


def test_a_supply_sensor_that_hangs_is_left_out(station: Loop) -> None:
    """The other one moves with a new set-point: from then on it alone is believed."""
    station.fault("low.supply_temperature", "frozen")
    station.write("low.heat_curve.shift", 5.0)
    station.until(lambda loop: loop["low.supply_temperature_1"].reason == "frozen", 3600)
    assert ("input_bad", "low.supply_temperature_1") in station.alarms()
    station.run(minutes=30)
    assert station["low.supply_temperature"].reason == "second_sensor"
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.0)
    station.clear("low.supply_temperature")
    station.run(minutes=2)
    assert station["low.supply_temperature"].reason == ""


def test_a_makeup_flow_without_pump_is_doubted(station: Loop) -> None:
    station.fault("low.makeup_flow", "offset", 3.0)
    station.until(lambda loop: "flow_without_pump" in loop.codes(), 3600)
    assert station["low.makeup_flow"].reason == "flow_without_pump"


def test_a_return_above_the_supply_is_doubted(station: Loop) -> None:
    station.fault("low.return_temperature", "offset", 20.0)
    station.until(lambda loop: "return_above_supply" in loop.codes(), 700)
    assert station["low.return_temperature"].reason == "return_above_supply"


def test_a_pressure_that_stays_without_pumps_is_doubted(station: Loop) -> None:
    station.fault("low.differential_pressure", "frozen")
    for pump in ("low.pump_1", "low.pump_2"):
        station.fault(pump, "trip")
    station.until(lambda loop: "pressure_without_pump" in loop.codes(), 300)
    assert station.valve <= 1.0 or station.value("low.valve_command") == 0.0
