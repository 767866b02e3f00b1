"""Buildings, radiators, pipes, sensors and the primary network."""

from math import exp, isfinite, isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.building import Building, Radiators
from sim.physics.pipe import Pipe
from sim.physics.primary import PrimaryNetwork
from sim.physics.sensor import Sensor

HEAT_LOSS = 2e6 / 44.2


def test_design_load_holds_the_room():
    building = Building(HEAT_LOSS, 360e3, radiant_share=0.35)
    assert building.settle(-24.2, 20.0, 0.35) == pytest.approx(2e6)
    for _ in range(100):
        building.step(3600.0, -24.2, 0.65 * 2e6, 0.35 * 2e6)
    assert building.air == pytest.approx(20.0, abs=1e-6)
    assert building.loss == pytest.approx(2e6)


def test_slow_cooling_has_the_time_constant():
    building = Building(HEAT_LOSS, 360e3)
    building.fill(20.0)
    for _ in range(600):
        building.step(60.0, 0.0, 0.0, 0.0)
    early = building.air
    for _ in range(6000):
        building.step(60.0, 0.0, 0.0, 0.0)
    assert building.air / early == pytest.approx(exp(-1.0), rel=2e-3)


@pytest.mark.parametrize(("hours", "expected"), [(79, 13.8), (100, 15.0), (147, 16.5)])
def test_twelve_hours_without_heat(hours, expected):
    """FACTS §8 counts one node; the air of two nodes falls up to 1.5 K further, as it leaves its mass
    behind."""
    building = Building(HEAT_LOSS, hours * 3600.0, radiant_share=0.35)
    building.settle(-24.0, 20.0, 0.35)
    for _ in range(720):
        building.step(60.0, -24.0, 0.0, 0.0)
    assert expected - 1.5 < building.air < expected + 0.1


def radiators() -> Radiators:
    return Radiators(31.9, 60.0, 45.0, 20.0, 17_000.0)


def test_radiators_at_design_and_on_the_heat_curve():
    r = radiators()
    assert r.settle(60.0, 31.9, 20.0) == pytest.approx(45.0, abs=1e-6)
    # Heat curve of FACTS §1 for 60/45 at −24.2 °C and a room of 20 °C.
    for outdoor, supply, back in ((-15, 53.10, 41.22), (-10, 49.21, 39.03), (0, 41.05, 34.27)):
        leaving = r.settle(supply, 31.9, 20.0)
        assert leaving == pytest.approx(back, abs=0.15)
        assert r.heat == pytest.approx(2e6 * (20 - outdoor) / 44.2, rel=0.02)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 3600.0),
            st.floats(0.0, 110.0),
            st.one_of(st.just(0.0), st.floats(1e-9, 100.0)),
            st.floats(-20.0, 40.0),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_radiator_water_stays_in_range_and_keeps_its_heat(steps):
    r = radiators()
    for dt, inlet, flow, room in steps:
        known = [inlet, room, *r.cells]
        before = r.stored_heat()
        out = r.step(dt, inlet, flow, room)
        assert all(min(known) - 1e-6 <= cell <= max(known) + 1e-6 for cell in r.cells)
        came = flow * r.cp * (inlet - out) - r.heat
        assert abs(r.stored_heat() - before - dt * came) <= 1e-8 * (1e7 + dt * (abs(r.heat) + flow * 5e5))


# --- pipe -----------------------------------------------------------------------------------------------


def test_step_arrives_after_the_passage_and_sharp():
    pipe = Pipe(6000.0, temperature=40.0)
    times = {}
    for second in range(1, 800):
        out = pipe.step(1.0, 60.0, 10.0)
        for level in (41.0, 50.0, 59.0):
            if out >= level:
                times.setdefault(level, second)
    assert times[50.0] == pytest.approx(600, abs=4)
    assert times[59.0] - times[41.0] <= 8


def test_heat_loss_of_a_long_pipe():
    pipe = Pipe(2000.0, conductance=500.0, surroundings=5.0, temperature=60.0)
    for _ in range(4000):
        out = pipe.step(1.0, 60.0, 2.0)
    assert out == pytest.approx(5.0 + 55.0 * exp(-500.0 / (2.0 * 4180.0)), abs=0.01)


def test_nearly_no_flow_and_no_flow():
    slow, still = Pipe(500.0, 50.0, 5.0, temperature=60.0), Pipe(500.0, 50.0, 5.0, temperature=60.0)
    tau = 500.0 * 4180.0 / 50.0
    for _ in range(20_000):
        out = slow.step(5.0, 60.0, 1e-4)
        standing = still.step(5.0, 60.0, 0.0)
    assert standing == pytest.approx(5.0 + 55.0 * exp(-100_000 / tau), abs=0.01)
    assert out == pytest.approx(standing, abs=0.5)
    assert len(slow._masses) < 250


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.01, 5000.0), st.floats(0.0, 110.0), st.one_of(st.just(0.0), st.floats(1e-9, 60.0))
        ),
        min_size=1,
        max_size=30,
    )
)
def test_pipe_stays_in_range_and_keeps_its_heat(steps):
    pipe = Pipe(1000.0, 200.0, 5.0, temperature=50.0)
    low, high = 5.0, 50.0
    for dt, inlet, flow in steps:
        low, high = min(low, inlet), max(high, inlet)
        before = pipe.stored_heat()
        out = pipe.step(dt, inlet, flow)
        assert isfinite(out)
        assert low - 1e-6 <= out <= high + 1e-6
        came = flow * 4180.0 * (inlet - out) - pipe.loss
        scale = 1e7 + dt * (flow * 4180.0 * 110.0 + abs(pipe.loss))
        assert abs(pipe.stored_heat() - before - dt * came) <= 1e-8 * scale
        assert sum(pipe._masses) == pytest.approx(1000.0, rel=1e-9)


# --- sensor ---------------------------------------------------------------------------------------------


def test_sensor_lag_is_exact_and_noise_repeats():
    sensor = Sensor("a", lag=10.0)
    sensor.settle(20.0)
    sensor.step(4.0, 30.0)
    assert sensor.step(6.0, 30.0) == pytest.approx(30.0 - 10.0 * exp(-1.0))
    runs = []
    for seed in ("x", "x", "y"):
        noisy = Sensor(seed, noise=0.1)
        runs.append([noisy.step(1.0, 20.0) for _ in range(5)])
    assert runs[0] == runs[1] != runs[2]


def test_sensor_units_steps_and_range():
    sensor = Sensor("p", quantum=0.1, low=0.0, high=1600.0, scale=1e-3)
    assert sensor.step(1.0, 123_456.0) == 123.5
    assert sensor.step(1.0, 9e9) == 1600.0
    assert sensor.step(1.0, -5.0) == 0.0


def test_sensor_faults():
    sensor = Sensor("t", quantum=0.05, low=-50.0, high=180.0)
    sensor.step(1.0, 60.0)
    sensor.break_down("open")
    assert isnan(sensor.step(1.0, 60.0))
    sensor.break_down("short")
    assert sensor.step(1.0, 60.0) == -50.0
    sensor.repair()
    sensor.step(1.0, 60.0)
    sensor.break_down("frozen")
    assert sensor.step(1.0, 70.0) == 60.0
    sensor.break_down("drift", 2.0)
    for _ in range(3600):
        drifted = sensor.step(1.0, 60.0)
    assert drifted == pytest.approx(62.0)
    sensor.break_down("offset", -4.0)
    assert sensor.step(1.0, 60.0) == 56.0
    sensor.break_down("noise", 1.0)
    assert len({sensor.step(1.0, 60.0) for _ in range(20)}) > 5
    sensor.break_down("spike", 30.0)
    values = [sensor.step(1.0, 60.0) for _ in range(600)]
    assert 2 <= values.count(90.0) <= 30
    with pytest.raises(ValueError, match="open, short, frozen, drift, offset, noise, spike"):
        sensor.break_down("melted")


# --- primary network ------------------------------------------------------------------------------------


def test_primary_follows_its_curve_late_and_moves():
    still = PrimaryNetwork("s", disturbance=0.0)
    assert still.curve(-24.2) == 110.0
    assert still.curve(-40.0) == 110.0
    assert still.curve(10.0) == 70.0
    still.settle(0.0)
    before = still.supply_temperature
    for _ in range(3 * 60):
        still.step(60.0, -24.2)
    assert still.supply_temperature == pytest.approx(before + (110.0 - before) * (1 - exp(-1)), abs=0.01)
    moving = PrimaryNetwork("s")
    readings = []
    for _ in range(24 * 60):
        moving.step(60.0, -24.2)
        readings.append(
            (moving.supply_temperature, moving.differential_pressure, moving.return_pressure_now())
        )
    spans = [max(values) - min(values) for values in zip(*readings, strict=True)]
    assert 2.0 < spans[0] < 14.0
    assert 10e3 < spans[1] < 60e3
    assert 10e3 < spans[2] < 150e3


def test_disturbance_is_the_same_at_any_dt():
    fine, coarse = PrimaryNetwork("s"), PrimaryNetwork("s")
    for _ in range(3600):
        fine.step(1.0, -10.0)
    for _ in range(720):
        coarse.step(5.0, -10.0)
    assert fine.supply_temperature == pytest.approx(coarse.supply_temperature, abs=1e-6)
    assert fine.differential_pressure == pytest.approx(coarse.differential_pressure, rel=1e-6)


def test_outage_takes_the_pressure_and_gives_it_back():
    network = PrimaryNetwork("s", disturbance=0.0)
    network.outage = True
    for _ in range(300):
        network.step(1.0, -24.2)
    assert network.differential_pressure < 20.0
    assert network.supply_temperature > 105.0
    network.outage = False
    for _ in range(600):
        network.step(1.0, -24.2)
    assert network.differential_pressure == pytest.approx(110e3, rel=1e-3)
