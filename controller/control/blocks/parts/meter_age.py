"""How often a meter really renews its value: measured, not believed.

A bus may ask a meter every second and get the same figure for a minute (battery meters, M-Bus read-outs
that are cached). So the time between *changes* of the value is learned. Its lower quartile is the
interval: a figure that happens to repeat makes single gaps longer, never the quartile much. Panel
controllers demand a meter that renews its value within 5 s for a flow limit, and trust the installer.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import quantiles

from controller.points import Point

KEPT, ENOUGH = 24, 6
FROZEN = 12.0
"""A value that has not changed for so many times the slowest allowed interval has stopped."""


class MeterAge:
    """Learns the interval of one point; `why` says why it is not fit for control."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=KEPT)
        self._value = math.nan
        self._changed = math.nan
        self.interval = math.nan
        self.age = math.nan
        self.why = "meter_unknown"

    def step(self, point: Point | None, now: float, slowest_s: float) -> bool:
        """True when the point's value is fresh enough. Once a scan; `now`: plant seconds."""
        self.why = self._judge(point, now, slowest_s)
        return not self.why

    def _judge(self, point: Point | None, now: float, slowest_s: float) -> str:
        if point is None or not point.usable or not math.isfinite(point.value):
            self._value = self._changed = self.age = math.nan
            return "meter_lost"
        if point.value != self._value:
            if not math.isnan(self._changed) and point.time > self._changed:
                self._gaps.append(point.time - self._changed)
                self._learn()
            self._value, self._changed = point.value, point.time
        self.age = now - self._changed
        if now - point.time > FROZEN * slowest_s:
            return "meter_old"
        if len(self._gaps) < ENOUGH:
            return "meter_unknown"
        if self.interval > slowest_s:
            return "meter_slow"
        return "meter_frozen" if self.age > FROZEN * slowest_s else ""

    def _learn(self) -> None:
        gaps = list(self._gaps)
        self.interval = quantiles(gaps, n=4, method="inclusive")[0] if len(gaps) > 1 else gaps[0]
