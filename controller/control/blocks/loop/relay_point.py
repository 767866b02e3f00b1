"""What a relay's swings say by themselves: one point of the frequency response, held against the model.

Describing function: of the input and of the answer only the first harmonic counts, so at the swings'
frequency the plant answers with their ratio and their lag (Åström, Hägglund, Automatica 20, 1984). The
harmonic of the input is taken from the flow as it was and not from the ideal relay, 4d/π, because a valve
takes half a minute for its way. Both are fitted over whole swings together with a constant and a drift.

With a hysteresis the relay swings below the ultimate frequency. Ultimate gain and period are those of the
model, for a model that answers like the swings did: ω·L + atan(ω·T) = π, Ku = √(1 + (ω·T)²)/K.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from controller.control.blocks.loop.identification import Model, Recording, least_squares

GAIN_RATIO, PHASE_DEGREES = 1.25, 20.0
"""So far may model and swings be apart: what the bend of the exchanger's curve makes of a first harmonic."""


@dataclass(frozen=True, slots=True)
class RelayPoint:
    """Period of the swings in s, the answer's gain in K per % of flow and its lag in degrees."""

    period_s: float
    gain: float
    lag: float


@dataclass(frozen=True, slots=True)
class Ultimate:
    """`gain` in % of flow per K and `period_s` with which a P regulator would swing for ever."""

    gain: float
    period_s: float


def relay_point(recording: Recording, begin_s: float, end_s: float, swings: int) -> RelayPoint | None:
    """The point of some whole swings between two times of the recording; None where nothing swung."""
    first, last = round(begin_s / recording.period_s), round(end_s / recording.period_s)
    if swings < 1 or last - first < 8:
        return None
    times = [index * recording.period_s for index in range(last - first)]
    turn = 2 * math.pi * swings / (end_s - begin_s)
    columns = [
        [math.cos(turn * time) for time in times],
        [math.sin(turn * time) for time in times],
        [1.0] * len(times),
        [2 * time / times[-1] - 1 for time in times],
    ]
    harmonics = []
    for signal in (recording.share[first:last], recording.measured[first:last]):
        solved = least_squares(columns, signal) if len(signal) == len(times) else None
        if solved is None:
            return None
        harmonics.append(complex(solved.weights[0], -solved.weights[1]))
    if abs(harmonics[0]) < 1e-6 or abs(harmonics[1]) < 1e-6:
        return None
    answer = harmonics[1] / harmonics[0]
    lag = math.degrees(-math.atan2(answer.imag, answer.real)) % 360
    return RelayPoint(2 * math.pi / turn, abs(answer), lag)


def agrees(point: RelayPoint, model: Model) -> bool:
    """The model answers at the swings' frequency as the plant did."""
    turn = 2 * math.pi / point.period_s
    ratio = model.gain / math.hypot(1.0, turn * model.lag_s) / point.gain
    lag = math.degrees(turn * model.dead_time_s + math.atan(turn * model.lag_s))
    apart = abs((lag - point.lag + 180) % 360 - 180)
    return 1 / GAIN_RATIO <= ratio <= GAIN_RATIO and apart <= PHASE_DEGREES


def ultimate(model: Model) -> Ultimate:
    """Where the model's lag is 180°; `model` has some dead time, or no gain makes it swing."""
    low, high = 0.0, math.pi / model.dead_time_s
    for _ in range(60):
        middle = (low + high) / 2
        turned = middle * model.dead_time_s + math.atan(middle * model.lag_s) < math.pi
        low, high = (middle, high) if turned else (low, middle)
    return Ultimate(math.hypot(1.0, high * model.lag_s) / model.gain, 2 * math.pi / high)
