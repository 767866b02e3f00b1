"""One pump on its frequency drive: start, proof that it runs, failure, retry, lock-out, mains bypass.

A pump has failed when its drive reports a fault, when it was running and stops for 2 s, when it does
not run 15 s after the command (Danfoss ECL stabilisation time), or when it runs without making
pressure for 15 s. It is retried after 10 min; after the third failure in a row it stays out until a
person forgives it, or has had it in local at the cabinet. Half an hour without a failure ends the row.
A drive that does not answer is believed to do what it was told (it keeps its last speed on loss of its
bus); only missing pressure says otherwise. `silent` tells it after 5 s to those who have another pump that
can be told: a makeup drive stops on loss of its bus within 10 s (FACTS §8). Nor does one `obey` that shows
something else than was written to it: then another pump that does is taken, and where there is none this one
is told all the same. On mains bypass the pump runs
at 50 Hz past its drive: what the drive says then does not count, only missing pressure does.
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.tick import Tick
from controller.points import Image, Output, Point, Term

START_TIME_S = 15.0
STOPPED_TIME_S = 2.0
SILENT_S = 5.0
RETRY_S = 600.0
TRIES = 3
GOOD_RUN_S = 1800.0
"""So long without a failure ends the row of failures."""
PROVEN_S = 5.0
MAINS_HZ = 50.0
STATES = ("off", "starting", "running", "failed", "local", "mains", "locked_out")
FAILURES = ("", "drive_fault", "stopped", "no_start", "no_pressure")


class PumpDrive:
    """`name` is the pump's prefix (`low.pump_1`); its measured points are in the image already."""

    def __init__(self, image: Image, name: str, low_hz: float, high_hz: float, *, keep_running: bool) -> None:
        self.name = name
        failsafe = None if keep_running else 0.0
        self.run = image.add(Output(f"{name}_run", "flag", 0, 1, failsafe=failsafe))
        self.speed = image.add(
            Output(f"{name}_speed", "frequency", 0, high_hz, failsafe=None, rate=5.0, dead_band=0.3)
        )
        self.state = image.add(Point(f"{name}_state", "choice", choices=STATES, role="calculated"))
        self.failure = image.add(Point(f"{name}_failure", "choice", choices=FAILURES, role="calculated"))
        self.hours_point = image.add(Point(f"{name}_hours", "count", role="calculated"))
        find = image.points.get
        self.running = find(f"{name}_running")
        self.fault = find(f"{name}_fault")
        self.local = find(f"{name}_local")
        self.frequency = find(f"{name}_frequency")
        self.bypass = find(f"{name}_bypass")
        self.low_hz, self.high_hz = low_hz, high_hz
        self.failed_at = -math.inf
        self.failed_since = -math.inf
        self.failed = 0
        self.failures_in_row = 0
        self.hours = 0.0
        self.idle_s = 0.0
        self.in_local = False
        """The cabinet switch has taken it from us."""
        self.on_mains = False
        """It runs past its drive."""
        self.runs: bool | None = None
        """What the drive says; None when it says nothing. On mains bypass it runs."""
        self._wanted_since = math.inf
        self._seen_running = False
        self._running_since = math.inf
        self._stopped_since = math.inf
        self._no_pressure_since = math.inf
        self._silent_since = math.inf
        self.silent = False
        """Its drive has not answered for `SILENT_S`: it cannot be told anything."""

    @property
    def obeys(self) -> bool:
        """Nothing says that its drive does something else than it was told."""
        return self.run.confirmed and self.speed.confirmed

    @property
    def answers(self) -> bool:
        """May be chosen, hears what it is told, and does it."""
        return self.available and not self.silent and self.obeys

    @property
    def held_off(self) -> bool:
        """A person has it in hand, and off."""
        hand = self.run.override
        return hand is not None and hand.value < 0.5

    @property
    def turns(self) -> bool:
        """It runs, by what the drive says or else by what it was told."""
        runs = self.runs
        return self.run.value >= 0.5 if runs is None else runs

    @property
    def locked_out(self) -> bool:
        """It failed so often that a person has to look at it."""
        return self.failed > 0 and self.failures_in_row >= TRIES

    @property
    def available(self) -> bool:
        """May be chosen: not failed, and ours (or running by hand already)."""
        return not self.failed and (not self.in_local or self.runs is True)

    def proven(self, now: float) -> bool:
        """It has run for 5 s, by its own word; by the clock for a start where it says nothing."""
        if self.runs is None:
            return now - self._wanted_since >= START_TIME_S
        return now - self._running_since >= PROVEN_S

    def recovered(self, now: float) -> bool:
        """It failed, was asked on all the same, and runs by now: nothing to wait for."""
        sound = self.failed and FAILURES[self.failed] != "no_pressure"
        return bool(sound) and not (self.fault is not None and self.fault.on) and self.proven(now)

    def watch(self, tick: Tick, pressure_made: bool | None) -> None:
        """Judge the pump by what it was told in the last scan and what is seen now."""
        now = tick.now
        was_local = self.in_local
        self._look(now)
        self._count(tick)
        if was_local and not self.in_local:
            self.forgive()  # somebody stood before it
        if self.on_mains:
            self._watch_mains(now, pressure_made)
        elif self.run.value < 0.5 or self.in_local:
            self._forget_times()
        else:
            self._watch_drive(now, pressure_made)
        if self.fault is not None and self.fault.on and not self.on_mains:
            self._fail(now, "drive_fault")
        elif self.failed and not self.locked_out and now - self.failed_at >= RETRY_S:
            self.let_try()
        if not self.failed and now - self.failed_at >= RETRY_S + GOOD_RUN_S:
            self.failures_in_row = 0

    def _look(self, now: float) -> None:
        """What its contacts say in this scan."""
        self.in_local = self.local is not None and self.local.on
        self.on_mains = self.bypass is not None and self.bypass.on
        running = self.running
        if self.on_mains:
            self.runs = True
        elif running is None or not running.usable:
            self.runs = None
        else:
            self.runs = running.value >= 0.5
        mute = running is not None and self.runs is None
        self._silent_since = min(self._silent_since, now) if mute else math.inf
        self.silent = now - self._silent_since >= SILENT_S

    def _count(self, tick: Tick) -> None:
        if self.turns:
            self.hours += tick.dt / 3600.0
            self.idle_s = 0.0
            self._running_since = min(self._running_since, tick.now)
        else:
            self.idle_s += tick.dt
            self._running_since = math.inf
        self.hours_point.put(self.hours, tick.now)

    def _watch_drive(self, now: float, pressure_made: bool | None) -> None:
        self._wanted_since = min(self._wanted_since, now)
        if self.runs:
            self._seen_running, self._stopped_since = True, math.inf
        elif self.runs is False:
            self._stopped_since = min(self._stopped_since, now)
        self._note_pressure(now, pressure_made)
        stopped_for = now - self._stopped_since
        if self._seen_running and stopped_for >= STOPPED_TIME_S:
            self._fail(now, "stopped")
        elif not self._seen_running and min(stopped_for, now - self._wanted_since) >= START_TIME_S:
            self._fail(now, "no_start")
        elif min(now - self._no_pressure_since, now - self._wanted_since) >= START_TIME_S:
            self._fail(now, "no_pressure")

    def _watch_mains(self, now: float, pressure_made: bool | None) -> None:
        """What failed at the drive is behind it; only a pump that makes no pressure has failed."""
        if self.failed and FAILURES[self.failed] != "no_pressure":
            self.let_try()
        self._wanted_since, self._seen_running = min(self._wanted_since, now), True
        self._stopped_since = math.inf
        self._note_pressure(now, pressure_made)
        if now - self._no_pressure_since >= START_TIME_S:
            self._fail(now, "no_pressure")

    def _note_pressure(self, now: float, pressure_made: bool | None) -> None:
        if pressure_made is not False:
            self._no_pressure_since = math.inf
        else:
            self._no_pressure_since = min(self._no_pressure_since, now)

    def _fail(self, now: float, why: str) -> None:
        if not self.failed:
            self.failures_in_row += 1
            self.failed_since = now
        self.failed_at = now
        self.failed = FAILURES.index(why)

    def let_try(self) -> None:
        """Let it try again; the row of failures goes on."""
        self.failed = 0
        self._forget_times()

    def _forget_times(self) -> None:
        self._wanted_since = self._stopped_since = self._no_pressure_since = math.inf
        self._seen_running = False

    def forgive(self) -> None:
        """A person says that it may start afresh: ends a lock-out."""
        self.failures_in_row = 0
        self.let_try()

    def forgive_row(self) -> None:
        """Its failures so far were not its own: the row begins anew, the last one still has its pause."""
        self.failures_in_row = min(self.failures_in_row, 1 if self.failed else 0)

    def command(self, tick: Tick, run: bool, speed_hz: float) -> None:
        """Demand for this scan."""
        self.run.demand = float(run)
        self.speed.demand = speed_hz if run else self.low_hz
        if self.in_local:
            state = "local"
        elif self.locked_out:
            state = "locked_out"
        elif self.failed:
            state = "failed"
        elif self.on_mains:
            state = "mains"
        elif not run:
            state = "off"
        else:
            state = "running" if self.runs is not False else "starting"
        self.state.put(STATES.index(state), tick.now)
        self.failure.put(self.failed, tick.now)

    def explain(self) -> Term:
        """Its state, with the failure when there is one."""
        pump = (("pump", self.name, "text"),)
        if self.failed:
            why = Term(f"pump_{FAILURES[self.failed]}", pump)
            return Term("pump_locked_out", pump, (why,)) if self.locked_out else why
        if not self.obeys:
            return Term("pump_disobeys", pump)
        if self.silent:
            return Term("pump_silent", pump)
        state = STATES[int(self.state.value)] if self.state.usable else "off"
        return Term(f"pump_{state}", pump)

    def memory(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values. A lock-out does."""
        failed = self.failed if self.locked_out else 0
        return {
            "hours": self.hours,
            "idle": self.idle_s,
            "failures": self.failures_in_row if failed else 0,
            "failed": failed,
        }

    def remember(self, state: object) -> None:
        """Take over what `memory` gave; anything missing or odd keeps its fresh value."""
        if not isinstance(state, dict):
            return
        hours, idle = state.get("hours"), state.get("idle")
        if isinstance(hours, int | float) and math.isfinite(hours) and hours >= 0:
            self.hours = float(hours)
        if isinstance(idle, int | float) and math.isfinite(idle) and idle >= 0:
            self.idle_s = float(idle)
        failures, failed = state.get("failures"), state.get("failed")
        if isinstance(failures, int) and isinstance(failed, int) and 0 <= failed < len(FAILURES):
            self.failures_in_row, self.failed = max(failures, 0), failed
