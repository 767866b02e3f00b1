"""What a season costs: the demo station with the core in the loop, in units of the plain float loop.

    python benchmarks/season.py [HOURS]

For scans of 5 s and of 1 s: microseconds a step, split into scan, plant and the rest (readings, outputs,
indicators), the same in float loops of the same step timed in the same run, and a season of 182 days. Time is
that of the core, so that other work on the machine does not count.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from float_loop import run as float_loop

import sim.rig
from controller.settings.check import check_file
from sim.plant import Plant
from sim.rig import Rig
from sim.season import run_season
from sim.weather import Weather

DEMO = Path(__file__).parents[1] / "config" / "demo.yaml"
SEASON_DAYS = 182
ROUNDS = 3
"""The best of three, as of the float loop: other work on the machine only slows."""


class Watch:
    """A function with the time it takes; the watch itself costs about a microsecond a call."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call
        self.seconds = 0.0

    def __call__(self, *args: Any, **named: Any) -> Any:
        begin = time.process_time()
        result = self.call(*args, **named)
        self.seconds += time.process_time() - begin
        return result


class Watched:
    """A plant whose steps are watched; everything else is the plant's own. A compiled plant takes no new
    attribute, so this stands in its place."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self.step = Watch(plant.step)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plant, name)


def measure(dt: float, hours: float) -> tuple[float, float, float, float]:
    """Seconds a step: whole (without watches), scan, plant, rest."""
    checked = check_file(DEMO)
    assert checked.file is not None

    def rig() -> Rig:
        weather = Weather.load("harbin")
        made = Rig(checked.file, checked.profiles, weather, dt=dt, start_time=weather.first(1, 10))
        made.run(minutes=5)
        return made

    plain, watched = rig(), rig()
    steps = round(hours / ROUNDS * 3600 / dt)
    wholes, scans, plants = [], [], []
    for _ in range(ROUNDS):
        begin = time.process_time()
        run_season(plain, hours / ROUNDS / 24)
        wholes.append((time.process_time() - begin) / steps)
    inside = Watched(watched.plant)
    watched.plant = inside
    for _ in range(ROUNDS):
        scan = sim.rig.scan = Watch(sim.rig.scan)
        inside.step.seconds = 0.0
        try:
            run_season(watched, hours / ROUNDS / 24)
        finally:
            sim.rig.scan = scan.call
        scans.append(scan.seconds / steps)
        plants.append(inside.step.seconds / steps)
    whole, scanned, stepped = min(wholes), min(scans), min(plants)
    return whole, scanned, stepped, max(whole - scanned - stepped, 0.0)


def main() -> None:
    """Measure and print."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
    print("scan of    a step    scan   plant    rest   float loop   ratio   182 days   float loop, 182 days")
    for dt in (5.0, 1.0):
        whole, scan, plant, rest = measure(dt, hours if dt > 1.0 else hours / 3)
        floor = min(float_loop(days=2, dt=dt) for _ in range(ROUNDS))
        steps = SEASON_DAYS * 86400 / dt
        print(
            f"{dt:5.0f} s  {whole * 1e6:6.1f} µs  {scan * 1e6:6.1f}  {plant * 1e6:6.1f}  {rest * 1e6:6.1f}"
            f"   {floor * 1e6:7.3f} µs  {whole / floor:6.0f}   {whole * steps:6.0f} s"
            f"   {floor * steps:12.1f} s"
        )


if __name__ == "__main__":
    main()
