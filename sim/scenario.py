"""Scenario files: what goes wrong when. One format for season runs, service and hardware in the loop.

    name: pump trip in a cold night
    events:
      - {at: 12d 03:00, fault: trip, on: low.pump_1, for: 2 h}
      - {at: 90 min, fault: offset, on: low.supply_temperature, value: 3 K}
      - {at: 1d, fault: late, on: rooms, takes: 3 s, for: 1 h}

`at` counts from the start of the run (days, then hours:minutes; or a time with its unit). `on` names a part
of the plant (`Plant.fault_names`; kinds stand at `Plant.fault`, ranges and units of `value` in
`sim.fault_sizes`) or a device of the
station file, which then misbehaves as `sim.bank.Behaviour` says; in a season also what is written from
further up (`sim.outlook`: station.outdoor_upstream, station.forecast). Without `for` it lasts to the end.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, get_args

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from controller.fields import Amount, Settings, Whole, Words
from controller.quantities import QUANTITIES, BadQuantity, parse
from controller.settings.load import Finding, Tree, load_tree, validate
from controller.settings.messages import line
from controller.settings.station import StationFile
from sim.bank import HEALTHY, Behaviour, Kind
from sim.fault_sizes import Size, size_of
from sim.field import plant_parameters
from sim.outlook import NAMES, Outlook
from sim.plant import Plant
from sim.weather import Weather

_DAYS_AND_CLOCK = re.compile(r"(?:(\d{1,4})\s*d)?\s*(?:(\d{1,2}):([0-5]\d)(?::([0-5]\d))?)?")
_LONGEST_S = 400 * 86400.0
_KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "healthy")
_TAKING: tuple[Kind, ...] = ("slow", "late")
_ALLOWED = re.compile(r"\(allowed: (.*)\)")


def _moment(value: Any) -> float:
    """Seconds of `12d 03:00`, `1d`, `06:30` or `90 min`."""
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip()
    match = _DAYS_AND_CLOCK.fullmatch(text)
    if match is not None and text and int(match[2] or 0) < 24:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return float(days * 86400 + hours * 3600 + minutes * 60 + seconds)
    try:
        found = parse(text, QUANTITIES["time"])
    except BadQuantity:
        found = -1.0
    if not 0.0 <= found <= _LONGEST_S:
        units = "12d 03:00, 1d, 06:30, 90 min"
        raise PydanticCustomError("not_a_number", "{value}", {"value": text, "units": units})
    return found


class EventSettings(Settings):
    """One fault: when, what, on what, how long."""

    at: Annotated[float, BeforeValidator(_moment)] = Field(description="Time since the start of the run")
    fault: Words = Field(description="Kind of fault")
    on: Words = Field(description="Part of the plant, or device of the station file")
    lasts: Annotated[float, Amount("time", 1, _LONGEST_S)] | None = Field(
        None, alias="for", description="How long; to the end without it"
    )
    value: Words | None = Field(None, description="Size of the fault, with its unit or in the plant's")
    takes: Annotated[float, Amount("time", 0.001, 600)] | None = Field(
        None, description="Slow and late devices: time of an answer"
    )
    code: Whole | None = Field(None, ge=1, le=11, description="Exception that a device answers with")


class ScenarioSettings(Settings):
    """The whole file."""

    name: Words | None = None
    events: list[EventSettings] = Field(min_length=1)


class ScenarioError(ValueError):
    """A scenario that cannot be played; the text holds one line `FILE:LINE:COL: …` for every slip."""


class Stage(Protocol):
    """What a scenario acts on: the rig or the simulator."""

    def fault(self, name: str, kind: str, value: float | None = None) -> None:
        """Break a part of the plant."""

    def clear(self, name: str) -> None:
        """End all faults of a part."""

    def behave(self, device: str, behaviour: Behaviour) -> None:
        """Make a device behave so."""


@dataclass(frozen=True, slots=True)
class ScenarioEvent:
    """One fault of a checked scenario; times in s since the start. `behaviour`: of a device."""

    begin: float
    end: float
    kind: str
    on: str
    value: float | None = None
    behaviour: Behaviour | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Faults in the order of their begin."""

    name: str
    faults: tuple[ScenarioEvent, ...]

    def events(self) -> Iterator[tuple[float, bool, ScenarioEvent]]:
        """(s since the start, whether it begins, the fault), in order; at one time ends come first."""
        marks = [(event.begin, True, event) for event in self.faults]
        marks += [(event.end, False, event) for event in self.faults if event.end < float("inf")]
        return iter(sorted(marks, key=lambda mark: (mark[0], mark[1])))

    def start(self, time: float) -> Script:
        """A run of this scenario that begins at plant time `time`."""
        return Script(self, time)


class Script:
    """A scenario being played."""

    def __init__(self, scenario: Scenario, start: float) -> None:
        self._start = start
        self._marks = list(scenario.events())
        self._next = 0
        self._active: list[ScenarioEvent] = []
        self._due = start + self._marks[0][0] if self._marks else float("inf")

    def step(self, time: float, stage: Stage) -> None:
        """Do what is due at plant time `time`."""
        if time < self._due:
            return
        while self._next < len(self._marks) and self._start + self._marks[self._next][0] <= time:
            _, begins, event = self._marks[self._next]
            self._next += 1
            if begins:
                self._active.append(event)
                _begin(event, stage)
            else:
                self._end(event, stage)
        more = self._next < len(self._marks)
        self._due = self._start + self._marks[self._next][0] if more else float("inf")

    def _end(self, event: ScenarioEvent, stage: Stage) -> None:
        """End one fault. `clear` ends all of a part, so what goes on there begins again."""
        self._active.remove(event)
        if event.behaviour is None:
            stage.clear(event.on)
        else:
            stage.behave(event.on, HEALTHY)
        for other in self._active:
            if other.on == event.on and (other.behaviour is None) == (event.behaviour is None):
                _begin(other, stage)


def _begin(event: ScenarioEvent, stage: Stage) -> None:
    if event.behaviour is None:
        stage.fault(event.on, event.kind, event.value)
    else:
        stage.behave(event.on, event.behaviour)


def load_scenario(path: Path, file: StationFile, language: str = "en", *, written: bool = False) -> Scenario:
    """Read and judge a scenario for a station; `written`: somebody plays what is written from further up.
    Raises ScenarioError with all slips."""
    tree = load_tree(path)
    settings = validate(tree, ScenarioSettings)
    if settings is not None:
        weather = Weather.constant(-10.0)
        plant = Plant(plant_parameters(file), weather)
        outlook = Outlook(weather) if written else None
        for i, event in enumerate(settings.events):
            tree.findings += _judge(tree, ("events", i), event, plant, list(file.devices), outlook)
    if settings is None or tree.findings:
        found = sorted(tree.findings, key=lambda finding: finding.order)
        raise ScenarioError("\n".join(line(path, finding, language) for finding in found))
    return Scenario(
        settings.name or path.stem, tuple(_event(event, list(file.devices)) for event in settings.events)
    )


def _is_device(event: EventSettings, devices: list[str]) -> bool:
    return event.on in devices


def _event(event: EventSettings, devices: list[str]) -> ScenarioEvent:
    behaviour = None
    if _is_device(event, devices):
        kind = next(kind for kind in _KINDS if kind == event.fault)
        behaviour = Behaviour(kind, event.takes or 0.0, event.code or 4)
    end = float("inf") if event.lasts is None else event.at + event.lasts
    size = size_of(event.on, event.fault)
    value = None if event.value is None or size is None else size.read(event.value)
    return ScenarioEvent(event.at, end, event.fault, event.on, value, behaviour)


def _judge(
    tree: Tree,
    place: tuple[str | int, ...],
    event: EventSettings,
    plant: Plant,
    devices: list[str],
    outlook: Outlook | None,
) -> Iterator[Finding]:
    """Slips of one event: names, kinds, and keys that belong to other kinds."""
    if _is_device(event, devices):
        yield from _judge_device(tree, place, event)
        return
    for key in ("takes", "code"):
        if getattr(event, key) is not None:
            yield tree.find(
                (*place, key), "unknown_key", at_key=True, allowed="at, fault, on, for, value: no device"
            )
    names = [*plant.fault_names(), *(NAMES if outlook is not None else ())]
    if event.on not in names:
        yield _choice(tree, (*place, "on"), event.on, [*names, *devices])
        return
    part: Plant | Outlook = outlook if outlook is not None and event.on in NAMES else plant
    size = size_of(event.on, event.fault)
    value, slips = _read_size(tree, (*place, "value"), event, size)
    try:
        part.fault(event.on, event.fault, value)
        yield from slips
    except ValueError as problem:
        match = _ALLOWED.search(str(problem))
        if match is not None:
            yield _choice(tree, (*place, "fault"), event.fault, match[1].split(", "))
        else:
            yield tree.find(place, "missing", at_key=True, key=f"value ({problem})")
    finally:
        part.clear(event.on)


def _read_size(
    tree: Tree, place: tuple[str | int, ...], event: EventSettings, size: Size | None
) -> tuple[float | None, list[Finding]]:
    """The fault's size for the plant, and what is wrong with it."""
    if event.value is None:
        return None, []
    if size is None:
        allowed = f"at, fault, on, for: {event.fault} has no size"
        return None, [tree.find(place, "unknown_key", at_key=True, allowed=allowed)]
    try:
        return size.read(event.value), []
    except BadQuantity as problem:
        allowed = size.allowed()
        found = tree.find(place, problem.code, value=problem.text, units=allowed, allowed=allowed)
        return None, [found]


def _judge_device(tree: Tree, place: tuple[str | int, ...], event: EventSettings) -> Iterator[Finding]:
    if event.fault not in _KINDS:
        yield _choice(tree, (*place, "fault"), event.fault, list(_KINDS))
        return
    if event.value is not None:
        yield tree.find(
            (*place, "value"), "unknown_key", at_key=True, allowed="at, fault, on, for, takes, code"
        )
    if event.fault in _TAKING and event.takes is None:
        yield tree.find(place, "missing", at_key=True, key="takes")
    if event.takes is not None and event.fault not in _TAKING:
        yield tree.find((*place, "takes"), "unknown_key", at_key=True, allowed="only for slow and late")
    if event.code is not None and event.fault != "exception":
        yield tree.find((*place, "code"), "unknown_key", at_key=True, allowed="only for exception")


def _choice(tree: Tree, place: tuple[str | int, ...], value: str, allowed: list[str]) -> Finding:
    close = difflib.get_close_matches(value, allowed, 1, 0.6)
    code = "choice_close" if close else "choice"
    return tree.find(place, code, value=value, allowed=", ".join(allowed), close="".join(close))
