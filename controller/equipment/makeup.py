"""A leak that begins: makeup against what this station usually needs.

    mean += dt/τ·(V_makeup − mean), τ = 30 min and 6 h; told above the usual peak of that mean by more than
    0.15 m³/h (30 min) or 0.05 m³/h (6 h)

The usual peak is the highest of the learning time, at most mean + 3 deviations of the hours' peaks, so that
one filling meanwhile does not blind it: makeup comes in portions, and water that cools asks for it as well
(18 l/K in a loop of 40 m³). Margins are own judgement: told within 1 h of a leak of 0.4 m³/h, within 12 h of
0.1 m³/h. Pressure that falls away is the makeup guard's matter (`makeup_guard`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.equipment.balances import learning
from controller.equipment.learning import HourlyMeans, Usual, numbers
from controller.equipment.watcher import PERIOD_S, Watcher, lasting
from controller.points import Image, Point, Term
from controller.safety.rules import Rule

LEARNED_H = 168
WINDOWS_S = (1800.0, 21600.0)
MARGINS = (0.15, 0.05)
DEVIATIONS = 3.0
LONGEST_STEP_S = 300.0


class SuddenLeak(Watcher):
    """Publishes `<circuit>.makeup_mean`: makeup of the last six hours, m³/h."""

    def __init__(self, image: Image, circuit: str) -> None:
        super().__init__()
        self.subject = circuit
        self.point = image.add(Point(f"{circuit}.makeup_mean", "flow", role="calculated"))
        self.points = (self.point,)
        self._flow = image[f"{circuit}.makeup_flow"]
        self._means = [math.nan, math.nan]
        self._hour = HourlyMeans(1)
        self._peaks = [0.0, 0.0]
        self.usual = Usual(LEARNED_H)
        self.peaks = [Usual(LEARNED_H), Usual(LEARNED_H)]
        self.highest = [0.0, 0.0]
        self.found = False
        self._last: float | None = None
        self._since: float | None = None
        self._lasts = 0.0

    @property
    def suspect(self) -> bool:
        return self._since is not None

    def step(self, now: float, may_learn: bool) -> None:
        dt = min(now - self._last, LONGEST_STEP_S) if self._last is not None else PERIOD_S
        self._last = now
        flow = self._flow
        if flow.usable and math.isfinite(flow.value):
            for index, window in enumerate(WINDOWS_S):
                mean = self._means[index]
                start = 0.0 if math.isnan(mean) else mean
                mean = self._means[index] = start + min(dt / window, 1.0) * (flow.value - start)
                self._peaks[index] = max(self._peaks[index], mean)
            self.point.put(self._means[1], now)
        means = self._hour.take(now, (flow.value,) if flow.usable else None)
        if means is not None:
            if not self.usual.ready and may_learn:
                self._learn(means[0])
            self._peaks = [0.0, 0.0]
        self._judge(now)

    def _learn(self, flow: float) -> None:
        self.usual.learn(flow)
        for index, peak in enumerate(self._peaks):
            self.peaks[index].learn(peak)
            self.highest[index] = max(self.highest[index], peak)

    def _judge(self, now: float) -> None:
        if not self.usual.ready:
            return
        over = max(self._over(index) for index in (0, 1))
        self.found = over >= (0.5 if self.found else 1.0)
        if over < 0.5:
            self._since = None
        elif self._since is None:
            self._since = now
        self._lasts = now - self._since if self._since is not None else 0.0

    def _over(self, index: int) -> float:
        """Makeup over the usual peak, in shares of the margin."""
        peaks = self.peaks[index]
        usual = min(self.highest[index], peaks.mean + DEVIATIONS * peaks.deviation)
        return (self._means[index] - usual) / MARGINS[index]

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "leak_begins",
            self.subject,
            lambda: self.found,
            priority="high",
            shows=lambda: (
                ("makeup", max(self._means), "flow"),
                ("usual", self.usual.mean, "flow"),
                *lasting(self._lasts),
            ),
        )

    def explain(self) -> Term:
        values = (("makeup", self._means[1], "flow"), ("usual", self.usual.mean, "flow"))
        return Term("makeup_compared", values, learning(self.usual.count, LEARNED_H))

    def state(self) -> dict[str, Any]:
        means = self._means if all(map(math.isfinite, self._means)) else None
        return {
            "means": means,
            "usual": self.usual.state(),
            "peaks": [peaks.state() for peaks in self.peaks],
            "highest": self.highest,
            "found": self.found,
        }

    def restore(self, state: dict[str, Any]) -> None:
        means = numbers(state.get("means"), 2)
        if means is not None:
            self._means = means
        self.usual.restore(state.get("usual"))
        peaks, highest = state.get("peaks"), numbers(state.get("highest"), 2)
        if isinstance(peaks, list) and len(peaks) == 2 and highest is not None:
            for part, remembered in zip(self.peaks, peaks, strict=True):
                part.restore(remembered)
            self.highest = highest
        self.found = state.get("found") is True
