"""The poll plan is an exact optimum, and legal."""

from __future__ import annotations

import itertools
import math

import pytest
from bus_helpers import profile_of
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.plan import (
    Cost,
    Span,
    least_read_s,
    least_write_s,
    plan_reads,
    rate_groups,
    serial_cost,
    tcp_cost,
)
from drivers.profile import Merge

COSTS = st.one_of(
    st.builds(Cost, st.floats(1e-4, 0.1), st.floats(1e-6, 0.01)),
    st.sampled_from([serial_cost(9600), serial_cost(115200, "N"), tcp_cost()]),
)
SPANS = st.lists(
    st.builds(Span, st.just("holding"), st.integers(0, 40), st.sampled_from([1, 1, 2, 4])), max_size=6
)


def cheapest_by_force(spans: list[Span], merge: Merge, cost: Cost) -> float:
    """The least cost over every way to part the spans into requests."""
    best = math.inf
    wanted = sorted(set(spans), key=lambda s: s.first)
    for labels in itertools.product(range(len(wanted)), repeat=len(wanted)):
        total = 0.0
        for label in set(labels):
            part = [span for span, its in zip(wanted, labels, strict=True) if its == label]
            count = max(span.end for span in part) - min(span.first for span in part)
            covered = {register for span in part for register in range(span.first, span.end)}
            edges = sorted(covered)
            hole = max((b - a - 1 for a, b in itertools.pairwise(edges)), default=0)
            if hole > merge.hole or (count > merge.registers and len(part) > 1 and not nested(part)):
                total = math.inf
                break
            total += cost.of(count, bits=False)
        best = min(best, total)
    return best


def nested(part: list[Span]) -> bool:
    """All lie inside one of them, which no plan can split."""
    return any(all(outer.covers(span) for span in part) for outer in part)


@settings(max_examples=150, deadline=None)
@given(SPANS, st.integers(1, 30), st.integers(0, 20), COSTS)
def test_no_other_partition_is_cheaper(spans: list[Span], registers: int, hole: int, cost: Cost) -> None:
    merge = Merge(registers=registers, hole=hole)
    plan = plan_reads(spans, merge, cost)
    seconds = sum(cost.of(request.count, bits=False) for request in plan)
    assert seconds == pytest.approx(cheapest_by_force(spans, merge, cost) if spans else 0.0)


TABLES = st.sampled_from(["holding", "input", "coil", "discrete"])
ANY_SPAN = st.tuples(TABLES, st.integers(0, 65531), st.sampled_from([1, 2, 4])).map(
    lambda s: Span(s[0], s[1], 1 if s[0] in ("coil", "discrete") else s[2])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY_SPAN, max_size=60), st.integers(4, 125), st.integers(0, 125), COSTS)
def test_every_span_is_read_whole_within_the_limits(
    spans: list[Span], registers: int, hole: int, cost: Cost
) -> None:
    plan = plan_reads(spans, Merge(registers=registers, hole=hole), cost)
    for span in spans:
        assert any(request.covers(span) for request in plan)
    for request in plan:
        assert request.count <= (min(16 * registers, 2000) if request.bits else registers)
        assert request.end <= 65536
    assert len(plan) <= len(set(spans))


def test_it_bridges_a_hole_up_to_the_break_even() -> None:
    """At 9600 baud, without turn-around, a request more costs 10 registers (FACTS §5)."""
    cost = serial_cost(9600, "E", 1, turnaround_s=0.0)
    merge = Merge(registers=125, hole=125)
    near, far = (
        plan_reads([Span("holding", 0, 1), Span("holding", 1 + hole, 1)], merge, cost) for hole in (10, 11)
    )
    assert len(near) == 1
    assert len(far) == 2


def test_flags_of_one_word_are_one_register() -> None:
    assert plan_reads([Span("coil", 7, 1)] * 3, Merge(), tcp_cost()) == [Span("coil", 7, 1)]


@pytest.mark.parametrize(
    ("baud", "reads", "one", "two"),
    [
        (9600, {1: 25.2, 2: 27.5, 10: 45.8, 20: 68.7, 50: 137.5, 125: 309}, 26.4, 32.1),
        (19200, {1: 12.6, 2: 13.8, 10: 22.9, 20: 34.4, 50: 68.7, 125: 155}, 13.2, 16.0),
        (38400, {1: 7.8, 2: 8.4, 10: 13.0, 20: 18.7, 50: 35.9, 125: 78.8}, 8.1, 9.5),
        (115200, {1: 4.9, 2: 5.1, 10: 6.7, 20: 8.6, 50: 14.3, 125: 28.6}, 5.0, 5.5),
    ],
)
def test_the_legal_bound_is_the_published_one(
    baud: int, reads: dict[int, float], one: float, two: float
) -> None:
    for count, milliseconds in reads.items():
        assert least_read_s(count, baud) * 1000 == pytest.approx(milliseconds, rel=0.01)
    assert least_write_s(1, baud) * 1000 == pytest.approx(one, rel=0.02)
    assert least_write_s(2, baud) * 1000 == pytest.approx(two, rel=0.02)


def test_a_quality_point_is_read_with_every_point_that_needs_it() -> None:
    profile = profile_of(
        {
            "fast": {"register": 0, "poll": "500 ms", "quality": {"point": "status"}},
            "slow": {"register": 1, "poll": "60 s", "quality": {"point": "status"}},
            "status": {"register": 9, "poll": "10 s"},
            "hidden": {"register": 10, "poll": None},
        }
    )
    groups = rate_groups(profile.points, ["fast", "slow", "status"], 1.0)
    assert groups == {0.5: {"fast", "status"}, 60.0: {"slow", "status"}}
    assert rate_groups(profile.points, ["hidden"], 1.0) == {1.0: {"hidden"}}
