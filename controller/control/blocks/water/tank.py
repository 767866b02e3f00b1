"""Tank inlet: opens below one level, closes above another (`band`).

    open when level ≤ fill_below, closed when level ≥ stop_above, in between as before

Level lost: the inlet stays closed, and the makeup pumps go on under their own dry-run protection
(FACTS §8). Open for longer than it should be, it is told (`station.tank_fill_long`); when the level has
not moved meanwhile either, nobody knows where the water goes (sensor stuck, no city water, a leak): the
inlet rests for a while and tries again.
"""

from __future__ import annotations

import math

from controller.control.blocks.parts.band import Band
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Term

MOVED_M = 0.05


class TankInlet:
    """Demand of `station.tank_inlet`. Levels in m; `longest_s` is the longest filling, `rest_s` the pause."""

    def __init__(
        self,
        fill_below: float,
        stop_above: float,
        image: Image,
        longest_s: float = 7200.0,
        rest_s: float = 600.0,
    ) -> None:
        self.level = image["station.tank_level"]
        self.band = Band(fill_below, stop_above)
        self.output = image.add(Output("station.tank_inlet", "flag", 0, 1, failsafe=0.0))
        self.long_point = image.add(Point("station.tank_fill_long", "flag", role="calculated"))
        self.longest_s, self.rest_s = longest_s, rest_s
        self.too_long = False
        self.wanted = True
        self._open_s = 0.0
        self._began_at = math.nan
        self._rest_left = 0.0

    def step(self, tick: Tick | None = None, *, wanted: bool = True) -> None:
        """One scan. Without `tick` nobody counts the time; out of service nothing is `wanted`."""
        self.wanted = wanted
        wanted = self.band.step(self.level) and wanted
        if tick is not None:
            wanted = self._timed(tick, wanted)
            self.long_point.put(float(self.too_long), tick.now)
        self.output.demand = float(wanted)

    def _timed(self, tick: Tick, wanted: bool) -> bool:
        self._rest_left = max(self._rest_left - tick.dt, 0.0)
        if not wanted:
            self._open_s, self._rest_left = 0.0, 0.0
            # An end that the lost level brought is no good end.
            self.too_long = self.too_long and not self.level.usable
            return False
        if self._rest_left > 0.0:
            return False
        if self._open_s == 0.0:
            self._began_at = self.level.value
        self._open_s += tick.dt
        if self._open_s >= self.longest_s:
            self.too_long, self._open_s = True, 0.0
            if not abs(self.level.value - self._began_at) >= MOVED_M:
                self._rest_left = self.rest_s
                return False
        return True

    def explain(self) -> Term:
        """Why the inlet is open, or not."""
        if not self.wanted:
            return Term("tank_not_wanted")
        if not self.level.usable:
            return Term("tank_blind")
        level = (("level", self.level.value, "length"), ("fill_below", self.band.on_at, "length"))
        if self._rest_left > 0.0:
            return Term("tank_rests", (level[0], ("left", self._rest_left, "time")))
        return Term("tank_filling" if self.band.on else "tank_full_enough", level)
