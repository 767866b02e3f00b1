"""Does the differential pressure over the pumps lie? It sets their speed: one that drifts up slows them until
the last radiators starve, and no other limit sees it.

    by the ends    (supply − return pressure)/(1 − share); the share over the exchanger is `ReturnWitness`'s
    by the drive   usual Δp/f² · f² (affinity), while one pump turns; learned here

Where both agree and the transmitter stands more than `DIFFERS_KPA` from either for `DIFFERS_S`, it is
outvoted, two against one: what the ends show stands in its place, uncertain, and
`differential_pressure_outvoted` tells it. One against one decides nothing: a supply pressure that lies is
denied by drive and transmitter together, a loop that was throttled by the drive alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.points import Image, Quality, reading
from controller.safety.rules import Rule
from controller.safety.witnesses.plausibility import GOOD_S, running_points
from controller.safety.witnesses.return_witness import DIFFERS_KPA, DIFFERS_S, ReturnWitness, SlowMean

AGREE_KPA = 15.0
"""Less exact than two transmitters: affinity holds while the network's valves stand (own judgement)."""
LEAST_HZ = 10.0
HIGHEST_FACTOR = 1.0
"""kPa/Hz²: 2.5 MPa at 50 Hz, more than any circulation pump makes."""


class DifferenceWitness:
    """Steps after the return pressure's witness. `pumps`: how many."""

    def __init__(self, image: Image, circuit: str, pumps: int, back: ReturnWitness) -> None:
        find = image.points.get
        self.point, self.supply, self.back = back.added, back.supply, back.point
        self._share = back.share
        self._pumps = running_points(image, f"{circuit}.pump", pumps)
        self._speeds = [find(f"{circuit}.pump_{number}_frequency") for number in range(1, pumps + 1)]
        self.factor = SlowMean()
        """kPa/Hz²."""
        self.active = False
        self._since = math.inf
        self.seen = self.told = math.nan
        """kPa that the transmitter shows, and that the others tell."""

    def step(self, now: float, dt: float) -> None:
        """Judge this scan's readings; stand in for one that is outvoted."""
        point = self.point
        if point is None or not point.usable:
            self._since = math.inf
            return
        squared, by_ends = self._squared_speed(), self._by_ends()
        by_drive = self.factor.value * squared if self.factor.known else math.nan
        self._judge(now, point.value, by_ends, by_drive)
        if self.active:
            self.seen, self.told = point.value, by_ends if by_ends >= 0.0 else by_drive
            known = math.isfinite(self.told)
            point.mark(self.told, Quality.UNCERTAIN if known else Quality.BAD, "denied", point.time)
        elif not point.reason and not abs(point.value - by_ends) > DIFFERS_KPA and squared > 0.0:
            # What the ends deny teaches nothing.
            self.factor.learn(point.value / squared, dt)

    def rules(self) -> Iterator[Rule]:
        """The row that tells it."""
        if self.point is None:
            return
        yield Rule(
            "differential_pressure_outvoted",
            self.point.name,
            lambda: self.active,
            priority="high",
            shows=lambda: (("seen", self.seen, "pressure"), ("told", self.told, "pressure")),
        )

    def _squared_speed(self) -> float:
        """Hz² of the one pump that turns; NaN for none, several, or unknown."""
        if len(self._pumps) != len(self._speeds) or not all(pump.usable for pump in self._pumps):
            return math.nan
        turning = [speed for pump, speed in zip(self._pumps, self._speeds, strict=True) if pump.on]
        speed = reading(turning[0]) if len(turning) == 1 else math.nan
        return speed * speed if speed >= LEAST_HZ else math.nan

    def _by_ends(self) -> float:
        """NaN: unknown."""
        if not self._share.known or not self._share.value < 1.0:
            return math.nan
        return (reading(self.supply) - reading(self.back)) / (1.0 - self._share.value)

    def _judge(self, now: float, value: float, by_ends: float, by_drive: float) -> None:
        if not abs(by_ends - by_drive) <= AGREE_KPA:
            self._since = math.inf  # unknown, or nobody knows which of them lies: what was found stays
            return
        far = min(abs(value - by_ends), abs(value - by_drive)) > DIFFERS_KPA
        near = abs(value - by_ends) <= DIFFERS_KPA / 2
        if near if self.active else far:
            self._since = min(self._since, now)
            if now - self._since >= (GOOD_S if self.active else DIFFERS_S):
                self.active, self._since = not self.active, math.inf
        else:
            self._since = math.inf

    def state(self) -> dict[str, Any]:
        """What must survive a restart, as plain JSON."""
        return {"factor": self.factor.state()}

    def restore(self, state: object) -> None:
        """Take over what is usual."""
        if isinstance(state, dict):
            self.factor.restore(state.get("factor"), 0.0, HIGHEST_FACTOR)
