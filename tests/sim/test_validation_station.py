"""Primary side, mixing, sensors, contacts, floors, hot water: closed forms and scipy, see validation_*.py."""

from itertools import pairwise

import pytest

from tests.sim.validation_cases import failures
from tests.sim.validation_contacts import RAMPS, contacts, flood, suction_swing, switches, thermostat_ramp
from tests.sim.validation_floors import cooling, emission, floors
from tests.sim.validation_hot_water import draw_off, instantaneous, storage, store, taps
from tests.sim.validation_mixing import (
    ARRANGEMENTS,
    branches_in_parallel,
    mixing_flows,
    mixing_moves,
    moving_valve,
    states,
)
from tests.sim.validation_primary import (
    LOW,
    branch_by_hand,
    branch_flows,
    choked_by_hand,
    late_supply,
    network_follows_late,
    shared_network,
    shortage_and_outage,
)
from tests.sim.validation_sensors import QUANTUM, lags, meter, staircase, steps


@pytest.mark.parametrize(
    "compare",
    [
        network_follows_late,
        shortage_and_outage,
        branch_flows,
        branches_in_parallel,
        mixing_flows,
        mixing_moves,
        lags,
        steps,
        meter,
        contacts,
        floors,
        instantaneous,
        storage,
        draw_off,
    ],
    ids=lambda compare: compare.__name__,
)
def test_every_comparison_holds(compare):
    assert failures(compare()) == []


def test_the_supply_swings_and_comes_late():
    supply = {hour: model for hour, model, _ in late_supply()}
    second_day = {hour: value for hour, value in supply.items() if hour > 24.0}
    assert max(second_day.values()) - min(second_day.values()) > 15.0
    # Warmest outdoors six hours after the start of a sine; 3 h of lag come to 2.5 h.
    assert min(second_day, key=lambda hour: second_day[hour]) == pytest.approx(30.0 + 2.5, abs=0.6)


def test_the_branch_is_seen_both_free_and_choking():
    free, choked = 40e3, 300e3
    assert choked_by_hand(0.6, free, LOW) == branch_by_hand(0.6, 120.0, free)
    assert choked_by_hand(0.6, choked, LOW) < 0.98 * branch_by_hand(0.6, 120.0, choked)
    assert shared_network()["high"][0] > 1.2 * shared_network()["low"][0]


def test_mixing_is_seen_with_all_directions():
    for arrangement in ARRANGEMENTS:
        running, standing = states(arrangement, 50.0), states(arrangement, 0.0)
        assert all(one.primary > 0.5 and one.bypass > 0.1 for one in running)
        assert all(one.bypass == 0.0 and one.users > 0.5 for one in standing)
    supplies = [model for _, model, _ in moving_valve()]
    assert max(supplies) - min(supplies) > 20.0


def test_the_staircase_has_all_its_steps():
    shown = sorted({value for _, value in staircase()})
    assert len(shown) == pytest.approx(4096, abs=2)
    # The ends of the range are cut off between two steps.
    widths = [later - earlier for earlier, later in pairwise(shown[1:-1])]
    assert min(widths) == pytest.approx(QUANTUM)
    assert max(widths) == pytest.approx(QUANTUM)


def test_taps_and_store_are_seen_in_motion():
    temperatures = [model for _, model, _ in taps()]
    assert temperatures == sorted(temperatures, reverse=True)
    assert temperatures[0] - temperatures[-1] > 8.0
    bottoms = [layers[-1] for _, layers, _ in store()]
    assert min(bottoms) < 25.0
    assert max(bottoms[24:]) > 45.0


def test_contacts_are_seen_to_close_and_to_let_go():
    for points in (*(thermostat_ramp(rate) for rate in RAMPS), suction_swing(), flood(6.0)):
        assert [closed for _, _, closed in switches(points)] == [True, False]
    assert switches(flood(2.5)) == []


def test_floors_are_seen_from_weak_to_strong_and_until_they_are_cold():
    heats = [heat for _, _, heat in emission()]
    assert heats[0] < 12.0
    assert heats[-1] > 120.0
    for exponent in (1.0, 1.1):
        first, *_, last = (have for _, have, _ in cooling(exponent))
        assert first - last > 8.9
