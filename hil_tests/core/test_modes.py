"""Modes of a circuit on the plant: each does what it says while the network is disturbed, and a change is
felt by nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from statistics import fmean

import pytest

from controller.control.blocks.loop.fixed_opening import FixedOpeningSettings
from controller.control.blocks.loop.flow_control import ConstantFlowSettings
from controller.control.blocks.setpoint.mean_temperature import MeanTemperatureSettings
from controller.control.circuits.circuit_mode import MODES
from controller.control.circuits.heating import CircuitSettings
from controller.control.circuits.setpoint_settings import ConstantSupplySettings
from controller.settings.check import Checked
from hil_tests.core.conftest import Loop
from sim.weather import Weather

MakeLoop = Callable[..., Loop]
STEP_S = 2.0
FLOW = 22.0
OFF = 1.5
"""Position and command may differ by the dead band of the actuator and the valve's stiction, %."""


def give_sections(circuit: CircuitSettings) -> None:
    circuit.offset_by_time = {}
    circuit.constant_supply = ConstantSupplySettings(supply=55.0)
    circuit.fixed_opening = FixedOpeningSettings(opening=70.0)
    circuit.constant_flow = ConstantFlowSettings(flow=FLOW)
    circuit.mean_temperature = MeanTemperatureSettings(points={-20.0: 49.5, 0.0: 34.5})


@pytest.fixture
def make_loop(checked: Checked) -> MakeLoop:
    """The demo station with the sections of all modes, 20 minutes in the mode that is asked for."""

    def make(
        mode: str, edit: Callable[[CircuitSettings], None] = lambda circuit: None, *, dt: float = STEP_S
    ) -> Loop:
        assert checked.file is not None
        file = checked.file.model_copy(deep=True)
        circuit = file.circuits["low"]
        give_sections(circuit)
        circuit.mode = float(MODES.index(mode))
        edit(circuit)
        loop = Loop(replace(checked, file=file), Weather.constant(-10.0), dt=dt)
        loop.run(minutes=20)
        return loop

    return make


def choose(loop: Loop, mode: str) -> None:
    loop.write("low.mode", MODES.index(mode))


def disturb(loop: Loop, kind: str, value: float, minutes: float = 20.0) -> list[tuple[float, float]]:
    """(supply, valve) of every scan while the network is so."""
    loop.fault("station", kind, value)
    rows = watch(loop, minutes)
    loop.clear("station")
    return rows


def watch(loop: Loop, minutes: float) -> list[tuple[float, float]]:
    """(supply, valve) of every scan."""
    rows: list[tuple[float, float]] = []
    loop.run(minutes=minutes, each=lambda loop: rows.append((loop.supply, loop.valve)))
    return rows


# ---- constant supply


def test_a_constant_supply_stays_when_weather_and_network_change(make_loop: MakeLoop) -> None:
    loop = make_loop("constant_supply")
    loop.run(minutes=20)
    loop.plant.weather = Weather.constant(-2.0)
    for kind, value in (("temperature_step", 10.0), ("pressure_step", 0.3)):
        rows = disturb(loop, kind, value)
        assert max(abs(supply - 55.0) for supply, _ in rows) < 2.0
        assert max(abs(supply - 55.0) for supply, _ in rows[300:]) < 0.7
    assert not loop.alarms()


# ---- fixed opening


def test_a_fixed_opening_stands_whatever_the_network_does(make_loop: MakeLoop) -> None:
    loop = make_loop("fixed_opening")
    for kind, value in (("temperature_step", 15.0), ("temperature_step", -15.0), ("pressure_step", 0.4)):
        rows = disturb(loop, kind, value)
        valves = [valve for _, valve in rows]
        assert max(valves) - min(valves) < 0.1
        assert valves[0] == pytest.approx(70.0, abs=OFF)
        supplies = [supply for supply, _ in rows]
        assert max(supplies) - min(supplies) > 1.5, "nobody makes up for it"
    assert not loop.alarms()
    assert {"mode", "fixed_opening_stands"} <= set(loop.reason("low.valve_command").split())
    assert loop["low.supply_setpoint"].reason == "not_followed"


def test_a_fixed_opening_never_heats_above_the_highest_supply(make_loop: MakeLoop) -> None:
    def edit(circuit: CircuitSettings) -> None:
        circuit.supply.max = 52.0

    loop = make_loop("fixed_opening", edit)
    assert loop.value("low.valve_command") == pytest.approx(70.0)
    rows = disturb(loop, "temperature_step", 20.0, minutes=30)
    supplies = [supply for supply, _ in rows]
    assert max(supplies) < 53.5
    assert min(supplies[300:]) > 51.0, "it lets through what may be"
    assert loop["low.setpoint_limit"].show() == "supply_max"
    assert loop["low.valve_mode"].show() == "limited"
    assert "limited_at_highest" in loop.reason("low.valve_command")
    loop.run(minutes=30)
    assert loop.value("low.valve_command") == pytest.approx(70.0)
    assert loop["low.valve_mode"].show() == "led"


def test_a_fixed_opening_never_lets_the_supply_below_its_lowest(make_loop: MakeLoop) -> None:
    def edit(circuit: CircuitSettings) -> None:
        circuit.fixed_opening = FixedOpeningSettings(opening=5.0)
        circuit.supply.min = 38.0

    loop = make_loop("fixed_opening", edit)
    supplies: list[float] = []
    loop.run(hours=1, each=lambda loop: supplies.append(loop.supply))
    assert min(supplies) > 37.0
    assert max(supplies[900:]) < 39.0
    assert "limited_at_lowest" in loop.reason("low.valve_command")
    disturb(loop, "primary_outage", 0.0, minutes=60)
    assert ("supply_low", "low") in loop.raised(), "five kelvin below supply.min"


def test_a_fixed_opening_is_what_a_restart_and_a_lost_sensor_leave(make_loop: MakeLoop) -> None:
    loop = make_loop("fixed_opening")
    loop.restart()
    loop.run(minutes=2)
    assert loop.valve == pytest.approx(70.0, abs=OFF)
    for sensor in ("low.supply_temperature", "low.supply_temperature_2"):
        loop.fault(sensor, "open")
    loop.run(minutes=45)
    assert loop.valve == pytest.approx(70.0, abs=OFF)
    assert any(code == "supply_lost" for code in loop.codes())


def test_after_a_hand_a_fixed_opening_goes_back_slowly(make_loop: MakeLoop) -> None:
    loop = make_loop("fixed_opening")
    loop.override("low.valve_command", 30.0, 900.0)
    loop.run(minutes=16)
    supplies = [loop.supply]
    loop.run(minutes=30, each=lambda loop: supplies.append(loop.supply))
    assert max(b - a for a, b in zip(supplies, supplies[30:], strict=False)) < 1.5, "K a minute"
    loop.run(minutes=30)
    assert loop.valve == pytest.approx(70.0, abs=OFF)


def test_a_change_over_of_pumps_does_not_cost_a_fixed_opening_its_heat(make_loop: MakeLoop) -> None:
    """Without circulation the valve shuts; the water is as warm as before when the other pump runs."""
    loop = make_loop("fixed_opening")
    before = loop.supply
    loop.fault("low.pump_1", "trip")
    lowest = min(valve for _, valve in watch(loop, minutes=1))
    assert lowest < 65.0
    loop.run(minutes=4)
    assert loop.valve == pytest.approx(70.0, abs=OFF)
    assert loop.supply == pytest.approx(before, abs=2.0)
    loop.fault("station", "power_failure")
    loop.run(minutes=5)
    loop.clear("station")
    supplies = [supply for supply, _ in watch(loop, minutes=40)]
    settled = supplies[300:]
    assert max(b - a for a, b in zip(settled, settled[300:], strict=False)) < 6.0, "K in ten minutes: slowly"


# ---- mean temperature


def means(loop: Loop, minutes: float) -> list[float]:
    """Mean of supply and return, °C, of every scan."""
    rows: list[float] = []
    zone = loop.plant.zones["low"]
    loop.run(minutes=minutes, each=lambda loop: rows.append((loop.supply + zone.header) / 2))
    return rows


def test_the_mean_stays_when_less_water_circulates(make_loop: MakeLoop) -> None:
    """42 °C at −10 °C outside. A fifth less flow: the return is colder, the supply makes up for it, and
    nothing swings for longer than a round of the water or two."""
    loop = make_loop("mean_temperature", dt=5.0)
    loop.run(hours=2)
    before = loop.supply
    assert fmean(means(loop, 20)) == pytest.approx(42.0, abs=0.4)
    loop.write("low.circulation.setpoint", 80.0)
    rows = means(loop, 150)[-720:]
    assert fmean(rows) == pytest.approx(42.0, abs=0.4)
    assert max(rows) - min(rows) < 1.0
    assert loop.supply > before + 0.5
    for kind, value in (("temperature_step", 10.0), ("pressure_step", -0.3)):
        loop.fault("station", kind, value)
        rows = means(loop, 20)
        loop.clear("station")
        assert max(abs(mean - 42.0) for mean in rows) < 1.5, kind
    assert not loop.alarms()


def test_without_the_return_the_heat_curve_takes_over(make_loop: MakeLoop) -> None:
    loop = make_loop("mean_temperature")
    loop.run(minutes=30)
    loop.fault("low.return_temperature", "open")
    supplies = [supply for supply, _ in watch(loop, minutes=40)]
    assert max(abs(b - a) for a, b in pairwise(supplies[::30])) < 1.0
    assert loop["low.mode_in_force"].show() == "heat_curve"
    assert loop.supply == pytest.approx(loop.value("low.supply_setpoint"), abs=1.0)
    loop.clear("low.return_temperature")
    loop.run(minutes=2)
    assert loop["low.mode_in_force"].show() == "mean_temperature"


# ---- constant flow


def flows(loop: Loop, minutes: float) -> list[float]:
    """True primary flow of every scan, m³/h."""
    rows: list[float] = []
    loop.run(
        minutes=minutes, each=lambda loop: rows.append(loop.plant.zones["low"].primary_flow * 3.6 / 0.99)
    )
    return rows


def test_a_constant_flow_is_held_whatever_the_network_does(make_loop: MakeLoop) -> None:
    """A dead band of 1 % of opening is 4 % of flow. The pressure is fed forward: most of a step is gone with
    the valve's next move."""
    loop = make_loop("constant_flow")
    quiet = flows(loop, 20)
    assert fmean(quiet) == pytest.approx(FLOW, rel=0.04)
    assert max(abs(flow - FLOW) for flow in quiet) < 0.08 * FLOW
    for kind, value in (("pressure_step", 0.5), ("pressure_step", -0.3), ("temperature_step", 15.0)):
        loop.fault("station", kind, value)
        rows = flows(loop, 20)
        loop.clear("station")
        assert max(abs(flow - FLOW) for flow in rows[90:]) < 0.1 * FLOW, kind
        assert fmean(rows[300:]) == pytest.approx(FLOW, rel=0.05), kind
    assert "constant_flow_holds" in loop.reason("low.valve_command")
    assert loop.value("low.primary_flow_setpoint") == FLOW
    assert not loop.alarms()


def test_without_its_meter_the_opening_stays_and_then_the_curve_leads(make_loop: MakeLoop) -> None:
    loop = make_loop("constant_flow")
    loop.run(minutes=10)
    before = loop.valve
    loop.fault("station.primary_flow", "open")
    valves = [valve for _, valve in watch(loop, minutes=29)]
    assert max(abs(valve - before) for valve in valves) < OFF
    assert loop["low.mode_in_force"].show() == "constant_flow"
    assert "flow_meter_lost_holds" in loop.reason("low.valve_command")
    loop.run(minutes=31)
    assert loop["low.mode_in_force"].show() == "heat_curve"
    assert {"mode_asked_for", "flow_meter_lost"} <= set(loop.reason("low.mode_in_force").split())
    assert ("mode_left", "low") in loop.alarms()
    assert loop.supply == pytest.approx(loop.value("low.supply_setpoint"), abs=1.0)
    loop.restart()
    loop.run(minutes=1)
    assert loop["low.mode_in_force"].show() == "heat_curve", "it does not hold for another half hour"
    loop.clear("station.primary_flow")
    loop.run(minutes=20)
    assert loop["low.mode_in_force"].show() == "constant_flow"
    assert fmean(flows(loop, 10)) == pytest.approx(FLOW, rel=0.05)
    assert not loop.alarms()


def test_a_meter_that_stands_while_the_valve_moves_is_not_believed(make_loop: MakeLoop) -> None:
    loop = make_loop("constant_flow")
    loop.fault("station.primary_flow", "frozen")
    loop.write("low.constant_flow.flow", 34.0)
    rows = flows(loop, 20)
    assert max(rows) < 1.2 * FLOW, "it does not run away"
    assert "flow_meter_lost_holds" in loop.reason("low.valve_command")


def test_a_constant_flow_is_cut_where_the_supply_gets_too_hot(make_loop: MakeLoop) -> None:
    def edit(circuit: CircuitSettings) -> None:
        circuit.supply.max = 50.0

    loop = make_loop("constant_flow", edit)
    loop.write("low.constant_flow.flow", 60.0)
    supplies = [supply for supply, _ in watch(loop, minutes=40)]
    assert max(supplies) < 50.8
    assert min(supplies[900:]) > 49.2
    assert loop["low.setpoint_limit"].show() == "supply_max"


# ---- what must not be fooled


def test_nobody_tunes_or_learns_a_loop_that_is_not_there(make_loop: MakeLoop) -> None:
    loop = make_loop("fixed_opening")
    with pytest.raises(AssertionError):
        loop.write("low.tuning", 1)
    choose(loop, "heat_curve")
    loop.write("low.tuning", 1)
    loop.run(seconds=5)
    assert loop["low.tuning_state"].show() == "waiting"
    loop.write("low.fixed_opening.opening", 45.0)
    choose(loop, "fixed_opening")
    loop.run(minutes=100)
    assert loop["low.tuning_state"].show() == "aborted"
    assert loop["low.loop_condition"].show() == "quiet"
    assert loop.supply < 40.0, "nine kelvin below the curve, for more than half an hour"
    assert not loop.alarms()


# ---- changes


def test_a_change_of_mode_is_no_bump(make_loop: MakeLoop) -> None:
    """In the first ten seconds a command moves by no more than a dead band or two; the supply never faster
    than its ramp bears, 30 K/h and what the network adds."""
    loop = make_loop("heat_curve")
    for mode in (*MODES[1:], *reversed(MODES)):
        before = loop.value("low.valve_command")
        choose(loop, mode)
        loop.run(seconds=10)
        assert loop.value("low.valve_command") == pytest.approx(before, abs=2.5), mode
        rows = watch(loop, minutes=9)
        assert max(abs(b[0] - a[0]) for a, b in pairwise(rows[::30])) < 1.5, mode
    assert not loop.alarms()
