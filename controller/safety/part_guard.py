"""Runs the parts of a scan that stand beside the circuits, and catches what they throw."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from controller.alarms import AlarmBook


class PartGuard:
    """One alarm a part that throws, urgent, for as long as it does; the scan goes on without it."""

    def __init__(self, alarms: AlarmBook) -> None:
        self._alarms = alarms
        self._broken: set[str] = set()

    @property
    def broken(self) -> bool:
        """A part threw when it last had its turn."""
        return bool(self._broken)

    def run(self, part: str, step: Callable[[], object]) -> bool:
        """Call `step`; True when it came through."""
        try:
            step()
        except Exception as problem:  # noqa: BLE001  # one part must not stop the others
            frame = traceback.extract_tb(problem.__traceback__)[-1]
            place = f"{type(problem).__name__} {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
            self._broken.add(part)
            self._alarms.report("part_broken", part, True, "urgent", (("place", place, "text"),))
            return False
        if part in self._broken:
            self._broken.discard(part)
            self._alarms.report("part_broken", part, False, "urgent")
        return True
