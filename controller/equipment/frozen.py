"""Values that stand still: a sensor that hangs, a meter whose value is not renewed.

A sensor's noise moves its last digit every few minutes; the very same number for 6 h is not a temperature,
for 12 h not a pressure. One that is known for a day to be lively (`stillness`) is told from half an hour on,
while a circulation pump runs all the time and all of its lively neighbours (same circuit, same quantity) are
as lively as ever: standing water and a network out of service are quiet without being broken.
A meter is caught sooner, because the valve tells when its value should move: the
same value for 30 min while the valve has moved by 3 % or the primary supply temperature by 1.5 K; or no flow
at all for 30 min, while the valve is open, the primary is hot and the secondary gets warmer in the exchanger.
What may stand by nature (a room read in coarse steps, water trapped behind a check valve, a tank from which
nothing is drawn) is told only where a week has shown that it does not: after 12 h and six times its longest
stand, while a circulation pump runs. Thresholds are own judgement. A meter's counter: see `counter`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from controller.equipment.stillness import Stillness
from controller.equipment.watcher import Watcher, lasting
from controller.points import Image, Output, Point, Term
from controller.safety.rules import Rule

FROZEN_S = {"temperature": 6 * 3600.0, "pressure": 12 * 3600.0}
"""A transmitter on a coarse converter is quieter than a Pt100."""
QUIET_S = 12 * 3600.0
SUSPECT_S = 7200.0
GOOD_S = 600.0
"""So long must it move again before all is well."""
STUCK_S = 1800.0
STUCK_SUSPECT_S = 600.0
MOVED_PERCENT = 3.0
WARMED_K = 1.5
OPEN_PERCENT = 15.0
HOT_K = 10.0
HEATED_K = 3.0


class FrozenSensors(Watcher):
    """All temperatures and pressures whose last digit should move; one row each. `pumps`: running contacts of
    the circulation pumps; without any nothing is told early. `quiet`: sensors that may stand by nature."""

    def __init__(
        self, points: Sequence[Point], pumps: Sequence[Point] = (), quiet: Sequence[Point] = ()
    ) -> None:
        super().__init__()
        self._watched = [*points, *quiet]
        self._lively = len(points)
        """From this place on they are quiet."""
        self._limits = [FROZEN_S[point.quantity] for point in points]
        # No other watcher looks at the outdoor temperature or at quiet sensors, and a calm night may hold
        # them still.
        self._inside = [i for i, point in enumerate(points) if "outdoor" not in point.name]
        self._values = [math.nan] * len(self._watched)
        self._since = [0.0] * len(self._watched)
        self._lasts = [0.0] * len(self._watched)
        self._usual = [Stillness() for _ in self._watched]
        self._found = [False] * len(self._watched)
        self._neighbours = [self._beside(index) for index in range(len(self._watched))]
        self._pumps = list(pumps)
        self._running: tuple[bool, ...] = ()
        self._calm_since = 0.0
        """Since when the same pumps run."""

    def _beside(self, index: int) -> list[int]:
        own = self._watched[index]
        place = own.name.partition(".")[0]
        return [
            other
            for other, point in enumerate(self._watched[: self._lively])
            if other != index and point.quantity == own.quantity and point.name.partition(".")[0] == place
        ]

    @property
    def suspect(self) -> bool:
        lasts, found = self._lasts, self._found
        return any(lasts[index] >= SUSPECT_S or found[index] for index in self._inside)

    @property
    def frozen(self) -> set[str]:
        """Points that hang."""
        return {point.name for point, found in zip(self._watched, self._found, strict=True) if found}

    def step(self, now: float, may_learn: bool) -> None:
        values, since, lasts = self._values, self._since, self._lasts
        running = tuple([pump.on for pump in self._pumps])
        if running != self._running:
            self._running, self._calm_since = running, now
        calm = any(running)
        for index, point in enumerate(self._watched):
            value = point.value
            if value == values[index] and not point.reason:
                lasts[index] = now - since[index]
                self._usual[index].stands()
                continue
            if calm and not point.reason and since[index] >= self._calm_since:
                self._usual[index].moved(value - values[index], now - since[index])
            values[index], since[index], lasts[index] = value, now, 0.0
            self._found[index] = False
        for index, limit in enumerate(self._limits):
            if lasts[index] >= limit or (calm and self._is_early(index, now)):
                self._found[index] = True
        if calm:
            for index in range(self._lively, len(self._watched)):
                stands = min(lasts[index], now - self._calm_since)
                if stands >= max(QUIET_S, self._usual[index].unusual_s):
                    self._found[index] = True

    def _is_early(self, index: int, now: float) -> bool:
        """Far longer than it ever stood, and its neighbours do not."""
        if min(self._lasts[index], now - self._calm_since) < self._usual[index].early_s:
            return False
        lively = [other for other in self._neighbours[index] if self._usual[other].early_s < math.inf]
        return bool(lively) and all(self._usual[other].is_as_ever for other in lively)

    def rules(self) -> Iterator[Rule]:
        for index, point in enumerate(self._watched):
            yield Rule(
                "sensor_frozen",
                point.name,
                lambda index=index: self._found[index],  # type: ignore[misc]
                clear_s=GOOD_S,
                priority="warning",
                shows=lambda index=index: lasting(self._lasts[index]),  # type: ignore[misc]
            )

    def explain(self) -> Term:
        return Term("sensors_move", (("lasts", max(self._lasts, default=0.0), "time"),))

    def state(self) -> dict[str, Any]:
        names = [point.name for point in self._watched]
        return {name: usual.state() for name, usual in zip(names, self._usual, strict=True)}

    def restore(self, state: dict[str, Any]) -> None:
        for point, usual in zip(self._watched, self._usual, strict=True):
            usual.restore(state.get(point.name))


class _Draws:
    """What a circuit takes from the primary: how far its valve, or its primary pump, has moved since `begin`,
    and whether heat flows there."""

    __slots__ = ("_back", "_high", "_low", "_position", "_supply")

    def __init__(self, image: Image, circuit: str, valve: Output) -> None:
        find = image.points.get
        self._position: Point = find(f"{circuit}.valve_position") or valve
        self._supply = find(f"{circuit}.supply_temperature")
        self._back = find(f"{circuit}.return_temperature")
        self.begin()

    def begin(self) -> None:
        """Anew."""
        self._low, self._high = math.inf, -math.inf

    def look(self) -> None:
        position = self._position
        if position.usable:
            self._low, self._high = min(self._low, position.value), max(self._high, position.value)

    @property
    def moved(self) -> bool:
        return self._high - self._low >= MOVED_PERCENT

    def heats(self, hot: Point) -> bool:
        """By three signs."""
        supply, back, position = self._supply, self._back, self._position
        if supply is None or back is None or not (supply.usable and back.usable):
            return False
        if not (hot.usable and position.usable):
            return False
        return (
            position.value >= OPEN_PERCENT
            and hot.value - supply.value >= HOT_K
            and supply.value - back.value >= HEATED_K
        )


class MeterStuck(Watcher):
    """The value of a heat meter (flow or power) that stays while it must not. `valves`: of all circuits whose
    heat it measures, with the circuit's name."""

    def __init__(self, image: Image, name: str, valves: Mapping[str, Output]) -> None:
        super().__init__()
        self._value = image[name]
        self._draws = [_Draws(image, circuit, valve) for circuit, valve in valves.items()]
        self._hot = image["station.primary_supply_temperature"]
        self._same = math.nan
        self._since = self._zero_since = math.inf
        self._cold, self._warm = math.inf, -math.inf
        """Lowest and highest primary supply since then, °C."""
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
            self._cold, self._warm = math.inf, -math.inf
            for draws in self._draws:
                draws.begin()
        self._look()
        self._zero_since = min(self._zero_since, now) if self._heats() else math.inf
        # A closed valve: no flow is what there should be.
        stands = now - self._since if value.value > 0.0 else 0.0
        self._lasts = max(stands, now - self._zero_since, 0.0)
        self.found = (stands >= STUCK_S and self._moved()) or now - self._zero_since >= STUCK_S

    def _look(self) -> None:
        for draws in self._draws:
            draws.look()
        if self._hot.usable:
            self._cold, self._warm = min(self._cold, self._hot.value), max(self._warm, self._hot.value)

    def _moved(self) -> bool:
        return self._warm - self._cold >= WARMED_K or any(draws.moved for draws in self._draws)

    def _heats(self) -> bool:
        """The meter shows nothing, and heat flows."""
        return self._value.value <= 0.0 and any(draws.heats(self._hot) for draws in self._draws)

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
