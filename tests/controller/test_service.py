"""The main loop of the service: what a late scan costs."""

from pathlib import Path

from controller.clock import SteppedClock
from controller.service.service import Service
from controller.settings.check import check_file
from drivers.modbus import TcpLine

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


class SlowClock(SteppedClock):
    """A clock that a test may push on while the service works."""

    def lose(self, seconds: float) -> None:
        self._now += seconds


class OneSlowScan(Service):
    """Notes when it scans; the third scan takes 3.4 s."""

    def note(self, clock: SlowClock) -> list[float]:
        self.slow, self.begun = clock, []
        return self.begun

    def _scan(self) -> None:
        self.begun.append(self.clock.now())
        if len(self.begun) == 3:
            self.slow.lose(3.4)
        if len(self.begun) == 6:
            self.stop()


async def test_late_scans_are_counted_and_dropped_never_queued(tmp_path):
    checked = check_file(DEMO)
    clock = SlowClock(1000.0)
    lines = {name: TcpLine("127.0.0.1", 1) for name in checked.file.buses}
    service = OneSlowScan(checked, lines, tmp_path, clock, endpoint="opc.tcp://127.0.0.1:0/x")
    begun = service.note(clock)
    async with clock.part():
        await service._scan_for_ever()
    assert begun == [1001.0, 1002.0, 1003.0, 1007.0, 1008.0, 1009.0]
    assert service._late == 3
