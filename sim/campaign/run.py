"""One cell: warm up, break, watch for a day, mend, watch again; beside a twin to which nothing happens.

The day after a break is scanned every second for twenty minutes, then every five; a deviation that could
still grow beyond what is allowed is watched for three days. A cell and its twin have the same seed, weather
and scans.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.settings.station import StationFile
from drivers.profile import Profile
from sim.campaign.breaking import Breaker
from sim.campaign.causes import ASKED_PERCENT, Cause, accused, cause_of, is_latched
from sim.campaign.cells import Cell, Start
from sim.campaign.judge import Judge, Margin
from sim.rig import Rig
from sim.weather import Weather

FINE_S, COARSE_S = 1.0, 5.0
FINE_FOR_S = 1200.0
DAY_S = 86400.0
LONG_S = 3 * DAY_S
MENDED_FINE_S = 600.0
MENDED_S = 3 * 3600.0
SAMPLE_S = 300.0
SECOND_AFTER_S = 60.0
BURST_S = 600.0
MOST_ALARMS = 3
HEAT_LOW, HEAT_HIGH = 0.90, 1.15
ROOM_DAY_K, ROOM_LONG_K = 1.0, 2.0
GROWING_K = 0.3
"""A building that has lost no more than this within a day cannot lose 2 K within three, whatever goes on: its
time constant of about 100 h makes a steady want of heat grow less than threefold."""
BACK_K = 3.0
KEEPS_HEAT = ("sensor", "device", "program")


@dataclass(slots=True)
class Trace:
    """Every five minutes since the break: heat of all circuits in J, air of every building in °C, and a
    picture's worth of the first circuit."""

    heat: list[float] = field(default_factory=list)
    air: list[list[float]] = field(default_factory=list)
    shown: list[tuple[float, ...]] = field(default_factory=list)


@dataclass(slots=True)
class Result:
    """What a cell did. `failures`: one line for each sentence that is not true of it."""

    cell: Cell
    heat: float = 1.0
    """Heat of the day over the twin's."""
    room_day: float = 0.0
    room_long: float | None = None
    margins: dict[str, Margin] = field(default_factory=dict)
    alarms: list[tuple[float, str, str]] = field(default_factory=list)
    cause: Cause | None = None
    told_after: float | None = None
    failures: list[str] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)


def make_rig(file: StationFile, profiles: Mapping[str, Profile], start: Start, seed: int) -> Rig:
    """A warmed-up station at a start."""
    own = file.model_copy(deep=True)
    for zone in own.plant.zones.values():
        zone.conductance *= start.conductance
    weather = Weather.constant(start.outdoor)
    rig = Rig(own, profiles, weather, seed=seed, cold=start.cold, dt=FINE_S)
    rig.run(seconds=start.warm_up_s)
    rig.events.clear()
    return rig


class Watch:
    """Runs a rig and samples it."""

    def __init__(self, rig: Rig, judge: Judge | None = None) -> None:
        self.rig = rig
        self.trace = Trace()
        self._judge = judge
        self._next = rig.plant.time
        self.begin = rig.plant.time
        self.asked_at = math.inf
        """Seconds until a valve was asked to do something that it does not do."""
        self._valves = [
            (rig.station.image[f"{name}.valve_command"], zone.valve)
            for name, zone in rig.plant.zones.items()
            if f"{name}.valve_command" in rig.station.image.points
        ]

    def run(self, seconds: float, dt: float) -> None:
        """Let `seconds` pass in scans of `dt`."""
        rig, judge = self.rig, self._judge
        rig.dt = dt
        for _ in range(round(seconds / dt)):
            rig.step()
            now = rig.plant.time
            if self.asked_at == math.inf:
                self._ask(now)
            if judge is not None:
                judge.step(now, dt)
            if now >= self._next:
                self._next += SAMPLE_S
                self._sample()

    def _ask(self, now: float) -> None:
        for command, valve in self._valves:
            if abs(command.value - 100.0 * valve.position) > ASKED_PERCENT:
                self.asked_at = now - self.begin

    def _sample(self) -> None:
        zones = list(self.rig.plant.zones.values())
        self.trace.heat.append(sum(zone.heat_from_primary for zone in zones))
        self.trace.air.append([branch.building.air for zone in zones for branch in zone.branches])
        zone = zones[0]
        self.trace.shown.append(
            (
                self.rig.plant.time - self.begin,
                zone.supply,
                zone.header,
                100.0 * zone.valve.position,
                zone.loop.pressure * 1e-3,
                min(branch.building.air for branch in zone.branches),
            )
        )


def run_twin(rig: Rig, hours: float) -> Trace:
    """The station to which nothing happens, from the moment of the break on, as long as a cell may be
    watched."""
    watch = Watch(rig)
    watch.run(FINE_FOR_S, FINE_S)
    watch.run((LONG_S if hours * 3600.0 >= DAY_S else hours * 3600.0) - FINE_FOR_S, COARSE_S)
    return watch.trace


def run_cell(cell: Cell, rig: Rig, twin: Trace, hours: float = 24.0) -> Result:
    """Break, watch, judge, mend, judge. `rig` is at the cell's start and is used up."""
    result = Result(cell, cause=cause_of(cell))
    breaker, judge = Breaker(rig), Judge(rig)
    watch = Watch(rig, judge)
    result.margins, result.trace = judge.margins, watch.trace
    begin = rig.plant.time
    try:
        _break(cell, watch, breaker)
        spent = rig.plant.time - begin
        watch.run(FINE_FOR_S - spent, FINE_S)
        watch.run(hours * 3600.0 - FINE_FOR_S, COARSE_S)
        _compare(result, watch.trace, twin)
        if hours >= 24.0 and _growing(result, cell):
            watch.run(LONG_S - DAY_S, COARSE_S)
            result.room_long = _worst_room(watch.trace, twin)
        result.alarms = [
            (event.time - begin, event.code, event.subject) for event in rig.events if event.kind == "alarm"
        ]
        lasted = rig.plant.time - begin
        breaker.end()
        watch.run(MENDED_FINE_S, FINE_S)
        watch.run(MENDED_S - MENDED_FINE_S, COARSE_S)
    except Exception as problem:  # noqa: BLE001  # a scan that throws is a result
        result.failures.append(f"the scan threw {type(problem).__name__}: {problem}")
        return result
    _judge_alarms(result, watch.asked_at, lasted)
    _judge_plant(result)
    _judge_recovery(result, rig)
    return result


def _break(cell: Cell, watch: Watch, breaker: Breaker) -> None:
    first, *more = cell.breaks
    breaker.begin(first)
    for one in more:
        watch.run(SECOND_AFTER_S, FINE_S)
        breaker.begin(one)


def _compare(result: Result, trace: Trace, twin: Trace) -> None:
    last = min(len(trace.heat), len(twin.heat)) - 1
    used, usual = trace.heat[last] - trace.heat[0], twin.heat[last] - twin.heat[0]
    result.heat = used / usual if usual > 0.0 else 1.0
    result.room_day = _worst_room(trace, twin)


def _worst_room(trace: Trace, twin: Trace) -> float:
    """Largest difference of a building's air to its twin now, K, with its sign."""
    last = min(len(trace.air), len(twin.air)) - 1
    differences = [own - other for own, other in zip(trace.air[last], twin.air[last], strict=True)]
    return max(differences, key=abs)


def _growing(result: Result, cell: Cell) -> bool:
    return cell.group in KEEPS_HEAT and (
        abs(result.room_day) > GROWING_K or any(one.kind == "drift" for one in cell.breaks)
    )


def _judge_plant(result: Result) -> None:
    cell = result.cell
    if cell.group in KEEPS_HEAT:
        if not HEAT_LOW <= result.heat <= HEAT_HIGH:
            result.failures.append(f"heat of the day {result.heat:.2f} of the twin's")
        if abs(result.room_day) > ROOM_DAY_K:
            result.failures.append(f"a building {result.room_day:+.1f} K from its twin after a day")
        if result.room_long is not None and abs(result.room_long) > ROOM_LONG_K:
            result.failures.append(f"a building {result.room_long:+.1f} K from its twin after three days")
    for name, margin in result.margins.items():
        if margin.left < 0.0 and not _excused(cell, name):
            result.failures.append(f"{name}: {-margin.left:.1f} {margin.unit} beyond what is allowed")


def _excused(cell: Cell, invariant: str) -> bool:
    """What no controller can prevent: no pressure after a burst or without power, a pump that nobody can
    stop."""
    for one in cell.breaks:
        if ":" in invariant and (one.target != "plant" or cell.group in ("sensor", "wiring")):
            return True  # the table goes by what it can see
        if ":" in invariant and (one.kind == "local" or one.on.endswith("_pressure") or "suction" in one.on):
            return True  # a person has it; the other signs must be believed
        if one.kind == "overwritten":
            return True  # somebody else commands it: told, and met with what is left
        if one.kind == "burst" and invariant == "freezing":
            return True  # the water is out; the riser's rest freezes
        if invariant == "freezing" and sum(b.kind == "trip" and ".pump_" in b.on for b in cell.breaks) > 1:
            return True  # no pump is left: `standing_cold` says how long people have
        if invariant == "no flow: valve shut" and one.kind == "burst":
            return True  # a pump against a loop half empty makes head and no flow: over-temperature is left
        if invariant == "frost outside: a pump runs" and one.kind == "power_failure":
            return True
        if invariant == "relief" and (
            one.target == "device" or one.on.endswith("relief_valve") or cell.group == "wiring"
        ):
            return True  # pressures that nobody sees, a relief that does not open: the safety valve is left
        if invariant == "highest radiator" and (
            one.kind in ("burst", "power_failure", "no_city_water")
            or (one.kind == "leak" and (one.value or 0) > 1.0)
        ):
            return True
        if invariant == "freezing" and one.kind in ("power_failure", "primary_outage", "interruption"):
            return True
        if invariant in ("suction", "dry makeup") and one.kind in ("welded", "local", "mains_bypass"):
            return True
        if invariant in ("hot water", "very hot water") and cell.group == "valve":
            return True  # told and met with what is left; see the alarms
        if invariant in ("hot water", "very hot water") and one.kind == "power_failure":
            return True  # a valve that stays open without power heats standing water; `check` warns of it
    return False


def _judge_alarms(result: Result, asked_at: float, lasted: float) -> None:
    cause, alarms = result.cause, result.alarms
    if cause is not None:
        counted_from = asked_at if cause.asked else 0.0
        named = [time for time, code, subject in alarms if cause.names(code, subject)]
        result.told_after = max(named[0] - counted_from, 0.0) if named else None
        due = lasted >= counted_from + cause.within_s
        if not named and due:
            result.failures.append(f"not told: {cause}")
        elif result.told_after is not None and result.told_after > cause.within_s:
            result.failures.append(
                f"told after {result.told_after:.0f} s (asked: {cause.within_s:.0f} s): {cause}"
            )
    burst = [(code, subject) for time, code, subject in alarms if time <= BURST_S]
    if len(set(burst)) > MOST_ALARMS and result.cell.group != "pair":
        names = ", ".join(f"{code}@{subject}" for code, subject in dict.fromkeys(burst))
        result.failures.append(f"{len(set(burst))} alarms in ten minutes: {names}")
    for _, code, subject in dict.fromkeys((0, code, subject) for _, code, subject in alarms):
        if accused(result.cell, code, subject):
            result.failures.append(f"accuses what is sound: {code}@{subject}")


def _judge_recovery(result: Result, rig: Rig) -> None:
    left = {(code, subject) for code, subject in rig.alarms() if not is_latched(code)}
    if left and not _waits_for_a_hand(result.cell):
        names = ", ".join(f"{code}@{subject}" for code, subject in sorted(left))
        result.failures.append(f"three hours after it was mended: {names}")
    for name, zone in rig.plant.zones.items():
        setpoint = rig[f"{name}.supply_setpoint"]
        if (
            setpoint.usable
            and abs(zone.supply - setpoint.value) > BACK_K
            and not _waits_for_a_hand(result.cell)
        ):
            result.failures.append(
                f"{name}: three hours after it was mended the supply is {zone.supply:.1f} °C,"
                f" wanted {setpoint.value:.1f} °C"
            )


def _waits_for_a_hand(cell: Cell) -> bool:
    """An emptied loop is filled by people; a second master that opens the relief empties it, too."""
    return any(one.kind in ("burst", "overwritten") for one in cell.breaks)
