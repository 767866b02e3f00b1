"""Runs a station scan by scan and keeps what a cell is judged by: samples, a picture, what was not true."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import NamedTuple

from controller.points import Point
from sim.campaign.causes import ASKED_PERCENT
from sim.campaign.cells import Bench, Cell
from sim.campaign.claims import Claims
from sim.campaign.judge import Judge
from sim.physics.exchanger_zone import ExchangerZone
from sim.physics.valve import Valve
from sim.physics.zone import Zone

SAMPLE_S = 300.0
NEAR_S = 600.0
"""So long the picture has every scan."""
SHUT_PERCENT, SEEN_OPEN, BLIND_S = 0.5, 0.2, 1800.0
"""A valve without feedback: told to be shut, a fifth open, and so long."""
COLD_K = 5.0


class Shown(NamedTuple):
    """What a picture has of a circuit: seconds since the break, °C, %, kPa."""

    time: float
    supply: float
    back: float
    position: float
    pressure: float
    coldest: float


class Commanded(NamedTuple):
    """What its outputs are told: valve in %, how many pumps and makeup pumps run, relief."""

    valve: float
    pumps: int
    makeups: int
    relief: float


@dataclass(slots=True)
class Trace:
    """Every five minutes since the break: heat of all circuits in J, air of every building in °C, and a
    picture's worth of the first circuit; the same with its commands, every scan, of the first ten minutes."""

    heat: list[float] = field(default_factory=list)
    air: list[list[float]] = field(default_factory=list)
    unwell: list[set[tuple[str, str]]] = field(default_factory=list)
    """The alarms that stand, (code, subject), at the same moments."""
    shown: list[Shown] = field(default_factory=list)
    near: list[tuple[Shown, Commanded]] = field(default_factory=list)


class Watch:
    """Runs a rig and samples it."""

    def __init__(
        self,
        rig: Bench,
        judge: Judge | None = None,
        claims: Claims | None = None,
        cell: Cell | None = None,
    ) -> None:
        self.rig = rig
        self.trace = Trace()
        self.untrue: dict[tuple[str, str], float] = {}
        """Alarms that claimed what was not so, (code, subject), and after how many seconds."""
        self._judge, self._claims = judge, claims
        self._heard = len(rig.events)
        self._next = rig.plant.time
        self.begin = rig.plant.time
        self.asked_at = math.inf
        """Seconds until something was asked for that is not done."""
        self._asked = _asked(rig, cell)

    def run(self, seconds: float, dt: float) -> None:
        """Let `seconds` pass in scans of `dt`."""
        rig, judge = self.rig, self._judge
        rig.dt = dt
        for _ in range(round(seconds / dt)):
            rig.step()
            now = rig.plant.time
            if self.asked_at == math.inf:
                self._ask(now)
            if judge is not None:
                judge.step(now, dt)
            if self._claims is not None:
                self._claims.look(now)
            if len(rig.events) != self._heard:
                self._hear(now)
            if now - self.begin <= NEAR_S:
                self.trace.near.append((self._shown(), self._commanded()))
            if now >= self._next:
                self._next += SAMPLE_S
                self._sample()

    def _hear(self, now: float) -> None:
        for event in self.rig.events[self._heard :]:
            # What hides behind its cause is seen by people all the same.
            if event.kind in ("alarm", "hidden") and self._claims is not None:
                name = event.code, event.subject
                if self._claims.untrue(*name):
                    self.untrue.setdefault(name, now - self.begin)
        self._heard = len(self.rig.events)

    def _ask(self, now: float) -> None:
        asked = min((one.asked_at(now) for one in self._asked), default=math.inf)
        self.asked_at = asked - self.begin

    def _sample(self) -> None:
        zones = list(self.rig.plant.zones.values())
        self.trace.heat.append(sum(zone.heat_from_primary for zone in zones))
        self.trace.air.append([branch.building.air for zone in zones for branch in zone.branches])
        self.trace.unwell.append(set(self.rig.alarms()))
        self.trace.shown.append(self._shown())

    def _shown(self) -> Shown:
        zone = next(iter(self.rig.plant.zones.values()))
        return Shown(
            self.rig.plant.time - self.begin,
            zone.supply,
            zone.header,
            100.0 * zone.valve.position,
            zone.loop.pressure * 1e-3,
            min(branch.building.air for branch in zone.branches),
        )

    def _commanded(self) -> Commanded:
        name, outputs = next(iter(self.rig.plant.zones)), self.rig.station.image.outputs

        def running(kind: str) -> int:
            runs = (
                o for key, o in outputs.items() if key.startswith(f"{name}.{kind}") and key[-4:] == "_run"
            )
            return sum(output.value >= 0.5 for output in runs)

        valve = outputs.get(f"{name}.valve_command") or outputs[f"{name}.primary_command"]
        relief = outputs.get(f"{name}.relief_valve")
        return Commanded(
            valve.value, running("pump_"), running("makeup_"), 0.0 if relief is None else relief.value
        )


class _Asked(ABC):
    """What is asked for and may not be done at once."""

    def __init__(self, on_its_way_s: float = 0.0) -> None:
        self.on_its_way_s = on_its_way_s
        self._since = math.inf

    def asked_at(self, now: float) -> float:
        """Since when it is not done, s; infinite while it is, or may be on its way."""
        self._since = min(self._since, now) if self.differs() else math.inf
        return self._since if now - self._since >= self.on_its_way_s else math.inf

    @abstractmethod
    def differs(self) -> bool:
        """It is not as it should be."""


class _Valve(_Asked):
    """A valve and what it is told; `whole` makes per cent of the command."""

    def __init__(self, command: Point, valve: Valve, whole: float = 1.0, on_its_way_s: float = 0.0) -> None:
        super().__init__(on_its_way_s)
        self.command, self.whole, self.valve = command, whole, valve

    def differs(self) -> bool:
        return abs(self.command.value * self.whole - 100.0 * self.valve.position) > ASKED_PERCENT


class _BlindValve(_Valve):
    """One that says not where it stands: only a shut one that heats can be seen, later."""

    def __init__(self, command: Point, valve: Valve) -> None:
        super().__init__(command, valve, on_its_way_s=BLIND_S)

    def asked_at(self, now: float) -> float:
        return super().asked_at(now) + self.on_its_way_s

    def differs(self) -> bool:
        return self.command.value <= SHUT_PERCENT and self.valve.position > SEEN_OPEN


class _Supply(_Asked):
    """No heat comes: nobody can tell before the supply is colder than it should be."""

    def __init__(self, setpoint: Point, zone: Zone) -> None:
        super().__init__()
        self.setpoint, self.zone = setpoint, zone

    def differs(self) -> bool:
        return self.setpoint.usable and self.zone.supply < self.setpoint.value - COLD_K


def _asked(rig: Bench, cell: Cell | None) -> list[_Asked]:
    """The isolation valves that break, else all others. A sound isolation valve differs while it is on its
    way; a control valve is led, and does not."""
    image, found, zones = rig.station.image, list[_Asked](), rig.plant.zones
    breaks = cell.breaks if cell is not None else ()
    if any(one.kind == "primary_outage" for one in breaks):
        return [_Supply(image[f"{name}.supply_setpoint"], zone) for name, zone in zones.items()]
    broken = {one.on for one in breaks}
    stroke_s = max(zone.parameters.exchanger_isolation_stroke_s for zone in zones.values())
    for name, zone in zones.items():
        for number, valve in enumerate(_isolation_valves(zone), 1):
            if f"{name}.exchanger_{number}_valve" in broken:
                found.append(_Valve(image[f"{name}.exchanger_{number}_open"], valve, 100.0, stroke_s))
    if found:
        return found
    for name, zone in zones.items():
        command = image.points.get(f"{name}.valve_command")
        if command is None:
            continue
        blind = f"{name}.valve_estimate" in image.points and f"{name}.valve_position" not in image.points
        found.append(_BlindValve(command, zone.valve) if blind else _Valve(command, zone.valve))
    return found


def _isolation_valves(zone: Zone) -> list[Valve]:
    bank = zone.bank if isinstance(zone, ExchangerZone) else None
    return [] if bank is None else bank.valves
