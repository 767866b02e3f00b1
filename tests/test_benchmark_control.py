"""The yardstick of the supply-temperature loop: panels, bound, identification, oscillation measure."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from supply_loop.bench import Bench, checked, with_settings
from supply_loop.bound import Model, bound, identify, least
from supply_loop.disturbances import Disturbances
from supply_loop.measures import inverse_opening
from supply_loop.relays import ASYMMETRY, Sums, three_point_station
from supply_loop.rivals import PANELS, Panel, Relays, Signal
from supply_loop.steps import outdoor
from supply_loop.swinging import extremes, sustained
from supply_loop.worst import wrong_gain

from sim.weather import Weather

WITH_ZONE = Panel("with a neutral zone", 2.0, 60.0, 3.0)
SIGNAL = Panel("with a signal", 5.0, 300.0, relays=False)


def swing(amplitude: float, period: float, seconds: int, decay: float = math.inf) -> list[float]:
    return [amplitude * math.exp(-t / decay) * math.sin(2 * math.pi * t / period) for t in range(seconds)]


# ---- panels


def test_motor_rests_inside_the_neutral_zone_and_runs_outside() -> None:
    relays = Relays(WITH_ZONE, 120.0)
    assert {relays.step(50.0, 48.6, 1.0) for _ in range(600)} == {0}
    assert 1 in {relays.step(50.0, 48.4, 1.0) for _ in range(60)}
    assert -1 in {relays.step(50.0, 52.0, 1.0) for _ in range(60)}


def test_lasting_deviation_runs_the_motor_as_the_integral_says() -> None:
    relays = Relays(Panel("", 2.0, 120.0), 120.0)
    runs = sum(relays.step(50.0, 48.0, 1.0) for _ in range(600))
    # 2 %/K · 2 K · 600 s / 120 s = 20 % of the stroke, 24 s of running.
    assert runs == pytest.approx(24, abs=1)


def test_step_of_the_deviation_runs_the_proportional_share() -> None:
    relays = Relays(Panel("", 5.0, 1e6), 120.0)
    relays.step(50.0, 50.0, 1.0)
    runs = sum(relays.step(54.0, 50.0, 1.0) for _ in range(120))
    assert runs == pytest.approx(24, abs=1)  # 5 %/K · 4 K = 20 %


@pytest.mark.parametrize("panel", [panel for panel in PANELS if panel.relays], ids=lambda p: p.name)
def test_reading_that_is_no_number_stops_the_motor_and_does_not_stay(panel: Panel) -> None:
    relays = Relays(panel, 120.0)
    for _ in range(10):
        relays.step(50.0, 45.0, 1.0)
    assert relays.step(50.0, math.nan, 1.0) == 0
    assert math.isfinite(relays.wanted)
    assert 1 in {relays.step(50.0, 45.0, 1.0) for _ in range(60)}


def test_signal_begins_where_the_valve_stands_and_keeps_its_integral_at_the_end() -> None:
    signal = Signal(SIGNAL, 40.0)
    assert signal.step(50.0, 48.0, 1.0) == pytest.approx(40.0)
    for _ in range(5000):
        signal.step(50.0, 40.0, 1.0)
    assert signal.output == pytest.approx(100.0)
    # Without wind-up it leaves the end as soon as the deviation turns.
    assert signal.step(50.0, 52.0, 1.0) < 99.0
    assert signal.step(50.0, math.nan, 1.0) == signal.output


@given(st.lists(st.floats(-50, 200), min_size=1, max_size=50))
def test_signal_stays_within_the_stroke(readings: list[float]) -> None:
    signal = Signal(SIGNAL, 50.0)
    for reading in readings:
        assert 0.0 <= signal.step(50.0, reading, 1.0) <= 100.0


# ---- bench


def test_panel_moves_the_valve_while_the_station_runs_the_rest() -> None:
    bench = Bench(Weather.constant(-8.0), panel=PANELS[3], seed=1)
    bench.run(900)
    assert bench.zone.branch.three_point
    assert bench.zone.flow > 10.0
    assert bench.valve.travel > 0.0
    assert abs(bench.error) < 3.0


def test_same_seed_is_the_same_disturbance_for_any_controller() -> None:
    benches = [
        Bench(Weather.constant(-8.0), panel=panel, seed=2, disturbances=Disturbances(2))
        for panel in (None, PANELS[0])
    ]
    for bench in benches:
        bench.run(900)
    ours, panel = benches
    assert ours.plant.primary.supply_temperature == panel.plant.primary.supply_temperature
    assert ours.zone.network.resistance == panel.zone.network.resistance
    assert ours.setpoint.value == pytest.approx(panel.setpoint.value, abs=0.05)


def test_disturbances_move_temperature_pressure_and_flow() -> None:
    bench = Bench(Weather.constant(-8.0), seed=2, disturbances=Disturbances(2))
    seen = []
    bench.run(
        3600,
        lambda b: seen.append(
            (b.plant.primary.supply_temperature, b.plant.primary.differential_pressure, b.zone.flow)
        ),
    )
    temperature, pressure, flow = np.ptp(np.array(seen), axis=0)
    assert temperature > 1.0
    assert pressure > 5e3
    assert flow > 0.5


def test_static_inverse_finds_the_opening_of_a_steady_plant() -> None:
    bench = Bench(Weather.constant(-8.0), seed=1)
    bench.plant.primary.disturbance = 0.0
    bench.run(3600)
    before = bench.zone.branch.conductance
    opening = inverse_opening(bench, bench.zone.supply)
    assert opening == pytest.approx(bench.valve.position, abs=0.01)
    assert bench.zone.branch.conductance == before
    assert inverse_opening(bench, bench.zone.supply + 2.0) > opening


def test_settings_are_overridden_in_a_copy_and_unknown_ones_refused() -> None:
    file = checked().file
    assert file is not None
    before = file.circuits["low"].loop.gain
    assert with_settings(file, {"loop.gain": 9.0}).circuits["low"].loop.gain == 9.0
    assert file.circuits["low"].loop.gain == before
    with pytest.raises(KeyError, match=r"loop\.gian"):
        with_settings(file, {"loop.gian": 1.0})


def test_load_is_a_share_of_the_design_difference() -> None:
    assert outdoor(1.0) == pytest.approx(-24.2)
    assert outdoor(0.0) == 20.0


# ---- bound


@pytest.mark.parametrize(
    ("lag", "dead", "known", "share"), [(20, 8, 138, 0.01), (40, 15, 212, 0.03), (60, 30, 309, 0.01)]
)
def test_bound_of_known_loops(lag: float, dead: float, known: float, share: float) -> None:
    assert bound(0.4, lag, dead, 120.0) == pytest.approx(known, rel=share)


def test_bound_without_lag_is_the_dead_time_and_the_ramp() -> None:
    # 5 K need 12.5 %, 15 s of a 120 s stroke: 5 K · 8 s + half of 5 K · 15 s.
    assert bound(0.4, 0.01, 8.0, 120.0) == pytest.approx(5 * 8 + 0.5 * 5 * 15, rel=0.02)


def test_bound_with_a_valve_that_stays_is_the_whole_deviation() -> None:
    wish = np.full(101, 2.0)
    assert least(Model(0.4, 20.0, 8.0), 120.0, wish, seen_s=1000.0) == pytest.approx(200.0)
    assert least(Model(0.4, 20.0, 8.0), 120.0, wish, room=(0.0, 0.0)) == pytest.approx(200.0)
    assert least(Model(0.4, 20.0, 8.0), 120.0, wish) < 200.0


def test_identification_finds_the_loop_it_is_shown() -> None:
    times = np.arange(300.0)
    position = 50.0 + np.clip(times / 1.2, 0.0, 5.0)
    answer, y = [], 0.0
    for t in times:
        y += (1 - math.exp(-1 / 25)) * (0.3 * (np.interp(t - 9.0, times, position) - 50.0) - y)
        answer.append(y)
    model = identify(position, np.array(answer), 1.0)
    assert model.gain == pytest.approx(0.3, rel=0.02)
    assert model.lag == pytest.approx(25.0, rel=0.05)
    assert model.dead == pytest.approx(9.0, abs=1.0)


# ---- oscillation


def test_steady_swing_is_sustained_and_its_extremes_are_found() -> None:
    errors = swing(1.0, 120.0, 1200)
    assert extremes(errors, 1.0)[:3] == [(30.0, 1.0), (90.0, -1.0), (150.0, 1.0)]
    ((begin, end),) = sustained(errors, 1.0)
    assert begin < 120.0
    assert end > 1000.0


@pytest.mark.parametrize(
    "errors",
    [swing(0.4, 120.0, 1200), swing(2.0, 120.0, 1200, decay=200.0), swing(1.0, 4000.0, 20000), []],
    ids=["small", "dying out", "slow", "nothing"],
)
def test_other_swings_are_not_sustained(errors: list[float]) -> None:
    assert sustained(errors, 1.0) == []


def test_one_disturbance_with_overshoot_is_no_oscillation() -> None:
    errors = [0.0] * 300 + [3.0] * 60 + [-2.0] * 60 + [0.8] * 60 + [0.0] * 600
    assert sustained(errors, 1.0) == []


def test_swing_that_grows_again_is_found_in_its_own_time() -> None:
    errors = [0.0] * 3600 + swing(1.0, 200.0, 2000) + [0.0] * 3600
    ((begin, end),) = sustained(errors, 1.0)
    assert 3600 <= begin <= 3800
    assert 5200 <= end <= 5700


# ---- three-point valve


def test_relays_move_the_valve_of_the_three_point_station_and_its_estimate_follows() -> None:
    bench = Bench(Weather.constant(-8.0), seed=1, path=three_point_station())
    bench.plant.fault("low.valve", "asymmetry", ASYMMETRY)
    bench.run(1800)
    sums = Sums()
    bench.run(600, lambda b: sums.note(b, relays=True))
    assert bench.zone.branch.three_point
    assert bench.valve.travel > 0.0
    assert sums.scans == 600
    assert sums.worst < 60.0
    assert 0 <= sums.covered <= sums.scans
    assert sums.miss <= sums.worst * sums.scans


def test_gain_that_is_wrong_stays_within_the_range_of_its_setting() -> None:
    assert wrong_gain(0.5, 4.0) == 2.0
    assert wrong_gain(5.0, 4.0) == 10.0
    assert wrong_gain(0.05, 0.25) == 0.02
