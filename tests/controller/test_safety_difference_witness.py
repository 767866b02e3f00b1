"""A pressure over the pumps that ends and speed deny is outvoted, told, and believed again once it agrees."""

from __future__ import annotations

import json
import math

import pytest

from controller.points import Image, Point, Quality
from controller.safety.witnesses.plausibility import GOOD_S
from controller.safety.witnesses.pressure_witnesses import PressureWitnesses
from controller.safety.witnesses.return_witness import DIFFERS_S, KNOWN_S

SOUND = {
    "low.supply_pressure": 440.0,
    "low.return_pressure": 350.0,
    "low.differential_pressure": 120.0,
    "low.pump_1_running": 1.0,
    "low.pump_2_running": 0.0,
    "low.pump_1_frequency": 40.0,
    "low.pump_2_frequency": 0.0,
}
NAN = math.nan
CODE = "differential_pressure_outvoted"


class Desk:
    """Points that are shown anew in every scan, as the input stage does."""

    def __init__(self, learned_s: float = 2 * KNOWN_S) -> None:
        self.image = Image()
        self.values = dict(SOUND)
        for name in SOUND:
            quantity = "pressure" if "pressure" in name else "flag" if "running" in name else "frequency"
            self.image.add(Point(name, quantity))
        self.image.add(Point("low.makeup_pressure", "pressure"))
        self.witnesses = PressureWitnesses(self.image, "low", 2, 0)
        self.now = 1000.0
        self.run(learned_s)

    def run(self, seconds: float, **others: float) -> None:
        self.values |= {f"low.{name}": value for name, value in others.items()}
        for _ in range(round(seconds)):
            self.now += 1.0
            for name, value in self.values.items():
                lost = math.isnan(value)
                quality = Quality.BAD if lost else Quality.GOOD
                self.image[name].mark(value, quality, "no_reply" if lost else "", self.now)
            self.witnesses.step(self.now, 1.0)

    @property
    def point(self) -> Point:
        return self.image["low.differential_pressure"]

    def told(self) -> set[str]:
        return {rule.code for rule in self.witnesses.rules() if rule.when()}


@pytest.mark.parametrize("lies", [60.0, 150.0, 300.0])
def test_one_that_lies_is_replaced_by_what_the_ends_show_and_comes_back(lies: float) -> None:
    desk = Desk()
    desk.run(DIFFERS_S - 2, differential_pressure=lies)
    assert (desk.point.value, desk.told()) == (lies, set())
    desk.run(4)
    assert desk.point.value == pytest.approx(120.0, abs=1.0)
    assert (desk.point.quality, desk.point.reason) == (Quality.UNCERTAIN, "denied")
    assert desk.told() == {CODE}
    desk.run(GOOD_S + 2, differential_pressure=120.0)
    assert (desk.point.quality, desk.told()) == (Quality.GOOD, set())


def test_it_follows_the_pump_while_the_transmitter_drifts() -> None:
    """The pump is slowed by a transmitter that shows more and more."""
    desk = Desk()
    true = 120.0
    for step in range(20):
        speed = 40.0 - 0.5 * step
        true = 120.0 * (speed / 40.0) ** 2
        desk.run(60, differential_pressure=true + 6.0 * step, supply_pressure=350.0 + 0.75 * true,
                 return_pressure=350.0 + 0.1 * (step % 2), pump_1_frequency=speed)  # fmt: skip
    assert desk.told() == {CODE}
    assert desk.point.value == pytest.approx(true, abs=6.0)


@pytest.mark.parametrize(
    "others",
    [
        {"supply_pressure": 380.0},  # the supply transmitter lies
        {"return_pressure": 300.0},
        {"differential_pressure": 160.0, "supply_pressure": 470.0},  # throttled: only the drive is off
        {"differential_pressure": 300.0, "pump_2_running": 1.0},  # two pumps
        {"differential_pressure": 300.0, "pump_1_running": NAN},
        {"differential_pressure": 300.0, "pump_1_frequency": NAN},
        {"differential_pressure": 300.0, "supply_pressure": NAN},
        {"differential_pressure": NAN},
    ],
)
def test_one_against_one_decides_nothing(others: dict[str, float]) -> None:
    desk = Desk()
    desk.run(2 * DIFFERS_S, **others)
    assert desk.told() == set()
    assert desk.point.reason != "denied"


def test_a_station_that_has_seen_too_little_does_not_judge() -> None:
    desk = Desk(learned_s=60.0)
    desk.run(2 * DIFFERS_S, differential_pressure=300.0)
    assert desk.told() == set()


def test_what_is_usual_survives_a_restart() -> None:
    fresh = Desk(learned_s=0.0)
    fresh.witnesses.restore(json.loads(json.dumps(Desk().witnesses.state())))
    fresh.run(2 * DIFFERS_S, differential_pressure=200.0)
    assert fresh.told() == {CODE}


@pytest.mark.parametrize("odd", [None, [], {"difference": 7}, {"difference": {"factor": [9e9, 9e9]}}])
def test_odd_state_is_left_out(odd: object) -> None:
    desk = Desk(learned_s=0.0)
    desk.witnesses.restore(odd)
    desk.run(2 * DIFFERS_S, differential_pressure=200.0)
    assert desk.told() == set()
