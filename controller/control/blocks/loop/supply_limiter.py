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
        measured, back = seen
        loop = self.loop
        delayed = self._standing.step(standing, dt)
        if self.side == 0:
            self._look(lift, delayed, measured, bounds)
        if self.side != 0:
            self.limit = bounds.highest if self.side > 0 else bounds.lowest
            most = loop.step(self.limit, measured, dt, feedforward=self.limit - back, integrates=integrates)
            if (most - lift) * self.side < 0:
                return most
            self.side = 0
        loop.rest()
        loop.track(lift)
        return lift

    def _look(self, lift: float, delayed: float, measured: float, bounds: SupplyBounds) -> None:
        """Begin to lead, exactly at the bound, when what is asked for is beyond it."""
        room = 1.0 + self.loop.gain
        top = delayed + room * (bounds.highest - measured)
        bottom = delayed + room * (bounds.lowest - measured)
        if lift > top:
            self.side, start = 1, top
        elif lift < bottom:
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
