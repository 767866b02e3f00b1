"""What an alarm claims, held against what is true in the plant at the moment when it is raised.

`causes.py` says who may be accused; here stand the alarms that say what the station suffers. A row that
needs two signs must be fooled by no single one: its claim is excused only where `witnesses` of its signs are
broken.
Tolerances are the lag of a sensor in its pocket, and the way back to the row's own end: what was true
`_WAS_TRUE_S` ago may still be told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sim.campaign.cells import Bench, Cell
from sim.campaign.table import carriers
from sim.physics.pump import Pump
from sim.physics.tank import Tank

_K, _KPA, _M = 5.0, 15.0, 0.1
_FLOWS = 0.3
"""Share of the design flow that is no standstill."""
_WAS_TRUE_S = 15.0
"""Rows end after up to 10 s without their sign."""


def _never() -> bool:
    """What nothing in the plant can make true, only the loss of the signs."""
    return False


@dataclass(frozen=True, slots=True)
class Claim:
    """`code` about `subject` is true while `true()`. `signs`: what the station sees it by."""

    code: str
    subject: str
    true: Callable[[], bool]
    signs: tuple[str, ...] = ()
    witnesses: int = 1


class Claims:
    """`look` after every scan, `untrue` for an alarm that was raised in it."""

    def __init__(self, rig: Bench, cell: Cell) -> None:
        self._claims = {(claim.code, claim.subject): claim for claim in _claims(rig)}
        self._broken = {name for one in cell.breaks for name in (one.on, one.other)}
        self._carriers = carriers(rig)
        self._was_true = dict.fromkeys(self._claims, -math.inf)
        self._now = -math.inf

    def look(self, now: float) -> None:
        """Note what is true now, plant seconds."""
        self._now, was_true = now, self._was_true
        for name, claim in self._claims.items():
            if claim.true():
                was_true[name] = now

    def untrue(self, code: str, subject: str) -> bool:
        """It claims what is not so, though its signs could tell."""
        claim = self._claims.get((code, subject))
        if claim is None or claim.true() or self._now - self._was_true[code, subject] <= _WAS_TRUE_S:
            return False
        return not _blind(claim, self._broken, self._carriers)


def _blind(claim: Claim, broken: set[str], carried_by: Mapping[str, set[str]]) -> bool:
    """So many of its signs are broken, or come through what is broken, that nobody could know."""
    lost = [sign for sign in claim.signs if sign in broken or carried_by.get(sign, set()) & broken]
    return bool(claim.signs) and len(lost) >= claim.witnesses


def _claims(rig: Bench) -> Iterator[Claim]:
    plant, tank = rig.plant, rig.station.file.tank
    yield Claim("flood", "station.flood", lambda: plant.flooded, ("station.flood",))
    if tank is not None:
        signs, low, high = ("station.tank_level",), tank.low + _M, (tank.high or 9.0) - _M
        yield Claim("tank_low", "station.tank_level", lambda: plant.tank.level < low, signs)
        yield Claim("tank_high", "station.tank_level", lambda: plant.tank.level > high, signs)
        yield Claim("tank_overflow", "station.tank_inlet", lambda: plant.tank.overflow_flow > 0.0, signs)
        yield Claim("tank_rises", "station.tank_inlet", _Rises(plant.tank), signs)
    outdoor = "station.outdoor_temperature"
    yield Claim("outdoor_lost", outdoor, _never, (outdoor, "outdoor"))
    for name in rig.station.file.circuits:
        yield from _heat(rig, name)
        yield from _water(rig, name)
        yield from _machines(rig, name)


class _Rises:
    """More water stands in a tank than when it was last asked."""

    def __init__(self, tank: Tank) -> None:
        self._tank = tank
        self._last = tank.level

    def __call__(self) -> bool:
        before, self._last = self._last, self._tank.level
        return self._last > before


def _heat(rig: Bench, name: str) -> Iterator[Claim]:
    zone, hot = rig.plant.zones[name], rig.station.file.circuits[name].supply.alarm - _K
    supply = f"{name}.supply_temperature"
    further = len(rig.station.image.sensors(supply))
    sensors = (supply, *(f"{supply}_{number}" for number in range(2, further + 1)))
    two = (*sensors, f"{name}.thermostat")
    for code in ("thermostat", "over_temperature"):
        yield Claim(code, name, lambda: zone.supply > hot, two, witnesses=2)
    yield Claim("supply_high", name, lambda: zone.supply > hot, sensors)
    yield Claim("supply_lost", supply, _never, sensors, witnesses=len(sensors))
    back = (f"{name}.return_temperature", *sensors)
    yield Claim("frost", name, lambda: zone.header < 15.0 + _K, back)
    yield Claim("return_cool", name, lambda: zone.header < 30.0 + _K, back)


def _water(rig: Bench, name: str) -> Iterator[Claim]:
    plant, zone = rig.plant, rig.plant.zones[name]
    design, makeup = zone.parameters.secondary_flow_kg_per_s, rig.station.file.circuits[name].makeup
    yield Claim("power_failure", name, lambda: not plant.powered)
    pressures = (f"{name}.differential_pressure", f"{name}.supply_pressure", f"{name}.return_pressure")
    yield Claim("no_circulation", name, lambda: zone.flow < _FLOWS * design, pressures, witnesses=2)
    suction = (f"{name}.suction_switch", f"{name}.return_pressure")
    yield Claim("suction_low", name, lambda: zone.suction_pressure() < 80e3, suction, witnesses=2)
    if makeup is not None:
        high = (makeup.setpoint + makeup.high_alarm - _KPA) * 1e3
        yield Claim("over_pressure", name, lambda: zone.loop.pressure > high, pressures[1:])


def _machines(rig: Bench, name: str) -> Iterator[Claim]:
    zone = rig.plant.zones[name]
    local = (f"{name}.valve_local",)
    yield Claim("valve_local", f"{name}.valve_command", lambda: zone.valve.local, local)
    if zone.branch.booster is not None:
        yield from _drive(f"{name}.booster", zone.branch.booster)
    for kind, pumps in (("pump", zone.pumps), ("makeup", zone.holding.pumps)):
        for number, pump in enumerate(pumps, 1):
            yield from _drive(f"{name}.{kind}_{number}", pump)


def _drive(drive: str, pump: Pump) -> Iterator[Claim]:
    yield Claim("pump_local", drive, lambda: pump.local)
    yield Claim("pump_on_mains", drive, lambda: pump.bypass)
