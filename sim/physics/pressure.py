"""Pressure of a closed water loop with gas cushion, air and elastic pipes.

Volume balance at the neutral point (pump suction, where vessel and makeup connect):
    m/rho(T) - V0 = E*V0*p + [Vv - min(Vv, Kg/pa)] - Ka/pa
m water mass, V0 pipe volume at zero gauge pressure, E = 7.83e-10 1/Pa (water 4.4e-10 and pipe walls 3.4e-10),
Vv vessel volume, Kg = Vv*(precharge, absolute), Ka = free air at pa, p gauge and pa absolute pressure; both
gases isothermal. The right side grows with p, so there is one solution (Newton from the last pressure).
A loop that is being filled, or that a burst empties, is open at the top: air comes in and goes out there, and
the pressure is the water column's, p = column*(m/rho)/(V0 + excess(column)). It closes when the column
reaches the top; the air caught on the way leaves through the vents within hours.
Numbers for 40 m3 at 0.35 MPa: 575 kPa/K bare, 152 with 0.1 % air, 11 with 0.75 m3 of vessel gas.
Source: EN 12828 annex D (vessels); Wylie & Streeter, Fluid Transients (elasticity of water and walls).
"""

from __future__ import annotations

from math import exp, sqrt

from .water import density

_VACUUM = 2000.0  # absolute Pa: an empty loop boils instead of falling further
_REFERENCE = 350e3
_TRAPPED_AIR = 0.005  # of the volume, after filling (own judgement)
_VENTING = 8.0 * 3600.0  # s, automatic vents of a loop that is run in (own judgement)


class ElasticLoop:
    """Water mass and gauge pressure (Pa) of one loop. Volumes in m3, masses in kg, temperatures in °C."""

    __slots__ = (
        "air",
        "atmosphere",
        "breached",
        "column",
        "elasticity",
        "gas",
        "pressure",
        "resident_air",
        "top",
        "vessel_volume",
        "volume",
        "water_mass",
    )

    def __init__(
        self,
        volume: float,
        vessel_gas: float = 0.0,
        air_fraction: float = 0.0,
        reference_pressure: float = _REFERENCE,
        precharge: float = 170e3,
        elasticity: float = 7.83e-10,
        atmosphere: float = 101.3e3,
        height: float = 30.0,
    ) -> None:
        """`vessel_gas` (m3) and `air_fraction` (of the volume) are meant at `reference_pressure` (gauge);
        `height` (m) is that of the highest radiator."""
        self.volume = volume
        self.elasticity = elasticity
        self.atmosphere = atmosphere
        reference = reference_pressure + atmosphere
        self.gas = vessel_gas * reference
        self.vessel_volume = self.gas / (precharge + atmosphere)
        self.air = self.resident_air = air_fraction * volume * reference
        self.top = 9806.65 * height
        self.breached = False
        self.column = 0.0
        self.pressure = 0.0
        self.water_mass = 0.0

    def excess_volume(self, pressure: float) -> float:
        """Water volume beyond the bare pipe volume that the loop holds at a gauge `pressure` (Pa)."""
        absolute = pressure + self.atmosphere
        if absolute < _VACUUM:
            absolute = _VACUUM
        vessel = self.vessel_volume - self.gas / absolute
        if vessel < 0.0:
            vessel = 0.0
        return self.elasticity * self.volume * pressure + vessel - self.air / absolute

    def fill(self, pressure: float, temperature: float) -> None:
        """Hold just the water that gives `pressure` (gauge Pa) at the mean `temperature`, without strange
        air."""
        self.column = 0.0
        self.air = self.resident_air
        self.pressure = pressure
        self.water_mass = (self.volume + self.excess_volume(pressure)) * density(temperature)

    def empty(self) -> None:
        """Hold no water; vents open."""
        self.column = self.top
        self.air = self.resident_air + _TRAPPED_AIR * self.volume * (_REFERENCE + self.atmosphere)
        self.water_mass = 0.0
        self.pressure = 0.0

    def filled(self, temperature: float) -> float:
        """Height of the water column over the whole height, 0 … 1."""
        if self.column == 0.0:
            return 1.0
        return min(1.0, self.water_mass / density(temperature) / self._brim())

    def _brim(self) -> float:
        return self.volume + self.excess_volume(self.column)

    def compliance(self) -> float:
        """Volume change in m3 per Pa at the present pressure."""
        if self.column > 0.0:
            return self._brim() / self.column
        absolute = max(_VACUUM, self.pressure + self.atmosphere)
        slope = self.elasticity * self.volume + self.air / (absolute * absolute)
        if self.gas < self.vessel_volume * absolute:
            slope += self.gas / (absolute * absolute)
        return slope

    def step(self, dt: float, net_flow: float, temperature: float) -> float:
        """Add `net_flow` (kg/s, negative when losing) for `dt` s; return the gauge pressure in Pa."""
        self.water_mass = max(0.0, self.water_mass + net_flow * dt)
        held = self.water_mass / density(temperature)
        if self.column > 0.0:
            brim = self._brim()
            if held < brim:
                self.pressure = self.column * held / brim
                return self.pressure
            self.column = 0.0
        if self.air > self.resident_air:
            self.air = self.resident_air + (self.air - self.resident_air) * exp(-dt / _VENTING)
        before = self.pressure
        pressure = self._closed(held - self.volume)
        if self.breached and pressure < self.top:
            self.column = min(self.top, max(1e3, before))
            self.pressure = pressure = self.column * held / self._brim()
        return pressure

    def _closed(self, wanted: float) -> float:
        """Pressure of the closed loop that holds `wanted` m3 more than its pipes."""
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
