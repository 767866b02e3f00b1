"""The makeup tank on the plant: what lies, sticks or is held by hand neither floods the station for long nor
ruins a pump."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil_tests.core.conftest import Loop


def hidden(station: Loop, code: str) -> str:
    """Behind which alarm this one hides."""
    (alarm,) = (alarm for alarm in station.rig.station.alarms.view() if alarm.code == code)
    return alarm.hidden_by


def test_a_level_that_lies_low_floods_for_minutes_only(
    make_station: Callable[..., Loop],
) -> None:
    """It shows 0.4 m too little: the tank runs over before filling ends."""
    station = make_station(dt=2.0)
    station.fault("station.tank_level", "offset", -0.4)
    told = station.until(lambda loop: ("tank_overflow", "station.tank_inlet") in loop.alarms(), 1500)
    assert told > 600
    assert station.raised() == {("tank_overflow", "station.tank_inlet")}
    assert not station["station.tank_inlet"].on
    station.until(lambda loop: not loop["station.flood"].on, 1200)
    station.run(hours=2)
    assert not station["station.flood"].on
    station.clear("station.tank_level")
    station.run(minutes=2)
    assert not station.alarms()


def test_a_level_that_hangs_low_rests_the_inlet_where_nobody_sees_the_floor(
    make_station: Callable[..., Loop],
) -> None:
    station = make_station(dt=2.0)
    station.fault("station.flood", "stuck_off")
    station.fault("station.tank_level", "offset", -0.7)
    station.run(seconds=30)
    station.fault("station.tank_level", "frozen")
    station.until(lambda loop: ("tank_fill_long", "station.tank_inlet") in loop.alarms(), 400)
    over = station.plant.tank
    station.run(hours=3)
    assert over.overflow_mass < 5000.0, "half an hour of the inlet, in three hours"


def test_an_inlet_that_does_not_close_is_told_by_the_level(make_station: Callable[..., Loop]) -> None:
    station = make_station(dt=2.0)
    station.fault("station.tank_inlet", "stuck_on")
    told = station.until(lambda loop: ("tank_rises", "station.tank_inlet") in loop.alarms(), 300)
    assert told < 300
    station.until(lambda loop: loop["station.flood"].on, 1200)
    station.run(seconds=10)
    assert hidden(station, "flood") == "tank_rises@station.tank_inlet"
    station.clear("station.tank_inlet")
    station.run(hours=2)
    assert not station.alarms()


def test_a_hand_fills_the_tank_no_further_than_full(station: Loop) -> None:
    station.override("station.tank_inlet", 1.0, 7000.0)
    station.run(minutes=60)
    assert station.plant.tank.level == pytest.approx(1.85, abs=0.03)
    assert "rule_tank_full" in station.reason("station.tank_inlet")
    assert not station.alarms()


@pytest.mark.parametrize("dt", [1.0, 5.0])
def test_no_makeup_pump_turns_in_air_for_a_minute(make_station: Callable[..., Loop], dt: float) -> None:
    station = make_station(dt=dt)
    for number in (1, 2):
        station.fault(f"low.makeup_{number}", "dry")
    station.fault("low", "leak", 0.6)
    pumps = station.plant.zones["low"].holding.pumps
    turned, longest = 0.0, 0.0

    def watch(loop: Loop) -> None:
        nonlocal turned, longest
        turned = turned + dt if any(pump.speed > 0.0 for pump in pumps) else 0.0
        longest = max(longest, turned)

    station.run(hours=1, each=watch)
    assert ("makeup_dry", "low") in station.alarms()
    assert 30.0 < longest <= 60.0


def test_a_pump_that_is_sound_lifts_within_half_a_minute(station: Loop) -> None:
    station.fault("low", "leak", 0.6)
    station.until(lambda loop: any(loop[f"low.makeup_{number}_run"].on for number in (1, 2)), 1200)
    station.until(lambda loop: loop.value("low.makeup_flow") >= 0.2, 30)
    highest = 0.0

    def watch(loop: Loop) -> None:
        nonlocal highest
        highest = max(highest, loop.truth("low.return_pressure"))

    station.run(minutes=20, each=watch)
    assert highest < 353.0
    assert not station.alarms()


def test_flood_and_a_hand_on_a_makeup_pump_leave_portions(station: Loop) -> None:
    """The hand keeps the pressure up, so that nothing falls: what was filled in is the sign."""
    station.override("low.makeup_1_run", 1.0, 7000.0)
    station.override("low.makeup_1_speed", 50.0, 7000.0)
    station.fault("low", "leak_inside", 6.0)
    station.until(lambda loop: ("flood_makeup", "low") in loop.alarms(), 1200)
    ran = 0.0

    def watch(loop: Loop) -> None:
        nonlocal ran
        ran += loop.rig.dt * any(loop[f"low.makeup_{number}_run"].on for number in (1, 2))

    station.run(minutes=10, each=watch)
    assert ran == pytest.approx(120, abs=10)


def test_where_one_makeup_pump_sucks_air_the_other_holds_the_pressure(
    make_station: Callable[..., Loop],
) -> None:
    station = make_station(dt=5.0)
    station.fault("low.makeup_1", "dry")
    station.fault("low", "leak", 0.3)
    lowest = 1e3

    def watch(loop: Loop) -> None:
        nonlocal lowest
        lowest = min(lowest, loop.truth("low.return_pressure"))

    station.run(hours=4, each=watch)
    assert ("makeup_dry", "low") in station.raised()
    assert lowest > 280.0
