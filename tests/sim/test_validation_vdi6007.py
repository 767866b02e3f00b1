"""The two-element building against the test cases of VDI 6007-1."""

import pytest

from sim.physics.two_elements import TwoElements
from tests.sim.validation_cases import failures
from tests.sim.validation_vdi6007 import (
    CASES,
    FILE,
    HOUR,
    NUMBERS,
    OUTDOOR,
    TOLERANCE,
    VALUES,
    building_case,
    daily_gains,
    deviations,
    elements,
)


def test_the_reference_is_there():
    if not FILE.parent.exists():
        pytest.skip(f"no reference data at {FILE}: the building model is NOT validated in this run")
    assert sorted(CASES) == list(NUMBERS)


@pytest.mark.parametrize("number", sorted(CASES))
def test_every_hour_of_the_case(number):
    found = deviations(number)
    assert failures(building_case(number)) == []
    # Written so that NaN fails.
    bad = {second: value for second, value in found.items() if not abs(value) <= TOLERANCE}
    assert not bad
    assert len(found) == VALUES


@pytest.mark.parametrize("number", sorted(CASES))
def test_hourly_steps_end_where_minutes_do(number):
    case = CASES[number]
    room, fine = (TwoElements(elements(case["params"]), OUTDOOR) for _ in range(2))
    gains = daily_gains(case["intGai"])
    for hour in range(48):
        heat = gains[hour % 24]
        room.step(HOUR, OUTDOOR, 0.5 * heat, 0.5 * heat)
        for _ in range(240):
            fine.step(15.0, OUTDOOR, 0.5 * heat, 0.5 * heat)
        assert room.air == pytest.approx(fine.air, abs=0.02)


def test_a_missing_key_and_a_nan_fail():
    if not CASES:
        pytest.skip(f"no reference data at {FILE}")
    parameters = dict(CASES["1"]["params"])
    del parameters["RInt"]
    with pytest.raises(KeyError, match="RInt"):
        elements(parameters)
    with pytest.raises(ValueError, match="interior_resistance"):
        elements({**parameters, "RInt": "nan"})
