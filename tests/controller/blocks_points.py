"""Points for tests of blocks, and time that runs in steps."""

from __future__ import annotations

import math
from collections.abc import Iterator

from controller.control.tick import Tick
from controller.points import Point, Quality, Term


def good(quantity: str, value: float, time: float = 0.0) -> Point:
    """A sound point."""
    point = Point(f"test.{quantity}", quantity)
    point.put(value, time)
    return point


def lost(quantity: str) -> Point:
    """A point that cannot be used, with no number in it."""
    point = Point(f"test.{quantity}", quantity)
    point.mark(math.nan, Quality.BAD, "open_circuit", 0.0)
    return point


def temperature(value: float | None) -> Point:
    """°C; None is a lost sensor."""
    return lost("temperature") if value is None else good("temperature", value)


def ticks(seconds: float, dt: float = 1.0, start: float = 0.0) -> Iterator[Tick]:
    """Scans for so long."""
    for count in range(1, round(seconds / dt) + 1):
        yield Tick(start + count * dt, dt, (start + count * dt) % 86400)


def codes(*terms: Term | None) -> list[str]:
    """Codes of terms, the children behind their parent."""
    found: list[str] = []
    for term in terms:
        if term is not None:
            found += [term.code, *codes(*term.children)]
    return found
