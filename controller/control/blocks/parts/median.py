"""The median of the last readings: a noisy sensor opens no relief valve, a single reading nothing at all."""

from __future__ import annotations

import math
from collections import deque
from statistics import median


class Median:
    """Of the readings of the last `seconds`, at most 64."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: deque[tuple[float, float]] = deque(maxlen=64)

    def step(self, value: float, now: float) -> float:
        """Median with `value` as the newest. NaN (nothing can be seen) is handed on and ends the row."""
        if math.isnan(value):
            self._last.clear()
            return value
        self._last.append((now, value))
        while now - self._last[0][0] >= self._seconds:
            self._last.popleft()
        return median([value for _, value in self._last])
