"""The simulated heat station: zones on one primary network and one makeup tank, with sensors and faults.

Outside it speaks controller units (°C, K, gauge kPa, m³/h, kW, kWh, GJ, %, Hz, A, m, flags as 0.0 and 1.0)
and point names `zone.role` or `station.role`; inside, `sim.physics` is SI. No wall clock and no global
randomness: the same parameters, weather, seed, commands and steps give the same run, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, isfinite
from typing import Literal

from .physics.contact import Contact
from .physics.exchanger_zone import ExchangerZone
from .physics.heat_meter import HeatMeter
from .physics.hydraulics import shared_difference, shared_differential_pressure
from .physics.mixing import MixingZone
from .physics.parameters import GroupParameters, PlantParameters, RoomParameters, ZoneParameters, check
from .physics.primary import TROUBLES, PrimaryNetwork
from .physics.sunlight import Sunlight
from .physics.tank import Tank
from .physics.terminals import Breakable, Channels, ZoneTerminals
from .physics.truth import zone_truth
from .physics.water import density
from .physics.zone import Zone
from .weather import Weather

__all__ = ["GroupParameters", "Plant", "PlantParameters", "RoomParameters", "ZoneParameters"]

_LONGEST_STEP = 5.0
_STATION_FAULTS = (
    "primary_outage",
    "power_failure",
    "flood",
    "no_city_water",
    *(kind for kind in TROUBLES if kind != "outage"),
)
_STARTS = ("warm", "cold", "empty")
_Start = Literal["warm", "cold", "empty"]


class Plant:
    """One station. `sensors` is what a controller sees, `truth` what is; both keyed by point names.

    `time` is plant time in epoch seconds (UTC). `step` and `settle` renew `sensors`; commands and faults show
    from the next step on. `zones` and `primary` give access to the parts."""

    def __init__(
        self,
        parameters: PlantParameters,
        weather: Weather,
        seed: int = 0,
        start_time: float | None = None,
        start: _Start = "warm",
    ) -> None:
        """`start_time`: epoch s, by default the first hour of the weather. `start`: see `settle`.

        Raises ValueError for doubled names, or shares that do not add up to one."""
        check(parameters)
        self.parameters = parameters
        self.weather = weather
        self.time = weather.start if start_time is None else float(start_time)
        p = parameters
        self.zones: dict[str, Zone] = {
            zone.name: (MixingZone if zone.kind == "mixing" else ExchangerZone)(zone, p.nominal_hz)
            for zone in p.zones
        }
        self._zones = list(self.zones.values())
        self.primary = PrimaryNetwork(
            f"{seed}/primary",
            p.primary_cold_outdoor_c,
            p.primary_cold_supply_c,
            p.primary_mild_outdoor_c,
            p.primary_mild_supply_c,
            p.primary_differential_kpa * 1e3,
            p.primary_return_pressure_kpa * 1e3,
            p.primary_delay_h * 3600.0,
            p.primary_disturbance,
        )
        self._network_resistance = (
            p.primary_network_drop_kpa * 1e3 / sum(zone.primary_flow_kg_per_s for zone in p.zones) ** 2
        )
        self.tank = Tank(
            p.tank_area_m2,
            p.tank_overflow_level_m,
            p.tank_inlet_m3_per_h / 3600.0 * 999.7,
            p.tank_start_level_m,
        )
        self.sunlight = Sunlight(p.latitude, p.longitude)
        self.power_failure = self.flood = self.no_city_water = False
        self._tank_inlet = 0.0
        self._supply_pressure = 0.0
        self._return_pressure = self._network_return = 0.0
        self._primary_return = 20.0
        self._primary_flow = 0.0
        self._return_flow = 0.0
        self._heat = 0.0
        self._heat_energy = 0.0
        self._outdoor = 0.0
        self.sensors: dict[str, float] = {}
        self.meter = HeatMeter(f"{seed}/meter", p.meter_interval_s, p.sensor_noise)
        self._channels = Channels(str(seed), p.sensor_noise, p.transmitter_bits)
        self._add_station_sensors()
        self._terminals = [
            ZoneTerminals(zone, str(seed), p.sensor_noise, p.nominal_hz, p.transmitter_bits)
            for zone in self._zones
        ]
        self._commands: dict[str, Callable[[float], None]] = {"station.tank_inlet": self._set_tank_inlet}
        self._power_contact, self._flood_contact = Contact(), Contact()
        self._breakable: dict[str, Breakable] = {
            **self._channels.sensors,
            "station.power_failure": self._power_contact,
            "station.flood": self._flood_contact,
        }
        for terminals in self._terminals:
            self._commands |= terminals.commands
            self._breakable |= terminals.breakable
        self.settle(state=start)

    # --- what a controller does -------------------------------------------------------------------------

    def command(self, name: str, value: float) -> None:
        """Set an output, from the next step on: valves %, speeds Hz, flags 0 or 1 (≥ 0.5 counts as 1).

        Raises KeyError with the known names, ValueError for a value that is no number."""
        setter = self._commands.get(name)
        if setter is None:
            raise KeyError(f"unknown command {name!r} (known: {', '.join(sorted(self._commands))})")
        if not isfinite(value):
            raise ValueError(f"{name}: {value} is no command (must be a finite number)")
        setter(value)

    def command_names(self) -> list[str]:
        """All names that `command` takes."""
        return sorted(self._commands)

    def step(self, dt: float) -> None:
        """Advance by `dt` seconds (> 0; divided into parts of at most 5 s) and measure."""
        if not dt > 0.0:
            raise ValueError(f"dt is {dt} s (must be above 0)")
        parts = ceil(dt / min(_LONGEST_STEP, min(zone.longest_step for zone in self._zones)) - 1e-9)
        part = dt / parts
        for _ in range(parts):
            self._advance(part)
        self._measure(dt)

    def _advance(self, dt: float) -> None:
        self.time += dt
        time, weather, primary, tank = self.time, self.weather, self.primary, self.tank
        outdoor = self._outdoor = weather.outdoor(time)
        sun = weather.radiation(time)
        walls = self.sunlight.facades(time, sun)
        wind = 1.0 + self.parameters.wind_loss_per_m_per_s * weather.wind(time)
        powered = not self.power_failure
        primary.step(dt, outdoor, (time / 3600.0 + self.parameters.local_hours_ahead) % 24.0)
        supply = primary.supply_temperature

        zones = self._zones
        for zone in zones:
            zone.actuate(dt, powered, supply)
        difference = self._shared_difference()
        back = self._network_return = primary.return_pressure_now()

        total = outgoing = moment = heat = drawn = returned = suction = 0.0
        level, available = tank.level, tank.available(dt) / len(zones)
        for zone in zones:
            zone.step(dt, supply, difference, back, outdoor, sun, walls, wind, powered, level, available)
            total += zone.primary_flow
            outgoing += zone.primary_return_flow
            moment += zone.primary_return_flow * zone.primary_return
            heat += zone.heat
            drawn += zone.holding.makeup_flow
            returned += zone.holding.relief_flow
            suction = max(suction, zone.branch.suction_drop())
        self._supply_pressure = back + difference
        # The station's transmitter sits before the boosters in the return.
        self._return_pressure = back - suction
        self._primary_flow = total
        self._return_flow = outgoing
        self._heat = heat
        if outgoing > 1e-6:
            self._primary_return = moment / outgoing
        else:
            self._primary_return = zones[0].primary_return
        self._heat_energy += heat * dt
        # The solenoid closes without power.
        filling = self._tank_inlet > 0.5 and powered and not self.no_city_water
        tank.step(dt, filling, drawn, returned)
        self.meter.step(dt, self._meter_flow(), supply, self._primary_return)

    def _shared_difference(self) -> float:
        """Pressure difference in Pa that the network leaves at the station."""
        source = self.primary.differential_pressure
        zones = self._zones
        if all(zone.passive for zone in zones):
            total = sum(zone.branch.conductance for zone in zones)
            return shared_differential_pressure(total, source, self._network_resistance)

        def flow_at(difference: float) -> float:
            return sum(zone.primary_flow_at(difference) for zone in zones)

        guess = self._supply_pressure - self._network_return
        return shared_difference(source, self._network_resistance, flow_at, guess)

    # --- start states -----------------------------------------------------------------------------------

    def settle(self, outdoor: float | None = None, state: _Start = "warm") -> None:
        """Go to a start state at once, with balances and counters at zero.

        "warm": near steady heating at `outdoor` (default: the weather's now): first pump at 50 Hz, valve
        where it belongs (both also commanded), rooms at design as a whole, each as its house is. "cold":
        building 15 °C, loop 20 °C, filled, valve closed, pumps stopped. "empty": the same with 10 °C and no
        water in the loops (the primary network keeps a mixing zone filled)."""
        if state not in _STARTS:
            raise ValueError(f"unknown start state {state!r} (allowed: {', '.join(_STARTS)})")
        self._outdoor = self.weather.outdoor(self.time) if outdoor is None else outdoor
        primary = self.primary
        primary.settle(self._outdoor)
        supply = primary.supply_temperature
        difference = primary.differential_pressure
        back = self._network_return = primary.return_pressure_now()
        if state != "warm":
            for zone in self._zones:
                zone.settle_cold(10.0 if state == "empty" else 20.0, 15.0, back, state == "empty")
        else:
            drop = self._network_resistance * sum(z.primary_flow_kg_per_s for z in self.parameters.zones) ** 2
            guess = difference - drop
            total = sum(zone.settle_warm(supply, self._outdoor, guess, back) for zone in self._zones)
            difference -= self._network_resistance * total * total
            for zone in self._zones:
                zone.settle_valve(difference, supply)
        self._primary_flow = sum(zone.primary_flow for zone in self._zones)
        self._return_flow = sum(zone.primary_return_flow for zone in self._zones)
        self._heat = sum(zone.heat for zone in self._zones)
        self._primary_return = self._zones[0].primary_return
        if self._return_flow > 0.0:
            moment = sum(zone.primary_return_flow * zone.primary_return for zone in self._zones)
            self._primary_return = moment / self._return_flow
        self._return_pressure = back - max(zone.branch.suction_drop() for zone in self._zones)
        self._supply_pressure = back + difference
        self.meter.settle(self._meter_flow(), supply, self._primary_return)
        self._heat_energy = 0.0
        self.tank.level = self.parameters.tank_start_level_m
        self.tank.inlet_mass = self.tank.overflow_mass = 0.0
        self._water_at_start = self._water_mass()
        self._channels.settle()
        for terminals in self._terminals:
            terminals.settle()
        self._measure(1e-3)

    # --- faults -----------------------------------------------------------------------------------------

    def fault(self, name: str, kind: str, value: float | None = None) -> None:
        """Begin a fault; several kinds on one name add up (a sensor has one at a time).

        Raises KeyError for an unknown name and ValueError for an unknown kind, with what is allowed. Kinds:

        - a sensor's key: open, short, frozen, drift (units/h), offset, noise (sigma), spike (units),
          intermittent (share of time without contact)
        - `low.pump_1`, `low.makeup_1`, `low.booster`: trip, no_start, local (1 runs at 50 Hz, 0 stops, none
          stays as it is), wear (share of the head), check_valve, dry, mains_bypass
        - `low.valve`: stuck, reversed, local (% to stand at, none stays), leaking (% of Kvs, 2), slipping
          (% of the way lost, 50), asymmetry (% longer closing, 5)
        - contacts (`low.thermostat`, `station.flood`, …): stuck_off, stuck_on
        - `low.exchanger`: fouling (share of the clean resistance, 0.5)
        - `low.strainer`, `low.primary_strainer`: clogged (share of the free area, 0.7)
        - `low.branch_1`: blocked (share of the free area, 0.9)
        - `low.bypass` (mixing): check_valve, clogged
        - `low`: leak (m3/h at 300 kPa, 0.4), burst (the same, 40; lets air in)
        - `station`: primary_outage, power_failure, flood, no_city_water; of the primary: interruption
          (min, 30), shortage (share, 0.3), night_sag (share, 0.15), temperature_step (K, -10),
          pressure_step (share, -0.3)"""
        if name == "station":
            self._station_fault(kind, value)
        else:
            self._part(name).break_down(kind, value)

    def clear(self, name: str) -> None:
        """End all faults of `name`. Raises KeyError with the known names."""
        if name == "station":
            self.power_failure = self.flood = self.no_city_water = False
            self.primary.clear()
        else:
            self._part(name).repair()

    def fault_names(self) -> list[str]:
        """All names that `fault` and `clear` take."""
        return sorted([*self._breakable, "station"])

    def _part(self, name: str) -> Breakable:
        part = self._breakable.get(name)
        if part is None:
            raise KeyError(f"unknown name {name!r} (known: {', '.join(self.fault_names())})")
        return part

    def _station_fault(self, kind: str, value: float | None) -> None:
        match kind:
            case "primary_outage":
                self.primary.trouble("outage")
            case "power_failure":
                self.power_failure = True
            case "flood":
                self.flood = True
            case "no_city_water":
                self.no_city_water = True
            case _ if kind in _STATION_FAULTS:
                self.primary.trouble(kind, value)
            case _:
                raise ValueError(
                    f"unknown fault {kind!r} of the station (allowed: {', '.join(_STATION_FAULTS)})"
                )

    # --- judging ----------------------------------------------------------------------------------------

    @property
    def truth(self) -> dict[str, float]:
        """True values in controller units, built on demand; energies and volumes since the last `settle`."""
        values = {
            "station.outdoor_temperature": self._outdoor,
            "station.primary_supply_temperature": self.primary.supply_temperature,
            "station.primary_return_temperature": self._primary_return,
            "station.primary_supply_pressure": self._supply_pressure * 1e-3,
            "station.primary_return_pressure": self._return_pressure * 1e-3,
            "station.primary_flow": self._meter_flow() * 3600.0,
            "station.heat_power": self._heat * 1e-3,
            "station.heat_energy": self._heat_energy * 1e-9,
            "station.tank_level": self.tank.level,
            "station.tank_water_mass": self.tank.mass(),
        }
        for zone in self._zones:
            values |= zone_truth(zone)
        return values

    def energy_balance_error(self) -> float:
        """Heat that came in, less what went out and what is stored, over the heat that came in or went
        out."""
        error = turnover = 0.0
        for zone in self._zones:
            came = zone.heat_from_primary + zone.heat_other
            error += came - zone.heat_lost - (zone.stored_heat() - zone.heat_at_start)
            turnover += max(abs(came), abs(zone.heat_lost))
        return abs(error) / turnover if turnover > 0.0 else 0.0

    def mass_balance_error(self) -> float:
        """Water that came in, less what left and what is held, over the water held at the start and come
        in."""
        lost = self.tank.overflow_mass
        came = self.tank.inlet_mass
        for zone in self._zones:
            lost += zone.holding.water_lost
            came += zone.water_from_primary
        error = came - lost - (self._water_mass() - self._water_at_start)
        return abs(error) / max(1.0, self._water_at_start + self.tank.inlet_mass)

    def _water_mass(self) -> float:
        return self.tank.mass() + sum(zone.loop.water_mass for zone in self._zones)

    def _meter_flow(self) -> float:
        """m3/s at the heat meter, which sits in the primary return."""
        return self._return_flow / density(self._primary_return)

    # --- sensors ----------------------------------------------------------------------------------------

    def _measure(self, dt: float) -> None:
        sensors = self.sensors
        self._channels.measure(dt, sensors)
        sensors["station.power_failure"] = self._power_contact.show(self.power_failure)
        sensors["station.flood"] = self._flood_contact.show(self.flood)
        for terminals in self._terminals:
            terminals.measure(dt, sensors)

    def _add_station_sensors(self) -> None:
        add = self._channels
        # The outdoor sensor sits in a housing on the wall: lag 15 min.
        add.temperature("station.outdoor_temperature", lambda: self._outdoor, 900.0)
        add.temperature("station.primary_supply_temperature", lambda: self.primary.supply_temperature, 10.0)
        add.temperature("station.primary_return_temperature", lambda: self._primary_return, 10.0)
        add.pressure("station.primary_supply_pressure", lambda: self._supply_pressure)
        add.pressure("station.primary_return_pressure", lambda: self._return_pressure)
        meter = self.meter
        add.add("station.primary_flow", lambda: meter.flow, quantum=0.01, low=0.0, scale=3600.0)
        add.add("station.heat_power", lambda: meter.power, quantum=1.0, low=0.0, scale=1e-3)
        add.add("station.heat_energy", lambda: meter.energy, quantum=0.001, low=0.0, scale=1e-9)
        add.add("station.primary_volume", lambda: meter.volume, quantum=0.01, low=0.0)
        add.add("station.electric_energy", self._electric_energy, quantum=0.1, low=0.0, scale=1 / 3.6e6)
        add.add(
            "station.tank_level",
            lambda: self.tank.level,
            lag=2.0,
            noise=0.002,
            quantum=add.quantum(0.0, 3.0, 0.001),
            low=0.0,
        )

    def _electric_energy(self) -> float:
        return sum(zone.electric_energy for zone in self._zones)

    def _set_tank_inlet(self, value: float) -> None:
        self._tank_inlet = value
