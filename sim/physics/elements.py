"""What a space of VDI 6007-1 is made of, and its network of conductances without the surfaces.

Surfaces give heat to the air by their films and to each other by linear radiation: h_rad times the smaller
area of a pair. Radiant gains fall on them by area, the sun through the windows on the interior walls only (it
cannot hit the walls of its own side; what hits those of other sides counts as radiant). Surfaces hold no
heat, so they are eliminated, star to mesh: a node with conductances g_i to its neighbours becomes
conductances g_i*g_j/sum(g) between them, and the heat that fell on it goes to them as g_i/sum(g).
Sources: VDI 6007-1; Lauster et al. 2014, Building and Environment 73, 223-231 (the models of AixLib and
Modelica Buildings).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from math import isfinite

_MAY_BE_ZERO = frozenset(("window_area", "air_capacity", "air_change", "opening", "radiation"))
_NODES = ("air", "exterior", "interior", "outdoor")

_Network = dict[frozenset[str], float]


@dataclass(frozen=True, slots=True)
class Elements:
    """What a space is made of: m2, J/K, W/K; resistances in K/W of the whole area; films in W/(m2·K)."""

    exterior_area: float
    exterior_resistance: float  # surface to capacity
    exterior_capacity: float
    exterior_rest: float  # capacity to what is behind the walls, with the outer film
    interior_area: float
    interior_resistance: float
    interior_capacity: float
    window_area: float = 0.0
    window_resistance: float = 1.0  # surface to outdoor air, with the outer film
    air_capacity: float = 0.0
    air_change: float = 0.0  # W/K of infiltration and ventilation at loss factor 1
    opening: float = 0.0  # W/K more with all windows open
    exterior_film: float = 2.7
    window_film: float = 2.7
    interior_film: float = 2.24
    radiation: float = 5.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            zero = field.name in _MAY_BE_ZERO
            if not (isfinite(value) and (value > 0.0 or (zero and value == 0.0))):
                allowed = "at least 0" if zero else "above 0"
                raise ValueError(f"{field.name} of a building is {value} (must be {allowed})")


@dataclass(frozen=True, slots=True)
class Facing:
    """One exterior wall or window and what is on its other side."""

    conductance: float  # W/K
    absorbed: float = 0.0  # W/m2 of sun on its outer face, less what it radiates to sky and ground
    outer_film: float = 25.0  # W/(m2·K)
    adjacent: float | None = None  # °C of a neighbour, ground or cellar; None is outdoors


def equivalent_excess(outdoor: float, walls: Sequence[Facing]) -> float:
    """K by which it is warmer behind the exterior element than the `outdoor` °C (VDI 6007-1, equivalent
    temperature): each wall's own, by its part of the conductance. Orientations differ in `absorbed`.

    Raises ZeroDivisionError without any conductance."""
    total = excess = 0.0
    for wall in walls:
        warmer = wall.absorbed / wall.outer_film if wall.adjacent is None else wall.adjacent - outdoor
        total += wall.conductance
        excess += wall.conductance * warmer
    return excess / total


def reduce_network(e: Elements) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Conductances between the pairs of `_NODES`; shares of a radiant gain and of the sun that reach them."""
    surfaces = {"exterior surface": e.exterior_area, "interior surface": e.interior_area}
    network: _Network = {
        frozenset(("exterior surface", "exterior")): 1.0 / e.exterior_resistance,
        frozenset(("interior surface", "interior")): 1.0 / e.interior_resistance,
        frozenset(("exterior surface", "air")): e.exterior_area * e.exterior_film,
        frozenset(("interior surface", "air")): e.interior_area * e.interior_film,
    }
    if e.window_area > 0.0:
        surfaces["window surface"] = e.window_area
        network[frozenset(("window surface", "outdoor"))] = 1.0 / e.window_resistance
        network[frozenset(("window surface", "air"))] = e.window_area * e.window_film
    for one, other in combinations(surfaces, 2):
        network[frozenset((one, other))] = e.radiation * min(surfaces[one], surfaces[other])
    total = sum(surfaces.values())
    radiant = {name: area / total for name, area in surfaces.items()}
    sun = {"interior surface": 1.0}
    for surface in surfaces:
        _eliminate(network, (radiant, sun), surface)
    mesh = tuple(network.get(frozenset(pair), 0.0) for pair in combinations(_NODES, 2))
    return (
        mesh,
        tuple(radiant.get(node, 0.0) for node in _NODES),
        tuple(sun.get(node, 0.0) for node in _NODES),
    )


def _eliminate(network: _Network, gains: tuple[dict[str, float], ...], node: str) -> None:
    """Star to mesh: take `node` out of the network and hand on the heat that fell on it."""
    arms: dict[str, float] = {}
    for pair in [pair for pair in network if node in pair]:
        (neighbour,) = pair - {node}
        arms[neighbour] = network.pop(pair)
    total = sum(arms.values())
    for one, other in combinations(arms, 2):
        pair = frozenset((one, other))
        network[pair] = network.get(pair, 0.0) + arms[one] * arms[other] / total
    for gain in gains:
        share = gain.pop(node, 0.0)
        for neighbour, conductance in arms.items():
            gain[neighbour] = gain.get(neighbour, 0.0) + share * conductance / total
