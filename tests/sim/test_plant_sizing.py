"""A station's file makes its plant: design points of the curves, pressures of the set-points, pumps."""

from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

from controller.control.blocks.setpoint.heat_curve import PointsCurve
from controller.settings.check import check_file
from controller.settings.station import StationFile
from sim.field import plant_parameters
from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.sizing import design_point
from sim.weather import Weather

CONFIG = Path(__file__).parents[2] / "config"
DESIGN_DAY = Weather.constant(-24.2)


def station_file(name):
    checked = check_file(CONFIG / f"{name}.yaml")
    assert checked.file is not None
    return checked.file.model_copy(deep=True)


def steady(file: StationFile) -> PlantParameters:
    return replace(plant_parameters(file), primary_disturbance=0.0, sensor_noise=0.0)


def rooms(plant, zone):
    return [branch.building.air for branch in plant.zones[zone].branches]


def test_the_demo_station_is_the_nominal_one():
    """Only its loop stands at its own set-point, and two of its points have two sensors."""
    parameters = plant_parameters(station_file("demo"))
    (zone,) = parameters.zones
    assert zone == replace(ZoneParameters(), fill_pressure_kpa=350.0)
    assert replace(parameters, zones=(), further_sensors=()) == replace(PlantParameters(), zones=())


def test_a_floor_zone_holds_its_rooms_at_its_own_design_point():
    """45/35 and n = 1.1 on the coldest day, mixed from 110 °C; its neighbour at 62/47 likewise."""
    plant = Plant(steady(station_file("two-zones")), DESIGN_DAY)
    for zone in plant.zones:
        plant.command(f"{zone}.pump_1_speed", 45.0)  # where the pumps bring the design flow
    for _ in range(6 * 720):
        plant.step(5.0)
    truth, low = plant.truth, plant.zones["low"].parameters
    assert low.floor_heating
    assert (low.design_supply_c, low.heater_exponent) == (45.0, 1.1)
    assert mean(rooms(plant, "low")) == pytest.approx(20.0, abs=0.3)
    assert truth["low.supply_temperature"] == pytest.approx(45.0, abs=1.0)
    assert truth["low.return_temperature"] == pytest.approx(35.0, abs=1.0)
    assert truth["low.heat_power"] == pytest.approx(900.0, rel=0.01)
    assert mean(rooms(plant, "high")) == pytest.approx(20.0, abs=0.3)
    # A street of houses has a little more surface than it needs.
    assert truth["high.supply_temperature"] == pytest.approx(62.0, abs=2.0)
    assert truth["high.return_temperature"] == pytest.approx(47.0, abs=2.0)
    assert 30.0 < truth["low.valve_position"] < 90.0
    assert 60.0 < truth["high.valve_position"] < 95.0
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-9


def test_every_loop_stands_at_its_set_point_and_is_held_below_its_limits():
    file = station_file("two-zones")
    plant = Plant(steady(file), DESIGN_DAY)
    for name, circuit in file.circuits.items():
        if circuit.makeup is None:  # the primary network holds it
            assert circuit.kind == "mixing"
            continue
        wanted = circuit.makeup.setpoint
        assert plant.truth[f"{name}.return_pressure"] == pytest.approx(wanted, abs=30.0)
        assert plant.truth[f"{name}.return_pressure"] < circuit.makeup.relief.open
        zone = plant.zones[name].parameters
        assert zone.vessel_precharge_kpa < wanted < zone.safety_valve_kpa
        assert circuit.makeup.relief.open < zone.safety_valve_kpa


def test_the_makeup_pump_lifts_to_a_high_set_point():
    plant = Plant(steady(station_file("two-zones")), DESIGN_DAY)
    plant.fault("high", "leak", 0.4)
    for _ in range(360):
        plant.step(10.0)
    fallen = plant.truth["high.return_pressure"]
    assert fallen < 400.0
    plant.command("high.makeup_1_run", 1.0)
    plant.command("high.makeup_1_speed", 50.0)
    for _ in range(360):
        plant.step(10.0)
    assert plant.truth["high.return_pressure"] > 580.0


@pytest.mark.parametrize("name", ["demo", "two-zones"])
@pytest.mark.parametrize("setpoint", [None, 250.0, 400.0])
def test_the_differential_pressure_is_reached_at_45_hz(name, setpoint):
    file = station_file(name)
    for circuit in file.circuits.values():
        if setpoint is not None:
            circuit.circulation.setpoint = setpoint
    plant = Plant(steady(file), DESIGN_DAY)
    for zone in plant.zones:
        plant.command(f"{zone}.pump_1_speed", 45.0)
    for _ in range(60):
        plant.step(5.0)
    for zone, circuit in file.circuits.items():
        reached = plant.truth[f"{zone}.differential_pressure"]
        assert reached >= 0.99 * circuit.circulation.setpoint
        if setpoint is not None:
            assert reached <= 1.1 * setpoint


def test_area_is_shared_by_power():
    low, high = plant_parameters(station_file("two-zones")).zones
    assert low.floor_area_m2 + high.floor_area_m2 == pytest.approx(70_000.0)
    assert low.floor_area_m2 / high.floor_area_m2 == pytest.approx(900.0 / 1600.0)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ({-24.0: 60.0, 10.0: 32.0}, (-24.2, 60.0, 45.0)),
        ({-9.0: 75.0, 5.0: 45.0}, (-9.0, 75.0, 60.0)),
        ({-15.0: 40.0, 5.0: 28.0}, (-15.0, 40.0, 30.0)),
    ],
)
def test_a_curve_of_points_ends_at_the_design_day(points, expected):
    circuit = station_file("demo").circuits["low"]
    circuit.heat_curve = PointsCurve(kind="points", points=points)
    point = design_point(circuit)
    assert (point.outdoor, point.supply, point.back) == expected
    assert point.exponent is None
