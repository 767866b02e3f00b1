"""The time of one scan, handed to every block: control never looks at a clock itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """`now`: plant seconds; `dt`: seconds since the last scan, clamped; `second_of_day` and
    `weekday` (Monday is 0): local, or None while the time is not trusted."""

    now: float
    dt: float
    second_of_day: float | None
    weekday: int | None = None
