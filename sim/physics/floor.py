"""Water on the floor of the station room: what runs out in it, less what the gully takes.

    A*dh/dt = (leaks in the station + overflow of the tank) - gully,   h >= 0
So the flood contact closes late, and never for what the gully keeps up with. The gully takes its full flow
as long as there is water: 0.8 l/s are those of a DN 50 to 70 (EN 1253-1). A flat floor; its area and the
height of the contact are own judgement. What rises above the door's sill runs out under the door.
"""

from __future__ import annotations

_WATER = 995.0  # kg/m3, between makeup and loop water
_SILL = 0.1  # m, a usual threshold of a plant room


class Floor:
    """`depth` of the water in m; the contact is closed from `contact` m on."""

    __slots__ = ("area", "contact", "depth", "drain")

    def __init__(self, area: float, drain: float, contact: float) -> None:
        """`area` in m2, `drain` in m3/s."""
        self.area = area
        self.drain = drain
        self.contact = contact
        self.depth = 0.0

    def step(self, dt: float, inflow: float) -> None:
        """`inflow` kg/s for `dt` s."""
        if inflow <= 0.0 and self.depth <= 0.0:
            return
        self.depth = min(_SILL, max(0.0, self.depth + dt * (inflow / _WATER - self.drain) / self.area))

    @property
    def flooded(self) -> bool:
        """Whether the water has reached the contact."""
        return self.depth >= self.contact
