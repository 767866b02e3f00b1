"""Plausibility from physics: a value that the plant cannot have is doubted, though its sensor looks sound.

    supply_above_primary   secondary supply above primary supply while primary water flows: no exchanger and
                           no mixing valve heats water above what heats it (second law)
    return_above_supply    return above supply while water circulates and the primary is warmer: radiators do
                           not heat
    flow_without_pump      a flow of makeup or circulation while every drive of its pumps says that it stands
                           and none is in the cabinet's hands, which may run a pump past its drive
    pressure_without_pump  a differential pressure over pumps that all stand, in the same way
    pump_without_pressure  no differential pressure over a pump that runs, while supply less return pressure
                           shows one: the transmitter over the pumps lies
    pressures_crossed      supply pressure below return pressure while a pump runs: two transmitters on each
                           other's wires (`crossed_pressures` then knows), or one that lies

A doubted value is uncertain: it still limits, but it stops heat only with a second witness. The sensor of
the pair that lies is not known; the less certain consequence is taken. Good again after `GOOD_S` without
contradiction. Margins are own judgement: several times what sound sensors of such a station differ by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from controller.points import Image, Point, Quality
from controller.safety.rules import Rule

SUPPLY_ABOVE_PRIMARY = "supply_above_primary"
CODES = (
    SUPPLY_ABOVE_PRIMARY,
    "return_above_supply",
    "flow_without_pump",
    "pressure_without_pump",
    "pump_without_pressure",
    "pressures_crossed",
)
ABOVE_PRIMARY_K, ABOVE_PRIMARY_S = 3.0, 5.0
"""Sooner than over-temperature acts (10 s)."""
LEAST_FLOW = 1.0
"""m³/h of primary water: in a standing pipe the primary sensor cools, and says nothing of what is heated."""
ABOVE_SUPPLY_K, ABOVE_SUPPLY_S = 2.0, 600.0
WITHOUT_PUMP_S = 120.0
MAKEUP_FLOW, CIRCULATION_SHARE = 1.0, 5.0
"""m³/h that stay with standing pumps: a leaky check valve, and water that circulates by its warmth."""
HEAD_LEFT_KPA = 20.0
TANK_KPA = 100.0
"""Below this the makeup tank may run into the loop by its own height."""
CROSSED = "crossed"
"""Reason of two pressures that are read the other way round (`crossed_pressures`)."""
CROSSED_KPA, WITH_PUMP_S = 15.0, 30.0
"""Longer than a pump takes to run up."""
GOOD_S = 60.0


class Doubt:
    """One contradiction about one point. `broken`: NaN-safe test of this scan, True where it is seen."""

    __slots__ = ("_broken_since", "_good_since", "active", "after_s", "broken", "code", "point")

    def __init__(self, code: str, point: Point, after_s: float, broken: Callable[[], bool]) -> None:
        self.code, self.point, self.after_s, self.broken = code, point, after_s, broken
        self.active = False
        self._broken_since = self._good_since = math.inf

    def step(self, now: float) -> None:
        """Judge this scan and mark the point, unless something else is known to be wrong with it."""
        if not self.broken():
            self._broken_since = math.inf
            if not self.active:
                return
            self._good_since = min(self._good_since, now)
            if now - self._good_since >= GOOD_S:
                self.active = False
                return
        else:
            self._good_since = math.inf
            self._broken_since = min(self._broken_since, now)
            if now - self._broken_since >= self.after_s:
                self.active = True
        point = self.point
        if self.active and point.quality is Quality.GOOD:
            point.mark(point.value, Quality.UNCERTAIN, self.code, point.time)

    def rule(self) -> Rule:
        """The row that tells it."""
        return Rule(self.code, self.point.name, lambda: self.active, priority="high")


class Plausibility:
    """All contradictions that the points of one circuit can show. Steps after the input stage."""

    def __init__(self, image: Image, circuit: str, pumps: int, makeups: int) -> None:
        """`pumps`, `makeups`: how many there are of each."""
        find = image.points.get
        self._supply, self._back = (
            find(f"{circuit}.supply_temperature"),
            find(f"{circuit}.return_temperature"),
        )
        self._primary, self._flow = find("station.primary_supply_temperature"), find("station.primary_flow")
        self._pressure = find(f"{circuit}.return_pressure")
        self._pumps = running_points(image, f"{circuit}.pump", pumps)
        self._makeups = running_points(image, f"{circuit}.makeup", makeups)
        bypasses = [find(f"{circuit}.pump_{number}_bypass") for number in range(1, pumps + 1)]
        self._bypasses = [point for point in bypasses if point is not None]
        self._locals = {
            kind: [
                point
                for number in range(1, count + 1)
                if (point := find(f"{circuit}.{kind}_{number}_local")) is not None
            ]
            for kind, count in (("pump", pumps), ("makeup", makeups))
        }
        self.doubts = [*self._temperatures(), *self._flows(image, circuit)]

    def step(self, now: float, dt: float) -> None:
        """Doubt what contradicts physics. `dt` is not used: the time of the scan says all."""
        for doubt in self.doubts:
            doubt.step(now)

    def rules(self) -> Iterator[Rule]:
        """A row for each."""
        for doubt in self.doubts:
            yield doubt.rule()

    def _temperatures(self) -> Iterator[Doubt]:
        supply, back, primary, flow = self._supply, self._back, self._primary, self._flow
        if supply is None or primary is None:
            return

        def above_primary() -> bool:
            return (
                supply.value > primary.value + ABOVE_PRIMARY_K
                and supply.usable
                and primary.usable
                and flow is not None
                and flow.usable
                and flow.value >= LEAST_FLOW
            )

        if flow is not None:
            yield Doubt(SUPPLY_ABOVE_PRIMARY, supply, ABOVE_PRIMARY_S, above_primary)
        if back is None or not self._pumps:
            return

        def above_supply() -> bool:
            """The primary is warmer than both, so that it cannot have cooled the supply."""
            return (
                back.value > supply.value + ABOVE_SUPPLY_K
                and back.usable
                and supply.usable
                and primary.usable
                and primary.value > back.value
                and any(pump.on for pump in self._pumps)
            )

        yield Doubt("return_above_supply", back, ABOVE_SUPPLY_S, above_supply)

    def _flows(self, image: Image, circuit: str) -> Iterator[Doubt]:
        pumps, makeups = self._pumps, self._makeups
        for role, least, group in (
            ("circulation_flow", CIRCULATION_SHARE, pumps),
            ("secondary_flow", CIRCULATION_SHARE, pumps),
            ("makeup_flow", MAKEUP_FLOW, makeups),
        ):
            point = image.points.get(f"{circuit}.{role}")
            if point is not None and group:
                yield self._without("flow_without_pump", point, least, group)
        added = image.points.get(f"{circuit}.differential_pressure")
        if added is not None and pumps:
            yield self._without("pressure_without_pump", added, HEAD_LEFT_KPA, pumps)
        yield from self._pressures(image, circuit, added)

    def _pressures(self, image: Image, circuit: str, added: Point | None) -> Iterator[Doubt]:
        """What must stand between the two transmitters while a pump turns."""
        supply = image.points.get(f"{circuit}.supply_pressure")
        back = image.points.get(f"{circuit}.return_pressure")
        if supply is None or back is None or not self._pumps:
            return

        def risen() -> float:
            """kPa from return to supply while a pump runs; NaN: nothing to judge by."""
            known = supply.usable and back.usable and back.reason == "" and any(p.on for p in self._pumps)
            return supply.value - back.value if known else math.nan

        yield Doubt(
            "pressures_crossed",
            back,
            WITH_PUMP_S,
            lambda: risen() < -CROSSED_KPA or back.reason == CROSSED,
        )
        if added is not None:
            yield Doubt(
                "pump_without_pressure",
                added,
                WITH_PUMP_S,
                lambda: added.usable and added.value < HEAD_LEFT_KPA and risen() > 2 * HEAD_LEFT_KPA,
            )

    def _without(self, code: str, point: Point, least: float, group: Sequence[Point]) -> Doubt:
        bypasses = self._bypasses if group is self._pumps else []
        in_local = self._locals["pump" if group is self._pumps else "makeup"]
        pressure = self._pressure if group is self._makeups else None

        def moves() -> bool:
            return (
                point.value >= least
                and point.usable
                and all(pump.usable and pump.value < 0.5 for pump in group)
                and (pressure is None or (pressure.usable and pressure.value >= TANK_KPA))
                and not any(bypass.on or not bypass.usable for bypass in bypasses)
                and not any(local.on for local in in_local)
            )

        return Doubt(code, point, WITHOUT_PUMP_S, moves)


def running_points(image: Image, prefix: str, count: int) -> list[Point]:
    """What says of each pump that it runs; empty where one cannot say it."""
    found = [image.points.get(f"{prefix}_{number}_running") for number in range(1, count + 1)]
    known = [point for point in found if point is not None]
    return known if len(known) == count else []
