"""A makeup pump that sucks air, told without the tank level: one that lies must not ruin the pump."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from controller.points import Image, Output, Point, reading
from controller.safety.rows.parts import Clock


class DryMakeup:
    """A makeup pump runs, and for `SUSPECT_S` the pressure under its set-point does not rise; for `METERED_S`
    where a meter shows that nothing flows and the pump turns fast: dry seals are ruined within a minute.

    Then one more sign is asked: no flow at the meter; where there is none, a current below `DRY_CURRENT`
    of what this pump draws at no higher speed while it delivers; with neither, and the tank level lost, the
    pressure alone (FACTS §8: "level lost: go on under dry-run protection"). A pump in air draws about a
    third of its power. Makeup rests, and is tried again after pauses that double. Without any pressure
    nothing is judged: makeup goes on. Nor is it by a pump that makeup has not asked for and that turns slowly
    (a person's hand, a welded contactor): it delivers nothing against the loop, whatever it sucks.
    """

    SUSPECT_S = 90.0
    METERED_S = 40.0
    """Longer than a start takes to lift (`control.blocks.water.makeup_start`: 25 s at the most)."""
    RISE_KPA = 2.0
    NO_FLOW = 0.2
    """m³/h: below it a flow meter shows nothing but its zero error (1 % of 20 m³/h)."""
    DRY_CURRENT = 0.8
    LEARN_S = 60.0
    REST_S = 600.0
    LONGEST_REST_S = 3600.0
    SLOW = 0.7
    """Of the highest speed: half of the head (own judgement)."""

    def __init__(
        self,
        image: Image,
        circuit: str,
        runs: Sequence[Output],
        speeds: Sequence[Output],
        pressure: Callable[[], Point | None],
        setpoint: Callable[[], float],
        clock: Clock,
    ) -> None:
        """`pressure`: what makeup goes by; `setpoint`: the one to hold, kPa, where nobody asks for a rise."""
        find = image.points.get
        self.pressure, self.setpoint, self.clock = pressure, setpoint, clock
        self.runs, self.speeds = runs, speeds
        names = [run.name.removesuffix("_run") for run in runs]
        self.running = [find(f"{name}_running") for name in names]
        self.currents = [find(f"{name}_current") for name in names]
        self.frequencies = [find(f"{name}_frequency") for name in names]
        self.flow = find(f"{circuit}.makeup_flow")
        self.level = find("station.tank_level")
        self._usual = [(math.nan, math.nan)] * len(names)
        self._base = self._since = math.nan
        self._looked_at = math.nan
        self._rest_s = self.REST_S
        self._rest_until = -math.inf

    def __call__(self) -> bool:
        """To be asked in every scan while makeup does not rest."""
        now = self.clock()
        dt, self._looked_at = now - self._looked_at, now
        turning = [index for index in range(len(self.runs)) if self._turns(index)]
        pressure = reading(self.pressure())
        if not turning or not math.isfinite(pressure):
            self._since = math.nan
            return False
        if self._delivers(now, pressure):
            self._learn(turning, dt)
        flow, fast = reading(self.flow), any(not self._slow(index) for index in turning)
        metered = flow < self.NO_FLOW and fast
        if now - self._since < (self.METERED_S if metered else self.SUSPECT_S):
            return False
        if math.isfinite(flow):
            return flow < self.NO_FLOW
        if any(self._idles(index) for index in turning):
            return True
        return self.level is None or not self.level.usable

    def begin(self) -> None:
        """A rest begins."""
        self._rest_until = self.clock() + self._rest_s
        self._rest_s = min(2 * self._rest_s, self.LONGEST_REST_S)
        self._since = math.nan

    def rested(self) -> bool:
        """It is over."""
        return self.clock() >= self._rest_until

    def _turns(self, index: int) -> bool:
        running, run = self.running[index], self.runs[index]
        if not run.demand >= 0.5 and self._slow(index):
            return False
        if running is not None and running.usable:
            return running.value >= 0.5
        return run.value >= 0.5

    def _slow(self, index: int) -> bool:
        return reading(self.frequencies[index]) < self.SLOW * self.speeds[index].high

    def _delivers(self, now: float, pressure: float) -> bool:
        """The pressure rises, or is where it shall be: the time begins anew."""
        if math.isnan(self._since):
            self._since, self._base = now, pressure
            return False
        if not (pressure >= self.setpoint() - self.RISE_KPA or pressure >= self._base + self.RISE_KPA):
            return False
        self._since, self._base, self._rest_s = now, pressure, self.REST_S
        return True

    def _learn(self, turning: list[int], dt: float) -> None:
        for index in turning:
            current, frequency = reading(self.currents[index]), reading(self.frequencies[index])
            if not (current > 0.0 and math.isfinite(frequency)):
                continue
            usual, at = self._usual[index]
            share = 1.0 if math.isnan(usual) else min(max(dt, 0.0) / self.LEARN_S, 1.0)
            self._usual[index] = (
                current if math.isnan(usual) else usual + share * (current - usual),
                frequency if math.isnan(at) else at + share * (frequency - at),
            )

    def _idles(self, index: int) -> bool:
        """It draws less than usual though it turns no slower. Unknown is no sign."""
        usual, at = self._usual[index]
        return (
            reading(self.currents[index]) < self.DRY_CURRENT * usual
            and reading(self.frequencies[index]) >= at
        )
