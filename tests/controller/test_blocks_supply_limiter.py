"""The limiter of the supply while another one leads: it acts in time, holds, lets go, keeps nothing."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.loop.supply_limiter import SupplyBounds, SupplyLimiter
from controller.control.blocks.parts.pid_loop import PiLoop

BACK = 40.0
BOUNDS = SupplyBounds(lowest=45.0, highest=60.0)


class Water:
    """Supply temperature that follows the lift of the standing valve with 14 s, 3 s dead time and a bias."""

    def __init__(self, lift: float, bias: float = 0.0, seed: int = 1) -> None:
        self.limiter = SupplyLimiter(PiLoop(0.5, 80.0, 0.0, 60.0))
        self.standing, self.bias = lift, bias
        self.supply = BACK + lift + bias
        self._way = deque([self.supply] * 4)
        self._random = Random(seed)
        self.shown: list[float] = []

    def scan(self, asked: float, disturbed: float = 0.0) -> float:
        """`disturbed`: lift that a warmer network adds, which the model knows at once."""
        self._way.append(BACK + self.standing + disturbed + self.bias)
        self.supply += (self._way.popleft() - self.supply) / 15.0
        seen = self.supply + self._random.gauss(0.0, 0.03)
        lift = self.limiter.step(asked + disturbed, self.standing + disturbed, (seen, BACK), BOUNDS, 1.0)
        # The valve takes a second for 0.3 K.
        self.standing += min(max(lift - disturbed - self.standing, -0.3), 0.3)
        self.shown.append(self.supply)
        return lift


@pytest.mark.parametrize("bias", [-3.0, 0.0, 3.0])
def test_what_is_within_the_bounds_goes_through_untouched(bias: float) -> None:
    water = Water(12.0, bias)
    for asked in (12.0, 10.0, 14.0):
        for _ in range(300):
            assert water.scan(asked) == asked
    assert water.limiter.side == 0
    assert water.limiter.explain() is None


@pytest.mark.parametrize("bias", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize(("asked", "limit"), [(40.0, 60.0), (0.0, 45.0)])
def test_what_is_beyond_comes_to_the_limit_and_no_further(asked: float, limit: float, bias: float) -> None:
    water = Water(12.0, bias)
    for _ in range(900):
        water.scan(asked)
    over = [(supply - limit) * (1 if asked > 12.0 else -1) for supply in water.shown]
    assert max(over) < 1.5
    assert max(abs(one) for one in over[-300:]) < 0.2
    assert water.limiter.side == (1 if asked > 12.0 else -1)


def test_it_lets_go_at_once_and_keeps_nothing() -> None:
    """Two hours at the limit wind nothing up: what is asked for within the bounds counts in the same scan."""
    water = Water(12.0)
    for _ in range(7200):
        water.scan(40.0)
    assert water.scan(12.0) == 12.0
    assert water.limiter.side == 0
    assert water.scan(12.0) == 12.0


def test_a_network_that_gets_hotter_is_met_before_the_water_is_too_hot() -> None:
    water = Water(17.0)
    for _ in range(300):
        assert water.scan(17.0) == 17.0
    for _ in range(300):
        water.scan(17.0, disturbed=10.0)
    assert max(water.shown) < 62.0, "67 without it"
    assert water.shown[-1] == pytest.approx(60.0, abs=0.3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 60), min_size=1, max_size=12), st.floats(-3, 3), st.integers(1, 9))
def test_it_never_jumps_further_than_it_is_asked(askeds: list[float], bias: float, seed: int) -> None:
    """What it puts out changes by no more than what is asked for, or by 1.5 K in a scan, while the water
    itself changes by a kelvin a second: beginning and end of a limit are no bump."""
    water = Water(12.0, bias, seed)
    before = (water.scan(askeds[0]), askeds[0])
    for asked in askeds:
        for _ in range(60):
            lift = water.scan(asked)
            assert abs(lift - before[0]) <= max(abs(asked - before[1]), abs(asked - before[0])) + 0.01 or (
                abs(lift - before[0]) < 1.5
            )
            before = (lift, asked)
