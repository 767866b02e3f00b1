"""Panel controllers as delivered: a PI law with a neutral zone, in front of a three-point motor or a signal.

Relays (velocity form, in % of the stroke; the motor itself is the integrator):

    wanted += Kp·(e - e_before) + Kp·e·dt/Tn      while |e| > half the neutral zone
    a relay closes for a scan as soon as `wanted` is worth a scan of running; what has run is subtracted

inside the zone what was wanted is forgotten. Signal (position form): u = Kp·e + ∫Kp/Tn·e, held within 0 …
100 % with the integral kept from growing into a limit. Kp = 100 % / Xp. Deviation: set-point less the
reading of the sensor, in every scan, unfiltered; the run time told to the panel is the motor's own (put
right where the factory value is another). Shortest pulse: one scan.

Sources: Danfoss ECL 110 and ECL 2000 instructions (Xp, Tn, Nz; the neutral zone is the whole width, half on
either side of the set-point); Siemens RVD230/240 basic documentation (Xp, Tn, run time; its zone of 1 K is an
assumption); Samson TROVIS 5579 manual (KP, TN, TY); Saia PCD heating library (P-band, integral time).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """A factory tuning. `gain` %/K, `integral_time` s, `zone` K in all; `relays`: three-point, else a
    signal."""

    name: str
    gain: float
    integral_time: float
    zone: float = 0.0
    relays: bool = True


PANELS = (
    Panel("Danfoss ECL 110", 100 / 80, 30.0, 3.0),
    Panel("Danfoss ECL 2000 hot water", 100 / 50, 15.0, 3.0),
    Panel("Siemens RVD230/240", 100 / 35, 120.0, 1.0),
    Panel("Samson TROVIS 5579", 2.0, 120.0),
    Panel("Saia PCD block", 100 / 20, 300.0, relays=False),
)


class Relays:
    """Three-point controller. `step` says which relay is closed for this scan: 1 opens, -1 closes, 0 none."""

    def __init__(self, panel: Panel, stroke_s: float) -> None:
        self.panel = panel
        self.stroke_s = stroke_s
        self.wanted = 0.0
        self._before = math.nan

    def step(self, setpoint: float, measured: float, dt: float) -> int:
        """`setpoint` and `measured` °C, `dt` s. A reading that is no number stops the motor."""
        error, panel = setpoint - measured, self.panel
        if not math.isfinite(error):
            self._before = math.nan
            return 0
        change = 0.0 if math.isnan(self._before) else error - self._before
        self._before = error
        if abs(error) <= 0.5 * panel.zone:
            self.wanted = 0.0
            return 0
        self.wanted += panel.gain * (change + error * dt / panel.integral_time)
        self.wanted = min(max(self.wanted, -100.0), 100.0)
        worth = 100.0 * dt / self.stroke_s
        if abs(self.wanted) < worth:
            return 0
        direction = 1 if self.wanted > 0 else -1
        self.wanted -= direction * worth
        return direction


class Signal:
    """Continuous controller. `step` returns the opening in %; it begins where the valve stands."""

    def __init__(self, panel: Panel, opening: float) -> None:
        self.panel = panel
        self.output = opening
        self._integral = math.nan

    def step(self, setpoint: float, measured: float, dt: float) -> float:
        """`setpoint` and `measured` °C, `dt` s. A reading that is no number holds the opening."""
        error, panel = setpoint - measured, self.panel
        if not math.isfinite(error):
            return self.output
        proportional = panel.gain * error
        if math.isnan(self._integral):
            self._integral = self.output - proportional
        else:
            grown = self._integral + panel.gain * error * dt / panel.integral_time
            if 0.0 <= proportional + grown <= 100.0 or abs(grown - 50.0) < abs(self._integral - 50.0):
                self._integral = grown
        self.output = min(max(proportional + self._integral, 0.0), 100.0)
        return self.output
