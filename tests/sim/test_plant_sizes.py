"""What the sizes of a plant's parts do: scale, an oversized exchanger, a valve with a spring."""

import pytest
from test_plant_faults import run, steady


def test_scale_grows_in_a_plant_and_takes_its_heat():
    plant = steady(zone={"exchanger_scaling_per_day": 0.24, "exchanger_scaling_limit": 0.1})
    clean = steady()
    assert plant.truth["low.heat_power"] == clean.truth["low.heat_power"]
    run(plant, 5 * 3600.0)
    assert plant.zones["low"].exchanger.fouling == pytest.approx(0.05, rel=0.01)
    run(plant, 10 * 3600.0)
    assert plant.zones["low"].exchanger.fouling == 0.1
    run(clean, 15 * 3600.0)
    assert plant.truth["low.supply_temperature"] < clean.truth["low.supply_temperature"] - 0.2
    assert plant.energy_balance_error() < 1e-6


def test_an_oversized_exchanger_gets_far_too_hot_with_an_open_valve():
    """FACTS §8: UA x 1.6 and 24 kg/s of primary water; the nominal one ends at 62.6 °C."""
    plants = [steady(), steady(zone={"exchanger_oversizing": 1.6, "valve_kvs_m3_per_h": 320.0})]
    for plant in plants:
        plant.command("low.valve_command", 100.0)
        run(plant, 600.0)
    nominal, large = plants
    assert large.truth["low.supply_temperature"] > nominal.truth["low.supply_temperature"] + 4.0
    assert large.energy_balance_error() < 1e-6
    assert large.mass_balance_error() < 1e-9


@pytest.mark.parametrize("closes", [True, False])
def test_a_valve_with_a_spring_closes_in_a_power_cut_and_another_stays(closes):
    plant = steady(zone={"valve_closes_without_power": closes})
    before = plant.truth["low.valve_position"]
    plant.fault("station", "power_failure")
    run(plant, 130.0)
    after = plant.truth["low.valve_position"]
    assert after == (0.0 if closes else before)
    plant.clear("station")
    run(plant, 130.0)
    assert plant.truth["low.valve_position"] == pytest.approx(before, abs=1.0)
