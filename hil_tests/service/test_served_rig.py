"""The fault campaign's cells of the service: tasks of the real service, broken on the stepped clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.cli.served_rig import WARM_UP_S, ServesHere
from controller.settings.check import check_file
from sim.campaign.cells import Break
from sim.campaign.judge import Judge

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    log = logging.getLogger("controller")
    before = log.level
    yield
    log.setLevel(before)


def test_every_task_of_the_service_is_a_cell() -> None:
    cells = ServesHere(check_file(DEMO)).cells()
    assert len(cells) == len({cell.name for cell in cells}) == 2 * 6 - 1
    assert {cell.group for cell in cells} == {"service"}


def test_a_task_that_throws_is_told_costs_no_scan_and_comes_back() -> None:
    with ServesHere(check_file(DEMO)).bench(seed=1) as (bench, breaker):
        scans, begin, judge = bench.station.scans, bench.plant.time, Judge(bench)
        assert scans == pytest.approx(WARM_UP_S, abs=3)
        breaker.begin(Break("service", "bus drives", "exception"))
        for _ in range(20):
            bench.step()
            judge.step(bench.plant.time, bench.dt)
        assert ("part_down", "bus drives") in bench.alarms()
        assert any((e.code, e.subject) == ("part_down", "bus drives") for e in bench.events)
        breaker.end()
        for _ in range(100):
            bench.step()
            judge.step(bench.plant.time, bench.dt)
        assert ("part_down", "bus drives") not in bench.alarms()
        assert bench.plant.time - begin == pytest.approx(120.0)
        assert bench.station.scans - scans == pytest.approx(120, abs=1)
        assert all(margin.left >= 0.0 for margin in judge.margins.values())
