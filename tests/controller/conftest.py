"""Fixtures of the controller's tests: a station at the desk, whose sensors a test sets by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.commands import Command, CommandKind
from controller.cycle import Scan, scan
from controller.points import Event, Output, Point, Term
from controller.settings.check import Checked, check_file
from controller.settings.station import StationFile
from controller.station import Station, build
from drivers.readings import Fault, Key, Reading

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
WALL = 1_357_000_000.0

ORDINARY = {
    "station.outdoor_temperature": -10.0,
    "station.primary_supply_temperature": 90.0,
    "station.primary_return_temperature": 50.0,
    "station.primary_supply_pressure": 700.0,
    "station.primary_return_pressure": 600.0,
    "station.primary_flow": 25.0,
    "station.heat_power": 1400.0,
    "station.heat_energy": 100.0,
    "station.tank_level": 1.5,
    "low.supply_temperature": 49.0,
    "low.return_temperature": 35.0,
    "low.supply_pressure": 440.0,
    "low.return_pressure": 350.0,
    "low.differential_pressure": 120.0,
    "low.makeup_pressure": 350.0,
    "low.makeup_flow": 0.0,
    "low.room_temperature_1": 20.0,
    "low.room_temperature_2": 20.0,
    "low.room_temperature_3": 20.0,
    "low.valve_position": 50.0,
}
"""What the sensors of the demo station show on an ordinary cold day; contacts are open."""


class Desk:
    """A station without a plant: `set` turns a sensor, `run` lets scans of one second pass.

    Until told otherwise drives run as they are told, and the valve stands where its command is.
    """

    def __init__(self, file: StationFile, checked: Checked, echo: bool = True) -> None:
        self.station: Station = build(file, checked.profiles)
        self.echo = echo
        self.now = 1000.0
        self.wall = WALL
        self.events: list[Event] = []
        self.values: dict[str, float] = {}
        self.faults: dict[str, Fault] = {}
        self.frozen: set[str] = set()
        self.silent: set[str] = set()
        self.readings: dict[Key, Reading] = {}
        self._channels = {channel.point: channel for channel in self.station.wiring.inputs}
        for point in self._channels:
            name = point.removesuffix("_1") if point.removesuffix("_1") in ORDINARY else point
            name = name.removesuffix("_2") if name.removesuffix("_2") in ORDINARY else name
            self.values[point] = ORDINARY.get(point, ORDINARY.get(name, 0.0))
        self.fixed: set[str] = set()

    def set(self, point: str, value: float) -> None:
        """A sensor shows `value` from now on; of a redundant point both do."""
        for name in self._sensors(point):
            self.values[name] = value
            self.fixed.add(name)

    def fail(self, point: str, fault: Fault = Fault.OPEN_CIRCUIT) -> None:
        """The device reports a fault for the point, of a redundant one for both; Fault.NONE mends it."""
        for name in self._sensors(point):
            self.faults[name] = fault

    def _sensors(self, point: str) -> list[str]:
        """The point itself, or both of a redundant one."""
        both = [name for name in (f"{point}_1", f"{point}_2") if name in self._channels]
        return both if point not in self._channels else [point]

    def scan(self, *commands: Command, dt: float = 1.0) -> Scan:
        """One scan after `dt` seconds."""
        self.now += dt
        self.wall += dt
        self._read()
        done = scan(self.station, self.now, self.wall, self.readings, commands)
        self.events += done.events
        return done

    def run(self, seconds: float, dt: float = 1.0) -> None:
        """Scans for so many seconds."""
        for _ in range(round(seconds / dt)):
            self.scan(dt=dt)

    def override(self, output: str, value: float, lasts_s: float = 7200.0) -> None:
        """A person takes an output into the hand (through the same check as at the door)."""
        command = Command(CommandKind.OVERRIDE, output, value, "li", "panel", lasts_s, "test")
        answer = self.station.check(command)
        assert answer.accepted, answer
        self.scan(command)

    def write(self, setting: str, value: float) -> None:
        """A person changes a setting."""
        command = Command(CommandKind.WRITE, setting, value, "li", "panel")
        answer = self.station.check(command)
        assert answer.accepted, answer
        self.scan(command)

    def open_valve(self) -> None:
        """About half open by the loop itself: some minutes 3 K too cold, then just right."""
        for _ in range(600):
            self.set("low.supply_temperature", 46.0)
            self.scan()
            if self["low.valve_command"].value > 65.0:
                break
        self.set("low.supply_temperature", self["low.supply_setpoint"].value)
        self.run(60)  # longer than the valve's hold
        assert self["low.valve_command"].value > 40.0

    def __getitem__(self, name: str) -> Point:
        return self.station.image[name]

    def output(self, name: str) -> Output:
        """An output with its slots."""
        return self.station.image.outputs[name]

    def alarms(self) -> set[tuple[str, str]]:
        """Active alarms."""
        return {(a.code, a.subject) for a in self.station.alarms.view() if a.ended is None}

    def codes(self) -> set[str]:
        """Codes of the active alarms."""
        return {code for code, _ in self.alarms()}

    def reason(self, name: str) -> list[str]:
        """All codes of the explanation of a point."""
        return _codes(self.station.explain(name))

    def _turn(self, drive: str, run: float) -> None:
        speed = self.station.image.outputs.get(f"{drive}_speed")
        shown = [(f"{drive}_running", run)]
        if speed is not None and math.isfinite(speed.value):
            shown.append((f"{drive}_frequency", speed.value if run >= 0.5 else 0.0))
        for point, value in shown:
            if point not in self.fixed:
                self.values[point] = value

    def _read(self) -> None:
        if self.echo:
            for name, output in self.station.image.outputs.items():
                if name.endswith("_run") and math.isfinite(output.value):
                    self._turn(name.removesuffix("_run"), output.value)
            valve = self.station.image.outputs["low.valve_command"].value
            if "low.valve_position" not in self.fixed and math.isfinite(valve):
                self.values["low.valve_position"] = valve
        for point, channel in self._channels.items():
            if channel.source[0] in self.silent:
                old = self.readings.get(channel.source)
                time = old.time if old is not None else -math.inf
                self.readings[channel.source] = Reading(math.nan, time, Fault.NO_REPLY)
            elif point in self.frozen and channel.source in self.readings:
                continue
            else:
                fault = self.faults.get(point, Fault.NONE)
                value = math.nan if fault else channel.raw(self.values[point])
                self.readings[channel.source] = Reading(value, self.now, fault)


def _codes(term: Term) -> list[str]:
    return [term.code, *(code for child in term.children for code in _codes(child))]


@pytest.fixture(scope="session")
def checked() -> Checked:
    """The demo file, checked once; copy its settings before use (commands change them)."""
    return check_file(DEMO)


@pytest.fixture
def make_desk(checked: Checked) -> Callable[..., Desk]:
    """Makes a desk; `edit` may change the settings first."""

    def make(edit: Callable[[StationFile], None] | None = None, echo: bool = True) -> Desk:
        assert checked.file is not None
        file = checked.file.model_copy(deep=True)
        if edit is not None:
            edit(file)
        return Desk(file, checked, echo)

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """The demo station on an ordinary cold day, settled for half a minute."""
    desk = make_desk()
    desk.run(30)
    assert not desk.codes()
    return desk


@pytest.fixture
def warm(desk: Desk) -> Desk:
    """The demo station with its valve about half open."""
    desk.open_valve()
    return desk
