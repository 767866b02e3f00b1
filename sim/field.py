"""The field: a plant behind emulated devices, wired as the station's file says.

Plant sensors go through the transmitters' scaling into the devices' registers; what the controller
writes goes from the devices to the plant's actuators. The wiring table is the controller's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.channels import InputChannel
from controller.settings.station import StationFile
from controller.settings.wiring import wire
from drivers.profile import Profile
from drivers.readings import Fault
from sim.devices import EmulatedDevice
from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.weather import Weather

REFERENCE_VALVE_KVS = 80.0
_RETURN_PRESSURE_OF_MIXING = 380.0  # kPa: the houses stand under it


def plant_parameters(file: StationFile) -> PlantParameters:
    """The plant that the file describes: sizes of `plant`, pumps and heights of the circuits.

    Flows and pump sizes scale with the power of the zone; the rest is the nominal 2 MW station's.
    """
    zones = []
    share = 1.0 / len(file.circuits)
    for name, circuit in file.circuits.items():
        given = file.plant.zones.get(name)
        valve = circuit.actuator
        nominal = ZoneParameters()
        power = given.power if given is not None else nominal.design_heat_kw
        size = power / nominal.design_heat_kw
        zones.append(
            ZoneParameters(
                name=name,
                kind=circuit.kind,
                design_heat_kw=power,
                floor_area_m2=file.plant.heated_area * share,
                primary_flow_kg_per_s=nominal.primary_flow_kg_per_s * size,
                secondary_flow_kg_per_s=nominal.secondary_flow_kg_per_s * size,
                exchanger_conductance_kw_per_k=given.conductance
                if given
                else nominal.exchanger_conductance_kw_per_k * size,
                exchanger_side_volume_m3=nominal.exchanger_side_volume_m3 * size,
                exchanger_plates_kj_per_k=nominal.exchanger_plates_kj_per_k * size,
                mixing_arrangement=circuit.arrangement if circuit.kind == "mixing" else "three_way",
                valve_kvs_m3_per_h=given.valve_kvs if given else nominal.valve_kvs_m3_per_h * size,
                valve_characteristic=valve.characteristic,
                valve_rangeability=valve.rangeability,
                valve_stroke_time_s=valve.stroke_time,
                circulation_pumps=len(circuit.circulation.pumps),
                pump_flow_m3_per_h=nominal.pump_flow_m3_per_h * size,
                makeup_pumps=len(circuit.makeup.pumps) if circuit.makeup is not None else 0,
                loop_volume_m3=given.loop_volume if given else nominal.loop_volume_m3 * size,
                vessel_gas_m3=given.vessel_gas if given else nominal.vessel_gas_m3 * size,
                highest_building_m=circuit.highest_building,
            )
        )
    nominal_plant, station = PlantParameters(), file.station
    mixes = any(zone.kind == "mixing" for zone in zones)
    return PlantParameters(
        zones=tuple(zones),
        primary_return_pressure_kpa=_RETURN_PRESSURE_OF_MIXING
        if mixes
        else nominal_plant.primary_return_pressure_kpa,
        latitude=nominal_plant.latitude if station.latitude is None else station.latitude,
        longitude=nominal_plant.longitude if station.longitude is None else station.longitude,
    )


def sensor_of(channel: InputChannel, redundant: tuple[str, ...]) -> str:
    """The plant's name of what a channel measures: the first of two sensors has the point's own name."""
    name = channel.point.removesuffix("_1")
    return name if name in redundant and channel.point.endswith("_1") else channel.point


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
    ) -> None:
        self.plant = Plant(plant_parameters(file), weather, seed, start_time, "cold" if cold else "warm")
        self.devices = {
            name: EmulatedDevice(name, profiles[name], device.address, lambda: self.plant.time)
            for name, device in file.devices.items()
        }
        self._set_losses(file)
        wiring = wire(file, profiles)
        self._inputs = [(channel, sensor_of(channel, wiring.redundant)) for channel in wiring.inputs]
        self._outputs = wiring.outputs
        self._broken: set[tuple[str, str]] = set()
        self.show()

    def _set_losses(self, file: StationFile) -> None:
        """What the installer has set in the drives, as the file says it."""
        for circuit in file.circuits.values():
            groups = [(circuit.circulation.pumps, circuit.circulation.on_bus_loss)]
            if circuit.makeup is not None:
                groups.append((circuit.makeup.pumps, circuit.makeup.on_bus_loss))
            for pumps, on_loss in groups:
                for pump in pumps:
                    for point in ("run", "speed"):
                        self.devices[pump].set_loss(point, on_loss, 10.0)

    def step(self, dt: float) -> None:
        """Commands of the devices act on the plant for `dt` seconds; then its sensors are shown."""
        for channel in self._outputs:
            device, point = channel.target
            if self.devices[device].written_at(point) is not None:
                self.plant.command(channel.output, self.devices[device].get(point))
        self.plant.step(dt)
        self.show()

    def show(self) -> None:
        """Put what the sensors measure into the devices' registers."""
        for channel, sensor in self._inputs:
            device, point = channel.source
            value = self.plant.sensors.get(sensor, 0.0)
            if math.isnan(value):
                if channel.source not in self._broken:
                    self._broken.add(channel.source)
                    self.devices[device].set_fault(point, Fault.OPEN_CIRCUIT)
                continue
            if channel.source in self._broken:
                self._broken.discard(channel.source)
                self.devices[device].set_fault(point, Fault.NONE)
            self.devices[device].set(point, channel.raw(value))
