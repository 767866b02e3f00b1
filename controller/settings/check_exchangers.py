"""Cross-checks of exchangers in parallel: relays and end contacts of their isolation valves, numbers."""

from __future__ import annotations

from collections.abc import Iterator

from controller.control.blocks.water.exchanger_settings import IsolationValveSettings
from controller.control.circuits.exchanger import ExchangerSettings
from controller.settings.case import Case
from controller.settings.check_actuators import KEEPS
from controller.settings.load import Finding
from drivers.nodes import Location


def exchanger_findings(case: Case) -> Iterator[Finding]:
    """All circuits with exchangers in parallel."""
    used = {source: name for name, point in case.file.points.items() for source in point.sources}
    for name, starter in case.file.starters.items():
        for label in ("running", "fault", "remote"):
            if (contact := getattr(starter, label)) is not None:
                used.setdefault(contact, f"starters.{name}.{label}")
    for name, circuit in case.file.circuits.items():
        if not isinstance(circuit, ExchangerSettings) or circuit.exchangers is None:
            continue
        place: Location = ("circuits", name, "exchangers")
        several = circuit.exchangers
        for index, valve in enumerate(several.valves):
            yield from _valve(case, (*place, "valves", index), valve, used)
        if all(valve.out >= 0.5 for valve in several.valves):
            yield case.find((*place, "valves", 0, "out"), "exchangers_all_out")
        count = len(several.valves)
        if several.least > count:
            spot: Location = (*place, "least")
            yield case.find(spot, "exchangers_too_few", value=str(several.least), allowed=str(count))
        if several.close_below >= several.open_above:
            below, above = f"{several.close_below:g} %", f"{several.open_above:g} %"
            key = "close_below" if case.given((*place, "close_below")) else "open_above"
            if key == "close_below":
                yield case.find((*place, key), "not_below", value=below, other="open_above", than=above)
            else:
                yield case.find((*place, key), "not_above", value=above, other="close_below", than=below)


def _valve(
    case: Case, place: Location, valve: IsolationValveSettings, used: dict[str, str]
) -> Iterator[Finding]:
    if valve.open is None and valve.close is None:
        yield case.find(place, "isolation_not_driven", at_key=True)
    elif valve.open is not None and valve.close is not None:
        yield case.find((*place, "close"), "isolation_driven_twice")
    for label in ("open", "close"):
        relay = getattr(valve, label)
        if relay is not None:
            yield from _relay(case, (*place, label), relay)
    if valve.opened is None and valve.closed is None:
        yield case.find(place, "isolation_unseen", at_key=True, warning=True)
    for label in ("opened", "closed"):
        contact = getattr(valve, label)
        if contact is not None:
            yield from case.contact((*place, label), contact, used)


def _relay(case: Case, spot: Location, relay: str) -> Iterator[Finding]:
    """A valve that is kept open by its relay closes with it."""
    for found in case.writable(spot, relay, "yes/no"):
        if isinstance(found, Finding):
            yield found
        elif spot[-1] == "open" and found.write is not None:
            if found.write.on_loss_configurable:
                yield case.find(spot, "isolation_may_close", warning=True, value=relay)
            elif found.write.on_loss not in KEEPS:
                yield case.find(spot, "isolation_closes", value=relay)
