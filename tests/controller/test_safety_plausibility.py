"""Values that contradict physics are doubted, told, and believed again after a good time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.points import Image, Point, Quality
from controller.safety.witnesses.plausibility import GOOD_S, Plausibility

SOUND = {
    "station.primary_supply_temperature": ("temperature", 90.0),
    "station.primary_flow": ("flow", 20.0),
    "low.supply_temperature": ("temperature", 50.0),
    "low.return_temperature": ("temperature", 40.0),
    "low.differential_pressure": ("pressure", 120.0),
    "low.supply_pressure": ("pressure", 440.0),
    "low.return_pressure": ("pressure", 350.0),
    "low.makeup_flow": ("flow", 0.0),
    "low.pump_1_running": ("flag", 1.0),
    "low.pump_2_running": ("flag", 0.0),
    "low.makeup_1_running": ("flag", 0.0),
    "low.pump_2_local": ("flag", 0.0),
    "low.makeup_1_local": ("flag", 0.0),
}


class Desk:
    """The points of a station, shown anew in every scan as the input stage does."""

    def __init__(self) -> None:
        self.image = Image()
        for name, (quantity, _) in SOUND.items():
            self.image.add(Point(name, quantity))
        self.values = {name: value for name, (_, value) in SOUND.items()}
        self.part = Plausibility(self.image, "low", 2, 1)
        self.now = 0.0

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            for name, value in self.values.items():
                if math.isnan(value):
                    self.image[name].mark(value, Quality.BAD, "no_reply", self.now)
                else:
                    self.image[name].put(value, self.now)
            self.part.step(self.now, 1.0)

    def told(self) -> set[tuple[str, str]]:
        return {(rule.code, rule.subject) for rule in self.part.rules() if rule.when()}


STAND = {"low.pump_1_running": 0.0}
LIES = [
    ({"low.supply_temperature": 94.0}, "supply_above_primary", "low.supply_temperature", 5),
    ({"low.return_temperature": 53.0}, "return_above_supply", "low.return_temperature", 600),
    ({"low.makeup_flow": 3.0}, "flow_without_pump", "low.makeup_flow", 120),
    (STAND, "pressure_without_pump", "low.differential_pressure", 120),
    ({"low.differential_pressure": 0.0}, "pump_without_pressure", "low.differential_pressure", 30),
    (
        {"low.supply_pressure": 350.0, "low.return_pressure": 440.0},
        "pressures_crossed",
        "low.return_pressure",
        30,
    ),
]


@pytest.mark.parametrize(("lie", "code", "name", "after"), LIES)
def test_a_contradiction_is_doubted_after_its_time_and_good_after_60_s(
    lie: dict[str, float], code: str, name: str, after: int
) -> None:
    desk = Desk()
    desk.run(10)
    desk.values |= lie
    desk.run(after)
    assert (desk.image[name].quality, desk.told()) == (Quality.GOOD, set())
    desk.run(1)
    point = desk.image[name]
    assert (point.quality, point.reason) == (Quality.UNCERTAIN, code)
    assert point.value == desk.values[name]
    assert desk.told() == {(code, name)}
    desk.values |= {changed: SOUND[changed][1] for changed in lie}
    desk.run(int(GOOD_S))
    assert desk.image[name].reason == code
    desk.run(1)
    assert (desk.image[name].quality, desk.told()) == (Quality.GOOD, set())


@pytest.mark.parametrize(
    "state",
    [
        {"low.supply_temperature": 94.0, "station.primary_flow": 0.0},
        {"low.supply_temperature": 94.0, "station.primary_flow": math.nan},
        {"low.supply_temperature": 94.0, "station.primary_supply_temperature": math.nan},
        {"low.return_temperature": 53.0, "low.pump_1_running": 0.0, "low.differential_pressure": 0.0},
        {"low.return_temperature": 53.0, "station.primary_supply_temperature": 52.0},
        {"low.makeup_flow": 3.0, "low.makeup_1_running": math.nan},
        {"low.makeup_flow": 3.0, "low.makeup_1_running": 1.0},
        {"low.makeup_flow": 3.0, "low.makeup_1_local": 1.0},
        {**STAND, "low.pump_2_local": 1.0},
        {**STAND, "low.pump_2_running": math.nan},
    ],
)
def test_without_the_witness_nothing_is_doubted(state: dict[str, float]) -> None:
    desk = Desk()
    desk.values |= state
    desk.run(700)
    assert desk.told() == set()


def test_what_is_known_to_be_wrong_keeps_its_own_reason() -> None:
    desk = Desk()
    desk.values["low.makeup_flow"] = 3.0
    desk.run(130)
    desk.values["low.makeup_flow"] = math.nan
    desk.run(1)
    assert desk.image["low.makeup_flow"].reason == "no_reply"


@given(st.dictionaries(st.sampled_from(list(SOUND)), st.floats(allow_infinity=False), max_size=9))
def test_no_value_is_ever_changed(state: dict[str, float]) -> None:
    desk = Desk()
    desk.values |= state
    desk.run(8)
    for name, value in desk.values.items():
        assert desk.image[name].value == value or math.isnan(value)
