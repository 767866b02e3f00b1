"""A circuit, and parts beside the circuits, that throw for as long as they like: the station goes on."""

from __future__ import annotations

from typing import Any

import pytest

VALVE = "low.valve_command"


def _fails(*_: object) -> None:
    raise ZeroDivisionError


def _broken_for_good(monkeypatch: pytest.MonkeyPatch, desk: Any) -> None:
    """However often it is rebuilt."""
    monkeypatch.setattr(type(desk.station.circuits[0].circuit), "step", _fails)


def test_the_least_that_heats_goes_on(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held for half an hour, then moved towards the curve; pressure by a band all the time."""
    desk.run(5)
    held = {name: desk[name].value for name in (VALVE, "low.pump_1_run", "low.pump_1_speed")}
    _broken_for_good(monkeypatch, desk)
    desk.set("low.return_pressure", 320.0)
    desk.run(2)
    assert {name: desk[name].value for name in held} == held
    assert desk["low.makeup_1_run"].on or desk["low.makeup_2_run"].on
    assert desk.reason(VALVE) == ["least_holds"]
    desk.set("low.return_pressure", 351.0)
    desk.run(2)
    assert not desk["low.makeup_1_run"].on
    assert not desk["low.makeup_2_run"].on
    desk.set("low.supply_temperature", desk["low.supply_setpoint"].value - 10.0)
    desk.run(1500)
    assert desk[VALVE].value == held[VALVE]
    desk.run(900)
    assert desk[VALVE].value > held[VALVE] + 5.0
    assert desk.reason(VALVE) == ["least_regulates"]
    assert "circuit_broken" in desk.codes()


def test_the_least_that_heats_starts_the_other_pump(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.run(5)
    speed = desk["low.pump_1_speed"].value
    _broken_for_good(monkeypatch, desk)
    desk.run(2)
    desk.set("low.pump_1_fault", 1.0)
    desk.run(1)
    assert not desk["low.pump_1_run"].on
    assert desk["low.pump_2_run"].on
    desk.run(20)
    assert desk["low.pump_2_speed"].value == pytest.approx(speed, abs=0.5)


def test_a_part_that_throws_is_told_and_left_out(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.station.outdoor, "step", _fails)
    monkeypatch.setattr(desk.station.proofs[0], "step", _fails)
    desk.run(3)
    assert {a.subject for a in desk.station.alarms.view() if a.code == "part_broken"} == {
        f"substitute_{desk.station.substitutes.index(desk.station.outdoor)}",
        "low.circulation",
    }
    assert desk["low.circulation"].show() == "unknown"
    monkeypatch.undo()
    desk.run(3)
    assert "part_broken" not in desk.codes()


def test_the_least_that_heats_starts_nothing_that_the_season_does_not_want(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A station that was taken out of service may be drained: neither heat nor makeup, however long."""
    desk.set("station.outdoor_temperature", 12.0)
    desk.write("station.season", 5.0)
    desk.run(120)
    assert desk["station.season"].show() == "out_of_service"
    _broken_for_good(monkeypatch, desk)
    desk.set("low.return_pressure", 20.0)
    desk.set("low.supply_temperature", 12.0)
    desk.run(2400)
    assert "circuit_broken" in desk.codes()
    for name in (VALVE, "low.pump_1_run", "low.pump_2_run", "low.makeup_1_run", "low.makeup_2_run"):
        assert desk.output(name).demand == 0.0, name
