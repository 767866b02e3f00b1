"""One cell: warm up, break, watch for a day, mend, watch again; beside a twin to which nothing happens.

The day after a break is scanned every second for twenty minutes, then every five; a deviation that could
still grow beyond what is allowed is watched for three days. Before faults of a day the station has run for
eight, so that its watchers know what is usual. A cell and its twin have the same seed, weather and scans.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from controller.points import Point
from controller.settings.station import StationFile
from drivers.profile import Profile
from sim.campaign.causes import ASKED_PERCENT, Cause, accused, cause_of, is_latched, warned_leaks
from sim.campaign.cells import Bench, Breaking, Cell, Start
from sim.campaign.claims import Claims
from sim.campaign.excuses import Carried, carried_by_devices, excused
from sim.campaign.judge import Judge, Margin
from sim.campaign.table import Demand
from sim.physics.exchanger_zone import ExchangerZone
from sim.physics.valve import Valve
from sim.physics.zone import Zone
from sim.rig import Rig
from sim.weather import Weather

FINE_S, COARSE_S = 1.0, 5.0
FINE_FOR_S = 1200.0
DAY_S = 86400.0
LONG_S = 3 * DAY_S
LEARNING_S = 8 * DAY_S
MENDED_FINE_S = 600.0
MENDED_S = 3 * 3600.0
SAMPLE_S = 300.0
NEAR_S = 600.0
SECOND_AFTER_S = 60.0
BURST_S = 600.0
MOST_ALARMS = 3
HEAT_LOW, HEAT_HIGH = 0.90, 1.15
ROOM_DAY_K, ROOM_LONG_K = 1.0, 2.0
GROWING_K = 0.3
"""A building that has lost no more than this within a day cannot lose 2 K within three, whatever goes on: its
time constant of about 100 h makes a steady want of heat grow less than threefold."""
BACK_K = 3.0
KEEPS_HEAT = ("sensor", "device", "program", "service")


class Shown(NamedTuple):
    """What a picture has of a circuit: seconds since the break, °C, %, kPa."""

    time: float
    supply: float
    back: float
    position: float
    pressure: float
    coldest: float


class Commanded(NamedTuple):
    """What its outputs are told: valve in %, how many pumps and makeup pumps run, relief."""

    valve: float
    pumps: int
    makeups: int
    relief: float


@dataclass(slots=True)
class Trace:
    """Every five minutes since the break: heat of all circuits in J, air of every building in °C, and a
    picture's worth of the first circuit; the same with its commands, every scan, of the first ten minutes."""

    heat: list[float] = field(default_factory=list)
    air: list[list[float]] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    near: list[tuple[Shown, Commanded]] = field(default_factory=list)


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


class Watch:
    """Runs a rig and samples it."""

    def __init__(
        self,
        rig: Bench,
        judge: Judge | None = None,
        claims: Claims | None = None,
        cell: Cell | None = None,
    ) -> None:
        self.rig = rig
        self.trace = Trace()
        self.untrue: dict[tuple[str, str], float] = {}
        """Alarms that claimed what was not so, (code, subject), and after how many seconds."""
        self._judge, self._claims = judge, claims
        self._heard = len(rig.events)
        self._next = rig.plant.time
        self.begin = rig.plant.time
        self.asked_at = math.inf
        """Seconds until a valve was asked to do something that it does not do."""
        self._valves, self._on_its_way_s = _asked_valves(rig, cell)
        self._differs_since = math.inf

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
            if self._claims is not None:
                self._claims.look(now)
            if len(rig.events) != self._heard:
                self._hear(now)
            if now - self.begin <= NEAR_S:
                self.trace.near.append((self._shown(), self._commanded()))
            if now >= self._next:
                self._next += SAMPLE_S
                self._sample()

    def _hear(self, now: float) -> None:
        for event in self.rig.events[self._heard :]:
            # What hides behind its cause is seen by people all the same.
            if event.kind in ("alarm", "hidden") and self._claims is not None:
                name = event.code, event.subject
                if self._claims.untrue(*name):
                    self.untrue.setdefault(name, now - self.begin)
        self._heard = len(self.rig.events)

    def _ask(self, now: float) -> None:
        if not any(
            abs(command.value * whole - 100.0 * valve.position) > ASKED_PERCENT
            for command, whole, valve in self._valves
        ):
            self._differs_since = math.inf
            return
        self._differs_since = min(self._differs_since, now)
        if now - self._differs_since >= self._on_its_way_s:
            self.asked_at = self._differs_since - self.begin

    def _sample(self) -> None:
        zones = list(self.rig.plant.zones.values())
        self.trace.heat.append(sum(zone.heat_from_primary for zone in zones))
        self.trace.air.append([branch.building.air for zone in zones for branch in zone.branches])
        self.trace.shown.append(self._shown())

    def _shown(self) -> Shown:
        zone = next(iter(self.rig.plant.zones.values()))
        return Shown(
            self.rig.plant.time - self.begin,
            zone.supply,
            zone.header,
            100.0 * zone.valve.position,
            zone.loop.pressure * 1e-3,
            min(branch.building.air for branch in zone.branches),
        )

    def _commanded(self) -> Commanded:
        name, outputs = next(iter(self.rig.plant.zones)), self.rig.station.image.outputs

        def running(kind: str) -> int:
            runs = (
                o for key, o in outputs.items() if key.startswith(f"{name}.{kind}") and key[-4:] == "_run"
            )
            return sum(output.value >= 0.5 for output in runs)

        valve = outputs.get(f"{name}.valve_command") or outputs[f"{name}.primary_command"]
        relief = outputs.get(f"{name}.relief_valve")
        return Commanded(
            valve.value, running("pump_"), running("makeup_"), 0.0 if relief is None else relief.value
        )


def _asked_valves(rig: Bench, cell: Cell | None) -> tuple[list[tuple[Point, float, Valve]], float]:
    """Command, what makes per cent of it, and the valve: the isolation valves that break, else all others;
    and for how many seconds a sound one differs, because it is on its way. A control valve is led, and does
    not."""
    image, found = rig.station.image, list[tuple[Point, float, Valve]]()
    broken = {one.on for one in cell.breaks} if cell is not None else set()
    for name, zone in rig.plant.zones.items():
        for number, valve in enumerate(_isolation_valves(zone), 1):
            if f"{name}.exchanger_{number}_valve" in broken:
                found.append((image[f"{name}.exchanger_{number}_open"], 100.0, valve))
    if found:
        return found, max(zone.parameters.exchanger_isolation_stroke_s for zone in rig.plant.zones.values())
    led = [
        (image[f"{name}.valve_command"], 1.0, zone.valve)
        for name, zone in rig.plant.zones.items()
        if f"{name}.valve_command" in image.points
    ]
    return led, 0.0


def _isolation_valves(zone: Zone) -> list[Valve]:
    bank = zone.bank if isinstance(zone, ExchangerZone) else None
    return [] if bank is None else bank.valves


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
    mended_s: float = MENDED_S,
) -> Result:
    """Break, watch, judge, mend, judge. `rig` is at the cell's start and is used up. `first_failure`: what
    has failed already is not mended; `mended_s`: so long everything has to recover."""
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
        watch.run(hours * 3600.0 - FINE_FOR_S, COARSE_S)
        _compare(result, watch.trace, twin)
        if hours >= 24.0 and _growing(result, cell):
            watch.run(LONG_S - DAY_S, COARSE_S)
            result.room_long = _worst_room(watch.trace, twin)
        result.alarms = [
            (event.time - begin, event.code, event.subject) for event in rig.events if event.kind == "alarm"
        ]
        _judge_alarms(result, watch, rig.plant.time - begin)
        if first_failure:
            _judge_plant(result, judge.demands, carried)
            if result.failures:
                return result
            result.excused.clear()
        breaker.end()
        watch.run(MENDED_FINE_S, FINE_S)
        watch.run(mended_s - MENDED_FINE_S, COARSE_S)
    except Exception as problem:  # noqa: BLE001  # a scan that throws is a result
        result.failures.append(f"the scan threw {type(problem).__name__}: {problem}")
        return result
    _judge_plant(result, judge.demands, carried)
    _judge_recovery(result, rig, mended_s)
    return result


def _break(cell: Cell, watch: Watch, breaker: Breaking) -> None:
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


def _judge_plant(result: Result, demands: Mapping[str, Demand], carried: Carried) -> None:
    cell = result.cell
    if cell.group in KEEPS_HEAT:
        if not HEAT_LOW <= result.heat <= HEAT_HIGH:
            result.failures.append(f"heat of the day {result.heat:.2f} of the twin's")
        if abs(result.room_day) > ROOM_DAY_K:
            result.failures.append(f"a building {result.room_day:+.1f} K from its twin after a day")
        if result.room_long is not None and abs(result.room_long) > ROOM_LONG_K:
            result.failures.append(f"a building {result.room_long:+.1f} K from its twin after three days")
    for name, margin in result.margins.items():
        if margin.left >= 0.0:
            continue
        beyond = f"{name}: {-margin.left:.1f} {margin.unit} beyond what is allowed"
        demand = demands.get(name)
        if demand is not None and not demand.asked_of(cell):
            result.excused.append(f"{beyond} (nobody sees it)")
        elif reason := excused(cell, name, carried):
            result.excused.append(f"{beyond} ({reason})")
        else:
            result.failures.append(beyond)


def _judge_alarms(result: Result, watch: Watch, lasted: float) -> None:
    cause, alarms, asked_at = result.cause, result.alarms, watch.asked_at
    for (code, subject), after in watch.untrue.items():
        result.failures.append(f"not true when it was told after {after:.0f} s: {code}@{subject}")
    if cause is not None:
        counted_from = asked_at if cause.asked else _last_break_at(result.cell)
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


def _last_break_at(cell: Cell) -> float:
    """Seconds after the first: a person's hand comes before what breaks."""
    return SECOND_AFTER_S * max(
        (number for number, one in enumerate(cell.breaks) if one.target != "hand"), default=0
    )


def _judge_recovery(result: Result, rig: Bench, mended_s: float) -> None:
    left = {(code, subject) for code, subject in rig.alarms() if not is_latched(code)}
    if left and not _waits_for_a_hand(result.cell):
        names = ", ".join(f"{code}@{subject}" for code, subject in sorted(left))
        result.failures.append(f"{mended_s / 3600.0:.2g} h after it was mended: {names}")
    for name, zone in rig.plant.zones.items():
        setpoint = rig[f"{name}.supply_setpoint"]
        if (
            setpoint.usable
            and abs(zone.supply - setpoint.value) > BACK_K
            and not _waits_for_a_hand(result.cell)
        ):
            result.failures.append(
                f"{name}: {mended_s / 3600.0:.2g} h after it was mended the supply is {zone.supply:.1f} °C,"
                f" wanted {setpoint.value:.1f} °C"
            )


def _waits_for_a_hand(cell: Cell) -> bool:
    """An emptied loop is filled by people; a second master that opens the relief empties it, too."""
    return any(one.kind in ("burst", "overwritten") for one in cell.breaks)
