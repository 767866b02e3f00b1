"""Building as two heat capacities (air with light parts, and mass) and its radiators.

    Ca*dTa/dt = Qair + Gm*(Tm-Ta) - Ha*(Ta-To)
    Cm*dTm/dt = Qmass + Gm*(Ta-Tm) - Hm*(Tm-To)
Ha carries windows and air change, Hm the opaque walls. Radiators: Q = K*(T-Ta)^n per cell, n = 1.3 (EN
442), a part of it by radiation to the mass. Solved by backward Euler: stable and within the range of its
inputs at any dt.
Source: two-element models of VDI 6007-1 and EN ISO 13790 (here with two nodes).
"""

from __future__ import annotations

from math import sqrt


class Building:
    """Heated building. Temperatures °C, conductances W/K, capacities J/K, heat flows W."""

    __slots__ = ("air", "air_capacity", "air_loss", "coupling", "loss", "mass", "mass_capacity", "mass_loss")

    def __init__(
        self,
        heat_loss: float,
        time_constant: float,
        air_loss_share: float = 0.4,
        coupling_ratio: float = 25.0,
        radiant_share: float = 0.0,
    ) -> None:
        """`heat_loss`: W/K of the whole building; `time_constant` in s, that of slow cooling.

        `coupling_ratio`: conductance from air to mass over `heat_loss`: 25 for about 3 m2 of inner surface a
        m2 of floor at 7.5 W/(m2·K) and a heat loss of 0.9 W/K a m2. `radiant_share` of the heating goes to
        the mass; `heat_loss` then is the heating it takes for one kelvin of the air in the steady state."""
        self.coupling = coupling_ratio * heat_loss
        self.air_loss = air_loss_share * heat_loss
        # The part of the air's temperature rise that the mass lacks, such that all paths add up to heat_loss.
        wall = (heat_loss - self.air_loss) / (self.coupling + radiant_share * heat_loss)
        self.mass_loss = wall * self.coupling / (1.0 - wall)
        scale = time_constant / self._slow_time_constant(0.1 * heat_loss, 0.9 * heat_loss)
        self.air_capacity = 0.1 * heat_loss * scale
        self.mass_capacity = 0.9 * heat_loss * scale
        self.air = 20.0
        self.mass = 20.0
        self.loss = 0.0

    def _slow_time_constant(self, air_capacity: float, mass_capacity: float) -> float:
        """Larger time constant in s of the free system: 1/(the smaller eigenvalue)."""
        a = (self.coupling + self.air_loss) / air_capacity
        d = (self.coupling + self.mass_loss) / mass_capacity
        cross = self.coupling * self.coupling / (air_capacity * mass_capacity)
        return 2.0 / (a + d - sqrt((a - d) * (a - d) + 4.0 * cross))

    def step(
        self, dt: float, outdoor: float, air_heat: float, mass_heat: float, loss_factor: float = 1.0
    ) -> float:
        """Advance by `dt` s; return the air temperature. `loss_factor` scales the air's loss (wind)."""
        air_loss = self.air_loss * loss_factor
        ka, km, g = self.air_capacity / dt, self.mass_capacity / dt, self.coupling
        sum_air, sum_mass = ka + g + air_loss, km + g + self.mass_loss
        right_air = ka * self.air + air_heat + air_loss * outdoor
        right_mass = km * self.mass + mass_heat + self.mass_loss * outdoor
        determinant = sum_air * sum_mass - g * g
        self.air = (right_air * sum_mass + right_mass * g) / determinant
        self.mass = (right_mass * sum_air + right_air * g) / determinant
        self.loss = air_loss * (self.air - outdoor) + self.mass_loss * (self.mass - outdoor)
        return self.air

    def settle(self, outdoor: float, air: float, mass_share: float = 0.0) -> float:
        """Steady state with this air temperature; returns the heat in W that it takes.

        `mass_share` is the part of the heat that goes to the mass. Two linear balances: the heat into the
        mass is mass_share*Q, so Tm = To + (s*Q + Gm*(Ta-To))/(Gm+Hm) and Q follows from the sum of the
        losses."""
        rise = air - outdoor
        inner = self.coupling + self.mass_loss
        wall = self.mass_loss / inner
        heat = (self.air_loss + wall * self.coupling) * rise / (1.0 - mass_share * wall)
        self.air = air
        self.mass = outdoor + (mass_share * heat + self.coupling * rise) / inner
        return heat

    def fill(self, temperature: float) -> None:
        """Air and mass at one temperature."""
        self.air = self.mass = temperature

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        return self.air_capacity * self.air + self.mass_capacity * self.mass


_CELLS = 3


class Radiators:
    """All radiators of a building as a chain of mixed cells, sized by a design point (°C, kg/s).

    Water content in kg; `metal` scales it up for the metal. Off the design point the supply temperature
    that a load takes lies within 0.15 K of the heat curve with the arithmetic mean temperature."""

    __slots__ = ("capacity", "cells", "constant", "cp", "exponent", "heat", "water_mass")

    def __init__(
        self,
        flow: float,
        supply: float,
        return_temperature: float,
        room: float,
        water_mass: float,
        exponent: float = 1.3,
        cp: float = 4180.0,
        metal: float = 1.1,
    ) -> None:
        self.cp = cp
        self.exponent = exponent - 1.0
        self.water_mass = water_mass
        self.capacity = water_mass * cp * metal / _CELLS
        self.heat = 0.0
        self.cells = [room] * _CELLS
        # Bisection on the constant: more surface, colder return.
        low, high = 0.0, flow * cp
        for _ in range(60):
            self.constant = 0.5 * (low + high)
            if self.settle(supply, flow, room) > return_temperature:
                low = self.constant
            else:
                high = self.constant

    def step(self, dt: float, inlet: float, flow: float, room: float) -> float:
        """Return temperature after `dt` s at `flow` (kg/s ≥ 0); `heat` (W) is what the room received.

        A cell emits at the mean of its inlet and its water, with the inlet's weight falling from one half to
        nothing at low flow, and the old excess to the power n-1: cells never leave the range of inlet, room
        and old values."""
        k, c = self.capacity / dt, flow * self.cp
        cells, constant, exponent = self.cells, self.constant, self.exponent
        heat = 0.0
        for i in range(_CELLS):
            old = cells[i]
            g = constant * abs(0.5 * (inlet + old) - room) ** exponent
            weight = 0.5 if c > 0.5 * g else c / g
            rest = g * (1.0 - weight)
            new = (k * old + (c - g * weight) * inlet + g * room) / (k + c + rest)
            cells[i] = new
            heat += g * (weight * inlet - room) + rest * new
            inlet = new
        self.heat = heat
        return inlet

    def settle(self, inlet: float, flow: float, room: float) -> float:
        """Go to the steady state at once; return the return temperature."""
        outlet = inlet
        for _ in range(40):
            before = outlet
            outlet = self.step(1e12, inlet, flow, room)
            if abs(outlet - before) < 1e-9:
                break
        return outlet

    def fill(self, temperature: float) -> None:
        """All water at one temperature."""
        self.cells = [temperature] * _CELLS

    def mean_temperature(self) -> float:
        """Mean water temperature in °C."""
        return sum(self.cells) / _CELLS

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        return self.capacity * sum(self.cells)
