"""A closed circuit as a vessel: water in and out, swelling, and pressure ~ stored water."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from controller.control.blocks.water.pressure_holding import MakeupSettings, PressureHolding
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Quality, Slot

VOLUME = 40.0
"""m³"""
PER_KPA = 0.0016
"""m³/kPa: 0.75 m³ of vessel gas at 0.35 MPa gauge."""
HEAD_KPA = 100.0


class MakeupBench:
    """`leak` in m³/h. Makeup pumps give nothing below 20 Hz and 6 m³/h at 50 Hz."""

    def __init__(self, meter: bool = True, noise: float = 0.0, **changes: object) -> None:
        self.image = Image()
        self.now = 0.0
        self.second: float | None = None
        self.random = Random(2)
        self.noise = noise
        self.meter = meter
        self.pressure = 350.0
        self.water = 50.0
        self.leak = 0.0
        self.stuck: set[int] = set()
        self.silent: set[int] = set()
        """Makeup drives that do not answer."""
        self.made_up = 0.0
        self.blind = False
        for number in (1, 2):
            for suffix in ("running", "fault", "local"):
                self.put(f"low.makeup_{number}_{suffix}", "flag", 0.0)
        self.back = self.put("low.return_pressure", "pressure", 350.0)
        self.put("low.supply_temperature", "temperature", 55.0)
        self.put("low.return_temperature", "temperature", 45.0)
        self.put("low.circulation", "choice", 1.0)
        for name in ("supply_pressure", "makeup_pressure"):
            self.lose(self.put(f"low.{name}", "pressure", 0.0))
        for name in ("makeup_low_contact", "makeup_high_contact"):
            self.lose(self.put(f"low.{name}", "flag", 0.0))
        if meter:
            self.put("low.makeup_flow", "flow", 0.0)
        self.options = MakeupSettings.model_validate(
            {
                "pumps": ["a", "b"],
                "setpoint": "350 kPa",
                "relief": {"valve": "x.y", "open": "450 kPa", "close": "410 kPa"},
                "guard": {"loop_volume": "40 m³"},
                **changes,
            }
        )
        self.holding = PressureHolding(self.options, self.image, "low", self.back)
        self.guard = self.holding.guard

    def put(self, name: str, quantity: str, value: float) -> Point:
        """Set a measured point, made where it is not there yet."""
        point = self.image.points.get(name) or self.image.add(Point(name, quantity))
        point.put(value, self.now)
        return point

    def lose(self, point: Point) -> None:
        """It cannot be read any more."""
        point.mark(math.nan, Quality.BAD, "no_reply", self.now)

    def output(self, name: str) -> Output:
        """An output of the circuit: `makeup_1_run`."""
        return self.image.outputs[f"low.{name}"]

    def runs(self) -> set[int]:
        """Numbers of the makeup pumps that are told to run."""
        return {n for n in (1, 2) if self.output(f"makeup_{n}_run").value >= 0.5}

    def state(self) -> str:
        """Stage of the guard."""
        return self.guard.state_point.show()

    def run(
        self,
        seconds: float = 0.0,
        *,
        hours: float = 0.0,
        warmer: float = 0.0,
        filling: bool = False,
        each: Callable[[], None] | None = None,
    ) -> None:
        """Let time pass, a scan a second; `warmer`: K/h of the water."""
        for _ in range(round(seconds + 3600 * hours)):
            self.now += 1.0
            if self.second is not None:
                self.second = (self.second + 1.0) % 86400.0
            self.water += warmer / 3600.0
            self.measure()
            self.holding.step(Tick(self.now, 1.0, self.second), wanted=True, filling=filling)
            self.carry_out(warmer)
            self.holding.applied()
            if each is not None:
                each()

    def measure(self) -> None:
        """What the sensors show."""
        draw = self.random.gauss
        if not self.blind:
            self.back.put(self.pressure + draw(0.0, self.noise), self.now)
        self.put("low.supply_temperature", "temperature", self.water + 5.0 + draw(0.0, self.noise / 20))
        self.put("low.return_temperature", "temperature", self.water - 5.0 + draw(0.0, self.noise / 20))

    def carry_out(self, warmer: float) -> None:
        """Outputs follow their demand, water follows."""
        for output in self.image.outputs.values():
            hand = output.override
            output.slot = Slot.DEMAND if hand is None else Slot.OVERRIDE
            output.put(output.demand if hand is None else hand.value, self.now)
        flow = 0.0
        for number in (1, 2):
            turns = number in self.runs() and number not in self.stuck
            running = self.put(f"low.makeup_{number}_running", "flag", float(turns))
            if number in self.silent:
                self.lose(running)
            if turns:
                flow += max(6.0 * (self.output(f"makeup_{number}_speed").value - 20.0) / 30.0, 0.0)
        if self.meter:
            self.put("low.makeup_flow", "flow", flow)
        self.made_up += flow / 3600.0
        relief = 10.0 if self.output("relief_valve").value >= 0.5 else 0.0
        swells = 4.5e-4 * VOLUME * warmer
        self.pressure += (flow - self.leak - relief + swells) / 3600.0 / PER_KPA
        self.pressure = max(self.pressure, 0.0)
