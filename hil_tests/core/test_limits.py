"""Limits and shares of the set-point on the plant: what they do to the supply, and to the people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import fmean, median

import pytest

from controller.control.blocks.setpoint.return_limit import ReturnLimitSettings
from controller.control.blocks.setpoint.room_influence import RoomInfluenceSettings
from controller.control.circuits.heating import CircuitSettings
from controller.settings.check import Checked
from hil_tests.core.conftest import Loop
from sim.weather import Weather

ROOMS = [f"low.room_temperature_{number}" for number in (1, 2, 3)]


def loop_with(checked: Checked, outdoor: float, edit: Callable[[CircuitSettings], None]) -> Loop:
    """The demo station with other settings, scanned every 5 s."""
    assert checked.file is not None
    file = checked.file.model_copy(deep=True)
    file.circuits["low"].offset_by_time = {}
    edit(file.circuits["low"])
    return Loop(replace(checked, file=file), Weather.constant(outdoor), dt=5.0)


def rooms(loop: Loop) -> float:
    return median(loop.value(room) for room in ROOMS)


def test_a_return_limit_lowers_the_supply_and_lets_go_of_rooms(checked: Checked) -> None:
    """37 °C at 0 °C outside is 2.4 K less than the station's own return: the supply falls until the rooms'
    median reaches its floor of 20 °C, and no room is sacrificed to the network."""

    def edit(circuit: CircuitSettings) -> None:
        circuit.return_limit = ReturnLimitSettings(limit={0.0: 37.0})

    station = loop_with(checked, 0.0, edit)
    demands: list[float] = []
    medians: list[float] = []
    back: list[float] = []
    reasons: set[str] = set()

    def watch(loop: Loop) -> None:
        demands.append(loop.value("low.supply_demand"))
        medians.append(rooms(loop))
        back.append(loop.value("station.primary_return_temperature"))
        if len(demands) % 120 == 0:
            reasons.update(loop.reason("low.supply_setpoint").split())

    station.run(hours=16, each=watch)
    assert min(demands) < 39.5
    assert min(demands) >= 41.0 - 5.0
    assert min(back) < 38.0
    assert {"return_limit", "return_limit_rooms"} <= reasons
    assert min(medians) >= 19.8
    assert demands[-1] == pytest.approx(41.0, abs=0.2), "the rooms have the last word"


def test_rooms_put_a_curve_right_that_is_too_cold(checked: Checked) -> None:
    """Two kelvin too cold, the curve alone leaves the rooms at 19.7 °C after two days, and falling. With
    their influence they turn after one, and the supply has the two kelvin back."""

    def edit(circuit: CircuitSettings) -> None:
        circuit.heat_curve.shift = -2.0
        circuit.room_influence = RoomInfluenceSettings(wanted=20.0)

    station = loop_with(checked, -10.0, edit)
    medians: list[float] = []
    station.run(hours=48, each=lambda loop: medians.append(rooms(loop)))
    hour = len(medians) // 48
    assert fmean(medians[-4 * hour :]) == pytest.approx(20.0, abs=0.15)
    assert fmean(medians[-4 * hour :]) > fmean(medians[24 * hour : 28 * hour]) + 0.1
    assert 49.0 < station.value("low.supply_demand") < 50.5
    assert "rooms" in station.reason("low.supply_setpoint").split()
