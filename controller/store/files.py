"""What both databases share: opening, transactions, telling damage from bad luck, moving damage aside."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

log = logging.getLogger("controller.store")

BUSY_S = 5.0
"""Wire seconds that SQLite itself waits for a lock (a backup, somebody's sqlite3 shell)."""

KEPT_ASIDE = 5
"""Damaged files kept beside the database: a dying card must not fill itself with wreckage."""

_CODES = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CANTOPEN: "cannot_open",
    sqlite3.SQLITE_IOERR: "disk_error",
}
_ERRNOS = {
    errno.ENOSPC: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "cannot_open",
    errno.EIO: "disk_error",
}

WORDS = frozenset({*_CODES.values(), *_ERRNOS.values(), "deleted", "moved", "stalled", "failed"})
"""All that a disk can do to a file, one word each: keys of the text catalogue."""


class DamagedError(sqlite3.DatabaseError):
    """The file opens, but a check of it failed or its version is not ours."""


class VanishedError(OSError):
    """The file was deleted or replaced while it was open."""


PASSING = frozenset({"locked", "disk_full", "disk_error", "read_only", "cannot_open"})
"""Codes that say nothing against the file itself."""


def error_code(error: Exception) -> str:
    """One word for what went wrong: a key of the text catalogue."""
    if isinstance(error, DamagedError):
        return "damaged"
    if isinstance(error, VanishedError):
        return "deleted"
    if isinstance(error, OSError):
        return _ERRNOS.get(error.errno or 0, "failed")
    number = getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary code; the rest says where in the file system it happened.
    return _CODES.get(number & 0xFF, "failed") if isinstance(number, int) else "failed"


def is_damage(error: Exception) -> bool:
    """True when trying again with the same file is pointless."""
    return error_code(error) == "damaged"


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode, None when there is no such file: tells a replaced file from the open one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def identity_of_open(path: Path) -> tuple[int, int]:
    """Of a file that has just been opened. Raises VanishedError: remembered as None, it would be
    the same as no file for ever, and every save into the deleted file would look like a good one."""
    found = identity(path)
    if found is None:
        raise VanishedError(f"{path.name} vanished while it was opened")
    return found


def siblings(path: Path) -> Iterator[Path]:
    """The files that belong to a database; the log may hold committed rows, so it moves along."""
    yield path
    for suffix in ("-wal", "-shm"):
        yield path.with_name(path.name + suffix)


def move_aside(path: Path, stamp: float) -> Path:
    """Rename a damaged database to `<name>.corrupt-<stamp>` and return that name. Raises OSError.

    At most KEPT_ASIDE such files stay; the smallest goes first, because the largest holds the years.
    """
    base = f"{path.name}.corrupt-{int(stamp)}"
    target, number = path.with_name(base), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{base}.{number}")
    for source in siblings(path):
        if source.exists():
            source.rename(target.with_name(target.name + source.name[len(path.name) :]))
    aside = [
        file
        for file in path.parent.glob(f"{path.name}.corrupt-*")
        if not file.name.endswith(("-wal", "-shm"))
    ]
    aside.sort(key=lambda file: (file == target, file.stat().st_size))
    for file in aside[: max(0, len(aside) - KEPT_ASIDE)]:
        for part in siblings(file):
            part.unlink(missing_ok=True)
    return target


def prepare(path: Path, stamp: float) -> bool:
    """Make directory and empty file, readable and writable for the group; True when it is new.

    The panel runs as another user of the same group and needs write access to the `-shm` file, which
    SQLite creates with the database's own mode. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return False
    if any(file.exists() for file in siblings(path)):
        # Somebody deleted the database and left its log: a fresh file must not replay it.
        move_aside(path, stamp)
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o660)
    try:
        os.fchmod(handle, 0o660)
    finally:
        os.close(handle)
    return True


PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # FULL: a commit is on the card when it returns. Measured here (LIBRARIES §4) it costs 0.55 ms
    # against 0.11 for NORMAL (median), six times a minute: nothing beside an alarm lost by the very
    # power failure that it announced.
    "PRAGMA synchronous = FULL",
    "PRAGMA cell_size_check = ON",
    "PRAGMA cache_size = -1024",
    "PRAGMA temp_store = MEMORY",
    # After a day in memory (full disk) the log is large once; do not keep it so.
    "PRAGMA journal_size_limit = 8388608",
)


async def connect(path: Path, factory: type[sqlite3.Connection]) -> aiosqlite.Connection:
    """A connection that commits durably and leaves BEGIN and COMMIT to `transaction`."""
    connection = await aiosqlite.connect(path, timeout=BUSY_S, isolation_level=None, factory=factory)
    try:
        for pragma in PRAGMAS:
            await connection.execute_fetchall(pragma)
    except BaseException:
        await close(connection)
        raise
    return connection


async def close(connection: aiosqlite.Connection) -> None:
    """Close, whatever state it is in; SQLite rolls an open transaction back."""
    try:
        await connection.close()
    except (sqlite3.Error, ValueError) as error:
        log.info("closing: %s", error)


def abandon(connection: aiosqlite.Connection) -> None:
    """Let go of a connection that does not answer: its thread closes it and ends when it comes back.
    Otherwise that thread would keep the process from ending."""
    connection.stop()


@asynccontextmanager
async def transaction(connection: aiosqlite.Connection) -> AsyncIterator[None]:
    """All or nothing. Run it in a task that nobody cancels: between two statements a cancelled task would
    leave half a batch to the next commit.

    Rolled back explicitly: Python closes a connection for good only when its last cursor is gone, and a
    traceback that somebody keeps may hold one, and with it the lock.
    """
    try:
        await connection.execute_fetchall("BEGIN IMMEDIATE")
        yield
        await connection.execute_fetchall("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error, ValueError):
            if connection.in_transaction:
                await connection.execute_fetchall("ROLLBACK")
        raise
