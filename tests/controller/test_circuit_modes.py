"""Modes of a circuit at the desk: who may choose them, what they ask for, and that a change is no bump."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from conftest import Desk
from setpoint_desk import DEMAND, SETPOINT, ask, sections

from controller.control.blocks.setpoint.learned_curve import LearnedCurveSettings
from controller.control.blocks.setpoint.remote import RemoteSettings
from controller.control.blocks.setpoint.room_influence import RoomInfluenceSettings
from controller.control.circuits.circuit_mode import MODES
from controller.control.circuits.setpoint_settings import ConstantSupplySettings
from controller.settings.station import StationFile

MODE, IN_FORCE = "low.mode", "low.mode_in_force"


def choose(desk: Desk, mode: str) -> None:
    desk.write(MODE, MODES.index(mode))


def with_modes(mode: str = "heat_curve", **given: object) -> Callable[[StationFile], None]:
    """All modes' sections, the given ones besides, and one mode in force from the start."""
    put = sections(constant_supply=ConstantSupplySettings(supply=55.0), **given)

    def edit(file: StationFile) -> None:
        put(file)
        file.circuits["low"].mode = float(MODES.index(mode))

    return edit


# ---- who may choose


def test_a_station_without_sections_has_the_heat_curve_only(desk: Desk) -> None:
    answer = ask(desk, MODE, MODES.index("constant_supply"))
    assert (answer.accepted, answer.code) == (False, "section_missing")
    assert ask(desk, MODE, 17.0).code == "outside_range"
    assert desk[IN_FORCE].show() == "heat_curve"
    assert "mode" not in desk.reason("low.valve_command")


def test_a_mode_whose_section_has_gone_is_not_taken_up_again(
    make_desk: Callable[..., Desk], desk: Desk
) -> None:
    chosen = float(MODES.index("constant_supply"))
    kept = make_desk(with_modes())
    for one in (kept, desk):
        one.station.restore_setting(MODE, chosen)
        one.run(2)
    assert kept[IN_FORCE].show() == "constant_supply"
    assert desk[IN_FORCE].show() == "heat_curve"


# ---- constant supply


def test_a_constant_supply_minds_no_weather(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(with_modes("constant_supply"))
    for outdoor in (-25.0, 5.0):
        desk.set("station.outdoor_temperature", outdoor)
        desk.run(120)
        assert desk[DEMAND].value == 55.0
    assert {"mode", "constant_supply_wants"} <= set(desk.reason("low.valve_command"))
    assert "curve" not in desk.reason(SETPOINT)
    assert desk.reason(IN_FORCE) == ["mode"]
    desk.write("low.constant_supply.supply", 50.0)
    desk.run(2)
    assert desk[DEMAND].value == 50.0
    desk.write("low.supply.max", 45.0)
    desk.run(2)
    assert desk[DEMAND].value == 45.0


def test_a_constant_supply_goes_over_by_the_ramp_and_back(make_desk: Callable[..., Desk]) -> None:
    def edit(file: StationFile) -> None:
        with_modes()(file)
        file.circuits["low"].supply.ramp = 36.0

    desk = make_desk(edit)
    desk.run(30)
    rows = [desk[SETPOINT].value]
    for mode in ("constant_supply", "heat_curve"):
        choose(desk, mode)
        rows.append(desk[SETPOINT].value)
        for _ in range(700):
            desk.scan()
            rows.append(desk[SETPOINT].value)
        assert rows[-1] == pytest.approx(55.0 if mode == "constant_supply" else 49.0)
    assert max(abs(b - a) for a, b in pairwise(rows)) <= 0.0101


def test_behind_a_constant_supply_nothing_winds_up_or_learns(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(
        with_modes(
            "constant_supply",
            room_influence=RoomInfluenceSettings(integral_time=1800.0),
            learned_curve=LearnedCurveSettings(),
        )
    )
    for room in (1, 2, 3):
        desk.set(f"low.room_temperature_{room}", 20.8)
    desk.run(3600, dt=2.0)
    shares = desk.station.circuits[0].circuit.setpoint.shares
    assert shares.rooms is not None
    assert shares.learned is not None
    assert abs(shares.rooms.integral) < 0.2
    assert shares.learned.day.state()["known"] == 0.0


def test_a_remote_setpoint_beats_the_constant_one(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(with_modes("constant_supply", remote=RemoteSettings()))
    desk.run(10)
    assert ask(desk, "low.remote_setpoint", 45.0).accepted
    desk.run(700)
    assert desk[DEMAND].value == pytest.approx(45.0)
    choose(desk, "heat_curve")
    desk.run(5)
    assert desk[DEMAND].value == pytest.approx(45.0)
