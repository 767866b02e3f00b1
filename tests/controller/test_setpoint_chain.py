"""The set-point as the station builds it: order of shares and limits, reasons, restart, no bumps."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from conftest import Desk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from setpoint_desk import DEMAND, EVENING, LIMIT, SETPOINT, amount, ask, everything, sections, terms

from controller.commands import CommandKind
from controller.control.blocks.setpoint.damped_outdoor import DampedOutdoorSettings
from controller.control.blocks.setpoint.meter_limit import MeterLimitSettings
from controller.control.blocks.setpoint.probing import ProbingSettings
from controller.control.blocks.setpoint.remote import RemoteSettings
from controller.control.blocks.setpoint.return_limit import ReturnLimitSettings
from controller.control.blocks.setpoint.room_influence import RoomInfluenceSettings
from controller.control.blocks.setpoint.schedule import ScheduleSettings
from controller.control.blocks.setpoint.shortage import ShortageSettings
from controller.control.blocks.setpoint.supply_rate import SupplyRateSettings
from controller.cycle import scan
from controller.settings.station import StationFile
from drivers.readings import Fault


def test_what_is_not_in_the_file_is_not_built(desk: Desk) -> None:
    setpoint = desk.station.circuits[0].circuit.setpoint
    assert set(setpoint.state()) == {"setpoint", "curve"}
    assert not setpoint.wishes
    assert not {"low.remote_offset", "low.shortage_share", "low.outdoor_damped"} & set(
        desk.station.image.points
    )
    assert desk[LIMIT].show() == "none"
    assert ask(desk, "low.remote_offset", 1.0).code == "not_adjustable"


def test_shares_add_up_in_the_explanation(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(everything())
    desk.wall += EVENING
    desk.set("station.wind_speed", 9.0)
    desk.set("station.solar_radiation", 200.0)
    desk.set("station.primary_return_temperature", 56.5)
    for room in (1, 2, 3):
        desk.set(f"low.room_temperature_{room}", 20.5)
    desk.run(60)
    assert ask(desk, "low.remote_offset", 1.5).accepted
    desk.run(1200)
    found = terms(desk)
    assert amount(found["curve"], "base") == 49.0
    assert amount(found["wind"], "share") == pytest.approx(1.5)
    assert amount(found["sun"], "share") == pytest.approx(-1.0)
    assert amount(found["schedule_setback"], "share") == pytest.approx(-3.0)
    assert amount(found["remote_offset"], "share") == pytest.approx(1.5)
    assert amount(found["return_limit"], "share") < -2.0
    parts = [{k: v for k, v, _ in term.values}.get("share", 0.0) for term in found.values()]
    assert desk[DEMAND].value == pytest.approx(49.0 + sum(float(part) for part in parts))
    assert found["learned_nothing"].values
    assert "outdoor_damped" in desk.reason(SETPOINT)


def test_a_damped_outdoor_temperature_is_what_the_curve_reads(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(damped_outdoor=DampedOutdoorSettings(time_constant=3600.0)))
    desk.run(30)
    desk.set("station.outdoor_temperature", -5.0)
    desk.run(3600)
    assert desk["low.outdoor_damped"].value == pytest.approx(-10 + 5 * (1 - math.exp(-1)), abs=0.05)
    assert desk[DEMAND].value == pytest.approx(49.0 - 0.8 * 5 * (1 - math.exp(-1)), abs=0.05)
    assert "outdoor_damped" in desk.reason(SETPOINT)


def test_schedule_needs_a_trusted_clock_and_knows_the_day(make_desk: Callable[..., Desk]) -> None:
    days = ScheduleSettings(days={(1,): [(7 * 3600.0, 18 * 3600.0)]})
    desk = make_desk(sections(schedule=days))
    desk.run(700)
    assert desk[DEMAND].value == 49.0, "a Tuesday morning"
    desk.wall += 86400.0
    desk.run(700)
    assert desk[DEMAND].value == pytest.approx(46.0), "a Wednesday"
    for _ in range(700):
        desk.now += 1.0
        scan(desk.station, desk.now, 0.0, desk.readings, clock_trusted=False)
        desk._read()
    assert desk[DEMAND].value == pytest.approx(49.0)
    assert "schedule_clock_unknown" in desk.reason(SETPOINT)


# ---- limits


def test_the_limit_with_the_last_word_is_a_point(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(return_limit=ReturnLimitSettings(follow_time=0.0), shortage=ShortageSettings()))
    desk.run(30)
    assert desk[LIMIT].show() == "none"
    desk.set("station.primary_return_temperature", 56.0)
    desk.run(600)
    assert desk[LIMIT].show() == "return_limit"
    assert desk.reason(LIMIT) == desk.reason(SETPOINT)
    assert ask(desk, "low.shortage_supply", 38.0).accepted
    desk.run(700)
    assert desk[LIMIT].show() == "shortage"
    assert desk[DEMAND].value == pytest.approx(38.0)
    desk.write("low.supply.min", 40.0)
    desk.run(2)
    assert desk[LIMIT].show() == "supply_min"
    desk.write("low.supply.min", 30.0)
    desk.set("station.primary_return_temperature", 50.0)
    assert ask(desk, "low.shortage_supply", 0.0, CommandKind.RELEASE).accepted
    desk.write("low.heat_curve.shift", 15.0)
    desk.write("low.supply.max", 60.0)
    desk.run(700)
    assert desk[LIMIT].show() == "supply_max"
    assert desk[DEMAND].value == 60.0


def test_shortage_cuts_what_the_return_limit_left(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(return_limit=ReturnLimitSettings(follow_time=0.0), shortage=ShortageSettings()))
    desk.set("station.primary_return_temperature", 70.0)
    desk.run(600)
    assert desk[DEMAND].value == pytest.approx(44.0), "5 K at most"
    assert ask(desk, "low.shortage_share", 0.7).accepted
    desk.run(700)
    assert desk[DEMAND].value == pytest.approx(20 + 24.0 * 0.7**0.81, abs=0.01)
    assert {"return_limit", "shortage_share"} <= set(terms(desk))


def test_a_return_limit_lets_go_of_cold_rooms_without_room_influence(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(return_limit=ReturnLimitSettings(follow_time=0.0)))
    desk.set("station.primary_return_temperature", 70.0)
    desk.run(600)
    for room in (1, 2, 3):
        desk.set(f"low.room_temperature_{room}", 19.5)
    desk.run(600)
    assert desk[DEMAND].value == 49.0
    assert "return_limit_rooms" in terms(desk)


def test_a_lost_return_sensor_gives_the_limit_up(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(return_limit=ReturnLimitSettings(follow_time=0.0)))
    desk.set("station.primary_return_temperature", 70.0)
    desk.run(600)
    desk.fail("station.primary_return_temperature")
    desk.run(600)
    assert desk[DEMAND].value == 49.0
    assert "return_limit_blind" in terms(desk)


def test_the_meter_limit_lowers_within_minutes(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(meter_limit=MeterLimitSettings(power={0.0: 1200.0})))
    for count in range(1200):
        desk.set("station.heat_power", 1400.0 + count % 2)
        desk.set("low.supply_temperature", desk[SETPOINT].value if count else 49.0)
        desk.scan()
    assert desk[DEMAND].value == pytest.approx(49.0 - 30.0 * 1190 / 3600, abs=0.5)
    assert desk[LIMIT].show() == "meter_limit"
    assert "meter_limit_power" in terms(desk)


def test_rate_limits_what_a_quick_ramp_would_do(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(supply_rate=SupplyRateSettings(rate=30.0)))
    desk.set("low.supply_temperature", 35.0)
    desk.run(120)
    assert desk[DEMAND].value == 49.0
    assert desk[SETPOINT].value == pytest.approx(40.0), "30 K/h for 10 min ahead of the water"
    assert desk[LIMIT].show() == "rate"
    assert "supply_rate" in terms(desk)


@pytest.mark.parametrize(("water", "setpoint"), [(5.0, 30.0), (85.0, 65.0)])
def test_the_rate_passes_no_limit(make_desk: Callable[..., Desk], water: float, setpoint: float) -> None:
    desk = make_desk(sections(supply_rate=SupplyRateSettings(rate=30.0)))
    desk.set("low.supply_temperature", water)
    desk.run(120)
    assert desk[SETPOINT].value == setpoint


def test_a_limiter_that_shuts_the_valve_is_probed(make_desk: Callable[..., Desk]) -> None:
    edit = sections(return_limit=ReturnLimitSettings(follow_time=0.0), probing=ProbingSettings())
    desk = make_desk(edit)
    desk.set("station.primary_return_temperature", 70.0)
    desk.set("low.supply_temperature", 60.0)
    desk.run(60)
    openings, probes = [], []
    for _ in range(1200):
        desk.scan()
        openings.append(desk["low.valve_command"].value)
        probes.append("probing" in desk.reason("low.valve_command"))
    begin = probes.index(True)
    assert probes[begin : begin + 181] == [True] * 180 + [False]
    assert max(openings[begin:]) == pytest.approx(20.0)
    assert openings[begin - 1] == 0.0
    assert openings[-1] == 0.0
    desk.set("station.primary_return_temperature", 40.0)
    desk.run(2400)
    assert "probing" not in desk.reason("low.valve_command")


# ---- what is cut does not wind up


def test_rooms_do_not_wind_up_behind_a_limit(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(room_influence=RoomInfluenceSettings(integral_time=1800.0)))
    for room in (1, 2, 3):
        desk.set(f"low.room_temperature_{room}", 20.5)
    desk.write("low.supply.max", 49.0)
    desk.run(3600)
    rooms = desk.station.circuits[0].circuit.setpoint.shares.rooms
    assert rooms is not None
    assert rooms.integral < 0.2
    desk.write("low.supply.max", 65.0)
    desk.run(1800)
    assert rooms.integral > 0.8


def test_rooms_do_not_work_against_a_remote_setpoint(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(
        sections(room_influence=RoomInfluenceSettings(integral_time=1800.0), remote=RemoteSettings())
    )
    for room in (1, 2, 3):
        desk.set(f"low.room_temperature_{room}", 20.5)
    desk.run(2)
    assert ask(desk, "low.remote_setpoint", 42.0).accepted
    desk.run(3600)
    assert desk[DEMAND].value == pytest.approx(42.0, abs=0.01)
    rooms = desk.station.circuits[0].circuit.setpoint.shares.rooms
    assert rooms is not None
    assert rooms.integral < 0.2


# ---- restart


def restarted(desk: Desk, make_desk: Callable[..., Desk], edit: Callable[[StationFile], None]) -> Desk:
    """Another controller with the state of the first, at the same sensors."""
    state = json.loads(json.dumps(desk.station.state()))
    again = make_desk(edit)
    again.now, again.wall = desk.now, desk.wall
    again.values, again.fixed = dict(desk.values), set(desk.fixed)
    again.station.restore(state)
    return again


def test_a_restart_is_no_bump_and_forgets_no_wish(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(everything())
    desk.wall += EVENING
    desk.set("station.wind_speed", 8.0)
    desk.set("station.primary_return_temperature", 58.0)
    desk.run(900)
    assert ask(desk, "low.remote_offset", 4.0).accepted
    assert ask(desk, "low.shortage_share", 0.8).accepted
    desk.run(900)
    again = restarted(desk, make_desk, everything())
    before = desk[DEMAND].value
    rows = []
    for _ in range(900):
        again.scan()
        rows.append(again[DEMAND].value)
    assert rows[0] == pytest.approx(before, abs=0.05)
    assert max(abs(b - a) for a, b in pairwise(rows)) < 0.05
    assert rows[-1] == pytest.approx(before, abs=1.0)
    assert again["low.remote_offset"].value == 4.0
    assert again["low.shortage_share"].value == 0.8
    again.now += 7200.0
    again.run(5)
    assert again["low.remote_offset"].reason == "no_wish"


ODD: list[object] = [
    None,
    "x",
    {},
    [],
    True,
    1e300,
    {"share": "y", "offset": 3, "model": [], "integral": None},
]


@given(st.sampled_from(ODD), st.sampled_from(ODD))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_odd_state_starts_afresh(make_desk: Callable[..., Desk], one: object, other: object) -> None:
    desk = make_desk(everything())
    setpoint = desk.station.circuits[0].circuit.setpoint
    keys = [*setpoint.state()]
    setpoint.restore({key: one if index % 2 else other for index, key in enumerate(keys)})
    desk.run(10)
    assert 30.0 <= desk[SETPOINT].value <= 65.0


# ---- no bumps, no nonsense


def test_nothing_that_comes_or_goes_is_a_bump(make_desk: Callable[..., Desk]) -> None:
    """Sensors that fail and mend, wishes that come and go: never more than their fades allow."""
    desk = make_desk(everything())
    desk.wall += EVENING
    desk.set("station.wind_speed", 12.0)
    desk.set("station.solar_radiation", 600.0)
    desk.set("station.primary_return_temperature", 60.0)
    desk.run(900)
    actions: list[Callable[[], object]] = [
        lambda: ask(desk, "low.remote_offset", -5.0),
        lambda: ask(desk, "low.remote_setpoint", 60.0),
        lambda: ask(desk, "low.remote_setpoint", 0.0, CommandKind.RELEASE),
        lambda: ask(desk, "low.shortage_supply", 35.0),
        lambda: desk.fail("station.wind_speed"),
        lambda: desk.fail("station.primary_return_temperature"),
        lambda: [desk.fail(f"low.room_temperature_{room}") for room in (1, 2, 3)],
        lambda: ask(desk, "low.shortage_supply", 0.0, CommandKind.RELEASE),
        lambda: [desk.fail(f"low.room_temperature_{room}", Fault.NONE) for room in (1, 2, 3)],
        lambda: desk.fail("station.primary_return_temperature", Fault.NONE),
        lambda: desk.fail("station.wind_speed", Fault.NONE),
    ]
    rows = [desk[DEMAND].value]
    for act in actions:
        act()
        for _ in range(200):
            desk.scan()
            rows.append(desk[DEMAND].value)
    assert max(abs(b - a) for a, b in pairwise(rows)) < 0.12
    assert max(rows) - min(rows) > 5.0


READING = st.one_of(st.floats(-60, 160), st.just(math.nan))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "station.outdoor_temperature",
                    "station.primary_return_temperature",
                    "station.heat_power",
                    "station.wind_speed",
                    "station.solar_radiation",
                    "low.supply_temperature",
                    "low.return_temperature",
                    "low.room_temperature_1",
                    "low.room_temperature_2",
                ]
            ),
            READING,
            st.floats(1, 5),
        ),
        min_size=1,
        max_size=25,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_readings_leave_the_setpoint_within_its_limits(
    make_desk: Callable[..., Desk], rows: list[tuple[str, float, float]]
) -> None:
    desk = make_desk(everything())
    desk.run(5)
    ask(desk, "low.remote_setpoint", 60.0)
    for name, value, dt in rows:
        if math.isnan(value):
            desk.fail(name)
        else:
            desk.fail(name, Fault.NONE)
            desk.set(name, value)
        desk.run(40, dt=dt)
        assert 30.0 <= desk[DEMAND].value <= 65.0
        assert 30.0 <= desk[SETPOINT].value <= 65.0
        assert 0.0 <= desk["low.valve_command"].demand <= 100.0
