"""Shares of the set-point in a closed loop with what they act on: they arrive, and none of them hunts."""

from __future__ import annotations

import math
from collections import deque
from statistics import mean, median

import pytest

from controller.control.blocks.parts.ramp import Ramp
from controller.control.blocks.setpoint.heat_curve import DesignCurve, HeatCurve
from controller.control.blocks.setpoint.learned_curve import LearnedCurve, LearnedCurveSettings
from controller.control.blocks.setpoint.meter_limit import MeterLimit, MeterLimitSettings
from controller.control.blocks.setpoint.return_limit import ReturnLimit, ReturnLimitSettings
from controller.control.blocks.setpoint.room_influence import RoomInfluence, RoomInfluenceSettings
from tests.controller.blocks_points import good, temperature, ticks
from tests.controller.synthetic_house import STEP_S, House, house_that_needs

CURVE = HeatCurve(DesignCurve(kind="design"))


def return_loop(excess: float, dead_s: float, lag_s: float, slow: float, hours: float) -> list[float]:
    """Return above its limit, K, every 10 s: a part follows the set-point within a minute, a part comes
    round the secondary loop. The set-point goes through its ramp of 30 K/h."""
    block, ramp = ReturnLimit(ReturnLimitSettings()), Ramp(30.0)
    ramp.start_from(45.0)
    under_way = deque([0.0] * int(dead_s / 10))
    quick = round_trip = 0.0
    trace = []
    for _ in range(int(hours * 360)):
        moved = ramp.step(45.0 + block.share.value, 10.0) - 45.0
        under_way.append(moved)
        round_trip += (under_way.popleft() - round_trip) * 10 / lag_s
        quick += (moved - quick) * 10 / 60
        above = excess + (0.9 - slow) * quick + slow * round_trip
        block.step(temperature(48.0 + above), None, temperature(0.0), math.nan, 10.0)
        trace.append(above)
    return trace


@pytest.mark.parametrize("slow", [0.3, 0.9])
@pytest.mark.parametrize(("dead_s", "lag_s"), [(300, 300), (900, 600), (1800, 900)])
def test_the_return_settles_at_its_limit(dead_s: float, lag_s: float, slow: float) -> None:
    trace = return_loop(3.0, dead_s, lag_s, slow, 36)
    assert max(map(abs, trace[-1080:])) <= 0.1


def test_a_return_that_cannot_be_brought_down_costs_five_kelvin_and_no_more() -> None:
    trace = return_loop(10.0, 900, 600, 0.6, 24)
    assert trace[-1] == pytest.approx(10.0 - 0.9 * 5.0, abs=0.01)


def days(
    house: House, room: RoomInfluence, learned: LearnedCurve | None = None, count: int = 30
) -> list[float]:
    """The room's mean of each day, both shares on the curve."""
    air: list[float] = []

    def supply(outdoor: float) -> float:
        more = learned.share.value if learned is not None else 0.0
        return CURVE.at(outdoor) + room.share.value + more

    for seen in house.live(supply, 1, count):
        room.step([temperature(one) for one in seen.rooms], STEP_S)
        if learned is not None:
            learned.step(
                median(seen.rooms), temperature(seen.supply), temperature(seen.outdoor), 20.0, True, STEP_S
            )
        air.append(house.air)
    per_day = len(air) // count
    return [mean(air[day * per_day : (day + 1) * per_day]) for day in range(count)]


@pytest.mark.parametrize("hours", [80.0, 147.0])
@pytest.mark.parametrize("more", [3.0, 0.0, -3.0])
def test_rooms_come_to_what_is_wanted_and_stay(more: float, hours: float) -> None:
    house = house_that_needs(more, CURVE.at, hours)
    found = days(house, RoomInfluence(RoomInfluenceSettings(wanted=20.0)))
    assert max(abs(day - 20.0) for day in found[3:]) <= 0.3


def test_a_curve_far_off_is_for_a_person_and_the_influence_stays_at_its_bound() -> None:
    room = RoomInfluence(RoomInfluenceSettings(wanted=20.0))
    days(house_that_needs(10.0, CURVE.at, 100.0), room, count=10)
    assert room.share.value == 5.0


@pytest.mark.parametrize("more", [3.0, -3.0])
def test_the_learned_curve_relieves_the_room_influence(more: float) -> None:
    room = RoomInfluence(RoomInfluenceSettings(wanted=20.0))
    learned = LearnedCurve(LearnedCurveSettings(mode=2.0), CURVE, 20.0)
    found = days(house_that_needs(more, CURVE.at, 100.0), room, learned)
    assert max(abs(day - 20.0) for day in found[3:]) <= 0.3
    assert learned.share.value * more > 5.0, "most of the 3 K"
    assert abs(room.integral) <= 1.5


@pytest.mark.parametrize("excess", [0.05, 0.2])
@pytest.mark.parametrize(("dead_s", "lag_s"), [(300, 300), (900, 600), (1800, 900)])
def test_power_settles_at_its_limit(dead_s: float, lag_s: float, excess: float) -> None:
    """At 15 K of spread a kelvin of supply is 6.7 % of power at first, and 2.5 % once the water is round."""
    block, ramp = MeterLimit(MeterLimitSettings(power={0.0: 2000.0})), Ramp(30.0)
    ramp.start_from(45.0)
    under_way = deque([0.0] * int(dead_s))
    quick = round_trip = 0.0
    trace = []
    for tick in ticks(8 * 3600):
        setpoint = ramp.step(45.0 + block.share.value, 1.0)
        moved = setpoint - 45.0
        under_way.append(moved)
        round_trip += (under_way.popleft() - round_trip) / lag_s
        quick += (moved - quick) / 90
        power = 2000.0 * (1 + excess) * (1 + 0.067 * quick - 0.042 * round_trip) + tick.now % 7 * 0.1
        supply = temperature(45.0 + quick)
        block.step(None, good("power", power, tick.now), temperature(0.0), supply, setpoint, tick)
        trace.append(power / 2000.0)
    assert trace[-3600:] == pytest.approx([1.0] * 3600, abs=0.01)
