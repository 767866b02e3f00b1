"""Core in the loop: scan and plant stepped together in one process, no sockets; hours in seconds.

The readings are the plant's sensors behind the transmitters' scaling, as the devices would show them;
what the wires add (words, rounding, time-outs) is the service loop's to test. A device that misbehaves shows
what the bus makes of it; a drive that hears nothing does what the file says of the loss of its bus, other
outputs stay as they were last written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from controller.channels import ANSWERS, InputChannel, Key
from controller.commands import Command
from controller.cycle import Scan, scan
from controller.points import Event, Point
from controller.settings.station import StationFile
from controller.station import Station, build
from drivers.profile import Profile
from drivers.readings import Fault, Reading
from sim.bank import Behaviour, Kind
from sim.devices import over_current
from sim.disobeying import KINDS as DISOBEYS
from sim.disobeying import Disobeying
from sim.field import (
    BUS_LOSS_S,
    bus_losses,
    open_what_no_valve_closes,
    plant_parameters,
    run_at_the_mains,
    sensor_of,
    start_state,
)
from sim.outlook import NAMES, Outlook
from sim.plant import Plant
from sim.scenario import Scenario
from sim.weather import Weather

DEADLINE_S = 1.0
"""A reply later than this has not come (the default deadline of a line)."""
_NAN, _INF = float("nan"), float("inf")
_SEEN: dict[Kind, Fault] = {
    "dead": Fault.NO_REPLY,
    "exception": Fault.REFUSED,
    "garbage": Fault.BAD_REPLY,
    "wrong_crc": Fault.BAD_REPLY,
}
_TAKES_NO_WRITE: tuple[Kind, ...] = ("dead", "exception", "garbage")
WIRE_FAULTS = ("nan", "stale", "swapped")
"""What befalls a reading behind its sensor: no number, the value of then with the time of then (a module that
answers from a store), another sensor's wires."""


def _stopping_at_loss(file: StationFile, outputs: Mapping[Key, str]) -> dict[str, list[str]]:
    """Run commands by device that fall off with the bus: what is set to stop, or to trip."""
    found: dict[str, list[str]] = {}
    for device, point, on_loss in bus_losses(file):
        output = outputs.get((device, point))
        if output is not None and on_loss in ("stop", "trip") and not output.endswith("_speed"):
            found.setdefault(device, []).append(output)
    return found


class _Live:
    """A reading that is renewed in place: one object a channel for the whole run, instead of one a scan.

    It is what `controller.channels.Reading` asks for; the scan keeps none."""

    __slots__ = (
        "device",
        "fault",
        "key",
        "least",
        "low",
        "most",
        "scale",
        "sensor",
        "shorted",
        "time",
        "value",
    )

    def __init__(self, channel: InputChannel, sensor: str, profile: Profile) -> None:
        self.key = channel.source
        self.device = channel.source[0]
        self.sensor = sensor
        self.low = channel.raw(0.0)  # raw is linear: two points say all
        self.scale = channel.raw(1.0) - self.low
        self.least, self.most = channel.saturates
        point = profile.points[channel.source[1]]
        self.shorted = over_current(point) if point.unit == "mA" else _NAN
        self.value = 0.0
        self.time = 0.0
        self.fault: Fault = Fault.NONE

    def show(self, value: float, time: float) -> None:
        """What the device answers at `time` for the station value `value` (NaN: broken wire, inf: shorted
        current loop)."""
        self.time = time
        if value == _INF:
            self.value = self.shorted
            self.fault = Fault.NONE if self.shorted == self.shorted else Fault.SHORT_CIRCUIT
        elif value == value:
            self.value = min(max(self.low + self.scale * value, self.least), self.most)
            self.fault = Fault.NONE
        else:
            self.value = _NAN
            self.fault = Fault.OPEN_CIRCUIT


class _Mute:
    """Whether a device answers that is only written to."""

    __slots__ = ("fault", "time", "value")

    def __init__(self) -> None:
        self.value, self.time = _NAN, 0.0
        self.fault: Fault = Fault.NONE


def _fault_of(mood: Behaviour) -> Fault:
    """What the bus makes of a device that behaves so."""
    if mood.kind in ("slow", "late") and mood.seconds > DEADLINE_S:
        return Fault.NO_REPLY
    return _SEEN.get(mood.kind, Fault.NONE)


class Rig:
    """A station and its plant. `run` lets time pass; `fault`, `clear` and `behave` break and mend."""

    def __init__(
        self,
        file: StationFile,
        profiles: Mapping[str, Profile],
        weather: Weather,
        *,
        seed: int = 0,
        start_time: float | None = None,
        cold: bool = False,
        empty: bool = False,
        dt: float = 1.0,
        scenario: Scenario | None = None,
        outlook: Outlook | None = None,
    ) -> None:
        """`cold`, `empty`: how the plant starts. `scenario` counts from now; `outlook` writes about the
        weather. Raises ValueError."""
        self.outlook = outlook
        state = start_state(cold=cold, empty=empty)
        self.plant = Plant(plant_parameters(file), weather, seed, start_time, state)
        open_what_no_valve_closes(self.plant, file)
        run_at_the_mains(self.plant, file)
        self._profiles = profiles
        self.station: Station = build(file, profiles)
        self.dt = dt
        self.events: list[Event] = []
        wiring = self.station.wiring
        self._live = [
            _Live(channel, sensor_of(channel, wiring.redundant), profiles[channel.source[0]])
            for channel in wiring.inputs
        ]
        self._rows = [(live.sensor, live.low, live.scale, live) for live in self._live]
        self._outputs = {channel.target: channel.output for channel in wiring.outputs}
        self._inverted = {channel.target for channel in wiring.outputs if channel.invert}
        self._moods: dict[str, Behaviour] = {}
        self._disobeying = Disobeying(profiles)
        self._told: dict[Key, float] = {}
        self._mute = {key[0]: _Mute() for key in self.station.inputs.mute}
        self._stopping = _stopping_at_loss(file, self._outputs)
        self._silent_since: dict[str, float] = {}
        self._spoilt: dict[str, str] = {}
        self._swapped: dict[str, str] = {}
        self.wall_ahead_s = 0.0
        self.clock_trusted = True
        self._script = scenario.start(self.plant.time) if scenario is not None else None
        self.readings: dict[Key, _Live | _Mute | Reading] = {live.key: live for live in self._live}
        self.readings |= {(device, ANSWERS): mute for device, mute in self._mute.items()}
        self._read()

    def step(self, commands: Sequence[Command] = ()) -> Scan:
        """One scan, then the plant for one step."""
        now = self.plant.time
        if self._script is not None:
            self._script.step(now, self)
        if self.outlook is not None:
            due = self.outlook.due(now)
            commands = [*commands, *(one for one in due if self.station.check(one).accepted)]
        wall = now + self.wall_ahead_s
        done = scan(self.station, now, wall, self.readings, commands, clock_trusted=self.clock_trusted)
        if done.events:
            self.events += done.events
        self.act(done)
        return done

    def act(self, done: Scan) -> None:
        """The scan's outputs act on the plant for one step; then its sensors are read."""
        outputs, command, moods, now = self._outputs, self.plant.command, self._moods, self.plant.time
        inverted = self._inverted
        for target, value in done.writes:
            if moods and target[0] in moods and moods[target[0]].kind in _TAKES_NO_WRITE:
                continue
            if self._disobeying:
                value = self._disobeying.exchange(target, value, self._told.get(target, value), now)
            self._told[target] = value
            command(outputs[target], 1.0 - value if target in inverted else value)
        if self._disobeying:
            self.readings |= self._disobeying.readings(now)
        if self._silent_since:
            self._lose_the_bus()
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

    # ---- what breaks

    def fault(self, name: str, kind: str, value: float | None = None) -> None:
        """Break something of the plant (`Plant.fault`), the wire behind a sensor (WIRE_FAULTS), or what is
        written from further up (`Outlook.fault`)."""
        if name in NAMES and self.outlook is not None:
            self.outlook.fault(name, kind, value)
        elif kind in WIRE_FAULTS:
            self._spoilt[name] = kind
        else:
            self.plant.fault(name, kind, value)

    def swap(self, one: str, other: str) -> None:
        """Two sensors are on each other's terminals; again to mend it."""
        if self._swapped.pop(one, None) is None:
            self._swapped |= {one: other, other: one}
        else:
            del self._swapped[other]

    def clear(self, name: str) -> None:
        """End all faults of `name` (`Plant.clear`)."""
        if name in NAMES and self.outlook is not None:
            self.outlook.clear(name)
        elif self._spoilt.pop(name, None) is None:
            self.plant.clear(name)

    def restart(self, *, remember: bool = True, safe_mode: bool = False) -> None:
        """The controller dies and comes back at once on the same plant, with what it has saved or without; in
        safe mode with what that takes of it."""
        state = self.station.state()
        self.station = build(self.station.file, self._profiles, safe_mode=safe_mode)
        if remember and safe_mode:
            self.station.restore_least(state)
        elif remember:
            self.station.restore(state)

    def behave(self, device: str, behaviour: Behaviour) -> None:
        """Make a device misbehave, or healthy again, from the next reading on. KeyError for no device."""
        if device not in self.station.file.devices:
            raise KeyError(f"no device {device!r} (known: {', '.join(self.station.file.devices)})")
        if behaviour.kind in _TAKES_NO_WRITE:
            self._silent_since.setdefault(device, self.plant.time)
        else:
            self._silent_since.pop(device, None)
        if device in self._mute:
            self._mute[device].fault = _fault_of(behaviour)
        for key in self._disobeying.end(device):
            self.readings.pop(key, None)
        if behaviour.kind in DISOBEYS:
            self._disobeying.begin(device, behaviour.kind)
        if behaviour.kind == "healthy":
            self._moods.pop(device, None)
        else:
            self._moods[device] = behaviour

    def _lose_the_bus(self) -> None:
        """Drives that hear nothing do what their installer has set."""
        for device, since in self._silent_since.items():
            if self.plant.time - since >= BUS_LOSS_S:
                for output in self._stopping.get(device, ()):
                    self.plant.command(output, 0.0)

    def _read(self) -> None:
        time = self.plant.time
        sensors = self.plant.sensors
        if self._moods or self._spoilt or self._swapped:
            self._read_with_moods(time, sensors)
            return
        none, get = Fault.NONE, sensors.get
        for sensor, low, scale, live in self._rows:
            value = get(sensor, 0.0)
            raw = low + scale * value
            if live.least <= raw <= live.most and raw < _INF:
                live.value = raw
                live.time = time
                live.fault = none
            else:
                live.show(value, time)

    def _read_with_moods(self, time: float, sensors: Mapping[str, float]) -> None:
        for live in self._live:
            mood = self._moods.get(live.device)
            fault = Fault.NONE if mood is None else _fault_of(mood)
            if fault is not Fault.NONE:
                live.value, live.fault = _NAN, fault  # the time stays that of the last good reply
                continue
            sensor = self._swapped.get(live.sensor, live.sensor)
            spoilt = self._spoilt.get(sensor)
            if spoilt == "stale":
                continue
            if mood is not None and mood.kind == "yesterday":
                live.time = time
                continue
            live.show(sensors.get(sensor, 0.0), time)
            if spoilt == "nan":
                live.value, live.fault = _NAN, Fault.NONE

    # ---- what is seen

    def __getitem__(self, name: str) -> Point:
        return self.station.image[name]

    def truth(self, name: str) -> float:
        """What is really so in the plant."""
        return self.plant.truth[name]

    def alarms(self) -> set[tuple[str, str]]:
        """Active alarms, (code, subject)."""
        return {(a.code, a.subject) for a in self.station.alarms.view() if a.ended is None}
