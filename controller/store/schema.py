"""The tables of `history.db`.

Times are integer milliseconds. `time` is plant time as the file counts it: the run's own plant time,
shifted when a run would start before the last record (a board without a battery clock boots in 1970)
or more than a year after it. So records are only ever appended, in the order in which they happened.
What time it *was* says `eras`: from `time` on, wall = time + offset. One row is changed when the board
learns the time after its start, and all records since then are right; `samples.wall` and `events.wall`
stay what the station believed at the moment.
"""

from __future__ import annotations

import sqlite3

import aiosqlite

from controller.store.files import DamagedError, transaction

VERSION = 1

TABLES = (
    "CREATE TABLE catalogue (id INTEGER PRIMARY KEY, json TEXT NOT NULL)",
    'CREATE TABLE eras (time INTEGER PRIMARY KEY, "offset" INTEGER NOT NULL)',
    # One blob a sample: 300 rows would cost 13 times the space and three times the writes (LIBRARIES §4).
    """CREATE TABLE samples (time INTEGER PRIMARY KEY, wall INTEGER NOT NULL, scan INTEGER NOT NULL,
        catalogue INTEGER NOT NULL, data BLOB NOT NULL)""",
    """CREATE TABLE events (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, wall INTEGER NOT NULL,
        scan INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, code TEXT NOT NULL,
        user TEXT NOT NULL, source TEXT NOT NULL, "values" TEXT NOT NULL)""",
    # Views are what readers see: seconds, and the wall time put right.
    """CREATE VIEW history AS SELECT s.time / 1000.0 AS time, (s.time + (SELECT "offset" FROM eras e
        WHERE e.time <= s.time ORDER BY e.time DESC LIMIT 1)) / 1000.0 AS wall,
        s.scan, s.catalogue, s.data FROM samples s""",
    """CREATE VIEW records AS SELECT v.id, v.time / 1000.0 AS time, coalesce(v.time + (SELECT "offset"
        FROM eras e WHERE e.time <= v.time ORDER BY e.time DESC LIMIT 1), v.wall) / 1000.0 AS wall,
        v.scan, v.kind, v.subject, v.code, v.user, v.source, v."values" FROM events v""",
    "CREATE VIEW alarms AS SELECT * FROM records WHERE kind IN ('alarm', 'clear', 'acknowledge')",
    "CREATE VIEW audit AS SELECT * FROM records WHERE kind IN ('command', 'effect')",
)

CHECK_BYTES = 64 << 20
"""A file up to this size is checked whole at start (about a second on a Pi); a larger one when it is read."""


async def prepare_schema(connection: aiosqlite.Connection, size: int) -> None:
    """Make or check the tables. Raises DamagedError for a file that is not ours or not sound."""
    version = await scalar(connection, "PRAGMA user_version")
    if version == 0:
        if await scalar(connection, "SELECT count(*) FROM sqlite_master"):
            raise DamagedError("a database of something else")
        async with transaction(connection):
            for statement in TABLES:
                await connection.execute_fetchall(statement)
            await connection.execute_fetchall(f"PRAGMA user_version = {VERSION}")
        return
    if version != VERSION:
        raise DamagedError(f"version {version}, ours is {VERSION}")
    if size <= CHECK_BYTES:
        found = await scalar(connection, "PRAGMA quick_check(1)")
        if found != "ok":
            raise DamagedError(str(found))
    try:
        await connection.execute_fetchall("SELECT * FROM samples ORDER BY time DESC LIMIT 1")
        await connection.execute_fetchall("SELECT * FROM events ORDER BY id DESC LIMIT 1")
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise DamagedError(str(error)) from None
        raise


async def scalar(connection: aiosqlite.Connection, sql: str, arguments: tuple[object, ...] = ()) -> object:
    """The first value of the first row, None without one."""
    for row in await connection.execute_fetchall(sql, arguments):
        value: object = row[0]
        return value
    return None
