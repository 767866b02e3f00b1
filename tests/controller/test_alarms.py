"""The life of an alarm: causes, shelves, first-out, flood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.alarms import (
    CHATTERS,
    FLOOD_BEGINS,
    FREE,
    LINGERS_S,
    LONGEST_SHELF_S,
    QUIET_S,
    WITHIN_S,
    AlarmBook,
    Cause,
)
from controller.commands import Command, CommandKind
from controller.points import AlarmView
from controller.safety.causes import CAUSES
from controller.texts import catalogue

TABLE = (Cause("device_silent", frozenset({"input_bad"}), "device"), Cause("root", frozenset({"end"})))


def feeds(device: str, subject: str) -> bool:
    return device == "module" and subject.startswith("low.")


@pytest.fixture
def book() -> AlarmBook:
    return AlarmBook(TABLE, feeds)


def told(book: AlarmBook, after: float = 1.0) -> list[tuple[str, str]]:
    """(kind, code) of what one scan more says."""
    book.now += after
    return [(event.kind, event.code) for event in book.take_events()]


def row(book: AlarmBook, code: str) -> AlarmView:
    return next(view for view in book.view() if view.code == code)


def test_a_dead_module_is_one_alarm_and_its_points_stand_behind_it(book: AlarmBook) -> None:
    for number in range(16):
        book.report("input_bad", f"low.point_{number}", True, "warning")
    book.report("device_silent", "module", True, "high")
    said = told(book)
    assert said.count(("alarm", "device_silent")) == 1
    assert ("alarm", "input_bad") not in said
    assert said.count(("hidden", "input_bad")) == 16
    assert row(book, "input_bad").hidden_by == "device_silent@module"
    assert book.view()[0].code == "device_silent"
    assert told(book) == []


def test_what_remains_when_the_cause_has_gone_is_told(book: AlarmBook) -> None:
    book.report("input_bad", "low.point", True, "warning")
    book.report("device_silent", "module", True, "high")
    told(book)
    book.report("device_silent", "module", False, "high")
    assert ("alarm", "input_bad") not in told(book)
    assert told(book, LINGERS_S) == [("alarm", "input_bad")]
    assert row(book, "input_bad").hidden_by == ""


def test_what_ends_behind_its_cause_is_never_told(book: AlarmBook) -> None:
    book.report("input_bad", "low.point", True, "warning")
    book.report("device_silent", "module", True, "high")
    told(book)
    book.report("input_bad", "low.point", False, "warning")
    assert told(book) == []
    assert [view.code for view in book.view()] == ["device_silent"]


def test_other_devices_and_circuits_are_not_hidden(book: AlarmBook) -> None:
    book.report("device_silent", "other", True, "high")
    book.report("input_bad", "low.point", True, "warning")
    book.report("root", "low", True, "high")
    book.report("end", "middle.pump", True, "high")
    assert {code for kind, code in told(book) if kind == "alarm"} == {
        "device_silent", "input_bad", "root", "end"
    }  # fmt: skip


WATER = (Cause("moves", frozenset({"much"}), about="makeup_"),)


def test_a_row_about_some_subjects_leaves_the_others() -> None:
    book = AlarmBook(WATER)
    book.report("moves", "low.pump_1", True, "high")
    book.report("moves", "other.makeup_1", True, "high")
    book.report("much", "low", True, "high")
    assert ("alarm", "much") in told(book)
    book.report("much", "low", False, "high")
    told(book)
    book.report("moves", "low.makeup_2", True, "high")
    book.report("much", "low", True, "high")
    assert ("hidden", "much") in told(book)
    assert row(book, "much").hidden_by == "moves@low.makeup_2"


def test_no_alarm_hides_behind_a_weaker_one(book: AlarmBook) -> None:
    book.report("root", "low", True, "warning")
    book.report("end", "low", True, "urgent")
    assert ("alarm", "end") in told(book)


def test_the_first_of_a_burst_is_marked(book: AlarmBook) -> None:
    book.report("a", "low", True, "warning")
    told(book)
    book.report("b", "low", True, "urgent")
    told(book)
    assert [row(book, code).first for code in ("a", "b")] == [True, False]


def flood(book: AlarmBook) -> list[tuple[str, str]]:
    said = []
    for number in range(FLOOD_BEGINS + 5):
        book.report("a", f"low.{number}", True, "warning")
        said += told(book)
    return said


def test_a_flood_is_one_line_and_never_holds_back_the_urgent(book: AlarmBook) -> None:
    said = flood(book)
    assert said.count(("alarm", "a")) == FLOOD_BEGINS
    assert said.count(("hidden", "a")) == 5
    assert said.count(("alarm", "alarm_flood")) == 1
    book.report("b", "low", True, "urgent")
    assert told(book) == [("alarm", "b")]


def test_after_the_flood_what_waited_is_told_once(book: AlarmBook) -> None:
    flood(book)
    said = told(book, 700.0) + told(book)
    assert said.count(("alarm", "a")) == 5
    assert ("clear", "alarm_flood") in said
    assert told(book) == []


def test_an_alarm_that_comes_again_and_again_stands_until_it_is_quiet(book: AlarmBook) -> None:
    said = []
    for _ in range(40):
        for active in (True, False):
            book.report("edge", "low", active, "high")
            said += told(book, 60.0)
    assert said.count(("alarm", "edge")) == CHATTERS
    assert said.count(("clear", "edge")) == CHATTERS - 1
    book.report("edge", "low", False, "high")
    assert told(book, QUIET_S - 121.0) == []
    assert row(book, "edge").ended is None
    assert told(book, 62.0) == [("clear", "edge")]
    # After a long peace it is an alarm like any other.
    book.now += WITHIN_S
    book.report("edge", "low", True, "high")
    assert told(book) == [("alarm", "edge")]
    book.report("edge", "low", False, "high")
    assert told(book) == [("clear", "edge")]


def test_a_chattering_cause_that_is_quiet_hides_nothing(book: AlarmBook) -> None:
    for _ in range(CHATTERS):
        for active in (True, False):
            book.report("root", "low", active, "high")
            told(book, 60.0)
    assert row(book, "root").ended is None
    told(book, LINGERS_S)
    book.report("end", "low", True, "high")
    assert told(book) == [("alarm", "end")]


def test_a_slow_comer_is_no_chatter(book: AlarmBook) -> None:
    said = []
    for _ in range(12):
        for active in (True, False):
            book.report("daily", "low", active, "high")
            said += told(book, WITHIN_S / 4)
    assert said.count(("alarm", "daily")) == said.count(("clear", "daily")) == 12


def test_a_shelved_alarm_is_silent_visible_and_comes_back(book: AlarmBook) -> None:
    book.report("a", "low", True, "warning")
    told(book)
    book.shelve("a", "low", "li", 600.0, "spare part ordered")
    assert ("alarm", "a") not in told(book)
    view = row(book, "a")
    assert (view.hidden_by, view.shelved_by) == ("shelf", "li")
    assert view.shelved_until == pytest.approx(601.0)
    book.report("a", "low", False, "warning")
    told(book)
    book.report("a", "low", True, "warning")
    assert ("alarm", "a") not in told(book)
    said = told(book, 600.0)
    assert said == [("effect", "shelve_expired"), ("alarm", "a")]


def test_shelves_outlive_a_restart_with_the_time_they_had_left(book: AlarmBook) -> None:
    book.report("a", "low", True, "warning")
    told(book)
    book.shelve("a", "low", "li", 600.0, "")
    told(book, 200.0)
    again = AlarmBook(TABLE, feeds)
    again.now = 5.0
    again.restore(json.loads(json.dumps(book.state())))
    again.report("a", "low", True, "warning")
    assert ("alarm", "a") not in told(again)
    assert ("alarm", "a") not in told(again, 398.0)
    assert ("alarm", "a") in told(again, 5.0)


@pytest.mark.parametrize(
    "state", [None, [], {"shelves": 3}, {"shelves": [["a"], 3, ["a", "b", "x", "", ""]]}]
)
def test_an_odd_state_is_left_out(book: AlarmBook, state: object) -> None:
    book.restore(state)
    assert book.state() == {"shelves": []}


def shelve(code: str, lasts_s: float, kind: CommandKind = CommandKind.SHELVE) -> Command:
    return Command(kind, code, 0.0, "li", "panel", lasts_s, "waiting for a sensor")


def test_shelving_through_the_station(warm: Any) -> None:
    warm.set("station.flood", 1.0)
    warm.run(30)
    command = shelve("flood@station.flood", 3600.0)
    assert warm.station.check(command).accepted
    done = warm.scan(command)
    assert [e.code for e in done.events if e.kind == "effect"] == ["shelve_done"]
    view = next(v for v in warm.station.alarms.view() if v.code == "flood")
    assert view.shelved_by == "li"
    warm.scan(shelve("flood@station.flood", 0.0, CommandKind.UNSHELVE))
    assert ("flood", "station.flood") in warm.alarms()
    assert next(v for v in warm.station.alarms.view() if v.code == "flood").hidden_by == ""


def test_what_cannot_be_shelved(warm: Any) -> None:
    check = warm.station.check
    assert check(shelve("flood@station.flood", 60.0)).code == "no_such_alarm"
    warm.set("station.flood", 1.0)
    warm.set("station.emergency_stop", 1.0)
    warm.station.alarms.report("frost", "low", True, "urgent")
    warm.run(5)
    assert check(shelve("flood@station.flood", LONGEST_SHELF_S["high"] + 1)).code == "shelf_too_long"
    warm.station.alarms.report("frost", "low", True, "urgent")
    assert check(shelve("frost@low", 60.0)).code == "urgent_not_shelved"


def test_the_dead_temperature_module_of_the_demo_is_at_most_three_alarms(warm: Any) -> None:
    before = len(warm.events)
    warm.silent.add("temperatures")
    warm.run(600)
    said = [(e.code, e.subject) for e in warm.events[before:] if e.kind == "alarm"]
    assert said[0] == ("device_silent", "temperatures")
    assert len(said) <= 3, said


def test_the_table_of_causes_knows_its_codes_and_has_no_circle() -> None:
    known = {key.removeprefix("alarm.").removesuffix("_seen") for key in catalogue("en") if "_seen" in key}
    below: dict[str, set[str]] = {}
    for cause in CAUSES:
        assert {cause.code, *cause.hides} <= known | {FREE}, cause
        below.setdefault(cause.code, set()).update(cause.hides)

    def walk(code: str, path: tuple[str, ...]) -> None:
        assert code not in path, path
        for nxt in below.get(code, ()):
            walk(nxt, (*path, code))

    for code in below:
        walk(code, ())


@pytest.mark.parametrize(
    ("cause", "follows", "priority"),
    [
        (("input_bad", "low.secondary_flow"), ("mode_left", "low"), "warning"),
        (("no_circulation", "low"), ("mode_left", "low"), "warning"),
        (("exchanger_stuck", "low.exchanger_1"), ("exchanger_no_heat", "low"), "high"),
        (("exchangers_shut", "low"), ("supply_low", "low"), "high"),
        (("write_not_confirmed", "low.exchanger_1_open"), ("exchanger_stuck", "low.exchanger_1"), "high"),
        (("tank_overflow", "station.tank_inlet"), ("flood", "station.flood"), "high"),
        (("tank_rises", "station.tank_inlet"), ("flood", "station.flood"), "high"),
        (("pressure_drops", "low"), ("frost", "low"), "urgent"),
    ],
)
def test_what_follows_hides_behind_its_cause(
    cause: tuple[str, str], follows: tuple[str, str], priority: str
) -> None:
    book = AlarmBook(CAUSES, feeds)
    book.report(*cause, True, priority)
    book.report(*follows, True, priority)
    assert sorted(told(book)) == [("alarm", cause[0]), ("hidden", follows[0])]


@pytest.mark.parametrize(
    ("cause", "other"),
    [
        (("input_bad", "middle.secondary_flow"), ("mode_left", "low")),
        (("pressure_drops", "low"), ("over_temperature", "low")),
        (("pressure_drops", "low"), ("thermostat", "low")),
        (("pressure_drops", "middle"), ("frost", "low")),
        (("tank_fill_long", "station.tank_inlet"), ("flood", "station.flood")),
    ],
)
def test_what_does_not_follow_is_told(cause: tuple[str, str], other: tuple[str, str]) -> None:
    book = AlarmBook(CAUSES, feeds)
    book.report(*cause, True, "urgent")
    book.report(*other, True, "urgent")
    assert ("alarm", other[0]) in told(book)
