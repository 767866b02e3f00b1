"""The black box: the ring, what counts as a trip, the pauses, the files, and a disk that is full."""

from __future__ import annotations

import asyncio
import errno
import itertools
import math
import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.clock import SteppedClock
from controller.points import AlarmView, Event, PointInfo, Snapshot
from controller.store import blackbox, trip_files
from controller.store.blackbox import MOST_WAITING, RETRY_S, BlackBox, BoxLimits
from controller.store.ring import Ring, Rows
from controller.store.trip_files import BadTrip, Trip
from controller.store.trips import LONGEST_PAUSE_S, MOST_AN_HOUR, Pauses, TripWatch

RULES = ("failsafe", "demand", "override", "frost", "no_circulation", "valve_local")
CATALOGUE = (
    PointInfo("low.supply_temperature", "temperature", "measured"),
    PointInfo("station.heat_energy", "heat", "measured"),
    PointInfo("low.valve_command", "percent", "output", low=0.0, high=100.0),
    PointInfo("low.valve_command_reason", "choice", "reason", RULES),
)
WALL = 1_790_000_000.0
LIMITS = BoxLimits(before_s=60.0, after_s=20.0, pause_s=600.0, keep=3)


def snapshot(
    time: float, valve: float = 40.0, rule: str = "demand", alarms: tuple[AlarmView, ...] = ()
) -> Snapshot:
    values = (50.0 + math.sin(time), 1e6 + time / 1000, valve, float(RULES.index(rule)))
    return Snapshot(round(time), time, WALL + time, values, b"\0\0\1\0", ("",) * 4, (time,) * 4, alarms)


def urgent(code: str, since: float = 0.0, hidden_by: str = "", ended: float | None = None) -> AlarmView:
    return AlarmView(code, "low", "urgent", since, ended, False, hidden_by=hidden_by)


# ---- ring


@given(st.integers(1, 12), st.integers(0, 40), st.floats(-5, 45))
def test_the_ring_gives_back_the_newest_in_their_order(rows: int, scans: int, since: float) -> None:
    ring = Ring(len(CATALOGUE), rows)
    for time in range(scans):
        ring.add(snapshot(time, valve=time))
    expected = [time for time in range(max(scans - rows, 0), scans) if time >= since]
    found = ring.copy(since)
    assert list(found.times) == expected
    assert list(found.values[2::4]) == expected
    assert list(found.values[1::4]) == [1e6 + time / 1000 for time in expected]
    assert found.qualities == b"\0\0\1\0" * len(expected)


def test_a_snapshot_of_other_points_leaves_the_ring_whole() -> None:
    ring = Ring(len(CATALOGUE), 5)
    ring.add(snapshot(1))
    with pytest.raises(ValueError, match="1 points"):
        ring.add(Snapshot(2, 2.0, 2.0, (1.0,), b"\0", ("",), (2.0,)))
    assert list(ring.copy(0).times) == [1.0]


def test_memory_is_what_is_said() -> None:
    assert Ring(300, 720).size == 720 * (9 * 300 + 8)


# ---- trips


def looks(*snapshots: Snapshot) -> list[list[str]]:
    watch = TripWatch(CATALOGUE)
    return [watch.look(one) for one in snapshots]


def test_a_row_that_closes_is_a_trip_once() -> None:
    assert looks(
        snapshot(1),
        snapshot(2, 0.0, "no_circulation"),
        snapshot(3, 0.0, "no_circulation"),
        snapshot(4, 30.0),
        snapshot(5, 10.0, "no_circulation"),
    ) == [[], ["no_circulation@low"], [], [], ["no_circulation@low"]]


def test_what_opens_or_follows_a_hand_or_is_the_circuits_own_is_none() -> None:
    assert looks(
        snapshot(1, 5.0),
        snapshot(2, 20.0, "frost"),
        snapshot(3, 10.0, "valve_local"),
        snapshot(4, 0.0, "override"),
        snapshot(5, 0.0, "no_circulation"),
    ) == [[], [], [], [], []]


def test_an_urgent_alarm_is_a_trip_when_it_comes_up_and_is_told() -> None:
    hidden = urgent("thermostat", hidden_by="power_failure@low")
    assert looks(
        snapshot(1),
        snapshot(2, alarms=(urgent("frost"), hidden)),
        snapshot(3, alarms=(urgent("frost"),)),
        snapshot(4, alarms=(urgent("frost", ended=3.5), AlarmView("x", "low", "high", 4.0, None, False))),
        snapshot(5, alarms=(urgent("frost"),)),
    ) == [[], ["frost@low"], [], [], ["frost@low"]]


def test_what_stands_at_the_start_is_no_trip() -> None:
    first = snapshot(1, 0.0, "no_circulation", (urgent("frost"),))
    assert looks(first, snapshot(2, 0.0, "no_circulation", (urgent("frost"),))) == [[], []]


def test_the_pause_of_a_cause_doubles_up_to_six_hours_and_is_forgotten() -> None:
    pauses = Pauses(600.0)
    kept = [minute for minute in range(4 * 1440) if pauses.allow("a@low", 60.0 * minute)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(kept)]
    assert gaps[:7] == [10, 20, 40, 80, 160, 320, 360]
    assert set(gaps[6:]) == {LONGEST_PAUSE_S / 60}
    later = 60.0 * 4 * 1440 + 86400.0
    assert pauses.allow("a@low", later)
    assert pauses.allow("a@low", later + 600.0)


def test_another_cause_is_kept_at_once_but_no_more_than_six_an_hour() -> None:
    pauses = Pauses(600.0)
    allowed = [pauses.allow(f"cause_{n}@low", 10.0 * n) for n in range(10)]
    assert allowed == [True] * MOST_AN_HOUR + [False] * 4
    assert pauses.allow("cause_9@low", 3601.0)


# ---- files


def example(number: int = 1, **changes: Any) -> tuple[Trip, Rows]:
    ring = Ring(len(CATALOGUE), 50)
    for time in range(100, 130):
        ring.add(snapshot(time))
    trip = Trip(
        number,
        "香坊三号站",
        "no_circulation@low",
        120.0,
        WALL + 120,
        ((0.0, "no_circulation@low"), (3.0, "thermostat@low")),
        (("flood@low", 2),),
        True,
        (Event(121.0, WALL, "alarm", "low", "frost", values=(("temperature", math.nan, "temperature"),)),),
        (urgent("frost", 121.0, "x@low"),),
        CATALOGUE,
    )
    return trip, ring.copy(0.0)


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    trip, rows = example()
    size = trip_files.write(tmp_path, trip, rows)
    (path,) = trip_files.stored(tmp_path)
    assert path.name == "000001-no_circulation@low.trip"
    assert path.stat().st_size == size
    found, columns = trip_files.read(path)
    assert repr(found) == repr(trip)  # repr, because NaN is not NaN
    assert repr(trip_files.read_head(path)) == repr(trip)
    assert list(columns.offsets) == [float(n) for n in range(-20, 10)]
    assert columns.values["station.heat_energy"][0] == 1e6 + 0.1, "a total keeps its digits"
    assert columns.values["low.supply_temperature"][5] == pytest.approx(50 + math.sin(105), abs=1e-5)
    assert columns.qualities["low.valve_command"] == b"\1" * 30


def test_a_new_state_of_a_trip_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    trip, rows = example()
    trip_files.write(tmp_path, trip, rows)
    trip_files.write(tmp_path, trip, rows)
    assert [path.name for path in (tmp_path / "blackbox").iterdir()] == ["000001-no_circulation@low.trip"]


@pytest.mark.parametrize("place", [0, 9, 13, 60, -10, -1])
def test_damage_is_told(tmp_path: Path, place: int) -> None:
    data = bytearray(trip_files.encode(*example()))
    data[place] ^= 0x40
    with pytest.raises(BadTrip):
        trip_files.decode(bytes(data))
    for length in (0, 10, 100, len(data) - 1):
        with pytest.raises(BadTrip):
            trip_files.decode(bytes(data[:length]))


def test_the_oldest_go_by_number_and_by_size_but_never_the_newest(tmp_path: Path) -> None:
    sizes = [trip_files.write(tmp_path, *example(number)) for number in range(1, 6)]
    assert len(trip_files.prune(tmp_path, 4, 10**6)) == 1
    assert [trip_files.number_of(p) for p in trip_files.stored(tmp_path)] == [2, 3, 4, 5]
    trip_files.prune(tmp_path, 20, 2 * sizes[0] + 10)
    assert [trip_files.number_of(p) for p in trip_files.stored(tmp_path)] == [4, 5]
    trip_files.prune(tmp_path, 20, 1)
    assert [trip_files.number_of(p) for p in trip_files.stored(tmp_path)] == [5]
    assert trip_files.next_number(trip_files.stored(tmp_path)) == 6


def test_a_cause_that_is_no_file_name(tmp_path: Path) -> None:
    _, rows = example()
    odd = trip_files.Trip(7, "", "../" + "x" * 300 + "/\0", 1.0, 1.0, catalogue=CATALOGUE)
    trip_files.write(tmp_path, odd, rows)
    (path,) = trip_files.stored(tmp_path)
    assert path.parent == tmp_path / "blackbox"
    assert trip_files.number_of(path) == 7


# ---- the whole box


class Bench:
    """A box on a stepped clock, fed by hand."""

    def __init__(self, directory: Path, limits: BoxLimits = LIMITS) -> None:
        self.directory = directory
        self.clock = SteppedClock(1000.0)
        self.box = BlackBox(directory, "x", CATALOGUE, self.clock, limits)
        self.notes: list[Event] = []

    @asynccontextmanager
    async def running(self) -> Any:
        async with self.clock.part():
            task = asyncio.create_task(self.box.run())
            await self.clock.sleep(0.5)
            yield self
            await self.clock.sleep(0.5)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def scans(self, seconds: int, valve: float = 40.0, rule: str = "demand") -> None:
        for _ in range(seconds):
            await self.clock.sleep(1.0)
            self.box.offer(snapshot(self.clock.now(), valve, rule), ())
            self.notes += self.box.take_notes()

    def trips(self) -> list[Trip]:
        return [trip_files.read_head(path) for path in trip_files.stored(self.directory)]

    def codes(self) -> list[str]:
        return [note.code for note in self.notes]


async def test_a_trip_is_there_at_once_and_whole_afterwards(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as bench:
        await bench.scans(100)
        assert bench.trips() == []
        await bench.scans(2, 0.0, "no_circulation")
        (trip,) = bench.trips()
        assert (trip.cause, trip.complete) == ("no_circulation@low", False)
        _, columns = trip_files.read(trip_files.stored(tmp_path)[0])
        assert (columns.offsets[0], columns.offsets[-1]) == (-60.0, 0.0)
        assert columns.values["low.valve_command"][-2:].tolist() == [40.0, 0.0]
        await bench.scans(25, 0.0, "no_circulation")
        (trip,) = bench.trips()
        assert trip.complete
        _, columns = trip_files.read(trip_files.stored(tmp_path)[0])
        assert (columns.offsets[0], columns.offsets[-1]) == (-60.0, 20.0)
    assert bench.codes() == ["trip_kept"]


async def test_what_falls_into_the_pause_is_counted_and_told(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as bench:
        for _ in range(6):  # every 100 s
            await bench.scans(70)
            await bench.scans(30, 0.0, "no_circulation")
        assert len(bench.trips()) == 1
        await bench.scans(110)
        await bench.scans(30, 0.0, "no_circulation")
        assert [trip.skipped for trip in bench.trips()] == [(), (("no_circulation@low", 5),)]
    assert bench.codes() == ["trip_kept", *["trip_skipped"] * 5, "trip_kept"]
    assert bench.notes[-2].values[0] == ("count", 5.0, "count")


async def test_a_second_trip_within_the_record_is_part_of_it(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as bench:
        await bench.scans(30)
        await bench.scans(3, 0.0, "no_circulation")
        bench.box.offer(snapshot(bench.clock.now() + 1, 0.0, "no_circulation", (urgent("frost"),)), ())
        await bench.scans(30, 0.0, "no_circulation")
        assert [trip.trips for trip in bench.trips()] == [((0.0, "no_circulation@low"), (3.0, "frost@low"))]


async def test_a_clean_stop_keeps_what_has_come_after_the_trip(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as bench:
        await bench.scans(30)
        await bench.scans(11, 0.0, "no_circulation")
    _, columns = trip_files.read(trip_files.stored(tmp_path)[0])
    assert columns.offsets[-1] == 10.0


async def test_a_restart_goes_on_with_numbers_and_pauses(tmp_path: Path) -> None:
    for _ in range(2):
        async with Bench(tmp_path).running() as bench:
            bench.clock.now()
            await bench.scans(30)
            await bench.scans(30, 0.0, "no_circulation")
    assert [trip.number for trip in bench.trips()] == [1]
    assert bench.codes() == ["trip_skipped"]
    async with Bench(tmp_path).running() as bench:
        await bench.scans(700)
        await bench.scans(30, 0.0, "no_circulation")
    assert [trip.number for trip in bench.trips()] == [1, 2]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Every fsync of a file fails while the list holds True."""
    state = [True]
    real = os.fsync

    def fsync(handle: int) -> None:
        if state[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(trip_files.os, "fsync", fsync)
    return state


async def test_a_full_disk_is_told_counted_and_tried_again(tmp_path: Path, full_disk: list[bool]) -> None:
    async with Bench(tmp_path, BoxLimits(60.0, 20.0, 60.0)).running() as bench:
        for _ in range(MOST_WAITING + 1):
            await bench.scans(130)
            await bench.scans(30, 0.0, "no_circulation")
        assert bench.box.health.code == "disk_full"
        assert bench.box.dropped == 1
        assert trip_files.stored(tmp_path) == []
        assert [path.name for path in (tmp_path / "blackbox").iterdir()] == [], "no scraps on a full disk"
        full_disk[0] = False
        await bench.scans(round(RETRY_S) + 1)
        assert bench.box.health.ok
        assert [(trip.number, trip.complete) for trip in bench.trips()] == [(2, True), (3, True)]


async def test_an_error_in_the_box_never_reaches_the_scan(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = BlackBox(tmp_path, "x", CATALOGUE, SteppedClock(0.0), LIMITS)
    box.offer(Snapshot(1, 1.0, 1.0, (1.0,), b"\0", ("",), (1.0,)), ())
    assert "not in the black box" in caplog.text


async def test_damaged_files_do_not_keep_it_from_starting(tmp_path: Path) -> None:
    trip_files.write(tmp_path, *example(4))
    (tmp_path / "blackbox" / "000009-x.trip").write_bytes(b"scrap")
    box = BlackBox(tmp_path, "x", CATALOGUE, SteppedClock(WALL), LIMITS)
    assert box._number == 10


def test_a_board_that_boots_in_1970_still_records(tmp_path: Path) -> None:
    for number in range(1, 8):
        trip_files.write(tmp_path, *example(number))
    box = BlackBox(tmp_path, "x", CATALOGUE, SteppedClock(50.0), LIMITS)
    for time in range(60, 70):
        box.offer(snapshot(time), ())
    box.offer(snapshot(70, alarms=(urgent("frost"),)), ())
    assert [note.code for note in box.take_notes()] == ["trip_kept"]


def test_the_limits_are_the_files(tmp_path: Path) -> None:
    assert blackbox.BoxLimits() == BoxLimits(600.0, 120.0, 600.0, 20, 20_000_000)


async def test_what_stands_behind_a_cause_does_not_push_out_the_rest(tmp_path: Path) -> None:
    async with Bench(tmp_path).running() as bench:
        await bench.scans(30)
        now = bench.clock.now()
        first = Event(now, WALL, "alarm", "low", "device_silent")
        hidden = [Event(now, WALL, "hidden", f"low.{n}", "input_bad") for n in range(600)]
        bench.box.offer(snapshot(now + 1), [first, *hidden])
        await bench.scans(2, 0.0, "no_circulation")
    assert [event.code for event in bench.trips()[0].events] == ["device_silent"]


async def test_a_record_that_cannot_be_written_at_all_is_given_up_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = trip_files.write

    def write(directory: Path, trip: Trip, rows: Rows) -> int:
        if trip.number == 1:
            raise MemoryError
        return real(directory, trip, rows)

    monkeypatch.setattr(trip_files, "write", write)
    async with Bench(tmp_path).running() as bench:
        await bench.scans(30)
        await bench.scans(30, 0.0, "no_circulation")
        assert (bench.box.health.code, bench.box.dropped) == ("failed", 2)
        await bench.scans(700)
        await bench.scans(30, 0.0, "no_circulation")
        assert bench.box.health.ok
    assert [trip.number for trip in bench.trips()] == [2]
