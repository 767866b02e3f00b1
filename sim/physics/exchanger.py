"""Plate heat exchanger: steady state by effectiveness and NTU, dynamics by a chain of cells.

UA = 1/(1/hA1 + 1/hA2 + f/UA0),  hA_i = 2*UA0*(m_i/m_i0)^0.8,  f = fouling as a share of the clean resistance
eps = (1 - e^(-N(1-Z)))/(1 - Z*e^(-N(1-Z))),  N/(1+N) at Z = 1   (counter-flow)
Below 0.1*m_i0 a film falls on a straight line to 5 % of its value there: standing water still exchanges heat.
Source: Modelica Buildings, HeatExchangers/DryCoilEffectivenessNTU and DHC/ETS; VDI Heat Atlas C1.

Dynamics: n counter-flow cells, each with one node of primary and one of secondary water that carry the
plates' capacity by halves (the plates alone follow within 0.5 s, faster than the water passes). A chain of
mixed cells has exactly the effectiveness of the whole when every cell has the conductance
    g = Cmin/(1/eps_c - 1 - Z),  eps_c = eps(N/n, Z)
so the steady state is the formula above and not that of a coarse mesh. The step is backward Euler over the
whole chain (one elimination sweep and one back): every new temperature is a weighted mean of inlets and old
temperatures, so nothing leaves their range at any flow and any dt, and no heat is lost. `g` is limited to
6*UA/n, which matters only beyond N = 0.83*n at Z = 1, or where eps is 1 within 1e-6 anyway.
"""

from __future__ import annotations

from math import exp

_CELLS = 6
_CONDUCTANCE_LIMIT = 6.0
_FILM_EXPONENT = 0.8
_REGULAR_FLOW = 0.1
_STANDING_FILM = 0.05
_FILM_AT_REGULAR_FLOW: float = _REGULAR_FLOW**_FILM_EXPONENT


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

    Capacities are those of the water content of a side and of all plates, J/K. Temperatures in °C."""

    __slots__ = (
        "_a",
        "_b",
        "_d",
        "_e",
        "capacity",
        "cold",
        "cp1",
        "cp2",
        "film",
        "fouling",
        "heat",
        "hot",
        "nominal_conductance",
        "nominal_flow1",
        "nominal_flow2",
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
    ) -> None:
        self.nominal_conductance = nominal_conductance
        self.nominal_flow1 = nominal_flow1
        self.nominal_flow2 = nominal_flow2
        self.cp1 = cp1
        self.cp2 = cp2
        self.film = 2.0 * nominal_conductance
        self.fouling = 0.0
        # One cell and one side: its share of the water and half of its share of the plates.
        self.capacity = (water_capacity + 0.5 * plate_capacity) / _CELLS
        self.hot = [temperature] * _CELLS
        self.cold = [temperature] * _CELLS
        self.heat = 0.0
        self._a = [0.0] * _CELLS
        self._b = [0.0] * _CELLS
        self._d = [0.0] * _CELLS
        self._e = [0.0] * _CELLS

    def conductance(self, flow1: float, flow2: float) -> float:
        """UA in W/K at these flows."""
        resistance = 1.0 / (self.film * film_share(flow1 / self.nominal_flow1))
        resistance += 1.0 / (self.film * film_share(flow2 / self.nominal_flow2))
        return 1.0 / (resistance + self.fouling / self.nominal_conductance)

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
        c1, c2 = flow1 * self.cp1, flow2 * self.cp2
        g = self._cell_conductance(c1, c2, self.conductance(flow1, flow2) / _CELLS)
        k = self.capacity / dt
        hot, cold, a, b, d, e = self.hot, self.cold, self._a, self._b, self._d, self._e
        sum1, sum2 = k + c1 + g, k + c2 + g
        # Sweep from the primary inlet. With T1[i-1] = alpha + beta*T2[i] known, the two balances of cell i
        # give T1[i] = a + b*T2[i] and T2[i] = d + e*T2[i+1].
        alpha, beta = inlet1, 0.0
        for i in range(_CELLS):
            ai = (k * hot[i] + c1 * alpha) / sum1
            bi = (c1 * beta + g) / sum1
            pivot = sum2 - g * bi
            di = (k * cold[i] + g * ai) / pivot
            ei = c2 / pivot
            a[i], b[i], d[i], e[i] = ai, bi, di, ei
            alpha, beta = ai + bi * di, bi * ei
        previous = inlet2
        for i in range(_CELLS - 1, -1, -1):
            previous = d[i] + e[i] * previous
            cold[i] = previous
            hot[i] = a[i] + b[i] * previous
        outlet1 = hot[_CELLS - 1]
        self.heat = c1 * (inlet1 - outlet1)
        return outlet1, previous

    def settle(self, inlet1: float, flow1: float, inlet2: float, flow2: float) -> tuple[float, float]:
        """Go to the steady state of these inlets at once; return the outlets."""
        return self.step(1e12, inlet1, flow1, inlet2, flow2)

    def fill(self, temperature: float) -> None:
        """Everything at one temperature."""
        self.hot = [temperature] * _CELLS
        self.cold = [temperature] * _CELLS

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin fouling: `value` is a share of the clean resistance, by default 0.5.

        Raises ValueError with the allowed kinds."""
        if kind != "fouling":
            raise ValueError(f"unknown fault {kind!r} of an exchanger (allowed: fouling)")
        self.fouling = 0.5 if value is None else value

    def repair(self) -> None:
        """Clean the plates."""
        self.fouling = 0.0

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        return self.capacity * (sum(self.hot) + sum(self.cold))

    def _cell_conductance(self, c1: float, c2: float, ua: float) -> float:
        least, most = (c1, c2) if c1 < c2 else (c2, c1)
        limit = _CONDUCTANCE_LIMIT * ua
        if ua >= 700.0 * least:
            return limit
        ratio = least / most
        remainder = 1.0 / effectiveness(ua / least, ratio) - 1.0 - ratio
        if remainder * limit <= least:
            return limit
        return least / remainder
