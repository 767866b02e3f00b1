"""A clock that boots in 1970, jumps both ways, stands: when schedules may believe it, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from controller.alarms import AlarmBook
from controller.clock import SteppedClock
from controller.cycle import scan
from controller.service.clock_trust import TRUSTED_BEFORE, WAITS_S, ClockTrust
from controller.service.service import Service
from controller.settings.check import check_file
from drivers.modbus import TcpLine

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
NOW = 1_000.0
RIGHT = datetime(2026, 1, 15, 8, tzinfo=UTC).timestamp()


class Board:
    """Scans once a second; a test sets the clock."""

    def __init__(self, wall: float = RIGHT) -> None:
        self.trust, self.alarms = ClockTrust(), AlarmBook()
        self.now, self.wall, self.pace = NOW, wall, 1.0

    def run(self, seconds: int) -> bool:
        """Whether it is believed at the end."""
        believed = False
        for _ in range(seconds):
            self.now, self.wall = self.now + 1, self.wall + self.pace
            believed = self.trust.step(self.now, self.wall)
            self.trust.report(self.alarms, self.now)
        return believed

    @property
    def told(self) -> bool:
        return self.alarms.is_active("clock_wrong", "station")


def test_a_clock_that_is_right_is_believed_at_once() -> None:
    board = Board()
    assert board.run(1)
    assert board.run(5000)
    assert not board.told


@pytest.mark.parametrize("wall", [0.0, 1e9, -5e8, TRUSTED_BEFORE + 1, 1e15])
def test_a_board_that_does_not_know_the_time_says_so_and_believes_what_it_is_set_to(wall: float) -> None:
    board = Board(wall)
    assert not board.run(int(WAITS_S) - 1)
    assert not board.told, "a time server may take some minutes"
    assert not board.run(3)
    assert board.told
    assert board.trust.why == "not_set"
    board.wall = RIGHT
    assert board.run(1)
    assert not board.told


@pytest.mark.parametrize("by", [7200.0, -7200.0, 86400.0 * 365, -86400.0 * 365, 61.5, -61.5])
def test_after_a_jump_it_waits_ten_minutes(by: float) -> None:
    board = Board()
    board.run(100)
    board.wall += by
    assert not board.run(1)
    assert board.trust.why == "jumps"
    assert not board.run(int(WAITS_S) - 2)
    assert board.run(2)
    assert not board.told


def test_a_correction_in_small_steps_is_no_jump() -> None:
    board = Board()
    for _ in range(100):
        board.wall += 0.5
        assert board.run(30)


def test_a_clock_that_keeps_jumping_is_never_believed_and_told() -> None:
    board = Board()
    board.run(10)
    believed = []
    for n in range(20):
        board.wall += 5000.0 if n % 2 else -5000.0
        believed += [board.run(1), board.run(298)]
    assert not any(believed)
    assert board.told


@pytest.mark.parametrize("pace", [0.0, 0.5, 3.0, -1.0])
def test_a_clock_that_stands_or_runs_wrong_is_not_believed(pace: float) -> None:
    board = Board()
    board.run(100)
    board.pace = pace
    board.run(125)
    assert not board.run(1)
    assert board.trust.why == "stands"
    board.run(int(WAITS_S))
    assert board.told
    board.pace = 1.0
    assert board.run(int(WAITS_S) + 125)
    assert not board.told


# ---- the service with such a clock


class WrongClock(SteppedClock):
    """Plant time goes on; a test sets the wall clock."""

    ahead = 0.0

    def wall(self) -> float:
        return self.now() + self.ahead


@pytest.fixture
def clock() -> WrongClock:
    return WrongClock(RIGHT)


@pytest.fixture
def service(tmp_path: Path, clock: WrongClock) -> Service:
    checked = check_file(DEMO)
    lines = {name: TcpLine("127.0.0.1", 1) for name in checked.file.buses}
    return Service(checked, lines, tmp_path, clock, endpoint="opc.tcp://127.0.0.1:0/x")


def ticks(
    service: Service, clock: WrongClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], list[bool]]:
    """Runs scans; for each, whether the blocks were given a time of day."""
    given: list[bool] = []
    step = service.station.step_season

    def spy(tick):
        given.append(tick.second_of_day is not None and tick.day is not None)
        step(tick)

    monkeypatch.setattr(service.station, "step_season", spy)

    def run(seconds: int) -> list[bool]:
        given.clear()
        for _ in range(seconds):
            clock._now += 1.0
            service._scan()
        assert len(given) == seconds, "a scan has thrown"
        return list(given)

    return run


def test_no_wall_clock_stops_a_scan_and_schedules_wait(
    service: Service, clock: WrongClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ticks(service, clock, monkeypatch)
    clock.ahead = -RIGHT
    assert not any(run(30))
    clock.ahead = 0.0
    assert all(run(30))
    for ahead in (1e14, -1e14, 1e11, 4e9):
        clock.ahead = ahead
        assert not any(run(5))
    clock.ahead = 7200.0
    assert all(run(5))
    clock.ahead = -7200.0
    assert not any(run(5))
    clock.ahead = -RIGHT
    run(605)
    told = {a.code for a in service.station.alarms.view() if a.ended is None}
    assert "clock_wrong" in told
    assert service.station.image["low.valve_command_reason"].usable


@pytest.mark.parametrize(
    ("zone", "utc", "local"),
    [
        ("Asia/Shanghai", datetime(2026, 1, 15, 22, 30, tzinfo=UTC), (date(2026, 1, 16), 6.5)),
        # Summer time begins and ends where there is one: 01:00 UTC.
        ("Europe/Berlin", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), (date(2026, 3, 29), 2 - 1 / 3600)),
        ("Europe/Berlin", datetime(2026, 3, 29, 1, 0, tzinfo=UTC), (date(2026, 3, 29), 3.0)),
        ("Europe/Berlin", datetime(2026, 10, 25, 1, 0, tzinfo=UTC), (date(2026, 10, 25), 2.0)),
    ],
)
def test_blocks_are_given_the_local_time_of_the_station(
    zone: str, utc: datetime, local: tuple[date, float], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    station, seen = service.station, []
    station.zone = ZoneInfo(zone)
    monkeypatch.setattr(station, "step_season", seen.append)
    scan(station, NOW, utc.timestamp(), {})
    assert (seen[0].day, seen[0].second_of_day / 3600) == (local[0], pytest.approx(local[1]))
