"""Which rooms speak for the house, and the median of those.

Left out are: readings that are lost or no room's (below 5 or above 40 °C); a room that has been more
than 6 K off the median for 2 h (on a window sill, in a lift shaft); a room that falls faster than its
walls can (a window is open), until 30 min after the fall. A building without heat loses well under
1 K/h (FACTS: time constant 79–147 h), so 4.5 K/h is air from outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from controller.points import Point

PLAUSIBLE_C = (5.0, 40.0)
AWAY_K, AWAY_S = 6.0, 7200.0
FOLLOW_S = 1200.0
FALL_K = 1.5
"""A room this far below its own follower (time constant FOLLOW_S) falls by 4.5 K/h or more."""
WINDOW_S = 1800.0


class _Room:
    __slots__ = ("away", "follower", "pause", "value")

    def __init__(self) -> None:
        self.value = math.nan
        self.follower = math.nan
        self.away = 0.0
        self.pause = 0.0

    def read(self, point: Point, dt_s: float) -> None:
        low, high = PLAUSIBLE_C
        if not point.usable or not low <= point.value <= high:
            self.value = self.follower = math.nan
            return
        self.value = point.value
        if math.isnan(self.follower):
            self.follower = self.value
        self.follower += (self.value - self.follower) * -math.expm1(-dt_s / FOLLOW_S)
        fallen = self.follower - self.value > FALL_K
        self.pause = WINDOW_S if fallen else max(self.pause - dt_s, 0.0)


class RoomSensors:
    """Median of the rooms that count; NaN while none does."""

    def __init__(self) -> None:
        self.median = math.nan
        self.counted: tuple[int, ...] = ()
        self.total = 0
        self.strange = 0
        self.windows = 0
        self._rooms: list[_Room] = []

    def step(self, points: Sequence[Point], dt_s: float) -> float:
        """Read all rooms, always in the same order; the median of those that count, °C."""
        dt_s = max(dt_s, 0.0)
        self._rooms += [_Room() for _ in range(len(points) - len(self._rooms))]
        self.total = len(points)
        rooms = list(zip(self._rooms, points, strict=False))
        for room, point in rooms:
            room.read(point, dt_s)
        sound = [index for index, (room, _) in enumerate(rooms) if not math.isnan(room.value)]
        middle = median(self._rooms[index].value for index in sound) if sound else math.nan
        for index in sound:
            room = self._rooms[index]
            room.away = min(room.away + dt_s, 2 * AWAY_S) if abs(room.value - middle) > AWAY_K else 0.0
        near = [index for index in sound if self._rooms[index].away < AWAY_S]
        shut = [index for index in near if self._rooms[index].pause <= 0]
        self.strange, self.windows = len(sound) - len(near), len(near) - len(shut)
        self.counted = tuple(shut)
        self.median = median(self._rooms[index].value for index in shut) if shut else math.nan
        return self.median
