"""Control valve with its electric actuator, commanded by position or by three-point relays.

Inherent characteristic phi(y), share of Kvs at stroke y:
    equal percentage  phi = R^(y-1); below 5 % of stroke a straight line down to the leakage
    linear            phi = leakage + (1-leakage)*y
    split             straight line from the leakage to R^(-0.7) at 30 % of stroke, then equal percentage
Flow (IEC 60534-2-1, turbulent, no fittings): m = Kv/3600*sqrt(rho*dp/100), dp in Pa, Kv in m3/h.
Source: IEC 60534-2-3/-2-4; Danfoss VFM2 data sheet for the split curve; stem friction as the one-parameter
stick-slip model of Stenman et al. (2003): the stem jumps once the actuator has moved further than the
friction.

Faults. "leaking": a scored seat passes a share of Kvs beside the plug, phi + leak*(1 - phi). "slipping": the
coupling hands on only a part of the motor's way; the feedback potentiometer sits on the motor and shows
nothing of it. "asymmetry": closing takes longer than opening by this share, which lets every position
estimate of a three-point controller drift. Repairs of a coupling include the new adjustment of the motor.
"""

from __future__ import annotations

from math import sqrt
from typing import Literal

Characteristic = Literal["equal_percentage", "linear", "split"]

_CLOSING_STROKE = 0.05
_SPLIT_STROKE = 0.30
FAULTS = ("stuck", "reversed", "local", "leaking", "slipping", "asymmetry", "slow")
# Values that a fault takes when none is given, all own judgement: a seat that passes 2 % of Kvs, a coupling
# that hands on half of the way, 5 % more time for closing, a motor with a quarter of its speed.
_DEFAULTS = {"leaking": 0.02, "slipping": 0.5, "asymmetry": 0.05, "slow": 4.0}


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
    """Valve and actuator. Strokes are 0 … 1; `position` is the stem.

    dead_band: the actuator starts only when the command is further away than this, then runs to the command.
    stiction: the stem follows only when the actuator is further away than this.
    asymmetry: closing takes (1 + asymmetry) times `stroke_time`."""

    __slots__ = (
        "_built_asymmetry",
        "_slipped",
        "asymmetry",
        "characteristic",
        "dead_band",
        "kvs",
        "leakage",
        "leaking",
        "local",
        "local_command",
        "motor",
        "moving",
        "position",
        "rangeability",
        "reversed",
        "slipping",
        "slowness",
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
        asymmetry: float = 0.0,
    ) -> None:
        self.kvs = kvs
        self.characteristic: Characteristic = characteristic
        self.rangeability = rangeability
        self.leakage = leakage
        self.stroke_time = stroke_time
        self.dead_band = dead_band
        self.stiction = stiction
        self.asymmetry = self._built_asymmetry = asymmetry
        self.stuck = False
        self.reversed = False
        self.leaking = 0.0
        self.slipping = 0.0
        self.slowness = 1.0
        self._slipped = 0.0
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
            self._turn(dt, distance)
        return self.position

    def drive(self, dt: float, opening: bool, closing: bool) -> float:
        """Run the motor for `dt` s as two relays say; both at once stand still. Returns the position."""
        if self.local:
            return self.step(dt, self.local_command)
        self.moving = opening is not closing and not self.stuck
        if self.moving:
            self._turn(dt, 2.0 if opening is not self.reversed else -2.0)
        return self.position

    def _turn(self, dt: float, distance: float) -> None:
        """Turn the motor by at most `distance` and take the stem along."""
        reach = dt / (self.stroke_time * self.slowness)
        if distance < 0.0:
            reach /= 1.0 + self.asymmetry
        if abs(distance) <= reach:
            self.motor += distance
            self.moving = False
        else:
            self.motor += reach if distance > 0.0 else -reach
        self.motor = min(1.0, max(0.0, self.motor))
        slip = self.motor - self.position - self._slipped
        if self.stiction > 0.0 and 0.0 < self.motor < 1.0:
            # As many jumps as fit: the same place for any dt. At an end stop the actuator presses with
            # full force and the stem always arrives.
            slip = int(slip / self.stiction) * self.stiction
        if slip == 0.0:
            return
        before = self.position
        self.position = min(1.0, max(0.0, before + slip * (1.0 - self.slipping)))
        if self.slipping or self._slipped:
            self._slipped += slip - (self.position - before)
        self.travel += abs(self.position - before)

    def feedback(self) -> float:
        """Position that the actuator shows: that of the stem while the coupling holds."""
        return self.position + self._slipped

    def settle(self, position: float) -> None:
        """Put actuator and stem at `position` at once."""
        self.motor = self.position = min(1.0, max(0.0, position))
        self._slipped = 0.0
        self.moving = False

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a fault of FAULTS. "local": the cabinet holds `value` (0 … 1), by default where it stands.

        "leaking" (share of Kvs), "slipping" (share of the way that is lost) and "asymmetry" take a share too.
        Raises ValueError with the allowed kinds."""
        share = _DEFAULTS.get(kind, 0.0) if value is None else value
        if kind == "stuck":
            self.stuck = True
        elif kind == "reversed":
            self.reversed = True
        elif kind == "leaking":
            self.leaking = min(1.0, max(0.0, share))
        elif kind == "slipping":
            self.slipping = min(1.0, max(0.0, share))
        elif kind == "slow":
            self.slowness = max(1.0, share)
        elif kind == "asymmetry":
            self.asymmetry = max(-0.9, share)
        elif kind == "local":
            self.local = True
            self.local_command = self.position if value is None else value
        else:
            raise ValueError(f"unknown fault {kind!r} of a valve (allowed: {', '.join(FAULTS)})")

    def repair(self) -> None:
        """End all faults; a coupling that slipped is tightened where motor and stem stand."""
        self.stuck = self.reversed = self.local = False
        self.leaking = self.slipping = 0.0
        self.asymmetry = self._built_asymmetry
        self.slowness = 1.0
        if self._slipped:
            self.settle(self.position)

    def opening(self) -> float:
        """Share of Kvs at the present position."""
        share = inherent_characteristic(self.characteristic, self.position, self.rangeability, self.leakage)
        return share + self.leaking * (1.0 - share)

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
