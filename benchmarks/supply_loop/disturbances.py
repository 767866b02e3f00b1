"""What moves during the disturbed week, on top of weather, people and sun: the same for every controller.

    primary temperature   the plant's own network at twice its strength: its curve 3 h behind the weather,
                          noise of 1.6 K (correlated over 30 min), a step of the heat plant's
                          set-point within ± 6 K every 2 … 10 h
    primary pressure      the plant's own at twice: daily swing of ± 12 %, noise of 10 % (10 min); and other
                          stations and network pumps: a step within ± 20 %, held 0.5 … 3 h
    secondary flow        resistance of the common main by the exponential of noise of 0.5 (30 min)
    flow and return       residents: every 10 … 40 min one of the houses shuts a share of 0 … 0.7 of its
                          branch; the mix of the returns moves with the flow

Steps come at once, noise is joined by straight lines from minute to minute
(`sim.physics.primary.SlowNoise`). Sizes are own judgement, chosen so that the valve that follows them
exactly makes about the eleven strokes a day of FACTS §6.
"""

from __future__ import annotations

from math import exp
from random import Random

from sim.physics.primary import SlowNoise
from sim.plant import Plant

PRIMARY_STRENGTH = 2.0
RESISTANCE_SIGMA, RESISTANCE_TAU_S = 0.5, 1800.0
PRESSURE_SHARE, PRESSURE_HELD_H = 0.2, (0.5, 3.0)
BRANCH_SHUT, BRANCH_HELD_S = 0.7, (600.0, 2400.0)
RENEW_S = 10.0


class Disturbances:
    """Moves one zone's network and the primary pressure of a plant; `seed` names the week."""

    def __init__(self, seed: int, zone: str = "low") -> None:
        self.zone = zone
        self._resistance = SlowNoise(f"{seed}/resistance", RESISTANCE_SIGMA, RESISTANCE_TAU_S)
        self._random = Random(f"{seed}/disturbances")
        self._start = self._main = float("nan")
        self._pressure_due = self._branch_due = self._renew_due = 0.0

    def step(self, plant: Plant) -> None:
        """Before a scan: what is due at the plant's time."""
        network = plant.zones[self.zone].network
        if self._start != self._start:
            self._start, self._main = plant.time, network.main
            plant.primary.disturbance = PRIMARY_STRENGTH
        elapsed = plant.time - self._start
        if elapsed < self._renew_due:
            return
        self._renew_due += RENEW_S
        draw = self._random.uniform
        network.main = self._main * exp(self._resistance.at(elapsed))
        if elapsed >= self._pressure_due:
            self._pressure_due = elapsed + 3600.0 * draw(*PRESSURE_HELD_H)
            plant.fault("station", "pressure_step", draw(-PRESSURE_SHARE, PRESSURE_SHARE))
        if elapsed >= self._branch_due:
            self._branch_due = elapsed + draw(*BRANCH_HELD_S)
            house = self._random.randrange(len(network.branches)) + 1
            plant.fault(f"{self.zone}.branch_{house}", "blocked", draw(0.0, BRANCH_SHUT))
        network.renew()
