"""The bench: the demo station on its plant, with its own valve control or a panel's in its place.

The station runs whole in either case (set-point, pumps, pressure holding, safety); for a panel only its
writes to the valve's output are left out, and the panel moves the same valve. Every run of one seed sees
the same weather, disturbances and sensor noise, so the set-point path is the same for all (within 0.05 K: a
panel's is renewed every SLOW_SCAN_S).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from controller.channels import Key
from controller.cycle import Scan, scan
from controller.settings.check import Checked, check_file
from controller.settings.station import StationFile
from sim.rig import Rig
from sim.weather import Weather
from supply_loop.disturbances import Disturbances
from supply_loop.rivals import Panel, Relays, Signal

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
ZONE = "low"
SLOW_SCAN_S = 4.0
"""So often the station scans while a panel has its valve: what remains to it (pumps, pressure, set-point)
is slow, and a run costs half."""


@cache
def checked(path: Path = DEMO) -> Checked:
    """The station file, read once."""
    found = check_file(path)
    assert found.file is not None, path
    return found


def with_settings(file: StationFile, overrides: Mapping[str, float]) -> StationFile:
    """A copy with other settings of the circuit: `loop.gain: 2` and the like. KeyError for an unknown one."""
    made = file.model_copy(deep=True)
    for path, value in overrides.items():
        *way, last = path.split(".")
        place = made.circuits[ZONE]
        for name in way:
            place = getattr(place, name)
        if not hasattr(place, last):
            raise KeyError(f"no setting {path!r} in circuit {ZONE!r}")
        setattr(place, last, value)
    return made


class Bench:
    """One run. `settings` are the circuit's, `panel` takes the valve in place of the station."""

    def __init__(
        self,
        weather: Weather,
        *,
        settings: Mapping[str, float] | None = None,
        panel: Panel | None = None,
        seed: int = 0,
        start: float | None = None,
        step: float = 1.0,
        disturbances: Disturbances | None = None,
        path: Path = DEMO,
    ) -> None:
        made = checked(path)
        assert made.file is not None
        file = with_settings(made.file, settings or {})
        self.rig = Rig(file, made.profiles, weather, seed=seed, start_time=start, dt=step)
        self.plant = self.rig.plant
        self.zone = self.plant.zones[ZONE]
        self.valve = self.zone.valve
        self.setpoint = self.rig[f"{ZONE}.supply_setpoint"]
        self.disturbances = disturbances
        self._targets = {
            channel.target
            for channel in self.rig.station.wiring.outputs
            if channel.output == f"{ZONE}.valve_command"
        }
        self._relays = Relays(panel, self.valve.stroke_time) if panel is not None and panel.relays else None
        self._signal: Signal | None = None
        if panel is not None and not panel.relays:
            self._signal = Signal(panel, 100.0 * self.valve.position)
        self._next_scan = -float("inf")
        self.held: float | None = None
        """Opening in % at which the valve is held for an experiment."""

    @property
    def error(self) -> float:
        """Set-point less the true supply temperature, K."""
        return self.setpoint.value - self.zone.supply

    def step(self) -> None:
        """One scan, then the plant."""
        rig = self.rig
        if self.disturbances is not None:
            self.disturbances.step(self.plant)
        if self._relays is None and self._signal is None and self.held is None:
            rig.step()
            return
        now = self.plant.time
        writes: tuple[tuple[Key, float], ...] = ()
        if now >= self._next_scan:
            self._next_scan = now + SLOW_SCAN_S
            done = scan(rig.station, now, now, rig.readings)
            writes = tuple(write for write in done.writes if write[0] not in self._targets)
        rig.act(Scan(writes, ()))

    def run(self, seconds: float, each: Callable[[Bench], None] | None = None) -> None:
        """Let time pass; `each` is called after every scan."""
        for _ in range(round(seconds / self.rig.dt)):
            self.move()
            self.step()
            if each is not None:
                each(self)

    def move(self) -> None:
        """Let the panel, or the hand of an experiment, move the valve."""
        measured = self.plant.sensors[f"{ZONE}.supply_temperature"]
        if self.held is not None:
            self.plant.command(f"{ZONE}.valve_command", self.held)
        elif self._relays is not None:
            direction = self._relays.step(self.setpoint.value, measured, self.rig.dt)
            self.plant.command(f"{ZONE}.valve_open", float(direction > 0))
            self.plant.command(f"{ZONE}.valve_close", float(direction < 0))
        elif self._signal is not None:
            opening = self._signal.step(self.setpoint.value, measured, self.rig.dt)
            self.plant.command(f"{ZONE}.valve_command", opening)
