"""A hand that stops makeup, against the guard of the pressure."""

from __future__ import annotations

from typing import Any


def held_off(warm: Any) -> Any:
    """Both makeup pumps by a hand, and the pressure lies low."""
    for number in (1, 2):
        warm.override(f"low.makeup_{number}_run", 0.0)
    warm.run(30)
    warm.set("low.return_pressure", 290.0)
    warm.set("low.supply_pressure", 380.0)
    return warm


def makeups(desk: Any) -> list[bool]:
    return [desk[f"low.makeup_{number}_run"].on for number in (1, 2)]


def test_makeup_runs_against_a_hand_while_the_pressure_lies_low(warm: Any) -> None:
    held_off(warm).run(50)
    assert makeups(warm) == [False, False]
    warm.run(20)
    assert makeups(warm) == [True, False]
    assert "rule_pressure_low" in warm.reason("low.makeup_1_run")
    # Not at the edge of its alarm again and again.
    low = warm.station.file.circuits["low"].makeup
    warm.set("low.return_pressure", low.setpoint - 0.3 * low.low_alarm)
    warm.set("low.supply_pressure", low.setpoint + 80.0)
    warm.run(10)
    assert makeups(warm) == [True, False]
    warm.set("low.return_pressure", low.setpoint)
    warm.set("low.supply_pressure", low.setpoint + 90.0)
    warm.run(5)
    assert makeups(warm) == [False, False]
    assert "pressure_low" not in warm.codes()


def test_a_pressure_that_the_others_deny_starts_no_makeup_against_a_hand(warm: Any) -> None:
    held_off(warm)
    warm.set("low.supply_pressure", 480.0)
    warm.run(120)
    assert makeups(warm) == [False, False]


def test_an_empty_tank_is_stronger_than_makeup_against_a_hand(warm: Any) -> None:
    held_off(warm)
    warm.set("station.tank_level", 0.1)
    warm.run(120)
    assert makeups(warm) == [False, False]
