"""The supply loop's parts: PI, valve characteristic, band."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.loop.characteristic import Characteristic
from controller.control.blocks.parts.band import Band
from controller.control.blocks.parts.median import Median
from controller.control.blocks.parts.pid_loop import PiLoop

ANYTHING = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, -1e308, 5e-324]),
)


def loop(gain: float = 1.5, low: float = 0.0, high: float = 100.0) -> PiLoop:
    return PiLoop(gain, 50.0, low, high)


# ---- PI


def test_pi_is_the_formula() -> None:
    """u = Kp·e + ∫Kp/Ti·e dt, from a start at 40 with no error."""
    pi = loop()
    pi.track(40.0)
    pi.step(50.0, 50.0, 1.0)
    for _ in range(10):
        output = pi.step(50.0, 48.0, 1.0)
    assert output == pytest.approx(40.0 + 1.5 * 2 + 1.5 / 50 * 2 * 10)
    assert pi.proportional + pi.integral == pytest.approx(output)


@pytest.mark.parametrize("handed", [0.0, 2.0, 43.0, 98.0, 100.0])
@pytest.mark.parametrize("error", [-30.0, -3.0, 0.0, 3.0, 30.0])
def test_takes_over_what_it_was_handed_whatever_the_error(handed: float, error: float) -> None:
    """The first output is the handed-over one, but for one second of integration."""
    pi = loop()
    pi.track(handed)
    first = pi.step(50.0, 50.0 - error, 1.0)
    assert first == pytest.approx(min(max(handed + 1.5 / 50 * error, 0), 100), abs=1e-9)


def test_a_pause_without_measurement_is_no_bump() -> None:
    pi = loop()
    pi.track(40.0)
    pi.step(50.0, 49.0, 1.0)
    before = pi.output
    pi.rest()
    assert pi.step(50.0, math.nan, 1.0) == before
    assert pi.step(50.0, 40.0, 1.0) == pytest.approx(before + 1.5 / 50 * 10)


def test_no_windup_at_its_own_limit() -> None:
    """An hour of too much cold, then 1 K too warm: the output leaves the limit at once."""
    pi = loop()
    pi.track(50.0)
    for _ in range(3600):
        pi.step(50.0, 40.0, 1.0)
    assert pi.output == 100.0
    pi.step(50.0, 51.0, 1.0)
    assert pi.output < 90.0


def test_no_windup_against_what_was_really_applied() -> None:
    """A limit downstream holds 30 % for an hour: once it is gone the loop goes on from there."""
    pi = loop()
    pi.track(30.0)
    for _ in range(3600):
        pi.step(50.0, 45.0, 1.0)
        pi.applied(30.0)
    assert pi.step(50.0, 45.0, 1.0) == pytest.approx(30.0, abs=0.2)


def test_what_was_asked_and_applied_is_left_alone() -> None:
    pi, twin = loop(), loop()
    for one in (pi, twin):
        one.track(30.0)
    for k in range(200):
        measured = 50 + math.sin(k / 9)
        assert pi.step(50.0, measured, 1.0) == twin.step(50.0, measured, 1.0)
        pi.applied(pi.output)


def test_gain_can_be_changed_while_it_runs_without_a_bump() -> None:
    pi = loop()
    pi.track(40.0)
    for _ in range(5):
        pi.step(50.0, 47.0, 1.0)
    before = pi.output
    pi.gain = 3.0
    assert pi.step(50.0, 47.0, 1.0) == pytest.approx(before + 3.0 / 50 * 3)
    assert pi.step(50.0, 46.0, 1.0) == pytest.approx(before + 3.0 / 50 * (3 + 4) + 3.0 * 1)


def test_gain_schedule_is_no_bump_either() -> None:
    pi = loop()
    pi.track(40.0)
    pi.step(50.0, 45.0, 1.0)
    before = pi.output
    assert pi.step(50.0, 45.0, 1.0, factor=2.0) == pytest.approx(before + 2 * 1.5 / 50 * 5)


def test_one_long_pause_is_not_one_huge_step() -> None:
    pi = loop()
    pi.track(40.0)
    pi.step(50.0, 49.0, 1.0)
    before = pi.output
    assert pi.step(50.0, 49.0, 7200.0) - before <= 1.5 / 50 * 5 + 1e-9


@pytest.mark.parametrize("dt", [0.0, -1.0, -1e9])
def test_time_that_stands_or_runs_back_keeps_the_output(dt: float) -> None:
    pi = loop()
    pi.track(40.0)
    assert pi.step(50.0, 20.0, dt) == 40.0


def test_reversed_process() -> None:
    pi = loop(gain=-1.5)
    pi.track(40.0)
    pi.step(50.0, 50.0, 1.0)
    assert pi.step(50.0, 52.0, 1.0) > 42.9


@given(st.lists(st.tuples(ANYTHING, ANYTHING, ANYTHING, ANYTHING), max_size=8))
def test_any_input_leaves_it_finite_within_limits_and_alive(
    rows: list[tuple[float, float, float, float]],
) -> None:
    pi = loop(low=5.0, high=95.0)
    for setpoint, measured, dt, applied in rows:
        output = pi.step(setpoint, measured, dt)
        assert math.isnan(output) or 5.0 <= output <= 95.0
        pi.applied(applied)
    for _ in range(100):
        pi.step(50.0, 40.0, 5.0)
    assert pi.output == 95.0
    for _ in range(100):
        pi.step(50.0, 60.0, 5.0)
    assert pi.output == 5.0


# ---- characteristic


@pytest.mark.parametrize(
    ("authority", "shares"),
    [
        (1.0, (0.0296, 0.0647, 0.1414, 0.3092, 0.6762)),
        (0.5, (0.0418, 0.0913, 0.1980, 0.4178, 0.7922)),
        (0.3, (0.0539, 0.1175, 0.2524, 0.5105, 0.8588)),
        (0.2, (0.0660, 0.1434, 0.3043, 0.5881, 0.8990)),
    ],
)
def test_installed_characteristic_gives_the_table(authority: float, shares: tuple[float, ...]) -> None:
    curve = Characteristic("equal_percentage", 50.0, authority)
    for opening, share in zip((10, 30, 50, 70, 90), shares, strict=True):
        assert curve.flow(opening) / 100 == pytest.approx(share, abs=6e-5)


@given(
    st.sampled_from(["equal_percentage", "linear"]),
    st.floats(10, 200),
    st.floats(0.05, 1),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_characteristic_and_its_inverse(shape: str, r: float, a: float, x: float, y: float) -> None:
    curve = Characteristic(shape, r, a)  # type: ignore[arg-type]
    assert curve.opening(curve.flow(x)) == pytest.approx(x, abs=1e-6)
    assert curve.flow(curve.opening(x)) == pytest.approx(x, abs=1e-6)
    if x < y - 1e-6:
        assert curve.flow(x) < curve.flow(y)


def test_characteristic_ends() -> None:
    for shape in ("equal_percentage", "linear"):
        curve = Characteristic(shape)  # type: ignore[arg-type]
        assert [curve.flow(x) for x in (-5, 0, 100, 120)] == [0, 0, 100, 100]
        assert [curve.opening(x) for x in (-5, 0, 100, 120)] == [0, 0, 100, 100]


@pytest.mark.parametrize(("r", "a"), [(1.0, 0.5), (50.0, 0.0), (50.0, 1.1)])
def test_impossible_valve_is_refused(r: float, a: float) -> None:
    with pytest.raises(ValueError):
        Characteristic("equal_percentage", r, a)


# ---- band


def test_filling_band_has_hysteresis() -> None:
    band = Band(1.2, 1.8)
    assert [band.step(v) for v in (1.5, 1.2, 1.5, 1.79, 1.8, 1.5, 1.21)] == [
        False,
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_relieving_band_is_the_mirror() -> None:
    band = Band(450.0, 410.0)
    assert [band.step(v) for v in (430, 450, 430, 411, 410, 430)] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_blind_band_switches_off() -> None:
    band = Band(450.0, 410.0)
    assert band.step(460)
    assert not band.step(math.nan)
    with pytest.raises(ValueError):
        Band(1.0, 1.0)


# ---- median


def test_a_median_takes_no_notice_of_single_readings_and_follows_what_lasts() -> None:
    steady = Median(5.0)
    readings = enumerate((3.0, 900.0, 3.2, 3.1, 3.0))
    assert [steady.step(v, now) for now, v in readings] == [3.0, 451.5, 3.2, pytest.approx(3.15), 3.1]
    assert [steady.step(9.0, now) for now in (5.0, 6.0, 7.0)][-1] == 9.0
    assert math.isnan(steady.step(math.nan, 8.0))
    assert steady.step(7.0, 9.0) == 7.0, "what was before is forgotten"
    assert steady.step(1.0, 20.0) == 1.0, "and so is what is old"
