"""A day of a house, in means: the samples that a curve is learned from.

A day counts when supply, outdoor temperature and rooms were known, and water circulated, for 90 % of it.
The room's change over the day is taken from a follower of 12 h: heat is stored in the walls, which follow
the air within about half a day, and not in the air.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from controller.control.blocks.parts.memory import finite, remembered

DAY_S = 86400.0
FOLLOW_S = 43200.0
LEAST_KNOWN = 0.9


@dataclass(frozen=True, slots=True)
class Sample:
    """Means of one day: heat (y of the house model), room and outdoor in °C; `change` of the room in K."""

    heat: float
    room: float
    outdoor: float
    change: float


class HouseDay:
    """Gathers a day, then gives its sample and begins the next."""

    def __init__(self) -> None:
        self._follower = math.nan
        self._begin()

    def _begin(self) -> None:
        self._first = self._follower
        self._seconds = self._known = 0.0
        self._heat = self._room = self._outdoor = 0.0

    def step(self, heat: float, room: float, outdoor: float, dt_s: float) -> Sample | None:
        """The day's sample at its end, if it counts. NaN in any value: not known in this scan."""
        dt_s = max(dt_s, 0.0)
        self._seconds += dt_s
        if math.isfinite(heat + room + outdoor):
            if math.isnan(self._follower):
                self._follower = room
            self._follower += (room - self._follower) * -math.expm1(-dt_s / FOLLOW_S)
            if math.isnan(self._first):
                self._first = self._follower
            self._known += dt_s
            self._heat += heat * dt_s
            self._room += room * dt_s
            self._outdoor += outdoor * dt_s
        if self._seconds < DAY_S:
            return None
        sample = None
        if self._known >= LEAST_KNOWN * self._seconds:
            change = (self._follower - self._first) * DAY_S / self._seconds
            known = self._known
            sample = Sample(self._heat / known, self._room / known, self._outdoor / known, change)
        else:
            self._follower = math.nan
        self._begin()
        return sample

    def state(self) -> dict[str, Any]:
        """The day so far."""
        return {
            "seconds": self._seconds,
            "known": self._known,
            "heat": self._heat,
            "room": self._room,
            "outdoor": self._outdoor,
            "first": finite(self._first),
            "follower": finite(self._follower),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with a day that a restart broke; a torn memory begins a new one."""
        keys = ("seconds", "known", "heat", "room", "outdoor", "first", "follower")
        numbers = [remembered(state, key, math.nan) for key in keys]
        if any(math.isnan(number) for number in numbers) or not 0 <= numbers[1] <= numbers[0] <= DAY_S:
            return
        self._seconds, self._known, self._heat, self._room, self._outdoor = numbers[:5]
        self._first, self._follower = numbers[5:]
