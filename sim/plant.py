"""The simulated heat station: zones on one primary network and one makeup tank, hot water beside them, with
sensors and faults.

Outside it speaks controller units (°C, K, gauge kPa, m³/h, kW, kWh, GJ, %, Hz, A, m, flags as 0.0 and 1.0)
and point names `zone.role`, `hot_water.role` or `station.role`; inside, `sim.physics` is SI. No wall clock
and no global randomness: the same parameters, weather, seed, commands and steps give the same run, bit for
bit.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, isfinite
from typing import Literal

from .physics.balances import heat_error, water_error, water_mass
from .physics.exchanger_zone import ExchangerZone
from .physics.floor import Floor
from .physics.heat_meter import HeatMeter
from .physics.hot_water_circuit import HotWaterCircuit
from .physics.hot_water_terminals import HotWaterTerminals
from .physics.mixing import MixingZone
from .physics.parameters import (
    GroupParameters,
    HotWaterParameters,
    PlantParameters,
    RoomParameters,
    ZoneParameters,
    check,
)
from .physics.primary import PrimaryNetwork
from .physics.primary_side import Consumer, PrimarySide
from .physics.station_terminals import StationTerminals
from .physics.sunlight import Sunlight
from .physics.tank import Tank
from .physics.terminals import Breakable, Sensing, ZoneTerminals
from .physics.truth import hot_water_truth, station_truth, zone_truth
from .physics.zone import Zone
from .weather import Weather

__all__ = [
    "GroupParameters",
    "HotWaterParameters",
    "Plant",
    "PlantParameters",
    "RoomParameters",
    "ZoneParameters",
]

_LONGEST_STEP = 5.0
_STARTS = ("warm", "cold", "empty")
Start = Literal["warm", "cold", "empty"]


class Plant:
    """One station. `sensors` is what a controller sees, `truth` what is; both keyed by point names.

    `time` is plant time in epoch seconds (UTC). `step` and `settle` renew `sensors`; commands and faults show
    from the next step on. `zones`, `hot_waters` and `primary` give access to the parts."""

    def __init__(
        self,
        parameters: PlantParameters,
        weather: Weather,
        seed: int = 0,
        start_time: float | None = None,
        start: Start = "warm",
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
        self.hot_waters: dict[str, HotWaterCircuit] = {
            circuit.name: HotWaterCircuit(circuit, f"{seed}/{circuit.name}", p.local_hours_ahead)
            for circuit in p.hot_waters
        }
        self._hot_waters = list(self.hot_waters.values())
        self._consumers: list[Consumer] = [*self._zones, *self._hot_waters]
        self._part = min(_LONGEST_STEP, min(consumer.longest_step for consumer in self._consumers))
        self.primary = _primary_network(p, seed)
        self._side = PrimarySide(
            self.primary,
            self._consumers,
            p.primary_network_drop_kpa * 1e3 / sum(zone.primary_flow_kg_per_s for zone in p.zones) ** 2,
            HeatMeter(f"{seed}/meter", p.meter_interval_s, p.sensor_noise),
        )
        self.tank = _tank(p)
        self.floor = Floor(p.station_floor_m2, p.floor_drain_m3_per_h / 3600.0, p.flood_contact_m)
        self.sunlight = Sunlight(p.latitude, p.longitude)
        self._outdoor = 0.0
        self.sensors: dict[str, float] = {}
        sensing = Sensing(str(seed), p.sensor_noise, p.transmitter_bits, p.further_sensors)
        self._station = StationTerminals(
            self._side,
            self.tank,
            self.floor,
            lambda: self._outdoor,
            sensing,
            self._weather_seen(p.weather_sensors),
        )
        self._terminals: list[ZoneTerminals | HotWaterTerminals] = [
            *(ZoneTerminals(zone, sensing, p.nominal_hz) for zone in self._zones),
            *(HotWaterTerminals(circuit, sensing) for circuit in self._hot_waters),
        ]
        self._commands: dict[str, Callable[[float], None]] = {**self._station.commands}
        self._breakable: dict[str, Breakable] = {**self._station.breakable}
        for terminals in self._terminals:
            self._commands |= terminals.commands
            self._breakable |= terminals.breakable
        self.settle(state=start)

    def _weather_seen(self, sensors: tuple[str, ...]) -> dict[str, Callable[[], float]]:
        """What the station's own weather sensors look at; ValueError for a name that is none."""
        weather = self.weather
        known: dict[str, Callable[[], float]] = {
            "wind_speed": lambda: weather.wind(self.time),
            "solar_radiation": lambda: weather.radiation(self.time),
        }
        if unknown := [name for name in sensors if name not in known]:
            raise ValueError(f"unknown weather sensors {unknown} (allowed: {', '.join(known)})")
        return {name: known[name] for name in sensors}

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
        parts = ceil(dt / self._part - 1e-9)
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
        troubles = self._station.troubles
        powered = not troubles.power_failure
        primary.step(dt, outdoor, (time / 3600.0 + self.parameters.local_hours_ahead) % 24.0)
        supply = primary.supply_temperature

        for consumer in self._consumers:
            consumer.actuate(dt, powered, supply)
        difference = self._side.share()
        back = self._side.network_return

        zones = self._zones
        drawn = returned = spilled = 0.0
        level, available = tank.level, tank.available(dt) / len(zones)
        for zone in zones:
            zone.step(dt, supply, difference, back, outdoor, sun, walls, wind, powered, level, available)
            drawn += zone.holding.makeup_flow
            returned += zone.holding.relief_flow
            spilled += zone.holding.spilled
        for circuit in self._hot_waters:
            circuit.step(dt, time, supply, difference, back, not troubles.no_city_water)
        self._side.gather(dt, difference)
        # The solenoid closes without power.
        filling = self._station.tank_inlet and powered and not troubles.no_city_water
        tank.step(dt, filling, drawn, returned)
        self.floor.step(dt, spilled + tank.overflow_flow)

    # --- start states -----------------------------------------------------------------------------------

    def settle(self, outdoor: float | None = None, state: Start = "warm") -> None:
        """Go to a start state at once, with balances and counters at zero.

        "warm": near steady heating at `outdoor` (default: the weather's now): first pump at 50 Hz, valve
        where it belongs (both also commanded), rooms at design as a whole, each as its house is. "cold":
        building 15 °C, loop 20 °C, filled, valve closed, pumps stopped. "empty": the same with 10 °C and no
        water in the loops (the primary network keeps a mixing zone filled). Hot water is at its start
        temperature, circulating, or as cold as the loops."""
        if state not in _STARTS:
            raise ValueError(f"unknown start state {state!r} (allowed: {', '.join(_STARTS)})")
        self._outdoor = self.weather.outdoor(self.time) if outdoor is None else outdoor
        self.primary.settle(self._outdoor)
        side = self._side
        side.network_return = self.primary.return_pressure_now()
        difference = self.primary.differential_pressure
        if state == "warm":
            difference = self._settle_warm(difference)
        else:
            for consumer in self._consumers:
                water = 10.0 if state == "empty" else 20.0
                consumer.settle_cold(water, 15.0, side.network_return, state == "empty")
        side.settle(difference)
        self.tank.level = self.parameters.tank_start_level_m
        self.tank.inlet_mass = self.tank.overflow_mass = 0.0
        self.floor.depth = 0.0
        self._water_at_start = water_mass(self.tank, self._zones)
        self._station.settle()
        for terminals in self._terminals:
            terminals.settle()
        self._measure(1e-3)

    def _settle_warm(self, difference: float) -> float:
        """Pressure difference in Pa that is left when all work steadily."""
        side, supply = self._side, self.primary.supply_temperature
        drop = side.resistance * sum(z.primary_flow_kg_per_s for z in self.parameters.zones) ** 2
        guess = difference - drop
        total = sum(
            consumer.settle_warm(supply, self._outdoor, guess, side.network_return)
            for consumer in self._consumers
        )
        difference -= side.resistance * total * total
        for consumer in self._consumers:
            consumer.settle_valve(difference, supply)
        return difference

    # --- faults -----------------------------------------------------------------------------------------

    def fault(self, name: str, kind: str, value: float | None = None) -> None:
        """Begin a fault; several kinds on one name add up (a sensor has one at a time).

        Raises KeyError for an unknown name and ValueError for an unknown kind, with what is allowed. Kinds:

        - a sensor's key: open, short, frozen, drift (units/h), offset, noise (sigma), spike (units),
          intermittent (share of time without contact)
        - `low.pump_1`, `low.makeup_1`, `low.booster`: trip, no_start, local (1 runs at 50 Hz, 0 stops, none
          stays as it is), wear (share of the head), check_valve, dry, mains_bypass, welded (never stops),
          stuck (share of nominal speed; none as it is), slow
        - `low.valve`: stuck, reversed, local (% to stand at, none stays), leaking (% of Kvs, 2), slipping
          (% of the way lost, 50), asymmetry (% longer closing, 5), slow (% of the stroke time, 400)
        - contacts (`low.thermostat`, `station.flood`, …), `low.relief_valve`, `station.tank_inlet`:
          stuck_off, stuck_on
        - `low.exchanger`: fouling (share of the clean resistance, 0.5), scaling (what it grows a day, 0.02)
        - of several exchangers each: `low.exchanger_1` as above, `low.exchanger_1_valve` (isolation valve) as
          `low.valve`, its contacts `low.exchanger_1_opened`, `low.exchanger_1_closed`
        - `low.strainer`, `low.primary_strainer`: clogged (share of the free area, 0.7)
        - `low.branch_1`: blocked (share of the free area, 0.9), opened (stroke of its balancing valve, 1),
          short_circuit (share of its flow, 0.3)
        - `low.primary_bypass` (exchanger): open (Kv in % of the control valve's, 5)
        - `low.bypass` (mixing): check_valve, clogged
        - hot water: `hot_water.valve`, `.exchanger`, `.primary_strainer` as those of a zone, `.charge_pump`
          and `.circulation_pump` as pumps
        - `low`: leak (m3/h at 300 kPa, 0.4), burst (the same, 40; lets air in), leak_inside (the same, 6; on
          the station's floor)
        - `station`: primary_outage, power_failure, flood, no_city_water; of the primary: interruption
          (min, 30), shortage (share, 0.3), night_sag (share, 0.15), temperature_step (K, -10),
          pressure_step (share, -0.3)"""
        self._find(name).break_down(kind, value)

    def clear(self, name: str) -> None:
        """End all faults of `name`. Raises KeyError with the known names."""
        self._find(name).repair()

    def fault_names(self) -> list[str]:
        """All names that `fault` and `clear` take."""
        return sorted(self._breakable)

    def _find(self, name: str) -> Breakable:
        part = self._breakable.get(name)
        if part is None:
            raise KeyError(f"unknown name {name!r} (known: {', '.join(self.fault_names())})")
        return part

    # --- judging ----------------------------------------------------------------------------------------

    @property
    def powered(self) -> bool:
        """The mains are there."""
        return not self._station.troubles.power_failure

    @property
    def flooded(self) -> bool:
        """Water stands at the flood contact."""
        return self._station.troubles.flood or self.floor.flooded

    @property
    def truth(self) -> dict[str, float]:
        """True values in controller units, built on demand; energies and volumes since the last `settle`."""
        values = station_truth(self._side, self.tank, self._outdoor)
        for zone in self._zones:
            values |= zone_truth(zone)
        for circuit in self._hot_waters:
            values |= hot_water_truth(circuit)
        return values

    def energy_balance_error(self) -> float:
        """Relative error of the heat balance: see `balances.heat_error`."""
        return heat_error(self._consumers)

    def mass_balance_error(self) -> float:
        """Relative error of the water balance: see `balances.water_error`."""
        return water_error(self.tank, self._zones, self._water_at_start)

    def _measure(self, dt: float) -> None:
        sensors = self.sensors
        self._station.measure(dt, sensors)
        for terminals in self._terminals:
            terminals.measure(dt, sensors)


def _tank(p: PlantParameters) -> Tank:
    inlet_kg_per_s = p.tank_inlet_m3_per_h / 3600.0 * 999.7
    return Tank(p.tank_area_m2, p.tank_overflow_level_m, inlet_kg_per_s, p.tank_start_level_m)


def _primary_network(p: PlantParameters, seed: int) -> PrimaryNetwork:
    return PrimaryNetwork(
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
