"""Makeup beyond its ordinary day: band, turns, filling, guard, blindness; the tank's inlet."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.parts.drive import TRIES
from controller.control.blocks.water.tank import TankInlet
from controller.control.tick import Tick
from controller.points import Image, Point, Quality
from tests.controller.makeup_bench import MakeupBench

# ---- modes


def test_band_runs_at_one_speed_from_its_low_end_to_its_high_one() -> None:
    bench = MakeupBench(control="band", band_speed="40 Hz", start_below="20 kPa", stop_above="20 kPa")
    bench.pressure = 329.0
    bench.run(5)
    assert bench.runs() == {1}
    assert bench.output("makeup_1_speed").value == 40.0
    bench.run(600)
    assert bench.runs() == set()
    assert bench.pressure == pytest.approx(370.0, abs=4.0)


def test_each_start_takes_the_other_pump() -> None:
    bench = MakeupBench()
    seen: list[set[int]] = []
    for _ in range(4):
        bench.pressure = 335.0
        bench.run(5)
        seen.append(bench.runs())
        bench.run(1800)
        assert bench.runs() == set()
    assert seen == [{1}, {2}, {1}, {2}]


def test_one_pump_only_where_they_do_not_alternate() -> None:
    bench = MakeupBench(alternate="no")
    for _ in range(3):
        bench.pressure = 335.0
        bench.run(5)
        assert bench.runs() == {1}
        bench.run(1800)


def test_no_makeup_near_relief_however_it_came_there() -> None:
    bench = MakeupBench()
    bench.pressure = 330.0
    bench.run(30)
    assert bench.runs()
    bench.pressure = 406.0
    bench.run(1)
    assert bench.runs() == set()
    assert bench.holding.explain(bench.output("makeup_1_run")).code == "makeup_near_relief"


def test_a_noisy_pressure_opens_no_relief_and_a_high_one_does_within_seconds() -> None:
    bench = MakeupBench(noise=45.0)
    opened: list[bool] = []
    bench.run(3600, each=lambda: opened.append(bench.output("relief_valve").value >= 0.5))
    assert sum(opened) <= 17, "by single readings it opens 170 times"
    bench = MakeupBench()
    bench.run(30)
    bench.pressure = 460.0
    bench.run(5)
    assert bench.output("relief_valve").value >= 0.5


def test_filling_an_empty_circuit_raises_the_pressure_slowly_and_warns_of_nothing() -> None:
    bench = MakeupBench()
    bench.pressure = 50.0
    seen: list[float] = []
    bench.run(2400, filling=True, each=lambda: seen.append(bench.pressure))
    assert bench.pressure == pytest.approx(350.0, abs=12.0)
    steepest = max(b - a for a, b in zip(seen, seen[60:], strict=False))
    assert steepest < 25.0
    assert max(seen) < 365.0
    assert bench.state() == "ok"
    assert not bench.guard.overrun_point.on


def test_a_makeup_pump_locked_out_is_tried_all_the_same_when_no_other_is_left() -> None:
    bench = MakeupBench()
    bench.stuck = {1, 2}
    bench.leak = 1.0
    bench.run(hours=4)
    assert all(pump.failures_in_row >= TRIES for pump in bench.holding.pumps)
    bench.stuck = set()
    bench.run(1300)
    assert bench.pressure > 330.0
    assert bench.holding.forgive("low.makeup_2")


# ---- guard: leaks


@pytest.mark.parametrize(
    ("leak", "stage"), [(0.0, "ok"), (0.12, "ok"), (0.3, "warning"), (0.6, "alarm"), (1.2, "urgent")]
)
def test_a_leak_is_measured_and_staged(leak: float, stage: str) -> None:
    """40 m³: 0.2 m³/h is 0.5 %."""
    bench = MakeupBench(noise=1.0)
    bench.leak = leak
    bench.run(hours=5)
    assert bench.guard.leak_point.value == pytest.approx(leak, rel=0.15, abs=0.02)
    assert bench.state() == stage
    assert bench.pressure > 335.0


def test_a_leak_that_is_mended_ends_its_stage() -> None:
    bench = MakeupBench()
    bench.leak = 0.6
    bench.run(hours=4)
    assert bench.state() == "alarm"
    bench.leak = 0.0
    bench.run(hours=3)
    assert bench.state() == "ok"


@pytest.mark.parametrize("warmer", [-6.0, -3.0, 3.0, 6.0])
def test_water_that_shrinks_or_swells_is_no_leak(warmer: float) -> None:
    bench = MakeupBench(noise=1.0)
    bench.leak = 0.3
    bench.run(hours=4)
    bench.leak = 0.0
    bench.run(hours=3)
    worst = 0.0

    def watch() -> None:
        nonlocal worst
        worst = max(worst, bench.guard.leak_point.value)

    bench.run(hours=3, warmer=warmer, each=watch)
    assert worst < 0.1
    assert bench.state() == "ok"


def test_heating_up_from_cold_with_relief_is_no_leak() -> None:
    bench = MakeupBench(noise=1.0)
    bench.water = 15.0
    bench.run(hours=1)
    stages = set()
    bench.run(hours=4, warmer=10.0, each=lambda: stages.add(bench.state()))
    bench.run(hours=3, each=lambda: stages.add(bench.state()))
    assert stages == {"ok"}


def test_without_a_meter_the_nominal_flow_estimates() -> None:
    """The nominal flow by the share of speed is rough: right within a factor of two, the stage not hidden."""
    bench = MakeupBench(meter=False, guard={"loop_volume": "40 m³", "nominal_flow": "6 m³/h"})
    bench.leak = 0.6
    bench.run(hours=5)
    assert bench.guard.leak_point.value > 0.3
    assert bench.state() != "ok"


def test_with_nothing_to_measure_by_the_leak_is_not_known() -> None:
    bench = MakeupBench(meter=False, guard={})
    bench.leak = 0.3
    bench.run(hours=2)
    assert not bench.guard.leak_point.usable
    assert not bench.guard.today_point.usable


def test_what_is_permitted_warns_without_a_volume() -> None:
    bench = MakeupBench(guard={"permitted": "0.2 m³/h"})
    bench.leak = 0.5
    bench.run(hours=4)
    assert bench.state() == "warning"


def test_a_counter_counts_and_its_reset_is_no_water() -> None:
    bench = MakeupBench()
    counter = bench.put("low.makeup_volume", "volume", 1000.0)
    bench.guard.meter.counter = counter
    bench.run(10)
    counter.put(1000.5, bench.now)
    bench.run(10)
    assert bench.guard.today == pytest.approx(0.5)
    counter.put(0.0, bench.now)
    bench.run(10)
    assert bench.guard.today == pytest.approx(0.5)


def test_makeup_today_begins_at_midnight() -> None:
    bench = MakeupBench()
    bench.leak = 1.0
    bench.second = 22 * 3600.0
    bench.run(hours=1.9)
    assert bench.guard.today == pytest.approx(bench.made_up, rel=0.01)
    bench.run(hours=0.6)
    assert bench.guard.today < 1.0


# ---- guard: time, starts, bursts


def test_a_pump_that_runs_for_long_warns_and_goes_on() -> None:
    bench = MakeupBench()
    bench.leak = 6.2  # a little more than one pump gives
    bench.run(hours=1)
    assert bench.guard.overrun_point.on
    assert bench.state() != "ok"
    assert bench.runs()


def test_many_starts_an_hour_warn() -> None:
    bench = MakeupBench(guard={"most_starts": "3"})
    for _ in range(8):
        bench.pressure = 335.0
        bench.run(240)
    assert bench.guard.starts_point.value > 3
    bench.pressure = 335.0
    for _ in range(4):
        bench.pressure = 335.0
        bench.run(240)
    assert bench.state() == "warning"


def test_a_burst_is_seen_within_a_minute_and_a_pump_change_is_none() -> None:
    bench = MakeupBench(noise=1.0)
    bench.run(600)
    bench.image["low.circulation"].put(0.0, bench.now)
    for _ in range(60):
        bench.pressure -= 0.5
        bench.run(1)
        assert not bench.guard.burst_point.on
    bench.pressure = 350.0
    bench.run(300)
    bench.leak = 10.0
    seconds = 0
    while not bench.guard.burst_point.on and seconds < 120:
        bench.run(1)
        seconds += 1
    assert seconds <= 60


def test_slow_leaks_are_no_burst() -> None:
    bench = MakeupBench(noise=1.0)
    bench.leak = 1.2
    bench.run(hours=1, each=lambda: None if not bench.guard.burst_point.on else pytest.fail("burst"))


def test_makeup_far_above_the_usual() -> None:
    bench = MakeupBench()
    bench.guard.days = [600.0] * 7
    bench.run(60)
    assert not bench.guard.excess_point.on
    bench.leak = 2.0
    bench.run(hours=1)
    assert bench.guard.excess_point.on


@pytest.mark.parametrize("meter", [True, False])
def test_a_loop_that_cools_is_no_excess_and_a_leak_in_it_is(meter: bool) -> None:
    changes = {"guard": {"loop_volume": "40 m³", "nominal_flow": "6 m³/h"}}
    bench = MakeupBench(meter=meter, **changes)
    bench.leak = 0.02
    bench.run(hours=25)
    assert len(bench.guard.volumes) == len(bench.guard.days) == 1
    usual = bench.made_up / 25.0
    before = bench.made_up
    bench.run(
        hours=1, warmer=-4.0, each=lambda: pytest.fail("excess") if bench.guard.excess_point.on else None
    )
    assert bench.made_up - before > 3.0 * usual
    bench.run(hours=1, each=lambda: pytest.fail("excess") if bench.guard.excess_point.on else None)
    bench.leak = 0.6
    bench.run(hours=1)
    assert bench.guard.excess_point.on


def test_what_brings_the_water_faster_than_usual_is_no_excess() -> None:
    bench = MakeupBench()
    bench.guard.days, bench.guard.volumes = [30.0] * 7, [2.0] * 7
    bench.leak = 0.18
    bench.run(hours=2)
    assert bench.guard.run_s / 2.0 > 3.0 * max(bench.guard.usual_share * 3600.0, 120.0)
    assert not bench.guard.excess_point.on


# ---- restart


def test_the_guard_outlives_a_restart() -> None:
    bench = MakeupBench()
    bench.leak = 0.5
    bench.run(hours=3)
    bench.guard.days, bench.guard.volumes = [500.0, 700.0], [0.4, 0.5]
    again = MakeupBench()
    again.holding.restore(json.loads(json.dumps(bench.holding.state(), allow_nan=False)))
    assert again.guard.days == bench.guard.days
    assert again.guard.volumes == bench.guard.volumes
    assert again.guard.balance.elasticity == pytest.approx(bench.guard.balance.elasticity)
    assert again.holding.pumps[0].hours == pytest.approx(bench.holding.pumps[0].hours)
    again.holding.restore({"duty": "x", "guard": {"days": [None, -1, 5], "day": 3}, "pumps": 7})
    assert again.guard.days == [5.0]
    assert again.guard.volumes == []


# ---- tank


def tank(longest: float = 600.0, rest: float = 300.0) -> tuple[TankInlet, Point]:
    image = Image()
    level = image.add(Point("station.tank_level", "length"))
    level.put(1.5, 0.0)
    return TankInlet(1.2, 1.8, image, longest, rest), level


def test_an_inlet_that_fills_nothing_rests_tells_and_tries_again() -> None:
    inlet, level = tank()
    level.put(1.0, 0.0)
    seen: list[bool] = []
    for second in range(2000):
        inlet.step(Tick(float(second), 1.0, None))
        seen.append(inlet.output.demand >= 0.5)
    assert inlet.long_point.on
    # Open for 5 min at a time, with a pause that doubles.
    assert sum(seen[:300]) == pytest.approx(300, abs=2)
    assert sum(seen[:600]) == pytest.approx(300, abs=2)
    assert sum(seen[:900]) == pytest.approx(600, abs=3)
    assert sum(seen[:1500]) == pytest.approx(600, abs=3)
    assert any(seen[1500:])
    assert sum(a != b for a, b in pairwise(seen)) == 5
    level.put(1.9, 0.0)
    inlet.step(Tick(2001.0, 1.0, None))
    assert not inlet.long_point.on


def test_an_inlet_that_raises_the_level_is_told_but_does_not_rest() -> None:
    inlet, level = tank()
    for second in range(1000):
        level.put(1.0 + second * 3e-4, 0.0)
        inlet.step(Tick(float(second), 1.0, None))
        assert inlet.output.demand == 1.0
    assert inlet.long_point.on


def test_a_tank_without_time_or_level() -> None:
    inlet, level = tank()
    level.put(1.0, 0.0)
    inlet.step()
    assert inlet.output.demand == 1.0
    level.mark(math.nan, Quality.BAD, "stale", 0.0)
    inlet.step(Tick(1.0, 1.0, None))
    assert inlet.output.demand == 0.0
    assert inlet.explain().code == "tank_blind"


# ---- whatever comes in

VALUE = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0, 345.0, 500.0]))
NAMES = [
    "low.return_pressure",
    "low.supply_pressure",
    "low.makeup_pressure",
    "low.makeup_flow",
    "low.makeup_low_contact",
    "low.makeup_high_contact",
    "low.supply_temperature",
    "low.circulation",
    "low.makeup_1_running",
    "low.makeup_1_fault",
    "low.makeup_2_local",
]
SCAN = st.tuples(
    st.sampled_from(NAMES),
    VALUE,
    st.sampled_from(list(Quality)),
    st.floats(0, 5),
    st.booleans(),
    st.sampled_from([True, True, True, False]),
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["return_pressure", "band"]), st.lists(SCAN, max_size=50))
def test_any_input_leaves_makeup_in_its_limits_and_able_to_hold(
    control: str, rows: list[tuple[str, float, Quality, float, bool, bool]]
) -> None:
    bench = MakeupBench(control=control)
    for name, value, quality, dt, filling, wanted in rows:
        bench.image[name].mark(value, quality, "", bench.now)
        bench.now += dt
        bench.holding.step(Tick(bench.now, dt, None), wanted, filling=filling)
        for output in bench.image.outputs.values():
            assert output.low <= output.demand <= output.high
            bench.holding.explain(output)
        assert sum(p.run.demand for p in bench.holding.pumps) <= (1 if wanted else 0)
        if bench.holding.by is bench.back and bench.back.value >= bench.holding.highest:
            assert not bench.holding.filling
        bench.carry_out(0.0)
        bench.holding.applied()
        json.dumps(bench.holding.state(), allow_nan=False)
    for name in NAMES:
        bench.image[name].put(0.0, bench.now)
    bench.holding.forgive()
    bench.pressure = 330.0
    bench.run(900)
    assert bench.pressure > 335.0
