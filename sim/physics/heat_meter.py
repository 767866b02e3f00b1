"""Heat meter in the primary return: samples, calculates, counts; shows the same values until the next sample.

At every interval  P = rho(T2)*V*cp*(T1 - T2), cp at the mean temperature, and the totals grow by sample times
interval: a meter on battery (30 … 60 s) is blind between its samples, one on mains (1 … 2 s) nearly follows.
Source: EN 1434-1 (calculation at the flow sensor's density); Kamstrup MULTICAL 603 technical description for
the intervals.
"""

from __future__ import annotations

from math import exp
from random import Random

from .water import density, heat_capacity

_FLOW_LAG = 1.5  # s, averaging of the ultrasonic flow sensor
_POCKET_LAG = 8.0  # s, Pt500 in its pocket


class HeatMeter:
    """SI: `flow` m3/s, `power` W, `energy` J, `volume` m3. `noise` scales 0.014 l/s of flow noise."""

    __slots__ = (
        "_age",
        "_back",
        "_dt",
        "_quick",
        "_random",
        "_slow",
        "_supply",
        "_true",
        "energy",
        "flow",
        "interval",
        "noise",
        "power",
        "volume",
    )

    def __init__(self, seed: str, interval: float, noise: float = 1.0) -> None:
        """`interval` in s; 0 measures at every step."""
        self.interval = interval
        self.noise = noise * 0.05 / 3600.0
        self._random = Random(seed)
        self._dt = self._quick = self._slow = 0.0
        self.settle(0.0, 20.0, 20.0)

    def settle(self, flow: float, supply: float, back: float) -> None:
        """Has been at these values for long; counters at zero."""
        self._true, self._supply, self._back = flow, supply, back
        self._age = 0.0
        self.energy = self.volume = 0.0
        self._sample()

    def step(self, dt: float, flow: float, supply: float, back: float) -> None:
        """Look at flow (m3/s) and temperatures (°C) for `dt` s."""
        if dt != self._dt:
            self._dt = dt
            self._quick, self._slow = 1.0 - exp(-dt / _FLOW_LAG), 1.0 - exp(-dt / _POCKET_LAG)
        slow = self._slow
        self._true += (flow - self._true) * self._quick
        self._supply += (supply - self._supply) * slow
        self._back += (back - self._back) * slow
        self._age += dt
        # Half a millisecond of grace: sums of steps need not hit the interval exactly.
        if self._age >= self.interval - 5e-4:
            self._sample()
            self.energy += self.power * self._age
            self.volume += self.flow * self._age
            self._age = 0.0

    def _sample(self) -> None:
        flow = self._true
        if self.noise > 0.0 and flow > 0.0:
            flow = max(0.0, flow + self._random.gauss(0.0, self.noise))
        self.flow = flow
        supply, back = self._supply, self._back
        # A heat meter does not count backwards: heat that runs the other way is no heating.
        heat = density(back) * heat_capacity(0.5 * (supply + back)) * (supply - back)
        self.power = max(0.0, flow * heat)
