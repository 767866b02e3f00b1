"""A bare riser in a cold staircase: the place of a heated house that freezes first.

    dE/dt = m*cp*(T_in - T) - UA*(T - T_stairs),   one mixed volume of water with its steel
E is the heat content over water of 0 °C: below zero it is ice that forms (334 kJ/kg, at 0 °C), and below all
of that the ice gets colder. T(E) has three straight pieces, so backward Euler is solved exactly, and what
the water gives up is what the staircase gets. From 5 % ice on valves and elbows are closed, and nothing
flows until all is molten `[own]`.
Standing DN25 (33.7 x 3.2 mm): 0.585 kg of water and 2.41 kg of steel a metre, 0.856 W/(m·K), so from 25 to
0 °C in 88 min and from 5 in 29 min in a staircase of -10 °C (FACTS §8). The staircase lies between outdoors
and rooms by a share: -10 °C at -24 and 20 °C.
Sources: heat balance with the latent heat of water; dimensions of DN25 by EN 10255; the pipe's W/(m·K) is
what the times of FACTS §8 take.
"""

from __future__ import annotations

_CP = 4180.0
_STEEL_CP = 480.0
_ICE_CP = 2100.0
_MELTING = 334e3
_WATER_MASS, _STEEL_MASS, _CONDUCTANCE = 0.585, 2.41, 0.8561  # kg/m, kg/m, W/(m·K)
_BLOCKED_FROM = 0.05
_STAIRS_SHARE = 0.318


class Riser:
    """Riser of `length` m. Temperatures °C; `loss` W; `ice` is the frozen part of its water, 0 … 1."""

    __slots__ = (
        "_capacity",
        "_frozen_capacity",
        "_heat",
        "_latent",
        "conductance",
        "frozen",
        "ice",
        "loss",
        "stairs_share",
        "temperature",
        "water_mass",
    )

    def __init__(
        self, length: float = 18.0, stairs_share: float = _STAIRS_SHARE, temperature: float = 20.0
    ) -> None:
        """`stairs_share`: 0 for a staircase as cold as outdoors, 1 for one as warm as the rooms."""
        self.water_mass = length * _WATER_MASS
        self.conductance = length * _CONDUCTANCE
        self.stairs_share = stairs_share
        steel = length * _STEEL_MASS * _STEEL_CP
        self._capacity = self.water_mass * _CP + steel
        self._frozen_capacity = self.water_mass * _ICE_CP + steel
        self._latent = self.water_mass * _MELTING
        self._heat = self.loss = self.ice = 0.0
        self.frozen = False
        self.fill(temperature)

    def step(self, dt: float, inlet: float, flow: float, outdoor: float, room: float) -> float:
        """Advance by `dt` s with `flow` kg/s (≥ 0; none passes while `frozen`); return the temperature of
        what leaves."""
        stairs = outdoor + self.stairs_share * (room - outdoor)
        through = 0.0 if self.frozen else flow * _CP
        conductance = self.conductance
        heat = self._heat + dt * (through * inlet + conductance * stairs)
        taken = dt * (through + conductance)
        if heat >= 0.0:
            temperature = heat / (self._capacity + taken)
            self._heat = self._capacity * temperature
            self.ice = 0.0
            self.frozen = False
        else:
            latent = self._latent
            temperature = 0.0
            if heat < -latent:
                temperature = (heat + latent) / (self._frozen_capacity + taken)
                heat = self._frozen_capacity * temperature - latent
            self._heat = heat
            self.ice = min(1.0, -heat / latent)
            if self.ice >= _BLOCKED_FROM:
                self.frozen = True
        self.temperature = temperature
        self.loss = conductance * (temperature - stairs)
        return temperature

    def settle(self, inlet: float, flow: float, outdoor: float, room: float) -> float:
        """Go to the steady state at once, not frozen if anything flows; return the temperature of what
        leaves."""
        if flow > 0.0:
            self.frozen = False
        return self.step(1e12, inlet, flow, outdoor, room)

    def fill(self, temperature: float) -> None:
        """All at one temperature; below 0 °C frozen."""
        self.loss = 0.0
        self.temperature = temperature
        self.frozen = temperature < 0.0
        self.ice = 1.0 if self.frozen else 0.0
        capacity = self._frozen_capacity if self.frozen else self._capacity
        self._heat = capacity * temperature - self.ice * self._latent

    def stored_heat(self) -> float:
        """Heat content over water of 0 °C in J."""
        return self._heat
