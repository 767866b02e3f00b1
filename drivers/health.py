"""When a device counts as gone, and when it is tried again.

A device is offline only when both 3 s have passed since its last good answer and 2 cycles in a row
have failed (wb-mqtt-serial's rule): one lost frame is no outage. A device that does not answer is
tried once per back-off step, 1, 2, 4 … 60 s, for ever. All times are plant seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.readings import Fault

OFFLINE_AFTER_S = 3.0
OFFLINE_AFTER_CYCLES = 2
_LONGEST_BACK_OFF_S = 60.0


@dataclass(slots=True)
class Health:
    """One device's answers, seen from the bus."""

    last_good: float = -math.inf
    failures: int = 0
    retry_at: float = -math.inf
    offline: bool = False
    blamed: bool = False
    fault: Fault = Fault.NONE
    _step_s: float = 0.0

    @property
    def fresh(self) -> bool:
        """Never answered and never failed: not yet known."""
        return self.failures == 0 and self.last_good == -math.inf

    @property
    def good(self) -> bool:
        """It answers; one lost reply changes nothing in its schedule."""
        return self.failures < OFFLINE_AFTER_CYCLES and self.last_good > -math.inf

    @property
    def unknown(self) -> bool:
        """It does not count as good, and was not tried in vain since the line is up."""
        return not self.good and self._step_s == 0.0

    @property
    def online(self) -> bool:
        """It has answered before and is not offline."""
        return self.last_good > -math.inf and not self.offline

    def answered(self, now: float) -> bool:
        """Take note of a good answer; True when the device is back from being offline."""
        back = self.offline
        self.last_good, self.retry_at = now, -math.inf
        self.failures, self._step_s = 0, 0.0
        self.offline, self.fault = False, Fault.NONE
        return back

    def failed(self, now: float, fault: Fault) -> None:
        """Take note of a request without a good answer."""
        self.missed(fault)
        if not self.good:
            self._step_s = min(max(2 * self._step_s, 1.0), _LONGEST_BACK_OFF_S)
            self.retry_at = now + self._step_s

    def missed(self, fault: Fault) -> None:
        """A cycle that could not be tried, because the line is down."""
        self.failures += 1
        self.fault = fault

    def line_is_back(self) -> None:
        """The wire is new: the device is tried at once, unless it was being asked when it broke."""
        if not self.blamed:
            self.retry_at, self._step_s = -math.inf, 0.0
        self.blamed = False

    @property
    def offline_at(self) -> float:
        """When the device goes offline if nothing good comes; inf when that is not in sight."""
        if self.offline or self.failures < OFFLINE_AFTER_CYCLES:
            return math.inf
        return self.last_good + OFFLINE_AFTER_S

    def goes_offline(self, now: float) -> bool:
        """True once, at the moment the device goes offline."""
        if self.offline_at > now:
            return False
        self.offline = True
        return True
