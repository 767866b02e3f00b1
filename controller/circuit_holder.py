"""Runs one circuit, and catches what it throws: a broken circuit must stop neither the others nor its own
heat."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable
from functools import partial

from controller.alarms import AlarmBook
from controller.control.blocks.loop.characteristic import Characteristic
from controller.control.blocks.season.season import ALWAYS_HEATING, SeasonPlan
from controller.control.blocks.water.exchanger_settings import is_out
from controller.control.blocks.water.makeup_reckoned import MOST_PERCENT, USUAL_VOLUME
from controller.control.blocks.water.pressure_holding import MakeupSettings
from controller.control.circuits.exchanger import ExchangerCircuit, ExchangerSettings
from controller.control.circuits.heating import HeatingCircuit
from controller.control.circuits.least import LeastControl
from controller.control.circuits.mixing import MixingCircuit, MixingSettings
from controller.control.tick import Tick
from controller.equipment.equipment import WatchedCircuit
from controller.points import Image, Output
from controller.safety.rows.protected import Protected

REBUILD_S = 10.0
LONGEST_REBUILD_S = 3600.0
SETTLED_S = 600.0
"""A circuit that ran so long after its rebuilding starts again with the short pause."""


def make_circuit(
    name: str, settings: ExchangerSettings | MixingSettings, image: Image, alone: bool, station: str
) -> HeatingCircuit:
    """The circuit that these settings describe; `alone`: the station has no other; `station`: its name."""
    if isinstance(settings, MixingSettings):
        return MixingCircuit(name, settings, image, alone=alone, station=station)
    return ExchangerCircuit(name, settings, image, alone=alone, station=station)


class CircuitHolder:
    """Runs a circuit and catches what it throws: the least that heats takes its outputs in the same scan
    (their fail-safe, should that throw, too), an alarm names the place, and the circuit is rebuilt from its
    state after 10 s, doubling; without its state when it breaks again at once.

    `only_least`: safe mode. The circuit is there for its outputs and relays and is never run."""

    def __init__(
        self,
        name: str,
        make: Callable[[], HeatingCircuit],
        alarms: AlarmBook,
        image: Image,
        *,
        only_least: bool = False,
    ) -> None:
        self.name = name
        self.only_least = only_least
        self._make = make
        self._alarms = alarms
        self._image = image
        self.circuit = make()
        self.plan: SeasonPlan = ALWAYS_HEATING
        self.broken = False
        self.least: LeastControl | None = None
        """Has the outputs while the circuit is broken."""
        self._retry_at = math.inf
        self._pause = REBUILD_S
        self._rebuilt_at = -math.inf
        self._state = self.circuit.state()
        self._forget = False
        self._place = ""

    def step(self, tick: Tick, plan: SeasonPlan) -> None:
        """One scan of control within what the season allows."""
        self.plan = plan
        if self.only_least:
            self._do_the_least(tick)
            return
        if self.broken and tick.now >= self._retry_at:
            self._rebuild(tick)
        if not self.broken:
            self._guard(lambda now: self.circuit.step(now, plan), tick)
        if self.broken:
            self._do_the_least(tick)
        if not self.broken and tick.now - self._rebuilt_at >= SETTLED_S:
            self._pause = REBUILD_S
        self._alarms.report(
            "circuit_broken", self.name, self.broken, "urgent", (("place", self._place, "text"),)
        )

    def _do_the_least(self, tick: Tick) -> None:
        try:
            if self.least is None:
                self.least = LeastControl(self.circuit, tick.now, alone=self.only_least)
            self.least.step(tick, self.plan)
        except Exception:  # noqa: BLE001  # then the outputs take their fail-safe
            self.least = None

    @property
    def abandoned(self) -> bool:
        """Nobody demands anything of the outputs."""
        return not self.works and self.least is None

    @property
    def works(self) -> bool:
        """The circuit's own control is in charge."""
        return not (self.broken or self.only_least)

    def applied(self, tick: Tick) -> None:
        """Hand back what was put out, and remember a state that worked."""
        if not self.works:
            return
        self._guard(self._take_back, tick)

    def _take_back(self, tick: Tick) -> None:
        self.circuit.applied(tick)
        self._state = self.circuit.state()
        self.least = None

    def actuate(self, tick: Tick) -> None:
        """Relays and primary pump go for what the output stage has left, also of a broken circuit."""
        try:
            self.circuit.actuate(tick)
        except Exception:  # noqa: BLE001  # relays without a demand fall off
            for element in self.circuit.elements:
                for output in element.outputs:
                    output.demand = math.nan

    def _guard(self, call: Callable[[Tick], None], tick: Tick) -> None:
        try:
            call(tick)
        except Exception as problem:  # noqa: BLE001  # whatever a circuit throws must not stop the others
            frame = traceback.extract_tb(problem.__traceback__)[-1]
            self._place = f"{type(problem).__name__} {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
            self.broken = True
            self._forget = tick.now - self._rebuilt_at < SETTLED_S
            self._retry_at = tick.now + self._pause
            self._pause = min(2 * self._pause, LONGEST_REBUILD_S)

    def _rebuild(self, tick: Tick) -> None:
        self._image.rebuilding = True
        try:
            self.circuit = self._make()
            if not self._forget:
                self.circuit.restore(self._state)
            self._rebuilt_at = tick.now
            self.broken = False
        except Exception:  # noqa: BLE001  # tried again later
            self._retry_at = tick.now + self._pause
        finally:
            self._image.rebuilding = False


def watched(holder: CircuitHolder) -> WatchedCircuit:
    """What the watch over the equipment looks at."""
    circuit = holder.circuit
    valve = circuit.settings.actuator
    shape = Characteristic(valve.characteristic, valve.rangeability, 1.0)
    pumps = len(circuit.circulation.pumps)
    return WatchedCircuit(circuit.name, circuit.valve, shape, valve.stroke_time, pumps)


def protected(holder: CircuitHolder) -> Protected:
    """What the safety table looks at and closes; by the holder where a rebuilt circuit has new parts."""
    circuit = holder.circuit
    settings = circuit.settings
    makeup = settings.makeup
    pumps = circuit.circulation.pumps
    makeups = circuit.pressure_holding.pumps if circuit.pressure_holding is not None else []
    primary = [circuit.primary_pump.drive] if circuit.primary_pump is not None else []
    return Protected(
        name=circuit.name,
        plan=lambda: holder.plan,
        valve=circuit.valve,
        keep_warm=circuit.control.valve.keep_warm,
        stroke_time=circuit.control.valve.stroke_time,
        pump_runs=[pump.run for pump in pumps],
        pump_speeds=[pump.speed for pump in pumps],
        highest_speed=settings.circulation.speed[1],
        duty=lambda: holder.circuit.circulation.duty,
        makeup_runs=[pump.run for pump in makeups],
        makeup_speeds=[pump.speed for pump in makeups],
        relief=circuit.pressure_holding.relief if circuit.pressure_holding is not None else None,
        relief_open=makeup.relief.open if makeup is not None and makeup.relief is not None else math.inf,
        relief_close=makeup.relief.close if makeup is not None and makeup.relief is not None else math.inf,
        pressure_held=lambda: h.by if (h := holder.circuit.pressure_holding) is not None else None,
        pressure_set=lambda: makeup.setpoint if makeup is not None else math.nan,
        pressure_high=makeup.high_alarm if makeup is not None else math.inf,
        pressure_low=makeup.low_alarm if makeup is not None else math.inf,
        loop_loses=_tight_loses(makeup),
        supply_least=lambda: settings.supply.min if holder.circuit.mode.leads_valve else math.nan,
        mode_left=lambda: holder.circuit.mode.left,
        supply_alarm=settings.supply.alarm,
        supply_trip=settings.supply.trip,
        primary_runs=[pump.run for pump in primary],
        primary_speeds=[pump.speed for pump in primary],
        primary_leads=circuit.primary_pump is not None and not circuit.primary_pump.helps,
        mixes=isinstance(settings, MixingSettings),
        exchangers=_isolation_valves(circuit),
    )


def _tight_loses(makeup: MakeupSettings | None) -> float:
    """0.5 % of the water an hour, FACTS §8: more is a leak."""
    volume = makeup.guard.loop_volume if makeup is not None else None
    return MOST_PERCENT / 100.0 * (USUAL_VOLUME if volume is None else volume)


def _isolation_valves(circuit: HeatingCircuit) -> list[tuple[Output, Callable[[], bool]]]:
    """Of exchangers in parallel, each with whether it is out: that setting outlives a rebuilt circuit."""
    staging = circuit.staging
    if staging is None:
        return []
    pairs = zip(staging.valves, staging.settings.valves, strict=True)
    return [(valve.output, partial(is_out, setting)) for valve, setting in pairs]
