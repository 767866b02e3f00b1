"""Makeup tank: open, upright, with a solenoid inlet and an overflow.

Balance: d(rho*A*h)/dt = inlet + returned - drawn - overflow, all in kg/s.
Source: the mass balance of an open vessel; nothing else is in it.
"""

from __future__ import annotations


class Tank:
    """Level in m over the bottom. A draw of more than there is gives what there is."""

    __slots__ = (
        "area",
        "density",
        "inlet_flow",
        "inlet_mass",
        "level",
        "overflow_flow",
        "overflow_level",
        "overflow_mass",
    )

    def __init__(
        self,
        area: float,
        overflow_level: float,
        inlet_flow: float,
        level: float,
        density: float = 999.7,
    ) -> None:
        """Area in m2, levels in m, `inlet_flow` in kg/s with the solenoid open."""
        self.area = area
        self.overflow_level = overflow_level
        self.inlet_flow = inlet_flow
        self.level = level
        self.density = density
        self.inlet_mass = 0.0
        self.overflow_flow = 0.0
        self.overflow_mass = 0.0

    def mass(self) -> float:
        """Water in the tank in kg."""
        return self.level * self.area * self.density

    def available(self, dt: float) -> float:
        """Largest draw in kg/s that the tank can serve for `dt` seconds."""
        return self.mass() / dt

    def step(self, dt: float, inlet_open: bool, drawn: float, returned: float) -> float:
        """Let water in and out for `dt` seconds (kg/s); return the level in m. `overflow_flow` (kg/s) is what
        ran over the rim meanwhile."""
        inlet = self.inlet_flow if inlet_open else 0.0
        self.inlet_mass += inlet * dt
        mass = self.mass() + (inlet + returned - drawn) * dt
        brim = self.overflow_level * self.area * self.density
        over = max(0.0, mass - brim)
        self.overflow_flow = over / dt
        self.overflow_mass += over
        mass -= over
        self.level = max(0.0, mass) / (self.area * self.density)
        return self.level
