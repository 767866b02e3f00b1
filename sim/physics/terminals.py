"""The terminal strip of a zone: its sensors, contacts and commands by point name, in controller units."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from .contact import Contact
from .exchanger_bank import ExchangerBank
from .exchanger_zone import ExchangerZone
from .mixing import MixingZone
from .primary_branch import PrimaryBranch
from .pump import Pump
from .sensor import Sensor, range_quantum
from .valve import Valve
from .water import density
from .zone import CP, Zone

_THERMOSTAT_LAG = 15.0
_THERMOSTAT_HYSTERESIS = 10.0
_SWITCH_HYSTERESIS = 20e3
_FLOW_LAG = 3.0  # s, damping of an ultrasonic meter as delivered
_FLOW_NOISE = 0.003  # of the design flow; standing water shows it too, cut off below 0
_HEAT_LAG = 10.0  # s, its two sensors in their pockets
_AT_THE_END = 0.01  # of the stroke, where an end contact closes
_STRAP_ON_LAG = 40.0  # s, a sensor strapped on the pipe


class Breakable(Protocol):
    """Anything with faults: raises ValueError, naming the allowed kinds, for a kind it does not know."""

    def break_down(self, kind: str, value: float | None = None) -> None: ...

    def repair(self) -> None: ...


class Sensing(NamedTuple):
    """What all sensors of a plant share: the seed of their noise, its scale, the bits of the transmitters
    (0 = fine steps), and further sensors of the same kind beside the first: `<key>_2`, `<key>_3`."""

    seed: str
    noise: float = 1.0
    bits: int = 0
    further: tuple[str, ...] = ()


class Channels:
    """Sensors with what they look at (a function giving the SI value)."""

    def __init__(self, sensing: Sensing) -> None:
        self._sensing = sensing
        self._channels: list[tuple[str, Sensor, Callable[[], float]]] = []
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
        two_wire: bool = False,
    ) -> None:
        """Add a sensor, and what stands beside it; lag in s, the rest in the units it shows; `two_wire` as of
        Sensor."""
        sensing = self._sensing
        for name in (key, *(one for one in sensing.further if one[:-2] == key)):
            sensor = Sensor(
                f"{sensing.seed}/{name}",
                lag,
                noise * sensing.noise,
                quantum,
                low,
                high,
                scale,
                two_wire=two_wire,
            )
            self._channels.append((name, sensor, read))
            self.sensors[name] = sensor

    def temperature(self, key: str, read: Callable[[], float], lag: float) -> None:
        """Pt1000 in a pocket: 0.03 K noise in 0.05 K steps."""
        self.add(key, read, lag, 0.03, 0.05, -50.0, 180.0)

    def pressure(
        self, key: str, read: Callable[[], float], low: float = -100.0, high: float = 1600.0
    ) -> None:
        """Transmitter: 0.3 kPa noise in 0.1 kPa steps, or those of its converter."""
        self.add(key, read, 0.5, 0.3, self.quantum(low, high, 0.1), low, high, 1e-3, two_wire=True)

    def position(self, key: str, valve: Valve) -> None:
        """Feedback of an actuator in %: 0.05 % noise in 0.1 % steps."""
        self.add(key, valve.feedback, noise=0.05, quantum=0.1, low=0.0, high=100.0, scale=100.0)

    def current(self, key: str, pump: Pump) -> None:
        """Current of a drive in A."""
        self.add(key, lambda: pump.current, lag=0.5, noise=0.02, quantum=0.1, low=0.0, high=1000.0)

    def quantum(self, low: float, high: float, fine: float) -> float:
        """Step of a transmitter with this range."""
        bits = self._sensing.bits
        return range_quantum(low, high, bits) if bits > 0 else fine

    def measure(self, dt: float, values: dict[str, float]) -> None:
        """Write all readings after `dt` s into `values`."""
        for key, sensor, read in self._channels:
            values[key] = sensor.step(dt, read())

    def settle(self) -> None:
        """All sensors have been at their values for long."""
        for _, sensor, read in self._channels:
            sensor.settle(read())


class ValveTerminals:
    """The valve's faults with strokes in %."""

    def __init__(self, valve: Valve) -> None:
        self._valve = valve

    def break_down(self, kind: str, value: float | None = None) -> None:
        """See Valve.break_down; `value` in %, also where the valve takes a share."""
        self._valve.break_down(kind, None if value is None else value / 100.0)

    def repair(self) -> None:
        """End all faults."""
        self._valve.repair()


class Renewing:
    """A part of the secondary network: what changes there changes all flows."""

    def __init__(self, part: Breakable, renew: Callable[[], None]) -> None:
        self._part = part
        self._renew = renew

    def break_down(self, kind: str, value: float | None = None) -> None:
        """See the part's own."""
        self._part.break_down(kind, value)
        self._renew()

    def repair(self) -> None:
        """End all faults of the part."""
        self._part.repair()
        self._renew()


def valve_commands(name: str, branch: PrimaryBranch) -> dict[str, Callable[[float], None]]:
    """Commands of a primary branch's valve: by position (%), or by the relays of a three-point motor."""

    def set_valve(value: float) -> None:
        branch.valve_command = min(1.0, max(0.0, value / 100.0))
        branch.three_point = False

    def set_opening(value: float) -> None:
        branch.opening = value >= 0.5
        branch.three_point = True

    def set_closing(value: float) -> None:
        branch.closing = value >= 0.5
        branch.three_point = True

    return {
        f"{name}.valve_command": set_valve,
        f"{name}.valve_open": set_opening,
        f"{name}.valve_close": set_closing,
    }


class Thermostat:
    """Independent thermostat: °C in, true while too hot."""

    def __init__(self, seed: str, limit: float) -> None:
        self._sensor = Sensor(f"{seed}/thermostat", lag=_THERMOSTAT_LAG)
        self._limit = limit
        self._too_hot = False

    def step(self, dt: float, temperature: float) -> bool:
        """What it says after `dt` s at this temperature."""
        felt = self._sensor.step(dt, temperature)
        self._too_hot = felt > self._limit - (_THERMOSTAT_HYSTERESIS if self._too_hot else 0.0)
        return self._too_hot

    def settle(self, temperature: float) -> None:
        """Has been there for long, and let go."""
        self._sensor.settle(temperature)
        self._too_hot = False


class IsolationTerminals:
    """Isolation valves of exchangers in parallel: their relays, end contacts and faults."""

    def __init__(self, name: str, bank: ExchangerBank) -> None:
        self.commands: dict[str, Callable[[float], None]] = {}
        self.breakable: dict[str, Breakable] = {}
        self._ends: list[tuple[Valve, str, Contact, str, Contact]] = []
        for index, (unit, valve) in enumerate(zip(bank.units, bank.valves, strict=True)):
            key = f"{name}.exchanger_{index + 1}"
            self.commands[f"{key}_open"] = self._opener(bank, index)
            opened, closed = Contact(), Contact()
            self._ends.append((valve, f"{key}_opened", opened, f"{key}_closed", closed))
            self.breakable |= {
                key: unit,
                f"{key}_valve": ValveTerminals(valve),
                f"{key}_opened": opened,
                f"{key}_closed": closed,
            }

    @staticmethod
    def _opener(bank: ExchangerBank, index: int) -> Callable[[float], None]:
        def set_open(value: float) -> None:
            bank.open[index] = 1.0 if value >= 0.5 else 0.0

        return set_open

    def measure(self, values: dict[str, float]) -> None:
        """Write all contacts into `values`; they close within 1 % of the ends."""
        for valve, opened, opened_contact, closed, closed_contact in self._ends:
            values[opened] = opened_contact.show(valve.position >= 1.0 - _AT_THE_END)
            values[closed] = closed_contact.show(valve.position <= _AT_THE_END)


class ZoneTerminals:
    """`measure` fills a dict of point names, `commands` holds a setter a name, `breakable` what can fail."""

    def __init__(self, zone: Zone, sensing: Sensing, nominal_hz: float) -> None:
        self.zone = zone
        self.commands: dict[str, Callable[[float], None]] = {}
        self.breakable: dict[str, Breakable] = {}
        self._pumps: dict[str, Pump] = {}
        self._channels = Channels(sensing)
        self._isolations: IsolationTerminals | None = None
        name = zone.parameters.name
        self._thermostat = Thermostat(f"{sensing.seed}/{name}", zone.parameters.thermostat_c)
        self._too_low = False
        roles = ("thermostat", "suction_switch", "valve_local")
        self._contacts = tuple((f"{name}.{role}", Contact()) for role in roles)
        self._add_sensors(name)
        self._add_actuators(name)
        holding = zone.holding
        for kind, pumps, runs, speeds in (
            ("pump", zone.pumps, zone.pump_run, zone.pump_speed),
            ("makeup", holding.pumps, holding.run, holding.speed),
        ):
            for i, pump in enumerate(pumps):
                self._add_pump(f"{name}.{kind}_{i + 1}", pump, runs, speeds, i, nominal_hz)
        if zone.branch.booster is not None:
            self._add_booster(name, zone.branch.booster, nominal_hz)
        self._pump_keys = [
            (pump, f"{key}_running", f"{key}_fault", f"{key}_local", f"{key}_bypass")
            for key, pump in self._pumps.items()
        ]
        network = zone.network
        self.breakable |= {
            **self._channels.sensors,
            **dict(self._contacts),
            **self._pumps,
            name: zone,
            f"{name}.valve": ValveTerminals(zone.valve),
            f"{name}.primary_strainer": zone.branch.strainer,
            f"{name}.relief_valve": holding.relief,
            f"{name}.strainer": Renewing(network.strainer, network.renew),
        }
        for i, branch in enumerate(network.branches, start=1):
            self.breakable[f"{name}.branch_{i}"] = Renewing(branch, network.renew)
        if isinstance(zone, ExchangerZone):
            self.breakable[f"{name}.exchanger"] = zone.exchanger
            self.breakable[f"{name}.primary_bypass"] = zone.branch.bypass
            if zone.bank is not None:
                self._isolations = IsolationTerminals(name, zone.bank)
                self.commands |= self._isolations.commands
                self.breakable |= self._isolations.breakable
        if isinstance(zone, MixingZone):
            self.breakable[f"{name}.bypass"] = zone.bypass

    def _add_sensors(self, name: str) -> None:
        zone, add = self.zone, self._channels
        add.temperature(f"{name}.supply_temperature", lambda: zone.supply, 12.0)
        add.temperature(f"{name}.return_temperature", lambda: zone.header, 12.0)
        add.pressure(f"{name}.supply_pressure", zone.supply_pressure)
        add.pressure(f"{name}.return_pressure", lambda: zone.loop.pressure)
        add.pressure(f"{name}.differential_pressure", zone.shown_difference, 0.0, 600.0)
        # Clamp-on ultrasonic meter in the return, and the calculator that goes with it.
        add.add(
            f"{name}.secondary_flow",
            lambda: zone.flow / density(zone.header),
            lag=_FLOW_LAG,
            noise=_FLOW_NOISE * zone.parameters.secondary_flow_kg_per_s * 3.6,
            quantum=0.01,
            low=0.0,
            scale=3600.0,
        )
        # A meter of the zone's own, in its primary return.
        add.add(
            f"{name}.primary_flow",
            lambda: zone.primary_flow / density(zone.primary_return),
            lag=_FLOW_LAG,
            noise=_FLOW_NOISE * zone.parameters.primary_flow_kg_per_s * 3.6,
            quantum=0.01,
            low=0.0,
            scale=3600.0,
        )
        add.add(
            f"{name}.heat_power",
            lambda: zone.flow * CP * (zone.supply - zone.header),
            lag=_HEAT_LAG,
            noise=_FLOW_NOISE * zone.parameters.design_heat_kw,
            quantum=0.1,
            low=0.0,
            scale=1e-3,
        )
        add.add(
            f"{name}.makeup_flow",
            lambda: zone.holding.makeup_flow / 999.7,
            lag=1.0,
            quantum=0.01,
            low=0.0,
            scale=3600.0,
            two_wire=True,
        )
        # The water meter counts forward only, a pulse every 10 l.
        add.add(f"{name}.makeup_volume", lambda: zone.holding.metered / 999.7, quantum=0.01, low=0.0)
        add.pressure(f"{name}.makeup_pressure", lambda: zone.holding.makeup_pressure)
        add.position(f"{name}.valve_position", zone.valve)
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

        def set_relief(value: float) -> None:
            zone.holding.relief_valve = value

        self.commands |= valve_commands(name, zone.branch)
        self.commands[f"{name}.relief_valve"] = set_relief
        if zone.parameters.balancing_valves:
            for i in range(1, len(zone.network.branches) + 1):
                self._add_balancing(f"{name}.branch_{i}", i - 1)

    def _add_balancing(self, key: str, index: int) -> None:
        branch, building = self.zone.network.branches[index], self.zone.branches[index]

        def set_position(value: float) -> None:
            branch.valve_command = min(1.0, max(0.0, value / 100.0))

        self.commands[f"{key}_valve_command"] = set_position
        self._channels.position(f"{key}_valve_position", branch.valve)
        self._channels.temperature(
            f"{key}_return_temperature", lambda: building.return_pipe.outlet, _STRAP_ON_LAG
        )
        self.breakable[f"{key}_valve"] = ValveTerminals(branch.valve)

    def _add_booster(self, name: str, booster: Pump, nominal_hz: float) -> None:
        branch = self.zone.branch

        def set_run(value: float) -> None:
            branch.booster_run = value

        def set_speed(value: float) -> None:
            branch.booster_speed = min(1.0, max(0.0, value / nominal_hz))

        self._add_drive(f"{name}.booster", booster, set_run, set_speed, nominal_hz)

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

        self._add_drive(key, pump, set_run, set_speed, nominal_hz)

    def _add_drive(
        self,
        key: str,
        pump: Pump,
        set_run: Callable[[float], None],
        set_speed: Callable[[float], None],
        nominal_hz: float,
    ) -> None:
        self._pumps[key] = pump
        self._channels.add(
            f"{key}_frequency",
            lambda: 0.0 if pump.bypass else pump.speed,
            quantum=0.01,
            low=0.0,
            high=400.0,
            scale=nominal_hz,
        )
        self._channels.current(f"{key}_current", pump)
        self.commands[f"{key}_run"] = set_run
        self.commands[f"{key}_speed"] = set_speed

    def measure(self, dt: float, values: dict[str, float]) -> None:
        """Write all readings and contacts after `dt` s into `values`."""
        zone, p = self.zone, self.zone.parameters
        self._channels.measure(dt, values)
        too_hot = self._thermostat.step(dt, zone.supply)
        limit = p.suction_switch_kpa * 1e3 + (_SWITCH_HYSTERESIS if self._too_low else 0.0)
        self._too_low = zone.suction_pressure() < limit
        thermostat, suction, local = self._contacts
        values[thermostat[0]] = thermostat[1].show(too_hot)
        values[suction[0]] = suction[1].show(self._too_low)
        values[local[0]] = local[1].show(zone.valve.local)
        for pump, running, fault, pump_local, bypass in self._pump_keys:
            values[running] = float(pump.running)
            values[fault] = float(pump.tripped)
            values[pump_local] = float(pump.local)
            values[bypass] = float(pump.bypass)
        if self._isolations is not None:
            self._isolations.measure(values)

    def settle(self) -> None:
        """All sensors have been at their values for long."""
        self._channels.settle()
        self._thermostat.settle(self.zone.supply)
        self._too_low = False
