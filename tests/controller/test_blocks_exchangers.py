"""Exchangers in parallel: how many serve, which, and what happens when something does not work."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from exchanger_bench import STROKE_S, ExchangerBench
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.water.exchanger_load import FIRST_S, ExchangerLoad
from controller.control.blocks.water.exchanger_staging import (
    BLIND_S,
    DISTRUST_S,
    MISSING_S,
    SHORT_KEPT_S,
    SHORT_S,
)
from controller.control.blocks.water.isolation_valve import LATE_S, LEFT_S, RETRY_S
from controller.control.tick import Tick
from controller.points import Override, Point, Quality

pytestmark = pytest.mark.timeout(60)
NONE = ""


def staged(bench: ExchangerBench) -> ExchangerBench:
    """It has come down to one at low load."""
    bench.run(3600)
    assert len(bench.told()) == 1
    bench.changes.clear()
    return bench


def failure(bench: ExchangerBench, number: int) -> str:
    return bench.point(f"exchanger_{number}_failure").show()


# ---- how many


def test_number_follows_the_load_with_hysteresis() -> None:
    """Three of a third each: one more above 80 % of those that serve, one less below 60 % of the rest."""
    bench = ExchangerBench(3)
    seen = {}
    for load in (0.1, 0.25, 0.3, 0.5, 0.55, 0.9, 0.45, 0.35, 0.25, 0.15):
        bench.load = load
        bench.run(1800)
        seen[load] = len(bench.told())
    assert seen == {0.1: 1, 0.25: 1, 0.3: 2, 0.5: 2, 0.55: 3, 0.9: 3, 0.45: 3, 0.35: 2, 0.15: 1} | {0.25: 2}


def test_one_more_opens_after_a_while_and_one_less_after_long() -> None:
    bench = staged(ExchangerBench(2))
    bench.load = 0.45
    bench.run(59)
    assert len(bench.told()) == 1
    bench.run(2)
    assert len(bench.told()) == 2
    bench.load = 0.1
    bench.run(299)
    assert len(bench.told()) == 2
    bench.run(120)
    assert len(bench.told()) == 1


def test_a_short_swing_of_the_load_moves_nothing() -> None:
    bench = staged(ExchangerBench(2))
    for load in (0.6, 0.1) * 10:
        bench.load = load
        bench.run(50)
    assert bench.changes == []


def test_a_control_valve_near_its_end_opens_the_next_one_and_a_wide_one_keeps_it() -> None:
    bench = staged(ExchangerBench(2))
    bench.opening = 0.91
    bench.run(SHORT_S + 2)
    assert len(bench.told()) == 2
    bench.opening = 0.75
    bench.load = 0.05
    bench.run(1800)
    assert len(bench.told()) == 2
    bench.opening = 0.65
    bench.run(600)
    assert len(bench.told()) == 1


def test_a_number_that_was_too_small_is_not_tried_again_at_that_load_for_a_day() -> None:
    bench = staged(ExchangerBench(2))
    bench.load, bench.opening = 0.25, 0.95
    bench.run(SHORT_S + 2)
    bench.opening = 0.5
    bench.run(1800)
    assert len(bench.told()) == 2
    bench.load = 0.2
    bench.run(600)
    assert len(bench.told()) == 1
    bench.load, bench.opening = 0.25, 0.95
    bench.run(SHORT_S + STROKE_S + 2)
    bench.now += SHORT_KEPT_S
    bench.opening = 0.5
    bench.run(600)
    assert len(bench.told()) == 1


def test_capacity_says_how_much_one_carries() -> None:
    bench = staged(ExchangerBench(2, capacity="70 %"))
    bench.load = 0.5
    bench.run(1800)
    assert len(bench.told()) == 1
    bench.load = 0.57
    bench.run(61)
    assert len(bench.told()) == 2


def test_least_is_kept() -> None:
    bench = ExchangerBench(3, least=2)
    bench.load = 0.0
    bench.run(7200)
    assert len(bench.told()) == 2


# ---- which


def test_the_new_one_is_open_before_the_old_one_closes() -> None:
    """By hours: 1 h of difference. Never is fewer than one quite open, and they share the work alike."""
    bench = ExchangerBench(2, hours_difference="1 h")
    fewest = 1.0

    def watch() -> None:
        nonlocal fewest
        fewest = min(fewest, max(bench.at))

    bench.run(8 * 3600, each=watch)
    assert fewest == 1.0
    hours = [bench.point(f"exchanger_{n}_hours").value for n in (1, 2)]
    assert abs(hours[0] - hours[1]) < 1.6
    assert len([change for change in bench.changes if change[2]]) >= 3


def test_no_two_valves_move_at_once_and_a_pause_lies_between() -> None:
    bench = ExchangerBench(3)
    for load in (0.05, 0.95, 0.05):
        bench.load = load
        bench.run(3600)
    times = [time for time, _, _ in bench.changes]
    assert len(times) == 6
    assert min(b - a for a, b in pairwise(times)) >= STROKE_S


# ---- what does not work


def test_a_valve_that_does_not_open_is_told_within_its_stroke_and_30_s_and_another_takes_over() -> None:
    bench = staged(ExchangerBench(3))
    rests = sorted({1, 2, 3} - bench.told(), key=lambda n: bench.point(f"exchanger_{n}_hours").value)
    bench.stuck.add(rests[0])
    bench.load = 0.3
    bench.run(61)
    assert rests[0] in bench.told()
    bench.run(STROKE_S + 30)
    assert failure(bench, rests[0]) == "no_open"
    assert bench.told() == {1, 2, 3}
    bench.run(600)
    assert bench.point("exchangers_open").value == 2


def test_one_that_opens_late_counts_again() -> None:
    bench = staged(ExchangerBench(2))
    (rests,) = {1, 2} - bench.told()
    bench.stuck.add(rests)
    bench.load = 0.6
    bench.run(300)
    assert failure(bench, rests) == "no_open"
    bench.stuck.clear()
    bench.run(STROKE_S + 5)
    assert failure(bench, rests) == NONE
    assert bench.point("exchangers_open").value == 2


def test_a_valve_that_does_not_close_is_told_stays_open_and_another_one_closes() -> None:
    bench = ExchangerBench(2)
    bench.stuck.add(1)
    bench.run(3600)
    assert failure(bench, 1) == "no_close"
    assert bench.told() == {1}
    assert bench.at == [1.0, 0.0]
    bench.stuck.clear()
    bench.now += RETRY_S
    bench.run(10)
    assert failure(bench, 1) == NONE


def test_an_open_valve_that_leaves_its_end_is_told_and_replaced() -> None:
    bench = staged(ExchangerBench(2))
    (serves,) = bench.told()
    bench.stuck.add(serves)
    bench.at[serves - 1] = 0.4
    bench.run(LEFT_S + 3)
    assert failure(bench, serves) == "left_end"
    assert bench.told() == {1, 2}


def test_a_closed_valve_that_leaves_its_end_is_told_to_open() -> None:
    bench = staged(ExchangerBench(2))
    (rests,) = {1, 2} - bench.told()
    bench.at[rests - 1] = 0.3
    bench.stuck.add(rests)
    bench.run(LEFT_S + 3)
    assert failure(bench, rests) == "left_end"
    assert bench.told() == {1, 2}


def test_an_acknowledged_failure_is_tried_again() -> None:
    bench = ExchangerBench(2)
    bench.stuck.add(1)
    bench.run(3600)
    bench.stuck.clear()
    assert bench.block.forgive("low.exchanger_1")
    assert not bench.block.forgive("high.exchanger_1")
    bench.run(10)
    assert failure(bench, 1) == NONE


@pytest.mark.parametrize("lost", ["load", "contacts", "season"])
def test_all_open_when_nobody_knows_or_no_heat_is_wanted(lost: str) -> None:
    bench = staged(ExchangerBench(3))
    bench.load = math.nan if lost == "load" else bench.load
    bench.mute = lost == "contacts"
    bench.heat = lost != "season"
    bench.run(BLIND_S - 5)
    if lost != "season":
        assert len(bench.told()) == 1
    bench.run(10 + 2 * (STROKE_S + LATE_S))
    assert bench.told() == {1, 2, 3}


def test_missing_heat_opens_all_for_an_hour_and_doubts_the_last_one_that_opened() -> None:
    """Without contacts: one took over, but its valve never opened."""
    bench = ExchangerBench(2, contacts=False, hours_difference="1 h")
    bench.run(1800)
    (serves,) = bench.told()
    while bench.told() == {serves}:
        bench.run(1)
    while len(bench.told()) != 1:
        bench.run(1)
    (took_over,) = bench.told()
    assert took_over != serves
    bench.run(STROKE_S + 2)
    bench.missing = True
    bench.run(MISSING_S + 3)
    assert bench.told() == {1, 2}
    assert failure(bench, took_over) == "no_heat"
    assert bench.point("exchanger_heat_missing").value == 1
    bench.missing = False
    bench.run(DISTRUST_S + 1200)
    assert bench.point("exchanger_heat_missing").value == 0


def test_missing_heat_with_all_open_for_long_is_nobodys_isolation_valve() -> None:
    bench = ExchangerBench(2, contacts=False, least=2)
    bench.run(3600)
    bench.missing = True
    bench.run(600)
    assert bench.point("exchanger_heat_missing").value == 0


# ---- out for cleaning


def test_one_that_is_out_closes_when_another_serves_and_stays_closed() -> None:
    bench = staged(ExchangerBench(2))
    (serves,) = bench.told()
    (rests,) = {1, 2} - bench.told()
    bench.settings.valves[serves - 1].out = 1.0
    bench.run(10)
    assert bench.told() == {1, 2}
    bench.run(STROKE_S + 5)
    assert bench.told() == {rests}
    bench.run(STROKE_S + 5)
    assert bench.point(f"exchanger_{serves}_state").show() == "out"
    assert bench.output(serves).failsafe == 0.0
    bench.load = math.nan
    bench.run(600)
    assert bench.told() == {rests}
    bench.settings.valves[serves - 1].out = 0.0
    bench.run(120)
    assert bench.told() == {1, 2}


def test_the_last_one_that_heats_is_kept_although_it_is_out() -> None:
    bench = staged(ExchangerBench(2))
    (serves,) = bench.told()
    (rests,) = {1, 2} - bench.told()
    bench.stuck.add(rests)
    bench.settings.valves[serves - 1].out = 1.0
    bench.run(600)
    assert bench.told() == {1, 2}
    assert bench.block.explain(bench.output(serves)).code == "exchanger_kept"


# ---- frost


def test_resting_ones_are_warmed_in_hard_frost_where_both_sides_are_shut() -> None:
    bench = staged(ExchangerBench(2, isolates="both", warm_every="2 h"))
    (rests,) = {1, 2} - bench.told()
    bench.outdoor = -20.0
    bench.run(5 * 3600)
    opened = [time for time, number, opens in bench.changes if number == rests and opens]
    closed = [time for time, number, opens in bench.changes if number == rests and not opens]
    assert len(opened) == len(closed) == 2
    assert [b - a for a, b in zip(opened, closed, strict=True)] == pytest.approx([360, 360], abs=3)


@pytest.mark.parametrize(("isolates", "outdoor"), [("primary", -20.0), ("both", -10.0), ("both", math.nan)])
def test_no_warming_where_secondary_water_flows_or_it_is_mild(isolates: str, outdoor: float) -> None:
    bench = staged(ExchangerBench(2, isolates=isolates, warm_every="2 h"))
    bench.outdoor = outdoor
    bench.run(5 * 3600)
    assert bench.changes == []


# ---- restart, hands


@pytest.mark.parametrize("contacts", [True, False])
def test_a_restart_moves_nothing_and_keeps_hours(contacts: bool) -> None:
    bench = staged(ExchangerBench(3, contacts=contacts))
    hours = [bench.point(f"exchanger_{n}_hours").value for n in (1, 2, 3)]
    bench.restart()
    bench.run(200)
    assert bench.changes == []
    assert [bench.point(f"exchanger_{n}_hours").value for n in (1, 2, 3)] == pytest.approx(hours, abs=0.1)


def test_without_memory_the_contacts_say_where_to_begin() -> None:
    bench = staged(ExchangerBench(3))
    told = bench.told()
    bench.restart(remember=False)
    bench.mute = True
    bench.run(5)
    bench.mute = False
    bench.run(200)
    assert bench.told() == told
    assert bench.changes == []


def test_without_memory_and_contacts_all_open() -> None:
    bench = staged(ExchangerBench(2, contacts=False))
    bench.restart(remember=False)
    bench.run(20)
    assert bench.told() == {1, 2}


def test_a_persons_hand_counts_as_what_it_is() -> None:
    """Held open by hand while it should rest: the other one may close; released, it goes on from there."""
    bench = staged(ExchangerBench(2))
    (rests,) = {1, 2} - bench.told()
    bench.output(rests).override = Override(1.0, "li", "panel", math.inf)
    bench.run(1200)
    assert bench.told() == {rests}
    bench.output(rests).override = None
    bench.run(1200)
    assert bench.told() == {rests}


# ---- whatever comes

NUMBERS = st.sampled_from([math.nan, -1.0, 0.0, 0.1, 0.3, 0.45, 0.7, 1.0, 5.0, math.inf])
CONTACTS = st.dictionaries(
    st.sampled_from([f"{n}_{end}" for n in (1, 2, 3) for end in ("opened", "closed")]),
    st.sampled_from([0.0, 1.0, math.nan]),
    max_size=3,
)
PHASE = st.tuples(
    NUMBERS, NUMBERS, NUMBERS, st.booleans(), st.sets(st.sampled_from([1, 2, 3])), CONTACTS,
    st.sets(st.sampled_from([1, 2, 3]), max_size=2), st.integers(1, 400),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(PHASE, min_size=1, max_size=6), st.booleans(), st.sampled_from(["primary", "both"]))
def test_one_is_always_told_to_open_and_one_command_changes_at_a_time(
    phases: list[tuple[float, float, float, bool, set[int], dict[str, float], set[int], int]],
    contacts: bool,
    isolates: str,
) -> None:
    """Where nothing sticks and the contacts tell the truth, one valve moves at a time as well."""
    bench = ExchangerBench(3, contacts=contacts, isolates=isolates, close_after="1 min", warm_every="30 min")
    honest = not any(phase[4] or phase[5] for phase in phases)
    bench.scan()
    for load, outdoor, opening, missing, stuck, said, out, seconds in phases:
        bench.load, bench.outdoor, bench.opening, bench.missing, bench.stuck = (
            load, outdoor * 40 - 20, opening, missing, stuck,
        )  # fmt: skip
        for number in (1, 2, 3):
            bench.settings.valves[number - 1].out = float(number in out)
        for _ in range(seconds):
            changed, places = len(bench.changes), list(bench.at)
            bench.scan(said)
            assert bench.told()
            assert len(bench.changes) - changed <= 1
            moved = [a for a, b in zip(places, bench.at, strict=True) if a != b]
            assert len(moved) <= 1 or not honest


@settings(max_examples=10, deadline=None)
@given(st.lists(PHASE, min_size=0, max_size=3))
def test_nothing_known_ends_with_all_open(
    phases: list[tuple[float, float, float, bool, set[int], dict[str, float], set[int], int]],
) -> None:
    bench = ExchangerBench(3)
    for load, outdoor, opening, missing, stuck, said, _, seconds in phases:
        bench.load, bench.outdoor, bench.opening, bench.missing = load, outdoor, opening, missing
        bench.stuck = stuck
        for _ in range(seconds):
            bench.scan(said)
    bench.load = bench.outdoor = math.nan
    bench.mute = True
    bench.run(BLIND_S + 3 * (STROKE_S + LATE_S) + 5)
    assert bench.told() == {1, 2, 3}


# ---- the load


def load_of(outdoor: float | None, power: float | None, design_heat: float | None = None) -> ExchangerLoad:
    cold, heat = Point("station.outdoor_temperature", "temperature"), Point("station.heat_power", "power")
    if outdoor is not None:
        cold.put(outdoor, 0.0)
    if power is not None:
        heat.put(power, 0.0)
    return ExchangerLoad(-24.2, design_heat, cold, heat)


def test_outdoor_temperature_alone_gives_the_load_until_the_design_heat_is_known() -> None:
    load = load_of(-2.1, 1000.0)
    assert load.step(Tick(0.0, 1.0, None)) == pytest.approx(0.5)


def test_design_heat_is_learned_within_days_and_then_heat_counts() -> None:
    load = load_of(-2.1, 900.0)
    for minute in range(3 * 1440):
        load.step(Tick(60.0 * minute, 60.0, None))
    assert load.design_heat == pytest.approx(1800.0, rel=0.02)
    assert load.power is not None
    load.power.put(1350.0, 0.0)
    for second in range(0, 1800, 10):
        share = load.step(Tick(second, 10.0, None))
    assert share == pytest.approx(0.75, rel=0.02)
    kept = load_of(-2.1, 900.0)
    kept.restore(load.state())
    assert kept.design_heat == load.design_heat


def test_given_design_heat_counts_at_once_and_is_not_learned() -> None:
    load = load_of(10.0, 1500.0, 2000.0)
    assert load.step(Tick(0.0, 1.0, None)) == pytest.approx(0.75)
    assert load.state()["design_heat"] is None


def test_without_outdoor_temperature_or_with_a_substitute_alone_the_load_is_unknown() -> None:
    assert math.isnan(load_of(None, 1000.0, 2000.0).step(Tick(0.0, 1.0, None)))
    load = load_of(-2.1, None)
    assert load.step(Tick(0.0, 1.0, None)) == pytest.approx(0.5)
    load.outdoor.mark(-2.1, Quality.UNCERTAIN, "assumed", 0.0)
    assert math.isnan(load.step(Tick(1.0, 1.0, None)))


@pytest.mark.parametrize("state", [None, [], {"design_heat": "x"}, {"design_heat": math.nan, "learned": -3}])
def test_odd_states_keep_fresh_values(state: object) -> None:
    load = load_of(-2.1, None)
    load.restore(state)
    assert math.isnan(load.design_heat)
    assert load.step(Tick(0.0, FIRST_S, None)) == pytest.approx(0.5)
    bench = ExchangerBench(2)
    bench.block.restore(state)
    bench.block.restore({"wanted": "x", "valves": [{"hours": "x", "failed": 77}, 3]})
    bench.run(10)
    assert bench.told() == {1, 2}
