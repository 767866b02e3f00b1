"""Tuning and monitor on the simulated demo station: the valve is led by override, the loop by its setting."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from controller.commands import Command, CommandKind
from controller.control.blocks.characteristic import Characteristic
from controller.control.blocks.loop_monitor import LoopMonitor, LoopSample
from controller.control.blocks.tuning import LoopView, Proposal, Tuning
from controller.control.blocks.tuning_experiment import Room
from controller.control.blocks.tuning_rules import Lags, Pi
from controller.control.tick import Tick
from controller.settings.check import Checked, check_file
from sim.rig import Rig
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
CURVE = Characteristic()
VALVE = "low.valve_command"
SETTINGS = ("low.supply.min", "low.supply.max")


@cache
def demo() -> Checked:
    return check_file(DEMO)


def rig(outdoor: float, pi: Pi | None = None) -> Rig:
    checked = demo()
    assert checked.file is not None
    file = checked.file.model_copy(deep=True)
    if pi is not None:
        file.circuits["low"].loop.gain = pi.gain
        file.circuits["low"].loop.integral_time = pi.integral_time_s
    return Rig(file, checked.profiles, Weather.constant(outdoor))


def order(kind: CommandKind, subject: str, value: float) -> Command:
    return Command(kind, subject, value, "li", "panel", 600.0 if kind is CommandKind.OVERRIDE else None)


def view(station: Rig) -> LoopView:
    primary, back = (
        station[name].value for name in ("station.primary_supply_temperature", "low.return_temperature")
    )
    return LoopView(
        station["low.supply_setpoint"].value,
        station["low.supply_temperature"].value,
        CURVE.flow(station["low.valve_position"].value),
        CURVE.flow(station[VALVE].value),
        primary,
        back,
        station["low.differential_pressure"].value,
        1,
        True,
        1.0,
        Room(0.0, 100.0, *(station[name].value for name in SETTINGS)),
    )


def tune(outdoor: float) -> Proposal:
    station = rig(outdoor)
    station.run(hours=1)
    tuning = Tuning(Lags(5.0, 1.0))
    tuning.begin(Pi(1.5, 50.0))
    while tuning.active:
        share = tuning.step(Tick(station.plant.time, 1.0, None), view(station))
        station.step([] if share is None else [order(CommandKind.OVERRIDE, VALVE, CURVE.opening(share))])
    assert tuning.proposal is not None, tuning.why
    return tuning.proposal


def test_finds_the_exchanger_at_three_loads() -> None:
    """Sensor 12 s behind an exchanger of a few seconds; K by the step test of the steady plant."""
    found = {outdoor: tune(outdoor) for outdoor in (-24.0, -8.0, 6.0)}
    for outdoor, gain in ((-24.0, 0.115), (-8.0, 0.145), (6.0, 0.178)):
        proposal = found[outdoor]
        assert proposal.found.model.gain == pytest.approx(gain, rel=0.1)
        assert proposal.found.model.lag_s == pytest.approx(14, abs=2.5)
        assert proposal.found.model.dead_time_s == pytest.approx(2.5, abs=1.5)
        assert proposal.found.fit > 93
        assert proposal.margins.gain_margin >= 3
        assert proposal.margins.sensitivity <= 1.7
    assert found[-24.0].pi.gain > 1.4 * found[6.0].pi.gain


@pytest.mark.parametrize(("gain", "swings"), [(10.0, False), (20.0, True)])
def test_lowers_a_gain_four_times_too_high_and_leaves_one_twice_too_high(gain: float, swings: bool) -> None:
    """At −8 °C tuning proposes 5 with 16 s, at the schedule of 1.25 that acts there."""
    station = rig(-8.0, Pi(gain, 16.0))
    station.run(minutes=20)
    monitor, last = LoopMonitor(), 0.0
    filtered = station["low.supply_temperature"].value
    for second in range(2 * 3600):
        before = monitor.factor
        station.step([order(CommandKind.WRITE, "low.loop.gain", gain * before)])
        seen = view(station)
        filtered += (seen.measured - filtered) / 6
        valve, position = station[VALVE].value, station["low.valve_position"].value
        sample = LoopSample(
            seen.setpoint, filtered, seen.asked, 0.0, 100.0, valve, position, seen.primary, True
        )
        monitor.step(Tick(station.plant.time, 1.0, None), sample, 16.0)
        if monitor.factor != before:
            last = second / 3600
    assert (monitor.factor < 1) == swings
    assert last < 1.5
