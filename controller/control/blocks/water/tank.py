"""Tank inlet: opens below one level, closes above another (`band`).

    open when level ≤ fill_below, closed when level ≥ stop_above, in between as before

Level lost: the inlet stays closed, and the makeup pumps go on under their own dry-run protection
(FACTS §8). Open for longer than it should be, it is told (`station.tank_fill_long`); when the level has
not moved meanwhile either, nobody knows where the water goes (sensor stuck, no city water, a leak): the
inlet rests for a while and tries again. While nothing is drawn this is known within minutes: water that runs
in must raise the level, or the tank runs over and the level lies. After an overflow that a flood contact has
shown the inlet stays closed for longer (`tank_watch`).
"""

from __future__ import annotations

import math

from controller.control.blocks.parts.band import Band
from controller.control.blocks.water.makeup_meter import CLEAR_FLOW
from controller.control.blocks.water.tank_watch import TankWatch
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Term, reading

MOVED_M = 0.05
RISEN_M, STALLS_S = 0.01, 300.0
"""Not even 1 cm within 5 min: half a cubic metre an hour into 4 m² (own judgement)."""
LONGEST_REST_S = 3600.0


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
        self.watch = TankWatch(image, stop_above)
        outputs, points = list(image.outputs.values()), list(image.points.values())
        self._makeups = [o for o in outputs if ".makeup_" in o.name and o.name.endswith("_run")]
        self._makeup_flows = [p for p in points if p.name.endswith(".makeup_flow")]
        self.too_long = False
        self.wanted = True
        self._peak = math.nan
        self._stood_s = 0.0
        self._stalls = 0
        self._open_s = 0.0
        self._began_at = math.nan
        self._rest_left = 0.0

    def step(self, tick: Tick | None = None, *, wanted: bool = True) -> None:
        """One scan. Without `tick` nobody counts the time; out of service nothing is `wanted`."""
        self.wanted = wanted
        wanted = self.band.step(reading(self.level)) and wanted
        if tick is not None:
            self.watch.step(tick, self.output, self._draws())
            wanted = self._timed(tick, wanted and not self.watch.overflows)
            self.long_point.put(float(self.too_long), tick.now)
        self.output.demand = float(wanted)

    def _timed(self, tick: Tick, wanted: bool) -> bool:
        self._rest_left = max(self._rest_left - tick.dt, 0.0)
        if not wanted:
            self._open_s, self._rest_left, self._stalls = 0.0, 0.0, 0
            # An end that the lost level brought is no good end.
            self.too_long = self.too_long and not self.level.usable
            return False
        if self._rest_left > 0.0:
            return False
        if self._open_s == 0.0:
            self._began_at = self._peak = self.level.value
            self._stood_s = 0.0
        self._open_s += tick.dt
        if self._stalled(tick.dt):
            self.too_long, self._open_s = True, 0.0
            self._rest_left = min(self.rest_s * 2**self._stalls, LONGEST_REST_S)
            self._stalls = min(self._stalls + 1, 8)
            return False
        if self._open_s >= self.longest_s:
            self.too_long, self._open_s = True, 0.0
            if not abs(self.level.value - self._began_at) >= MOVED_M:
                self._rest_left = self.rest_s
                return False
        return True

    def _stalled(self, dt: float) -> bool:
        """The inlet is open, nothing is drawn, and the level does not rise."""
        if self.level.value >= self._peak + RISEN_M:
            self._peak, self._stood_s, self._stalls = self.level.value, 0.0, 0
        if self._draws():
            self._peak = min(self._peak, self.level.value)
        else:
            self._stood_s += dt
        return self._stood_s >= STALLS_S

    def _draws(self) -> bool:
        """Makeup takes water out of the tank."""
        if any(run.value >= 0.5 for run in self._makeups):
            return True
        return any(flow.usable and flow.value >= CLEAR_FLOW for flow in self._makeup_flows)

    def explain(self) -> Term:
        """Why the inlet is open, or not."""
        if not self.wanted:
            return Term("tank_not_wanted")
        if not self.level.usable:
            return Term("tank_blind")
        level = (("level", self.level.value, "length"), ("fill_below", self.band.on_at, "length"))
        if self.watch.overflows:
            return Term("tank_overflowed", level)
        if self._rest_left > 0.0:
            return Term("tank_rests", (level[0], ("left", self._rest_left, "time")))
        return Term("tank_filling" if self.band.on else "tank_full_enough", level)
