"""A heated space as two elements after VDI 6007-1: exterior and interior walls, one capacity each.

    outdoor air ──R window── window surface ────────────────┐
    behind walls ──R rest── C exterior ──R1── its surface ──┼── air ── air change
                            C interior ──R1── its surface ──┘
The surfaces are eliminated (see `elements`); air, exterior and interior mass are left. A step is backward
Euler: every new temperature is a weighted mean of old ones and of the outdoors, plus gains, so nothing leaves
the range of its inputs at any dt; heat lost is counted at the new temperatures, so the balance closes to
rounding. Steps above 60 s are divided, so that an hour is as good as sixty minutes.
Source: VDI 6007-1. Windows open smoothly from 24 °C on `[own]`.
"""

from __future__ import annotations

from math import ceil, inf

from .elements import Elements, reduce_network
from .hydraulics import rising_root

_LONGEST_PART = 60.0  # s
_MOST_PARTS = 240  # four hours; beyond it the parts grow
_OPENING_START = 24.0  # °C of the room from which people open windows
_OPENING_SPAN = 3.0  # K from there to all windows open
_Three = tuple[float, float, float]
_Four = tuple[float, float, float, float]
_Motion = tuple[_Four, _Three, _Three, _Three]
"""What temperatures do: to the air (old air, exterior, interior, its divisor), to exterior and interior (new
air, old exterior, old interior), to the heat that goes out (air, exterior, interior)."""
_Gains = tuple[_Four, _Four, _Four]
"""What excess, radiant heat and sun do to air, exterior and interior, and what of each goes out at once."""
_HELD = 1e-9  # K between the set temperature and what the ideal heater holds


class TwoElements:
    """Temperatures °C, heat flows W. `air`, `exterior`, `interior` are the state.

    `loss` is the heat lost, `ideal_heat` what the ideal heater gave and `mean` the air temperature, as means
    over the last step; `opening` says how far the windows stand open, 0 … 1."""

    __slots__ = (
        "_dt",
        "_gains",
        "_mesh",
        "_motion",
        "_parts",
        "_radiant",
        "_sun",
        "air",
        "elements",
        "exterior",
        "ideal_heat",
        "interior",
        "loss",
        "mean",
        "opening",
    )

    def __init__(self, elements: Elements, temperature: float = 20.0) -> None:
        self.elements = elements
        self.loss = 0.0
        self.ideal_heat = 0.0
        self.opening = 0.0
        self._mesh, self._radiant, self._sun = reduce_network(elements)
        self._dt = 0.0
        self._parts = 1
        self._motion, self._gains = self._hoist(1.0)
        self.air = self.exterior = self.interior = self.mean = temperature

    def step(
        self,
        dt: float,
        outdoor: float,
        convective: float,
        radiant: float,
        loss_factor: float = 1.0,
        sun: float = 0.0,
        excess: float = 0.0,
        setpoint: float = 20.0,
        most: float = 0.0,
        least: float = 0.0,
        warm_surface: float = 0.0,
        cool_surface: float = 0.0,
    ) -> float:
        """Advance by `dt` s; return the air temperature.

        `convective` and `radiant` heat go to the air and to all surfaces, `sun` to the interior walls.
        `loss_factor` (≥ 0) scales the air change (wind), `excess` is that of `equivalent_excess`. An ideal
        heater brings the mean air temperature of the step to `setpoint` as far as its power allows: `most` W
        (≥ 0) and `least` (≤ 0, cooling), the same all the step through, as VDI 6007-1 counts the load of an
        hour. Of its heat the share `warm_surface`, of its cooling `cool_surface` (0 … 1) acts on the
        interior walls' surface, as a heated floor or a cooled ceiling, the rest on the air."""
        if most > 0.0 or least < 0.0:
            inputs = (outdoor, convective, radiant, loss_factor, sun, excess)
            return self._hold(dt, inputs, setpoint, most, least, warm_surface, cool_surface)
        if dt != self._dt:
            self._dt = dt
            self._parts = max(1, ceil(min(_MOST_PARTS, dt / _LONGEST_PART)))
            self._motion, self._gains = self._hoist(dt / self._parts)
        (
            (air_excess, exterior_excess, interior_excess, excess_out),
            (air_radiant, exterior_radiant, interior_radiant, radiant_out),
            (air_sun, exterior_sun, interior_sun, sun_out),
        ) = self._gains
        lost = self._move(
            outdoor,
            self.elements.air_change * loss_factor,
            air_radiant * radiant + air_sun * sun + convective + air_excess * excess,
            exterior_radiant * radiant + exterior_sun * sun + exterior_excess * excess,
            interior_radiant * radiant + interior_sun * sun + interior_excess * excess,
        )
        self.loss = lost - excess_out * excess + radiant_out * radiant + sun_out * sun
        self.ideal_heat = 0.0
        return self.air

    def _hold(
        self,
        dt: float,
        inputs: tuple[float, float, float, float, float, float],
        setpoint: float,
        most: float,
        least: float,
        warm_surface: float,
        cool_surface: float,
    ) -> float:
        """A step with the ideal heater, by steps with given heat from the same start; `inputs` are theirs."""
        outdoor, convective, radiant, loss_factor, sun, excess = inputs
        start = self.air, self.exterior, self.interior

        def surplus(power: float) -> float:
            """K by which the mean air is too warm with `power` W."""
            self.air, self.exterior, self.interior = start
            surface = (warm_surface if power > 0.0 else cool_surface) * power
            self.step(dt, outdoor, convective + power - surface, radiant, loss_factor, sun + surface, excess)
            return self.mean - setpoint

        power, found = 0.0, surplus(0.0)
        limit = most if found < 0.0 else least
        if found != 0.0 and limit != 0.0:
            at_limit = surplus(limit)
            if (at_limit > 0.0) is (found > 0.0) or at_limit == 0.0:
                power = limit
            elif limit > 0.0:
                power = rising_root(surplus, 0.0, found, limit, at_limit, _HELD)
            else:
                power = rising_root(surplus, limit, at_limit, 0.0, found, _HELD)
        surplus(power)
        self.ideal_heat = power
        return self.air

    def _move(
        self,
        outdoor: float,
        base_change: float,
        air_gain: float,
        exterior_gain: float,
        interior_gain: float,
    ) -> float:
        """Move air and masses through the parts of a step at steady gains (W into the air, K of the masses).

        Returns the heat in W that goes out by their temperatures, as mean over the step."""
        (
            (air_old, air_exterior, air_interior, air_sum),
            (exterior_air, exterior_old, exterior_interior),
            (interior_air, interior_exterior, interior_old),
            (air_out, exterior_out, interior_out),
        ) = self._motion
        # Everything is counted from the outdoor temperature.
        air, exterior, interior = self.air - outdoor, self.exterior - outdoor, self.interior - outdoor
        lost = warmth = 0.0
        parts = remaining = self._parts
        while True:
            change = base_change
            opening = 0.0
            warm = air + outdoor - _OPENING_START
            if warm > 0.0:
                opening = _smooth(warm / _OPENING_SPAN) if air > 0.0 else 0.0
                change += self.elements.opening * opening
            heat = air_old * air + air_exterior * exterior + air_interior * interior + air_gain
            air = heat / (air_sum + change)
            warmth += air
            before = exterior
            exterior = (
                exterior_air * air + exterior_old * before + exterior_interior * interior + exterior_gain
            )
            interior = (
                interior_air * air + interior_exterior * before + interior_old * interior + interior_gain
            )
            lost += (change + air_out) * air + exterior_out * exterior + interior_out * interior
            remaining -= 1
            if not remaining:
                break
        if parts > 1:
            lost /= parts
            warmth /= parts
        self.mean = warmth + outdoor
        self.opening = opening
        self.exterior = exterior + outdoor
        self.interior = interior + outdoor
        self.air = air + outdoor
        return lost

    def _hoist(self, dt: float) -> tuple[_Motion, _Gains]:
        """Coefficients of a step of `dt` s; inf gives the steady state."""
        e = self.elements
        (air_ext, air_int, air_out, ext_int, ext_out, int_out), wall = self._mesh, 1.0 / e.exterior_rest
        rad_air, rad_ext, rad_int, rad_out = self._radiant
        sun_air, sun_ext, sun_int, sun_out = self._sun
        k_air, k_ext, k_int = e.air_capacity / dt, e.exterior_capacity / dt, e.interior_capacity / dt
        # The masses at given air: [s_ext -g; -g s_int]*[ext; int] = right side; its inverse is p, q, r.
        s_ext = k_ext + air_ext + ext_int + ext_out + wall
        s_int = k_int + air_int + ext_int + int_out
        determinant = s_ext * s_int - ext_int * ext_int
        p, q, r = s_int / determinant, ext_int / determinant, s_ext / determinant
        exterior = (p * air_ext + q * air_int, p * k_ext, q * k_int)
        interior = (q * air_ext + r * air_int, q * k_ext, r * k_int)
        air = (
            k_air,
            air_ext * exterior[1] + air_int * interior[1],
            air_ext * exterior[2] + air_int * interior[2],
            k_air + air_out + air_ext + air_int - (air_ext * exterior[0] + air_int * interior[0]),
        )

        def gain(
            to_air: float, to_exterior: float, to_interior: float, out: float
        ) -> tuple[float, float, float, float]:
            """What an input does to air, exterior and interior, and what of it goes out at once."""
            of_exterior = p * to_exterior + q * to_interior
            of_interior = q * to_exterior + r * to_interior
            return to_air + (air_ext * of_exterior + air_int * of_interior), of_exterior, of_interior, out

        gains = (
            gain(0.0, wall, 0.0, wall),
            gain(rad_air, rad_ext, rad_int, rad_out),
            gain(sun_air, sun_ext, sun_int, sun_out),
        )
        return (air, exterior, interior, (air_out, ext_out + wall, int_out)), gains

    def settle(
        self, outdoor: float, air: float, radiant_share: float = 0.0, loss_factor: float = 1.0
    ) -> float:
        """Steady state with this air temperature and closed windows; returns the heat in W that it takes,
        `radiant_share` of it radiant."""
        (of_air, of_exterior, of_interior, _), (_, radiant, _) = self._hoist(inf)
        rise = air - outdoor
        change = self.elements.air_change * loss_factor
        heat = (of_air[3] + change) * rise / (1.0 - radiant_share + radiant[0] * radiant_share)
        self.air = self.mean = air
        self.exterior = outdoor + of_exterior[0] * rise + radiant[1] * radiant_share * heat
        self.interior = outdoor + of_interior[0] * rise + radiant[2] * radiant_share * heat
        self.loss = heat
        self.opening = 0.0
        return heat

    def fill(self, temperature: float) -> None:
        """Air and masses at one temperature."""
        self.air = self.exterior = self.interior = self.mean = temperature
        self.opening = 0.0

    def slow_time_constant(self) -> float:
        """Time constant in s of slow cooling at loss factor 1: that of the free system's last mode.

        A long step of the free system has the eigenvalues 1/(1 + dt/tau); repeated, the largest is left."""
        e = self.elements
        (_, _, _, steady), _, _, _ = self._hoist(inf)[0]
        dt = 0.5 * (e.exterior_capacity + e.interior_capacity) / (e.air_change + steady)
        (
            (air_old, air_exterior, air_interior, air_sum),
            (exterior_air, exterior_old, exterior_interior),
            (interior_air, interior_exterior, interior_old),
            _,
        ) = self._hoist(dt)[0]
        exterior, air, ratio = 1.0, 1.0, 0.0
        for _ in range(60):  # the interior's temperature is the measure, 1
            air = (air_old * air + air_exterior * exterior + air_interior) / (air_sum + e.air_change)
            before = exterior
            exterior = exterior_air * air + exterior_old * before + exterior_interior
            ratio = interior_air * air + interior_exterior * before + interior_old
            air, exterior = air / ratio, exterior / ratio
        return dt * ratio / (1.0 - ratio)

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        e = self.elements
        walls = e.exterior_capacity * self.exterior + e.interior_capacity * self.interior
        return e.air_capacity * self.air + walls


def _smooth(share: float) -> float:
    """Rises from 0 to 1 for shares of 0 to 1, without a kink."""
    return share * share * (3.0 - 2.0 * share) if share < 1.0 else 1.0
