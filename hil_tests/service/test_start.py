"""Starts of the service that go wrong, with real files, buses and door on the stepped clock."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from controller.door import DoorClient
from controller.service import boot, store_alarms
from controller.service.boot import Boot
from controller.service.last_good import LastGood
from controller.service.starts import FILE as STARTS
from controller.store.state import StateStore
from controller.texts import alarm
from hil_tests.service.test_parts import door_open
from hil_tests.service.world import DEMO, START, World, world

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute counts as ten, and two as an hour."""
    monkeypatch.setattr(boot, "HEALTHY_SCANS", 60)
    monkeypatch.setattr(store_alarms, "TOLD_S", 120.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The demo station's file, to be spoilt."""
    (tmp_path / "etc").mkdir()
    return Path(shutil.copy(DEMO, tmp_path / "etc" / "harbin.yaml"))


def spoil(file: Path) -> None:
    """A mistake that `station check` finds, and another value of a setting that people may change."""
    text = file.read_text(encoding="utf-8")
    assert "alarm: 70 °C" in text
    file.write_text(text.replace("alarm: 70 °C", "alarm: 700 °C"), encoding="utf-8")


async def write(w: World, name: str, value: float) -> None:
    await door_open(w)
    async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
        await door.write(name, value)
    await w.run(5)


async def kept(w: World, file: Path) -> None:
    """Until the threads beside the scans have written what they write after ten minutes."""
    async with w.clock.io():
        while LastGood(w.directory).load(file) is None or '"pending": true' in (
            w.directory / STARTS
        ).read_text(encoding="utf-8"):
            await asyncio.sleep(0.02)


async def test_with_a_broken_file_the_last_good_one_heats_and_what_people_set_is_kept(tmp_path, file):
    async with world(tmp_path, file=file) as w:
        await write(w, "low.heat_curve.shift", 2.0)
        await w.run(minutes=1.2)
        await kept(w, file)
    good = file.read_text(encoding="utf-8")
    store = StateStore(tmp_path / "state")
    await store.open()
    await store.save_setting("new.heat_curve.shift", 1.0, 0.0, "li", "panel", START)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "state" / "state.db")) as db, db:
        # As if it was set under the new file, which says another value than the last good one.
        db.execute("UPDATE settings SET file_value = '0.7' WHERE name = 'low.heat_curve.shift'")
    spoil(file)
    async with world(tmp_path, file=file) as w:
        assert w.alarms() == {("file_broken", "station")}
        assert w["low.heat_curve.shift"].value == 2.0
        assert w["station.start_level"].show() == "normal"
        await write(w, "low.heat_curve.shift", 1.5)
        async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
            told = [alarm(row.code, row.subject, "en", row.values) for row in await door.alarms()]
        assert any("harbin.yaml:" in text for text in told)
    assert "new.heat_curve.shift" in StateStore(tmp_path / "state").load_settings()
    file.write_text(good, encoding="utf-8")
    async with world(tmp_path, file=file) as w:
        assert w.alarms() == set()
        assert w["low.heat_curve.shift"].value == 1.5


async def test_after_many_crashes_safe_mode_heats_is_told_and_forgets_nothing(tmp_path, file):
    async with world(tmp_path, file=file) as w:
        await write(w, "low.heat_curve.shift", 2.0)
        await w.run(minutes=1.2)
    learned = StateStore(tmp_path / "state").load_state()[0]
    for _ in range(9):
        Boot(file, tmp_path / "state")  # and killed
    async with world(tmp_path, file=file) as w:
        assert w.alarms() == {("safe_mode", "station")}
        assert w["station.start_level"].show() == "safe_mode"
        assert w["low.heat_curve.shift"].value == 2.0
        assert w["low.pump_1_run"].on or w["low.pump_2_run"].on
        await w.run(minutes=1.2)
        assert w.service.station.explain("low.valve_command").code == "safe_regulates"
        assert w["low.circulation"].show() == "yes"
    after = StateStore(tmp_path / "state").load_state()[0]
    assert after["circuits"] == learned["circuits"]
    assert after["equipment"] == learned["equipment"]
    async with world(tmp_path, file=file) as w:
        assert w["station.start_level"].show() == "normal"
        assert w.alarms() == set()


async def test_a_state_that_is_left_out_is_put_aside_once(tmp_path, file):
    async with world(tmp_path, file=file) as w:
        await w.run(minutes=2)
    state = tmp_path / "state"
    before = StateStore(state).load_state()[0]
    for _ in range(4):
        Boot(file, state)
    async with world(tmp_path, file=file) as w:
        assert ("state_left_out", "station") in w.alarms()
        aside = json.loads((state / "state.put-aside.json").read_text(encoding="utf-8"))
        assert aside == before
        await w.run(minutes=2)
        assert w["low.supply_temperature"].usable


async def test_corrupt_databases_are_moved_aside_and_told(tmp_path, file):
    content = b"SQLite format 3\0" + b"\xff" * 8000
    state = tmp_path / "state"
    state.mkdir()
    (state / "state.db").write_bytes(content)
    (state / "history.db").write_bytes(content)
    async with world(tmp_path, file=file) as w:
        await w.run(30)
        assert {("state_damaged", "state"), ("records_damaged", "store")} <= w.alarms()
        await w.run(minutes=2.2)
        assert w.alarms() == set()
        rows = {(row.code, row.ended is not None) for row in w.service.station.alarms.view()}
        assert {("state_damaged", True), ("records_damaged", True)} <= rows
    assert len(list(state.glob("state.db.corrupt-*"))) == 1
    assert len(list(state.glob("history.db.corrupt-*"))) == 1
