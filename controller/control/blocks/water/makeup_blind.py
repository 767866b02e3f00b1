"""Makeup when the return pressure is lost, in the order of FACTS §8.

A second transmitter and supply pressure less differential pressure are put in place before (input stage,
substitutes). What is left for here, each only while the ones before it fail:

1. supply pressure less the pumps' head, head = a·(speed/50 Hz)², a learned while both could be read;
2. the makeup pumps' discharge pressure less what it usually lies above the return (learned apart for a
   running and a standing pump);
3. the contacts of a gauge: makeup from the low contact to the high one;
4. the balance of the loop's water: what usually leaks and what the water shrinks by (`makeup_reckoned`);
5. the last seven days' run time in portions. The high contact locks 4 and 5 out where there is one;
6. nothing: makeup stops (a hard-wired gauge may take over).

1 and 2 are numbers and are worked with as the pressure; the rest only says run or not.
"""

from __future__ import annotations

import math

from controller.control.blocks.water.makeup_guard import MakeupGuard
from controller.control.blocks.water.makeup_reckoned import ReckonedMakeup
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Quality, Term, reading

LEARNS_S, LOOK_S = 120.0, 5.0
NOMINAL_HZ = 50.0
LEAST_SPEED = 0.2
LEAST_KNOWN_S = 600.0
"""So long must a relation have been seen before it is used."""
PORTION_SHARE = 1.0
"""Of the usual run time; FACTS allows at most 1.5."""
LEAST_PORTION_S, LONGEST_CONTACT_S = 60.0, 1800.0
NEEDED_DAYS = 1


class _Relation:
    """A difference of two pressures that is learned slowly, kPa."""

    def __init__(self) -> None:
        self.value = math.nan
        self.seen_s = 0.0

    def learn(self, value: float, dt: float) -> None:
        if not math.isfinite(value):
            return
        if math.isnan(self.value):
            self.value = value
        self.value += min(dt / LEARNS_S, 1.0) * (value - self.value)
        self.seen_s += dt

    @property
    def known(self) -> bool:
        return self.seen_s >= LEAST_KNOWN_S


class OtherPressures:
    """`point`: the return pressure as the others tell it; not usable when they cannot."""

    def __init__(self, image: Image, circuit: str) -> None:
        find = image.points.get
        self.supply = find(f"{circuit}.supply_pressure")
        self.discharge = find(f"{circuit}.makeup_pressure")
        self._speeds = [
            (run, speed)
            for number in range(1, 5)
            if isinstance(run := find(f"{circuit}.pump_{number}_run"), Output)
            and isinstance(speed := find(f"{circuit}.pump_{number}_speed"), Output)
        ]
        self.point = Point(f"{circuit}.return_pressure", "pressure")
        self._learned_at = -math.inf
        self._head = _Relation()
        self._above = {False: _Relation(), True: _Relation()}

    def step(self, tick: Tick, pressure: Point, runs: bool) -> None:
        """Learn while the pressure is good, stand in while it is not. `runs`: a makeup pump turns."""
        good = math.isfinite(reading(pressure)) and not pressure.reason
        if good and 0.0 <= tick.now - self._learned_at < LOOK_S:
            return
        square = self._speed_share() ** 2
        supply, discharge = reading(self.supply), reading(self.discharge)
        if good:
            since, self._learned_at = tick.now - self._learned_at, tick.now
            dt = min(since, 2 * LOOK_S)
            if square >= LEAST_SPEED**2:
                self._head.learn((supply - pressure.value) / square, dt)
            self._above[runs].learn(discharge - pressure.value, dt)
        elif math.isfinite(supply) and (self._head.known or not square):
            head = self._head.value * square if square else 0.0
            self.point.mark(supply - head, Quality.UNCERTAIN, "from_pump_head", tick.now)
        elif math.isfinite(discharge) and self._above[runs].known:
            value = discharge - self._above[runs].value
            self.point.mark(value, Quality.UNCERTAIN, "from_makeup_pressure", tick.now)
        else:
            self.point.mark(math.nan, Quality.BAD, "no_reading", tick.now)

    def _speed_share(self) -> float:
        turning = [speed.value for run, speed in self._speeds if run.value >= 0.5]
        finite = [speed for speed in turning if math.isfinite(speed)]
        return max(finite, default=0.0) / NOMINAL_HZ


class BlindMakeup:
    """Run or not, without any pressure. `code` of the reason."""

    def __init__(self, image: Image, circuit: str, start_below: float) -> None:
        """`start_below`: a fill is worth so much pressure, kPa."""
        self.low = image.points.get(f"{circuit}.makeup_low_contact")
        self.high = image.points.get(f"{circuit}.makeup_high_contact")
        self.reckoned = ReckonedMakeup(start_below)
        self.code = "makeup_blind"
        self.runs = False
        self._ran_s = 0.0
        self._credit_s = 0.0

    @property
    def full(self) -> bool:
        """The high contact says that there is enough."""
        return self.high is not None and self.high.on

    def stop(self) -> None:
        """The pressure can be seen again, or makeup is not wanted."""
        self.runs, self._ran_s, self._credit_s = False, 0.0, 0.0
        self.code = "makeup_blind"

    def step(self, tick: Tick, guard: MakeupGuard) -> bool:
        """One scan without pressure."""
        if self.full:
            self.code = "makeup_contact_full"
            self.runs, self._credit_s = False, 0.0
        elif self.low is not None and self.low.usable:
            self._by_contacts(self.low)
        elif self.reckoned.known(guard):
            self.code = "makeup_by_balance"
            self.runs = self.reckoned.step(tick, guard)
        elif len(guard.days) >= NEEDED_DAYS:
            self._by_portions(tick, guard)
        else:
            self.code = "makeup_blind"
            self.runs = False
        self._ran_s = self._ran_s + tick.dt if self.runs else 0.0
        return self.runs

    def _by_contacts(self, low: Point) -> None:
        """On at the low contact, off at the high one; without a high contact off when the low one opens."""
        self.code = "makeup_by_contacts"
        has_high = self.high is not None and self.high.usable
        self.runs = low.on or (self.runs and has_high and self._ran_s < LONGEST_CONTACT_S)

    def _by_portions(self, tick: Tick, guard: MakeupGuard) -> None:
        """As much run time as the last days had, in portions of an hour's worth."""
        self.code = "makeup_by_portions"
        share = PORTION_SHARE * guard.usual_share
        self._credit_s = min(self._credit_s + share * tick.dt, max(2 * share * 3600.0, LEAST_PORTION_S))
        if self.runs:
            self._credit_s -= tick.dt
            self.runs = self._credit_s > 0.0
        else:
            self.runs = self._credit_s >= max(share * 3600.0, LEAST_PORTION_S)

    def explain(self) -> Term:
        """What makeup goes by."""
        return Term(self.code)
