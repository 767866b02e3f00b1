"""Pipes against a measured week of a heating network, next to Dymola's pipe: validation_pongau.py."""

import pytest

from tests.sim.validation_cases import failures
from tests.sim.validation_pongau import (
    FILE,
    load,
    mean_excess,
    with_the_references_assumptions,
    with_the_written_geometry,
)


@pytest.fixture(autouse=True)
def _reference():
    if not FILE.parent.parent.exists():
        pytest.skip(f"no reference data at {FILE.parent.parent}: the pipe is NOT validated in this run")
    load()


def test_not_worse_than_dymola_under_its_own_parameters():
    assert failures(with_the_references_assumptions()) == []


def test_honest_shells_lose_too_little_here():
    """The measured pipes lose about twice as much as a single DN 25 in 140 mm of dry foam would; the data do
    not say why, and nothing is fitted here."""
    assert failures(with_the_written_geometry()) == []
    assert 2.0 < mean_excess(2) < 3.5
    assert 2.0 < mean_excess(3) < 4.0
