"""PI loop on simple-pid: bumpless, and honest about what was really applied.

    u = u_ff + Kp·e + ∫ Kp/Ti·e dt,  e = set-point − measured

`u_ff` is what is known beforehand; it goes past the integral, so that it acts at once.
simple-pid clamps its integral, forgets it when told to take over, and jumps when its gain changes, so
its limits stay open and this block keeps the integral itself:
- taking over: the integral becomes `applied − Kp·error`, which is back-calculation with a tracking time
  of one scan (Åström, Hägglund, Advanced PID Control, ch. 3.5). After a start, or a time without a
  measurement, the error of the next step is the one that counts, so that its output is what was handed over;
- at a limit the integral does not grow further into it;
- a change of gain moves the difference of the proportional share into the integral.
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
    in s, output within `low` … `high`. All of them may be changed at any time.
    """

    def __init__(self, gain: float, integral_time_s: float, low: float, high: float) -> None:
        self.gain = gain
        self.integral_time_s = integral_time_s
        self.low, self.high = low, high
        self.output = math.nan
        self.error = 0.0
        self.proportional = 0.0
        self.integral = 0.0
        self.feedforward = 0.0
        self._kp, self._ti = gain, integral_time_s
        self._resumes = True
        self._pid = PID(gain, gain / integral_time_s, 0.0, sample_time=None)

    def step(
        self,
        setpoint: float,
        measured: float,
        dt_s: float,
        factor: float = 1.0,
        feedforward: float = 0.0,
        *,
        integrates: bool = True,
    ) -> float:
        """Output for this scan. Without a number to work on (NaN) or time it keeps the last one.

        `factor` schedules the gain (1 = as set); `integrates` off: the integral stands, because the
        actuator is still on its way.
        """
        error, kp = setpoint - measured, self.gain * factor
        if not (math.isfinite(kp * error / self.integral_time_s * LONGEST_STEP_S) and dt_s > 0):
            return self.output
        if math.isnan(self.output):
            self.output = self.low
        if math.isfinite(feedforward):
            self.feedforward = feedforward
        if self._resumes:
            self._resumes = False
            self._tune(kp)
            self._take_over(self.output - self.feedforward - kp * error)
        elif kp != self._kp or self.integral_time_s != self._ti:
            self._take_over(self.integral + (self._kp - kp) * self.error)
            self._tune(kp)
        self.error = error
        self._pid.setpoint = setpoint
        before = self.integral
        self._pid(measured, dt=min(dt_s, LONGEST_STEP_S))
        self.proportional, self.integral, _ = self._pid.components
        proportional, kept = self.proportional, self.integral
        low, high = self.low - self.feedforward, self.high - self.feedforward
        if not integrates:
            kept = before
        elif proportional + kept > high and kept > before:
            kept = max(before, high - proportional)
        elif proportional + kept < low and kept < before:
            kept = min(before, low - proportional)
        # Whatever came before, the integral alone never holds the output beyond a limit.
        kept = min(max(kept, low - max(proportional, 0.0)), high - min(proportional, 0.0))
        if kept != self.integral:
            self._take_over(kept)
        self.output = min(max(self.feedforward + proportional + kept, self.low), self.high)
        return self.output

    def applied(self, value: float, tolerance: float = 1e-9) -> None:
        """Tell what was really put out; beyond `tolerance` the loop takes over from there."""
        if math.isfinite(value) and not abs(value - self.output) <= tolerance:
            self.track(value)

    def track(self, value: float) -> None:
        """Go on from `value` without a bump."""
        if not math.isfinite(value):
            return
        self.output = min(max(value, self.low), self.high)
        self._take_over(self.output - self.feedforward - self._kp * self.error)

    def rest(self) -> None:
        """There is nothing to measure: keep the output, and take over from it at the next step."""
        self._resumes = True

    def _tune(self, kp: float) -> None:
        self._kp, self._ti = kp, self.integral_time_s
        self._pid.tunings = (kp, kp / self.integral_time_s, 0.0)

    def _take_over(self, integral: float) -> None:
        self.integral = integral
        self._pid.set_auto_mode(False)
        self._pid.set_auto_mode(True, last_output=integral)
