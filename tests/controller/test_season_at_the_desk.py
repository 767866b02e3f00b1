"""The season in the whole station: a person, a date, frost, exercise, a restart and a power cut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.commands import Command, CommandKind
from controller.control.blocks.season.season import STATES
from controller.cycle import scan
from controller.points import Quality
from drivers.readings import Fault

VALVE = "low.valve_command"
SEASON = "station.season"


def choose(desk: Any, state: str) -> None:
    """A person changes the season through the station's own check."""
    desk.write(SEASON, float(STATES.index(state)))


def no_flow(desk: Any) -> None:
    desk.set("low.differential_pressure", 0.0)
    desk.set("low.supply_pressure", desk.values["low.return_pressure"])


def flow(desk: Any) -> None:
    desk.set("low.differential_pressure", 120.0)
    desk.set("low.supply_pressure", desk.values["low.return_pressure"] + 90.0)


@pytest.fixture
def laid_up(warm: Any) -> Any:
    """A warm May day, laid up for some minutes; the primary network is cold."""
    warm.set("station.outdoor_temperature", 15.0)
    warm.set("station.primary_supply_temperature", 25.0)
    choose(warm, "wet_lay_up")
    for name in ("low.supply_temperature", "low.return_temperature"):
        warm.set(name, 22.0)
    warm.run(10)
    no_flow(warm)
    warm.run(300)
    return warm


def test_a_command_with_no_state_is_refused(warm: Any) -> None:
    for value in (6.0, -1.0, 2.5, float("nan")):
        answer = warm.station.check(Command(CommandKind.WRITE, SEASON, value, "li", "panel"))
        assert (answer.accepted, answer.code) == (False, "outside_range")
    info = next(info for info in warm.station.catalogue if info.name == SEASON)
    assert info.writable
    assert info.choices == STATES


def test_a_person_s_command_is_told_with_its_effect(warm: Any) -> None:
    choose(warm, "wet_lay_up")
    effect = next(event for event in warm.events if event.kind == "effect" and event.subject == SEASON)
    assert effect.user == "li"
    assert effect.values[:2] == (("old", 3.0, "choice"), ("new", 4.0, "choice"))
    assert warm.reason(SEASON) == ["season_by_person"]


def test_laid_up_wet_the_valve_is_shut_and_pressure_is_held_without_alarms(laid_up: Any) -> None:
    assert laid_up[VALVE].value == 0.0
    assert not laid_up["low.pump_1_run"].on
    assert "season_no_heat" in laid_up.reason(VALVE)
    assert "season_not_wanted" in laid_up.reason("low.pump_1_run")
    assert not laid_up.alarms()
    laid_up.set("low.return_pressure", 320.0)
    laid_up.run(5)
    assert laid_up["low.makeup_1_run"].on or laid_up["low.makeup_2_run"].on
    laid_up.set("low.return_pressure", 200.0)
    laid_up.run(90)
    assert "pressure_low" in laid_up.codes()


def test_back_in_heating_the_valve_opens_from_shut_without_a_bump(laid_up: Any) -> None:
    laid_up.set("station.primary_supply_temperature", 90.0)
    laid_up.set("station.outdoor_temperature", 3.0)
    choose(laid_up, "heating_up")
    laid_up.run(5)
    flow(laid_up)
    before = laid_up[VALVE].value
    steps = []
    for _ in range(300):
        laid_up.scan()
        steps.append(laid_up[VALVE].value - before)
        before = laid_up[VALVE].value
    assert max(map(abs, steps)) <= 100 / 120 + 1e-6
    assert laid_up["low.supply_setpoint"].value <= 22.0 + 10.0 * 305 / 3600 + 0.01
    assert laid_up["low.pump_1_run"].on


def test_heating_up_rises_by_10_k_an_hour_and_ends_by_itself(laid_up: Any) -> None:
    laid_up.set("station.outdoor_temperature", 5.0)
    choose(laid_up, "heating_up")
    flow(laid_up)
    last = laid_up["low.supply_setpoint"].value
    minutes = 0
    while laid_up[SEASON].show() == "heating_up" and minutes < 120:
        minutes += 1
        laid_up.set("low.supply_temperature", laid_up["low.supply_setpoint"].value)
        laid_up.run(60, dt=5.0)
        now = laid_up["low.supply_setpoint"].value
        assert now - last <= 10.0 / 60 + 1e-6
        last = now
    assert laid_up[SEASON].show() == "heating"
    assert laid_up.reason(SEASON) == ["season_by_progress"]
    demand = laid_up["low.supply_demand"].value
    assert minutes == pytest.approx((demand - 22.0) * 6, abs=4)


def test_cool_water_is_no_frost_while_laid_up_but_freezing_water_is(laid_up: Any) -> None:
    laid_up.set("low.return_temperature", 8.0)
    laid_up.run(60)
    assert not laid_up["low.pump_1_run"].on
    assert "frost" not in laid_up.codes()
    laid_up.set("low.return_temperature", 4.0)
    laid_up.run(12)
    assert laid_up["low.pump_1_run"].on
    assert "frost" in laid_up.codes()
    flow(laid_up)
    laid_up.run(40)
    assert laid_up[VALVE].value >= 20.0
    laid_up.set("low.return_temperature", 11.0)
    laid_up.run(30)
    assert laid_up[VALVE].value == 0.0
    assert "frost" not in laid_up.codes()


def test_a_pump_that_frost_asks_for_in_vain_is_told(laid_up: Any) -> None:
    laid_up.set("station.outdoor_temperature", -8.0)
    for number in (1, 2):
        laid_up.set(f"low.pump_{number}_running", 0.0)
    laid_up.run(15)
    assert "no_circulation" not in laid_up.codes()
    laid_up.run(15)
    assert "no_circulation" in laid_up.codes()


def test_out_of_service_and_drained_nothing_runs_dry_and_nothing_is_told(warm: Any) -> None:
    choose(warm, "out_of_service")
    warm.run(5)
    no_flow(warm)
    warm.set("low.return_pressure", 0.0)
    warm.set("low.supply_pressure", 0.0)
    warm.set("low.suction_switch", 1.0)
    warm.set("low.return_temperature", -5.0)
    warm.set("station.outdoor_temperature", -20.0)
    warm.set("station.tank_level", 0.1)
    warm.run(900, dt=3.0)
    outputs = warm.station.image.outputs.values()
    assert {output.name for output in outputs if output.name.endswith("_run") and output.on} == set()
    assert warm[VALVE].value == 0.0
    assert not warm["station.tank_inlet"].on
    assert warm.reason("station.tank_inlet") == ["tank_not_wanted"]
    assert not warm.alarms()


def test_out_of_service_but_full_of_water_frost_is_awake(warm: Any) -> None:
    choose(warm, "out_of_service")
    warm.run(5)
    no_flow(warm)
    warm.set("station.outdoor_temperature", -20.0)
    warm.run(5)
    assert warm["low.pump_1_run"].on
    assert warm["low.pump_1_run_reason"].show() == "outdoor_frost"


def test_filling_raises_the_pressure_slowly_with_standing_pumps(warm: Any) -> None:
    warm.set("low.return_pressure", 40.0)
    warm.set("low.makeup_flow", 2.0)
    warm.set("station.outdoor_temperature", 8.0)
    warm.set("low.return_temperature", 10.0)
    choose(warm, "filling")
    warm.run(5)
    no_flow(warm)
    warm.run(120)
    assert not warm["low.pump_1_run"].on
    assert warm["low.makeup_1_run"].on or warm["low.makeup_2_run"].on
    holding = warm.station.circuits[0].circuit.pressure_holding
    assert holding.setpoint < 100.0
    assert not warm.alarms()


def test_the_date_of_the_file_lays_up_through_the_scan(make_desk: Callable[..., Any]) -> None:
    def edit(file: Any) -> None:
        file.season.start, file.season.end = (10, 20), (4, 20)

    desk = make_desk(edit)
    desk.set("station.outdoor_temperature", 14.0)
    desk.wall = datetime(2026, 4, 19, 15, 30, tzinfo=UTC).timestamp()  # 23:30 local
    desk.run(1700, dt=5.0)
    assert desk[SEASON].show() == "heating"
    desk.run(3700, dt=5.0)
    assert desk[SEASON].show() == "wet_lay_up"
    assert desk[VALVE].value == 0.0


def test_an_end_in_the_cold_is_an_alarm_and_no_end(make_desk: Callable[..., Any]) -> None:
    def edit(file: Any) -> None:
        file.season.start, file.season.end = (10, 20), (4, 20)

    desk = make_desk(edit)
    desk.run(30)
    desk.wall = datetime(2026, 7, 1, tzinfo=UTC).timestamp()
    desk.run(4000, dt=5.0)
    assert desk[SEASON].show() == "heating"
    assert ("season_end_waits", SEASON) in desk.alarms()


def test_what_the_date_did_is_not_undone_by_an_older_command_at_restart(
    laid_up: Any, make_desk: Callable[..., Any]
) -> None:
    """The store keeps the person's command for ever, the state goes on from there."""
    choose(laid_up, "heating_up")
    laid_up.station.season.season._go(STATES.index("heating"), "progress")
    laid_up.run(2)
    again = make_desk()
    again.station.restore(laid_up.station.state())
    again.station.restore_setting(SEASON, float(STATES.index("heating_up")))
    again.run(2)
    assert again[SEASON].show() == "heating"
    newer = make_desk()
    newer.station.restore(laid_up.station.state())
    newer.station.restore_setting(SEASON, float(STATES.index("wet_lay_up")))
    newer.run(2)
    assert newer[SEASON].show() == "wet_lay_up"


# ---- exercise


def test_the_valve_is_moved_once_a_week_while_laid_up(laid_up: Any) -> None:
    circuit = laid_up.station.circuits[0].circuit
    circuit.valve_exercise.idle_s = 7 * 86400.0
    highest, ran, told = 0.0, 0, set()
    for _ in range(600):
        on = laid_up["low.pump_1_run"].on
        (flow if on else no_flow)(laid_up)
        laid_up.scan()
        highest, ran = max(highest, laid_up[VALVE].value), ran + on
        told |= laid_up.codes()
    assert highest == pytest.approx(90.0, abs=1.0)
    assert laid_up[VALVE].value == 0.0
    assert not laid_up["low.pump_1_run"].on
    assert 200 < ran < 300
    assert not told
    assert circuit.valve_exercise.idle_s < 600


def test_a_hot_primary_or_hot_water_keeps_the_valve_shut(laid_up: Any) -> None:
    circuit = laid_up.station.circuits[0].circuit
    laid_up.set("station.primary_supply_temperature", 70.0)
    laid_up.run(300)
    circuit.valve_exercise.idle_s = 7 * 86400.0
    laid_up.run(60)
    assert not laid_up["low.pump_1_run"].on
    laid_up.set("station.primary_supply_temperature", 30.0)
    for _ in range(300):
        laid_up.scan()
        (flow if laid_up["low.pump_1_run"].on else no_flow)(laid_up)
        if laid_up[VALVE].value > 30.0:
            break
    assert laid_up[VALVE].value > 10.0
    laid_up.set("low.supply_temperature", 61.0)
    laid_up.run(130)
    assert laid_up[VALVE].value == 0.0


def test_pumps_and_valve_are_exercised_one_at_a_time(laid_up: Any) -> None:
    circuit = laid_up.station.circuits[0].circuit
    circuit.valve_exercise.idle_s = 8 * 86400.0
    for pump in circuit.circulation.pumps:
        pump.idle_s = 8 * 86400.0
    turned = set()
    for _ in range(900):
        on = {number for number in (1, 2) if laid_up[f"low.pump_{number}_run"].on}
        (flow if on else no_flow)(laid_up)
        laid_up.scan()
        assert len(on) <= 1
        moves = circuit.valve_exercise.active
        assert not (moves and circuit.circulation.exercise.active is not None)
        turned |= on | ({"valve"} if moves else set())
    assert turned == {1, 2, "valve"}


# ---- power


def test_black_start_brings_the_pump_before_the_valve(warm: Any, make_desk: Callable[..., Any]) -> None:
    state = warm.station.state()
    desk = make_desk()
    desk.station.restore(state)
    no_flow(desk)
    for number in (1, 2):
        desk.set(f"low.pump_{number}_running", 0.0)
    desk.scan()
    desk.fixed -= {"low.pump_1_running", "low.pump_2_running"}
    delay = desk.station.season.power_return.delay_s
    started = opened = None
    for second in range(600):
        desk.scan()
        if desk["low.pump_1_run"].on or desk["low.pump_2_run"].on:
            started = second if started is None else started
            flow(desk)
            desk.set("low.supply_temperature", 35.0)  # what cooled down in the pipes
        moves = desk.output(VALVE).demand > 1.0
        opened = second if opened is None and moves else opened
    assert started == pytest.approx(delay, abs=3)
    assert opened is not None
    assert opened - started >= 60
    assert desk["station.power_return"].show() in ("rises", "normal")


def test_a_restart_beside_a_running_plant_is_no_black_start(warm: Any, make_desk: Callable[..., Any]) -> None:
    before = warm[VALVE].value
    desk = make_desk()
    desk.station.restore(warm.station.state())
    desk.values |= warm.values
    desk.now, desk.wall = warm.now, warm.wall
    desk._read()
    desk.values |= {name: warm.values[name] for name in warm.values}
    scan(desk.station, desk.now + 1, desk.wall + 1, warm.readings)
    assert desk["station.power_return"].show() == "normal"
    assert desk["low.pump_1_run"].on
    assert desk[VALVE].value == pytest.approx(before, abs=1.0)


def test_a_power_cut_is_followed_by_the_sequence(warm: Any) -> None:
    warm.set("station.power_failure", 1.0)
    for number in (1, 2):
        warm.set(f"low.pump_{number}_running", 0.0)
    no_flow(warm)
    warm.run(300)
    assert "power_failure" in warm.codes()
    assert not warm["low.pump_1_run"].on
    warm.set("station.power_failure", 0.0)
    warm.fixed -= {"low.pump_1_running", "low.pump_2_running"}
    started = None
    for second in range(200):
        warm.scan()
        if started is None and (warm["low.pump_1_run"].on or warm["low.pump_2_run"].on):
            started = second
            flow(warm)
    assert started == pytest.approx(warm.station.season.power_return.delay_s, abs=8)
    assert "pump_failed" not in warm.codes()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.sampled_from(STATES)),
            st.sampled_from(["low.supply_temperature", "low.return_pressure", "low.return_temperature"]),
            st.floats(-20, 400),
            st.booleans(),
            st.sampled_from(["", "restart", "lost", "power"]),
            st.integers(1, 40),
        ),
        max_size=10,
    )
)
def test_whatever_the_season_outputs_are_finite_and_without_heat_the_valve_is_asked_shut(
    make_desk: Callable[..., Any], rows: list[tuple[str | None, str, float, bool, str, int]]
) -> None:
    desk = make_desk()
    desk.run(20)
    for state, sensor, value, flows, event, seconds in rows:
        if state is not None:
            choose(desk, state)
        desk.set(sensor, value)
        (flow if flows else no_flow)(desk)
        desk.set("station.power_failure", float(event == "power"))
        desk.fail("low.supply_temperature_1", Fault.OPEN_CIRCUIT if event == "lost" else Fault.NONE)
        if event == "restart":
            remembered = desk.station.state()
            again = make_desk()
            again.station.restore(remembered)
            again.now, again.wall = desk.now, desk.wall
            again.values, again.fixed = desk.values, desk.fixed
            desk = again
        desk.run(seconds)
        season = desk.station.season.season
        assert desk[SEASON].show() == season.state_name
        for output in desk.station.image.outputs.values():
            assert output.quality is not Quality.BAD
            assert output.low <= output.value <= output.high
        if not desk.station.season.plan.heat:
            assert desk.output(VALVE).demand == 0.0
        assert "circuit_broken" not in desk.codes()
        assert "rule_broken" not in desk.codes()
