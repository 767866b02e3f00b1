"""Sensor: first-order lag, unit conversion, noise, quantisation and the ways in which it lies.

measured = quantise(lagged*scale + shift + offset + noise); the lag is exact for a constant input.
Noise is normal and white: every sensor walks through one table of numbers with a start and a stride of its
own (of a prime length, so it meets all of them before one returns), which costs a quarter of drawing them.
Faults draw from a generator of their own, so that one sensor's fault never changes another's readings.
Sources: the exact step of a first-order lag; 12 bits of a 4 … 20 mA converter by the manual of WAGO 750-454;
lags by kind `[own]` within FACTS §1 (pocket 5 to 20 s, outdoor housing 10 to 30 min), sizes of faults too.

A short shows by the kind of signal: a resistance thermometer the lower end of its range (0 ohm), a two-wire
transmitter of 4 … 20 mA more current than any reading has (NAMUR NE 43: above 21 mA), given as inf.
"""

from __future__ import annotations

from math import exp, inf, nan
from random import Random

FAULTS = ("open", "short", "frozen", "drift", "offset", "noise", "spike", "intermittent")
_NEEDS_VALUE = {"drift": 1.0, "offset": 3.0, "noise": 2.0, "spike": 20.0, "intermittent": 0.3}
_TABLE = 8191
_NORMAL = tuple(map(Random("sensor noise").gauss, (0.0,) * _TABLE, (1.0,) * _TABLE))
_CONTACT_LIFE = 20.0  # s that a loose contact stays as it is, on average


def range_quantum(low: float, high: float, bits: int) -> float:
    """Smallest step of a transmitter with the range `low` … `high` and a converter of `bits`.

    Usual for 4 … 20 mA are 12 (WAGO 750-454, manual: 4095 steps) to 16 bits."""
    return (high - low) / (1 << bits)


class Sensor:
    """Converts an SI value to controller units and measures it. `low` … `high` is the range of the
    transmitter."""

    __slots__ = (
        "_dt",
        "_keep",
        "_loose",
        "_place",
        "_stride",
        "fault",
        "fault_age",
        "fault_value",
        "high",
        "lag",
        "lagged",
        "low",
        "noise",
        "offset",
        "random",
        "scale",
        "shift",
        "steps",
        "two_wire",
        "value",
    )

    def __init__(
        self,
        seed: str,
        lag: float = 0.0,
        noise: float = 0.0,
        quantum: float = 0.0,
        low: float = -1e9,
        high: float = 1e9,
        scale: float = 1.0,
        shift: float = 0.0,
        two_wire: bool = False,
    ) -> None:
        """`lag` in s; all others in controller units. `seed` names the generator: same seed, same noise.
        `two_wire`: a transmitter that lives on its own 4 … 20 mA."""
        self.random = Random(seed)
        self._place = self.random.randrange(_TABLE)
        self._stride = self.random.randrange(1, _TABLE)
        self.lag = lag
        self.noise = noise
        self.steps = 1.0 / quantum if quantum > 0.0 else 0.0
        self.low = low
        self.high = high
        self.scale = scale
        self.shift = shift
        self.two_wire = two_wire
        self.offset = 0.0
        self.lagged = nan
        self.value = nan
        self.fault = ""
        self.fault_value = 0.0
        self.fault_age = 0.0
        self._dt = 0.0
        self._keep = 0.0
        self._loose = False

    def settle(self, true: float) -> float:
        """Forget the lag: the sensor has been at `true` (SI) for long."""
        self.lagged = true
        return self.step(1e-3, true)

    def step(self, dt: float, true: float) -> float:
        """Measured value in controller units after `dt` s at the SI value `true`; NaN when broken open, inf
        when a current loop is shorted."""
        if self.lag > 0.0:
            if dt != self._dt:
                self._dt = dt
                self._keep = exp(-dt / self.lag)
            self.lagged = true + (self.lagged - true) * self._keep
            true = self.lagged
        value = true * self.scale + self.shift + self.offset
        if self.noise > 0.0:
            self._place = place = (self._place + self._stride) % _TABLE
            value += self.noise * _NORMAL[place]
        if self.fault:
            if self.fault == "frozen":
                return self.value
            if self.two_wire and self.fault == "short":
                return inf
            value = self._faulty(dt, value)
        if self.steps > 0.0:
            # NaN (open) passes through the floor division as NaN; dividing by whole steps gives short
            # decimals.
            value = (value * self.steps + 0.5) // 1.0 / self.steps
        if value < self.low:
            value = self.low
        elif value > self.high:
            value = self.high
        self.value = value
        return value

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a fault of FAULTS. `value`: drift in units an hour, offset and spike in units, noise sigma
        in units, intermittent the share of time without contact.

        Raises ValueError with the allowed kinds."""
        if kind not in FAULTS:
            raise ValueError(f"unknown sensor fault {kind!r} (allowed: {', '.join(FAULTS)})")
        self.fault = kind
        self.fault_value = _NEEDS_VALUE.get(kind, 0.0) if value is None else value
        self.fault_age = 0.0
        self._loose = kind == "intermittent"

    def repair(self) -> None:
        """End the fault."""
        self.fault = ""

    def _faulty(self, dt: float, value: float) -> float:
        self.fault_age += dt
        match self.fault:
            case "open":
                return nan
            case "short":
                return self.low
            case "drift":
                return value + self.fault_value * self.fault_age / 3600.0
            case "offset":
                return value + self.fault_value
            case "noise":
                return value + self.random.gauss(0.0, self.fault_value)
            case "intermittent":
                if self._loose:
                    chance = dt / _CONTACT_LIFE
                else:
                    # As many breaks as contacts: the times stand in the ratio of the shares.
                    share = min(0.99, self.fault_value)
                    chance = dt / _CONTACT_LIFE * share / (1.0 - share)
                if self.random.random() < chance:
                    self._loose = not self._loose
                return nan if self._loose else value
            case _:  # spike: about one a minute
                return value + (self.fault_value if self.random.random() < dt / 60.0 else 0.0)
