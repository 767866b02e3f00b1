"""After a power cut: delay, pressure, pump, heat, in this order; no delay beside a plant that runs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.season.power_return import (
    LONGEST_DELAY_S,
    LONGEST_PRESSURE_S,
    LONGEST_RISE_S,
    PUMP_S,
    STAGES,
    PowerReturn,
)
from controller.control.blocks.season.season import PLANS, SeasonPlan
from controller.control.tick import Tick
from controller.points import Image

HEATING = PLANS["heating"]


class Mains:
    """A power return whose pumps run as they are told."""

    def __init__(self, station: str = "demo", remembers: bool = False) -> None:
        self.block = PowerReturn(station, Image())
        self.now = 0.0
        self.plan: SeasonPlan = HEATING
        self.wanted = HEATING
        self.signs: dict[str, Any] = {"cut": False, "runs": None, "pressed": True, "risen": False}
        self.echo = True
        if remembers:
            self.block.restore({"stage": "normal"})

    def run(self, seconds: int) -> SeasonPlan:
        """Scans of one second."""
        for _ in range(seconds):
            self.now += 1.0
            self.plan = self.block.step(Tick(self.now, 1.0, None), self.wanted, **self.signs)
            if self.echo and self.block.stage != "power_off":
                self.signs["runs"] = self.plan.circulation
        return self.plan

    def until(self, stage: str, within: int = 2000) -> int:
        for second in range(within):
            if self.block.stage == stage:
                return second
            self.run(1)
        pytest.fail(f"{stage} not within {within} s")


def black_start(station: str = "demo") -> Mains:
    mains = Mains(station, remembers=True)
    mains.signs["runs"] = False
    mains.run(1)
    return mains


def test_a_restart_beside_a_running_plant_changes_nothing() -> None:
    mains = Mains(remembers=True)
    mains.signs["runs"] = True
    assert mains.run(1) == HEATING
    assert mains.block.explain() is None


def test_a_first_start_and_drives_that_say_nothing_are_not_delayed() -> None:
    first = Mains()
    first.signs["runs"] = False
    assert first.run(1) == HEATING
    silent = Mains(remembers=True)
    silent.echo = False
    assert silent.run(100) == HEATING
    silent.signs["runs"] = False
    assert silent.run(5) == HEATING, "a minute later it is no start any more"


def test_the_order_is_delay_pressure_pump_heat() -> None:
    mains = black_start()
    mains.signs["pressed"] = False
    delay = mains.block.delay_s
    assert mains.until("pressure") == pytest.approx(delay, abs=1)
    assert (mains.plan.makeup, mains.plan.circulation, mains.plan.waits) == (True, False, True)
    mains.run(100)
    mains.signs["pressed"] = True
    mains.run(1)
    assert mains.block.stage == "slow_pump"
    assert (mains.plan.heat, mains.plan.circulation, mains.plan.slow_pump) == (False, True, True)
    assert mains.until("rises") >= PUMP_S - 1
    assert mains.plan == replace(HEATING, fastest_rise=60.0)
    mains.run(100)
    mains.signs["risen"] = True
    mains.run(1)
    assert mains.plan == HEATING


def test_it_waits_for_ever_for_nothing() -> None:
    mains = black_start()
    mains.signs["pressed"] = False
    mains.echo = False
    assert mains.until("slow_pump") <= LONGEST_DELAY_S + LONGEST_PRESSURE_S + 2
    mains.until("rises", 700)
    mains.until("normal", round(LONGEST_RISE_S) + 2)


def test_the_contact_with_standing_drives_is_a_cut_and_its_end_begins_the_sequence() -> None:
    mains = Mains()
    mains.run(10)
    mains.signs |= {"cut": True, "runs": False}
    mains.echo = False
    mains.run(2)
    assert mains.block.stage == "normal"
    mains.run(1)
    assert mains.block.stage == "power_off"
    assert (mains.plan.heat, mains.plan.circulation, mains.plan.makeup) == (False, False, False)
    mains.run(600)
    mains.signs["cut"] = False
    mains.run(1)
    assert mains.block.stage == "delay"


def test_a_lying_contact_beside_running_pumps_does_nothing() -> None:
    mains = Mains()
    mains.run(10)
    mains.signs["cut"] = True
    assert mains.run(100) == HEATING


def test_a_season_without_circulation_is_left_alone() -> None:
    mains = black_start()
    mains.wanted = PLANS["wet_lay_up"]
    assert mains.run(2) == PLANS["wet_lay_up"]
    assert mains.block.stage == "normal"


def test_stations_of_a_network_do_not_start_together() -> None:
    delays = [PowerReturn(f"station {number}", Image()).delay_s for number in range(500)]
    assert min(delays) >= 0
    assert max(delays) <= LONGEST_DELAY_S
    assert max(delays.count(delay) for delay in delays) < 20
    assert PowerReturn("station 7", Image()).delay_s == delays[7]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from([True, False, None]),
            st.booleans(),
            st.booleans(),
            st.sampled_from(sorted(PLANS)),
            st.integers(1, 200),
        ),
        max_size=20,
    ),
    st.booleans(),
)
def test_it_only_ever_narrows_the_season_and_always_ends(
    rows: list[tuple[bool, bool | None, bool, bool, str, int]], remembers: bool
) -> None:
    mains = Mains(remembers=remembers)
    mains.echo = False
    for cut, runs, pressed, risen, state, seconds in rows:
        mains.signs = {"cut": cut, "runs": runs, "pressed": pressed, "risen": risen}
        mains.wanted = PLANS[state]
        plan = mains.run(seconds)
        wanted = mains.wanted
        assert plan.heat <= wanted.heat
        assert plan.circulation <= wanted.circulation
        assert plan.makeup <= wanted.makeup
        assert plan.fastest_rise <= wanted.fastest_rise
        assert mains.block.point.value == STAGES.index(mains.block.stage)
        if runs is True:
            assert mains.block.stage != "power_off"
    mains.signs = {"cut": False, "runs": None, "pressed": False, "risen": False}
    mains.run(round(LONGEST_DELAY_S + LONGEST_PRESSURE_S + 600 + LONGEST_RISE_S) + 10)
    assert mains.block.stage == "normal"
    assert math.isinf(mains.plan.fastest_rise)
