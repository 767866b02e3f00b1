"""Sensors that drift: each heat and each temperature is measured more than once in a station.

    primary    T1 − T2 by the sensors against P/(V·ρ·c) of the meter, in K
    secondary  Ts − Tr against P/(k·√Δp), Δp the drop over the exchanger's secondary side (flow ~ √Δp)
    pair       one sensor of a pair against the other, in K

What is usual here (a sensor in a bad pocket, k) is learned over the first days; a change is a drift. Sources:
EN 1434-1 (heat by flow sensor); energy balance of a heat exchanger; turbulent drop ~ V². Thresholds: 1 K of a
spread of some 10 K, own judgement; told within 3 days of a drift of 2 K.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.equipment.learning import HourlyMeans, Usual, Verdict
from controller.equipment.watcher import AllServe, Watcher, lasting, readable
from controller.equipment.water import capacity_flow
from controller.points import Image, Point, Term
from controller.safety.rules import Rule

LEARNED_H = 168
DRIFT_K = 1.0
JUDGED_H = 12.0
SUSPECT_K = 0.15
"""Far below what is told: the exchanger's judge must not take a small drift for dirt."""
SMALLEST_SPREAD_K = 3.0
SMALLEST_DROP_KPA = 3.0
CROSSING_K = 0.5
CROSSED_S = 1800.0


class _Drift(Watcher):
    """A difference in K that should stay as it was learned."""

    def __init__(self, image: Image, name: str, subject: str) -> None:
        super().__init__()
        self.point = image.add(Point(name, "temperature_difference", role="calculated"))
        self.points = (self.point,)
        self.subject = subject
        self.usual = Usual(LEARNED_H)
        self.verdict = Verdict(DRIFT_K, JUDGED_H, SUSPECT_K)
        self._measured = self._expected = math.nan

    @property
    def suspect(self) -> bool:
        return self.verdict.suspect

    def judge(self, now: float, deviation: float, spread: float) -> None:
        """Take the hour's deviation in K; `spread`: usual deviation in K."""
        self.verdict.take(deviation, spread)
        self.point.put(self.verdict.mean, now)

    def shows(self) -> tuple[tuple[str, float | str, str], ...]:
        """Values for the alarm's text."""
        deviation = ("deviation", self.verdict.mean, "temperature_difference")
        return (deviation, *lasting(self.verdict.lasts_s))

    def explain(self) -> Term:
        values = (
            ("measured", self._measured, "temperature_difference"),
            ("expected", self._expected, "temperature_difference"),
            ("deviation", self.verdict.mean, "temperature_difference"),
        )
        return Term("sensors_compared", values, learning(self.usual.count, LEARNED_H))

    def state(self) -> dict[str, Any]:
        return {"usual": self.usual.state(), "verdict": self.verdict.state()}

    def restore(self, state: dict[str, Any]) -> None:
        self.usual.restore(state.get("usual"))
        self.verdict.restore(state.get("verdict"))


class PrimaryBalance(_Drift):
    """Primary temperatures against the heat meter: both sensors together, in K of their difference."""

    def __init__(self, image: Image) -> None:
        super().__init__(image, "station.primary_balance", "station.primary_return_temperature")
        self._supply = image["station.primary_supply_temperature"]
        self._back = image["station.primary_return_temperature"]
        self._flow, self._power = image["station.primary_flow"], image["station.heat_power"]
        self._hour = HourlyMeans(3)

    def step(self, now: float, may_learn: bool) -> None:
        means = self._hour.take(now, self._sample())
        if means is None or not self.trusted:
            return
        weight, moment, power = means
        self._measured, by_meter = moment / weight, power / weight
        away = self._measured - by_meter
        if not self.usual.ready:
            self._expected = by_meter
            if may_learn:
                self.usual.learn(away)
            return
        self._expected = by_meter + self.usual.mean
        self.judge(now, away - self.usual.mean, self.usual.deviation)

    def _sample(self) -> tuple[float, float, float] | None:
        supply, back, flow, power = self._supply, self._back, self._flow, self._power
        if not readable(supply, back, flow, power) or flow.value <= 0.0 or power.value <= 0.0:
            return None
        spread = supply.value - back.value
        weight = capacity_flow(flow.value, back.value, 0.5 * (supply.value + back.value))
        return (weight, weight * spread, power.value) if spread > SMALLEST_SPREAD_K else None

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "primary_sensors_drift",
            self.subject,
            lambda: self.verdict.found,
            priority="warning",
            shows=self.shows,
        )


class SecondaryBalance(_Drift):
    """Secondary temperatures against the meter and the drop over the exchanger."""

    def __init__(self, image: Image, circuit: str) -> None:
        super().__init__(image, f"{circuit}.secondary_balance", f"{circuit}.return_temperature")
        self._supply = image[f"{circuit}.supply_temperature"]
        self._back = image[f"{circuit}.return_temperature"]
        self._power = image["station.heat_power"]
        self._before, self._added, self._after = (
            image[f"{circuit}.{role}"]
            for role in ("return_pressure", "differential_pressure", "supply_pressure")
        )
        self._all_serve = AllServe(image, circuit)
        self._hour = HourlyMeans(3)

    def step(self, now: float, may_learn: bool) -> None:
        means = self._hour.take(now, self._sample())
        if means is None or not self.trusted:
            return
        root, moment, power = means
        self._measured = moment / root
        factor = power / moment  # k: kW/K a root of kPa
        if not self.usual.ready:
            self._expected = self._measured
            if may_learn:
                self.usual.learn(factor)
            return
        self._expected = power / (self.usual.mean * root)
        spread = self.usual.deviation / self.usual.mean * self._expected
        self.judge(now, self._measured - self._expected, spread)

    def _sample(self) -> tuple[float, float, float] | None:
        supply, back, power = self._supply, self._back, self._power
        pressures = (self._before, self._added, self._after)
        if not (readable(supply, back, power, *pressures) and self._all_serve()):
            return None
        spread = supply.value - back.value
        drop = self._before.value + self._added.value - self._after.value
        if spread < SMALLEST_SPREAD_K or drop < SMALLEST_DROP_KPA or power.value <= 0.0:
            return None
        root = math.sqrt(drop)
        return root, root * spread, power.value

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "secondary_sensors_drift",
            self.subject,
            lambda: self.verdict.found,
            priority="warning",
            shows=self.shows,
        )


class PairDrift(_Drift):
    """Two sensors of one temperature that drift apart, long before they contradict each other."""

    def __init__(self, image: Image, name: str) -> None:
        super().__init__(image, f"{name}_drift", name)
        self._first, self._second = image[f"{name}_1"], image[f"{name}_2"]
        self._hour = HourlyMeans(2)

    def step(self, now: float, may_learn: bool) -> None:
        first, second = self._first, self._second
        sample = (first.value, second.value) if readable(first, second) else None
        means = self._hour.take(now, sample)
        if means is None:
            return
        self._measured, self._expected = means
        away = self._measured - self._expected
        if not self.usual.ready:
            if may_learn:
                self.usual.learn(away)
            return
        self._expected += self.usual.mean
        self.judge(now, away - self.usual.mean, self.usual.deviation)

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "pair_drifts", self.subject, lambda: self.verdict.found, priority="warning", shows=self.shows
        )


class Crossing(Watcher):
    """An order that no exchanger can leave: primary supply ≥ secondary supply, primary return ≥ secondary
    return.

    0.5 K the wrong way for half an hour, with primary flow: one of the sensors is wrong (or they are
    swapped).
    """

    def __init__(self, image: Image, circuit: str) -> None:
        super().__init__()
        self.subject = f"{circuit}.return_temperature"
        self._orders = [
            (image[f"station.primary_{side}_temperature"], image[f"{circuit}.{side}_temperature"])
            for side in ("supply", "return")
        ]
        """Warmer and cooler."""
        self._flow = image["station.primary_flow"]
        self._circulation: Point | None = image[f"{circuit}.circulation"]
        self._since: float | None = None
        self._away = 0.0
        self._lasts = 0.0

    @property
    def suspect(self) -> bool:
        return self._since is not None

    def step(self, now: float, may_learn: bool) -> None:
        self._away = min(h.value - c.value for h, c in self._orders) if self._flows() else 0.0
        if self._away > -CROSSING_K:
            self._since = None
        elif self._since is None:
            self._since = now
        self._lasts = now - self._since if self._since is not None else 0.0

    def _flows(self) -> bool:
        circulation = self._circulation
        if circulation is not None and not (circulation.usable and circulation.value == 1):
            return False
        return (
            self._flow.usable and self._flow.value > 0.0 and all(readable(*order) for order in self._orders)
        )

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "temperatures_cross",
            self.subject,
            lambda: self._lasts >= CROSSED_S,
            priority="warning",
            shows=lambda: (
                ("deviation", -self._away, "temperature_difference"),
                *lasting(self._lasts),
            ),
        )

    def explain(self) -> Term:
        return Term("temperatures_in_order", (("deviation", self._away, "temperature_difference"),))

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """It remembers nothing."""


class PrimaryCrossing(Crossing):
    """Primary supply ≥ primary return: nothing in a station heats the network's water."""

    def __init__(self, image: Image, circuit: str) -> None:
        super().__init__(image, circuit)
        supply, back = (image[f"station.primary_{side}_temperature"] for side in ("supply", "return"))
        self.subject = back.name
        self._orders = [(supply, back)]


def learning(count: float, hours: int) -> tuple[Term, ...]:
    """A part of an explanation: still learning what is usual."""
    if count >= hours:
        return ()
    return (Term("still_learning", (("done", float(count), "count"), ("hours", float(hours), "count"))),)
