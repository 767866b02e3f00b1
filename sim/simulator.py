"""`station sim`: the field of a station served on its wires, in plant time.

With `here` every serial bus is a pseudo-terminal `here/<bus>` and every TCP bus a loopback port noted
in `here/ports.json`. Without it the addresses are the file's own: a loopback host and port, an
existing serial port (hardware in the loop), or a link to a pseudo-terminal where nothing stands yet.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from pathlib import Path

from controller.clock import Clock
from controller.settings.station import RtuBusSettings, StationFile, TcpBusSettings
from drivers.profile import Profile
from sim.bank import Behaviour
from sim.devices import EmulatedBus
from sim.field import Field
from sim.scenario import Scenario
from sim.weather import Weather

PORTS = "ports.json"
STEP_S = 1.0
_PARITY = {"none": "N", "even": "E", "odd": "O"}


class CannotServe(ValueError):
    """An address of the file that the simulator must not or cannot serve; the text says what to do."""


class Simulator:
    """Plant and devices of one file. `start` opens the wires; `run` lets plant time pass."""

    def __init__(
        self,
        file: StationFile,
        profiles: Mapping[str, Profile],
        weather: Weather,
        clock: Clock,
        *,
        seed: int = 0,
        cold: bool = False,
        empty: bool = False,
        scenario: Scenario | None = None,
    ) -> None:
        """`scenario` counts from now."""
        self._file = file
        self._clock = clock
        self.field = Field(file, profiles, weather, seed=seed, start_time=clock.now(), cold=cold, empty=empty)
        self.buses: dict[str, EmulatedBus] = {}
        for name in file.buses:
            devices = [
                self.field.devices[device]
                for device, settings in file.devices.items()
                if settings.bus == name
            ]
            self.buses[name] = EmulatedBus(devices)
        self.addresses: dict[str, str] = {}
        self._script = scenario.start(clock.now()) if scenario is not None else None

    async def start(self, here: Path | None, *, paced: bool = True) -> None:
        """Open every wire; `paced`: pseudo-terminals take the line's time. Raises CannotServe, OSError."""
        ports: dict[str, int] = {}
        for name, bus in self._file.buses.items():
            server = self.buses[name].server
            if isinstance(bus, TcpBusSettings):
                host, port = ("127.0.0.1", 0) if here is not None else (_loopback(name, bus.host), bus.port)
                ports[name] = await server.serve_tcp(host, port)
                self.addresses[name] = f"{host}:{ports[name]}"
            elif isinstance(bus, RtuBusSettings):
                self.addresses[name] = str(self._serve_serial(name, bus, here, paced))
        if here is not None:
            _note(here, ports)

    def _serve_serial(self, name: str, bus: RtuBusSettings, here: Path | None, paced: bool) -> Path:
        server = self.buses[name].server
        path = Path(bus.port) if here is None else here / name
        if path.is_char_device() and not path.is_symlink():
            server.serve_tty(path, baud=bus.baud, parity=_PARITY[bus.parity], stop_bits=bus.stop_bits)
            return path
        try:
            server.serve_pty(path, baud=bus.baud if paced else None)
        except (FileExistsError, PermissionError) as problem:
            raise CannotServe(
                f"bus {name}: {path}: {problem.strerror or problem}. Use --here DIR to simulate a field file."
            ) from None
        return path

    async def run(self) -> None:
        """Let the plant follow the clock until cancelled."""
        async with self._clock.part():
            due = self._clock.now() + STEP_S
            while True:
                await self._clock.sleep(due - self._clock.now())
                if self._script is not None:
                    self._script.step(self.field.plant.time, self)
                self.field.step(STEP_S)
                for device in self.field.devices.values():
                    device.step()
                for bus in self.buses.values():
                    bus.step(self.field.plant.time)
                due += STEP_S

    # ---- what a scenario does

    def fault(self, name: str, kind: str, value: float | None = None) -> None:
        """Break something of the plant (`Plant.fault`)."""
        self.field.plant.fault(name, kind, value)

    def clear(self, name: str) -> None:
        """End all faults of `name` (`Plant.clear`)."""
        self.field.plant.clear(name)

    def behave(self, device: str, behaviour: Behaviour) -> None:
        """Make a device misbehave, or healthy again, from the next request on. KeyError for no device."""
        self.buses[self._file.devices[device].bus].behave(device, behaviour)

    def close(self) -> None:
        """Leave all wires."""
        for bus in self.buses.values():
            bus.close()


def _note(here: Path, ports: Mapping[str, int]) -> None:
    """Write the ports whole or not at all."""
    here.mkdir(parents=True, exist_ok=True)
    partial = here / f"{PORTS}.new"
    partial.write_text(json.dumps(ports), encoding="utf-8")
    os.replace(partial, here / PORTS)


def _loopback(name: str, host: str) -> str:
    """`host` when it is this machine. The simulator never answers in place of a real device."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise CannotServe(f"bus {name}: {host} is not this machine. Use --here DIR to simulate a field file.")
    return host
