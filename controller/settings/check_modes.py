"""Cross-checks of a circuit's modes: their sections, what those need, what they may do to people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from controller.control.blocks.setpoint.heat_curve import DesignCurve, HeatCurve
from controller.control.circuits.circuit_mode import LEAD_VALVE
from controller.settings.case import Case
from controller.settings.load import Finding
from controller.settings.station import Circuit
from drivers.nodes import Location

BLIND = ("constant_supply", "fixed_opening")
"""Modes that bring the same heat in all weathers."""
LEAST_POINTS = 2
BY_SETPOINT = (
    "learned_curve",
    "wind_sun",
    "room_influence",
    "schedule",
    "remote",
    "return_limit",
    "meter_limit",
    "shortage",
    "supply_rate",
    "probing",
)


def mode_findings(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    """All that is to be said about the modes of one circuit."""
    place: Location = ("circuits", name)
    missing = circuit.lacks("mode", circuit.mode)
    if missing:
        yield case.find((*place, "mode"), "mode_no_section", value=missing)
    if circuit.use == "housing" and circuit.wanted_mode in BLIND:
        yield case.find((*place, "mode"), "mode_blind_housing", warning=True, value=circuit.wanted_mode)
    yield from _constant_supply(case, place, circuit)
    yield from _fixed_opening(case, place, circuit)
    if circuit.constant_flow is not None:
        alone = len(case.file.circuits) == 1
        meters = [f"{name}.primary_flow", *(["station.primary_flow"] if alone else [])]
        if not any(meter in case.file.points for meter in meters):
            spot: Location = (*place, "constant_flow")
            yield case.find(spot, "flow_not_measured", at_key=True, value=meters[-1])
    yield from _mean_temperature(case, name, circuit)
    if circuit.wanted_mode in LEAD_VALVE:
        yield from _led(case, place, circuit)


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


def _fixed_opening(case: Case, place: Location, circuit: Circuit) -> Iterator[Finding]:
    section, valve = circuit.fixed_opening, circuit.valve
    if section is None:
        return
    spot: Location = (*place, "fixed_opening")
    if circuit.primary_pump is not None:
        yield case.find(spot, "fixed_opening_pump", at_key=True)
    if valve is not None and not valve.min <= section.opening <= valve.max:
        yield case.find(
            (*spot, "opening"),
            "fixed_opening_outside",
            warning=True,
            value=f"{section.opening:g} %",
            allowed=f"{valve.min:g} … {valve.max:g} %",
        )


def _led(case: Case, place: Location, circuit: Circuit) -> Iterator[Finding]:
    """Sections that do nothing while the mode leads the valve; offsets by time are plain to see."""
    for section in BY_SETPOINT:
        if getattr(circuit, section) is not None:
            yield case.find(
                (*place, section),
                "mode_ignores",
                at_key=True,
                warning=True,
                value=section,
                mode=circuit.wanted_mode,
            )


def _mean_temperature(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    section = circuit.mean_temperature
    if section is None:
        return
    spot: Location = ("circuits", name, "mean_temperature")
    if f"{name}.return_temperature" not in case.file.points:
        yield case.find(spot, "mean_no_return", at_key=True, value=f"{name}.return_temperature")
    rows = sorted(section.points.items())
    if len(rows) < LEAST_POINTS and not isinstance(circuit.heat_curve, DesignCurve):
        yield case.find(spot, "mean_no_curve", at_key=True)
    if any(warmer > colder for (_, colder), (_, warmer) in pairwise(rows)):
        yield case.find((*spot, "points"), "mean_curve_rises", at_key=True)
    curve = HeatCurve(circuit.heat_curve)
    for outdoor, mean in rows:
        supply = curve.at(outdoor)
        if mean >= supply:
            yield case.find(
                (*spot, "points"),
                "mean_above_supply",
                at_key=True,
                warning=True,
                value=f"{mean:g} °C",
                allowed=f"{supply:.3g} °C",
            )
            return
