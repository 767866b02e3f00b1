"""Cells in which nothing but the safety table is left: a person's hand on an output, or a circuit that has
broken, alone and with what breaks in the plant.

While a circuit works it does by itself most of what the table would make it do, and a row that is missing is
not seen. A hand on an output, or a circuit that throws, takes that cover away.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.settings.station import StationFile
from controller.station import Station
from sim.campaign.cells import COLD_DAY, COLD_START, OVERSIZED, THAW, Break, Cell
from sim.plant import Plant

_TORN_OFF_PER_H = 4.0
"""A main torn off: the loop's water runs out within a quarter of an hour."""
_HOTTER_K = 15.0


def torn_off(plant: Plant, zone: str) -> Break:
    """The burst of a main."""
    volume = plant.zones[zone].parameters.loop_volume_m3
    return Break("plant", zone, "burst", round(_TORN_OFF_PER_H * volume))


def hand_cells(station: Station) -> Iterator[Cell]:
    """A person puts every output that may be overridden to either end; and all pumps of a circuit off."""
    for output in station.image.outputs.values():
        if output.name in station.carried_out:
            continue
        for value in (output.low, output.high):
            yield Cell(COLD_DAY, "hand", (_hand(output.name, value),))
            if output.quantity == "percent":
                for start in (THAW, OVERSIZED, COLD_START):
                    yield Cell(start, "hand", (_hand(output.name, value),))
    for zone, circuit in station.file.circuits.items():
        off = tuple(_hand(f"{zone}.pump_{n}_run", 0.0) for n in _numbers(len(circuit.circulation.pumps)))
        if len(off) > 1:
            for start in (COLD_DAY, COLD_START):
                yield Cell(start, "hand", off)


def upset_cells(station: Station, plant: Plant) -> Iterator[Cell]:
    """Everything that takes the control of a circuit away, with everything that the table is for."""
    for zone in station.file.circuits:
        for upset in _upsets(station, zone):
            for trouble in _troubles(station.file, plant, zone):
                if {one.on for one in upset} & {one.on for one in trouble}:
                    continue
                hotter = any(one.kind == "temperature_step" for one in trouble)
                yield Cell(OVERSIZED if hotter else COLD_DAY, "pair", (*upset, *trouble))
        valve = station.image.outputs.get(f"{zone}.valve_command")
        if valve is not None and valve.name not in station.carried_out:
            outage = Break("plant", "station", "primary_outage")
            yield Cell(COLD_START, "pair", (_hand(valve.name, valve.low), outage))


def _hand(output: str, value: float) -> Break:
    return Break("hand", output, "hand", value)


def _numbers(count: int) -> range:
    return range(1, count + 1)


def _upsets(station: Station, zone: str) -> Iterator[tuple[Break, ...]]:
    """The circuit is broken; a person drives valve or pumps to an end, and the speed to the highest."""
    yield (Break("program", f"circuit {zone}", "exception"),)
    outputs = station.image.outputs
    pumps = _numbers(len(station.file.circuits[zone].circulation.pumps))
    ends: tuple[tuple[tuple[str, float], ...], ...] = (
        (("valve_command", 1.0),),
        (("primary_command", 1.0),),
        (("pump_1_run", 1.0), ("pump_1_speed", 1.0)),
        tuple((f"pump_{n}_run", 0.0) for n in pumps),
        (("makeup_1_run", 1.0), ("makeup_1_speed", 1.0)),
        (("relief_valve", 0.0),),
    )
    for hands in ends:
        names = [f"{zone}.{role}" for role, _ in hands]
        if all(name in outputs and name not in station.carried_out for name in names):
            yield tuple(
                _hand(name, outputs[name].high if share else outputs[name].low)
                for name, (_, share) in zip(names, hands, strict=True)
            )


def _troubles(file: StationFile, plant: Plant, zone: str) -> Iterator[tuple[Break, ...]]:
    circuit, parts = file.circuits[zone], set(plant.fault_names())
    pumps = _numbers(len(circuit.circulation.pumps))
    yield tuple(Break("plant", f"{zone}.pump_{n}", "trip") for n in pumps)
    yield (Break("plant", "station", "power_failure"),)
    yield (Break("plant", "station", "temperature_step", _HOTTER_K),)
    if circuit.makeup is not None:
        yield (torn_off(plant, zone),)
        yield (Break("plant", zone, "leak", 1.5),)
        yield (Break("plant", zone, "leak_inside", 6.0),)
        yield (Break("plant", f"{zone}.makeup_1", "mains_bypass"),)
        yield (Break("plant", "station", "no_city_water"), torn_off(plant, zone))
    if f"{zone}.relief_valve" in parts and circuit.makeup is not None and circuit.makeup.relief is not None:
        yield (Break("plant", f"{zone}.relief_valve", "stuck_off"),)
