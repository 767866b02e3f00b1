"""Does the return pressure transmitter lie? It is asked of the others that stand in the same water.

    by the pumps   supply pressure − differential pressure·(1 − share): the exchanger takes a share of what
                   the pumps add, for both go with the square of the flow; learned here
    by makeup      makeup pressure − what it usually lies above the return, while no makeup pump turns

Where both agree and the return pressure lies more than `DIFFERS_KPA` from either for `DIFFERS_S`, it is
outvoted, two against one: their mean stands in its place, uncertain, and `return_pressure_outvoted` tells it.
Where the pumps alone can say something, a transmitter that stands to its last digit for `STICKS_S` (and far
longer than it ever did), while theirs went away from it without a jump, speaks against itself: that is the
second sign. While makeup fills, which moves the pressure of any loop, it is so after `FILLS_S`. Else one
against one decides nothing. It counts again once it moves and has agreed for `plausibility.GOOD_S`: one that
sticks comes near the others now and then. Makeup, relief and suction then go by what the loop has, not by a
transmitter that sticks or drifts.

What is usual is a mean of ten minutes, and then follows over days (`SlowMean`), so that a transmitter that
drifts by more than 4 kPa a day (20 on the first) leaves it behind. One that lay before anything was learned
is not taken for usual beyond `HIGHEST_OFFSET_KPA`: then nobody is outvoted. Margins are own judgement: 20 kPa
are twice what three sound transmitters of 0.5 % differ by, and keep the highest radiator full (set-point
30…50 kPa above it, FACTS §8).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.points import Image, Point, Quality, reading
from controller.safety.rules import Rule
from controller.safety.witnesses.plausibility import GOOD_S, HEAD_LEFT_KPA, running_points

DIFFERS_KPA, DIFFERS_S = 20.0, 120.0
"""Longer than pumps take to change over."""
USUAL_S, FIRST_S, KNOWN_S = 5 * 86400.0, 86400.0, 600.0
HIGHEST_OFFSET_KPA = 20.0
"""Between the places of two transmitters in one room (2 m): more is a lie, not a place."""
STICKS_S = 1800.0
"""Own judgement: the loss of any loop moves its last digit sooner, where 20 kPa of it are gone."""
FILLS_S = 60.0
MOVES, LONGER = 20, 3.0
"""So often must it have moved before its stand means something, and so many times longer must it be than any
before: a coarse converter stands for half an hour, while the other transmitter may drift."""
STANDS_S = 30.0
"""A makeup pump has run down, and its line with it."""


class SlowMean:
    """What is usual: a plain mean for `KNOWN_S`, then over `FIRST_S`, which grows to `USUAL_S`."""

    __slots__ = ("seen_s", "value")

    def __init__(self) -> None:
        self.value = math.nan
        self.seen_s = 0.0

    def learn(self, value: float, dt: float) -> None:
        """One scan of `dt` s; NaN teaches nothing."""
        if not math.isfinite(value) or dt <= 0.0:
            return
        self.seen_s = min(self.seen_s + dt, USUAL_S)
        if math.isnan(self.value):
            self.value = value
        over_s = self.seen_s if self.seen_s < KNOWN_S else max(self.seen_s, FIRST_S)
        self.value += dt / max(over_s, dt) * (value - self.value)

    @property
    def known(self) -> bool:
        """Seen for long enough to be held against a measurement."""
        return self.seen_s >= KNOWN_S

    def state(self) -> list[float] | None:
        """What must survive a restart."""
        return None if math.isnan(self.value) else [self.value, self.seen_s]

    def restore(self, state: object, low: float, high: float) -> None:
        """Take over what `state` gave, within bounds; anything odd is left out."""
        if not (isinstance(state, list) and len(state) == 2):
            return
        value, seen_s = state
        numbers = isinstance(value, int | float) and isinstance(seen_s, int | float)
        if numbers and low <= value <= high and 0.0 <= seen_s <= USUAL_S:
            self.value, self.seen_s = float(value), float(seen_s)


class ReturnWitness:
    """Steps after the crossed pressures, before the substitutes. `pumps`, `makeups`: how many of each."""

    def __init__(self, image: Image, circuit: str, pumps: int, makeups: int) -> None:
        find = image.points.get
        self.point, self.makeup = find(f"{circuit}.return_pressure"), find(f"{circuit}.makeup_pressure")
        self.supply, self.added = (
            find(f"{circuit}.supply_pressure"),
            find(f"{circuit}.differential_pressure"),
        )
        self.pumps = running_points(image, f"{circuit}.pump", pumps)
        self.makeups = running_points(image, f"{circuit}.makeup", makeups)
        self.share, self.offset = SlowMean(), SlowMean()
        """What the exchanger takes of the pumps' pressure; kPa of makeup above return pressure."""
        self.active = False
        self._since = math.inf
        self._sticks = False
        """It has shown the same number ever since it was outvoted."""
        self._shown, self._stands_since = math.nan, math.inf
        """The number it shows, and since when."""
        self._stood_by = (math.nan, math.nan)
        """What the pumps and the supply told first since then, kPa."""
        self._supply_before = math.nan
        self._moves, self._longest_stand = 0, 0.0
        self._makeup_ran_at, self._fills_since = -math.inf, math.inf
        self.seen = self.told = math.nan
        """kPa that the transmitter shows, and that the others tell."""

    def step(self, now: float, dt: float) -> None:
        """Judge this scan's readings; stand in for one that is outvoted."""
        point = self.point
        if point is None:
            return
        if any(not pump.usable or pump.on for pump in self.makeups):
            self._makeup_ran_at = now
        fills = any(pump.on for pump in self.makeups)
        self._fills_since = min(self._fills_since, now) if fills else math.inf
        if not point.usable:
            self._since = math.inf
            return
        by_pumps, by_makeup = self._by_pumps(), self._by_makeup(now)
        self._note_stand(now, point.value, by_pumps)
        self._judge(now, point.value, by_pumps, by_makeup)
        if self.active:
            self._stand_in(point, by_pumps, by_makeup)
        elif not point.reason:
            self._learn(point.value, by_pumps, by_makeup, now, dt)

    def rules(self) -> Iterator[Rule]:
        """The row that tells it."""
        if self.point is None:
            return
        yield Rule(
            "return_pressure_outvoted",
            self.point.name,
            lambda: self.active,
            priority="high",
            shows=lambda: (("seen", self.seen, "pressure"), ("told", self.told, "pressure")),
        )

    # ---- what the others say

    def _by_pumps(self) -> float:
        """NaN: unknown."""
        supply, added = reading(self.supply), reading(self.added)
        turns = any(pump.on for pump in self.pumps)
        if not turns or added < HEAD_LEFT_KPA or not self.share.known:
            return math.nan
        return supply - added * (1.0 - self.share.value)

    def _by_makeup(self, now: float) -> float:
        if not self.makeups or now - self._makeup_ran_at < STANDS_S or not self.offset.known:
            return math.nan
        return reading(self.makeup) - self.offset.value

    def _learn(self, value: float, by_pumps: float, by_makeup: float, now: float, dt: float) -> None:
        """A value that one of them denies teaches nothing."""
        if abs(value - by_pumps) > DIFFERS_KPA or abs(value - by_makeup) > DIFFERS_KPA:
            return
        supply, added = reading(self.supply), reading(self.added)
        if any(pump.on for pump in self.pumps) and added >= HEAD_LEFT_KPA:
            share = 1.0 - (supply - value) / added
            if 0.0 <= share < 1.0:
                self.share.learn(share, dt)
        above = reading(self.makeup) - value
        if self.makeups and now - self._makeup_ran_at >= STANDS_S and abs(above) <= HIGHEST_OFFSET_KPA:
            self.offset.learn(above, dt)

    # ---- the vote

    def _note_stand(self, now: float, value: float, by_pumps: float) -> None:
        supply = reading(self.supply)
        if value != self._shown:
            if not self.active:
                self._moves += 1
                self._longest_stand = max(self._longest_stand, now - self._stands_since)
            self._shown, self._stands_since, self._stood_by = value, now, (math.nan, math.nan)
        elif abs(supply - self._supply_before) > DIFFERS_KPA / 2:
            self._stood_by = math.nan, math.nan  # a jump: a pump, or the other one lies
        self._supply_before = supply
        if math.isnan(self._stood_by[0]):
            self._stood_by = by_pumps, supply

    def _stuck_for(self, now: float, value: float, by_pumps: float) -> float:
        """Seconds of denial that outvote a value which stands while the supply has gone away itself (a
        pressure over the pumps that drifts is not enough); inf: it does not stick."""
        then_by_pumps, then_supply = self._stood_by
        moved = min(abs(by_pumps - then_by_pumps), abs(reading(self.supply) - then_supply))
        if self._moves < MOVES or not (moved > DIFFERS_KPA and abs(value - by_pumps) > DIFFERS_KPA):
            return math.inf
        if now - self._stands_since >= max(STICKS_S, LONGER * self._longest_stand):
            return DIFFERS_S
        fills_s = now - max(self._stands_since, self._fills_since)
        return FILLS_S / 2 if fills_s >= FILLS_S and by_pumps > value else math.inf

    def _judge(self, now: float, value: float, by_pumps: float, by_makeup: float) -> None:
        agree = abs(by_pumps - by_makeup) <= DIFFERS_KPA / 2
        lone = self.makeup is None or not self.makeup.usable
        told = by_pumps if lone or not agree else 0.5 * (by_pumps + by_makeup)
        self._sticks = self._sticks and value == self.seen
        if self.active:
            # Unknown, or nobody knows which of them lies: what was found stays.
            speaks = (agree or lone) and not self._sticks and abs(value - told) <= DIFFERS_KPA / 2
            after_s = GOOD_S
        else:
            outvoted = agree and min(abs(value - by_pumps), abs(value - by_makeup)) > DIFFERS_KPA
            after_s = DIFFERS_S if outvoted else self._stuck_for(now, value, by_pumps)
            speaks = after_s < math.inf
        if not speaks:
            self._since = math.inf
            return
        self._since = min(self._since, now)
        if now - self._since >= after_s:
            self.active, self._since = not self.active, math.inf
            self._sticks = self.active
            self.seen, self.told = value, told

    def _stand_in(self, point: Point, by_pumps: float, by_makeup: float) -> None:
        known = [value for value in (by_pumps, by_makeup) if math.isfinite(value)]
        self.seen = point.value
        if known:
            self.told = sum(known) / len(known)
            point.mark(self.told, Quality.UNCERTAIN, "denied", point.time)
        else:
            point.mark(math.nan, Quality.BAD, "denied", point.time)

    # ---- state

    def state(self) -> dict[str, Any]:
        """What must survive a restart, as plain JSON."""
        return {"share": self.share.state(), "offset": self.offset.state()}

    def restore(self, state: object) -> None:
        """Take over what is usual."""
        if isinstance(state, dict):
            self.share.restore(state.get("share"), 0.0, 1.0)
            self.offset.restore(state.get("offset"), -HIGHEST_OFFSET_KPA, HIGHEST_OFFSET_KPA)
