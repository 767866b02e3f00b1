"""The invariants of the plant: judged on what is true there, scan by scan, with the margin to each.

Limits are those of the safety table and of what the region demands; each stands below with its source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sim.campaign.cells import Bench
from sim.campaign.table import demands
from sim.physics.zone import Zone

_MOVING = 0.05
"""Share of the design flow from which water counts as moving in the supply header."""
_HOT = ((5.0, 20.0), (15.0, 5.0))
"""Kelvins above the trip, and the seconds for which moving water may be so hot: a slug that a changing pump
pushes on is shorter, an actuator that closes takes its stroke only while it still has something to close."""
_SCANS = 2
"""So many may pass before a command is as the table says."""
_SUCTION_PA = 50e3
_SUCTION_S = 30.0
_DRY_S = 60.0
_RELIEF_MARGIN_KPA, _RELIEF_S = 50.0, 10.0
_NEVER_KPA, _OVER_RELIEF_KPA = 600.0, 100.0
"""FACTS §8; in a loop whose relief opens higher than that, so far above the relief."""
_TOP_KPA = 10.0
_GRAVITY = 9.79
"""kPa a metre of water at 50 °C."""
_FREEZING = 2.0


@dataclass(slots=True)
class Margin:
    """The worst of one invariant: what is left to its limit, below 0 when it was broken."""

    left: float = math.inf
    at: float = math.nan
    unit: str = ""

    def note(self, left: float, at: float) -> None:
        if left < self.left:
            self.left, self.at = left, at


class _Longest:
    """How long a condition has held without a break."""

    __slots__ = ("_longest", "_since", "allowed")

    def __init__(self, allowed: float) -> None:
        self.allowed = allowed
        self._since = math.nan
        self._longest = 0.0

    def left(self, holds: bool, now: float, dt: float, scans: int = 0) -> float:
        """Seconds left of what is allowed, and of so many scans: of those that it has seen, for a cell goes
        over from scans of 5 s to scans of 1 s, and what began in a long one could not be met sooner."""
        if not holds:
            self._since = math.nan
            return self.allowed + scans * dt
        if self._since != self._since:
            self._since, self._longest = now - dt, dt
        self._longest = max(self._longest, dt)
        return self.allowed + scans * self._longest - (now - self._since)


@dataclass(slots=True)
class _ZoneLimits:
    zone: Zone
    trip: float
    relief_kpa: float
    never_kpa: float
    top_m: float
    alone: bool = True
    """Holds its own pressure. Where the network holds it, nobody here can where that has none."""
    hot: tuple[tuple[float, _Longest], ...] = ()
    suction: _Longest = field(default_factory=lambda: _Longest(_SUCTION_S))
    dry: _Longest = field(default_factory=lambda: _Longest(_DRY_S))
    over: _Longest = field(default_factory=lambda: _Longest(_RELIEF_S))


class Judge:
    """Watches a rig. `margins` by invariant."""

    def __init__(self, rig: Bench) -> None:
        self.margins: dict[str, Margin] = {
            "hot water": Margin(unit="s"),
            "very hot water": Margin(unit="s"),
            "suction": Margin(unit="s"),
            "dry makeup": Margin(unit="s"),
            "relief": Margin(unit="s"),
            "burst": Margin(unit="kPa"),
            "highest radiator": Margin(unit="kPa"),
            "freezing": Margin(unit="K"),
        }
        self.demands = {demand.name: demand for demand in demands(rig)}
        self._demands = [(demand, _Longest(demand.after_s)) for demand in self.demands.values()]
        self.margins |= {demand.name: Margin(unit="s") for demand, _ in self._demands}
        self._zones = []
        self._plant = rig.plant
        for name, circuit in rig.station.file.circuits.items():
            makeup = circuit.makeup
            relief = makeup.relief.open if makeup is not None and makeup.relief is not None else math.inf
            self._zones.append(
                _ZoneLimits(
                    rig.plant.zones[name],
                    circuit.supply.trip,
                    relief,
                    max(_NEVER_KPA, relief + _OVER_RELIEF_KPA) if relief < math.inf else _NEVER_KPA,
                    rig.plant.zones[name].parameters.highest_building_m,
                    makeup is not None,
                    tuple((kelvin, _Longest(seconds)) for kelvin, seconds in _HOT),
                )
            )

    def step(self, now: float, dt: float) -> None:
        """After every scan."""
        note = self.margins
        for demand, lasting in self._demands:
            note[demand.name].note(lasting.left(demand.broken(), now, dt, _SCANS), now)
        for one in self._zones:
            zone = one.zone
            moving = zone.flow > _MOVING * zone.parameters.secondary_flow_kg_per_s
            for name, (kelvin, longest) in zip(("hot water", "very hot water"), one.hot, strict=True):
                hot = moving and zone.supply > one.trip + kelvin
                note[name].note(longest.left(hot, now, dt), now)
            turning = any(pump.speed > 0.0 for pump in zone.pumps)
            starved = turning and zone.suction_pressure() < _SUCTION_PA
            note["suction"].note(one.suction.left(starved, now, dt), now)
            dry = any(pump.speed > 0.0 and (pump.dry or pump.air_lock) for pump in zone.holding.pumps)
            note["dry makeup"].note(one.dry.left(dry, now, dt), now)
            pressure = zone.loop.pressure * 1e-3
            over = pressure > one.relief_kpa + _RELIEF_MARGIN_KPA
            note["relief"].note(one.over.left(over, now, dt), now)
            note["burst"].note(one.never_kpa - pressure, now)
            needed = _GRAVITY * one.top_m + _TOP_KPA
            if one.alone or self._plant.primary.return_pressure_now() * 1e-3 >= needed:
                note["highest radiator"].note(pressure - needed, now)
            coldest = min(zone.header, zone.source_temperature())
            for branch in zone.branches:
                if branch.riser is not None:
                    coldest = min(coldest, branch.riser.temperature)
            note["freezing"].note(coldest - _FREEZING, now)
