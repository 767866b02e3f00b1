"""Cross-checks of circulation pumps and pressure holding."""

from __future__ import annotations

import math
from collections.abc import Iterator

from controller.control.blocks.water.makeup_guard import MakeupGuardSettings
from controller.control.blocks.water.pressure_holding import ReliefSettings
from controller.control.blocks.water.pump_settings import PumpGroupSettings
from controller.control.circuits.mixing import MixingSettings
from controller.settings.case import Case
from controller.settings.check_starters import turning_findings
from controller.settings.load import Finding
from controller.settings.station import Circuit
from drivers.nodes import Location

_KPA_PER_METRE = 9.81
_RESERVE_KPA = 30.0
_NEEDS = {
    "worst_point": ("worst_point_pressure",),
    "temperature_difference": ("return_temperature",),
    "return_temperature": ("return_temperature",),
}
"""What a mode of the circulation goes by, besides what every circuit must have."""


def pump_findings(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    """What turns the pumps of both groups, and what the circulation goes by."""
    place: Location = ("circuits", name)
    yield from turning_findings(case, place, circuit)
    yield from _speed(case, name, circuit.circulation)
    yield from _sharing(case, (*place, "circulation"), circuit.circulation)


def _speed(case: Case, name: str, circulation: PumpGroupSettings) -> Iterator[Finding]:
    """Set-points and speeds that contradict each other, and modes whose points are not measured."""
    place: Location = ("circuits", name, "circulation")
    low, high = circulation.speed
    if circulation.control == "fixed" and not low <= circulation.fixed_speed <= high:
        yield case.find(
            (*place, "fixed_speed"),
            "outside_speed",
            value=f"{circulation.fixed_speed:g} Hz",
            allowed=f"{low:g} … {high:g} Hz",
        )
    for point in _NEEDS.get(circulation.control, ()):
        if f"{name}.{point}" not in case.file.points:
            yield case.find(
                (*place, "control"),
                "mode_blind",
                warning=True,
                value=circulation.control,
                wanted=f"{name}.{point}",
            )
    for setting in ("min_flow", "nominal_flow"):
        if getattr(circulation, setting) is not None and f"{name}.circulation_flow" not in case.file.points:
            spot = (*place, setting)
            yield case.find(
                spot, "mode_blind", warning=True, value=setting, wanted=f"{name}.circulation_flow"
            )


def _sharing(case: Case, place: Location, circulation: PumpGroupSettings) -> Iterator[Finding]:
    """Least and most of a set-point, and more helpers than pumps."""
    lowest, setpoint = circulation.lowest_setpoint, circulation.setpoint
    if circulation.control in ("proportional", "worst_point") and lowest > setpoint:
        spot: Location = (*place, "lowest_setpoint")
        if not case.given(spot) and case.given((*place, "setpoint")):
            spot = (*place, "setpoint")
        yield case.find(spot, "lowest_above", warning=True, value=f"{lowest:g} kPa", than=f"{setpoint:g} kPa")
    most, pumps = circulation.assist.most, len(circulation.pumps)
    if most > pumps:
        spot = (*place, "assist", "most")
        yield case.find(spot, "assist_too_many", warning=True, value=str(most), allowed=str(pumps))


def makeup_findings(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    """Pressure holding against the building, the relief valve, and what its guard can see."""
    makeup = circuit.makeup
    place: Location = ("circuits", name, "makeup")
    if isinstance(circuit, MixingSettings):
        if makeup is not None:
            yield case.find(place, "mixing_makeup", at_key=True, warning=True)
    elif makeup is None:
        yield case.find(place[:-1], "no_makeup", at_key=True, warning=True)
    if makeup is None:
        return
    if f"{name}.return_pressure" not in case.file.points:
        yield case.find(place, "point_missing", at_key=True, value=f"{name}.return_pressure")
    static = circuit.highest_building * _KPA_PER_METRE
    if makeup.setpoint < static + _RESERVE_KPA:
        yield case.find(
            (*place, "setpoint"),
            "setpoint_below_building",
            warning=makeup.setpoint >= static,
            value=_mpa(makeup.setpoint),
            height=f"{circuit.highest_building:g} m",
            allowed=f"{math.ceil((static + _RESERVE_KPA) / 10) / 100:g} MPa",
        )
    yield from _guard(case, name, makeup.guard)
    if makeup.relief is not None:
        yield from _relief(case, place, makeup.relief, makeup.setpoint)


def _guard(case: Case, name: str, guard: MakeupGuardSettings) -> Iterator[Finding]:
    """Leaks can only be judged where makeup is measured, or estimated from the hours of the pumps."""
    if guard.loop_volume is None and guard.permitted is None:
        yield case.find(("circuits", name, "makeup"), "leaks_unjudged", at_key=True, warning=True, value=name)
    meters = (f"{name}.makeup_flow", f"{name}.makeup_volume")
    if guard.nominal_flow is not None or any(meter in case.file.points for meter in meters):
        return
    for setting in ("loop_volume", "permitted"):
        if getattr(guard, setting) is not None:
            yield case.find(
                ("circuits", name, "makeup", "guard", setting), "guard_blind", warning=True, wanted=meters[0]
            )
            return


def _relief(case: Case, place: Location, relief: ReliefSettings, setpoint: float) -> Iterator[Finding]:
    """Its output, and its band above the set-point."""
    for found in case.writable((*place, "relief", "valve"), relief.valve, "yes/no"):
        if isinstance(found, Finding):
            yield found
    rungs = [
        ("close", relief.close, "setpoint", setpoint),
        ("open", relief.open, "close", relief.close),
    ]
    for upper, high, lower, low in rungs:
        if high <= low:
            yield case.find(
                (*place, "relief", upper), "not_above", value=_mpa(high), other=lower, than=_mpa(low)
            )


def _mpa(kpa: float) -> str:
    return f"{kpa / 1000:g} MPa"
