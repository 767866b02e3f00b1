"""Is what was written really there? Judged by reading it back.

After a window of 5 s and two cycles of the read-back in which the device showed something else than it was
told, it is told again at once; after the third such window in a row the write is not confirmed. A device that
shows what it was told within the last window is only slow. One that had shown the value and then shows
another one without having been told was overwritten: by a second master, a panel, or its own restart. It is
good again after a minute without a difference, so that two masters in turn do not look like recovery.

Rounding: a device may be off by one count or by 1/400 of the range (a little more than a step of eight bits).
Everything here is pure; times are plant seconds. Window, tries and good time are own judgement.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from drivers.profile import ProfilePoint
from drivers.registers import raw_of

WINDOW_S, WINDOW_CYCLES = 5.0, 2
FAILURES = 3
GOOD_S = 60.0
FOREIGN_AFTER_S = 1.0
"""A device may take so long to hand on what it has acknowledged; before that nothing is judged."""
ROUNDING = 1 / 400
_MOST_REMEMBERED = 64


def fits(points: Sequence[ProfilePoint], read: Sequence[int], written: Sequence[int]) -> bool:
    """True when `read` stands for what was `written` to one register of these points.

    Of flags that share a register only those of `points` count."""
    (first, *others) = points
    if others or first.bit is not None:
        mask = sum(1 << (point.bit or 0) for point in points)
        return read[0] & mask == written[0] & mask
    if first.codes or first.type == "bit":
        return list(read) == list(written)
    span = (first.range[1] - first.range[0]) / abs(first.scale) if first.range is not None else 0.0
    off = 0.0 if first.type == "float32" else 1.0
    return abs(raw_of(first, read) - raw_of(first, written)) <= max(off, ROUNDING * span)


class ReadBack:
    """One register that is written and read. `cycle_s`: how often it is read."""

    def __init__(self, points: Sequence[ProfilePoint], cycle_s: float) -> None:
        self.points = tuple(points)
        self.cycle_s = cycle_s
        self.window_s = WINDOW_S + WINDOW_CYCLES * cycle_s
        self.found: list[int] = []
        """What the device shows instead, or showed last."""
        self.seen_at = -math.inf
        """Time of the last read-back that could be judged."""
        self.overwritten = False
        self.failures = 0
        self._told: list[int] = []
        self._told_at = -math.inf
        self._shown = False
        self._earlier: deque[tuple[float, list[int]]] = deque(maxlen=_MOST_REMEMBERED)
        self._ends = math.inf
        self._wrong_at = -math.inf

    @property
    def confirmed(self) -> bool:
        """No reason to think otherwise."""
        return self.failures < FAILURES

    def told(self, words: Sequence[int], now: float) -> None:
        """The device has acknowledged `words`."""
        words = list(words)
        if words == self._told:
            return
        if self._told:
            self._earlier.append((now, self._told))
        self._told, self._told_at, self._shown = words, now, False

    def forget(self) -> None:
        """The device is gone: what it shows when it is back is a new story."""
        self._told, self.failures, self._ends = [], 0, math.inf
        self._earlier.clear()
        self.overwritten = False

    def saw(self, words: Sequence[int], now: float) -> bool:
        """The device shows `words`. True: tell it again at once."""
        if not self._told:
            return False
        self.seen_at, self.found = now, list(words)
        if fits(self.points, words, self._told):
            self._shown = True
        elif not self._is_late(words, now):
            self._wrong_at = now
            self.overwritten = self.overwritten or self._shown
            if self._ends == math.inf:
                self._ends = now + self.window_s
        return self._judge(now)

    def _is_late(self, words: Sequence[int], now: float) -> bool:
        if now - self._told_at < FOREIGN_AFTER_S:
            return True
        return any(
            now - until <= self.window_s and fits(self.points, words, earlier)
            for until, earlier in self._earlier
        )

    def _judge(self, now: float) -> bool:
        if self._ends == math.inf:
            return False
        if now - self._wrong_at >= GOOD_S:
            self.failures, self._ends, self.overwritten = 0, math.inf, False
            return False
        if now < self._ends:
            return False
        wrong = self._wrong_at >= self._ends - self.window_s
        self._ends = now + self.window_s
        if wrong:
            self.failures += 1
        return wrong
