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
_HELD = 1e-9  # K between the set temperature and what the ideal heater holds


class TwoElements:
    """Temperatures °C, heat flows W. `air`, `exterior`, `interior` are the state.

    `loss` is the heat lost, `ideal_heat` what the ideal heater gave and `mean` the air temperature, as means
    over the last step; `opening` says how far the windows stand open, 0 … 1."""

    __slots__ = (
        "_coefficients",
        "_dt",
        "_mesh",
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
        self._coefficients = self._hoist(1.0)
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
        return self._pass(dt, outdoor, convective, radiant, loss_factor, sun, excess)

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
        """A step with the ideal heater; `inputs` are those of `_pass`."""
        outdoor, convective, radiant, loss_factor, sun, excess = inputs
        start = self.air, self.exterior, self.interior

        def surplus(power: float) -> float:
            """K by which the mean air is too warm with `power` W."""
            self.air, self.exterior, self.interior = start
            surface = (warm_surface if power > 0.0 else cool_surface) * power
            self._pass(dt, outdoor, convective + power - surface, radiant, loss_factor, sun + surface, excess)
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

    def _pass(
        self,
        dt: float,
        outdoor: float,
        convective: float,
        radiant: float,
        loss_factor: float,
        sun: float,
        excess: float,
    ) -> float:
        """A step with given heat."""
        if dt != self._dt:
            self._dt = dt
            self._parts = max(1, ceil(min(_MOST_PARTS, dt / _LONGEST_PART)))
            self._coefficients = self._hoist(dt / self._parts)
        (
            air_old,
            air_exterior,
            air_interior,
            air_excess,
            air_radiant,
            air_sun,
            air_sum,
            exterior_air,
            exterior_old,
            exterior_interior,
            exterior_excess,
            exterior_radiant,
            exterior_sun,
            interior_air,
            interior_exterior,
            interior_old,
            interior_excess,
            interior_radiant,
            interior_sun,
            air_out,
            exterior_out,
            interior_out,
            wall,
            radiant_out,
            sun_out,
        ) = self._coefficients
        # Everything is counted from the outdoor temperature.
        air, exterior, interior = self.air - outdoor, self.exterior - outdoor, self.interior - outdoor
        elements = self.elements
        base_change = elements.air_change * loss_factor
        steady = air_radiant * radiant + air_sun * sun + convective + air_excess * excess
        exterior_gain = exterior_radiant * radiant + exterior_sun * sun + exterior_excess * excess
        interior_gain = interior_radiant * radiant + interior_sun * sun + interior_excess * excess
        lost = warmth = 0.0
        parts = remaining = self._parts
        while True:
            change = base_change
            opening = 0.0
            warm = air + outdoor - _OPENING_START
            if warm > 0.0:
                opening = _smooth(warm / _OPENING_SPAN) if air > 0.0 else 0.0
                change += elements.opening * opening
            total = air_sum + change
            heat = air_old * air + air_exterior * exterior + air_interior * interior + steady
            air = heat / total
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
        self.loss = lost - wall * excess + radiant_out * radiant + sun_out * sun
        self.mean = warmth + outdoor
        self.ideal_heat = 0.0
        self.opening = opening
        self.exterior = exterior + outdoor
        self.interior = interior + outdoor
        self.air = air + outdoor
        return self.air

    def _hoist(self, dt: float) -> tuple[float, ...]:
        """Coefficients of a step of `dt` s, in the order in which `step` takes them; inf gives the steady
        state."""
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
        exterior = (
            p * air_ext + q * air_int,
            p * k_ext,
            q * k_int,
            p * wall,
            p * rad_ext + q * rad_int,
            p * sun_ext + q * sun_int,
        )
        interior = (
            q * air_ext + r * air_int,
            q * k_ext,
            r * k_int,
            q * wall,
            q * rad_ext + r * rad_int,
            q * sun_ext + r * sun_int,
        )
        mixed = [air_ext * x + air_int * y for x, y in zip(exterior, interior, strict=True)]
        air_sum = k_air + air_out + air_ext + air_int - mixed[0]
        air = (k_air, *mixed[1:4], rad_air + mixed[4], sun_air + mixed[5], air_sum)
        return (*air, *exterior, *interior, air_out, ext_out + wall, int_out, wall, rad_out, sun_out)

    def settle(
        self, outdoor: float, air: float, radiant_share: float = 0.0, loss_factor: float = 1.0
    ) -> float:
        """Steady state with this air temperature and closed windows; returns the heat in W that it takes,
        `radiant_share` of it radiant."""
        c = self._hoist(inf)
        rise = air - outdoor
        change = self.elements.air_change * loss_factor
        heat = (c[6] + change) * rise / (1.0 - radiant_share + c[4] * radiant_share)
        self.air = self.mean = air
        self.exterior = outdoor + c[7] * rise + c[11] * radiant_share * heat
        self.interior = outdoor + c[13] * rise + c[17] * radiant_share * heat
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
        dt = 0.5 * (e.exterior_capacity + e.interior_capacity) / (e.air_change + self._hoist(inf)[6])
        c = self._hoist(dt)
        exterior, interior, air, ratio = 1.0, 1.0, 1.0, 0.0
        for _ in range(60):
            air = (c[0] * air + c[1] * exterior + c[2] * interior) / (c[6] + e.air_change)
            exterior, interior = (
                c[7] * air + c[8] * exterior + c[9] * interior,
                c[13] * air + c[14] * exterior + c[15] * interior,
            )
            ratio = interior
            air, exterior, interior = air / ratio, exterior / ratio, 1.0
        return dt * ratio / (1.0 - ratio)

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        e = self.elements
        walls = e.exterior_capacity * self.exterior + e.interior_capacity * self.interior
        return e.air_capacity * self.air + walls


def _smooth(share: float) -> float:
    """Rises from 0 to 1 for shares of 0 to 1, without a kink."""
    return share * share * (3.0 - 2.0 * share) if share < 1.0 else 1.0
