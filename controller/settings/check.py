"""Does the file mean something that can run? Cross-checks over a sound model.

Each check is a generator of findings; none raises. Errors stop `run`; warnings do not.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from controller.control.blocks.heat_curve import PointsCurve
from controller.control.circuits.roles import CIRCUIT_ROLES, STATION_ROLES
from controller.quantities import QUANTITIES, BadQuantity, parse_span
from controller.settings.load import Finding, Location, Tree, load_tree, validate
from controller.settings.station import Circuit, RtuBusSettings, StationFile, TcpBusSettings
from controller.settings.wiring import SIGNALS, addition, key, quantity_of, role_of
from drivers.library import find_profile, list_profiles, load_profile
from drivers.profile import Profile

_KPA_PER_METRE = 9.81
_RESERVE_KPA = 30.0


@dataclass(slots=True)
class Checked:
    """A checked file: `file` is None when it cannot run; `profiles` by device name."""

    path: Path
    findings: list[Finding]
    file: StationFile | None = None
    profiles: dict[str, Profile] = field(default_factory=dict)

    @property
    def errors(self) -> list[Finding]:
        """What stops it."""
        return [finding for finding in self.findings if not finding.warning]

    @property
    def warnings(self) -> list[Finding]:
        """What a technician should know."""
        return [finding for finding in self.findings if finding.warning]


def check_file(path: Path) -> Checked:
    """Read and judge a file; all errors of the first phase that has any, sorted by position."""
    tree = load_tree(path)
    file = validate(tree, StationFile)
    if file is None:
        return Checked(path, sorted(tree.findings, key=lambda finding: finding.order))
    profiles: dict[str, Profile] = {}
    findings = list(_devices(file, tree, profiles, path.parent))
    findings += _points(file, tree, profiles)
    for name, circuit in file.circuits.items():
        findings += _circuit(name, circuit, file, tree, profiles)
    findings += _tank(file, tree, profiles)
    findings += _outputs_used_once(file, tree)
    findings += _zones(file, tree)
    findings.sort(key=lambda finding: finding.order)
    checked = Checked(path, findings, file, profiles)
    if checked.errors:
        checked.file = None
    return checked


def _close(name: str, known: list[str]) -> str:
    return "".join(difflib.get_close_matches(name, known, 1, 0.5))


def _unknown(
    tree: Tree, place: Location, code: str, name: str, known: list[str], *, at_key: bool = False
) -> Finding:
    close = _close(name, known)
    return tree.find(
        place,
        f"{code}_close" if close else code,
        at_key=at_key,
        value=name,
        close=close,
        allowed=", ".join(sorted(known)),
    )


def _devices(file: StationFile, tree: Tree, profiles: dict[str, Profile], folder: Path) -> Iterator[Finding]:
    for name, bus in file.buses.items():
        if isinstance(bus, RtuBusSettings):
            for other, rival in file.buses.items():
                if other == name:
                    break
                if isinstance(rival, RtuBusSettings) and rival.port == bus.port:
                    yield tree.find(("buses", name, "port"), "port_twice", value=bus.port, other=other)
        elif isinstance(bus, TcpBusSettings) and "://" in bus.host:
            yield tree.find(("buses", name, "host"), "host_is_url", value=bus.host)
    addresses: dict[tuple[str, int], str] = {}
    for name, device in file.devices.items():
        place: Location = ("devices", name)
        if device.bus not in file.buses:
            yield _unknown(tree, (*place, "bus"), "unknown_bus", device.bus, list(file.buses))
        first = addresses.setdefault((device.bus, device.address), name)
        if first != name:
            yield tree.find((*place, "address"), "address_twice", value=str(device.address), other=first)
        try:
            found = find_profile(device.profile, folder)
        except LookupError:
            yield _unknown(tree, (*place, "profile"), "unknown_profile", device.profile, list_profiles())
            continue
        try:
            profiles[name] = load_profile(found)
        except ValueError as problem:
            yield tree.find((*place, "profile"), "bad_profile", value=device.profile, why=str(problem))


def _source(
    tree: Tree, place: Location, reference: str, file: StationFile, profiles: dict[str, Profile]
) -> Iterator[Finding | Profile]:
    """The profile behind `device.point`, or what is wrong with the reference."""
    device, point = key(reference)
    if device not in file.devices:
        yield _unknown(tree, place, "unknown_device", device, list(file.devices))
    elif device in profiles:
        if point not in profiles[device].points:
            yield _unknown(tree, place, "unknown_device_point", point, list(profiles[device].points))
        else:
            yield profiles[device]


def _points(file: StationFile, tree: Tree, profiles: dict[str, Profile]) -> Iterator[Finding]:
    known = [f"station.{role}" for role in STATION_ROLES]
    for circuit in file.circuits:
        known += [f"{circuit}.{role}" for role in CIRCUIT_ROLES if role != "room_temperature"]
        known += [f"{circuit}.room_temperature_{number}" for number in range(1, 10)]
    used: dict[str, str] = {}
    for name, settings in file.points.items():
        place: Location = ("points", name)
        role = role_of(name)
        if role is None or (name.partition(".")[0] not in file.circuits and not name.startswith("station.")):
            yield _unknown(tree, place, "unknown_point", name, known, at_key=True)
            continue
        for label, reference in (("from", settings.source), ("second", settings.second)):
            if reference is None:
                continue
            first = used.setdefault(reference, name)
            if first != name or (label == "second" and reference == settings.source):
                yield tree.find((*place, label), "source_twice", value=reference, other=first)
            for found in _source(tree, (*place, label), reference, file, profiles):
                if isinstance(found, Finding):
                    yield found
                else:
                    yield from _fits(
                        tree, (*place, label), name, role.quantity, settings.signal, found, reference
                    )
        yield from _scaling(tree, place, role.quantity, settings.signal, settings.range, settings.add)
    if "station.outdoor_temperature" not in file.points:
        yield tree.find(("points",), "point_missing", at_key=True, value="station.outdoor_temperature")


def _fits(
    tree: Tree,
    place: Location,
    name: str,
    quantity: str,
    signal: str | None,
    profile: Profile,
    reference: str,
) -> Iterator[Finding]:
    point = key(reference)[1]
    spec = profile.points[point]
    if spec.poll is None:
        yield tree.find(place, "not_readable", value=reference)
        return
    given = quantity_of(profile, point)
    if signal is not None:
        if given != "signal_current":
            yield tree.find(
                (*place[:-1], "signal"), "signal_not_needed", value=reference, unit=spec.unit or "–"
            )
    elif given == "signal_current":
        yield tree.find(place, "signal_missing", value=reference)
    elif given != quantity:
        unit = "yes/no" if quantity == "flag" else QUANTITIES[quantity].unit
        yield tree.find(place, "wrong_quantity", value=reference, unit=spec.unit or "yes/no", wanted=unit)


def _scaling(
    tree: Tree, place: Location, quantity: str, signal: str | None, span: str | None, add: str | None
) -> Iterator[Finding]:
    units = QUANTITIES[quantity].units()
    if signal is not None and span is None:
        yield tree.find((*place, "signal"), "range_missing", allowed=f"0…1.6 {QUANTITIES[quantity].unit}")
    if span is not None:
        if signal is None:
            yield tree.find((*place, "range"), "range_without_signal", allowed=", ".join(SIGNALS))
        try:
            low, high = parse_span(span, QUANTITIES[quantity])
            if low >= high:
                yield tree.find((*place, "range"), "span_order", value=span)
        except BadQuantity as problem:
            yield tree.find((*place, "range"), problem.code, value=problem.text, units=units)
    if add is not None:
        try:
            addition(add, quantity)
        except BadQuantity as problem:
            units = "K" if quantity == "temperature" else units
            yield tree.find((*place, "add"), problem.code, value=problem.text, units=units)


def _circuit(
    name: str, circuit: Circuit, file: StationFile, tree: Tree, profiles: dict[str, Profile]
) -> Iterator[Finding]:
    place: Location = ("circuits", name)
    if name == "station":
        yield tree.find(place, "name_reserved", at_key=True, value=name)
    if f"{name}.supply_temperature" not in file.points:
        yield tree.find(place, "point_missing", at_key=True, value=f"{name}.supply_temperature")
    yield from _temperatures(tree, place, circuit)
    yield from _valve(tree, place, circuit, file, profiles)
    yield from _pumps(tree, place, circuit, file, profiles)
    yield from _makeup(name, tree, place, circuit, file, profiles)
    yield from _witnesses(name, tree, place, circuit, file)


def _temperatures(tree: Tree, place: Location, circuit: Circuit) -> Iterator[Finding]:
    supply = circuit.supply
    ladder = [("min", supply.min), ("max", supply.max), ("alarm", supply.alarm), ("trip", supply.trip)]
    for (lower, low), (upper, high) in pairwise(ladder):
        if low >= high:
            spot = (*place, "supply", upper)
            yield tree.find(
                spot if spot in tree.values else (*place, "supply"),
                "not_above",
                value=f"{high:g} °C",
                other=lower,
                than=f"{low:g} °C",
            )
    curve = circuit.heat_curve
    if isinstance(curve, PointsCurve):
        highest = max(curve.points.values())
        ordered = [curve.points[outdoor] for outdoor in sorted(curve.points)]
        if any(warmer > colder for colder, warmer in pairwise(ordered)):
            yield tree.find((*place, "heat_curve", "points"), "curve_rises", at_key=True)
    else:
        highest = curve.design_supply
        if curve.design_return >= curve.design_supply:
            yield tree.find(
                (*place, "heat_curve", "design_supply"),
                "not_above",
                value=f"{curve.design_supply:g} °C",
                other="design_return",
                than=f"{curve.design_return:g} °C",
            )
    if highest > supply.max:
        yield tree.find(
            (*place, "heat_curve"),
            "curve_cut",
            at_key=True,
            warning=True,
            value=f"{highest:g} °C",
            allowed=f"{supply.max:g} °C",
        )


def _writable(
    tree: Tree,
    place: Location,
    reference: str,
    unit: str,
    file: StationFile,
    profiles: dict[str, Profile],
) -> Iterator[Finding | Profile]:
    for found in _source(tree, place, reference, file, profiles):
        if isinstance(found, Profile):
            spec = found.points[key(reference)[1]]
            flag = unit == "yes/no"
            if spec.write is None:
                yield tree.find(place, "not_writable", value=reference)
                continue
            if spec.is_flag != flag or (not flag and spec.unit != unit):
                yield tree.find(
                    place, "wrong_quantity", value=reference, unit=spec.unit or "yes/no", wanted=unit
                )
                continue
        yield found


def _valve(
    tree: Tree, place: Location, circuit: Circuit, file: StationFile, profiles: dict[str, Profile]
) -> Iterator[Finding]:
    valve = circuit.valve
    spot = (*place, "valve", "command")
    for found in _writable(tree, spot, valve.command, "%", file, profiles):
        if isinstance(found, Finding):
            yield found
            continue
        write = found.points[key(valve.command)[1]].write
        if (
            write is not None
            and not write.on_loss_configurable
            and write.on_loss in ("trip", "off", "stop", "unknown")
        ):
            yield tree.find(spot, "valve_on_loss", warning=True, value=valve.command, does=write.on_loss)
    if valve.feedback is None:
        yield tree.find((*place, "valve"), "no_feedback", at_key=True, warning=True)
    else:
        for found in _source(tree, (*place, "valve", "feedback"), valve.feedback, file, profiles):
            if isinstance(found, Finding):
                yield found
            elif found.points[key(valve.feedback)[1]].unit != "%":
                yield tree.find(
                    (*place, "valve", "feedback"),
                    "wrong_quantity",
                    value=valve.feedback,
                    unit=found.points[key(valve.feedback)[1]].unit or "yes/no",
                    wanted="%",
                )
    if valve.min >= valve.max:
        yield tree.find(
            (*place, "valve", "min"),
            "not_above",
            value=f"{valve.max:g} %",
            other="min",
            than=f"{valve.min:g} %",
        )


def _pumps(
    tree: Tree, place: Location, circuit: Circuit, file: StationFile, profiles: dict[str, Profile]
) -> Iterator[Finding]:
    groups = [("circulation", circuit.circulation.pumps, circuit.circulation.on_bus_loss)]
    if circuit.makeup is not None:
        groups.append(("makeup", circuit.makeup.pumps, circuit.makeup.on_bus_loss))
    drives = [device for device, profile in profiles.items() if profile.kind == "drive"]
    for group, pumps, on_bus_loss in groups:
        for index, pump in enumerate(pumps):
            spot: Location = (*place, group, "pumps", index)
            if pump not in file.devices:
                yield _unknown(tree, spot, "unknown_device", pump, list(file.devices))
            elif pump in profiles:
                if profiles[pump].kind != "drive":
                    yield tree.find(spot, "not_a_drive", value=pump, allowed=", ".join(drives) or "–")
                else:
                    yield from _bus_loss(tree, (*place, group), spot, pump, on_bus_loss, profiles[pump])


def _bus_loss(
    tree: Tree, place: Location, spot: Location, pump: str, wanted: str, profile: Profile
) -> Iterator[Finding]:
    """A circulation drive that stops when its bus dies is an error; a makeup drive that runs on, too."""
    write = profile.points["run"].write
    does = wanted
    if write is not None and not write.on_loss_configurable:
        does = "keep_running" if write.on_loss in ("keep_running", "hold") else str(write.on_loss)
    right = "keep_running" if place[-1] == "circulation" else "stop"
    if does != right:
        where = (*place, "on_bus_loss")
        yield tree.find(where if where in tree.values else spot, f"bus_loss_{right}", value=pump, does=does)


def _makeup(
    name: str,
    tree: Tree,
    place: Location,
    circuit: Circuit,
    file: StationFile,
    profiles: dict[str, Profile],
) -> Iterator[Finding]:
    makeup = circuit.makeup
    if makeup is None:
        yield tree.find(place, "no_makeup", at_key=True, warning=True)
        return
    spot: Location = (*place, "makeup")
    if f"{name}.return_pressure" not in file.points:
        yield tree.find(spot, "point_missing", at_key=True, value=f"{name}.return_pressure")
    static = circuit.highest_building * _KPA_PER_METRE
    if makeup.setpoint < static + _RESERVE_KPA:
        yield tree.find(
            (*spot, "setpoint"),
            "setpoint_below_building",
            warning=makeup.setpoint >= static,
            value=f"{makeup.setpoint / 1000:g} MPa",
            height=f"{circuit.highest_building:g} m",
            allowed=f"{math.ceil((static + _RESERVE_KPA) / 10) / 100:g} MPa",
        )
    relief = makeup.relief
    if relief is None:
        return
    for found in _writable(tree, (*spot, "relief", "valve"), relief.valve, "yes/no", file, profiles):
        if isinstance(found, Finding):
            yield found
    rungs = [
        ("relief.close", relief.close, "setpoint", makeup.setpoint),
        ("relief.open", relief.open, "close", relief.close),
    ]
    for upper, high, lower, low in rungs:
        if high <= low:
            yield tree.find(
                (*spot, *upper.split(".")),
                "not_above",
                value=f"{high / 1000:g} MPa",
                other=lower,
                than=f"{low / 1000:g} MPa",
            )


def _witnesses(
    name: str, tree: Tree, place: Location, circuit: Circuit, file: StationFile
) -> Iterator[Finding]:
    """An action that stops heat needs two independent signs: say which are missing."""
    supply = file.points.get(f"{name}.supply_temperature")
    if supply is not None and supply.second is None and f"{name}.thermostat" not in file.points:
        yield tree.find(place, "witness_supply", at_key=True, warning=True, value=name)
    if f"{name}.differential_pressure" not in file.points:
        yield tree.find(place, "witness_circulation", at_key=True, warning=True, value=name)
    if circuit.makeup is not None and f"{name}.suction_switch" not in file.points:
        yield tree.find(place, "witness_suction", at_key=True, warning=True, value=name)
    if supply is not None and supply.second is not None and key(supply.second)[0] == key(supply.source)[0]:
        spot = ("points", f"{name}.supply_temperature", "second")
        yield tree.find(spot, "second_same_module", warning=True, value=key(supply.second)[0])


def _tank(file: StationFile, tree: Tree, profiles: dict[str, Profile]) -> Iterator[Finding]:
    tank = file.tank
    if tank is None:
        if any(circuit.makeup is not None for circuit in file.circuits.values()):
            yield tree.find((), "no_tank", warning=True)
        return
    if tank.inlet is not None:
        for found in _writable(tree, ("tank", "inlet"), tank.inlet, "yes/no", file, profiles):
            if isinstance(found, Finding):
                yield found
    if "station.tank_level" not in file.points:
        yield tree.find(("tank",), "point_missing", at_key=True, value="station.tank_level")
    ladder = [("low", tank.low), ("fill_below", tank.fill_below), ("stop_above", tank.stop_above)]
    if tank.high is not None:
        ladder.append(("high", tank.high))
    for (lower, low), (upper, high) in pairwise(ladder):
        if low >= high:
            yield tree.find(("tank", upper), "not_above", value=f"{high:g} m", other=lower, than=f"{low:g} m")


def _outputs_used_once(file: StationFile, tree: Tree) -> Iterator[Finding]:
    """A drive or an output channel belongs to one user."""
    used: dict[str, str] = {}
    places: list[tuple[str, Location]] = []
    for name, circuit in file.circuits.items():
        place: Location = ("circuits", name)
        for index, pump in enumerate(circuit.circulation.pumps):
            places.append((pump, (*place, "circulation", "pumps", index)))
        places.append((circuit.valve.command, (*place, "valve", "command")))
        if circuit.makeup is not None:
            for index, pump in enumerate(circuit.makeup.pumps):
                places.append((pump, (*place, "makeup", "pumps", index)))
            if circuit.makeup.relief is not None:
                places.append((circuit.makeup.relief.valve, (*place, "makeup", "relief", "valve")))
    if file.tank is not None and file.tank.inlet is not None:
        places.append((file.tank.inlet, ("tank", "inlet")))
    for what, place in places:
        where = ".".join(map(str, place))
        first = used.setdefault(what, where)
        if first != where:
            yield tree.find(place, "output_twice", value=what, other=first)


def _zones(file: StationFile, tree: Tree) -> Iterator[Finding]:
    for zone in file.plant.zones:
        if zone not in file.circuits:
            yield _unknown(
                tree, ("plant", "zones", zone), "unknown_zone", zone, list(file.circuits), at_key=True
            )
