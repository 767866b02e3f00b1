"""The terminal strip of a zone: its sensors, contacts and commands by point name, in controller units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .pump import Pump
from .sensor import Sensor
from .valve import Valve
from .zone import ExchangerZone

_THERMOSTAT_LAG = 15.0
_THERMOSTAT_HYSTERESIS = 10.0
_SWITCH_HYSTERESIS = 20e3


class Breakable(Protocol):
    """Anything with faults: raises ValueError, naming the allowed kinds, for a kind it does not know."""

    def break_down(self, kind: str, value: float | None = None) -> None: ...

    def repair(self) -> None: ...


class _Channel:
    __slots__ = ("key", "read", "sensor")

    def __init__(self, key: str, sensor: Sensor, read: Callable[[], float]) -> None:
        self.key = key
        self.sensor = sensor
        self.read = read


class Channels:
    """Sensors with what they look at (a function giving the SI value)."""

    def __init__(self, seed: str, noise: float) -> None:
        """`noise` scales the noise of every sensor."""
        self._seed = seed
        self._noise = noise
        self._channels: list[_Channel] = []
        self.sensors: dict[str, Sensor] = {}

    def add(
        self,
        key: str,
        read: Callable[[], float],
        lag: float = 0.0,
        noise: float = 0.0,
        quantum: float = 0.0,
        low: float = -1e9,
        high: float = 1e9,
        scale: float = 1.0,
    ) -> None:
        """Add a sensor; lag in s, the rest in the units it shows."""
        sensor = Sensor(f"{self._seed}/{key}", lag, noise * self._noise, quantum, low, high, scale)
        self._channels.append(_Channel(key, sensor, read))
        self.sensors[key] = sensor

    def temperature(self, key: str, read: Callable[[], float], lag: float) -> None:
        """Pt1000 in a pocket: 0.03 K noise in 0.05 K steps."""
        self.add(key, read, lag, 0.03, 0.05, -50.0, 180.0)

    def pressure(
        self, key: str, read: Callable[[], float], low: float = -100.0, high: float = 1600.0
    ) -> None:
        """Transmitter: 0.3 kPa noise in 0.1 kPa steps."""
        self.add(key, read, 0.5, 0.3, 0.1, low, high, 1e-3)

    def measure(self, dt: float, values: dict[str, float]) -> None:
        """Write all readings after `dt` s into `values`."""
        for channel in self._channels:
            values[channel.key] = channel.sensor.step(dt, channel.read())

    def settle(self) -> None:
        """All sensors have been at their values for long."""
        for channel in self._channels:
            channel.sensor.settle(channel.read())


class ValveTerminals:
    """The valve's faults with strokes in %."""

    def __init__(self, valve: Valve) -> None:
        self._valve = valve

    def break_down(self, kind: str, value: float | None = None) -> None:
        """See Valve.break_down; `value` in %."""
        self._valve.break_down(kind, None if value is None else value / 100.0)

    def repair(self) -> None:
        """End all faults."""
        self._valve.repair()


class ZoneTerminals:
    """`measure` fills a dict of point names, `commands` holds a setter a name, `breakable` what can fail."""

    def __init__(self, zone: ExchangerZone, seed: str, noise: float, nominal_hz: float) -> None:
        self.zone = zone
        self.commands: dict[str, Callable[[float], None]] = {}
        self._pumps: dict[str, Pump] = {}
        self._channels = Channels(seed, noise)
        name = zone.parameters.name
        self._thermostat = Sensor(f"{seed}/{name}/thermostat", lag=_THERMOSTAT_LAG)
        self._too_hot = False
        self._too_low = False
        self._keys = tuple(f"{name}.{role}" for role in ("thermostat", "suction_switch", "valve_local"))
        self._add_sensors(name)
        self._add_actuators(name)
        for kind, pumps, runs, speeds in (
            ("pump", zone.pumps, zone.pump_run, zone.pump_speed),
            ("makeup", zone.makeup_pumps, zone.makeup_run, zone.makeup_speed),
        ):
            for i, pump in enumerate(pumps):
                self._add_pump(f"{name}.{kind}_{i + 1}", pump, runs, speeds, i, nominal_hz)
        self._pump_keys = [
            (pump, f"{key}_running", f"{key}_fault", f"{key}_local") for key, pump in self._pumps.items()
        ]
        self.breakable: dict[str, Breakable] = {
            **self._channels.sensors,
            **self._pumps,
            name: zone,
            f"{name}.valve": ValveTerminals(zone.valve),
            f"{name}.exchanger": zone.exchanger,
        }

    def _add_sensors(self, name: str) -> None:
        zone, add = self.zone, self._channels
        add.temperature(f"{name}.supply_temperature", lambda: zone.supply, 12.0)
        add.temperature(f"{name}.supply_temperature_2", lambda: zone.supply, 12.0)
        add.temperature(f"{name}.return_temperature", lambda: zone.header, 12.0)
        add.pressure(f"{name}.supply_pressure", zone.supply_pressure)
        add.pressure(f"{name}.return_pressure", lambda: zone.loop.pressure)
        add.pressure(f"{name}.differential_pressure", lambda: zone.pump_head, 0.0, 600.0)
        add.add(
            f"{name}.makeup_flow",
            lambda: zone.makeup_flow / 999.7,
            lag=1.0,
            quantum=0.01,
            low=0.0,
            scale=3600.0,
        )
        add.pressure(f"{name}.makeup_pressure", lambda: zone.makeup_pressure)
        add.add(
            f"{name}.valve_position",
            lambda: zone.valve.position,
            noise=0.05,
            quantum=0.1,
            low=0.0,
            high=100.0,
            scale=100.0,
        )
        for i, room in enumerate(zone.parameters.rooms, start=1):
            building = zone.branches[room.group].building
            add.add(
                f"{name}.room_temperature_{i}",
                lambda building=building, offset=room.offset_k: building.air + offset,  # type: ignore[misc]
                lag=600.0,
                noise=0.05,
                quantum=0.1,
                low=-20.0,
                high=60.0,
            )

    def _add_actuators(self, name: str) -> None:
        zone = self.zone

        def set_valve(value: float) -> None:
            zone.valve_command = min(1.0, max(0.0, value / 100.0))

        def set_relief(value: float) -> None:
            zone.relief_valve = value

        self.commands[f"{name}.valve_command"] = set_valve
        self.commands[f"{name}.relief_valve"] = set_relief

    def _add_pump(
        self,
        key: str,
        pump: Pump,
        runs: list[float],
        speeds: list[float],
        index: int,
        nominal_hz: float,
    ) -> None:
        def set_run(value: float) -> None:
            runs[index] = value

        def set_speed(value: float) -> None:
            speeds[index] = min(1.0, max(0.0, value / nominal_hz))

        self._pumps[key] = pump
        self._channels.add(
            f"{key}_frequency", lambda: pump.speed, quantum=0.01, low=0.0, high=400.0, scale=nominal_hz
        )
        self._channels.add(
            f"{key}_current", lambda: pump.current, lag=0.5, noise=0.02, quantum=0.1, low=0.0, high=1000.0
        )
        self.commands[f"{key}_run"] = set_run
        self.commands[f"{key}_speed"] = set_speed

    def measure(self, dt: float, values: dict[str, float]) -> None:
        """Write all readings and contacts after `dt` s into `values`."""
        zone, p = self.zone, self.zone.parameters
        self._channels.measure(dt, values)
        felt = self._thermostat.step(dt, zone.supply)
        self._too_hot = felt > p.thermostat_c - (_THERMOSTAT_HYSTERESIS if self._too_hot else 0.0)
        limit = p.suction_switch_kpa * 1e3 + (_SWITCH_HYSTERESIS if self._too_low else 0.0)
        self._too_low = zone.loop.pressure < limit
        thermostat, suction, local = self._keys
        values[thermostat] = float(self._too_hot)
        values[suction] = float(self._too_low)
        values[local] = float(zone.valve.local)
        for pump, running, fault, pump_local in self._pump_keys:
            values[running] = float(pump.running)
            values[fault] = float(pump.tripped)
            values[pump_local] = float(pump.local)

    def settle(self) -> None:
        """All sensors have been at their values for long."""
        self._channels.settle()
        self._thermostat.settle(self.zone.supply)
        self._too_hot = self._too_low = False
