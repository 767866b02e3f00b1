"""Cross-checks of a circuit's modes: their sections, what those need, what they may do to people."""

from __future__ import annotations

from collections.abc import Iterator

from controller.settings.case import Case
from controller.settings.load import Finding
from controller.settings.station import Circuit
from drivers.nodes import Location


def mode_findings(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    """All that is to be said about the modes of one circuit."""
    place: Location = ("circuits", name)
    missing = circuit.lacks("mode", circuit.mode)
    if missing:
        yield case.find((*place, "mode"), "mode_no_section", value=missing)
    yield from _constant_supply(case, place, circuit)


def _constant_supply(case: Case, place: Location, circuit: Circuit) -> Iterator[Finding]:
    section, supply = circuit.constant_supply, circuit.supply
    if section is not None and not supply.min <= section.supply <= supply.max:
        yield case.find(
            (*place, "constant_supply", "supply"),
            "constant_supply_cut",
            warning=True,
            value=f"{section.supply:g} °C",
            allowed=f"{supply.min:g} … {supply.max:g} °C",
        )
