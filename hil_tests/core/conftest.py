"""A station on its simulated plant, in one process: hours in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.commands import Command, CommandKind
from controller.cycle import scan
from controller.points import Point, Term
from controller.settings.check import Checked, check_file
from controller.station import build
from sim.rig import Rig
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


SCAN_S = 2.0
"""Half the work of the real scan of a second, and no easier for what is tested; where a second counts the
test says so."""


class Loop:
    """The demo station and its plant. `seen` watches a point while time passes."""

    def __init__(self, checked: Checked, weather: Weather, *, cold: bool = False, dt: float = SCAN_S) -> None:
        assert checked.file is not None
        self.checked = checked
        self.file = checked.file.model_copy(deep=True)
        self.rig = Rig(self.file, checked.profiles, weather, cold=cold, dt=dt)
        self.plant = self.rig.plant

    @property
    def now(self) -> float:
        """Plant seconds."""
        return self.plant.time

    def run(
        self,
        seconds: float = 0.0,
        *,
        minutes: float = 0.0,
        hours: float = 0.0,
        each: Callable[[Loop], None] | None = None,
    ) -> None:
        """Let time pass; `each` is called after every scan."""
        self.rig.run(
            seconds, minutes=minutes, hours=hours, each=(lambda _: each(self)) if each is not None else None
        )

    def until(self, condition: Callable[[Loop], bool], within: float) -> float:
        """Seconds until it holds; fails after `within`."""
        begin = self.now
        while self.now - begin < within:
            self.rig.step()
            if condition(self):
                return self.now - begin
        pytest.fail(f"not within {within:g} s")

    def fault(self, name: str, kind: str, value: float | None = None) -> None:
        """Break something in the plant (`sim.plant.Plant.fault`)."""
        self.plant.fault(name, kind, value)

    def clear(self, name: str) -> None:
        """Mend it."""
        self.plant.clear(name)

    def write(self, setting: str, value: float) -> None:
        """A person changes a setting."""
        self._command(Command(CommandKind.WRITE, setting, value, "li", "panel"))

    def override(self, output: str, value: float, lasts_s: float) -> None:
        """A person takes an output into the hand."""
        self._command(Command(CommandKind.OVERRIDE, output, value, "li", "panel", lasts_s))

    def _command(self, command: Command) -> None:
        assert self.rig.station.check(command).accepted
        scan(self.rig.station, self.now, self.now, self.rig.readings, [command])

    def restart(self, *, remember: bool = True) -> None:
        """The controller dies and comes back on the same plant."""
        state = self.rig.station.state()
        self.rig.station = build(self.file.model_copy(deep=True), self.checked.profiles)
        if remember:
            self.rig.station.restore(state)

    def __getitem__(self, name: str) -> Point:
        return self.rig[name]

    def value(self, name: str) -> float:
        """Value of a point."""
        return self.rig[name].value

    def truth(self, name: str) -> float:
        """What is really so in the plant."""
        return self.plant.truth[name]

    @property
    def supply(self) -> float:
        """True supply temperature of the low zone, °C (cheaper than `truth`)."""
        return self.plant.zones["low"].supply

    @property
    def valve(self) -> float:
        """True position of the valve, %."""
        return 100 * self.plant.zones["low"].valve.position

    @property
    def heat(self) -> float:
        """Heat from the primary since the start, GJ."""
        return self.plant.zones["low"].heat_from_primary * 1e-9

    def reason(self, name: str) -> str:
        """Codes of the explanation of a point, from the top down."""
        return " ".join(_codes(self.rig.station.explain(name)))

    def alarms(self) -> set[tuple[str, str]]:
        """Active alarms."""
        return self.rig.alarms()

    def codes(self) -> set[str]:
        """Codes of the active alarms."""
        return {code for code, _ in self.alarms()}

    def raised(self) -> set[tuple[str, str]]:
        """Alarms that have come at any time."""
        return {(event.code, event.subject) for event in self.rig.events if event.kind == "alarm"}


def _codes(term: Term) -> list[str]:
    return [term.code, *(code for child in term.children for code in _codes(child))]


@pytest.fixture(scope="session")
def checked() -> Checked:
    """The demo file, checked once."""
    return check_file(DEMO)


@pytest.fixture
def make_station(checked: Checked) -> Callable[..., Loop]:
    """Makes a station: `outdoor` °C for ever, or a `weather`; warm plant unless `cold`."""

    def make(
        outdoor: float = -10.0, *, weather: Weather | None = None, cold: bool = False, dt: float = SCAN_S
    ) -> Loop:
        return Loop(checked, weather or Weather.constant(outdoor), cold=cold, dt=dt)

    return make


@pytest.fixture
def station(make_station: Callable[..., Loop]) -> Loop:
    """The demo station at −10 °C, running for 20 minutes."""
    station = make_station()
    station.run(minutes=20)
    assert not station.alarms()
    return station
