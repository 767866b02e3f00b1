"""What a simulated station is made of: controller units, and the unit in every name.

The defaults are the demo station: 50 000 m2 at 40 W/m2 = 2 MW, 110/60 on the primary side and 60/45 on the
secondary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class GroupParameters:
    """Buildings that hang on one branch of the loop. Shares are parts of the zone's design values."""

    name: str
    load_share: float
    flow_share: float
    pipe_volume_m3: float  # supply pipe; the return pipe is its twin
    pipe_loss_w_per_k: float = 60.0  # supply pipe; the return pipe is its twin
    time_constant_h: float = 100.0
    radiator_size: float = 1.0  # radiator surface over the surface that the design point needs
    solar_aperture_m2_per_m2: float = 0.02  # window area x transmission x facade/horizontal, per floor area
    internal_gains_w_per_m2: float = 0.0  # the design load of 40 W/m2 is net of people and appliances


@dataclass(frozen=True, slots=True)
class RoomParameters:
    """A measured room: warmer or colder than its group by a constant."""

    group: int
    offset_k: float = 0.0


@dataclass(frozen=True, slots=True)
class ZoneParameters:
    """One pressure zone: exchanger, valve, pumps, loop and buildings."""

    name: str = "low"
    kind: Literal["exchanger", "mixing"] = "exchanger"
    design_heat_kw: float = 2000.0
    floor_area_m2: float = 50_000.0
    design_outdoor_c: float = -24.2
    design_room_c: float = 20.0
    design_supply_c: float = 60.0
    primary_flow_kg_per_s: float = 9.5
    secondary_flow_kg_per_s: float = 31.9

    exchanger_conductance_kw_per_k: float = 69.0
    exchanger_primary_drop_kpa: float = 50.0  # at design flow, with strainer and meter
    exchanger_secondary_drop_kpa: float = 50.0
    exchanger_side_volume_m3: float = 0.05
    exchanger_plates_kj_per_k: float = 150.0

    valve_kvs_m3_per_h: float = 80.0
    valve_characteristic: Literal["equal_percentage", "linear", "split"] = "equal_percentage"
    valve_rangeability: float = 50.0
    valve_leakage_share: float = 1e-4
    valve_stroke_time_s: float = 120.0
    valve_dead_band_percent: float = 1.0
    valve_stiction_percent: float = 0.5

    circulation_pumps: int = 2
    pump_flow_m3_per_h: float = 116.0
    pump_head_kpa: float = 200.0
    pump_ramp_s: float = 20.0
    pump_min_hz: float = 15.0
    network_drop_kpa: float = 150.0  # at design flow, without the exchanger

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

    groups: tuple[GroupParameters, ...] = (
        GroupParameters("near", load_share=0.45, flow_share=0.45, pipe_volume_m3=3.0),
        GroupParameters("far", load_share=0.55, flow_share=0.55, pipe_volume_m3=8.0, pipe_loss_w_per_k=150.0),
    )
    rooms: tuple[RoomParameters, ...] = (
        RoomParameters(0, 0.0),
        RoomParameters(1, 0.3),
        RoomParameters(1, -0.5),
    )


@dataclass(frozen=True, slots=True)
class PlantParameters:
    """A station: its zones, the primary network and the makeup tank."""

    zones: tuple[ZoneParameters, ...] = (ZoneParameters(),)

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

    wind_loss_per_m_per_s: float = 0.02  # growth of the air-change loss with wind speed
    sensor_noise: float = 1.0  # scale of all sensor noise
    nominal_hz: float = 50.0
