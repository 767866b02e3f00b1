"""Slope of the exchanger from its four temperatures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.exchanger_slope import supply_slope


def effectiveness(n: float, z: float) -> float:
    """Textbook form."""
    return n / (1 + n) if z == 1 else (1 - math.exp(-n * (1 - z))) / (1 - z * math.exp(-n * (1 - z)))


def station(n: float, z: float, primary: float = 110.0, back: float = 45.0) -> tuple[float, ...]:
    """Four temperatures of an exchanger."""
    heat = effectiveness(n, z) * (primary - back)
    return primary, primary - heat, back + z * heat, back


@pytest.mark.parametrize(
    ("n", "z"), [(0.5, 0.3), (1.72, 0.3), (2.15, 0.1667), (3, 0.5), (3, 1.0), (2, 1.6), (1.55, 0.39)]
)
def test_is_the_derivative_of_the_exchangers_equation(n: float, z: float) -> None:
    """Flow 40 %: N falls and Z grows with the flow; a change of 0.1 % by the textbook formula."""
    share, small = 40.0, 1e-3
    more, less = (station(n / f, z * f)[2] for f in (1 + small, 1 - small))
    assert supply_slope(*station(n, z), share) == pytest.approx((more - less) / (2 * small * share), rel=0.01)


def test_of_the_nominal_design_point() -> None:
    """110/60 to 45/60 °C with the full flow: the supply gains 15 K of 100 %, but only 0.07 K with the last
    one."""
    slope = supply_slope(110, 60, 60, 45, 100)
    assert slope is not None
    assert 0.4 * 0.15 < slope < 0.6 * 0.15


@pytest.mark.parametrize(
    ("temperatures", "share", "identified"),
    [
        ((109.6, 60.2, 60.2, 41.1), 70.0, 0.114),
        ((87.65, 46.45, 47.6, 35.45), 48.1, 0.144),
        ((69.85, 34.3, 36.0, 29.8), 26.3, 0.176),
    ],
)
def test_agrees_with_what_was_identified(
    temperatures: tuple[float, ...], share: float, identified: float
) -> None:
    """Temperatures and slopes of the simulated station, found by its step experiments."""
    assert supply_slope(*temperatures, share) == pytest.approx(identified, rel=0.15)


@pytest.mark.parametrize(
    "odd",
    [
        (60, 60, 60, 45, 50),
        (110, 60, 45, 45, 50),
        (110, 60, 60, 45, 0),
        (110, 44, 60, 45, 50),
        (110, 60, 111, 45, 50),
        (math.nan, 60, 60, 45, 50),
        (110, math.nan, 60, 45, 50),
        (110, 60, math.inf, 45, 50),
        (110, 60, 60, 45, math.nan),
    ],
)
def test_no_slope_where_the_temperatures_are_none_of_an_exchanger(odd: tuple[float, ...]) -> None:
    assert supply_slope(*odd) is None


@given(st.floats(), st.floats(), st.floats(), st.floats(), st.floats())
def test_any_values_give_a_finite_slope_or_none(a: float, b: float, c: float, d: float, e: float) -> None:
    slope = supply_slope(a, b, c, d, e)
    assert slope is None or math.isfinite(slope)


@given(st.floats(0.2, 6), st.floats(0.05, 2), st.floats(60, 130), st.floats(20, 55), st.floats(1, 100))
def test_lies_between_nothing_and_the_mean_gain(
    n: float, z: float, primary: float, back: float, share: float
) -> None:
    """The curve over the flow bends downward: no slope is above the chord."""
    temperatures = station(n, z, primary, back)
    slope = supply_slope(*temperatures, share)
    if slope is not None:
        assert -1e-9 <= slope <= (temperatures[2] - back) / share * 1.001
