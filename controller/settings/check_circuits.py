"""Cross-checks of the circuits: temperatures, witnesses; pumps and pressure holding in `check_pumps`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from controller.control.blocks.setpoint.heat_curve import DesignCurve, HeatCurve, PointsCurve
from controller.settings.case import Case
from controller.settings.check_actuators import actuator_findings
from controller.settings.check_pumps import makeup_findings, pump_findings
from controller.settings.load import Finding
from controller.settings.station import Circuit
from controller.settings.wiring import key
from drivers.nodes import Location

_COLDEST_C = -24.2
"""Design outdoor temperature where a curve names none (Harbin)."""


def circuit_findings(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    """All that is to be said about one circuit."""
    place: Location = ("circuits", name)
    if name == "station":
        yield case.find(place, "name_reserved", at_key=True, value=name)
        return
    if f"{name}.supply_temperature" not in case.file.points:
        yield case.find(place, "point_missing", at_key=True, value=f"{name}.supply_temperature")
    yield from _temperatures(case, place, circuit)
    yield from actuator_findings(case, place, circuit)
    yield from pump_findings(case, name, circuit)
    yield from makeup_findings(case, name, circuit)
    yield from _witnesses(case, name, circuit)


def _ladder(case: Case, place: Location, rungs: list[tuple[str, float]], unit: str) -> Iterator[Finding]:
    """Each value must be above the one before it; told where one of the two stands in the file."""
    for (lower, low), (upper, high) in pairwise(rungs):
        if low >= high:
            spot: Location = (*place, upper)
            if not case.given(spot) and case.given((*place, lower)):
                spot = (*place, lower)
                yield case.find(
                    spot, "not_below", value=f"{low:g} {unit}", other=upper, than=f"{high:g} {unit}"
                )
                continue
            yield case.find(spot, "not_above", value=f"{high:g} {unit}", other=lower, than=f"{low:g} {unit}")


def _temperatures(case: Case, place: Location, circuit: Circuit) -> Iterator[Finding]:
    supply, curve = circuit.supply, circuit.heat_curve
    rungs = [("min", supply.min), ("max", supply.max), ("alarm", supply.alarm), ("trip", supply.trip)]
    yield from _ladder(case, (*place, "supply"), rungs, "°C")
    spot: Location = (*place, "heat_curve")
    if isinstance(curve, PointsCurve):
        highest = max(curve.points.values())
        ordered = [curve.points[outdoor] for outdoor in sorted(curve.points)]
        if any(warmer > colder for colder, warmer in pairwise(ordered)):
            yield case.find((*spot, "points"), "curve_rises", at_key=True)
    elif isinstance(curve, DesignCurve):
        highest = curve.design_supply
        rungs = [("design_return", curve.design_return), ("design_supply", curve.design_supply)]
        yield from _ladder(case, spot, rungs, "°C")
    else:
        highest = round(HeatCurve(curve).at(_COLDEST_C), 1)
    if highest > supply.max:
        yield case.find(
            spot,
            "curve_cut",
            at_key=True,
            warning=True,
            value=f"{highest:g} °C",
            allowed=f"{supply.max:g} °C",
        )


def _witnesses(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    """An action that stops heat needs two independent signs: say which are missing."""
    place: Location = ("circuits", name)
    points = case.file.points
    supply = points.get(f"{name}.supply_temperature")
    if supply is not None and supply.second is None and f"{name}.thermostat" not in points:
        yield case.find(place, "witness_supply", at_key=True, warning=True, value=name)
    if f"{name}.differential_pressure" not in points:
        yield case.find(place, "witness_circulation", at_key=True, warning=True, value=name)
    if circuit.makeup is not None and f"{name}.suction_switch" not in points:
        yield case.find(place, "witness_suction", at_key=True, warning=True, value=name)
    yield from _pressures_apart(case, name, circuit)
    if supply is None or supply.second is None or supply.second == supply.source:
        return
    modules = {key(source)[0] for source in supply.sources}
    if len(modules) == 1:
        spot = ("points", f"{name}.supply_temperature", "second")
        yield case.find(spot, "second_same_module", warning=True, value=modules.pop())


def _pressures_apart(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    """A zone that holds its own pressure: the pressures that witness for each other die with one module, and
    nothing says how much water it then wants (`makeup_reckoned`)."""
    points = case.file.points
    roles = ("return_pressure", "supply_pressure", "makeup_pressure")
    measured = [points[f"{name}.{role}"] for role in roles if f"{name}.{role}" in points]
    held = f"{name}.return_pressure"
    makeup = circuit.makeup
    if makeup is None or held not in points or len(measured) < 2:
        return
    meters = (f"{name}.makeup_flow", f"{name}.makeup_volume")
    metered = makeup.guard.nominal_flow is not None or any(meter in points for meter in meters)
    if makeup.guard.loop_volume is not None and metered:
        return
    modules = {key(source)[0] for settings in measured for source in settings.sources}
    if len(modules) == 1:
        spot = ("points", held, "from")
        yield case.find(spot, "pressures_same_module", warning=True, value=name, other=modules.pop())
