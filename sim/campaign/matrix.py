"""The cells that follow from a station's file: everything it measures, moves and talks to, and how that
breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from controller.settings.station import Circuit, StationFile
from controller.station import Station
from sim.campaign.cells import COLD_DAY, COLD_START, OVERSIZED, THAW, Break, Cell, Group, Start
from sim.campaign.upsets import hand_cells, torn_off, upset_cells
from sim.field import sensor_of
from sim.plant import Plant

_PLAUSIBLE_K = 5.0
_PLAUSIBLE_SHARE = 0.2
_DRIFT_SHARE_PER_H = 0.02
_DRIFT_K_PER_H = 0.5
_DEVICE_KINDS = ("dead", "slow", "late", "garbage", "exception", "yesterday")
_WRITTEN_KINDS = ("ignores_writes", "overwritten")
_VALVE_KINDS = ("stuck", "slow", "slipping", "reversed", "leaking", "local")
_PUMP_KINDS = ("trip", "no_start", "wear", "check_valve", "mains_bypass", "welded", "local", "dry", "slow")
_MAKEUP_KINDS = ("trip", "no_start", "check_valve", "welded", "mains_bypass", "dry", "slow")
_CONTACT_KINDS = ("stuck_on", "stuck_off")
_POTENTIOMETER = 0.6
"""Share of the nominal speed at which a drive turns that follows its own knob."""
_DANGEROUS = 12


def matrix(station: Station, plant: Plant) -> list[Cell]:
    """All cells of a station, each once. `plant`: a running one, for sizes of what is plausible and names."""
    cells: dict[str, Cell] = {}
    for cell in _cells(station, plant):
        cells.setdefault(cell.name, cell)
    return list(cells.values())


def _cells(station: Station, plant: Plant) -> Iterator[Cell]:
    file = station.file
    sensors, contacts = _measured(station, plant)
    heat = [name for name in sensors if _concerns_heat(name)]
    for name in sensors:
        yield from _all(COLD_DAY, "sensor", sensor_breaks(name, plant.sensors.get(name, 0.0)))
    for name in heat:
        breaks = list(sensor_breaks(name, plant.sensors.get(name, 0.0)))
        chosen = [b for b in breaks if b.kind in ("open", "frozen", "drift", "offset")]
        yield from _all(THAW, "sensor", chosen)
        yield from _all(COLD_START, "sensor", [b for b in chosen if b.kind in ("open", "frozen")])
        if "supply_temperature" in name:
            yield from _all(OVERSIZED, "sensor", chosen)
    for name in station.wiring.redundant:
        # All sensors of a point at once: what stands in for them.
        every = (name, *(f"{name}_{number}" for number in range(2, len(file.points[name].sources) + 1)))
        for start in (COLD_DAY, THAW):
            yield Cell(start, "sensor", tuple(Break("plant", one, "open") for one in every))
    for name in contacts:
        yield from _all(COLD_DAY, "sensor", [Break("plant", name, kind) for kind in _CONTACT_KINDS])
    movers = {output.target[0] for output in station.wiring.outputs if "valve_command" in output.output}
    for name in file.devices:
        group: Group = "valve" if name in movers else "device"
        yield from _all(COLD_DAY, group, [Break("device", name, kind) for kind in _DEVICE_KINDS])
        yield from _all(COLD_START, group, [Break("device", name, "dead")])
    written = dict.fromkeys(output.target[0] for output in station.wiring.outputs)
    # Whoever commands the relief valve empties the loop: that is told, and no heat can be asked for.
    wet = {o.target[0] for o in station.wiring.outputs if o.output.endswith(("relief_valve", "tank_inlet"))}
    for name in written:
        group = "valve" if name in movers else "water" if name in wet else "device"
        yield from _all(COLD_DAY, group, [Break("device", name, kind) for kind in _WRITTEN_KINDS])
    yield from _machines(file, plant)
    yield from _station(file)
    yield from _program(station)
    yield from _wiring(file, heat)
    yield from _pairs(file, plant)
    yield from hand_cells(station)
    yield from upset_cells(station, plant)


def _all(start: Start, group: Group, breaks: Sequence[Break] | Iterator[Break]) -> Iterator[Cell]:
    for one in breaks:
        yield Cell(start, group, (one,))


def _measured(station: Station, plant: Plant) -> tuple[list[str], list[str]]:
    """The plant's names of all sensors and contacts that the station reads."""
    wiring, parts = station.wiring, set(plant.fault_names())
    names = [sensor_of(channel, wiring.redundant) for channel in wiring.inputs]
    contacts, sensors = [], []
    for name in dict.fromkeys(names):
        if name not in parts:
            continue
        try:
            plant.fault(name, "frozen")
        except ValueError:
            contacts.append(name)
        else:
            sensors.append(name)
        plant.clear(name)
    return sensors, contacts


def _concerns_heat(name: str) -> bool:
    """Sensors from which the set-point and the valve's opening come."""
    role = name.split(".", 1)[1].removesuffix("_2").removesuffix("_3")
    return role in (
        "supply_temperature",
        "return_temperature",
        "outdoor_temperature",
        "primary_supply_temperature",
        "differential_pressure",
        "valve_position",
        "heat_power",
    )


def sensor_breaks(name: str, value: float) -> Iterator[Break]:
    """The ways in which a sensor lies; `value`: what it shows while it does not."""
    kelvin = "temperature" in name
    size = max(abs(value), 1.0)
    wrong = _PLAUSIBLE_K if kelvin else _PLAUSIBLE_SHARE * size
    drift = _DRIFT_K_PER_H if kelvin else _DRIFT_SHARE_PER_H * size
    for kind in ("open", "short", "frozen"):
        yield Break("plant", name, kind)
    for sign in (1.0, -1.0):
        yield Break("plant", name, "drift", round(sign * drift, 3))
        yield Break("plant", name, "offset", round(sign * wrong, 3))
    yield Break("plant", name, "spike", round(20.0 if kelvin else size, 3))
    yield Break("plant", name, "noise", round(2.0 if kelvin else 0.1 * size, 3))
    yield Break("plant", name, "offset", 400.0 if kelvin else round(30.0 * size, 1))
    for kind in ("nan", "stale"):
        yield Break("wire", name, kind)


def _machines(file: StationFile, plant: Plant) -> Iterator[Cell]:
    """Valves, pumps, solenoids, exchanger, strainers."""
    parts = set(plant.fault_names())
    for zone, circuit in file.circuits.items():
        if circuit.valve is not None:
            for start in (COLD_DAY, THAW, OVERSIZED, COLD_START):
                yield from _all(start, "valve", [Break("plant", f"{zone}.valve", k) for k in _VALVE_KINDS])
        pumps = len(circuit.circulation.pumps)
        for number in range(1, pumps + 1):
            breaks = [Break("plant", f"{zone}.pump_{number}", kind) for kind in _PUMP_KINDS]
            breaks.append(Break("plant", f"{zone}.pump_{number}", "local", 0.0))
            breaks.append(Break("plant", f"{zone}.pump_{number}", "stuck", _POTENTIOMETER))
            yield from _all(COLD_DAY, "pump", breaks)
        yield from _all(OVERSIZED, "pump", [Break("plant", f"{zone}.pump_1", "trip")])
        yield from _all(COLD_START, "pump", [Break("plant", f"{zone}.pump_1", "no_start")])
        if circuit.makeup is not None:
            for number in range(1, len(circuit.makeup.pumps) + 1):
                breaks = [Break("plant", f"{zone}.makeup_{number}", kind) for kind in _MAKEUP_KINDS]
                breaks.append(Break("plant", f"{zone}.makeup_{number}", "stuck", _POTENTIOMETER))
                yield from _all(COLD_DAY, "water", breaks)
        if circuit.primary_pump is not None:
            yield from _primary_pump(zone, leads=circuit.valve is None)
        solenoids = [name for name in (f"{zone}.relief_valve", "station.tank_inlet") if name in parts]
        for name in solenoids:
            yield from _all(COLD_DAY, "water", [Break("plant", name, kind) for kind in _CONTACT_KINDS])
        yield from _all(
            COLD_DAY,
            "station",
            [
                Break("plant", f"{zone}.strainer", "clogged"),
                Break("plant", f"{zone}.primary_strainer", "clogged"),
                *(Break("plant", name, "fouling") for name in [f"{zone}.exchanger"] if name in parts),
            ],
        )
        yield from _isolation_valves(zone, circuit)
        if circuit.makeup is None:
            continue  # what a zone under the network's pressure loses is the network's: nobody here sees it
        yield Cell(COLD_DAY, "water", (torn_off(plant, zone),))
        for start in (COLD_DAY, COLD_START):
            breaks = [Break("plant", zone, "leak", size) for size in (0.1, 0.5, 1.5)]
            yield from _all(start, "water", [*breaks, Break("plant", zone, "burst", 40.0)])
        yield from _all(COLD_DAY, "water", [Break("plant", zone, "leak_inside", 6.0)])


def _primary_pump(zone: str, *, leads: bool) -> Iterator[Cell]:
    """Of a circuit without a valve it is what can overheat."""
    pump = f"{zone}.booster"
    breaks = [Break("plant", pump, kind) for kind in _PUMP_KINDS if kind != "check_valve"]
    breaks += [Break("plant", pump, "local", end) for end in (0.0, 1.0)]
    breaks += [Break("plant", pump, "stuck", speed) for speed in (_POTENTIOMETER, 1.0)]
    yield from _all(COLD_DAY, "pump", breaks)
    if leads:
        yield from _all(OVERSIZED, "pump", [b for b in breaks if b.kind in ("stuck", "welded", "local")])
        yield from _all(THAW, "pump", breaks)
        yield from _all(COLD_START, "pump", [Break("plant", pump, "no_start")])


def _isolation_valves(zone: str, circuit: Circuit) -> Iterator[Cell]:
    """Of exchangers in parallel. On a cold day every one of them is wanted; in the thaw one is enough, so
    that none may cost heat. A hand that shuts one asks a valve to move that cannot."""
    if circuit.kind != "exchanger" or circuit.exchangers is None:
        return
    for number in range(1, len(circuit.exchangers.valves) + 1):
        exchanger = f"{zone}.exchanger_{number}"
        valve, shut = f"{exchanger}_valve", Break("hand", f"{exchanger}_open", "hand", 0.0)
        ends = [Break("plant", valve, "local", end) for end in (0.0, 100.0)]
        breaks = [*ends, Break("plant", valve, "stuck"), Break("plant", valve, "slow")]
        yield from _all(COLD_DAY, "valve", breaks)
        yield from _all(THAW, "device", breaks)
        contacts = [(f"{exchanger}_{end}", kind) for end in ("opened", "closed") for kind in _CONTACT_KINDS]
        yield from _all(THAW, "sensor", [Break("plant", name, kind) for name, kind in contacts])
        for kind in ("stuck", "slow"):
            yield Cell(THAW, "device", (Break("plant", valve, kind), shut))


def _station(file: StationFile) -> Iterator[Cell]:
    for start in (COLD_DAY, THAW, OVERSIZED):
        for kind in ("primary_outage", "power_failure", "no_city_water", "flood", "shortage", "interruption"):
            yield Cell(start, "station", (Break("plant", "station", kind),))
        for kind, value in (("temperature_step", -15.0), ("temperature_step", 15.0), ("pressure_step", 1.0)):
            yield Cell(start, "station", (Break("plant", "station", kind, value),))


def _program(station: Station) -> Iterator[Cell]:
    """Parts of our own program, the clock and the board."""
    parts = [f"circuit {holder.name}" for holder in station.circuits]
    parts += [f"rule {rule.code} {rule.subject}" for rule in station.table.rules if rule.act is not None]
    parts += [proof.point.name for proof in station.proofs]
    parts += [f"substitute_{number}" for number in range(1, len(station.substitutes))]
    parts += ["outdoor", "season", "equipment", *(["tank"] if station.tank is not None else [])]
    for part in parts:
        yield Cell(COLD_DAY, "program", (Break("program", part, "exception"),))
    for kind, value in (("epoch_1970", None), ("ahead", 86400.0), ("behind", -86400.0), ("untrusted", None)):
        # On a steady day a control that stands still would not be seen.
        for start in (COLD_DAY, COLD_START):
            yield Cell(start, "program", (Break("clock", "clock", kind, value),))
    for kind in ("restart", "restart_forgetful", "safe_mode"):
        for start in (COLD_DAY, THAW, COLD_START):
            yield Cell(start, "program", (Break("controller", "controller", kind),))


def _wiring(file: StationFile, heat: Sequence[str]) -> Iterator[Cell]:
    """Mistakes of the installer, found at start-up."""
    for zone, circuit in file.circuits.items():
        pairs = (
            (f"{zone}.supply_temperature", f"{zone}.return_temperature"),
            ("station.primary_supply_temperature", "station.primary_return_temperature"),
            (f"{zone}.supply_pressure", f"{zone}.return_pressure"),
            (f"{zone}.return_temperature", "station.outdoor_temperature"),
        )
        known = set(file.points)
        for one, other in pairs:
            if one in known and other in known:
                yield Cell(COLD_START, "wiring", (Break("swap", one, "swapped", other=other),))
        if circuit.valve is not None:
            yield Cell(COLD_START, "wiring", (Break("plant", f"{zone}.valve", "reversed"),))


def _pairs(file: StationFile, plant: Plant) -> Iterator[Cell]:
    """All pairs among the dozen most dangerous faults of the first circuit."""
    zone = next(iter(file.circuits))
    parts = set(plant.fault_names())
    candidates = [
        Break("plant", f"{zone}.pump_1", "trip"),
        Break("plant", f"{zone}.pump_2", "trip"),
        Break("plant", f"{zone}.supply_temperature", "offset", -5.0),
        Break("plant", f"{zone}.supply_temperature", "frozen"),
        Break("plant", "station.outdoor_temperature", "open"),
        Break("plant", f"{zone}.valve", "stuck"),
        Break("plant", f"{zone}.return_pressure", "open"),
        Break("plant", f"{zone}.differential_pressure", "short"),
        Break("plant", "station.heat_power", "frozen"),
        *([Break("plant", zone, "leak", 1.5)] if file.circuits[zone].makeup is not None else []),
        Break("plant", "station", "power_failure"),
        Break("plant", f"{zone}.thermostat", "stuck_on"),
    ]
    known = [one for one in candidates if one.on in parts][:_DANGEROUS]
    for first, second in combinations(known, 2):
        if first.on != second.on:
            yield Cell(COLD_DAY, "pair", (first, second))
