"""All watchers of a station: built where their points are there, stepped in turn, told by rows without
action.

The primary flow is measured once a station, so valve, exchanger and heat balances are watched where one
circuit takes all of it; the secondary side of every circuit always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from controller.control.blocks.loop.characteristic import Characteristic
from controller.equipment.balances import (
    Crossing,
    PairDrift,
    PrimaryBalance,
    PrimaryCrossing,
    SecondaryBalance,
)
from controller.equipment.counter import CounterStuck
from controller.equipment.exchanger import ExchangerFouling
from controller.equipment.frozen import FrozenSensors, MeterStuck
from controller.equipment.loop import LoopFlow, PumpHead
from controller.equipment.makeup import SuddenLeak
from controller.equipment.valve import ValveFlow
from controller.equipment.valve_motion import ValveMotion, ValveShut
from controller.equipment.watcher import PERIOD_S, Watcher
from controller.points import Image, Output, Point, Term
from controller.safety.rules import Rule

_PRIMARY = ("primary_supply_temperature", "primary_return_temperature", "primary_flow", "heat_power")
_PRESSURES = ("return_pressure", "differential_pressure", "supply_pressure")
_STILL = ("room_temperature", "makeup_pressure")
"""What may stand still for hours: read in coarse steps, or behind a closed check valve; a level as well."""


@dataclass(frozen=True, slots=True)
class WatchedCircuit:
    """What the watchers must know of a circuit; `shape`: of the valve itself, authority 1."""

    name: str
    valve: Output
    shape: Characteristic
    stroke_time: float
    pumps: int


class Equipment:
    """The watchers by name (`low.fouling` …). `step` every scan; each watcher looks every 10 s."""

    def __init__(self, image: Image, circuits: Sequence[WatchedCircuit], pairs: Sequence[str]) -> None:
        self.watchers: dict[str, Watcher] = {}
        self._image = image
        measured = [p for p in image.points.values() if p.role == "measured" and p.name not in pairs]
        moving = [p for p in measured if _should_move(p)]
        quiet = [p for p in measured if _may_stand(p)]
        pumps = [
            point
            for circuit in circuits
            for number in range(1, circuit.pumps + 1)
            if (point := image.points.get(f"{circuit.name}.pump_{number}_running")) is not None
        ]
        self.still = FrozenSensors(moving, pumps, quiet)
        self.watchers["station.frozen"] = self.still
        for name in pairs:
            if image[name].quantity == "temperature":
                self.watchers[f"{name}.pair"] = PairDrift(image, name)
        if self._has("station.heat_energy", "station.heat_power"):
            self.watchers["station.heat_energy_stuck"] = CounterStuck(image)
        valves = {circuit.name: circuit.valve for circuit in circuits}
        for meter in ("station.primary_flow", "station.heat_power"):
            if self._has(meter, "station.primary_supply_temperature"):
                self.watchers[f"{meter}_stuck"] = MeterStuck(image, meter, valves)
        if self._has(*(f"station.{role}" for role in _PRIMARY)):
            self.watchers["station.primary_balance"] = PrimaryBalance(image)
        for circuit in circuits:
            if len(circuits) == 1:
                self._add_primary(circuit)
            self._add_secondary(circuit)
        self._trust()
        self._order = list(self.watchers.values())
        self._due: list[float] = []
        self._turn = 0
        self._may_learn = False
        self._broken: dict[int, str] = {}

    def _has(self, *names: str) -> bool:
        return all(name in self._image.points for name in names)

    def _add_primary(self, circuit: WatchedCircuit) -> None:
        """What needs the primary flow of this circuit alone."""
        image, name, add = self._image, circuit.name, self.watchers
        temperatures = (f"{name}.supply_temperature", f"{name}.return_temperature")
        if self._has(*temperatures, "station.heat_power", *(f"{name}.{role}" for role in _PRESSURES)):
            add[f"{name}.secondary_balance"] = SecondaryBalance(image, name)
        if self._has(*temperatures, *(f"station.{role}" for role in _PRIMARY[:3])):
            add[f"{name}.crossing"] = Crossing(image, name)
            add["station.primary_crossing"] = PrimaryCrossing(image, name)
            add[f"{name}.fouling"] = ExchangerFouling(image, name)
        pressures = ("station.primary_supply_pressure", "station.primary_return_pressure")
        if self._has(*pressures, "station.primary_flow"):
            valve = ValveFlow(image, name, circuit.valve, circuit.shape)
            plates = add.get(f"{name}.fouling")
            if isinstance(plates, ExchangerFouling):
                valve.exchanger, plates.passing = plates, valve.flow
            add[f"{name}.valve_flow"] = valve

    def _add_secondary(self, circuit: WatchedCircuit) -> None:
        """What a circuit's own sensors tell."""
        image, name, add = self._image, circuit.name, self.watchers
        if self._has(f"{name}.valve_position"):
            add[f"{name}.valve_motion"] = ValveMotion(image, name, circuit.valve, circuit.stroke_time)
        elif self._has(f"{name}.valve_estimate", f"{name}.return_temperature"):
            add[f"{name}.valve_shut"] = ValveShut(image, name, circuit.valve, circuit.stroke_time)
        if self._has(*(f"{name}.{role}" for role in _PRESSURES)):
            add[f"{name}.loop"] = LoopFlow(image, name)
            for number in range(1, circuit.pumps + 1):
                if self._has(f"{name}.pump_{number}_frequency"):
                    add[f"{name}.pump_{number}"] = PumpHead(image, name, number, circuit.pumps)
        if self._has(f"{name}.makeup_flow"):
            add[f"{name}.leak"] = SuddenLeak(image, name)

    def _trust(self) -> None:
        """Sensors first: who judges by them waits while they are doubted."""
        kinds = self.watchers.values()
        still = [w for w in kinds if isinstance(w, MeterStuck | FrozenSensors)]
        sensors = [*still, *(w for w in kinds if isinstance(w, PairDrift | Crossing))]
        balances = [w for w in kinds if isinstance(w, PrimaryBalance | SecondaryBalance)]
        for watcher in kinds:
            if isinstance(watcher, PrimaryBalance | SecondaryBalance):
                watcher.trusts = tuple(sensors)
            elif isinstance(watcher, CounterStuck):
                watcher.trusts = tuple(w for w in still if isinstance(w, MeterStuck))
            elif isinstance(watcher, ExchangerFouling | ValveFlow | LoopFlow | PumpHead):
                watcher.trusts = (*sensors, *balances)

    def step(self, now: float) -> None:
        """One scan: the watchers whose 10 s are over, in turn and spread over these 10 s."""
        order, due = self._order, self._due
        if not due:
            self._due = [now + PERIOD_S * index / len(order) for index in range(len(order))]
            return
        for _ in order:
            turn = self._turn
            if now < due[turn]:
                return
            if turn == 0:
                self._may_learn = not any(watcher.suspect for watcher in order)
            due[turn] = now + PERIOD_S
            try:
                order[turn].step(now, self._may_learn)
            except Exception as problem:  # noqa: BLE001  # advice must never stop the control
                names = list(self.watchers)
                self._broken[turn] = f"{type(problem).__name__} {names[turn]}"
            else:
                self._broken.pop(turn, None)
            self._turn = (turn + 1) % len(order)

    def rules(self) -> Iterator[Rule]:
        """Rows that tell what was found, and that a watcher itself has failed."""
        for watcher in self._order:
            yield from watcher.rules()
        yield Rule(
            "watch_broken",
            "station",
            lambda: bool(self._broken),
            clear_s=3600.0,
            priority="warning",
            shows=lambda: (("place", next(iter(self._broken.values()), ""), "text"),),
        )

    def explain(self, point: Point) -> Term | None:
        """What a watcher's own point rests on, None for other points."""
        return next((w.explain() for w in self._order if point in w.points), None)

    def state(self) -> dict[str, Any]:
        """What must survive a restart, as plain JSON values."""
        return {name: state for name, watcher in self.watchers.items() if (state := watcher.state())}

    def restore(self, state: object) -> None:
        """Take over a remembered state; what is missing or odd is left out."""
        if isinstance(state, dict):
            for name, watcher in self.watchers.items():
                if isinstance(state.get(name), dict):
                    watcher.restore(state[name])


def _should_move(point: Point) -> bool:
    """Temperatures and pressures whose last digit noise should move."""
    return point.quantity in ("temperature", "pressure") and not any(part in point.name for part in _STILL)


def _may_stand(point: Point) -> bool:
    """Sensors whose last digit may rest; some do not, and that can be learned."""
    return point.name.endswith("tank_level") or any(part in point.name for part in _STILL)
