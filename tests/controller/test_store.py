"""The history: what goes in comes out, in the right order and at the right time."""

import asyncio
import logging
import math
import sqlite3
import threading
from contextlib import closing
from itertools import pairwise

import pytest
from test_store_parts import CATALOGUE, START, alarm, record, running, scans_in, snapshot

from controller.clock import SteppedClock
from controller.points import Quality, Snapshot
from controller.store.history import Store
from controller.store.reader import HistoryReader, HistoryUnavailable


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


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


async def test_a_start_in_the_far_future_does_not_make_the_past_ripe_for_deletion(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock)
    async with running(store):
        await record(store, clock, range(1, 12))
    wrong = SteppedClock(4_080_000_000.0)
    store = Store(tmp_path, CATALOGUE, wrong)
    async with running(store):
        await record(store, wrong, range(20, 42))
    assert scans_in(store.path) == [1, 11, 20, 30, 40]
    assert HistoryReader(tmp_path).series(["low.heat"]).walls[2] == 4_080_000_000.0


async def test_more_samples_than_asked_for_are_thinned_evenly(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock, sample_period_s=1.0)
    async with running(store):
        await record(store, clock, range(1000))
    reader = HistoryReader(tmp_path)
    series = reader.series(["low.supply_temperature"], max_rows=100)
    assert series.thinned
    assert 80 <= len(series.walls) <= 100
    assert len(series.values["low.supply_temperature"]) == len(series.walls)
    assert max(b - a for a, b in pairwise(series.walls)) <= 12.0
    assert not reader.series(["low.heat"], START + 100, START + 199, max_rows=100).thinned


async def test_main_and_store_in_two_threads_on_one_stepped_clock(tmp_path, clock):
    store = Store(tmp_path, CATALOGUE, clock)
    ready, done = threading.Event(), threading.Event()

    def outside() -> None:
        async def life() -> None:
            task = asyncio.create_task(store.run())
            await asyncio.sleep(0)
            ready.set()
            await asyncio.to_thread(done.wait, 10.0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(life())

    async def scans() -> None:
        async with clock.part():
            await record(store, clock, range(1, 600), {77: [alarm(clock.now() + 76)]})

    async with clock.io():
        thread = threading.Thread(target=outside)
        thread.start()
        await asyncio.to_thread(ready.wait, 5.0)
        task = asyncio.create_task(scans())
        await asyncio.sleep(0)
    await task
    assert store.flushed_scan >= 585, "plant time waited for the writer"
    done.set()
    await asyncio.to_thread(thread.join, 5.0)
    assert scans_in(store.path) == list(range(1, 600, 10))


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
    falls = [a - b for a, b in pairwise(counts)]
    assert max(falls) <= 1000, "two flushes, a portion each"
    assert counts[-1] < 200


async def test_a_reader_finds_nothing_before_the_first_flush(tmp_path):
    with pytest.raises(HistoryUnavailable, match="not there"):
        HistoryReader(tmp_path).last_scan()
