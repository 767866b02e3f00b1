"""The disturbed week: our loop against five panels on the same plant, medians over seeds."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from sim.weather import Weather
from supply_loop.bench import Bench
from supply_loop.disturbances import Disturbances
from supply_loop.measures import Result, Watch
from supply_loop.rivals import PANELS, Panel

WEATHER, MONTH, DAY = "harbin", 11, 20
"""A week from +1 to -23 °C: the valve works over most of its stroke."""
SETTLE_S = 7200.0
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Own:
    """A set of our own settings with its targets: MAE over the best panel's, travel over the static
    inverse's, starts a day."""

    name: str
    settings: Mapping[str, float]
    error: float
    travel: float
    starts: float


OWN = (
    Own("ours, default", {}, 0.85, 0.90, 500.0),
    Own(
        "ours, tight",
        {
            "loop.gain": 0.7,
            "loop.integral_time": 60.0,
            "loop.feedforward_filter": 3.0,
            "loop.tolerance": 0.33,
            "valve.hold": 4.0,
        },
        0.60,
        1.00,
        900.0,
    ),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One controller in one week."""

    controller: Panel | Own
    seed: int
    days: float
    step: float


def play(job: Job) -> Result:
    """Run it."""
    weather = Weather.load(WEATHER)
    controller = job.controller
    bench = Bench(
        weather,
        settings=controller.settings if isinstance(controller, Own) else None,
        panel=controller if isinstance(controller, Panel) else None,
        seed=job.seed,
        start=weather.first(MONTH, DAY),
        step=job.step,
        disturbances=Disturbances(job.seed),
    )
    bench.run(SETTLE_S)
    watch = Watch(bench)
    bench.run(86400.0 * job.days, watch)
    return watch.result()


def play_all(jobs: list[Job]) -> list[Result]:
    """All runs, two at a time; a line on stderr as each ends."""
    found = []
    with multiprocessing.Pool(WORKERS) as pool:
        for job, result in zip(jobs, pool.imap(play, jobs), strict=True):
            found.append(result)
            print(
                f"seed {job.seed}  {_row(job.controller.name, result)}  inverse {result.inverse:.1f}",
                file=sys.stderr,
                flush=True,
            )
    return found


def week(days: float, seeds: int, step: float) -> None:
    """Run and print the table."""
    own: list[Panel | Own] = [*OWN, *PANELS]
    # The slow ones and the strongest panel first: a run that is broken off has said most.
    order = [*OWN, *reversed(PANELS)]
    jobs = [Job(controller, seed, days, step) for controller in order for seed in range(1, seeds + 1)]
    runs: dict[str, list[Result]] = {}
    for job, result in zip(jobs, play_all(jobs), strict=True):
        runs.setdefault(job.controller.name, []).append(result)
    best = [min(runs[panel.name][i].mae for panel in PANELS) for i in range(seeds)]
    print(f"disturbed week: {WEATHER} {MONTH}-{DAY}, {days:g} days, {seeds} seeds, scan {step:g} s; medians")
    print(f"{'controller':28} MAE K   95 % K  strokes/d  starts/d   MAE/best  travel/inverse  at an end")
    for controller in own:
        own_runs = runs[controller.name]
        error = median(run.mae / reference for run, reference in zip(own_runs, best, strict=True))
        travel = median(run.travel / run.inverse for run in own_runs)
        print(f"{_row(controller.name, _median(own_runs))}  {error:8.2f}  {travel:14.2f}", end="")
        print(f"  {100 * median(run.saturated for run in own_runs):8.1f} %")
    inverse = median(run.inverse for run in runs[OWN[0].name])
    print(f"{'static inverse at 1 min':28} {'':15} {inverse:9.1f}")
    for target in OWN:
        own_runs = runs[target.name]
        error = median(run.mae / reference for run, reference in zip(own_runs, best, strict=True))
        travel = median(run.travel / run.inverse for run in own_runs)
        starts = median(run.starts for run in own_runs)
        verdicts = [
            _verdict("MAE/best", error, target.error),
            _verdict("travel/inverse", travel, target.travel),
            _verdict("starts/day", starts, target.starts),
        ]
        print(f"{target.name}: " + ", ".join(verdicts))


def _row(name: str, run: Result) -> str:
    return f"{name:28} {run.mae:6.3f}  {run.p95:6.3f}  {run.travel:9.1f}  {run.starts:8.0f}"


def _median(runs: list[Result]) -> Result:
    return Result(*(median(values) for values in zip(*map(_values, runs), strict=True)))


def _values(run: Result) -> tuple[float, ...]:
    return (run.mae, run.p95, run.travel, run.starts, run.inverse, run.saturated)


def _verdict(what: str, value: float, target: float) -> str:
    word = "met" if value <= target else "missed"
    return f"{what} {value:.3g} (target {target:g}, {word})"
