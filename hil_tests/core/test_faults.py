"""What breaks, and what becomes of the heat: judged against a twin that nothing befell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.settings.check import Checked
from hil_tests.core.conftest import Loop
from sim.bank import DEAD, HEALTHY
from sim.weather import Weather

SENSORS = {
    "station.outdoor_temperature": ("input_bad", "station.outdoor_temperature_1"),
    "station.outdoor_temperature_2": None,
    "station.primary_supply_temperature": None,
    "station.primary_return_temperature": None,
    "station.primary_supply_pressure": None,
    "station.primary_return_pressure": None,
    "station.primary_flow": None,
    "station.heat_power": None,
    "station.heat_energy": None,
    "station.tank_level": None,
    "low.supply_temperature": ("input_bad", "low.supply_temperature_1"),
    "low.supply_temperature_2": None,
    "low.return_temperature": None,
    "low.supply_pressure": None,
    "low.return_pressure": None,
    "low.differential_pressure": None,
    "low.makeup_pressure": None,
    "low.makeup_flow": None,
    "low.room_temperature_1": None,
    "low.pump_1_frequency": None,
    "low.pump_1_current": None,
    "low.valve_position": None,
}
"""Every analog sensor of the demo: its alarm, by default input_bad of itself."""


@pytest.fixture(scope="module")
def twin_heat(checked: Checked) -> float:
    """GJ of the hour in which the others have their fault, without one."""
    twin = Loop(checked, Weather.constant(-10.0))
    twin.run(minutes=10)
    before = twin.heat
    twin.run(hours=1)
    return twin.heat - before


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_sensor_lost_for_an_hour(sensor: str, make_station: Callable[..., Loop], twin_heat: float) -> None:
    station = make_station()
    station.run(minutes=10)
    before = station.heat
    station.fault(sensor, "open")
    station.run(seconds=10)
    alarm = SENSORS[sensor] or ("input_bad", sensor)
    # A return pressure with a substitute: see the next test.
    assert alarm in station.alarms() or sensor == "low.return_pressure"
    station.run(seconds=3590)
    assert 0.90 <= (station.heat - before) / twin_heat <= 1.15
    assert "circuit_broken" not in station.codes()
    valve = station.value("low.valve_command")
    station.clear(sensor)
    worst = 0.0

    def watch(loop: Loop) -> None:
        nonlocal worst
        worst = max(worst, abs(loop.value("low.valve_command") - valve))

    station.run(seconds=20, each=watch)
    assert worst <= 2.0
    station.run(minutes=2)
    assert not station.alarms()


def test_a_lost_return_pressure_with_a_substitute_is_told(station: Loop) -> None:
    station.fault("low.return_pressure", "open")
    station.run(seconds=10)
    assert ("input_bad", "low.return_pressure") in station.alarms()


def test_both_supply_sensors_lost_for_two_hours(station: Loop) -> None:
    """Held for 30 min, then carried on by return temperature and meter."""
    setpoint = station.value("low.supply_setpoint")
    valve = station.value("low.valve_command")
    for sensor in ("low.supply_temperature", "low.supply_temperature_2"):
        station.fault(sensor, "open")
    station.run(minutes=28)
    assert station.value("low.valve_command") == valve
    assert "valve_holds" in station.reason("low.valve_command")
    assert ("supply_lost", "low.supply_temperature") in station.alarms()
    assert station.supply == pytest.approx(setpoint, abs=3.0)
    worst = 0.0

    def watch(loop: Loop) -> None:
        nonlocal worst
        worst = max(worst, abs(loop.supply - setpoint))

    station.run(minutes=92, each=watch)
    assert "valve_estimates" in station.reason("low.valve_command")
    assert worst <= 3.0
    valve = station.value("low.valve_command")
    for sensor in ("low.supply_temperature", "low.supply_temperature_2"):
        station.clear(sensor)
    station.run(seconds=25)
    assert station.value("low.valve_command") == pytest.approx(valve, abs=2.0)
    assert station["low.valve_mode"].show() == "regulates"


def test_without_meter_as_well_the_day_average_goes_on(station: Loop) -> None:
    station.run(minutes=40)
    for sensor in ("low.supply_temperature", "low.supply_temperature_2", "station.heat_power"):
        station.fault(sensor, "open")
    station.run(hours=2)
    assert "valve_day_average" in station.reason("low.valve_command")
    assert station.supply == pytest.approx(49.0, abs=4.0)


@pytest.mark.parametrize(("sensor", "offset"), [("", 40.0), ("_2", 40.0), ("", -20.0), ("_2", -20.0)])
def test_one_of_two_supply_sensors_lies(station: Loop, sensor: str, offset: float) -> None:
    """Return temperature and meter are the third witness: the station follows the honest one."""
    station.fault(f"low.supply_temperature{sensor}", "offset", offset)
    station.run(hours=1)
    assert ("sensors_disagree", "low.supply_temperature") in station.alarms()
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.5)
    assert "over_temperature" not in station.codes()


@pytest.mark.parametrize(("sensor", "offset"), [("", 6.0), ("_2", -6.0)])
def test_one_of_two_supply_sensors_lies_where_no_meter_is_the_third(
    station: Loop, sensor: str, offset: float
) -> None:
    """The return knows: it follows the supply down, by the usual spread at this outdoor temperature."""
    station.fault("station.heat_power", "open")
    station.run(hours=1)
    setpoint = station.value("low.supply_setpoint")
    station.fault(f"low.supply_temperature{sensor}", "offset", offset)
    station.run(hours=2)
    assert ("sensors_disagree", "low.supply_temperature") in station.alarms()
    assert station.supply == pytest.approx(setpoint, abs=1.0)


def test_a_supply_sensor_that_drifts_up_does_not_turn_the_heat_off(make_station: Callable[..., Loop]) -> None:
    station = make_station(dt=4.0)
    station.run(minutes=20)
    station.fault("low.supply_temperature", "drift", 3.0)
    station.run(hours=4)
    assert ("sensors_disagree", "low.supply_temperature") in station.alarms()
    assert station.supply > station.value("low.supply_setpoint") - 3.5


def test_outdoor_sensor_lost_for_a_day(make_station: Callable[..., Loop]) -> None:
    """Held 2 h, then the ten-day mean less 3 K: never colder than the weather asks, at most 5 K warmer."""
    station = make_station(dt=5.0)
    station.run(hours=1)
    for sensor in ("station.outdoor_temperature", "station.outdoor_temperature_2"):
        station.fault(sensor, "open")
    lowest, highest = 99.0, 0.0

    def watch(loop: Loop) -> None:
        nonlocal lowest, highest
        setpoint = loop.value("low.supply_setpoint")
        lowest, highest = min(lowest, setpoint), max(highest, setpoint)

    station.run(hours=24, each=watch)
    assert lowest >= 48.5
    assert highest <= 53.0
    assert station["station.outdoor_temperature"].reason == "ten_day_mean"
    for sensor in ("station.outdoor_temperature", "station.outdoor_temperature_2"):
        station.clear(sensor)
    station.run(minutes=30)
    assert station.value("low.supply_demand") == pytest.approx(49.0, abs=1.2)
    assert not station.codes()


def test_return_pressure_lost_does_not_pump_the_loop_up(station: Loop) -> None:
    station.fault("low.return_pressure", "open")
    highest = 0.0

    def watch(loop: Loop) -> None:
        nonlocal highest
        highest = max(highest, loop.plant.zones["low"].loop.pressure / 1e3)

    station.run(hours=2, each=watch)
    assert station["low.return_pressure"].reason == "from_supply_pressure"
    assert 335.0 <= station.truth("low.return_pressure") <= 365.0
    assert highest <= 370.0


def test_a_silent_analog_module_for_half_an_hour(station: Loop) -> None:
    """All pressures and the level at once: pumps and heat go on, makeup stands."""
    station.rig.behave("analog", DEAD)
    station.run(minutes=30)
    assert ("device_silent", "analog") in station.alarms()
    assert "input_bad" not in station.codes()
    assert station["low.pump_1_run"].on
    assert not station["low.makeup_1_run"].on
    assert station.supply == pytest.approx(49.0, abs=1.0)
    station.rig.behave("analog", HEALTHY)
    station.run(minutes=5)
    assert not station.codes()


# ---- machines


def test_pump_trip(station: Loop) -> None:
    """Standby within 5 s, the valve closing meanwhile, no hot slug, back within ten minutes."""
    assert "pump_is_duty" in station.reason("low.pump_1_run")
    opening = station.valve
    station.fault("low.pump_1", "trip")
    assert station.until(lambda loop: loop["low.pump_2_run"].on, 10) <= 5
    closing = station.valve
    station.run(seconds=3)
    assert station.valve < min(opening, closing)
    hottest, coldest = 0.0, 99.0

    def watch(loop: Loop) -> None:
        nonlocal hottest, coldest
        hottest, coldest = max(hottest, loop.supply), min(coldest, loop.supply)

    station.run(minutes=10, each=watch)
    assert hottest < 65.0
    assert coldest > 44.0
    assert ("pump_failed", "low.pump_1") in station.alarms()
    assert "no_circulation" not in station.codes()
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=0.8)


def test_both_pumps_trip_and_one_is_mended(station: Loop) -> None:
    for pump in ("low.pump_1", "low.pump_2"):
        station.fault(pump, "trip")
    station.run(minutes=5)
    assert station.valve == 0.0
    assert station.reason("low.valve_command").startswith("by_limit rule_no_circulation")
    station.clear("low.pump_2")
    station.until(lambda loop: loop["low.circulation"].show() == "yes", 150)
    station.run(minutes=30)
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.0)
    assert "no_circulation" not in station.codes()


def test_a_lying_differential_pressure_changes_no_pump(station: Loop) -> None:
    station.fault("low.differential_pressure", "offset", -120.0)
    speed = station.value("low.pump_1_speed")
    station.run(minutes=10)
    assert station["low.pump_1_run"].on
    assert station.value("low.pump_1_speed") == pytest.approx(speed, abs=0.5)
    assert not {"no_circulation", "pump_failed"} & station.codes()


def test_power_cut_and_return(station: Loop) -> None:
    """The contact and standing drives close the valve; afterwards pumps first, no over-temperature of the
    buildings."""
    station.fault("station", "power_failure")
    station.run(seconds=10)
    assert "power_failure" in station.codes()
    assert station.value("low.valve_command") == 0.0
    station.run(minutes=5)
    station.clear("station")
    station.run(minutes=2)
    assert station["low.circulation"].show() == "yes"
    station.run(minutes=45)
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.0)
    assert "power_failure" not in station.codes()


def test_primary_outage_and_return_do_not_overshoot_into_the_alarm(make_station: Callable[..., Loop]) -> None:
    station = make_station(dt=2.0)
    station.run(minutes=20)
    station.fault("station", "primary_outage")
    station.run(hours=2)
    assert station["low.pump_1_run"].on
    station.clear("station")
    hottest = 0.0

    def watch(loop: Loop) -> None:
        nonlocal hottest
        hottest = max(hottest, loop.supply)

    station.run(hours=2, each=watch)
    assert hottest < 53.0
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.0)


def test_a_stuck_valve_is_told(station: Loop) -> None:
    station.fault("low.valve", "stuck")
    station.write("low.heat_curve.shift", -8.0)
    station.run(minutes=25)
    assert ("valve_astray", "low.valve_command") in station.alarms()


# ---- water


def test_makeup_holds_against_a_leak(station: Loop) -> None:
    """0.5 m³/h, more than 1 % of the loop an hour."""
    station.fault("low", "leak", 0.5)
    station.run(minutes=20)
    lowest, highest = 999.0, 0.0

    def watch(loop: Loop) -> None:
        nonlocal lowest, highest
        pressure = loop.plant.zones["low"].loop.pressure / 1e3
        lowest, highest = min(lowest, pressure), max(highest, pressure)

    station.run(hours=1.5, each=watch)
    assert lowest >= 335.0
    assert highest <= 375.0
    assert station.truth("low.makeup_volume") == pytest.approx(0.5 * 1.8, rel=0.35)
    assert not station.codes() & {"pressure_low", "over_pressure"}


def test_relief_opens_on_thermal_expansion_and_closes_again(make_station: Callable[..., Loop]) -> None:
    """The loop is held too full at 20 °C: heating up would burst it without the relief valve."""
    station = make_station(cold=True)
    station.write("low.makeup.setpoint", 400.0)
    opened = 0
    highest = 0.0

    def watch(loop: Loop) -> None:
        nonlocal opened, highest
        opened += loop["low.relief_valve"].on
        highest = max(highest, loop.plant.zones["low"].loop.pressure / 1e3)

    station.run(minutes=60, each=watch)
    assert opened > 0
    assert highest < 470.0
    assert not station["low.makeup_1_run"].on
    station.run(minutes=20)
    assert station.truth("low.return_pressure") < 455.0


def test_no_city_water_ends_in_a_stopped_makeup_not_in_a_dry_pump(make_station: Callable[..., Loop]) -> None:
    station = make_station(dt=2.0)
    station.fault("station", "no_city_water")
    station.fault("low", "leak", 3.0)
    station.until(lambda loop: "tank_low" in loop.codes(), 4 * 3600)
    assert not station["low.makeup_1_run"].on
    assert station.truth("station.tank_level") > 0.3
    station.clear("station")
    station.clear("low")
    station.until(lambda loop: "tank_low" not in loop.codes(), 3600)
