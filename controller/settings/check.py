"""Does the file mean something that can run? Cross-checks over a sound model.

Each check is a generator of findings; none raises. Errors stop `run`; warnings do not. Here: wires,
devices, points, tank; circuits are judged in `check_circuits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from controller.control.circuits.roles import CIRCUIT_ROLES, STATION_ROLES
from controller.quantities import QUANTITIES, BadQuantity, parse_span
from controller.settings.case import Case, given
from controller.settings.check_actuators import outputs_used_once
from controller.settings.check_alarms import alarm_findings
from controller.settings.check_circuits import circuit_findings
from controller.settings.check_exchangers import exchanger_findings
from controller.settings.check_modes import mode_findings
from controller.settings.check_plant import plant_findings
from controller.settings.check_setpoint import setpoint_findings
from controller.settings.check_starters import starter_findings
from controller.settings.load import Finding, load_tree, validate
from controller.settings.station import PointSettings, RtuBusSettings, StationFile
from controller.settings.wiring import (
    SIGNALS,
    addition,
    key,
    pump_points,
    quantity_of,
    role_of,
    wire,
)
from drivers.library import ProfileError, find_profile, list_profiles, load_profile
from drivers.nodes import Location
from drivers.profile import Profile, ProfilePoint


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


def check_file(path: Path, find: Callable[[str], Path] | None = None) -> Checked:
    """Read and judge a file; all errors of the first phase that has any, sorted by position.

    `find`: where the profile of a name is, as `find_profile` does; None looks beside the file.
    """
    tree = load_tree(path)
    file = validate(tree, StationFile)
    if file is None:
        return Checked(path, sorted(tree.findings, key=lambda finding: finding.order))
    case = Case(file, tree)
    look = find or partial(find_profile, beside=path.parent)
    findings = [*_buses(case), *_devices(case, look), *_points(case), *starter_findings(case)]
    for name, circuit in file.circuits.items():
        findings += [*circuit_findings(case, name, circuit), *setpoint_findings(case, name, circuit)]
        findings += mode_findings(case, name, circuit)
    findings += [*exchanger_findings(case), *_tank(case), *outputs_used_once(case), *plant_findings(case)]
    if all(finding.warning for finding in findings):
        findings += [*alarm_findings(case), *_write_only(case)]
    findings.sort(key=lambda finding: finding.order)
    checked = Checked(path, findings, file, case.profiles)
    if checked.errors:
        checked.file = None
    return checked


def _buses(case: Case) -> Iterator[Finding]:
    wires: dict[str, str] = {}
    for name, bus in case.file.buses.items():
        place: Location = ("buses", name)
        if isinstance(bus, RtuBusSettings):
            wire, spot = bus.port, (*place, "port")
        else:
            wire, spot = f"{bus.host}:{bus.port}", (*place, "host")
            if "://" in bus.host:
                yield case.find(spot, "host_is_url", value=bus.host)
        first = wires.setdefault(wire, name)
        if first != name:
            yield case.find(spot, "port_twice", value=wire, other=first)


def _devices(case: Case, find: Callable[[str], Path]) -> Iterator[Finding]:
    """Also loads the profiles into the case."""
    addresses: dict[tuple[str, int], str] = {}
    for name, device in case.file.devices.items():
        place: Location = ("devices", name)
        if device.bus not in case.file.buses:
            yield case.unknown((*place, "bus"), "unknown_bus", device.bus, list(case.file.buses))
        first = addresses.setdefault((device.bus, device.address), name)
        if first != name:
            yield case.find((*place, "address"), "address_twice", value=str(device.address), other=first)
        yield from _profile(case, name, find)


def _profile(case: Case, name: str, find: Callable[[str], Path]) -> Iterator[Finding]:
    wanted = case.file.devices[name].profile
    place: Location = ("devices", name, "profile")
    try:
        case.profiles[name] = load_profile(find(wanted))
    except LookupError:
        if wanted.endswith((".yaml", ".yml")):
            yield case.find(place, "profile_no_file", value=wanted)
        else:
            yield case.unknown(place, "unknown_profile", wanted, list_profiles())
    except ProfileError as error:
        for problem in error.problems:
            why = f"{problem.line}:{problem.column}: {problem.key}: {problem.text}"
            yield case.find(place, "bad_profile", value=wanted, why=why)
    except OSError as error:
        yield case.find(place, "bad_profile", value=wanted, why=error.strerror or str(error))


def _points(case: Case) -> Iterator[Finding]:
    known = [f"station.{role}" for role in STATION_ROLES]
    circuits = [name for name in case.file.circuits if name != "station"]
    for circuit in circuits:
        known += [f"{circuit}.{role}" for role in CIRCUIT_ROLES if role != "room_temperature"]
        known += [f"{circuit}.room_temperature_{number}" for number in range(1, 10)]
    of_pumps = [point for circuit in circuits for point in pump_points(circuit, case.file.circuits[circuit])]
    used: dict[str, str] = {}
    for name, settings in case.file.points.items():
        place: Location = ("points", name)
        role = role_of(name)
        of_no_pump = name.endswith("_bypass") and name not in of_pumps
        if role is None or of_no_pump or name.partition(".")[0] not in ("station", *circuits):
            yield case.unknown(place, "unknown_point", name, [*known, *of_pumps], at_key=True)
            continue
        if settings.third is not None and settings.second is None:
            yield case.find((*place, "third"), "third_without_second", value=settings.third)
        sources = (("from", settings.source), ("second", settings.second), ("third", settings.third))
        own: set[str] = set()
        for label, reference in sources:
            if reference is None:
                continue
            first = used.setdefault(reference, name)
            twice = reference in own
            own.add(reference)
            if first != name or twice:
                yield case.find((*place, label), "source_twice", value=reference, other=first)
            for found in case.point((*place, label), reference):
                if isinstance(found, Finding):
                    yield found
                else:
                    yield from _fits(case, (*place, label), role.quantity, settings, reference, found)
        yield from _scaling(case, place, role.quantity, settings)
    if "station.outdoor_temperature" not in case.file.points:
        yield case.find(("points",), "point_missing", at_key=True, value="station.outdoor_temperature")
    elif case.file.points["station.outdoor_temperature"].second is None and case.file.outdoor is None:
        alone: Location = ("points", "station.outdoor_temperature")
        yield case.find(alone, "witness_outdoor", at_key=True, warning=True)


def _fits(
    case: Case, place: Location, quantity: str, settings: PointSettings, reference: str, spec: ProfilePoint
) -> Iterator[Finding]:
    """Does the device point measure what the role wants, often enough?"""
    if spec.poll is None:
        yield case.find(place, "not_readable", value=reference)
        return
    device, point = key(reference)
    measures = quantity_of(case.profiles[device], point)
    if settings.signal is not None:
        if measures != "signal_current":
            spot = (*place[:-1], "signal")
            yield case.find(spot, "signal_not_needed", value=reference, unit=given(spec))
    elif measures == "signal_current":
        yield case.find(place, "signal_missing", value=reference)
    elif measures != quantity:
        wanted = "yes/no" if quantity == "flag" else QUANTITIES[quantity].unit
        yield case.find(place, "wrong_quantity", value=reference, unit=given(spec), wanted=wanted)
    if settings.invert and quantity != "flag":
        yield case.find((*place[:-1], "invert"), "invert_no_contact", at_key=True)
    if settings.stale_after is not None and settings.stale_after < 2 * spec.poll:
        yield case.find(
            (*place[:-1], "stale_after"),
            "stale_too_short",
            value=f"{settings.stale_after:g} s",
            allowed=f"≥ {2 * spec.poll:g} s",
        )


def _scaling(case: Case, place: Location, quantity: str, settings: PointSettings) -> Iterator[Finding]:
    """Signal, range and correction of a transmitter."""
    kind = QUANTITIES[quantity]
    signal, span, add = settings.signal, settings.range, settings.add
    if signal is not None and span is None:
        example = "0…1.6 MPa" if quantity == "pressure" else f"0…100 {kind.unit}"
        yield case.find((*place, "signal"), "range_missing", allowed=example)
    if span is not None:
        spot = (*place, "range")
        if signal is None:
            yield case.find(spot, "range_without_signal", allowed=", ".join(SIGNALS))
        try:
            low, high = parse_span(span, kind)
            if low >= high:
                yield case.find(spot, "span_order", value=span)
        except BadQuantity as problem:
            yield case.bad_quantity(spot, problem, kind)
    if add is not None:
        if quantity == "temperature":
            kind = QUANTITIES["temperature_difference"]
        try:
            addition(add, quantity)
        except BadQuantity as problem:
            spot = (*place, "add")
            yield case.bad_quantity(spot, problem, kind)


def _tank(case: Case) -> Iterator[Finding]:
    tank = case.file.tank
    if tank is None:
        if any(circuit.makeup is not None for circuit in case.file.circuits.values()):
            yield case.find((), "no_tank", warning=True)
        return
    if tank.inlet is not None:
        for found in case.writable(("tank", "inlet"), tank.inlet, "yes/no"):
            if isinstance(found, Finding):
                yield found
    if "station.tank_level" not in case.file.points:
        yield case.find(("tank",), "point_missing", at_key=True, value="station.tank_level")
    ladder = [("low", tank.low), ("fill_below", tank.fill_below), ("stop_above", tank.stop_above)]
    if tank.high is not None:
        ladder.append(("high", tank.high))
    for (lower, low), (upper, high) in pairwise(ladder):
        if low >= high:
            yield case.find(("tank", upper), "not_above", value=f"{high:g} m", other=lower, than=f"{low:g} m")


def _write_only(case: Case) -> Iterator[Finding]:
    """Devices that do not show what is written to them: one line, and of a file that can run."""
    written = wire(case.file, case.profiles).written()
    mute = [
        device
        for device, points in written.items()
        if any(case.profiles[device].points[point].poll is None for point in points)
    ]
    if mute:
        place: Location = ("devices", mute[0], "profile")
        yield case.find(place, "write_only", warning=True, allowed=", ".join(mute))
