"""Pipe as plug flow: what goes in comes out later, cooler, and unmixed.

Water is kept as a queue of parcels (mass, temperature). All of it cools towards the surroundings with the
same time constant tau = m*cp/UA, so one common factor serves all parcels and a step costs the same for any
number of them:  T = Ta + q*D,  D multiplied by e^(-dt/tau) at every step. A parcel takes in water until it
holds 1/200 of the pipe; so the front blurs by half a per cent of the pipe and nearly no flow needs no extra
care.
Source: plug-flow pipe of van der Heijde et al. 2017 (Energy Conversion and Management 151, 158-169).
"""

from __future__ import annotations

from collections import deque
from math import exp

_PARCELS = 200
_SMALLEST_FACTOR = 1e-6


class Pipe:
    """Pipe with `mass` (kg) of water, heat loss `conductance` (W/K) to `surroundings` (°C)."""

    __slots__ = (
        "_dt",
        "_excess",
        "_factor",
        "_keep",
        "_masses",
        "_values",
        "conductance",
        "cp",
        "grain",
        "loss",
        "mass",
        "outlet",
        "surroundings",
    )

    def __init__(
        self,
        mass: float,
        conductance: float = 0.0,
        surroundings: float = 5.0,
        cp: float = 4180.0,
        temperature: float = 20.0,
    ) -> None:
        self.mass = mass
        self.conductance = conductance
        self.surroundings = surroundings
        self.cp = cp
        self.grain = mass / _PARCELS
        self.loss = 0.0
        self._dt = 0.0
        self._keep = 1.0
        self.fill(temperature)

    def fill(self, temperature: float) -> None:
        """All water at one temperature."""
        self._factor = 1.0
        # Head of the deques = outlet, tail = inlet. Values are q of the formula above.
        self._masses = deque([self.mass])
        self._values = deque([temperature - self.surroundings])
        self._excess = self.mass * (temperature - self.surroundings)
        self.outlet = temperature

    def step(self, dt: float, inlet: float, flow: float) -> float:
        """Push `flow`*dt (kg/s ≥ 0, s) of water at `inlet` °C in; return the mean temperature of what came
        out.

        `loss` (W) is the heat lost in this step. Without flow: the water that stands at the outlet."""
        if dt != self._dt:
            self._dt = dt
            self._keep = exp(-dt * self.conductance / (self.mass * self.cp))
        keep = self._keep
        # _excess = sum of mass*(T - Ta); it fades as a whole.
        self.loss = self.cp * self._excess * (1.0 - keep) / dt
        self._excess *= keep
        factor = self._factor * keep
        if factor < _SMALLEST_FACTOR:
            self._values = deque(value * factor for value in self._values)
            factor = 1.0
        self._factor = factor
        masses, values = self._masses, self._values
        surroundings = self.surroundings
        moved = flow * dt
        if moved <= 0.0:
            self.outlet = surroundings + values[0] * factor
            return self.outlet
        excess = inlet - surroundings
        if moved >= self.mass:
            # The step is longer than the passage: old content and the surplus leave together.
            out = self._excess + (moved - self.mass) * excess
            masses.clear()
            values.clear()
            masses.append(self.mass)
            values.append(excess / factor)
            self._excess = self.mass * excess
            self.outlet = surroundings + out / moved
            return self.outlet
        tail = masses[-1]
        if tail < self.grain:
            masses[-1] = tail + moved
            values[-1] = (tail * values[-1] + moved * excess / factor) / (tail + moved)
        else:
            masses.append(moved)
            values.append(excess / factor)
        left = moved
        out = 0.0
        while left > 0.0:
            first = masses[0]
            if first <= left and len(masses) > 1:
                out += masses.popleft() * values.popleft()
                left -= first
            else:
                out += left * values[0]
                masses[0] = first - left
                left = 0.0
        out *= factor
        self._excess += moved * excess - out
        self.outlet = surroundings + out / moved
        return self.outlet

    def mean_temperature(self) -> float:
        """Mean water temperature in °C."""
        return self.surroundings + self._excess / self.mass

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        return self.cp * (self._excess + self.mass * self.surroundings)
