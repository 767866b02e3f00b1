"""Rows of the safety table that only tell, and a station with nothing left to see by."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from drivers.readings import Fault

VALVE = "low.valve_command"


def valve(desk: Any) -> float:
    return float(desk[VALVE].value)


def test_valve_that_does_not_follow_is_told_after_its_stroke(warm: Any) -> None:
    warm.set("low.valve_position", valve(warm) - 20.0)
    warm.run(130)
    assert "valve_astray" not in warm.codes()
    warm.run(10)
    assert ("valve_astray", VALVE) in warm.alarms()


def test_pressure_low_for_60_s(warm: Any) -> None:
    warm.set("low.return_pressure", 295.0)
    warm.set("low.supply_pressure", 385.0)
    warm.run(58)
    assert "pressure_low" not in warm.codes()
    warm.run(5)
    assert "pressure_low" in warm.codes()


def test_too_little_heat_is_told_after_half_an_hour(warm: Any) -> None:
    setpoint = warm["low.supply_setpoint"].value
    for sensor in ("low.supply_temperature_1", "low.supply_temperature_2"):
        warm.set(sensor, setpoint - 8.0)
    warm.run(1750)
    assert "supply_low" not in warm.codes()
    warm.run(100)
    assert ("supply_low", "low") in warm.alarms()


def test_flood_only_tells(warm: Any) -> None:
    before = valve(warm)
    warm.set("station.flood", 1.0)
    warm.run(30)
    assert ("flood", "station.flood") in warm.alarms()
    assert valve(warm) == pytest.approx(before, abs=3.0)
    assert warm["low.pump_1_run"].on


def test_lost_outdoor_tells_and_goes_on(warm: Any) -> None:
    demand = warm["low.supply_demand"].value
    warm.fail("station.outdoor_temperature")
    warm.run(30)
    assert warm["low.supply_demand"].value == demand
    assert ("outdoor_lost", "station.outdoor_temperature") in warm.alarms()
    assert "quality_held" in warm.reason("station.outdoor_temperature")


def test_every_number_stays_a_number_with_every_sensor_dead(warm: Any) -> None:
    before = valve(warm)
    for point in list(warm.values):
        warm.fail(point, Fault.NO_REPLY)
    warm.run(600)
    for output in warm.station.image.outputs.values():
        assert math.isfinite(output.value), output.name
    assert valve(warm) <= before + 0.5
    assert warm["low.pump_1_run"].on
    assert not warm["low.makeup_1_run"].on


def test_two_sensors_at_the_edge_of_disagreement_are_one_alarm(warm: Any) -> None:
    first = warm["low.supply_temperature_1"].value
    told = 0
    for scan in range(60):
        warm.set("low.supply_temperature_2", first + 3.0 + (0.3 if scan % 2 else -0.3))
        events = warm.scan().events
        told += sum(event.kind == "alarm" and event.code == "sensors_disagree" for event in events)
    assert told == 1


def test_a_broken_row_of_the_table_does_not_silence_the_others(warm: Any) -> None:
    class Broken:
        """A point that cannot be asked."""

        @property
        def usable(self) -> bool:
            raise ZeroDivisionError

    table = warm.station.table
    rules = list(table.rules)
    row = next(index for index, rule in enumerate(rules) if rule.code == "flood")
    rules[row] = dataclasses.replace(rules[row], when=lambda: Broken().usable)
    table.rules = tuple(rules)
    warm.set("low.return_pressure", 295.0)
    warm.set("low.supply_pressure", 385.0)
    warm.run(70)
    assert {"rule_broken", "pressure_low"} <= warm.codes()
