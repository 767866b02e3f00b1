"""Mixing zones: design point, hot primary at a stopped pump, two zones on one primary, balances."""

from dataclasses import replace
from math import isfinite, sqrt

import pytest
from hand_made import TWO_GROUPS
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.mixing import MixingZone
from sim.plant import Plant, PlantParameters
from sim.weather import Weather

ARRANGEMENTS = ("three_way", "injection")
DESIGN_DAY = Weather.constant(-24.2)
LOW = replace(TWO_GROUPS, name="low", kind="mixing", makeup_pumps=0)
HIGH = replace(TWO_GROUPS, name="high")


def mixing_plant(arrangement="three_way", zones=(), start="warm", **changes):
    low = replace(LOW, mixing_arrangement=arrangement)
    steady = PlantParameters(zones=(low, *zones), primary_disturbance=0.0, sensor_noise=0.0)
    return Plant(replace(steady, **changes), DESIGN_DAY, start=start)


def run(plant, seconds, dt=5.0):
    for _ in range(round(seconds / dt)):
        plant.step(dt)
    return plant


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_design_day_of_a_two_zone_station(arrangement):
    """Low zone mixing, high zone exchange, one primary, one tank: both hold their rooms."""
    plant = run(mixing_plant(arrangement, (HIGH,)), 4 * 3600.0)
    truth = plant.truth
    for zone in ("low", "high"):
        assert truth[f"{zone}.near.air_temperature"] == pytest.approx(20.0, abs=0.1)
        assert truth[f"{zone}.supply_temperature"] == pytest.approx(60.0, abs=1.5)
        assert truth[f"{zone}.heat_power"] == pytest.approx(2000.0, rel=0.01)
    # What leaves to the primary is return water, so mixing takes less primary water than exchange.
    assert truth["low.primary_return_temperature"] == pytest.approx(truth["low.return_temperature"])
    assert truth["low.primary_flow"] < 0.85 * truth["high.primary_flow"]
    assert plant.sensors["station.heat_power"] == pytest.approx(truth["station.heat_power"], rel=0.005)
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-9


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_flows_are_a_solution_of_the_circuit(arrangement):
    """Every path of the drawing by itself: A, B, pumps and users agree about pressures and flows."""
    plant = run(mixing_plant(arrangement), 60.0)
    zone, truth = plant.zones["low"], plant.truth
    difference = (plant.sensors["station.primary_supply_pressure"] - 600.0) * 1e3
    assert isinstance(zone, MixingZone)
    assert zone.primary_flow == pytest.approx(
        zone.branch.conductance * sqrt(difference + zone.lift), rel=1e-3
    )
    assert zone.flow == pytest.approx(zone.primary_flow + zone.bypass_flow, rel=1e-6)
    volume = truth["low.secondary_flow"] / 3600.0
    pump = zone.pumps[0]
    assert pump.flow == pytest.approx(volume, rel=1e-4)
    users = zone.network.resistance * volume**2
    assert pump.curve.head(pump.flow, 1.0) == pytest.approx(zone.lift + users, rel=1e-3)
    mixed = zone.primary_flow * 110.0 + zone.bypass_flow * zone.header
    assert zone.supply == pytest.approx(mixed / zone.flow, abs=0.1)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_hot_primary_reaches_the_users_when_the_pump_stops(arrangement):
    plant = run(mixing_plant(arrangement), 60.0)
    plant.fault("low.pump_1", "trip")
    run(plant, 120.0)
    assert plant.truth["low.supply_temperature"] > 100.0
    assert plant.truth["low.secondary_flow"] > 15.0
    assert plant.sensors["low.thermostat"] == 1.0
    plant.command("low.valve_command", 0.0)
    run(plant, 200.0)
    assert plant.truth["low.primary_flow"] < 0.2
    plant.clear("low.pump_1")
    run(plant, 120.0)
    assert plant.truth["low.supply_temperature"] < 60.0
    assert plant.energy_balance_error() < 1e-6


def test_failed_check_valve_of_the_bypass_takes_the_short_way():
    plant = mixing_plant("injection")
    plant.fault("low.pump_1", "trip")
    plant.fault("low.bypass", "check_valve")
    run(plant, 60.0)
    assert plant.zones["low"].bypass_flow < 0.0
    assert plant.truth["low.secondary_flow"] < 0.3 * plant.truth["low.primary_flow"]
    assert plant.energy_balance_error() < 1e-6
    with pytest.raises(ValueError, match="clogged, check_valve"):
        plant.fault("low.bypass", "gone")


def test_the_primary_holds_the_pressure():
    """Growth of the heated water leaves through the primary return, a leak comes in from it."""
    plant = mixing_plant(start="cold")
    before = plant.truth["low.return_pressure"]
    assert before == pytest.approx(600.0, abs=0.1)
    plant.command("low.pump_1_run", 1.0)
    plant.command("low.pump_1_speed", 50.0)
    plant.command("low.valve_command", 70.0)
    run(plant, 1800.0)
    assert plant.truth["low.return_pressure"] < before + 30.0
    assert plant.truth["low.water_mass"] < plant.zones["low"].loop.volume * 998.0
    plant.fault("low", "leak", 5.0)
    run(plant, 600.0)
    truth = plant.truth
    assert truth["low.primary_flow"] - truth["low.primary_return_flow"] > 4.0
    assert truth["low.return_pressure"] > 590.0
    plant.fault("station", "primary_outage")
    run(plant, 300.0)
    assert plant.truth["low.return_pressure"] < 320.0
    assert plant.mass_balance_error() < 1e-9


def test_primary_flow_of_one_zone_answers_the_other():
    plant = run(mixing_plant(zones=(HIGH,)), 60.0)
    before = plant.truth["low.primary_flow"]
    plant.command("high.valve_command", 0.0)
    run(plant, 200.0)
    assert plant.truth["low.primary_flow"] > 1.01 * before


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_halving_the_step_changes_little(arrangement):
    ends = []
    for dt in (1.0, 2.0):
        plant = mixing_plant(arrangement)
        plant.command("low.valve_command", 55.0)
        run(plant, 600.0, dt)
        plant.command("low.pump_1_speed", 35.0)
        ends.append(run(plant, 1800.0, dt).truth)
    fine, coarse = ends
    for key in ("supply_temperature", "return_temperature", "heat_energy", "electric_energy", "primary_flow"):
        assert coarse[f"low.{key}"] == pytest.approx(fine[f"low.{key}"], rel=0.005), key


def test_names_are_those_of_an_exchanger_zone():
    mixing = Plant(PlantParameters(zones=(replace(LOW, makeup_pumps=2),)), DESIGN_DAY)
    exchange = Plant(PlantParameters(zones=(TWO_GROUPS,)), DESIGN_DAY)
    assert set(mixing.sensors) == set(exchange.sensors)
    assert mixing.command_names() == exchange.command_names()
    assert set(mixing.fault_names()) ^ set(exchange.fault_names()) == {
        "low.bypass",
        "low.exchanger",
        "low.primary_bypass",
    }


TROUBLES = ("", "low.pump_2/check_valve", "low.bypass/check_valve", "low.pump_1/mains_bypass", "low/burst")
COMMANDS = sorted(mixing_plant().command_names())


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(COMMANDS), st.floats(-10.0, 110.0), st.floats(0.1, 100.0)),
        min_size=1,
        max_size=10,
    ),
    st.sampled_from(ARRANGEMENTS),
    st.sampled_from(
        ["", "low.pump_2/check_valve", "low.bypass/check_valve", "low.pump_1/mains_bypass", "low/burst"]
    ),
)
def test_any_commands_keep_the_plant_finite(commands, arrangement, trouble):
    plant = mixing_plant(arrangement)
    if trouble:
        plant.fault(*trouble.split("/"))
    for name, value, dt in commands:
        plant.command(name, value)
        plant.step(dt)
    assert all(isfinite(value) for value in plant.sensors.values())
    assert all(isfinite(value) for value in plant.truth.values())
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-6
    assert -10.0 < plant.truth["low.supply_temperature"] <= 110.1
