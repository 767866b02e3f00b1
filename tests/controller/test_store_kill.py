"""Real processes: killed writers, and readers beside a writer and after it."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from controller.clock import RateClock
from controller.points import Event, PointInfo, Snapshot
from controller.store.history import Store
from controller.store.reader import HistoryReader
from controller.store.state import StateStore

pytestmark = pytest.mark.walltime

CATALOGUE = tuple(PointInfo(f"p{n}", "temperature", "measured") for n in range(50))

WRITER = """
import asyncio, logging, sys
from controller.clock import RateClock
from controller.points import Event, Override, PointInfo, Snapshot
from controller.store.history import Store
from controller.store.state import StateStore

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
CATALOGUE = tuple(PointInfo(f"p{n}", "temperature", "measured") for n in range(50))
first = int(sys.argv[2])

async def main():
    clock = RateClock(100.0, epoch=float(sys.argv[3]))
    store = Store(sys.argv[1], CATALOGUE, clock, sample_period_s=0.0, flush_period_s=1.0)
    state = StateStore(sys.argv[1])
    state.load_state()
    await state.open()
    task = asyncio.create_task(store.run())
    scan = first
    while True:
        now = clock.now()
        events = [Event(now, now, "alarm", "low", str(scan))] if scan % 7 == 0 else []
        store.offer(Snapshot(scan, now, now, (float(scan),) * 50, bytes(50), (), ()), events)
        if scan % 5 == 0:
            await state.save_setting("n", scan, 0, "li", "panel", now)
            await state.save_setting(f"s{scan % 3}", scan, 0, "li", "panel", now)
            wish = Override(float(scan), "li", "opcua", now + 7200.0)
            await state.save_override("low.remote_offset", wish, now)
            await state.save_state({"scan": scan, "pad": "x" * (scan * 37 % 9000)})
            print("saved", scan, flush=True)
        scan += 1
        await asyncio.sleep(0.002)

asyncio.run(main())
"""


def _numbers(output: str, word: str) -> list[int]:
    """Acknowledged numbers; the last line may be torn by the kill and does not count."""
    lines = output.split("\n")[:-1]
    return [int(line.split()[1]) for line in lines if line.startswith(word + " ")]


def _kill_once(directory: Path, first: int, epoch: float, chance: random.Random) -> tuple[int, int, int]:
    """Start a writer, kill it, and return the last flushed scan, the last saved one, and the lines seen."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), str(first), str(epoch)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        head = process.stdout.readline() + process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        output = head + process.stdout.read()
    flushed, saved = _numbers(output, "flushed"), _numbers(output, "saved")
    return max(flushed, default=-1), max(saved, default=-1), len(output.splitlines())


@pytest.mark.parametrize("seed", range(4))
def test_a_writer_killed_anywhere_keeps_what_it_acknowledged(tmp_path, seed):
    """Five kills of one directory, so that each start recovers from the one before; twenty in all."""
    chance = random.Random(seed)
    expected: set[int] = set()
    alarms: set[int] = set()
    for round_ in range(5):
        first = 100_000 * (round_ + 1) + 1
        flushed, saved, lines = _kill_once(tmp_path, first, 1_760_000_000.0 + round_ * 1000.0, chance)
        assert lines >= 2, "the writer died by itself"
        expected |= set(range(first, flushed + 1))
        alarms |= {scan for scan in range(first, flushed + 1) if scan % 7 == 0}
        with closing(sqlite3.connect(f"file:{tmp_path}/history.db?mode=ro", uri=True)) as db:
            assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
        series = HistoryReader(tmp_path).series(["p0", "p49"], max_rows=100_000)
        assert not series.thinned
        assert {int(value) for value in series.values["p0"]} >= expected
        assert series.values["p0"] == series.values["p49"]
        assert len(series.walls) == len(set(series.walls))
        assert {int(event.code) for event in HistoryReader(tmp_path).events(limit=100_000)} >= alarms
        assert (HistoryReader(tmp_path).last_scan() or 0) >= flushed
        if saved > 0:
            state = StateStore(tmp_path)
            found, problem = state.load_state()
            assert problem == ""
            assert int(str(found["scan"])) >= saved
            settings = state.load_settings()
            assert int(str(settings["n"].value)) >= saved
            assert int(str(settings[f"s{saved % 3}"].value)) >= saved
            wishes = state.load_overrides(1_760_000_000.0 + round_ * 1000.0 + 20.0)
            assert wishes["low.remote_offset"].value >= saved


READER = """
import os, sys
from controller.store.reader import HistoryReader
if len(sys.argv) > 2:
    # After the imports: the other user may not be allowed to read this Python.
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[3]))
reader = HistoryReader(sys.argv[1])
print(len(reader.series(["p0"]).walls), len(reader.events()), reader.last_scan())
"""


async def _read(directory: Path, *ids: int) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", READER, str(directory), *map(str, ids)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    out, problems = await process.communicate()
    return out.decode().strip() or problems.decode()


async def _write_and_read(directory: Path, *ids: int) -> list[str]:
    """What a second process sees while the writer is open, after a clean stop, and after a restart."""
    seen = []
    for round_ in range(2):
        clock = RateClock(1.0, epoch=1_760_000_000.0 + 100 * round_)
        store = Store(directory, CATALOGUE, clock, sample_period_s=0.0, flush_period_s=0.05)
        task = asyncio.create_task(store.run())
        for scan in range(5):
            now = clock.now()
            store.offer(
                Snapshot(scan, now, now, (1.0,) * 50, bytes(50), (), ()),
                [Event(now, now, "alarm", "low", "x")],
            )
            await asyncio.sleep(0.01)
        for _ in range(1000):
            if store.flushed_scan != 4:
                await asyncio.sleep(0.01)
        seen.append(await _read(directory, *ids))
        assert store.health.ok
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        seen.append(await _read(directory, *ids))
    assert store.health.ok
    return seen


async def test_a_second_process_reads_while_the_writer_runs_and_after_it(tmp_path):
    assert await _write_and_read(tmp_path) == ["5 5 4", "5 5 4", "10 10 4", "10 10 4"]


@pytest.mark.skipif(os.geteuid() != 0, reason="changes its user: root")
@pytest.mark.parametrize("mode", [0o2770, 0o2750])
async def test_another_user_of_the_group_reads_too(tmp_path, mode):
    """Also where the group may only read the directory."""
    directory = Path("/tmp") / f"heat-station-test-{os.getpid()}-{mode:o}"
    directory.mkdir()
    try:
        os.chown(directory, 0, 54_321)
        directory.chmod(mode)
        assert await _write_and_read(directory, 54_321, 54_322) == ["5 5 4", "5 5 4", "10 10 4", "10 10 4"]
    finally:
        shutil.rmtree(directory)
