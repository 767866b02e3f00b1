"""Lift curves, present conditions, feed-forward, and the valve that is asked only when it is worth it."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.loop.heat_transfer import (
    ExchangerDesign,
    HeatTransfer,
    exchanger_lift,
    mixing_lift,
)
from controller.control.blocks.loop.supply_control import Sensed, SupplyControl
from controller.control.blocks.loop.supply_settings import LoopSettings, ValveSettings
from controller.control.blocks.parts.pid_loop import PiLoop
from controller.control.tick import Tick
from controller.points import Output, Point, Quality, Slot

MAYBE = st.one_of(st.none(), st.floats(-50, 200), st.sampled_from([math.nan, math.inf]))


def point(value: float | None, quantity: str = "temperature") -> Point:
    made = Point("x.y", quantity)
    if value is not None:
        made.put(value, 0.0)
    return made


def tick(now: float, dt: float = 1.0) -> Tick:
    return Tick(now, dt, None)


# ---- curves


@pytest.mark.parametrize(
    ("design", "relative_lift"),
    [((110, 60, 60, 45), 15 / 65), ((110, 50, 50, 40), 10 / 70), ((95, 55, 60, 45), 15 / 50)],
)
def test_an_exchanger_does_its_design_point(
    design: tuple[float, float, float, float], relative_lift: float
) -> None:
    names = ("primary_supply", "primary_return", "secondary_supply", "secondary_return")
    curve = exchanger_lift(ExchangerDesign(**dict(zip(names, design, strict=True))))
    assert curve.lift(curve.design_ratio) == pytest.approx(relative_lift, rel=2e-3)


def test_more_flow_lifts_more_but_less_and_less() -> None:
    curve = exchanger_lift(ExchangerDesign())
    lifts = [curve.lift(z / 20) for z in range(30)]
    gains = [b - a for a, b in itertools.pairwise(lifts)]
    assert all(a > b > 0 for a, b in itertools.pairwise(gains))
    assert lifts[-1] < 1


def test_no_exchanger_turns_water_warmer_than_its_primary() -> None:
    with pytest.raises(ValueError):
        exchanger_lift(ExchangerDesign(primary_supply=60, secondary_supply=70))


@given(st.floats(0.0, 1.5))
def test_ratio_is_the_inverse(ratio: float) -> None:
    curve = exchanger_lift(ExchangerDesign())
    assert curve.ratio(curve.lift(ratio)) == pytest.approx(ratio, abs=1e-6)
    assert mixing_lift(0.2).lift(min(ratio, 1.0)) == pytest.approx(min(ratio, 1.0))


# ---- conditions


def transfer(
    primary: float | None = 110.0, back: float | None = 45.0, dp: float | None = 100.0
) -> HeatTransfer:
    pressures = (point(None if dp is None else 600.0 + dp, "pressure"), point(600.0, "pressure"))
    made = HeatTransfer(exchanger_lift(ExchangerDesign()), 0.0, 65.0, point(primary), point(back), pressures)
    made.step(tick(0), 40.0)
    return made


def test_colder_primary_water_asks_for_more_of_it() -> None:
    assert transfer(primary=95.0).share(15.0) > 1.2 * transfer().share(15.0)


def test_twice_the_pressure_needs_the_root_less_of_the_valve() -> None:
    one = transfer()
    share = one.share(15.0)
    assert one.pressures is not None
    one.pressures[0].put(800.0, 1.0)
    one.step(tick(1), 40.0)
    assert one.share(15.0) == pytest.approx(share / math.sqrt(2), rel=1e-6)


def test_less_secondary_flow_needs_less_primary_flow() -> None:
    one = transfer()
    share = one.share(15.0)
    one.step(tick(1), 28.0)
    assert one.share(15.0) == pytest.approx(0.7 * share, rel=1e-6)


def test_what_cannot_be_seen_keeps_its_last_value() -> None:
    one = transfer()
    share = one.share(15.0)
    assert one.primary is not None
    assert one.back is not None
    assert one.pressures is not None
    for lost in (one.primary, one.back, *one.pressures):
        lost.mark(math.nan, Quality.BAD, "no_reply", 1.0)
    one.step(tick(1), math.nan)
    assert one.share(15.0) == pytest.approx(share)


def test_it_learns_how_much_the_open_valve_lets_through() -> None:
    """A valve twice as large as believed: within a day the belief is right."""
    one = transfer()
    true = HeatTransfer(one.curve, 0.0, 65.0, one.primary, one.back, one.pressures)
    true.step(tick(0), 40.0)
    true.full_ratio = 2 * one.full_ratio
    for scan in range(0, 86400, 10):
        one.step(tick(scan, 10.0), 40.0)
        one.learn(tick(scan, 10.0), true.lift(30.0), 30.0)
    assert one.full_ratio == pytest.approx(true.full_ratio, rel=0.02)


def test_a_lift_on_its_way_teaches_nothing() -> None:
    one = transfer()
    before = one.full_ratio
    for scan in range(3600):
        assert not one.learn(tick(scan), 5.0 + 0.02 * scan, 30.0) or scan < 60
    assert one.full_ratio == pytest.approx(before, rel=0.02)


@given(MAYBE, MAYBE, MAYBE, MAYBE, st.floats(-20, 80), st.floats(0, 100))
def test_any_conditions_give_numbers(
    primary: float | None, back: float | None, dp: float | None, flow: float | None, lift: float, share: float
) -> None:
    one = transfer(primary, back, dp)
    one.step(tick(1), math.nan if flow is None else flow)
    one.learn(tick(1), lift, share)
    assert math.isfinite(one.share(lift))
    assert one.share(lift) >= 0
    assert math.isfinite(one.lift(share))
    assert one.lift(share) >= 0
    assert one.full_ratio > 0
    state = one.state()
    again = transfer()
    again.restore(state)
    assert again.full_ratio == one.full_ratio


@pytest.mark.parametrize("odd", [{}, {"full_ratio": "x"}, {"full_ratio": 1e9}, {"first_flow": math.nan}])
def test_an_odd_memory_is_left_out(odd: dict[str, object]) -> None:
    one = transfer()
    one.restore(odd)
    assert 0 < one.full_ratio < 10


# ---- PI with feed-forward


def test_half_of_the_exchangers_heat_half_of_the_water() -> None:
    """The rest passes by: half of the lift that the same primary flow gives to half of the secondary flow."""
    whole, half = transfer(), transfer()
    half.in_service = 0.5
    for share in (5.0, 20.0, 60.0):
        assert half.lift(share) == pytest.approx(0.5 * whole.lift(2.0 * share))
        assert half.share(half.lift(share)) == pytest.approx(share)
    assert half.lift(40.0) < whole.lift(40.0)


def test_with_both_sides_shut_fewer_plates_do_a_little_less() -> None:
    """NTU goes with the share to the power of 0.2: more flow over the plates that are left."""
    design = ExchangerDesign()
    whole, half = exchanger_lift(design), exchanger_lift(design, 0.5)
    assert half.lift(0.3) == pytest.approx(0.2174, abs=0.002)
    assert whole.lift(0.3) == pytest.approx(15 / 65, abs=1e-3)


def test_each_number_of_exchangers_has_a_flow_ratio_of_its_own_and_keeps_it() -> None:
    one = transfer()
    one.serve(2)
    one.full_ratio, first = 0.5, one.full_ratio
    one.serve(1)
    assert one.full_ratio == 0.5
    one.full_ratio = 0.4
    one.serve(2)
    assert one.full_ratio == 0.5
    again = transfer()
    again.restore(one.state())
    again.serve(1)
    assert again.full_ratio == 0.4
    assert "stage" not in transfer().state()
    assert first == transfer().full_ratio


def test_what_is_known_acts_at_once_and_the_integral_stays() -> None:
    pi = PiLoop(0.4, 60.0, 0.0, 60.0)
    pi.track(15.0)
    pi.step(50.0, 50.0, 1.0, feedforward=15.0)
    assert pi.step(50.0, 50.0, 1.0, feedforward=20.0) == pytest.approx(20.0)
    assert pi.integral == pytest.approx(0.0)


def test_taking_over_counts_what_is_known() -> None:
    pi = PiLoop(0.4, 60.0, 0.0, 60.0)
    pi.track(10.0)
    assert pi.step(50.0, 48.0, 1.0, feedforward=25.0) == pytest.approx(10.0 + 0.4 / 60 * 2)


def test_an_actuator_on_its_way_does_not_wind_up() -> None:
    pi = PiLoop(0.4, 60.0, 0.0, 60.0)
    pi.track(15.0)
    pi.step(50.0, 50.0, 1.0, feedforward=15.0)
    for _ in range(60):
        pi.step(50.0, 45.0, 1.0, feedforward=15.0, integrates=False)
    assert pi.integral == pytest.approx(0.0)


@given(st.lists(st.tuples(MAYBE, MAYBE, st.floats(0, 10)), max_size=10))
def test_any_feed_forward_stays_within_limits(rows: list[tuple[float | None, float | None, float]]) -> None:
    pi = PiLoop(0.4, 60.0, 0.0, 60.0)
    pi.track(15.0)
    for measured, known, dt in rows:
        output = pi.step(
            50.0, math.nan if measured is None else measured, dt, feedforward=0.0 if known is None else known
        )
        assert 0.0 <= output <= 60.0
    for _ in range(600):
        pi.step(50.0, 20.0, 5.0)
    assert pi.output == 60.0


# ---- asking the valve


class Bench:
    """SupplyControl on points that a test turns; the valve obeys at its pace."""

    def __init__(self, position: Point | None = None) -> None:
        self.supply, self.back = point(60.0), point(45.0)
        self.command = Output("low.valve_command", "percent", 0, 100, failsafe=None)
        self.command.put(50.0, 0.0)
        made = transfer()
        made.primary, made.back = point(110.0), self.back
        valve = ValveSettings(command="valve.command")
        sensed = Sensed(self.supply, (), self.back, None, point(-10.0), position)
        self.control = SupplyControl(valve, LoopSettings(), self.command, made, sensed)
        self.now = 0.0
        self.moves = 0

    def run(self, seconds: int, setpoint: float = 60.0) -> None:
        for _ in range(seconds):
            self.now += 1.0
            before = self.command.value
            self.control.step(tick(self.now), setpoint, 40.0)
            wanted = self.command.demand
            self.command.put(before + max(-0.83, min(0.83, wanted - before)), self.now)
            self.command.slot = Slot.DEMAND
            self.moves += before == self.command.demand or abs(wanted - before) > 0
            self.control.applied(tick(self.now))


def test_starts_where_the_valve_stands() -> None:
    bench = Bench()
    bench.run(1)
    assert bench.command.demand == pytest.approx(50.0, abs=0.5)


@pytest.mark.parametrize("position", [48.6, 51.4, 20.0])
def test_the_real_position_wins_over_a_remembered_one_that_is_close(position: float) -> None:
    """A remembered command may be a minute, and a move, old: the valve must not be sent back there."""
    bench = Bench(point(position))
    bench.run(1)
    assert bench.command.demand == pytest.approx(position, abs=0.1)


def test_noise_below_the_dead_band_does_not_start_the_motor() -> None:
    bench = Bench()
    bench.run(120)
    opening = bench.command.value
    for step in range(600):
        bench.supply.put(60.0 + 0.05 * (-1) ** step, bench.now)
        bench.run(1)
    assert bench.command.value == opening


def test_a_colder_primary_opens_the_valve_before_the_supply_falls() -> None:
    bench = Bench()
    bench.run(120)
    opening = bench.command.value
    assert bench.control.transfer.primary is not None
    bench.control.transfer.primary.put(100.0, bench.now)
    bench.run(60)
    assert bench.command.value > opening + 2.0


def test_a_lost_return_sensor_is_no_bump() -> None:
    bench = Bench()
    bench.run(120)
    opening = bench.command.value
    bench.back.mark(math.nan, Quality.BAD, "open_circuit", bench.now)
    bench.run(120)
    assert bench.command.value == pytest.approx(opening, abs=1.0)
    bench.back.put(35.0, bench.now)
    bench.run(2)
    assert bench.command.value == pytest.approx(opening, abs=2.0)
