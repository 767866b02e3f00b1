"""PI tuning from a model, and what the loop will be like with it.

SIMC: Kc = T/(K·(τc + L)), Ti = min(T, 4·(τc + L)), τc = L (Skogestad, J. Process Control 13, 2003).
AMIGO: Kc = 0.15/K + (0.35 − L·T/(L + T)²)·T/(K·L), Ti = 0.35·L + 13·L·T²/(T² + 12·L·T + 7·L²)
(Åström, Hägglund, J. Process Control 14, 2004).
The lag of the measurement's filter is shared out by Skogestad's half rule: one half lengthens the lag, the
other the dead time. The delay of the scans (reading, and the output held for one scan) is dead time.

Margins come from the frequency response of the loop as it is, filter and scan delay included:
Ms = max |1/(1 + C·G)|, gain margin at −180°, phase margin at |C·G| = 1. Accepted are Ms ≤ 1.7, gain
margin ≥ 3 and overshoot ≤ 5 % of a small set-point step. Where the half rule flatters the loop (a filter
nearly as slow as the plant) SIMC's τc grows until they are met.
"""

from __future__ import annotations

import cmath
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from controller.control.blocks.loop.identification import Model

Rule = Literal["simc", "amigo"]
SHORTEST_DEAD_TIME_S = 1.0
"""A model without dead time would allow any gain; no station is like that."""
SCANS_DELAY = 1.5
"""One scan from reading to writing, half of one because the output stands still between two."""
MOST_SENSITIVITY, LEAST_GAIN_MARGIN, MOST_OVERSHOOT = 1.7, 3.0, 5.0
_POINTS = 300
_SLOWEST, _HALVINGS = 8.0, 6


@dataclass(frozen=True, slots=True)
class Pi:
    """`gain` in % of flow per K, `integral_time_s` in s."""

    gain: float
    integral_time_s: float


@dataclass(frozen=True, slots=True)
class Lags:
    """What the loop adds to the plant: `filter_s` of the measurement, `scan_s` from scan to scan."""

    filter_s: float = 0.0
    scan_s: float = 0.0

    @property
    def delay_s(self) -> float:
        """Dead time of the scans."""
        return SCANS_DELAY * self.scan_s


@dataclass(frozen=True, slots=True)
class Margins:
    """`sensitivity` Ms; `gain_margin` (below 1: unstable); `phase_margin` in degrees; `ultimate_period_s`:
    period at which the loop would swing with a gain as much too high as the gain margin says."""

    sensitivity: float
    gain_margin: float
    phase_margin: float
    ultimate_period_s: float


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """`overshoot` in % of a set-point step, `error_integral` ∫|e|dt in K·s."""

    overshoot: float
    error_integral: float


def tuned(model: Model, rule: Rule, lags: Lags) -> Pi:
    """PI for the loop by a rule. Raises ValueError for a model without a positive gain and lag."""
    if not (model.gain > 0 and model.lag_s > 0 and model.dead_time_s >= 0):
        raise ValueError(f"no loop can be tuned for {model}")
    reduced = with_lags(model, lags)
    if rule == "amigo":
        return amigo(reduced)

    def good(closed_loop_s: float) -> bool:
        pi = simc(reduced, closed_loop_s)
        return accepted(margins(model, pi, lags), step_answer(model, pi, lags))

    fast = slow = reduced.dead_time_s
    if not good(fast):
        slow = _SLOWEST * fast
        for _ in range(_HALVINGS):
            middle = math.sqrt(fast * slow)
            fast, slow = (fast, middle) if good(middle) else (middle, slow)
    return simc(reduced, slow)


def accepted(found: Margins, answer: StepAnswer) -> bool:
    """Whether a loop like this may be proposed."""
    return (
        found.sensitivity <= MOST_SENSITIVITY
        and found.gain_margin >= LEAST_GAIN_MARGIN
        and answer.overshoot <= MOST_OVERSHOOT
    )


def with_lags(model: Model, lags: Lags) -> Model:
    """The loop's filter and delay shared out over lag and dead time (half rule)."""
    large, small = max(model.lag_s, lags.filter_s), min(model.lag_s, lags.filter_s)
    dead = model.dead_time_s + small / 2 + lags.delay_s
    return Model(model.gain, large + small / 2, max(dead, SHORTEST_DEAD_TIME_S))


def simc(model: Model, closed_loop_s: float | None = None) -> Pi:
    """SIMC; τc = L unless `closed_loop_s` says another."""
    both = model.dead_time_s + (model.dead_time_s if closed_loop_s is None else closed_loop_s)
    return Pi(model.lag_s / (model.gain * both), min(model.lag_s, 4 * both))


def amigo(model: Model) -> Pi:
    """AMIGO for a first-order model with dead time."""
    k, t, d = model.gain, model.lag_s, model.dead_time_s
    gain = 0.15 / k + (0.35 - d * t / (d + t) ** 2) * t / (k * d)
    return Pi(gain, 0.35 * d + 13 * d * t * t / (t * t + 12 * d * t + 7 * d * d))


def margins(model: Model, pi: Pi, lags: Lags) -> Margins:
    """Robustness of the loop."""
    dead = model.dead_time_s + lags.delay_s

    def phase(w: float) -> float:
        return (
            math.atan(w * pi.integral_time_s)
            - math.pi / 2
            - w * dead
            - math.atan(w * model.lag_s)
            - math.atan(w * lags.filter_s)
        )

    def loop(w: float) -> complex:
        s = 1j * w
        control = pi.gain * (1 + 1 / (pi.integral_time_s * s))
        plant = model.gain * cmath.exp(-dead * s) / ((model.lag_s * s + 1) * (lags.filter_s * s + 1))
        return control * plant

    slowest = 1e-3 / (model.lag_s + dead + lags.filter_s + pi.integral_time_s)
    fastest = 20 / max(dead, 0.02 * model.lag_s)
    steps = [slowest * (fastest / slowest) ** (n / _POINTS) for n in range(_POINTS + 1)]
    sensitivity = max(1 / max(abs(1 + loop(w)), 1e-9) for w in steps)
    turn = _crossing(steps, lambda w: phase(w) + math.pi)
    gain_margin = 1 / abs(loop(turn)) if turn is not None else math.inf
    cross = _crossing(steps, lambda w: math.log(abs(loop(w))))
    phase_margin = 180 + math.degrees(phase(cross)) if cross is not None else math.inf
    return Margins(
        sensitivity, gain_margin, phase_margin, 2 * math.pi / turn if turn is not None else math.nan
    )


def step_answer(
    model: Model, pi: Pi, lags: Lags, step_k: float = 1.0, fastest: float = math.inf
) -> StepAnswer:
    """Set-point step of `step_k` K, calculated scan by scan, the flow changing by at most `fastest` %/s.

    The integral takes over from the flow that the valve lets through, as the loop's does.
    """
    dt = lags.scan_s or max(min(model.lag_s, model.dead_time_s) / 20, 0.05)
    span = 8 * (model.lag_s + model.dead_time_s + lags.filter_s) + 4 * pi.integral_time_s
    if math.isfinite(fastest):
        span += 4 * step_k / model.gain / fastest
    waiting: deque[float] = deque([0.0] * max(round((model.dead_time_s + lags.scan_s) / dt), 1))
    keep = math.exp(-dt / model.lag_s)
    plant = seen = flow = integral = highest = area = 0.0
    for _ in range(min(int(span / dt), 20_000)):
        error = step_k - seen
        integral += pi.gain * error * dt / pi.integral_time_s
        wanted = pi.gain * error + integral
        got = min(max(wanted, flow - fastest * dt), flow + fastest * dt)
        integral += got - wanted
        flow = got
        waiting.append(flow)
        plant += (1 - keep) * (model.gain * waiting.popleft() - plant)
        seen += (plant - seen) * (dt / (lags.filter_s + dt))
        highest = max(highest, plant)
        area += abs(step_k - plant) * dt
    return StepAnswer(100 * max(highest / step_k - 1, 0.0), area)


def _crossing(steps: list[float], function: Callable[[float], float]) -> float | None:
    """First zero of a function that falls through it, by bisection between two of the steps."""
    before = steps[0]
    for after in steps[1:]:
        if function(before) > 0 >= function(after):
            low, high = before, after
            for _ in range(50):
                middle = math.sqrt(low * high)
                low, high = (middle, high) if function(middle) > 0 else (low, middle)
            return high
        before = after
    return None
