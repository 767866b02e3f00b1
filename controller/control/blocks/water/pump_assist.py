"""Assist: a further pump helps while those that run are at their top speed and miss the set-point.

It stops again once their common speed has been low for a while; after any change the next one waits as
long, so that no pump starts and stops with every swing. Which speed is low enough is a setting: two pumps
at n move about as much as one at 2n on a flat pump curve, less on a steep one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from controller.control.blocks.parts.drive import PumpDrive
from controller.control.blocks.water.pump_settings import AssistSettings
from controller.control.tick import Tick


class Assist:
    """`helping`: indices of the pumps that run besides the duty, the newest last."""

    def __init__(self, settings: AssistSettings, pumps: Sequence[PumpDrive]) -> None:
        self.settings = settings
        self.pumps = pumps
        self.helping: list[int] = []
        self._short_since = math.inf
        self._slow_since = math.inf
        self._changed_at = -math.inf

    def step(self, tick: Tick, duty: int, *, allowed: bool, short: bool, speed: float) -> list[int]:
        """Who helps in this scan. `short`: top speed and the set-point missed; `speed` in Hz."""
        self.helping = [i for i in self.helping if i != duty and self.pumps[i].available and allowed]
        if not allowed or self.settings.most <= 1:
            self._short_since = self._slow_since = math.inf
            return self.helping
        now = tick.now
        self._short_since = min(self._short_since, now) if short else math.inf
        slow = bool(self.helping) and speed <= self.settings.stop_below
        self._slow_since = min(self._slow_since, now) if slow else math.inf
        rested = now - self._changed_at >= self.settings.stop_after
        if rested and now - self._short_since >= self.settings.start_after:
            self._start(now, duty)
        elif rested and now - self._slow_since >= self.settings.stop_after:
            self.helping.pop()
            self._changed(now)
        return self.helping

    def _start(self, now: float, duty: int) -> None:
        if 1 + len(self.helping) >= self.settings.most:
            return
        free = [
            index
            for index, pump in enumerate(self.pumps)
            if index != duty and index not in self.helping and pump.available and not pump.in_local
        ]
        if free:
            self.helping.append(min(free, key=lambda index: self.pumps[index].hours))
            self._changed(now)

    def _changed(self, now: float) -> None:
        self._changed_at = now
        self._short_since = self._slow_since = math.inf
