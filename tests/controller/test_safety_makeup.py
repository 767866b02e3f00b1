"""Rows of makeup, pumps and standing water: leaks told, air in the makeup pump, bypass, draining."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controller.settings.station import StationFile
from drivers.readings import Fault

BYPASSES = {"low.pump_1_bypass": "contacts.channel_6", "low.makeup_1_bypass": "contacts.channel_7"}


@pytest.fixture
def with_bypass(make_desk: Callable[..., Any]) -> Any:
    """A station that is told of mains bypasses."""

    def edit(file: StationFile) -> None:
        contact = file.points["station.flood"]
        for name, source in BYPASSES.items():
            file.points[name] = contact.model_copy(update={"source": source})

    desk = make_desk(edit)
    desk.run(30)
    desk.open_valve()
    return desk


def guard_of(desk: Any) -> Any:
    return desk.station.circuits[0].circuit.pressure_holding.guard


def low(desk: Any, pressure: float = 335.0, flow: float = 5.0) -> None:
    """The return pressure stands there while makeup has this flow."""
    desk.set("low.return_pressure", pressure)
    desk.set("low.supply_pressure", pressure + 90.0)
    desk.set("low.makeup_flow", flow)


# ---- what the guard sees


@pytest.mark.parametrize(
    ("leak", "code", "priority"),
    [
        (0.15, None, None),
        (0.25, "makeup_warning", "warning"),
        (0.5, "leak_alarm", "high"),
        (0.9, "leak_urgent", "urgent"),
    ],
)
def test_a_leak_is_told_by_its_stage(desk: Any, leak: float, code: str | None, priority: str | None) -> None:
    """40 m³: 0.5 % is 0.2 m³/h."""
    guard_of(desk).balance.leak = leak
    desk.run(580)
    assert not desk.codes()
    desk.run(40)
    told = {(a.code, a.priority) for a in desk.station.alarms.view()}
    assert told == ({(code, priority)} if code else set())
    assert not desk["low.makeup_1_run"].on
    guard_of(desk).balance.leak = 0.0
    desk.run(630)
    assert not desk.codes()


def test_a_makeup_pump_that_never_stops_is_told_once(desk: Any) -> None:
    low(desk, 345.0)
    desk.run(1)
    low(desk, 338.0)
    desk.run(1790)
    assert "makeup_overrun" not in desk.codes()
    desk.run(700)
    assert ("makeup_overrun", "low") in desk.alarms()
    assert "makeup_warning" not in desk.codes()
    assert any(desk[f"low.makeup_{number}_run"].on for number in (1, 2))


def test_a_tank_that_fills_for_hours_is_told(desk: Any) -> None:
    level = 1.0
    for _ in range(60):
        desk.set("station.tank_level", level)
        desk.run(118, dt=2.0)
        level += 0.012
    assert "tank_fill_long" not in desk.codes()
    desk.run(200, dt=2.0)
    assert ("tank_fill_long", "station.tank_inlet") in desk.alarms()
    assert desk["station.tank_inlet"].on
    desk.set("station.tank_level", 1.9)
    desk.run(10)
    assert "tank_fill_long" not in desk.codes()


def test_a_tank_that_does_not_rise_is_told_within_minutes_and_its_inlet_rests(desk: Any) -> None:
    desk.set("station.tank_level", 1.0)
    desk.run(290)
    assert desk["station.tank_inlet"].on
    assert "tank_fill_long" not in desk.codes()
    desk.run(20)
    assert ("tank_fill_long", "station.tank_inlet") in desk.alarms()
    assert not desk["station.tank_inlet"].on
    assert "tank_rests" in desk.reason("station.tank_inlet")


def test_makeup_that_takes_all_that_comes_in_is_no_tank_that_does_not_rise(warm: Any) -> None:
    warm.set("station.tank_level", 1.0)
    low(warm, flow=6.0)
    warm.run(900)
    assert warm["station.tank_inlet"].on
    assert "tank_fill_long" not in warm.codes()


def test_a_full_tank_closes_its_inlet_whoever_holds_it_open(desk: Any) -> None:
    desk.override("station.tank_inlet", 1.0)
    desk.set("station.tank_level", 1.84)
    desk.run(60)
    assert desk["station.tank_inlet"].on
    desk.set("station.tank_level", 1.86)
    desk.run(12)
    assert not desk["station.tank_inlet"].on
    assert "rule_tank_full" in desk.reason("station.tank_inlet")
    desk.set("station.tank_level", 1.79)
    desk.run(2)
    assert desk["station.tank_inlet"].on


def overflow(desk: Any, shown: float = 1.7) -> None:
    """The tank fills, its level stands at what is shown, and the floor gets wet."""
    desk.set("station.tank_level", 1.1)
    desk.run(10)
    desk.set("station.tank_level", shown)
    desk.run(100)
    desk.set("station.flood", 1.0)
    desk.run(2)


def test_a_floor_that_gets_wet_while_the_tank_fills_closes_the_inlet(desk: Any) -> None:
    overflow(desk)
    assert ("tank_overflow", "station.tank_inlet") in desk.alarms()
    assert "flood" not in desk.codes()
    desk.override("station.tank_inlet", 1.0)
    desk.run(2)
    assert not desk["station.tank_inlet"].on
    desk.set("station.flood", 0.0)
    desk.run(3600, dt=2.0)
    assert not desk["station.tank_inlet"].on
    desk.set("station.tank_level", 1.49)  # a fifth of a metre has been used
    desk.run(3)
    assert desk["station.tank_inlet"].on
    assert "tank_overflow" not in desk.codes()


def test_a_tank_that_ran_over_is_not_empty_whatever_its_level_shows(desk: Any) -> None:
    desk.override("low.makeup_1_run", 1.0)
    overflow(desk, 0.35)
    desk.run(10)
    assert desk["low.makeup_1_run"].on
    assert "tank_low" not in desk.codes()


def test_a_mended_level_ends_an_overflow(desk: Any) -> None:
    overflow(desk)
    desk.set("station.tank_level", 2.0)
    desk.set("station.flood", 0.0)
    desk.run(30)
    assert "tank_overflow" not in desk.codes()


def test_a_floor_that_is_wet_before_the_tank_fills_is_no_overflow(desk: Any) -> None:
    desk.set("station.flood", 1.0)
    desk.run(200)
    desk.set("station.tank_level", 1.1)
    desk.run(200)
    assert desk["station.tank_inlet"].on
    assert set(desk.codes()) == {"flood"}


def test_a_tank_that_rises_with_its_inlet_closed_is_told(desk: Any) -> None:
    for step in range(150):
        desk.set("station.tank_level", 1.5 + step * 7e-4)
        desk.run(1)
    assert ("tank_rises", "station.tank_inlet") in desk.alarms()
    desk.run(620)
    assert "tank_rises" not in desk.codes()


@pytest.mark.parametrize(("step", "seconds"), [(0.3, 600), (0.00002, 3000)])
def test_a_level_that_jumps_or_drifts_is_no_water(desk: Any, step: float, seconds: int) -> None:
    level = 1.2
    for second in range(seconds):
        level += step if step < 0.1 or second == 60 else 0.0
        desk.set("station.tank_level", level)
        desk.run(1)
    assert "tank_rises" not in desk.codes()


def test_a_new_set_point_moves_the_alarms_with_it(desk: Any) -> None:
    desk.write("low.makeup.setpoint", 250.0)
    desk.set("low.supply_pressure", 340.0)
    desk.set("low.return_pressure", 250.0)
    desk.run(120)
    assert not {"pressure_low", "over_pressure"} & desk.codes()
    desk.set("low.supply_pressure", 430.0)
    desk.set("low.return_pressure", 340.0)
    desk.run(10)
    assert ("over_pressure", "low") in desk.alarms()


# ---- air in the makeup pump


def test_a_level_that_lies_does_not_ruin_the_makeup_pump(warm: Any) -> None:
    for pump in ("low.makeup_1", "low.makeup_2"):
        warm.set(f"{pump}_frequency", 50.0)
    low(warm, flow=0.0)
    warm.run(40)
    assert warm["low.makeup_1_run"].on
    warm.run(10)
    assert not warm["low.makeup_1_run"].on
    assert ("makeup_dry", "low") in warm.alarms()
    assert "rule_makeup_dry" in warm.reason("low.makeup_1_run")
    assert not warm["low.makeup_2_run"].on
    warm.run(610)
    assert any(warm[f"low.makeup_{number}_run"].on for number in (1, 2))  # tried again
    warm.run(100)
    assert "makeup_dry" in warm.codes()
    warm.run(1100)
    assert "makeup_dry" in warm.codes()  # the second pause is twice as long


def test_a_pump_that_turns_slowly_is_given_longer_to_lift(warm: Any) -> None:
    """Its drive ramps for five minutes."""
    low(warm, flow=0.0)

    def ramp(seconds: int) -> None:
        for _ in range(seconds):
            for pump in ("low.makeup_1", "low.makeup_2"):
                warm.set(f"{pump}_frequency", max(warm[f"{pump}_frequency"].value, 20.0) + 0.15)
            warm.run(1)

    ramp(80)
    assert warm["low.makeup_1_run"].on
    ramp(20)
    assert ("makeup_dry", "low") in warm.alarms()


def test_a_leak_as_large_as_the_pump_is_no_air(warm: Any) -> None:
    low(warm, flow=6.0)
    warm.run(900)
    assert "makeup_dry" not in warm.codes()
    assert any(warm[f"low.makeup_{number}_run"].on for number in (1, 2))


def test_a_pressure_that_rises_or_holds_is_no_air(warm: Any) -> None:
    for step in range(100):
        low(warm, 335.0 + 0.25 * min(step, 60), flow=0.0)
        warm.run(4)
    assert "makeup_dry" not in warm.codes()


def test_without_a_meter_the_current_tells(warm: Any) -> None:
    warm.fail("low.makeup_flow")
    for pump in ("low.makeup_1", "low.makeup_2"):
        warm.set(f"{pump}_current", 4.0)
        warm.set(f"{pump}_frequency", 30.0)
    for step in range(30):
        low(warm, 325.0 + 0.8 * step)
        warm.run(5)
    low(warm, 335.0)
    for pump in ("low.makeup_1", "low.makeup_2"):
        warm.set(f"{pump}_frequency", 40.0)
    warm.run(200)
    assert "makeup_dry" not in warm.codes()
    for pump in ("low.makeup_1", "low.makeup_2"):
        warm.set(f"{pump}_current", 2.0)
    warm.run(100)
    assert ("makeup_dry", "low") in warm.alarms()


@pytest.mark.parametrize("level_lost", [False, True])
def test_without_any_meter_no_rise_counts_only_when_the_level_is_lost(warm: Any, level_lost: bool) -> None:
    warm.fail("low.makeup_flow")
    for pump in ("low.makeup_1", "low.makeup_2"):
        warm.fail(f"{pump}_current")
    if level_lost:
        warm.fail("station.tank_level")
    low(warm)
    warm.run(80)
    assert warm["low.makeup_1_run"].on
    warm.run(60)
    assert ("makeup_dry" in warm.codes()) is level_lost


def test_every_pressure_lost_makeup_is_stopped_by_no_row(warm: Any) -> None:
    """What the blocks make of it is theirs; the table leaves it free."""
    for sensor in ("return_pressure", "supply_pressure", "differential_pressure"):
        warm.fail(f"low.{sensor}")
    warm.run(300)
    for number in (1, 2):
        assert warm.output(f"low.makeup_{number}_run").limit.high >= 1.0


# ---- pumps


def test_a_bypass_counts_as_running(with_bypass: Any) -> None:
    with_bypass.set("low.pump_1_bypass", 1.0)
    with_bypass.set("low.pump_1_running", 0.0)
    with_bypass.fail("low.differential_pressure")
    with_bypass.run(30)
    assert with_bypass["low.circulation"].show() == "yes"
    assert ("pump_on_mains", "low.pump_1") in with_bypass.alarms()
    assert not {"no_circulation", "pump_failed", "circulation_unknown"} & with_bypass.codes()
    assert with_bypass["low.valve_command"].value > 30.0


def test_a_bypass_denies_a_power_failure(with_bypass: Any) -> None:
    for number in (1, 2):
        with_bypass.set(f"low.pump_{number}_running", 0.0)
    with_bypass.set("low.pump_1_bypass", 1.0)
    with_bypass.set("station.power_failure", 1.0)
    with_bypass.run(10)
    assert "power_failure" not in with_bypass.codes()
    with_bypass.set("low.pump_1_bypass", 0.0)
    with_bypass.run(10)
    assert "power_failure" in with_bypass.codes()


def test_a_bypass_that_cannot_be_read_is_none(with_bypass: Any) -> None:
    with_bypass.set("low.pump_1_bypass", 1.0)
    with_bypass.fail("low.pump_1_bypass", Fault.NO_REPLY)
    with_bypass.run(10)
    assert "pump_on_mains" not in with_bypass.codes()


def test_a_makeup_pump_on_mains_is_told(with_bypass: Any) -> None:
    with_bypass.set("low.makeup_1_bypass", 1.0)
    with_bypass.run(10)
    assert ("pump_on_mains", "low.makeup_1") in with_bypass.alarms()


def test_a_pump_that_failed_three_times_is_told_as_locked_out(warm: Any) -> None:
    pump = warm.station.circuits[0].circuit.circulation.pumps[1]
    pump.remember({"failures": 3, "failed": 1})
    warm.run(2)
    assert ("pump_locked_out", "low.pump_2") in warm.alarms()
    pump.forgive()
    warm.run(2)
    assert "pump_locked_out" not in warm.codes()


# ---- standing water


def stop(desk: Any) -> None:
    for number in (1, 2):
        desk.set(f"low.pump_{number}_running", 0.0)
    desk.set("low.differential_pressure", 0.0)


def test_standing_in_the_cold_asks_for_a_decision_with_the_time_left(desk: Any) -> None:
    """25 °C at −10 °C: 88 min to freeze, of which 30 have passed when it is told."""
    desk.set("low.return_temperature", 25.0)
    desk.run(10)
    stop(desk)
    desk.run(1795)
    assert "standing_cold" not in desk.codes()
    desk.run(10)
    alarm = next(a for a in desk.station.alarms.view() if a.code == "standing_cold")
    assert {name: value for name, value, _ in alarm.values}["minutes"] == pytest.approx(58.0, abs=1.0)
    desk.set("low.pump_1_running", 1.0)
    desk.set("low.differential_pressure", 120.0)
    desk.run(5)
    assert "standing_cold" not in desk.codes()


def test_standing_in_mild_weather_asks_nothing(desk: Any) -> None:
    desk.set("station.outdoor_temperature", -4.0)
    desk.run(10)
    stop(desk)
    desk.run(2000)
    assert "standing_cold" not in desk.codes()


def test_a_pump_that_a_person_runs_slowly_sucks_no_air(warm: Any) -> None:
    """It makes no head against the loop: makeup must not rest for that when a leak begins."""
    low(warm, pressure=345.0, flow=0.0)
    warm.override("low.makeup_2_run", 1.0)
    warm.set("low.makeup_2_frequency", 20.0)
    warm.set("low.makeup_2_running", 1.0)
    warm.run(600)
    assert "makeup_dry" not in warm.codes()
    warm.set("low.makeup_2_frequency", 45.0)
    warm.run(100)
    assert "makeup_dry" in warm.codes()
