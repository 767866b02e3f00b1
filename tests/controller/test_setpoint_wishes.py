"""Wishes from outside: remote offset and set-point, shortage."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from conftest import Desk
from setpoint_desk import DEMAND, ask, everything, sections

from controller.commands import Command, CommandKind
from controller.control.blocks.loop.fixed_opening import FixedOpeningSettings
from controller.control.blocks.setpoint.remote import RemoteSettings
from controller.control.blocks.setpoint.shortage import ShortageSettings
from controller.control.circuits.circuit_mode import MODES
from controller.points import Override, Quality


def test_a_wish_ends_by_itself(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(remote=RemoteSettings()))
    desk.run(10)
    point = desk["low.remote_offset"]
    assert (point.quality, point.reason) == (Quality.BAD, "no_wish")
    assert ask(desk, "low.remote_offset", 3.0, lasts_s=1800.0).accepted
    desk.run(700)
    assert desk[DEMAND].value == pytest.approx(52.0)
    assert (point.value, point.quality) == (3.0, Quality.GOOD)
    assert "remote_offset" in desk.reason("low.remote_offset")
    desk.run(1100)
    assert point.reason == "no_wish"
    desk.run(610)
    assert desk[DEMAND].value == pytest.approx(49.0)


def test_a_write_without_an_end_lasts_two_hours(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(remote=RemoteSettings()))
    desk.scan()
    desk.scan(Command(CommandKind.WRITE, "low.remote_setpoint", 45.0, "wang", "opcua"))
    desk.run(7190, dt=5.0)
    assert desk["low.remote_setpoint"].value == 45.0
    desk.run(20, dt=5.0)
    assert desk["low.remote_setpoint"].reason == "no_wish"


def test_an_end_can_be_given_and_a_wish_be_given_back(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(shortage=ShortageSettings()))
    desk.scan()
    assert ask(desk, "low.shortage_share", 0.6, CommandKind.OVERRIDE, 600.0).accepted
    desk.run(598)
    assert desk["low.shortage_share"].value == 0.6
    desk.run(3)
    assert desk["low.shortage_share"].reason == "no_wish"
    assert ask(desk, "low.shortage_share", 0.6).accepted
    assert ask(desk, "low.shortage_share", 0.0, CommandKind.RELEASE).accepted
    assert desk["low.shortage_share"].reason == "no_wish"
    done = [(event.code, event.user) for event in desk.events if event.kind == "effect"]
    assert done == [("override_done", "wang"), ("write_done", "wang"), ("release_done", "wang")]


@pytest.mark.parametrize(
    ("point", "value", "lasts_s", "code"),
    [
        ("low.remote_offset", 5.1, 60.0, "outside_range"),
        ("low.remote_offset", math.nan, 60.0, "outside_range"),
        ("low.remote_setpoint", 20.0, 60.0, "outside_range"),
        ("low.remote_setpoint", 45.0, 86401.0, "override_too_long"),
        ("low.remote_setpoint", 45.0, 0.0, "override_too_long"),
        ("low.shortage_share", 0.4, 60.0, "outside_range"),
        ("low.shortage_supply", 29.0, 60.0, "outside_range"),
        ("low.outdoor_damped", 0.0, 60.0, "not_adjustable"),
        ("low.setpoint_limit", 0.0, 60.0, "not_adjustable"),
    ],
)
def test_refused_wishes(
    make_desk: Callable[..., Desk], point: str, value: float, lasts_s: float, code: str
) -> None:
    desk = make_desk(everything())
    desk.scan()
    before = desk[DEMAND].value
    assert ask(desk, point, value, lasts_s=lasts_s).code == code
    desk.run(60)
    assert desk[DEMAND].value == pytest.approx(before, abs=1.5)


def test_a_wish_that_no_mode_follows_now_is_taken_and_said_to_wait(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(remote=RemoteSettings(), fixed_opening=FixedOpeningSettings(opening=60.0)))
    desk.run(5)
    assert ask(desk, "low.remote_offset", 3.0).code == "taken"
    assert ask(desk, "low.mode", float(MODES.index("fixed_opening"))).accepted
    desk.run(5)
    assert ask(desk, "low.remote_setpoint", 45.0).code == "taken_rests"
    assert ask(desk, "low.remote_setpoint", 0.0, CommandKind.RELEASE).code == "taken"
    assert ask(desk, "low.mode", 0.0).accepted
    desk.run(5)
    assert ask(desk, "low.remote_setpoint", 45.0).code == "taken"


def test_wishes_are_writable_in_the_catalogue(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(remote=RemoteSettings(), shortage=ShortageSettings()))
    rows = {info.name: info for info in desk.station.catalogue if info.role == "wish"}
    assert set(rows) == {
        "low.remote_offset",
        "low.remote_setpoint",
        "low.shortage_share",
        "low.shortage_supply",
    }
    assert all(info.writable for info in rows.values())
    assert (rows["low.remote_setpoint"].low, rows["low.remote_setpoint"].high) == (25.0, 65.0)


def test_a_wish_outlives_a_broken_circuit(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(sections(remote=RemoteSettings()))
    desk.scan()
    assert ask(desk, "low.remote_offset", 3.0).accepted
    desk.run(5)
    holder = desk.station.circuits[0]
    holder.circuit.control.step = None  # type: ignore[method-assign,assignment]
    desk.run(2)
    assert holder.broken
    desk.run(15)
    assert not holder.broken
    assert desk["low.remote_offset"].value == 3.0
    assert ask(desk, "low.remote_offset", 1.0).accepted
    desk.run(2)
    assert desk["low.remote_offset"].value == 1.0


def test_a_restart_takes_the_wishes_that_were_kept_and_no_others(make_desk: Callable[..., Desk]) -> None:
    """The blocks' state may be a minute old: a wish in it that was given back must not come to life again."""
    edit = sections(remote=RemoteSettings(), shortage=ShortageSettings())
    desk, fresh = make_desk(edit), make_desk(edit)
    desk.scan()
    assert ask(desk, "low.remote_offset", 3.0).accepted
    fresh.station.restore(desk.station.state())
    kept = {
        "low.remote_setpoint": Override(45.0, "wang", "opcua", fresh.now + 600.0),
        "low.shortage_share": Override(0.1, "wang", "opcua", fresh.now + 600.0),
        "low.shortage_supply": Override(40.0, "wang", "opcua", fresh.now + 9e9),
    }
    fresh.station.restore_overrides(kept, fresh.now)
    fresh.run(5)
    assert fresh["low.remote_offset"].reason == "no_wish"
    assert fresh["low.remote_setpoint"].value == 45.0
    assert fresh["low.shortage_share"].reason == "no_wish", "the file does not allow it"
    assert fresh["low.shortage_supply"].value == 40.0, "cut to the longest that the file allows"
    fresh.run(600, dt=5.0)
    assert fresh["low.remote_setpoint"].reason == "no_wish"
