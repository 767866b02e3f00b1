"""The main loop of the service: what a late scan costs."""

from pathlib import Path

from controller.clock import SteppedClock
from controller.commands import Command, CommandKind
from controller.service.service import MOST_COMMANDS, Service
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


async def test_a_flood_of_commands_is_refused_and_leaves_one_line_in_the_trail(tmp_path):
    checked = check_file(DEMO)
    lines = {name: TcpLine("127.0.0.1", 1) for name in checked.file.buses}
    service = Service(checked, lines, tmp_path, SlowClock(1000.0), endpoint="opc.tcp://127.0.0.1:0/x")
    command = Command(CommandKind.WRITE, "low.heat_curve.shift", 1.0, "li", "panel")
    for _ in range(2):
        answers = [await service.check(command) for _ in range(5000)]
        assert [answer.accepted for answer in answers] == [True] * MOST_COMMANDS + [False] * (
            5000 - MOST_COMMANDS
        )
        assert answers[-1].code == "queue_full"
        assert len(service._events) == MOST_COMMANDS + 1
        assert service._events[-1].code == "write_refused"
        service._scan()
