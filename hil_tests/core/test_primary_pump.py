"""A primary pump that is the only one that brings heat breaks: told, followed, tried again, and back."""

from __future__ import annotations

import pytest

from hil_tests.core.test_configs import make_rig
from sim.rig import Rig
from sim.weather import Weather

PUMP = "low.booster"


@pytest.fixture
def rig() -> Rig:
    """Two zones at −15 °C; the low one is led by its primary pump alone."""
    _, rig = make_rig("primary-pump", Weather.constant(-15.0))
    rig.run(minutes=20)
    assert not rig.alarms()
    assert rig[f"{PUMP}_run"].on
    return rig


def mend(rig: Rig, minutes: float) -> None:
    """So long after the repair it heats as before. Water that warms up again grows: that may be told."""
    rig.clear(PUMP)
    rig.run(minutes=minutes)
    assert not {code for code, _ in rig.alarms()} - {"over_pressure"}
    assert abs(too_cold(rig)) < 1.0


def too_cold(rig: Rig) -> float:
    return rig["low.supply_setpoint"].value - rig.plant.zones["low"].supply


def test_a_trip_is_told_and_heat_is_back_after_it(rig: Rig) -> None:
    rig.fault(PUMP, "trip")
    rig.run(30)
    assert ("pump_failed", PUMP) in rig.alarms()
    assert not rig[f"{PUMP}_run"].on
    rig.run(minutes=20)
    assert too_cold(rig) > 5.0
    mend(rig, 40)


def test_one_that_does_not_start_is_tried_as_long_as_it_takes(rig: Rig) -> None:
    rig.fault(PUMP, "no_start")
    rig.fault(PUMP, "trip")
    rig.run(5)
    rig.clear(PUMP)
    rig.fault(PUMP, "no_start")
    rig.run(minutes=50)
    assert ("pump_locked_out", PUMP) in rig.alarms()
    mend(rig, 50)


def test_the_cabinet_has_it_and_gives_it_back_without_a_bump(rig: Rig) -> None:
    rig.fault(PUMP, "local", 1.0)
    rig.run(20)
    assert ("pump_local", PUMP) in rig.alarms()
    share, highest = rig["low.primary_command"], rig[f"{PUMP}_speed"].high
    assert share.value == pytest.approx(100.0 * rig[f"{PUMP}_frequency"].value / highest, abs=2.0)
    rig.clear(PUMP)
    rig.run(2)
    assert share.value > 80.0, "it goes on from where the cabinet has left it"
    mend(rig, 30)


def test_a_speed_of_its_own_is_told(rig: Rig) -> None:
    rig.fault(PUMP, "stuck", 1.0)
    rig.run(120)
    assert ("write_not_confirmed", f"{PUMP}_speed") in rig.alarms()
    mend(rig, 20)
