"""The pure parts of the history (queue, eras, blobs), and the small world that its tests live in."""

import asyncio
import math
import sqlite3
from contextlib import asynccontextmanager, closing

import pytest

from controller.clock import SteppedClock
from controller.points import Event, PointInfo, Snapshot
from controller.store.codec import BadBlob, Layout, dump_catalogue, load_catalogue
from controller.store.eras import Timeline
from controller.store.history import Store
from controller.store.pending import Pending, SampleRow

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


def test_a_batch_that_comes_again_changes_no_era():
    rows = [
        SampleRow(n * 4_000_000, n * 4_000_000 + (0 if n < 3 else 10**12), n, b"", b"") for n in range(1, 6)
    ]
    timeline = Timeline.begin((4_000_000, 4_000_000), None)
    timeline.follow(rows)
    assert timeline.eras == [(4_000_000, 10**12)], "the time was not known: put right back to the start"
    timeline.follow(rows)
    assert timeline.eras == [(4_000_000, 10**12)]


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
