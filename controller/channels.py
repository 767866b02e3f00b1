"""Channels: which device point feeds which point of the station, and what an output drives.

`settings.wiring` makes them from the file; the input stage, the service and the simulator read the
same table, so that the emulated plant sits on exactly the wires that the controller listens to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

Key = tuple[str, str]
"""(device, point)."""


ANSWERS = ""
"""Point of a device that is only written to: its reading carries no value, but the fault while nobody
answers."""


def read_back(target: Key) -> Key:
    """Key of the reading that says what a device shows of a point that was written."""
    return target[0], f"{target[1]} read back"


def bus_part(bus: str) -> str:
    """Subject of what is told about the task of a bus."""
    return f"bus {bus}"


class Reading(Protocol):
    """What a bus hands out (`drivers.readings.Reading`): value or fault, and when it was read."""

    @property
    def value(self) -> float:
        """In the profile's unit; NaN with a fault."""

    @property
    def time(self) -> float:
        """Plant seconds of the reply."""

    @property
    def fault(self) -> str:
        """Code of the fault, empty for a good reading."""


GOOD_AFTER_S = {"temperature": 20.0, "pressure": 5.0, "length": 10.0, "flag": 0.0}
"""After a bad time a channel must be good for so long before it is used again, by the kind of point.

Temperature: the lag of a sensor in its pocket (5–20 s, FACTS §1). Pressure: what stops the pumps by it waits
5 s (FACTS §8), and no longer. Level: the waves of an inlet (own judgement). Contact: at once, for it may be
the one that stops the heat."""
SATURATES_MA = 3.8, 20.5
"""Ends of a transmitter of 4 … 20 mA (NAMUR NE 43): what is beyond them is a fault, not a measurement."""
GOOD_AFTER_OTHERS_S = 5.0
METERED = ("flow", "power", "heat", "volume", "electricity")
"""Two polls of the meter: the first may still show what it held before (`settings.wiring`)."""


@dataclass(frozen=True, slots=True)
class InputChannel:
    """value = (raw − raw_low)·scale + value_low + add, or 1 − raw for an inverted contact.

    `low`, `high`, `rate`: what a sound sensor can show, per second for the rate; `stale_after_s`;
    `good_after_s`: None for what is usual of its quantity; `raw_end`: the most that the device can show.
    """

    point: str
    quantity: str
    source: Key
    low: float
    high: float
    rate: float
    stale_after_s: float
    raw_span: tuple[float, float] | None = None
    value_span: tuple[float, float] | None = None
    add: float = 0.0
    invert: bool = False
    good_after_s: float | None = None
    raw_end: float = math.inf

    @property
    def recovers_s(self) -> float:
        """How long it must be good after a bad time."""
        if self.good_after_s is not None:
            return self.good_after_s
        return GOOD_AFTER_S.get(self.quantity, GOOD_AFTER_OTHERS_S)

    def value(self, raw: float) -> float:
        """Station value of a device value."""
        if self.invert:
            return 1.0 - raw
        if self.raw_span is not None and self.value_span is not None:
            (r0, r1), (v0, v1) = self.raw_span, self.value_span
            return v0 + (raw - r0) * (v1 - v0) / (r1 - r0) + self.add
        return raw + self.add

    @property
    def saturates(self) -> tuple[float, float]:
        """Device values within which a sound transmitter stays, whatever it measures."""
        live_zero = self.raw_span is not None and self.raw_span[0] > 0.0
        return SATURATES_MA if live_zero else (-math.inf, math.inf)

    def raw(self, value: float) -> float:
        """Device value that shows `value`, be it beyond what a transmitter can send."""
        if self.invert:
            return 1.0 - value
        if self.raw_span is not None and self.value_span is not None:
            (r0, r1), (v0, v1) = self.raw_span, self.value_span
            return r0 + (value - self.add - v0) * (r1 - r0) / (v1 - v0)
        return value - self.add


@dataclass(frozen=True, slots=True)
class OutputChannel:
    """An output of the station and the device point that it drives, the other way round with `invert`."""

    output: str
    target: Key
    invert: bool = False

    def raw(self, value: float) -> float:
        """Device value for a station value, and back: of an inverted flag it is its own inverse."""
        return 1.0 - value if self.invert else value


@dataclass(frozen=True, slots=True)
class Wiring:
    """All channels of a station, in the order of the file.

    `redundant`: points with two sensors or three; their channels are `<point>_1`, `<point>_2`, `<point>_3`.
    """

    inputs: tuple[InputChannel, ...]
    outputs: tuple[OutputChannel, ...]
    redundant: tuple[str, ...]

    def used(self) -> dict[str, set[str]]:
        """Device → its points that are read."""
        found: dict[str, set[str]] = {}
        for channel in self.inputs:
            found.setdefault(channel.source[0], set()).add(channel.source[1])
        return found

    def written(self) -> dict[str, set[str]]:
        """Device → its points that are written."""
        found: dict[str, set[str]] = {}
        for channel in self.outputs:
            found.setdefault(channel.target[0], set()).add(channel.target[1])
        return found
