"""Experiments of a tuning: what they share, and the steps.

The steps: the flow up, down and up again around where it stands, by 2–3 K of supply.

The first step is sized by the exchanger's balance: with a steady secondary side the supply cannot gain more
per % of flow than (supply − return)/flow, because its curve over the flow bends downward. What that step
does gives the gain for the others. Each level lasts until the supply stands again, so fast loops take a few
minutes and slow ones up to the time-out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

MOVE_K = 2.5
"""So far the supply is to move to either side."""
MARGIN_K = 1.0
"""The plan keeps so far off the limits of the supply temperature."""
LEAST_MOVE_K = 1.0
"""With less room than this to one side only the other side is used."""
MOST_STEP, LEAST_STEP = 25.0, 3.0
"""Largest and smallest change of the flow, %."""
UNKNOWN_GAIN = 0.4
"""K per % of flow where no return is measured: more than any nominal station has."""
SHORTEST_S, LONGEST_S = 60.0, 300.0
"""A level lasts at least and at most so long."""
WINDOW_S = 20.0
STANDS_K = 0.06
"""The supply stands when the means of two neighbouring windows differ by less; noise alone gives 0.02 K."""
ANSWERED, ANSWERED_K = 0.3, 0.5
"""A level may end early once this share of the expected move, or so much, was seen: before, it may be the
dead time in which the supply stands."""
LEAST_GAIN = 0.02
"""A smaller one is a valve that does not answer, K per %."""
BEND = 1.4
"""Downward the flow moves the supply more than upward: the exchanger's curve bends."""
LEVELS = 5


@dataclass(frozen=True, slots=True)
class Room:
    """What the experiment may use: flow within `low` … `high` %, supply within `lowest` … `highest` °C."""

    low: float
    high: float
    lowest: float
    highest: float


class Experiment(ABC):
    """What both experiments share: how far they may go, and when the supply stands.

    `step` gives the flow, or None when the last level is over. `impossible` where there is not the room that
    the experiment needs.
    """

    def __init__(self, base: float, measured: float, back: float, room: Room) -> None:
        """`base`: flow it starts from and ends at, %; `measured`, `back`: supply and return, °C (NaN:
        none)."""
        self.base = base
        self.start = measured
        self.gain = (measured - back) / base if base > 2 and measured - back > 1 else UNKNOWN_GAIN
        self.room = room
        self.impossible = False
        self.level = 0
        self.levels = LEVELS
        self._elapsed = 0.0
        self._seen: deque[tuple[float, float]] = deque()

    @property
    def share(self) -> float:
        """Flow of the present level, %."""
        return self.base

    @abstractmethod
    def step(self, dt_s: float, measured: float) -> float | None:
        """Flow to put out for this scan, %."""

    def _see(self, dt_s: float, measured: float) -> None:
        self._elapsed += dt_s
        self._seen.append((self._elapsed, measured))
        while self._seen[0][0] < self._elapsed - 2 * WINDOW_S:
            self._seen.popleft()

    def _recent(self) -> float:
        """Mean of the last window, °C."""
        recent = [value for time, value in self._seen if time > self._elapsed - WINDOW_S]
        return sum(recent) / len(recent)

    def _stands(self) -> bool:
        """The means of two neighbouring windows hardly differ."""
        middle = self._elapsed - WINDOW_S
        before = [value for time, value in self._seen if time <= middle]
        return bool(before) and abs(self._recent() - sum(before) / len(before)) < STANDS_K

    def _over(self, *, answered: bool = True) -> bool:
        """The supply stands again, or will not; before it has `answered`, standing may be the dead time."""
        if self._elapsed >= LONGEST_S:
            return True
        return answered and self._elapsed >= SHORTEST_S and self._stands()

    def _begin(self) -> None:
        """What was seen belongs to the level before."""
        self._elapsed = 0.0
        self._seen.clear()

    def _size(self, side: int) -> float:
        """Change of the flow that moves the supply as far as it is to move to that side, %."""
        flow = self.room.high - self.base if side > 0 else self.base - self.room.low
        return max(min(min(MOVE_K, self._space(side)) / self.gain, MOST_STEP, flow), 0.0)

    def _space(self, side: int) -> float:
        """Kelvin up to the margin of the supply's limit."""
        if side > 0:
            return self.room.highest - MARGIN_K - self.start
        return self.start - self.room.lowest - MARGIN_K


class StepExperiment(Experiment):
    """Levels of flow, one after the other, each until the supply stands.

    Both sides where there is room, otherwise twice to the same side: base, +, −, +, base or base, +, base, +,
    base. `impossible` where there is room to neither.
    """

    def __init__(self, base: float, measured: float, back: float, room: Room) -> None:
        super().__init__(base, measured, back, room)
        self.sides = [s for s in (1, -1) if self._space(s) >= LEAST_MOVE_K and self._size(s) >= LEAST_STEP]
        self.impossible = not self.sides
        self._plan = [base]
        if self.sides:
            self._plan.append(base + self.sides[0] * self._size(self.sides[0]))
        self._stood = measured

    @property
    def share(self) -> float:
        """Flow of the present level, %."""
        return self._plan[self.level]

    def step(self, dt_s: float, measured: float) -> float | None:
        """Flow to put out for this scan, %."""
        self._see(dt_s, measured)
        if self._over(answered=self._answered()):
            self._next()
        return self.share if self.level < LEVELS else None

    def _answered(self) -> bool:
        """What is seen is no longer the dead time."""
        expected = self.gain * abs(self.share - self._plan[self.level - 1]) if self.level else 0.0
        return abs(self._recent() - self._stood) >= min(ANSWERED * expected, ANSWERED_K)

    def _next(self) -> None:
        self._stood = self._recent()
        if self.level == 0:
            self.start = self._stood
        elif self.level == 1:
            self._learn()
        self.level += 1
        self._begin()

    def _learn(self) -> None:
        """The first step's answer sizes the others."""
        gain = (self._stood - self.start) / (self.share - self.base)
        self.gain = min(max(gain, LEAST_GAIN), 1.5 * self.gain)
        first = self.sides[0]
        second = self.base - self._size(-1) / BEND if len(self.sides) == 2 else self.base
        third = self.base + first * self._size(first)
        self._plan += [second, third, self.base]
