"""The real process, killed again and again before it gets far, and with a file that is broken at boot."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from controller.door import DoorClient
from controller.service.last_good import LastGood, read_source
from controller.settings.check import check_file
from controller.texts import alarm
from hil_tests.processes.station import Process, free_port
from hil_tests.service.world import DEMO

pytestmark = [pytest.mark.walltime, pytest.mark.timeout(120)]
KILLS = 4


async def alarms(door: str) -> dict[str, str]:
    """Code → text, as any client at the door sees them."""
    async with DoorClient(door) as client:
        return {a.code: alarm(a.code, a.subject, "en", a.values) for a in await client.alarms()}


def test_a_crash_loop_with_a_broken_file_ends_in_a_station_that_runs_and_tells(tmp_path: Path) -> None:
    """No field answers here: what counts is which file runs, how much of it, and what is noted."""
    file, state = Path(shutil.copy(DEMO, tmp_path / "harbin.yaml")), tmp_path / "state"
    good = check_file(file)
    assert good.file is not None
    buses = dict.fromkeys(good.file.buses, free_port())
    (tmp_path / "ports.json").write_text(json.dumps(buses), encoding="utf-8")
    state.mkdir()
    LastGood(state).save(read_source(file, good))
    text = file.read_text(encoding="utf-8").replace("alarm: 70 °C", "alarm: 700 °C")
    file.write_text(text, encoding="utf-8")
    door = f"opc.tcp://127.0.0.1:{free_port()}/heat-station"
    arguments = [
        "run",
        str(file),
        "--here",
        str(tmp_path),
        "--door",
        door,
        "--speed",
        "20",
        "--epoch",
        "2026-01-15",
    ]
    for number in range(KILLS):
        process = Process(arguments, tmp_path / f"killed{number}.log")
        process.wait_for("the file is broken: the last one that worked runs")
        process.kill()
    process = Process(arguments, tmp_path / "run.log")
    process.wait_for("door_open")
    said = process.text()
    assert re.search(r"harbin\.yaml:\d+:\d+: circuits\.low\.supply\.alarm: 700 °C", said)
    assert f"{KILLS} starts in a row did not get far: without_state" in said
    told = asyncio.run(alarms(door))
    assert {"file_broken", "state_left_out"} <= set(told)
    assert "circuits.low.supply.alarm" in told["file_broken"]
    assert process.stop() == 0
    assert json.loads((state / "starts.json").read_text(encoding="utf-8"))["level"] == "normal"
