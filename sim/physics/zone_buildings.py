"""What hangs on a zone's branches: planned houses, or groups of buildings described by hand.

Main pipes are steel: DN125 of EN 253 (139.7 x 3.6 mm) holds 13.8 l and weighs 12.1 kg a metre, so 880 kg of
steel a m3 of water; DN100 has 1090, DN150 800.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .building import Building
from .buildings_branch import BuildingsBranch
from .houses import build_houses, heating_surface, plan_houses
from .parameters import GroupParameters, RoomParameters, ZoneParameters
from .pipe import STEEL_OF_MAINS, Pipe

_CP = 4180.0
_MEASURED = (0.5, 0.85, 0.15)  # a typical room, a good one and a bad one, by rank on the design day


def build_branches(p: ZoneParameters) -> tuple[ZoneParameters, list[BuildingsBranch]]:
    """The zone's branches, and its parameters with the groups and measured rooms that were left open.

    Raises ValueError where the pipes leave no water for the radiators."""
    source = p.mixing_volume_m3
    if p.kind == "exchanger":
        source = p.exchanger_side_volume_m3 * p.exchanger_oversizing
    water = 1000.0 * (p.loop_volume_m3 * (1.0 - p.header_share) - source)
    if p.groups:
        branches = _groups(p, water)
    else:
        seed = f"{p.name}/{p.buildings_seed}"
        houses = plan_houses(p.buildings, p.design_heat_kw * 1e3, p.floor_area_m2, seed)
        try:
            branches = build_houses(
                houses,
                p.secondary_flow_kg_per_s,
                water,
                p.design_supply_c,
                p.design_room_c,
                p.design_outdoor_c,
                p.floor_heating,
                p.internal_gains_w_per_m2,
                p.heater_exponent,
            )
        except ValueError as error:
            raise ValueError(f"zone {p.name}: {error}") from error
        groups = tuple(
            GroupParameters(
                house.name,
                house.load_share,
                house.flow_share,
                branch.supply_pipe.mass / 1000.0,
                branch.supply_pipe.conductance,
                house.capacity * house.floor_area / branch.heat_loss(),
                house.radiator_size,
                branch.solar_aperture / house.floor_area,
                p.internal_gains_w_per_m2,
                floor_area_m2=house.floor_area,
            )
            for house, branch in zip(houses, branches, strict=True)
        )
        p = replace(p, groups=groups)
    if not p.rooms:
        p = replace(p, rooms=_measured(p, branches))
    return p, branches


def _measured(p: ZoneParameters, branches: Sequence[BuildingsBranch]) -> tuple[RoomParameters, ...]:
    for branch in branches:
        flow = branch.flow_share * p.secondary_flow_kg_per_s
        branch.settle_free(p.design_supply_c, flow, p.design_outdoor_c)
    order = sorted(range(len(branches)), key=lambda i: branches[i].building.air)
    return tuple(RoomParameters(order[int(rank * (len(order) - 1) + 0.5)]) for rank in _MEASURED)


def _groups(p: ZoneParameters, water: float) -> list[BuildingsBranch]:
    heat_loss = p.design_heat_kw * 1e3 / (p.design_room_c - p.design_outdoor_c)
    pipes = 2000.0 * sum(group.pipe_volume_m3 for group in p.groups)
    if water <= pipes:
        raise ValueError(f"zone {p.name}: loop_volume leaves {water:.0f} kg, pipes hold {pipes:.0f}")
    branches = []
    for group in p.groups:
        flow = group.flow_share * p.secondary_flow_kg_per_s
        spread = group.load_share * p.design_heat_kw * 1e3 / (flow * _CP)
        area = group.floor_area_m2 or group.load_share * p.floor_area_m2
        surfaces = heating_surface(
            flow,
            p.design_supply_c,
            p.design_supply_c - spread,
            p.design_room_c,
            group.load_share * (water - pipes),
            area if p.floor_heating else None,
            p.heater_exponent,
        )
        surfaces.constant *= group.radiator_size
        mass = group.pipe_volume_m3 * 1000.0
        steel = STEEL_OF_MAINS * mass
        branches.append(
            BuildingsBranch(
                Building(
                    group.load_share * heat_loss,
                    group.time_constant_h * 3600.0,
                    radiant_share=surfaces.radiant_share,
                ),
                surfaces,
                Pipe(mass, group.pipe_loss_w_per_k, wall_capacity=steel),
                Pipe(mass, group.pipe_loss_w_per_k, wall_capacity=steel),
                group.flow_share,
                group.solar_aperture_m2_per_m2 * area,
                group.internal_gains_w_per_m2 * area,
                group.name,
            )
        )
    return branches
