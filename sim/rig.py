"""Core in the loop: scan and plant stepped together in one process, no sockets; hours in seconds.

The readings are the plant's sensors behind the transmitters' scaling, as the devices would show them;
what the wires add (words, rounding, time-outs) is the service loop's to test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from controller.commands import Command
from controller.cycle import Scan, scan
from controller.points import Event, Point
from controller.settings.station import StationFile
from controller.station import Station, build
from drivers.profile import Profile
from drivers.readings import Fault, Key, Reading
from sim.field import plant_parameters, sensor_of
from sim.plant import Plant
from sim.weather import Weather


class Rig:
    """A station and its plant. `run` lets time pass; `fault` and `clear` break and mend the plant."""

    def __init__(
        self,
        file: StationFile,
        profiles: Mapping[str, Profile],
        weather: Weather,
        *,
        seed: int = 0,
        start_time: float | None = None,
        cold: bool = False,
        dt: float = 1.0,
    ) -> None:
        self.plant = Plant(plant_parameters(file), weather, seed, start_time, "cold" if cold else "warm")
        self.station: Station = build(file, profiles)
        self.dt = dt
        self.events: list[Event] = []
        self.silent: set[str] = set()
        wiring = self.station.wiring
        self._inputs = [(channel, sensor_of(channel, wiring.redundant)) for channel in wiring.inputs]
        self._outputs = {channel.target: channel.output for channel in wiring.outputs}
        self.readings: dict[Key, Reading] = {}
        self._read()

    def step(self, commands: Sequence[Command] = ()) -> Scan:
        """One scan, then the plant for one step."""
        now = self.plant.time
        done = scan(self.station, now, now, self.readings, commands)
        self.events += done.events
        self.act(done)
        return done

    def act(self, done: Scan) -> None:
        """The scan's outputs act on the plant for one step; then its sensors are read."""
        for target, value in done.writes:
            if target[0] not in self.silent:
                self.plant.command(self._outputs[target], value)
        self.plant.step(self.dt)
        self._read()

    def run(
        self,
        seconds: float = 0.0,
        *,
        minutes: float = 0.0,
        hours: float = 0.0,
        each: Callable[[Rig], None] | None = None,
    ) -> None:
        """Let time pass; `each` is called after every scan."""
        for _ in range(round((seconds + 60 * minutes + 3600 * hours) / self.dt)):
            self.step()
            if each is not None:
                each(self)

    def _read(self) -> None:
        time = self.plant.time
        sensors = self.plant.sensors
        for channel, sensor in self._inputs:
            if channel.source[0] in self.silent:
                old = self.readings.get(channel.source)
                if old is None or old.fault is Fault.NONE:
                    last = old.time if old is not None else time
                    self.readings[channel.source] = Reading(float("nan"), last, Fault.NO_REPLY)
                continue
            value = channel.raw(sensors.get(sensor, 0.0))
            fault = Fault.NONE if value == value else Fault.OPEN_CIRCUIT
            self.readings[channel.source] = Reading(value, time, fault)

    def __getitem__(self, name: str) -> Point:
        return self.station.image[name]

    def truth(self, name: str) -> float:
        """What is really so in the plant."""
        return self.plant.truth[name]

    def alarms(self) -> set[tuple[str, str]]:
        """Active alarms, (code, subject)."""
        return {(a.code, a.subject) for a in self.station.alarms.view() if a.ended is None}
