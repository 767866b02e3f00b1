"""One cell: warm up, break, watch for a day, mend, watch again; beside a twin to which nothing happens.

The day after a break is scanned every second for twenty minutes, then every five; a deviation that could
still grow beyond what is allowed is watched for three days, and a station that has long been as its twin is
not watched to the day's end (`sim/campaign/likeness.py`). Before faults of a day the station has run for
eight, so that its watchers know what is usual. A cell and its twin have the same seed, weather and scans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from controller.settings.station import StationFile
from drivers.profile import Profile
from sim.campaign.causes import Cause, accused, cause_of, is_latched, warned_leaks
from sim.campaign.cells import Bench, Breaking, Cell, Start
from sim.campaign.claims import Claims
from sim.campaign.excuses import HEAT, ROOMS, Carried, carried_by_devices, excused
from sim.campaign.judge import Judge, Margin
from sim.campaign.likeness import ALIKE_S, FIRST_S, as_its_twin, may_end
from sim.campaign.table import Demand
from sim.campaign.watch import NEAR_S, SAMPLE_S, Trace, Watch
from sim.rig import Rig
from sim.weather import Weather

FINE_S, COARSE_S = 1.0, 5.0
FINE_FOR_S = 1200.0
DAY_S = 86400.0
LONG_S = 3 * DAY_S
LEARNING_S = 8 * DAY_S
MENDED_FINE_S = 600.0
MENDED_S, CALM_S = 3 * 3600.0, 1800.0
ALIKE_SAMPLES = round(ALIKE_S / SAMPLE_S)
SECOND_AFTER_S = 60.0
BURST_S = 600.0
MOST_ALARMS = 3
MOST_TIMES = 24
"""One that comes more often in a day chatters, and nobody heeds it any more."""
HEAT_LOW, HEAT_HIGH = 0.90, 1.15
ROOM_DAY_K, ROOM_LONG_K = 1.0, 2.0
GROWING_K = 0.3
"""A building that has lost no more than this within a day cannot lose 2 K within three, whatever goes on: its
time constant of about 100 h makes a steady want of heat grow less than threefold."""
BACK_K = 3.0
COLDER_K, OPEN = 0.5, 0.98
"""A building that a fault has cooled so far takes its time; a valve that can open no further."""
WARMING = ("return_cool", "supply_low", "over_pressure")
"""What a loop does that warms up: its water grows, and is let out in portions."""
KEEPS_HEAT = ("sensor", "device", "program", "service")


@dataclass(slots=True)
class Result:
    """What a cell did. `failures`: one line for each sentence that is not true of it."""

    cell: Cell
    heat: float = 1.0
    """Heat of the day over the twin's."""
    room_day: float = 0.0
    room_long: float | None = None
    watched_s: float = 0.0
    """From the break until it was mended."""
    alike_after: float | None = None
    """Seconds after the break when it was ended, for it had long been as its twin."""
    margins: dict[str, Margin] = field(default_factory=dict)
    alarms: list[tuple[float, str, str]] = field(default_factory=list)
    cause: Cause | None = None
    told_after: float | None = None
    failures: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    """The same for what no controller can prevent, with the reason."""
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


def let_learn(rig: Rig) -> None:
    """Give the watchers of the equipment the days that they need to know what is usual at this station."""
    rig.dt = COARSE_S
    rig.run(seconds=LEARNING_S)
    rig.dt = FINE_S
    rig.run(seconds=NEAR_S)
    rig.events.clear()


def run_twin(rig: Bench, hours: float) -> Trace:
    """The station to which nothing happens, from the moment of the break on, as long as a cell may be
    watched."""
    watch = Watch(rig)
    watch.run(min(FINE_FOR_S, hours * 3600.0), FINE_S)
    watch.run((LONG_S if hours * 3600.0 >= DAY_S else hours * 3600.0) - FINE_FOR_S, COARSE_S)
    return watch.trace


def run_cell(
    cell: Cell,
    rig: Bench,
    breaker: Breaking,
    twin: Trace,
    hours: float = 24.0,
    *,
    first_failure: bool = False,
    whole: bool = False,
    mended_s: float = MENDED_S,
) -> Result:
    """Break, watch, judge, mend, judge. `rig` is at the cell's start and is used up. `first_failure`: what
    has failed already is not mended; `whole`: also what is as its twin is watched for all its hours;
    `mended_s`: so long everything has to recover."""
    result = Result(cell, cause=cause_of(cell, warned_leaks(rig.station)))
    judge = Judge(rig)
    watch = Watch(rig, judge, Claims(rig, cell), cell)
    result.margins, result.trace = judge.margins, watch.trace
    begin = rig.plant.time
    carried = carried_by_devices(rig.station)
    try:
        _break(cell, watch, breaker)
        spent = rig.plant.time - begin
        watch.run(min(FINE_FOR_S, hours * 3600.0) - spent, FINE_S)
        result.alike_after = _rest_of_day(cell, watch, result.cause, twin, hours, whole=whole)
        _compare(result, watch.trace, twin)
        if hours >= 24.0 and result.alike_after is None and _growing(result, watch, twin):
            watch.run(LONG_S - DAY_S, COARSE_S)
            result.room_long = _worst_room(watch.trace, twin)
        result.alarms = [
            (event.time - begin, event.code, event.subject) for event in rig.events if event.kind == "alarm"
        ]
        result.watched_s = rig.plant.time - begin
        _judge_alarms(result, watch)
        if first_failure:
            _judge_plant(result, judge.demands, carried)
            if result.failures:
                return result
            result.excused.clear()
        breaker.end()
        watch.run(MENDED_FINE_S, FINE_S)
        _recover(watch, mended_s - MENDED_FINE_S, whole=whole)
    except Exception as problem:  # noqa: BLE001  # a scan that throws is a result
        result.failures.append(f"the scan threw {type(problem).__name__}: {problem}")
        return result
    _judge_plant(result, judge.demands, carried)
    _judge_recovery(result, watch, twin, mended_s)
    return result


def _break(cell: Cell, watch: Watch, breaker: Breaking) -> None:
    first, *more = cell.breaks
    breaker.begin(first)
    for one in more:
        watch.run(SECOND_AFTER_S, FINE_S)
        breaker.begin(one)


def _rest_of_day(
    cell: Cell, watch: Watch, cause: Cause | None, twin: Trace, hours: float, *, whole: bool
) -> float | None:
    """Watch on for `hours` after the break; seconds after it when the station was found to be as its twin,
    and nothing was left to wait for."""
    left = hours * 3600.0 - FINE_FOR_S
    events, since = watch.rig.events, watch.rig.plant.time
    heard = len(events)
    while left > 0.0:
        step = min(left, NEAR_S)
        watch.run(step, COARSE_S)
        left -= step
        now = watch.rig.plant.time
        if len(events) != heard:
            heard, since = len(events), now
        if whole or now - since < ALIKE_S or now - watch.begin < FIRST_S or not may_end(cell):
            continue
        if left > 0.0 and _is_told(cause, watch) and as_its_twin(watch.trace, twin, ALIKE_SAMPLES):
            return now - watch.begin
    return None


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


def _growing(result: Result, watch: Watch, twin: Trace) -> bool:
    """A sensor that has drifted for a day, was told, and gets no heed from the station will not get any."""
    if result.cell.group not in KEEPS_HEAT:
        return False
    unheeded = _is_told(result.cause, watch) and as_its_twin(watch.trace, twin, ALIKE_SAMPLES)
    drifts = any(one.kind == "drift" for one in result.cell.breaks)
    return abs(result.room_day) > GROWING_K or (drifts and not unheeded)


def _is_told(cause: Cause | None, watch: Watch) -> bool:
    events = watch.rig.events
    return cause is None or any(e.kind == "alarm" and cause.names(e.code, e.subject) for e in events)


def _judge_plant(result: Result, demands: Mapping[str, Demand], carried: Carried) -> None:
    cell = result.cell
    if cell.group in KEEPS_HEAT:
        for kind, wrong in _heat_lost(result):
            reason = excused(cell, kind, carried)
            (result.excused if reason else result.failures).append(f"{wrong} ({reason})" if reason else wrong)
    for name, margin in result.margins.items():
        if margin.left >= 0.0:
            continue
        beyond = f"{name}: {-margin.left:.1f} {margin.unit} beyond what is allowed"
        demand = demands.get(name)
        if demand is not None and not demand.asked_of(cell):
            result.excused.append(f"{beyond} (nobody sees it)")
        elif reason := excused(cell, name, carried, -margin.left):
            result.excused.append(f"{beyond} ({reason})")
        else:
            result.failures.append(beyond)


def _heat_lost(result: Result) -> Iterator[tuple[str, str]]:
    """What is wrong with the heat of the day, of which kind."""
    if not HEAT_LOW <= result.heat <= HEAT_HIGH:
        yield HEAT, f"{HEAT} {result.heat:.2f} of the twin's"
    if abs(result.room_day) > ROOM_DAY_K:
        yield ROOMS, f"{ROOMS} {result.room_day:+.1f} K from its twin after a day"
    if result.room_long is not None and abs(result.room_long) > ROOM_LONG_K:
        yield ROOMS, f"{ROOMS} {result.room_long:+.1f} K from its twin after three days"


def _judge_alarms(result: Result, watch: Watch) -> None:
    cause, alarms, asked_at = result.cause, result.alarms, watch.asked_at
    for (code, subject), after in watch.untrue.items():
        result.failures.append(f"not true when it was told after {after:.0f} s: {code}@{subject}")
    if cause is not None:
        counted_from = asked_at if cause.asked else _last_break_at(result.cell)
        named = [time for time, code, subject in alarms if cause.names(code, subject)]
        result.told_after = max(named[0] - counted_from, 0.0) if named else None
        due = result.watched_s >= counted_from + cause.within_s
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
    times = Counter((code, subject) for time, code, subject in alarms if time <= DAY_S)
    for (code, subject), count in times.items():
        if count > MOST_TIMES:
            result.failures.append(f"came {count} times: {code}@{subject}")
    for _, code, subject in dict.fromkeys((0, code, subject) for _, code, subject in alarms):
        if accused(result.cell, code, subject):
            result.failures.append(f"accuses what is sound: {code}@{subject}")


def _last_break_at(cell: Cell) -> float:
    """Seconds after the first: a person's hand comes before what breaks."""
    return SECOND_AFTER_S * max(
        (number for number, one in enumerate(cell.breaks) if one.target != "hand"), default=0
    )


def _recover(watch: Watch, seconds: float, *, whole: bool) -> None:
    """Watch on after it was mended, until nothing has been wrong or told for half an hour."""
    rig, events = watch.rig, watch.rig.events
    heard, since = len(events), rig.plant.time
    while seconds > 0.0:
        step = min(seconds, NEAR_S)
        watch.run(step, COARSE_S)
        seconds -= step
        if len(events) != heard or _unwell(rig) or any(_astray(rig)):
            heard, since = len(events), rig.plant.time
        if not whole and rig.plant.time - since >= CALM_S:
            return


def _unwell(rig: Bench) -> set[tuple[str, str]]:
    """Alarms that nobody need acknowledge at the station, (code, subject)."""
    return {(code, subject) for code, subject in rig.alarms() if not is_latched(code)}


def _astray(rig: Bench) -> Iterator[tuple[str, float, float]]:
    """Circuits whose supply is far from what is wanted: name, supply and set-point in °C."""
    for name, zone in rig.plant.zones.items():
        setpoint = rig[f"{name}.supply_setpoint"]
        if setpoint.usable and abs(zone.supply - setpoint.value) > BACK_K:
            yield name, zone.supply, setpoint.value


def _warming_up(watch: Watch, twin: Trace) -> set[str]:
    """Circuits with a building that the fault has made colder than its twin, and that have all the heat there
    is: the valve is open, or the supply as wanted. That they are not warm yet is no failure to recover."""
    found, at = set[str](), 0
    last = min(len(watch.trace.air), len(twin.air)) - 1
    astray = {name for name, _, _ in _astray(watch.rig)}
    for name, zone in watch.rig.plant.zones.items():
        here = slice(at, at + len(zone.branches))
        at = here.stop
        colder = min(a - b for a, b in zip(watch.trace.air[last][here], twin.air[last][here], strict=True))
        if colder < -COLDER_K and (name not in astray or zone.valve.position >= OPEN):
            found.add(name)
    return found


def _judge_recovery(result: Result, watch: Watch, twin: Trace, mended_s: float) -> None:
    rig, warming = watch.rig, _warming_up(watch, twin)
    usual = twin.unwell[min(len(watch.trace.unwell), len(twin.unwell)) - 1]
    left = {
        (code, subject)
        for code, subject in _unwell(rig) - usual
        if not (code in WARMING and subject in warming)
    }
    if left and not _waits_for_a_hand(result.cell):
        names = ", ".join(f"{code}@{subject}" for code, subject in sorted(left))
        result.failures.append(f"{mended_s / 3600.0:.2g} h after it was mended: {names}")
    for name, supply, wanted in _astray(rig):
        if name not in warming and not _waits_for_a_hand(result.cell):
            result.failures.append(
                f"{name}: {mended_s / 3600.0:.2g} h after it was mended the supply is {supply:.1f} °C,"
                f" wanted {wanted:.1f} °C"
            )


def _waits_for_a_hand(cell: Cell) -> bool:
    """An emptied loop is filled by people; a second master that opens the relief empties it, too."""
    return any(one.kind in ("burst", "overwritten") for one in cell.breaks)
