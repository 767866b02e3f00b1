"""What a run is judged by, and the static inverse of the plant."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from sim.physics.zone import CP
from supply_loop.bench import Bench

INVERSE_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Result:
    """`mae` and `p95` K of the true supply temperature against the set-point; `travel` and `inverse` full
    strokes a day; `starts` a day; `saturated` share of time at an end of the valve."""

    mae: float
    p95: float
    travel: float
    starts: float
    inverse: float
    saturated: float


def inverse_opening(bench: Bench, setpoint: float) -> float:
    """Share of the stroke that would hold `setpoint` °C statically, everything else as it is now.

    Exchanger (effectiveness) and branch (valve, resistances, network) of the plant itself, solved by
    bisection."""
    plant, zone = bench.plant, bench.zone
    supply, branch = plant.primary.supply_temperature, zone.branch
    need = zone.flow * CP * (setpoint - zone.header)
    low, high = 0.0, 2.0 * zone.parameters.primary_flow_kg_per_s
    for _ in range(30):
        flow = 0.5 * (low + high)
        if zone.exchanger.steady_heat(supply, flow, zone.header, zone.flow) < need:
            low = flow
        else:
            high = flow
    p = plant.parameters
    drop = p.primary_network_drop_kpa * 1e3 * (flow / sum(z.primary_flow_kg_per_s for z in p.zones)) ** 2
    position = branch.position_for(flow, plant.primary.differential_pressure - drop)
    branch.renew(supply)  # the search has moved the branch's conductance
    return float(position)


class Watch:
    """Called after every scan of a bench."""

    def __init__(self, bench: Bench) -> None:
        self.errors = array("d")
        self.seconds = self.travel = self.inverse = self.saturated = 0.0
        self.starts = 0
        self._motor = bench.valve.motor
        self._moves = False
        self._wanted = float("nan")
        self._due = 0.0

    def __call__(self, bench: Bench) -> None:
        """Note this scan."""
        dt = bench.rig.dt
        self.seconds += dt
        self.errors.append(abs(bench.error))
        motor = bench.valve.motor
        moved = abs(motor - self._motor)
        self._motor = motor
        if moved > 0.0 and not self._moves:
            self.starts += 1
        self._moves = moved > 0.0
        self.travel += moved
        if not 0.001 < motor < 0.999:
            self.saturated += dt
        if self.seconds >= self._due:
            self._due += INVERSE_EVERY_S
            wanted = inverse_opening(bench, bench.setpoint.value)
            if self._wanted == self._wanted:
                self.inverse += abs(wanted - self._wanted)
            self._wanted = wanted

    def result(self) -> Result:
        """The figures of all scans so far."""
        days, errors = self.seconds / 86400.0, np.array(self.errors)
        return Result(
            float(errors.mean()),
            float(np.quantile(errors, 0.95)),
            self.travel / days,
            self.starts / days,
            self.inverse / days,
            self.saturated / self.seconds,
        )
