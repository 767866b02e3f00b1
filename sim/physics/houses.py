"""The houses of a station: a street of them, each with its own load, sun, wind, mass, radiators and place.

From the zone's sums alone. Every quality is spread evenly over its range and dealt out by a seeded shuffle,
so that eight houses already show the whole range, and the sums come out exactly. The pipes follow the street:
the first house is a minute and a half of flow away, the last six, and the first gets a tenth too much water,
the last a tenth too little, as in a street that nobody has balanced. The last one has a bare riser in a
staircase of -10 °C at -24 °C: the place that freezes first (FACTS §8).
Sources: FACTS §1 for sums, 80-150 Wh/(m2·K) and 10-30 min of circulation; the spreads `[own]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .building import Building
from .buildings_branch import RADIANT_SHARE, BuildingsBranch
from .pipe import STEEL_OF_MAINS, Pipe
from .radiator import FLOOR_EXPONENT, RADIATOR_EXPONENT, FloorHeating, Heater, Radiators
from .riser import Riser
from .sunlight import Facades

_AREA = (0.6, 1.5)  # of the mean house
_SPECIFIC_LOAD = (0.75, 1.35)  # of the mean load per m2
_CAPACITY = (80.0, 150.0)  # Wh/(m2·K)
_RADIATOR_SIZE = (0.94, 1.2)
_WIND = (0.5, 1.6)
_GLAZING = (0.7, 1.3)
_APERTURE = 0.022  # m2 of window a m2 of floor, times transmission, frame, dirt and curtains
_SLAB = (0.5, 0.08, 0.34, 0.08)  # windows of a house along the street: south, west, north, east
_CROSS = (0.08, 0.42, 0.08, 0.42)
_CROSSWISE = 0.25  # of the houses stand across
_TRAVEL = (90.0, 360.0)  # s of design flow from the station to the house
_IMBALANCE = 0.1
_PIPE_LOSS = 80e-6  # W/K a W of design heat and direction, for the mean distance
_RISER_LENGTH = 18.0
_RISER_FLOW = 0.1  # kg/s
_CP = 4180.0
_SCREED = 130e3  # J/(m2·K)


@dataclass(frozen=True, slots=True)
class House:
    """What is planned for one house. Shares are parts of the zone's design heat and flow."""

    name: str
    floor_area: float  # m2
    design_heat: float  # W
    load_share: float
    flow_share: float
    capacity: float  # Wh/(m2·K)
    radiator_size: float  # surface over what the design point needs
    wind_exposure: float
    facade_apertures: Facades  # m2
    travel: float  # s
    riser: bool


def plan_houses(count: int, design_heat: float, floor_area: float, seed: str = "") -> tuple[House, ...]:
    """`count` different houses that add up to `design_heat` (W) and `floor_area` (m2).

    Raises ValueError for a count below 1."""
    if count < 1:
        raise ValueError(f"{count} buildings (must be at least 1)")
    deal = Random(f"{seed}/houses")

    def spread(low: float, high: float) -> list[float]:
        values = [low + (high - low) * (i + 0.5) / count for i in range(count)]
        deal.shuffle(values)
        return values

    areas = _shares(spread(*_AREA))
    loads = _shares([area * load for area, load in zip(areas, spread(*_SPECIFIC_LOAD), strict=True)])
    place = [(i + 0.5) / count for i in range(count)]
    flows = _shares(
        [load * (1.0 + _IMBALANCE * (1.0 - 2.0 * x)) for load, x in zip(loads, place, strict=True)]
    )
    capacities, sizes, winds = spread(*_CAPACITY), spread(*_RADIATOR_SIZE), spread(*_WIND)
    glazing = spread(*_GLAZING)
    across = [i < round(_CROSSWISE * count) for i in range(count)]
    deal.shuffle(across)
    houses = []
    for i in range(count):
        area = areas[i] * floor_area
        windows = glazing[i] * _APERTURE * area
        south, west, north, east = _CROSS if across[i] else _SLAB
        houses.append(
            House(
                name=f"house_{i + 1}",
                floor_area=area,
                design_heat=loads[i] * design_heat,
                load_share=loads[i],
                flow_share=flows[i],
                capacity=capacities[i],
                radiator_size=sizes[i],
                wind_exposure=winds[i],
                facade_apertures=(south * windows, west * windows, north * windows, east * windows),
                travel=_TRAVEL[0] + (_TRAVEL[1] - _TRAVEL[0]) * place[i],
                riser=i == count - 1,
            )
        )
    return tuple(houses)


def build_houses(
    houses: Sequence[House],
    flow: float,
    water_mass: float,
    supply: float = 60.0,
    room: float = 20.0,
    outdoor: float = -24.2,
    floor_heating: bool = False,
    internal_gains: float = 0.0,
    exponent: float | None = None,
) -> list[BuildingsBranch]:
    """The branches of these houses. `flow` (kg/s) is the zone's at the design temperatures (°C); the return
    temperature follows from it and the design heat.

    `water_mass` in kg is all that pipes, radiators and risers hold together; `internal_gains` in W/m2 come on
    top of a design heat that is net of them; `exponent` of the heating surfaces, by default that of their
    kind. Raises ValueError where the pipes leave no water for the
    radiators."""
    pipes = [flow * house.flow_share * house.travel for house in houses]
    risers = [Riser(_RISER_LENGTH) if house.riser else None for house in houses]
    rest = water_mass - 2.0 * sum(pipes) - sum(riser.water_mass for riser in risers if riser is not None)
    if rest <= 0.0:
        raise ValueError(f"loop_volume leaves {water_mass:.0f} kg, pipes hold {water_mass - rest:.0f}")
    mean_travel = 0.5 * sum(_TRAVEL)
    return_temperature = supply - sum(house.design_heat for house in houses) / (flow * _CP)
    branches = []
    for house, pipe, riser in zip(houses, pipes, risers, strict=True):
        # Sized for a balanced flow, whatever the street then gives.
        heater = heating_surface(
            flow * house.load_share,
            supply,
            return_temperature,
            room,
            rest * house.load_share,
            house.floor_area if floor_heating else None,
            exponent,
        )
        heater.constant *= house.radiator_size
        heat_loss = house.design_heat / (room - outdoor)
        building = Building(
            heat_loss,
            3600.0 * house.capacity * house.floor_area / heat_loss,
            house.floor_area,
            radiant_share=heater.radiant_share,
        )
        loss = _PIPE_LOSS * house.design_heat * house.travel / mean_travel
        branches.append(
            BuildingsBranch(
                building,
                heater,
                Pipe(pipe, loss, wall_capacity=STEEL_OF_MAINS * pipe),
                Pipe(pipe, loss, wall_capacity=STEEL_OF_MAINS * pipe),
                house.flow_share,
                # Over a winter's day the four sides together get about what lies on the ground.
                sum(house.facade_apertures),
                internal_gains * house.floor_area,
                house.name,
                house.facade_apertures,
                house.wind_exposure,
                riser,
                min(0.5, _RISER_FLOW / (flow * house.flow_share)),
            )
        )
    return branches


def heating_surface(
    flow: float,
    supply: float,
    return_temperature: float,
    room: float,
    water_mass: float,
    floor_area: float | None,
    exponent: float | None,
) -> Heater:
    """Radiators for this design point (kg/s, °C, kg), or heated floors of `floor_area` m2; `exponent` None is
    that of their kind."""
    if floor_area is None:
        power = RADIATOR_EXPONENT if exponent is None else exponent
        return Radiators(
            flow,
            supply,
            return_temperature,
            room,
            water_mass,
            exponent=power,
            cp=_CP,
            radiant_share=RADIANT_SHARE,
        )
    power = FLOOR_EXPONENT if exponent is None else exponent
    screed = _SCREED * floor_area
    return FloorHeating(flow, supply, return_temperature, room, water_mass, screed, exponent=power, cp=_CP)


def _shares(weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    return [weight / total for weight in weights]
