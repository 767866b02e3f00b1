"""Mode `constant_flow` (一次侧定流量): the primary flow is held, m³/h, whatever the weather.

    s = 100·V / (V100·√(Δp/Δp0))          share of the open valve's flow for a flow V, %
    V100 += (1 − e^(−gap/τ))·(100·Vm/(sm·√(Δp/Δp0)) − V100)

V100: flow of the open valve at the first differential pressure Δp0 seen; Vm: a new value of the meter; sm:
the valve's real share, delayed as the meter delays the flow, while the two do not differ by much; gap: time
since the meter's last new value, τ: 60 s, or twice the meter's interval. That learning is the slow integral:
it has nothing that could wind up, its gain is the same at any opening, and it goes on in all modes, so that
the mode begins with what is known. The primary pressure is fed forward where it is measured. The flow
set-point goes from the present flow to the wanted one as quickly as `supply.ramp` allows (see
`fixed_opening`).

A meter that cannot be used, is too old or no longer follows the valve is lost: the opening stays for 30 min,
then the heat curve takes over until the meter is back for a minute. A value that stands while the valve does
is no fault: it may be just the flow that is held, on a coarse display.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.loop.characteristic import Characteristic
from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.parts.meter_age import MeterAge
from controller.control.blocks.parts.steady import Steady
from controller.control.tick import Tick
from controller.fields import Amount, Settings
from controller.points import Point, Term

LOST = ("meter_lost", "meter_old", "meter_frozen")
HOLD_S = 1800.0
BACK_S = 60.0
LEARN_S = 60.0
DELAY_S = 10.0
SLOWLY = 0.1
"""Closer to its delayed value than this part the share moves slowly enough; 0.3 % at least."""
LEAST_SHARE = 1.0
"""Below that the leakage of a valve is a good part of its flow, %."""
CUT_OFF = 15.0
"""Up to this share a meter may show nothing: the cut-off of a vortex or orifice meter, %."""
LARGEST = 50.0
"""No open valve lets more through than so many times the wanted flow: something is known at any opening."""
FOLLOWS = 0.1
"""Part by which the share must move before the meter has to show another value."""
PRESSURE_S = 5.0
REACHED = 0.02
"""Flow set-point closer to the wanted one than this share is there."""
GUESS = 2.0
"""Open valve over the wanted flow, before anything is known."""


class ConstantFlowSettings(Settings):
    """Mode `constant_flow`: the primary flow is held (一次侧定流量)."""

    flow: Annotated[float, Amount("flow", 0.05, 2000, adjustable=True)] = Field(description="Primary flow")
    slowest_update: Annotated[float, Amount("time", 1, 300)] = Field(
        60.0, description="A meter that shows the old value for so long after the valve has moved is lost"
    )


class FlowControl:
    """Opening of the valve for a primary flow. `why`: code of why the meter is lost, or nothing."""

    def __init__(
        self,
        settings: ConstantFlowSettings,
        curve: Characteristic,
        flow: Point | None,
        pressures: tuple[Point, Point] | None,
    ) -> None:
        """`flow`: by the meter, m³/h; `pressures`: primary supply and return, kPa, or None."""
        self.settings, self.curve = settings, curve
        self.flow, self.pressures = flow, pressures
        self.age = MeterAge()
        self.full = math.nan
        self.first_pressure = math.nan
        self.wanted = math.nan
        self.why = "meter_lost"
        self.lost_s = 0.0
        self.final = False
        """A flow is never met exactly."""
        self._back_s = 0.0
        self._held = math.nan
        self._scale = 1.0
        self._difference = Steady(PRESSURE_S)
        self._delayed = Steady(DELAY_S)
        self._found: deque[float] = deque(maxlen=3)
        """Last values of V100; their median, so that one that is wrong moves nothing."""
        self._share = math.nan
        self._seen = math.nan
        self._seen_at = math.nan
        self._share_then = math.nan

    # ---- in every mode

    def watch(self, tick: Tick, opening: float) -> None:
        """Judge the meter and learn. `opening`: where the valve really stands, %, NaN unknown."""
        self._take_pressure(tick.dt)
        share = self.curve.flow(opening) if math.isfinite(opening) else math.nan
        self._delayed.filter_s = max(DELAY_S, self._interval)
        delayed = self._delayed.step(share, tick.dt)
        self._share = share
        usable = self.age.step(self.flow, tick.now, self.settings.slowest_update)
        new = self.flow is not None and self.flow.usable and self.flow.value != self._seen
        if new and self.flow is not None:
            slowly = abs(share - delayed) < max(SLOWLY * delayed, 0.3)
            if slowly and delayed >= LEAST_SHARE and self.flow.value > 0:
                self._learn(self.flow.value, delayed, tick.now - self._seen_at)
            self._seen, self._seen_at, self._share_then = self.flow.value, tick.now, share
        self._judge(usable, tick.now)
        self._count(tick.dt)

    def _take_pressure(self, dt: float) -> None:
        difference = math.nan
        if self.pressures is not None and self.pressures[0].usable and self.pressures[1].usable:
            difference = self.pressures[0].value - self.pressures[1].value
        difference = self._difference.step(difference if difference > 0 else math.nan, dt)
        if math.isnan(self.first_pressure):
            self.first_pressure = difference
        if difference > 0:
            self._scale = math.sqrt(min(max(difference / self.first_pressure, 0.1), 10.0))

    def _learn(self, flow: float, share: float, gap: float) -> None:
        found = 100 * flow / (share * self._scale)
        if math.isnan(self.full):
            self.full = found
            if math.isfinite(self.wanted):
                self.wanted = flow  # it set out from a guess
            return
        self._found.append(found)
        slowly = max(LEARN_S, 2 * self._interval)
        known = self._known_full()
        found = min(max(median(self._found), known / 4), known * 4)
        weight = -math.expm1(-gap / slowly) if gap > 0 else 0.0
        self.full = known + weight * (found - known)

    def _judge(self, usable: bool, now: float) -> None:
        why = self.age.why if not usable and self.age.why in LOST[:2] else ""
        least = LEAST_SHARE if self._seen > 0 else CUT_OFF
        moved = abs(self._share - self._share_then) > max(FOLLOWS * self._share_then, least)
        if not why and moved and now - self._seen_at > self.settings.slowest_update:
            why = "meter_frozen"
        self.why = why

    def _count(self, dt: float) -> None:
        self._back_s = 0.0 if self.why else self._back_s + dt
        if self.why:
            self.lost_s += dt
        elif self._back_s >= BACK_S or self.lost_s < HOLD_S:
            self.lost_s = 0.0

    @property
    def blind(self) -> bool:
        """The meter has been lost for so long that the heat curve takes over."""
        return self.lost_s >= HOLD_S

    # ---- in its own mode

    def start(self, opening: float) -> None:
        """Set out from where the valve stands, %."""
        share = self.curve.flow(opening) if math.isfinite(opening) else 0.0
        self.wanted = self._known_full() * self._scale * share / 100
        self._held = math.nan

    def step(self, part: Callable[[float, float], float]) -> float:
        """Opening of this scan, %. `part`: share of the way between two openings that the water bears."""
        if self.why:
            if math.isnan(self._held):
                self._held = self._opening(self.wanted)
            return self._held
        if math.isfinite(self._held):
            self.start(self._held)
        flow = self.settings.flow
        self.wanted += part(self._opening(self.wanted), self._opening(flow)) * (flow - self.wanted)
        return self._opening(self.wanted)

    @property
    def target(self) -> float:
        """Opening for the settings' flow, %."""
        return self._opening(self.settings.flow)

    @property
    def arrived(self) -> bool:
        """The set-point of the flow is where it was to go."""
        return abs(self.wanted - self.settings.flow) <= REACHED * self.settings.flow

    @property
    def _interval(self) -> float:
        """Time between new values of the meter, s, as far as it is known; a held flow looks slower."""
        interval = self.age.interval
        return min(interval, self.settings.slowest_update) if interval > 0 else 0.0

    def _known_full(self) -> float:
        flow = self.settings.flow
        return min(self.full, LARGEST * flow) if math.isfinite(self.full) else GUESS * flow

    def _opening(self, flow: float) -> float:
        return self.curve.opening(100 * flow / (self._known_full() * self._scale))

    def explain(self) -> Term:
        """Wanted and measured flow, or why the meter is lost."""
        if self.why:
            left = max(HOLD_S - self.lost_s, 0.0)
            return Term("flow_meter_lost_holds", (("why", self.why, "text"), ("left", left, "time")))
        values = (
            ("flow", self.settings.flow, "flow"),
            ("wanted", self.wanted, "flow"),
            ("measured", self._seen, "flow"),
            ("full", self.full, "flow"),
        )
        if self.settings.flow > self._known_full() * self._scale and self.arrived:
            return Term("constant_flow_beyond", values)
        return Term("constant_flow_holds" if self.arrived else "constant_flow_moves", values)

    def explain_lost(self) -> Term:
        """Why the heat curve has taken over."""
        return Term("flow_meter_lost", (("why", self.why or "meter_lost", "text"),))

    def state(self) -> dict[str, Any]:
        """What was learned, and how long the meter has been lost."""
        return {
            "full": finite(self.full),
            "first_pressure": finite(self.first_pressure),
            "lost": self.lost_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it; the meter's interval is learned anew."""
        self.full = remembered(state, "full", self.full, 0.01, 1e5)
        self.first_pressure = remembered(state, "first_pressure", self.first_pressure, 0.1, 1e4)
        self.lost_s = remembered(state, "lost", 0.0, 0.0, HOLD_S)
