"""Cross-checks of the simulated plant: names, buildings' shares, drives, ends of the source's curve, tank."""

from __future__ import annotations

from collections.abc import Iterator

from controller.control.blocks.water.pump_settings import PumpGroupSettings
from controller.settings.case import Case
from controller.settings.load import Finding
from controller.settings.plant import PlantGroupSettings, PlantZoneSettings
from drivers.nodes import Location

_WHOLE, _NEARLY = 100.0, 1e-4


def plant_findings(case: Case) -> Iterator[Finding]:
    """All of the section `plant`."""
    for zone, settings in case.file.plant.zones.items():
        yield from _zone(case, zone, settings)
    yield from _source(case)
    yield from _tank(case)
    yield from _hot_water(case)


def _zone(case: Case, zone: str, settings: PlantZoneSettings) -> Iterator[Finding]:
    """It stands behind a circuit, and its buildings and drives fit."""
    place: Location = ("plant", "zones", zone)
    circuits = case.file.circuits
    if zone not in circuits:
        yield case.unknown(place, "unknown_zone", zone, list(circuits), at_key=True)
    count = len(settings.groups) or settings.buildings
    if settings.balancing and len(settings.balancing) != count:
        value = str(len(settings.balancing))
        yield case.find((*place, "balancing"), "balancing_count", value=value, allowed=str(count))
    if settings.groups:
        yield from _groups(case, (*place, "groups"), settings.groups)
    if zone in circuits:
        yield from _drives(case, (*place, "pump_min_speed"), settings, circuits[zone].circulation)


def _drives(
    case: Case, place: Location, settings: PlantZoneSettings, circulation: PumpGroupSettings
) -> Iterator[Finding]:
    """They turn as slowly as the circuit asks for. A pump behind a starter has one speed anyway."""
    driven = any(pump not in case.file.starters for pump in circulation.pumps)
    least, asked = settings.pump_min_speed, circulation.speed[0]
    if case.given(place) and driven and least > asked:
        yield case.find(place, "pump_min_above", warning=True, value=f"{least:g} Hz", allowed=f"{asked:g} Hz")


def _source(case: Case) -> Iterator[Finding]:
    """Its curve has a cold and a mild end."""
    primary = case.file.plant.primary
    if primary.mild_outdoor <= primary.cold_outdoor:
        name = "mild_outdoor" if case.given(("plant", "primary", "mild_outdoor")) else "cold_outdoor"
        low, high = f"{primary.cold_outdoor:g} °C", f"{primary.mild_outdoor:g} °C"
        place = ("plant", "primary", name)
        if name == "mild_outdoor":
            yield case.find(place, "not_above", value=high, other="cold_outdoor", than=low)
        else:
            yield case.find(place, "not_below", value=low, other="mild_outdoor", than=high)


def _tank(case: Case) -> Iterator[Finding]:
    """It does not begin with more than it holds."""
    tank, start = case.file.plant.tank, ("plant", "tank", "start")
    if case.given(start) and tank.start > tank.overflow:
        value, allowed = f"{tank.start:g} m", f"{tank.overflow:g} m"
        yield case.find(start, "tank_starts_over", warning=True, value=value, allowed=allowed)


def _hot_water(case: Case) -> Iterator[Finding]:
    """Units have names of their own, and somebody draws."""
    for name, unit in case.file.plant.hot_water.items():
        place: Location = ("plant", "hot_water", name)
        if name == "station":
            yield case.find(place, "name_reserved", at_key=True, value=name)
        elif name in case.file.circuits:
            yield case.find(place, "hot_water_is_circuit", at_key=True, value=name)
        if unit.hours is not None and not any(unit.hours):
            yield case.find((*place, "hours"), "hours_all_zero")


def _groups(case: Case, place: Location, groups: list[PlantGroupSettings]) -> Iterator[Finding]:
    """Their names differ, and their shares are the whole."""
    seen: set[str] = set()
    for index, group in enumerate(groups):
        if group.name in seen:
            yield case.find((*place, index, "name"), "group_twice", value=group.name)
        seen.add(group.name)
    for key in ("load_share", "flow_share"):
        total = 0.0
        for group in groups:
            total += float(getattr(group, key))
        if abs(total - _WHOLE) > _NEARLY:
            yield case.find((*place, 0, key), "shares_not_whole", value=f"{total:.6g} %", other=key)
