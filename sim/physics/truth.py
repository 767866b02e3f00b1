"""What is really so in a station and its zones, in controller units: the judge's view, built on demand."""

from __future__ import annotations

from .exchanger_zone import ExchangerZone
from .hot_water_circuit import COLD_WATER, HotWaterCircuit
from .primary_side import PrimarySide
from .tank import Tank
from .water import density
from .zone import Zone


def station_truth(side: PrimarySide, tank: Tank, outdoor: float) -> dict[str, float]:
    """True values by point name `station.role`; `outdoor` in °C."""
    return {
        "station.outdoor_temperature": outdoor,
        "station.primary_supply_temperature": side.network.supply_temperature,
        "station.primary_return_temperature": side.return_temperature,
        "station.primary_supply_pressure": side.supply_pressure * 1e-3,
        "station.primary_return_pressure": side.return_pressure * 1e-3,
        "station.primary_flow": side.meter_flow() * 3600.0,
        "station.heat_power": side.heat * 1e-3,
        "station.heat_energy": side.heat_energy * 1e-9,
        "station.tank_level": tank.level,
        "station.tank_water_mass": tank.mass(),
    }


def hot_water_truth(circuit: HotWaterCircuit) -> dict[str, float]:
    """True values by point name `circuit.role`; energies and volumes since the last settling."""
    water = circuit.water
    values = {
        "supply_temperature": water.supply,
        "charge_temperature": water.hot,
        "circulation_temperature": water.circulation_return,
        "circulation_flow": water.circulation / COLD_WATER * 3600.0,
        "draw_off_flow": circuit.draw_off / COLD_WATER * 3600.0,
        "draw_off_volume": circuit.drawn_mass / COLD_WATER,
        "draw_off_power": water.drawn_heat * 1e-3,
        "loss": water.loss * 1e-3,
        "primary_return_temperature": circuit.primary_return,
        "primary_flow": circuit.primary_flow / density(circuit.primary_return) * 3600.0,
        "valve_position": circuit.branch.valve.position * 100.0,
        "valve_travel": circuit.branch.valve.travel,
        "heat_power": circuit.heat * 1e-3,
        "heat_energy": circuit.heat_from_primary * 1e-9,
        "electric_power": circuit.electric_power * 1e-3,
        "electric_energy": circuit.electric_energy / 3.6e6,
    }
    if water.storage is not None:
        values["storage_top_temperature"] = water.storage.top()
        values["storage_bottom_temperature"] = water.storage.bottom()
        values["charge_flow"] = circuit.charge_flow / COLD_WATER * 3600.0
    return {f"{circuit.parameters.name}.{role}": value for role, value in values.items()}


def zone_truth(zone: Zone) -> dict[str, float]:
    """True values by point name `zone.role`; energies and volumes since the last settling."""
    p, holding = zone.parameters, zone.holding
    name = p.name
    primary_density = density(zone.primary_return)
    values = {
        "supply_temperature": zone.supply,
        "return_temperature": zone.header,
        "primary_return_temperature": zone.primary_return,
        "primary_flow": zone.primary_flow / primary_density * 3600.0,
        "primary_return_flow": zone.primary_return_flow / primary_density * 3600.0,
        "secondary_flow": zone.flow / density(zone.header) * 3600.0,
        "supply_pressure": zone.supply_pressure() * 1e-3,
        "return_pressure": zone.loop.pressure * 1e-3,
        "differential_pressure": zone.shown_difference() * 1e-3,
        "valve_position": zone.valve.position * 100.0,
        "valve_travel": zone.valve.travel,
        "heat_power": zone.heat * 1e-3,
        "heat_energy": zone.heat_from_primary * 1e-9,
        "building_loss": zone.building_loss * 1e-3,
        "pipe_loss": zone.pipe_loss * 1e-3,
        "electric_power": zone.electric_power * 1e-3,
        "electric_energy": zone.electric_energy / 3.6e6,
        "water_mass": zone.loop.water_mass,
        "filled": 100.0 * zone.loop.filled(zone.header),
        "makeup_flow": holding.makeup_flow / 999.7 * 3600.0,
        "makeup_volume": holding.water_in / 999.7,
        "leak_volume": holding.water_lost / 990.0,
    }
    truth = {f"{name}.{role}": value for role, value in values.items()}
    for i, room in enumerate(p.rooms, start=1):
        air = zone.branches[room.group].building.air
        truth[f"{name}.room_temperature_{i}"] = air + room.offset_k
    for branch, share in zip(zone.branches, zone.network.shares, strict=True):
        truth[f"{name}.{branch.name}.air_temperature"] = branch.building.air
        truth[f"{name}.{branch.name}.flow_share"] = 100.0 * share
    if isinstance(zone, ExchangerZone) and zone.bank is not None:
        for i, (unit, valve) in enumerate(zip(zone.bank.units, zone.bank.valves, strict=True), start=1):
            truth[f"{name}.exchanger_{i}_position"] = valve.position * 100.0
            truth[f"{name}.exchanger_{i}_temperature"] = unit.coldest()
    risers = [branch.riser for branch in zone.branches if branch.riser is not None]
    if risers:
        truth[f"{name}.riser_temperature"] = min(riser.temperature for riser in risers)
        truth[f"{name}.riser_frozen"] = float(any(riser.frozen for riser in risers))
    return truth
