"""Plate heat exchanger: steady state by effectiveness and NTU, dynamics by a chain of cells.

UA = 1/(1/hA1 + 1/hA2 + f/UA0),  hA_i = 2*UA0*(m_i/m_i0)^0.8,  f = fouling as a share of the clean resistance
eps = (1 - e^(-N(1-Z)))/(1 - Z*e^(-N(1-Z))),  N/(1+N) at Z = 1   (counter-flow)
Below 0.1*m_i0 a film falls on a straight line to 5 % of its value there: standing water still exchanges heat.
Fouling grows by `fouling_rate` (shares a second) up to `fouling_limit`; half of it lies on either side.
Source: Modelica Buildings, HeatExchangers/DryCoilEffectivenessNTU and DHC/ETS; VDI Heat Atlas C1; fouling as
a resistance in series: TEMA; shares of 0.1 to 0.5 are what district-heating plates reach between cleanings.

Dynamics: n counter-flow cells of primary water, plate and secondary water. A chain of mixed cells has exactly
the effectiveness of the whole when every cell has the conductance
    g = Cmin/(1/eps_c - 1 - Z),  eps_c = eps(N/n, Z)
so the steady state is the formula above and not that of a coarse mesh, up to N = 8 at any Z. Beyond, at Z
near 1, cells would have to be better than perfect: `g` ends at 6*UA/n and the chain falls short (at Z = 1 by
0.7 % at N = 9, 4 % at N = 15). It is not raised where one side nearly stands, which takes the other's
temperature anyway. The step is backward Euler over the whole chain (the plates are eliminated cell by cell,
then one sweep and one back): every new temperature is a weighted mean of inlets and old temperatures, so
nothing leaves their range at any flow and any dt, and no heat is lost.
"""

from __future__ import annotations

from math import exp, inf

_CELLS = 10
_FORWARD = tuple(range(_CELLS))
_BACKWARD = _FORWARD[::-1]
_LARGEST_CORRECTION = 6.0
_STANDING_NTU = 9.0  # of one cell: beyond, one side takes the other's temperature within a few cells
_FILM_EXPONENT = 0.8
_REGULAR_FLOW = 0.1
_STANDING_FILM = 0.05
_FILM_AT_REGULAR_FLOW: float = _REGULAR_FLOW**_FILM_EXPONENT
DAY = 86400.0
FAULTS = ("fouling", "scaling")


def effectiveness(ntu: float, ratio: float) -> float:
    """Counter-flow effectiveness (0 … 1) from NTU (≥ 0) and Z = Cmin/Cmax (0 … 1)."""
    difference = 1.0 - ratio
    if difference < 1e-7:
        return ntu / (1.0 + ntu)
    decay = exp(-ntu * difference)
    return (1.0 - decay) / (1.0 - ratio * decay)


def film_share(flow_share: float) -> float:
    """hA over its nominal value at `flow_share` = m/m0 (≥ 0)."""
    if flow_share >= _REGULAR_FLOW:
        return float(flow_share**_FILM_EXPONENT)
    return _FILM_AT_REGULAR_FLOW * (_STANDING_FILM + (1.0 - _STANDING_FILM) * flow_share / _REGULAR_FLOW)


class Exchanger:
    """Exchanger with `nominal_conductance` UA0 (W/K) at the nominal flows (kg/s); cp in J/(kg·K).

    Capacities are those of the water content of a side and of all plates, J/K. Temperatures in °C.
    `oversizing` is the conductance that was bought over the one that is needed (UA0 as given): films and
    plates grow with it, and so does the water."""

    __slots__ = (
        "_plate_cell",
        "_sweep",
        "_water_cell",
        "cold",
        "cp1",
        "cp2",
        "film",
        "fouling",
        "fouling_limit",
        "fouling_rate",
        "heat",
        "hot",
        "nominal_conductance",
        "nominal_flow1",
        "nominal_flow2",
        "wall",
    )

    def __init__(
        self,
        nominal_conductance: float,
        nominal_flow1: float,
        nominal_flow2: float,
        cp1: float = 4210.0,
        cp2: float = 4180.0,
        water_capacity: float = 210e3,
        plate_capacity: float = 150e3,
        temperature: float = 20.0,
        oversizing: float = 1.0,
        fouling_rate: float = 0.0,
        fouling_limit: float = inf,
    ) -> None:
        self.nominal_conductance = nominal_conductance * oversizing
        self.nominal_flow1 = nominal_flow1
        self.nominal_flow2 = nominal_flow2
        self.cp1 = cp1
        self.cp2 = cp2
        self.film = 2.0 * self.nominal_conductance
        self.fouling = 0.0
        self.fouling_rate = fouling_rate
        self.fouling_limit = fouling_limit
        self._water_cell = water_capacity * oversizing / _CELLS
        self._plate_cell = plate_capacity * oversizing / _CELLS
        self.heat = 0.0
        self._sweep = [(0.0, 0.0, 0.0, 0.0)] * _CELLS
        self.fill(temperature)

    def conductance(self, flow1: float, flow2: float) -> float:
        """UA in W/K at these flows."""
        resistance1, resistance2 = self._resistances(flow1, flow2)
        return 1.0 / (resistance1 + resistance2)

    def steady_heat(self, inlet1: float, flow1: float, inlet2: float, flow2: float) -> float:
        """Heat flow in W once everything is steady; 0 without flow on either side."""
        c1, c2 = flow1 * self.cp1, flow2 * self.cp2
        least, most = (c1, c2) if c1 < c2 else (c2, c1)
        if least <= 0.0:
            return 0.0
        ntu = self.conductance(flow1, flow2) / least
        return effectiveness(ntu, least / most) * least * (inlet1 - inlet2)

    def step(
        self, dt: float, inlet1: float, flow1: float, inlet2: float, flow2: float
    ) -> tuple[float, float]:
        """Outlet temperatures (primary, secondary) after `dt` seconds; flows ≥ 0.

        `heat` is then the heat that the primary water left behind in this step, in W."""
        if self.fouling_rate > 0.0 and self.fouling < self.fouling_limit:
            self.fouling = min(self.fouling_limit, self.fouling + dt * self.fouling_rate)
        c1, c2 = flow1 * self.cp1, flow2 * self.cp2
        resistance1, resistance2 = self._resistances(flow1, flow2)
        resistance = resistance1 + resistance2
        total = _cell_conductance(c1, c2, 1.0 / (resistance * _CELLS)) * resistance
        g1, g2 = total / resistance1, total / resistance2
        k, kw = self._water_cell / dt, self._plate_cell / dt
        # Plate: Tw = (kw*old + g1*T1 + g2*T2)/(kw + g1 + g2). What it stands for between the two waters is
        # a conductance g and, of each, one to its old temperature.
        sum_wall = kw + g1 + g2
        g = g1 * g2 / sum_wall
        wall1, wall2 = g1 * kw / sum_wall, g2 * kw / sum_wall
        sum1, sum2 = k + c1 + wall1 + g, k + c2 + wall2 + g
        keep1, keep_wall1, pass1, cross1 = k / sum1, wall1 / sum1, c1 / sum1, g / sum1
        # Sweep from the primary inlet. With T1[i-1] = alpha + beta*T2[i] known, the two balances of cell i
        # give T1[i] = a + b*T2[i] and T2[i] = d + e*T2[i+1].
        hot, wall, cold, sweep = self.hot, self.wall, self.cold, self._sweep
        alpha, beta = inlet1, 0.0
        for i in _FORWARD:
            old = wall[i]
            a = keep1 * hot[i] + keep_wall1 * old + pass1 * alpha
            b = pass1 * beta + cross1
            share = 1.0 / (sum2 - g * b)
            d = (k * cold[i] + wall2 * old + g * a) * share
            e = c2 * share
            sweep[i] = (a, b, d, e)
            alpha, beta = a + b * d, b * e
        keep_wall, from1, from2 = kw / sum_wall, g1 / sum_wall, g2 / sum_wall
        outlet2 = inlet2
        for i in _BACKWARD:
            a, b, d, e = sweep[i]
            cold[i] = outlet2 = d + e * outlet2
            hot[i] = warm = a + b * outlet2
            wall[i] = keep_wall * wall[i] + from1 * warm + from2 * outlet2
        outlet1 = hot[-1]
        self.heat = c1 * (inlet1 - outlet1)
        return outlet1, outlet2

    def settle(self, inlet1: float, flow1: float, inlet2: float, flow2: float) -> tuple[float, float]:
        """Go to the steady state of these inlets at once, at the present fouling; return the outlets."""
        rate, self.fouling_rate = self.fouling_rate, 0.0
        outlets = self.step(1e12, inlet1, flow1, inlet2, flow2)
        self.fouling_rate = rate
        return outlets

    def fill(self, temperature: float) -> None:
        """Everything at one temperature."""
        self.hot = [temperature] * _CELLS
        self.wall = [temperature] * _CELLS
        self.cold = [temperature] * _CELLS

    def cool(self, dt: float, loss: float, room: float) -> float:
        """Lose heat to the room (°C) through `loss` (W/K) for `dt` s, all alike; the heat lost in J."""
        before = self.stored_heat()
        keeps = exp(-loss * dt / (_CELLS * (2.0 * self._water_cell + self._plate_cell)))
        self.hot = [room + keeps * (warm - room) for warm in self.hot]
        self.wall = [room + keeps * (warm - room) for warm in self.wall]
        self.cold = [room + keeps * (warm - room) for warm in self.cold]
        return before - self.stored_heat()

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a fault of FAULTS: "fouling" is there at once, `value` as a share of the clean resistance, by
        default 0.5; "scaling" grows by `value` a day, by default 0.02.

        Raises ValueError with the allowed kinds."""
        if kind == "fouling":
            self.fouling = 0.5 if value is None else value
        elif kind == "scaling":
            self.fouling_rate = (0.02 if value is None else value) / DAY
        else:
            raise ValueError(f"unknown fault {kind!r} of an exchanger (allowed: {', '.join(FAULTS)})")

    def repair(self) -> None:
        """Clean the plates and end the growth."""
        self.fouling = 0.0
        self.fouling_rate = 0.0

    def coldest(self) -> float:
        """°C of its coldest water."""
        return min(min(self.hot), min(self.cold))

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        return self._water_cell * (sum(self.hot) + sum(self.cold)) + self._plate_cell * sum(self.wall)

    def _resistances(self, flow1: float, flow2: float) -> tuple[float, float]:
        """K/W from the water of a side to the plate, with its half of the fouling."""
        deposit = 0.5 * self.fouling / self.nominal_conductance
        return (
            1.0 / (self.film * film_share(flow1 / self.nominal_flow1)) + deposit,
            1.0 / (self.film * film_share(flow2 / self.nominal_flow2)) + deposit,
        )


def _cell_conductance(c1: float, c2: float, ua: float) -> float:
    """Conductance of a mixed cell that stands for `ua` (W/K) of the counter-flow surface."""
    least, most = (c1, c2) if c1 < c2 else (c2, c1)
    if ua >= _STANDING_NTU * least:
        return ua
    limit = min(_LARGEST_CORRECTION * ua, _STANDING_NTU * least)
    ratio = least / most
    remainder = 1.0 / effectiveness(ua / least, ratio) - 1.0 - ratio
    if remainder * limit <= least:
        return limit
    return least / remainder
