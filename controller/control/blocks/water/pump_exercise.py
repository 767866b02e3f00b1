"""Exercise of idle pumps: one that stood for a week turns for 30 s, so that it does not seize.

One after the other with a pause between (Siemens RVD: 30 s run, 30 s pause). Whether it may be now is the
owner's to say. A pump that does not start is found by its own proof, which is the other use of this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from controller.control.blocks.parts.drive import PumpDrive
from controller.control.blocks.water.pump_settings import ExerciseSettings
from controller.control.tick import Tick
from controller.points import Slot

PAUSE_S = 30.0
AGAIN_S = 86400.0
"""A pump that will not turn is not bothered more often."""


class PumpExercise:
    """`active`: index of the pump that is exercised, or None."""

    def __init__(self, settings: ExerciseSettings, pumps: Sequence[PumpDrive]) -> None:
        self.settings = settings
        self.pumps = pumps
        self.active: int | None = None
        self._since = -math.inf
        self._tried = [-math.inf] * len(pumps)

    def step(self, tick: Tick, allowed: bool, busy: set[int]) -> int | None:
        """The pump to turn in this scan. `busy`: those that run for another reason."""
        if self.active is not None:
            over = tick.now - self._since >= self.settings.lasts
            if not allowed or over or self.active in busy or not self.pumps[self.active].available:
                self.active = None
                self._since = tick.now
            return self.active
        if not allowed or not self.settings.on or tick.now - self._since < PAUSE_S:
            return None
        due = [index for index in range(len(self.pumps)) if index not in busy and self._due(index, tick.now)]
        if due:
            self.active = max(due, key=lambda index: self.pumps[index].idle_s)
            self._since = self._tried[self.active] = tick.now
        return self.active

    def _due(self, index: int, now: float) -> bool:
        pump = self.pumps[index]
        ours = (
            pump.available and not pump.in_local and not pump.on_mains and pump.run.slot is not Slot.OVERRIDE
        )
        return ours and pump.idle_s >= self.settings.idle and now - self._tried[index] >= AGAIN_S
