"""Cross-checks of what lets the heat in: control valve by opening or by relays, primary pump."""

from __future__ import annotations

from collections.abc import Iterator

from controller.control.blocks.loop.supply_settings import ValveSettings
from controller.control.circuits.exchanger import ExchangerSettings
from controller.control.circuits.mixing import MixingSettings
from controller.settings.case import Case, given
from controller.settings.load import Finding
from controller.settings.station import Circuit
from drivers.nodes import Location

KEEPS = ("hold", "keep_running")
_SLOWEST_MIXING_S = {"three_way": 75.0, "injection": 40.0}
"""Stroke that keeps hot primary water from the users after a pump trip: measured on the example zones at
−24 °C with the primary at 109 °C, supply above alarm + 5 K for less than 20 s."""


def actuator_findings(case: Case, place: Location, circuit: Circuit) -> Iterator[Finding]:
    """A circuit has a valve, a primary pump, or both."""
    if circuit.valve is None and circuit.primary_pump is None:
        yield case.find(place, "no_actuator", at_key=True)
    if circuit.valve is not None:
        yield from _valve(case, (*place, "valve"), circuit.valve)
        if isinstance(circuit, MixingSettings):
            yield from _hot_primary(case, (*place, "valve"), circuit.arrangement, circuit.valve)
    pump = circuit.primary_pump
    if pump is None:
        return
    spot: Location = (*place, "primary_pump", "pump")
    drives = [device for device, profile in case.profiles.items() if profile.kind == "drive"]
    if pump.pump not in case.file.devices:
        yield case.unknown(spot, "unknown_device", pump.pump, drives or list(case.file.devices))
    elif pump.pump in case.profiles and case.profiles[pump.pump].kind != "drive":
        yield case.find(spot, "not_a_drive", value=pump.pump, allowed=", ".join(drives) or "–")
    if "station.primary_return_pressure" not in case.file.points:
        yield case.find((*place, "primary_pump"), "pump_unguarded", at_key=True, warning=True)


def _valve(case: Case, place: Location, valve: ValveSettings) -> Iterator[Finding]:
    if valve.command is None and (valve.open is None or valve.close is None):
        yield case.find(place, "valve_not_driven", at_key=True)
    elif valve.command is not None and (valve.open is not None or valve.close is not None):
        yield case.find((*place, "open" if valve.open is not None else "close"), "valve_driven_twice")
    if valve.command is not None:
        yield from _positioner(case, (*place, "command"), valve.command)
    for name in ("open", "close"):
        reference = getattr(valve, name)
        if reference is not None:
            yield from _relay(case, (*place, name), reference)
    if valve.feedback is None:
        if valve.open is None:
            yield case.find(place, "no_feedback", at_key=True, warning=True)
    else:
        yield from _feedback(case, (*place, "feedback"), valve.feedback)
    if valve.min >= valve.max:
        low, high = f"{valve.min:g} %", f"{valve.max:g} %"
        yield case.find((*place, "max"), "not_above", value=high, other="min", than=low)


def _hot_primary(case: Case, place: Location, arrangement: str, valve: ValveSettings) -> Iterator[Finding]:
    """Without its pump a mixing zone gets primary water unmixed until its valve is shut."""
    slowest, stroke, alone = _SLOWEST_MIXING_S[arrangement], valve.stroke_time, valve.on_signal_loss
    if stroke > slowest:
        spot: Location = (*place, "stroke_time")
        value, allowed = f"{stroke:g} s", f"≤ {slowest:g} s"
        yield case.find(spot, "mixing_valve_slow", warning=True, value=value, allowed=allowed)
    if alone != "close":
        spot = (*place, "on_signal_loss")
        yield case.find(spot, "mixing_valve_stays", warning=True, value=alone)


def _positioner(case: Case, spot: Location, command: str) -> Iterator[Finding]:
    for found in case.writable(spot, command, "%"):
        if isinstance(found, Finding):
            yield found
            continue
        write = found.write
        if write is not None and not write.on_loss_configurable and write.on_loss not in KEEPS:
            yield case.find(spot, "valve_on_loss", warning=True, value=command, does=write.on_loss)


def _relay(case: Case, spot: Location, relay: str) -> Iterator[Finding]:
    """A relay that stays on when we die drives the valve to its end."""
    for found in case.writable(spot, relay, "yes/no"):
        if isinstance(found, Finding):
            yield found
            continue
        write = found.write
        if write is not None and write.on_loss in KEEPS:
            code = "relay_watchdog" if write.on_loss_configurable else "relay_stays_on"
            yield case.find(spot, code, warning=write.on_loss_configurable, value=relay)


def _feedback(case: Case, spot: Location, feedback: str) -> Iterator[Finding]:
    for found in case.point(spot, feedback):
        if isinstance(found, Finding):
            yield found
        elif found.poll is None:
            yield case.find(spot, "not_readable", value=feedback)
        elif found.unit != "%":
            yield case.find(spot, "wrong_quantity", value=feedback, unit=given(found), wanted="%")


def outputs_used_once(case: Case) -> Iterator[Finding]:
    """A drive or an output channel belongs to one user."""
    used: dict[str, Location] = {}
    for what, place in _users(case):
        first = used.setdefault(what, place)
        if first != place:
            yield case.find(place, "output_twice", value=what, other=".".join(map(str, first)))


def _users(case: Case) -> Iterator[tuple[str, Location]]:
    for name, circuit in case.file.circuits.items():
        place: Location = ("circuits", name)
        for index, pump in enumerate(circuit.circulation.pumps):
            yield pump, (*place, "circulation", "pumps", index)
        if circuit.valve is not None:
            for way in ("command", "open", "close"):
                if (reference := getattr(circuit.valve, way)) is not None:
                    yield reference, (*place, "valve", way)
        if isinstance(circuit, ExchangerSettings) and circuit.exchangers is not None:
            for index, isolation in enumerate(circuit.exchangers.valves):
                for way in ("open", "close"):
                    if (reference := getattr(isolation, way)) is not None:
                        yield reference, (*place, "exchangers", "valves", index, way)
        if circuit.primary_pump is not None:
            yield circuit.primary_pump.pump, (*place, "primary_pump", "pump")
        if circuit.makeup is not None:
            for index, pump in enumerate(circuit.makeup.pumps):
                yield pump, (*place, "makeup", "pumps", index)
            if circuit.makeup.relief is not None:
                yield circuit.makeup.relief.valve, (*place, "makeup", "relief", "valve")
    for name, starter in case.file.starters.items():
        yield starter.run, ("starters", name, "run")
    if case.file.tank is not None and case.file.tank.inlet is not None:
        yield case.file.tank.inlet, ("tank", "inlet")
