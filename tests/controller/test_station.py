"""The station as a whole: scan order, broken circuits, commands, state, why."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.commands import Command, CommandKind
from controller.control.circuits.heating import HeatingCircuit
from controller.control.circuits.least import LeastControl
from controller.control.tick import Tick
from controller.points import Override, Quality
from drivers.readings import Fault, Reading

VALVE = "low.valve_command"


def break_circuit(monkeypatch: pytest.MonkeyPatch, where: str = "step") -> None:
    def explode(self: HeatingCircuit, tick: Tick, *_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(HeatingCircuit, where, explode)


# ---- first scan


def test_first_scan_without_any_reading_writes_nothing_dangerous(make_desk: Callable[..., Any]) -> None:
    """The valve's position is not known yet: it is left alone; the pumps start; makeup stands."""
    desk = make_desk(echo=False)
    for point in desk.values:
        desk.fail(point, Fault.NEVER_READ)
    done = desk.scan()
    written = dict(done.writes)
    assert ("valve", "command") not in written
    assert written["low_pump_1", "run"] == 1.0
    assert written["low_pump_2", "run"] == 0.0
    assert written["low_makeup_1", "run"] == written["low_makeup_2", "run"] == 0.0
    assert written["relays", "channel_1"] == written["relays", "channel_2"] == 0.0


def test_a_valve_that_cannot_be_asked_is_waited_for_15_s_at_most(make_desk: Callable[..., Any]) -> None:
    desk = make_desk(echo=False)
    desk.set("low.pump_1_running", 1.0)
    desk.fail("low.valve_position", Fault.NO_REPLY)
    desk.run(10)
    assert desk[VALVE].quality is Quality.BAD
    desk.run(10)
    assert desk[VALVE].quality is Quality.GOOD


@pytest.mark.parametrize("position", [0.0, 37.0, 100.0])
def test_control_begins_where_the_valve_really_stands(make_desk: Callable[..., Any], position: float) -> None:
    desk = make_desk()
    desk.values["low.valve_position"] = position
    desk.set("low.pump_1_running", 1.0)
    desk.scan()
    assert desk[VALVE].value == pytest.approx(position, abs=0.6)
    desk.run(5)
    assert desk[VALVE].value == pytest.approx(position, abs=4.0)


def test_a_late_supply_sensor_does_not_skip_the_ramp(make_desk: Callable[..., Any]) -> None:
    """The set-point starts from the water's 20 °C (at least the minimum), not from the curve's 49."""
    desk = make_desk()
    desk.set("low.supply_temperature", 20.0)
    for number in (1, 2):
        desk.fail(f"low.supply_temperature_{number}", Fault.NEVER_READ)
    desk.run(3)
    for number in (1, 2):
        desk.fail(f"low.supply_temperature_{number}", Fault.NONE)
    desk.run(20)
    assert desk["low.supply_setpoint"].value == pytest.approx(30.0, abs=0.3)


def test_setpoint_starts_again_from_the_water_after_it_stood_still(desk: Any) -> None:
    for number in (1, 2):
        desk.set(f"low.pump_{number}_running", 0.0)
    desk.set("low.supply_temperature", 38.0)
    desk.run(60)
    for number in (1, 2):
        desk.fixed.discard(f"low.pump_{number}_running")
    desk.run(60)
    assert 38.0 <= desk["low.supply_setpoint"].value <= 39.0


# ---- a circuit that throws


def test_outputs_take_their_failsafe_in_the_same_scan(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.override("low.makeup_1_run", 1.0)
    desk.station.image.outputs["low.makeup_1_run"].override = None
    desk.set("low.return_pressure", 330.0)
    desk.run(5)
    before = {name: desk[name].value for name in (VALVE, "low.pump_1_run", "low.pump_1_speed")}
    assert desk["low.makeup_1_run"].on
    break_circuit(monkeypatch)
    monkeypatch.setattr(LeastControl, "step", lambda *_: 1 / 0)
    desk.scan()
    assert {name: desk[name].value for name in before} == before
    assert not desk["low.makeup_1_run"].on
    assert not desk["low.relief_valve"].on
    assert desk[f"{VALVE}_reason"].show() == "failsafe"
    assert desk.reason(VALVE) == ["by_failsafe"]


def test_the_alarm_names_the_place(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    break_circuit(monkeypatch)
    desk.scan()
    alarm = next(a for a in desk.station.alarms.view() if a.code == "circuit_broken")
    assert alarm.subject == "low"
    assert alarm.priority == "urgent"
    assert "ZeroDivisionError test_station.py" in str(alarm.values[0][1])


def test_safety_and_tank_go_on_without_the_circuit(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    break_circuit(monkeypatch)
    desk.scan()
    desk.set("station.tank_level", 1.0)
    desk.set("low.supply_temperature", 80.0)
    desk.run(9)
    assert desk["station.tank_inlet"].on
    desk.run(12)
    assert desk[VALVE].value == 0.0
    assert "over_temperature" in desk.codes()


def test_it_is_rebuilt_after_10_s_and_goes_on_without_a_bump(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setpoint, opening = desk["low.supply_setpoint"].value, desk[VALVE].value
    with monkeypatch.context() as patch:
        break_circuit(patch)
        desk.scan()
    desk.run(9)
    assert ("circuit_broken", "low") in desk.alarms()
    desk.run(2)
    assert ("circuit_broken", "low") not in desk.alarms()
    assert desk["low.supply_setpoint"].value == pytest.approx(setpoint, abs=0.1)
    assert desk[VALVE].value == pytest.approx(opening, abs=1.0)


def test_a_circuit_that_stays_broken_is_rebuilt_ever_more_rarely(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def explode(self: HeatingCircuit, tick: Tick, *_: object) -> None:
        tries.append(tick.now)
        raise RuntimeError("a bug")

    monkeypatch.setattr(HeatingCircuit, "step", explode)
    desk.run(200)
    gaps = [b - a for a, b in pairwise(tries)]
    assert gaps == [10.0, 20.0, 40.0, 80.0]


def test_a_circuit_that_throws_after_its_outputs_breaks_as_well(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = desk[VALVE].value
    break_circuit(monkeypatch, "applied")
    desk.run(3)
    assert ("circuit_broken", "low") in desk.alarms()
    assert desk[VALVE].value == pytest.approx(before, abs=1.0)


# ---- commands


@pytest.mark.parametrize(
    ("kind", "subject", "value", "code"),
    [
        (CommandKind.WRITE, "low.heat_curve.shift", 20.0, "outside_range"),
        (CommandKind.WRITE, "low.heat_curve.shift", math.nan, "outside_range"),
        (CommandKind.WRITE, "low.valve.stroke_time", 60.0, "not_adjustable"),
        (CommandKind.WRITE, "low.supply_temperature", 60.0, "not_adjustable"),
        (CommandKind.OVERRIDE, "low.supply_temperature", 60.0, "not_an_output"),
        (CommandKind.OVERRIDE, VALVE, 101.0, "outside_range"),
        (CommandKind.OVERRIDE, VALVE, math.nan, "outside_range"),
        (CommandKind.RELEASE, "nothing", 0.0, "not_an_output"),
    ],
)
def test_senseless_commands_are_refused(
    desk: Any, kind: CommandKind, subject: str, value: float, code: str
) -> None:
    answer = desk.station.check(Command(kind, subject, value, "li", "panel"))
    assert (answer.accepted, answer.code) == (False, code)


@pytest.mark.parametrize("lasts", [0.0, -1.0, 90_000.0, math.inf, math.nan])
def test_an_override_ends_within_a_day(desk: Any, lasts: float) -> None:
    answer = desk.station.check(Command(CommandKind.OVERRIDE, VALVE, 50.0, "li", "panel", lasts))
    assert answer.code == "override_too_long"


def test_shift_moves_the_demand_at_once_and_the_setpoint_by_the_ramp(desk: Any) -> None:
    demand, setpoint = desk["low.supply_demand"].value, desk["low.supply_setpoint"].value
    desk.write("low.heat_curve.shift", 3.0)
    assert desk["low.supply_demand"].value == demand + 3.0
    desk.run(120)
    assert desk["low.supply_setpoint"].value == pytest.approx(setpoint + 1.0, abs=0.1)
    assert "curve_shift" in desk.reason(VALVE)
    effect = next(e for e in desk.events if e.kind == "effect")
    assert (effect.subject, effect.user, {n: v for n, v, _ in effect.values}["old"]) == (
        "low.heat_curve.shift",
        "li",
        0.0,
    )


def test_no_maximum_set_at_run_time_reaches_the_alarm(desk: Any) -> None:
    """95 °C is in the range of the setting; this station's alarm is at 70 and its trip at 75 °C."""
    desk.write("low.supply.max", 95.0)
    desk.write("low.heat_curve.shift", 15.0)
    desk.set("station.outdoor_temperature", -24.0)
    desk.run(60)
    assert desk["low.supply_demand"].value == 68.0
    assert "supply_max" in desk.reason("low.supply_demand")


def test_gain_written_at_run_time_takes_effect_without_a_bump(desk: Any) -> None:
    loop = desk.station.circuits[0].circuit.control.loop
    opening = desk[VALVE].value
    desk.write("low.loop.gain", 1.0)
    desk.run(2)
    assert desk[VALVE].value == pytest.approx(opening, abs=1.0)
    assert loop._pid.Kp == 1.0


def test_override_goes_at_the_valves_pace_expires_and_is_no_bump(desk: Any) -> None:
    start = desk[VALVE].value
    desk.override(VALVE, 80.0, lasts_s=300.0)
    desk.run(30)
    assert desk[VALVE].value == pytest.approx(start + 31 * 100 / 120, abs=1.0)
    desk.run(260)
    assert desk[VALVE].value == 80.0
    assert desk.reason(VALVE)[0] == "by_override"
    desk.set("low.supply_temperature", desk["low.supply_setpoint"].value)
    desk.run(12)
    assert desk[VALVE].value == pytest.approx(80.0, abs=2.0)
    assert "override_expired" in {e.code for e in desk.events}
    assert desk[f"{VALVE}_reason"].show() == "demand"


def test_release_ends_an_override(desk: Any) -> None:
    desk.override(VALVE, 80.0)
    desk.scan(Command(CommandKind.RELEASE, VALVE, 0.0, "li", "panel"))
    assert desk.output(VALVE).override is None


def test_acknowledge_keeps_an_active_alarm_and_drops_one_that_is_over(desk: Any) -> None:
    desk.set("station.flood", 1.0)
    desk.run(5)
    acknowledge = Command(CommandKind.ACKNOWLEDGE, "flood@station.flood", 0.0, "li", "panel")
    desk.scan(acknowledge)
    assert [a.acknowledged for a in desk.station.alarms.view() if a.code == "flood"] == [True]
    desk.set("station.flood", 0.0)
    desk.run(2)
    assert "flood" not in [a.code for a in desk.station.alarms.view()]


# ---- inputs of a whole device


def test_a_silent_device_is_one_alarm(desk: Any) -> None:
    desk.silent.add("temperatures")
    desk.run(10)
    assert ("device_silent", "temperatures") in desk.alarms()
    assert "input_bad" not in desk.codes()
    desk.silent.clear()
    desk.run(25)
    assert not desk.codes() - {"outdoor_lost"}
    desk.run(10)
    assert not desk.codes()


def test_a_single_dead_sensor_is_its_own_alarm(desk: Any) -> None:
    desk.fail("low.return_temperature")
    desk.run(2)
    assert desk.alarms() == {("input_bad", "low.return_temperature")}
    desk.fail("low.return_temperature", Fault.NONE)
    desk.run(7)
    assert not desk.codes()


def test_a_stuck_source_time_is_stale_whatever_the_value(desk: Any) -> None:
    desk.frozen.add("low.return_temperature")
    desk.run(12)
    assert desk["low.return_temperature"].reason == "stale"


# ---- state


def test_state_is_plain_json_and_restores_into_a_fresh_station(
    desk: Any, make_desk: Callable[..., Any]
) -> None:
    desk.write("low.heat_curve.shift", 1.0)
    desk.run(60)
    state = json.loads(json.dumps(desk.station.state(), allow_nan=False))
    fresh = make_desk()
    fresh.station.restore(state)
    fresh.values["low.valve_position"] = desk[VALVE].value
    fresh.now = desk.now
    fresh.set("low.pump_1_running", 1.0)
    fresh.scan()
    for name in (VALVE, "low.pump_1_speed", "low.pump_2_speed", "low.supply_setpoint"):
        assert fresh[name].value == pytest.approx(desk[name].value, abs=0.5), name


def test_an_override_goes_on_after_a_restart_unless_it_is_no_value_of_the_output(
    make_desk: Callable[..., Any],
) -> None:
    desk = make_desk()
    end = desk.now + 60
    kept = {"low.pump_2_speed": Override(33.0, "li", "panel", end)}
    kept[VALVE] = Override(math.nan, "li", "panel", end)
    kept["low.nothing"] = Override(1.0, "li", "panel", end)
    desk.station.restore_overrides(kept, desk.now)
    desk.run(30)
    assert desk["low.pump_2_speed"].value == 33.0
    assert desk[f"{VALVE}_reason"].show() == "demand"
    desk.run(60)
    assert desk.output("low.pump_2_speed").override is None


def test_at_restart_the_real_position_wins_over_the_remembered(
    desk: Any, make_desk: Callable[..., Any]
) -> None:
    """A person turned the valve by hand while the controller was down."""
    state = desk.station.state()
    fresh = make_desk()
    fresh.station.restore(state)
    fresh.values["low.valve_position"] = 20.0
    fresh.fixed.add("low.valve_position")
    fresh.set("low.pump_1_running", 1.0)
    fresh.scan()
    assert fresh[VALVE].value == pytest.approx(20.0, abs=1.0)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"circuits": 5, "outputs": [], "overrides": "x", "outdoor": None},
        {
            "circuits": {
                "low": {
                    "setpoint": {"setpoint": "warm", "curve": [1]},
                    "control": {"lift": "x", "transfer": {"full_ratio": -3, "first_flow": math.inf}},
                    "duty": 99,
                    "speed": math.nan,
                    "makeup_duty": -1,
                }
            }
        },
        {"outputs": {VALVE: 400.0, "nothing": 1, "low.pump_1_run": "on"}},
        {"overrides": {VALVE: [1], "x": [1, 2, 3, 4, 5]}},
    ],
)
def test_odd_state_is_left_out(make_desk: Callable[..., Any], state: dict[str, Any]) -> None:
    desk = make_desk()
    desk.station.restore(state)
    desk.run(20)
    assert not desk.codes()
    assert desk["low.pump_1_run"].on
    assert 0 <= desk[VALVE].value <= 100


# ---- time


@pytest.mark.parametrize("jump", [-3600.0, 0.0, 86400.0, 1e9])
def test_a_jump_of_time_is_no_jump_of_the_valve(desk: Any, jump: float) -> None:
    before = desk[VALVE].value
    desk.scan(dt=jump)
    desk.run(3)
    assert desk[VALVE].value == pytest.approx(before, abs=6.0)
    for output in desk.station.image.outputs.values():
        assert math.isfinite(output.value)


# ---- why


def test_every_point_can_be_explained_and_the_snapshot_travels(desk: Any) -> None:
    for name in desk.station.image.points:
        assert desk.reason(name)[0]
    with pytest.raises(KeyError):
        desk.station.explain("low.nothing")
    snapshot = desk.station.snapshot(0.0)
    assert pickle.loads(pickle.dumps(snapshot)) == snapshot or any(math.isnan(v) for v in snapshot.values)
    assert len(snapshot.values) == len(desk.station.catalogue) == len(snapshot.qualities)


# ---- whatever comes in


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_readings_leave_every_output_finite_in_limits_and_the_station_alive(
    make_desk: Callable[..., Any], data: st.DataObject
) -> None:
    desk = make_desk(echo=False)
    channels = {channel.point: channel for channel in desk.station.wiring.inputs}
    odd = st.sampled_from(
        [math.nan, math.inf, -math.inf, 0.0, 1.0, -1e30, 1e30, 4.0, 12.0, 20.0, 50.0, 90.0, 3.0]
    )
    rows = data.draw(
        st.lists(
            st.dictionaries(
                st.sampled_from(sorted(channels)), st.tuples(odd, st.sampled_from(list(Fault))), max_size=12
            ),
            max_size=12,
        )
    )
    for row in rows:
        for point, (value, fault) in row.items():
            desk.values[point] = value
            desk.faults[point] = fault
        desk.scan()
        for output in desk.station.image.outputs.values():
            if output.quality is not Quality.BAD:
                assert output.low <= output.value <= output.high
        assert "circuit_broken" not in desk.codes()
    fresh = make_desk()
    desk.values, desk.faults, desk.echo = fresh.values, {}, True
    for _ in range(8):  # what looked like a power cut is followed by pressure, pump and heat in their turn
        desk.run(60)
        if desk["low.valve_mode"].show() == "regulates":
            break
    assert desk["low.pump_1_run"].on or desk["low.pump_2_run"].on
    assert desk["low.valve_mode"].show() == "regulates"
    assert desk[f"{VALVE}_reason"].show() == "demand"


def test_reading_protocol_is_the_drivers(desk: Any) -> None:
    """The desk hands out what the buses do."""
    assert all(isinstance(reading, Reading) for reading in desk.readings.values())
