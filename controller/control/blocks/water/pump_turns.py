"""Change-over of circulation pumps by their hours, or once a week.

The new pump starts beside the old one, at a speed just too low to push water. When it has proven that it
runs, it goes to the common speed, and as soon as it is there the old one stops. The common speed stands
still meanwhile, so that the pressure afterwards is the one before. A pump that does not prove itself within
a minute goes back to rest, and the old one stays for a day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from controller.control.blocks.parts.drive import START_TIME_S, PumpDrive
from controller.control.blocks.water.pump_settings import ChangeOverSettings
from controller.control.tick import Tick

LONGEST_S = 60.0
SAME_SPEED_HZ = 4.0
RISE_S = 3.0
WAITING_SHARE = 0.85
"""Of the common speed: a pump makes 1.3–1.4 times its nominal head without flow, 1.35·0.85² < 1."""
NOT_AGAIN_S = 86400.0
ONCE_A_WEEK_S = 2 * 86400.0


class ChangeOver:
    """`incoming`: index of the pump that is to take over, or None."""

    def __init__(self, settings: ChangeOverSettings, pumps: Sequence[PumpDrive]) -> None:
        self.settings = settings
        self.pumps = pumps
        self.incoming: int | None = None
        self.rising = False
        """The new pump has proven itself and goes to the common speed."""
        self._since = self._rising_since = -math.inf
        self._not_before = -math.inf

    def step(
        self,
        tick: Tick,
        duty: int,
        *,
        allowed: bool,
        speed: float,
        busy: set[int],
        weekday: int | None = None,
    ) -> int:
        """The duty pump from now on. `allowed`: it is mild, and water flows; `weekday`: 1 = Monday."""
        now = tick.now
        if self.incoming is not None:
            return self._go_on(now, duty, allowed, speed)
        if not allowed or now < self._not_before:
            return duty
        fresh = [
            index
            for index, pump in enumerate(self.pumps)
            if index != duty
            and index not in busy
            and pump.available
            and not pump.in_local
            and not pump.on_mains
        ]
        if not fresh:
            return duty
        chosen = min(fresh, key=lambda index: self.pumps[index].hours)
        more = (self.pumps[duty].hours - self.pumps[chosen].hours) * 3600.0
        if more > self.settings.hours_difference or self._weekly(tick, weekday):
            self.incoming, self._since, self.rising = chosen, now, False
        return duty

    def stop(self) -> None:
        """Something stronger decides: no change-over."""
        self.incoming = None

    def _weekly(self, tick: Tick, weekday: int | None) -> bool:
        if tick.second_of_day is None or weekday is None or weekday != self.settings.weekday:
            return False
        return int(tick.second_of_day // 3600) == self.settings.hour

    def _go_on(self, now: float, duty: int, allowed: bool, speed: float) -> int:
        assert self.incoming is not None
        pump = self.pumps[self.incoming]
        if not allowed or not pump.available or pump.in_local or now - self._since > LONGEST_S:
            self.incoming, self._not_before = None, now + NOT_AGAIN_S
            return duty
        if not self.rising:
            waits = WAITING_SHARE * speed
            self.rising = pump.proven(now) and at_speed(pump, waits, now - self._since, START_TIME_S)
            self._rising_since = now
            return duty
        if not at_speed(pump, speed, now - self._rising_since, RISE_S):
            return duty
        duty, self.incoming = self.incoming, None
        self._not_before = now + ONCE_A_WEEK_S
        return duty


def at_speed(pump: PumpDrive, speed: float, for_s: float, else_s: float) -> bool:
    """It turns as fast as it shall; a drive that does not say how fast gets `else_s`."""
    frequency = pump.frequency
    if frequency is None or not frequency.usable:
        return for_s >= else_s
    return frequency.value >= speed - SAME_SPEED_HZ
