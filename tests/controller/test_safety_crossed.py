"""Two pressures on each other's terminals are read the right way round, where a third one says so."""

from __future__ import annotations

import math

import pytest

from controller.points import Image, Point, Quality
from controller.safety.witnesses.crossed_pressures import CrossedPressures
from controller.safety.witnesses.substitutes import ReturnPressureSubstitute

SOUND = {
    "low.supply_pressure": 440.0,
    "low.return_pressure": 350.0,
    "low.differential_pressure": 120.0,
    "low.pump_1_running": 1.0,
    "low.pump_2_running": 0.0,
}
CROSSED = {"low.supply_pressure": 350.0, "low.return_pressure": 440.0}
NAN = math.nan


class Desk:
    """Points that are shown anew in every scan, as the input stage does."""

    def __init__(self, **others: float) -> None:
        self.image = Image()
        self.values = {**SOUND, **others}
        for name in SOUND:
            self.image.add(Point(name, "flag" if "running" in name else "pressure"))
        self.crossed = CrossedPressures(self.image, "low", 2)
        self.substitute = ReturnPressureSubstitute(self.image, "low", 2)
        self.now = 0.0

    def run(self, seconds: int, **others: float) -> None:
        self.values |= others
        for _ in range(seconds):
            self.now += 1.0
            for name, value in self.values.items():
                quality = Quality.BAD if math.isnan(value) else Quality.GOOD
                self.image[name].mark(value, quality, "no_reply" if math.isnan(value) else "", self.now)
            self.crossed.step(self.now, 1.0)
            self.substitute.step(self.now, 1.0)

    def seen(self) -> tuple[float, float]:
        return self.image["low.supply_pressure"].value, self.image["low.return_pressure"].value


def test_crossed_pressures_are_exchanged_after_30_s() -> None:
    desk = Desk(**CROSSED)
    desk.run(30)
    assert desk.seen() == (350.0, 440.0)
    desk.run(1)
    assert desk.seen() == (440.0, 350.0)
    point = desk.image["low.return_pressure"]
    assert (point.quality, point.reason) == (Quality.UNCERTAIN, "crossed")


def test_what_was_found_stays_while_no_pump_shows_anything() -> None:
    desk = Desk(**CROSSED)
    desk.run(31)
    stands = {"low.pump_1_running": 0.0, "low.differential_pressure": 0.0}
    desk.run(600, **stands, **{"low.supply_pressure": 352.0, "low.return_pressure": 350.0})
    assert desk.seen() == (350.0, 352.0)


def test_terminals_put_right_are_read_as_they_are_after_a_minute() -> None:
    desk = Desk(**CROSSED)
    desk.run(60)
    desk.run(60, **{name: SOUND[name] for name in CROSSED})
    assert desk.seen() == (350.0, 440.0)
    desk.run(1)
    assert desk.seen() == (440.0, 350.0)
    assert desk.image["low.return_pressure"].quality is Quality.GOOD


@pytest.mark.parametrize(
    "state",
    [
        {},
        {**CROSSED, "low.pump_1_running": 0.0},
        {**CROSSED, "low.differential_pressure": NAN},
        # One that lies: the difference over the pump does not fit.
        {**CROSSED, "low.return_pressure": 500.0},
        {**CROSSED, "low.differential_pressure": 300.0},
        {**CROSSED, "low.return_pressure": NAN},
        {**CROSSED, "low.return_pressure": 362.0},
    ],
)
def test_without_proof_nothing_is_exchanged(state: dict[str, float]) -> None:
    desk = Desk(**state)
    desk.run(300)
    for name in CROSSED:
        assert desk.image[name].reason != "crossed"


def test_one_that_lies_must_hit_the_usual_drop_to_look_crossed() -> None:
    desk = Desk()
    desk.run(120)
    desk.run(300, **{"low.return_pressure": 480.0})
    assert desk.image["low.return_pressure"].reason != "crossed"
    desk.run(31, **CROSSED)
    assert desk.seen() == (440.0, 350.0)


@pytest.mark.parametrize(("runs", "substituted"), [(1.0, False), (0.0, True)])
def test_no_return_pressure_is_made_of_a_dead_differential_pressure(runs: float, substituted: bool) -> None:
    """440 − 0 would look like over-pressure, and relief would empty the loop."""
    desk = Desk()
    desk.run(600)
    desk.run(5, **{"low.return_pressure": NAN, "low.differential_pressure": 0.0, "low.pump_1_running": runs})
    assert desk.image["low.return_pressure"].usable is substituted
