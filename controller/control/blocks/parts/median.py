"""The median of the last readings: a noisy sensor opens no relief valve, a single reading nothing at all."""

from __future__ import annotations

import math
from collections import deque
from statistics import median


class Median:
    """Of the last `count` values, one a scan."""

    def __init__(self, count: int) -> None:
        self._last: deque[float] = deque(maxlen=count)

    def step(self, value: float) -> float:
        """Median with `value` as the newest. NaN (nothing can be seen) is handed on and ends the row."""
        if math.isnan(value):
            self._last.clear()
            return value
        self._last.append(value)
        return median(self._last)
