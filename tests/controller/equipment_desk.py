"""A desk for the watchers: an image whose points a test sets, and hours that pass in milliseconds."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from controller.control.blocks.loop.characteristic import Characteristic
from controller.equipment.watcher import Watcher
from controller.equipment.water import capacity_flow
from controller.points import Image, Output, Point, Quality
from controller.safety.rules import Rule

QUANTITIES = {
    "temperature": "temperature",
    "pressure": "pressure",
    "frequency": "frequency",
    "current": "current",
    "position": "percent",
    "flow": "flow",
    "power": "power",
}
NAMES = (
    "station.primary_supply_temperature",
    "station.primary_return_temperature",
    "station.primary_supply_pressure",
    "station.primary_return_pressure",
    "station.primary_flow",
    "station.heat_power",
    "low.supply_temperature",
    "low.supply_temperature_1",
    "low.supply_temperature_2",
    "low.return_temperature",
    "low.supply_pressure",
    "low.return_pressure",
    "low.differential_pressure",
    "low.makeup_flow",
    "low.valve_position",
    "low.pump_1_frequency",
    "low.pump_1_current",
    "low.pump_2_frequency",
    "low.pump_2_current",
)
SAMPLE_S = 100.0
SHAPE = Characteristic("equal_percentage", 50.0, 1.0)


class Desk:
    """`world(hour)` gives the values of the points at that hour; what it leaves out stays."""

    def __init__(self, world: Callable[[float], dict[str, float]]) -> None:
        self.image = Image()
        self.valve = self.image.add(Output("low.valve_command", "percent", 0, 100, failsafe=None))
        self.image.add(Point("low.circulation", "choice", choices=("no", "yes", "unknown")))
        for name in NAMES:
            kind = next(q for part, q in QUANTITIES.items() if part in name.rsplit(".", 1)[1].split("_"))
            self.image.add(Point(name, kind))
        self.world = world
        self.now = 1000.0
        self.put({"low.circulation": 1.0})

    def put(self, values: dict[str, float]) -> None:
        """Values of this moment; NaN is a broken wire."""
        for name, value in values.items():
            if math.isnan(value):
                self.image[name].mark(value, Quality.BAD, "open_circuit", self.now)
            else:
                self.image[name].put(value, self.now)

    def run(self, watcher: Watcher, hours: float, *, learn: bool = True, sample: float = SAMPLE_S) -> None:
        """Let time pass."""
        for _ in range(round(3600.0 * hours / sample)):
            self.now += sample
            self.put(self.world(self.now / 3600.0))
            watcher.step(self.now, learn and not watcher.suspect)

    def until(self, watcher: Watcher, code: str, within_h: float, sample: float = SAMPLE_S) -> float:
        """Hours until it tells `code`; infinite when it does not."""
        begin = self.now
        while self.now - begin < 3600.0 * within_h:
            self.run(watcher, sample / 3600.0, sample=sample)
            if code in codes(watcher):
                return (self.now - begin) / 3600.0
        return math.inf


def codes(watcher: Watcher) -> set[str]:
    """Rows that hold now."""
    return {rule.code for rule in watcher.rules() if rule.when()}


def values_of(watcher: Watcher, code: str) -> dict[str, Any]:
    """Values of a row's text."""
    rule: Rule = next(rule for rule in watcher.rules() if rule.code == code)
    return {name: value for name, value, _ in rule.shows()}


def remembered(watcher: Watcher) -> dict[str, Any]:
    """Its state after a way through a file."""
    state: dict[str, Any] = json.loads(json.dumps(watcher.state(), allow_nan=False))
    return state


def day(hour: float, low: float, high: float, period: float = 24.0) -> float:
    """A wave between two values, with a slower one in it so that no two days are alike."""
    wave = 0.7 * math.sin(2 * math.pi * hour / period) + 0.3 * math.sin(2 * math.pi * hour / 97.0)
    return low + (high - low) * (0.5 + 0.5 * wave)


class Plant:
    """Steady heat of an exchanger, a valve branch and a loop; every test bends one number of it."""

    def __init__(self) -> None:
        self.fouling = 0.0
        self.leak = 0.0
        self.bypass = 0.0  # beside valve and plates, of the valve's full flow
        self.strainer = 1.0  # resistance of the branch over the clean one
        self.slip_from: float | None = None
        self.loop = 1.0  # conductance of the loop over the usual
        self.head = 1.0  # head of the pump over the new one
        self.backflow = 0.0  # of the loop's flow
        self.makeup = 0.02
        self.offset: dict[str, float] = {}
        self.scale = 1.0
        self.openings = (45.0, 75.0)

    def __call__(self, hour: float) -> dict[str, float]:
        opening = day(hour, *self.openings)
        stem = opening
        if self.slip_from is not None:
            stem = self.slip_from + 0.5 * (opening - self.slip_from)
        share = SHAPE.flow(stem) / 100.0
        share += self.leak * (1.0 - share)
        drop1 = day(hour, 90.0, 110.0, 31.0)
        flow = self.scale * math.sqrt(drop1 / (0.016 / share**2 + 0.04 * self.strainer))
        flow2 = 90.0 * self.loop
        beside = self.bypass * math.sqrt(drop1 / 0.056)
        values = self._heat(hour, flow, flow2)
        hot_in, back = (values[f"station.primary_{side}_temperature"] for side in ("supply", "return"))
        flow += beside
        values["station.primary_return_temperature"] += beside / flow * (hot_in - back)
        head, drop = 120.0, 30.0 * self.loop**2
        breath = math.sin(40.0 * hour)
        through = self.loop * (1.0 + self.backflow)
        speed = math.sqrt((head + 40.0 * through**2) / (0.1067 * self.head))
        torque = speed**2 * (0.6 + 0.4 * through * 38.73 / speed)
        values |= {
            "low.valve_position": opening,
            "low.valve_command": opening,
            "station.primary_supply_pressure": 700.0 + drop1 + breath,
            "station.primary_return_pressure": 700.0 + breath,
            "station.primary_flow": flow,
            "low.differential_pressure": head,
            "low.return_pressure": 350.0 + breath,
            "low.supply_pressure": 350.0 + breath + head - drop,
            "low.pump_1_frequency": speed,
            "low.pump_1_current": 0.00667 * torque,
            "low.pump_2_frequency": 0.0,
            "low.pump_2_current": 0.0,
            "low.makeup_flow": self.makeup,
        }
        for name, away in self.offset.items():
            values[name] += away
        return values

    def _heat(self, hour: float, flow: float, flow2: float) -> dict[str, float]:
        hot_in, cold_in = day(hour, 80.0, 100.0, 53.0), day(hour, 36.0, 42.0, 41.0)
        hot = capacity_flow(flow, 50.0, 70.0)
        cold = capacity_flow(flow2, 40.0, 45.0)
        resistance = 0.145 * hot**-0.8 + 0.363 * cold**-0.8
        conductance = 1.0 / (resistance * (1.0 + self.fouling))
        # Two rounds: the meter counts with the density of the return, and so must we.
        for _ in range(20):
            ratio, ntu = hot / cold, conductance / hot
            decay = math.exp(-ntu * (1.0 - ratio))
            effect = (1.0 - decay) / (1.0 - ratio * decay)
            hot_out = hot_in - effect * (hot_in - cold_in)
            hot = capacity_flow(flow, hot_out, 0.5 * (hot_in + hot_out))
            resistance = 0.145 * hot**-0.8 + 0.363 * cold**-0.8
            conductance = 1.0 / (resistance * (1.0 + self.fouling))
        power = hot * (hot_in - hot_out)
        supply = cold_in + power / cold
        return {
            "station.primary_supply_temperature": hot_in,
            "station.primary_return_temperature": hot_out,
            "station.heat_power": power,
            "low.return_temperature": cold_in,
            "low.supply_temperature": supply,
            "low.supply_temperature_1": supply,
            "low.supply_temperature_2": supply,
        }
