"""A return pressure that two others deny is outvoted, told, and believed again once it agrees."""

from __future__ import annotations

import json
import math

import pytest

from controller.points import Image, Point, Quality
from controller.safety.witnesses.crossed_pressures import CrossedPressures
from controller.safety.witnesses.plausibility import GOOD_S
from controller.safety.witnesses.return_witness import DIFFERS_S, KNOWN_S, STANDS_S, STICKS_S, ReturnWitness

SOUND = {
    "low.supply_pressure": 440.0,
    "low.return_pressure": 350.0,
    "low.differential_pressure": 120.0,
    "low.makeup_pressure": 354.0,
    "low.pump_1_running": 1.0,
    "low.pump_2_running": 0.0,
    "low.makeup_1_running": 0.0,
}
NAN = math.nan
CODE = "return_pressure_outvoted"


class Desk:
    """Points that are shown anew in every scan, as the input stage does."""

    def __init__(self, learned_s: int = int(KNOWN_S + STANDS_S) + 1) -> None:
        self.image = Image()
        self.values = dict(SOUND)
        for name in SOUND:
            self.image.add(Point(name, "flag" if "running" in name else "pressure"))
        self.crossed = CrossedPressures(self.image, "low", 2)
        self.witness = ReturnWitness(self.image, "low", 2, 1)
        self.now = 1000.0
        self.run(learned_s)

    def run(self, seconds: float, dt: float = 1.0, **others: float) -> None:
        self.values |= {f"low.{name}": value for name, value in others.items()}
        for _ in range(round(seconds / dt)):
            self.now += dt
            for name, value in self.values.items():
                quality = Quality.BAD if math.isnan(value) else Quality.GOOD
                self.image[name].mark(value, quality, "no_reply" if math.isnan(value) else "", self.now)
            self.crossed.step(self.now, dt)
            self.witness.step(self.now, dt)

    @property
    def point(self) -> Point:
        return self.image["low.return_pressure"]

    def told(self) -> set[str]:
        return {rule.code for rule in self.witness.rules() if rule.when()}


@pytest.mark.parametrize("lies", [320.0, 380.0, 100.0, 700.0])
def test_one_that_lies_is_replaced_by_the_two_that_agree_and_comes_back(lies: float) -> None:
    desk = Desk()
    desk.run(DIFFERS_S, return_pressure=lies)
    assert (desk.point.value, desk.told()) == (lies, set())
    desk.run(1)
    assert desk.point.value == pytest.approx(350.0, abs=0.5)
    assert (desk.point.quality, desk.point.reason) == (Quality.UNCERTAIN, "denied")
    assert desk.told() == {CODE}
    # What the water does is seen all the same.
    desk.run(60, supply_pressure=430.0, makeup_pressure=344.0)
    assert desk.point.value == pytest.approx(340.0, abs=0.5)
    desk.run(GOOD_S, supply_pressure=440.0, makeup_pressure=354.0, return_pressure=352.0)
    assert desk.told() == {CODE}
    desk.run(1)
    assert (desk.point.value, desk.point.quality, desk.told()) == (352.0, Quality.GOOD, set())


def test_one_that_sticks_is_not_believed_for_coming_near() -> None:
    desk = Desk()
    desk.run(DIFFERS_S + 1, supply_pressure=410.0, makeup_pressure=324.0)
    assert desk.told() == {CODE}
    desk.run(600, supply_pressure=440.0, makeup_pressure=354.0)
    assert desk.told() == {CODE}
    desk.run(1, return_pressure=350.4)
    desk.run(GOOD_S + 1, return_pressure=350.0)
    assert desk.told() == set()


@pytest.mark.parametrize(
    "lie",
    [
        {"supply_pressure": 380.0},
        {"supply_pressure": 520.0},
        {"differential_pressure": 60.0},
        {"makeup_pressure": 250.0},
        # One against one, for the other cannot be asked.
        {"return_pressure": 250.0, "makeup_pressure": NAN},
        {"return_pressure": 250.0, "supply_pressure": NAN},
        {"return_pressure": 250.0, "differential_pressure": 0.0},
        {"return_pressure": 250.0, "pump_1_running": 0.0},
        {"return_pressure": 250.0, "makeup_1_running": 1.0},
        # Both deny it, but not with one voice.
        {"return_pressure": 250.0, "makeup_pressure": 330.0},
        # Within what sound transmitters differ by.
        {"return_pressure": 369.0},
    ],
)
def test_one_against_one_decides_nothing(lie: dict[str, float]) -> None:
    desk = Desk()
    desk.run(600, **lie)
    assert desk.told() == set()
    assert desk.point.value == desk.values["low.return_pressure"]
    assert desk.point.quality is Quality.GOOD


def test_a_drift_of_some_kpa_an_hour_does_not_take_along_what_is_usual() -> None:
    desk = Desk()
    desk.run(86400, dt=30.0)
    hours = 0
    while not desk.told() and hours < 12:
        hours += 1
        desk.run(3600, dt=10.0, return_pressure=350.0 - 7.0 * hours)
    assert 3 <= hours <= 4
    assert desk.point.value == pytest.approx(350.0, abs=3.0)


def test_a_supply_pressure_that_drifts_down_never_looks_crossed() -> None:
    """Far enough down it lies below the return by just what once was the exchanger's drop."""
    desk = Desk()
    desk.run(86400, dt=30.0)
    for below in range(440, 200, -2):
        desk.run(900, dt=10.0, supply_pressure=float(below))
        assert desk.point.value == 350.0


def test_a_return_pressure_that_drifts_up_never_looks_crossed() -> None:
    """Far enough up it lies above the supply by just what the pump adds less the drop."""
    desk = Desk()
    desk.run(86400, dt=30.0)
    for above in range(350, 600, 2):
        desk.run(900, dt=10.0, return_pressure=float(above))
        assert desk.point.value == pytest.approx(350.0, abs=21.0)


def test_without_any_other_the_outvoted_one_is_not_believed_either() -> None:
    desk = Desk()
    desk.run(DIFFERS_S + 1, return_pressure=250.0)
    desk.run(5, supply_pressure=NAN)
    assert desk.point.value == pytest.approx(350.0, abs=1.0)
    desk.run(5, makeup_pressure=NAN)
    assert desk.point.quality is Quality.BAD


def test_nothing_is_judged_before_it_is_known_what_is_usual() -> None:
    desk = Desk(learned_s=60)
    desk.run(600, return_pressure=250.0)
    assert desk.told() == set()


def test_what_is_usual_survives_a_restart_and_nonsense_is_left_out() -> None:
    desk, again = Desk(), Desk(learned_s=0)
    again.witness.restore(json.loads(json.dumps(desk.witness.state())))
    again.run(STANDS_S)  # until then a makeup pump may have run before the start
    again.run(DIFFERS_S + 1, return_pressure=250.0)
    assert again.told() == {CODE}
    for odd in (None, 3, {"share": "x"}, {"share": [2.0, 9e9], "offset": [math.nan, 700.0]}, {"offset": [1]}):
        fresh = Desk(learned_s=0)
        fresh.witness.restore(odd)
        fresh.run(600, return_pressure=250.0)
        assert fresh.told() == set()


def lively() -> Desk:
    """The last digit of the return moves, as it does on a loop."""
    desk = Desk()
    for step in range(40):
        desk.run(10, return_pressure=350.0 + 0.1 * (step % 2))
    return desk


def without_makeup_pressure() -> Desk:
    """Its transmitter is lost: the pumps alone can say something."""
    desk = lively()
    desk.run(1, makeup_pressure=NAN)
    return desk


def supply_goes(desk: Desk, to: float, **others: float) -> None:
    """Over a minute."""
    begin = desk.values["low.supply_pressure"]
    for second in range(1, 61):
        desk.run(1, supply_pressure=begin + (to - begin) * second / 60.0, **others)


def test_one_that_sticks_while_the_supply_goes_away_speaks_against_itself() -> None:
    desk = without_makeup_pressure()
    desk.run(2 * STICKS_S, return_pressure=351.0)
    supply_goes(desk, 415.0)
    assert (desk.point.value, desk.told()) == (351.0, set())
    desk.run(DIFFERS_S)
    assert desk.told() == {CODE}
    assert desk.point.value == pytest.approx(325.0, abs=0.5)
    assert desk.point.quality is Quality.UNCERTAIN
    # Near again, but it still shows the same number.
    desk.run(2 * GOOD_S, supply_pressure=440.0)
    assert desk.told() == {CODE}
    desk.run(GOOD_S + 1, return_pressure=350.0)
    assert (desk.point.value, desk.told()) == (350.0, set())


def test_a_coarse_transmitter_that_often_stands_for_long_is_not_outvoted_by_one_that_drifts() -> None:
    desk = without_makeup_pressure()
    for step in range(3):
        desk.run(STICKS_S, return_pressure=350.0 + 2.0 * (step % 2))
    supply_goes(desk, 415.0)
    desk.run(STICKS_S)
    assert desk.told() == set()


def test_one_that_sticks_while_makeup_fills_is_outvoted_before_the_loop_is_too_full() -> None:
    desk = lively()
    desk.run(5, return_pressure=341.0, supply_pressure=431.0, makeup_1_running=1.0)
    for second in range(120):
        desk.run(1, supply_pressure=431.0 + 0.8 * second)
    assert desk.told() == {CODE}
    assert desk.point.value == pytest.approx(436.0, abs=2.0)


@pytest.mark.parametrize("moves", [0.0, 0.1])
def test_a_supply_pressure_that_jumps_while_makeup_fills_outvotes_no_return(moves: float) -> None:
    desk = lively()
    desk.run(5, return_pressure=341.0, supply_pressure=431.0, makeup_1_running=1.0)
    for second in range(240):
        desk.run(1, supply_pressure=500.0, return_pressure=341.0 + moves * (second // 4))
    assert desk.told() == set()


@pytest.mark.parametrize(
    ("stands_s", "supply", "others"),
    [
        (STICKS_S / 2, 415.0, {}),  # not for long
        (STICKS_S, 430.0, {}),  # not far
        (STICKS_S, 440.0, {"differential_pressure": 220.0}),  # what the pumps add lies
        (STICKS_S, 415.0, {"return_pressure": 352.0}),  # it moves
        (STICKS_S, 415.0, {"pump_1_running": 0.0}),  # a loop that stands
    ],
)
def test_else_one_against_one_decides_nothing(
    stands_s: float, supply: float, others: dict[str, float]
) -> None:
    desk = without_makeup_pressure()
    desk.run(stands_s, return_pressure=351.0)
    supply_goes(desk, supply, **others)
    desk.run(2 * DIFFERS_S)
    assert desk.told() == set()
    assert desk.point.reason != "denied"
