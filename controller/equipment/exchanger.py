"""The plate exchanger: fouling, its UA against the clean one at the same flows, and excess flow.

    Z = (T2s − T2r)/(T1s − T1r)      C1 = V1·ρ·c      C2 = C1/Z
    ε = (T1s − T1r)/(T1s − T2r)      N = ln((1 − Zε)/(1 − ε))/(1 − Z), ε/(1 − ε) at Z = 1      UA = N·C1
    clean: 1/UA = a·C1^−0.8 + b·C2^−0.8, learned (both films go with flow^0.8)
    fouling = UA_clean/UA − 1: growth of the resistance at these flows, %

    needed: C1' with N(C1')·C1' = UA_clean(C1', C2) and C1'·(T1s − T1r') = C1·(T1s − T1r)
    excess = C1/C1' − 1: primary flow beyond what this heat takes with clean plates, %

Both dirt on the plates and hot water that comes back beside them (a bypass, a flushing line left open) take
more flow for the same heat, and the temperatures are the same for both. The valve is the second witness: a
bypass passes more at the same opening as well (`valve`), dirt does not. Without that witness both are told
as fouling. What the secondary side does to the return does not count, since the temperatures
on that side are taken as they are; more water there is the business of `loop`.

Z is C1/C2 whichever side is the larger: the counter-flow formula holds for both. Source: VDI Heat Atlas C1
(effectiveness and NTU, counter-flow); film exponent 0.8 of turbulent flow, Dittus-Boelter; excess flow as
the measure of a poor cooling: Frederiksen, Werner, District Heating and Cooling, 2013. Fouling is told from
12 % on (own judgement: cleaning pays from 10 … 20 %), excess flow from 6 % within 3
days, fouling within 7 days of a growth of 25 %.
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
EXCESS_PERCENT = 6.0
EXCESS_JUDGED_H = 24.0
WITNESS_SHARE = 0.5
"""So much of the excess must pass the valve's branch beyond its opening as well."""
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
    """Publishes `<circuit>.exchanger_fouling` and `<circuit>.excess_flow` in %."""

    def __init__(self, image: Image, circuit: str) -> None:
        super().__init__()
        self.subject = circuit
        self.point = image.add(Point(f"{circuit}.exchanger_fouling", "percent", role="calculated"))
        self.excess_point = image.add(Point(f"{circuit}.excess_flow", "percent", role="calculated"))
        self.points = (self.point, self.excess_point)
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
        self.excess_scatter = Usual(LEARNED_H)
        self.excess = Verdict(EXCESS_PERCENT, EXCESS_JUDGED_H)
        self.passing: Verdict | None = None
        """Flow at the valve's opening against the usual, where that is watched."""
        self._now = self._expected = math.nan
        self._flows = math.nan, math.nan
        self._returns = math.nan, math.nan

    @property
    def suspect(self) -> bool:
        return self.verdict.suspect or self.excess.suspect

    @property
    def bypassed(self) -> bool:
        """Primary water comes back without having been at the plates."""
        mean, passing = self.excess.mean, self.passing
        return self.excess.found and passing is not None and passing.mean >= WITNESS_SHARE * mean > 0.0

    @property
    def may_be_bypassed(self) -> bool:
        """It looks like that in the last hour: neither dirt nor a leak of the valve is told meanwhile."""
        last, passing = self.excess.last, self.passing
        if passing is None:
            return False
        return self.bypassed or (last >= EXCESS_PERCENT / 2 and passing.last >= WITNESS_SHARE * last)

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
        needed = self._needed(hot * (hot_in - hot_out), hot_in, cold_in, cold_out, cold)
        self._flows = flow, flow * needed / hot
        self._returns = hot_out, hot_in - (hot_in - hot_out) * hot / needed
        self._judge(now, found, hot, cold, needed, may_learn)

    def _judge(
        self, now: float, found: float, hot: float, cold: float, needed: float, may_learn: bool
    ) -> None:
        films = (hot**-FILM, cold**-FILM)
        clean = self.clean
        self._now, self._expected = found, clean.result(*films)
        known, excess = self._knows(hot), 100.0 * (hot / needed - 1.0)
        if not (clean.ready and (known or self._knows(needed))):
            if may_learn:
                self.scatter.learn(100.0 * (self._expected / found - 1.0) if known else math.nan)
                self.excess_scatter.learn(excess if known else math.nan)
                clean.learn(hot, found, *films)
            return
        # With hot water beside them the plates' own flow is the one that counts.
        self.excess.take(excess, self.excess_scatter.deviation)
        self.excess_point.put(self.excess.mean, now)
        if known:
            self.verdict.take(100.0 * (self._expected / found - 1.0), self.scatter.deviation)
            self.point.put(self.verdict.mean, now)

    def _knows(self, hot: float) -> bool:
        """This flow (kW/K) is one that the curve was learned with, or near it."""
        return self.clean.low / BEYOND <= hot <= self.clean.high * BEYOND

    def _needed(self, power: float, hot_in: float, cold_in: float, cold_out: float, cold: float) -> float:
        """Primary flow (kW/K) that clean plates need for `power` (kW); NaN before anything is learned."""
        low, high = power / (hot_in - cold_in), power / max(hot_in - cold_out, SMALLEST_K)
        high = max(4.0 * low, high)
        for _ in range(40):
            middle = 0.5 * (low + high)
            takes = conductance(hot_in, hot_in - power / middle, cold_in, cold_out, middle)
            has = self.clean.result(middle**-FILM, cold**-FILM)
            if math.isnan(has):
                return math.nan
            # With less flow the water would have to cool down to the secondary return: no plates do that.
            low, high = (low, middle) if has >= takes else (middle, high)
        return high

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
            lambda: self.verdict.found and self.verdict.mean > 0.0 and not self.may_be_bypassed,
            priority="warning",
            shows=lambda: (
                ("fouling", self.verdict.mean, "percent"),
                ("conductance", self._now, "conductance"),
                ("clean", self._expected, "conductance"),
                *lasting(self.verdict.lasts_s),
            ),
        )
        yield Rule(
            "excess_flow",
            self.subject,
            lambda: self.bypassed,
            priority="warning",
            shows=lambda: (
                ("excess", self.excess.mean, "percent"),
                ("flow", self._flows[0], "flow"),
                ("needed", self._flows[1], "flow"),
                ("measured", self._returns[0], "temperature"),
                ("expected", self._returns[1], "temperature"),
                *lasting(self.excess.lasts_s),
            ),
        )

    def explain(self) -> Term:
        values = (
            ("conductance", self._now, "conductance"),
            ("clean", self._expected, "conductance"),
            ("fouling", self.verdict.mean, "percent"),
            ("excess", self.excess.mean, "percent"),
        )
        return Term("exchanger_compared", values, learning(self.scatter.count, LEARNED_H))

    def state(self) -> dict[str, Any]:
        return {
            "clean": self.clean.state(),
            "scatter": self.scatter.state(),
            "verdict": self.verdict.state(),
            "excess_scatter": self.excess_scatter.state(),
            "excess": self.excess.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.clean.restore(state.get("clean"))
        self.scatter.restore(state.get("scatter"))
        self.verdict.restore(state.get("verdict"))
        self.excess_scatter.restore(state.get("excess_scatter"))
        self.excess.restore(state.get("excess"))
