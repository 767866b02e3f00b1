"""Sizes of a plant from a station's file: what a designer would have bought for these circuits.

The nominal 2 MW station is the pattern. Heat and flows go with power and temperatures: the design point is
that of the heat curve, its coldest point with the nominal spread where the curve is one of points. A curve in
whole degrees that ends at the nominal design day within half a kelvin means that day. Pressures go with the
set-points: a loop is filled to what its makeup holds, its vessel is as full of water as the nominal one, and
the circulation reaches its differential pressure at 45 Hz.
Source: FACTS §1 (nominal station), affinity and curve of pump.py; the rules of proportion are own judgement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from controller.settings.plant import PlantGroupSettings, PlantHotWaterSettings, PlantZoneSettings
from controller.settings.station import Circuit
from sim.physics.parameters import GroupParameters, HotWaterParameters, ZoneParameters

_NOMINAL = ZoneParameters()
_SPREAD = 15.0  # K, 60/45
_APPROACH = 15.0  # K between primary and secondary return of the nominal exchanger
_PRIMARY_SPREAD = 50.0  # K, 110/60
_LEAST_PRIMARY_SPREAD = 10.0  # K
_SETPOINT = 350.0  # kPa of the nominal station's makeup
_ATMOSPHERE = 101.3
_FLOOR_BELOW = 1.2  # exponent: floors 1.1, radiators 1.3
_BEFORE_THE_END = 0.9  # 45 of 50 Hz
_SHUTOFF = 1.4  # of PumpCurve
_PORT_B_OPEN = 0.65  # of a three-way valve's stroke, while port A passes the design flow
_THERMOSTAT_ABOVE_TRIP = 5.0
_HOT_WATER_KW = 350.0  # of the nominal hot-water unit
_HOT_WATER_LIMIT = 20.0  # K of its thermostat over the set-point


@dataclass(frozen=True, slots=True)
class DesignPoint:
    """°C on the design day."""

    outdoor: float
    room: float
    supply: float
    back: float
    exponent: float | None  # None: that of the heating surface


def design_point(circuit: Circuit) -> DesignPoint:
    """What the heating surfaces of a circuit with this heat curve are made for."""
    curve = circuit.heat_curve
    if curve.kind == "design":
        # A run-time change of the wanted room does not exchange radiators; the file's value is the design.
        return DesignPoint(
            curve.design_outdoor, curve.room, curve.design_supply, curve.design_return, curve.exponent
        )
    nominal, room = _NOMINAL.design_outdoor_c, _NOMINAL.design_room_c
    if curve.kind == "slope":
        outdoor, supply = nominal, curve.supply(nominal)
    else:
        coldest = min(curve.points)
        outdoor = nominal if abs(coldest - nominal) < 0.5 else coldest
        supply = curve.points[coldest]
    # Low supplies leave no room for the nominal spread over a warm room: half of the excess then.
    spread = min(_SPREAD, 0.5 * (supply - room))
    return DesignPoint(outdoor, room, supply, supply - spread, None)


def size_zone(
    name: str,
    circuit: Circuit,
    given: PlantZoneSettings,
    floor_area: float,
) -> ZoneParameters:
    """The plant of one circuit; `given` is what its file says about it, `floor_area` in m2.

    Raises ValueError for a heat curve whose water is no warmer than the rooms."""
    point = design_point(circuit)
    if not point.supply > point.back > point.room:
        curve = f"{point.supply:g}/{point.back:g} °C by the heat curve"
        raise ValueError(f"zone {name}: {curve} warm no room to {point.room:g} °C")
    size = given.power / _NOMINAL.design_heat_kw
    flow_size = size * _SPREAD / (point.supply - point.back)
    zone = ZoneParameters(
        name=name,
        kind=circuit.kind,
        mixing_arrangement=circuit.arrangement if circuit.kind == "mixing" else "three_way",
        design_heat_kw=given.power,
        design_outdoor_c=point.outdoor,
        design_room_c=point.room,
        design_supply_c=point.supply,
        primary_flow_kg_per_s=_primary_flow(circuit, point, size),
        secondary_flow_kg_per_s=_NOMINAL.secondary_flow_kg_per_s * flow_size,
        thermostat_c=circuit.supply.trip + _THERMOSTAT_ABOVE_TRIP,
    )
    zone = _with_exchangers(zone, circuit, given, size)
    zone = _with_primary_actuator(zone, circuit, given)
    zone = _with_circulation(zone, circuit, given, flow_size)
    zone = _with_loop(zone, circuit, given, flow_size)
    return _with_buildings(zone, given, point, floor_area)


def _primary_flow(circuit: Circuit, point: DesignPoint, size: float) -> float:
    """kg/s: a wider spread on the primary side takes less water for the same heat."""
    back = point.back + (0.0 if circuit.kind == "mixing" else _APPROACH)
    spread = max(_LEAST_PRIMARY_SPREAD, _NOMINAL.design_primary_supply_c - back)
    return _NOMINAL.primary_flow_kg_per_s * size * _PRIMARY_SPREAD / spread


def _with_exchangers(
    zone: ZoneParameters, circuit: Circuit, given: PlantZoneSettings, size: float
) -> ZoneParameters:
    """Exchangers in parallel are equal parts of the whole."""
    zone = replace(
        zone,
        exchanger_conductance_kw_per_k=given.conductance,
        exchanger_oversizing=given.oversizing / 100.0,
        exchanger_scaling_per_day=given.scaling / 100.0,
        exchanger_side_volume_m3=_NOMINAL.exchanger_side_volume_m3 * size,
        exchanger_plates_kj_per_k=_NOMINAL.exchanger_plates_kj_per_k * size,
    )
    if circuit.kind == "mixing" or circuit.exchangers is None:
        return zone
    several = circuit.exchangers
    return replace(
        zone,
        exchanger_count=len(several.valves),
        exchanger_isolation=several.isolates,
        exchanger_isolation_stroke_s=several.stroke_time,
    )


def _with_primary_actuator(
    zone: ZoneParameters, circuit: Circuit, given: PlantZoneSettings
) -> ZoneParameters:
    """A pump beside a valve stands in the return; one that has no valve takes its place in the supply."""
    actuator = circuit.actuator
    booster: Literal["none", "supply", "return"] = "none"
    if circuit.primary_pump is not None:
        booster = "supply" if circuit.valve is None else "return"
    return replace(
        zone,
        valve_kvs_m3_per_h=given.valve_kvs,
        valve_characteristic=actuator.characteristic,
        valve_rangeability=actuator.rangeability,
        valve_stroke_time_s=actuator.stroke_time,
        valve_leakage_share=given.valve_leakage / 100.0,
        valve_dead_band_percent=given.valve_dead_band,
        valve_stiction_percent=given.valve_stiction,
        valve_close_asymmetry=given.valve_asymmetry / 100.0,
        valve_closes_without_power=actuator.on_signal_loss == "close",
        booster=booster,
        booster_head_kpa=given.booster_head,
    )


def _with_circulation(
    zone: ZoneParameters, circuit: Circuit, given: PlantZoneSettings, flow_size: float
) -> ZoneParameters:
    """Pumps and the network that they turn."""
    network_drop, pump_head = _network_and_head(circuit)
    return replace(
        zone,
        circulation_pumps=len(circuit.circulation.pumps),
        pump_flow_m3_per_h=_NOMINAL.pump_flow_m3_per_h * flow_size,
        pump_head_kpa=pump_head,
        pump_ramp_s=given.pump_ramp,
        pump_min_hz=given.pump_min_speed,
        network_drop_kpa=network_drop,
        balancing_percent=tuple(given.balancing),
    )


def _with_loop(
    zone: ZoneParameters, circuit: Circuit, given: PlantZoneSettings, flow_size: float
) -> ZoneParameters:
    """Water of the loop, and what holds its pressure: filled to what the makeup holds."""
    makeup = circuit.makeup
    pressure = _SETPOINT if makeup is None else makeup.setpoint
    precharge = given.vessel_precharge
    return replace(
        zone,
        loop_volume_m3=given.loop_volume,
        vessel_gas_m3=given.vessel_gas,
        vessel_precharge_kpa=_precharge(pressure) if precharge is None else precharge,
        air_share=given.air_share / 100.0,
        leak_m3_per_h=given.leak,
        fill_pressure_kpa=pressure,
        safety_valve_kpa=_NOMINAL.safety_valve_kpa * pressure / _SETPOINT,
        highest_building_m=circuit.highest_building,
        makeup_pumps=0 if makeup is None else len(makeup.pumps),
        makeup_flow_m3_per_h=_NOMINAL.makeup_flow_m3_per_h * flow_size,
        makeup_head_kpa=_NOMINAL.makeup_head_kpa * pressure / _SETPOINT,
    )


def _with_buildings(
    zone: ZoneParameters, given: PlantZoneSettings, point: DesignPoint, floor_area: float
) -> ZoneParameters:
    """A street of houses, or buildings by hand; a small exponent of the heating surfaces means floors."""
    return replace(
        zone,
        floor_area_m2=floor_area,
        heater_exponent=point.exponent,
        floor_heating=point.exponent is not None and point.exponent < _FLOOR_BELOW,
        buildings=given.buildings,
        buildings_seed=given.buildings_seed or "",
        internal_gains_w_per_m2=given.internal_gains,
        groups=tuple(_group(group) for group in given.groups),
    )


def _group(given: PlantGroupSettings) -> GroupParameters:
    """Buildings by hand."""
    return GroupParameters(
        given.name,
        given.load_share / 100.0,
        given.flow_share / 100.0,
        given.pipe_volume,
        time_constant_h=given.time_constant / 3600.0,
        radiator_size=given.radiator_size / 100.0,
        solar_aperture_m2_per_m2=given.solar_aperture / 100.0,
        internal_gains_w_per_m2=given.internal_gains,
    )


def _precharge(pressure: float) -> float:
    """kPa: absolute pressures in the ratio of the nominal vessel, so it is as full of water at `pressure`."""
    share = (_NOMINAL.vessel_precharge_kpa + _ATMOSPHERE) / (_SETPOINT + _ATMOSPHERE)
    return share * (pressure + _ATMOSPHERE) - _ATMOSPHERE


def _network_and_head(circuit: Circuit) -> tuple[float, float]:
    """kPa of network and pump at design flow.

    The transmitter sees the whole circuit of an exchanger zone and the network of a mixing zone. A set-point
    above the nominal drop means a longer network; the flow at the set-point is then the design flow. The pump
    meets set-point and bypass there at 45 Hz: s = h*(1.4*0.9^2 - 0.4*x), x = set-point over drop."""
    source, unseen = _NOMINAL.exchanger_secondary_drop_kpa, 0.0
    if circuit.kind == "mixing":
        narrow = _PORT_B_OPEN if circuit.arrangement == "three_way" else 1.0
        source, unseen = 0.0, _NOMINAL.mixing_bypass_drop_kpa / narrow**2
    drop = source + _NOMINAL.network_drop_kpa
    head = drop + unseen
    if circuit.circulation.control == "differential_pressure":
        wanted = circuit.circulation.setpoint
        drop = max(drop, wanted)
        reach = _SHUTOFF * _BEFORE_THE_END**2 - (_SHUTOFF - 1.0) * wanted / drop
        head = max(drop + unseen, (wanted + unseen) / reach)
    return drop - source, head


def size_hot_water(name: str, given: PlantHotWaterSettings) -> HotWaterParameters:
    """A hot-water unit of the file: its exchanger, valve and flows go with its power."""
    nominal = HotWaterParameters()
    size = given.power / _HOT_WATER_KW
    return HotWaterParameters(
        name=name,
        kind=given.kind,
        primary_flow_kg_per_s=nominal.primary_flow_kg_per_s * size,
        secondary_flow_kg_per_s=nominal.secondary_flow_kg_per_s * size,
        exchanger_conductance_kw_per_k=nominal.exchanger_conductance_kw_per_k * size,
        exchanger_scaling_per_day=given.scaling / 100.0,
        exchanger_side_volume_m3=nominal.exchanger_side_volume_m3 * size,
        exchanger_plates_kj_per_k=nominal.exchanger_plates_kj_per_k * size,
        valve_kvs_m3_per_h=nominal.valve_kvs_m3_per_h * size,
        storage_volume_m3=given.storage,
        circulation_flow_kg_per_s=given.circulation / 3.6,
        circulation_loss_w_per_k=given.circulation_loss * 1e3,
        start_c=given.setpoint,
        thermostat_c=given.setpoint + _HOT_WATER_LIMIT,
        regulator_c=given.setpoint,
        flats=given.flats,
        daily_kg_per_flat=given.daily * 1e3,
        draw_off_hours=nominal.draw_off_hours if given.hours is None else tuple(given.hours),
    )
