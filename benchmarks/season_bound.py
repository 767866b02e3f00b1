"""How far a season is from the least heat that the same comfort takes.

    python benchmarks/season_bound.py [--days 30] [--weather harbin] [--from 01-01] [--step 5]

The station runs its days with the core in the loop; outdoor temperature, gains, wind and the heat that each
building's radiators gave are noted every hour. Then, for the buildings alone, linearised (an hour's step of
the simulated building itself, by its answer to unit inputs, windows closed):

    bound   min ∑Q  subject to  x' = A(wind)·x + B·inputs + C·Q,  0 ≤ Q ≤ 2·design,
            ∑ max(0, 20 - air) ≤ the run's own K·h below 20 °C,  final state ≥ the run's
            solved by HiGHS with all weather known (FACTS §6): nobody can do with less heat; comfort and
            final state of the run are those of the linear building under the run's heat, so that what
            linearising errs by cannot put the bound above the run
    curve   the heat curve that takes least heat among those with the same K·h: design supply and shift by
            search, radiators as simulated, constant flow, outdoor temperature without delay

Heat is what reaches the rooms, so losses of the pipes are on neither side.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_matrix

from controller.settings.check import check_file
from sim.physics.buildings_branch import _GAINS_TO_AIR, _SUN_TO_AIR
from sim.rig import Rig
from sim.weather import Weather, month_and_day

DEMO = Path(__file__).parents[1] / "config" / "demo.yaml"
HOUR = 3600.0
COMFORT = 20.0
STATES = ("air", "exterior", "interior")
WIND_STEP = 0.02
"""The loss factor of the wind is rounded to this, so that few matrices serve all hours."""


@dataclass
class Record:
    """What one building lived through: a row an hour. Heat in W, temperatures °C."""

    branch: Any
    design: float
    start: list[float]
    outdoor: list[float] = field(default_factory=list)
    wind: list[float] = field(default_factory=list)
    solar: list[float] = field(default_factory=list)
    heat: list[float] = field(default_factory=list)
    flow: list[float] = field(default_factory=list)
    air: list[float] = field(default_factory=list)


def play(rig: Rig, days: float) -> list[Record]:
    """Run the station and note the hours."""
    plant = rig.plant
    records = []
    for zone in plant.zones.values():
        for branch, group in zip(zone.branches, zone.parameters.groups, strict=True):
            state = [getattr(branch.building, name) for name in STATES]
            design = group.load_share * zone.parameters.design_heat_kw * 1e3
            records.append(Record(branch, design, state))
    branches = [(zone, i) for zone in plant.zones.values() for i in range(len(zone.branches))]
    share = plant.parameters.wind_loss_per_m_per_s
    steps = round(HOUR / rig.dt)
    for _ in range(round(days * 24)):
        sums = [[0.0] * 5 for _ in records]
        for _ in range(steps):
            rig.step()
            outdoor, wind = plant.weather.outdoor(plant.time), plant.weather.wind(plant.time)
            for total, (zone, i) in zip(sums, branches, strict=True):
                branch = zone.branches[i]
                total[0] += outdoor
                total[1] += 1.0 + branch.wind_exposure * share * wind
                total[2] += branch.gains - branch.internal_gains
                total[3] += branch.radiators.heat
                total[4] += zone.flow * zone.network.shares[i]
        for record, total in zip(records, sums, strict=True):
            means = [value / steps for value in total]
            for kept, value in zip(
                (record.outdoor, record.wind, record.solar, record.heat, record.flow), means, strict=True
            ):
                kept.append(value)
            record.air.append(record.branch.building.air)
    return records


class Linear:
    """An hour of one building: state' = A·state + outdoor·b + heat·c + known gains.

    Building and radiators are the run's own, whose season is over: every use sets their state first."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._building = record.branch.building
        self._known: dict[float, tuple[np.ndarray, ...]] = {}
        self.share = record.branch.radiators.radiant_share

    def hour(self, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A, c (a W) and the rest of hour `t`."""
        record = self.record
        a, b, convective, radiant, sun = self._matrices(round(record.wind[t] / WIND_STEP) * WIND_STEP)
        internal, solar = record.branch.internal_gains, record.solar[t]
        known = b * record.outdoor[t] + convective * (_GAINS_TO_AIR * internal + _SUN_TO_AIR * solar)
        known = known + radiant * (1.0 - _GAINS_TO_AIR) * internal + sun * (1.0 - _SUN_TO_AIR) * solar
        return a, (1.0 - self.share) * convective + self.share * radiant, known

    def _matrices(self, wind: float) -> tuple[np.ndarray, ...]:
        if wind not in self._known:

            def answer(state: int, outdoor: float, heat: tuple[float, float, float]) -> np.ndarray:
                for i, name in enumerate(STATES):
                    setattr(self._building, name, float(i == state))
                self._building.step(HOUR, outdoor, heat[0], heat[1], wind, heat[2])
                return np.array([getattr(self._building, name) for name in STATES])

            kilo = 1e3
            self._known[wind] = (
                np.array([answer(i, 0.0, (0.0, 0.0, 0.0)) for i in range(3)]).T,
                answer(-1, 1.0, (0.0, 0.0, 0.0)),
                answer(-1, 0.0, (kilo, 0.0, 0.0)) / kilo,
                answer(-1, 0.0, (0.0, kilo, 0.0)) / kilo,
                answer(-1, 0.0, (0.0, 0.0, kilo)) / kilo,
            )
        return self._known[wind]

    @cached_property
    def replay(self) -> tuple[list[float], list[float]]:
        """The linear building under the run's heat: its air every hour, and its last state."""
        state, airs = np.array(self.record.start), []
        for t, heat in enumerate(self.record.heat):
            a, c, known = self.hour(t)
            state = a @ state + c * heat + known
            airs.append(float(state[0]))
        return airs, [float(value) for value in state]

    def stored(self, state: list[float]) -> float:
        """Heat content of a state in J."""
        for name, value in zip(STATES, state, strict=True):
            setattr(self._building, name, value)
        return float(self._building.stored_heat())


def discomfort(air: list[float]) -> float:
    """K·h below 20 °C of hourly values."""
    return sum(max(0.0, COMFORT - value) for value in air)


def replayed(model: Linear) -> float:
    """Largest difference in K between the linear building under the run's heat and the simulated one."""
    airs, _ = model.replay
    return max(abs(air - true) for air, true in zip(airs, model.record.air, strict=True))


def bound(models: list[Linear], allowed: float) -> float:
    """Least heat in J. Columns a building and hour: Q (kW), three states, slack."""
    hours = len(models[0].record.heat)
    columns, rows = 5 * hours * len(models), 3 * hours * len(models)
    equal, right = lil_matrix((rows, columns)), np.zeros(rows)
    cost, low, high = np.zeros(columns), np.full(columns, -np.inf), np.full(columns, np.inf)
    comfort, floor = lil_matrix((hours * len(models) + 1, columns)), np.zeros(hours * len(models) + 1)
    for m, model in enumerate(models):
        _, end = model.replay
        for t in range(hours):
            a, c, known = model.hour(t)
            at, row = 5 * (m * hours + t), 3 * (m * hours + t)
            cost[at] = 1.0
            low[at], high[at], low[at + 4] = 0.0, 2.0 * model.record.design / 1e3, 0.0
            for i in range(3):
                equal[row + i, at + 1 + i] = 1.0
                equal[row + i, at] = -c[i] * 1e3
                right[row + i] = known[i]
                for j in range(3):
                    if t == 0:
                        right[row + i] += a[i, j] * model.record.start[j]
                    else:
                        equal[row + i, at - 5 + 1 + j] = -a[i, j]
            comfort[m * hours + t, at + 1] = comfort[m * hours + t, at + 4] = -1.0
            floor[m * hours + t] = -COMFORT
            comfort[hours * len(models), at + 4] = 1.0
        for i in range(3):
            low[5 * (m * hours + hours - 1) + 1 + i] = end[i]
    floor[-1] = allowed
    found = linprog(
        cost, comfort.tocsr(), floor, equal.tocsr(), right, np.column_stack([low, high]), method="highs"
    )
    if found.status != 0:
        raise RuntimeError(f"the linear programme was not solved: {found.message}")
    return float(found.fun) * 1e3 * HOUR


def curve_heat(models: list[Linear], design_supply: float, shift: float) -> tuple[float, float]:
    """Heat in J and K·h under a curve `Ti + (Tm0 - Ti)·q^(1/n) + ½·ΔT0·q + shift` (60/45 has ΔT0 = 15)."""
    heat = cold = 0.0
    for model in models:
        record, radiators = model.record, model.record.branch.radiators
        radiators.fill(record.start[0] + 20.0)
        state, air = np.array(record.start), []
        for t, outdoor in enumerate(record.outdoor):
            q = max(0.0, (COMFORT - outdoor) / (COMFORT + 24.2))
            supply = COMFORT + (design_supply - 7.5 - COMFORT) * q ** (1 / 1.3) + 7.5 * q + shift
            radiators.step(HOUR, max(supply, float(state[0])), record.flow[t], float(state[0]))
            a, c, known = model.hour(t)
            state = a @ state + c * radiators.heat + known
            heat += radiators.heat * HOUR
            air.append(float(state[0]))
        heat += model.stored(model.replay[1]) - model.stored([float(value) for value in state])
        cold += discomfort(air)
    return heat, cold


def best_curve(models: list[Linear], allowed: float) -> tuple[float, float, float]:
    """(heat in J, design supply, shift) of the best curve: shift by bisection for each of thirteen slopes."""
    best = (float("inf"), 0.0, 0.0)
    for design in np.linspace(50.0, 86.0, 13):
        low, high = -20.0, 20.0
        for _ in range(11):
            shift = 0.5 * (low + high)
            heat, cold = curve_heat(models, float(design), shift)
            if cold > allowed:
                low = shift
            else:
                high = shift
                best = min(best, (heat, float(design), shift))
    return best


def main() -> None:
    """Run, solve, print."""
    parser = argparse.ArgumentParser(description="A season against its bound.")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--weather", default="harbin")
    parser.add_argument("--from", dest="first", default="01-01")
    parser.add_argument("--step", type=float, default=5.0)
    parser.add_argument("file", nargs="?", type=Path, default=DEMO)
    options = parser.parse_args()

    checked = check_file(options.file)
    assert checked.file is not None, options.file
    weather = Weather.load(options.weather)
    start = weather.first(*month_and_day(options.first))
    records = play(
        Rig(checked.file, checked.profiles, weather, dt=options.step, start_time=start), options.days
    )
    models = [Linear(record) for record in records]
    energy = sum(sum(record.heat) for record in records) * HOUR
    cold = sum(discomfort(model.replay[0]) for model in models)
    print(f"{options.weather}, {options.days:g} days from {options.first}, {len(records)} buildings")
    print(f"run          {energy / 1e9:9.1f} GJ to the rooms, {cold:.1f} K·h below {COMFORT:g} °C")
    print(f"linearised   off by at most {max(replayed(model) for model in models):.2f} K")
    begin = time.perf_counter()
    least = bound(models, cold)
    print(
        f"bound        {least / 1e9:9.1f} GJ   E/E_LP {energy / least:.3f}"
        f"   ({time.perf_counter() - begin:.0f} s)"
    )
    begin = time.perf_counter()
    heat, design, shift = best_curve(models, cold)
    print(
        f"best curve   {heat / 1e9:9.1f} GJ   E/E_curve {energy / heat:.3f}, E_curve/E_LP {heat / least:.3f}"
        f"   (design supply {design:g} °C, shift {shift:+.1f} K; {time.perf_counter() - begin:.0f} s)"
    )


if __name__ == "__main__":
    main()
