"""The output stage: slots, limits, rate, dead band; and the table that sets the limits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.alarms import AlarmBook
from controller.points import Image, Limit, Output, Override, Quality, Slot
from controller.safety.outputs import Outputs
from controller.safety.rows.parts import HoldAtMost
from controller.safety.rules import Rule, SafetyTable


class Stage:
    """One output with its stage."""

    def __init__(self, **options: float | None) -> None:
        self.output = Output("low.valve_command", "percent", 0, 100, **{"failsafe": None, **options})  # type: ignore[arg-type]
        self.image = Image()
        self.image.add(self.output)
        self.stage = Outputs([self.output], self.image, ["frost", "thermostat", "over_temperature"])
        self.now = 0.0

    def step(self, demand: float | None = None, dt: float = 1.0, failed: bool = False) -> float:
        self.now += dt
        if demand is not None:
            self.output.demand = demand
        self.stage.step(self.now, dt, {self.output.name} if failed else set())
        return self.output.value

    def hand(self, value: float, lasts: float = 60.0) -> None:
        self.output.override = Override(value, "li", "panel", self.now + lasts)

    @property
    def reason(self) -> str:
        return self.image["low.valve_command_reason"].show()


def test_demand_is_put_out_and_is_the_reason() -> None:
    stage = Stage()
    assert stage.step(43.0) == 43.0
    assert (stage.reason, stage.output.quality) == ("demand", Quality.GOOD)


def test_nothing_is_put_out_before_there_is_something() -> None:
    stage = Stage()
    assert math.isnan(stage.step())
    assert (stage.output.quality, stage.output.reason) == (Quality.BAD, "never_written")


def test_the_strongest_slot_wins_and_names_itself() -> None:
    stage = Stage()
    stage.step(43.0)
    stage.hand(60.0)
    assert stage.step() == 60.0
    assert stage.reason == "override"
    stage.output.limit.at_most(50.0, "thermostat")
    assert stage.step() == 50.0
    assert stage.reason == "thermostat"
    stage.output.limit.clear()
    stage.output.override = None
    assert stage.step() == 43.0


def test_a_limit_that_does_not_bite_is_not_the_reason() -> None:
    stage = Stage()
    stage.output.limit.at_most(50.0, "thermostat")
    stage.step(43.0)
    assert stage.reason == "demand"


def test_broken_circuit_holds_or_takes_its_failsafe() -> None:
    holds, stops = Stage(), Stage(failsafe=0.0)
    for stage in (holds, stops):
        stage.step(43.0)
        stage.output.demand = 99.0
    assert holds.step(failed=True) == 43.0
    assert stops.step(failed=True) == 0.0
    assert holds.reason == stops.reason == "failsafe"


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_demand_that_is_no_number_is_the_failsafe(odd: float) -> None:
    stage = Stage()
    stage.step(43.0)
    assert stage.step(odd) == 43.0
    assert stage.reason == "failsafe"


def test_rate() -> None:
    stage = Stage(rate=2.0)
    stage.step(40.0)
    assert [stage.step(50.0) for _ in range(3)] == [42.0, 44.0, 46.0]
    assert stage.step(0.0, dt=0.5) == 45.0
    assert stage.step(100.0, dt=0.0) == 45.0


def test_dead_band_keeps_small_changes_but_ends_are_always_reached() -> None:
    stage = Stage(dead_band=0.5)
    stage.step(40.0)
    assert stage.step(40.4) == 40.0
    assert stage.step(40.6) == 40.6
    stage.step(99.8)
    assert stage.step(100.0) == 100.0
    stage.step(0.3)
    assert stage.step(0.0) == 0.0


def test_a_slow_actuator_with_a_wide_dead_band_still_moves() -> None:
    """600 s stroke, dead band 5 %: one step is far smaller than the dead band."""
    stage = Stage(rate=100 / 600, dead_band=5.0)
    stage.step(40.0)
    for _ in range(200):
        stage.step(60.0)
    assert stage.output.value > 55.0


def test_what_safety_forces_is_put_out_at_once() -> None:
    stage = Stage(rate=1.0, dead_band=0.5)
    stage.step(43.0)
    stage.output.limit.at_most(0.0, "thermostat")
    assert stage.step() == 0.0


def test_after_a_limit_the_demand_goes_on_from_the_real_position() -> None:
    """The loop tracked the valve at 38 %: no way from 0 up at the rate of the actuator."""
    stage = Stage(rate=1.0)
    stage.step(43.0)
    stage.output.limit.at_most(0.0, "thermostat")
    stage.step()
    stage.output.limit.clear()
    assert stage.step(38.0) == 38.0
    assert stage.step(50.0) == 39.0


def test_override_ends_by_itself_with_an_event() -> None:
    stage = Stage()
    stage.step(43.0)
    stage.hand(60.0, lasts=10.0)
    for second in range(1, 11):
        events = stage.stage.expire(second + 1.0, 0.0)
        assert [e.code for e in events] == (["override_expired"] if second == 10 else [])
    assert stage.step() == 43.0


@pytest.mark.parametrize(
    ("rule", "pause", "left"),
    [
        ("over_temperature", 600.0, 3),
        ("thermostat", 600.0, 3),
        ("over_temperature", 1900.0, 9),
        ("frost", 60.0, 9),
    ],
)
def test_three_trips_within_an_hour_end_a_hand(rule: str, pause: float, left: int) -> None:
    stage = Stage()
    stage.step(43.0)
    stage.hand(100.0, lasts=86400.0)
    trips, codes = 0, list[str]()
    for _ in range(9):
        for forced in (True, False):
            codes += [event.code for event in stage.stage.expire(stage.now, 0.0)]
            stage.output.limit.clear()
            if forced:
                trips += not codes
                stage.output.limit.at_most(0.0, rule)
            stage.step(dt=pause / 2)
    assert codes == (["override_tripped"] if left < 9 else [])
    assert trips == left
    assert stage.output.value == (100.0 if left == 9 else 43.0)


NUMBER = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-10, 110))


@given(
    st.lists(
        st.tuples(
            NUMBER, st.floats(0, 5), st.booleans(), st.none() | NUMBER, st.none() | NUMBER, st.none() | NUMBER
        ),
        max_size=20,
    )
)
def test_any_slots_leave_the_value_within_the_output_and_its_limit(
    rows: list[tuple[float, float, bool, float | None, float | None, float | None]],
) -> None:
    stage = Stage(rate=1.0, dead_band=0.5)
    for demand, dt, failed, hand, low, high in rows:
        stage.output.override = None if hand is None else Override(hand, "", "", math.inf)
        limit = stage.output.limit
        limit.clear()
        if high is not None and math.isfinite(high):
            limit.at_most(min(max(high, 0), 100), "thermostat")
        if low is not None and math.isfinite(low):
            limit.at_least(min(max(low, 0), 100), "frost")
        value = stage.step(demand, dt, failed)
        if stage.output.quality is not Quality.BAD:
            assert 0 <= value <= 100
            assert limit.low <= value <= limit.high


# ---- bands


def test_a_weaker_rule_never_opens_what_a_stronger_closed() -> None:
    limit = Limit()
    limit.at_most(0.0, "no_circulation")
    limit.at_least(20.0, "frost")
    assert (limit.low, limit.high, limit.high_rule) == (0.0, 0.0, "no_circulation")
    limit.clear()
    limit.at_least(20.0, "frost")
    limit.at_most(5.0, "weaker")
    assert (limit.low, limit.high) == (20.0, 20.0)


def test_hold_does_not_ratchet_the_valve_shut() -> None:
    stage = Stage()
    hold = HoldAtMost(stage.output, 0.0)
    stage.step(43.0)
    hold.begin()
    seen = []
    for demand in (50.0, 20.0, 30.0, 60.0):
        stage.output.limit.clear()
        hold("thermostat")
        seen.append(stage.step(demand))
    assert seen == [43.0, 20.0, 30.0, 43.0]


def test_hold_leaves_its_least() -> None:
    stage = Stage()
    hold = HoldAtMost(stage.output, 20.0)
    stage.step(0.0)
    hold.begin()
    hold("thermostat")
    assert stage.step(60.0) == 20.0


# ---- rows


def table(**options: object) -> tuple[SafetyTable, dict[str, bool], list[str], AlarmBook]:
    signs = {"when": False, "until": False}
    acted: list[str] = []
    extra = dict(options)
    if extra.pop("until", False):
        extra["until"] = lambda: signs["until"]
    rule = Rule("frost", "low", lambda: signs["when"], act=acted.append, priority="urgent", **extra)  # type: ignore[arg-type]
    return SafetyTable([rule]), signs, acted, AlarmBook()


def test_a_row_waits_its_delay_without_a_break() -> None:
    rows, signs, acted, alarms = table(after_s=10.0)
    signs["when"] = True
    for second in range(10):
        rows.step(second, alarms)
    assert not acted
    signs["when"] = False
    rows.step(10.0, alarms)
    signs["when"] = True
    for second in range(11, 21):
        rows.step(second, alarms)
    assert not acted
    rows.step(21.0, alarms)
    assert acted == ["frost"]
    assert alarms.is_active("frost", "low")


def test_a_row_clears_only_after_its_own_condition_has_held() -> None:
    rows, signs, _acted, alarms = table(until=True, clear_s=5.0)
    signs["when"] = True
    rows.step(0.0, alarms)
    signs.update(when=False)
    rows.step(1.0, alarms)
    alarms.settle()
    signs.update(until=True)
    for second in range(2, 7):
        rows.step(second, alarms)
        assert alarms.is_active("frost", "low")
    signs.update(until=False)
    rows.step(6.5, alarms)
    signs.update(until=True)
    for second in range(7, 13):
        rows.step(second, alarms)
    assert not alarms.is_active("frost", "low")
    assert [e.kind for e in alarms.take_events()] == ["alarm", "clear"]
    assert Slot.LIMIT > Slot.OVERRIDE > Slot.DEMAND > Slot.FAILSAFE


def test_begin_is_called_once_each_time_the_row_starts() -> None:
    begun: list[int] = []
    rows, signs, _, alarms = table(begin=lambda: begun.append(1))
    for second, when in enumerate((True, True, False, True, True)):
        signs["when"] = when
        rows.step(second, alarms)
    assert len(begun) == 2
