"""Plate exchangers in parallel, each behind a motorised isolation valve. SI.

    g_i = 1/sqrt(R + 1/a_i^2)     conductance of plates (R) and isolation valve (a_i) of one, m = g*sqrt(dp)
    m_i = m*g_i/sum(g),  R_bank = 1/sum(g)^2

The valve shuts off the primary side, or both sides with one motor. Where only the primary is shut off,
secondary water flows through all of them, and a closed one only mixes it in as it comes. A closed exchanger
cools to the station room with its own `loss`; those that work lose nothing, as elsewhere in this plant. The
valves are ball or butterfly valves: equal percentage, R = 50, tight. Source: parallel pipes of any hydraulics
text; exchanger.py, valve.py; the loss is own calculation (2 m2 of insulated cover at 3 W/(m2*K), and bare
connections).
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Literal

from .exchanger import DAY, Exchanger
from .valve import Valve

Isolation = Literal["primary", "both"]
_TIGHT = 1e-6
_CLOSED = 0.02
"""Below this stroke an exchanger counts as standing."""


class ExchangerBank:
    """What `Exchanger` is to one, for several: the same calls, the flows of the whole."""

    __slots__ = (
        "_plates1",
        "_plates2",
        "_share1",
        "_share2",
        "_valve1",
        "_valve2",
        "heat",
        "isolates",
        "loss",
        "lost",
        "open",
        "resistance1",
        "resistance2",
        "room",
        "units",
        "valves",
    )

    def __init__(
        self,
        units: list[Exchanger],
        stroke_time: float,
        isolates: Isolation,
        plates1: float,
        plates2: float,
        valve_drop1: float,
        valve_drop2: float,
        loss: float,
        room: float,
    ) -> None:
        """`plates1`, `plates2`: resistance of all plates together with all valves open, Pa/(kg/s)^2 on the
        primary and Pa/(m3/s)^2 on the secondary side; `valve_drop1`, `valve_drop2`: the part of it in
        the open valves; `loss` of one standing exchanger in W/K to `room` °C."""
        count = len(units)
        self.units = units
        self.valves = [
            Valve(1.0, leakage=_TIGHT, stroke_time=stroke_time, dead_band=0.0, stiction=0.0) for _ in units
        ]
        self.open = [1.0] * count
        self.isolates: Isolation = isolates
        self.loss = loss
        self.room = room
        self.lost = 0.0
        self.heat = 0.0
        square = float(count * count)
        self._plates1, self._valve1 = (plates1 - valve_drop1) * square, valve_drop1 * square
        self._plates2, self._valve2 = (plates2 - valve_drop2) * square, valve_drop2 * square
        self._share1 = [1.0 / count] * count
        self._share2 = [1.0 / count] * count
        self.resistance1, self.resistance2 = plates1, plates2
        for valve in self.valves:
            valve.settle(1.0)
        self.renew()

    def actuate(self, dt: float, powered: bool) -> None:
        """Move the isolation valves for `dt` s; without power they stay."""
        moves = False
        for valve, told in zip(self.valves, self.open, strict=True):
            before = valve.position
            if powered:
                valve.step(dt, told)
            moves = moves or valve.position != before
        if moves:
            self.renew()

    def renew(self) -> None:
        """Shares of flow and resistances of the bank for where the valves are now."""
        self.resistance1 = _divide(self._plates1, self._valve1, self.valves, self._share1)
        if self.isolates == "both":
            self.resistance2 = _divide(self._plates2, self._valve2, self.valves, self._share2)

    def conductance(self, flow1: float, flow2: float) -> float:
        """UA of all in W/K at these flows (kg/s) of the whole."""
        total = 0.0
        for unit, share1, share2 in zip(self.units, self._share1, self._share2, strict=True):
            total += unit.conductance(share1 * flow1, share2 * flow2)
        return total

    def steady_heat(self, inlet1: float, flow1: float, inlet2: float, flow2: float) -> float:
        """Heat flow in W once everything is steady."""
        total = 0.0
        for unit, share1, share2 in zip(self.units, self._share1, self._share2, strict=True):
            total += unit.steady_heat(inlet1, share1 * flow1, inlet2, share2 * flow2)
        return total

    def step(
        self, dt: float, inlet1: float, flow1: float, inlet2: float, flow2: float
    ) -> tuple[float, float]:
        """Mixed outlet temperatures (primary, secondary) after `dt` seconds; see Exchanger.step."""
        outlet1 = outlet2 = heat = 0.0
        for unit, share1, share2 in zip(self.units, self._share1, self._share2, strict=True):
            warm1, warm2 = unit.step(dt, inlet1, share1 * flow1, inlet2, share2 * flow2)
            outlet1 += share1 * warm1
            outlet2 += share2 * warm2
            heat += unit.heat
        self.heat = heat
        self._cool(dt)
        return outlet1, outlet2

    def _cool(self, dt: float) -> None:
        """Standing exchangers lose heat to the room; it is counted in `lost` (J)."""
        for unit, valve in zip(self.units, self.valves, strict=True):
            if valve.position < _CLOSED and self.loss > 0.0:
                self.lost += unit.cool(dt, self.loss, self.room)

    def take_lost(self) -> float:
        """J lost to the room since the last call."""
        lost, self.lost = self.lost, 0.0
        return lost

    def settle(self, inlet1: float, flow1: float, inlet2: float, flow2: float) -> tuple[float, float]:
        """Go to the steady state of these inlets at once; return the outlets."""
        outlet1 = outlet2 = heat = 0.0
        for unit, share1, share2 in zip(self.units, self._share1, self._share2, strict=True):
            warm1, warm2 = unit.settle(inlet1, share1 * flow1, inlet2, share2 * flow2)
            outlet1 += share1 * warm1
            outlet2 += share2 * warm2
            heat += unit.heat
        self.heat, self.lost = heat, 0.0
        return outlet1, outlet2

    def fill(self, temperature: float) -> None:
        """Everything at one temperature."""
        for unit in self.units:
            unit.fill(temperature)
        self.lost = 0.0

    def settle_open(self) -> None:
        """All valves open, also as commanded."""
        for index, valve in enumerate(self.valves):
            self.open[index] = 1.0
            valve.settle(1.0)
        self.renew()

    def break_down(self, kind: str, value: float | None = None) -> None:
        """The same fault of FAULTS in every exchanger. Raises ValueError with the allowed kinds."""
        for unit in self.units:
            unit.break_down(kind, value)

    def repair(self) -> None:
        """Clean the plates of all."""
        for unit in self.units:
            unit.repair()

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        total = 0.0
        for unit in self.units:
            total += unit.stored_heat()
        return total

    @property
    def cold(self) -> list[float]:
        """Temperatures of the secondary water, cell by cell."""
        return [temperature for unit in self.units for temperature in unit.cold]


def _divide(plates: float, open_valve: float, valves: list[Valve], shares: list[float]) -> float:
    """Put the shares of flow into `shares`; the resistance of all. `plates` and `open_valve` of one."""
    conductances = []
    for valve in valves:
        opening = valve.opening()
        conductances.append(1.0 / sqrt(plates + open_valve / (opening * opening)))
    total = 0.0
    for conductance in conductances:
        total += conductance
    for index, conductance in enumerate(conductances):
        shares[index] = conductance / total
    return 1.0 / (total * total)


def make_units(
    count: int,
    conductance: float,
    flow1: float,
    flow2: float,
    cp2: float,
    water_capacity: float,
    plate_capacity: float,
    oversizing: float,
    scaling_per_day: float,
    scaling_limit: float = inf,
) -> list[Exchanger]:
    """`count` equal exchangers that together are what `Exchanger` takes."""
    return [
        Exchanger(
            conductance / count,
            flow1 / count,
            flow2 / count,
            cp2=cp2,
            water_capacity=water_capacity / count,
            plate_capacity=plate_capacity / count,
            oversizing=oversizing,
            fouling_rate=scaling_per_day / DAY,
            fouling_limit=scaling_limit,
        )
        for _ in range(count)
    ]
