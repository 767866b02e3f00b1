"""Does a loop swing? Extremes of the error, and when they follow one another without dying out.

Extremes: the error turns by more than `2·amplitude` (so noise and ripple make none). A chain of extremes is
sustained when six in a row (five swings) alternate with a half swing above `amplitude` each, at most
LONGEST_S from one to the next, and do not die out: the last two half swings are, in the mean, at least
DECAY of the first two. A single disturbance with its overshoot makes two or three; disturbances that come
one by one are further apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

AMPLITUDE_K = 0.5
EXTREMES = 6
LONGEST_S = 900.0
DECAY = 0.8


def extremes(errors: Sequence[float], dt: float, amplitude: float = AMPLITUDE_K) -> list[tuple[float, float]]:
    """(s, K) of the alternating extremes of a series with `dt` s between values."""
    found: list[tuple[float, float]] = []
    if not errors:
        return found
    low = high = (0.0, errors[0])
    rising: bool | None = None
    for k, value in enumerate(errors):
        now = (k * dt, value)
        low = min(low, now, key=lambda at: at[1])
        high = max(high, now, key=lambda at: at[1])
        if rising is not False and high[1] - value > 2.0 * amplitude:
            found.append(high)
            rising, low, high = False, now, now
        elif rising is not True and value - low[1] > 2.0 * amplitude:
            found.append(low)
            rising, low, high = True, now, now
    return found


def sustained(
    errors: Sequence[float], dt: float, amplitude: float = AMPLITUDE_K
) -> list[tuple[float, float]]:
    """Times (begin, end) in s of all sustained oscillation, joined where it goes on."""
    turns = extremes(errors, dt, amplitude)
    spans: list[tuple[float, float]] = []
    for first in range(len(turns) - EXTREMES + 1):
        window = turns[first : first + EXTREMES]
        halves = [0.5 * abs(b[1] - a[1]) for a, b in itertools.pairwise(window)]
        pauses = [b[0] - a[0] for a, b in itertools.pairwise(window)]
        if max(pauses) > LONGEST_S or sum(halves[-2:]) < DECAY * sum(halves[:2]):
            continue
        begin, end = window[0][0], window[-1][0]
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return spans
