"""How values lie in a blob and words in JSON: the format of the history file.

A blob is one byte of format (1) and a zlib stream of: the float32 values of the ordinary points, the
float64 values of the totals (`WIDE`), one quality byte a point; each group in the catalogue's order,
little-endian, split into byte planes (all lowest bytes first, all highest last), which compresses
better because neighbours share exponents. Totals are wide because float32 loses the last digits of
a heat meter above 10⁵.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from controller.points import PointInfo, Quality

FORMAT = 1
WIDE = frozenset({"heat", "electricity", "volume", "count"})

EventValues = tuple[tuple[str, float | str, str], ...]


class BadBlob(ValueError):
    """A blob that is damaged or of an unknown format."""


def planes(values: array[float]) -> bytes:
    """The bytes of the values, the lowest of all first; `values` may be turned round."""
    if sys.byteorder == "big":
        values.byteswap()
    raw = values.tobytes()
    return b"".join(raw[byte :: values.itemsize] for byte in range(values.itemsize))


def from_planes(data: bytes, kind: Literal["f", "d"]) -> array[float]:
    """The values of `planes`."""
    values: array[float] = array(kind)
    width, count = values.itemsize, len(data) // values.itemsize
    raw = bytearray(len(data))
    for byte in range(width):
        raw[byte::width] = data[byte * count : (byte + 1) * count]
    values.frombytes(bytes(raw))
    if sys.byteorder == "big":
        values.byteswap()
    return values


class Layout:
    """Where each point of one catalogue lies in its blobs."""

    def __init__(self, catalogue: Sequence[PointInfo]) -> None:
        self.places = {info.name: n for n, info in enumerate(catalogue)}
        self._wide = [n for n, info in enumerate(catalogue) if info.quantity in WIDE]
        self._narrow = [n for n, info in enumerate(catalogue) if info.quantity not in WIDE]

    def pack(self, values: Sequence[float], qualities: bytes) -> bytes:
        """One blob. What exceeds float32 becomes infinite, NaN stays NaN."""
        narrow = array("f", [values[n] for n in self._narrow])
        wide = array("d", [values[n] for n in self._wide])
        return bytes((FORMAT,)) + zlib.compress(planes(narrow) + planes(wide) + qualities, 6)

    def unpack(self, blob: bytes) -> tuple[list[float], bytes]:
        """Values and qualities in the catalogue's order. Raises BadBlob."""
        count, narrow, wide = len(self.places), len(self._narrow), len(self._wide)
        if not blob or blob[0] != FORMAT:
            raise BadBlob("unknown format")
        try:
            raw = zlib.decompress(blob[1:])
        except zlib.error as error:
            raise BadBlob(str(error)) from None
        if len(raw) != 4 * narrow + 8 * wide + count:
            raise BadBlob(f"{len(raw)} bytes for {count} points")
        values = [math.nan] * count
        for n, value in zip(self._narrow, from_planes(raw[: 4 * narrow], "f"), strict=True):
            values[n] = value
        for n, value in zip(self._wide, from_planes(raw[4 * narrow : -count or None], "d"), strict=True):
            values[n] = value
        return values, raw[len(raw) - count :]


def clean(text: object) -> str:
    """Text that UTF-8 can hold. A user name off the wire must not block the queue for ever."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def _finite(value: float | str) -> float | str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return clean(value) if isinstance(value, str) else value


def dump_values(values: EventValues) -> str:
    """Placeholders of an event as JSON `[[name, value, quantity], …]`; NaN and infinities are null."""
    rows = [[clean(name), _finite(value), clean(quantity)] for name, value, quantity in values]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=clean)


def load_values(text: str) -> EventValues:
    """The placeholders of an event; null is NaN."""
    return tuple(
        (name, math.nan if value is None else value, quantity) for name, value, quantity in json.loads(text)
    )


def dump_catalogue(catalogue: Sequence[PointInfo]) -> str:
    """A catalogue as JSON, the same text for the same points; an open end of a range is null."""
    rows = []
    for info in catalogue:
        row = asdict(info)
        row["low"], row["high"] = _finite(info.low), _finite(info.high)
        rows.append(row)
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def load_catalogue(text: str) -> tuple[PointInfo, ...]:
    """The catalogue of `dump_catalogue`."""
    infos = []
    for row in json.loads(text):
        row["choices"] = tuple(row["choices"])
        row["low"] = -math.inf if row["low"] is None else row["low"]
        row["high"] = math.inf if row["high"] is None else row["high"]
        infos.append(PointInfo(**row))
    return tuple(infos)


MISSING = (math.nan, int(Quality.BAD))
"""What a point has in samples of a catalogue that does not know it."""
