"""What the black box keeps when the plant trips: the seconds before are there, the cause comes first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from controller.clock import SteppedClock
from controller.store.blackbox import BlackBox, BoxLimits
from controller.store.trip_files import Columns, Trip, decode, encode
from hil_tests.core.conftest import Loop


def fed(station: Loop, folder: Path) -> tuple[BlackBox, Callable[[Loop], None]]:
    """A box, and what hands it every scan."""
    box = BlackBox(folder, "x", station.rig.station.catalogue, SteppedClock(station.now), BoxLimits())
    told = 0

    def each(loop: Loop) -> None:
        nonlocal told
        events, told = loop.rig.events[told:], len(loop.rig.events)
        box.offer(loop.rig.station.snapshot(loop.now), events)

    return box, each


def kept(box: BlackBox) -> list[tuple[Trip, Columns]]:
    """What waits for the disk, through the file's format."""
    return [decode(encode(trip, rows)) for trip, rows in box._waiting]


def test_both_pumps_trip(station: Loop, tmp_path: Path) -> None:
    box, each = fed(station, tmp_path)
    station.run(minutes=12, each=each)
    assert kept(box) == [], "an ordinary day is no trip"
    opening = station.value("low.valve_command")
    for pump in ("low.pump_1", "low.pump_2"):
        station.fault(pump, "trip")
    station.run(seconds=130, each=each)
    ((trip, columns),) = kept(box)
    assert trip.cause == "no_circulation@low"
    assert trip.complete
    assert (columns.offsets[0], columns.offsets[-1]) == (-600.0, 120.0)
    assert len(columns.offsets) == 1 + 720 // station.rig.dt
    at = list(columns.offsets).index(0.0)
    valve = columns.values["low.valve_command"]
    assert abs(valve[at - 1] - opening) < 1e-4
    assert valve[at] == 0.0
    pressure = columns.values["low.differential_pressure"]
    assert pressure[at - 15] > 100.0
    assert pressure[at + 15] < 20.0
    codes = [event.code for event in trip.events if event.kind == "alarm"]
    assert "no_circulation" in codes
    (alarm,) = (a for a in trip.alarms if a.code == "no_circulation")
    assert 0 <= alarm.since - trip.time <= 25


def test_an_hour_of_a_pump_that_trips_and_comes_back_is_few_records(station: Loop, tmp_path: Path) -> None:
    box, each = fed(station, tmp_path)
    numbers: list[int] = []
    for _ in range(20):
        for pump in ("low.pump_1", "low.pump_2"):
            station.fault(pump, "trip")
        station.run(seconds=60, each=each)
        for pump in ("low.pump_1", "low.pump_2"):
            station.clear(pump)
        station.run(seconds=120, each=each)
        numbers += [trip.number for trip, _ in box._waiting]
    assert 2 <= max(numbers) <= 6
    skipped = sum(note.code == "trip_skipped" for note in box.take_notes())
    assert skipped >= 5
