"""Pipe as plug flow: what goes in comes out later, cooler, and unmixed.

Water is a queue of parcels (mass, temperature). With the loss conductance UA and the time constant
tau = (m*cp + Cw)/UA every parcel cools towards the surroundings Ta for as long as it stays, e^(-stay/tau):
    T = P + q*D,   D' = -D/tau,   P' = (Ta-P)/tau
D and P are common to all parcels, so a step costs the same for any number of them and Ta may move. Water
that enters or leaves within a step is cooled for its part of the step, in closed form: the outlet of a
steady pipe is Ta + (Tin-Ta)*e^(-UA/(flow*cp)) at a step of half a second and of a quarter of an hour.
The steel follows the water within seconds (film 1-3 kW/(m2·K)), so it travels with it: the wall's capacity
Cw counts as more water in the queue. A front passes later by 1 + Cw/(m*cp) and stays a front; Modelica's
pipe puts the same capacity behind the outlet as a mixed volume, which rounds every front.
Left out: axial conduction, laminar profile, and the slow heat of insulation and soil.

A parcel takes in water until it holds 1/2000 of the pipe, or 1/200 while the inlet stays within 0.02 K:
nothing else blurs a pulse, and nearly no flow needs no extra care. Reversed flow turns the queue round.
Source: plug-flow pipe of van der Heijde et al. 2017 (Energy Conversion and Management 151, 158-169); buried
pipe: steady conduction through coaxial shells, EN 13941.
"""

from __future__ import annotations

from collections import deque
from math import ceil, exp, expm1, log, pi

_COARSE = 200
_FINE = 2000
_SAME = 0.02  # K
_ENTRY = 1.0 / 16.0  # of the pipe
_ENTRY_FADING = 5e-4
_MOST_ENTRIES = 400
_NOTHING = 1e-15  # of the pipe: below the resolution of what stands in it
_SMALLEST_FACTOR = 1e-6
STEEL_CAPACITY = 8000.0 * 500.0  # J/(m3·K)
STEEL_OF_MAINS = 880.0 * 500.0 / 983.0  # J/K a kg of water: DN125 of EN 253, 880 kg a m3 (60 °C)


def shell_resistance(inner_diameter: float, outer_diameter: float, conductivity: float) -> float:
    """Steady thermal resistance of a cylindrical shell in m·K/W, from its diameters and W/(m·K)."""
    return log(outer_diameter / inner_diameter) / (2.0 * pi * conductivity)


def _mean_decay(x: float) -> float:
    """Mean of e^(-s) for s from 0 to x."""
    return -expm1(-x) / x if x > 1e-9 else 1.0


class Pipe:
    """Pipe with `mass` (kg) of water, heat loss `conductance` (W/K) to `surroundings` (°C), and the
    `wall_capacity` (J/K) of its steel. `surroundings` may be changed between steps."""

    __slots__ = (
        "_base",
        "_brief",
        "_content",
        "_dt",
        "_excess",
        "_factor",
        "_fine_grain",
        "_keep",
        "_masses",
        "_mean",
        "_rate",
        "_reversed",
        "_single",
        "_values",
        "conductance",
        "cp",
        "grain",
        "loss",
        "mass",
        "outlet",
        "surroundings",
        "wall_capacity",
    )

    def __init__(
        self,
        mass: float,
        conductance: float = 0.0,
        surroundings: float = 5.0,
        cp: float = 4180.0,
        temperature: float = 20.0,
        wall_capacity: float = 0.0,
    ) -> None:
        self.mass = mass
        self.conductance = conductance
        self.surroundings = surroundings
        self.cp = cp
        self.wall_capacity = wall_capacity
        # Water and wall together, in kg of water.
        self._content = mass + wall_capacity / cp
        self._rate = conductance / (self._content * cp)
        self.grain = self._content / _COARSE
        self._fine_grain = self._content / _FINE
        self._single = _ENTRY * self._content  # more than this at once is divided
        self._brief = True
        self.loss = 0.0
        self._dt = 0.0
        self._keep = self._mean = 1.0
        self.fill(temperature)

    @classmethod
    def buried(
        cls,
        length: float,
        inner_diameter: float,
        wall: float,
        casing_diameter: float,
        insulation_conductivity: float = 0.027,
        soil_conductivity: float = 1.5,
        soil_diameter: float = 4.0,
        surroundings: float = 5.0,
        cp: float = 4180.0,
        temperature: float = 20.0,
        density: float = 980.0,
    ) -> Pipe:
        """Pre-insulated steel pipe in the ground; lengths in m, W/(m·K), kg/m3 of the water.

        The resistance is that of foam (steel to casing) and soil (casing to `soil_diameter`, where the
        ground has the temperature `surroundings`); film, steel and casing are below 1 % of it."""
        outer = inner_diameter + 2.0 * wall
        resistance = shell_resistance(outer, casing_diameter, insulation_conductivity)
        resistance += shell_resistance(casing_diameter, soil_diameter, soil_conductivity)
        steel = 0.25 * pi * (outer * outer - inner_diameter * inner_diameter) * length
        water = 0.25 * pi * inner_diameter * inner_diameter * length
        return cls(
            water * density, length / resistance, surroundings, cp, temperature, steel * STEEL_CAPACITY
        )

    def fill(self, temperature: float) -> None:
        """Water and wall at one temperature, standing in the forward direction."""
        self._factor = 1.0
        self._base = self.surroundings
        self._reversed = False
        # Head of the deques = where water leaves, tail = where it enters. Values are q of the formula above.
        self._masses = deque([self._content])
        self._values = deque([temperature - self._base])
        self._excess = self._content * (temperature - self._base)
        self.outlet = temperature

    def settle(self, inlet: float, flow: float) -> float:
        """Steady state of this inlet (°C) and flow (kg/s > 0) at once; return the outlet temperature."""
        self.fill(inlet)
        self.step(1.001 * self._content / flow, inlet, flow)
        self.outlet = self.steady_outlet(inlet, flow)
        self.loss = flow * self.cp * (inlet - self.outlet)
        return self.outlet

    def steady_outlet(self, inlet: float, flow: float) -> float:
        """Outlet temperature in the steady state of this inlet (°C) and flow (kg/s > 0)."""
        share = exp(-self.conductance / (flow * self.cp))
        return self.surroundings + (inlet - self.surroundings) * share

    def step(self, dt: float, inlet: float, flow: float, surroundings: float | None = None) -> float:
        """Push `flow`*dt (kg/s, s) of water at `inlet` °C in; return the mean temperature of what came out.

        Negative flow runs backwards: `inlet` then enters at the far end, and what is returned left at the
        near one. Without flow: the water that stands where it left last. `loss` (W) is the heat lost in this
        step, such that stored heat, inlet, outlet and loss balance exactly."""
        if surroundings is not None:
            self.surroundings = surroundings
        if dt != self._dt:
            self._dt = dt
            self._keep = exp(-dt * self._rate)
            self._mean = _mean_decay(dt * self._rate)
            self._brief = dt * self._rate <= _ENTRY_FADING
        ambient = self.surroundings
        content = self._content
        drift = self._base - ambient
        # From here all heat counts from the surroundings, in kg·K.
        before = self._excess + content * drift
        moved = flow * dt
        if abs(moved) <= _NOTHING * content:
            moved = out = 0.0
            self._age(self._keep, drift)
            self._excess *= self._keep
            self.outlet = self._base + self._values[0] * self._factor
        else:
            if (moved < 0.0) != self._reversed:
                self._reversed = not self._reversed
                self._masses.reverse()
                self._values.reverse()
            moved = abs(moved)
            warmth = inlet - ambient
            if moved < content:
                raw, cooled = self._leave(moved, dt * self._rate)
                out = moved * drift * self._mean + cooled * self._factor
                self._excess = (self._excess - raw * self._factor) * self._keep
                self._age(self._keep, drift)
                if moved <= self._single and self._brief:
                    self._append(moved, warmth * self._mean - self._base + ambient)
                else:
                    self._enter(moved, warmth, dt * self._rate, self._mean)
            else:
                # The step is longer than the passage: the old content leaves, then what has only passed.
                passage = content / moved * dt * self._rate
                cooled = self._leave(content, passage)[1]
                passed = warmth * exp(-passage)
                out = content * drift * _mean_decay(passage) + cooled * self._factor
                out += (moved - content) * passed
                self._age(self._keep, drift)
                self._masses.clear()
                self._values.clear()
                self._excess = 0.0
                self._enter(content, warmth, passage, _mean_decay(passage))
            self.outlet = ambient + out / moved
            before += moved * warmth
        after = self._excess + content * (self._base - ambient)
        self.loss = self.cp * (before - out - after) / dt
        return self.outlet

    def _age(self, keep: float, drift: float) -> None:
        """Let the common factor fade and the common base follow the surroundings."""
        self._base = self.surroundings + drift * keep
        factor = self._factor * keep
        if factor < _SMALLEST_FACTOR:
            self._values = deque(value * factor for value in self._values)
            factor = 1.0
        self._factor = factor

    def _leave(self, amount: float, fading: float) -> tuple[float, float]:
        """Take `amount` (kg) from the head, while it fades by e^-`fading`; sums of mass*q as it stood and as
        it left."""
        masses, values = self._masses, self._values
        raw = cooled = past = 0.0
        left = amount
        pace = fading / amount
        while left > 0.0:
            first = masses[0]
            if first <= left and len(masses) > 1:
                take = masses.popleft()
                heat = take * values.popleft()
            else:
                take = left
                heat = take * values[0]
                masses[0] = first - take
            left -= take
            raw += heat
            # Mean of e^-s over the time in which this parcel leaves: e^-middle*sinh(half)/half.
            half = 0.5 * take * pace
            square = half * half
            cooled += heat * exp(-past - half) * (1.0 + square * (1.0 / 6.0 + square / 120.0))
            past += 2.0 * half
        return raw, cooled

    def _enter(self, amount: float, warmth: float, fading: float, mean: float) -> None:
        """Append `amount` (kg) of water that came in `warmth` above the surroundings, while it faded by
        e^-`fading`."""
        offset = self._base - self.surroundings
        entries = max(amount / (_ENTRY * self._content), fading / _ENTRY_FADING)
        if entries > 1.0:
            # Much at once: the first of it has cooled longer than the last.
            count = min(_MOST_ENTRIES, ceil(entries))
            share = fading / count
            mean = _mean_decay(share)
            for i in range(count - 1, -1, -1):
                self._append(amount / count, warmth * exp(-i * share) * mean - offset)
        else:
            self._append(amount, warmth * mean - offset)

    def _append(self, amount: float, excess: float) -> None:
        masses, values, factor = self._masses, self._values, self._factor
        self._excess += amount * excess
        if masses:
            tail = masses[-1]
            if tail < self.grain and (tail < self._fine_grain or abs(values[-1] * factor - excess) < _SAME):
                masses[-1] = tail + amount
                values[-1] = (tail * values[-1] + amount * excess / factor) / (tail + amount)
                return
        masses.append(amount)
        values.append(excess / factor)

    def mean_temperature(self) -> float:
        """Mean water temperature in °C."""
        return self._base + self._excess / self._content

    def stored_heat(self) -> float:
        """Heat content of water and wall over 0 °C in J."""
        return self.cp * (self._excess + self._content * self._base)
