"""Raw words ↔ values of a profile point. Pure: words in, value or fault out.

Word order within a value is the profile's; bytes within a word are always high first (Modbus
Application Protocol V1.1b3, §4.2).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from drivers.profile import ProfilePoint
from drivers.readings import Fault

_FORMAT = {"uint16": "H", "int16": "h", "uint32": "I", "int32": "i", "float32": "f", "uint64": "Q"}


def raw_of(point: ProfilePoint, words: Sequence[int]) -> int | float:
    """The untouched number in `words` (big-endian 16-bit registers or one bit)."""
    if point.type == "bit":
        return int(bool(words[0]))
    ordered = words if point.word_order == "high_first" else list(reversed(words))
    (raw,) = struct.unpack(">" + _FORMAT[point.type], struct.pack(f">{len(ordered)}H", *ordered))
    return raw if point.type == "float32" else int(raw)


def decode(point: ProfilePoint, words: Sequence[int]) -> tuple[float, Fault]:
    """Value in the profile's unit, or NaN and why there is none."""
    raw = raw_of(point, words)
    if isinstance(raw, float) and not math.isfinite(raw):
        return math.nan, Fault.NOT_AVAILABLE
    if raw in point.not_available:
        return math.nan, Fault.NOT_AVAILABLE
    if point.bit is not None:
        return float(int(raw) >> point.bit & 1), Fault.NONE
    if set(point.codes) == {0, 1}:  # one word of an enumeration: true for its code and nothing else
        return float(raw == point.codes[1]), Fault.NONE
    for value, code in point.codes.items():
        if code == raw:
            return float(value), Fault.NONE
    return raw * point.scale + point.offset, Fault.NONE


def encode(point: ProfilePoint, value: float) -> list[int]:
    """Words that stand for `value`, clamped to the point's range and its type.

    Raises ValueError for a value that is not finite or has no code.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written")
    if point.codes:
        try:
            return [point.codes[round(value)]]
        except KeyError:
            raise ValueError(f"{value} has no code ({', '.join(map(str, point.codes))})") from None
    if point.type == "bit":
        return [int(value >= 0.5)]
    if point.range is not None:
        value = min(max(value, point.range[0]), point.range[1])
    raw: float = (value - point.offset) / point.scale
    if point.type == "float32":
        packed = struct.pack(">f", raw)
    else:
        low, high = _limits(point.type)
        packed = struct.pack(">" + _FORMAT[point.type], min(max(round(raw), low), high))
    words = list(struct.unpack(f">{len(packed) // 2}H", packed))
    return words if point.word_order == "high_first" else words[::-1]


def _limits(type_name: str) -> tuple[int, int]:
    bits = {"uint16": 16, "int16": 16, "uint32": 32, "int32": 32, "uint64": 64}[type_name]
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if type_name.startswith("int") else (0, (1 << bits) - 1)
