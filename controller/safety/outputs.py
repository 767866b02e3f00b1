"""Outputs: the slots of an output become its one value. Safety has the last word.

Demand (or fail-safe when its circuit is broken) → override of a person → limit of the safety table →
rate → dead band. A value that safety forces is put out at once, and so is the demand that follows it: the
loop has meanwhile tracked the real position. The rest moves no faster than the actuator can.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from controller.points import Event, Image, Output, Point, Quality, Slot

TRIPS = ("over_temperature", "thermostat")
"""Rules that shut a valve which a hand holds open, and give it back when it is cool: again and again."""
TRIPS_END_IT, TRIPS_WITHIN_S = 3, 3600.0
"""So many within so long end the hand: a stroke every minute wears the valve out, and heats badly."""


class Outputs:
    """The output stage. `rules`: codes of the safety table, for the reason points."""

    def __init__(self, outputs: Iterable[Output], image: Image, rules: Iterable[str]) -> None:
        self._choices = ("failsafe", "demand", "override", *dict.fromkeys(rules))
        self._index = {code: index for index, code in enumerate(self._choices)}
        self._rows = [
            (
                output,
                image.add(Point(f"{output.name}_reason", "choice", choices=self._choices, role="reason")),
            )
            for output in outputs
        ]
        self._trips: dict[str, list[float]] = {}
        """When a trip has taken an output back from the hand that holds it, the last hour."""

    def step(self, now: float, dt: float, failed: set[str]) -> None:
        """Set the value of every output. `failed`: names of outputs whose circuit is broken."""
        for output, reason in self._rows:
            tripped = output.slot is Slot.LIMIT and output.rule in TRIPS
            self._one(output, now, dt, output.name in failed)
            if output.override is not None and output.rule in TRIPS and not tripped:
                self._trips.setdefault(output.name, []).append(now)
            code = output.rule if output.slot is Slot.LIMIT else self._choices[output.slot]
            reason.put(self._index[code], now)

    def expire(self, now: float, wall: float) -> list[Event]:
        """End the overrides whose time is up, and those that trips have taken back again and again."""
        events = []
        for output, _ in self._rows:
            hand = output.override
            if hand is None:
                self._trips.pop(output.name, None)
                continue
            trips = [time for time in self._trips.get(output.name, ()) if now - time < TRIPS_WITHIN_S]
            code = "override_tripped" if len(trips) >= TRIPS_END_IT else ""
            code = "override_expired" if now >= hand.expires else code
            if code:
                output.override = None
                events.append(Event(now, wall, "effect", output.name, code, hand.user, hand.source))
        return events

    @staticmethod
    def _one(output: Output, now: float, dt: float, failed: bool) -> None:
        old = output.value
        slot, wanted = Slot.DEMAND, output.demand
        limit = output.limit
        if (
            wanted == old
            and output.slot is Slot.DEMAND
            and output.override is None
            and not failed
            and limit.low < wanted < limit.high
            and output.low <= wanted <= output.high
        ):
            output.put(old, now)  # nothing to decide
            return
        if failed or not math.isfinite(wanted):
            slot = Slot.FAILSAFE
            wanted = old if output.failsafe is None else output.failsafe
        if output.override is not None:
            slot, wanted = Slot.OVERRIDE, output.override.value
        if not math.isfinite(wanted) and not (math.isinf(limit.low) and math.isinf(limit.high)):
            wanted = limit.low if math.isfinite(limit.low) else limit.high
        if not math.isfinite(wanted):
            output.mark(math.nan, Quality.BAD, "never_written", now)
            output.slot, output.rule = slot, ""
            return
        wanted = min(max(wanted, output.low), output.high)
        # Equal counts: a loop that tracks what a limit leaves it asks for just that, and is not the reason.
        forced = limit.high_rule if wanted >= limit.high else limit.low_rule if wanted <= limit.low else ""
        value = min(max(wanted, limit.low), limit.high)
        if math.isfinite(old) and not forced and output.slot is not Slot.LIMIT:
            # The dead band looks at what is wanted: one step of a slow actuator is smaller than it.
            at_end = wanted in (output.low, output.high)
            if slot is Slot.DEMAND and abs(wanted - old) < output.dead_band and not at_end:
                value = old
            elif math.isfinite(output.rate):
                step = output.rate * dt
                value = min(max(wanted, old - step), old + step)
            # On its way a value keeps to the limit as well.
            value = min(max(value, limit.low), limit.high)
        output.put(value, now)
        output.slot = Slot.LIMIT if forced else slot
        output.rule = forced
        if output.slot is not Slot.DEMAND:
            output.reason = forced or output.slot.name.lower()
