"""Fixtures of the driver tests."""

from __future__ import annotations

import pytest

from controller.clock import SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(start=1000.0)
