"""When the campaign stops watching a station that is as its twin."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from sim.campaign.cells import COLD_DAY, Break, Cell, Group
from sim.campaign.likeness import as_its_twin, may_end

SAMPLES = 4


@dataclass
class Shown:
    pressure: float


@dataclass
class Trace:
    heat: list[float] = field(default_factory=lambda: [100.0 * n for n in range(10)])
    air: list[list[float]] = field(default_factory=lambda: [[20.0, 21.0]] * 10)
    shown: list[Shown] = field(default_factory=lambda: [Shown(400.0)] * 10)


@pytest.mark.parametrize(
    ("own", "alike"),
    [
        (Trace(), True),
        (Trace(heat=[50.0 + 100.0 * n for n in range(10)]), True),
        (Trace(heat=[102.0 * n for n in range(10)]), False),
        (Trace(heat=[98.0 * n for n in range(10)]), False),
        (Trace(air=[[20.0, 20.8]] * 10), False),
        (Trace(shown=[Shown(411.0)] * 10), False),
        (Trace(shown=[Shown(389.0)] * 8 + [Shown(400.0)] * 2), False),
    ],
)
def test_heat_rooms_and_pressure_are_those_of_the_twin(own: Trace, alike: bool) -> None:
    assert as_its_twin(own, Trace(), SAMPLES) is alike


def test_nothing_is_alike_before_there_is_enough_of_it() -> None:
    young = Trace(heat=[0.0, 100.0], air=[[20.0, 21.0]] * 2, shown=[Shown(400.0)] * 2)
    assert not as_its_twin(young, Trace(), SAMPLES)
    assert not as_its_twin(Trace(), young, SAMPLES)


@pytest.mark.parametrize(
    ("group", "kind", "ends"),
    [
        ("sensor", "open", True),
        ("device", "dead", True),
        ("pump", "trip", True),
        ("sensor", "drift", False),
        ("pair", "leak", False),
        ("water", "trip", False),
        ("station", "clogged", False),
        ("hand", "hand", False),
    ],
)
def test_what_grows_is_watched_to_the_end(group: Group, kind: str, ends: bool) -> None:
    cell = Cell(COLD_DAY, group, (Break("plant", "low.pump_1", kind),))
    assert may_end(cell) is ends
    other = Break("plant", "low", "leak", 0.5)
    assert not may_end(replace(cell, breaks=(*cell.breaks, other)))
