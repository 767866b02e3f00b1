"""Control valve with its electric actuator.

Inherent characteristic phi(y), share of Kvs at stroke y:
    equal percentage  phi = R^(y-1); below 5 % of stroke a straight line down to the leakage
    linear            phi = leakage + (1-leakage)*y
    split             straight line from the leakage to R^(-0.7) at 30 % of stroke, then equal percentage
Flow (IEC 60534-2-1, turbulent, no fittings): m = Kv/3600*sqrt(rho*dp/100), dp in Pa, Kv in m3/h.
Source: IEC 60534-2-3/-2-4; Danfoss VFM2 data sheet for the split curve; stem friction as the one-parameter
stick-slip model of Stenman et al. (2003): the stem jumps once the actuator has moved further than the
friction.
"""

from __future__ import annotations

from math import sqrt
from typing import Literal

Characteristic = Literal["equal_percentage", "linear", "split"]

_CLOSING_STROKE = 0.05
_SPLIT_STROKE = 0.30
FAULTS = ("stuck", "reversed", "local")


def inherent_characteristic(kind: Characteristic, y: float, rangeability: float, leakage: float) -> float:
    """Share of Kvs (leakage … 1) at the stroke `y` (0 … 1)."""
    y = min(1.0, max(0.0, y))
    if kind == "linear":
        return leakage + (1.0 - leakage) * y
    knee = _CLOSING_STROKE if kind == "equal_percentage" else _SPLIT_STROKE
    if y >= knee:
        return float(rangeability ** (y - 1.0))
    return leakage + (float(rangeability ** (knee - 1.0)) - leakage) * y / knee


def flow_conductance(kv: float, density: float) -> float:
    """kg/s per sqrt(Pa) of a valve with the flow coefficient `kv` (m3/h at 1 bar) in water of kg/m3."""
    return kv / 3600.0 * sqrt(density / 100.0)


def choked_pressure_drop(inlet_pressure: float, saturation_pressure: float, recovery: float = 0.9) -> float:
    """Largest useful pressure drop in Pa, both pressures absolute: FL^2*(p1 - 0.96*pv), IEC 60534-2-1.

    0.96 is FF for water far below its critical pressure; `recovery` is FL, 0.9 for a globe valve."""
    return max(0.0, recovery * recovery * (inlet_pressure - 0.96 * saturation_pressure))


class Valve:
    """Valve and actuator. Strokes are 0 … 1; `position` is the stem, what the feedback shows.

    dead_band: the actuator starts only when the command is further away than this, then runs to the command.
    stiction: the stem follows only when the actuator is further away than this."""

    __slots__ = (
        "characteristic",
        "dead_band",
        "kvs",
        "leakage",
        "local",
        "local_command",
        "motor",
        "moving",
        "position",
        "rangeability",
        "reversed",
        "stiction",
        "stroke_time",
        "stuck",
        "travel",
    )

    def __init__(
        self,
        kvs: float,
        characteristic: Characteristic = "equal_percentage",
        rangeability: float = 50.0,
        leakage: float = 1e-4,
        stroke_time: float = 120.0,
        dead_band: float = 0.01,
        stiction: float = 0.005,
    ) -> None:
        self.kvs = kvs
        self.characteristic: Characteristic = characteristic
        self.rangeability = rangeability
        self.leakage = leakage
        self.stroke_time = stroke_time
        self.dead_band = dead_band
        self.stiction = stiction
        self.stuck = False
        self.reversed = False
        self.local = False
        self.local_command = 0.0
        self.moving = False
        self.travel = 0.0
        self.motor = 0.0
        self.position = 0.0

    def step(self, dt: float, command: float) -> float:
        """Move towards `command` (0 … 1) for `dt` seconds; return the stem's position."""
        if self.stuck:
            return self.position
        if self.local:
            command = self.local_command
        elif self.reversed:
            command = 1.0 - command
        distance = command - self.motor
        if not self.moving and abs(distance) > self.dead_band:
            self.moving = True
        if self.moving:
            reach = dt / self.stroke_time
            if abs(distance) <= reach:
                self.motor = command
                self.moving = False
            else:
                self.motor += reach if distance > 0.0 else -reach
        slip = self.motor - self.position
        if self.stiction > 0.0 and 0.0 < self.motor < 1.0:
            # As many jumps as fit: the same place for any dt. At an end stop the actuator presses with
            # full force and the stem always arrives.
            slip = int(slip / self.stiction) * self.stiction
        if slip != 0.0:
            self.travel += abs(slip)
            self.position += slip
        return self.position

    def settle(self, position: float) -> None:
        """Put actuator and stem at `position` at once."""
        self.motor = self.position = min(1.0, max(0.0, position))
        self.moving = False

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a fault of FAULTS. "local": the cabinet holds `value` (0 … 1), by default where it stands.

        Raises ValueError with the allowed kinds."""
        if kind == "stuck":
            self.stuck = True
        elif kind == "reversed":
            self.reversed = True
        elif kind == "local":
            self.local = True
            self.local_command = self.position if value is None else value
        else:
            raise ValueError(f"unknown fault {kind!r} of a valve (allowed: {', '.join(FAULTS)})")

    def repair(self) -> None:
        """End all faults."""
        self.stuck = self.reversed = self.local = False

    def opening(self) -> float:
        """Share of Kvs at the present position."""
        return inherent_characteristic(self.characteristic, self.position, self.rangeability, self.leakage)

    def conductance(self, density: float) -> float:
        """kg/s per sqrt(Pa) at the present position."""
        return flow_conductance(self.kvs * self.opening(), density)

    def position_for(self, opening: float) -> float:
        """Stroke that gives the share `opening` of Kvs (by bisection, 1e-6 of stroke)."""
        low, high = 0.0, 1.0
        for _ in range(20):
            middle = 0.5 * (low + high)
            if (
                inherent_characteristic(self.characteristic, middle, self.rangeability, self.leakage)
                < opening
            ):
                low = middle
            else:
                high = middle
        return 0.5 * (low + high)
