"""Pressure of a closed water loop with gas cushion, air and elastic pipes.

Volume balance at the neutral point (pump suction, where vessel and makeup connect):
    m/rho(T) - V0 = E*V0*p + [Vv - min(Vv, Kg/pa)] - Ka/pa
m water mass, V0 pipe volume at zero gauge pressure, E = 7.83e-10 1/Pa (water 4.4e-10 and pipe walls 3.4e-10),
Vv vessel volume, Kg = Vv*(precharge, absolute), Ka = free air at pa, p gauge and pa absolute pressure; both
gases isothermal. The right side grows with p, so there is one solution (Newton from the last pressure).
Numbers for 40 m3 at 0.35 MPa: 575 kPa/K bare, 152 with 0.1 % air, 11 with 0.75 m3 of vessel gas.
Source: EN 12828 annex D (vessels); Wylie & Streeter, Fluid Transients (elasticity of water and walls).
"""

from __future__ import annotations

from math import sqrt

from .water import density

_VACUUM = 2000.0  # absolute Pa: an empty loop boils instead of falling further


class ElasticLoop:
    """Water mass and gauge pressure (Pa) of one loop. Volumes in m3, masses in kg, temperatures in °C."""

    __slots__ = (
        "air",
        "atmosphere",
        "elasticity",
        "gas",
        "pressure",
        "vessel_volume",
        "volume",
        "water_mass",
    )

    def __init__(
        self,
        volume: float,
        vessel_gas: float = 0.0,
        air_fraction: float = 0.0,
        reference_pressure: float = 350e3,
        precharge: float = 170e3,
        elasticity: float = 7.83e-10,
        atmosphere: float = 101.3e3,
    ) -> None:
        """`vessel_gas` (m3) and `air_fraction` (of the volume) are meant at `reference_pressure` (gauge)."""
        self.volume = volume
        self.elasticity = elasticity
        self.atmosphere = atmosphere
        reference = reference_pressure + atmosphere
        self.gas = vessel_gas * reference
        self.vessel_volume = self.gas / (precharge + atmosphere)
        self.air = air_fraction * volume * reference
        self.pressure = 0.0
        self.water_mass = 0.0

    def excess_volume(self, pressure: float) -> float:
        """Water volume beyond the bare pipe volume that the loop holds at a gauge `pressure` (Pa)."""
        absolute = max(_VACUUM, pressure + self.atmosphere)
        vessel = self.vessel_volume - min(self.vessel_volume, self.gas / absolute)
        return self.elasticity * self.volume * pressure + vessel - self.air / absolute

    def fill(self, pressure: float, temperature: float) -> None:
        """Hold just the water that gives `pressure` (gauge Pa) at the mean `temperature`."""
        self.pressure = pressure
        self.water_mass = (self.volume + self.excess_volume(pressure)) * density(temperature)

    def compliance(self) -> float:
        """Volume change in m3 per Pa at the present pressure."""
        absolute = max(_VACUUM, self.pressure + self.atmosphere)
        slope = self.elasticity * self.volume + self.air / (absolute * absolute)
        if self.gas < self.vessel_volume * absolute:
            slope += self.gas / (absolute * absolute)
        return slope

    def step(self, dt: float, net_flow: float, temperature: float) -> float:
        """Add `net_flow` (kg/s, negative when losing) for `dt` s; return the gauge pressure in Pa."""
        self.water_mass = max(0.0, self.water_mass + net_flow * dt)
        wanted = self.water_mass / density(temperature) - self.volume
        low, high = _VACUUM - self.atmosphere, 1e9
        if wanted <= self.excess_volume(low):
            self.pressure = low
            return low
        pressure = min(max(self.pressure, low), high)
        for _ in range(60):
            error = self.excess_volume(pressure) - wanted
            if error > 0.0:
                high = pressure
            else:
                low = pressure
            self.pressure = pressure
            move = error / self.compliance()
            pressure -= move
            # The vessel's kink at its precharge can send Newton astray: fall back to bisection.
            if not low <= pressure <= high:
                pressure = 0.5 * (low + high)
            if abs(pressure - self.pressure) < 1e-3:
                break
        self.pressure = pressure
        return pressure


def orifice_flow(kv: float, pressure: float, water_density: float) -> float:
    """kg/s through an opening of flow coefficient `kv` (m3/h at 1 bar) to the open air at gauge `pressure`
    (Pa)."""
    return kv / 3600.0 * sqrt(water_density * pressure / 100.0) if pressure > 0.0 else 0.0
