"""A dwelling house: the two elements of VDI 6007-1, sized from its heat loss and its time constant.

Per m2 of floor: exterior walls 0.6 m2, windows 0.2 m2, interior walls, floors and ceilings 3.7 m2 (all faces
4.5 m2 as in EN ISO 13790, with its film of 3.45 W/(m2·K) to the air). The heat loss is air change, windows
and walls by shares. The capacities are such that slow cooling has the time constant.

What one node (FACTS §8) does not know: when the heating stops, the air at once loses what held it above the
walls, 1.5 to 2 K at -24 °C, and then follows them. So after 12 h without heat it is the interior walls that
have FACTS' temperatures, and the air is that much colder.
Sources: VDI 6007-1; EN ISO 13790, 7.2.2 and 12.2; FACTS §1 (79-147 h at 45 W/m2 and 80-150 Wh/(m2·K)).
"""

from __future__ import annotations

from dataclasses import replace

from .elements import Elements
from .radiator import Radiators
from .two_elements import TwoElements

__all__ = ["Building", "Radiators"]

TYPICAL_LOSS = 0.9  # W/(m2·K) of the nominal station: 40 W/m2 at 44.2 K

_EXTERIOR_AREA, _WINDOW_AREA, _INTERIOR_AREA = 0.6, 0.2, 3.7  # m2 a m2 of floor
_FILM = 3.45  # W/(m2·K)
_RADIATION = 5.0
_WALL_RESISTANCE = 0.03  # m2·K/W from the surface to the capacity: half of a concrete wall
_EXTERIOR_CAPACITY = 0.15  # as a part of all walls
_AIR_CAPACITY = 2.6 * 1.2 * 1006.0 + 10e3  # J/(m2·K) of air and of what is light in the rooms
_LIGHT_SHARE = 0.1  # at most, of all capacity
_THINNEST_WALL = 1.5  # W/(m2·K): a house that loses more has more wall
_POOREST_WINDOW = 4.0


class Building(TwoElements):
    """Heated building by its heat loss (W/K) and time constant (s)."""

    __slots__ = ()

    def __init__(
        self,
        heat_loss: float,
        time_constant: float,
        floor_area: float | None = None,
        air_change_share: float = 0.35,
        window_share: float = 0.25,
        radiant_share: float = 0.0,
        opening_ratio: float = 4.0,
    ) -> None:
        """`heat_loss` is the heating it takes for one kelvin of the air in the steady state, `radiant_share`
        of it radiant. `floor_area` in m2, by default that of a house of 0.9 W/(m2·K). Of the heat loss
        `air_change_share` is air change and `window_share` windows. All windows open multiply the air change
        by 1 + `opening_ratio`."""
        floor = heat_loss / TYPICAL_LOSS if floor_area is None else floor_area
        # The parts are nominal; radiation and the air's own path make the sum differ by a few per cent.
        scale = 1.0
        for _ in range(12):
            loss = scale * heat_loss
            elements = _elements(loss, time_constant, floor, air_change_share, window_share, opening_ratio)
            scale /= TwoElements(elements).settle(0.0, 1.0, radiant_share) / heat_loss
        exterior, interior = elements.exterior_capacity, elements.interior_capacity
        scale = 1.0
        for _ in range(12):
            elements = replace(
                elements, exterior_capacity=scale * exterior, interior_capacity=scale * interior
            )
            scale *= time_constant / TwoElements(elements).slow_time_constant()
        super().__init__(elements)


def _elements(
    heat_loss: float,
    time_constant: float,
    floor: float,
    air_change_share: float,
    window_share: float,
    opening_ratio: float,
) -> Elements:
    air_change, window = air_change_share * heat_loss, window_share * heat_loss
    wall = heat_loss - air_change - window
    exterior_area = max(_EXTERIOR_AREA * floor, wall / _THINNEST_WALL)
    window_area = max(_WINDOW_AREA * floor, window / _POOREST_WINDOW)
    interior_area = _INTERIOR_AREA * floor
    inside = 1.0 / (_FILM + _RADIATION)
    capacity = heat_loss * time_constant
    return Elements(
        exterior_area=exterior_area,
        exterior_resistance=_WALL_RESISTANCE / exterior_area,
        exterior_capacity=_EXTERIOR_CAPACITY * capacity,
        exterior_rest=1.0 / wall - (_WALL_RESISTANCE + inside) / exterior_area,
        interior_area=interior_area,
        interior_resistance=_WALL_RESISTANCE / interior_area,
        interior_capacity=(1.0 - _EXTERIOR_CAPACITY) * capacity,
        window_area=window_area,
        window_resistance=1.0 / window - inside / window_area,
        air_capacity=min(_AIR_CAPACITY * floor, _LIGHT_SHARE * capacity),
        air_change=air_change,
        opening=opening_ratio * air_change,
        exterior_film=_FILM,
        window_film=_FILM,
        interior_film=_FILM,
        radiation=_RADIATION,
    )
