"""Sensors that lie within their range: seen by physics or by their twin, and the heat goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil_tests.core.conftest import Loop
from sim.bank import HEALTHY, Behaviour


def test_a_supply_sensor_that_hangs_is_left_out(station: Loop) -> None:
    """The other one moves with a new set-point: from then on it alone is believed."""
    station.fault("low.supply_temperature", "frozen")
    station.write("low.heat_curve.shift", 5.0)
    station.until(lambda loop: loop["low.supply_temperature_1"].reason == "frozen", 3600)
    assert ("input_bad", "low.supply_temperature_1") in station.alarms()
    station.run(minutes=30)
    assert station["low.supply_temperature"].reason == "second_sensor"
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.0)
    station.clear("low.supply_temperature")
    station.run(minutes=2)
    assert station["low.supply_temperature"].reason == ""


def test_a_makeup_flow_without_pump_is_doubted(station: Loop) -> None:
    station.fault("low.makeup_flow", "offset", 3.0)
    station.until(lambda loop: "flow_without_pump" in loop.codes(), 3600)
    assert station["low.makeup_flow"].reason == "flow_without_pump"


def test_a_return_above_the_supply_is_doubted(station: Loop) -> None:
    station.fault("low.return_temperature", "offset", 20.0)
    station.until(lambda loop: "return_above_supply" in loop.codes(), 700)
    assert station["low.return_temperature"].reason == "return_above_supply"


@pytest.mark.parametrize("wrong", [-15.0, 30.0])
def test_a_return_sensor_that_begins_to_lie_and_ends_moves_no_heat(station: Loop, wrong: float) -> None:
    """No water jumps so: what is fed forward of it begins anew from where the valve stands."""
    wanted = station.value("low.supply_setpoint")
    worst = 0.0

    def watch(loop: Loop) -> None:
        nonlocal worst
        worst = max(worst, abs(loop.supply - wanted))

    station.fault("low.return_temperature", "offset", wrong)
    station.run(minutes=30, each=watch)
    station.clear("low.return_temperature")
    station.run(minutes=30, each=watch)
    assert worst < 3.5


def test_a_pressure_that_stays_without_pumps_is_doubted(station: Loop) -> None:
    station.fault("low.differential_pressure", "frozen")
    for pump in ("low.pump_1", "low.pump_2"):
        station.fault(pump, "trip")
    station.until(lambda loop: "pressure_without_pump" in loop.codes(), 300)
    assert station.valve <= 1.0 or station.value("low.valve_command") == 0.0


def test_crossed_pressures_neither_fill_nor_empty_the_loop(make_station: Callable[..., Loop]) -> None:
    """From cold: the water grows, and relief must open by the right one of both."""
    station = make_station(cold=True, dt=2.0)
    station.run(minutes=5)
    station.rig.swap("low.supply_pressure", "low.return_pressure")
    station.until(lambda loop: ("pressures_crossed", "low.return_pressure") in loop.alarms(), 60)
    least, most = 1e3, 0.0

    def watch(loop: Loop) -> None:
        nonlocal least, most
        now = loop.truth("low.return_pressure")
        least, most = min(least, now), max(most, now)

    station.run(hours=3, each=watch)
    assert 300.0 < least < most < 470.0
    assert station.value("low.return_pressure") == pytest.approx(
        station.truth("low.return_pressure"), abs=5.0
    )
    station.rig.swap("low.supply_pressure", "low.return_pressure")
    station.run(minutes=5)
    assert station["low.return_pressure"].reason == ""
    assert "pressures_crossed" not in station.codes()


def test_a_dead_differential_pressure_makes_no_return_pressure(station: Loop) -> None:
    """Supply less nothing would look like over-pressure, and relief would empty the loop."""
    station.run(minutes=20)
    station.fault("low.return_pressure", "open")
    station.fault("low.differential_pressure", "offset", -400.0)
    station.run(minutes=20)
    assert "over_pressure" not in {code for code, _ in station.raised()}
    assert station.truth("low.return_pressure") > 320.0


def test_exchanged_primary_temperatures_are_told_of_a_station_that_has_learned_nothing(
    make_station: Callable[..., Loop],
) -> None:
    """The loop swings by them, but nothing is said of a motor that runs the wrong way."""
    station = make_station(cold=True, dt=4.0)
    station.run(minutes=15)
    supply, back = (f"station.primary_{side}_temperature" for side in ("supply", "return"))
    station.rig.swap(supply, back)
    station.until(lambda loop: ("temperatures_cross", back) in loop.alarms(), 2000)
    station.run(hours=1)
    assert "valve_reversed" not in {event.code for event in station.rig.events}
    station.rig.swap(supply, back)
    station.run(minutes=5)
    assert "temperatures_cross" not in station.codes()


def test_a_counter_that_hangs_is_told_by_the_power_that_goes_on(make_station: Callable[..., Loop]) -> None:
    station = make_station(-10.0, dt=4.0)
    station.run(hours=1)
    assert "meter_stuck" not in station.codes()
    station.fault("station.heat_energy", "frozen")
    station.until(lambda loop: ("meter_stuck", "station.heat_energy") in loop.alarms(), 2400)
    station.clear("station.heat_energy")
    station.run(minutes=2)
    assert "meter_stuck" not in station.codes()


@pytest.mark.parametrize(("kind", "size"), [("short", None), ("offset", 17.0)])
def test_a_feedback_that_lies_is_not_told_as_a_valve_that_sticks(
    make_station: Callable[..., Loop], kind: str, size: float | None
) -> None:
    station = make_station(-24.0, dt=4.0)
    station.run(hours=1)
    station.fault("low.valve_position", kind, size)
    for shift in (1.0, -1.0, 2.0, 0.0):
        station.write("low.heat_curve.shift", shift)
        station.run(minutes=40)
    assert "valve_stuck" in {event.code for event in station.rig.events}
    station.clear("low.valve_position")
    station.run(minutes=75)
    raised = {event.code for event in station.rig.events if event.kind in ("alarm", "hidden")}
    assert "valve_sticks" not in raised
    assert not station.alarms()


TOP_KPA = 305.0
"""The highest radiator of the demo still has 10 kPa."""


@pytest.mark.parametrize(("kind", "size"), [("frozen", None), ("drift", 20.0), ("offset", 70.0)])
def test_a_return_pressure_that_lies_high_lets_no_radiator_run_dry(
    make_station: Callable[..., Loop], kind: str, size: float | None
) -> None:
    station = make_station(dt=5.0)
    station.run(minutes=40)
    station.fault("low.return_pressure", kind, size)
    least = 1e3

    def watch(loop: Loop) -> None:
        nonlocal least
        least = min(least, loop.plant.zones["low"].loop.pressure / 1e3)

    station.run(hours=6, each=watch)
    assert least > TOP_KPA
    assert ("return_pressure_outvoted", "low.return_pressure") in station.raised()
    # On its first day a station learns a little of what is wrong.
    assert station.value("low.return_pressure") == pytest.approx(
        station.truth("low.return_pressure"), abs=5.0
    )
    assert not {"pressure_drops", "pressures_crossed"} & {code for code, _ in station.raised()}
    station.clear("low.return_pressure")
    station.run(minutes=10)
    assert station["low.return_pressure"].reason == ""


def test_a_return_pressure_that_drifts_down_fills_the_loop_no_further(
    make_station: Callable[..., Loop],
) -> None:
    station = make_station(dt=5.0)
    station.run(minutes=40)
    station.fault("low.return_pressure", "drift", -20.0)
    station.run(hours=6)
    assert station.truth("low.return_pressure") < 375.0
    assert "return_pressure_outvoted" in station.codes()


def test_a_module_that_repeats_itself_is_as_good_as_dead(make_station: Callable[..., Loop]) -> None:
    station = make_station(dt=5.0)
    station.run(hours=2)
    assert not station.raised()
    station.rig.behave("analog", Behaviour("yesterday"))
    station.run(minutes=125)
    assert ("device_repeats", "analog") in station.alarms()
    assert station["low.return_pressure"].reason == "repeats"
    assert station["low.circulation"].show() == "yes"
    assert not [code for code, _ in station.raised() if code != "device_repeats"]
    station.run(hours=1)
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=1.5)
    station.rig.behave("analog", HEALTHY)
    station.run(minutes=3)
    assert "device_repeats" not in station.codes()
    assert station["low.return_pressure"].reason == ""


def test_over_pressure_does_not_stand_while_a_cold_loop_warms(make_station: Callable[..., Loop]) -> None:
    """It warms for hours, and would lie between the alarm and the relief's own pressure."""
    station = make_station(cold=True, dt=5.0)
    stood = longest = 0.0

    def watch(loop: Loop) -> None:
        nonlocal stood, longest
        stood = stood + 5.0 if "over_pressure" in loop.codes() else 0.0
        longest = max(longest, stood)

    station.run(hours=5, each=watch)
    assert 0.0 < longest < 400.0
    assert station.truth("low.return_pressure") > 340.0


@pytest.mark.parametrize("number", [1, 2])
def test_the_other_makeup_pump_holds_the_pressure_while_one_is_in_hand(
    make_station: Callable[..., Loop], number: int
) -> None:
    station = make_station(dt=5.0)
    station.override(f"low.makeup_{number}_run", 0.0, 86400.0)
    station.fault("low", "leak", 0.4)
    station.run(hours=2)
    assert station.truth("low.return_pressure") > 330.0
    assert "pressure_low" not in station.codes()
