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
    assert len(cells) == len({cell.name for cell in cells}) == 2 * 6 + 1
    assert {cell.group for cell in cells} == {"service"}


@pytest.mark.parametrize(("bus", "kind"), [("drives", "exception"), ("cabinet", "hang")])
def test_the_task_of_a_bus_that_breaks_is_one_alarm_costs_no_scan_and_comes_back(bus: str, kind: str) -> None:
    part = ("part_down", f"bus {bus}")
    with ServesHere(check_file(DEMO)).bench(seed=1) as (bench, breaker):
        scans, begin, judge = bench.station.scans, bench.plant.time, Judge(bench)
        assert scans == pytest.approx(WARM_UP_S, abs=3)
        breaker.begin(Break("service", f"bus {bus}", kind))
        for _ in range(20):
            bench.step()
            judge.step(bench.plant.time, bench.dt)
        assert part in bench.alarms()
        assert [(e.code, e.subject) for e in bench.events if e.kind == "alarm"] == [part]
        assert any(("by", "@".join(part), "text") in e.values for e in bench.events if e.kind == "hidden")
        breaker.end()
        for _ in range(200):
            bench.step()
            judge.step(bench.plant.time, bench.dt)
        assert part not in bench.alarms()
        assert [(e.code, e.subject) for e in bench.events if e.kind == "alarm"] == [part]
        assert bench.plant.time - begin == pytest.approx(220.0)
        assert bench.station.scans - scans == pytest.approx(220, abs=1)
        assert all(margin.left >= 0.0 for margin in judge.margins.values())


def test_a_full_disk_is_told_once_costs_no_scan_and_is_over_when_there_is_room(tmp_path: Path) -> None:
    with ServesHere(check_file(DEMO)).bench(seed=1) as (bench, breaker):
        scans, judge = bench.station.scans, Judge(bench)
        breaker.begin(Break("service", "disk", "full"))
        with pytest.raises(OSError, match="too large"):
            (tmp_path / "more").write_text("more")
        for _ in range(200):
            bench.step()
            judge.step(bench.plant.time, bench.dt)
        told = [("store_failing", "store"), ("part_down", "state")]
        assert [(e.code, e.subject) for e in bench.events if e.kind == "alarm"] == told
        assert bench.alarms() == set(told)
        breaker.end()
        (tmp_path / "more").write_text("more")
        for _ in range(100):
            bench.step()
            judge.step(bench.plant.time, bench.dt)
        assert not bench.alarms()
        assert bench.station.scans - scans == pytest.approx(300, abs=1)
        assert all(margin.left >= 0.0 for margin in judge.margins.values())
