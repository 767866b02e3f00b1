"""What the scan has handed over and the disk has not taken yet: bounded, counted, thread-safe."""

from __future__ import annotations

import math
import threading
from array import array
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from controller.points import Event, Snapshot
from controller.store.codec import clean, dump_values


class SampleRow(NamedTuple):
    """One sampled scan: float64 values as bytes, so that a day of them fits into memory."""

    time_ms: int
    wall_ms: int
    scan: int
    values: bytes
    qualities: bytes

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return len(self.values) + len(self.qualities) + 300


class EventRow(NamedTuple):
    """One event as it goes into its table. `number` counts within this run."""

    number: int
    time_ms: int
    wall_ms: int
    scan: int
    kind: str
    subject: str
    code: str
    user: str
    source: str
    values: str

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return len(self.values) + 700


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction takes, and the last scan that it covers."""

    samples: list[SampleRow]
    events: list[EventRow]
    scan: int

    def __bool__(self) -> bool:
        return bool(self.samples or self.events)


class Pending:
    """The queue between the scan and the writer.

    `limit_bytes` bounds both kinds together. Beyond it the oldest samples go first and events only
    when no sample is left, each counted: a curve with a hole is still a curve, an alarm is not.
    A day without a disk (300 points every 10 s) takes 26 MB.
    """

    def __init__(self, points: int, sample_period_s: float, limit_bytes: int) -> None:
        self._points = points
        self._period_s = sample_period_s
        self._limit = limit_bytes
        self._lock = threading.Lock()  # held for a few appends or a swap, never over I/O
        self._samples: deque[SampleRow] = deque()
        self._events: deque[EventRow] = deque()
        self._bytes = 0
        self._scan = 0
        self._slot: float = -math.inf
        self._last_ms = -(1 << 62)
        self._number = 0
        self.dropped_samples = 0
        self.dropped_events = 0

    def __len__(self) -> int:
        return len(self._samples) + len(self._events)

    def add(self, snapshot: Snapshot, events: Iterable[Event]) -> bool:
        """Take a scan's events, and its values when it is the first of its sample period.

        True when there were events. Raises nothing but what a snapshot that is none provokes.
        """
        rows = [self._event(snapshot, event) for event in events]
        sample = None
        # The grid of plant time, not "10 s after the last one": restarts and late scans do not drift.
        slot = math.floor(snapshot.time / self._period_s) if self._period_s > 0 else snapshot.time
        if slot != self._slot:
            sample = self._sample(snapshot)
        with self._lock:
            self._scan = snapshot.scan
            if slot != self._slot:
                self._slot = slot
                if sample is None:
                    self.dropped_samples += 1
                else:
                    self._samples.append(sample)
                    self._bytes += sample.size
            for row in rows:
                self._events.append(row)
                self._bytes += row.size
            self._trim()
        return bool(rows)

    def take(self) -> Batch:
        """Everything that waits; the caller gives it back when it could not be saved."""
        with self._lock:
            batch = Batch(list(self._samples), list(self._events), self._scan)
            self._samples.clear()
            self._events.clear()
            self._bytes = 0
        return batch

    def give_back(self, batch: Batch) -> None:
        """Put an unsaved batch before what came in meanwhile."""
        with self._lock:
            self._samples.extendleft(reversed(batch.samples))
            self._events.extendleft(reversed(batch.events))
            self._bytes += sum(row.size for row in batch.samples) + sum(row.size for row in batch.events)
            self._trim()

    def _trim(self) -> None:
        while self._bytes > self._limit and self._samples:
            self._bytes -= self._samples.popleft().size
            self.dropped_samples += 1
        while self._bytes > self._limit and self._events:
            self._bytes -= self._events.popleft().size
            self.dropped_events += 1

    def _sample(self, snapshot: Snapshot) -> SampleRow | None:
        """None for a snapshot that does not fit the catalogue: it would be unreadable."""
        if len(snapshot.values) != self._points or len(snapshot.qualities) != self._points:
            return None
        try:
            values = array("d", snapshot.values).tobytes()
        except TypeError:
            return None
        self._last_ms = max(_milliseconds(snapshot.time), self._last_ms + 1)
        wall_ms = _milliseconds(snapshot.wall)
        return SampleRow(self._last_ms, wall_ms, snapshot.scan, values, bytes(snapshot.qualities))

    def _event(self, snapshot: Snapshot, event: Event) -> EventRow:
        self._number += 1
        return EventRow(
            self._number,
            _milliseconds(event.time if math.isfinite(event.time) else snapshot.time),
            _milliseconds(event.wall if math.isfinite(event.wall) else snapshot.wall),
            snapshot.scan,
            clean(event.kind),
            clean(event.subject),
            clean(event.code),
            clean(event.user),
            clean(event.source),
            _event_values(event),
        )


def _event_values(event: Event) -> str:
    try:
        return dump_values(event.values)
    except (TypeError, ValueError):
        # A mistake of whoever made the event; that it happened is worth more than its placeholders.
        return dump_values((("values", repr(event.values), ""),))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
