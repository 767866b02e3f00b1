"""Over-pressure: when the table opens relief, and how far down."""

from __future__ import annotations

from typing import Any


def over_pressure(desk: Any, kpa: float) -> None:
    for role, above in (("return", 0.0), ("supply", 90.0), ("makeup", 0.0)):
        desk.set(f"low.{role}_pressure", kpa + above)


def test_a_pressure_that_lingers_over_its_alarm_is_relieved_to_where_relief_closes(warm: Any) -> None:
    """A loop that warms for hours lies between its alarm (430) and the relief's own pressure (450)."""
    over_pressure(warm, 440.0)
    warm.run(290)
    assert "over_pressure" in warm.codes()
    assert not warm["low.relief_valve"].on
    warm.run(20)
    assert warm["low.relief_valve"].on
    assert "rule_over_pressure" in warm.reason("low.relief_valve")
    over_pressure(warm, 412.0)
    warm.run(30)
    assert warm["low.relief_valve"].on  # else it would be there again within minutes
    over_pressure(warm, 409.0)
    warm.run(3)
    assert not warm["low.relief_valve"].on
    assert "over_pressure" not in warm.codes()


def test_a_swell_that_passes_is_not_relieved(warm: Any) -> None:
    for _ in range(4):
        over_pressure(warm, 440.0)
        warm.run(200)
        over_pressure(warm, 415.0)
        warm.run(100)
        assert not warm["low.relief_valve"].on


def test_of_two_against_one_relief_believes_the_two(warm: Any) -> None:
    """The supply pressure lies low; the makeup pressure stands beside the return pressure."""
    warm.set("low.supply_pressure", 400.0)
    warm.set("low.return_pressure", 460.0)
    warm.set("low.makeup_pressure", 350.0)
    warm.run(10)
    assert not warm["low.relief_valve"].on
    warm.set("low.makeup_pressure", 458.0)
    warm.run(3)
    assert warm["low.relief_valve"].on
