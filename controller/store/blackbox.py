"""The black box: the last minutes of every point, second by second, kept at every trip.

Main hands over each scan (`offer`) and never waits. A trip is written twice: at once, because a trip is often
the first sign of what kills the board next, and again when the time after it is over. The task in the outside
loop writes; what the disk does not take is tried again, the newest two records at most.

Measured with the demo station (130 points, 12 min): a file has 30 kB behind the simulator and 270 kB where
every value is noise, so a trip writes 0.06 to 0.5 MB; six an hour are the most (`trips.Pauses`), 80 MB a day
at the very worst. The ring has 0.85 MB; a scan costs 7 µs of 275 (`benchmarks/scan.py`), the copy at
a trip 0.1 ms.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from controller.clock import Clock
from controller.points import AlarmView, Event, PointInfo, Snapshot
from controller.store import files, trip_files
from controller.store.history import Health
from controller.store.ring import Ring, Rows
from controller.store.trip_files import BadTrip, Trip
from controller.store.trips import Pauses, TripWatch

log = logging.getLogger("controller.store")

MOST_EVENTS = 500
MOST_WAITING = 2
RETRY_S = 60.0
"""Also where nothing waits: a round that does nothing is its sign of life."""
LAST_WRITE_S = 5.0
"""Wire seconds for the last write of a clean stop."""


@dataclass(frozen=True, slots=True)
class BoxLimits:
    """Seconds before and after a trip, the first pause of a cause, and files and bytes on the card."""

    before_s: float = 600.0
    after_s: float = 120.0
    pause_s: float = 600.0
    keep: int = 20
    most_bytes: int = 20_000_000


class BlackBox:
    """`offer` from main; `run` in one task at a time. `health` and `dropped` may be read from any thread."""

    def __init__(
        self,
        directory: Path,
        station: str,
        catalogue: Sequence[PointInfo],
        clock: Clock,
        limits: BoxLimits,
        scan_period_s: float = 1.0,
    ) -> None:
        self.health = Health(True)
        self.dropped = 0
        """Records given up since the start, because the disk was away for too long."""
        self.alive_at = float("inf")
        self._directory = directory
        self._clock = clock
        self._limits = limits
        self._wake = clock.wake()
        rows = round((limits.before_s + limits.after_s) / scan_period_s) + 2
        self.ring = Ring(len(catalogue), rows)
        self._watch = TripWatch(catalogue)
        self._pauses = Pauses(limits.pause_s)
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._notes: list[Event] = []
        self._skipped: dict[str, int] = {}
        self._open: Trip | None = None
        self._blank = Trip(0, station, "", 0.0, 0.0, catalogue=tuple(catalogue))
        self._alarms: tuple[AlarmView, ...] = ()
        self._lock = threading.Lock()  # held for a few appends, never over I/O
        self._disk = threading.Lock()  # a write that a stop has overtaken goes first
        self._waiting: list[tuple[Trip, Rows]] = []
        self._number = trip_files.next_number(trip_files.stored(directory))
        try:
            self._remember()
        except Exception:
            # The station starts whatever stands in that folder.
            log.exception("old trips not looked at")

    def _remember(self) -> None:
        """A station that dies at every start must not write at every start: the pauses go on."""
        now, wall = self._clock.now(), self._clock.wall()
        trips: list[Trip] = []
        for path in trip_files.stored(self._directory):
            with suppress(BadTrip, OSError):
                trips.append(trip_files.read_head(path))
        if any(trip.wall > wall for trip in trips):
            # A board that does not know the time: let the newest have happened just now.
            self._pauses.allow(trips[-1].cause, now)
            return
        for trip in trips:
            self._pauses.allow(trip.cause, now - (wall - trip.wall))

    # ---- main

    def offer(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """Take a scan. Neither blocks nor raises."""
        try:
            self._take(snapshot, events)
        except Exception:
            # Control goes on whatever is wrong with its records.
            log.exception("scan not in the black box")

    def take_notes(self) -> list[Event]:
        """What it has to say for the history since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def _take(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        self.ring.add(snapshot)
        # What stands behind a cause is in the alarms, and a dead bus would push out all else.
        self._events.extend(event for event in events if event.kind != "hidden")
        self._alarms = snapshot.alarms
        for cause in self._watch.look(snapshot):
            self._trip(cause, snapshot)
        trip = self._open
        if trip is not None and snapshot.time - trip.time >= self._limits.after_s:
            self._open = None
            self._hand_over(trip, complete=True)

    def _trip(self, cause: str, snapshot: Snapshot) -> None:
        now, trip = snapshot.time, self._open
        if trip is not None:
            # A row that acts becomes an alarm of the same name some seconds later: one trip.
            if all(cause != known for _, known in trip.trips):
                self._open = replace(trip, trips=(*trip.trips, (now - trip.time, cause)))
            return
        if not self._pauses.allow(cause, now):
            self._skipped[cause] = self._skipped.get(cause, 0) + 1
            self._note("trip_skipped", cause, snapshot, ("count", float(self._skipped[cause]), "count"))
            return
        self._open = trip = replace(
            self._blank,
            number=self._number,
            cause=cause,
            time=now,
            wall=snapshot.wall,
            trips=((0.0, cause),),
            skipped=tuple(self._skipped.items()),
        )
        self._note("trip_kept", cause, snapshot, ("number", float(self._number), "count"))
        self._number += 1
        self._skipped = {}
        self._hand_over(trip, complete=False)

    def _note(self, code: str, cause: str, snapshot: Snapshot, value: tuple[str, float, str]) -> None:
        self._notes.append(
            Event(
                snapshot.time,
                snapshot.wall,
                "blackbox",
                cause,
                code,
                values=(value, ("cause", cause, "text")),
            )
        )

    def _hand_over(self, trip: Trip, complete: bool) -> None:
        """Put a copy of the ring before the writer; it takes the place of an earlier state of this trip."""
        since = trip.time - self._limits.before_s
        done = replace(
            trip,
            complete=complete,
            alarms=self._alarms,
            events=tuple(event for event in self._events if event.time >= since),
        )
        rows = self.ring.copy(since)
        with self._lock:
            waiting = [(other, old) for other, old in self._waiting if other.number != trip.number]
            self.dropped += max(len(waiting) + 1 - MOST_WAITING, 0)
            self._waiting = [*waiting, (done, rows)][-MOST_WAITING:]
        self._wake.set()

    # ---- the outside thread

    async def run(self) -> None:
        """Write until cancelled; then once more what is under way, for some seconds at most."""
        async with self._clock.part():
            try:
                while True:
                    self.alive_at = self._clock.now()
                    written = await self._write_waiting()
                    self.alive_at = self._clock.now() + RETRY_S
                    if written:
                        await self._wake.wait(RETRY_S)
                    else:
                        await self._clock.sleep(RETRY_S)
            finally:
                await self._stop()

    async def _stop(self) -> None:
        trip, self._open = self._open, None
        if trip is not None:
            self._hand_over(trip, complete=False)
        try:
            async with asyncio.timeout(LAST_WRITE_S):
                await self._write_waiting()
        except TimeoutError:
            log.error("the black box was not written: the disk does not answer")

    async def _write_waiting(self) -> bool:
        """One attempt at each record that waits, the oldest first; False when the disk did not take one."""
        while True:
            with self._lock:
                if not self._waiting:
                    return True
                trip, rows = self._waiting[0]
            self.alive_at = float("inf")  # a disk that hangs is told by the store, and no write is torn
            try:
                async with self._clock.io():
                    await asyncio.to_thread(self._write, trip, rows)
            except OSError as problem:
                log.warning("black box not written: %s", problem)
                self.health = Health(False, files.error_code(problem), problem.strerror or str(problem))
                return False
            except Exception as problem:
                # A record that cannot be written at all must not keep the next one from the card.
                log.exception("black box: trip %d given up", trip.number)
                self.health = Health(False, "failed", f"{type(problem).__name__}: {problem}")
                self.dropped += 1
            else:
                self.health = Health(True)
            with self._lock:
                self._waiting = [row for row in self._waiting if row[0] is not trip]

    def _write(self, trip: Trip, rows: Rows) -> None:
        begin = time.perf_counter()
        with self._disk:
            size = trip_files.write(self._directory, trip, rows)
            gone = trip_files.prune(self._directory, self._limits.keep, self._limits.most_bytes)
        for path in gone:
            log.info("black box: %s was the oldest and is gone", path.name)
        taken = (time.perf_counter() - begin) * 1000
        log.info("black box: trip %d, %s, %d bytes in %.0f ms", trip.number, trip.cause, size, taken)
