"""The street of houses in a plant: warm start, measured rooms, sun and place, riser, balances."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hand_made import TWO_GROUPS

from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.weather import Weather

STEADY = PlantParameters(primary_disturbance=0.0, sensor_noise=0.0)
MIXING = replace(ZoneParameters(), kind="mixing", makeup_pumps=0)
DESIGN_DAY = Weather.constant(-24.2)


def run(plant, seconds, dt=5.0):
    for _ in range(round(seconds / dt)):
        plant.step(dt)
    return plant


def airs(plant, zone="low"):
    return [branch.building.air for branch in plant.zones[zone].branches]


@pytest.mark.parametrize("zone", [ZoneParameters(), MIXING], ids=["exchanger", "mixing"])
@pytest.mark.parametrize("outdoor", [-24.2, 0.0])
def test_every_house_starts_at_the_room_it_gets(zone, outdoor):
    plant = Plant(replace(STEADY, zones=(zone,)), Weather.constant(outdoor))
    start = airs(plant)
    assert len(start) == 8
    assert max(start) - min(start) > 0.8
    assert sum(start) / 8 == pytest.approx(20.0, abs=0.5)
    run(plant, 6 * 3600.0)
    assert airs(plant) == pytest.approx(start, abs=0.1)
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-9


def test_a_typical_a_good_and_a_bad_house_are_measured():
    plant = Plant(STEADY, DESIGN_DAY)
    rooms = plant.zones["low"].parameters.rooms
    assert len({room.group for room in rooms}) == 3
    truth, order = plant.truth, sorted(airs(plant))
    typical, good, bad = (truth[f"low.room_temperature_{i}"] for i in (1, 2, 3))
    assert bad < typical < good
    assert (bad, good) == (order[1], order[6])
    assert plant.sensors["low.room_temperature_2"] == pytest.approx(good, abs=0.1)


def test_zones_have_houses_of_their_own_that_repeat():
    high = replace(ZoneParameters(), name="high", buildings=5)
    zones = (ZoneParameters(), high, replace(ZoneParameters(), name="third", buildings_seed="x"))
    one, two = (Plant(replace(STEADY, zones=zones), DESIGN_DAY, seed=seed) for seed in (0, 1))
    assert airs(one) == airs(two)
    assert len(airs(one, "high")) == 5
    assert airs(one) != airs(one, "third")
    assert one.truth["high.house_5.flow_share"] == pytest.approx(
        100.0 * one.zones["high"].branches[4].flow_share
    )


def test_the_sun_of_the_place_shines_on_the_houses():
    """What comes through the windows of Harbin's houses at noon and in the afternoon is not the same."""
    noon = datetime(2013, 1, 15, 3, 45, tzinfo=UTC).timestamp()
    weather = Weather.constant(-10.0, 300.0)

    def gains(time, **changes):
        plant = Plant(replace(STEADY, **changes), weather, start_time=time)
        plant.step(1.0)
        return [branch.gains for branch in plant.zones["low"].branches]

    here = gains(noon)
    assert min(here) > 0.0
    assert gains(noon) == here
    assert gains(noon + 3 * 3600.0) != here
    assert gains(noon, longitude=90.0) != here


def test_the_riser_freezes_when_nothing_turns_and_thaws_no_faster_than_it_may():
    plant = Plant(STEADY, DESIGN_DAY)
    assert plant.truth["low.riser_temperature"] > 40.0
    assert plant.truth["low.riser_frozen"] == 0.0
    plant.command("low.pump_1_run", 0.0)
    plant.command("low.valve_command", 0.0)
    run(plant, 4 * 3600.0)
    truth = plant.truth
    assert truth["low.riser_frozen"] == 1.0
    assert truth["low.riser_temperature"] <= 0.0
    assert min(airs(plant)) > 10.0
    assert plant.energy_balance_error() < 1e-6


def test_a_frozen_riser_takes_its_part_of_the_flow():
    plant = Plant(STEADY, DESIGN_DAY)
    before = plant.truth["low.house_8.flow_share"]
    resistance = plant.zones["low"].network.resistance
    plant.command("low.pump_1_run", 0.0)
    plant.command("low.valve_command", 0.0)
    run(plant, 4 * 3600.0)
    assert plant.truth["low.riser_frozen"] == 1.0
    plant.command("low.pump_1_run", 1.0)
    plant.command("low.valve_command", 80.0)
    run(plant, 600.0)
    part = plant.zones["low"].branches[7].riser_share
    assert plant.truth["low.riser_frozen"] == 1.0  # nothing flows there, so nothing thaws it
    assert plant.truth["low.house_8.flow_share"] == pytest.approx(before * (1.0 - part), rel=0.01)
    assert plant.zones["low"].network.resistance > resistance
    assert plant.energy_balance_error() < 1e-6
    plant.settle()
    assert plant.truth["low.house_8.flow_share"] == before
    assert plant.zones["low"].network.resistance == resistance


def test_groups_by_hand_have_no_riser():
    truth = Plant(replace(STEADY, zones=(TWO_GROUPS,)), DESIGN_DAY).truth
    assert "low.near.air_temperature" in truth
    assert "low.riser_temperature" not in truth


def test_balances_over_a_moving_day_with_sun_and_wind():
    plant = Plant(PlantParameters(), Weather.load("shenyang_2013_01"), seed=3)
    for i in range(24 * 20):
        plant.command("low.valve_command", 60.0 + 30.0 * ((i // 20) % 2))
        plant.command("low.pump_1_speed", 30.0 + (i % 20))
        run(plant, 180.0)
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-6


def test_halving_the_step_changes_little():
    ends = []
    for dt in (1.0, 2.0):
        plant = Plant(STEADY, DESIGN_DAY)
        plant.command("low.valve_command", 60.0)
        run(plant, 600.0, dt)
        plant.command("low.pump_1_speed", 35.0)
        ends.append(run(plant, 1800.0, dt).truth)
    fine, coarse = ends
    for key in fine:
        if key.endswith(("temperature", "energy", "_loss")) or "room" in key:
            assert coarse[key] == pytest.approx(fine[key], rel=0.005, abs=1e-6), key


@pytest.mark.parametrize("kind", ["exchanger", "mixing"])
def test_floors_heat_too(kind):
    zone = replace(
        ZoneParameters(), kind=kind, floor_heating=True, design_supply_c=45.0, secondary_flow_kg_per_s=47.8
    )
    plant = Plant(replace(STEADY, zones=(zone,)), DESIGN_DAY)
    start = airs(plant)
    run(plant, 3600.0)
    assert airs(plant) == pytest.approx(start, abs=0.1)
    assert plant.truth["low.supply_temperature"] == pytest.approx(44.0, abs=1.5)


def test_floors_of_groups_by_hand():
    """What stores heat in the floor answers in hours: after half a day without heat it is warmer there."""
    floor = replace(TWO_GROUPS, floor_heating=True, design_supply_c=45.0)
    plants = [Plant(replace(STEADY, zones=(zone,)), DESIGN_DAY) for zone in (floor, TWO_GROUPS)]
    for plant in plants:
        assert airs(plant) == pytest.approx([20.0, 20.0], abs=0.1)
        plant.command("low.valve_command", 0.0)
        run(plant, 3 * 3600.0)
    assert min(airs(plants[0])) > max(airs(plants[1])) + 0.3


def test_internal_gains_of_planned_houses_save_heat():
    bare, lived_in = (
        Plant(
            replace(STEADY, zones=(replace(ZoneParameters(), internal_gains_w_per_m2=gains),)),
            Weather.constant(-10.0),
        )
        for gains in (0.0, 4.0)
    )
    saved = bare.truth["low.heat_power"] - lived_in.truth["low.heat_power"]
    assert saved == pytest.approx(50_000 * 4.0 / 1000.0, rel=0.1)
    start = airs(lived_in)
    assert sum(start) / 8 == pytest.approx(20.0, abs=0.5)
    run(lived_in, 6 * 3600.0)
    assert airs(lived_in) == pytest.approx(start, abs=0.1)
    assert lived_in.energy_balance_error() < 1e-6


def test_a_valve_with_split_characteristic_heats_too():
    zone = replace(ZoneParameters(), valve_characteristic="split", valve_rangeability=100.0)
    plant = run(Plant(replace(STEADY, zones=(zone,)), DESIGN_DAY), 3600.0)
    assert plant.truth["low.heat_power"] == pytest.approx(2000.0, rel=0.02)
    plant.command("low.valve_command", 15.0)
    run(plant, 200.0)
    straight = plant.truth["low.primary_flow"]
    plant.command("low.valve_command", 7.5)
    run(plant, 200.0)
    # Far from open the valve has all the pressure: half the stroke, half the flow.
    assert plant.truth["low.primary_flow"] == pytest.approx(0.5 * straight, rel=0.05)
