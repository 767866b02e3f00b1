"""Does the board know the time? Schedules and dates wait for a clock that can be believed.

A board without a battery clock boots in 1970 until the network tells it the time. A clock that is set from
one believable time to another, that stands, or that runs far too fast or slowly says nothing for ten
minutes: if it keeps on jumping, it is never believed. Control itself lives in plant time and does not care.
"""

from __future__ import annotations

from controller.alarms import AlarmBook

TRUSTED_AFTER = 1_704_067_200.0
"""2024-01-01: a board whose clock says less has booted without knowing the time."""
TRUSTED_BEFORE = 4_102_444_800.0
"""2100-01-01: later it says nonsense."""
JUMP_S = 60.0
"""More than any correction in small steps."""
STANDS_S = 60.0
"""Looked at over so many plant seconds …"""
PACE = 0.1
"""… wall and plant time may differ by this share: a real clock is off by a thousandth of it."""
WAITS_S = 600.0
"""So long a clock must run on evenly after a jump; and so long it may be wrong before a person is asked."""


class ClockTrust:
    """`why`: why the clock is not believed: `not_set`, `jumps`, `stands`, or ""."""

    def __init__(self) -> None:
        self.why = ""
        self._last: tuple[float, float] | None = None
        self._mark: tuple[float, float] | None = None
        self._even_since = float("-inf")
        self._odd = ""
        self._wrong_since: float | None = None

    def step(self, now: float, wall: float) -> bool:
        """Once a scan: plant and wall time; True when schedules may believe it."""
        self._watch(now, wall)
        self._last = (now, wall)
        if not TRUSTED_AFTER < wall < TRUSTED_BEFORE:
            self.why = "not_set"
            self._even_since = float("-inf")  # what it is set to then is no jump
        elif now - self._even_since < WAITS_S:
            self.why = self._odd
        else:
            self.why = ""
        if not self.why:
            self._wrong_since = None
        elif self._wrong_since is None:
            self._wrong_since = now
        return not self.why

    def _watch(self, now: float, wall: float) -> None:
        if self._last is None or self._mark is None:
            self._mark = (now, wall)
            return
        was_set = TRUSTED_AFTER < self._last[1] < TRUSTED_BEFORE
        if abs((wall - self._last[1]) - (now - self._last[0])) > JUMP_S:
            self._mark = (now, wall)
            if was_set:
                self._odd, self._even_since = "jumps", now
            return
        passed = now - self._mark[0]
        if passed >= STANDS_S:
            if abs((wall - self._mark[1]) - passed) > PACE * passed and was_set:
                self._odd, self._even_since = "stands", now
            self._mark = (now, wall)

    def report(self, alarms: AlarmBook, now: float) -> None:
        """A warning where nobody has set the clock for ten minutes."""
        wrong = self._wrong_since is not None and now - self._wrong_since >= WAITS_S
        why = (("why", f"clock_{self.why}", "text"),) if wrong else ()
        alarms.report("clock_wrong", "station", wrong, "warning", why)
