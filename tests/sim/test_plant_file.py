"""Every figure of the simulated plant that a station's file may give reaches the physics."""

import re
from dataclasses import asdict, replace
from functools import cache
from math import isfinite
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.settings.check import check_file
from controller.settings.plant import (
    PlantHotWaterSettings,
    PlantPrimarySettings,
    PlantSensorSettings,
    PlantTankSettings,
    PlantZoneSettings,
)
from sim.field import plant_parameters
from sim.physics.hot_water_circuit import HotWaterCircuit
from sim.physics.hot_water_regulator import HotWaterRegulator
from sim.plant import HotWaterParameters, Plant, PlantParameters, ZoneParameters
from sim.rig import Rig
from sim.season import run_season
from sim.sizing import size_hot_water
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
COLD = Weather.constant(-10.0)
HOURS = 1.5


def demo(folder: Path, zone: str = "", plant: str = ""):
    """The demo station with keys added to its zone, and sections to its plant."""
    text = DEMO.read_text(encoding="utf-8")
    text = re.sub(r"(conductance: 69 kW/K)\}", rf"\1{zone and ', ' + zone}}}", text)
    path = folder / "station.yaml"
    path.write_text(f"{text}\n  {plant}\n", encoding="utf-8")
    checked = check_file(path)
    assert checked.file is not None, checked.errors
    return checked


@cache
def plain():
    file = check_file(DEMO).file
    assert file is not None
    return file


def changed(before: object, after: object) -> dict[str, object]:
    old, new = asdict(before), asdict(after)  # type: ignore[call-overload]
    return {key: new[key] for key in old if old[key] != new[key]}


ZONE = [
    ("vessel_precharge: 100 kPa", {"vessel_precharge_kpa": 100.0}),
    ("air_share: 0.1 %", {"air_share": 0.001}),
    ("leak: 0.2 m³/h", {"leak_m3_per_h": 0.2}),
    ("valve_leakage: 1 %", {"valve_leakage_share": 0.01}),
    ("valve_dead_band: 2 %", {"valve_dead_band_percent": 2.0}),
    ("valve_stiction: 3 %", {"valve_stiction_percent": 3.0}),
    ("valve_asymmetry: 5 %", {"valve_close_asymmetry": 0.05}),
    ("oversizing: 150 %", {"exchanger_oversizing": 1.5}),
    ("scaling: 1 %", {"exchanger_scaling_per_day": 0.01}),
    ("booster_head: 2 bar", {"booster_head_kpa": 200.0}),
    ("pump_ramp: 40 s", {"pump_ramp_s": 40.0}),
    ("pump_min_speed: 20 Hz", {"pump_min_hz": 20.0}),
    (
        "balancing: [40 %, 70 %, 70 %, 70 %, 70 %, 70 %, 70 %, 70 %]",
        {"balancing_percent": (40.0, *[70.0] * 7)},
    ),
    ("buildings: 3", {"buildings": 3}),
    ("buildings_seed: other", {"buildings_seed": "other"}),
    ("internal_gains: 4 W/m²", {"internal_gains_w_per_m2": 4.0}),
]
STATION = [
    ("wind_loss: 4 %", {"wind_loss_per_m_per_s": 0.04}),
    ("primary: {cold_outdoor: -30 °C}", {"primary_cold_outdoor_c": -30.0}),
    ("primary: {cold_supply: 130 °C}", {"primary_cold_supply_c": 130.0}),
    ("primary: {mild_outdoor: 8 °C}", {"primary_mild_outdoor_c": 8.0}),
    ("primary: {mild_supply: 65 °C}", {"primary_mild_supply_c": 65.0}),
    ("primary: {delay: 6 h}", {"primary_delay_h": 6.0}),
    ("primary: {disturbance: 0}", {"primary_disturbance": 0.0}),
    ("primary: {differential_pressure: 2 bar}", {"primary_differential_kpa": 200.0}),
    ("primary: {network_drop: 30 kPa}", {"primary_network_drop_kpa": 30.0}),
    ("primary: {return_pressure: 0.2 MPa}", {"primary_return_pressure_kpa": 200.0}),
    ("sensors: {noise: 3}", {"sensor_noise": 3.0}),
    ("sensors: {bits: 16}", {"transmitter_bits": 16}),
    ("sensors: {meter_interval: 30 s}", {"meter_interval_s": 30.0}),
    ("tank: {area: 2 m²}", {"tank_area_m2": 2.0}),
    ("tank: {overflow: 3 m}", {"tank_overflow_level_m": 3.0}),
    ("tank: {start: 1 m}", {"tank_start_level_m": 1.0}),
    ("tank: {inlet: 5 m³/h}", {"tank_inlet_m3_per_h": 5.0}),
    ("tank: {floor_drain: 1 m³/h}", {"floor_drain_m3_per_h": 1.0}),
]


def test_defaults_are_those_of_the_plant(tmp_path):
    parameters = plant_parameters(demo(tmp_path).file)
    assert parameters == replace(
        PlantParameters(),
        zones=(replace(ZoneParameters(), fill_pressure_kpa=350.0),),
        further_sensors=("station.outdoor_temperature_2", "low.supply_temperature_2"),
    )
    unit = size_hot_water("hot_water", PlantHotWaterSettings())
    assert unit == replace(HotWaterParameters(), regulator_c=55.0)


@pytest.mark.parametrize(("text", "expected"), ZONE, ids=[text for text, _ in ZONE])
def test_figures_of_a_zone(tmp_path, text, expected):
    (before,) = plant_parameters(plain()).zones
    (after,) = plant_parameters(demo(tmp_path, text).file).zones
    assert changed(before, after) == expected


@pytest.mark.parametrize(("text", "expected"), STATION, ids=[text for text, _ in STATION])
def test_figures_of_the_station(tmp_path, text, expected):
    before = plant_parameters(plain())
    after = plant_parameters(demo(tmp_path, plant=text).file)
    assert changed(before, after) == expected


def test_night_is_that_of_the_stations_time_zone(tmp_path):
    text = DEMO.read_text(encoding="utf-8").replace("Asia/Shanghai", "Europe/Vilnius")
    (tmp_path / "vilnius.yaml").write_text(text, encoding="utf-8")
    file = check_file(tmp_path / "vilnius.yaml").file
    assert file is not None
    assert changed(plant_parameters(plain()), plant_parameters(file)) == {"local_hours_ahead": 2.0}


def test_no_figure_of_a_zone_is_left_without_a_test():
    written = {text.split(":")[0] for text, _ in ZONE}
    older = {"power", "loop_volume", "vessel_gas", "valve_kvs", "conductance", "groups"}
    assert written | older == set(PlantZoneSettings.model_fields)


def test_a_drive_turns_no_slower_than_its_minimum(tmp_path):
    for text, slowest in (("", 15.0), ("pump_min_speed: 25 Hz", 25.0)):
        plant = Plant(plant_parameters(demo(tmp_path, text).file), COLD)
        for told, turns in ((10.0, slowest), (30.0, 30.0)):
            plant.command("low.pump_1_speed", told)
            for _ in range(30):
                plant.step(1.0)
            assert plant.zones["low"].pumps[0].speed * 50.0 == pytest.approx(turns)
            assert plant.sensors["low.pump_1_frequency"] == pytest.approx(turns, abs=0.1)


def test_a_throttled_branch_leaves_its_water_to_the_others(tmp_path):
    throttled = demo(tmp_path, "balancing: [20 %, 70 %, 70 %, 70 %, 70 %, 70 %, 70 %, 70 %]").file
    as_sized, turned = (Plant(plant_parameters(file), COLD).zones["low"] for file in (plain(), throttled))
    before, after = as_sized.network.shares, turned.network.shares
    assert after[0] < 0.7 * before[0]
    assert all(new > old for old, new in zip(before[1:], after[1:], strict=True))
    assert turned.flow < as_sized.flow
    assert turned.branches[0].building.air < as_sized.branches[0].building.air - 1.0


def test_buildings_by_hand(tmp_path):
    groups = (
        "groups: [{name: old, load_share: 70 %, flow_share: 60 %, pipe_volume: 1 m³, time_constant: 80 h}, "
        "{name: new, load_share: 30 %, flow_share: 40 %, pipe_volume: 2 m³, radiator_size: 120 %}]"
    )
    plant = Plant(plant_parameters(demo(tmp_path, groups).file), COLD)
    old, new = plant.zones["low"].branches
    assert (old.name, new.name) == ("old", "new")
    assert (old.flow_share, new.flow_share) == (0.6, 0.4)
    assert old.building.slow_time_constant() == pytest.approx(80 * 3600.0, rel=0.01)
    assert new.supply_pipe.mass == pytest.approx(2000.0)


@pytest.mark.parametrize("kind", ["instantaneous", "storage"])
def test_hot_water_of_a_file_serves_its_taps_and_is_counted(tmp_path, kind):
    """An evening peak of a station whose controller knows nothing of it."""
    checked = demo(tmp_path, plant=f"hot_water: {{taps: {{kind: {kind}}}}}\n  co2_factor: 50")
    start = COLD.start + 17.5 * 3600.0
    rig = Rig(checked.file, checked.profiles, COLD, dt=5.0, start_time=start)
    found, _ = run_season(rig, HOURS / 24.0)
    unit = found["hot_waters"]["taps"]
    assert unit["drawn_m3"] == pytest.approx(200 * 0.0875 * 0.155 * HOURS / 2.0, rel=0.3)
    assert unit["drawn_c"] == pytest.approx(55.0, abs=3.0)
    assert unit["heat_gj"] > 0.6 * unit["drawn_m3"] * 4.18 * 0.045
    assert unit["pump_kwh"] > 0.0
    assert found["co2_kg"] == pytest.approx(50.0 * (found["heat_gj"] + unit["heat_gj"]))
    assert found["energy_balance_error"] < 1e-6
    without = demo(tmp_path)
    other, _ = run_season(Rig(without.file, without.profiles, COLD, dt=5.0, start_time=start), HOURS / 24.0)
    assert found["peak_kw"] > other["peak_kw"] + 50.0
    assert "taps.valve" in rig.plant.fault_names()


def test_a_hot_water_unit_stands_without_power(tmp_path):
    file = demo(tmp_path, plant="hot_water: {taps: {flats: 0}}").file
    plant = Plant(plant_parameters(file), COLD)
    plant.command("taps.valve_command", 100.0)  # nobody hears it
    for _ in range(120):
        plant.step(5.0)
    # With nobody at the taps the proportional band has its droop upwards.
    assert 55.0 < plant.truth["taps.supply_temperature"] < 62.0
    before = plant.truth["taps.valve_position"]
    plant.fault("station", "power_failure")
    for _ in range(120):
        plant.step(5.0)
    assert plant.truth["taps.valve_position"] == before
    assert plant.truth["taps.circulation_flow"] == 0.0


@cache
def a_circuit():
    return HotWaterCircuit(HotWaterParameters(flats=0), "", 8.0)


@given(st.floats(0.0, 120.0), st.floats(0.0, 120.0), st.floats(0.01, 1000.0), st.floats(30.0, 80.0))
@settings(max_examples=60, deadline=None)
def test_the_regulator_opens_for_cold_and_shuts_for_hot_water(before, now, dt, setpoint):
    circuit = a_circuit()
    regulator = HotWaterRegulator(setpoint)
    regulator.settle(before)
    circuit.water.hot = now
    regulator.step(dt, circuit.water, circuit.branch)
    command = circuit.branch.valve_command
    assert 0.0 <= command <= 1.0
    if max(before, now) < setpoint - 13.0:
        assert command == 1.0
    if min(before, now) > setpoint + 7.0:
        assert command == 0.0


def test_a_station_starts_cold_or_without_water(tmp_path):
    checked = demo(tmp_path)
    empty = Rig(checked.file, checked.profiles, COLD, empty=True)
    assert empty.truth("low.filled") == 0.0
    cold = Rig(checked.file, checked.profiles, COLD, cold=True)
    assert cold.truth("low.filled") == 100.0
    assert cold.truth("low.supply_temperature") == 20.0


MODELS = {
    "zone": PlantZoneSettings,
    "primary": PlantPrimarySettings,
    "sensors": PlantSensorSettings,
    "tank": PlantTankSettings,
    "hot_water": PlantHotWaterSettings,
}


DRY = (("power", 50000), ("loop_volume", 0.5))
"""With the other figures as they are: more pipes than water."""


def ends():
    """Both ends of every figure, by section and key."""
    for section, model in MODELS.items():
        for key, info in model.model_fields.items():
            for mark in info.metadata:
                for end in ("low", "high", "ge", "le"):
                    if (value := getattr(mark, end, None)) is not None:
                        yield section, key, value


@pytest.mark.parametrize(
    ("section", "key", "value"), list(ends()), ids=[" ".join(map(str, row)) for row in ends()]
)
def test_both_ends_of_every_range_are_a_plant(section, key, value):
    """A quarter of an hour of each: finite, in balance; or refused for want of water, and nothing else."""
    file = plain().model_copy(deep=True)
    given, unit = file.plant, PlantHotWaterSettings(kind="storage")
    given.hot_water["taps"] = unit
    part = {"zone": given.zones["low"], "hot_water": unit}.get(section) or getattr(given, section)
    setattr(part, key, value)
    if (key, value) in DRY:
        with pytest.raises(ValueError, match="loop_volume leaves"):
            Plant(plant_parameters(file), COLD)
        return
    plant = Plant(plant_parameters(file), COLD)
    plant.command("low.valve_command", 50.0)
    for _ in range(180):
        plant.step(5.0)
    assert [name for name, true in plant.truth.items() if not isfinite(true)] == []
    assert [name for name, seen in plant.sensors.items() if not isfinite(seen)] == []
    assert plant.energy_balance_error() < 1e-6
    assert plant.mass_balance_error() < 1e-6
