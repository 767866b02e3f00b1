"""A loop's plant for tests: valve with a stroke rate and stiction, first order with dead time, a sensor."""

from __future__ import annotations

import math
from collections import deque
from random import Random


class LoopPlant:
    """`step` takes the flow asked for, % of the full one, and returns the measured temperature, °C."""

    def __init__(
        self,
        gain: float = 0.2,
        lag: float = 15.0,
        dead: float = 5.0,
        *,
        rate: float = math.inf,
        noise: float = 0.03,
        rounding: float = 0.05,
        stiction: float = 0.0,
        bend: float = 0.0,
        flow: float = 50.0,
        zero: float = 40.0,
        seed: int = 1,
    ) -> None:
        """`gain` K/% at `flow`, falling by `bend` of it for 10 % more; `rate` %/s; `stiction` % of flow."""
        self.gain, self.lag, self.rate, self.stiction, self.bend = gain, lag, rate, stiction, bend
        self.noise, self.rounding = noise, rounding
        self.flow = self.motor = self.middle = flow
        self.zero = zero
        self.load = 0.0
        self.temperature = zero + gain * flow
        self.measured = self.temperature
        self._waiting: deque[float] = deque([self.temperature] * (round(dead) + 1))
        self._random = Random(seed)

    def step(self, asked: float, dt: float = 1.0) -> float:
        reach = self.rate * dt
        self.motor += min(max(asked - self.motor, -reach), reach)
        if abs(self.motor - self.flow) >= max(self.stiction, 1e-12):
            self.flow = self.motor
        off = self.flow - self.middle
        slope = self.gain * (1 - self.bend * off / 20)
        self._waiting.append(self.zero + self.gain * self.middle + slope * off + self.load)
        self.temperature += (1 - math.exp(-dt / self.lag)) * (self._waiting.popleft() - self.temperature)
        seen = self.temperature + self._random.gauss(0.0, self.noise)
        self.measured = round(seen / self.rounding) * self.rounding if self.rounding else seen
        return self.measured
