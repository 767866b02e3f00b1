"""Makeup, flood and pumps on the plant: what is told and when, what is limited, and nothing told falsely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.settings.check import Checked
from hil_tests.core.conftest import Loop
from sim.weather import Weather

BYPASSES = {"low.pump_1_bypass": "contacts.channel_6", "low.pump_2_bypass": "contacts.channel_7"}


@pytest.fixture
def with_bypass(checked: Checked) -> Loop:
    """The demo station with the contacts of its mains bypasses, running for 20 minutes."""
    assert checked.file is not None
    file = checked.file.model_copy(deep=True)
    for name, source in BYPASSES.items():
        file.points[name] = file.points["station.flood"].model_copy(update={"source": source})
    station = Loop(replace(checked, file=file), Weather.constant(-10.0))
    station.run(minutes=20)
    assert not station.alarms()
    return station


def told(station: Loop) -> dict[str, str]:
    """Code → priority of the active alarms."""
    return {a.code: a.priority for a in station.rig.station.alarms.view() if a.ended is None}


WINDOW_S = 2 * 3600.0 + 600.0
"""The balance looks two hours back, and a stage must last for 10 min."""


@pytest.mark.parametrize(
    ("leak", "code", "priority", "first_sign_s"),
    [
        (0.3, "makeup_warning", "warning", WINDOW_S),
        (0.6, "leak_alarm", "high", 3600.0),
        (1.2, "leak_urgent", "urgent", 1800.0),
    ],
)
def test_a_leak_raises_the_alarm_of_its_stage(
    station: Loop, leak: float, code: str, priority: str, first_sign_s: float
) -> None:
    """40 m³: 0.5 % is 0.2 m³/h. A larger leak passes the lower stages on its way."""
    station.run(minutes=30)
    station.fault("low", "leak", leak)
    begin = station.now
    station.until(lambda loop: ("makeup_warning", "low") in loop.alarms(), first_sign_s)
    station.until(lambda loop: (code, "low") in loop.alarms(), WINDOW_S - (station.now - begin))
    station.run(hours=1)
    assert told(station) == {code: priority}
    assert station.truth("low.return_pressure") == pytest.approx(350.0, abs=20.0)


def test_flood_with_a_burst_limits_makeup_and_then_stops_it(station: Loop) -> None:
    station.fault("low", "burst")
    station.run(minutes=1)
    station.fault("station", "flood")
    station.until(lambda loop: ("flood_makeup", "low") in loop.alarms(), 60)
    before = station.plant.zones["low"].holding.metered
    ran = 0.0

    def watch(loop: Loop) -> None:
        nonlocal ran
        ran += loop.rig.dt * any(loop[f"low.makeup_{number}_run"].on for number in (1, 2))

    station.run(minutes=10, each=watch)
    assert ran == pytest.approx(120, abs=10)
    assert station.plant.zones["low"].holding.metered > before
    station.run(minutes=8)
    assert ("flood_makeup_stop", "low") in station.alarms()
    before = station.plant.zones["low"].holding.metered
    station.run(minutes=10)
    assert station.plant.zones["low"].holding.metered - before < 5.0


def test_a_gasket_that_blows_in_the_station_is_seen_on_its_floor(station: Loop) -> None:
    """10 m³/h on the floor: nobody sets the contact, the water does, minutes later."""
    station.run(minutes=30)
    station.fault("low", "leak_inside", 10.0)
    until_flood = station.until(lambda loop: ("flood", "station.flood") in loop.alarms(), 900)
    assert until_flood > 120
    station.until(lambda loop: ("flood_makeup", "low") in loop.alarms(), 600)
    assert station.plant.mass_balance_error() < 1e-9


def test_flood_alone_changes_nothing_even_when_the_primary_pressure_steps(station: Loop) -> None:
    station.fault("station", "flood")
    station.fault("station", "pressure_step", -0.3)
    station.run(minutes=40)
    assert set(told(station)) == {"flood"}
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.5)


def test_an_empty_tank_behind_a_frozen_level_rests_the_makeup_pumps(station: Loop) -> None:
    station.fault("station.tank_level", "frozen")
    station.fault("station", "no_city_water")
    station.fault("low", "leak", 3.0)
    station.until(lambda loop: loop.plant.tank.level < 0.06, 4 * 3600)
    station.until(lambda loop: ("makeup_dry", "low") in loop.alarms(), 1200)
    assert "tank_low" not in station.codes()
    assert not any(station[f"low.makeup_{number}_run"].on for number in (1, 2))


def test_a_lost_level_lets_makeup_go_on(station: Loop) -> None:
    station.fault("station.tank_level", "open")
    station.fault("low", "leak", 1.0)
    station.run(hours=2)
    assert "makeup_dry" not in {code for code, _ in station.raised()}
    assert station.truth("low.return_pressure") == pytest.approx(350.0, abs=20.0)


def test_two_lost_pressures_and_makeup_goes_on_by_the_pumps_head(station: Loop) -> None:
    station.run(minutes=20)
    for sensor in ("low.return_pressure", "low.differential_pressure"):
        station.fault(sensor, "open")
    station.fault("low", "leak", 1.0)
    station.run(hours=2)
    assert not {"makeup_dry", "over_pressure"} & {code for code, _ in station.raised()}
    assert station.truth("low.return_pressure") == pytest.approx(350.0, abs=40.0)


def test_a_pump_on_its_bypass_is_circulation(with_bypass: Loop) -> None:
    with_bypass.fault("low.pump_1", "mains_bypass")
    with_bypass.run(minutes=20)
    assert with_bypass["low.circulation"].show() == "yes"
    assert with_bypass["low.pump_1_state"].show() in ("mains", "local")
    assert ("pump_on_mains", "low.pump_1") in with_bypass.alarms()
    assert not {"pump_failed", "pump_locked_out", "no_circulation"} & {c for c, _ in with_bypass.raised()}
    assert with_bypass.supply == pytest.approx(with_bypass.value("low.supply_setpoint"), abs=1.0)
    with_bypass.clear("low.pump_1")
    with_bypass.run(minutes=20)
    assert not with_bypass.codes()


def test_both_makeup_pumps_fail_and_come_back(station: Loop) -> None:
    for pump in ("low.makeup_1", "low.makeup_2"):
        station.fault(pump, "trip")
    station.fault("low", "leak", 2.0)
    station.run(minutes=45)
    assert {("pump_failed", "low.makeup_1"), ("pump_failed", "low.makeup_2")} <= station.alarms()
    assert ("pressure_low", "low") in station.alarms()
    for pump in ("low.makeup_1", "low.makeup_2"):
        station.clear(pump)
    station.run(minutes=40)
    assert station.truth("low.return_pressure") > 330.0
    assert "pressure_low" not in station.codes()


def test_both_circulation_pumps_stay_out_in_the_cold_and_come_back(make_station: Callable[..., Loop]) -> None:
    station = make_station(-15.0)
    station.run(minutes=20)
    for pump in ("low.pump_1", "low.pump_2"):
        station.fault(pump, "trip")
    station.run(minutes=31)
    assert {"no_circulation", "standing_cold", "pump_failed"} <= station.codes()
    assert station.valve == 0.0
    for pump in ("low.pump_1", "low.pump_2"):
        station.clear(pump)
    station.until(lambda loop: loop["low.circulation"].show() == "yes", 700)
    station.run(minutes=40)
    assert not {"no_circulation", "standing_cold"} & station.codes()
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.5)


@pytest.mark.parametrize("outdoor", [-24.0, -10.0, 5.0])
def test_six_hours_without_a_fault_tell_nothing(make_station: Callable[..., Loop], outdoor: float) -> None:
    station = make_station(outdoor, dt=2.0)
    station.run(hours=6)
    assert not station.raised()


def test_without_a_meter_the_pump_tells_what_a_loop_loses(checked: Checked) -> None:
    """By its nominal flow and its speed: an ordinary loss is no leak, and a leak is one."""
    assert checked.file is not None
    file = checked.file.model_copy(deep=True)
    for role in ("makeup_flow", "makeup_pressure"):
        del file.points[f"low.{role}"]
    makeup = file.circuits["low"].makeup
    assert makeup is not None
    makeup.guard.nominal_flow = 6.0
    station = Loop(replace(checked, file=file), Weather.constant(-10.0))
    holding = station.plant.zones["low"].holding
    station.run(hours=1)  # until the first fill has shown at which speed the pump lifts
    filled, reckoned = holding.metered, station.value("low.makeup_today")
    station.run(hours=2)
    filled = (holding.metered - filled) / 1000.0
    assert filled > 0.02
    assert filled / 2 < station.value("low.makeup_today") - reckoned < 2 * filled
    assert not station.alarms()
    station.fault("low", "leak", 1.2)
    station.until(lambda loop: ("leak_urgent", "low") in loop.alarms(), WINDOW_S)
