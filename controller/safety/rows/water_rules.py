"""Rows 4 and 5 of the safety table: over-pressure, suction, makeup that sucks air, tank."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from controller.control.blocks.season.season import SeasonPlan
from controller.points import Image, Output, Point, reading
from controller.safety.rows.dry_makeup import DryMakeup
from controller.safety.rows.parts import Clock, above, at_most, below, on, shown
from controller.safety.rows.protected import Protected
from controller.safety.rules import Rule

FULL_S = 10.0
OVERFULL_M = 0.05
"""Over the level at which filling ends: a hand that holds the inlet open gets no further."""
CLEAR_KPA = 10.0
SUCTION_KPA = 50.0
SUCTION_CONTRADICTED_KPA = 80.0
CONTRADICTED_S = 600.0
"""A contact at its edge comes and goes: one alarm is enough."""
PRESSURES_DIFFER_KPA = 80.0
"""More than an exchanger's drop: the transmitters contradict each other."""
LINGERS_S = 300.0
"""Pressure over its alarm for so long is no passing swell: a loop that warms for hours would lie under the
relief valve's own pressure, and people would have an alarm that nobody can end (own judgement)."""


class Relieve:
    """Over-pressure: makeup stops. Relief opens at its own pressure, and where the pressure has lingered over
    its alarm; then down to where relief closes. It stays shut where the other transmitters deny the pressure:
    one that lies would empty the loop."""

    def __init__(
        self, circuit: Protected, pressure: Point | None, denied: Callable[[], bool], clock: Clock
    ) -> None:
        self.circuit, self.pressure, self.denied, self.clock = circuit, pressure, denied, clock
        self._since = math.inf
        self._relieves = False

    def begin(self) -> None:
        """The pressure is over its alarm."""
        self._since, self._relieves = self.clock(), False

    def __call__(self, code: str) -> None:
        """Close the band of the makeup from above, that of the relief from below."""
        circuit, pressure = self.circuit, self.pressure
        at_most(circuit.makeup_runs, 0.0)(code)
        if circuit.relief is None or pressure is None:
            return
        if self.denied():
            self._relieves = False
            circuit.relief.limit.at_most(0.0, code)
            return
        if above(pressure, circuit.relief_open) or self.clock() - self._since >= LINGERS_S:
            self._relieves = True
        if self._relieves and above(pressure, circuit.relief_close):
            circuit.relief.limit.at_least(1.0, code)

    def over(self, high: float) -> bool:
        """The pressure is back: below its alarm, and where it was relieved, below where relief closes."""
        relieving = self._relieves and above(self.pressure, self.circuit.relief_close)
        return not relieving and not above(self.pressure, high - CLEAR_KPA)


def pressure_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """4 and 5: over-pressure, suction."""
    supply, added = (
        image.points.get(f"{circuit.name}.{role}") for role in ("supply_pressure", "differential_pressure")
    )

    def other_pressure() -> float:
        """Return pressure by the other two transmitters, up to the exchanger's drop too low; NaN: blind."""
        return reading(supply) - reading(added)

    yield from _over_pressure(circuit, image, other_pressure)
    yield from _suction(circuit, image, other_pressure)


def _over_pressure(circuit: Protected, image: Image, other_pressure: Callable[[], float]) -> Iterator[Rule]:
    name = circuit.name
    pressure = image.points.get(f"{name}.return_pressure")
    makeup = image.points.get(f"{name}.makeup_pressure")

    def high() -> float:
        return circuit.pressure_set() + circuit.pressure_high

    def denied() -> bool:
        """By supply and differential pressure, unless the makeup pressure confirms it: two against one."""
        least = reading(pressure) - PRESSURES_DIFFER_KPA
        return other_pressure() < least and not reading(makeup) >= least

    flow = image[f"{name}.circulation"]
    relieve = Relieve(circuit, pressure, denied, lambda: flow.time)
    yield Rule(
        "over_pressure",
        name,
        lambda: above(pressure, high()),
        after_s=5.0,
        act=relieve,
        begin=relieve.begin,
        until=lambda: relieve.over(high()),
        priority="high",
        shows=shown("pressure", pressure, "pressure"),
    )


def _suction(circuit: Protected, image: Image, other_pressure: Callable[[], float]) -> Iterator[Rule]:
    name = circuit.name
    pressure, contact = (image.points.get(f"{name}.{role}") for role in ("return_pressure", "suction_switch"))
    switch, shows = on(contact), shown("pressure", pressure, "pressure")

    def sucks_dry() -> bool:
        """The contact, and a transmitter that agrees or cannot say."""
        return switch() and not above(pressure, SUCTION_CONTRADICTED_KPA)

    def reads_dry() -> bool:
        """Where there is no contact: the transmitter, and no other that denies it."""
        if contact is not None:
            return False
        return below(pressure, SUCTION_KPA) and not other_pressure() >= SUCTION_CONTRADICTED_KPA

    yield Rule(
        "suction_low",
        name,
        lambda: sucks_dry() or reads_dry(),
        after_s=5.0,
        act=at_most(circuit.pump_runs, 0.0),
        until=lambda: not sucks_dry() and not below(pressure, SUCTION_CONTRADICTED_KPA),
        clear_s=10.0,
        priority="urgent",
        tells=circuit.filled,
        shows=shows,
    )
    yield Rule(
        "suction_contradicted",
        name,
        lambda: switch() and not sucks_dry(),
        after_s=5.0,
        clear_s=CONTRADICTED_S,
        priority="high",
        shows=shows,
    )


def makeup_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """5: a makeup pump that sucks air rests, whatever the tank level says."""
    if not circuit.makeup_runs:
        return
    flow = image[f"{circuit.name}.circulation"]
    dry = DryMakeup(
        image,
        circuit.name,
        circuit.makeup_runs,
        circuit.makeup_speeds,
        circuit.pressure_held,
        circuit.pressure_set,
        lambda: flow.time,
    )
    yield Rule(
        "makeup_dry",
        circuit.name,
        dry,
        act=at_most(circuit.makeup_runs, 0.0),
        begin=dry.begin,
        until=dry.rested,
        priority="high",
        shows=shown("level", image.points.get("station.tank_level"), "length"),
    )


def tank_rules(
    image: Image,
    makeup_runs: Sequence[Output],
    tank_low: float,
    tank_high: float,
    tank_full: float,
    plan: Callable[[], SeasonPlan],
) -> Iterator[Rule]:
    """The tank that all circuits share. Levels in m, `tank_full`: where filling ends; NaN for a station
    without a tank."""
    level = image.points.get("station.tank_level")
    inlet = image.outputs.get("station.tank_inlet")
    # A level that has let the tank run over shows too little: as where it is lost, makeup goes on.
    overflows = on(image.points.get("station.tank_overflows"))
    shows = shown("level", level, "length")
    yield Rule(
        "tank_low",
        "station.tank_level",
        lambda: below(level, tank_low) and not overflows(),
        after_s=3.0,
        act=at_most(makeup_runs, 0.0),
        until=lambda: not below(level, tank_low + 0.1) or overflows(),
        priority="high",
        tells=lambda: plan().makeup,
        shows=shows,
    )
    yield Rule(
        "tank_high",
        "station.tank_level",
        lambda: above(level, tank_high),
        after_s=30.0,
        priority="warning",
        shows=shows,
    )
    if inlet is not None:
        yield from _inlet_rules(image, inlet, level, tank_full)


def _inlet_rules(image: Image, inlet: Output, level: Point | None, tank_full: float) -> Iterator[Rule]:
    """A full tank, or one that has run over, closes the inlet, whoever holds it open; what rises all the same
    is told."""
    find = image.points.get
    shows = shown("level", level, "length")
    yield Rule(
        "tank_full",
        "station.tank_inlet",
        lambda: above(level, tank_full + OVERFULL_M),
        after_s=FULL_S,
        act=at_most([inlet], 0.0),
        until=lambda: not above(level, tank_full),
    )
    yield Rule(
        "tank_overflow",
        "station.tank_inlet",
        on(find("station.tank_overflows")),
        act=at_most([inlet], 0.0),
        priority="high",
        shows=shows,
    )
    yield Rule(
        "tank_rises",
        "station.tank_inlet",
        on(find("station.tank_rises")),
        priority="high",
        shows=shows,
    )
