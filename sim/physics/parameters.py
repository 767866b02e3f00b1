"""What a simulated station is made of: controller units, and the unit in every name.

The defaults are the demo station: 50 000 m2 at 40 W/m2 = 2 MW, 110/60 on the primary side and 60/45 on the
secondary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .draw_off import HOUSING


@dataclass(frozen=True, slots=True)
class GroupParameters:
    """Buildings on one branch of the loop, by hand. Shares are parts of the zone's design values."""

    name: str
    load_share: float
    flow_share: float
    pipe_volume_m3: float  # supply pipe; the return pipe is its twin
    pipe_loss_w_per_k: float = 60.0  # supply pipe; the return pipe is its twin
    time_constant_h: float = 100.0
    radiator_size: float = 1.0  # radiator surface over the surface that the design point needs
    solar_aperture_m2_per_m2: float = 0.02  # window area x transmission x facade/horizontal, per floor area
    internal_gains_w_per_m2: float = 0.0  # the design load of 40 W/m2 is net of people and appliances
    floor_area_m2: float | None = None  # None: the zone's floor area by load share


@dataclass(frozen=True, slots=True)
class RoomParameters:
    """A measured room: warmer or colder than its house (or group) by a constant."""

    group: int
    offset_k: float = 0.0


@dataclass(frozen=True, slots=True)
class ZoneParameters:
    """One pressure zone: exchanger or mixing, valve, pumps, loop and buildings."""

    name: str = "low"
    kind: Literal["exchanger", "mixing"] = "exchanger"
    design_heat_kw: float = 2000.0
    floor_area_m2: float = 50_000.0
    design_outdoor_c: float = -24.2
    design_room_c: float = 20.0
    design_supply_c: float = 60.0
    design_primary_supply_c: float = 110.0  # sizes the primary branch of a mixing zone
    primary_flow_kg_per_s: float = 9.5
    secondary_flow_kg_per_s: float = 31.9

    mixing_arrangement: Literal["three_way", "injection"] = "three_way"
    mixing_bypass_drop_kpa: float = 5.0  # of the bypass at design flow, three-way port or check valve open
    mixing_volume_m3: float = 0.1  # pump, mixing pipe and header up to the supply sensor

    exchanger_conductance_kw_per_k: float = 69.0
    exchanger_oversizing: float = 1.0  # conductance bought over what is given above; water and plates too
    exchanger_scaling_per_day: float = 0.0  # growth of the fouling, as a share of the clean resistance
    exchanger_scaling_limit: float = 0.5
    exchanger_primary_drop_kpa: float = 50.0  # at design flow, with strainer and meter
    exchanger_secondary_drop_kpa: float = 50.0
    exchanger_side_volume_m3: float = 0.05
    exchanger_plates_kj_per_k: float = 150.0
    exchanger_count: int = 1  # equal ones in parallel; conductance, drops and contents are those of all
    exchanger_isolation: Literal["primary", "both"] = "primary"  # sides that the isolation valves shut off
    exchanger_isolation_stroke_s: float = 90.0
    exchanger_isolation_drop_kpa: float = 2.0  # of an open one at its share of the design flow, on each side
    exchanger_plates_drop_kpa: float = 30.0  # of the primary drop in the plates; the rest in the common pipes
    exchanger_standing_loss_w_per_k: float = 10.0  # of a closed one, to the station room
    exchanger_room_c: float = 12.0  # the station room in winter

    valve_kvs_m3_per_h: float = 80.0
    valve_characteristic: Literal["equal_percentage", "linear", "split"] = "equal_percentage"
    valve_rangeability: float = 50.0
    valve_leakage_share: float = 1e-4
    valve_stroke_time_s: float = 120.0
    valve_dead_band_percent: float = 1.0
    valve_stiction_percent: float = 0.5
    valve_closes_without_power: bool = False  # by spring or battery; others stay where they are
    valve_close_asymmetry: float = 0.0  # closing takes this share longer than opening
    primary_strainer_drop_kpa: float = 5.0  # clean, at design flow; a part of the exchanger's primary drop

    booster: Literal["none", "supply", "return"] = "none"  # primary pump of this zone and its place
    booster_head_kpa: float = 150.0  # at design primary flow and nominal speed
    booster_ramp_s: float = 20.0
    booster_min_hz: float = 10.0

    circulation_pumps: int = 2
    pump_flow_m3_per_h: float = 116.0
    pump_head_kpa: float = 200.0
    pump_ramp_s: float = 20.0
    pump_min_hz: float = 15.0  # of the drive: told less, it turns no slower
    network_drop_kpa: float = 150.0  # at design flow, without the exchanger
    network_strainer_drop_kpa: float = 5.0  # of it in the clean strainer
    network_main_share: float = 0.3  # of the rest in the common main, what remains in the branches
    balancing_percent: tuple[float, ...] = ()  # strokes of the branches' valves; none: all at 70, as sized
    balancing_valves: bool = False  # motors on the branches' valves: branch_1_valve_command and so on

    makeup_pumps: int = 2
    makeup_flow_m3_per_h: float = 6.0
    makeup_head_kpa: float = 400.0
    makeup_ramp_s: float = 5.0
    makeup_min_hz: float = 10.0
    makeup_temperature_c: float = 10.0

    loop_volume_m3: float = 40.0
    header_share: float = 0.01  # mixed volume at the pump suction as part of the loop
    vessel_gas_m3: float = 0.75  # at 350 kPa
    vessel_precharge_kpa: float = 170.0
    air_share: float = 0.0  # free air at 350 kPa as part of the loop
    fill_pressure_kpa: float = 300.0
    highest_building_m: float = 30.0
    leak_m3_per_h: float = 0.02  # at 300 kPa, goes with the root of the pressure
    relief_kv_m3_per_h: float = 2.5
    safety_valve_kpa: float = 600.0
    safety_valve_kv_m3_per_h: float = 10.0

    thermostat_c: float = 80.0
    suction_switch_kpa: float = 50.0

    buildings: int = 8  # different houses along the street
    buildings_seed: str = ""
    internal_gains_w_per_m2: float = 0.0  # of the planned houses: the design load is net of an average
    floor_heating: bool = False
    heater_exponent: float | None = None  # None: 1.3 of radiators, 1.1 of floors
    groups: tuple[GroupParameters, ...] = ()  # by hand, in place of the planned houses
    rooms: tuple[RoomParameters, ...] = ()  # none given: in a typical, a good and a bad house


@dataclass(frozen=True, slots=True)
class HotWaterParameters:
    """Domestic hot water of 200 flats: 350 kW, 70/30 on the primary side in the mild season, 10/60 °C."""

    name: str = "hot_water"
    kind: Literal["instantaneous", "storage"] = "instantaneous"
    primary_flow_kg_per_s: float = 2.1
    secondary_flow_kg_per_s: float = 1.7  # through the exchanger: the taps' or the charging pump's

    exchanger_conductance_kw_per_k: float = 24.3
    exchanger_scaling_per_day: float = 0.0  # hard water: growth of the fouling, share of the clean resistance
    exchanger_scaling_limit: float = 0.5
    exchanger_primary_drop_kpa: float = 30.0  # at design flow, with the strainer
    exchanger_side_volume_m3: float = 0.015
    exchanger_plates_kj_per_k: float = 30.0

    valve_kvs_m3_per_h: float = 10.0
    valve_characteristic: Literal["equal_percentage", "linear", "split"] = "equal_percentage"
    valve_rangeability: float = 50.0
    valve_leakage_share: float = 1e-4
    valve_stroke_time_s: float = 30.0  # quick: a tap opens at once
    valve_dead_band_percent: float = 1.0
    valve_stiction_percent: float = 0.5
    valve_close_asymmetry: float = 0.0  # closing takes this share longer than opening
    primary_strainer_drop_kpa: float = 3.0  # clean, at design flow

    storage_volume_m3: float = 2.0
    storage_loss_w_per_k: float = 8.0
    charge_head_kpa: float = 40.0  # of the charging pump at design flow, which its circuit takes

    circulation_flow_kg_per_s: float = 0.3  # 0: no circulation line
    circulation_head_kpa: float = 30.0
    circulation_loss_w_per_k: float = 300.0
    cold_water_c: float = 10.0
    room_c: float = 15.0  # around store and line
    start_c: float = 55.0  # hot water of a warm start
    thermostat_c: float = 75.0
    regulator_c: float | None = None  # set-point of a regulator of its own; None: it waits for commands

    flats: int = 200
    daily_kg_per_flat: float = 87.5
    draw_off_hours: tuple[float, ...] = HOUSING  # 24 weights from midnight


@dataclass(frozen=True, slots=True)
class PlantParameters:
    """A station: its zones and hot-water circuits, the primary network and the makeup tank."""

    zones: tuple[ZoneParameters, ...] = (ZoneParameters(),)
    hot_waters: tuple[HotWaterParameters, ...] = ()

    primary_cold_outdoor_c: float = -24.2
    primary_cold_supply_c: float = 110.0
    primary_mild_outdoor_c: float = 5.0
    primary_mild_supply_c: float = 70.0
    primary_delay_h: float = 3.0
    primary_differential_kpa: float = 110.0  # at no flow
    primary_network_drop_kpa: float = 10.0  # lost in the network at the zones' design flow
    primary_return_pressure_kpa: float = 600.0
    primary_disturbance: float = 1.0  # scale of noise, swings and set-point steps; 0 = a steady network

    tank_area_m2: float = 4.0
    tank_overflow_level_m: float = 2.0
    tank_start_level_m: float = 1.5
    tank_inlet_m3_per_h: float = 10.0

    meter_interval_s: float = 2.0  # heat meter on mains 1 … 2 s, on battery 30 … 60 s
    local_hours_ahead: float = 8.0  # of UTC: when night is, for the primary's night sag
    transmitter_bits: int = 12  # pressure and level in steps of range/2^bits; 0 = 0.1 kPa and 1 mm
    station_floor_m2: float = 40.0  # where water gathers that runs out in the station
    floor_drain_m3_per_h: float = 2.9  # what the gully takes
    flood_contact_m: float = 0.01  # water on the floor from which the contact closes

    latitude: float = 45.75  # Harbin: for the sun on the walls
    longitude: float = 126.77
    wind_loss_per_m_per_s: float = 0.02  # growth of the air-change loss with wind speed
    sensor_noise: float = 1.0  # scale of all sensor noise
    further_sensors: tuple[str, ...] = ()  # beside the first one of a point: <point>_2, <point>_3
    nominal_hz: float = 50.0
    weather_sensors: tuple[str, ...] = ()  # of wind_speed, solar_radiation: a station that has them


def check(parameters: PlantParameters) -> None:
    """Raises ValueError for doubled names, shares that do not add up to one, a zone without buildings, or
    hot water without a day of draw-off."""
    if not parameters.zones:
        raise ValueError("a plant needs at least one zone")
    names = [zone.name for zone in parameters.zones] + [water.name for water in parameters.hot_waters]
    for name in names:
        if names.count(name) > 1 or name == "station" or "." in name:
            raise ValueError(f"zone name {name!r} is taken twice or not possible (one word, not station)")
    for hot_water in parameters.hot_waters:
        hours = hot_water.draw_off_hours
        if len(hours) != 24 or min(hours) < 0.0 or sum(hours) <= 0.0:
            raise ValueError(f"hot water {hot_water.name}: draw_off_hours must be 24 weights, not all 0")
    for zone in parameters.zones:
        count = len(zone.groups) or zone.buildings
        if count < 1 or zone.circulation_pumps < 1:
            raise ValueError(f"zone {zone.name}: needs at least one building and one pump")
        if any(not 0 <= room.group < count for room in zone.rooms):
            raise ValueError(f"zone {zone.name}: a room names a building that does not exist")
        if zone.balancing_percent and len(zone.balancing_percent) != count:
            raise ValueError(f"zone {zone.name}: {count} branches need as many balancing_percent")
        if zone.exchanger_count < 1:
            raise ValueError(f"zone {zone.name}: needs at least one exchanger")
        if not zone.groups:
            continue
        for what in ("load_share", "flow_share"):
            total = sum(getattr(group, what) for group in zone.groups)
            if abs(total - 1.0) > 1e-6:
                raise ValueError(f"zone {zone.name}: the groups' {what} add up to {total:g} (must be 1)")
