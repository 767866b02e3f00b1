"""A three-point valve without feedback for a month, beside the analogue valve of the demo station.

The valve gets two relays in place of signal and position, and its motor takes 1 % longer to close than to
open, so that the estimate of its position drifts at every stroke (FACTS §8). Weather and disturbances are
those of the disturbed week, the same for both valves; the settings are the defaults.

    MAE ratio   mean |set-point − true supply temperature| over that of the analogue valve; target 1.3
    covered     share of scans in which estimate ± doubt holds the true position of the motor; target 95 %
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sim.weather import Weather
from supply_loop.bench import DEMO, ZONE, Bench
from supply_loop.disturbances import Disturbances
from supply_loop.week import DAY, MONTH, SETTLE_S, WEATHER, WORKERS

ASYMMETRY = 1.0
"""% of the time that closing takes longer (FACTS §8)."""
ANALOGUE = "{command: valve.command, feedback: valve.position,"
RELAYS = "{open: relays.channel_3, close: relays.channel_4,"
RATIO, COVERED = 1.3, 0.95


@cache
def three_point_station() -> Path:
    """The demo station's file with two relays on its valve."""
    text = DEMO.read_text(encoding="utf-8")
    assert text.count(ANALOGUE) == 1, DEMO
    path = Path(tempfile.mkdtemp(prefix="three-point-")) / "station.yaml"
    path.write_text(text.replace(ANALOGUE, RELAYS), encoding="utf-8")
    return path


@dataclass(slots=True)
class Sums:
    """Sums over the scans: |error| in K, scans with the truth inside, doubt and miss in %."""

    scans: int = 0
    errors: float = 0.0
    covered: int = 0
    doubt: float = 0.0
    miss: float = 0.0
    worst: float = 0.0

    def note(self, bench: Bench, relays: bool) -> None:
        """One scan."""
        self.scans += 1
        self.errors += abs(bench.error)
        if relays:
            miss = abs(bench.rig[f"{ZONE}.valve_estimate"].value - 100.0 * bench.valve.motor)
            doubt = bench.rig[f"{ZONE}.valve_doubt"].value
            self.covered += miss <= doubt
            self.doubt += doubt
            self.miss += miss
            self.worst = max(self.worst, miss)

    def told(self) -> str:
        """The means, in words."""
        n = max(self.scans, 1)
        return (
            f"MAE {self.errors / n:.3f} K, covered {100 * self.covered / n:.1f} %,"
            f" doubt {self.doubt / n:.1f} %, miss {self.miss / n:.2f} % (worst {self.worst:.1f} %)"
        )


def play(job: tuple[bool, int, float, float]) -> tuple[Sums, float]:
    """A month of one valve: relays or not, seed, days, scan in s. Sums and strokes a day."""
    relays, seed, days, step = job
    weather = Weather.load(WEATHER)
    bench = Bench(
        weather,
        seed=seed,
        start=weather.first(MONTH, DAY),
        step=step,
        disturbances=Disturbances(seed),
        path=three_point_station() if relays else DEMO,
    )
    if relays:
        bench.plant.fault(f"{ZONE}.valve", "asymmetry", ASYMMETRY)
    bench.run(SETTLE_S)
    sums, before = Sums(), bench.valve.travel
    for day in range(1, round(days) + 1):
        bench.run(86400.0, lambda b: sums.note(b, relays))
        strokes = (bench.valve.travel - before) / day
        word = "relays" if relays else "signal"
        print(
            f"seed {seed} {word} day {day}: {sums.told()}, {strokes:.1f} strokes/d",
            file=sys.stderr,
            flush=True,
        )
    return sums, (bench.valve.travel - before) / days


def three_point(days: float, seeds: int, step: float) -> None:
    """Run and print."""
    jobs = [(relays, seed, days, step) for seed in range(1, seeds + 1) for relays in (False, True)]
    with multiprocessing.Pool(WORKERS) as pool:
        found = pool.map(play, jobs, chunksize=1)
    print(
        f"three-point valve, closing {ASYMMETRY:g} % slower: {WEATHER} {MONTH}-{DAY},"
        f" {days:g} days, scan {step:g} s"
    )
    print(f"targets: MAE ratio {RATIO:g}, covered {100 * COVERED:g} %")
    for (signal, _), (relays, strokes), job in zip(found[::2], found[1::2], jobs[::2], strict=True):
        ratio = relays.errors / signal.errors
        print(
            f"seed {job[1]}: signal MAE {signal.errors / signal.scans:.3f} K; relays {relays.told()}", end=""
        )
        print(f", {strokes:.1f} strokes/d; MAE ratio {ratio:.2f}")
