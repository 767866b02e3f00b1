"""`station tune` as a person types it: wrong names, and Ctrl-C."""

import asyncio

import pytest

from controller.door import DoorClient
from hil_tests.processes.station import Process, field, station

pytestmark = [pytest.mark.walltime, pytest.mark.timeout(120)]


async def why(endpoint: str, point: str) -> str:
    async with DoorClient(endpoint) as door:
        return (await door.explain(point)).code


def test_ctrl_c_stops_the_stations_tuning_and_an_unknown_circuit_is_bad_input(tmp_path):
    with field(tmp_path) as here:
        running = here.run()
        place = ["--door", here.door, "--state", str(here.state), "--language", "en"]
        unknown = station("tune", "tower", *place)
        assert unknown.returncode == 2
        assert unknown.stderr == "There is no circuit tower (low).\n"
        assert station("tune", "low", "--rule", "guess", *place).returncode == 2

        tool = Process(["tune", "low", *place], tmp_path / "tune.log")
        tool.wait_for("waits")
        assert asyncio.run(why(here.door, "low.tuning_state")) == "tuning_waiting"
        busy = station("tune", "low", *place)
        assert busy.returncode == 1
        assert "under way" in busy.stderr
        assert tool.interrupt() == 1
        said = tool.text()
        assert "a person ended it" in said
        assert "Traceback" not in said
        assert asyncio.run(why(here.door, "low.tuning_state")) == "tuning_aborted"
        assert running.stop() == 0
    gone = station("tune", "low", *place)
    assert gone.returncode == 1
