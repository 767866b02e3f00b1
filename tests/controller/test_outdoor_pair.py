"""Two outdoor sensors of the station's own: their mean, and whom rooms and witnesses choose."""

from __future__ import annotations

import json
import math

import pytest
from conftest import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.commands import Command, CommandKind
from controller.control.circuits.outdoor_written import OutdoorWritten
from controller.points import Image, Point, Quality
from controller.safety.witnesses.outdoor_witness import OUTDOOR, OutdoorSettings, OutdoorWitness

HOUR = 3600.0
SCAN_S = 60.0


class Outdoors:
    """Both sensors and three rooms before the outdoor witness."""

    def __init__(self) -> None:
        self.image = Image()
        self.point, self.first, self.second = (
            self.image.add(Point(name, "temperature")) for name in (OUTDOOR, f"{OUTDOOR}_1", f"{OUTDOOR}_2")
        )
        self.rooms = [self.image.add(Point(f"low.room_temperature_{n}", "temperature")) for n in (1, 2, 3)]
        self.written = OutdoorWritten(self.image)
        self.witness = OutdoorWitness(OutdoorSettings(), self.image, self.written, self.rooms)
        self.now = 1e6

    def show(
        self, first: float, second: float, room: float = math.nan, hours: float = 0.0, rooms: int = 3
    ) -> tuple[float, str]:
        """The sensors show it for so long (0: one scan), and so many rooms show `room`, NaN: none; what the
        station then reckons with, and why."""
        for _ in range(max(round(hours * HOUR / SCAN_S), 1)):
            self.now += SCAN_S
            for number, point in enumerate(self.rooms):
                if number < rooms and not math.isnan(room):
                    point.put(room, self.now)
                else:
                    point.mark(math.nan, Quality.BAD, "open_circuit", self.now)
            self._input_stage(first, second)
            self.witness.step(self.now, SCAN_S)
        return self.point.value, self.point.reason

    def _input_stage(self, first: float, second: float) -> None:
        self.first.put(first, self.now)
        self.second.put(second, self.now)
        if abs(first - second) > 3.0:
            self.point.mark(max(first, second), Quality.UNCERTAIN, "disagree", self.now)
        else:
            self.point.put(first, self.now)


def settled(room: float = 20.0, hours: float = 30.0, rooms: int = 3) -> Outdoors:
    """Both have agreed on −10 °C for so long."""
    outdoors = Outdoors()
    assert outdoors.show(-10.0, -10.0, room, hours, rooms) == (-10.0, "")
    return outdoors


def test_of_two_sensors_that_agree_the_mean_counts() -> None:
    outdoors = Outdoors()
    assert outdoors.show(-10.0, -12.0) == (-11.0, "")
    assert outdoors.point.quality is Quality.GOOD


def test_of_two_that_disagree_the_colder_counts_within_bounds() -> None:
    outdoors = Outdoors()
    assert outdoors.show(-10.0, -14.0) == (-14.0, "colder_of_two")
    assert outdoors.show(-10.0, -40.0) == (-16.0, "colder_of_two")
    assert outdoors.show(-20.0, 5.0) == (-20.0, "colder_of_two")


def test_a_witness_says_which_of_two_is_right() -> None:
    outdoors = settled()
    wish = outdoors.written.wishes["station.outdoor_upstream"]
    wish.apply(Command(CommandKind.WRITE, wish.point.name, -11.0, "dispatch", "opcua"), outdoors.now)
    assert outdoors.show(-10.0, -40.0, room=18.0) == (-10.0, "nearer_of_two")
    assert outdoors.show(10.0, -12.0, room=22.0) == (-12.0, "nearer_of_two")


def test_rooms_choose_between_two_that_disagree() -> None:
    outdoors = settled(room=20.5)
    assert outdoors.show(-10.0, -14.0, room=20.5) == (pytest.approx(-12.0), "rooms_of_two")
    assert outdoors.point.quality is Quality.UNCERTAIN
    assert -14.0 < outdoors.show(-10.0, -14.0, room=20.35, hours=4.0)[0] < -12.5
    assert outdoors.show(-10.0, -14.0, room=20.0, hours=4.0)[0] == pytest.approx(-14.0)
    assert outdoors.show(-10.0, -14.0, room=21.0, hours=6.0)[0] == pytest.approx(-10.0)


def test_a_wild_sensor_moves_the_mean_by_no_more_than_three_kelvins() -> None:
    assert settled().show(30.0, -20.0, room=20.0)[0] == pytest.approx(-17.0)


def test_what_was_usual_does_not_follow_while_the_sensors_disagree() -> None:
    assert settled().show(-10.0, -16.0, room=18.0, hours=200.0)[0] == pytest.approx(-16.0)


@pytest.mark.parametrize(("hours", "rooms"), [(12.0, 3), (30.0, 1)], ids=["not known", "a single room"])
def test_rooms_that_know_too_little_do_not_choose(hours: float, rooms: int) -> None:
    outdoors = settled(hours=hours, rooms=rooms)
    assert outdoors.show(-10.0, -14.0, room=22.0, hours=3.0, rooms=rooms) == (-14.0, "colder_of_two")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-60, 60), st.floats(-60, 60), st.one_of(st.just(math.nan), st.floats(-20, 60))),
        min_size=1,
        max_size=30,
    )
)
def test_it_is_always_between_both_sensors(shown: list[tuple[float, float, float]]) -> None:
    outdoors = settled()
    for first, second, room in shown:
        value, _ = outdoors.show(first, second, room)
        assert min(first, second) - 1e-9 <= value <= max(first, second) + 1e-9


def test_what_is_usual_in_the_rooms_survives_a_restart() -> None:
    fresh = Outdoors()
    fresh.witness.restore(json.loads(json.dumps(settled().witness.state())))
    assert fresh.show(-10.0, -14.0, room=21.0) == (pytest.approx(-10.0), "rooms_of_two")


@pytest.mark.parametrize(
    "pair", [None, 3, {"usual": "warm", "known": 1e9}, {"known": 1e9}], ids=["none", "number", "text", "half"]
)
def test_odd_state_is_left_out(pair: object) -> None:
    outdoors = Outdoors()
    outdoors.witness.restore({"pair": pair})
    assert outdoors.show(-10.0, -14.0, room=21.0) == (-14.0, "colder_of_two")


def test_the_demo_station_tells_that_its_sensors_disagree(desk: Desk) -> None:
    assert desk[OUTDOOR].reason == ""
    desk.set(f"{OUTDOOR}_1", -5.0)
    desk.run(10)
    assert (desk[OUTDOOR].value, desk[OUTDOOR].reason) == (-10.0, "colder_of_two")
    assert ("sensors_disagree", OUTDOOR) in desk.alarms()
    desk.set(f"{OUTDOOR}_1", -10.0)
    desk.run(10)
    assert desk[OUTDOOR].reason == ""
    assert "sensors_disagree" not in desk.codes()


def test_one_of_both_is_enough(desk: Desk) -> None:
    desk.set(f"{OUTDOOR}_2", -12.0)
    desk.fail(f"{OUTDOOR}_1")
    desk.run(10)
    assert (desk[OUTDOOR].value, desk[OUTDOOR].reason) == (-12.0, "second_sensor")
    assert "outdoor_lost" not in desk.codes()
