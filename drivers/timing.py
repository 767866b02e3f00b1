"""The plant time that drivers poll by. `controller.clock` has the clocks; this is their shape.

Wire time (deadlines, silent gaps) is always real and does not pass through here.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Wake(Protocol):
    """Something a part waits for in plant time, that another part may cut short."""

    def set(self) -> None:
        """End the current or the next wait. Safe from any thread."""

    async def wait(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` plant seconds; True when it was set (and reset it)."""


class Clock(Protocol):
    """Plant time for parts that sleep."""

    def now(self) -> float:
        """Plant seconds; never jumps."""

    async def sleep(self, seconds: float) -> None:
        """Sleep in plant time."""

    def wake(self) -> Wake:
        """A fresh Wake for one waiting part."""

    def part(self) -> AbstractAsyncContextManager[None]:
        """The task inside is a part: a stepped clock stands still until it sleeps in the clock."""

    def io(self) -> AbstractAsyncContextManager[None]:
        """Plant time stands still for what is inside (only a stepped clock cares)."""
