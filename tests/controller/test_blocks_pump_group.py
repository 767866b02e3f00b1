"""Up to four pumps: assist, turns, exercise, lock-out, mains bypass."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.parts.drive import RETRY_S, TRIES
from controller.control.blocks.water.pump_group import QUICK_TRIES
from controller.points import Quality
from tests.controller.pump_bench import PumpBench

# ---- failure, lock-out, the last resort


def fail(bench: PumpBench, number: int) -> None:
    """One short fault of a drive, and the time until it may try again."""
    bench.fault(number)
    bench.run(2)
    bench.fault(number, on=False)
    bench.run(int(RETRY_S) + 5)


def test_three_failures_lock_a_pump_out_until_a_person_forgives_it() -> None:
    bench = PumpBench(3)
    bench.run(60)
    first = bench.group.pumps[0]
    for _ in range(TRIES - 1):
        fail(bench, 1)
        assert first.available
    fail(bench, 1)
    bench.run(7200)
    assert first.locked_out
    assert first.state.show() == "locked_out"
    assert bench.group.explain(first.speed).code == "pump_locked_out"
    assert bench.group.forgive("low.pump_9") is False
    assert bench.group.forgive("low.pump_1")
    bench.run(1)
    assert first.available


def test_failures_far_apart_do_not_lock_out() -> None:
    bench = PumpBench(3)
    bench.run(60)
    for _ in range(TRIES + 2):
        fail(bench, 1)
        bench.run(3600)
    assert bench.group.pumps[0].available


def test_a_switch_to_local_and_back_is_a_person_too() -> None:
    bench = PumpBench(2)
    bench.run(60)
    for _ in range(TRIES):
        fail(bench, 1)
    assert bench.group.pumps[0].locked_out
    bench.put("low.pump_1_local", "flag", 1.0)
    bench.run(10)
    bench.put("low.pump_1_local", "flag", 0.0)
    bench.run(1)
    assert bench.group.pumps[0].available


def test_with_no_pump_left_it_is_tried_for_ever_ever_more_slowly() -> None:
    bench = PumpBench(2)
    bench.run(60)
    bench.fault(1)
    bench.fault(2)
    bench.run(24 * 3600, each=lambda: None if bench.runs() else pytest.fail("nothing is asked to run"))
    assert all(pump.failures_in_row >= TRIES for pump in bench.group.pumps)
    assert bench.group.last_resort > QUICK_TRIES
    assert "pump_last_resort" in {bench.group.explain(pump.run).code for pump in bench.group.pumps}
    bench.fault(2, on=False)
    bench.until(lambda: bench.group.pumps[1].state.show() == "running", 1300)
    bench.run(60)
    assert bench.group.last_resort == 0


def test_a_long_power_cut_locks_nobody_out() -> None:
    """With nobody in the station, both pumps must be there again once power is back."""
    bench = PumpBench(2)
    bench.run(60)
    bench.stuck |= {1, 2}
    bench.run(4 * 3600)
    assert bench.group.none_left
    bench.stuck.clear()
    bench.until(lambda: bench.group.pumps[bench.group.duty].state.show() == "running", 30)
    bench.run(int(RETRY_S) + 60)
    assert all(pump.available for pump in bench.group.pumps)


def test_a_lock_out_outlives_a_restart() -> None:
    bench = PumpBench(2)
    bench.run(60)
    for _ in range(TRIES):
        fail(bench, 1)
    again = PumpBench(2)
    again.group.restore(json.loads(json.dumps(bench.group.state())))
    again.run(600)
    assert again.group.pumps[0].locked_out
    assert again.runs() == {2}
    assert again.group.pumps[1].hours == pytest.approx(bench.group.pumps[1].hours, abs=0.2)


# ---- assist


def assisted(**changes: object) -> PumpBench:
    bench = PumpBench(3, assist={"most": 2, "stop_after": "5 min"}, setpoint="150 kPa", **changes)
    bench.run(300)
    assert len(bench.runs()) == 1
    bench.head = 130.0
    return bench


def test_a_second_pump_assists_after_a_minute_at_top_speed_and_stops_when_it_is_not_needed() -> None:
    bench = assisted()
    took = bench.until(lambda: len(bench.runs()) == 2, 200)
    assert took >= 60
    bench.run(60)
    assert bench.speed(1) == bench.speed(2)
    assert bench.group.explain(bench.output("2_run")).code == "pump_assists"
    bench.run(600)
    assert len(bench.runs()) == 2
    bench.head = 300.0
    bench.until(lambda: len(bench.runs()) == 1, 500)
    bench.run(1800)
    assert len(bench.runs()) == 1


def test_never_more_pumps_than_allowed_and_few_starts_when_it_is_not_enough() -> None:
    bench = assisted()
    bench.head = 60.0
    starts = 0
    before: set[int] = set()

    def watch() -> None:
        nonlocal starts, before
        starts += len(bench.runs() - before)
        before = bench.runs()
        assert len(before) <= 2

    bench.run(3600, each=watch)
    assert len(bench.runs()) == 2
    assert starts <= 3


def test_the_assistant_becomes_duty_when_the_duty_fails() -> None:
    bench = assisted()
    bench.until(lambda: len(bench.runs()) == 2, 200)
    bench.run(60)
    helper = bench.group.assist.helping[0]
    bench.fault(1)
    bench.run(1)
    assert bench.group.duty == helper


# ---- change-over


def test_the_pump_with_fewer_hours_takes_over_without_a_bump() -> None:
    bench = PumpBench(2)
    bench.run(300)
    bench.group.pumps[0].hours = 400.0
    before, speed = bench.made(), bench.group.speed
    seen: list[tuple[set[int], float]] = []
    bench.run(120, each=lambda: seen.append((bench.runs(), bench.made())))
    assert bench.runs() == {2}
    assert {1, 2} in [runs for runs, _ in seen]
    assert all(runs for runs, _ in seen)
    lowest = min(made for _, made in seen)
    assert lowest > 0.95 * before
    assert bench.group.speed == pytest.approx(speed, abs=0.5)
    assert bench.group.turns.incoming is None


def test_no_change_over_in_the_cold_or_without_proven_circulation() -> None:
    bench = PumpBench(2)
    bench.run(300)
    bench.group.pumps[0].hours = 400.0
    bench.outdoor.put(-25.0, 0.0)
    bench.run(600)
    assert bench.runs() == {1}
    bench.outdoor.put(0.0, 0.0)
    bench.flow.put(2.0, 0.0)
    bench.run(600)
    assert bench.runs() == {1}
    bench.flow.put(1.0, 0.0)
    bench.until(lambda: bench.runs() == {2}, 60)


def test_a_new_pump_that_does_not_start_leaves_the_old_one_running() -> None:
    bench = PumpBench(2)
    bench.run(300)
    bench.group.pumps[0].hours = 400.0
    bench.stuck.add(2)

    def watch() -> None:
        assert 1 in bench.runs()

    bench.run(600, each=watch)
    assert bench.runs() == {1}


def test_weekly_change_over_at_its_hour() -> None:
    bench = PumpBench(2, change_over={"weekday": "3", "hour": "10"})
    bench.weekday, bench.second = 2, 10 * 3600.0
    bench.run(600)
    assert bench.runs() == {1}
    bench.weekday, bench.second = 3, 9 * 3600.0 + 3000
    bench.run(500)
    assert bench.runs() == {1}
    bench.run(7200)
    assert bench.runs() == {2}


# ---- exercise


def test_an_idle_pump_turns_for_half_a_minute_beside_the_duty() -> None:
    bench = PumpBench(3, exercise={"idle": "24 h"})
    bench.run(300)
    for pump in bench.group.pumps[1:]:
        pump.idle_s = 90000.0
    seen: list[set[int]] = []
    bench.run(300, each=lambda: seen.append(bench.runs()))
    assert sum(runs == {1, 2} for runs in seen) == pytest.approx(30, abs=1)
    assert sum(runs == {1, 3} for runs in seen) == pytest.approx(30, abs=1)
    assert {1, 2, 3} not in seen
    assert bench.runs() == {1}


def test_no_exercise_in_the_cold_and_in_summer_only_with_water() -> None:
    bench = PumpBench(2, exercise={"idle": "24 h"})
    bench.run(300)
    bench.group.pumps[1].idle_s = 90000.0
    bench.outdoor.put(-25.0, 0.0)
    bench.run(300, each=lambda: None if bench.runs() == {1} else pytest.fail("exercised"))
    summer = PumpBench(2, exercise={"idle": "24 h"})
    summer.put("low.return_pressure", "pressure", 20.0)
    for pump in summer.group.pumps:
        pump.idle_s = 90000.0
    seen: set[int] = set()
    summer.run(300, wanted=False, each=lambda: seen.update(summer.runs()))
    assert seen == set()
    summer.put("low.return_pressure", "pressure", 300.0)
    summer.run(300, wanted=False, each=lambda: seen.update(summer.runs()))
    assert seen == {1, 2}


def test_an_idle_pump_that_will_not_turn_is_found() -> None:
    bench = PumpBench(2, exercise={"idle": "24 h"})
    bench.run(300)
    bench.group.pumps[1].idle_s = 90000.0
    bench.stuck.add(2)
    bench.run(60)
    assert bench.group.pumps[1].failure.show() == "no_start"
    assert bench.runs() == {1}


# ---- mains bypass


def bypass(bench: PumpBench, number: int, on: bool = True) -> None:
    bench.put(f"low.pump_{number}_bypass", "flag", float(on))
    (bench.on_mains.add if on else bench.on_mains.discard)(number)


def test_a_pump_on_mains_is_duty_tracked_and_not_failed() -> None:
    bench = PumpBench(2)
    bench.run(300)
    bypass(bench, 2)
    bench.put("low.pump_2_fault", "flag", 1.0)
    bench.run(120)
    assert bench.runs() == {2}
    assert bench.group.speed == 50.0
    assert bench.group.pumps[1].state.show() == "mains"
    assert not bench.group.pumps[1].failed
    assert bench.group.explain(bench.output("2_speed")).code == "speed_on_mains"
    bench.put("low.pump_2_fault", "flag", 0.0)
    bypass(bench, 2, on=False)
    seen: list[float] = []
    bench.run(120, each=lambda: seen.append(bench.group.speed))
    assert max(abs(b - a) for a, b in pairwise(seen)) < 5.0
    bench.run(120)
    assert bench.made() == pytest.approx(120.0, abs=3.0)


def test_a_lying_bypass_contact_costs_15_seconds_not_the_night() -> None:
    bench = PumpBench(2)
    bench.run(300)
    bench.put("low.pump_2_bypass", "flag", 1.0)
    bench.stuck.add(2)
    bench.flow.put(2.0, 0.0)
    assert bench.until(lambda: bench.runs() == {1}, 40) <= 40
    bench.run(300)
    assert bench.runs() == {1}


# ---- whatever comes in

VALUE = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0, 120.0]))
POINT = st.tuples(VALUE, st.sampled_from(list(Quality)))
NAMES = [
    "low.differential_pressure",
    "low.circulation",
    "station.outdoor_temperature",
    "low.worst_point_pressure",
    "low.circulation_flow",
    "low.supply_temperature",
    "low.return_temperature",
    *(f"low.pump_{n}_{s}" for n in (1, 2, 3) for s in ("running", "fault", "local", "bypass")),
]
SCAN = st.tuples(st.sampled_from(NAMES), POINT, st.floats(0, 5), st.sampled_from([True, True, True, False]))
CONTROLS = [
    "differential_pressure",
    "proportional",
    "worst_point",
    "temperature_difference",
    "return_temperature",
    "fixed",
]


EVENT = st.tuples(
    st.sampled_from(["fault", "local", "bypass", "hours", "idle", "worst_lost", "cold", "flow_unknown"]),
    st.sampled_from([1, 2, 3]),
    st.booleans(),
    st.integers(1, 90),
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CONTROLS[:4]), st.lists(EVENT, max_size=12))
def test_no_event_moves_the_common_speed_faster_than_the_drives_do(
    control: str, events: list[tuple[str, int, bool, int]]
) -> None:
    """Change of duty, assist, exercise, loss and return of a sensor: 5 Hz/s at most, and one pump runs."""
    bench = PumpBench(3, control=control, assist={"most": 2}, noise=1.0)
    bench.run(120)
    last = bench.group.speed

    def watch() -> None:
        nonlocal last
        if not bench.on_mains:
            assert abs(bench.group.speed - last) <= 5.0
        last = bench.group.speed
        assert bench.runs()

    for kind, number, on, seconds in events:
        if kind == "fault":
            bench.fault(number, on)
        elif kind == "bypass":
            bypass(bench, number, on)
        elif kind == "local":
            bench.put(f"low.pump_{number}_local", "flag", float(on))
        elif kind == "hours":
            bench.group.pumps[number - 1].hours += 500.0 * on
        elif kind == "idle":
            bench.group.pumps[number - 1].idle_s += 7e5 * on
        elif kind == "cold":
            bench.outdoor.put(-25.0 if on else 0.0, bench.now)
        elif kind == "worst_lost":
            bench.image["low.worst_point_pressure"].mark(
                50.0, Quality.BAD if on else Quality.GOOD, "", bench.now
            )
        else:
            bench.flow.put(2.0 if on else 1.0, bench.now)
        bench.run(seconds, each=watch)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CONTROLS), st.lists(SCAN, max_size=60))
def test_any_input_keeps_one_pump_on_and_the_speed_in_its_limits(
    control: str, rows: list[tuple[str, tuple[float, Quality], float, bool]]
) -> None:
    bench = PumpBench(3, control=control, assist={"most": 2}, min_flow="50 m³/h", nominal_flow="100 m³/h")
    bench.run(20)
    low, high = bench.options.speed
    for name, (value, quality), dt, wanted in rows:
        bench.image[name].mark(value, quality, "", bench.now)
        bench.now += dt - 1.0
        bench.run(1, wanted=wanted)
        asked = {p.name for p in bench.group.pumps if p.run.demand >= 0.5}
        for pump in bench.group.pumps:
            assert pump.run.demand in (0.0, 1.0)
            assert low <= pump.speed.demand <= high
        if wanted:
            assert 1 <= len(asked) <= 3
            assert bench.group.pumps[bench.group.duty].name in asked
        json.dumps(bench.group.state(), allow_nan=False)
        for output in bench.image.outputs.values():
            bench.group.explain(output)
    assert math.isfinite(bench.group.speed)
    for name in NAMES:
        sound = {"low.differential_pressure": 120.0, "low.circulation": 1.0}.get(name, 0.0)
        bench.image[name].put(sound, bench.now)
    bench.group.forgive()
    bench.on_mains.clear()
    bench.run(90)
    assert any(p.state.show() == "running" for p in bench.group.pumps)


def test_a_pump_in_local_that_stands_does_not_keep_the_other_from_being_tried() -> None:
    bench = PumpBench(2)
    bench.run(60)
    bench.put("low.pump_2_local", "flag", 1.0)
    bench.stuck |= {1, 2}
    bench.run(60)
    bench.stuck.discard(1)
    bench.until(lambda: bench.group.pumps[0].state.show() == "running", 120)
