"""Makeup without its pressure, in the order of what is left; and with a drive that does not answer."""

from __future__ import annotations

import json
import math

import pytest

from controller.points import Override, Quality
from tests.controller.makeup_bench import MakeupBench


def blind(bench: MakeupBench) -> None:
    bench.blind = True
    bench.lose(bench.back)


def test_supply_pressure_less_the_pumps_head_stands_in() -> None:
    bench = MakeupBench()
    run, speed = bench.image["low.makeup_1_run"], bench.image["low.makeup_1_speed"]
    bench.holding.others._speeds = [(run, speed)]
    supply = bench.image["low.supply_pressure"]
    bench.leak = 2.0
    bench.run(hours=1, each=lambda: supply.put(bench.pressure, bench.now))
    blind(bench)
    bench.run(hours=1, each=lambda: supply.put(bench.pressure, bench.now))
    assert bench.holding.by.reason == "from_pump_head"
    assert 330.0 < bench.pressure < 365.0


def test_the_discharge_pressure_of_the_makeup_pumps_stands_in() -> None:
    bench = MakeupBench()
    bench.leak = 0.5
    discharge = bench.image["low.makeup_pressure"]

    def show() -> None:
        discharge.put(bench.pressure + (30.0 if bench.runs() else 5.0), bench.now)

    bench.run(hours=3, each=show)
    blind(bench)
    bench.run(hours=3, each=show)
    assert bench.holding.by.reason == "from_makeup_pressure"
    assert 325.0 < bench.pressure < 375.0
    discharge.mark(math.nan, Quality.BAD, "no_reply", bench.now)
    bench.run(5)
    assert bench.runs() == set()


def test_contacts_of_a_gauge_are_a_band() -> None:
    bench = MakeupBench()
    bench.leak = 0.5
    low, high = bench.image["low.makeup_low_contact"], bench.image["low.makeup_high_contact"]
    blind(bench)
    seen: list[float] = []

    def show() -> None:
        low.put(float(bench.pressure < 330.0), bench.now)
        high.put(float(bench.pressure > 370.0), bench.now)
        seen.append(bench.pressure)

    bench.run(hours=3, each=show)
    assert min(seen) > 325.0
    assert max(seen) < 380.0
    assert bench.holding.blind.code in ("makeup_by_contacts", "makeup_contact_full")


def test_last_days_makeup_in_portions_holds_for_a_day() -> None:
    bench = MakeupBench(meter=False)
    bench.leak = 0.2
    bench.run(hours=24.5)
    assert len(bench.guard.days) == 1
    usual = bench.guard.usual_share
    before = bench.guard.run_s
    blind(bench)
    bench.run(hours=6)
    ran = bench.guard.run_s - before
    assert ran <= 1.5 * usual * 6 * 3600 + 120
    assert ran >= 0.7 * usual * 6 * 3600
    assert bench.holding.blind.code == "makeup_by_portions"
    bench.image["low.makeup_high_contact"].put(1.0, bench.now)
    bench.run(hours=2, each=lambda: None if not bench.runs() else pytest.fail("against the high contact"))


def test_the_balance_of_the_water_holds_the_pressure_for_a_day() -> None:
    """The pump's flow here does not end at its own head, so that what the balance gets wrong adds up."""
    bench = MakeupBench(noise=1.0)
    bench.leak = 0.03
    bench.run(hours=3)
    blind(bench)
    bench.holding.blind.reckoned.reach = math.nan  # nor is it trusted to
    seen: list[float] = []
    bench.run(hours=24, each=lambda: seen.append(bench.pressure))
    assert bench.holding.blind.code == "makeup_by_balance"
    assert bench.holding.explain(bench.output("makeup_1_run")).code == "makeup_by_balance"
    assert min(seen) > 300.0  # without makeup it would be empty
    assert max(seen) < 400.0


def test_the_balance_knows_what_the_water_shrinks_and_swells_by() -> None:
    bench = MakeupBench()
    bench.leak = 0.1
    bench.run(hours=3)
    blind(bench)
    bench.run(hours=2, warmer=-4.0)  # 144 l, 90 kPa
    assert bench.pressure == pytest.approx(345.0, abs=25.0)
    before = bench.made_up
    bench.run(hours=1, warmer=8.0)
    assert bench.made_up == before


def test_no_larger_leak_than_is_permitted_is_made_up_blindly() -> None:
    bench = MakeupBench()
    bench.leak = 1.5
    bench.run(hours=2)
    blind(bench)
    before = bench.made_up
    bench.run(hours=4)
    assert bench.made_up - before < 1.2 * 4 * 0.2 + 0.1


def test_the_pump_turns_no_faster_blindly_than_what_held_the_setpoint() -> None:
    bench = MakeupBench()
    bench.leak = 0.1
    bench.run(hours=2)
    reckoned = bench.holding.blind.reckoned
    reckoned.reach = math.nan
    reckoned.rest()
    for kpa in range(340, 360):  # on its way through the set-point
        reckoned.learn_speed(1.0, 350.0, float(kpa), 48.0)
    reckoned.rest()
    for kpa in (340.0, *[350.0] * 20):  # what rises while it is not told to turn is not its lift
        reckoned.learn_speed(1.0, 350.0, kpa, 0.0)
    reckoned.rest()
    for _ in range(60):  # it lifts nothing
        reckoned.learn_speed(1.0, 350.0, 350.0, 30.0)
    assert math.isnan(reckoned.speed(350.0))
    reckoned.rest()
    for kpa in range(340, 351):
        reckoned.learn_speed(1.0, 350.0, float(kpa), 40.0)
    for tenths in range(100):  # its check valve holds the pressure meanwhile
        reckoned.learn_speed(1.0, 350.0, 350.0, 40.0 - tenths / 10)
    assert reckoned.speed(350.0) == pytest.approx(40.0)
    assert reckoned.speed(350.0 / 4) == pytest.approx(20.0)
    blind(bench)
    fastest: list[float] = []

    def look() -> None:
        fastest.append(max(bench.output(f"makeup_{n}_speed").value for n in (1, 2)))

    bench.run(hours=2, each=look)
    assert max(fastest) == pytest.approx(40.0, abs=0.5)


def test_what_was_learned_for_blindness_outlives_a_restart() -> None:
    bench = MakeupBench()
    bench.leak = 0.1
    bench.run(hours=2)
    again = MakeupBench()
    again.holding.restore(json.loads(json.dumps(bench.holding.state(), allow_nan=False)))
    blind(again)
    again.leak = 0.1
    again.run(hours=6)
    assert again.holding.blind.code == "makeup_by_balance"
    assert again.pressure > 320.0
    again.holding.restore({"reckoned": {"leak": "much", "reach": -1, "lacks": None}})
    again.holding.restore({"reckoned": 3})
    assert again.holding.blind.reckoned.leak == pytest.approx(bench.holding.blind.reckoned.leak)


# ---- a drive that does not answer


def silence(bench: MakeupBench, number: int) -> None:
    """The drive is gone from its bus and, as it is set, stops."""
    bench.silent.add(number)
    bench.stuck.add(number)


def test_the_other_pump_takes_over_from_a_drive_that_is_silent() -> None:
    bench = MakeupBench()
    bench.leak = 1.0
    bench.pressure = 335.0
    bench.run(10)
    assert bench.runs() == {1}
    silence(bench, 1)
    bench.run(10)
    assert bench.runs() == {2}
    assert bench.holding.pumps[0].explain().code == "pump_silent"
    bench.run(hours=3, each=lambda: None if 1 not in bench.runs() else pytest.fail("told to the silent one"))
    assert bench.pressure > 335.0


@pytest.mark.parametrize("number", [1, 2])
def test_the_other_pump_takes_over_from_one_that_a_person_holds_off(number: int) -> None:
    bench = MakeupBench()
    bench.output(f"makeup_{number}_run").override = Override(0.0, "li", "panel", math.inf, "seal leaks")
    bench.leak = 1.0
    bench.run(hours=3)
    assert bench.runs() <= {3 - number}
    assert bench.pressure > 335.0
    # With both in hand nothing runs, and nothing hunts.
    bench.output(f"makeup_{3 - number}_run").override = Override(0.0, "li", "panel", math.inf, "seal leaks")
    bench.run(10)
    duties: set[int] = set()
    bench.run(hours=1, each=lambda: duties.add(bench.holding.duty))
    assert bench.runs() == set()
    assert len(duties) == 1


def test_a_silent_drive_is_not_chosen_at_a_start() -> None:
    bench = MakeupBench()
    silence(bench, 1)
    bench.run(10)
    bench.pressure = 335.0
    bench.run(4)
    assert bench.runs() == {2}


def test_where_no_drive_answers_the_duty_pump_is_told_all_the_same() -> None:
    """They may hear and only not be heard: nothing is lost by it."""
    bench = MakeupBench()
    bench.silent = {1, 2}
    bench.run(10)
    bench.pressure = 330.0
    seen: list[int] = []
    bench.run(600, each=lambda: seen.extend(bench.runs()))
    assert set(seen) == {1}
    assert bench.pressure == pytest.approx(350.0, abs=8.0)


def test_a_drive_that_answers_again_is_taken_again() -> None:
    bench = MakeupBench()
    bench.leak = 0.5
    silence(bench, 1)
    bench.run(hours=1)
    bench.silent, bench.stuck = set(), set()
    seen: set[int] = set()
    bench.run(hours=2, each=lambda: seen.update(bench.runs()))
    assert seen == {1, 2}


def test_with_nothing_left_makeup_stops() -> None:
    bench = MakeupBench(meter=False)
    bench.leak = 0.2
    bench.run(hours=2)
    blind(bench)
    bench.run(hours=1, each=lambda: None if not bench.runs() else pytest.fail("blind"))
    assert bench.holding.explain(bench.output("makeup_1_run")).code == "makeup_blind"
