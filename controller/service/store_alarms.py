"""What a person must know about the records: they fail, some are lost, a file was moved aside."""

from __future__ import annotations

import math

from controller.alarms import AlarmBook
from controller.store.history import Store

TOLD_S = 3600.0
"""What has happened once is an alarm for so long, plant seconds; in the list it stays until acknowledged."""


class StoreAlarms:
    """Reports in every scan. `state_problem`: what loading the state has met (`StateStore`), or ""."""

    def __init__(self, store: Store, state_problem: str, now: float) -> None:
        self._store = store
        self._state_problem = state_problem
        self._began = now
        self._problems = self._dropped = 0
        self._problem_at = self._dropped_at = -math.inf

    def report(self, alarms: AlarmBook, now: float) -> None:
        """Called from main: reads only what the store offers to any thread."""
        store, health = self._store, self._store.health
        why = (("why", health.code, "text"), ("detail", health.detail, "text")) if not health.ok else ()
        alarms.report("store_failing", "store", not health.ok, "high", why)
        problems = store.problems
        if len(problems) > self._problems:
            self._problem_at = now
        self._problems = len(problems)
        damaged = now - self._problem_at < TOLD_S
        what = (
            (("why", problems[-1].code, "text"), ("detail", problems[-1].detail, "text")) if damaged else ()
        )
        alarms.report("records_damaged", "store", damaged, "high", what)
        dropped = store.dropped_samples + store.dropped_events
        if dropped > self._dropped:
            self._dropped_at = now
        self._dropped = dropped
        losing = now - self._dropped_at < TOLD_S
        counts = (
            ("samples", store.dropped_samples, "count"),
            ("events", store.dropped_events, "count"),
        )
        alarms.report("records_dropped", "store", losing, "high", counts if losing else ())
        lost = bool(self._state_problem) and now - self._began < TOLD_S
        told = (("why", f"state_{self._state_problem}", "text"),) if lost else ()
        alarms.report("state_damaged", "state", lost, "high", told)
