"""Least integral of the absolute error that any controller can reach: a linear programme over the valve's
path.

First order with dead time, the valve's rate its only limit (FACTS §6):

    T·y' = K·u(t - L) - y,  |u'| ≤ 100 %/stroke,  min ∫|target - disturbance - y| dt

`y` in K, `u` in % of stroke from the steady state; the valve rests until the change is seen, because nobody
announces it. Exact step of the first order for an input that moves along straight lines between the grid's
points; the trapezoidal integral of |e| by two slack halves; solved by HiGHS.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from scipy.optimize import least_squares, linprog
from scipy.sparse import coo_array, vstack

GRID_S = 1.0
HORIZON_S = 600.0


@dataclass(frozen=True, slots=True)
class Model:
    """`gain` K/%, `lag` and `dead` s; `error`: root mean square of the fit in K."""

    gain: float
    lag: float
    dead: float
    error: float = 0.0


def least(
    model: Model,
    stroke_s: float,
    wish: np.ndarray,
    seen_s: float = 0.0,
    room: tuple[float, float] = (-np.inf, np.inf),
    grid: float = GRID_S,
) -> float:
    """K·s that remain when `y` shall follow `wish` (K, a value a grid point from 0 on).

    `seen_s`: the valve does not move before; `room`: what the valve has left, in % below and above 0.
    Raises RuntimeError when the programme is not solved."""
    points = len(wish)
    keep = exp(-grid / model.lag)
    # Of an input that goes straight from a to b during a step: y' = keep·y + K·(early·a + late·b).
    late = 1.0 - model.lag / grid * (1.0 - keep)
    early = 1.0 - keep - late
    whole, part = divmod(model.dead / grid, 1.0)
    first = int(whole)
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []

    def put(row: int, column: int, value: float) -> None:
        if column >= 0 and value != 0.0:
            rows.append(row)
            columns.append(column)
            values.append(value)

    # Columns: u, y, the error's two halves, `points` each. Rows: dynamics, then |error|.
    for k in range(points - 1):
        put(k, points + k + 1, 1.0)
        put(k, points + k, -keep)
        for at, share in ((k, early), (k + 1, late)):
            # u at a time between grid points; before 0 the valve rested at 0.
            now, before = at - first, at - first - 1
            put(k, now if now >= 0 else -1, -model.gain * share * (1.0 - part))
            put(k, before if before >= 0 else -1, -model.gain * share * part)
    for k in range(points):
        put(points - 1 + k, points + k, 1.0)
        put(points - 1 + k, 2 * points + k, 1.0)
        put(points - 1 + k, 3 * points + k, -1.0)
    equal = coo_array((values, (rows, columns)), shape=(2 * points - 1, 4 * points)).tocsr()
    right = np.concatenate([np.zeros(points - 1), wish])
    rate = 100.0 / stroke_s * grid
    pairs = np.arange(points - 1)
    ones = np.ones(points - 1)
    up = coo_array(
        (np.concatenate([ones, -ones]), (np.tile(pairs, 2), np.concatenate([pairs + 1, pairs]))),
        shape=(points - 1, 4 * points),
    ).tocsr()
    moves = np.where((pairs + 1) * grid <= seen_s, 0.0, rate)
    cost = np.zeros(4 * points)
    cost[2 * points :] = grid
    cost[[2 * points, 3 * points - 1, 3 * points, 4 * points - 1]] = 0.5 * grid
    low, high = np.full(4 * points, -np.inf), np.full(4 * points, np.inf)
    low[:points], high[:points] = room
    low[2 * points :] = 0.0
    low[0] = high[0] = low[points] = high[points] = 0.0
    found = linprog(
        cost,
        vstack([up, -up]),
        np.concatenate([moves, moves]),
        equal,
        right,
        np.column_stack([low, high]),
        method="highs",
    )
    if found.status != 0:
        raise RuntimeError(f"the linear programme was not solved: {found.message}")
    return float(found.fun)


def bound(gain: float, lag: float, dead: float, stroke_s: float, step: float = 5.0) -> float:
    """Least K·s of an unannounced set-point step of `step` K. `gain` K/%, `lag`, `dead`, `stroke_s` s.

    FACTS §6 gives for 5 K, 0.4 K/% and a stroke of 120 s: 138 (20 and 8 s), 212 (40, 15), 309 (60, 30)."""
    points = round(HORIZON_S / GRID_S) + 1
    return least(Model(gain, lag, dead), stroke_s, np.full(points, step))


def identify(position: np.ndarray, answer: np.ndarray, dt: float) -> Model:
    """First order with dead time between the valve's position (%) and the answer (K), both from steady state.

    Least squares over all three parameters from several starts; `position[0]` is where the valve stood."""
    drive = position - position[0]
    times = np.arange(len(drive)) * dt

    def simulate(parameters: np.ndarray) -> np.ndarray:
        gain, lag, dead = parameters
        delayed = np.interp(times - dead, times, drive, left=0.0)
        keep = exp(-dt / max(lag, 1e-3))
        out, y = np.empty_like(delayed), 0.0
        for k, value in enumerate(delayed):
            y = keep * y + (1.0 - keep) * gain * value
            out[k] = y
        return out

    best = None
    for dead in (2.0, 8.0, 20.0):
        start = np.array([answer[-1] / drive[-1], 20.0, dead])
        found = least_squares(
            lambda p: simulate(p) - answer,
            start,
            bounds=([-5.0, 1.0, 0.0], [5.0, 600.0, 120.0]),
            x_scale=[0.1, 10, 5],
        )
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    gain, lag, dead = best.x
    error = float(np.sqrt(np.mean((simulate(best.x) - answer) ** 2)))
    return Model(float(gain), float(lag), float(dead), error)
