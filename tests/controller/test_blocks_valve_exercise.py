"""Exercise of the valve: rare, slow, and never where it could bring heat."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.season.season import SeasonExerciseSettings
from controller.control.blocks.season.valve_exercise import AGAIN_S, ValveExercise
from controller.control.tick import Tick
from controller.points import Output, Point, Quality

WEEK_S = 7 * 86400.0
STROKE_S = 120.0


class Bench:
    """A valve that does what it is asked for, with its supply, flow and primary."""

    def __init__(self) -> None:
        self.valve = Output("low.valve_command", "percent", 0, 100, failsafe=None)
        self.valve.put(0.0, 0.0)
        self.supply = Point("low.supply_temperature", "temperature")
        self.flow = Point("low.circulation", "choice", choices=("no", "yes", "unknown"))
        self.primary = Point("station.primary_supply_temperature", "temperature")
        self.pump = Point("low.booster_frequency", "frequency")
        self.block = ValveExercise(self.valve, STROKE_S, self.supply, self.flow, self.primary, self.pump)
        self.settings: SeasonExerciseSettings | None = SeasonExerciseSettings()
        self.now = 0.0
        self.supply.put(20.0, 0.0)
        self.flow.put(1.0, 0.0)
        self.primary.put(20.0, 0.0)

    def scan(self, dt: float = 1.0) -> float:
        self.now += dt
        self.block.step(Tick(self.now, dt, None), self.settings, 65.0)
        if math.isfinite(self.valve.value):
            self.valve.put(self.block.opening, self.now)
        return self.block.opening

    def idle(self, seconds: float = WEEK_S) -> None:
        self.block.restore({"idle": seconds})


def test_after_a_week_it_opens_and_shuts_once() -> None:
    bench = Bench()
    openings = [bench.scan() for _ in range(60)]
    assert openings == [0.0] * 60
    bench.idle()
    openings = [bench.scan() for _ in range(600)]
    assert max(openings) == pytest.approx(90.0)
    assert openings[-1] == 0.0
    assert not bench.block.active
    steps = [abs(b - a) for a, b in pairwise(openings)]
    assert max(steps) <= 100 / STROKE_S + 1e-9
    peak = openings.index(max(openings))
    assert openings[peak:] == sorted(openings[peak:], reverse=True), "once"


@pytest.mark.parametrize("primary", [45.0, 110.0, None])
def test_a_primary_that_is_hot_or_cannot_be_read_needs_its_pump_to_stand(primary: float | None) -> None:
    bench = Bench()
    if primary is None:
        bench.primary.mark(math.nan, Quality.BAD, "open_circuit", 0.0)
    else:
        bench.primary.put(primary, 0.0)
    bench.idle()
    assert max(bench.scan() for _ in range(300)) == 0.0
    bench.pump.put(0.0, bench.now)
    assert max(bench.scan() for _ in range(300)) > 80.0


def test_it_ends_when_the_supply_comes_near_its_maximum_or_is_lost() -> None:
    for supply in (60.0, math.nan):
        bench = Bench()
        bench.idle()
        for _ in range(60):
            bench.scan()
        assert bench.block.opening > 40.0
        bench.supply.mark(supply, Quality.BAD if math.isnan(supply) else Quality.GOOD, "", bench.now)
        assert bench.scan() == 0.0
        assert not bench.block.active


def test_without_flow_it_gives_up_and_tries_again_a_day_later() -> None:
    bench = Bench()
    bench.flow.put(0.0, 0.0)
    bench.idle()
    assert sum(bench.scan() > 0 or bench.block.active for _ in range(3600)) <= 62
    tries = 0
    while bench.now < 3 * AGAIN_S:
        before = bench.block.active
        bench.scan(60.0)
        tries += bench.block.active and not before
    assert tries == 2


def test_no_season_no_exercise() -> None:
    bench = Bench()
    bench.settings = None
    bench.idle()
    assert max(bench.scan() for _ in range(300)) == 0.0


def test_how_long_it_stood_survives() -> None:
    bench = Bench()
    for _ in range(100):
        bench.scan()
    again = Bench()
    again.block.restore(bench.block.state())
    again.scan()
    assert again.block.idle_s == pytest.approx(bench.block.idle_s, abs=2)
    again.block.restore({"idle": "x"})
    assert again.block.idle_s == pytest.approx(bench.block.idle_s, abs=2)


NUMBERS = st.one_of(st.floats(-40, 140), st.just(math.nan))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(NUMBERS, NUMBERS, NUMBERS, st.sampled_from([0.0, 1.0, 2.0]), st.booleans(), NUMBERS),
        max_size=60,
    )
)
def test_any_readings_leave_it_finite_in_limits_and_shut_where_heat_could_come(
    rows: list[tuple[float, float, float, float, bool, float]],
) -> None:
    bench = Bench()
    bench.idle()
    for supply, primary, pump, flow, wanted, valve in rows:
        for point, value in ((bench.supply, supply), (bench.primary, primary), (bench.pump, pump)):
            bad = math.isnan(value)
            point.mark(value, Quality.BAD if bad else Quality.GOOD, "frozen" if bad else "", bench.now)
        bench.flow.put(flow, bench.now)
        bench.settings = SeasonExerciseSettings() if wanted else None
        bench.valve.value = min(max(valve, 0.0), 100.0) if valve == valve else valve
        opening = bench.scan(5.0)
        assert 0.0 <= opening <= 100.0
        if not wanted or not supply < 60.0 or not (primary < 45.0 or pump < 1.0):
            assert opening == 0.0
