"""Cross-checks of what the set-point is made of: points that sections need, what they may do to people."""

from __future__ import annotations

from collections.abc import Iterator

from controller.control.blocks.setpoint.heat_curve import DesignCurve, HeatCurve
from controller.control.blocks.setpoint.learned_curve import MODES
from controller.control.blocks.setpoint.return_limit import STARVES_K, starves
from controller.control.blocks.setpoint.schedule import refuses_housing
from controller.settings.case import Case
from controller.settings.load import Finding
from controller.settings.station import Circuit
from drivers.nodes import Location

COLDEST_C = -24.2
"""Design outdoor temperature where a curve names none (Harbin)."""
SPREAD_K = 15.0
"""Supply less return on the design day where a curve names none (60/45 °C)."""


def setpoint_findings(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    """All that is to be said about the set-point of one circuit."""
    place: Location = ("circuits", name)
    if refuses_housing(circuit.schedule, circuit.use):
        yield case.find((*place, "schedule"), "schedule_housing", at_key=True)
    if circuit.forecast is not None and case.file.outdoor is None:
        yield case.find((*place, "forecast"), "forecast_unwritten", at_key=True)
    yield from _rooms(case, name, circuit)
    yield from _weather(case, name, circuit)
    yield from _return_limit(case, name, circuit)
    yield from _meter_limit(case, name, circuit)
    if circuit.probing is not None and circuit.return_limit is None and circuit.meter_limit is None:
        yield case.find((*place, "probing"), "nothing_to_probe", at_key=True, warning=True)


def _missing(case: Case, place: Location, *names: str, warning: bool = False) -> Iterator[Finding]:
    """Said when none of the points is there; the first is the one to add."""
    if not any(name in case.file.points for name in names):
        code = "point_useless_without" if warning else "point_missing"
        yield case.find(place, code, at_key=True, warning=warning, value=names[0])


def _rooms(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    prefix = f"{name}.room_temperature_"
    rooms = [point for point in case.file.points if point.startswith(prefix)]
    learned = circuit.learned_curve
    if circuit.room_influence is not None:
        yield from _missing(case, ("circuits", name, "room_influence"), f"{prefix}1", *rooms)
    if learned is not None and MODES[int(learned.mode)] != "off":
        yield from _missing(case, ("circuits", name, "learned_curve"), f"{prefix}1", *rooms)


def _weather(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    settings = circuit.wind_sun
    if settings is None:
        return
    wanted = [("wind_gain", settings.wind_gain, "station.wind_speed")]
    wanted.append(("sun_gain", settings.sun_gain, "station.solar_radiation"))
    for key, gain, point in wanted:
        if gain > 0:
            yield from _missing(case, ("circuits", name, "wind_sun", key), point, warning=True)


def _return_limit(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    settings, place = circuit.return_limit, ("circuits", name, "return_limit")
    if settings is None:
        return
    yield from _missing(case, place, "station.primary_return_temperature")
    if settings.difference is not None:
        yield from _missing(case, (*place, "difference"), f"{name}.return_temperature", warning=True)
    curve = circuit.heat_curve
    if isinstance(curve, DesignCurve):
        outdoor, back = curve.design_outdoor, curve.design_return
    else:
        outdoor, back = COLDEST_C, HeatCurve(curve).at(COLDEST_C) - SPREAD_K
    limit = starves(settings, outdoor, back)
    if limit is not None:
        allowed = f"{round(back + STARVES_K, 1):g} °C"
        yield case.find(
            (*place, "limit"),
            "return_limit_starves",
            at_key=True,
            warning=True,
            value=f"{round(limit, 1):g} °C",
            allowed=allowed,
        )


def _meter_limit(case: Case, name: str, circuit: Circuit) -> Iterator[Finding]:
    settings, place = circuit.meter_limit, ("circuits", name, "meter_limit")
    if settings is None:
        return
    if not settings.flow and not settings.power:
        yield case.find(place, "nothing_limited", at_key=True)
    if settings.flow:
        yield from _missing(case, (*place, "flow"), "station.primary_flow")
    if settings.power:
        yield from _missing(case, (*place, "power"), "station.heat_power", f"{name}.heat_power")
