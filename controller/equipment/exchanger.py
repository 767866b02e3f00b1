"""Fouling of the plate exchanger: its UA against the clean one at the same flows.

    Z = (T2s − T2r)/(T1s − T1r)      C1 = V1·ρ·c      C2 = C1/Z
    ε = (T1s − T1r)/(T1s − T2r)      N = ln((1 − Zε)/(1 − ε))/(1 − Z), ε/(1 − ε) at Z = 1      UA = N·C1
    clean: 1/UA = a·C1^−0.8 + b·C2^−0.8, learned (both films go with flow^0.8)
    fouling = UA_clean/UA − 1: growth of the resistance at these flows, %

Z is C1/C2 whichever side is the larger: the counter-flow formula holds for both. Source: VDI Heat Atlas C1
(effectiveness and NTU, counter-flow); film exponent 0.8 of turbulent flow, Dittus-Boelter. Told from 12 %
on (own judgement: cleaning pays from 10 … 20 %), within 7 days of a growth of 25 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.equipment.balances import learning
from controller.equipment.learning import HourlyMeans, TwoTermFit, Usual, Verdict
from controller.equipment.watcher import AllServe, Watcher, lasting, readable
from controller.equipment.water import capacity_flow
from controller.points import Image, Point, Term
from controller.safety.rules import Rule

LEARNED_H = 240
FOULED_PERCENT = 12.0
JUDGED_H = 48.0
FILM = 0.8
EQUAL_FILMS = 0.5
"""Plates are built so that both films are alike: what the fit leans to while the flows hardly change."""
BEYOND = 1.1
"""The curve is trusted this far outside of the flows that were learned; further out it learns on."""
SMALLEST_K = 0.3
"""Of each temperature difference: nearer than that, sensors decide and not the plates."""
LEAST_SPREAD_K = 3.0


def conductance(
    hot_in: float, hot_out: float, cold_in: float, cold_out: float, hot_capacity_flow: float
) -> float:
    """UA of a counter-flow exchanger in the unit of `hot_capacity_flow` (kW/K); °C. NaN where there is
    none."""
    hot, cold, most = hot_in - hot_out, cold_out - cold_in, hot_in - cold_in
    if min(hot, cold) <= 0.0 or min(hot_in - cold_out, hot_out - cold_in) <= 0.0:
        return math.nan
    ratio, effect = cold / hot, hot / most
    if abs(1.0 - ratio) < 1e-6:
        return hot_capacity_flow * effect / (1.0 - effect)
    return hot_capacity_flow * math.log((1.0 - ratio * effect) / (1.0 - effect)) / (1.0 - ratio)


class ExchangerFouling(Watcher):
    """Publishes `<circuit>.exchanger_fouling` in %."""

    def __init__(self, image: Image, circuit: str) -> None:
        super().__init__()
        self.subject = circuit
        self.point = image.add(Point(f"{circuit}.exchanger_fouling", "percent", role="calculated"))
        self.points = (self.point,)
        self._temperatures = [
            image[name]
            for name in (
                "station.primary_supply_temperature",
                "station.primary_return_temperature",
                f"{circuit}.return_temperature",
                f"{circuit}.supply_temperature",
            )
        ]
        self._flow = image["station.primary_flow"]
        self._circulation = image[f"{circuit}.circulation"]
        self._all_serve = AllServe(image, circuit)
        self._hour = HourlyMeans(5)
        self.clean = TwoTermFit(LEARNED_H, EQUAL_FILMS)
        self.scatter = Usual(LEARNED_H)
        self.verdict = Verdict(FOULED_PERCENT, JUDGED_H)
        self._now = self._expected = math.nan

    @property
    def suspect(self) -> bool:
        return self.verdict.suspect

    def step(self, now: float, may_learn: bool) -> None:
        means = self._hour.take(now, self._sample())
        if means is None or not self.trusted:
            return
        hot_in, hot_out, cold_in, cold_out, flow = means
        hot = capacity_flow(flow, hot_out, 0.5 * (hot_in + hot_out))
        found = conductance(hot_in, hot_out, cold_in, cold_out, hot)
        if not math.isfinite(found):
            return
        cold = hot * (hot_in - hot_out) / (cold_out - cold_in)
        self._judge(now, found, hot, cold, may_learn)

    def _judge(self, now: float, found: float, hot: float, cold: float, may_learn: bool) -> None:
        films = (hot**-FILM, cold**-FILM)
        clean = self.clean
        self._now, self._expected = found, clean.result(*films)
        known = clean.low / BEYOND <= hot <= clean.high * BEYOND
        if not (clean.ready and known):
            if may_learn:
                self.scatter.learn(100.0 * (self._expected / found - 1.0) if known else math.nan)
                clean.learn(hot, found, *films)
            return
        self.verdict.take(100.0 * (self._expected / found - 1.0), self.scatter.deviation)
        self.point.put(self.verdict.mean, now)

    def _sample(self) -> tuple[float, ...] | None:
        temperatures, flow = self._temperatures, self._flow
        if not self._all_serve():
            return None
        if not readable(*temperatures, flow, self._circulation) or self._circulation.value != 1:
            return None
        hot_in, hot_out, cold_in, cold_out = (point.value for point in temperatures)
        if flow.value <= 0.0 or cold_out - cold_in < LEAST_SPREAD_K:
            return None
        if min(hot_in - cold_out, hot_out - cold_in) < SMALLEST_K:
            return None
        return hot_in, hot_out, cold_in, cold_out, flow.value

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "exchanger_fouled",
            self.subject,
            lambda: self.verdict.found and self.verdict.mean > 0.0,
            priority="warning",
            shows=lambda: (
                ("fouling", self.verdict.mean, "percent"),
                ("conductance", self._now, "conductance"),
                ("clean", self._expected, "conductance"),
                *lasting(self.verdict.lasts_s),
            ),
        )

    def explain(self) -> Term:
        values = (
            ("conductance", self._now, "conductance"),
            ("clean", self._expected, "conductance"),
            ("fouling", self.verdict.mean, "percent"),
        )
        return Term("exchanger_compared", values, learning(self.scatter.count, LEARNED_H))

    def state(self) -> dict[str, Any]:
        return {
            "clean": self.clean.state(),
            "scatter": self.scatter.state(),
            "verdict": self.verdict.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.clean.restore(state.get("clean"))
        self.scatter.restore(state.get("scatter"))
        self.verdict.restore(state.get("verdict"))
