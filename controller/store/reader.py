"""Reading `history.db` from a second process: panel, export, report, why.

Nothing here writes or holds a lock for long: every call opens the file, reads in short transactions and
closes it, so that the writer can always fold its log back. It works while the writer runs, after a
clean stop, and as another user of the same group.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import TypeVar

from controller.points import Event, PointInfo
from controller.store.codec import MISSING, BadBlob, Layout, load_catalogue, load_values
from controller.store.history import FILE

ATTEMPTS = 6
LOCK_WAIT_S = 1.0
PORTION = 500

_VIEWS = {"alarms": "alarms", "audit": "audit", "": "records"}

T = TypeVar("T")


class HistoryUnavailable(Exception):
    """There is no history to read, or it cannot be read now; the text says why."""


@dataclass(frozen=True, slots=True)
class Series:
    """Curves over a common time axis. `walls`: Unix seconds, put right where the clock was set late.

    `values[name]` and `qualities[name]` are as long as `walls`; NaN and BAD where a point did not exist.
    `thinned`: there were more samples than asked for; the first of each interval stands for it.
    `infos`: the newest known unit, range and choices of each point.
    """

    walls: list[float]
    values: dict[str, list[float]]
    qualities: dict[str, list[int]]
    thinned: bool
    infos: dict[str, PointInfo]


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of the file's time (ms, both ends included) with one offset to wall time."""

    low: int
    high: int
    offset: int


class HistoryReader:
    """Reads the history in `directory`. Its methods block for some milliseconds and may be called from
    any thread; they raise HistoryUnavailable."""

    def __init__(self, directory: Path | str) -> None:
        self.path = Path(directory) / FILE
        self._layouts: dict[tuple[int, str], tuple[Layout, tuple[PointInfo, ...]]] = {}

    def series(
        self, points: Sequence[str], begin: float = -math.inf, end: float = math.inf, max_rows: int = 2000
    ) -> Series:
        """Samples with `begin` ≤ wall time ≤ `end` (Unix seconds), `max_rows` of them at most."""
        return self._read(lambda db: self._series(db, points, begin, end, max_rows))

    def events(self, kind: str = "", limit: int = 100) -> list[Event]:
        """The newest `limit` events, newest first. `kind`: one kind, "alarms", "audit" or "" for all."""

        def work(db: sqlite3.Connection) -> list[Event]:
            condition = "" if kind in _VIEWS else "WHERE kind = ?"
            rows = db.execute(
                'SELECT time, wall, kind, subject, code, user, source, "values" '
                f"FROM {_VIEWS.get(kind, 'records')} {condition} ORDER BY id DESC LIMIT ?",
                ((kind, limit) if condition else (limit,)),
            )
            return [
                Event(time, wall, kind, subject, code, user, source, load_values(values))
                for time, wall, kind, subject, code, user, source, values in rows.fetchall()
            ]

        return self._read(work)

    def catalogue(self) -> tuple[PointInfo, ...]:
        """All points that the file knows, those of the newest run first."""

        def work(db: sqlite3.Connection) -> tuple[PointInfo, ...]:
            rows = db.execute("SELECT json FROM catalogue ORDER BY id DESC").fetchall()
            found: dict[str, PointInfo] = {}
            for (text,) in rows:
                for info in load_catalogue(text):
                    found.setdefault(info.name, info)
            return tuple(found.values())

        return self._read(work)

    def last_scan(self) -> int | None:
        """The newest scan with a record in the file, None when it is empty."""

        def work(db: sqlite3.Connection) -> int | None:
            ends = [
                db.execute("SELECT time, scan FROM samples ORDER BY time DESC LIMIT 1").fetchone(),
                db.execute("SELECT time, scan FROM events ORDER BY id DESC LIMIT 1").fetchone(),
            ]
            found = [(time_ms, scan) for time_ms, scan in filter(None, ends)]
            return max(found)[1] if found else None

        return self._read(work)

    def _series(
        self, db: sqlite3.Connection, points: Sequence[str], begin: float, end: float, max_rows: int
    ) -> Series:
        infos: dict[str, PointInfo] = {}
        for number, text in db.execute("SELECT id, json FROM catalogue ORDER BY id").fetchall():
            infos.update((info.name, info) for info in self._layout(number, text)[1] if info.name in points)
        layouts = {number: layout for (number, _), (layout, _) in self._layouts.items()}
        spans = self._spans(db, begin, end)
        series = Series([], {p: [] for p in points}, {p: [] for p in points}, False, infos)
        left = max_rows + 1
        for span in spans:
            left -= db.execute(
                "SELECT count(*) FROM (SELECT 1 FROM samples WHERE time BETWEEN ? AND ? LIMIT ?)",
                (span.low, span.high, left),
            ).fetchone()[0]
        if left > 0:
            step = 0
        else:
            step = sum(span.high - span.low + 1 for span in spans) // max(max_rows - len(spans), 1) + 1
            series = Series(series.walls, series.values, series.qualities, True, infos)
        for span in spans:
            self._fill(db, series, layouts, span, step)
        return series

    def _fill(
        self, db: sqlite3.Connection, series: Series, layouts: dict[int, Layout], span: _Span, step: int
    ) -> None:
        """All samples of a span, or with `step` the first in every `step` milliseconds: an index seek
        each, so that a season costs no more than a day."""
        low = span.low
        while True:
            rows = db.execute(
                "SELECT time, catalogue, data FROM samples WHERE time BETWEEN ? AND ? ORDER BY time LIMIT ?",
                (low, span.high, 1 if step else PORTION),
            ).fetchall()
            for time_ms, number, blob in rows:
                self._add(series, layouts.get(number), (time_ms + span.offset) / 1000.0, blob)
            if not rows:
                return
            newest = rows[-1][0]
            low = newest + 1 if not step else span.low + ((newest - span.low) // step + 1) * step

    @staticmethod
    def _add(series: Series, layout: Layout | None, wall: float, blob: bytes) -> None:
        values: list[float] = []
        qualities = b""
        place: dict[str, int] = {}
        if layout is not None:
            try:
                values, qualities = layout.unpack(blob)
                place = layout.places
            except BadBlob:
                # One bad row is a hole in the curve, not the end of it.
                pass
        series.walls.append(wall)
        for name, column in series.values.items():
            n = place.get(name)
            value, quality = MISSING if n is None else (values[n], qualities[n])
            column.append(value)
            series.qualities[name].append(quality)

    @staticmethod
    def _spans(db: sqlite3.Connection, begin: float, end: float) -> list[_Span]:
        ends = db.execute("SELECT min(time), max(time) FROM samples").fetchone()
        if ends[0] is None:
            return []
        eras = db.execute('SELECT time, "offset" FROM eras ORDER BY time').fetchall()
        spans = []
        for n, (began, offset) in enumerate(eras):
            low, high = (
                max(began, ends[0]),
                min(eras[n + 1][0] - 1 if n + 1 < len(eras) else ends[1], ends[1]),
            )
            if begin > -math.inf:
                low = max(low, math.ceil(round(begin * 1000, 3)) - offset)
            if end < math.inf:
                high = min(high, math.floor(round(end * 1000, 3)) - offset)
            if low <= high:
                spans.append(_Span(low, high, offset))
        return spans

    def _layout(self, number: int, text: str) -> tuple[Layout, tuple[PointInfo, ...]]:
        if (number, text) not in self._layouts:
            # The file may have been replaced by one that numbers its catalogues anew.
            for key in [key for key in self._layouts if key[0] == number]:
                del self._layouts[key]
            infos = load_catalogue(text)
            self._layouts[number, text] = (Layout(infos), infos)
        return self._layouts[number, text]

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        problem = f"{self.path} is not there"
        for attempt in range(ATTEMPTS):
            if attempt:
                sleep(0.02 * attempt)  # wire time: another process holds the lock or makes the file
            if not self.path.exists():
                continue
            try:
                with closing(self._open()) as db:
                    return work(db)
            except sqlite3.DatabaseError as error:
                problem = f"{self.path}: {error}"
        raise HistoryUnavailable(problem)

    def _open(self) -> sqlite3.Connection:
        address = self.path.absolute().as_uri() + "?mode=ro"
        log = self.path.with_name(self.path.name + "-wal")
        try:
            return self._check(sqlite3.connect(address, uri=True, timeout=LOCK_WAIT_S))
        except sqlite3.OperationalError:
            if log.exists():
                raise
        # Stopped cleanly, and we may not make the shared-memory file: nobody writes, read it as it is.
        return self._check(sqlite3.connect(address + "&immutable=1", uri=True))

    @staticmethod
    def _check(db: sqlite3.Connection) -> sqlite3.Connection:
        try:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error:
            db.close()
            raise
        return db
