"""Sluggishness of a loop: large errors that come back slowly.

The idle index of Hägglund (Control Eng. Practice 7, 1999): while a disturbance is worked off, output and
measurement of a sluggish loop creep the same way for most of the time,
    (t_same − t_opposite)/(t_same + t_opposite)  close to 1.
It is taken over one half-wave of the error, which must be high and long, with the set-point at rest and the
output between its limits.
"""

from __future__ import annotations

import math

LEAST_PEAK_K = 1.0
IDLE = 0.4
FORGETS_S = 3 * 86400.0
_TEMPERATURE_K, _OUTPUT = 0.04, 0.05
"""Changes smaller than this between two looks are noise, K and %."""


class Slowness:
    """Large errors that come back slowly. `drags` after three of them within a few days."""

    def __init__(self) -> None:
        self.events = 0.0
        self._same = self._against = 0.0
        self._limited_s = 0.0
        self._next = 0.0
        self._output = self._value = math.nan
        self._begin = math.nan

    @property
    def drags(self) -> bool:
        """The loop is sluggish."""
        return self.events >= 2.5

    def step(
        self, dt: float, setpoint: float, measured: float, output: float, every_s: float, at_limit: bool
    ) -> None:
        """Count how output and error go along, every `every_s`."""
        self.events *= 1 - dt / FORGETS_S
        self._limited_s += dt if at_limit else 0.0
        self._next -= dt
        if math.isnan(self._begin):
            self._begin = setpoint
        if self._next > 0:
            return
        self._next = every_s
        moved = (output - self._output) * (measured - self._value)
        if abs(measured - self._value) > _TEMPERATURE_K and abs(output - self._output) > _OUTPUT:
            if moved > 0:
                self._same += 1
            else:
                self._against += 1
        self._output, self._value = output, measured

    def ended(self, setpoint: float, duration_s: float, peak: float, slow_s: float) -> None:
        """A half-wave of the error is over."""
        both = self._same + self._against
        idle = (self._same - self._against) / both if both >= 4 else 0.0
        steady = abs(setpoint - self._begin) < 0.5
        if (
            duration_s > slow_s
            and peak >= LEAST_PEAK_K
            and idle > IDLE
            and steady
            and self._limited_s < 0.2 * duration_s
        ):
            self.events += 1
        self.forget()

    def forget(self) -> None:
        """Begin anew with the next half-wave."""
        self._same = self._against = self._limited_s = 0.0
        self._begin = math.nan
