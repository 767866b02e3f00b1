"""The time of one scan, handed to every block: control never looks at a clock itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Tick:
    """`now`: plant seconds; `dt`: seconds since the last scan, clamped; `second_of_day`: local;
    `day`: the local date; both None while the time is not trusted."""

    now: float
    dt: float
    second_of_day: float | None
    day: date | None = None

    @property
    def weekday(self) -> int | None:
        """Monday is 0; None while the time is not trusted."""
        return None if self.day is None else self.day.weekday()
