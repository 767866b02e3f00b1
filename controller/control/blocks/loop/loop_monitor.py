"""Watches a temperature loop in ordinary operation: does it swing, stick, drag or sit at its limits?

- *Swinging*: twelve periods of the control error (`half_waves`), much more regular than what disturbances do
  to a damped loop: on the simulated nominal station std/mean is 0.02 … 0.1 for a loop at or beyond its gain
  margin, and above 0.2 for one with half of it. When set-point or primary supply swing with the same period,
  or a fifth of the gain changes nothing, the loop is driven and not to blame.
- *Sticking*: the valve stands until the command is further away than its dead band explains, then jumps
  (seen in the position). Without a position: a swing that gets slower
  instead of lower when the gain is lowered, because the integral must run through the same stuck band.
- *Dragging*: large errors that come back slowly while valve and temperature creep the same way (idle index,
  Hägglund, Control Eng. Practice 7, 1999: close to 1 is sluggish).
- *At its limits*: share of time of the last hour or so.

A loop that swings by its own doing lowers its gain: × 0.7 a time, not below 0.2. After a week of quiet it
tries half a step back, at most to what is set, and waits twice as long when that was wrong. A valve that
sticks is moved by jumps that break it loose (`valve_stick`), and where that takes more than 12 strokes a day
it gets a dead zone of the error, so that it stands still.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from controller.alarms import AlarmBook
from controller.control.blocks.loop.half_waves import HalfWaves
from controller.control.blocks.loop.slowness import Slowness
from controller.control.blocks.loop.valve_stick import Stick
from controller.control.tick import Tick
from controller.points import Term

CONDITIONS = ("quiet", "swings", "driven", "sticks", "drags", "at_limit")
LEAST_SWING_K = 0.04
"""A lower swing is left alone: noise, rounding and the valve's dead band …"""
HIGH_SWING_K = 0.15
"""… and one that is lower than this, unless the valve runs for it:"""
MOST_STROKES = 100.0
"""in strokes a day while it lasts. Filter and sensor hide a good part of a fast swing: at a period of 35 s
the water swings three times as much as is measured."""
HYSTERESIS_K = 0.03
HALF_WAVES, REGULAR = 24, 0.12
OUTER_HYSTERESIS_K = 0.15
OUTER_HALF_WAVES, OUTER_REGULAR = 6, 0.25
SAME_PERIOD = 0.25
UNMOVED = 0.1
"""With the gain at its least: a period that has changed by less, and a height as before, come from
outside."""
CALMER = 0.5
"""The output must run less then, as the gain does: an output as lively as before may well be the cause."""
LONGEST_PERIOD_S, SHORTEST_PERIOD_S = 1800.0, 8.0
PERIODS_OF_OWN = (0.4, 10.0)
"""Swings of its own lie within these multiples of the ultimate period, where it is known: longer with a slow
valve, which runs at its full rate."""
STEP, LEAST_FACTOR = 0.7, 0.2
QUIET_S, LONGEST_QUIET_S = 7 * 86400.0, 64 * 86400.0
"""Quiet time before the gain is tried half a step higher."""
CALM_S = 3600.0
"""So long after the last finding the loop counts as swinging or sticking."""
SLOWER, LOWER = 1.25, 0.75
"""After two steps down: a period so much longer and a swing not lower than this are stiction."""
HOLD_STEP_K, MOST_HOLD_K = 0.1, 0.4
LIMIT_S, LIMIT_SHARE = 3600.0, 0.5
PINNED = 0.9
"""An output that is longer at a limit than this share of a swing does not make it."""
AT_LIMIT = 0.5
"""Closer to a limit than this is at the limit, % of flow."""


@dataclass(frozen=True, slots=True)
class LoopSample:
    """One scan of a loop; NaN for what there is not.

    `measured`: as the loop sees it, °C; `output`, `low`, `high`: flow in %; `command`, `position`: valve in
    %; `regulates`: it leads, and no hand, limit or tuning has the valve.
    """

    setpoint: float
    measured: float
    output: float
    low: float
    high: float
    command: float
    position: float
    primary: float
    regulates: bool


class LoopMonitor:
    """One `step` a scan. `factor` goes onto the loop's gain, `hold_k` is the dead zone of its error."""

    def __init__(
        self, dead_band: float = 1.5, ultimate_period_s: float = math.nan, rate: float = 0.0
    ) -> None:
        """`dead_band`: of the output and the actuator together, %; `ultimate_period_s`: from a tuning;
        `rate`: of the command on its way, %/s."""
        self.factor = 1.0
        self.hold_k = 0.0
        self.ultimate_period_s = ultimate_period_s
        self.error = HalfWaves(HYSTERESIS_K, HALF_WAVES, REGULAR)
        self.outer = {
            name: HalfWaves(OUTER_HYSTERESIS_K, OUTER_HALF_WAVES, OUTER_REGULAR)
            for name in ("setpoint", "primary")
        }
        self._outside_s = math.nan
        """Period of a swing that comes from outside."""
        self.stick = Stick(dead_band, rate)
        self.slowness = Slowness()
        self.limited = 0.0
        self.period_s = math.nan
        self.swing_k = math.nan
        self._found = ""
        self._since_s = math.inf
        self._quiet_s = 0.0
        self._wait_s = QUIET_S
        self._means = {"setpoint": math.nan, "primary": math.nan}
        self._limited_s = 0.0
        self._runs: deque[tuple[float, float]] = deque(maxlen=HALF_WAVES)
        """How far the output ran in each half-wave, %, and how long it was at a limit, s."""
        self._lowest, self._highest = math.inf, -math.inf
        self._first: tuple[float, float, float] | None = None
        """Height, period and run of the output when the gain was lowered first."""
        self._steps = 0
        self._tried_back = False

    @property
    def condition(self) -> str:
        """One of CONDITIONS, the most important one."""
        if self._found and self._since_s < CALM_S:
            return self._found
        if self.limited > LIMIT_SHARE:
            return "at_limit"
        return "drags" if self.slowness.drags else "quiet"

    def deadened(self, error: float) -> float:
        """The error that the loop is to work on."""
        return math.copysign(max(abs(error) - self.hold_k, 0.0), error)

    def step(self, tick: Tick, sample: LoopSample, integral_time_s: float) -> None:
        """Look at one scan."""
        if not sample.regulates or not math.isfinite(sample.setpoint - sample.measured):
            self._pause()
            return
        dt = tick.dt
        at_limit = sample.output >= sample.high - AT_LIMIT or sample.output <= sample.low + AT_LIMIT
        self.limited += (at_limit - self.limited) * min(dt / LIMIT_S, 1.0)
        self._limited_s += dt if at_limit else 0.0
        self._since_s += dt
        if self.stick.step(dt, sample.command, sample.position):
            self._quiet_s = self._since_s = 0.0
            self._hold()
        elif self.stick.stem.sticks and not self._since_s < CALM_S:
            self._found, self._since_s = "sticks", 0.0
        self._watch_outer(dt, sample)
        self.slowness.step(
            dt, sample.setpoint, sample.measured, sample.output, self._slow(integral_time_s) / 20, at_limit
        )
        self._lowest = min(self._lowest, sample.output)
        self._highest = max(self._highest, sample.output)
        elapsed, peak = self.error.elapsed, self.error.peak
        if self.error.step(dt, sample.setpoint - sample.measured):
            self._runs.append((self._highest - self._lowest, self._limited_s))
            self._new_wave()
            self.slowness.ended(sample.setpoint, elapsed, peak, self._slow(integral_time_s))
            self._judge()
        self._recover(dt)

    def forgive(self, ultimate_period_s: float = math.nan) -> None:
        """A person has tuned the loop, or repaired the valve: everything begins anew."""
        self.factor, self.hold_k = 1.0, 0.0
        self.ultimate_period_s = ultimate_period_s
        self._found, self._since_s = "", math.inf
        self._quiet_s, self._wait_s = 0.0, QUIET_S
        self._first, self._steps, self._outside_s = None, 0, math.nan
        self.stick = Stick(self.stick.dead_band, self.stick.rate)
        self.slowness = Slowness()
        self._pause()

    def _pause(self) -> None:
        """Nothing that is seen now is the loop's doing."""
        if self.error.side or self.error.waves:
            self.error.forget()
            self.slowness.forget()
            self._runs.clear()
        self._new_wave()

    def _new_wave(self) -> None:
        self._lowest, self._highest, self._limited_s = math.inf, -math.inf, 0.0

    def _slow(self, integral_time_s: float) -> float:
        known = self.ultimate_period_s
        return 12 * (known if math.isfinite(known) else 2 * integral_time_s)

    def _watch_outer(self, dt: float, sample: LoopSample) -> None:
        for name, value in (("setpoint", sample.setpoint), ("primary", sample.primary)):
            if not math.isfinite(value):
                continue
            mean = self._means[name]
            mean = value if math.isnan(mean) else mean + (value - mean) * min(dt / LONGEST_PERIOD_S, 1.0)
            self._means[name] = mean
            self.outer[name].step(dt, value - mean)

    def _judge(self) -> None:
        waves = self.error
        if not waves.swings(LEAST_SWING_K):
            return
        period, height = waves.period_s, waves.height
        lasted = len(self._runs) * period / 2
        run = sum(run for run, _ in self._runs) / len(self._runs)
        strokes = run / (period / 2) * 86400 / 100
        pinned = sum(limited for _, limited in self._runs) > PINNED * lasted
        small = height < HIGH_SWING_K and strokes < MOST_STROKES
        if small or pinned or not self._own_period(period):
            return
        self.period_s, self.swing_k = period, height
        self._quiet_s = self._since_s = 0.0
        if self._driven(height, period, run):
            self._found = "driven"
        elif self.hold_k < MOST_HOLD_K and (
            self.stick.sticks or self.hold_k > 0 or self._gets_slower(height, period)
        ):
            self._hold()
        else:
            self._back_off(height, period, run)
        self.error.forget()
        self._runs.clear()

    def _own_period(self, period: float) -> bool:
        if not SHORTEST_PERIOD_S <= period <= LONGEST_PERIOD_S:
            return False
        known = self.ultimate_period_s
        return not math.isfinite(known) or PERIODS_OF_OWN[0] <= period / known <= PERIODS_OF_OWN[1]

    def _driven(self, height: float, period: float, run: float) -> bool:
        """Something outside swings alike, or the swing does not mind what the gain is."""
        if abs(period - self._outside_s) <= SAME_PERIOD * period:
            return True
        if self._first is not None and self.factor <= LEAST_FACTOR:
            same = abs(period - self._first[1]) <= UNMOVED * self._first[1]
            if same and height >= LOWER * self._first[0] and run <= CALMER * self._first[2]:
                self._outside_s = period
                self._undo()
                return True
        return any(
            waves.swings(waves.hysteresis) and abs(waves.period_s - period) <= SAME_PERIOD * period
            for waves in self.outer.values()
        )

    def _gets_slower(self, height: float, period: float) -> bool:
        """Two steps of the gain have made the swing slower but not lower: it is no matter of gain."""
        if self._first is None or self._steps < 2 or self.stick.follows:
            return False
        return height >= LOWER * self._first[0] and period >= SLOWER * self._first[1]

    def _hold(self) -> None:
        self._found = "sticks"
        if self.stick.sticks:
            self._undo()
        self._first, self._steps = None, 0
        self.hold_k = min(self.hold_k + HOLD_STEP_K, MOST_HOLD_K)

    def _undo(self) -> None:
        """Lowering the gain was the wrong medicine."""
        self.factor = min(self.factor / STEP**self._steps, 1.0)
        self._first, self._steps = None, 0

    def _back_off(self, height: float, period: float, run: float) -> None:
        self._found = "swings"
        if self._tried_back:
            self._wait_s = min(2 * self._wait_s, LONGEST_QUIET_S)
            self._tried_back = False
        if self._first is None:
            self._first = (height, period, run)
        if self.factor > LEAST_FACTOR:
            self._steps += 1
            self.factor = max(self.factor * STEP, LEAST_FACTOR)

    def _recover(self, dt: float) -> None:
        self._quiet_s += dt
        if self._quiet_s < self._wait_s or (self.factor >= 1.0 and self.hold_k <= 0.0):
            return
        self._quiet_s = 0.0
        self._first, self._steps, self._outside_s = None, 0, math.nan
        if self.factor < 1.0:
            self.factor = min(self.factor / math.sqrt(STEP), 1.0)
            self._tried_back = True
        else:
            self.hold_k = max(self.hold_k - HOLD_STEP_K, 0.0)

    def report(self, book: AlarmBook, subject: str) -> None:
        """Tell the alarm book; `subject` is the valve's output."""
        condition = self.condition
        swing = (
            ("period", self.period_s, "time"),
            ("swing", self.swing_k, "temperature_difference"),
            ("factor", 100 * self.factor, "percent"),
        )
        book.report("loop_swings", subject, condition == "swings", "warning", swing)
        hold = (("hold", self.hold_k, "temperature_difference"), ("late", self.stick.late, "percent"))
        book.report("valve_sticks", subject, condition == "sticks", "warning", hold)

    def explain(self) -> Term | None:
        """What is remarkable about the loop, and what it does about it; nothing when it is quiet."""
        period = ("period", self.period_s, "time")
        swing = ("swing", self.swing_k, "temperature_difference")
        match self.condition:
            case "swings":
                return Term("loop_swings", (period, swing), self._measures())
            case "driven":
                return Term("loop_driven", (period, swing))
            case "sticks":
                late = ("late", self.stick.late, "percent")
                return Term("loop_sticks", (late,), self._measures())
            case "drags":
                return Term("loop_drags", (), self._measures())
            case "at_limit":
                return Term("loop_at_limit", (("share", 100 * self.limited, "percent"),), self._measures())
        measures = self._measures()
        return measures[0] if measures else None

    def _measures(self) -> tuple[Term, ...]:
        found = []
        if self.factor < 1.0:
            found.append(Term("loop_gain_lowered", (("factor", 100 * self.factor, "percent"),)))
        if self.hold_k > 0.0:
            found.append(Term("loop_holds_still", (("hold", self.hold_k, "temperature_difference"),)))
        return tuple(found)

    def state(self) -> dict[str, float]:
        """What must survive a restart; plain JSON."""
        return {
            "factor": self.factor,
            "hold": self.hold_k,
            "quiet": self._quiet_s,
            "wait": self._wait_s,
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        self.factor = _within(state.get("factor"), LEAST_FACTOR, 1.0, self.factor)
        self.hold_k = _within(state.get("hold"), 0.0, MOST_HOLD_K, self.hold_k)
        self._quiet_s = _within(state.get("quiet"), 0.0, LONGEST_QUIET_S, self._quiet_s)
        self._wait_s = _within(state.get("wait"), QUIET_S, LONGEST_QUIET_S, self._wait_s)


def _within(value: object, low: float, high: float, otherwise: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return otherwise
    return min(max(float(value), low), high)
