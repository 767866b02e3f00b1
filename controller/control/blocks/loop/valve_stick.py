"""Stiction of a valve, from command and position: how far the command runs away before the valve follows.

A valve that sticks stands until the actuator has wound up further than its dead bands explain, then jumps
(the stick-slip of Stenman, Gustafsson, Forsman, IFAC 2003). Only movements after a pause count, because a
valve that follows a fast command is always behind. A position potentiometer on the motor's side of the stem
sees nothing of it.
"""

from __future__ import annotations

import math

STANDS = 0.25
"""Position noise of a valve that stands, %."""
STICKS = 0.6
"""A valve sticks when the command is so far beyond its dead bands before it moves, %: on the simulated
station 1.0 … 1.1 % in all without stiction, 2.5 % with one of 2 %."""
STOOD_S = 10.0
"""Only movements after so long count: while it follows a fast command a valve is always behind."""
SCANS_BEHIND = 2.0
STICK_COUNT = 20
HOUR_S = 3600.0
MOST_TRAVEL = 50.0
"""Travel of an hour that a sticking valve may make, %: 12 strokes a day."""


class Stick:
    """How far the command runs away before the valve follows, from command and position."""

    def __init__(self, dead_band: float, rate: float = 0.0) -> None:
        """`dead_band`: of the actuator and of the output together, %; `rate`: of the command, %/s.

        A command that runs is two scans further before a movement can be seen."""
        self.dead_band, self.rate = dead_band, rate
        self.expected = dead_band + STICKS
        self.measured = math.nan
        self._count = 0
        self._place = math.nan
        self._stood_s = 0.0
        self._hour_s = 0.0
        self._travel = 0.0

    @property
    def sticks(self) -> bool:
        """Several movements began too late."""
        return self._count >= STICK_COUNT and self.measured > self.expected

    @property
    def follows(self) -> bool:
        """Several movements began as they should."""
        return self._count >= STICK_COUNT and self.measured <= self.expected

    def step(self, dt: float, command: float, position: float) -> bool:
        """One scan, both in %. True at the end of an hour in which it stuck and travelled much."""
        if not (math.isfinite(command) and math.isfinite(position)):
            return False
        self.expected = self.dead_band + STICKS + SCANS_BEHIND * self.rate * dt
        if math.isnan(self._place):
            self._place = position
        moved = abs(position - self._place)
        if moved <= STANDS:
            self._stood_s += dt
        else:
            self._moved(command)
            self._place, self._stood_s = position, 0.0
            self._travel += moved
        self._hour_s += dt
        if self._hour_s < HOUR_S:
            return False
        much = self._travel > MOST_TRAVEL
        self._hour_s = self._travel = 0.0
        return much and self.sticks

    def _moved(self, command: float) -> None:
        if self._stood_s >= STOOD_S:
            late = abs(command - self._place)
            # A jump of the command by itself, after a set-point change, says nothing.
            if late < 6.0:
                weight = max(1 / (self._count + 1), 0.1)
                self.measured = late if self._count == 0 else self.measured + weight * (late - self.measured)
                self._count += 1
