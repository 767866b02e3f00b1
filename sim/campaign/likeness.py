"""When a broken station has for hours been as its twin, so that the rest of its day would say nothing new.

Heat, rooms and pressure are compared over the last hours, and nothing has been told in them. A fault that
grows, and one that takes water or heat from the station, are watched to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sim.campaign.cells import Cell

FIRST_S = 6 * 3600.0
"""No cell is ended sooner."""
ALIKE_S = 3 * 3600.0
_HEAT_SHARE = 0.01
"""Of the twin's. The fifteen to eighteen hours that are left would have to differ by more than 13 % to leave
what is allowed over a day."""
_ROOM_K = 0.1
_PRESSURE_KPA = 10.0
_GROUPS = ("sensor", "device", "program", "valve", "pump", "pair", "wiring")
_GROWING = ("drift", "leak", "leak_inside", "burst", "power_failure", "hand")


class Pictured(Protocol):
    """One sample of a trace."""

    @property
    def pressure(self) -> float: ...


class Traced(Protocol):
    """Of a station and of its twin; sampled together."""

    @property
    def heat(self) -> Sequence[float]: ...
    @property
    def air(self) -> Sequence[Sequence[float]]: ...
    @property
    def shown(self) -> Sequence[Pictured]: ...


def may_end(cell: Cell) -> bool:
    """True where nothing goes on growing unseen while the station is as its twin."""
    return cell.group in _GROUPS and not any(one.kind in _GROWING for one in cell.breaks)


def as_its_twin(own: Traced, twin: Traced, samples: int) -> bool:
    """True when over the last `samples` samples both took the same heat, and now have the same air and
    pressure."""
    last = len(own.heat) - 1
    first = last - samples
    if first < 0 or last >= len(twin.heat):
        return False
    used, usual = own.heat[last] - own.heat[first], twin.heat[last] - twin.heat[first]
    return (
        abs(used - usual) <= _HEAT_SHARE * usual
        and all(abs(a - b) <= _ROOM_K for a, b in zip(own.air[last], twin.air[last], strict=True))
        and all(
            abs(own.shown[at].pressure - twin.shown[at].pressure) <= _PRESSURE_KPA for at in (first, last)
        )
    )
