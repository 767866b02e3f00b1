"""The terminal strip of a hot-water circuit: sensors, contacts and commands by point name."""

from __future__ import annotations

from collections.abc import Callable

from .contact import Contact
from .hot_water_circuit import COLD_WATER, HotWaterCircuit
from .pump import Pump
from .terminals import Breakable, Channels, Sensing, Thermostat, ValveTerminals, valve_commands

_QUICK_LAG = 4.0  # s, a bare probe in the stream: a pocket would be too slow for a tap
_POCKET_LAG = 12.0


class HotWaterTerminals:
    """`measure` fills a dict of point names, `commands` holds a setter a name, `breakable` what can fail.

    `supply_temperature` is what the taps get, `charge_temperature` (storage) what the exchanger gives."""

    def __init__(self, circuit: HotWaterCircuit, sensing: Sensing) -> None:
        name = circuit.parameters.name
        self.circuit = circuit
        self._channels = Channels(sensing)
        self._thermostat = Thermostat(f"{sensing.seed}/{name}", circuit.parameters.thermostat_c)
        self._thermostat_key, self._local_key = f"{name}.thermostat", f"{name}.valve_local"
        self._thermostat_contact, self._local_contact = Contact(), Contact()
        self.commands: dict[str, Callable[[float], None]] = valve_commands(name, circuit.branch)
        self._add_sensors(name)
        self._pumps: dict[str, Pump] = {}
        self._add_pumps(name)
        self.breakable: dict[str, Breakable] = {
            **self._channels.sensors,
            **self._pumps,
            self._thermostat_key: self._thermostat_contact,
            self._local_key: self._local_contact,
            f"{name}.valve": ValveTerminals(circuit.branch.valve),
            f"{name}.exchanger": circuit.exchanger,
            f"{name}.primary_strainer": circuit.branch.strainer,
        }

    def _add_sensors(self, name: str) -> None:
        circuit, water, add = self.circuit, self.circuit.water, self._channels
        add.temperature(f"{name}.supply_temperature", lambda: water.supply, _QUICK_LAG)
        storage = water.storage
        if storage is not None:
            add.temperature(f"{name}.charge_temperature", lambda: water.hot, _QUICK_LAG)
            add.temperature(f"{name}.storage_top_temperature", storage.top, _POCKET_LAG)
            add.temperature(f"{name}.storage_bottom_temperature", storage.bottom, _POCKET_LAG)
        if circuit.circulation_pump is not None:
            add.temperature(f"{name}.circulation_temperature", lambda: water.circulation_return, _POCKET_LAG)
        add.add(
            f"{name}.draw_off_flow",
            lambda: circuit.draw_off / COLD_WATER,
            lag=1.0,
            quantum=0.01,
            low=0.0,
            scale=3600.0,
        )
        add.position(f"{name}.valve_position", circuit.branch.valve)

    def _add_pumps(self, name: str) -> None:
        circuit = self.circuit

        def run_charge(value: float) -> None:
            circuit.charge_run = value

        def run_circulation(value: float) -> None:
            circuit.circulation_run = value

        for role, pump, run in (
            ("charge_pump", circuit.charge_pump, run_charge),
            ("circulation_pump", circuit.circulation_pump, run_circulation),
        ):
            if pump is None:
                continue
            key = f"{name}.{role}"
            self._pumps[key] = pump
            self._channels.current(f"{key}_current", pump)
            self.commands[f"{key}_run"] = run

    def measure(self, dt: float, values: dict[str, float]) -> None:
        """Write all readings and contacts after `dt` s into `values`."""
        circuit = self.circuit
        self._channels.measure(dt, values)
        too_hot = self._thermostat.step(dt, circuit.water.hot)
        values[self._thermostat_key] = self._thermostat_contact.show(too_hot)
        values[self._local_key] = self._local_contact.show(circuit.branch.valve.local)
        for key, pump in self._pumps.items():
            values[f"{key}_running"] = float(pump.running)
            values[f"{key}_fault"] = float(pump.tripped)
            values[f"{key}_local"] = float(pump.local)

    def settle(self) -> None:
        """All sensors have been at their values for long."""
        self._channels.settle()
        self._thermostat.settle(self.circuit.water.hot)
