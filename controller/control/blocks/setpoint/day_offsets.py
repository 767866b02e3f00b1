"""Offsets of the supply temperature by time of day: the technicians' main tuning knob in China.

Windows are local time; where two overlap, the first of the file counts; outside all it is 0 K.
Without a trusted clock (a board that booted in 1970) the offset is 0 K and says so.
"""

from __future__ import annotations

from typing import Annotated

from controller.fields import Amount, DayWindow
from controller.points import Term

OffsetsByTime = dict[DayWindow, Annotated[float, Amount("temperature_difference", -10, 10)]]


class DayOffsets:
    """Offset in K for the second of the local day (0 … 86400), or None when the time is not known."""

    def __init__(self, offsets: OffsetsByTime) -> None:
        self.offsets = offsets
        self.offset = 0.0
        self.clock_known = True

    def step(self, second_of_day: float | None) -> float:
        """The offset of the first window that contains the time, K."""
        self.clock_known = second_of_day is not None
        self.offset = 0.0
        if second_of_day is None:
            return 0.0
        for (begin, end), offset in self.offsets.items():
            inside = begin <= second_of_day < end if begin < end else not end <= second_of_day < begin
            if inside:
                self.offset = offset
                break
        return self.offset

    def explain(self) -> Term | None:
        """None when it adds nothing."""
        if not self.clock_known and self.offsets:
            return Term("offset_clock_unknown")
        if not self.offset:
            return None
        return Term("offset_by_time", (("offset", self.offset, "temperature_difference"),))
