"""The pipe against closed solutions: delay, exponential loss, pulses, wall, standing and reversed flow."""

from math import exp, isfinite, log, pi
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.pipe import Pipe, shell_resistance

CP = 4180.0


def outlets(pipe, dt, seconds, inlet, flow):
    """Outlet temperatures; `inlet` is a function of the time at the middle of the step."""
    return [pipe.step(dt, inlet((i + 0.5) * dt), flow) for i in range(round(seconds / dt))]


@pytest.mark.parametrize("dt", [0.5, 1.0, 10.0, 60.0, 300.0, 900.0])
@pytest.mark.parametrize("flow", [0.05, 2.0, 40.0])
def test_steady_outlet_is_the_exponential_at_any_step(dt, flow):
    pipe = Pipe(2000.0, conductance=400.0, surroundings=5.0, temperature=60.0, wall_capacity=1e6)
    expected = 5.0 + 55.0 * exp(-400.0 / (flow * CP))
    assert pipe.settle(60.0, flow) == pytest.approx(expected, abs=1e-9)
    for _ in range(3):
        out = pipe.step(dt, 60.0, flow)
        assert out == pytest.approx(expected, abs=0.025)
        assert pipe.loss == pytest.approx(flow * CP * (60.0 - expected), rel=0.02)


@pytest.mark.parametrize("dt", [10.0, 900.0])
def test_a_cold_pipe_is_steady_after_two_passages(dt):
    pipe = Pipe(2000.0, conductance=400.0, surroundings=5.0, wall_capacity=1e6)
    for _ in range(int(2.0 * (2000.0 + 1e6 / CP) / 2.0 / dt) + 2):
        out = pipe.step(dt, 60.0, 2.0)
    assert out == pytest.approx(5.0 + 55.0 * exp(-400.0 / (2.0 * CP)), abs=0.005)


def test_a_parcel_cools_for_its_own_stay():
    pipe = Pipe(600.0, conductance=1000.0, surroundings=0.0, temperature=0.0)
    tau = 600.0 * CP / 1000.0
    for _ in range(100):
        pipe.step(1.0, 80.0, 2.0)
    for _ in range(5):
        pipe.step(400.0, 0.0, 0.0)
    out = [pipe.step(1.0, 0.0, 4.0) for _ in range(150)]
    # In at 2 kg/s, 2000 s standing, out at 4 kg/s: the slug's last drop leaves 2000 s + 600/4 s later.
    assert out[98] == pytest.approx(0.0, abs=1e-9)
    first = 80.0 * exp(-(100.0 + 2000.0 + 100.0) / tau)
    last = 80.0 * exp(-(2000.0 + 150.0) / tau)
    assert out[101] == pytest.approx(first, abs=0.05)
    assert out[148] == pytest.approx(last, abs=0.05)


@pytest.mark.parametrize("wall_capacity", [0.0, 0.5 * 1000.0 * CP])
def test_a_pulse_stays_a_pulse_and_keeps_its_heat(wall_capacity):
    pipe = Pipe(1000.0, surroundings=40.0, temperature=40.0, wall_capacity=wall_capacity)
    passage = (1000.0 + wall_capacity / CP) / 5.0
    out = outlets(pipe, 1.0, passage + 100.0, lambda t: 60.0 if t < 30.0 else 40.0, 5.0)
    # The wall delays the front; water and wall carry it sharp: at most a step and 1/2000 of the pipe wide.
    warm = [i for i, value in enumerate(out) if value > 40.01]
    assert warm[0] == pytest.approx(passage, abs=1.01)
    assert len(warm) <= 32
    assert sum(value > 59.99 for value in out) >= 28
    assert sum(value - 40.0 for value in out) == pytest.approx(30.0 * 20.0, rel=1e-9)
    assert pipe.stored_heat() == pytest.approx((1000.0 * CP + wall_capacity) * 40.0, rel=1e-12)


def test_a_train_of_pulses_at_half_second_steps():
    pipe = Pipe(4000.0, temperature=50.0)
    out = outlets(pipe, 0.5, 900.0, lambda t: 60.0 if int(t / 10.0) % 2 else 50.0, 10.0)
    late = out[1000:]
    assert max(late) > 59.5
    assert min(late) < 50.5
    share = sum(1 for value in late if 50.5 < value < 59.5) / len(late)
    assert share < 0.25  # a front takes two parcels of 2 kg, 0.4 s of the 10 s between fronts
    assert len(pipe._masses) <= 2050


def test_the_wall_takes_its_heat_from_the_front():
    """A cold pipe that warms: the water gives the wall its heat before any warm water arrives."""
    bare, steel = Pipe(500.0, temperature=10.0), Pipe(500.0, temperature=10.0, wall_capacity=0.2 * 500.0 * CP)
    arrival = {}
    for second in range(1, 400):
        for name, pipe in (("bare", bare), ("steel", steel)):
            if pipe.step(1.0, 70.0, 2.0) > 40.0:
                arrival.setdefault(name, second)
    assert arrival["bare"] == pytest.approx(250, abs=1)
    assert arrival["steel"] == pytest.approx(300, abs=1)


def test_buried_pipe_has_the_resistance_of_its_shells():
    pipe = Pipe.buried(
        100.0, 0.1071, 0.0036, 0.2, insulation_conductivity=0.027, soil_conductivity=1.5, density=980.0
    )
    resistance = log(0.2 / 0.1143) / (2 * pi * 0.027) + log(4.0 / 0.2) / (2 * pi * 1.5)
    assert pipe.conductance == pytest.approx(100.0 / resistance)
    assert pipe.mass == pytest.approx(980.0 * 100.0 * pi / 4 * 0.1071**2)
    assert pipe.wall_capacity == pytest.approx(4e6 * 100.0 * pi / 4 * (0.1143**2 - 0.1071**2))
    assert shell_resistance(1.0, 2.0, 0.5) == pytest.approx(log(2.0) / pi)
    # A DN100 single pipe, series 1, loses about 0.27 W/(m·K) by catalogue.
    assert 0.22 < pipe.conductance / 100.0 < 0.32


def test_surroundings_that_move():
    """Standing water follows its surroundings as a first-order lag, whatever the water did before."""
    pipe = Pipe(100.0, 50.0, surroundings=10.0, temperature=30.0)
    tau = 100.0 * CP / 50.0
    assert pipe.step(tau, 0.0, 0.0) == pytest.approx(10.0 + 20.0 * exp(-1.0))
    before = pipe.outlet
    assert pipe.step(0.5 * tau, 0.0, 0.0, surroundings=-10.0) == pytest.approx(
        -10.0 + (before + 10.0) * exp(-0.5)
    )
    # The step in the surroundings itself heats or cools nothing.
    content = pipe.stored_heat()
    pipe.step(1e-6, 0.0, 0.0, surroundings=40.0)
    assert pipe.stored_heat() == pytest.approx(content, rel=1e-9)
    # Flowing: steady against the new surroundings.
    for _ in range(400):
        out = pipe.step(10.0, 60.0, 0.5)
    assert out == pytest.approx(40.0 + 20.0 * exp(-50.0 / (0.5 * CP)), abs=0.01)


def test_reversed_flow_gives_back_what_came_last_first():
    pipe = Pipe(1000.0, temperature=40.0)
    for temperature in (50.0, 60.0, 70.0):
        for _ in range(20):
            pipe.step(1.0, temperature, 5.0)
    back = [pipe.step(1.0, 30.0, -5.0) for _ in range(60)]
    expected = [70.0] * 20 + [60.0] * 20 + [50.0] * 20
    assert back == pytest.approx(expected, abs=0.5)
    assert sum(back) == pytest.approx(sum(expected), rel=1e-9)
    assert pipe.step(1.0, 30.0, -5.0) == pytest.approx(40.0, abs=0.5)
    assert pipe.step(1.0, 80.0, 0.0) == pytest.approx(40.0, abs=0.5)
    # Forward again: at the far end now stands what entered there.
    assert pipe.step(1.0, 80.0, 5.0) == pytest.approx(30.0, abs=0.5)


def test_swinging_and_creeping_flow_stays_small_and_keeps_its_heat():
    pipe = Pipe(500.0, temperature=50.0)
    content = pipe.stored_heat()
    for i in range(30_000):
        flow = (1e-4, -7e-5, 0.0, 1.3, -1.2)[i % 5]
        inlet = 30.0 + (i * 37 % 50)
        out = pipe.step(0.5, inlet, flow)
        content += 0.5 * abs(flow) * CP * (inlet - out)
    assert pipe.stored_heat() == pytest.approx(content, rel=1e-9)
    assert len(pipe._masses) <= 2050
    assert sum(pipe._masses) == pytest.approx(500.0, rel=1e-9)


def test_long_steps_give_the_mean_of_short_ones():
    """A quarter of an hour at once or in seconds: the same water, in the mean of the step."""
    flow, wave = 3.0, [70.0, 62.0, 75.0, 66.0, 66.0, 71.0, 60.0, 68.0]
    for mass in (500.0, 5000.0):
        long, short = (Pipe(mass, 150.0, 3.0, temperature=65.0, wall_capacity=2e5) for _ in range(2))
        for inlet in wave:
            at_once = long.step(900.0, inlet, flow)
            in_seconds = sum(short.step(5.0, inlet, flow) for _ in range(180)) / 180.0
            assert at_once == pytest.approx(in_seconds, abs=0.02)
        assert long.stored_heat() == pytest.approx(short.stored_heat(), rel=1e-4)


flows = st.one_of(st.just(0.0), st.floats(-60.0, 60.0), st.floats(-1e-6, 1e-6), st.floats(1e-12, 1e-3))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(0.01, 5000.0), st.just(1e12)),
            st.floats(0.0, 110.0),
            flows,
            st.one_of(st.none(), st.floats(-20.0, 30.0)),
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([0.0, 200.0, 2e4]),
    st.sampled_from([0.0, 1e6]),
)
def test_in_range_and_in_balance_whatever_happens(steps, conductance, wall_capacity):
    pipe = Pipe(1000.0, conductance, 5.0, temperature=50.0, wall_capacity=wall_capacity)
    low, high = 5.0, 50.0
    for dt, inlet, flow, surroundings in steps:
        low = min(low, inlet, pipe.surroundings if surroundings is None else surroundings)
        high = max(high, inlet, pipe.surroundings if surroundings is None else surroundings)
        before = pipe.stored_heat()
        out = pipe.step(dt, inlet, flow, surroundings)
        assert isfinite(out)
        assert low - 1e-6 <= out <= high + 1e-6
        assert low - 1e-6 <= pipe.mean_temperature() <= high + 1e-6
        came = abs(flow) * CP * (inlet - out) - pipe.loss
        scale = 1e7 + dt * (abs(flow) * CP * 110.0 + abs(pipe.loss))
        assert abs(pipe.stored_heat() - before - dt * came) <= 1e-9 * scale
        assert sum(pipe._masses) == pytest.approx(pipe._content, rel=1e-9)


def test_a_step_costs_microseconds():
    """The aim is 3 µs; the limit leaves room for a busy machine."""
    pipe = Pipe(3000.0, 60.0, wall_capacity=1e6)
    best = 1.0
    for _ in range(7):
        start = process_time()
        for i in range(2000):
            pipe.step(1.0, 60.0 + 0.001 * (i % 50), 10.0)
        best = min(best, (process_time() - start) / 2000.0)
    print(f"pipe: {1e6 * best:.2f} µs a step")
    assert best < 15e-6
