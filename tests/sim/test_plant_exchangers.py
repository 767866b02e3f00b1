"""Several exchangers in parallel: together they are the one; each can be shut, stick and cool down."""

import pytest

from sim.physics.exchanger import Exchanger
from sim.physics.exchanger_bank import ExchangerBank, make_units
from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.weather import Weather

pytestmark = pytest.mark.timeout(60)


def plant_of(count: int = 2, isolation: str = "primary", outdoor: float = -10.0, **more: object) -> Plant:
    zone = ZoneParameters(exchanger_count=count, exchanger_isolation=isolation, **more)  # type: ignore[arg-type]
    parameters = PlantParameters(zones=(zone,), primary_disturbance=0.0, sensor_noise=0.0)
    return Plant(parameters, Weather.constant(outdoor))


def run(plant: Plant, seconds: float) -> None:
    for _ in range(round(seconds)):
        plant.step(1.0)


def adds_up(plant: Plant) -> bool:
    return plant.energy_balance_error() < 1e-6 and plant.mass_balance_error() < 1e-9


@pytest.mark.parametrize("count", [2, 3])
def test_all_together_are_the_one(count: int) -> None:
    one, several = plant_of(1), plant_of(count)
    for plant in (one, several):
        plant.command("low.valve_command", 60.0)
        run(plant, 1800)
        assert adds_up(plant)
    for key in ("low.supply_temperature", "low.primary_return_temperature", "low.primary_flow"):
        assert several.truth[key] == pytest.approx(one.truth[key], rel=1e-4)


def test_steady_heat_of_the_bank_is_that_of_its_parts() -> None:
    """Half of the exchanger with half of the flows gives half of the heat, at any operating point."""
    whole = Exchanger(69e3, 9.5, 31.9, cp2=4180.0)
    units = make_units(2, 69e3, 9.5, 31.9, 4180.0, 210e3, 150e3, 1.0, 0.0)
    bank = ExchangerBank(units, 60.0, "both", 300.0, 5e7, 20.0, 3e6, 0.0, 12.0)
    for flow1, flow2 in ((9.5, 31.9), (2.0, 31.9), (9.5, 10.0)):
        expected = whole.steady_heat(110.0, flow1, 45.0, flow2)
        assert bank.steady_heat(110.0, flow1, 45.0, flow2) == pytest.approx(expected, rel=1e-9)
        assert bank.conductance(flow1, flow2) == pytest.approx(whole.conductance(flow1, flow2), rel=1e-9)


def test_one_shut_off_takes_flow_from_the_branch_and_heat_from_the_water() -> None:
    """Primary only: half of the secondary water passes by; the plates' resistance is four times as much."""
    plant = plant_of(2)
    plant.command("low.valve_command", 100.0)
    run(plant, 1200)
    flow, supply = plant.truth["low.primary_flow"], plant.truth["low.supply_temperature"]
    resistance = plant.zones["low"].branch.resistance
    plant.command("low.exchanger_2_open", 0.0)
    run(plant, 45)
    assert plant.truth["low.exchanger_2_position"] == pytest.approx(50.0, abs=1.5)
    assert plant.sensors["low.exchanger_2_opened"] == plant.sensors["low.exchanger_2_closed"] == 0.0
    run(plant, 600)
    assert plant.sensors["low.exchanger_2_closed"] == 1.0
    assert plant.sensors["low.exchanger_1_opened"] == 1.0
    square = plant.parameters.zones[0].primary_flow_kg_per_s ** 2
    grown = plant.zones["low"].branch.resistance - resistance
    assert grown == pytest.approx(3 * 30e3 / square, rel=0.01)
    assert plant.truth["low.primary_flow"] < 0.8 * flow
    assert plant.truth["low.supply_temperature"] < supply - 3.0
    assert adds_up(plant)


def test_with_both_sides_shut_the_secondary_flow_falls_too() -> None:
    primary, both = plant_of(2, "primary"), plant_of(2, "both")
    flows = []
    for plant in (primary, both):
        before = plant.truth["low.secondary_flow"]
        plant.command("low.exchanger_1_open", 0.0)
        run(plant, 200)
        flows.append(plant.truth["low.secondary_flow"] / before)
        assert adds_up(plant)
    assert flows[0] == pytest.approx(1.0, abs=0.01)
    assert 0.7 < flows[1] < 0.9


def test_water_in_a_closed_one_cools_to_the_room_and_comes_out_as_a_cold_slug() -> None:
    plant = plant_of(2, "both", outdoor=-24.0)
    plant.command("low.exchanger_2_open", 0.0)
    run(plant, 120)
    warm = plant.truth["low.exchanger_2_temperature"]
    for _ in range(3600):
        plant.step(10.0)
    cold = plant.truth["low.exchanger_2_temperature"]
    assert warm > 40.0
    assert 12.0 < cold < 25.0
    assert adds_up(plant)
    supply = plant.truth["low.supply_temperature"]
    plant.command("low.exchanger_2_open", 1.0)
    coolest = supply
    for _ in range(120):
        plant.step(1.0)
        coolest = min(coolest, plant.zones["low"].supply)
    assert coolest < supply - 1.0
    assert adds_up(plant)


def test_secondary_water_keeps_one_warm_whose_primary_side_alone_is_shut() -> None:
    plant = plant_of(2, "primary", outdoor=-24.0)
    plant.command("low.exchanger_2_open", 0.0)
    for _ in range(3600):
        plant.step(10.0)
    assert plant.truth["low.exchanger_2_temperature"] > 35.0
    assert adds_up(plant)


def test_stuck_slow_and_lying_isolation_valves_are_faults() -> None:
    plant = plant_of(2)
    plant.fault("low.exchanger_2_valve", "stuck")
    plant.command("low.exchanger_2_open", 0.0)
    run(plant, 200)
    assert plant.sensors["low.exchanger_2_opened"] == 1.0
    plant.clear("low.exchanger_2_valve")
    run(plant, 100)
    assert plant.sensors["low.exchanger_2_closed"] == 1.0
    plant.fault("low.exchanger_2_closed", "stuck_off")
    run(plant, 1)
    assert plant.sensors["low.exchanger_2_closed"] == 0.0
    plant.fault("low.exchanger_1", "fouling", 0.4)
    assert plant.zones["low"].stored_heat() > 0.0
    with pytest.raises(ValueError, match="allowed"):
        plant.fault("low.exchanger_1", "stuck")


def test_without_power_isolation_valves_stay_and_a_start_opens_them() -> None:
    plant = plant_of(2)
    plant.fault("station", "power_failure")
    plant.command("low.exchanger_1_open", 0.0)
    run(plant, 120)
    assert plant.truth["low.exchanger_1_position"] == 100.0
    plant.clear("station")
    run(plant, 120)
    assert plant.truth["low.exchanger_1_position"] == 0.0
    plant.settle()
    assert plant.truth["low.exchanger_1_position"] == 100.0
    run(plant, 60)
    assert adds_up(plant)


def test_a_zone_without_exchangers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one exchanger"):
        plant_of(0)
