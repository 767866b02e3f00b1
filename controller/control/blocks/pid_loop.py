"""PI loop on simple-pid: bumpless, and honest about what was really applied.

    u = Kp·e + ∫ Kp/Ti·e dt,  e = set-point − measured

simple-pid has no feedback of an outside limit and adds P on top of a handed-over output, so after
every scan the loop is told what was applied; where that differs from what it asked, its integral is
set to `applied − Kp·error`, which is back-calculation with a tracking time of one scan (Åström,
Hägglund, Advanced PID Control, ch. 3.5) and also the bumpless start after manual or a restart.
"""

from __future__ import annotations

import math

from simple_pid import PID

LONGEST_STEP_S = 5.0
"""A pause (suspended board, late scans) must not become one huge integral step
(HASmartThermostat#146)."""


class PiLoop:
    """A PI controller in its own output unit.

    `gain` in output units per unit of error (negative for a reversed process), `integral_time_s`
    in s, output within `low` … `high`.
    """

    def __init__(self, gain: float, integral_time_s: float, low: float, high: float) -> None:
        self.gain = gain
        self.integral_time_s = integral_time_s
        self.low, self.high = low, high
        self.output = math.nan
        self.error = 0.0
        self.proportional = 0.0
        self.integral = 0.0
        self._factor = 1.0
        self._pid = PID(gain, gain / integral_time_s, 0.0, sample_time=None, output_limits=(low, high))

    def step(self, setpoint: float, measured: float, dt_s: float, factor: float = 1.0) -> float:
        """Output for this scan. Without a number to work on (NaN) or time it keeps the last one.

        `factor` schedules the gain (1 = as set).
        """
        if not (math.isfinite(setpoint) and math.isfinite(measured)) or dt_s <= 0:
            return self.output
        self.error = setpoint - measured
        if factor != self._factor:
            self._factor = factor
            self._pid.tunings = (self.gain * factor, self.gain * factor / self.integral_time_s, 0.0)
        if math.isnan(self.output):
            self.track(self.low)
        self._pid.setpoint = setpoint
        asked = self._pid(measured, dt=min(dt_s, LONGEST_STEP_S))
        self.output = float(asked) if asked is not None else self.output
        self.proportional, self.integral, _ = self._pid.components
        return self.output

    def applied(self, value: float, tolerance: float = 1e-9) -> None:
        """Tell what was really put out; beyond `tolerance` the loop takes over from there."""
        if math.isfinite(value) and not abs(value - self.output) <= tolerance:
            self.track(value)

    def track(self, value: float) -> None:
        """Go on from `value` without a bump."""
        value = min(max(value, self.low), self.high)
        self._pid.set_auto_mode(False)
        self._pid.set_auto_mode(True, last_output=value - self.gain * self._factor * self.error)
        self.output = value
