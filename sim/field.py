"""The field: a plant behind emulated devices, wired as the station's file says.

Plant sensors go through the transmitters' scaling into the devices' registers; what the controller
writes goes from the devices to the plant's actuators. The wiring table is the controller's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from controller.channels import InputChannel
from controller.settings.plant import PlantZoneSettings
from controller.settings.station import StationFile
from controller.settings.wiring import key, wire
from drivers.profile import OnLoss, Profile
from drivers.readings import Fault
from sim.devices import EmulatedDevice
from sim.plant import Plant, PlantParameters, Start
from sim.sizing import size_hot_water, size_zone
from sim.weather import Weather

BUS_LOSS_S = 10.0
"""Silence after which a drive does what its installer has set for the loss of the bus."""
_PUMPED_KPA = 0.0
"""What a network with distributed pumps leaves behind the point where supply and return meet: nothing. A
station there pumps for itself, and stands still with its pump."""


def plant_parameters(file: StationFile) -> PlantParameters:
    """The plant that the file describes: see sim.sizing for what follows from its circuits.

    The heated area is shared by power. Where a zone mixes, the primary return stands at the lowest pressure
    that the makeup of such a zone is to hold: it is the primary that holds it there."""
    given, nominal_plant, station = file.plant, PlantParameters(), file.station
    settings = {name: given.zones.get(name, PlantZoneSettings()) for name in file.circuits}
    whole = sum(zone.power for zone in settings.values())
    zones = tuple(
        size_zone(name, circuit, settings[name], given.heated_area * settings[name].power / whole)
        for name, circuit in file.circuits.items()
    )
    primary, sensors, tank = given.primary, given.sensors, given.tank
    pumped = any(circuit.valve is None for circuit in file.circuits.values())
    mixing = [zone.fill_pressure_kpa for zone in zones if zone.kind == "mixing"]
    back = min(mixing, default=nominal_plant.primary_return_pressure_kpa)
    difference = _PUMPED_KPA if pumped else nominal_plant.primary_differential_kpa
    return PlantParameters(
        zones=zones,
        hot_waters=tuple(size_hot_water(name, unit) for name, unit in given.hot_water.items()),
        primary_cold_outdoor_c=primary.cold_outdoor,
        primary_cold_supply_c=primary.cold_supply,
        primary_mild_outdoor_c=primary.mild_outdoor,
        primary_mild_supply_c=primary.mild_supply,
        primary_delay_h=primary.delay / 3600.0,
        primary_differential_kpa=_or(primary.differential_pressure, difference),
        primary_network_drop_kpa=primary.network_drop,
        primary_return_pressure_kpa=_or(primary.return_pressure, back),
        primary_disturbance=primary.disturbance,
        tank_area_m2=tank.area,
        tank_overflow_level_m=tank.overflow,
        tank_start_level_m=min(tank.start, tank.overflow),
        tank_inlet_m3_per_h=tank.inlet,
        floor_drain_m3_per_h=tank.floor_drain,
        meter_interval_s=sensors.meter_interval,
        local_hours_ahead=_hours_ahead(station.time_zone),
        transmitter_bits=sensors.bits,
        sensor_noise=sensors.noise,
        further_sensors=tuple(
            f"{name}_{number}"
            for name, point in file.points.items()
            for number in range(2, len(point.sources) + 1)
        ),
        latitude=_or(station.latitude, nominal_plant.latitude),
        longitude=_or(station.longitude, nominal_plant.longitude),
        wind_loss_per_m_per_s=given.wind_loss / 100.0,
        weather_sensors=tuple(
            role for role in ("wind_speed", "solar_radiation") if f"station.{role}" in file.points
        ),
    )


def _hours_ahead(time_zone: str) -> float:
    """Hours that winter time is ahead of UTC there: when night is, and when people draw hot water."""
    ahead = datetime(2013, 1, 1, tzinfo=ZoneInfo(time_zone)).utcoffset()
    assert ahead is not None
    return ahead.total_seconds() / 3600.0


def start_state(*, cold: bool, empty: bool) -> Start:
    """State of the plant at the start; `empty` is the colder of the two."""
    if empty:
        return "empty"
    return "cold" if cold else "warm"


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def open_what_no_valve_closes(plant: Plant, file: StationFile) -> None:
    """A zone whose heat is set by a primary pump alone has no valve: the plant's stands open."""
    for name, circuit in file.circuits.items():
        if circuit.valve is None:
            plant.command(f"{name}.valve_command", 100.0)
            plant.zones[name].valve.settle(1.0)


def run_at_the_mains(plant: Plant, file: StationFile) -> None:
    """A pump behind a starter has no speed to be told: the plant's turns with the mains."""
    for name, circuit in file.circuits.items():
        groups = [("pump", circuit.circulation.pumps)]
        if circuit.makeup is not None:
            groups.append(("makeup", circuit.makeup.pumps))
        for prefix, pumps in groups:
            for number, pump in enumerate(pumps, 1):
                if pump in file.starters:
                    plant.command(f"{name}.{prefix}_{number}_speed", plant.parameters.nominal_hz)


def sensor_of(channel: InputChannel, redundant: tuple[str, ...]) -> str:
    """The plant's name of what a channel measures: the first of several sensors has the point's own name."""
    name = channel.point.removesuffix("_1")
    return name if name in redundant and channel.point.endswith("_1") else channel.point


def bus_losses(file: StationFile) -> Iterator[tuple[str, str, OnLoss]]:
    """What the installer has set for the loss of the bus: (device, point, what it then does)."""
    for circuit in file.circuits.values():
        groups = [(circuit.circulation.pumps, circuit.circulation.on_bus_loss)]
        if circuit.makeup is not None:
            groups.append((circuit.makeup.pumps, circuit.makeup.on_bus_loss))
        if circuit.primary_pump is not None:
            groups.append(([circuit.primary_pump.pump], circuit.primary_pump.on_bus_loss))
        for pumps, on_loss in groups:
            for pump in pumps:
                if pump in file.starters:
                    yield (*key(file.starters[pump].run), on_loss)
                    continue
                yield pump, "run", on_loss
                yield pump, "speed", on_loss


class Field:
    """A plant and its devices. `exchange` moves values both ways; `step` lets time pass."""

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
    ) -> None:
        """The plant starts warm; or `cold` and standing; or `empty`, which is cold and without water."""
        state = start_state(cold=cold, empty=empty)
        self.plant = Plant(plant_parameters(file), weather, seed, start_time, state)
        open_what_no_valve_closes(self.plant, file)
        run_at_the_mains(self.plant, file)
        self.devices = {
            name: EmulatedDevice(name, profiles[name], device.address, lambda: self.plant.time)
            for name, device in file.devices.items()
        }
        for device, point, on_loss in bus_losses(file):
            self.devices[device].set_loss(point, on_loss, BUS_LOSS_S)
        wiring = wire(file, profiles)
        self._inputs = [(channel, sensor_of(channel, wiring.redundant)) for channel in wiring.inputs]
        self._outputs = wiring.outputs
        self._broken: dict[tuple[str, str], Fault] = {}
        self.show()

    def step(self, dt: float) -> None:
        """Commands of the devices act on the plant for `dt` seconds; then its sensors are shown."""
        for channel in self._outputs:
            device, point = channel.target
            if self.devices[device].written_at(point) is not None:
                self.plant.command(channel.output, channel.raw(self.devices[device].get(point)))
        self.plant.step(dt)
        self.show()

    def show(self) -> None:
        """Put what the sensors measure into the devices' registers."""
        for channel, sensor in self._inputs:
            device, point = channel.source
            value = self.plant.sensors.get(sensor, 0.0)
            if not math.isfinite(value):
                fault = Fault.OPEN_CIRCUIT if math.isnan(value) else Fault.SHORT_CIRCUIT
                if self._broken.get(channel.source) is not fault:
                    self._broken[channel.source] = fault
                    self.devices[device].set_fault(point, fault)
                continue
            if self._broken.pop(channel.source, None) is not None:
                self.devices[device].set_fault(point, Fault.NONE)
            least, most = channel.saturates
            self.devices[device].set(point, min(max(channel.raw(value), least), most))
