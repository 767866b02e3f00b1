"""Values that stand still: a sensor that hangs, a meter whose value is not renewed.

A sensor's noise moves its last digit every few minutes; the very same number for 6 h is not a temperature,
for 12 h not a pressure. A meter is caught sooner, because the valve tells when its value should move: the
same value for 30 min while the valve has moved by 3 % or the primary supply temperature by 1.5 K; or no flow
at all for 30 min, while the valve is open, the primary is hot and the secondary gets warmer in the exchanger.
Thresholds are own judgement.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from controller.equipment.watcher import Watcher, lasting
from controller.points import Image, Output, Point, Term
from controller.safety.rules import Rule

FROZEN_S = {"temperature": 6 * 3600.0, "pressure": 12 * 3600.0}
"""A transmitter on a coarse converter is quieter than a Pt100."""
SUSPECT_S = 7200.0
STUCK_S = 1800.0
STUCK_SUSPECT_S = 600.0
MOVED_PERCENT = 3.0
WARMED_K = 1.5
OPEN_PERCENT = 15.0
HOT_K = 10.0
HEATED_K = 3.0


class FrozenSensors(Watcher):
    """All temperatures and pressures whose last digit should move; one row each."""

    def __init__(self, points: Sequence[Point]) -> None:
        super().__init__()
        self._watched = list(points)
        self._limits = [FROZEN_S[point.quantity] for point in self._watched]
        # No other watcher looks at the outdoor temperature, and a calm night may hold it still.
        self._inside = [i for i, point in enumerate(self._watched) if "outdoor" not in point.name]
        self._values = [math.nan] * len(self._watched)
        self._since = [0.0] * len(self._watched)
        self._lasts = [0.0] * len(self._watched)

    @property
    def suspect(self) -> bool:
        lasts = self._lasts
        return any(lasts[index] >= SUSPECT_S for index in self._inside)

    def step(self, now: float, may_learn: bool) -> None:
        values, since, lasts = self._values, self._since, self._lasts
        for index, point in enumerate(self._watched):
            value = point.value
            if value != values[index] or point.reason:
                values[index], since[index], lasts[index] = value, now, 0.0
            else:
                lasts[index] = now - since[index]

    def rules(self) -> Iterator[Rule]:
        for index, point in enumerate(self._watched):
            yield Rule(
                "sensor_frozen",
                point.name,
                lambda index=index: self._lasts[index] >= self._limits[index],  # type: ignore[misc]
                priority="warning",
                shows=lambda index=index: lasting(self._lasts[index]),  # type: ignore[misc]
            )

    def explain(self) -> Term:
        return Term("sensors_move", (("lasts", max(self._lasts, default=0.0), "time"),))

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """It remembers nothing."""


class MeterStuck(Watcher):
    """The value of a heat meter (flow or power) that stays while it must not."""

    def __init__(self, image: Image, name: str, circuit: str, valve: Output) -> None:
        super().__init__()
        self._value = image[name]
        find = image.points.get
        self._position: Point = find(f"{circuit}.valve_position") or valve
        self._hot = image["station.primary_supply_temperature"]
        self._supply, self._back = (
            image[f"{circuit}.supply_temperature"],
            find(f"{circuit}.return_temperature"),
        )
        self._same = math.nan
        self._since = self._zero_since = math.inf
        self._places = (math.inf, -math.inf, math.inf, -math.inf)
        self._lasts = 0.0
        self.found = False

    @property
    def suspect(self) -> bool:
        return self._lasts >= STUCK_SUSPECT_S

    def step(self, now: float, may_learn: bool) -> None:
        value = self._value
        if not value.usable:
            self._same, self._lasts, self.found = math.nan, 0.0, False
            self._zero_since = math.inf
            return
        if value.value != self._same:
            self._same, self._since = value.value, now
            self._places = (math.inf, -math.inf, math.inf, -math.inf)
        self._look()
        self._zero_since = min(self._zero_since, now) if self._heats() else math.inf
        # A closed valve: no flow is what there should be.
        stands = now - self._since if value.value > 0.0 else 0.0
        self._lasts = max(stands, now - self._zero_since, 0.0)
        self.found = (stands >= STUCK_S and self._moved()) or now - self._zero_since >= STUCK_S

    def _look(self) -> None:
        low, high, cold, hot = self._places
        position, supply = self._position, self._hot
        if position.usable:
            low, high = min(low, position.value), max(high, position.value)
        if supply.usable:
            cold, hot = min(cold, supply.value), max(hot, supply.value)
        self._places = (low, high, cold, hot)

    def _moved(self) -> bool:
        low, high, cold, hot = self._places
        return high - low >= MOVED_PERCENT or hot - cold >= WARMED_K

    def _heats(self) -> bool:
        """The meter shows nothing, and three signs say that heat flows."""
        supply, back, hot, position = self._supply, self._back, self._hot, self._position
        if self._value.value > 0.0 or back is None:
            return False
        if not (supply.usable and back.usable and hot.usable and position.usable):
            return False
        return (
            position.value >= OPEN_PERCENT
            and hot.value - supply.value >= HOT_K
            and supply.value - back.value >= HEATED_K
        )

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "meter_stuck",
            self._value.name,
            lambda: self.found,
            priority="high",
            shows=lambda: lasting(self._lasts),
        )

    def explain(self) -> Term:
        return Term("meter_moves", (("lasts", self._lasts, "time"),))

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """It remembers nothing."""
