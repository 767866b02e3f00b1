"""A heat meter's counter that stands while its power goes on: two numbers of one meter that contradict each
other.

    due = ∫ P dt since the counter last moved; told at 3 × what was due when it moved lately, and 30 min

So coarse steps (a whole MWh) and rare ones (a module that is renewed once an hour) are told by what the
counter does here. One that was never seen to move has 10 MWh, ten of the coarsest steps. Power that itself
stands still is not counted: that is `MeterStuck`'s. Thresholds are own judgement.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.equipment.learning import numbers
from controller.equipment.watcher import PERIOD_S, Watcher, lasting
from controller.points import Image, Term
from controller.safety.rules import Rule

TIMES_USUAL = 3.0
LEAST_S = 1800.0
UNKNOWN_GJ = 36.0
FORGETS = 0.1
"""A move counts so much: a dozen of finer steps make a coarse one forgotten."""
GJ_PER_KJ = 1e-6
LONGEST_STEP_S = 60.0


class CounterStuck(Watcher):
    """`station.heat_energy` (GJ) against `station.heat_power` (kW)."""

    def __init__(self, image: Image) -> None:
        super().__init__()
        self._counter, self._power = image["station.heat_energy"], image["station.heat_power"]
        self._value = math.nan
        self._last = math.nan
        self._due = self._lasts = 0.0
        self._usual = math.nan
        """GJ due when it moves."""

    @property
    def suspect(self) -> bool:
        """No other watcher looks at the counter."""
        return False

    @property
    def found(self) -> bool:
        """It stands, and should not."""
        return self._lasts >= LEAST_S and self._due >= self._most

    @property
    def _most(self) -> float:
        return TIMES_USUAL * self._usual if self._usual == self._usual else UNKNOWN_GJ

    def step(self, now: float, may_learn: bool) -> None:
        counter, power = self._counter, self._power
        elapsed = now - self._last if self._last == self._last else PERIOD_S
        self._last = now
        if not counter.usable:
            self._value, self._due, self._lasts = math.nan, 0.0, 0.0
            return
        if counter.value != self._value:
            self._moved(counter.value - self._value)
            self._value, self._due, self._lasts = counter.value, 0.0, 0.0
            return
        if power.usable and power.value > 0.0 and self.trusted:
            step = min(elapsed, LONGEST_STEP_S)
            self._due += power.value * step * GJ_PER_KJ
            self._lasts += step

    def _moved(self, by: float) -> None:
        """One that goes back was exchanged, and the first value of all is no move. Its own step counts where
        only the end of it was seen."""
        if by > 0.0:
            usual = max(self._due, by)
            known = self._usual == self._usual
            self._usual = max(usual, self._usual * (1.0 - FORGETS)) if known else usual

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "meter_stuck",
            self._counter.name,
            lambda: self.found,
            priority="high",
            shows=lambda: lasting(self._lasts),
        )

    def explain(self) -> Term:
        return Term("meter_moves", (("lasts", self._lasts, "time"),))

    def state(self) -> dict[str, Any]:
        return {"usual": [self._usual]} if self._usual == self._usual else {}

    def restore(self, state: dict[str, Any]) -> None:
        values = numbers(state.get("usual"), 1)
        if values is not None and values[0] > 0.0:
            self._usual = values[0]
