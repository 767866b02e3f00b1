"""Trips on disk: one file each in `blackbox/` of the state folder, `000007-no_circulation@low.trip`.

A file is MAGIC, then length and CRC-32 of two zlib streams, then the streams. The first is JSON: what
tripped and when, catalogue, events, alarms. The second holds the columns, point by point: offsets from the
trip in ms (int32), the float32 values of the ordinary points, the float64 values of the totals
(`codec.WIDE`), each split into byte planes, and one quality byte a value. It is written beside and renamed,
so that a file that is there is whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.points import AlarmView, Event, PointInfo
from controller.store.codec import (
    WIDE,
    clean,
    dump_catalogue,
    dump_values,
    from_planes,
    load_catalogue,
    load_values,
    planes,
)
from controller.store.ring import Rows

FOLDER = "blackbox"
MAGIC = b"HSTRIP\x00\x01"
_HEAD = struct.Struct("<8sIIII")
_NAME = re.compile(r"(\d{6})-(.*)\.trip")
_LONGEST_CAUSE = 120


class BadTrip(ValueError):
    """A file that is damaged or of another format."""


@dataclass(frozen=True, slots=True)
class Trip:
    """What a person wants to know first. Times are plant seconds; `wall` is what the board thought it was.

    `trips`: seconds after the first, cause; `skipped`: causes that fell into a pause since the last record,
    and how often; `complete`: the time after the trip is in it, too.
    """

    number: int
    station: str
    cause: str
    time: float
    wall: float
    trips: tuple[tuple[float, str], ...] = ()
    skipped: tuple[tuple[str, int], ...] = ()
    complete: bool = False
    events: tuple[Event, ...] = ()
    alarms: tuple[AlarmView, ...] = ()
    catalogue: tuple[PointInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Curves of a trip: `offsets` in seconds from the trip, values and qualities of each point by name."""

    offsets: array[float]
    values: dict[str, array[float]]
    qualities: dict[str, bytes]


# ---- the format


def encode(trip: Trip, rows: Rows) -> bytes:
    """The whole file."""
    count = len(trip.catalogue)
    offsets = array("i", [round((time - trip.time) * 1000) for time in rows.times])
    narrow, wide = array("f"), array("d")
    for place, info in enumerate(trip.catalogue):
        column = rows.values[place::count]
        if info.quantity in WIDE:
            wide.extend(column)
        else:
            narrow.extend(array("f", column))
    if sys.byteorder == "big":
        offsets.byteswap()
    qualities = b"".join(rows.qualities[place::count] for place in range(count))
    body = zlib.compress(offsets.tobytes() + planes(narrow) + planes(wide) + qualities, 6)
    head = zlib.compress(_dump(trip).encode("utf-8"), 6)
    sizes = (len(head), zlib.crc32(head), len(body), zlib.crc32(body))
    return _HEAD.pack(MAGIC, *sizes) + head + body


def decode(data: bytes) -> tuple[Trip, Columns]:
    """What `encode` was given. Raises BadTrip."""
    trip, begin, length, check = _split(data)
    body = data[begin : begin + length]
    if len(body) != length or zlib.crc32(body) != check:
        raise BadTrip("the curves are damaged")
    raw = zlib.decompress(body)
    wide = [info.name for info in trip.catalogue if info.quantity in WIDE]
    names = [info.name for info in trip.catalogue if info.quantity not in WIDE]
    a_row = 4 + 5 * len(names) + 9 * len(wide)
    rows, rest = divmod(len(raw), a_row)
    if rest:
        raise BadTrip(f"{len(raw)} bytes in rows of {a_row}")
    offsets = array("i")
    offsets.frombytes(raw[: 4 * rows])
    if sys.byteorder == "big":
        offsets.byteswap()
    end = 4 * rows * (1 + len(names))
    small = from_planes(raw[4 * rows : end], "f")
    large = from_planes(raw[end : end + 8 * rows * len(wide)], "d")
    values = {name: array("d", small[n * rows : (n + 1) * rows]) for n, name in enumerate(names)}
    values |= {name: large[n * rows : (n + 1) * rows] for n, name in enumerate(wide)}
    end += 8 * rows * len(wide)
    qualities = {
        info.name: raw[end + n * rows : end + (n + 1) * rows] for n, info in enumerate(trip.catalogue)
    }
    return trip, Columns(array("d", [ms / 1000 for ms in offsets]), values, qualities)


def _split(data: bytes) -> tuple[Trip, int, int, int]:
    """The trip, and where its columns begin, their length and check."""
    try:
        magic, length, check, body, body_check = _HEAD.unpack_from(data)
    except struct.error:
        raise BadTrip("too short") from None
    head = data[_HEAD.size : _HEAD.size + length]
    if magic != MAGIC:
        raise BadTrip("no trip of this format")
    if zlib.crc32(head) != check:
        raise BadTrip("its head is damaged")
    try:
        trip = _load(json.loads(zlib.decompress(head)))
    except (ValueError, KeyError, TypeError, zlib.error) as problem:
        raise BadTrip(str(problem)) from None
    return trip, _HEAD.size + length, body, body_check


def _dump(trip: Trip) -> str:
    row = {
        "number": trip.number,
        "station": clean(trip.station),
        "cause": clean(trip.cause),
        "time": trip.time,
        "wall": trip.wall,
        "trips": trip.trips,
        "skipped": trip.skipped,
        "complete": trip.complete,
        "catalogue": dump_catalogue(trip.catalogue),
        "events": [
            [e.time, e.wall, e.kind, clean(e.subject), e.code, clean(e.user), e.source, dump_values(e.values)]
            for e in trip.events
        ],
        "alarms": [
            [
                a.code,
                a.subject,
                a.priority,
                a.since,
                a.ended,
                a.acknowledged,
                dump_values(a.values),
                a.hidden_by,
            ]
            for a in trip.alarms
        ],
    }
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _load(row: dict[str, Any]) -> Trip:
    return Trip(
        int(row["number"]),
        str(row["station"]),
        str(row["cause"]),
        float(row["time"]),
        float(row["wall"]),
        tuple((float(after), str(cause)) for after, cause in row["trips"]),
        tuple((str(cause), int(count)) for cause, count in row["skipped"]),
        bool(row["complete"]),
        tuple(_event(*event) for event in row["events"]),
        tuple(_alarm(*alarm) for alarm in row["alarms"]),
        load_catalogue(row["catalogue"]),
    )


def _event(
    time: float, wall: float, kind: str, subject: str, code: str, user: str, source: str, values: str
) -> Event:
    return Event(time, wall, kind, subject, code, user, source, load_values(values))


def _alarm(
    code: str,
    subject: str,
    priority: str,
    since: float,
    ended: float | None,
    acknowledged: bool,
    values: str,
    by: str,
) -> AlarmView:
    return AlarmView(code, subject, priority, since, ended, acknowledged, load_values(values), by)


# ---- the folder


def stored(directory: Path) -> list[Path]:
    """Files of trips in a state folder, the oldest first; none where the folder cannot be read."""
    with contextlib.suppress(OSError):
        return sorted(path for path in (directory / FOLDER).iterdir() if _NAME.fullmatch(path.name))
    return []


def number_of(path: Path) -> int:
    """Its number."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match is not None else 0


def read_head(path: Path) -> Trip:
    """The trip without its curves. Raises BadTrip or OSError."""
    with path.open("rb") as file:
        data = file.read(_HEAD.size)
        if len(data) == _HEAD.size:
            data += file.read(_HEAD.unpack(data)[1])
    return _split(data)[0]


def read(path: Path) -> tuple[Trip, Columns]:
    """All of a file. Raises BadTrip or OSError."""
    return decode(path.read_bytes())


def write(directory: Path, trip: Trip, rows: Rows) -> int:
    """Put a trip on the card, in place of an earlier state of it; returns its size. Raises OSError."""
    folder = directory / FOLDER
    folder.mkdir(mode=0o770, parents=True, exist_ok=True)
    name = re.sub(r"[^\w.@-]", "_", trip.cause)[:_LONGEST_CAUSE]
    target = folder / f"{trip.number:06d}-{name}.trip"
    beside = folder / "new"
    data = encode(trip, rows)
    try:
        with beside.open("wb") as file:
            os.fchmod(file.fileno(), 0o660)  # as the databases: readable for the group
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return len(data)


def prune(directory: Path, keep: int, most_bytes: int) -> list[Path]:
    """Delete the oldest files beyond a number and a size, but never the newest. Raises OSError."""
    paths = stored(directory)
    sizes = {path: path.stat().st_size for path in paths}
    gone = []
    while len(paths) > 1 and (len(paths) > keep or sum(sizes[path] for path in paths) > most_bytes):
        gone.append(paths.pop(0))
        gone[-1].unlink(missing_ok=True)
    return gone


def next_number(paths: Sequence[Path]) -> int:
    """The number of a new trip."""
    return max((number_of(path) for path in paths), default=0) + 1
