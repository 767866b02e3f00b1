"""A circuit's pumps with the simplest hydraulics: pressure ~ speed², a little more with a second pump."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from controller.control.blocks.water.pump_group import PumpGroup, PumpGroupSettings
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Slot

DRIVE_HZ_PER_S = 5.0


class PumpBench:
    """`count` pumps on their drives. `resistance` 1: one pump at 50 Hz makes 200 kPa."""

    def __init__(self, count: int = 2, noise: float = 0.0, **changes: object) -> None:
        self.image = Image()
        self.now = 0.0
        self.second: float | None = None
        self.weekday: int | None = None
        self.count = count
        self.head = 200.0
        self.noise = noise
        self.random = Random(1)
        self.stuck: set[int] = set()
        self.on_mains: set[int] = set()
        self.actual = [0.0] * count
        for number in range(1, count + 1):
            for suffix in ("running", "fault", "local", "bypass"):
                self.put(f"low.pump_{number}_{suffix}", "flag", 0.0)
            self.put(f"low.pump_{number}_frequency", "frequency", 0.0)
        self.pressure = self.put("low.differential_pressure", "pressure", 0.0)
        self.flow = self.put("low.circulation", "choice", 1.0)
        self.outdoor = self.put("station.outdoor_temperature", "temperature", 0.0)
        self.put("low.return_pressure", "pressure", 350.0)
        self.put("low.worst_point_pressure", "pressure", 50.0)
        self.put("low.circulation_flow", "flow", 100.0)
        self.put("low.supply_temperature", "temperature", 50.0)
        self.put("low.return_temperature", "temperature", 38.0)
        names = [f"p{number}" for number in range(1, count + 1)]
        self.options = PumpGroupSettings.model_validate({"pumps": names, **changes})
        self.group = PumpGroup(self.options, self.image, "low.pump", self.pressure)

    def put(self, name: str, quantity: str, value: float) -> Point:
        """Set a measured point, made where it is not there yet."""
        point = self.image.points.get(name) or self.image.add(Point(name, quantity))
        point.put(value, self.now)
        return point

    def fault(self, number: int, on: bool = True) -> None:
        """The drive's fault contact."""
        self.put(f"low.pump_{number}_fault", "flag", float(on))
        (self.stuck.add if on else self.stuck.discard)(number)

    def output(self, name: str) -> Output:
        """An output of the group."""
        return self.image.outputs[f"low.pump_{name}"]

    def runs(self) -> set[int]:
        """Numbers of the pumps that are told to run."""
        return {n for n in range(1, self.count + 1) if self.output(f"{n}_run").value >= 0.5}

    def speed(self, number: int) -> float:
        """The speed that a pump is told."""
        return self.output(f"{number}_speed").value

    def run(self, seconds: int, wanted: bool = True, each: Callable[[], None] | None = None) -> None:
        """Let time pass, a scan a second."""
        for _ in range(seconds):
            self.now += 1.0
            second = self.second
            if second is not None:
                self.second = (second + 1.0) % 86400.0
            self.group.step(Tick(self.now, 1.0, self.second), wanted, weekday=self.weekday)
            self.carry_out()
            self.group.applied()
            if each is not None:
                each()

    def until(self, condition: Callable[[], bool], within: int) -> int:
        """Seconds until it holds; fails after `within`."""
        for second in range(1, within + 1):
            self.run(1)
            if condition():
                return second
        pytest.fail(f"not within {within} s")

    def carry_out(self) -> None:
        """Outputs follow their demand at their rate; drives their outputs; the water the drives."""
        for output in self.image.outputs.values():
            value = output.demand
            if output.rate < 1e9 and output.value == output.value:
                value = min(max(value, output.value - output.rate), output.value + output.rate)
            output.slot = Slot.DEMAND
            output.put(value, self.now)
        for number in range(1, self.count + 1):
            told = self.output(f"{number}_run").value >= 0.5 and number not in self.stuck
            target = 50.0 if number in self.on_mains else self.speed(number) if told else 0.0
            before = self.actual[number - 1]
            step = min(max(target - before, -DRIVE_HZ_PER_S), DRIVE_HZ_PER_S)
            self.actual[number - 1] = before + step
            self.put(f"low.pump_{number}_running", "flag", float(told and number not in self.on_mains))
            self.put(f"low.pump_{number}_frequency", "frequency", self.actual[number - 1])
        self.pressure.put(self.made() + self.random.gauss(0.0, self.noise), self.now)

    def made(self) -> float:
        """True differential pressure, kPa."""
        fastest = max(self.actual)
        beside = sum(hz >= fastest - 3.0 for hz in self.actual) - 1 if fastest > 5 else 0
        return self.head * (fastest / 50.0) ** 2 * (1.0 + 0.25 * beside)
