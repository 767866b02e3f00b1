"""Half-waves of a signal about zero: how long, how high, how regular.

A half-wave ends when the signal has passed a hysteresis on the other side, so noise makes none. Its height is
that of a sine with the same area, A = π/2·area/duration. Several are an oscillation when the whole periods
are alike, std/mean below a bound (Thornhill, Huang, Zhang, J. Process Control 13, 2003 call below 1/3
regular), and when they do not die away; the area criterion is Hägglund's (Control Eng. Practice 3, 1995).
"""

from __future__ import annotations

import math
from collections import deque

DYING = 0.7
"""The later half of the waves must be so high, as a share of the earlier half."""


class HalfWaves:
    """The last `count` half-waves (an even number). `step` is True when one has just ended."""

    def __init__(self, hysteresis: float, count: int, regular: float) -> None:
        """`regular`: largest std/mean of the periods of an oscillation."""
        self.hysteresis, self.regular = hysteresis, regular
        self.waves: deque[tuple[float, float]] = deque(maxlen=count)
        """Duration in s and height in the signal's unit, the newest last."""
        self.side = 0
        self.elapsed = 0.0
        self.peak = 0.0
        self._area = 0.0

    def step(self, dt: float, value: float) -> bool:
        """Take one value; one that is no number is left out."""
        if not math.isfinite(value):
            return False
        ended = False
        if self.side == 0:
            if abs(value) >= self.hysteresis:
                self.side = 1 if value > 0 else -1
                self.elapsed = self._area = self.peak = 0.0
        elif value * self.side <= -self.hysteresis:
            if self.elapsed > 0:
                self.waves.append((self.elapsed, math.pi / 2 * self._area / self.elapsed))
                ended = True
            self.side = -self.side
            self.elapsed = self._area = self.peak = 0.0
        self.elapsed += dt
        self._area += abs(value) * dt
        self.peak = max(self.peak, abs(value))
        return ended

    def forget(self) -> None:
        """Begin anew."""
        self.waves.clear()
        self.side = 0
        self.elapsed = 0.0

    @property
    def period_s(self) -> float:
        """Mean period, NaN with less than two half-waves."""
        if len(self.waves) < 2:
            return math.nan
        return 2 * sum(duration for duration, _ in self.waves) / len(self.waves)

    @property
    def height(self) -> float:
        """Mean height of the waves, NaN without any."""
        return sum(height for _, height in self.waves) / len(self.waves) if self.waves else math.nan

    def swings(self, least: float) -> bool:
        """A regular oscillation with every period at least `least` high, that does not die away."""
        count = len(self.waves)
        if count < (self.waves.maxlen or 0):
            return False
        waves = list(self.waves)
        pairs = list(zip(waves[::2], waves[1::2], strict=False))
        periods = [first[0] + second[0] for first, second in pairs]
        heights = [(first[1] + second[1]) / 2 for first, second in pairs]
        if min(heights) < least:
            return False
        mean = sum(periods) / len(periods)
        spread = math.sqrt(sum((period - mean) ** 2 for period in periods) / len(periods))
        half = len(heights) // 2
        return spread <= self.regular * mean and sum(heights[half:]) >= DYING * sum(heights[:half])
