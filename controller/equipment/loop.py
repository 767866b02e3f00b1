"""The secondary loop: how much water the same pump head drives, and what head a pump makes.

    loop  K = √(Δp_e/Δp), Δp_e = p_return + Δp − p_supply: drop over the exchanger, ~ V²; Δp: head of the
    pumps pump  Δp + β·Δp_e = A·f² (affinity; quadratic curve), wear = 1 − (Δp + β·Δp_e)/(A·f²)

β is such that the curve has lost a quarter of its shut-off head at the usual flow (own judgement: pumps work
near their best point, where ratios of 1.3 … 1.4 of shut-off head to head are common). A worn impeller needs
more speed at the same flow, and less current than f^1.7 then makes; an idle pump whose check valve leaks
sends water back, and the running pump carries it: more speed, and more current than that (torque over f²
grows with the flow share; 1.7 instead of 2 for the magnetising part). Source: Gülich, Centrifugal Pumps
(affinity, part load). Thresholds: 4 % of flow within 3 days, 6 % of head within 7 days of a wear of 10 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from controller.equipment.balances import learning
from controller.equipment.learning import HourlyMeans, Usual, Verdict
from controller.equipment.watcher import AllServe, Watcher, lasting, readable
from controller.points import Image, Point, Term
from controller.safety.rules import Rule

LEARNED_H = 168
JUDGED_H = 24.0
FLOW_PERCENT = 4.0
WORN_PERCENT = 6.0
BACKFLOW_PERCENT = 10.0
"""Water through an idle pump costs more than that at once; wear gets there over years."""
STEEPNESS = 1.0 / 3.0
"""Head lost to the curve over the head made, at the usual flow."""
CURRENT_EXPONENT = 1.7
LEAST_HEAD_KPA = 15.0
LEAST_DROP_KPA = 3.0
LEAST_HZ = 10.0


class _Pressures:
    """Head of the pumps and drop over the exchanger, kPa."""

    def __init__(self, image: Image, circuit: str) -> None:
        self.before, self.head, self.after = (
            image[f"{circuit}.{role}"]
            for role in ("return_pressure", "differential_pressure", "supply_pressure")
        )
        self._all_serve = AllServe(image, circuit)

    def read(self) -> tuple[float, float] | None:
        """(head, drop), None when they cannot be told."""
        if not (readable(self.before, self.head, self.after) and self._all_serve()):
            return None
        head = self.head.value
        drop = self.before.value + head - self.after.value
        return (head, drop) if head >= LEAST_HEAD_KPA and drop >= LEAST_DROP_KPA else None


class LoopFlow(Watcher):
    """Publishes `<circuit>.loop_flow_deviation` in %: flow at the pumps' head against the usual."""

    def __init__(self, image: Image, circuit: str) -> None:
        super().__init__()
        self.subject = circuit
        self.point = image.add(Point(f"{circuit}.loop_flow_deviation", "percent", role="calculated"))
        self.points = (self.point,)
        self._pressures = _Pressures(image, circuit)
        self._hour = HourlyMeans(2)
        self.usual = Usual(LEARNED_H)
        self.verdict = Verdict(FLOW_PERCENT, JUDGED_H)

    @property
    def suspect(self) -> bool:
        return self.verdict.suspect

    def step(self, now: float, may_learn: bool) -> None:
        means = self._hour.take(now, self._pressures.read())
        if means is None or not self.trusted:
            return
        ratio = math.sqrt(means[1] / means[0])
        if not self.usual.ready:
            if may_learn:
                self.usual.learn(ratio)
            return
        scale = 100.0 / self.usual.mean
        self.verdict.take(scale * ratio - 100.0, scale * self.usual.deviation)
        self.point.put(self.verdict.mean, now)

    def rules(self) -> Iterator[Rule]:
        verdict = self.verdict
        yield Rule(
            "loop_throttled",
            self.subject,
            lambda: verdict.found and verdict.mean < 0.0,
            priority="warning",
            shows=lambda: (("deviation", -verdict.mean, "percent"), *lasting(verdict.lasts_s)),
        )
        yield Rule(
            "loop_short_circuit",
            self.subject,
            lambda: verdict.found and verdict.mean > 0.0,
            priority="warning",
            shows=lambda: (("deviation", verdict.mean, "percent"), *lasting(verdict.lasts_s)),
        )

    def explain(self) -> Term:
        values = (("deviation", self.verdict.mean, "percent"),)
        return Term("loop_flow_compared", values, learning(self.usual.count, LEARNED_H))

    def state(self) -> dict[str, Any]:
        return {"usual": self.usual.state(), "verdict": self.verdict.state()}

    def restore(self, state: dict[str, Any]) -> None:
        self.usual.restore(state.get("usual"))
        self.verdict.restore(state.get("verdict"))


class PumpHead(Watcher):
    """Publishes `<pump>_wear` in %: head that a circulation pump lacks at its speed, while it runs alone."""

    def __init__(self, image: Image, circuit: str, number: int, pumps: int) -> None:
        super().__init__()
        self.circuit, self.pump = circuit, f"{circuit}.pump_{number}"
        self.alone = pumps == 1
        self.point = image.add(Point(f"{self.pump}_wear", "percent", role="calculated"))
        self.points = (self.point,)
        find = image.points.get
        self._speed = image[f"{self.pump}_frequency"]
        self._current = find(f"{self.pump}_current")
        self._others: Sequence[Point] = [
            point
            for other in range(1, pumps + 1)
            if other != number and (point := find(f"{circuit}.pump_{other}_frequency")) is not None
        ]
        self._pressures = _Pressures(image, circuit)
        self._hour = HourlyMeans(4)
        self.head, self.drop, self.current = (Usual(LEARNED_H) for _ in range(3))
        self.verdict = Verdict(WORN_PERCENT, JUDGED_H)
        self._current_ratio = 1.0

    @property
    def suspect(self) -> bool:
        return self.verdict.suspect

    def step(self, now: float, may_learn: bool) -> None:
        means = self._hour.take(now, self._sample())
        if means is None or not self.trusted:
            return
        head, drop, speed, current = means
        square = speed * speed
        if not self.head.ready:
            if may_learn:
                self.head.learn(head / square)
                self.drop.learn(drop / square)
                self.current.learn(current / speed**CURRENT_EXPONENT)
            return
        beta = STEEPNESS * self.head.mean / self.drop.mean
        whole = self.head.mean * (1.0 + STEEPNESS)
        if self.current.mean > 0.0:
            self._current_ratio = current / speed**CURRENT_EXPONENT / self.current.mean
        worn = 100.0 * (1.0 - (head + beta * drop) / (whole * square))
        self.verdict.take(worn, 100.0 * self.head.deviation / whole)
        self.point.put(self.verdict.mean, now)

    def _sample(self) -> tuple[float, float, float, float] | None:
        speed, current = self._speed, self._current
        pressures = self._pressures.read()
        if pressures is None or not speed.usable or speed.value < LEAST_HZ:
            return None
        for other in self._others:
            if not other.usable or other.value >= 1.0:
                return None
        amps = current.value if current is not None and current.usable else 0.0
        return (*pressures, speed.value, amps)

    @property
    def _backflow(self) -> bool:
        sudden = self.verdict.last >= BACKFLOW_PERCENT and self._current_ratio >= 1.0
        return sudden and not self.alone

    def rules(self) -> Iterator[Rule]:
        verdict = self.verdict

        def shows() -> tuple[tuple[str, float | str, str], ...]:
            return (("wear", verdict.mean, "percent"), *lasting(verdict.lasts_s))

        yield Rule(
            "pump_worn",
            self.pump,
            lambda: verdict.found and verdict.mean > 0.0 and not self._backflow,
            priority="warning",
            shows=shows,
        )
        yield Rule(
            "check_valve_leaks",
            self.pump,
            lambda: verdict.found and self._backflow,
            priority="warning",
            shows=shows,
        )

    def explain(self) -> Term:
        values = (
            ("wear", self.verdict.mean, "percent"),
            ("current", 100.0 * (self._current_ratio - 1.0), "percent"),
        )
        return Term("pump_head_compared", values, learning(self.head.count, LEARNED_H))

    def state(self) -> dict[str, Any]:
        parts = (("head", self.head), ("drop", self.drop), ("current", self.current))
        return {name: part.state() for name, part in parts} | {"verdict": self.verdict.state()}

    def restore(self, state: dict[str, Any]) -> None:
        for name, part in (
            ("head", self.head),
            ("drop", self.drop),
            ("current", self.current),
            ("verdict", self.verdict),
        ):
            part.restore(state.get(name))
