"""Model of a loop from an experiment: first order with dead time, G(s) = K·e^(−L·s)/(T·s + 1).

The output-error fit by separable least squares (Golub, Pereyra, SIAM J. Numer. Anal. 10, 1973): for a pair
(T, L) the delayed and lagged input, the lagged disturbances, a constant and a drift explain the measurement
linearly, so K follows in closed form and only two numbers are searched for: on a coarse grid, then by a
pattern search (Hooke, Jeeves, J. ACM 8, 1961). White noise and rounding average out over the samples; a
disturbance that moved is explained instead of disturbing. Where the input went to both sides its square,
lagged alike, explains the bend of the exchanger's curve (a Hammerstein model): K is then the slope where the
experiment began, and the bend does not pass for dynamics.

One pair costs a few milliseconds, so that `Search` can work on inside the scans of a running station.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul

MOST_SAMPLES = 1000
"""A recording that grows longer is thinned to half by averaging neighbours."""
LEAST_INPUT = 2.0
"""An input that moved less says nothing, % of flow."""
LEAST_RESPONSE_K = 0.4
"""A response smaller than this drowns in noise and rounding (0.03 K in steps of 0.05 K)."""
LEAST_FIT = 75.0
"""Share of the response that the model must explain, %, as 1 − rms of the residual / rms of the response."""
LEAST_DISTURBANCE_K = 0.3
"""A disturbance that moved less is left out: it would only explain noise."""
HALVES_RATIO = 1.8
"""So far may the gains of the two halves of an experiment be apart."""
BOTH_SIDES = 2.0
"""The bend is told from the slope when the input went so far to either side, % of flow."""
GAIN_ERRORS = 6.0
"""The gain must be so many of its standard errors."""
LAGS_S = tuple(2.0 * 1.8**n for n in range(10))
DEAD_TIMES_S = (0.0, 3.0, 6.0, 12.0, 20.0, 32.0, 48.0, 70.0, 95.0)
SHORTEST_LAG_S, LONGEST_LAG_S, LONGEST_DEAD_TIME_S = 1.0, 600.0, 120.0
_TURNS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))
_FINEST = 0.01


@dataclass(frozen=True, slots=True)
class Model:
    """`gain` in K per % of flow, `lag_s` T and `dead_time_s` L in s."""

    gain: float
    lag_s: float
    dead_time_s: float


@dataclass(frozen=True, slots=True)
class Identified:
    """A model and how far to trust it.

    `fit`: share of the response explained, %; `residual_k`: rms of what is not, K; `gain_error`: standard
    error of the gain (white residual), K/%; `why`: code of what is wrong with it, empty when nothing is.
    """

    model: Model
    fit: float
    residual_k: float
    gain_error: float
    why: str = ""


class Recording:
    """Uniform samples of an experiment: input, measurement, disturbances. At most MOST_SAMPLES.

    Scans are averaged over the period, input and measurement alike, so that nothing shifts between them. A
    value that is no number keeps the last one; before the first full set nothing is recorded.
    """

    def __init__(self, period_s: float, disturbances: int = 0) -> None:
        self.period_s = period_s
        self.share: list[float] = []
        self.measured: list[float] = []
        self.disturbances: list[list[float]] = [[] for _ in range(disturbances)]
        self._last = [math.nan] * (2 + disturbances)
        self._sums = [0.0] * (2 + disturbances)
        self._count = 0
        self._elapsed = 0.0

    def add(self, dt_s: float, share: float, measured: float, disturbances: Sequence[float] = ()) -> None:
        """One scan: % of flow, °C, and the disturbances in their units."""
        for index, value in enumerate((share, measured, *disturbances)):
            if math.isfinite(value):
                self._last[index] = value
        if any(math.isnan(value) for value in self._last):
            return
        self._sums = [total + value for total, value in zip(self._sums, self._last, strict=True)]
        self._count += 1
        self._elapsed += dt_s
        if self._elapsed < self.period_s - 1e-6:
            return
        for column, total in zip(self._columns(), self._sums, strict=True):
            column.append(total / self._count)
        self._sums, self._count = [0.0] * len(self._sums), 0
        self._elapsed = max(self._elapsed - self.period_s, 0.0)
        if len(self.share) >= MOST_SAMPLES:
            self._thin()

    def keep(self, seconds: float) -> None:
        """Forget all but the last `seconds`: what came before was no steady state to set out from."""
        samples = max(round(seconds / self.period_s), 1)
        for column in self._columns():
            del column[:-samples]

    def _columns(self) -> list[list[float]]:
        return [self.share, self.measured, *self.disturbances]

    def _thin(self) -> None:
        for column in self._columns():
            column[:] = [(a + b) / 2 for a, b in zip(column[::2], column[1::2], strict=False)]
        self.period_s *= 2


class Search:
    """The fit of a recording, one pair (T, L) a `step`.

    `filter_s`: first-order filter that the recorded measurement went through; it is no part of the model.
    """

    def __init__(self, recording: Recording, filter_s: float = 0.0) -> None:
        self.period_s = recording.period_s
        self.filter_s = filter_s
        self.share = _from_start(recording.share)
        self.measured = _from_start(recording.measured)
        self.bent = bool(self.share) and min(self.share) < -BOTH_SIDES and max(self.share) > BOTH_SIDES
        self.disturbances = [
            _from_start(column) for column in recording.disturbances if _moved(column) >= LEAST_DISTURBANCE_K
        ]
        self.done = False
        self.tried = 0
        self.why = _useless(self.share, self.measured)
        self.done = bool(self.why)
        self._grid = [(math.log(lag), dead) for lag in LAGS_S for dead in DEAD_TIMES_S]
        self._best = math.inf
        self._place = (math.log(LAGS_S[3]), 0.0)
        self._reach = 0.35
        self._turn = 0
        self._better = False

    def step(self) -> bool:
        """Try one pair; True when the best one is found."""
        if self.done:
            return True
        if self._grid:
            self._try(*self._grid.pop())
            return False
        move = _TURNS[self._turn]
        self._better |= self._try(
            self._place[0] + move[0] * self._reach,
            self._place[1] + move[1] * self._reach * max(self._place[1], 0.5 * math.exp(self._place[0]), 2.0),
        )
        self._turn = (self._turn + 1) % len(_TURNS)
        if self._turn == 0:
            self._reach *= 1.0 if self._better else 0.5
            self._better = False
            self.done = self._reach < _FINEST
        return self.done

    def result(self) -> Identified:
        """What was found so far, and what speaks against it."""
        lag, dead = math.exp(self._place[0]), self._place[1]
        if self.why == "no_movement" or not self.tried:
            return Identified(Model(math.nan, lag, dead), 0.0, math.nan, math.nan, self.why or "no_movement")
        columns = self._explained_by(lag, dead)
        solved = least_squares(columns, self.measured)
        inputs = 2 if self.bent else 1
        nothing = least_squares(columns[inputs:], self.measured)
        if solved is None or nothing is None:
            return Identified(Model(math.nan, lag, dead), 0.0, math.nan, math.nan, "poor_fit")
        count = len(self.measured)
        residual = math.sqrt(solved.rest / count)
        fit = 100 * (1 - math.sqrt(solved.rest / nothing.rest)) if nothing.rest > 0 else 0.0
        error = math.sqrt(solved.rest / max(count - len(columns), 1) * solved.first_spread)
        model = Model(solved.weights[0], lag, dead)
        return Identified(
            model, fit, residual, error, self._judge(model, fit, error, solved.weights, columns)
        )

    def _judge(
        self, model: Model, fit: float, error: float, weights: list[float], columns: list[list[float]]
    ) -> str:
        if not math.isfinite(model.gain) or abs(model.gain) < GAIN_ERRORS * error:
            return "no_response"
        if model.gain < 0:
            return "wrong_way"
        if fit < LEAST_FIT:
            return "poor_fit"
        if not (SHORTEST_LAG_S * 1.01 < model.lag_s < LONGEST_LAG_S / 1.01):
            return "out_of_range"
        if model.dead_time_s > LONGEST_DEAD_TIME_S / 1.01:
            return "out_of_range"
        return "" if self._repeats(weights, columns) else "not_repeatable"

    def _repeats(self, weights: list[float], columns: list[list[float]]) -> bool:
        """Whether either half of the experiment alone says the same of the input's effect."""
        effect = columns[0]
        if self.bent:
            effect = [weights[0] * a + weights[1] * b for a, b in zip(columns[0], columns[1], strict=True)]
        middle = len(self.measured) // 2
        gains = []
        for part in (slice(0, middle), slice(middle, None)):
            half = [effect[part], *(column[part] for column in columns[-2:])]
            solved = least_squares(half, self.measured[part])
            gains.append(solved.weights[0] if solved is not None else math.nan)
        return min(gains) > 0 and max(gains) <= HALVES_RATIO * min(gains)

    def _try(self, log_lag: float, dead: float) -> bool:
        """Whether this pair is better than the best so far; then it is the best one."""
        low, high = math.log(SHORTEST_LAG_S), math.log(LONGEST_LAG_S)
        place = (min(max(log_lag, low), high), min(max(dead, 0.0), LONGEST_DEAD_TIME_S))
        solved = least_squares(self._explained_by(math.exp(place[0]), place[1]), self.measured)
        self.tried += 1
        if solved is None or not solved.rest < self._best * (1 - 1e-9):
            return False
        self._best, self._place = solved.rest, place
        return True

    def _explained_by(self, lag: float, dead: float) -> list[list[float]]:
        """Input first, its square where it is bent, then disturbances, constant and drift."""
        count = len(self.measured)
        columns = [self._seen(self.share, lag, dead)]
        if self.bent:
            columns.append(self._seen([value * value for value in self.share], lag, dead))
        columns += [self._seen(column, lag, 0.0) for column in self.disturbances]
        return [*columns, [1.0] * count, [2 * k / count - 1 for k in range(count)]]

    def _seen(self, values: list[float], lag: float, dead: float) -> list[float]:
        answer = lagged(values, self.period_s, lag, dead)
        return lagged(answer, self.period_s, self.filter_s, 0.0) if self.filter_s > 0 else answer


def identify(recording: Recording, filter_s: float = 0.0) -> Identified:
    """The whole search at once, for use outside of the scan."""
    search = Search(recording, filter_s)
    while not search.step():
        pass
    return search.result()


def lagged(values: list[float], period_s: float, lag_s: float, dead_time_s: float) -> list[float]:
    """Response of e^(−L·s)/(T·s + 1) to samples joined by straight lines that stood still before them.

    Within one sample the input counts with its mean, which is exact but for terms of (period/T)².
    """
    if not values:
        return []
    whole = int(dead_time_s / period_s)
    part = dead_time_s / period_s - whole
    padded = [values[0]] * (whole + 1) + values
    delayed = [now + part * (before - now) for before, now in pairwise(padded)]
    gain = 1 - math.exp(-period_s / lag_s)
    state = values[0]
    answer = [state]
    for before, now in pairwise(delayed[: len(values)]):
        state += gain * (0.5 * (before + now) - state)
        answer.append(state)
    return answer


@dataclass(frozen=True, slots=True)
class Solved:
    """Answer of `least_squares`."""

    weights: list[float]
    rest: float
    """Sum of the squared residuals."""
    first_spread: float
    """Variance of the first weight for residuals of variance 1."""


def least_squares(columns: list[list[float]], target: list[float]) -> Solved | None:
    """Weights of `columns` that explain `target` best, by the normal equations; None where they depend."""
    size = len(columns)
    scales = [math.sqrt(sum(map(mul, column, column))) for column in columns]
    if not all(scale > 0 and math.isfinite(scale) for scale in scales):
        return None
    rows = [
        [sum(map(mul, a, b)) / (sa * sb) for b, sb in zip(columns, scales, strict=True)]
        for a, sa in zip(columns, scales, strict=True)
    ]
    right = [sum(map(mul, column, target)) / scale for column, scale in zip(columns, scales, strict=True)]
    unit = [1.0] + [0.0] * (size - 1)
    solved = _eliminate(rows, [right, unit])
    if solved is None:
        return None
    weights = [weight / scale for weight, scale in zip(solved[0], scales, strict=True)]
    rest = sum(map(mul, target, target)) - sum(map(mul, solved[0], right))
    return Solved(weights, max(rest, 0.0), max(solved[1][0], 0.0) / scales[0] ** 2)


def _eliminate(rows: list[list[float]], rights: list[list[float]]) -> list[list[float]] | None:
    """Gauss–Jordan on a symmetric matrix with ones on its diagonal, for several right-hand sides."""
    size = len(rows)
    table = [[*rows[k], *(right[k] for right in rights)] for k in range(size)]
    for k in range(size):
        pivot = table[k][k]
        if abs(pivot) < 1e-10:
            return None
        table[k] = [value / pivot for value in table[k]]
        for other in range(size):
            factor = table[other][k]
            if other != k and factor != 0.0:
                table[other] = [a - factor * b for a, b in zip(table[other], table[k], strict=True)]
    return [[table[k][size + n] for k in range(size)] for n in range(len(rights))]


def _from_start(values: list[float]) -> list[float]:
    return [value - values[0] for value in values]


def _moved(values: list[float]) -> float:
    """Range of the values, averaged over five so that noise does not count."""
    means = [sum(values[k : k + 5]) / 5 for k in range(0, len(values) - 4, 5)]
    return max(means) - min(means) if means else 0.0


def _useless(share: list[float], measured: list[float]) -> str:
    """Why a recording is not worth a search, or nothing."""
    if len(share) < 20 or _moved(share) < LEAST_INPUT:
        return "no_movement"
    return "no_response" if _moved(measured) < LEAST_RESPONSE_K else ""
