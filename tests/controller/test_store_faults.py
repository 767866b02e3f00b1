"""What becomes of the history when the disk fails, fills up, hangs, or somebody deletes the file."""

import asyncio
import math
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from test_store_parts import CATALOGUE, START, alarm, record, running, scans_in, snapshot

from controller.clock import SteppedClock
from controller.points import Event, Snapshot
from controller.store.history import Store
from controller.store.reader import HistoryReader


class Fault(sqlite3.Connection):
    """A connection whose n-th statement from now on fails; `after` does it first and fails then."""

    countdown = 0
    after = False
    error = "disk I/O error"

    def _count(self) -> bool:
        Fault.countdown -= 1
        return Fault.countdown == 0

    def _run(self, method, *arguments):
        failing = self._count()
        if failing and not Fault.after:
            raise sqlite3.OperationalError(Fault.error)
        result = method(*arguments)
        if failing:
            result.close()  # the traceback would keep it, and with it the lock
            raise sqlite3.OperationalError(Fault.error)
        return result

    def execute(self, *arguments):
        return self._run(super().execute, *arguments)

    def executemany(self, *arguments):
        return self._run(super().executemany, *arguments)


@pytest.fixture(autouse=True)
def _no_fault():
    Fault.countdown, Fault.after = 0, False
    yield
    Fault.countdown, Fault.after = 0, False


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


async def test_a_log_torn_by_a_power_cut_costs_only_its_end(tmp_path, clock):
    store = Store(tmp_path / "live", CATALOGUE, clock, sample_period_s=1.0)
    async with running(store):
        await record(store, clock, range(1, 100))
        raw = {
            file.name: file.read_bytes() for file in store.path.parent.iterdir() if file.suffix != ".db-shm"
        }
    log = raw["history.db-wal"]
    for n in range(12):
        directory = tmp_path / str(n)
        directory.mkdir()
        (directory / "history.db").write_bytes(raw["history.db"])
        (directory / "history.db-wal").write_bytes(log[: len(log) * n // 12 + n])
        again = Store(directory, CATALOGUE, SteppedClock(START + 1000))
        async with running(again):
            again.offer(snapshot(500, START + 1000), [])
            await again._clock.sleep(11.0)
        scans = scans_in(again.path)
        assert again.problems == ()
        assert scans == [*range(1, len(scans)), 500]


async def test_a_failing_statement_leaves_the_old_or_the_new_and_loses_nothing(tmp_path, clock):
    """n = 1, 2, 3 … until no statement is left that could fail."""
    for after in (False, True):
        for n in range(1, 60):
            clock, directory = SteppedClock(START), tmp_path / f"{after}{n}"
            store = Store(directory, CATALOGUE, clock, connection=Fault)
            Fault.after, Fault.countdown = after, n
            async with running(store):
                await record(store, clock, range(1, 25), {5: [alarm(START + 4)], 15: [alarm(START + 14)]})
                with closing(sqlite3.connect(store.path)) as db:
                    tables = db.execute("SELECT name FROM sqlite_master WHERE name = 'samples'").fetchall()
                    if tables and store.flushed_scan is not None:
                        found = db.execute("SELECT max(scan) FROM samples").fetchone()[0]
                        assert found >= store.flushed_scan // 10 * 10 + 1 - 10
            reached = Fault.countdown <= 0
            assert scans_in(store.path) == [1, 11, 21], (after, n)
            assert [event.time for event in HistoryReader(directory).events()] == [START + 14, START + 4]
            assert store.health.ok
            if not reached:
                break
        else:
            pytest.fail("never ran out of statements")


async def test_while_the_disk_fails_health_says_so_and_back_off_grows(tmp_path, clock, monkeypatch):
    store = Store(tmp_path, CATALOGUE, clock, connection=Fault)
    attempts: list[float] = []
    give_up = store._give_up

    async def counted(error):
        attempts.append(clock.now() - START)
        await give_up(error)

    monkeypatch.setattr(store, "_give_up", counted)
    async with running(store):
        for scan in range(1, 300):
            Fault.countdown = 1
            store.offer(snapshot(scan, clock.now()), [])
            await clock.sleep(1.0)
        gaps = [b - a for a, b in pairwise(attempts)]
        assert gaps[:5] == [1.0, 2.0, 4.0, 8.0, 16.0]
        assert max(gaps) == 60.0
        assert not store.health.ok
        assert store.health.detail == "disk I/O error"
        Fault.countdown = 0
        await clock.sleep(61.0)
        assert store.health.ok
    assert scans_in(store.path) == list(range(1, 300, 10))


async def test_a_full_database_keeps_everything_in_memory_until_there_is_room(tmp_path, clock):
    class Small(sqlite3.Connection):
        full = False

        def execute(self, *arguments):
            if arguments[0].startswith("BEGIN"):
                # Less than there is already means: not a page more.
                super().execute(f"PRAGMA max_page_count = {1 if Small.full else 1 << 30}")
            return super().execute(*arguments)

    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=1.0, connection=Small)
    async with running(store):
        await record(store, clock, range(1, 12))
        Small.full = True
        await record(store, clock, range(12, 400), {50: [alarm(clock.now())]})
        assert store.health.code == "disk_full"
        assert store.flushed_scan < 399
        Small.full = False
        await clock.sleep(61.0)
        assert store.health.ok
        assert store.flushed_scan == 399
    assert scans_in(store.path) == list(range(1, 400))
    assert len(HistoryReader(tmp_path).events()) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 400 kB."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("mounts a tmpfs: root")
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(mount)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no mount here: {done.stderr}")
    yield mount
    subprocess.run(["umount", str(mount)], check=False)


def fill_up(ballast: Path) -> None:
    """Write until the disk takes no more."""
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)


async def test_a_really_full_disk_and_its_recovery(small_disk, clock):
    store = Store(small_disk, CATALOGUE, clock, sample_period_s=1.0)
    async with running(store):
        await record(store, clock, range(1, 12))
        ballast = small_disk / "ballast"
        with pytest.raises(OSError, match="No space"):
            fill_up(ballast)
        await record(store, clock, range(12, 400), {50: [alarm(clock.now())]})
        assert store.health.code == "disk_full"
        flushed = store.flushed_scan
        assert flushed is not None
        assert flushed < 399
        ballast.unlink()
        await clock.sleep(61.0)
        assert store.health.ok
    assert scans_in(store.path) == list(range(1, 400))
    assert len(HistoryReader(small_disk).events()) == 1
    assert store.dropped_samples == 0


@pytest.mark.parametrize("content", [b"this is no database" * 500, b"SQLite format 3\0" + b"\xff" * 8000])
async def test_a_corrupt_file_is_moved_aside_and_a_fresh_one_made(tmp_path, clock, content):
    (tmp_path / "history.db").write_bytes(content)
    store = Store(tmp_path, CATALOGUE, clock)
    async with running(store):
        await record(store, clock, range(1, 25))
        assert store.health.ok
    aside = list(tmp_path.glob("history.db.corrupt-*"))
    assert [file.read_bytes() for file in aside] == [content]
    assert [(problem.code, problem.detail) for problem in store.problems] == [("moved", aside[0].name)]
    assert scans_in(store.path) == [1, 11, 21]


async def test_a_file_that_breaks_while_it_is_written_is_replaced(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=1.0)
    async with running(store):
        await record(store, clock, range(1, 200))
    raw = bytearray(store.path.read_bytes())
    raw[4096 * 3 :] = b"\xa5" * (len(raw) - 4096 * 3)
    store.path.write_bytes(raw)
    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=1.0)
    async with running(store):
        await record(store, clock, range(200, 230))
    assert [problem.code for problem in store.problems] == ["moved"]
    assert scans_in(store.path) == list(range(200, 230))


async def test_only_some_wrecks_are_kept_and_the_largest_among_them(tmp_path, clock):
    for n in range(9):
        (tmp_path / "history.db").write_bytes(b"x" * (90_000 if n == 0 else 5000 + n))
        store = Store(tmp_path, CATALOGUE, clock)
        async with running(store):
            await record(store, clock, range(1, 3))
        store.path.unlink()
    sizes = sorted(file.stat().st_size for file in tmp_path.glob("history.db.corrupt-*"))
    assert len(sizes) == 5
    assert sizes[-1] == 90_000


@pytest.mark.parametrize("leave_log", [True, False])
async def test_a_file_deleted_under_the_service_is_noticed_and_made_again(tmp_path, clock, leave_log):
    store = Store(tmp_path, CATALOGUE, clock)
    async with running(store):
        await record(store, clock, range(1, 25))
        for file in tmp_path.iterdir():
            if file == store.path or not leave_log:
                file.unlink()
        await record(store, clock, range(25, 45), {30: [alarm(clock.now())]})
        assert store.health.ok
        assert [problem.code for problem in store.problems] == ["deleted"]
    # Scan 21 was still waiting; what had been flushed went with the file.
    assert scans_in(store.path) == [21, 31, 41] or scans_in(store.path) == [31, 41]
    assert len(HistoryReader(tmp_path).events()) == 1


async def test_a_file_deleted_while_it_is_opened_is_made_again(tmp_path, clock):
    """Not knowing any file must not be the same as knowing that there is none."""

    class Deleting(sqlite3.Connection):
        done = False

        def execute(self, *arguments):
            if not Deleting.done and "user_version =" in arguments[0]:
                Deleting.done = True
                store.path.unlink()
            return super().execute(*arguments)

    store = Store(tmp_path, CATALOGUE, clock, connection=Deleting)
    async with running(store):
        await record(store, clock, range(1, 45))
    assert Deleting.done
    assert scans_in(store.path) == [1, 11, 21, 31, 41]


async def test_a_directory_deleted_under_the_service_is_made_again(tmp_path, clock):
    directory = tmp_path / "var"
    store = Store(directory, CATALOGUE, clock)
    async with running(store):
        await record(store, clock, range(1, 25))
        for file in directory.iterdir():
            file.unlink()
        directory.rmdir()
        await record(store, clock, range(25, 45))
        assert store.health.ok
    assert scans_in(store.path)[-2:] == [31, 41]


async def test_nonsense_is_counted_and_never_raised(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock)
    async with running(store):
        shot = snapshot(1, clock.now())
        store.offer(Snapshot(1, shot.time, shot.wall, (1.0,), b"\0", (), ()), [])
        store.offer(None, [])  # type: ignore[arg-type]
        await clock.sleep(10.0)
        odd = Event(math.nan, math.inf, "command", "low", "set", "\ud800", "opc", (("x", math.nan, ""),))
        wrong = Event(clock.now(), clock.now(), "command", "low", "set", values=(1, 2))  # type: ignore[arg-type]
        store.offer(snapshot(2, clock.now(), value=1e300), [odd, wrong])
        await clock.sleep(10.0)
        assert store.health.ok
    assert store.dropped_samples == 1
    reader = HistoryReader(tmp_path)
    assert reader.series(["low.supply_temperature"]).values["low.supply_temperature"] == [math.inf]
    second, first = reader.events("audit")
    assert first.user == "?"
    assert math.isnan(float(first.values[0][1]))
    assert "(1, 2)" in str(second.values)


async def test_offer_is_quick_while_the_disk_hangs(tmp_path, clock):
    class Slow(sqlite3.Connection):
        def execute(self, *arguments):
            if arguments[0] == "COMMIT":
                time.sleep(0.3)
            return super().execute(*arguments)

    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=0.0, connection=Slow)
    async with running(store):
        longest = 0.0
        for scan in range(100):
            began = time.perf_counter()
            store.offer(snapshot(scan, START + scan), [alarm(START)])
            longest = max(longest, time.perf_counter() - began)
            await asyncio.sleep(0.005)
    assert longest < 0.15


async def test_stopping_at_any_moment_saves_what_was_offered(tmp_path, clock):
    for n in range(40):
        store = Store(tmp_path / str(n), CATALOGUE, clock, sample_period_s=0.0)
        async with running(store):
            store.offer(snapshot(1, START), [alarm(START)])
            await clock.sleep(2.0 if n % 2 else 0.0)
            store.offer(snapshot(2, START + 1), [alarm(START + 1)])
            for _ in range(n):
                await asyncio.sleep(0)
        assert scans_in(store.path) == [1, 2]
        assert len(HistoryReader(store.path.parent).events()) == 2


async def test_a_disk_that_hangs_does_not_hold_up_the_stop(tmp_path, clock):
    class Slow(sqlite3.Connection):
        def execute(self, *arguments):
            if arguments[0] == "COMMIT":
                time.sleep(0.5)
            return super().execute(*arguments)

    store = Store(tmp_path, CATALOGUE, clock, connection=Slow, stop_deadline_s=0.1)
    async with running(store):
        store.offer(snapshot(1, START), [])
        await asyncio.sleep(0.02)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 0.4
    await asyncio.sleep(1.0)  # the thread comes back and ends
