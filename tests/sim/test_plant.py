"""The whole plant: design point, balances, time step, commands, contacts, faults."""

from dataclasses import replace
from math import isfinite, isnan

import pytest
from hand_made import GROUPS, TWO_GROUPS
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.plant import GroupParameters, Plant, PlantParameters, RoomParameters, ZoneParameters
from sim.weather import Weather

STEADY = PlantParameters(zones=(TWO_GROUPS,), primary_disturbance=0.0, sensor_noise=0.0)
DESIGN_DAY = Weather.constant(-24.2)


def run(plant: Plant, seconds: float, dt: float = 5.0) -> Plant:
    for _ in range(round(seconds / dt)):
        plant.step(dt)
    return plant


def close_and_hold(plant: Plant) -> None:
    """Makeup by hand: holds the pressure without a controller."""
    low = plant.sensors["low.return_pressure"] < 300.0
    plant.command("low.makeup_1_run", 1.0 if low else 0.0)
    plant.command("low.makeup_1_speed", 50.0)


def test_design_conditions_from_warm():
    plant = run(Plant(STEADY, DESIGN_DAY), 86400.0)
    truth = plant.truth
    assert truth["low.supply_temperature"] == pytest.approx(60.0, abs=0.5)
    assert truth["low.return_temperature"] == pytest.approx(45.0, abs=0.5)
    assert truth["low.near.air_temperature"] == pytest.approx(20.0, abs=0.2)
    assert truth["low.far.air_temperature"] == pytest.approx(20.0, abs=0.2)
    assert truth["station.primary_return_temperature"] == pytest.approx(60.0, abs=0.5)
    assert truth["station.primary_flow"] == pytest.approx(34.9, rel=0.02)
    assert truth["low.secondary_flow"] == pytest.approx(117.0, rel=0.02)
    assert truth["station.heat_power"] == pytest.approx(2000.0, rel=0.01)
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-9


def test_design_conditions_are_reached_from_cold():
    """The building takes days; with a light one the end is the same and the test short."""
    light = tuple(replace(group, time_constant_h=4.0) for group in GROUPS)
    zone = replace(TWO_GROUPS, groups=light, leak_m3_per_h=0.0)
    plant = Plant(replace(STEADY, zones=(zone,)), DESIGN_DAY, start="cold")
    plant.command("low.valve_command", 87.3)
    plant.command("low.pump_1_run", 1.0)
    plant.command("low.pump_1_speed", 50.0)
    run(plant, 30 * 3600.0)
    truth = plant.truth
    assert truth["low.supply_temperature"] == pytest.approx(60.0, abs=0.7)
    assert truth["low.return_temperature"] == pytest.approx(45.0, abs=0.7)
    assert truth["low.near.air_temperature"] == pytest.approx(20.0, abs=0.5)
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-9


def test_balances_over_a_moving_day():
    plant = Plant(PlantParameters(), Weather.load("shenyang_2013_01"), seed=3)
    for i in range(24 * 60):
        close_and_hold(plant)
        plant.command("low.valve_command", 60.0 + 30.0 * ((i // 60) % 2))
        plant.command("low.pump_1_speed", 30.0 + (i % 20))
        plant.command("station.tank_inlet", float(i % 100 < 50))
        run(plant, 60.0)
    assert plant.energy_balance_error() < 1e-3
    assert plant.mass_balance_error() < 1e-6
    assert plant.truth["low.return_pressure"] > 200.0


@pytest.mark.parametrize("outdoor", [-10.0, 0.0])
def test_warm_start_is_near_steady(outdoor):
    plant = Plant(STEADY, Weather.constant(outdoor))
    start = plant.truth
    end = run(plant, 4 * 3600.0).truth
    assert end["low.supply_temperature"] == pytest.approx(start["low.supply_temperature"], abs=0.4)
    assert end["low.near.air_temperature"] == pytest.approx(20.0, abs=0.1)


def test_halving_the_step_changes_little():
    ends = []
    for dt in (1.0, 2.0):
        plant = Plant(STEADY, DESIGN_DAY)
        plant.command("low.valve_command", 60.0)
        run(plant, 600.0, dt)
        plant.command("low.pump_1_speed", 35.0)
        ends.append(run(plant, 1800.0, dt).truth)
    fine, coarse = ends
    for key in (
        "low.supply_temperature", "low.return_temperature", "low.near.air_temperature",
        "station.heat_energy", "low.electric_energy", "low.return_pressure", "station.primary_flow",
    ):  # fmt: skip
        assert coarse[key] == pytest.approx(fine[key], rel=0.005), key


def test_long_steps_are_divided():
    one, many = Plant(STEADY, DESIGN_DAY), Plant(STEADY, DESIGN_DAY)
    one.step(60.0)
    run(many, 60.0)
    expected = many.truth["low.supply_temperature"]
    assert one.truth["low.supply_temperature"] == pytest.approx(expected, abs=1e-9)
    with pytest.raises(ValueError, match="above 0"):
        one.step(0.0)


def test_the_same_seed_gives_the_same_run():
    runs = [run(Plant(PlantParameters(), DESIGN_DAY, seed=seed), 600.0).sensors for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_open_valve_gives_the_temperature_of_the_facts():
    """FACTS §8: valve fully open at 110 °C gives 62.6 °C; far too much for a room, far below the limit."""
    plant = Plant(STEADY, DESIGN_DAY)
    plant.command("low.valve_command", 100.0)
    assert run(plant, 600.0).truth["low.supply_temperature"] == pytest.approx(62.6, abs=1.0)


def test_sensor_and_command_names():
    plant = Plant(replace(STEADY, further_sensors=("low.supply_temperature_2",)), DESIGN_DAY)
    expected = {
        "station.outdoor_temperature", "station.primary_supply_temperature",
        "station.primary_return_temperature", "station.primary_supply_pressure",
        "station.primary_return_pressure", "station.primary_flow", "station.heat_power",
        "station.heat_energy", "station.primary_volume", "station.electric_energy",
        "low.makeup_volume", "station.tank_level", "station.power_failure",
        "station.flood",
        "low.supply_temperature", "low.supply_temperature_2", "low.return_temperature",
        "low.supply_pressure", "low.return_pressure", "low.differential_pressure", "low.makeup_flow",
        "low.secondary_flow", "low.primary_flow", "low.heat_power",
        "low.makeup_pressure", "low.suction_switch", "low.thermostat", "low.room_temperature_1",
        "low.room_temperature_2", "low.room_temperature_3", "low.valve_position", "low.valve_local",
    }  # fmt: skip
    for pump in ("pump_1", "pump_2", "makeup_1", "makeup_2"):
        for role in ("running", "fault", "local", "bypass", "frequency", "current"):
            expected.add(f"low.{pump}_{role}")
    assert set(plant.sensors) == expected
    assert all(isfinite(value) for value in plant.sensors.values())
    with pytest.raises(KeyError, match=r"unknown command.*low\.valve_command"):
        plant.command("low.valve", 1.0)
    with pytest.raises(ValueError, match="finite"):
        plant.command("low.valve_command", float("nan"))


def test_secondary_meter():
    plant = run(Plant(replace(STEADY, sensor_noise=1.0), DESIGN_DAY), 600.0)
    sensors, truth = plant.sensors, plant.truth
    assert sensors["low.secondary_flow"] == pytest.approx(truth["low.secondary_flow"], rel=0.015)
    assert sensors["low.heat_power"] == pytest.approx(truth["low.heat_power"], rel=0.015)
    plant.fault("low.pump_1", "trip")
    run(plant, 5.0, 1.0)
    assert sensors["low.secondary_flow"] > plant.truth["low.secondary_flow"] + 5.0
    run(plant, 60.0)
    assert sensors["low.secondary_flow"] < 2.0
    assert sensors["low.heat_power"] < 30.0
    plant.fault("low.secondary_flow", "frozen")
    plant.fault("low.heat_power", "open")
    plant.step(1.0)
    assert isnan(plant.sensors["low.heat_power"])


def test_cold_start():
    plant = Plant(STEADY, DESIGN_DAY, start="cold")
    assert plant.sensors["low.return_pressure"] == pytest.approx(300.0, abs=0.1)
    assert plant.sensors["low.return_temperature"] == 20.0
    assert plant.sensors["low.room_temperature_1"] == 15.0
    assert plant.sensors["low.pump_1_running"] == 0.0
    run(plant, 60.0)
    assert plant.truth["low.secondary_flow"] == 0.0
    assert plant.truth["low.primary_flow"] < 0.1


def test_two_zones_share_network_and_tank():
    high = replace(TWO_GROUPS, name="high", circulation_pumps=3)
    plant = run(Plant(replace(STEADY, zones=(TWO_GROUPS, high)), DESIGN_DAY), 3600.0)
    assert plant.truth["station.heat_power"] == pytest.approx(4000.0, rel=0.01)
    assert "high.pump_3_current" in plant.sensors
    before = plant.truth["low.primary_flow"]
    plant.command("high.valve_command", 0.0)
    run(plant, 300.0)
    assert plant.truth["low.primary_flow"] > 1.01 * before
    assert plant.energy_balance_error() < 1e-6


def test_impossible_parameters_are_refused():
    zone = ZoneParameters()
    for zones, text in (
        ((), "at least one zone"),
        ((zone, zone), "taken twice"),
        ((replace(zone, groups=(GroupParameters("a", 0.5, 1.0, 5.0),), rooms=()),), "load_share"),
        ((replace(zone, loop_volume_m3=10.0),), "zone low: loop_volume leaves"),
        ((replace(TWO_GROUPS, loop_volume_m3=10.0),), "zone low: loop_volume leaves"),
        ((replace(zone, buildings=0),), "at least one building"),
        ((replace(zone, balancing_percent=(70.0,)),), "8 branches need as many"),
        ((replace(zone, rooms=(RoomParameters(8),)),), "does not exist"),
    ):
        with pytest.raises(ValueError, match=text):
            Plant(PlantParameters(zones=zones), DESIGN_DAY)


# --- pressure holding -----------------------------------------------------------------------------------


def test_makeup_raises_the_pressure_and_draws_from_the_tank():
    plant = Plant(STEADY, DESIGN_DAY)
    level = plant.truth["station.tank_level"]
    plant.command("low.makeup_1_run", 1.0)
    plant.command("low.makeup_1_speed", 50.0)
    run(plant, 30.0)
    assert plant.sensors["low.makeup_flow"] > 3.0
    assert plant.sensors["low.makeup_pressure"] > plant.sensors["low.return_pressure"]
    run(plant, 90.0)
    assert plant.truth["low.return_pressure"] > 340.0
    assert plant.truth["station.tank_level"] < level
    plant.command("low.makeup_1_run", 0.0)
    plant.command("low.relief_valve", 1.0)
    run(plant, 120.0)
    assert plant.truth["low.return_pressure"] < 330.0
    assert plant.mass_balance_error() < 1e-9


def test_heating_up_expands_the_loop():
    plant = Plant(STEADY, DESIGN_DAY, start="cold")
    plant.command("low.pump_1_run", 1.0)
    plant.command("low.pump_1_speed", 50.0)
    plant.command("low.valve_command", 80.0)
    start = plant.truth["low.return_pressure"]
    run(plant, 3600.0)
    assert plant.truth["low.return_pressure"] > start + 100.0


def test_leak_empties_to_the_suction_switch_and_to_cavitation():
    plant = Plant(STEADY, DESIGN_DAY)
    plant.fault("low", "leak", 6.0)
    run(plant, 1200.0)
    assert plant.sensors["low.suction_switch"] == 1.0
    plant.clear("low")
    assert plant.zones["low"].holding.leak == pytest.approx(0.02 / 3600.0)


def test_dry_tank_stops_makeup_water():
    plant = Plant(replace(STEADY, tank_start_level_m=0.02), DESIGN_DAY)
    plant.command("low.makeup_1_run", 1.0)
    plant.command("low.makeup_1_speed", 50.0)
    run(plant, 120.0)
    assert plant.truth["low.makeup_flow"] == 0.0
    assert plant.sensors["low.makeup_1_running"] == 1.0


# --- faults ---------------------------------------------------------------------------------------------


def test_pump_trip_stops_the_flow_and_the_hot_slug_trips_the_thermostat():
    plant = Plant(STEADY, DESIGN_DAY)
    plant.fault("low.pump_1", "trip")
    run(plant, 120.0, 1.0)
    assert plant.sensors["low.pump_1_fault"] == 1.0
    assert plant.sensors["low.pump_1_running"] == 0.0
    assert plant.truth["low.secondary_flow"] == 0.0
    assert plant.sensors["low.thermostat"] == 1.0
    plant.clear("low.pump_1")
    run(plant, 120.0, 1.0)
    assert plant.sensors["low.pump_1_running"] == 1.0
    assert plant.sensors["low.thermostat"] == 0.0


def test_sensor_fault_by_key():
    plant = Plant(replace(STEADY, further_sensors=("low.supply_temperature_2",)), DESIGN_DAY)
    plant.fault("low.supply_temperature", "open")
    plant.step(1.0)
    assert isnan(plant.sensors["low.supply_temperature"])
    assert plant.sensors["low.supply_temperature_2"] == pytest.approx(60.0, abs=0.5)
    plant.clear("low.supply_temperature")
    plant.step(1.0)
    assert plant.sensors["low.supply_temperature"] == pytest.approx(60.0, abs=0.5)


def test_valve_stuck_and_local():
    plant = Plant(STEADY, DESIGN_DAY)
    before = plant.truth["low.valve_position"]
    plant.fault("low.valve", "stuck")
    plant.command("low.valve_command", 0.0)
    run(plant, 130.0)
    assert plant.truth["low.valve_position"] == before
    plant.clear("low.valve")
    plant.fault("low.valve", "local", 30.0)
    run(plant, 130.0)
    assert plant.sensors["low.valve_position"] == pytest.approx(30.0, abs=1.0)
    assert plant.sensors["low.valve_local"] == 1.0


def test_station_faults():
    plant = Plant(STEADY, DESIGN_DAY)
    plant.fault("station", "primary_outage")
    run(plant, 300.0)
    assert plant.truth["station.primary_flow"] < 1.0
    plant.clear("station")
    plant.fault("station", "power_failure")
    plant.fault("station", "flood")
    position = plant.truth["low.valve_position"]
    plant.command("low.valve_command", 0.0)
    run(plant, 60.0)
    assert plant.sensors["station.power_failure"] == plant.sensors["station.flood"] == 1.0
    assert plant.sensors["low.pump_1_running"] == 0.0
    assert plant.truth["low.valve_position"] == position
    plant.clear("station")
    run(plant, 60.0)
    assert plant.sensors["low.pump_1_running"] == 1.0


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("low.supply_temperature", "open, short"),
        ("low.pump_1", "trip, no_start, local"),
        ("low.valve", "stuck, reversed, local"),
        ("low.exchanger", "fouling"),
        ("low", "leak"),
        ("station", "primary_outage, power_failure, flood"),
    ],
)
def test_unknown_faults_name_the_allowed_ones(name, allowed):
    plant = Plant(STEADY, DESIGN_DAY)
    with pytest.raises(ValueError, match=allowed):
        plant.fault(name, "explode")
    with pytest.raises(KeyError, match=r"known: .*low\.valve"):
        plant.fault(f"{name}_x", "open")
    with pytest.raises(KeyError, match="known"):
        plant.clear(f"{name}_x")


TROUBLES = (
    (),
    ("low.pump_1", "trip"),
    ("low.pump_2", "check_valve"),
    ("low.makeup_2", "check_valve"),
    ("low.makeup_1", "mains_bypass"),
    ("low.valve", "slipping"),
    ("low.branch_1", "blocked", 1.0),
    ("low.strainer", "clogged", 1.0),
    ("low", "leak", 50.0),
    ("low", "burst", 100.0),
    ("station", "primary_outage"),
    ("station", "power_failure"),
    ("station", "shortage", 1.0),
    ("station", "pressure_step", -1.0),
)
numbers = st.floats(-1000.0, 1000.0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(Plant(STEADY, DESIGN_DAY).command_names())),
            numbers,
            st.floats(0.05, 400.0),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["warm", "cold", "empty"]),
    st.sampled_from(TROUBLES),
)
def test_any_commands_keep_the_plant_finite(commands, start, trouble):
    plant = Plant(PlantParameters(), DESIGN_DAY, start=start)
    if trouble:
        plant.fault(*trouble)
    for name, value, dt in commands:
        plant.command(name, value)
        plant.step(dt)
    assert all(isfinite(value) for value in plant.sensors.values())
    assert all(isfinite(value) for value in plant.truth.values())
    assert plant.energy_balance_error() < 1e-3
    assert plant.mass_balance_error() < 1e-6
    assert -30.0 < plant.truth["low.supply_temperature"] <= 115.0
