"""Limits by the meter, of the supply's rate, in a shortage; and the probe behind a shut valve."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.control.blocks.parts.meter_age import MeterAge
from controller.control.blocks.setpoint.meter_limit import MeterLimit, MeterLimitSettings
from controller.control.blocks.setpoint.probing import Probing, ProbingSettings
from controller.control.blocks.setpoint.shortage import EXPONENT, Shortage, ShortageSettings
from controller.control.blocks.setpoint.supply_rate import SupplyRate, SupplyRateSettings
from controller.control.tick import Tick
from controller.points import Point
from tests.controller.blocks_points import codes, good, lost, temperature, ticks

HOUR = 3600.0


def watched(age: MeterAge, every: float, seconds: float, poll: float = 1.0) -> bool:
    """A meter that renews its figure `every` so many seconds, asked every `poll`."""
    fresh = False
    for tick in ticks(seconds):
        point = good(
            "flow", 30.0 + math.floor(tick.now / every) % 97 * 0.01, math.floor(tick.now / poll) * poll
        )
        fresh = age.step(point, tick.now, 5.0)
    return fresh


@pytest.mark.parametrize(
    ("every", "poll", "fresh"), [(1, 1, True), (4, 1, True), (30, 1, False), (1, 10, False)]
)
def test_the_interval_of_a_meter_is_measured_not_believed(every: float, poll: float, fresh: bool) -> None:
    age = MeterAge()
    assert watched(age, every, 400.0, poll) is fresh
    assert age.interval == pytest.approx(max(every, poll))
    assert age.why == ("" if fresh else "meter_slow")


def test_a_figure_that_happens_to_repeat_is_no_slow_meter() -> None:
    age = MeterAge()
    figures = [30.0, 30.0, 30.0, 30.1, 30.2, 30.2, 30.1]
    for tick in ticks(200):
        age.step(good("flow", figures[int(tick.now) % len(figures)], tick.now), tick.now, 5.0)
    assert age.why == ""


def test_a_meter_is_not_used_before_its_interval_is_known() -> None:
    age = MeterAge()
    assert not watched(age, 1.0, 4.0)
    assert age.why == "meter_unknown"


def test_a_meter_that_stops_is_found_and_recovers() -> None:
    age = MeterAge()
    watched(age, 1.0, 100.0)
    for tick in ticks(70, start=100.0):
        fresh = age.step(good("flow", 31.0, tick.now), tick.now, 5.0)
    assert not fresh
    assert age.why == "meter_frozen"
    assert not age.step(good("flow", 31.0, 170.0), 300.0, 5.0)
    assert age.why == "meter_old"
    assert not age.step(lost("flow"), 301.0, 5.0)
    assert age.why == "meter_lost"
    assert watched(age, 1.0, 30.0)


# ---- limit by the meter


class Plant:
    """Draws flow in proportion to the set-point, renewed each second."""

    def __init__(self, block: MeterLimit, per_kelvin: float = 0.7) -> None:
        self.block, self.per_kelvin = block, per_kelvin
        self.now, self.flow, self.base = 0.0, 0.0, 50.0

    def run(
        self, seconds: float, outdoor: float | None = -15.0, supply: float = 0.0, dt: float = 2.0
    ) -> float:
        for _ in range(round(seconds / dt)):
            self.now += dt
            setpoint = self.base + self.block.share.value
            self.flow = self.per_kelvin * setpoint + 1e-3 * (self.now % 10)
            before = self.block.share.value
            self.block.step(
                good("flow", self.flow, self.now),
                None,
                temperature(outdoor),
                temperature(setpoint + supply),
                setpoint,
                Tick(self.now, dt, None),
            )
            assert abs(self.block.share.value - before) <= 0.03 * dt, "a bump"
        return self.block.share.value


def meter(**settings: object) -> MeterLimit:
    settings.setdefault("flow", {"-15 °C": "30 m³/h", "15 °C": "10 m³/h"})
    return MeterLimit(MeterLimitSettings.model_validate(settings))


def test_flow_settles_at_its_limit_without_hunting() -> None:
    plant = Plant(meter())
    plant.run(3 * HOUR)
    assert plant.flow == pytest.approx(30.0, rel=0.01)
    share = plant.block.share.value
    assert plant.run(HOUR) == pytest.approx(share, abs=0.1)
    assert codes(*plant.block.explain()) == ["meter_limit_flow"]


def test_the_limit_slides_and_the_highest_holds_without_outdoor_temperature() -> None:
    plant = Plant(meter(), per_kelvin=0.56)
    assert plant.run(HOUR, outdoor=-15.0) == 0.0
    assert plant.run(HOUR, outdoor=None) == 0.0
    assert plant.run(HOUR, outdoor=0.0) < -5.0
    assert plant.run(30 * HOUR, outdoor=15.0, dt=10.0) == pytest.approx(0.0), "too slow a poll: refused"


def test_it_never_lowers_by_more_than_its_bound() -> None:
    assert Plant(meter(), per_kelvin=5.0).run(3 * HOUR) == -15.0


def test_it_hands_back_when_the_supply_is_far_above_the_setpoint() -> None:
    plant = Plant(meter())
    plant.run(HOUR)
    before = plant.block.share.value
    assert plant.run(900.0, supply=6.0) > before + 3.0
    assert codes(*plant.block.explain()) == ["meter_limit_hands_back"]


def test_a_slow_meter_is_refused_and_its_interval_told() -> None:
    block = meter()
    for tick in ticks(900):
        point = good("flow", 90.0 + tick.now // 60 * 0.01, tick.now)
        block.step(point, None, temperature(-15.0), temperature(50.0), 50.0, tick)
    assert block.share.value == 0.0
    (term,) = block.explain()
    assert (term.code, term.values[0][1]) == ("meter_slow", pytest.approx(60.0))


def test_a_lost_meter_lets_go_within_ten_minutes() -> None:
    plant = Plant(meter())
    before = plant.run(HOUR)
    for tick in ticks(300):
        plant.block.step(None, None, temperature(-15.0), temperature(50.0), 50.0, tick)
    assert plant.block.share.value == pytest.approx(before / 2, abs=0.02)
    for tick in ticks(301):
        plant.block.step(None, None, temperature(-15.0), temperature(50.0), 50.0, tick)
    assert plant.block.share.value == 0.0
    assert codes(*plant.block.explain()) == ["meter_lost"]


def test_the_worse_of_flow_and_power_counts() -> None:
    block = meter(power={"0 °C": "2 MW"})
    for tick in ticks(HOUR):
        noise = tick.now % 7 * 0.01
        block.step(good("flow", 20 + noise, tick.now), good("power", 2100 + noise, tick.now),
                   temperature(-15.0), temperature(50.0), 50.0, tick)  # fmt: skip
    assert block.share.value < -5.0
    assert codes(*block.explain()) == ["meter_limit_power"]


def test_held_from_below_it_does_not_wind_up() -> None:
    block = meter()
    for tick in ticks(HOUR):
        point = good("flow", 90 + tick.now % 7 * 0.01, tick.now)
        block.step(point, None, temperature(-15.0), temperature(50.0), 50.0, tick, limited=-1)
    assert block.correction == 0.0


def test_no_limit_in_the_file_is_no_limit() -> None:
    block = meter(flow={})
    for tick in ticks(100):
        assert block.step(None, None, temperature(0.0), temperature(50.0), 50.0, tick) == 0.0
    assert block.explain() == []


def test_the_meter_limit_survives_a_restart_while_it_learns_the_meter_again() -> None:
    plant = Plant(meter())
    before = plant.run(HOUR)
    again = meter()
    again.restore(json.loads(json.dumps(plant.block.state())))
    renewed = Plant(again)
    renewed.base = 50.0
    assert renewed.run(20.0) == pytest.approx(before, abs=0.4)


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True), st.floats(allow_nan=True)),
        max_size=30,
    )
)
def test_the_meter_limit_is_bounded_whatever_the_meter_shows(
    readings: list[tuple[float, float, float]],
) -> None:
    block = meter(power={"0 °C": "2 MW"})
    for count, (flow, outdoor, supply) in enumerate(readings):
        tick = Tick(float(count), 60.0, None)
        share = block.step(good("flow", flow, tick.now), lost("power"), temperature(outdoor),
                           temperature(supply), 50.0, tick)  # fmt: skip
        assert -15.0 <= share <= 0.0


# ---- rate of the supply


def water(follows: float, rate: float = 30.0) -> tuple[list[float], SupplyRate]:
    """Supply temperatures of a plant that follows a set-point within `follows` seconds, from 30 to 60 °C."""
    block = SupplyRate(SupplyRateSettings(rate=rate))
    supply, trace = 30.0, []
    for _ in range(7200):
        setpoint = block.step(60.0, temperature(supply), 1.0)
        supply += (setpoint - supply) / follows
        trace.append(supply)
    return trace, block


def test_the_water_is_not_heated_faster_than_its_rate() -> None:
    """Over each 20 min, whatever the plant; at the very start the lead of 5 K comes on top."""
    for follows in (5.0, 60.0):
        trace, block = water(follows)
        for begin in range(1200, 3000, 60):
            assert trace[begin + 1200] - trace[begin] <= 10.0 + 1e-6
        assert trace[1200] - 30.0 <= 15.0
        assert trace[-1] == pytest.approx(60.0, abs=0.01)
        assert block.limited == 0


def test_it_cuts_both_ways_and_says_so() -> None:
    block = SupplyRate(SupplyRateSettings(rate=30.0))
    assert block.step(60.0, temperature(40.0), 1.0) == 45.0
    assert (block.limited, codes(block.explain())) == (1, ["supply_rate"])
    assert block.step(20.0, temperature(40.0), 1.0) == 35.0
    assert block.limited == -1
    assert block.step(42.0, temperature(40.0), 1.0) == 42.0
    assert block.explain() is None


def test_a_supply_that_cannot_be_seen_limits_nothing() -> None:
    block = SupplyRate(SupplyRateSettings())
    block.step(40.0, temperature(40.0), 1.0)
    assert block.step(60.0, temperature(None), 1.0) == 60.0
    assert block.step(60.0, temperature(60.0), 1.0) == 60.0


# ---- shortage


def short(wanted: float, seconds: float, block: Shortage, begin: float = 0.0) -> float:
    for now in range(int(begin), int(begin + seconds), 10):
        block.step(wanted, 20.0, now + 10.0, 10.0)
    return wanted + block.share.value


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("load", [0.3, 0.6, 1.0])
def test_a_share_of_the_load_is_that_share_by_the_radiator_law(share: float, load: float) -> None:
    """60/45 °C, room 20 °C, exponent 1.3: 0.1 K against the whole formula."""

    def supply(q: float) -> float:
        return float(20 + 32.5 * q ** (1 / 1.3) + 7.5 * q)

    block = Shortage(ShortageSettings(lowest=20))
    block.slots["share"].take(share, 7200, "dispatch", "uplink", 0.0)
    assert short(supply(load), 700, block) == pytest.approx(supply(share * load), abs=0.1)


def test_a_maximum_supply_temperature_cuts_only_what_is_above() -> None:
    block = Shortage(ShortageSettings())
    block.slots["supply"].take(48.0, 7200, "dispatch", "uplink", 0.0)
    assert short(55.0, 700, block) == pytest.approx(48.0)
    assert codes(*block.explain()) == ["shortage_supply"]
    assert short(45.0, 10, block, 700) == 45.0


def test_a_shortage_never_cuts_below_its_floor_nor_below_a_low_wish() -> None:
    block = Shortage(ShortageSettings(lowest=35))
    block.slots["share"].take(0.5, 7200, "dispatch", "uplink", 0.0)
    assert short(40.0, 700, block) == pytest.approx(35.0)
    assert short(33.0, 10, block, 700) == 33.0


def test_a_shortage_ends_by_itself_without_a_bump() -> None:
    block = Shortage(ShortageSettings())
    block.slots["share"].take(0.7, 3600, "dispatch", "uplink", 0.0)
    low = short(60.0, 3590, block)
    assert low == pytest.approx(20 + 40 * 0.7**EXPONENT)
    assert short(60.0, 310, block, 3590) == pytest.approx((60 + low) / 2, abs=0.4)
    assert codes(*block.explain()) == ["shortage_fades"]
    assert short(60.0, 400, block, 3900) == 60.0
    assert block.explain() == []


def test_a_shortage_survives_a_restart() -> None:
    block, again = Shortage(ShortageSettings()), Shortage(ShortageSettings())
    block.slots["share"].take(0.7, 7200, "dispatch", "uplink", 0.0)
    low = short(60.0, 700, block)
    again.restore(json.loads(json.dumps(block.state())))
    assert short(60.0, 10, again, 700) == pytest.approx(low)


# ---- probing


def probed(
    block: Probing, seconds: int, limiting: bool = True, demand: float = 0.0, allowed: bool = True
) -> list[float]:
    return [block.step(limiting, demand, allowed, 1.0) for _ in range(seconds)]


def test_every_ten_minutes_the_shut_valve_opens_for_three() -> None:
    openings = probed(Probing(ProbingSettings()), 1560)
    opened = [second for second, opening in enumerate(openings) if opening]
    assert opened == [*range(599, 779), *range(1379, 1559)]
    assert {openings[second] for second in opened} == {20.0}


def test_only_a_limited_shut_valve_is_probed() -> None:
    block = Probing(ProbingSettings())
    assert not any(probed(block, 2000, limiting=False))
    assert not any(probed(block, 2000, demand=2.1))
    assert not any(probed(block, 2000, allowed=False))


def test_a_probe_is_broken_off_when_it_is_no_longer_allowed_and_by_nothing_else() -> None:
    block = Probing(ProbingSettings())
    probed(block, 600)
    assert codes(block.explain()) == ["probing"]
    assert probed(block, 100, limiting=False, demand=50.0) == [20.0] * 100
    assert probed(block, 1, allowed=False) == [0.0]
    assert block.explain() is None
    assert not any(probed(block, 599))


def test_points_of_a_meter_keep_their_own_time() -> None:
    """A point that is re-put with an older time is not taken for a renewal."""
    age = MeterAge()
    point = Point("m", "flow")
    for tick in ticks(50):
        point.put(30.0 + tick.now, 7.0)
        assert not age.step(point, tick.now, 5.0)
