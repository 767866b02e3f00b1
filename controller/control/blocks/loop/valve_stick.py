"""Stiction of a valve, from command and position: how far the command runs away before the valve follows.

A valve that sticks stands until the actuator has wound up further than its dead bands explain, then jumps
(the stick-slip of Stenman, Gustafsson, Forsman, IFAC 2003). Only movements after a pause count, because a
valve that follows a fast command is always behind. A position potentiometer on the motor's side of the stem
sees nothing of it.

A feedback that lies is no stem that sticks. One that is off, or drifts, stands far from the command: what
counts is how far the command goes from where it was when the valve came to rest. One at the end of its scale,
or much further away than any stem sticks, tells nothing.

A command that has been refused shows it sooner than one that runs: `StuckStem` counts how often the command
has come to rest somewhere else and the stem has not moved. It also answers: with a stem that sticks each move
is made from where the stem is, and far enough to break it loose at once, in place of an integral that takes
minutes to wind up that far (constant reinforcement: Ivan, Lakshminarayanan, Ind. Eng. Chem. Res. 48, 2009).
"""

from __future__ import annotations

import math
from collections import deque

STANDS = 0.25
"""Position noise of a valve that stands, %."""
STICKS = 0.6
"""A valve sticks when the command is so far beyond its dead bands before it moves, %: on the simulated
station 1.0 … 1.1 % in all without stiction, at the bench 2.0 % with one of 2 %."""
STOOD_S = 10.0
"""Only movements after so long count: while it follows a fast command a valve is always behind."""
SCANS_BEHIND = 2.0
STICK_COUNT = 20
HOUR_S = 3600.0
MOST_TRAVEL = 50.0
"""Travel of an hour that a sticking valve may make, %: 12 strokes a day …"""
HOURS = 3
"""… in the mean of so many hours; twice as much is too much in a single one."""

REFUSED_S = 20.0
"""Command and stem have stood so long: what was asked is done, or refused."""
REFUSALS = 3.0
DOUBT = 0.05
"""A move that is followed takes back so much of a refusal, as long as there are few."""
WIDER, NARROWER = 0.3, 0.02
"""The band grows by a refusal and shrinks by a move that is followed: it keeps its own width at one refusal
in a dozen moves, %."""
IN_A_ROW, MOST_IN_A_ROW = 8, 40
"""After so many followed in a row each takes back twice as much, and twice again after so many more: a stem
that was stuck or has been greased finds its way back in three dozen moves, not in two hundred."""
BEYOND = 0.3
"""The command goes so far beyond the band, %."""
WIDEST = 5.0
"""A stem that needs more is stuck, which others tell."""
FAR = 10.0
"""So far from its command no stem sticks, even by a feedback that is off, %."""
END = 0.3
"""So near to an end of its scale a feedback may be cut off there, %."""
EXACT = 0.05
"""A move that went further than was asked by more than this was no test of the band, %."""
WORTH = 0.6
"""A jump of one band is worth while from this share of it on: at half it would bring as much as it takes."""


class StuckStem:
    """The band within which the command does not move the stem, and moves that break it loose."""

    def __init__(self, dead_band: float) -> None:
        """`dead_band`: of the output and the actuator together, %."""
        self.dead_band = dead_band
        self.least = dead_band + STICKS
        self.band = self.least
        self.sticks = False
        self._refusals = 0.0
        self._row = 0
        """Moves of one band that were followed since the last refusal."""
        self._command = self._place = self._start = self._from = math.nan
        self._moved = False
        self._stood_s = 0.0
        self._stuck = False

    def step(self, dt: float, command: float, position: float) -> None:
        """One scan, both in %."""
        if not (math.isfinite(command) and math.isfinite(position)):
            return
        if math.isnan(self._place):
            self._place, self._command, self._start = position, command, command
        if abs(position - self._place) > STANDS:
            if not self._moved:
                self._from = self._place
            self._place, self._moved, self._stuck, self._stood_s = position, True, False, 0.0
        if command != self._command:
            self._command, self._stood_s = command, 0.0
        before, self._stood_s = self._stood_s, self._stood_s + dt
        if before < REFUSED_S <= self._stood_s:
            if self._moved:
                self._followed()
            elif abs(command - self._start) >= self.least and END < position < 100.0 - END:
                self._refused(abs(command - position))

    def asks(self, wanted: float, position: float, asked: float) -> float:
        """Opening to ask of a stem that sticks, %; `asked`: the present one. It stays until the stem is far
        enough off, and until a move is over or refused."""
        away = wanted - position
        reach = self.band + BEYOND
        most = reach + self.dead_band + BEYOND
        if abs(away) < WORTH * self.band:
            # A command far ahead is still taking the stem somewhere else.
            return asked if abs(asked - position) <= most else wanted
        ahead = (asked - position) * math.copysign(1.0, away)
        needed = max(abs(away), reach)
        if needed <= ahead <= most:
            return asked
        if 0.0 < ahead < needed:
            # The motor has gone a part of the way already, and does not start for less than its dead band.
            needed = max(needed, min(ahead + self.dead_band, WIDEST) + BEYOND)
        return position + math.copysign(needed, away)

    def _followed(self) -> None:
        self._moved, self._start = False, self._command
        self._refusals = max(self._refusals - DOUBT, 0.0)
        if self.band <= abs(self._command - self._from) <= self.band + BEYOND + EXACT:
            # A larger move says nothing, a wider band would have followed as well; nor do several in a row.
            self.band = max(self.band - NARROWER * 2 ** (self._row // IN_A_ROW), self.least)
            self._row = min(self._row + 1, MOST_IN_A_ROW)
        if self.sticks and self.band <= self.least:
            self._forget()

    def _refused(self, away: float) -> None:
        if self._stuck:
            return
        self._row = 0
        if self.sticks:
            # Less than the band is no refusal: a hand or another mode asks without it.
            if away > self.band:
                self.band += WIDER
                self._stood_s = 0.0
        elif away <= FAR:
            self._refusals += 1.0
            self.band = min(max(self.band, away), WIDEST)
            self.sticks = self._refusals >= REFUSALS
        if self.band > WIDEST:
            self._forget()
            self._stuck = True

    def _forget(self) -> None:
        self.sticks, self._refusals, self.band = False, 0.0, self.least


class Stick:
    """How far the command runs away before the valve follows, from command and position."""

    def __init__(self, dead_band: float, rate: float = 0.0) -> None:
        """`dead_band`: of the actuator and of the output together, %; `rate`: of the command, %/s.

        A command that runs is two scans further before a movement can be seen."""
        self.dead_band, self.rate = dead_band, rate
        self.expected = dead_band + STICKS
        self.measured = math.nan
        self.stem = StuckStem(dead_band)
        self._count = 0
        self._place = self._asked = math.nan
        """Where the valve stands, and what was asked of it when it came to rest there."""
        self._stood_s = 0.0
        self._hour_s = 0.0
        self._travel = 0.0
        self._hours: deque[float] = deque(maxlen=HOURS)

    @property
    def sticks(self) -> bool:
        """Several movements began too late, or did not come."""
        return self.stem.sticks or (self._count >= STICK_COUNT and self.measured > self.expected)

    @property
    def late(self) -> float:
        """How far the command goes before the stem moves, %."""
        return self.stem.band if self.stem.sticks else self.measured

    @property
    def follows(self) -> bool:
        """Several movements began as they should."""
        return self._count >= STICK_COUNT and not self.sticks

    def step(self, dt: float, command: float, position: float) -> bool:
        """One scan, both in %. True at the end of an hour when it sticks and has travelled much."""
        if not (math.isfinite(command) and math.isfinite(position)):
            return False
        self.stem.step(dt, command, position)
        self.expected = self.dead_band + STICKS + SCANS_BEHIND * self.rate * dt
        if math.isnan(self._place):
            self._place, self._asked = position, command
        moved = abs(position - self._place)
        if moved <= STANDS:
            self._stood_s += dt
        else:
            self._moved(command)
            self._place, self._asked, self._stood_s = position, command, 0.0
            self._travel += moved
        self._hour_s += dt
        if self._hour_s < HOUR_S:
            return False
        self._hours.append(self._travel)
        busy = len(self._hours) == HOURS and sum(self._hours) > HOURS * MOST_TRAVEL
        much = self.sticks and (busy or self._travel > 2 * MOST_TRAVEL)
        self._hour_s = self._travel = 0.0
        if much:
            self._hours.clear()
        return much

    def _moved(self, command: float) -> None:
        if self._stood_s >= STOOD_S:
            late = abs(command - self._asked)
            # A jump of the command by itself, after a set-point change, says nothing.
            if late < 6.0:
                weight = max(1 / (self._count + 1), 0.1)
                self.measured = late if self._count == 0 else self.measured + weight * (late - self.measured)
                self._count += 1
