"""What a bus hands out: a value or a fault, and the time at which it was read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Why a reading has no value. The text of each code stands in the controller's catalogue."""

    NONE = ""
    NEVER_READ = "never_read"
    NO_REPLY = "no_reply"
    REFUSED = "refused"
    BAD_REPLY = "bad_reply"
    NOT_AVAILABLE = "not_available"
    OPEN_CIRCUIT = "open_circuit"
    SHORT_CIRCUIT = "short_circuit"
    OVER_RANGE = "over_range"
    UNDER_RANGE = "under_range"
    DEVICE_FAULT = "device_fault"
    NOT_CONFIRMED = "not_confirmed"
    """Written again and again, and the device shows something else."""
    OVERWRITTEN = "overwritten"
    """It had shown what was written, and then something else."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: `value` in the profile's unit (NaN with a fault), `time` in plant seconds.

    `time` is when the reply arrived, never when it was handed on: a driver that stamps old
    values anew hides a dead device (EVerest#2673).
    """

    value: float
    time: float
    fault: Fault = Fault.NONE


NEVER = Reading(math.nan, -math.inf, Fault.NEVER_READ)

Key = tuple[str, str]
"""(device, point): the address of a reading."""
