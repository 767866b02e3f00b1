"""Safe mode against the plant: the simplest control, from wherever the plant stands when it begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.control.circuits.least import LARGEST_MOVE
from hil_tests.core.conftest import Loop

MOVE_EVERY_S = 60


def curve(loop: Loop) -> float:
    """What the curve asks of the supply, °C."""
    least = loop.rig.station.circuits[0].least
    assert least is not None
    return least.curve.demand


def test_beside_a_running_plant_it_is_no_bump_and_keeps_the_supply(station: Loop) -> None:
    """A restart into safe mode: valve and pump go on from where they are, and the curve is kept to 3 K."""
    station.run(minutes=40)
    valve, pump = station.valve, station.value("low.pump_1_run")
    station.rig.restart(safe_mode=True)
    station.run(10)
    assert station.valve == pytest.approx(valve, abs=1.0)
    assert station.value("low.pump_1_run") == pump
    worst, jump, last = 0.0, 0.0, station.value("low.valve_command")

    def watch(loop: Loop) -> None:
        nonlocal worst, jump, last
        worst = max(worst, abs(loop.supply - curve(loop)))
        jump, last = max(jump, abs(loop.value("low.valve_command") - last)), loop.value("low.valve_command")

    station.run(hours=2, each=watch)
    assert worst < 3.0
    assert jump <= LARGEST_MOVE
    assert station.codes() == set()


def test_it_follows_the_weather(station: Loop) -> None:
    station.rig.restart(safe_mode=True)
    station.plant.weather = type(station.plant.weather).constant(-20.0)
    station.run(hours=3)
    assert station.supply == pytest.approx(curve(station), abs=1.5)
    assert curve(station) > 54.0


def test_without_any_memory_a_cold_standing_plant_gets_its_heat(make_station: Callable[..., Loop]) -> None:
    """Nothing is known and nothing runs: pressure, a pump, then heat; warm within three hours at −15 °C."""
    station = make_station(-15.0, cold=True)
    station.rig.restart(remember=False, safe_mode=True)
    took = station.until(lambda loop: loop.supply > curve(loop) - 2.0, 3 * 3600)
    highest = 0.0

    def watch(loop: Loop) -> None:
        nonlocal highest
        highest = max(highest, loop.supply)

    station.run(hours=2, each=watch)
    print(f"cold start in safe mode: {took / 60:.0f} min, highest supply {highest:.1f} °C")
    assert highest < station.file.circuits["low"].supply.alarm
    assert station.supply == pytest.approx(curve(station), abs=2.0)
    assert station.truth("low.return_pressure") > 300.0


def test_safety_is_awake_and_another_pump_takes_over(station: Loop) -> None:
    station.rig.restart(safe_mode=True)
    station.run(minutes=5)
    station.fault("low.pump_1", "trip")
    station.run(minutes=5)
    assert station.value("low.pump_2_run") == 1.0
    assert station.value("low.circulation") == 1
    station.fault("low.pump_2", "trip")
    station.run(minutes=3)
    assert station.valve < 1.0
    assert "no_circulation" in station.codes()


def test_what_the_season_does_not_want_stands_still(make_station: Callable[..., Loop]) -> None:
    station = make_station(8.0)
    station.run(minutes=5)
    station.write("station.season", 5.0)
    station.run(minutes=5)
    assert station["station.season"].show() == "out_of_service"
    station.rig.restart(safe_mode=True)
    station.run(minutes=20)
    assert station["station.season"].show() == "out_of_service"
    assert station.value("low.valve_command") == 0.0
    assert station.value("low.pump_1_run") == station.value("low.pump_2_run") == 0.0
    assert station.value("low.makeup_1_run") == 0.0
    station.write("station.season", 3.0)
    station.run(minutes=10)
    assert station.value("low.circulation") == 1
    assert station.value("low.valve_command") > 0.0


def test_back_in_normal_mode_all_is_as_it_was(station: Loop) -> None:
    """What was learned has waited, and the loop takes over where safe mode has left the valve."""
    learned = station.rig.station.state()
    station.rig.restart(safe_mode=True)
    station.run(minutes=30)
    assert station.rig.station.state()["circuits"] == learned["circuits"]
    valve = station.valve
    station.rig.restart()
    station.run(5)
    assert station.valve == pytest.approx(valve, abs=1.5)
    station.run(minutes=30)
    assert abs(station.supply - station.value("low.supply_setpoint")) < 1.0
    assert station.codes() == set()
