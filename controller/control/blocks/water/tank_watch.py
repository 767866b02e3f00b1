"""What the tank does that its inlet does not explain: two signs of a level or a valve that lies.

    rises      the level goes up by `RISES_M` within `WITHIN_S` though the inlet is told closed and no
               relief runs back: the inlet passes, or a check valve of the makeup lets the loop run back
    overflows  the floor gets wet while the inlet is open, nothing is drawn and the level stands: the tank
               runs over, and the level shows too little

A level that jumps is no water that rises: a tank of a square metre under a full pipe makes millimetres a
second. After an overflow the inlet stays closed until the level shows that the tank is full, or has fallen by
`LOWER_M`, or `SHUT_S` are over: what lies low would open it again at once, and the floor would never dry.
"""

from __future__ import annotations

import math

from controller.control.tick import Tick
from controller.points import Image, Output, Point

RISES_M, WITHIN_S = 0.1, 3600.0
LEAST_S = 60.0
"""Noise gathers no rise that lasts for a minute without a jump."""
JUMP_M = 0.05
SETTLES_S = 30.0
"""After the inlet, or relief, has closed."""
STANDS_M, STANDS_S = 0.02, 600.0
OVER_M, OVER_S = 0.01, 60.0
"""A level that has not risen by this much for so long, under an open inlet, stands."""
SHORT_S, RECENT_S = 10.0, 120.0
"""Water reaches the contact after the inlet has closed, too."""
LOWER_M, SHUT_S = 0.2, 12 * 3600.0


class _Rise:
    """The level under a closed inlet."""

    def __init__(self) -> None:
        self.active = False
        self._settled_at = -math.inf
        self._last = self._base = self._top = math.nan
        self._base_at = self._top_at = -math.inf

    def forget(self, now: float) -> None:
        """Something else moves the level, or nobody sees it."""
        self._settled_at, self._base, self._last = now + SETTLES_S, math.nan, math.nan

    def look(self, now: float, level: float, wet: bool) -> None:
        """One scan. `wet`: the floor is, so that a level that stands may be one that runs over."""
        if now < self._settled_at:
            return
        jumped = abs(level - self._last) > JUMP_M
        self._last = level
        old = now - self._base_at > WITHIN_S
        if math.isnan(self._base) or jumped or old or level < self._base:
            self._base, self._base_at = level, now
        if level >= self._base + RISES_M and now - self._base_at >= LEAST_S and not self.active:
            self.active, self._top, self._top_at = True, level, now
        if not self.active:
            return
        if level >= self._top + STANDS_M:
            self._top, self._top_at = level, now
        elif now - self._top_at >= STANDS_S and not wet:
            self.active, self._base = False, math.nan

    def end(self) -> None:
        """The inlet is told open, or nobody sees the level: nothing to wonder about."""
        self.active = False


class _Overflow:
    """The floor gets wet while the tank fills and its level stands."""

    def __init__(self, full: float) -> None:
        self.full = full
        self.active = False
        self._wet = False
        self._high = self._at = math.nan
        self._open_at = self._risen_at = self._since = -math.inf

    def look(self, now: float, level: float, opened: bool, wet: bool) -> None:
        """One scan. `opened`: and nothing is drawn; `level` is NaN when it is lost."""
        if opened:
            if now - self._open_at > SHORT_S or level >= self._high + OVER_M:
                self._high, self._risen_at = level, now
            self._open_at = now
        begins = wet and not self._wet
        self._wet = wet
        if begins and now - self._open_at <= RECENT_S and self._open_at - self._risen_at >= OVER_S:
            self.active, self._at, self._since = True, level, now
        if self.active and not wet and self._over(now, level):
            self.active = False

    def _over(self, now: float, level: float) -> bool:
        if math.isnan(self._at):
            self._at = level
        return level >= self.full or level <= self._at - LOWER_M or now - self._since >= SHUT_S


class TankWatch:
    """Writes `station.tank_rises` and `station.tank_overflows`. Levels in m; `full`: where filling ends."""

    def __init__(self, image: Image, full: float) -> None:
        find = image.points.get
        self.level = image["station.tank_level"]
        self._contacts = [find(f"station.{name}") for name in ("flood", "flood_high")]
        self._reliefs = [o for o in image.outputs.values() if o.name.endswith(".relief_valve")]

        def flag(name: str) -> Point:
            return image.add(Point(f"station.{name}", "flag", role="calculated"))

        self.rises_point, self.overflows_point = flag("tank_rises"), flag("tank_overflows")
        self._rise, self._overflow = _Rise(), _Overflow(full)

    @property
    def overflows(self) -> bool:
        """The inlet is to stay closed."""
        return self._overflow.active

    def step(self, tick: Tick, inlet: Output, draws: bool) -> None:
        """One scan; `inlet` as it was put out in the last one; `draws`: makeup takes water."""
        now, level, opened = tick.now, self.level, inlet.value >= 0.5
        wet = any(contact is not None and contact.on for contact in self._contacts)
        seen = level.usable and not level.reason
        if opened or not level.usable:
            self._rise.end()
        if opened or not seen or any(relief.value >= 0.5 for relief in self._reliefs):
            self._rise.forget(now)
        else:
            self._rise.look(now, level.value, wet)
        self._overflow.look(now, level.value if level.usable else math.nan, opened and not draws, wet)
        self.rises_point.put(float(self._rise.active), now)
        self.overflows_point.put(float(self._overflow.active), now)
