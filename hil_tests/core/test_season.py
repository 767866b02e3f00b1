"""The season on the plant: an empty station is filled and heated up, laid up, exercised, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controller.control.blocks.season.season import STATES
from hil_tests.core.conftest import Loop

SEASON = "station.season"


def choose(loop: Loop, state: str) -> None:
    """A person changes the season."""
    loop.write(SEASON, float(STATES.index(state)))


def steepest(loop: Loop, hours: float) -> float:
    """Largest rise of the true supply temperature within any hour, K, while so many hours pass.

    The set-point's limit is 10 K/h; the loop keeps to it within its tolerance of 0.45 K, up and down."""
    seen: list[float] = []
    loop.run(hours=hours, each=lambda now: seen.append(now.supply))
    hour = round(3600.0 / loop.rig.dt)
    return max(late - early for early, late in zip(seen, seen[hour:], strict=False))


@pytest.fixture
def empty(make_station: Callable[..., Loop]) -> Loop:
    """A station without water at +4 °C outside, that was told so before its first scan."""
    station = make_station(4.0, cold=True)
    station.plant.settle(state="empty")
    station.rig.station.restore({"season": {"season": {"state": "out_of_service"}}})
    station.rig._read()
    return station


def test_an_empty_station_is_filled_circulated_and_heated_up(empty: Loop) -> None:
    empty.run(minutes=20)
    assert not empty["low.pump_1_run"].on
    assert not empty["low.makeup_1_run"].on
    assert empty.raised() == set()
    choose(empty, "filling")
    pumps: list[float] = []

    def watch(loop: Loop) -> None:
        pumps.append(loop.value("low.pump_1_run") + loop.value("low.pump_2_run"))

    for _ in range(48):
        empty.run(minutes=30, each=watch)
        if empty.value("low.return_pressure") > 335.0:
            break
    assert empty.truth("low.return_pressure") == pytest.approx(350.0, abs=25.0)
    assert max(pumps) == 0.0
    choose(empty, "cold_circulation")
    empty.run(minutes=30)
    assert empty["low.circulation"].show() == "yes"
    assert empty.valve < 1.0
    choose(empty, "heating_up")
    steep = [steepest(empty, 2.0)]
    for _ in range(4):
        if empty[SEASON].show() == "heating":
            break
        steep.append(steepest(empty, 2.0))
    assert max(steep) <= 11.0
    assert empty[SEASON].show() == "heating"
    empty.run(hours=1)
    assert empty.supply == pytest.approx(empty.value("low.supply_setpoint"), abs=1.0)
    urgent = {code for code, _ in empty.raised()} & {"frost", "over_pressure", "over_temperature"}
    assert urgent == set()


def test_laid_up_in_summer_everything_turns_once_a_week_and_nothing_is_heated(
    make_station: Callable[..., Loop],
) -> None:
    station = make_station(20.0, dt=2.0)
    station.run(minutes=20)
    choose(station, "wet_lay_up")
    station.run(hours=6)
    assert not station["low.pump_1_run"].on
    assert station.truth("low.return_pressure") == pytest.approx(350.0, abs=25.0)
    circuit: Any = station.rig.station.circuits[0].circuit
    circuit.valve_exercise.idle_s = 7 * 86400.0
    for pump in circuit.circulation.pumps:
        pump.idle_s = 7 * 86400.0
    turned: set[str] = set()
    heat = station.heat

    def watch(loop: Loop) -> None:
        turned.update(name for name in ("low.pump_1_run", "low.pump_2_run") if loop.value(name) >= 0.5)
        if loop.valve > 80.0:
            turned.add("valve")

    station.run(hours=2, each=watch)
    primary = station.value("station.primary_supply_temperature")
    wanted = {"low.pump_1_run", "low.pump_2_run"} | ({"valve"} if primary < 45.0 else set())
    assert turned == wanted
    assert station.heat - heat < 0.02, "a house at 20 °C outside takes about 1 GJ in this time when heated"
    assert station.raised() == set()


def test_back_from_lay_up_the_house_is_heated_without_a_bump(make_station: Callable[..., Loop]) -> None:
    station = make_station(5.0)
    station.run(minutes=20)
    choose(station, "wet_lay_up")
    station.run(hours=12)
    assert station.valve < 1.0
    began = station.truth("low.return_temperature")
    choose(station, "heating_up")
    steep = steepest(station, 3.0)
    assert steep <= 11.0
    assert station.supply > began + 3.0
    choose(station, "heating")
    station.run(hours=1.5)
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.0)
    assert not station.codes()


def test_a_restart_of_the_controller_in_lay_up_stays_there(make_station: Callable[..., Loop]) -> None:
    station = make_station(15.0)
    station.run(minutes=20)
    choose(station, "wet_lay_up")
    station.run(minutes=20)
    station.restart()
    station.run(minutes=5)
    assert station[SEASON].show() == "wet_lay_up"
    assert station.valve < 1.0
    assert not station["low.pump_1_run"].on
