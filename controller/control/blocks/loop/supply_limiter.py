"""Keeps the supply temperature within its limits while something else leads the valve.

    top    = F(w) + (1 + K)·(Tmax − Ts)      lift from which on the limiter leads downwards
    bottom = F(w) + (1 + K)·(Tmin − Ts)      and upwards

w: lift that the standing valve gives under the present conditions (`heat_transfer`); F: delayed as exchanger,
sensor and filter delay the water, so that F(w) and Ts speak of the same water; K: gain of the loop. A primary
supply that jumps is in w at once, so the limiter acts before the water is too hot. Past a limit the PI of the
supply loop leads, with that limit as its set-point; it begins exactly there, and hands back where it would
let more through than is asked for. While it does not lead it keeps nothing that could wind up (override
control with tracking; Åström, Hägglund, Advanced PID Control, ch. 3.5 and 13).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from controller.control.blocks.parts.pid_loop import PiLoop
from controller.control.blocks.parts.steady import Steady
from controller.points import Term

DELAY_S = 20.0
"""Exchanger and sensor of a nominal station, 15 s, and the loop's filter."""


@dataclass(frozen=True, slots=True)
class SupplyBounds:
    """Lowest and highest supply temperature, °C. Where both cannot be had, the highest counts."""

    lowest: float
    highest: float


class SupplyLimiter:
    """`side`: 1 while it leads at the highest supply, −1 at the lowest, 0 otherwise."""

    def __init__(self, loop: PiLoop) -> None:
        """`loop`: of the supply temperature, in kelvins of lift; its own while `step` is called."""
        self.loop = loop
        self.side = 0
        self.limit = math.nan
        self._standing = Steady(DELAY_S)

    def step(
        self,
        lift: float,
        standing: float,
        seen: tuple[float, float],
        bounds: SupplyBounds,
        dt: float,
        *,
        integrates: bool = True,
    ) -> float:
        """The lift to go for, K. `lift`: what is asked for; `standing`: w; `seen`: supply and return, °C."""
        delayed = self._standing.step(standing, dt)
        room = 1.0 + self.loop.gain
        top = delayed + room * (bounds.highest - seen[0])
        bottom = delayed + room * (bounds.lowest - seen[0])
        led = self.side
        limited = self._limited(lift, (top, bottom), seen, bounds, dt, integrates)
        if limited is None:
            self._look(lift, (top, bottom), led)
            limited = self._limited(lift, (top, bottom), seen, bounds, dt, integrates)
        if limited is not None:
            return limited
        self.loop.rest()
        self.loop.track(lift)
        return lift

    def _limited(
        self,
        lift: float,
        ends: tuple[float, float],
        seen: tuple[float, float],
        bounds: SupplyBounds,
        dt: float,
        integrates: bool,
    ) -> float | None:
        """Lift of the side that leads; None when none does, or the one that did hands back: where both PI and
        bound let more through than is asked for. Else the bound would begin anew, with a jump."""
        if self.side == 0:
            return None
        self.limit, end = (bounds.highest, ends[0]) if self.side > 0 else (bounds.lowest, ends[1])
        known = self.limit - seen[1]
        found = self.loop.step(self.limit, seen[0], dt, feedforward=known, integrates=integrates)
        if (found - lift) * self.side < 0:
            return found
        if (end - lift) * self.side < 0:
            self.loop.applied(lift)
            return lift
        self.side = 0
        return None

    def _look(self, lift: float, ends: tuple[float, float], led: int) -> None:
        """Begin to lead, exactly at the bound, when what is asked for is beyond it. `led`: the side that has
        just handed back, or 0."""
        top, bottom = ends
        if lift > top and led <= 0:
            self.side, start = 1, top
        elif lift < bottom and led >= 0:
            self.side, start = -1, bottom
        else:
            return
        self.loop.rest()
        self.loop.track(start)

    def forget(self) -> None:
        """The valve was moved by somebody else, or nobody limits."""
        self.side = 0
        self._standing.value = math.nan

    def explain(self) -> Term | None:
        """The limit that leads; None while none does."""
        if self.side == 0:
            return None
        limit = (("limit", self.limit, "temperature"),)
        return Term("limited_at_highest" if self.side > 0 else "limited_at_lowest", limit)
