"""Isolation valve of one exchanger: a relay, two end contacts where they are there, and what became of it.

Its place is estimated by its stroke time and set right by the contacts. It has failed when the end that it
was sent to does not show within the stroke and 20 s, or when it leaves the end where it stood for 15 s;
without a contact only missing heat can tell (`no_heat`, said by the group). A valve that failed is not
counted on; it is tried again after a day, or when a person acknowledges the alarm. One that reaches its open
end after all counts again at once.
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.blocks.parts.memory import remembered
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Slot

STATES = ("closed", "opening", "open", "closing", "failed", "out")
FAILURES = ("", "no_open", "no_close", "left_end", "no_heat")
LATE_S = 20.0
"""Over its stroke time: motors of one type differ by some per cent, and contacts are read once a second."""
LEFT_S = 15.0
RETRY_S = 86400.0
PASSES_AT = 0.4
"""Share of the stroke from which a butterfly or ball valve hardly resists, seen beside the plates."""


class IsolationValve:
    """`name` is the exchanger's prefix (`low.exchanger_1`); its contacts are in the image already.

    `target`: what it was really told; `there`: it is at that end; `share`: estimated part of its stroke that
    is open; `out`: a person has taken the exchanger out.
    """

    def __init__(self, image: Image, name: str, stroke_s: float) -> None:
        self.name = name
        self.stroke_s = stroke_s
        self.output = image.add(Output(f"{name}_open", "flag", 0, 1, failsafe=1.0))
        self.state = image.add(Point(f"{name}_state", "choice", choices=STATES, role="calculated"))
        self.failure = image.add(Point(f"{name}_failure", "choice", choices=FAILURES, role="calculated"))
        self.hours_point = image.add(Point(f"{name}_hours", "count", role="calculated"))
        self.opened = image.points.get(f"{name}_opened")
        self.closed = image.points.get(f"{name}_closed")
        self.out = False
        self.target = True
        self.there = False
        self.share = 1.0
        self.failed = 0
        self.hours = 0.0
        self.rested_s = 0.0
        self.opened_at = -math.inf
        """When it was last told to open."""
        self._failed_at = math.nan
        self._told_at = -math.inf
        self._told_for = math.inf
        self._arrived = False
        self._away_since = math.inf

    @property
    def unreadable(self) -> bool:
        """An end contact that is there says nothing, or both ends are told at once."""
        contacts = [contact for contact in (self.opened, self.closed) if contact is not None]
        return any(not contact.usable for contact in contacts) or (
            len(contacts) == 2 and all(contact.on for contact in contacts)
        )

    @property
    def ours(self) -> bool:
        """Neither a person nor a rule has its hand on it."""
        return self.output.override is None and self.output.slot is not Slot.LIMIT

    @property
    def moving(self) -> bool:
        """On its way, and not overdue."""
        return not self.there and (not self.failed or self._told_for < self.stroke_s + LATE_S)

    @property
    def serves(self) -> bool:
        """It stands open as far as anybody can say; one that would not close does, too."""
        return self.target and self.there and self.failed in (0, FAILURES.index("no_close"))

    @property
    def passing(self) -> float:
        """Share of its exchanger that water flows through, 0 … 1."""
        return min(1.0, self.share / PASSES_AT)

    def begin(self, now: float) -> None:
        """First scan: it is where it was left, or where its contacts say; else it counts as open."""
        if math.isfinite(self.output.value):
            self.target = self.output.value >= 0.5
        elif self.closed is not None and self.closed.on and not self.unreadable:
            self.target = False
        else:
            self.target = True
        self.share = float(self.target)
        self._told_at, self._told_for = now, 0.0

    def watch(self, tick: Tick) -> None:
        """Judge it by what it was told in the last scan and what its contacts say now."""
        now, told = tick.now, self.output.value >= 0.5
        if math.isfinite(self.output.value) and told != self.target:
            self.target, self._told_at = told, now
            self._arrived, self._away_since = False, math.inf
            if told:
                self.opened_at = now
        self._told_for = now - self._told_at
        self._estimate(tick.dt)
        self._judge(now)
        self._count(tick)

    def _estimate(self, dt: float) -> None:
        way = dt / self.stroke_s
        share = min(max(self.share + (way if self.target else -way), 0.0), 1.0)
        if not self.unreadable:
            if self.opened is not None and self.opened.on:
                share = 1.0
            elif self.closed is not None and self.closed.on:
                share = 0.0
        self.share = share

    def _at_end(self) -> bool:
        """At the end that it was sent to, by that end's contact; by the other's and the time; by the time."""
        wanted, other = (self.opened, self.closed) if self.target else (self.closed, self.opened)
        if wanted is not None and wanted.usable:
            return wanted.on and not (other is not None and other.on)
        late = self._told_for >= self.stroke_s
        return late and not (other is not None and other.on)

    def _judge(self, now: float) -> None:
        self.there = self._at_end()
        if math.isnan(self._failed_at):
            self._failed_at = now
        if self.failed and now - self._failed_at >= RETRY_S:
            self.forgive(now)
        if self.there:
            self._arrived, self._away_since = True, math.inf
            if self.target and FAILURES[self.failed] in ("no_open", "left_end"):
                self.failed = 0
            return
        self._away_since = min(self._away_since, now)
        if self._arrived and now - self._away_since >= LEFT_S:
            self.fail(now, "left_end")
        elif not self._arrived and self._told_for >= self.stroke_s + LATE_S:
            self.fail(now, "no_open" if self.target else "no_close")

    def _count(self, tick: Tick) -> None:
        if self.share >= PASSES_AT:
            self.hours += tick.dt / 3600.0
            self.rested_s = 0.0
        else:
            self.rested_s += tick.dt

    def fail(self, now: float, why: str) -> None:
        """It is not counted on any more; the first time counts for the next trial."""
        kind = FAILURES.index(why)
        if kind != self.failed:
            self.failed, self._failed_at = kind, now

    def forgive(self, now: float) -> None:
        """It may try again: a day has passed, or a person has acknowledged."""
        self.failed = 0
        self._told_at, self._told_for = now, 0.0
        self._arrived, self._away_since = False, math.inf

    def show(self, now: float) -> None:
        """Publish its state, and what becomes of it when nobody commands it: one that is out stays closed."""
        if self.out and not self.target and self.there:
            state = "out"
        elif self.failed:
            state = "failed"
        elif self.there:
            state = "open" if self.target else "closed"
        else:
            state = "opening" if self.target else "closing"
        self.state.put(STATES.index(state), now)
        self.failure.put(self.failed, now)
        self.hours_point.put(self.hours, now)
        self.output.failsafe = 0.0 if self.out and not self.target else 1.0

    def memory(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values. Where it stands is the output's own."""
        return {"hours": self.hours, "rested": self.rested_s, "failed": self.failed}

    def remember(self, state: object) -> None:
        """Take over what `memory` gave; anything missing or odd keeps its fresh value."""
        if not isinstance(state, dict):
            return
        self.hours = remembered(state, "hours", self.hours, 0.0)
        self.rested_s = remembered(state, "rested", self.rested_s, 0.0)
        failed = state.get("failed")
        if isinstance(failed, int) and 0 <= failed < len(FAILURES):
            self.failed = int(failed)
