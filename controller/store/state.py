"""`state.db`: what the station must know again after a restart.

Three tables, one writer: the blocks' state (two slots in turn), settings that people changed, and
overrides that run, with whatever else was written and ends by itself: wishes, forecasts. A save returns when
it is on the card. Files: WAL, synchronous=FULL.

Write budget, measured: see `StateStore.save_state`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import aiosqlite

from controller.points import Override
from controller.store import files
from controller.store.codec import clean

log = logging.getLogger("controller.store")

FILE = "state.db"
VERSION = 1
DEADLINE_S = 5.0
"""Wire seconds after which a save counts as not done; it may still arrive."""
MOST_WAITING = 16
"""Saves that may wait for a disk that hangs; more are refused at once, or they would fill the memory."""
PROBLEMS = ("older", "moved", "lost", "unreadable")
"""What loading can meet, see `load_state`."""
LONGEST_OFF_S = 10 * 366 * 86400.0
"""A longer pause between two runs is no pause: one of the clocks was wrong."""

TABLES = (
    # Two slots: SQLite already makes a save all or nothing; the older slot is for the card that lied.
    """CREATE TABLE state (slot INTEGER PRIMARY KEY CHECK (slot IN (0, 1)), number INTEGER NOT NULL,
        sha256 TEXT NOT NULL, json TEXT NOT NULL)""",
    """CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, file_value TEXT NOT NULL,
        user TEXT NOT NULL, source TEXT NOT NULL, wall REAL NOT NULL)""",
    """CREATE TABLE overrides (output TEXT PRIMARY KEY, value REAL NOT NULL, user TEXT NOT NULL,
        source TEXT NOT NULL, expires REAL NOT NULL, reason TEXT NOT NULL, saved REAL NOT NULL)""",
)

Statement = tuple[str, tuple[object, ...]]


class NotSaved(Exception):
    """A save did not reach the disk. `code` is one word as in `history.Health`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that a person set, and what the file said then. Values are JSON scalars or lists."""

    value: object
    file_value: object
    user: str
    source: str
    wall: float


@dataclass(frozen=True, slots=True)
class _SavedOverride:
    override: Override
    saved: float


class StateStore:
    """The state in `directory`. Before the loops start: `load_*`; then `open`, and saves from one loop.

    A file that was deleted or is damaged is replaced, with everything in it that is still known.
    """

    def __init__(
        self, directory: Path | str, *, connection: type[sqlite3.Connection] = sqlite3.Connection
    ) -> None:
        self.path = Path(directory) / FILE
        self.problem = ""
        self._factory = connection
        self._connection: aiosqlite.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._turn = asyncio.Lock()
        self._jobs: set[asyncio.Task[None]] = set()
        self._loaded = False
        self._number = 0
        self._state: dict[str, object] = {}
        self._settings: dict[str, Setting] = {}
        self._overrides: dict[str, _SavedOverride] = {}

    # Loading: synchronous, before the loops start.

    def load_state(self) -> tuple[dict[str, object], str]:
        """The newest state whose checksum is right, and a problem: "" or `older` (the newest slot was
        damaged), `moved` (the file was, and lies beside), `lost` (no slot is readable), `unreadable`
        (not damaged, but it could not be opened)."""
        self._load()
        return dict(self._state), self.problem

    def load_settings(self, file_values: Mapping[str, object] | None = None) -> dict[str, Setting]:
        """Settings that people changed. With `file_values` (key → value in the file, or its default) those
        that the file has overtaken are forgotten first; a key that the file no longer has stays."""
        self._load()
        overtaken = [
            name
            for name, setting in self._settings.items()
            if file_values is not None
            and name in file_values
            and not _same(setting.file_value, file_values[name])
        ]
        if overtaken:
            self._forget(overtaken)
        return dict(self._settings)

    def effective(self, name: str, file_value: object) -> object:
        """The value that counts: a person's, as long as the file says what it said when they set it.

        Only `load_settings(file_values)` forgets an overtaken value for good, so that changing the
        file there and back does not bring it to life again.
        """
        self._load()
        setting = self._settings.get(name)
        return setting.value if setting and _same(setting.file_value, file_value) else file_value

    def load_overrides(self, now: float, seen: float = -math.inf) -> dict[str, Override]:
        """Overrides, wishes and the like that still run at plant time `now`. `seen`: plant time of the last
        state of the run before.

        A board that restarts in 1970, or learns the time while it is off, has not been off for half a
        century or for less than no time: then each goes on with what it had left when it was last known to
        run, and its row is put right, so that the next start counts from there. Ended ones are deleted.
        """
        self._load()
        running: dict[str, Override] = {}
        moved: dict[str, _SavedOverride] = {}
        for name, row in self._overrides.items():
            known = max(row.saved, seen) if seen < row.override.expires + LONGEST_OFF_S else row.saved
            expires = row.override.expires
            if not 0 <= now - known <= LONGEST_OFF_S:
                expires = now + expires - known
            if expires <= now:
                continue
            running[name] = replace(row.override, expires=expires)
            if expires != row.override.expires:
                moved[name] = _SavedOverride(running[name], now)
        ended = [name for name in self._overrides if name not in running]
        if ended or moved:
            self._settle_overrides(ended, moved)
        return running

    def _settle_overrides(self, ended: list[str], moved: dict[str, _SavedOverride]) -> None:
        """Delete rows that have ended, put those right whose clock was wrong."""
        for name in ended:
            del self._overrides[name]
        self._overrides |= moved
        try:
            with closing(sqlite3.connect(self.path, timeout=files.BUSY_S)) as db, db:
                db.execute("PRAGMA synchronous = FULL")
                db.executemany("DELETE FROM overrides WHERE output = ?", [(name,) for name in ended])
                for name, row in moved.items():
                    db.execute(*_override_row(name, row))
        except sqlite3.Error as error:
            log.error("rows of overrides not put right: %s", str(error))

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        if not self.path.exists():
            return
        try:
            damage = self._read(self.path)
        except (sqlite3.Error, OSError) as error:
            log.error("%s: %s", self.path.name, str(error))
            if not self._read_copy():
                self.problem = "unreadable"
            return
        if damage:
            self._replace(damage)

    def _read(self, path: Path) -> str:
        """All tables; what is damaged, or "". Raises sqlite3.Error or OSError where it is not the file."""
        damage = ""
        with closing(sqlite3.connect(path, timeout=files.BUSY_S)) as db:
            if path.stat().st_size == 0:
                return ""  # killed between making the file and its tables
            for read in (self._read_settings, self._read_overrides, self._read_state, _check):
                try:
                    read(db)
                except (sqlite3.DatabaseError, ValueError, TypeError) as error:
                    if files.error_code(error) in files.PASSING:
                        raise
                    # Table by table: what a damaged file still gives goes into the new one.
                    damage = damage or str(error)
        return damage

    def _read_copy(self) -> bool:
        """Where the folder takes no writes SQLite cannot even read a log that is left. A card that has failed
        is mounted read-only: just then what people have set must count."""
        try:
            with tempfile.TemporaryDirectory(dir=os.environ.get("RUNTIME_DIRECTORY")) as folder:
                for file in files.siblings(self.path):
                    if file.exists() and not file.name.endswith("-shm"):
                        shutil.copyfile(file, Path(folder) / file.name)
                return not self._read(Path(folder) / self.path.name)
        except (sqlite3.Error, OSError) as error:
            log.error("no copy of %s either: %s", self.path.name, str(error))
            return False

    def _replace(self, damage: str) -> None:
        log.error("%s is damaged: %s", self.path.name, damage)
        self.problem = "moved"
        try:
            # The time of its last write: nobody may ask a clock here.
            files.move_aside(self.path, self.path.stat().st_mtime)
        except OSError as error:
            log.error("%s cannot be moved: %s", self.path.name, str(error))

    def _read_settings(self, db: sqlite3.Connection) -> None:
        for name, value, file_value, user, source, wall in db.execute("SELECT * FROM settings"):
            self._settings[name] = Setting(json.loads(value), json.loads(file_value), user, source, wall)

    def _read_overrides(self, db: sqlite3.Connection) -> None:
        for output, value, user, source, expires, reason, saved in db.execute("SELECT * FROM overrides"):
            self._overrides[output] = _SavedOverride(Override(value, user, source, expires, reason), saved)

    def _read_state(self, db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT number, sha256, json FROM state ORDER BY number DESC").fetchall()
        for place, (number, checksum, text) in enumerate(rows):
            self._number = max(self._number, number)
            if checksum == _checksum(number, text):
                self._state = json.loads(text)
                self.problem = "older" if place else ""
                return
            log.error("state %s: wrong checksum", number)
        self.problem = "lost" if rows else ""

    def _forget(self, names: list[str]) -> None:
        for name in names:
            log.info("setting %s: the file changed, its value counts again", name)
            del self._settings[name]
        try:
            with closing(sqlite3.connect(self.path, timeout=files.BUSY_S)) as db, db:
                db.execute("PRAGMA synchronous = FULL")
                db.executemany("DELETE FROM settings WHERE name = ?", [(name,) for name in names])
        except sqlite3.Error as error:
            log.error("overtaken settings not deleted: %s", str(error))

    # Saving: from one loop, after `open`.

    async def open(self) -> None:
        """Open or make the file. Raises NotSaved; saving tries again by itself."""
        self._load()
        await self._in_turn(self._opened)

    async def close(self) -> None:
        """Wait for saves under way, for DEADLINE_S at most, and close."""
        try:
            async with asyncio.timeout(DEADLINE_S), self._turn:
                await self._drop()
        except TimeoutError:
            log.error("the disk has not answered for %g s", DEADLINE_S)
            if self._connection is not None:
                files.abandon(self._connection)

    async def save_state(self, state: Mapping[str, object]) -> None:
        """Keep the blocks' state (JSON values; ValueError otherwise). Raises NotSaved.

        Write budget, measured with log and check-pointing (ext4, 4 KiB pages): 8 kB for 2 kB of JSON,
        21 kB for 7 kB, 46 kB for 18 kB; once a minute that is 12, 30 and 66 MB a day. A setting: 12 kB.
        One save takes 0.5…0.8 ms (99 %: 4) on an SSD, tens of milliseconds on a card.
        """
        text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))

        async def work() -> None:
            number = self._number + 1
            row = (number % 2, number, _checksum(number, text), text)
            await self._write([("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", row)])
            self._number, self._state = number, json.loads(text)

        await self._in_turn(work)

    async def save_setting(
        self, name: str, value: object, file_value: object, user: str, source: str, wall: float
    ) -> None:
        """Keep a value that a person set, beside what the file says now. Raises NotSaved."""
        setting = Setting(value, file_value, clean(user), clean(source), wall)

        async def work() -> None:
            await self._write([_setting_row(name, setting)])
            self._settings[name] = setting

        await self._in_turn(work)

    async def save_override(self, output: str, override: Override, now: float) -> None:
        """Keep a running override. `now`: plant time, to know what is left of it. Raises NotSaved."""
        saved = _SavedOverride(override, now)

        async def work() -> None:
            await self._write([_override_row(output, saved)])
            self._overrides[output] = saved

        await self._in_turn(work)

    async def release(self, output: str, ended_at: float = math.inf) -> None:
        """Forget an override, unless it was set after `ended_at`, plant seconds. Raises NotSaved."""

        async def work() -> None:
            known = self._overrides.get(output)
            if known is not None and known.saved > ended_at:
                return
            await self._write([("DELETE FROM overrides WHERE output = ?", (output,))])
            self._overrides.pop(output, None)

        await self._in_turn(work)

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` in a task of its own, one at a time: a caller that is cancelled or gives up after
        DEADLINE_S leaves no half transaction behind."""

        async def job() -> None:
            async with self._turn:
                try:
                    await self._twice(work)
                except (sqlite3.Error, OSError, ValueError) as error:
                    raise NotSaved(files.error_code(error), str(error)) from error

        if len(self._jobs) >= MOST_WAITING:
            raise NotSaved("stalled", f"{MOST_WAITING} saves wait for the disk")
        task = asyncio.create_task(job())
        self._jobs.add(task)
        task.add_done_callback(self._finished)
        done, _ = await asyncio.wait({task}, timeout=DEADLINE_S)
        if not done:
            raise NotSaved("stalled", f"the disk has not answered for {DEADLINE_S:g} s")
        task.result()

    async def _twice(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work; once more in a new file when the old one is damaged or gone."""
        try:
            await work()
        except (sqlite3.Error, OSError, ValueError) as error:
            await self._drop()
            if files.is_damage(error):
                self._replace(str(error))
            elif not isinstance(error, files.VanishedError):
                raise
        else:
            return
        try:
            await work()
        except (sqlite3.Error, OSError, ValueError):
            await self._drop()
            raise

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("not saved: %s", str(task.exception()))

    async def _write(self, statements: list[Statement]) -> None:
        connection = await self._opened_connection()
        async with files.transaction(connection):
            for sql, arguments in statements:
                await connection.execute_fetchall(sql, arguments)
        if files.identity(self.path) != self._file:
            raise files.VanishedError(f"{self.path.name} vanished while it was written")

    async def _opened(self) -> None:
        await self._opened_connection()

    async def _opened_connection(self) -> aiosqlite.Connection:
        if self._connection is not None:
            if files.identity(self.path) == self._file:
                return self._connection
            log.error("%s was deleted or replaced under the service", self.path.name)
            await self._drop()
        files.prepare(self.path, 0.0)
        connection = await files.connect(self.path, self._factory)
        self._connection = connection
        rows = list(await connection.execute_fetchall("PRAGMA user_version"))
        fresh, found = rows[0][0] == 0, files.identity_of_open(self.path)
        if not fresh and rows[0][0] != VERSION:
            raise files.DamagedError(f"version {rows[0][0]}, ours is {VERSION}")
        if not fresh:
            for row in await connection.execute_fetchall("SELECT max(number) FROM state"):
                self._number = max(self._number, row[0] or 0)
        if fresh or self._file not in (None, found):
            await self._fill(connection, fresh)
        self._file = found
        return connection

    async def _fill(self, connection: aiosqlite.Connection, fresh: bool) -> None:
        """Another file than before gets all that is known: deleting it under the service loses nothing."""
        statements: list[Statement] = [(sql, ()) for sql in TABLES] if fresh else []
        statements += [_setting_row(name, setting) for name, setting in self._settings.items()]
        statements += [_override_row(output, saved) for output, saved in self._overrides.items()]
        if self._state:
            text = json.dumps(self._state, ensure_ascii=False, separators=(",", ":"))
            row = (self._number % 2, self._number, _checksum(self._number, text), text)
            statements.append(("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", row))
        async with files.transaction(connection):
            for sql, arguments in statements:
                await connection.execute_fetchall(sql, arguments)
            await connection.execute_fetchall(f"PRAGMA user_version = {VERSION}")

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await files.close(connection)


def _check(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA quick_check(1)").fetchone()
    if found[0] != "ok":
        raise files.DamagedError(str(found[0]))


def _checksum(number: int, text: str) -> str:
    """Over the number as well: an old text under a new number is no newer state."""
    return hashlib.sha256(f"{number}\n{text}".encode()).hexdigest()


def _same(one: object, other: object) -> bool:
    """Equal as the file means it: 30 and 30.0 are, and so are a list and a tuple."""
    return _plain(one) == _plain(other)


def _plain(value: object) -> object:
    plain: object = json.loads(json.dumps(value))
    return plain


def _setting_row(name: str, setting: Setting) -> Statement:
    value, file_value = json.dumps(setting.value), json.dumps(setting.file_value)
    row = (clean(name), value, file_value, setting.user, setting.source, setting.wall)
    return "INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?, ?, ?)", row


def _override_row(output: str, saved: _SavedOverride) -> Statement:
    o = saved.override
    row = (clean(output), o.value, clean(o.user), clean(o.source), o.expires, clean(o.reason), saved.saved)
    return "INSERT OR REPLACE INTO overrides VALUES (?, ?, ?, ?, ?, ?, ?)", row
