"""Does the watch over the equipment find what breaks, and keep quiet while nothing does?

    python benchmarks/equipment.py [--quick] [--only faults|winters] [--processes 2]

Faults: the demo station learns on a fault-free December (harbin:1), then each fault begins in a copy of that
run and lasts until it is told and a day more, at most its stated time. Winters: three without any fault
(other weather, other seeds of noise and disturbances); every row told there is a false alarm. `--quick`: a
third of the faults, and of each winter the first days and a few more from every month, the station's memory
carried over. Prints recall, precision and the time to each detection; scans of 5 s.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.settings.check import check_file
from sim.rig import Rig
from sim.weather import Weather

DEMO = Path(__file__).parents[1] / "config" / "demo.yaml"
STEP_S = 5.0
LEARNING_DAYS = 14
AFTERWARDS_H = 24.0
SETTLING_H = 12.0
"""A plant that has just been made fills its loop first; in the first part that belongs to the learning."""
ASKED_PERCENT = 3.0
"""A stuck stem is told within its time after the command has left it by so much."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What breaks, the row that should tell it, and within how many hours."""

    part: str
    kind: str
    value: float | None
    told_by: str
    within_h: float
    quick: bool = False
    also: str = ""
    """Another row that is right about it."""


WEEK, THREE_DAYS = 168.0, 72.0
FAULTS = (
    Fault("low.exchanger", "fouling", 0.25, "exchanger_fouled", WEEK, True),
    Fault("low.exchanger", "fouling", 0.5, "exchanger_fouled", WEEK),
    Fault("low.valve", "leaking", 2.0, "valve_leaks", THREE_DAYS, True),
    Fault("low.valve", "leaking", 5.0, "valve_leaks", THREE_DAYS),
    Fault("low.valve", "slipping", 50.0, "valve_slips", THREE_DAYS, True),
    Fault("low.valve", "stuck", None, "valve_stuck", 1 / 6, True),
    Fault("low.primary_strainer", "clogged", 0.7, "primary_strainer_clogged", THREE_DAYS),
    Fault("low.primary_strainer", "clogged", 0.5, "primary_strainer_clogged", THREE_DAYS),
    Fault("low.strainer", "clogged", 0.7, "loop_throttled", THREE_DAYS, True),
    Fault("low.strainer", "clogged", 0.5, "loop_throttled", THREE_DAYS),
    Fault("low.branch_3", "blocked", 0.9, "loop_throttled", THREE_DAYS),
    Fault("low.primary_bypass", "open", 3.0, "excess_flow", THREE_DAYS, True),
    Fault("low.primary_bypass", "open", 8.0, "excess_flow", THREE_DAYS),
    Fault("low.branch_1", "short_circuit", 0.8, "loop_short_circuit", THREE_DAYS),
    Fault("low.branch_3", "short_circuit", 1.0, "loop_short_circuit", THREE_DAYS),
    Fault("low.pump_1", "wear", 0.1, "pump_worn", WEEK),
    Fault("low.pump_1", "wear", 0.2, "pump_worn", WEEK),
    Fault("low.pump_2", "check_valve", None, "check_valve_leaks", THREE_DAYS),
    Fault("low.return_temperature", "offset", 2.0, "secondary_sensors_drift", THREE_DAYS),
    Fault("low.return_temperature", "drift", 0.05, "secondary_sensors_drift", THREE_DAYS),
    Fault("station.primary_return_temperature", "offset", 2.0, "primary_sensors_drift", THREE_DAYS),
    Fault("station.primary_supply_temperature", "offset", -2.0, "primary_sensors_drift", THREE_DAYS),
    Fault("low.supply_temperature", "offset", 2.0, "pair_drifts", THREE_DAYS, True),
    Fault("low.supply_temperature_2", "drift", -0.05, "pair_drifts", THREE_DAYS),
    Fault("low.return_temperature", "frozen", None, "sensor_frozen", 6.1),
    Fault("station.outdoor_temperature", "frozen", None, "sensor_frozen", 6.1),
    Fault("low.differential_pressure", "frozen", None, "sensor_frozen", 12.1),
    Fault("low.room_temperature_2", "frozen", None, "sensor_frozen", 12.1),
    Fault("low.makeup_pressure", "frozen", None, "sensor_frozen", 12.1),
    Fault("station.tank_level", "frozen", None, "sensor_frozen", 12.1),
    Fault("station.heat_energy", "frozen", None, "meter_stuck", 1.0),
    Fault("station.heat_power", "frozen", None, "meter_stuck", 1.0, True),
    Fault("station.primary_flow", "frozen", None, "meter_stuck", 1.0),
    Fault("low", "leak", 0.4, "leak_begins", 1.0, True),
    Fault("low", "leak", 0.1, "leak_begins", 12.0),
    Fault("low", "burst", 40.0, "pressure_drops", 0.1, True, also="leak_begins"),
)

WINTERS = (("harbin:1", 1, (10, 20), 182), ("harbin:2", 2, (10, 20), 182), ("shenyang", 3, (11, 1), 151))
"""Weather, seed, first day, days of the heating season there."""
PARTS = (((1, 10), 3), ((4, 5), 3), ((12, 10), 3), ((2, 20), 3), ((11, 25), 3), ((3, 15), 3))
"""Of a winter that is sampled: first day, days; the first ones the hardest. The learning days come before."""

_ready: list[Rig] = []


def rig_at(weather: str, seed: int, day: tuple[int, int]) -> Rig:
    """The demo station on that day."""
    checked = check_file(DEMO)
    assert checked.file is not None
    played = Weather.load(weather)
    file = checked.file.model_copy(deep=True)
    return Rig(file, checked.profiles, played, seed=seed, start_time=played.first(*day), dt=STEP_S)


def told(rig: Rig, since: float) -> list[tuple[float, str]]:
    """Hours since `since` and codes of what the watch has told; forgets the run's events."""
    codes = {rule.code for rule in rig.station.equipment.rules()}
    found = [
        ((event.time - since) / 3600.0, event.code)
        for event in rig.events
        if event.kind == "alarm" and event.code in codes
    ]
    rig.events.clear()
    return found


def _learned() -> Rig:
    """The station after its learning days, once a process."""
    if not _ready:
        rig = rig_at("harbin:1", 0, (11, 20))
        rig.run(hours=24 * LEARNING_DAYS)
        assert not told(rig, 0.0), "a false alarm while it learns"
        _ready.append(rig)
    return _ready[0]


def try_fault(fault: Fault) -> tuple[Fault, float | None, list[tuple[float, str]]]:
    """Run one in a process that ends afterwards: hours to its detection (None: not told), all rows told."""
    rig = _learned()
    begin = rig.plant.time
    rig.fault(fault.part, fault.kind, fault.value)
    asked = begin if fault.kind != "stuck" else None
    end = begin + 3600.0 * max(fault.within_h, AFTERWARDS_H)
    rows: list[tuple[float, str]] = []
    found: float | None = None
    while rig.plant.time < end:
        rig.step()
        if asked is None:
            away = rig["low.valve_command"].value - rig["low.valve_position"].value
            asked = rig.plant.time if abs(away) >= ASKED_PERCENT else None
        if not rig.events:
            continue
        rows += told(rig, begin)
        if found is None and any(code == fault.told_by for _, code in rows):
            found = (rig.plant.time - (begin if asked is None else asked)) / 3600.0
            end = min(end, rig.plant.time + 3600.0 * AFTERWARDS_H)
    return fault, found, rows


def quiet_winter(
    job: tuple[str, int, tuple[int, int], int, bool],
) -> tuple[str, float, list[tuple[float, str]]]:
    """Run one winter: name, days, all that was told (hours since its start)."""
    weather, seed, first, days, quick = job
    rig = rig_at(weather, seed, first)
    begin, rows, done = rig.plant.time, [], 0.0
    parts: Sequence[tuple[tuple[int, int] | None, int]] = ((None, days),)
    if quick:
        parts = ((None, LEARNING_DAYS), *PARTS)
    for day, lasts in parts:
        if day is not None:
            state = rig.station.equipment.state()
            rig = rig_at(weather, seed, day)
            rig.run(hours=SETTLING_H)
            told(rig, begin)
            rig.station.equipment.restore(state)
        for _ in range(lasts):
            rig.run(hours=24)
            done += 1
            new = told(rig, begin)
            rows += new
            for hours, code in new:
                print(f"  {weather} day {hours / 24:.1f}: {code}", flush=True)
        print(f"  {weather}: {done:.0f} days, {len(rows)} told", flush=True)
    return weather, done, rows


def show_faults(results: Sequence[tuple[Fault, float | None, list[tuple[float, str]]]]) -> None:
    """One line a fault, then recall and precision."""
    in_time = right = wrong = 0
    print(f"{'fault':52} {'told by':26} {'after':>8} {'stated':>8}  others told")
    for fault, hours, rows in results:
        others = sorted({code for _, code in rows} - {fault.told_by, fault.also})
        in_time += hours is not None and hours <= fault.within_h
        right += hours is not None
        wrong += len(others)
        value = "" if fault.value is None else f" {fault.value:g}"
        name = f"{fault.part} {fault.kind}{value}"
        after = "–" if hours is None else f"{hours:.1f} h"
        print(f"{name:52} {fault.told_by:26} {after:>8} {fault.within_h:>6.1f} h  {', '.join(others)}")
    print(f"recall within the stated time   {in_time}/{len(results)} = {100 * in_time / len(results):.0f} %")
    if right + wrong:
        print(
            f"precision while a fault lasts   {right}/{right + wrong} = {100 * right / (right + wrong):.0f} %"
        )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("faults", "winters"))
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    context = multiprocessing.get_context("fork")
    begin = time.perf_counter()
    if asked.only != "winters":
        _learned()  # every process below starts as a copy of this one
        faults = [fault for fault in FAULTS if fault.quick or not asked.quick]
        with context.Pool(asked.processes, maxtasksperchild=1) as pool:
            show_faults(pool.map(try_fault, faults, chunksize=1))
    if asked.only != "faults":
        jobs = [(*winter, asked.quick) for winter in WINTERS]
        with context.Pool(asked.processes, maxtasksperchild=1) as pool:
            winters = pool.map(quiet_winter, jobs, chunksize=1)
        days = sum(done for _, done, _ in winters)
        alarms = sum(len(rows) for _, _, rows in winters)
        print(f"false alarms without a fault    {alarms} in {days:.0f} days of {len(winters)} winters")
    print(f"took                            {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
