"""When systemd's watchdog is fed, and when not."""

import math
from pathlib import Path

import pytest

from controller.clock import SteppedClock
from controller.cycle import Scan
from controller.service.service import Service
from controller.service.watchdog import BUS_HANGS_S, OUTSIDE_HANGS_S, PACE_SCANS, Watchdog
from controller.settings.check import check_file
from drivers.modbus import TcpLine

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
OTHERS = {"cabinet": 0.0, "drives": 3.0}


def test_a_scan_every_second_feeds_it() -> None:
    watchdog = Watchdog(1.0)
    assert all(watchdog.may_feed(float(n), OTHERS, 0.4) for n in range(100))


def test_one_late_scan_and_the_early_one_after_it_are_no_fault() -> None:
    watchdog = Watchdog(1.0)
    times = [*range(30), 32.9, 33.0, *range(34, 60)]
    assert all(watchdog.may_feed(float(now), OTHERS, 0.0) for now in times)


@pytest.mark.parametrize("gap", [0.0, 0.001, 0.4])
def test_scans_that_follow_too_fast_are_a_fault_until_the_pace_is_right_again(gap: float) -> None:
    watchdog = Watchdog(1.0)
    fed = [watchdog.may_feed(n * gap, OTHERS, 0.0) for n in range(100)]
    assert fed[: PACE_SCANS - 1] == [True] * (PACE_SCANS - 1)
    assert not any(fed[PACE_SCANS:])
    assert watchdog.why == "scans follow each other too fast"
    fed = [watchdog.may_feed(1000.0 + n, OTHERS, 0.0) for n in range(40)]
    assert fed[-20:] == [True] * 20


def test_a_part_that_control_needs_and_that_hangs_is_a_fault() -> None:
    watchdog = Watchdog(1.0)
    assert watchdog.may_feed(0.0, {"cabinet": BUS_HANGS_S}, OUTSIDE_HANGS_S)
    assert not watchdog.may_feed(1.0, {"cabinet": BUS_HANGS_S + 1}, 0.0)
    assert watchdog.why == "bus cabinet hangs"
    assert not watchdog.may_feed(2.0, OTHERS, OUTSIDE_HANGS_S + 1)
    assert watchdog.may_feed(3.0, OTHERS, 0.0)
    assert watchdog.why == ""


# ---- the service


class Heard(list):
    """In the place of systemd."""

    def send(self, message: str) -> None:
        self.append(message)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service that is not running: a test scans by hand, a second after the other."""
    checked = check_file(DEMO)
    lines = {name: TcpLine("127.0.0.1", 1) for name in checked.file.buses}
    made = Service(checked, lines, tmp_path, SteppedClock(1000.0), endpoint="opc.tcp://127.0.0.1:0/x")
    made._notifier = Heard()
    return made


def scan(service: Service, times: int = 1, gap: float = 1.0) -> int:
    """So many scans; how often the watchdog was fed."""
    service._notifier.clear()
    for _ in range(times):
        service.clock._now += gap
        service._scan()
    return service._notifier.count("WATCHDOG=1")


def test_it_is_fed_after_every_scan_that_came_through(service: Service) -> None:
    assert scan(service, 5) == 5


def test_it_is_not_fed_when_a_scan_throws(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.station.inputs, "step", lambda *_: 1 / 0)
    assert scan(service, 3) == 0
    monkeypatch.undo()
    assert scan(service, 3) == 3


def test_it_is_not_fed_by_a_loop_that_spins(service: Service) -> None:
    assert scan(service, 60, gap=0.0) == PACE_SCANS - 1


@pytest.mark.parametrize("part", ["bus", "outside"])
def test_it_is_not_fed_while_a_part_hangs(service: Service, part: str) -> None:
    if part == "bus":
        service.buses["drives"].alive_at -= BUS_HANGS_S
    else:
        service.outside._beat_at = -1e9
    assert scan(service, 2) == 0
    if part == "outside":
        told = {(a.code, a.subject) for a in service.station.alarms.view()}
        assert ("part_down", "outside") in told


def test_a_value_that_no_device_can_hold_keeps_back_no_other_write(service: Service) -> None:
    writes = (("valve", "command"), math.nan), (("low_pump_1", "run"), 1.0)
    service._dispatch(Scan(writes, ()))
    assert service.buses["drives"]._devices["low_pump_1"].outputs.next_due() < 1e12
    scan(service)
    told = {a.subject for a in service.station.alarms.view() if a.code == "part_down"}
    assert told == {"valve.command"}
    service._dispatch(Scan(((("valve", "command"), 50.0),), ()))
    scan(service)
    assert not [a for a in service.station.alarms.view() if a.code == "part_down" and a.ended is None]
