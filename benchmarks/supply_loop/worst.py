"""The worst weeks: does the loop swing, also with a start tuning that is wrong by 2 and by 4?

    cold snap      from -5 to -25 °C within 12 h, stays
    thaw           from -20 to 0 °C within 12 h, stays
    primary ± 10 K within 1 h up by 10 K, there 1 h, within 2 h down by 20 K, there 1 h, back; again
    pump changes   the running circulation pump trips every 6 h and is mended 2 h later
    stiction 2 %   the stem follows after 2 % of the stroke; disturbances of the week (target: within
                   ± 0.5 K and 12 strokes a day)

The primary network moves as the plant's own does in all of them. `wrong` multiplies the gain of the loop (a
smaller one is slow, a larger one hot; K of lift a K of error), held within the setting's own range; the
integral time and the tolerance stay.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from controller.control.blocks.loop.supply_settings import LoopSettings
from controller.fields import Amount
from sim.weather import Weather
from supply_loop.bench import ZONE, Bench, checked
from supply_loop.disturbances import Disturbances
from supply_loop.swinging import AMPLITUDE_K, sustained

WRONG = (0.25, 0.5, 1.0, 2.0, 4.0)
WORKERS = 2
SETTLE_S = 3600.0
HOUR = 3600.0
Script = Callable[[Bench, float], None]


def _nothing(bench: Bench, elapsed: float) -> None:
    return


def _primary(bench: Bench, elapsed: float) -> None:
    """Every 7 h the round 0 → +10 → -10 → 0 K."""
    hours = elapsed / HOUR % 7.0
    value = float(np.interp(hours, (0, 1, 2, 4, 5, 6), (0, 10, 10, -10, -10, 0)))
    bench.plant.fault("station", "temperature_step", value)


class _PumpChanges:
    """Trips the pump that runs, every 6 h; mends it after 2 h."""

    def __init__(self) -> None:
        self._tripped = ""
        self._slot = 0

    def __call__(self, bench: Bench, elapsed: float) -> None:
        slot, inside = divmod(elapsed, 6 * HOUR)
        if self._tripped and inside >= 2 * HOUR:
            bench.plant.clear(self._tripped)
            self._tripped = ""
        elif slot > self._slot:
            self._slot = int(slot)
            running = next((i for i, pump in enumerate(bench.zone.pumps) if pump.running), 0)
            self._tripped = f"{ZONE}.pump_{running + 1}"
            bench.plant.fault(self._tripped, "trip")


def _stiction(bench: Bench, elapsed: float) -> None:
    bench.valve.stiction = 0.02


def _falling(before: float, after: float) -> Weather:
    temperatures = [before] * 12 + [before + (after - before) * k / 12 for k in range(12)] + [after] * 216
    calm = [0.0] * len(temperatures)
    return Weather(temperatures, calm, calm, Weather.constant(0.0).start)


@dataclass(frozen=True, slots=True)
class Week:
    """`weather` and `script` make what happens; `disturbed` adds the disturbances of the week."""

    name: str
    weather: Callable[[], Weather]
    script: Callable[[], Script] = lambda: _nothing
    disturbed: bool = False


WEEKS = {
    week.name: week
    for week in (
        Week("cold snap", lambda: _falling(-5.0, -25.0)),
        Week("thaw", lambda: _falling(-20.0, 0.0)),
        Week("primary ± 10 K", lambda: Weather.constant(-10.0), lambda: _primary),
        Week("pump changes", lambda: Weather.constant(-10.0), _PumpChanges),
        Week("stiction 2 %", lambda: Weather.constant(-10.0), lambda: _stiction, disturbed=True),
    )
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`mae`, `worst` K; `travel` strokes a day; `swings` h of sustained oscillation in all; `quiet` h after
    which none came any more."""

    mae: float
    worst: float
    travel: float
    swings: float
    quiet: float


def wrong_gain(gain: float, factor: float) -> float:
    """K/K, within what the setting allows."""
    allowed = next(m for m in LoopSettings.model_fields["gain"].metadata if isinstance(m, Amount))
    return min(max(gain * factor, allowed.low), allowed.high)


def play(job: tuple[str, float, Mapping[str, float], float]) -> Outcome:
    """One week: its name, the factor of the gain, settings, days."""
    name, wrong, settings, days = job
    week = WEEKS[name]
    made = checked().file
    assert made is not None
    gain = wrong_gain(settings.get("loop.gain", made.circuits[ZONE].loop.gain), wrong)
    bench = Bench(
        week.weather(),
        settings={**settings, "loop.gain": gain},
        seed=3,
        disturbances=Disturbances(3) if week.disturbed else None,
    )
    script = week.script()
    bench.run(SETTLE_S)
    begin, travel = bench.plant.time, bench.valve.travel
    errors: list[float] = []

    def each(at: Bench) -> None:
        errors.append(at.error)
        elapsed = at.plant.time - begin
        if elapsed % 60.0 < at.rig.dt:
            script(at, elapsed)

    bench.run(86400.0 * days, each)
    spans = sustained(errors, bench.rig.dt)
    sizes = np.abs(errors)
    return Outcome(
        float(sizes.mean()),
        float(sizes.max()),
        (bench.valve.travel - travel) / days,
        sum(end - start for start, end in spans) / HOUR,
        spans[-1][1] / HOUR if spans else 0.0,
    )


def worst(sets: Mapping[str, Mapping[str, float]], days: float, wrong: tuple[float, ...] = WRONG) -> None:
    """Run and print."""
    jobs = [
        (week, factor, settings, days) for settings in sets.values() for week in WEEKS for factor in wrong
    ]
    outcomes = iter(_play_all(jobs))
    print(
        f"worst weeks, {days:g} days each; sustained: 6 alternating extremes over {AMPLITUDE_K:g} K, no decay"
    )
    print("targets: none with the gain right or wrong by 2; wrong by 4: quiet within 2 h")
    for name in sets:
        print(name)
        print("week              gain x   MAE K   worst K   strokes/d   sustained h   quiet after h")
        for week in WEEKS:
            for factor in wrong:
                outcome = next(outcomes)
                print(_row(week, factor, outcome))


def _play_all(jobs: list[tuple[str, float, Mapping[str, float], float]]) -> list[Outcome]:
    """All weeks; a line on stderr as each ends."""
    found = []
    with multiprocessing.Pool(WORKERS) as pool:
        for job, outcome in zip(jobs, pool.imap(play, jobs), strict=True):
            found.append(outcome)
            print(_row(job[0], job[1], outcome), file=sys.stderr, flush=True)
    return found


def _row(week: str, factor: float, found: Outcome) -> str:
    return (
        f"{week:16} {factor:7g} {found.mae:7.3f} {found.worst:9.2f} {found.travel:11.1f}"
        f" {found.swings:13.1f} {found.quiet:15.1f}"
    )
