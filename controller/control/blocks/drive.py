"""One pump on its frequency drive: start, proof that it runs, failure and retry.

A pump has failed when its drive reports a fault, when it was running and stops for 2 s, when it does
not run 15 s after the command (Danfoss ECL stabilisation time), or when it runs without making
pressure for 15 s. It is retried after 20 min (ECL's retry), at once when nothing else is left.
A drive that does not answer is believed to do what it was told (it keeps its last speed on loss of
its bus); only missing pressure says otherwise.
"""

from __future__ import annotations

import math

from controller.control.tick import Tick
from controller.points import Image, Output, Point, Term

START_TIME_S = 15.0
STOPPED_TIME_S = 2.0
RETRY_S = 1200.0
STATES = ("off", "starting", "running", "failed", "local")
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
        self.running = image.points.get(f"{name}_running")
        self.fault = image.points.get(f"{name}_fault")
        self.local = image.points.get(f"{name}_local")
        self.low_hz, self.high_hz = low_hz, high_hz
        self.failed_at = -math.inf
        self.failed = 0
        self._wanted_since = math.inf
        self._seen_running = False
        self._stopped_since = math.inf
        self._no_pressure_since = math.inf

    @property
    def in_local(self) -> bool:
        """The cabinet switch has taken it from us."""
        return self.local is not None and self.local.on

    @property
    def runs(self) -> bool | None:
        """What the drive says; None when it says nothing."""
        if self.running is None or not self.running.usable:
            return None
        return self.running.value >= 0.5

    @property
    def available(self) -> bool:
        """May be chosen: not failed, and ours (or running by hand already)."""
        return not self.failed and (not self.in_local or self.runs is True)

    def watch(self, tick: Tick, pressure_made: bool | None) -> None:
        """Judge the pump by what it was told in the last scan and what is seen now."""
        now = tick.now
        runs = self.runs
        wanted = self.run.value >= 0.5
        if not wanted or self.in_local:
            self._wanted_since = math.inf
            self._seen_running = False
            self._stopped_since = self._no_pressure_since = math.inf
        else:
            self._wanted_since = min(self._wanted_since, now)
            if runs:
                self._seen_running, self._stopped_since = True, math.inf
            elif runs is False:
                self._stopped_since = min(self._stopped_since, now)
            if pressure_made is not False:
                self._no_pressure_since = math.inf
            else:
                self._no_pressure_since = min(self._no_pressure_since, now)
            self._judge(now)
        if self.fault is not None and self.fault.on:
            self._fail(now, "drive_fault")
        elif self.failed and now - self.failed_at >= RETRY_S:
            self.forgive()

    def _judge(self, now: float) -> None:
        stopped_for = now - self._stopped_since
        if self._seen_running and stopped_for >= STOPPED_TIME_S:
            self._fail(now, "stopped")
        elif not self._seen_running and min(stopped_for, now - self._wanted_since) >= START_TIME_S:
            self._fail(now, "no_start")
        elif min(now - self._no_pressure_since, now - self._wanted_since) >= START_TIME_S:
            self._fail(now, "no_pressure")

    def _fail(self, now: float, why: str) -> None:
        self.failed_at = now
        self.failed = FAILURES.index(why)

    def forgive(self) -> None:
        """Let it try again."""
        self.failed = 0
        self._wanted_since = self._stopped_since = self._no_pressure_since = math.inf
        self._seen_running = False

    def command(self, tick: Tick, run: bool, speed_hz: float) -> None:
        """Demand for this scan."""
        self.run.demand = float(run)
        self.speed.demand = speed_hz if run else self.low_hz
        if self.in_local:
            state = "local"
        elif self.failed:
            state = "failed"
        elif not run:
            state = "off"
        else:
            state = "running" if self.runs is not False else "starting"
        self.state.put(STATES.index(state), tick.now)
        self.failure.put(self.failed, tick.now)

    def explain(self) -> Term:
        """Its state, with the failure when there is one."""
        if self.failed:
            return Term(f"pump_{FAILURES[self.failed]}", (("pump", self.name, "text"),))
        state = STATES[int(self.state.value)] if self.state.usable else "off"
        return Term(f"pump_{state}", (("pump", self.name, "text"),))
