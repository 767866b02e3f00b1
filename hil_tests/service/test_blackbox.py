"""The black box in the running service: on the card at once, told in the history, read by others."""

import errno

import pytest

from controller.store import trip_files
from hil_tests.service.world import world

pytestmark = pytest.mark.timeout(120)


async def test_a_trip_is_on_the_card_within_seconds_and_whole_two_minutes_later(tmp_path):
    async with world(tmp_path) as w:
        await w.run(minutes=3)
        assert trip_files.stored(w.directory) == []
        for pump in ("low.pump_1", "low.pump_2"):
            w.plant.fault(pump, "trip")
        await w.until("low.valve_command", 0.0, 0.0, within_s=10)
        await w.run(2)
        (path,) = trip_files.stored(w.directory)
        early, columns = trip_files.read(path)
        assert early.cause == "no_circulation@low"
        assert not early.complete
        assert columns.offsets[0] < -150.0
        await w.run(minutes=2)
        trip, columns = trip_files.read(path)
        assert trip.complete
        assert columns.offsets[-1] == pytest.approx(120.0, abs=1.5)
        assert abs(trip.wall - w.clock.wall()) < 300.0
        at = min(range(len(columns.offsets)), key=lambda n: abs(columns.offsets[n]))
        valve = columns.values["low.valve_command"]
        assert valve[at - 5] > 5.0
        assert valve[at] == 0.0
        await w.run(20)
        notes = [(e.code, e.subject) for e in w.events("blackbox")]
        assert ("trip_kept", "no_circulation@low") in notes


async def test_a_disk_that_takes_no_record_is_an_alarm_and_control_goes_on(tmp_path, monkeypatch):
    full = True
    real = trip_files.write

    def write(directory, trip, rows):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(directory, trip, rows)

    monkeypatch.setattr(trip_files, "write", write)
    async with world(tmp_path) as w:
        await w.run(minutes=1)
        for pump in ("low.pump_1", "low.pump_2"):
            w.plant.fault(pump, "trip")
        await w.run(30)
        assert ("blackbox_failing", "blackbox") in w.alarms()
        assert w["low.valve_command"].value == 0.0
        w.plant.clear("low.pump_1")
        full = False
        await w.run(minutes=3)
        assert ("blackbox_failing", "blackbox") not in w.alarms()
        assert trip_files.stored(w.directory)
        assert w["low.circulation"].show() == "yes"


async def test_a_clean_stop_within_the_two_minutes_loses_nothing(tmp_path):
    async with world(tmp_path) as w:
        await w.run(minutes=1)
        for pump in ("low.pump_1", "low.pump_2"):
            w.plant.fault(pump, "trip")
        await w.until("low.valve_command", 0.0, 0.0, within_s=10)
        await w.run(40)
    _, columns = trip_files.read(trip_files.stored(w.directory)[0])
    assert columns.offsets[-1] >= 39.0
