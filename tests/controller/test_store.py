"""The history: what goes in comes out, whatever happens to the file in between."""

import asyncio
import logging
import math
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager, closing

import pytest

from controller.clock import SteppedClock
from controller.points import Event, PointInfo, Quality, Snapshot
from controller.store.codec import BadBlob, Layout, dump_catalogue, load_catalogue
from controller.store.history import Store
from controller.store.pending import Pending
from controller.store.reader import HistoryReader, HistoryUnavailable

START = 1_760_000_000.0
CATALOGUE = (
    PointInfo("low.supply_temperature", "temperature", "measured", low=-50.0, high=150.0),
    PointInfo("low.heat", "heat", "measured"),
    PointInfo("low.mode", "choice", "setting", ("off", "auto", "手动")),
)


def snapshot(scan: int, at: float, wall: float | None = None, value: float | None = None) -> Snapshot:
    values = (float(scan) if value is None else value, 123_456.78 + scan, float(scan % 3))
    qualities = bytes((scan % 3, 0, 0))
    return Snapshot(scan, at, at if wall is None else wall, values, qualities, ("",) * 3, (at,) * 3)


def alarm(at: float, code: str = "supply_sensor", kind: str = "alarm") -> Event:
    return Event(at, at, kind, "low", code, "li", "panel", (("held", 43.5, "percent"), ("bus", "rtu1", "")))


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


@asynccontextmanager
async def running(store: Store):
    task = asyncio.create_task(store.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def record(
    store: Store, clock: SteppedClock, scans: range, events: dict[int, list[Event]] | None = None
):
    """One scan a second, offered as main does."""
    for scan in scans:
        store.offer(snapshot(scan, clock.now()), (events or {}).get(scan, []))
        await clock.sleep(1.0)


def scans_in(path) -> list[int]:
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT scan FROM samples ORDER BY time")]


async def test_samples_and_events_come_back_as_they_were(tmp_path, clock, caplog):
    caplog.set_level(logging.INFO, "controller.store")
    store = Store(tmp_path, CATALOGUE, clock)
    async with running(store):
        await record(store, clock, range(1, 36), {17: [alarm(clock.now() + 16)]})
    assert not list(tmp_path.glob("*-wal")), "a clean stop folds the log back"
    reader = HistoryReader(tmp_path)
    series = reader.series(["low.supply_temperature", "low.heat", "low.mode", "gone"])
    assert series.walls == [START, START + 10, START + 20, START + 30]
    assert series.values["low.supply_temperature"] == [1.0, 11.0, 21.0, 31.0]
    assert series.values["low.heat"] == [123_457.78, 123_467.78, 123_477.78, 123_487.78]
    assert series.qualities["low.supply_temperature"] == [1, 2, 0, 1]
    assert all(math.isnan(value) for value in series.values["gone"])
    assert series.qualities["gone"] == [Quality.BAD] * 4
    assert series.infos["low.mode"] == CATALOGUE[2]
    assert reader.events("alarms") == [alarm(START + 16)]
    assert reader.events("audit") == []
    assert reader.last_scan() == 31
    assert caplog.messages[-1] == "flushed 35"
    assert store.flushed_scan == 35
    assert store.health.ok


async def test_an_event_is_on_disk_within_two_seconds(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock, flush_period_s=60.0)
    async with running(store):
        await record(store, clock, range(3))
        await record(store, clock, range(3, 4), {3: [alarm(clock.now())]})
        await clock.sleep(1.0)
        assert [event.code for event in HistoryReader(tmp_path).events()] == ["supply_sensor"]


async def test_views_split_alarms_from_audit(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock)
    kinds = ["alarm", "command", "effect", "acknowledge", "mode", "clear", "system"]
    async with running(store):
        store.offer(snapshot(1, clock.now()), [alarm(clock.now(), kind=kind) for kind in kinds])
        await clock.sleep(2.0)
    reader = HistoryReader(tmp_path)
    assert [event.kind for event in reader.events("alarms")] == ["clear", "acknowledge", "alarm"]
    assert [event.kind for event in reader.events("audit")] == ["effect", "command"]
    assert [event.kind for event in reader.events("mode")] == ["mode"]
    assert [event.kind for event in reader.events(limit=2)] == ["system", "clear"]


async def test_a_changed_point_list_starts_a_new_catalogue_and_old_samples_stay_readable(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock)
    async with running(store):
        await record(store, clock, range(1, 12))
    for catalogue in (CATALOGUE[:2], CATALOGUE[:2]):
        store = Store(tmp_path, catalogue, clock)
        async with running(store):
            shot = snapshot(50, clock.now())
            store.offer(Snapshot(50, shot.time, shot.wall, shot.values[:2], shot.qualities[:2], (), ()), [])
            await clock.sleep(11.0)
    series = HistoryReader(tmp_path).series(["low.heat", "low.mode"])
    assert series.values["low.heat"] == [123_457.78, 123_467.78, 123_506.78, 123_506.78]
    assert series.values["low.mode"][:2] == [1.0, 2.0]
    assert series.qualities["low.mode"] == [0, 0, 2, 2]
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("SELECT count(*) FROM catalogue").fetchone() == (2,)


async def test_a_board_that_boots_in_1970_appends_and_is_put_right_when_it_learns_the_time(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock)
    async with running(store):
        await record(store, clock, range(1, 12))
    reborn = SteppedClock(100.0)
    store = Store(tmp_path, CATALOGUE, reborn)
    truth = START + 50_000.0 - 100.0
    async with running(store):
        for scan in range(20, 60):
            known = scan >= 45
            wall = reborn.now() + (truth if known else 0.0)
            events = [alarm(reborn.now())] if scan == 22 else []
            store.offer(snapshot(scan, reborn.now(), wall), events)
            await reborn.sleep(1.0)
    reader = HistoryReader(tmp_path)
    series = reader.series(["low.supply_temperature"])
    assert series.values["low.supply_temperature"] == [1.0, 11.0, 20.0, 30.0, 40.0, 50.0]
    assert series.walls[2:] == [START + 50_000.0 + n for n in (0, 10, 20, 30)]
    assert reader.events()[0].wall == START + 50_002.0
    assert reader.series(["low.heat"], START + 49_000, START + 50_015).walls == [
        START + 50_000,
        START + 50_010,
    ]


async def test_a_clock_set_after_long_does_not_move_the_past(tmp_path):
    clock = SteppedClock(START)
    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=1000.0)
    async with running(store):
        for scan in range(10):
            store.offer(snapshot(scan, clock.now(), clock.now() + (3600.0 if scan >= 8 else 0.0)), [])
            await clock.sleep(1000.0)
    walls = HistoryReader(tmp_path).series(["low.heat"]).walls
    assert walls == [START + n * 1000.0 + (3600.0 if n >= 8 else 0.0) for n in range(10)]


async def test_more_samples_than_asked_for_are_thinned_evenly(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=1.0)
    async with running(store):
        await record(store, clock, range(1000))
    reader = HistoryReader(tmp_path)
    series = reader.series(["low.supply_temperature"], max_rows=100)
    assert series.thinned
    assert 80 <= len(series.walls) <= 100
    assert len(series.values["low.supply_temperature"]) == len(series.walls)
    assert max(b - a for a, b in zip(series.walls, series.walls[1:], strict=False)) <= 12.0
    assert not reader.series(["low.heat"], START + 100, START + 199, max_rows=100).thinned


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
        gaps = [b - a for a, b in zip(attempts, attempts[1:], strict=False)]
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


@pytest.mark.skipif(os.geteuid() != 0 or not sys.platform.startswith("linux"), reason="mounts a tmpfs: root")
async def test_a_really_full_disk_and_its_recovery(tmp_path, clock):
    mount = tmp_path / "small"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(mount)], capture_output=True
    )
    if done.returncode:
        pytest.skip(f"no mount here: {done.stderr.decode()}")
    try:
        store = Store(mount, CATALOGUE, clock, sample_period_s=1.0)
        async with running(store):
            await record(store, clock, range(1, 12))
            ballast = mount / "ballast"
            try:
                with ballast.open("wb", buffering=0) as file:
                    while file.write(b"x" * 1024):
                        pass
            except OSError:
                pass
            await record(store, clock, range(12, 400), {50: [alarm(clock.now())]})
            assert store.health.code == "disk_full"
            flushed = store.flushed_scan
            assert flushed is not None
            assert flushed < 399
            ballast.unlink()
            await clock.sleep(61.0)
            assert store.health.ok
        assert scans_in(store.path) == list(range(1, 400))
        assert len(HistoryReader(mount).events()) == 1
        assert store.dropped_samples == 0
    finally:
        subprocess.run(["umount", str(mount)], check=False)


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


def test_a_full_queue_drops_the_oldest_samples_first_and_events_last_and_counts():
    pending = Pending(3, 1.0, limit_bytes=20_000)
    for scan in range(100):
        pending.add(snapshot(scan, START + scan), [alarm(START + scan)] if scan < 10 else [])
    batch = pending.take()
    assert len(batch.events) == 10
    assert pending.dropped_events == 0
    assert pending.dropped_samples == 100 - len(batch.samples)
    assert batch.samples[-1].scan == 99
    assert [row.scan for row in batch.samples] == list(range(100 - len(batch.samples), 100))
    pending.give_back(batch)
    pending.add(snapshot(100, START + 100), [alarm(START + n) for n in range(100)])
    batch = pending.take()
    assert batch.samples == []
    assert pending.dropped_samples == 101
    assert len(batch.events) + pending.dropped_events == 110
    assert batch.events[-1].time_ms == (START + 99) * 1000


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


async def test_offer_is_cheap_even_while_the_disk_hangs(tmp_path, clock):
    class Slow(sqlite3.Connection):
        def execute(self, *arguments):
            time.sleep(0.02)
            return super().execute(*arguments)

    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=0.0, connection=Slow)
    async with running(store):
        await asyncio.sleep(0.01)
        longest = 0.0
        for scan in range(200):
            began = time.perf_counter()
            store.offer(snapshot(scan, START + scan), [alarm(START)])
            longest = max(longest, time.perf_counter() - began)
            await asyncio.sleep(0.001)
    assert longest < 0.015


async def test_old_samples_go_in_small_portions(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=1.0)
    async with running(store):
        await record(store, clock, range(1300))
    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=1.0, keep_days=100 / 86_400)
    counts = []
    async with running(store):
        for n in range(6):
            await record(store, clock, range(1300 + n * 10, 1310 + n * 10))
            await clock.sleep(0.5)
            counts.append(len(scans_in(store.path)))
    assert counts[0] > 500
    falls = [a - b for a, b in zip(counts, counts[1:], strict=False)]
    assert max(falls) <= 1000, "two flushes, a portion each"
    assert counts[-1] < 200


async def test_a_reader_finds_nothing_before_the_first_flush(tmp_path):
    with pytest.raises(HistoryUnavailable, match="not there"):
        HistoryReader(tmp_path).last_scan()


def test_blobs_keep_totals_exact_and_refuse_damage():
    layout = Layout(CATALOGUE)
    blob = layout.pack((20.1, 987_654.32, math.nan), b"\0\1\2")
    values, qualities = layout.unpack(blob)
    assert values[0] == pytest.approx(20.1, rel=1e-6)
    assert values[1] == 987_654.32
    assert math.isnan(values[2])
    assert qualities == b"\0\1\2"
    for damaged in (b"", blob[:-3], b"\2" + blob[1:], layout.pack((1.0, 2.0, 3.0), b"")):
        with pytest.raises(BadBlob):
            layout.unpack(damaged)
    assert load_catalogue(dump_catalogue(CATALOGUE)) == CATALOGUE
