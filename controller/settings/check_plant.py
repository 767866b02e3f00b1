"""Cross-checks of the simulated plant: names, shares of the buildings, ends of the source's curve, levels."""

from __future__ import annotations

from collections.abc import Iterator

from controller.settings.case import Case
from controller.settings.load import Finding
from controller.settings.plant import PlantGroupSettings
from drivers.nodes import Location

_WHOLE, _NEARLY = 100.0, 1e-4


def plant_findings(case: Case) -> Iterator[Finding]:
    """All of the section `plant`."""
    plant, circuits = case.file.plant, list(case.file.circuits)
    for zone, settings in plant.zones.items():
        place: Location = ("plant", "zones", zone)
        if zone not in circuits:
            yield case.unknown(place, "unknown_zone", zone, circuits, at_key=True)
        count = len(settings.groups) or settings.buildings
        if settings.balancing and len(settings.balancing) != count:
            value = str(len(settings.balancing))
            yield case.find((*place, "balancing"), "balancing_count", value=value, allowed=str(count))
        if settings.groups:
            yield from _groups(case, (*place, "groups"), settings.groups)
    primary = plant.primary
    if primary.mild_outdoor <= primary.cold_outdoor:
        name = "mild_outdoor" if case.given(("plant", "primary", "mild_outdoor")) else "cold_outdoor"
        low, high = f"{primary.cold_outdoor:g} °C", f"{primary.mild_outdoor:g} °C"
        place = ("plant", "primary", name)
        if name == "mild_outdoor":
            yield case.find(place, "not_above", value=high, other="cold_outdoor", than=low)
        else:
            yield case.find(place, "not_below", value=low, other="mild_outdoor", than=high)
    for name, unit in plant.hot_water.items():
        place = ("plant", "hot_water", name)
        if name == "station":
            yield case.find(place, "name_reserved", at_key=True, value=name)
        elif name in circuits:
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
