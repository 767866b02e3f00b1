"""A comparison tells what passes, what is missed and said so, and what must not be."""

from dataclasses import replace
from math import inf, nan

import pytest

from tests.sim.validation_cases import Comparison, failures, worst
from tests.sim.validation_plant import balances, moving_day

GOOD = Comparison("a", "a.py", "b", "K", limit=1.0, reached=0.4, held=0.5)


@pytest.mark.parametrize(
    ("changes", "passed", "holds"),
    [
        ({}, True, True),
        ({"reached": 0.6}, True, False),  # as good as asked for, worse than it was
        ({"reached": nan}, False, False),
        ({"reached": 2.0, "held": 3.0}, False, False),  # missed without a word
        ({"reached": 2.0, "held": 3.0, "missed_because": "c"}, False, True),
        ({"reached": 4.0, "held": 3.0, "missed_because": "c"}, False, False),
        ({"reached": nan, "held": 3.0, "missed_because": "c"}, False, False),
        ({"missed_because": "c"}, True, False),  # no longer missed: the excuse must go
    ],
)
def test_what_passes_and_what_holds(changes, passed, holds):
    one = replace(GOOD, **changes)
    assert one.passed is passed
    assert one.holds is holds
    assert failures([GOOD, one]) == ([] if holds else [one])


def test_the_worst_keeps_nan_and_infinity():
    assert worst([0.1, -0.3, 0.2]) == 0.3
    assert worst([0.1, -inf]) == inf
    assert worst([0.1, nan, 5.0]) != worst([0.1, nan, 5.0])


def test_balances_over_a_moving_day():
    assert failures(balances()) == []
    plant, moments = moving_day()
    assert plant.truth["low.return_pressure"] > 200.0
    # A day in which nothing moves would balance too.
    assert moments[-1].heat_came > 50.0
    assert max(abs(moment.heat_stored) for moment in moments) > 1.0
    assert moments[-1].water_came > 1.0
    assert max(abs(moment.water_held) for moment in moments) > 1.0
