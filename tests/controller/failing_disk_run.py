"""Runs with `failing_disk.so` preloaded (`test_failing_disk`): the n-th I/O fails, n = 1, 2, 3 …, until
there is none left. Prints how many places there were; stops with an AssertionError that names the place.

    LD_PRELOAD=…/failing_disk.so python failing_disk_run.py …/failing_disk.so FOLDER WHAT
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from test_store_parts import CATALOGUE, START, alarm, record, running, scans_in

from controller.clock import SteppedClock
from controller.points import Override
from controller.service.last_good import LastGood, read_source
from controller.service.starts import Level, StartBook, Starts
from controller.settings.check import Checked
from controller.store.history import Store
from controller.store.reader import HistoryReader
from controller.store.state import NotSaved, StateStore

ERRORS = (errno.EIO, errno.ENOSPC)
MOST = 400


class Disk:
    """The preloaded library: `arm` before the work, `mend` after it."""

    def __init__(self, library: str) -> None:
        self._library = ctypes.CDLL(library)
        self._library.disk_left.restype = ctypes.c_long
        self.folder, self.n, self.error = Path(), 0, 0
        self.reached = True

    def arm(self) -> None:
        self._library.disk_arm(str(self.folder).encode(), ctypes.c_long(self.n), self.error, 0)

    def mend(self) -> None:
        self.reached = self._library.disk_left() < 1
        self._library.disk_arm(b"", ctypes.c_long(0), 0, 0)


async def state(folder: Path, disk: Disk) -> None:
    """What was acknowledged is there after a restart; what was not is the old or the new."""
    store = StateStore(folder)
    known: dict[str, object] = {}
    doubtful: set[str] = set()

    async def save(name: str, value: object, work: Awaitable[None]) -> None:
        try:
            await work
        except NotSaved:
            doubtful.add(name)
        else:
            known[name] = value
            doubtful.discard(name)

    disk.arm()
    with contextlib.suppress(NotSaved):
        await store.open()
    for n in (1, 2, 3):
        await save("state", n, store.save_state({"n": n, "padding": "x" * 9000}))
        await save("setting", n, store.save_setting("low.setpoint", n, 50.0, "li", "panel", START))
        hand = Override(10.0 * n, "li", "panel", START + 7200, "test")
        await save("override", 10.0 * n, store.save_override("low.valve", hand, START))
    await store.close()
    disk.mend()
    again = StateStore(folder)
    found, problem = again.load_state()
    assert problem in ("", "older"), problem
    setting, override = (
        again.load_settings().get("low.setpoint"),
        again.load_overrides(START).get("low.valve"),
    )
    values = {
        "state": found.get("n"),
        "setting": setting and setting.value,
        "override": override and override.value,
    }
    for name, value in values.items():
        if name not in doubtful:
            assert value == known.get(name), (name, value, known.get(name))
    assert len(doubtful) < 3, "one failure costs one save, two at most"


async def history(folder: Path, disk: Disk) -> None:
    """Nothing is lost: it waits, and is written when the disk works again."""
    clock = SteppedClock(START)
    store = Store(folder, CATALOGUE, clock)
    disk.arm()
    async with running(store):
        await record(store, clock, range(1, 25), {5: [alarm(START + 4)], 15: [alarm(START + 14)]})
    disk.mend()
    assert scans_in(store.path) == [1, 11, 21]
    assert [event.time for event in HistoryReader(folder).events()] == [START + 14, START + 4]
    assert store.health.ok, store.health


async def files(folder: Path, disk: Disk) -> None:
    """The count of starts and the last good file are the old or the new one."""
    file = folder / "station.yaml"
    file.write_bytes(b"old")
    book, keep, none = StartBook([folder]), LastGood(folder), Checked(file, [])
    old = Starts(number=1)
    assert book.write(old) == ""
    keep.save(read_source(file, none))
    file.write_bytes(b"new")
    new, source = Starts(Level.SAFE_MODE, 2, 9, True, "file", "boot", 2), read_source(file, none)
    disk.arm()
    why = book.write(new)
    assert book.read() == (old if why else new) or (why and book.read() == new)
    with contextlib.suppress(OSError):
        keep.save(source)
    disk.mend()
    whole = [text for text in copies(folder) if text in (b"old", b"new")]
    assert whole, "no copy is left"
    keep.save(source)
    assert copies(folder)[0] == b"new"


def copies(folder: Path) -> list[bytes]:
    found = [folder / name / "station.yaml" for name in ("last_good", "last_good.new", "last_good.old")]
    return [file.read_bytes() for file in found if file.is_file()]


async def main(disk: Disk, folder: Path, what: Callable[[Path, Disk], Awaitable[None]]) -> None:
    for error in ERRORS:
        for n in range(1, MOST):
            disk.folder, disk.n, disk.error = folder / f"{error}-{n}", n, error
            disk.folder.mkdir()
            try:
                await what(disk.folder, disk)
            except Exception as problem:
                where = f"{what.__name__}: I/O {n} fails with {errno.errorcode[error]}"
                raise AssertionError(where) from problem
            if not disk.reached:
                print(f"{errno.errorcode[error]} {n - 1}")
                break
        else:
            raise AssertionError("never ran out of I/O")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    work = {"state": state, "history": history, "files": files}[sys.argv[3]]
    asyncio.run(main(Disk(sys.argv[1]), Path(sys.argv[2]), work))
