"""Faults of the plant and what they do: valves, pumps, network, loop, meter, sensors, primary."""

from dataclasses import replace
from math import isfinite, isnan
from random import Random

import pytest
from hand_made import TWO_GROUPS

from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.weather import Weather

STEADY = PlantParameters(zones=(TWO_GROUPS,), primary_disturbance=0.0, sensor_noise=0.0)
DESIGN_DAY = Weather.constant(-24.2)


def steady(start="warm", zone=None, **changes):
    zones = (replace(TWO_GROUPS, **zone),) if zone else STEADY.zones
    return Plant(replace(STEADY, zones=zones, **changes), DESIGN_DAY, start=start)


def run(plant, seconds, dt=5.0):
    for _ in range(round(seconds / dt)):
        plant.step(dt)
    return plant


# --- primary --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("booster", ["none", "return"])
def test_a_choking_valve_leaves_the_others_their_pressure(booster):
    """130 °C at hardly any static pressure: the network's loss is that of the water which really flows."""
    zones = (TWO_GROUPS, replace(TWO_GROUPS, name="high", booster=booster))
    plant = Plant(
        replace(
            STEADY,
            zones=zones,
            primary_cold_supply_c=130.0,
            primary_return_pressure_kpa=20.0,
            primary_differential_kpa=330.0,
            primary_network_drop_kpa=60.0,
        ),
        DESIGN_DAY,
    )
    plant.command("low.valve_command", 60.0)
    plant.command("high.valve_command", 60.0)
    run(plant, 300.0)
    branch = plant.zones["low"].branch
    supply, back = (plant.truth[f"station.primary_{side}_pressure"] * 1e3 for side in ("supply", "return"))
    difference = supply - 20e3
    flow = sum(zone.primary_flow for zone in plant.zones.values())
    assert plant.zones["low"].primary_flow < 0.98 * branch.flow_at(difference)
    resistance = 60e3 / (2 * 9.5) ** 2
    assert difference == pytest.approx(330e3 - resistance * flow**2, abs=5.0)
    assert back <= 20e3
    assert plant.energy_balance_error() < 1e-6


# --- valve ----------------------------------------------------------------------------------------------


def test_three_point_relays_move_the_valve():
    plant = steady()
    start = plant.truth["low.valve_position"]
    plant.command("low.valve_close", 1.0)
    run(plant, 12.0, 1.0)
    assert plant.truth["low.valve_position"] == pytest.approx(start - 10.0, abs=0.6)
    plant.command("low.valve_open", 1.0)  # both: stands
    run(plant, 12.0, 1.0)
    plant.command("low.valve_close", 0.0)
    run(plant, 12.0, 1.0)
    assert plant.truth["low.valve_position"] == pytest.approx(start, abs=1.1)
    plant.command("low.valve_open", 0.0)
    held = plant.truth["low.valve_position"]
    assert run(plant, 60.0).truth["low.valve_position"] == held
    plant.command("low.valve_command", 20.0)
    assert run(plant, 200.0).truth["low.valve_position"] == pytest.approx(20.0, abs=1.0)


def test_asymmetry_drifts_and_reversal_turns_the_relays():
    plant = steady(zone={"valve_stiction_percent": 0.0})
    start = plant.truth["low.valve_position"]
    plant.fault("low.valve", "asymmetry", 5.0)
    for relay in ("valve_close", "valve_open") * 5:
        plant.command(f"low.{relay}", 1.0)
        run(plant, 12.0, 1.0)
        plant.command(f"low.{relay}", 0.0)
    # Five times 10 % down and up, 5 % of each way down is missing.
    assert plant.truth["low.valve_position"] - start == pytest.approx(2.38, abs=0.05)
    plant.clear("low.valve")
    before = plant.truth["low.valve_position"]
    plant.fault("low.valve", "reversed")
    plant.command("low.valve_open", 1.0)
    run(plant, 12.0, 1.0)
    assert plant.truth["low.valve_position"] == pytest.approx(before - 10.0, abs=0.1)


def test_slipping_coupling_lies_and_leaking_seat_passes():
    plant = steady()
    start = plant.truth["low.valve_position"]
    plant.fault("low.valve", "slipping", 50.0)
    plant.command("low.valve_command", 0.0)
    run(plant, 150.0)
    assert plant.sensors["low.valve_position"] == 0.0
    assert plant.truth["low.valve_position"] == pytest.approx(0.5 * start, rel=0.02)
    plant.clear("low.valve")
    run(plant, 150.0)
    tight = plant.truth["low.primary_flow"]
    assert plant.truth["low.valve_position"] == 0.0
    plant.fault("low.valve", "leaking", 3.0)
    run(plant, 60.0)
    assert plant.truth["low.primary_flow"] > 1.5 > 10.0 * tight


# --- pumps ----------------------------------------------------------------------------------------------


def test_failed_check_valve_spins_the_idle_pump_backwards():
    plant = steady()
    before, power = plant.truth["low.secondary_flow"], plant.truth["low.electric_power"]
    plant.fault("low.pump_2", "check_valve")
    run(plant, 10.0)
    idle = plant.zones["low"].pumps[1]
    assert idle.flow < -0.3 * plant.zones["low"].pumps[0].flow < 0.0
    assert -1.5 < idle.speed < -0.3
    assert plant.sensors["low.pump_2_frequency"] == 0.0
    assert plant.truth["low.secondary_flow"] < 0.85 * before
    assert plant.truth["low.electric_power"] > power
    plant.command("low.pump_2_run", 1.0)
    plant.command("low.pump_2_speed", 50.0)
    run(plant, 60.0)
    assert idle.flow > 0.0


def test_wear_dry_and_mains_bypass():
    plant = steady()
    before = plant.truth["low.secondary_flow"]
    plant.fault("low.pump_1", "wear", 0.2)
    assert 0.8 * before < run(plant, 10.0).truth["low.secondary_flow"] < 0.95 * before
    plant.clear("low.pump_1")
    current = run(plant, 10.0).sensors["low.pump_1_current"]
    plant.fault("low.pump_1", "dry")
    run(plant, 10.0)
    assert plant.truth["low.secondary_flow"] == 0.0
    assert plant.sensors["low.pump_1_running"] == 1.0
    assert plant.sensors["low.pump_1_current"] < 0.6 * current
    plant.clear("low.pump_1")
    plant.command("low.pump_1_run", 0.0)
    plant.fault("low.pump_1", "mains_bypass")
    run(plant, 10.0)
    assert plant.truth["low.secondary_flow"] == pytest.approx(before, rel=0.01)
    assert plant.truth["low.electric_power"] > 5.0
    for role in ("running", "frequency", "current"):
        assert plant.sensors[f"low.pump_1_{role}"] == 0.0
    assert plant.sensors["low.pump_1_local"] == plant.sensors["low.pump_1_bypass"] == 1.0


def test_a_drive_that_keeps_its_own_speed_and_one_with_a_slow_ramp():
    plant = steady()
    plant.fault("low.pump_1", "stuck", 0.6)
    assert run(plant, 20.0).sensors["low.pump_1_frequency"] == pytest.approx(30.0)
    plant.command("low.pump_1_run", 0.0)
    assert run(plant, 20.0).sensors["low.pump_1_frequency"] == 0.0
    plant.command("low.pump_1_run", 1.0)
    assert run(plant, 30.0).sensors["low.pump_1_frequency"] == pytest.approx(30.0)
    plant.clear("low.pump_1")
    plant.fault("low.pump_1", "slow")
    plant.command("low.pump_1_speed", 50.0)
    assert 30.0 < run(plant, 20.0).sensors["low.pump_1_frequency"] < 40.0
    assert run(plant, 100.0).sensors["low.pump_1_frequency"] == pytest.approx(50.0)


def test_low_suction_pressure_takes_the_flow():
    plant = steady(tank_start_level_m=0.0)
    before = plant.truth["low.secondary_flow"]
    plant.fault("low", "leak", 20.0)
    while plant.truth["low.return_pressure"] > 20.0:
        plant.step(1.0)
    assert plant.truth["low.secondary_flow"] == pytest.approx(before, rel=0.02)
    plant.command("low.valve_command", 0.0)  # cooling water shrinks, and no tank gives any
    run(plant, 600.0)
    assert plant.truth["low.return_pressure"] < -90.0
    assert plant.truth["low.secondary_flow"] < 0.5 * before
    assert plant.sensors["low.pump_1_running"] == 1.0


@pytest.mark.parametrize("place", ["supply", "return"])
def test_booster_drives_the_primary_flow(place):
    """A distributed pump with the valve open: flow goes with speed, also with nothing from the network."""
    plant = steady(zone={"booster": place, "booster_head_kpa": 200.0}, primary_differential_kpa=0.0)
    assert plant.truth["low.heat_power"] > 1500.0
    plant.command("low.valve_command", 100.0)
    flows = {}
    for hz in (50.0, 25.0):
        plant.command("low.booster_speed", hz)
        run(plant, 200.0)
        flows[hz] = plant.zones["low"].primary_flow
        assert plant.sensors["low.booster_frequency"] == hz
    # No static head: affinity on a square-law circuit.
    assert flows[25.0] == pytest.approx(0.5 * flows[50.0], rel=1e-3)
    suction = plant.truth["station.primary_return_pressure"]
    assert suction < 590.0 if place == "return" else suction == pytest.approx(600.0, abs=0.1)
    plant.command("low.booster_run", 0.0)
    run(plant, 60.0)
    assert plant.truth["low.primary_flow"] < 0.1
    assert plant.sensors["low.booster_running"] == 0.0
    assert plant.energy_balance_error() < 1e-6


def test_return_booster_cavitates_at_low_return_pressure():
    plant = steady(zone={"booster": "return"}, primary_return_pressure_kpa=10.0)
    plant.command("low.valve_command", 100.0)
    run(plant, 300.0, 1.0)
    flows = []
    for _ in range(20):
        plant.step(1.0)
        flows.append(plant.truth["low.primary_flow"])
    assert 0.0 < plant.zones["low"].branch.booster.suction < 0.9
    assert max(flows) - min(flows) < 0.01 * max(flows)


# --- secondary network and loop -------------------------------------------------------------------------


def test_flow_share_follows_the_balancing_valves():
    plant = steady(zone={"balancing_valves": True})
    before = plant.truth
    assert before["low.near.flow_share"] == pytest.approx(45.0)
    plant.command("low.branch_1_valve_command", 20.0)
    run(plant, 150.0)
    after = plant.truth
    assert plant.sensors["low.branch_1_valve_position"] == pytest.approx(20.0, abs=1.0)
    assert 15.0 < after["low.near.flow_share"] < 35.0
    assert after["low.near.flow_share"] + after["low.far.flow_share"] == pytest.approx(100.0)
    # The rest gets more water than before, the pump runs to the left.
    assert after["low.secondary_flow"] < before["low.secondary_flow"]
    far = [truth["low.far.flow_share"] * truth["low.secondary_flow"] for truth in (before, after)]
    assert far[1] > 1.05 * far[0]
    run(plant, 6 * 3600.0)
    assert plant.truth["low.near.air_temperature"] < plant.truth["low.far.air_temperature"]
    assert plant.sensors["low.branch_1_return_temperature"] < plant.sensors["low.branch_2_return_temperature"]
    assert plant.energy_balance_error() < 1e-6


def test_clogged_strainers_and_blocked_branch():
    plant = steady()
    before = plant.truth
    for name, value, key in (
        ("low.strainer", None, "low.secondary_flow"),
        ("low.primary_strainer", 0.8, "low.primary_flow"),
        ("low.branch_2", None, "low.far.flow_share"),
    ):
        kind = "blocked" if "branch" in name else "clogged"
        plant.fault(name, kind, value)
        assert run(plant, 10.0).truth[key] < 0.95 * before[key], name
        plant.clear(name)
        assert run(plant, 10.0).truth[key] == pytest.approx(before[key], rel=0.01), name
        with pytest.raises(ValueError, match=kind):
            plant.fault(name, "explode")


def test_water_that_passes_beside_the_radiators_comes_back_hot():
    plant = steady()
    before = plant.truth
    plant.fault("low.branch_1", "short_circuit", 0.3)
    run(plant, 3600.0)
    after = plant.truth
    assert after["low.secondary_flow"] > 1.03 * before["low.secondary_flow"]
    assert plant.sensors["low.return_temperature"] > 0.5 + before["low.return_temperature"]
    assert plant.energy_balance_error() < 1e-6
    plant.clear("low.branch_1")
    run(plant, 10.0)
    assert plant.truth["low.secondary_flow"] == pytest.approx(before["low.secondary_flow"], rel=0.01)


def test_a_balancing_valve_that_somebody_opened_takes_from_the_others():
    plant = steady()
    before = plant.truth
    plant.fault("low.branch_1", "opened")
    after = run(plant, 10.0).truth
    assert after["low.near.flow_share"] > 1.03 * before["low.near.flow_share"]
    assert after["low.secondary_flow"] > before["low.secondary_flow"]
    plant.clear("low.branch_1")
    assert run(plant, 10.0).truth["low.near.flow_share"] == pytest.approx(before["low.near.flow_share"])


def test_a_primary_bypass_sends_hot_water_back_beside_the_exchanger():
    plant = steady()
    before = plant.truth
    plant.fault("low.primary_bypass", "open", 8.0)
    after = run(plant, 60.0).truth
    assert after["low.primary_flow"] > 1.05 * before["low.primary_flow"]
    assert after["station.primary_return_temperature"] > 1.0 + before["station.primary_return_temperature"]
    run(plant, 3600.0)
    assert plant.energy_balance_error() < 1e-6
    plant.clear("low.primary_bypass")
    assert run(plant, 10.0).truth["low.primary_flow"] < 1.02 * before["low.primary_flow"]
    with pytest.raises(ValueError, match="open"):
        plant.fault("low.primary_bypass", "explode")


def test_filling_from_empty():
    plant = steady(start="empty", tank_inlet_m3_per_h=30.0, zone={"makeup_flow_m3_per_h": 12.0})
    assert plant.truth["low.return_pressure"] == 0.0
    plant.command("station.tank_inlet", 1.0)
    for pump in ("makeup_1", "makeup_2"):
        plant.command(f"low.{pump}_run", 1.0)
        plant.command(f"low.{pump}_speed", 50.0)
    plant.command("low.pump_1_run", 1.0)
    plant.command("low.pump_1_speed", 50.0)
    run(plant, 1800.0)
    half = plant.truth
    assert 10.0 < half["low.filled"] < 60.0
    assert half["low.return_pressure"] == pytest.approx(294.2 * half["low.filled"] / 100.0, rel=0.01)
    assert half["low.secondary_flow"] == 0.0  # the column does not reach the top
    seconds = 0
    while plant.truth["low.return_pressure"] < 350.0 and seconds < 4 * 3600:
        run(plant, 60.0)
        seconds += 60
    full = plant.truth
    assert full["low.filled"] == 100.0
    assert full["low.secondary_flow"] > 100.0
    assert full["low.makeup_volume"] == pytest.approx(40.0, rel=0.05)
    assert plant.zones["low"].loop.air > 0.0
    assert plant.mass_balance_error() < 1e-9


def test_burst_empties_the_house_slowly():
    plant = steady()
    plant.fault("low", "burst", 60.0)
    run(plant, 120.0)
    assert 200.0 < plant.truth["low.return_pressure"] < 294.2
    run(plant, 1800.0)
    truth = plant.truth
    assert truth["low.filled"] < 60.0
    assert truth["low.secondary_flow"] == 0.0
    assert truth["low.leak_volume"] > 15.0
    assert plant.mass_balance_error() < 1e-9
    plant.clear("low")
    held = plant.truth["low.filled"]
    assert run(plant, 600.0).truth["low.filled"] == pytest.approx(held, abs=0.3)


# --- meter and sensors ----------------------------------------------------------------------------------


def test_battery_meter_is_blind_between_its_samples():
    shown = {}
    for interval in (2.0, 60.0):
        plant = steady(meter_interval_s=interval)
        plant.command("low.valve_command", 30.0)
        values = [run(plant, 1.0, 1.0).sensors["station.heat_power"] for _ in range(240)]
        shown[interval] = len(set(values))
    assert shown[2.0] > 30
    assert shown[60.0] <= 5


def test_meter_agrees_with_the_truth_over_a_day():
    plant = run(steady(), 86400.0)
    energy = plant.truth["station.heat_energy"]
    assert plant.sensors["station.heat_energy"] == pytest.approx(energy, rel=0.005)
    assert plant.sensors["station.primary_volume"] == pytest.approx(
        24.0 * plant.truth["station.primary_flow"], rel=0.01
    )


def test_transmitter_steps_and_loose_contact():
    plant = Plant(replace(PlantParameters(), transmitter_bits=10), DESIGN_DAY)
    step = 1700.0 / 1024.0
    for _ in range(10):
        plant.step(1.0)
        steps = plant.sensors["low.return_pressure"] / step
        assert steps == pytest.approx(round(steps), abs=1e-6)
    plant.fault("low.supply_temperature", "intermittent", 0.3)
    open_time = sum(isnan(run(plant, 1.0, 1.0).sensors["low.supply_temperature"]) for _ in range(3000))
    assert 0.15 < open_time / 3000.0 < 0.45
    plant.clear("low.supply_temperature")
    plant.step(1.0)
    assert isfinite(plant.sensors["low.supply_temperature"])


def test_contacts_that_lie():
    plant = steady()
    for name in ("low.thermostat", "low.suction_switch", "low.valve_local", "station.flood"):
        plant.fault(name, "stuck_on")
        assert run(plant, 5.0).sensors[name] == 1.0
        plant.clear(name)
        assert run(plant, 5.0).sensors[name] == 0.0
    plant.fault("station", "power_failure")
    plant.fault("station.power_failure", "stuck_off")
    assert run(plant, 5.0).sensors["station.power_failure"] == 0.0
    with pytest.raises(ValueError, match="stuck_off, stuck_on"):
        plant.fault("low.thermostat", "open")


# --- primary --------------------------------------------------------------------------------------------


def test_troubles_of_the_primary():
    plant = steady()
    supply = plant.truth["station.primary_supply_temperature"]
    flow = plant.truth["station.primary_flow"]
    plant.fault("station", "shortage", 0.4)
    assert run(plant, 4 * 3600.0).truth["station.primary_supply_temperature"] == pytest.approx(
        50.0 + 0.6 * (supply - 50.0), abs=0.1
    )
    plant.clear("station")
    run(plant, 4 * 3600.0)
    plant.fault("station", "temperature_step", -10.0)
    plant.fault("station", "pressure_step", -0.5)
    truth = run(plant, 60.0).truth
    assert truth["station.primary_supply_temperature"] == pytest.approx(supply - 10.0, abs=0.1)
    assert truth["station.primary_flow"] == pytest.approx(0.707 * flow, rel=0.02)
    plant.clear("station")
    plant.fault("station", "interruption", 10.0)
    assert run(plant, 500.0).truth["station.primary_flow"] < 1.0
    assert run(plant, 600.0).truth["station.primary_flow"] == pytest.approx(flow, rel=0.02)
    with pytest.raises(ValueError, match="shortage, night_sag"):
        plant.fault("station", "earthquake")


def test_night_sag_knows_the_hours():
    plant = Plant(STEADY, DESIGN_DAY, start_time=1_700_000_000 - 1_700_000_000 % 86400 + 12 * 3600)  # 20:00
    plant.fault("station", "night_sag", 0.2)
    evening = run(plant, 3600.0).truth["station.primary_supply_temperature"]
    night = run(plant, 5 * 3600.0).truth["station.primary_supply_temperature"]
    noon = run(plant, 11 * 3600.0).truth["station.primary_supply_temperature"]
    assert evening == pytest.approx(110.0, abs=0.1)
    assert noon == pytest.approx(110.0, abs=0.1)
    assert night == pytest.approx(98.0, abs=0.5)


# --- everything at once ---------------------------------------------------------------------------------


def allowed_kinds(plant, name):
    with pytest.raises(ValueError, match="allowed: ") as caught:
        plant.fault(name, "no such kind")
    return str(caught.value).split("allowed: ")[1].rstrip(")").split(", ")


def any_station(random):
    zones = tuple(
        replace(
            ZoneParameters(),
            name=name,
            kind=random.choice(("mixing", "exchanger")),
            mixing_arrangement=random.choice(("three_way", "injection")),
            booster=random.choice(("none", "supply", "return")),
            balancing_valves=random.random() < 0.5,
            circulation_pumps=random.randint(1, 3),
            makeup_pumps=random.randint(0, 2),
            valve_characteristic=random.choice(("linear", "split", "equal_percentage")),
            vessel_gas_m3=random.choice((0.0, 0.75)),
        )
        for name in ("low", "high", "top")[: random.randint(1, 3)]
    )
    parameters = PlantParameters(
        zones=zones,
        primary_differential_kpa=random.choice((0.0, 110.0, 300.0)),
        primary_return_pressure_kpa=random.choice((50.0, 600.0)),
        tank_start_level_m=random.choice((0.0, 1.5)),
    )
    return Plant(
        parameters,
        Weather.constant(random.choice((-24.0, 15.0))),
        start=random.choice(("warm", "cold", "empty")),
    )


@pytest.mark.parametrize("seed", range(8))
def test_any_station_with_any_faults_keeps_its_balances(seed):
    random = Random(seed)
    plant = any_station(random)
    names, commands = plant.fault_names(), plant.command_names()
    for _ in range(25):
        if random.random() < 0.5:
            name = random.choice(names)
            plant.fault(name, random.choice(allowed_kinds(plant, name)), random.choice((None, None, 0.5)))
        if random.random() < 0.2:
            plant.clear(random.choice(names))
        plant.command(random.choice(commands), random.choice((0.0, 1.0, 30.0, 100.0)))
        plant.step(random.choice((0.2, 1.0, 5.0, 60.0)))
        assert all(isfinite(value) for value in plant.truth.values())
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-9
