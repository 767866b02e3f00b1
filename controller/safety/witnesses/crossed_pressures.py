"""Supply and return pressure on each other's terminals, found by a third transmitter, and read the right way
round.

While a pump turns, the supply stands above the return by what the pump adds less the exchanger's drop. Where
it stands below by just that much, and the differential pressure over the pump agrees, one lying transmitter
is no explanation any more: the two are exchanged. The exchanger's drop must be what it was while they stood
the right way round, if they ever did (as a share of what the pump adds, learned over days: a transmitter that
drifts must not take it along): a lone transmitter that lies would have to hit that, and the makeup pressure,
where there is one, to stand by what would be the return. Each then takes the other's value, `uncertain`, so
that makeup, relief and suction act by the right one; `pressures_crossed` goes on telling it (`plausibility`).
Without the third transmitter nobody knows which of the two lies: they are only doubted.
"""

from __future__ import annotations

import math

from controller.points import Image, Point, Quality, reading
from controller.safety.witnesses.plausibility import CROSSED_KPA, GOOD_S, WITH_PUMP_S, running_points
from controller.safety.witnesses.return_witness import SlowMean
from controller.safety.witnesses.substitutes import HIGHEST_DROP_KPA

TOLERANCE_KPA = 15.0
"""What three sound transmitters differ by (own judgement: 1 % of their ranges together)."""
MAKEUP_KPA = 45.0
"""The same, and what the line of a makeup pump takes while it runs."""


class CrossedPressures:
    """Steps after the input stage, before the substitutes. `pumps`: how many circulation pumps there are."""

    def __init__(self, image: Image, circuit: str, pumps: int) -> None:
        find = image.points.get
        self.supply, self.back = find(f"{circuit}.supply_pressure"), find(f"{circuit}.return_pressure")
        self.added = find(f"{circuit}.differential_pressure")
        self.makeup = find(f"{circuit}.makeup_pressure")
        self.pumps = running_points(image, f"{circuit}.pump", pumps)
        self.active = False
        self._since = math.inf
        self._share = SlowMean()
        """Of what the pump adds, over the exchanger, in the right order; NaN before it has ever been."""

    def step(self, now: float, dt: float) -> None:
        """Judge this scan's readings, and exchange them while they are crossed."""
        supply, back = self.supply, self.back
        if supply is None or back is None or not (supply.usable and back.usable):
            self._since = math.inf
            return
        seen = self._seen(supply, back, dt)
        if seen is None or seen == self.active:
            # A pump that stands shows nothing: what was found stays.
            self._since = math.inf
        else:
            self._since = min(self._since, now)
            if now - self._since >= (GOOD_S if self.active else WITH_PUMP_S):
                self.active = seen
        if self.active:
            _exchange(supply, back)

    def _seen(self, supply: Point, back: Point, dt: float) -> bool | None:
        """Crossed or not; None: nobody can tell now."""
        added = self.added
        if not any(pump.on for pump in self.pumps):
            return None
        below = back.value - supply.value
        if below < CROSSED_KPA:
            if below >= -CROSSED_KPA:
                return None
            if added is not None and added.usable and added.value > CROSSED_KPA:
                self._learn(added.value, added.value + below, dt)
            return False
        if added is None or not added.usable:
            return None
        if abs(reading(self.makeup) - supply.value) > MAKEUP_KPA:
            return None  # makeup stands in the same water as the return, and does not find it there
        drop, usual = added.value - below, self._share.value * added.value
        if math.isnan(usual):
            fits = -TOLERANCE_KPA <= drop <= HIGHEST_DROP_KPA + TOLERANCE_KPA
        else:
            fits = abs(drop - usual) <= TOLERANCE_KPA
        return True if fits else None

    def _learn(self, added: float, drop: float, dt: float) -> None:
        """What lies beyond sound transmitters teaches nothing: one of them has begun to lie."""
        share = self._share
        if not share.known or abs(drop - share.value * added) <= TOLERANCE_KPA:
            share.learn(drop / added, dt)


def _exchange(one: Point, other: Point) -> None:
    value, time = one.value, one.time
    one.mark(other.value, Quality.UNCERTAIN, "crossed", other.time)
    other.mark(value, Quality.UNCERTAIN, "crossed", time)
