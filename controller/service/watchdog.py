"""May systemd's watchdog be fed after this scan?

Only after a scan that came through, while the parts that control needs answer, and at the right pace: a loop
that scans far too fast does nothing useful either, it only looks alive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from controller.service.supervise import HANGS_AFTER_S

PACE_SCANS = 20
PACE_PERIODS = 10.0
"""So many scans in less than so many periods are too fast. One late scan is followed by one early one."""
BUS_HANGS_S = HANGS_AFTER_S + 120.0
"""Plant seconds. A bus that hangs is restarted first (`supervise`); should that bring nothing, all is."""
OUTSIDE_TOLD_S = 60.0
OUTSIDE_HANGS_S = 900.0
"""Wire seconds. Control does not need door and records, so a restart is the last means against a thread that
hangs, and rare enough to be no crash loop (`starts`)."""


class Watchdog:
    """Looks at every scan. `why`: why the last one did not feed it, or ""."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._scans: deque[float] = deque(maxlen=PACE_SCANS)
        self.why = ""

    def may_feed(self, now: float, buses: Mapping[str, float], outside_s: float) -> bool:
        """After a scan. `now`: plant time; `buses`: name → plant seconds since its last sign of life;
        `outside_s`: wire seconds since the outside thread last answered."""
        self._scans.append(now)
        too_fast = len(self._scans) == PACE_SCANS and now - self._scans[0] < PACE_PERIODS * self._period_s
        hanging = next((name for name, silent_s in buses.items() if silent_s > BUS_HANGS_S), "")
        if too_fast:
            self.why = "scans follow each other too fast"
        elif hanging:
            self.why = f"bus {hanging} hangs"
        elif outside_s > OUTSIDE_HANGS_S:
            self.why = "the outside thread hangs"
        else:
            self.why = ""
        return not self.why
