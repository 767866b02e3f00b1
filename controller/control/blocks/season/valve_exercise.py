"""Exercise of a valve that stands shut for weeks: once open and shut again, so that it does not seize.

Only where it cannot heat the house: the primary supply is below `primary_below`, or its pump stands. Water
circulates meanwhile (the safety table keeps the valve shut without proven flow), and it ends at once when the
supply comes near its maximum. A turn that was broken off is tried again after a day, not made up later.
"""

from __future__ import annotations

import math

from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.season.season import SeasonExerciseSettings
from controller.control.tick import Tick
from controller.points import Output, Point

AGAIN_S = 86400.0
FLOW_WITHIN_S = 60.0
BELOW_MAX_K = 5.0
MOVED = 1.0
"""Less is no movement, %."""
OPEN = 90.0
"""Not further: a primary pump that helps a wide-open valve stays off."""
SHUT = 0.5
PRIMARY_STANDS_HZ = 1.0


class ValveExercise:
    """`active`: the circulation pump is wanted; `opening`: what the valve is asked for, %.

    `stroke_time` in s.
    """

    def __init__(
        self,
        valve: Output,
        stroke_time: float,
        supply: Point,
        flow: Point,
        primary: Point | None,
        primary_pump: Point | None = None,
    ) -> None:
        self.valve, self.stroke_time = valve, stroke_time
        self.supply, self.flow, self.primary, self.primary_pump = supply, flow, primary, primary_pump
        self.active = False
        self.opening = 0.0
        self.idle_s = 0.0
        self._stood_at = math.nan
        self._began = -math.inf
        self._opened = False

    def step(self, tick: Tick, settings: SeasonExerciseSettings | None, highest: float) -> None:
        """One scan. `settings`: None where there is to be no exercise; `highest`: the supply maximum, °C."""
        self._count(tick)
        if settings is None or not self._safe(settings, highest):
            self.active = False
        elif self.active:
            self._go_on(tick.now)
        elif self.idle_s >= settings.idle and tick.now - self._began >= AGAIN_S:
            self.active, self._opened, self._began = True, False, tick.now
        flows = self.flow.usable and self.flow.value == 1
        self._move(tick.dt, OPEN if self.active and flows and not self._opened else 0.0)

    def _move(self, dt: float, wanted: float) -> None:
        """No faster than the motor, whatever a rule has done to the valve meanwhile."""
        value, step = self.valve.value, 100.0 * dt / self.stroke_time
        self.opening = min(wanted, value + step) if math.isfinite(value) else 0.0
        if self.active:
            self.opening = max(self.opening, value - step, 0.0)

    def _count(self, tick: Tick) -> None:
        """How long the valve has stood where it is."""
        value = self.valve.value
        if not math.isfinite(value):
            return
        if abs(value - self._stood_at) <= MOVED:
            self.idle_s += tick.dt
        else:
            # The first scan finds where it stands; the time remembered from before goes on.
            if not math.isnan(self._stood_at):
                self.idle_s = 0.0
            self._stood_at = value

    def _safe(self, settings: SeasonExerciseSettings, highest: float) -> bool:
        """No heat to speak of can come, and the water is cool. What cannot be read is hot."""
        cool = self.supply.usable and self.supply.value < highest - BELOW_MAX_K
        primary, pump = self.primary, self.primary_pump
        cold = primary is not None and primary.usable and primary.value < settings.primary_below
        stands = pump is not None and pump.usable and pump.value < PRIMARY_STANDS_HZ
        return cool and (cold or stands)

    def _go_on(self, now: float) -> None:
        value = self.valve.value
        self._opened = self._opened or value >= OPEN - SHUT
        done = self._opened and value <= SHUT
        dry = not self._opened and value <= SHUT and now - self._began >= FLOW_WITHIN_S
        too_long = now - self._began >= FLOW_WITHIN_S + 3 * self.stroke_time
        if done or dry or too_long:
            self.active = False

    def state(self) -> dict[str, float]:
        """How long it has stood."""
        return {"idle": self.idle_s}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from it."""
        self.idle_s = remembered(state, "idle", self.idle_s, 0.0)
