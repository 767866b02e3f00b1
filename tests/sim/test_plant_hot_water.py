"""Hot water in a plant: a day of taps under a plain controller, the shared primary, faults, balances."""

from dataclasses import replace
from math import isfinite
from statistics import mean

import pytest
from hand_made import TWO_GROUPS
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.draw_off import HOUSING
from sim.plant import HotWaterParameters, Plant, PlantParameters
from sim.weather import Weather

TAPS = HotWaterParameters()
STORE = HotWaterParameters(kind="storage")
STEADY = PlantParameters(zones=(TWO_GROUPS,), primary_disturbance=0.0, sensor_noise=0.0)
KINDS = pytest.mark.parametrize("hot_water", [TAPS, STORE], ids=["instantaneous", "storage"])


def station(*hot_waters, outdoor=-10.0, start="warm", **changes):
    return Plant(replace(STEADY, hot_waters=hot_waters, **changes), Weather.constant(outdoor), start=start)


def run(plant, seconds, dt=5.0):
    for _ in range(round(seconds / dt)):
        plant.step(dt)
    return plant


class Follower:
    """A plain controller for the tests: proportional on the exchanger's outlet (a band of 20 K), and the
    charging pump between two temperatures of the store."""

    def __init__(self, plant):
        self.plant, self.charging = plant, False
        self.stored = "hot_water.storage_top_temperature" in plant.sensors

    def step(self, dt):
        sensors, plant = self.plant.sensors, self.plant
        hot = sensors["hot_water.charge_temperature" if self.stored else "hot_water.supply_temperature"]
        if self.stored:
            if sensors["hot_water.storage_top_temperature"] < 54.0:
                self.charging = True
            elif sensors["hot_water.storage_bottom_temperature"] > 52.0:
                self.charging = False
            plant.command("hot_water.charge_pump_run", float(self.charging))
        position = 5.0 * (62.0 - hot) if self.charging or not self.stored else 0.0
        plant.command("hot_water.valve_command", position)
        plant.step(dt)


@KINDS
def test_a_day_of_taps_under_a_plain_controller(hot_water):
    plant = Plant(
        PlantParameters(zones=(TWO_GROUPS,), hot_waters=(hot_water,)), Weather.constant(-10.0), seed=3
    )
    follower, drawn = Follower(plant), []
    for _ in range(24 * 1800):
        follower.step(2.0)
        circuit = plant.hot_waters["hot_water"]
        if circuit.draw_off > 0.0:
            drawn.append(circuit.water.supply)
    drawn.sort()
    assert mean(drawn) == pytest.approx(55.0, abs=2.0)
    assert 50.0 < drawn[len(drawn) // 20] < drawn[-len(drawn) // 20] < 60.0
    truth = plant.truth
    assert truth["hot_water.draw_off_volume"] == pytest.approx(200 * 87.5 / 1000.0, rel=0.1)
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-6


@KINDS
def test_warm_start_is_steady_while_nobody_draws(hot_water):
    plant = station(replace(hot_water, flats=0))
    start = plant.truth
    assert start["hot_water.supply_temperature"] == pytest.approx(55.0, abs=0.1)
    end = run(plant, 600.0).truth
    # A waiting store only loses its circulation: 11 kW of 2000 kg.
    most = 0.5 if hot_water.kind == "instantaneous" else 4.5
    assert -0.5 < start["hot_water.supply_temperature"] - end["hot_water.supply_temperature"] < most
    assert end["hot_water.circulation_temperature"] < end["hot_water.supply_temperature"] - 5.0
    assert plant.energy_balance_error() < 1e-6


def test_without_hot_water_the_plant_is_the_same():
    plain, with_taps = station(), station(replace(TAPS, flats=0, circulation_flow_kg_per_s=0.0))
    with_taps.fault("hot_water.valve", "local", 0.0)
    run(plain, 600.0)
    run(with_taps, 600.0)
    assert set(plain.sensors) < set(with_taps.sensors)
    # Only the closed valve's leakage is between them.
    for key, value in plain.truth.items():
        assert with_taps.truth[key] == pytest.approx(value, rel=1e-3, abs=0.02), key
    assert not any(name.startswith("hot_water") for name in plain.command_names())


def test_the_meter_and_the_return_see_the_hot_water():
    plant = station(TAPS)
    plant.command("hot_water.valve_command", 60.0)
    run(plant, 120.0)
    truth = plant.truth
    parts = ("low", "hot_water")
    heat = sum(truth[f"{part}.heat_power"] for part in parts)
    assert truth["station.heat_power"] == pytest.approx(heat, rel=1e-9)
    assert truth["hot_water.heat_power"] > 50.0
    flows = [plant.zones["low"].primary_flow, plant.hot_waters["hot_water"].primary_flow]
    sent_back = [truth[f"{part}.primary_return_temperature"] for part in parts]
    mixed = sum(flow * back for flow, back in zip(flows, sent_back, strict=True)) / sum(flows)
    assert truth["station.primary_return_temperature"] == pytest.approx(mixed, abs=1e-6)
    assert plant.sensors["station.heat_power"] == pytest.approx(heat, rel=0.02)
    before = plant.sensors["station.electric_energy"]
    run(plant, 3600.0)
    zone_and_pump = plant.truth["low.electric_energy"] + plant.truth["hot_water.electric_energy"]
    assert plant.sensors["station.electric_energy"] == pytest.approx(zone_and_pump, abs=0.06)
    assert plant.sensors["station.electric_energy"] > before


def test_hot_water_disturbs_the_heating_through_the_shared_pressure():
    quiet, busy = station(TAPS), station(TAPS)
    busy.command("hot_water.valve_command", 100.0)
    run(quiet, 120.0)
    run(busy, 120.0)
    key = "station.primary_supply_pressure"
    assert busy.truth[key] < quiet.truth[key] - 2.0
    assert busy.truth["low.primary_flow"] < 0.99 * quiet.truth["low.primary_flow"]
    busy.command("low.valve_command", 0.0)
    run(busy, 200.0)
    freed = busy.truth["hot_water.primary_flow"]
    busy.command("low.valve_command", 100.0)
    run(busy, 200.0)
    assert busy.truth["hot_water.primary_flow"] < 0.98 * freed


@KINDS
def test_halving_the_step_changes_little(hot_water):
    ends = []
    for dt in (1.0, 2.0):
        plant = station(replace(hot_water, draw_off_hours=(1.0,) * 24))
        plant.command("hot_water.valve_command", 25.0)
        if hot_water.kind == "storage":
            plant.command("hot_water.charge_pump_run", 1.0)
        run(plant, 600.0, dt)
        plant.command("hot_water.valve_command", 15.0)
        ends.append(run(plant, 3000.0, dt).truth)
    fine, coarse = ends
    for role in ("heat_energy", "draw_off_volume", "electric_energy", "circulation_temperature"):
        assert coarse[f"hot_water.{role}"] == pytest.approx(fine[f"hot_water.{role}"], rel=0.005), role


def test_names_of_both_kinds():
    every = {
        "supply_temperature", "circulation_temperature", "draw_off_flow", "valve_position", "valve_local",
        "thermostat", "circulation_pump_running", "circulation_pump_fault", "circulation_pump_local",
        "circulation_pump_current",
    }  # fmt: skip
    stored = {"charge_temperature", "storage_top_temperature", "storage_bottom_temperature"}
    charging = {f"charge_pump_{role}" for role in ("running", "fault", "local", "current")}
    plant = station(TAPS, replace(STORE, name="store"))
    assert {key for key in plant.sensors if key.startswith("hot_water.")} == {f"hot_water.{r}" for r in every}
    assert {key for key in plant.sensors if key.startswith("store.")} == {
        f"store.{role}" for role in every | stored | charging
    }
    commands = {"valve_command", "valve_open", "valve_close", "circulation_pump_run"}
    names = plant.command_names()
    assert {name for name in names if name.startswith("hot_water.")} == {f"hot_water.{c}" for c in commands}
    assert "store.charge_pump_run" in names
    assert {"hot_water.exchanger", "hot_water.primary_strainer", "store.charge_pump"} < set(
        plant.fault_names()
    )
    without = station(replace(TAPS, circulation_flow_kg_per_s=0.0))
    assert "hot_water.circulation_pump_run" not in without.command_names()
    assert "hot_water.circulation_temperature" not in without.sensors


def test_faults_of_its_parts():
    plant = station(replace(STORE, flats=0))
    plant.command("hot_water.charge_pump_run", 1.0)
    plant.command("hot_water.valve_command", 40.0)
    run(plant, 300.0)
    assert plant.sensors["hot_water.charge_pump_running"] == 1.0
    assert plant.truth["hot_water.charge_flow"] == pytest.approx(6.12, rel=0.01)
    plant.fault("hot_water.charge_pump", "trip")
    run(plant, 600.0)
    assert plant.sensors["hot_water.charge_pump_fault"] == 1.0
    assert plant.truth["hot_water.charge_flow"] == 0.0
    # Nobody takes the heat away: what stands in the exchanger gets as hot as the primary.
    assert plant.sensors["hot_water.thermostat"] == 1.0
    plant.clear("hot_water.charge_pump")
    plant.fault("hot_water.valve", "stuck")
    position = plant.truth["hot_water.valve_position"]
    plant.command("hot_water.valve_command", 0.0)
    run(plant, 60.0)
    assert plant.truth["hot_water.valve_position"] == position
    plant.fault("hot_water.supply_temperature", "frozen")
    with pytest.raises(ValueError, match="fouling"):
        plant.fault("hot_water.exchanger", "explode")
    plant.fault("station", "power_failure")
    run(plant, 30.0)
    assert plant.sensors["hot_water.circulation_pump_running"] == 0.0


def test_nothing_is_drawn_without_city_water():
    plant = station(replace(TAPS, flats=2000))
    run(plant, 60.0)
    assert plant.sensors["hot_water.draw_off_flow"] > 0.5
    plant.fault("station", "no_city_water")
    run(plant, 60.0)
    assert plant.truth["hot_water.draw_off_flow"] == 0.0


def test_a_standing_circulation_line_cools():
    plant = station(replace(TAPS, flats=0))
    plant.command("hot_water.circulation_pump_run", 0.0)
    run(plant, 6 * 3600.0, 60.0)
    warm = plant.truth["hot_water.circulation_temperature"]
    assert 20.0 < warm < 35.0  # a third of the way is left after its time constant
    assert plant.energy_balance_error() < 1e-6


def test_impossible_hot_water_is_refused():
    for hot_water, text in (
        (replace(TAPS, name="low"), "taken twice"),
        (replace(TAPS, name="a.b"), "not possible"),
        (replace(TAPS, draw_off_hours=HOUSING[:12]), "24 weights"),
        (replace(TAPS, draw_off_hours=(0.0,) * 24), "24 weights"),
    ):
        with pytest.raises(ValueError, match=text):
            station(hot_water)


BOTH = (TAPS, replace(STORE, name="store"))
COMMANDS = sorted(station(*BOTH).command_names())
TROUBLES = (
    (),
    ("store.charge_pump", "trip"),
    ("hot_water.valve", "leaking", 50.0),
    ("hot_water.exchanger", "fouling", 5.0),
    ("hot_water.primary_strainer", "clogged", 1.0),
    ("station", "primary_outage"),
    ("station", "power_failure"),
    ("station", "no_city_water"),
)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(COMMANDS), st.floats(-1000.0, 1000.0), st.floats(0.05, 400.0)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["warm", "cold", "empty"]),
    st.sampled_from(TROUBLES),
)
def test_any_commands_keep_hot_water_between_cold_and_primary(commands, start, trouble):
    plant = station(*BOTH, start=start)
    if trouble:
        plant.fault(*trouble)
    for name, value, dt in commands:
        plant.command(name, value)
        plant.step(dt)
    assert all(isfinite(value) for value in plant.sensors.values())
    assert all(isfinite(value) for value in plant.truth.values())
    hottest = max(55.0, plant.primary.curve(-10.0)) + 0.1
    for name in ("hot_water", "store"):
        for role in ("supply_temperature", "charge_temperature", "circulation_temperature"):
            assert 9.9 < plant.truth[f"{name}.{role}"] < hottest
        assert 9.9 < plant.truth[f"{name}.primary_return_temperature"] < hottest
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-6
