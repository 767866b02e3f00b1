"""Pumps and pressure holding on the plant: quiet speeds, a change-over, leaks measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.settings.check import Checked
from hil_tests.core.conftest import Loop
from sim.weather import Weather


@pytest.fixture
def watched(checked: Checked) -> Loop:
    """The demo station whose file tells the volume of its loop."""
    assert checked.file is not None
    file = checked.file.model_copy(deep=True)
    makeup = file.circuits["low"].makeup
    assert makeup is not None
    makeup.guard.loop_volume = 40.0
    return Loop(replace(checked, file=file), Weather.constant(-10.0))


@pytest.mark.parametrize(("leak", "state"), [(None, "ok"), (0.6, "alarm"), (1.2, "urgent")])
def test_a_leak_is_measured_within_a_tenth_and_staged(watched: Loop, leak: float | None, state: str) -> None:
    """40 m³: 1 % is 0.4 m³/h, 2 % is 0.8 m³/h."""
    watched.run(minutes=20)
    if leak is not None:
        watched.fault("low", "leak", leak)
    watched.run(hours=3)
    true = watched.plant.zones["low"].holding.leak_flow * 3.6
    assert watched.value("low.makeup_leak") == pytest.approx(true, rel=0.1, abs=0.03)
    assert watched["low.makeup_state"].show() == state
    assert watched.value("low.makeup_starts") <= 12
    assert not watched["low.pressure_drops"].on


def test_a_burst_is_seen_before_the_pressure_is_gone(watched: Loop) -> None:
    watched.run(minutes=20)
    watched.fault("low", "burst")
    watched.until(lambda loop: loop["low.pressure_drops"].on, 90)
    assert watched.truth("low.return_pressure") > 200.0


def test_the_speed_stands_still_while_nothing_changes(station: Loop) -> None:
    station.run(minutes=40)
    last = station.value("low.pump_1_speed")
    travel = 0.0

    def watch(loop: Loop) -> None:
        nonlocal travel, last
        now = loop.value("low.pump_1_speed")
        travel, last = travel + abs(now - last), now

    station.run(hours=1, each=watch)
    assert travel < 1.0
    assert station.truth("low.differential_pressure") == pytest.approx(120.0, abs=3.0)


def test_a_change_over_by_hours_is_felt_for_seconds_only(make_station: Callable[..., Loop]) -> None:
    station = make_station()
    station.run(minutes=40)
    before = station.truth("low.differential_pressure")
    station.rig.station.circuits[0].circuit.circulation.pumps[0].hours = 500.0
    seen: list[float] = []
    station.run(minutes=5, each=lambda loop: seen.append(loop.truth("low.differential_pressure")))
    assert station["low.pump_2_run"].on
    assert not station["low.pump_1_run"].on
    assert sum(abs(value - before) > 6.0 for value in seen) <= 4
    assert min(seen) > 0.85 * before
    assert max(seen) < 1.2 * before
    assert not station.raised()
    assert station.supply == pytest.approx(station.value("low.supply_setpoint"), abs=0.7)
