"""What a system further up writes about the weather: the outdoor temperature elsewhere, and a forecast.

    station.outdoor_upstream        °C at a neighbour station or weather service; holds 2 h (FACTS §8)
    station.forecast_0h … _48h      °C so many hours after the time of writing; hold 48 h (FACTS §8)

Each is a wish: a plain write that ends by itself and is on disk before it is answered. A forecast counts as
a set only: all of it written within `SET_S`, its first hour no further than `FAR_K` from whatever is
measured. While a set is being written, or is refused, the one before goes on, ageing. A forecast point shows
the set in force with the time of its writing, and why a newer one is not taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.setpoint.heat_curve import interpolate
from controller.control.blocks.setpoint.wish import WishSlot
from controller.control.circuits.wishes import WishPoint
from controller.points import Image, Point, Quality

HOURS = (0, 6, 12, 18, 24, 30, 36, 42, 48)
UPSTREAM_S, FORECAST_S = 7200.0, 48 * 3600.0
LOWEST_C, HIGHEST_C = -60.0, 60.0
SET_S = 600.0
FAR_K = 8.0
CLOCK_S = 60.0
"""A set further in the future is one of before a restart whose clock was wrong."""
INCOMPLETE, FAR, DOUBTED = REASONS = ("forecast_incomplete", "forecast_far", "forecast_doubted")
"""Why a forecast, or a newer one, does not count."""
FORECAST_POINTS = tuple(f"station.forecast_{hour}h" for hour in HOURS)


class ForecastSet:
    """One forecast: °C at `HOURS` after `written` (plant seconds); empty when there is none."""

    def __init__(self) -> None:
        self.values: tuple[float, ...] = ()
        self.written = -math.inf

    def take(self, values: Sequence[float], written: float) -> None:
        """A new one replaces the old."""
        self.values, self.written = tuple(values), written

    def at(self, now: float, oldest_s: float = FORECAST_S) -> float:
        """What it says of this moment, °C; NaN for none, or one older than `oldest_s`."""
        if not self.values or not -CLOCK_S <= now - self.written <= oldest_s:
            return math.nan
        rows = [(3600.0 * hour, value) for hour, value in zip(HOURS, self.values, strict=True)]
        return interpolate(rows, now - self.written)

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"values": list(self.values), "written": finite(self.written)}

    def restore(self, state: object) -> None:
        """Take a remembered one over; anything odd is no forecast."""
        values = state.get("values") if isinstance(state, dict) else None
        if not isinstance(state, dict) or not isinstance(values, list) or len(values) != len(HOURS):
            return
        found = [remembered({"value": value}, "value", math.nan) for value in values]
        written = remembered(state, "written", math.nan)
        if math.isfinite(written) and all(LOWEST_C <= value <= HIGHEST_C for value in found):
            self.take(found, written)


class OutdoorWritten:
    """The written points of a station. `newest`: the last whole set, also one that is too far off;
    `in_force`: the one that counts; `refused`: why a newer one does not, empty when nothing is wrong."""

    def __init__(self, image: Image) -> None:
        slot = WishSlot(LOWEST_C, HIGHEST_C, UPSTREAM_S)
        self.upstream = WishPoint(
            "station.outdoor_upstream", "temperature", slot, image, holds_s=UPSTREAM_S, nothing="no_upstream"
        )
        self.forecast: list[WishPoint] = []
        for name in FORECAST_POINTS:
            slot = WishSlot(LOWEST_C, HIGHEST_C, FORECAST_S)
            wish = WishPoint(name, "temperature", slot, image, holds_s=FORECAST_S, nothing="no_forecast")
            self.forecast.append(wish)
        self.newest = ForecastSet()
        self.in_force = ForecastSet()
        self.refused = ""
        self._far = False
        self.doubted = False
        """Others contradict the forecast: no control may use it in this scan."""

    @property
    def wishes(self) -> dict[str, WishPoint]:
        """All points that take writes, by name."""
        return {wish.point.name: wish for wish in (self.upstream, *self.forecast)}

    @property
    def elsewhere(self) -> float:
        """Outdoor temperature measured elsewhere, °C; NaN while nobody tells it."""
        point: Point = self.upstream.point
        return point.value if point.usable else math.nan

    def step(self, now: float, measured: float) -> None:
        """Judge what has been written. `measured`: the station's own outdoor temperature, °C, or NaN."""
        self.upstream.show(now)
        known = [value for value in (measured, self.elsewhere) if math.isfinite(value)]
        for kept in (self.newest, self.in_force):
            if math.isnan(kept.at(now)):
                kept.take((), -math.inf)
        self._read(now)
        self._enforce(now, known)

    def _enforce(self, now: float, known: Sequence[float]) -> None:
        """The newest set counts from now on, unless it is far from all that is `known`, °C. One that was far
        stays refused when what it was far from is lost."""
        newest = self.newest
        if newest.written <= self.in_force.written:
            return
        if any(abs(newest.at(now) - value) <= FAR_K for value in known):
            self._far = False
        elif known:
            self._far = True
        if not self._far:
            self.in_force.take(newest.values, newest.written)
        elif not self.refused:
            self.refused = FAR

    def _read(self, now: float) -> None:
        """A whole set becomes the newest; one that stays torn is told."""
        self.refused = ""
        wishes = [wish.slot.alive(now) for wish in self.forecast]
        times = [wish.expires - FORECAST_S for wish in wishes if wish is not None]
        if not times:  # all given back
            self.newest.take((), -math.inf)
            self.in_force.take((), -math.inf)
        if not times or max(times) <= self.newest.written:
            return
        if len(times) == len(HOURS) and max(times) - min(times) <= SET_S:
            if min(times) > self.newest.written:
                self.newest.take([wish.value for wish in wishes if wish is not None], min(times))
                self._far = False
        elif now - max(times) > SET_S:
            self.refused = INCOMPLETE

    def show(self, now: float) -> None:
        """The forecast in force, for control and people."""
        current = self.in_force
        alive = not math.isnan(current.at(now))
        reason = DOUBTED if self.doubted else self.refused
        for number, wish in enumerate(self.forecast):
            if not alive:
                wish.point.mark(math.nan, Quality.BAD, reason or "no_forecast", now)
            elif reason:
                quality = Quality.BAD if self.doubted else Quality.UNCERTAIN
                wish.point.mark(current.values[number], quality, reason, current.written)
            else:
                wish.point.put(current.values[number], current.written)

    def state(self) -> dict[str, Any]:
        """Sets and slots; the rows of `state.db` outdo the slots."""
        return {
            "in_force": self.in_force.state(),
            "newest": self.newest.state(),
            "slots": {name: wish.slot.state() for name, wish in self.wishes.items()},
        }

    def restore(self, state: object) -> None:
        """Go on from it; what is missing or odd is left out."""
        if not isinstance(state, dict):
            return
        self.in_force.restore(state.get("in_force"))
        self.newest.restore(state.get("newest"))
        slots = state.get("slots")
        for name, wish in self.wishes.items():
            wish.slot.restore(slots.get(name) if isinstance(slots, dict) else None)
