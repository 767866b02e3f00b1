"""What people and systems further up want of the set-point: weekly schedule, offset, set-point."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from controller.control.blocks.setpoint.remote import Kind, RemoteInfluence, RemoteSettings
from controller.control.blocks.setpoint.schedule import ScheduleSettings, WeeklySchedule, refuses_housing
from controller.control.blocks.setpoint.wish import WishSlot
from controller.settings.load import read_tree, validate
from tests.controller.blocks_points import codes, temperature

MON, FRI, SAT, SUN = 0, 4, 5, 6
HOUR = 3600.0


def school(**settings: object) -> WeeklySchedule:
    days = {"mon-fri": ["07:00-18:00"], "sat": ["08:00-12:00"]}
    return WeeklySchedule(ScheduleSettings.model_validate({"days": days, **settings}), "school 3")


def share(block: WeeklySchedule, day: int | None, hour: float | None, outdoor: float | None = 5.0) -> float:
    """Settled: past the 10 min that a change takes."""
    second = None if hour is None else hour * HOUR
    for _ in range(2):
        value = block.step(day, second, temperature(outdoor), 601.0)
    return value


@pytest.mark.parametrize(
    ("text", "days"),
    [("mon-fri", (0, 1, 2, 3, 4)), ("sat", (5,)), ("Sat - Mon", (0, 5, 6)), ("mon, wed", (0, 2)),
     ("daily", tuple(range(7))), ("周一至周五", (0, 1, 2, 3, 4)), ("周六、周日", (5, 6))],
)  # fmt: skip
def test_days_as_people_write_them(text: str, days: tuple[int, ...]) -> None:
    settings = ScheduleSettings.model_validate({"days": {text: ["07:00-18:00"]}})
    assert list(settings.days) == [days]


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon-tue-wed", "1-5", "workdays"])
def test_what_names_no_days_is_told(text: str) -> None:
    with pytest.raises(ValidationError) as problem:
        ScheduleSettings.model_validate({"days": {text: ["07:00-18:00"]}})
    assert problem.value.errors()[0]["type"] == "not_days"


@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [
        (MON, 12, 0),
        (MON, 17.99, 0),
        (MON, 18.01, -6),
        (MON, 2, -6),
        (SAT, 9, 0),
        (SAT, 13, -6),
        (SUN, 12, -6),
    ],
)
def test_setback_outside_the_hours_of_use(day: int, hour: float, expected: float) -> None:
    assert share(school(), day, hour) == expected


@pytest.mark.parametrize(("outdoor", "expected"), [(5, -6), (-5, -6), (-10, -3), (-15, 0), (-30, 0)])
def test_the_setback_fades_in_the_cold(outdoor: float, expected: float) -> None:
    assert share(school(), SUN, 12, outdoor) == pytest.approx(expected)


@pytest.mark.parametrize(("outdoor", "minutes"), [(10, 0), (5, 0), (-3.5, 60), (-12, 120), (-14, 120)])
def test_heat_comes_back_earlier_when_it_is_cold(outdoor: float, minutes: float) -> None:
    block = school(none_below="-20 °C")
    begin = 7 - (minutes * 60 + block.stagger) / HOUR
    assert share(block, MON, begin - 0.01, outdoor) < 0
    assert share(block, MON, begin + 0.01, outdoor) == 0.0
    assert codes(block.explain()) == ["schedule_heating_up"]


def test_stations_start_within_twenty_minutes_of_each_other() -> None:
    settings = ScheduleSettings.model_validate({"days": {"daily": ["07-18"]}})
    found = [WeeklySchedule(settings, f"station {number}").stagger for number in range(400)]
    assert 0 <= min(found) < 60 < 1140 < max(found) <= 1200
    assert WeeklySchedule(settings, "a").stagger == WeeklySchedule(settings, "a").stagger


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    block = WeeklySchedule(
        ScheduleSettings.model_validate({"days": {"fri": ["22:00-02:00"]}}), "night school"
    )
    assert [share(block, FRI, 23), share(block, SAT, 1), share(block, SAT, 3), share(block, FRI, 1)] == [
        0, 0, -6, -6]  # fmt: skip


def test_the_lead_reaches_back_over_midnight() -> None:
    block = WeeklySchedule(ScheduleSettings.model_validate({"days": {"sat": ["01:00-05:00"]}}), "early")
    assert share(block, FRI, 23.9, -12) == 0.0
    assert codes(block.explain()) == ["schedule_heating_up"]


def test_without_time_or_outdoor_temperature_it_is_comfort() -> None:
    block = school()
    assert share(block, SUN, 12) == -6
    assert share(block, None, None) == 0.0
    assert codes(block.explain()) == ["schedule_clock_unknown"]
    assert share(block, SUN, 12, None) == 0.0
    assert codes(block.explain()) == ["schedule_outdoor_unknown"]


def test_the_setback_comes_and_goes_without_a_bump() -> None:
    block = school()
    before = share(block, MON, 17.9)
    for second in range(int(17.9 * HOUR), int(18.5 * HOUR), 10):
        after = block.step(MON, float(second), temperature(5.0), 10.0)
        assert abs(after - before) <= 6.0 / 60 + 1e-9
        before = after
    assert before == -6.0


def test_schedules_are_refused_where_people_live() -> None:
    settings = school().settings
    assert refuses_housing(settings, "housing")
    assert not refuses_housing(settings, "school")
    assert not refuses_housing(settings, "office")
    assert not refuses_housing(None, "housing")


def test_the_schedule_survives_a_restart() -> None:
    block, again = school(), school()
    share(block, SUN, 12)
    again.restore(json.loads(json.dumps(block.state())))
    assert again.step(SUN, 12 * HOUR, temperature(5.0), 1.0) == -6.0


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.integers(0, 6)), st.floats(0, 86400), st.floats(allow_nan=True)),
        max_size=30,
    )
)
def test_the_schedule_is_bounded_at_all_times(steps: list[tuple[int | None, float, float]]) -> None:
    block = school()
    for day, second, outdoor in steps:
        assert -6.0 <= block.step(day, second, temperature(outdoor), 60.0) <= 0.0


# ---- wishes


def test_a_wish_is_refused_out_of_range_or_too_long() -> None:
    slot = WishSlot(-5.0, 5.0, 86400.0)
    assert slot.refuses(5.1, 60) == slot.refuses(math.nan, 60) == "outside_range"
    assert slot.refuses(5.0, 86401) == slot.refuses(5.0, 0) == "override_too_long"
    assert slot.refuses(-5.0, 86400) == ""
    with pytest.raises(ValueError, match="outside_range"):
        slot.take(6.0, 60, "li", "panel", 0.0)


def test_a_wish_ends_by_itself_and_time_running_back_does_not_lengthen_it() -> None:
    slot = WishSlot(-5.0, 5.0, 600.0)
    slot.take(2.0, 600, "li", "panel", 1000.0)
    assert slot.alive(1599.0) is not None
    assert slot.alive(1600.0) is None
    slot.take(2.0, 600, "li", "panel", 1000.0)
    assert slot.alive(-5000.0) is None


@pytest.mark.parametrize(
    "odd",
    [
        None,
        3,
        [],
        {},
        {"value": "2", "expires": 9},
        {"value": math.nan, "expires": 9},
        {"value": 99.0, "expires": 9.0},
    ],
)
def test_an_odd_remembered_wish_is_dropped(odd: object) -> None:
    slot = WishSlot(-5.0, 5.0, 600.0)
    slot.restore(odd)
    assert slot.wish is None


# ---- remote


def remote() -> RemoteInfluence:
    return RemoteInfluence(RemoteSettings())


def ask(block: RemoteInfluence, kind: Kind, value: float, seconds: float = 3600.0, now: float = 0.0) -> None:
    block.slots[kind].take(value, seconds, "dispatch", "uplink", now)


def run(block: RemoteInfluence, begin: float, end: float, own: float = 45.0) -> float:
    value = block.share.value
    for now in range(int(begin), int(end), 10):
        before, value = value, block.step(own, now + 10.0, 10.0)
        assert abs(value - before) <= 40 / 60 + 1e-9, "a bump"
    return value


def test_an_offset_comes_holds_and_fades_after_its_end() -> None:
    block = remote()
    ask(block, "offset", 4.0)
    assert run(block, 0, 300) == pytest.approx(2.0, abs=0.1)
    assert run(block, 300, 3590) == 4.0
    assert codes(block.explain()) == ["remote_offset"]
    assert run(block, 3590, 3890) == pytest.approx(2.0, abs=0.1)
    assert codes(block.explain()) == ["remote_fades"]
    assert run(block, 3890, 4300) == 0.0
    assert block.explain() is None


def test_a_remote_setpoint_holds_whatever_the_curve_does() -> None:
    block = remote()
    ask(block, "setpoint", 50.0)
    run(block, 0, 700, own=45.0)
    for own in (45.0, 47.0, 55.0, 20.0):
        assert own + block.step(own, 710.0, 10.0) == pytest.approx(50.0)
    assert codes(block.explain()) == ["remote_setpoint"]


def test_a_setpoint_beats_an_offset_and_hands_over_to_it() -> None:
    block = remote()
    ask(block, "offset", 2.0, 7200.0)
    ask(block, "setpoint", 50.0)
    assert run(block, 0, 1000) == pytest.approx(5.0)
    block.slots["setpoint"].clear()
    assert run(block, 1000, 1700) == pytest.approx(2.0)


def test_who_asked_and_how_long_it_holds_is_told() -> None:
    block = remote()
    ask(block, "offset", 4.0)
    run(block, 0, 1800)
    term = block.explain()
    assert term is not None
    values = {name: value for name, value, _ in term.values}
    assert (values["user"], values["source"], values["left"]) == ("dispatch", "uplink", 1800.0)


def test_a_restart_keeps_a_wish_that_still_holds_and_fades_one_that_has_ended() -> None:
    block = remote()
    ask(block, "offset", 4.0)
    run(block, 0, 1000)
    memory = json.loads(json.dumps(block.state()))
    soon, late = remote(), remote()
    soon.restore(memory)
    late.restore(memory)
    assert soon.step(45.0, 1200.0, 1.0) == pytest.approx(4.0)
    assert late.step(45.0, 90000.0, 300.0) == pytest.approx(2.0)
    assert late.step(45.0, 90300.0, 300.0) == 0.0


@given(
    st.lists(st.tuples(st.sampled_from(["offset", "setpoint"]), st.floats(allow_nan=True), st.floats(20, 70)))
)
def test_remote_stays_in_its_bounds(steps: list[tuple[Kind, float, float]]) -> None:
    block = remote()
    now = 0.0
    for kind, value, own in steps:
        now += 600.0
        if not block.slots[kind].refuses(value, 1200.0):
            ask(block, kind, value, 1200.0, now)
        assert -45.0 <= block.step(own, now, 60.0) <= 45.0, "25 … 65 °C against 20 … 70 °C of its own"


# ---- as a file says it


def test_a_schedule_is_read_from_a_file_with_places_for_its_slips() -> None:
    good = read_tree("days:\n  mon-fri: [07:00-18:00]\n  sat: [08:00-12:00, 14-16]\nsetback: 4 K\n")
    settings = validate(good, ScheduleSettings)
    assert settings is not None
    assert settings.days[(5,)] == [(28800.0, 43200.0), (50400.0, 57600.0)]
    assert settings.setback == 4.0
    for text, line in (("days:\n  mon: [7-18]\n", 2), ("days:\n  mon-fri: [07-18]\n  holiday: [08-12]\n", 3)):
        tree = read_tree(text)
        assert validate(tree, ScheduleSettings) is None
        assert [finding.line for finding in tree.findings] == [line]


def test_a_setback_of_the_rooms_is_one_of_the_supply_by_its_factor() -> None:
    assert share(school(room_setback="2 K", factor="3"), SUN, 12) == -6.0
    assert share(school(room_setback="3 K"), SUN, 12) == -7.5
