"""The whole service against the plant: start, disturbances, broken sensors, dead devices."""

import math

import pytest

from hil_tests.service.world import world
from sim.bank import DEAD, HEALTHY
from sim.weather import Weather

pytestmark = pytest.mark.timeout(240)


async def test_cold_start_reaches_the_set_point_and_settles(tmp_path):
    async with world(tmp_path, cold=True, poll_s=5.0) as w:
        await w.run(minutes=5)
        assert w["low.circulation"].show() == "yes"
        assert w["low.pump_1_state"].show() == "running"
        assert w["low.pump_2_state"].show() == "off"
        await w.until("low.supply_temperature", 49.0, 50.0, within_s=1.5 * 3600)
        await w.run(minutes=15)
        highest, errors = 0.0, []
        for _ in range(600):
            await w.run(1)
            highest = max(highest, w["low.supply_temperature"].value)
            errors.append(abs(w["low.supply_temperature"].value - w["low.supply_setpoint"].value))
        assert sum(errors) / len(errors) < 0.5
        assert highest < 51.0
        # The water has grown by half a cubic metre: the vessel is pressed up to the relief band.
        assert w.alarms() <= {("over_pressure", "low")}
        assert w["low.return_pressure"].value < 450.0


async def test_outdoor_step_moves_the_set_point_along_the_curve(tmp_path):
    async with world(tmp_path, outdoor=2.0, poll_s=5.0) as w:
        await w.run(minutes=10)
        assert w["low.supply_setpoint"].value == pytest.approx(39.4, abs=0.5)
        w.plant.weather = Weather.constant(-5.0)
        await w.until("station.outdoor_temperature", -6.0, -4.5, within_s=2 * 3600)
        await w.until("low.supply_setpoint", 44.0, 46.0, within_s=3600)
        await w.run(minutes=15)
        assert w["low.supply_temperature"].value == pytest.approx(w["low.supply_setpoint"].value, abs=1.0)


async def test_standby_pump_takes_over_and_the_valve_closes_meanwhile(tmp_path):
    async with world(tmp_path) as w:
        await w.run(minutes=5)
        before = w["low.valve_command"].value
        w.plant.fault("low.pump_1", "trip")
        lowest, started_after = before, math.inf
        for second in range(1, 60):
            await w.run(1)
            lowest = min(lowest, w["low.valve_command"].value)
            if w["low.pump_2_run"].on:
                started_after = min(started_after, second)
        assert started_after <= 5
        assert lowest == 0.0
        assert ("pump_failed", "low.pump_1") in w.alarms()
        await w.run(minutes=15)
        assert w["low.circulation"].show() == "yes"
        assert w["low.valve_command"].value > 5.0
        assert w["low.supply_temperature"].value == pytest.approx(w["low.supply_setpoint"].value, abs=1.5)


SENSORS = (
    "station.outdoor_temperature",
    "station.outdoor_temperature_2",
    "station.primary_supply_temperature",
    "station.primary_return_temperature",
    "station.primary_supply_pressure",
    "station.primary_return_pressure",
    "station.tank_level",
    "low.supply_temperature",
    "low.supply_temperature_2",
    "low.return_temperature",
    "low.supply_pressure",
    "low.return_pressure",
    "low.differential_pressure",
    "low.makeup_pressure",
    "low.makeup_flow",
    "low.room_temperature_1",
    "low.room_temperature_2",
    "low.room_temperature_3",
)


async def test_each_sensor_lost_is_told_and_taken_back(tmp_path):
    async with world(tmp_path) as w:
        await w.run(minutes=5)
        for sensor in SENSORS:
            before = w["low.valve_command"].value
            w.plant.fault(sensor, "open")
            await w.run(30)
            told = {subject for code, subject in w.alarms() if code == "input_bad"}
            assert told == {f"{sensor}_1" if f"{sensor}_2" in SENSORS else sensor}
            assert w["low.circulation"].show() == "yes", sensor
            assert w["low.pump_1_run"].on, sensor
            assert abs(w["low.valve_command"].value - before) < 6.0, sensor
            w.plant.clear(sensor)
            await w.run(60)
            assert w.alarms() == set(), sensor


async def test_a_device_silent_for_long_comes_back_by_itself(tmp_path):
    async with world(tmp_path) as w:
        await w.run(minutes=2)
        w.behave("meter", DEAD)
        await w.run(minutes=20)
        assert w.alarms() == {("device_silent", "meter")}
        assert not w["station.heat_power"].usable
        assert w["low.supply_temperature"].value == pytest.approx(w["low.supply_setpoint"].value, abs=1.0)
        w.behave("meter", HEALTHY)
        await w.run(90)
        assert w["station.heat_power"].usable
        assert w.alarms() == set()


async def test_contacts_and_meter_lost_stop_no_heat_and_come_back(tmp_path):
    """A contact and a meter value cannot break alone: their module falls silent."""
    async with world(tmp_path) as w:
        await w.run(minutes=3)
        for device in ("contacts", "meter"):
            w.behave(device, DEAD)
            await w.run(40)
            assert w.alarms() == {("device_silent", device)}
            assert w["low.pump_1_run"].on
            assert w["low.valve_command_reason"].show() == "demand"
            w.behave(device, HEALTHY)
            await w.run(90)
            assert w.alarms() == set(), device


async def test_starts_with_half_the_bus_dead(tmp_path):
    async with world(tmp_path, dead=["low_pump_2", "low_makeup_2", "meter", "rooms"]) as w:
        assert w.service.ready
        await w.run(minutes=3)
        silent = {subject for code, subject in w.alarms() if code == "device_silent"}
        assert silent == {"low_pump_2", "low_makeup_2", "meter", "rooms"}
        assert w["low.circulation"].show() == "yes"
        assert w["low.supply_temperature"].reason == ""
        assert w["low.supply_temperature"].value == pytest.approx(w["low.supply_setpoint"].value, abs=2.0)


async def test_the_database_deleted_under_the_service_is_made_again(tmp_path):
    async with world(tmp_path) as w:
        await w.run(30)
        for file in w.directory.glob("history.db*"):
            file.unlink()
        await w.run(60)
        w.plant.fault("low.room_temperature_1", "open")
        await w.run(30)
        assert any(e.code == "input_bad" and e.subject == "low.room_temperature_1" for e in w.events("alarm"))
