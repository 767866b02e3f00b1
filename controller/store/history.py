"""The writer of `history.db`: samples, alarms and audit, in one task that control never waits for.

The scan hands its snapshot to `Store.offer`; `Store.run` lives in the outside loop and commits what
waits, in one transaction, every `flush_period_s` and within a second of any event. Whatever fails is
rolled back, kept, and tried again for ever.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiosqlite

from controller.clock import Clock
from controller.points import Event, PointInfo, Snapshot
from controller.store import files
from controller.store.codec import Layout, dump_catalogue
from controller.store.eras import Timeline, first_record
from controller.store.pending import Batch, Pending
from controller.store.schema import prepare_schema, scalar

log = logging.getLogger("controller.store")

FILE = "history.db"
EVENT_GAP_S = 1.0
"""Plant seconds between two commits at least: an alarm storm must not wear the card."""
LONGEST_BACK_OFF_S = 60.0
LAST_ATTEMPTS = 3
"""Of the last flush, one after the other: a damaged file is replaced between two of them."""
MOST_PROBLEMS = 20
STALL_S = 30.0
"""Wire seconds after which a write that has not returned is reported."""
PORTION = 500
"""Rows of a kind that one clean-up deletes: a purge of a year at once is how such files get lost."""
CLEAN_PERIOD_S = 3600.0
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Health:
    """Whether records reach the disk. `code` is empty or: disk_full, disk_error, locked, read_only,
    cannot_open, damaged, deleted, stalled, failed; `detail` is the system's own text for the log."""

    ok: bool
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person should know: a file `moved` aside (`detail` names it), or `deleted`."""

    wall: float
    code: str
    detail: str


class Store:
    """Keeps history in `directory`. `offer` from one thread; `run` in one task at a time.

    `health`, the newest `problems`, `flushed_scan`, `dropped_samples` and `dropped_events` may be read from
    any thread. Measured (300 noisy points, x86 with an SSD): 10 µs an offer, 1046 bytes a sample in the file
    (1.6 GB a season at 10 s), 0.4 ms a commit (99 %: 2.0), 11 kB written a commit with log and checkpoints.
    """

    def __init__(
        self,
        directory: Path | str,
        catalogue: Sequence[PointInfo],
        clock: Clock,
        sample_period_s: float = 10.0,
        flush_period_s: float = 10.0,
        *,
        keep_days: float = 400.0,
        keep_events_days: float = 3650.0,
        queue_bytes: int = 32 << 20,
        stop_deadline_s: float = 5.0,
        connection: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> None:
        """`stop_deadline_s`: wire seconds for the last flush. `connection`: tests make it fail."""
        self.path = Path(directory) / FILE
        self.health = Health(True)
        self.alive_at = float("inf")
        """Plant seconds by which its writer is to have come round."""
        self.problems: tuple[Problem, ...] = ()
        self.flushed_scan: int | None = None
        self._catalogue = dump_catalogue(catalogue)
        self._layout = Layout(catalogue)
        self._clock = clock
        self._wake = clock.wake()
        self._flush_period_s = flush_period_s
        self._keep_ms = round(keep_days * DAY_MS)
        self._keep_events_ms = round(keep_events_days * DAY_MS)
        self._stop_deadline_s = stop_deadline_s
        self._factory = connection
        self._pending = Pending(len(catalogue), sample_period_s, queue_bytes)
        self._connection: aiosqlite.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._timeline: Timeline | None = None
        self._id_base = 0
        self._catalogue_id: int | None = None
        self._next_clean = -float("inf")
        self._job: asyncio.Task[bool] | None = None

    @property
    def dropped_samples(self) -> int:
        """Samples given up since the start, because the disk was away for too long."""
        return self._pending.dropped_samples

    @property
    def dropped_events(self) -> int:
        """Events given up since the start."""
        return self._pending.dropped_events

    def offer(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """Hand over a scan. Neither blocks nor raises; main calls it once a scan."""
        try:
            if self._pending.add(snapshot, events):
                self._wake.set()
        except Exception:
            # Control goes on whatever is wrong with its records.
            log.exception("scan not recorded")

    async def run(self) -> None:
        """Write until cancelled; then once more, for `stop_deadline_s` at most."""
        async with self._clock.part():
            try:
                await self._write_for_ever()
            finally:
                await self._stop()

    async def _write_for_ever(self) -> None:
        failures, last = 0, -float("inf")
        while True:
            pause = min(2.0 ** (failures - 1), LONGEST_BACK_OFF_S) if failures else self._flush_period_s
            self.alive_at = self._clock.now() + pause
            if failures:
                # Not the wake: events must not drive the retries.
                await self._clock.sleep(pause)
            elif await self._wake.wait(self._flush_period_s):
                await self._clock.sleep(last + EVENT_GAP_S - self._clock.now())
            last = self._clock.now()
            self.alive_at = last
            failures = 0 if await self._flush() else failures + 1

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(self._stop_deadline_s):
                if self._job is not None:
                    await asyncio.wait({self._job})
                for _ in range(LAST_ATTEMPTS):
                    if await self._flush():
                        break
                await self._close()
        except TimeoutError:
            log.error("the disk has not answered for %g s", self._stop_deadline_s)
            if self._connection is not None:
                files.abandon(self._connection)
        if self._pending:
            log.error("stopped with %d records unsaved", len(self._pending))

    async def _flush(self) -> bool:
        """One attempt in a task of its own, which no cancellation tears apart."""
        self.alive_at = float("inf")  # a disk that hangs is told by `health`, and must not be torn
        self._job = asyncio.create_task(self._attempt())
        done, _ = await asyncio.wait({self._job}, timeout=STALL_S)
        if not done:
            self._fail("stalled", f"a write has not returned for {STALL_S:g} s")
            await asyncio.wait({self._job})
        return self._job.result()

    async def _attempt(self) -> bool:
        """Save what waits; False, with everything kept, when that failed."""
        async with self._clock.io():
            batch = self._pending.take()
            saved = not batch
            try:
                if batch:
                    await self._save(await self._open(), batch)
                    saved = True
                    self.flushed_scan = batch.scan
                    log.info("flushed %d", batch.scan)
                if self._clean_due():
                    await self._clean(await self._open())
            except Exception as error:  # noqa: BLE001 - whatever it is, the batch is kept
                if not saved:
                    self._pending.give_back(batch)
                await self._give_up(error)
                return False
        if not self.health.ok:
            log.warning("history is written again")
            self.health = Health(True)
        return True

    async def _give_up(self, error: Exception) -> None:
        """Report, and drop the connection: one that failed is not trusted again."""
        expected = isinstance(error, (sqlite3.Error, OSError))
        log.warning("history not written: %s", str(error), exc_info=None if expected else error)
        self._fail(files.error_code(error), str(error))
        await self._close()
        if files.is_damage(error):
            with suppress(OSError):
                aside = files.move_aside(self.path, self._clock.wall())
                self._note("moved", aside.name)
                log.error("damaged history moved to %s", aside.name)

    def _fail(self, code: str, detail: str) -> None:
        self.health = Health(False, code, detail)

    def _note(self, code: str, detail: str) -> None:
        # A new tuple each time: other threads may be walking through the old one.
        self.problems = (*self.problems[1 - MOST_PROBLEMS :], Problem(self._clock.wall(), code, detail))

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._catalogue_id = None
        if self._timeline is not None:
            self._timeline.saved = False
        if connection is not None:
            await files.close(connection)

    async def _open(self) -> aiosqlite.Connection:
        """The open connection, or a new one when the file is not the one that was opened."""
        found = files.identity(self.path)
        if self._connection is not None:
            if found == self._file:
                return self._connection
            self._report_deleted()
            await self._close()
        files.prepare(self.path, self._clock.wall())
        connection = await files.connect(self.path, self._factory)
        self._connection = connection
        await prepare_schema(connection, self.path.stat().st_size)
        found = files.identity_of_open(self.path)
        if found != self._file:
            # Another file has another end: keys and numbers continue from there.
            self._file, self._timeline = found, None
        return connection

    def _report_deleted(self) -> None:
        self._note("deleted", self.path.name)
        log.error("%s was deleted or replaced under the service", self.path.name)

    async def _save(self, connection: aiosqlite.Connection, batch: Batch) -> None:
        if self._timeline is None:
            self._timeline = await self._place(connection, batch)
        timeline = self._timeline
        timeline.follow(batch.samples)
        async with files.transaction(connection):
            catalogue_id = await self._known_catalogue(connection)
            if not timeline.saved:
                await connection.executemany("INSERT OR REPLACE INTO eras VALUES (?, ?)", timeline.eras)
            # OR REPLACE: a commit may have succeeded and still have reported an error; the same rows
            # then come again with the same keys.
            await connection.executemany(
                "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)",
                self._sample_rows(batch, timeline.shift_ms, catalogue_id),
            )
            await connection.executemany(
                "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._event_rows(batch, timeline.shift_ms),
            )
        if files.identity(self.path) != self._file:
            self._report_deleted()
            raise files.VanishedError(f"{self.path.name} vanished while it was written")
        self._catalogue_id, timeline.saved = catalogue_id, True

    def _sample_rows(self, batch: Batch, shift: int, catalogue_id: int) -> Iterator[tuple[object, ...]]:
        """A generator, so that SQLite's thread does the packing."""
        for row in batch.samples:
            values = array("d")
            values.frombytes(row.values)
            blob = self._layout.pack(values, row.qualities)
            yield row.time_ms + shift, row.wall_ms, row.scan, catalogue_id, blob

    def _event_rows(self, batch: Batch, shift: int) -> Iterator[tuple[object, ...]]:
        for row in batch.events:
            yield self._id_base + row.number, row.time_ms + shift, *row[2:]

    async def _place(self, connection: aiosqlite.Connection, batch: Batch) -> Timeline:
        """Where this run continues the file. Asked once a file, not once an attempt: after an attempt
        whose rows arrived although it failed, the file's end would be our own."""
        ends: list[int] = []
        for sql in (
            "SELECT time FROM samples ORDER BY time DESC LIMIT 1",
            "SELECT time FROM events ORDER BY id DESC LIMIT 1",
        ):
            end = await scalar(connection, sql)
            if isinstance(end, int):
                ends.append(end)
        newest = None
        if ends:
            offset = await scalar(connection, 'SELECT "offset" FROM eras ORDER BY time DESC LIMIT 1')
            newest = (max(ends), max(ends) + (offset if isinstance(offset, int) else 0))
        last_id = await scalar(connection, "SELECT max(id) FROM events")
        if isinstance(last_id, int):
            self._id_base = last_id + 1 - min((row.number for row in batch.events), default=1)
        return Timeline.begin(first_record(batch), newest)

    async def _known_catalogue(self, connection: aiosqlite.Connection) -> int:
        if self._catalogue_id is not None:
            return self._catalogue_id
        sql = "SELECT id FROM catalogue WHERE json = ?"
        found = await scalar(connection, sql, (self._catalogue,))
        if found is None:
            await connection.execute_fetchall("INSERT INTO catalogue (json) VALUES (?)", (self._catalogue,))
            found = await scalar(connection, sql, (self._catalogue,))
        if not isinstance(found, int):
            raise files.DamagedError("catalogue without an id")
        return found

    def _clean_due(self) -> bool:
        return self._timeline is not None and self._clock.now() >= self._next_clean

    async def _clean(self, connection: aiosqlite.Connection) -> None:
        """Delete one portion of what is older than the newest record by more than the time to keep.

        Counted from the newest record and not from the wall clock, which may be wrong by decades.
        """
        newest = await scalar(connection, "SELECT max(time) FROM samples")
        if not isinstance(newest, int):
            self._next_clean = self._clock.now() + CLEAN_PERIOD_S
            return
        full = False
        for table, key, keep_ms in (
            ("samples", "time", self._keep_ms),
            ("events", "id", self._keep_events_ms),
        ):
            async with files.transaction(connection):
                cursor = await connection.execute(
                    f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} ORDER BY {key} LIMIT ?)"
                    " AND time < ?",
                    (PORTION, newest - keep_ms),
                )
                full = full or cursor.rowcount >= PORTION
                await cursor.close()
        # Behind (the time to keep was shortened): another portion with the next flush.
        self._next_clean = self._clock.now() + (0.0 if full else CLEAN_PERIOD_S)
