"""Which device point feeds which point of the station, and which output drives which device point.

Made from a file without errors; station, service and simulator all read the same table, so that the
emulated plant sits on exactly the wires that the controller listens to.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from controller.channels import (
    GOOD_AFTER_OTHERS_S,
    METERED,
    InputChannel,
    Key,
    OutputChannel,
    Wiring,
)
from controller.control.blocks.loop.supply_settings import ValveSettings
from controller.control.blocks.water.exchanger_settings import IsolationValveSettings
from controller.control.circuits.exchanger import ExchangerSettings
from controller.control.circuits.roles import CIRCUIT_ROLES, DRIVE_POINTS, PUMP_ROLES, STATION_ROLES, Role
from controller.quantities import QUANTITIES, UNITS, parse, parse_span
from controller.settings.station import Circuit, PointSettings, StarterSettings, StationFile
from drivers.profile import Profile

SIGNALS = {"4…20 mA": (4.0, 20.0), "0…20 mA": (0.0, 20.0)}


_OF_A_PUMP = re.compile(r"(?:pump|makeup)_[1-9]_(\w+)")


def role_of(point: str) -> Role | None:
    """The role that a point's name says, or None: `low.room_temperature_2` → room temperature."""
    circuit, _, role = point.partition(".")
    if circuit == "station":
        return STATION_ROLES.get(role)
    if role.startswith("room_temperature_") and role.removeprefix("room_temperature_").isdigit():
        return CIRCUIT_ROLES["room_temperature"]
    of_a_pump = _OF_A_PUMP.fullmatch(role)
    if of_a_pump is not None:
        return PUMP_ROLES.get(of_a_pump[1])
    return CIRCUIT_ROLES.get(role) if role != "room_temperature" else None


def pump_points(name: str, circuit: Circuit) -> list[str]:
    """What may be measured at the pumps of a circuit by wires of their own."""
    counts = {"pump": len(circuit.circulation.pumps)}
    counts["makeup"] = len(circuit.makeup.pumps) if circuit.makeup is not None else 0
    return [
        f"{name}.{group}_{number}_{role}"
        for group, count in counts.items()
        for number in range(1, count + 1)
        for role in PUMP_ROLES
    ]


def wire(file: StationFile, profiles: Mapping[str, Profile]) -> Wiring:
    """All channels of a checked file. `profiles`: device name → profile."""
    inputs: list[InputChannel] = []
    redundant: list[str] = []
    for name, settings in file.points.items():
        role = role_of(name)
        assert role is not None
        if settings.second is None:
            inputs.append(_measured(name, role, settings, settings.source, profiles))
        else:
            redundant.append(name)
            for number, source in enumerate(settings.sources, 1):
                inputs.append(_measured(f"{name}_{number}", role, settings, source, profiles))
    outputs: list[OutputChannel] = []
    for name, circuit in file.circuits.items():
        groups = [("pump", circuit.circulation.pumps)]
        if circuit.makeup is not None:
            groups.append(("makeup", circuit.makeup.pumps))
            if circuit.makeup.relief is not None:
                outputs.append(OutputChannel(f"{name}.relief_valve", key(circuit.makeup.relief.valve)))
        for prefix, devices in groups:
            for number, device in enumerate(devices, 1):
                pump = f"{name}.{prefix}_{number}"
                if device in file.starters:
                    starter = file.starters[device]
                    inputs += _starter(pump, starter, profiles)
                    outputs.append(OutputChannel(f"{pump}_run", key(starter.run)))
                    continue
                inputs += _drive(pump, device, profiles[device])
                outputs.append(OutputChannel(f"{pump}_run", (device, "run")))
                outputs.append(OutputChannel(f"{pump}_speed", (device, "speed")))
        if circuit.primary_pump is not None:
            device = circuit.primary_pump.pump
            inputs += _drive(f"{name}.booster", device, profiles[device])
            outputs.append(OutputChannel(f"{name}.booster_run", (device, "run")))
            outputs.append(OutputChannel(f"{name}.booster_speed", (device, "speed")))
        if isinstance(circuit, ExchangerSettings) and circuit.exchangers is not None:
            for number, isolation in enumerate(circuit.exchangers.valves, 1):
                inputs += _ends(f"{name}.exchanger_{number}", isolation, profiles)
                outputs.append(_isolation(f"{name}.exchanger_{number}", isolation))
        if circuit.valve is not None:
            inputs += _position(name, circuit.valve, profiles)
            outputs += _valve(name, circuit.valve)
    if file.tank is not None and file.tank.inlet is not None:
        outputs.append(OutputChannel("station.tank_inlet", key(file.tank.inlet)))
    return Wiring(tuple(inputs), tuple(outputs), tuple(redundant))


def _valve(name: str, valve: ValveSettings) -> list[OutputChannel]:
    """By an opening, or by two relays."""
    ways = (("valve_command", valve.command), ("valve_open", valve.open), ("valve_close", valve.close))
    return [OutputChannel(f"{name}.{role}", key(where)) for role, where in ways if where is not None]


def _isolation(exchanger: str, valve: IsolationValveSettings) -> OutputChannel:
    """By a relay that opens it, or, inverted, by one that closes it."""
    if valve.open is not None:
        return OutputChannel(f"{exchanger}_open", key(valve.open))
    assert valve.close is not None
    return OutputChannel(f"{exchanger}_open", key(valve.close), invert=True)


def _ends(
    exchanger: str, valve: IsolationValveSettings, profiles: Mapping[str, Profile]
) -> list[InputChannel]:
    """Its end contacts."""
    contacts = (("opened", valve.opened), ("closed", valve.closed))
    sources = [(end, key(contact)) for end, contact in contacts if contact is not None]
    return [
        InputChannel(
            f"{exchanger}_{end}", "flag", source, 0, 1, math.inf, stale_after(profiles[source[0]], source[1])
        )
        for end, source in sources
    ]


def _position(name: str, valve: ValveSettings, profiles: Mapping[str, Profile]) -> list[InputChannel]:
    if valve.feedback is None:
        return []
    device, channel = key(valve.feedback)
    stale = stale_after(profiles[device], channel)
    return [InputChannel(f"{name}.valve_position", "percent", (device, channel), -5, 105, math.inf, stale)]


def key(reference: str) -> Key:
    """(device, point) of `device.point`."""
    device, _, point = reference.partition(".")
    return device, point


def stale_after(profile: Profile, point: str) -> float:
    """Default age at which a value is bad: five polls, 10 s at the least."""
    poll = profile.points[point].poll or 1.0
    return max(10.0, 5 * poll)


def addition(text: str, quantity: str) -> float:
    """Value of `add`: kelvin for temperatures, the quantity's own unit otherwise. Raises BadQuantity."""
    kind = "temperature_difference" if quantity == "temperature" else quantity
    return parse(text, QUANTITIES[kind])


def _measured(
    name: str, role: Role, settings: PointSettings, source: str, profiles: Mapping[str, Profile]
) -> InputChannel:
    device, channel = key(source)
    spans: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)
    if settings.signal is not None and settings.range is not None:
        spans = SIGNALS[settings.signal], parse_span(settings.range, QUANTITIES[role.quantity])
    span = profiles[device].points[channel].range
    return InputChannel(
        name,
        role.quantity,
        (device, channel),
        role.low,
        role.high,
        role.rate,
        settings.stale_after or stale_after(profiles[device], channel),
        *spans,
        add=addition(settings.add, role.quantity) if settings.add else 0.0,
        invert=settings.invert,
        good_after_s=_good_after(role, settings, profiles[device], channel),
        raw_end=math.inf if span is None else span[1],
    )


def _good_after(role: Role, settings: PointSettings, profile: Profile, point: str) -> float | None:
    """What the file says; of a meter two polls."""
    if settings.good_after is not None or role.quantity not in METERED:
        return settings.good_after
    return max(GOOD_AFTER_OTHERS_S, 2 * (profile.points[point].poll or 0.0))


def _drive(pump: str, device: str, profile: Profile) -> list[InputChannel]:
    return [_told(pump, point, (device, point), profile) for point in DRIVE_POINTS if point in profile.points]


def _starter(pump: str, starter: StarterSettings, profiles: Mapping[str, Profile]) -> list[InputChannel]:
    """The same words as of a drive, each from a contact of its own; it has no speed to be told."""
    contacts = (("running", starter.running), ("fault", starter.fault), ("remote", starter.remote))
    sources = [(point, key(contact)) for point, contact in contacts if contact is not None]
    return [_told(pump, point, source, profiles[source[0]]) for point, source in sources]


def _told(pump: str, point: str, source: Key, profile: Profile) -> InputChannel:
    """What a pump says about itself."""
    suffix, quantity = DRIVE_POINTS[point]
    flag = quantity == "flag"
    return InputChannel(
        f"{pump}_{suffix}",
        quantity,
        source,
        low=0.0 if flag else -1.0,
        high=1.0 if flag else 2000.0,
        rate=math.inf,
        stale_after_s=stale_after(profile, source[1]),
        invert=point == "remote",
    )


def quantity_of(profile: Profile, point: str) -> str:
    """Quantity of a device point: a flag, or what its unit says; `count` without unit."""
    spec = profile.points[point]
    if spec.is_flag:
        return "flag"
    return UNITS[spec.unit].key if spec.unit in UNITS else "count"
