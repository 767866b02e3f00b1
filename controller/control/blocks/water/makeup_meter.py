"""How much makeup: summed from a counter, a flow meter, or hours of the pump times its flow.

The best that can be read counts. A flow meter is summed only while a pump runs or it shows a clear flow: its
zero error would be a leak otherwise. Without any meter, or while it is lost, the flow is the usual one seen
while a pump ran, or the nominal one by the speed:

    Q = Q50·√((n² − n0²)/(50² − n0²))    affinity law, H = H0·n² − a·Q², against the pressure of the loop

with n0 the lowest speed that has lifted to the set-point: a pump that turns so slowly delivers nothing. One
that feeds a leak holds it by a higher one, so that n0 rises over days only. Before it is known, Q50·n/50.
"""

from __future__ import annotations

import math

from controller.control.tick import Tick
from controller.points import Point

CLEAR_FLOW = 0.2
"""m³/h that no zero error shows: 1 % of a 20 m³/h transmitter."""
USUAL_S = 600.0
NOMINAL_HZ = 50.0
LOWER_S, HIGHER_S = 60.0, 10 * 86400.0
"""How quickly n0 follows a lower speed, and a higher one, of running time."""
LARGEST_FLOW = 1e4
"""More is no makeup, m³/h."""
LARGEST_STEP = 1.0
"""m³ between two readings of a counter; more is a new counter."""


class MakeupMeter:
    """`total` in m³ since the start; `known`: there is something to sum up."""

    def __init__(self, flow: Point | None, counter: Point | None, nominal_flow: float | None) -> None:
        self.flow, self.counter = flow, counter
        self.nominal_flow = nominal_flow
        self.total = 0.0
        self.usual_flow = math.nan
        self.holds_hz = math.nan
        """The speed n0 of a pump, Hz."""
        self.measured = False
        self._last = math.nan

    @property
    def known(self) -> bool:
        """False: neither meter nor nominal flow."""
        return self.measured or self.nominal_flow is not None or math.isfinite(self.usual_flow)

    def step(self, tick: Tick, runs: bool, speed_hz: float, holds_hz: float = math.nan) -> float:
        """m³ of this scan. `runs`: a makeup pump turns; `holds_hz`: the speed that holds the set-point now,
        NaN where it is unknown."""
        if runs and holds_hz > 0.0:
            self._learn_holds(tick.dt, holds_hz)
        added = self._from_counter()
        if math.isnan(added):
            added = self._from_flow(tick, runs)
        self.measured = not math.isnan(added)
        if not self.measured:
            added = self._estimate(runs, speed_hz) * tick.dt / 3600.0
        self.total += added
        return added

    def _from_counter(self) -> float:
        counter = self.counter
        if counter is None or not counter.usable or not math.isfinite(counter.value):
            return math.nan
        before, self._last = self._last, counter.value
        added = counter.value - before
        return added if 0.0 <= added <= LARGEST_STEP else 0.0

    def _from_flow(self, tick: Tick, runs: bool) -> float:
        flow = self.flow
        if flow is None or not flow.usable or not abs(flow.value) <= LARGEST_FLOW:
            return math.nan
        if not runs and flow.value < CLEAR_FLOW:
            return 0.0
        if runs and flow.value >= CLEAR_FLOW:
            if math.isnan(self.usual_flow):
                self.usual_flow = flow.value
            self.usual_flow += min(tick.dt / USUAL_S, 1.0) * (flow.value - self.usual_flow)
        return max(flow.value, 0.0) * tick.dt / 3600.0

    def _learn_holds(self, dt: float, holds_hz: float) -> None:
        if math.isnan(self.holds_hz):
            self.holds_hz = holds_hz
        over_s = LOWER_S if holds_hz < self.holds_hz else HIGHER_S
        self.holds_hz += min(dt / over_s, 1.0) * (holds_hz - self.holds_hz)

    def _estimate(self, runs: bool, speed_hz: float) -> float:
        if not runs:
            return 0.0
        if math.isfinite(self.usual_flow):
            return self.usual_flow
        share = min(max(speed_hz / NOMINAL_HZ, 0.0), 1.2) if math.isfinite(speed_hz) else 0.0
        if self.holds_hz < NOMINAL_HZ:
            holds = (self.holds_hz / NOMINAL_HZ) ** 2
            share = math.sqrt(max(share * share - holds, 0.0) / (1.0 - holds))
        return (self.nominal_flow or 0.0) * share
