"""What a bad disk may do to a running service: nothing but alarms."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.clock import RateClock
from controller.points import Override
from controller.service.boot import Boot
from controller.service.service import Service
from controller.settings.check import check_file
from controller.store import files
from controller.store.state import StateStore
from drivers.modbus import TcpLine

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
SPEED = 50.0
WALL = 1_760_000_000.0


@asynccontextmanager
async def running(directory: Path, boot: Boot | None = None) -> AsyncIterator[Service]:
    """The service on real threads and files, fifty times as fast; nothing answers on its wires."""
    checked = check_file(DEMO)
    lines = {name: TcpLine("127.0.0.1", 1) for name in checked.file.buses}
    clock = RateClock(SPEED, epoch=WALL)
    service = Service(checked, lines, directory, clock, endpoint="opc.tcp://127.0.0.1:0/x", boot=boot)
    task = asyncio.create_task(service.run())
    try:
        yield service
    finally:
        service.stop()
        await asyncio.wait_for(task, 60)


async def scans(service: Service, more: int) -> None:
    """Until so many more scans have been made; the test's time-out ends it otherwise."""
    goal = service.station.scans + more
    while service.station.scans < goal:
        await asyncio.sleep(0.01)


def active(service: Service) -> set[tuple[str, str]]:
    return {(a.code, a.subject) for a in service.station.alarms.view() if a.ended is None}


@pytest.mark.timeout(60)
async def test_no_scan_waits_for_a_disk_that_hangs(tmp_path, monkeypatch):
    """Each fsync and each commit hangs until the test lets go: not by time, but by scans that go on."""
    mended, met = threading.Event(), set()

    def hang(where: str) -> None:
        met.add(where)
        mended.wait(50)

    class Hanging(sqlite3.Connection):
        def execute(self, *arguments):
            if arguments[0] == "COMMIT":
                hang("commit")
            return super().execute(*arguments)

    connect, fsync = files.connect, os.fsync
    monkeypatch.setattr(files, "connect", lambda path, _: connect(path, Hanging))
    monkeypatch.setattr(os, "fsync", lambda handle: (hang("fsync"), fsync(handle)))
    async with running(tmp_path) as service:
        await scans(service, 40)
        assert met == {"fsync"}, "the token of the door is being written"
        assert not service.outside.started.is_set()
        monkeypatch.setattr(os, "fsync", fsync)
        mended.set()
        while not service.outside.started.is_set():
            await asyncio.sleep(0.01)
        mended.clear()
        while "commit" not in met:
            await asyncio.sleep(0.01)
        flushed = service.outside.store.flushed_scan
        await scans(service, 40)
        assert service.outside.store.flushed_scan == flushed
        mended.set()
        while service.outside.store.flushed_scan in (None, flushed):
            await asyncio.sleep(0.01)
        assert service.outside.store.health.ok


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A state folder with what an earlier run has left, on a file system that takes no writes any more."""
    store = tmp_path / "card"
    store.mkdir()
    if os.geteuid() != 0:
        yield store
        store.chmod(0o700)
        return
    if not sys.platform.startswith("linux"):
        pytest.skip("mounts a tmpfs")
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(store)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no mount here: {done.stderr}")
    yield store
    subprocess.run(["umount", "-l", str(store)], check=False)


def fail(folder: Path) -> None:
    """From now on nothing can be written there, as on a card that has failed."""
    if os.geteuid() == 0:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    else:
        folder.chmod(0o500)
    with pytest.raises(OSError):
        (folder / "probe").touch()


async def kept(folder: Path, *, killed: bool) -> None:
    """A setting and an override of an earlier run; `killed`: with the log of the database still beside it."""
    store = StateStore(folder)
    await store.open()
    await store.save_state({"time": WALL - 60, "n": 1})
    await store.save_setting("low.heat_curve.shift", 2.0, 0.0, "li", "panel", WALL)
    await store.save_override("low.valve_command", Override(40.0, "li", "panel", WALL + 7200, ""), WALL)
    if killed:
        left = {file.name: file.read_bytes() for file in folder.iterdir()}
        assert "state.db-wal" in left
    await store.close()
    if killed:
        for name, content in left.items():
            (folder / name).write_bytes(content)


@pytest.mark.parametrize("killed", [True, False])
async def test_on_a_read_only_disk_it_is_known_what_people_have_set(read_only, killed):
    await kept(read_only, killed=killed)
    fail(read_only)
    store = StateStore(read_only)
    assert store.load_state() == ({"time": WALL - 60, "n": 1}, "")
    assert store.load_settings()["low.heat_curve.shift"].value == 2.0
    assert store.load_overrides(WALL + 60)["low.valve_command"].value == 40.0


@pytest.mark.timeout(60)
async def test_on_a_read_only_disk_control_runs_and_says_so(read_only, monkeypatch, tmp_path):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    await kept(read_only, killed=True)
    fail(read_only)
    boot = Boot(DEMO, read_only)
    assert boot.checked.file is not None
    async with running(read_only, boot) as service:
        wanted = {
            ("starts_not_counted", "station"),
            ("store_failing", "store"),
            ("part_down", "state"),
            ("part_down", "token"),
        }
        while not wanted <= active(service):
            await asyncio.sleep(0.02)
        assert service.station.image["low.heat_curve.shift"].value == 2.0
        await scans(service, 20)
    assert (tmp_path / "starts.json").exists(), "starts are counted in memory"


@pytest.mark.timeout(60)
async def test_without_any_state_folder_control_runs_and_says_so(tmp_path):
    (tmp_path / "var").write_text("a file where a folder should be")
    async with running(tmp_path / "var") as service:
        while not {("part_down", "state folder"), ("store_failing", "store")} <= active(service):
            await asyncio.sleep(0.02)
        await scans(service, 20)


async def test_records_that_are_given_up_are_told_with_their_number(tmp_path, monkeypatch):
    """The queue is small here, and the disk takes nothing."""
    async with running(tmp_path) as service:
        await scans(service, 5)
        store = service.outside.store
        monkeypatch.setattr(store, "path", tmp_path / "gone" / "history.db")
        (tmp_path / "gone").write_text("")
        monkeypatch.setattr(store._pending, "_limit", 20_000)
        while ("records_dropped", "store") not in active(service):
            await asyncio.sleep(0.02)
        (row,) = (a for a in service.station.alarms.view() if a.code == "records_dropped")
        assert row.values[0][0] == "samples"
        assert store.dropped_samples >= row.values[0][1] > 0
        assert store.dropped_events == 0
    shutil.rmtree(tmp_path, ignore_errors=True)
