"""A contribution to the set-point that comes, goes and changes its source without a bump.

value = (1 − w)·from + w·target. Whenever the source of the target changes (it appears, is lost, another
one takes over), `from` becomes the value of that moment and w runs from 0 to 1 within `time_s`. Then the
value follows its target at once. A mean of two bounded values, it never leaves their bounds.
"""

from __future__ import annotations

import math


class Fade:
    """Follows what is wanted; fades to 0 while nothing is."""

    def __init__(self, time_s: float) -> None:
        self.time_s = time_s
        self.value = 0.0
        self._from = 0.0
        self._weight = 1.0
        self._source: object = None

    def step(self, wanted: float | None, dt_s: float, source: object = True) -> float:
        """The contribution. None (or no number): nothing is wanted. `source`: whose target it is."""
        if wanted is None or not math.isfinite(wanted):
            wanted, source = 0.0, None
        if source != self._source:
            self._source = source
            self._from, self._weight = self.value, 0.0
        self._weight = min(self._weight + max(dt_s, 0.0) / self.time_s, 1.0)
        self.value = self._from + self._weight * (wanted - self._from)
        return self.value

    def restore(self, value: float) -> None:
        """Go on from a remembered contribution; it then fades to what is wanted now."""
        if math.isfinite(value):
            self.value, self._from, self._weight, self._source = value, value, 0.0, None
