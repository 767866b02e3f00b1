"""Relay experiment of a loop: the flow jumps whenever the supply passes where it began, and so both swing.

A relay in the place of the regulator makes a loop swing near the frequency that matters for its tuning, with
an amplitude that is known beforehand (Åström, Hägglund, Automatica 20, 1984). Its hysteresis is a multiple of
the noise that was measured while the flow stood, so that noise does not switch it. The relay is biased: the
one jump is larger than the other, so that the mean of the flow moves as well and with it the static gain
shows (Shen, Wu, Yu, AIChE J. 42, 1996).

A first-order loop never goes further than it would if it stood at either flow for ever, so the jumps are
sized like the steps of `tuning_experiment`. After the first whole swing they are sized anew for what it did,
and the hysteresis widens to a share of the swing: a slower swing tells the static gain better. Where the
supply comes to rest before the relay has switched, because the load has drifted or the gain is small, the
jumps grow once more.
"""

from __future__ import annotations

import math

from controller.control.blocks.loop.tuning_experiment import (
    BEND,
    LEAST_MOVE_K,
    LEAST_STEP,
    LONGEST_S,
    MOST_STEP,
    Experiment,
    Room,
)

BIAS, MOST_BIAS = 0.5, 0.75
"""The smaller jump as a share of the larger one, and at most."""
SIGMAS = 4.0
"""Hysteresis in standard deviations of the noise."""
LEAST_HYSTERESIS_K, MOST_HYSTERESIS_K = 0.1, 0.5
WIDER_K = 0.3
"""Hysteresis after the first swing, where noise asks for no more: a third of the swing."""
SWING_K = 1.0
"""So far the supply is to swing to either side."""
LEAST_RESIZE, MOST_RESIZE = 0.5, 2.0
GROWS, LEAST_GROWTH = 1.5, 1.05
RESTS_S = 90.0
"""A half-wave that is so old and stands will not end by itself."""
SWINGS = 5
"""Whole swings, the first of which only sizes the jumps."""
ENOUGH, ENOUGH_S = 3, 700.0
"""A slow loop need not do all of them."""


class RelayExperiment(Experiment):
    """Base flow until the supply stands, a row of swings, base flow until it stands again.

    `impossible` without room to both sides: a relay that can only heat or only cool does not swing about
    where the loop stood.
    """

    def __init__(self, base: float, measured: float, back: float, room: Room) -> None:
        super().__init__(base, measured, back, room)
        self.levels = SWINGS + 2
        self.hysteresis = MOST_HYSTERESIS_K
        self.stuck = False
        """The supply does not come back, whatever the flow."""
        self.begins: list[float] = []
        """When each swing began and the last one ended, s from the first jump."""
        self._jumps = self._plan()
        self.impossible = self._jumps[0] == 0.0
        self._first = 1 if self._jumps[0] >= self._jumps[1] else -1
        self._side = 0
        self._swinging_s = 0.0
        self._lowest, self._highest = math.inf, -math.inf

    @property
    def share(self) -> float:
        """Flow of this moment, %."""
        if self._side == 0:
            return self.base
        return self.base + self._jumps[0] if self._side > 0 else self.base - self._jumps[1]

    def step(self, dt_s: float, measured: float) -> float | None:
        """Flow to put out for this scan, %."""
        self._see(dt_s, measured)
        if self.level in (0, self.levels - 1):
            if self._over():
                self._next()
        else:
            self._swing(dt_s, measured)
        return self.share if self.level < self.levels else None

    def _next(self) -> None:
        if self.level == 0:
            self.start = self._recent()
            self.hysteresis = min(max(SIGMAS * self._noise(), LEAST_HYSTERESIS_K), MOST_HYSTERESIS_K)
            self._side = self._first
            self.begins = [0.0]
        self.level += 1
        self._begin()

    def _swing(self, dt_s: float, measured: float) -> None:
        self._swinging_s += dt_s
        self._lowest, self._highest = min(self._lowest, measured), max(self._highest, measured)
        if (measured - self.start) * self._side < self.hysteresis:
            if self._elapsed > RESTS_S and self._stands():
                self.stuck = not self._resize(GROWS)
                self._elapsed = 0.0
            self.stuck = self.stuck or self._elapsed > LONGEST_S
            return
        self._side = -self._side
        self._begin()
        if self._side == self._first:
            self._swung()

    def _swung(self) -> None:
        """A whole swing ends where it began."""
        if self.level == 1:
            self._resize(SWING_K / max((self._highest - self._lowest) / 2, 0.1))
            self.hysteresis = max(self.hysteresis, WIDER_K)
        self._lowest, self._highest = math.inf, -math.inf
        self.begins.append(self._swinging_s)
        self.level += 1
        if self.level > ENOUGH and self._swinging_s > ENOUGH_S:
            self.level = self.levels - 1
        if self.level == self.levels - 1:
            self._side = 0

    def _plan(self) -> tuple[float, float]:
        """Jumps upward and downward, %; the larger one to the side with more room. Zero: not enough room."""
        up, down = self._size(1), self._size(-1) / BEND
        large = max(up, down)
        small = min(up, down, max(BIAS * large, LEAST_STEP))
        if (
            min(self._space(1), self._space(-1)) < LEAST_MOVE_K
            or small < LEAST_STEP
            or small > MOST_BIAS * large
        ):
            return 0.0, 0.0
        return (large, small) if up >= down else (small, large)

    def _noise(self) -> float:
        """Standard deviation of what was seen last about its straight line, K."""
        times = [time for time, _ in self._seen]
        values = [value for _, value in self._seen]
        count = len(values)
        if count < 3:
            return 0.0
        middle, mean = sum(times) / count, sum(values) / count
        spread = sum((t - middle) ** 2 for t in times)
        slope = sum((t - middle) * v for t, v in zip(times, values, strict=True)) / spread
        rest = sum((v - mean - slope * (t - middle)) ** 2 for t, v in zip(times, values, strict=True))
        return math.sqrt(rest / (count - 2))

    def _resize(self, factor: float) -> bool:
        """Both jumps by the same factor, within the flow that there is; False where they stay."""
        up, down = self._jumps
        room = min((self.room.high - self.base) / up, (self.base - self.room.low) / down)
        most, least = min(MOST_STEP / max(up, down), room), LEAST_STEP / min(up, down)
        factor = max(min(factor, MOST_RESIZE, most), LEAST_RESIZE, min(least, most))
        self._jumps = (factor * up, factor * down)
        return factor > LEAST_GROWTH
