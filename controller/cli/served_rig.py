"""The fault campaign's view of a served station: scans one by one, and the tasks of the service to break.

A task that throws or hangs must cost no heat, be told, and run again by itself once it can (`supervise`). A
full disk is made by the kernel: no file of this process may grow. One that hangs is for the tests of the
store, under which a real one fails.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from controller.channels import bus_part
from controller.cli.served import Served, quick, serve
from controller.points import Event, Point, Snapshot
from controller.settings.check import Checked
from controller.station import Station
from sim.campaign.cells import COLD_DAY, Bench, Break, Breaking, Cell
from sim.plant import Plant
from sim.weather import Weather

WARM_UP_S = 120.0
START = COLD_DAY
DISK = "disk"
_LONG_S = 1e9


class ServedRig:
    """A bench over a `Served`. Between two steps plant time stands still."""

    def __init__(self, served: Served, loop: asyncio.AbstractEventLoop, go: asyncio.Queue[float]) -> None:
        self.dt = 1.0
        self.events: list[Event] = []
        self._served, self._loop, self._go = served, loop, go
        served.service.outside.listeners.append(self._hear)

    @property
    def plant(self) -> Plant:
        return self._served.plant

    @property
    def station(self) -> Station:
        return self._served.station

    def step(self) -> None:
        """Let `dt` pass."""
        self._go.put_nowait(self.dt)
        self._loop.run_until_complete(self._go.join())

    def _hear(self, _: Snapshot, events: Sequence[Event]) -> None:
        self.events += events

    def alarms(self) -> set[tuple[str, str]]:
        """Active alarms, (code, subject)."""
        return self._served.alarms()

    def __getitem__(self, name: str) -> Point:
        return self._served[name]


class ServiceBreaker:
    """Makes a task of the service throw, or never come back, at its next round."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._mend: list[Callable[[], None]] = []

    def begin(self, one: Break) -> None:
        """Break it."""
        if one.on == DISK:
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
            self._mend.append(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits))
            return
        owner, method = self._place(one.on)
        clock = self._served.clock

        async def breaks(*_: object) -> None:
            if one.kind == "hang":
                await clock.sleep(_LONG_S)
            raise RuntimeError("deliberate")

        whole = getattr(owner, method)
        setattr(owner, method, breaks)
        self._mend.append(lambda: setattr(owner, method, whole))

    def _place(self, part: str) -> tuple[Any, str]:
        """(object, coroutine of its round) of a task."""
        service = self._served.service
        if part.startswith("bus "):
            return service.buses[part.removeprefix("bus ")], "_step"
        return {
            "store": (service.outside.store, "_flush"),
            "door": (service.outside.door, "publish"),
            "state": (service._state_store, "save_state"),
            "blackbox": (service.outside.blackbox, "_write_waiting"),
        }[part]

    def end(self) -> None:
        """Mend everything."""
        while self._mend:
            self._mend.pop()()


class ServesHere:
    """Serves a station file on loopback wires of its own, in this process."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked

    def cells(self) -> list[Cell]:
        """Every task of the service × {exception, hang}, and a disk that is full."""
        assert self._checked.file is not None
        parts = [bus_part(name) for name in self._checked.file.buses]
        parts += ["store", "door", "state", "blackbox"]
        breaks = [Break("service", part, kind) for part in parts for kind in ("exception", "hang")]
        return [Cell(START, "service", (one,)) for one in (*breaks, Break("service", DISK, "full"))]

    @contextmanager
    def bench(self, seed: int) -> Iterator[tuple[Bench, Breaking]]:
        """A station at work for two minutes, and what breaks its tasks."""
        logging.getLogger("controller").setLevel(logging.CRITICAL + 1)  # what is broken on purpose is no news
        checked = quick(self._checked)
        with tempfile.TemporaryDirectory(prefix="campaign-") as folder, asyncio.Runner() as runner:
            loop = runner.get_loop()
            go: asyncio.Queue[float] = asyncio.Queue()
            ready: asyncio.Future[Served] = loop.create_future()
            stop = asyncio.Event()

            async def drive() -> None:
                weather = Weather.constant(START.outdoor)
                async with serve(checked, Path(folder), weather, seed=seed) as served:
                    ready.set_result(served)
                    stopping = asyncio.create_task(stop.wait())
                    while not stop.is_set():
                        due = asyncio.create_task(go.get())
                        await asyncio.wait({due, stopping}, return_when=asyncio.FIRST_COMPLETED)
                        if due.done():
                            await served.run(due.result())
                            go.task_done()
                        else:
                            due.cancel()

            driver = loop.create_task(drive())
            begun: set[asyncio.Future[Any]] = {driver, ready}
            loop.run_until_complete(asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED))
            if driver.done():
                driver.result()
            served = ready.result()
            rig = ServedRig(served, loop, go)
            for _ in range(round(WARM_UP_S)):
                rig.step()
            rig.events.clear()
            breaker = ServiceBreaker(served)
            try:
                yield rig, breaker
            finally:
                breaker.end()
                stop.set()
                loop.run_until_complete(driver)
