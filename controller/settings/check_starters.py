"""Cross-checks of what turns a pump: a drive, or a starter (relay and contacts) at mains speed."""

from __future__ import annotations

from collections.abc import Iterator

from controller.control.blocks.parts.drive import MAINS_HZ
from controller.settings.case import Case
from controller.settings.check_actuators import KEEPS
from controller.settings.load import Finding
from controller.settings.station import Circuit, StarterSettings
from drivers.nodes import Location
from drivers.profile import Write


def turning_findings(case: Case, place: Location, circuit: Circuit) -> Iterator[Finding]:
    """The pumps of a circuit: known, of the right kind, and what they do when nobody commands them."""
    circulation, makeup = circuit.circulation, circuit.makeup
    groups = [("circulation", circulation.pumps, circulation.on_bus_loss)]
    if makeup is not None:
        groups.append(("makeup", makeup.pumps, makeup.on_bus_loss))
    drives = [device for device, profile in case.profiles.items() if profile.kind == "drive"]
    for group, pumps, on_bus_loss in groups:
        for index, pump in enumerate(pumps):
            spot: Location = (*place, group, "pumps", index)
            if pump in case.file.starters:
                relay = case.file.starters[pump].run
                # Whatever is wrong with the reference is told at the starter itself.
                for found in case.writable(spot, relay, "yes/no"):
                    if not isinstance(found, Finding):
                        yield from _bus_loss(case, (*place, group), spot, relay, on_bus_loss, found.write)
            elif pump not in case.file.devices:
                known = [*drives, *case.file.starters]
                yield case.unknown(spot, "unknown_device", pump, known or list(case.file.devices))
            elif pump in case.profiles:
                profile = case.profiles[pump]
                if profile.kind != "drive":
                    yield case.find(spot, "not_a_drive", value=pump, allowed=", ".join(drives) or "–")
                else:
                    write = profile.points["run"].write
                    yield from _bus_loss(case, (*place, group), spot, pump, on_bus_loss, write)
    yield from _primary(case, place, circuit)
    yield from _speeds(case, place, circuit)


def _primary(case: Case, place: Location, circuit: Circuit) -> Iterator[Finding]:
    """A primary pump without a valve is what lets the heat in: it must run on. (`check_actuators` has the
    rest.)"""
    primary = circuit.primary_pump
    if primary is None or circuit.valve is not None:
        return
    profile = case.profiles.get(primary.pump)
    if profile is not None and profile.kind == "drive":
        group: Location = (*place, "primary_pump")
        write = profile.points["run"].write
        yield from _bus_loss(case, group, (*group, "pump"), primary.pump, primary.on_bus_loss, write)


def _speeds(case: Case, place: Location, circuit: Circuit) -> Iterator[Finding]:
    """No speed is asked of a pump that has none."""
    circulation, makeup, starters = circuit.circulation, circuit.makeup, case.file.starters
    fixed = circulation.control == "fixed"
    without = [pump for pump in circulation.pumps if pump in starters]
    if without and not (fixed and circulation.fixed_speed == MAINS_HZ):
        key = "fixed_speed" if fixed else "control"
        allowed = f"control: fixed, fixed_speed: {MAINS_HZ:g} Hz"
        yield case.find(
            (*place, "circulation", key), "starter_has_no_speed", value=without[0], allowed=allowed
        )
    if makeup is not None:
        without = [pump for pump in makeup.pumps if pump in starters]
        if without and makeup.control != "band":
            spot = (*place, "makeup", "control")
            yield case.find(spot, "starter_has_no_speed", value=without[0], allowed="control: band")


def _bus_loss(
    case: Case, place: Location, spot: Location, pump: str, wanted: str, write: Write | None
) -> Iterator[Finding]:
    """A pump that moves water or brings heat and stops when its bus dies is an error; a makeup pump that runs
    on, too."""
    does = wanted
    if write is not None and not write.on_loss_configurable:
        does = "keep_running" if write.on_loss in KEEPS else str(write.on_loss)
    right = "stop" if place[-1] == "makeup" else "keep_running"
    if does != right:
        where = (*place, "on_bus_loss")
        yield case.find(where if case.given(where) else spot, f"bus_loss_{right}", value=pump, does=does)


def starter_findings(case: Case) -> Iterator[Finding]:
    """Relay and contacts of every starter."""
    used = {source: name for name, point in case.file.points.items() for source in point.sources}
    for name, starter in case.file.starters.items():
        place: Location = ("starters", name)
        if name in case.file.devices:
            yield case.find(place, "starter_is_device", at_key=True, value=name)
        for found in case.writable((*place, "run"), starter.run, "yes/no"):
            if isinstance(found, Finding):
                yield found
        yield from _contacts(case, place, starter, used)
        if starter.running is None:
            yield case.find(place, "starter_unseen", at_key=True, warning=True, value=name)


def _contacts(
    case: Case, place: Location, starter: StarterSettings, used: dict[str, str]
) -> Iterator[Finding]:
    for label in ("running", "fault", "remote"):
        contact = getattr(starter, label)
        if contact is not None:
            yield from case.contact((*place, label), contact, used)
