"""Two outdoor sensors of the station's own, or three: what they say together.

    they agree           their mean: a drift or a patch of sun counts half
    they disagree        the one nearer to what somebody further up tells (`outdoor_witness.py`)
    … and nobody tells   between both, as the rooms say: colder than usual, the colder one; warmer, the warmer
    … and no rooms       the colder, within bounds: cold kills, warmth costs

A single sensor cannot be judged by rooms, for windows, sun and a wrong curve move them, too. Between two
measured values they can choose: at worst a house that is warm anyway is heated for the warmer sensor until it
is no longer warm. So the rooms stay near what was usual while both sensors agreed, whichever of them lies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.setpoint.room_sensors import PLAUSIBLE_C, RoomSensors
from controller.points import Image, Point, Quality

PAIR_REASONS = frozenset({"disagree", "colder_of_two", "nearer_of_two", "rooms_of_two"})
"""Reasons of a pair of sensors that contradict each other."""
USUAL_S, KNOWN_S = 2 * 86400.0, 86400.0
"""Time constant of what is usual in the rooms, and the least time of agreement before it is known."""
FOLLOW_S = 3600.0
"""A draught, a door, the noise of a sensor are no evidence."""
DECIDED_K = 0.3
"""Rooms so far from usual decide alone. A house of 100 h leaves its temperature by that within some hours of
heat that is a fifth off; twice the noise of a median of Pt100."""
MOST_K = 3.0
"""Rooms as usual: the mean of both sensors, but no more than this above the colder."""
LEAST_ROOMS = 2


class OutdoorPair:
    """Fills `station.outdoor_temperature` from its two sensors. `rooms`: all room temperatures."""

    def __init__(self, point: Point, image: Image, rooms: Sequence[Point], most: float) -> None:
        """`most`: K that the second sensor makes the first colder where nobody can say which one is right."""
        self.point = point
        self._outdoors = image.sensors(point.name)
        self._rooms, self._most = rooms, most
        self._sensors = RoomSensors()
        self.usual = self.room = math.nan
        """Median of the rooms, °C: while the sensors agreed, and of the last hour."""
        self._known_s = 0.0

    def step(self, witness: float, dt: float) -> float:
        """Own outdoor temperature, °C, after the input stage. That takes the higher of two that disagree: the
        wrong one outside. `witness`: what is told from further up, °C, NaN for nothing."""
        point = self.point
        values = [sensor.value for sensor in self._outdoors if sensor.usable]
        agree = len(values) > 1 and point.reason != "disagree"
        self._watch_rooms(agree, dt)
        if agree:
            point.put(sum(values) / len(values), point.time)
        elif point.reason == "disagree":
            self._choose(values, witness)
        return point.value if point.usable else math.nan

    def _choose(self, values: Sequence[float], witness: float) -> None:
        point, departs = self.point, self.room - self.usual
        colder, warmer = min(values), max(values)
        if not math.isnan(witness):
            nearer = min(values, key=lambda seen: abs(seen - witness))
            point.mark(nearer, Quality.UNCERTAIN, "nearer_of_two", point.time)
        elif self._known_s >= KNOWN_S and not math.isnan(departs):
            value = _between(colder, warmer, departs)
            point.mark(value, Quality.UNCERTAIN, "rooms_of_two", point.time)
        else:
            bounded = max(colder, values[0] - self._most)
            point.mark(bounded, Quality.UNCERTAIN, "colder_of_two", point.time)

    def _watch_rooms(self, agree: bool, dt: float) -> None:
        if not self._rooms:
            return
        median = self._sensors.step(self._rooms, dt)
        if len(self._sensors.counted) < LEAST_ROOMS:
            self.room = math.nan
            return
        self.room = _follow(self.room, median, dt, FOLLOW_S)
        if agree:
            self.usual = _follow(self.usual, median, dt, USUAL_S)
            self._known_s = min(self._known_s + dt, KNOWN_S)

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {"usual": finite(self.usual), "known": self._known_s}

    def restore(self, state: object) -> None:
        """Go on from it; what is missing or odd is left out."""
        if isinstance(state, dict):
            self.usual = remembered(state, "usual", math.nan, *PLAUSIBLE_C)
            known = remembered(state, "known", 0.0, 0.0, KNOWN_S)
            self._known_s = 0.0 if math.isnan(self.usual) else known


def _follow(follower: float, value: float, dt: float, time_constant: float) -> float:
    if math.isnan(follower):
        return value
    return follower + (value - follower) * -math.expm1(-max(dt, 0.0) / time_constant)


def _between(colder: float, warmer: float, departs: float) -> float:
    """°C; `departs`: K by which the rooms are warmer than usual."""
    even = min((colder + warmer) / 2, colder + MOST_K)
    decided = min(max(departs / DECIDED_K, -1.0), 1.0)
    return even + decided * (warmer - even if decided > 0.0 else even - colder)
