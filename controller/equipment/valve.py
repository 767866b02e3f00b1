"""The primary valve and what lies in its branch: the flow at an opening.

    Kv = V/√Δp (station), 1/Kv² = a/φ(y)² + b: resistances of the valve and of the rest, learned
    deviation = Kv/Kv_expected(y) − 1, %
    leak      = (φ' − φ)/(1 − φ), φ' = √(a/(1/Kv² − b)): share of Kvs that passes beside the plug, %

A leak passes the same at every opening. A clogged strainer takes flow at every opening. A coupling that slips
hands on a part of the motor's way only: d ln(Kv)/d ln(φ) falls behind what was learned, too much flow on one
side of where it began and too little on the other.
Source: resistances in series, turbulent; φ as in `control.blocks.loop.characteristic`. Thresholds are
own judgement: leak 1 % of Kvs and strainer 5 % of the flow are told within 3 days, a slip of half of the way
within 3 days.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.control.blocks.loop.characteristic import Characteristic
from controller.equipment.balances import learning
from controller.equipment.exchanger import ExchangerFouling
from controller.equipment.learning import HourlyMeans, TwoTermFit, Usual, Verdict, numbers
from controller.equipment.watcher import AllServe, Watcher, lasting, readable
from controller.points import Image, Output, Point, Term
from controller.safety.rules import Rule

LEARNED_H = 240
LEAK_PERCENT = 1.0
DEVIATION_PERCENT = 5.0
JUDGED_H = 24.0
VALVES_SHARE = 0.8
"""What the valve has of the branch's resistance, until openings apart have told: authority of a fair
valve."""
LEAST_OPENING = 8.0
LEAST_DROP_KPA = 15.0
LEAK_SEEN_BELOW = 0.6
"""φ; further open a leak hides in what the valve passes anyway."""
BEYOND_PERCENT = 3.0
"""The curve is trusted this far outside of the openings that were learned; further out it learns on."""
SLIP_H = 36
SLIPS, SLIPS_NO_MORE = -0.25, -0.12
"""d ln(Kv)/d ln(φ) less what was learned: half of the way lost in a branch of authority 0.6 makes −0.3."""
MOVED = 5.0
"""Deviation of 100·ln(φ) that shows a slope; a hundredth of opening makes 4 with R = 50."""


class ValveFlow(Watcher):
    """Publishes `<circuit>.valve_flow_deviation` and `<circuit>.valve_leak` in %."""

    def __init__(self, image: Image, circuit: str, valve: Output, shape: Characteristic) -> None:
        """`shape`: the valve's own characteristic, authority 1."""
        super().__init__()
        self.circuit = circuit
        self.point = image.add(Point(f"{circuit}.valve_flow_deviation", "percent", role="calculated"))
        self.leak_point = image.add(Point(f"{circuit}.valve_leak", "percent", role="calculated"))
        self.points = (self.point, self.leak_point)
        find = image.points.get
        self._position: Point = find(f"{circuit}.valve_position") or valve
        self._local = find(f"{circuit}.valve_local")
        self._before = image["station.primary_supply_pressure"]
        self._after = image["station.primary_return_pressure"]
        self._flow = image["station.primary_flow"]
        self._shape = shape
        self._all_serve = AllServe(image, circuit)
        self.exchanger: ExchangerFouling | None = None
        """Who sees whether water passes beside the plates as well: then it is no leak of the valve."""
        self._hour = HourlyMeans(2)
        self.curve = TwoTermFit(LEARNED_H, VALVES_SHARE)
        self.scatter = Usual(LEARNED_H)
        self.flow = Verdict(DEVIATION_PERCENT, JUDGED_H)
        self.leak = Verdict(LEAK_PERCENT, JUDGED_H)
        self.slip = Slip()
        self._opening = self._now = self._expected = math.nan

    @property
    def suspect(self) -> bool:
        return self.flow.suspect or self.leak.suspect or self.slip.found

    def step(self, now: float, may_learn: bool) -> None:
        means = self._hour.take(now, self._sample())
        if means is None or not self.trusted:
            return
        opening, found = means[0], math.exp(means[1])
        share = self._shape.flow(opening) / 100.0
        terms = (share**-2, 1.0)
        curve = self.curve
        expected = math.sqrt(curve.result(*terms))
        self._opening, self._now, self._expected = opening, found, expected
        known = curve.low - BEYOND_PERCENT <= opening <= curve.high + BEYOND_PERCENT
        deviation = 100.0 * (found / expected - 1.0)
        if not (curve.ready and known):
            if may_learn:
                self.scatter.learn(deviation if known else math.nan)
                curve.learn(opening, found * found, *terms)
            return
        self._judge(now, found, share, deviation)

    def _judge(self, now: float, found: float, share: float, deviation: float) -> None:
        usual = self.scatter.deviation
        self.flow.take(deviation, usual)
        self.point.put(self.flow.mean, now)
        self.slip.take(100.0 * math.log(share), deviation)
        own, rest = self.curve.factors()
        left = found**-2 - rest
        if share <= LEAK_SEEN_BELOW and left > 0.0 and own > 0.0:
            leak = 100.0 * (math.sqrt(own / left) - share) / (1.0 - share)
            self.leak.take(leak, usual * share / (1.0 - share) / (own / share**2 * found**2))
            self.leak_point.put(self.leak.mean, now)

    def _sample(self) -> tuple[float, float] | None:
        position, flow = self._position, self._flow
        if not self._all_serve():
            return None
        if not readable(position, flow, self._before, self._after):
            return None
        if self._local is not None and self._local.on:
            return None
        drop = self._before.value - self._after.value
        if position.value < LEAST_OPENING or drop < LEAST_DROP_KPA or flow.value <= 0.0:
            return None
        return position.value, math.log(flow.value / math.sqrt(drop))

    @property
    def _bypassed(self) -> bool:
        return self.exchanger is not None and self.exchanger.may_be_bypassed

    def rules(self) -> Iterator[Rule]:
        subject = f"{self.circuit}.valve_command"
        yield Rule(
            "valve_slips",
            subject,
            lambda: self.slip.found,
            priority="warning",
            shows=lambda: (
                ("opening", self._opening, "percent"),
                ("deviation", self.slip.last, "percent"),
                *lasting(max(self.flow.lasts_s, self.leak.lasts_s)),
            ),
        )
        yield Rule(
            "valve_leaks",
            subject,
            lambda: self.leak.found and self.leak.mean > 0.0 and not (self.slip.likely or self._bypassed),
            priority="warning",
            shows=lambda: (("leak", self.leak.mean, "percent"), *lasting(self.leak.lasts_s)),
        )
        yield Rule(
            "primary_strainer_clogged",
            self.circuit,
            lambda: self.flow.found and self.flow.mean < 0.0 and not self.slip.likely,
            priority="warning",
            shows=lambda: (("deviation", -self.flow.mean, "percent"), *lasting(self.flow.lasts_s)),
        )

    def explain(self) -> Term:
        values = (
            ("opening", self._opening, "percent"),
            ("deviation", 100.0 * (self._now / self._expected - 1.0), "percent"),
            ("mean", self.flow.mean, "percent"),
            ("leak", self.leak.mean, "percent"),
        )
        return Term("valve_flow_compared", values, learning(self.scatter.count, LEARNED_H))

    def state(self) -> dict[str, Any]:
        return {
            "curve": self.curve.state(),
            "scatter": self.scatter.state(),
            "flow": self.flow.state(),
            "leak": self.leak.state(),
            "slip": self.slip.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        for name, part in (
            ("curve", self.curve),
            ("scatter", self.scatter),
            ("flow", self.flow),
            ("leak", self.leak),
            ("slip", self.slip),
        ):
            part.restore(state.get(name))


class Slip:
    """Slope of the deviation over 100·ln(φ), both in %, with weights that fade over 36 h.

    Slope = covariance/variance of exponentially weighted moments (any text on regression)."""

    def __init__(self) -> None:
        self._moments = [0.0] * 5  # hours, mean x, mean y, variance of x, covariance
        self._highest = 0.0
        self.last = 0.0
        self.found = False

    def take(self, x: float, deviation: float) -> None:
        """Judge an hour."""
        if not (math.isfinite(x) and math.isfinite(deviation)):
            return
        hours, mean_x, mean_y, variance, covariance = self._moments
        weight = max(1.0 / (hours + 1.0), 1.0 / SLIP_H)
        away_x, away_y = x - mean_x, deviation - mean_y
        self._moments = [
            min(hours + 1.0, 1e6),
            mean_x + weight * away_x,
            mean_y + weight * away_y,
            (1.0 - weight) * (variance + weight * away_x * away_x),
            (1.0 - weight) * (covariance + weight * away_x * away_y),
        ]
        self._highest = max(deviation, self._highest * (1.0 - 1.0 / SLIP_H))
        self.last = deviation
        if self.found:
            self.found = self.slope <= SLIPS_NO_MORE
        else:
            self.found = self.likely and hours >= SLIP_H / 2

    @property
    def slope(self) -> float:
        """Slope, 0 while the valve stays about where it is."""
        variance = self._moments[3]
        return self._moments[4] / variance if variance >= MOVED * MOVED else 0.0

    @property
    def likely(self) -> bool:
        """The flow falls behind on both ways: a strainer only ever takes flow, a leak only gives."""
        return self.found or (self.slope <= SLIPS and self._highest >= DEVIATION_PERCENT)

    def state(self) -> list[float]:
        """Plain JSON."""
        return [*self._moments, self._highest, float(self.found)]

    def restore(self, state: object) -> None:
        """Take over `state()`; anything odd is left out."""
        values = numbers(state, 7)
        if values is not None and values[0] >= 0 and values[3] >= 0:
            self._moments, self._highest, self.found = values[:5], values[5], values[6] >= 0.5
