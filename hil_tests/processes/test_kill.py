"""kill -9 of the running controller: nothing acknowledged is lost, and the valve does not jump."""

import asyncio
import re
import threading
import time
from itertools import pairwise

import pytest
from pymodbus.client import ModbusTcpClient

from controller.door import DoorClient
from controller.store.reader import HistoryReader
from hil_tests.processes.station import Field, field, station

pytestmark = [pytest.mark.walltime, pytest.mark.timeout(150)]
VALVE_ADDRESS = 6


class ValveTrace:
    """Reads the valve's set-point register from the simulator, as an independent master, all the time."""

    def __init__(self, port: int) -> None:
        self.values: list[float] = []
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with ModbusTcpClient("127.0.0.1", port=self._port) as client:
            while not self._stop.wait(0.02):
                reply = client.read_holding_registers(0, count=1, device_id=VALVE_ADDRESS)
                self.values.append(reply.registers[0] / 100)

    def __enter__(self) -> "ValveTrace":
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        self._thread.join(5)


async def write(here: Field, name: str, value: float) -> None:
    async with DoorClient(here.door, here.state) as door:
        await door.write(name, value)


async def read(here: Field, name: str) -> float:
    async with DoorClient(here.door) as door:
        return float((await door.read([name]))[name].value)


def samples_missing(here: Field, flushed: int) -> list[float]:
    """Gaps between the samples on disk up to scan `flushed`; they are due every ten seconds (ten scans), and
    one that is missing leaves twenty. A scan may be late, on a busy machine by plant seconds."""
    history = HistoryReader(here.state)
    last = history.last_scan()
    assert last is not None
    walls = history.series(["low.supply_temperature"], 0.0, 4e9).walls
    gaps = [late - early for early, late in pairwise(walls) if late - early > 15.0]
    return gaps if flushed - last < 11 else [*gaps, float(flushed - last)]


def test_restart_after_kill_keeps_valve_settings_and_samples(tmp_path):
    with field(tmp_path, 10.0) as here:
        first = here.run()
        first.wait_for("flushed", 2)
        asyncio.run(write(here, "low.heat_curve.shift", 1.5))
        time.sleep(8)  # 80 s of plant time: the new set-point is on its way
        with ValveTrace(here.port("cabinet")) as trace:
            time.sleep(1)
            first.kill()
            flushed = int(re.findall(r"flushed (\d+)", first.text())[-1])
            missing = samples_missing(here, flushed)
            assert missing == [], "every sample up to the last `flushed N` is there"
            second = here.run()
            time.sleep(2)
        jumps = [abs(b - a) for a, b in pairwise(trace.values)]
        print(f"{len(jumps)} readings of the set-point, largest jump {max(jumps):.2f} %")
        assert max(jumps) <= 1.0
        assert asyncio.run(read(here, "low.heat_curve.shift")) == 1.5
        audit = HistoryReader(here.state).events("audit", 50)
        assert {(e.kind, e.subject, e.user) for e in audit} >= {
            ("command", "low.heat_curve.shift", "local"),
            ("effect", "low.heat_curve.shift", "local"),
        }
        assert second.stop() == 0
        assert re.search(r"stopped", second.text())


def test_why_and_watch_answer_over_the_door(tmp_path):
    with field(tmp_path) as here:
        running = here.run()
        said = station("why", "low.valve_command", "--door", here.door, "--language", "en")
        assert said.returncode == 0, said.stderr
        assert "°C" in said.stdout
        unknown = station("why", "low.valve_comand", "--door", here.door)
        assert unknown.returncode == 2
        assert "low.valve_command" in unknown.stdout + unknown.stderr
        picture = station("watch", "--once", "--door", here.door, "--language", "zh", COLUMNS="100")
        assert picture.returncode == 0
        assert "low" in picture.stdout
        assert running.stop() == 0
    gone = station("watch", "--once", "--door", here.door)
    assert gone.returncode == 1
