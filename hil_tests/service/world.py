"""A station and its field in one process on a stepped clock, over real sockets and pseudo-terminals.

    async with world(tmp_path) as w:
        await w.run(minutes=5)
        w.plant.fault("low.pump_1", "trip")

The test itself is a part of the clock: time passes only while it sleeps in `w.run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from controller.clock import SteppedClock
from controller.points import Event, Point
from controller.service.boot import Boot
from controller.service.lines import lines_of
from controller.service.service import Service
from controller.settings.check import Checked, check_file
from controller.settings.station import StationFile
from controller.store.reader import HistoryReader
from drivers.profile import Timing
from sim.bank import DEAD, Behaviour
from sim.plant import Plant
from sim.simulator import Simulator
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
START = 1_358_000_000.0
"""A plant time in January 2013."""


def checked_demo() -> Checked:
    """The demo station; its devices answer at once and need no rest, so that tests go faster."""
    return quick(check_file(DEMO))


def quick(checked: Checked) -> Checked:
    """The same with devices that answer at once."""
    for name, profile in checked.profiles.items():
        timing = Timing(reply=0.15, gap=0.0)
        checked.profiles[name] = profile.model_copy(update={"timing": timing})
    return checked


class World:
    """What a test sees and does."""

    def __init__(self, service: Service, simulator: Simulator, clock: SteppedClock, directory: Path) -> None:
        self.service = service
        self.simulator = simulator
        self.clock = clock
        self.directory = directory

    async def run(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Let plant time pass."""
        await self.clock.sleep(seconds + 60 * minutes + 3600 * hours)

    async def until(self, point: str, low: float, high: float, within_s: float) -> float:
        """Let time pass until the point is inside; seconds it took. AssertionError when it never is."""
        begin = self.clock.now()
        while not low <= self[point].value <= high:
            assert self.clock.now() - begin < within_s, f"{point} is {self[point].show()} after {within_s} s"
            await self.run(1)
        return self.clock.now() - begin

    @property
    def plant(self) -> Plant:
        return self.simulator.field.plant

    def __getitem__(self, point: str) -> Point:
        return self.service.station.image[point]

    def alarms(self) -> set[tuple[str, str]]:
        """Active alarms: (code, subject)."""
        return {(a.code, a.subject) for a in self.service.station.alarms.view() if a.ended is None}

    def behave(self, device: str, behaviour: Behaviour) -> None:
        """Make a device misbehave on its wire."""
        bus = self.service.file.devices[device].bus
        self.simulator.buses[bus].behave(device, behaviour)

    def events(self, kind: str = "") -> list[Event]:
        """Newest first, as the history on disk has them."""
        return HistoryReader(self.directory).events(kind, 1000)

    @property
    def endpoint(self) -> str:
        return self.service.outside.door.endpoint


@asynccontextmanager
async def world(
    folder: Path,
    *,
    outdoor: float = -10.0,
    cold: bool = False,
    dead: Iterable[str] = (),
    seed: int = 1,
    endpoint: str = "opc.tcp://127.0.0.1:0/heat-station",
    edit: Callable[[StationFile], None] = lambda file: None,
    file: Path | None = None,
) -> AsyncIterator[World]:
    """A running world; `dead`: devices that never answer from the start; `edit` changes the file first;
    `file`: a station file to boot from as `station run` does, instead of the demo station.

    After the block the service has stopped in order; the field can still be looked at.
    """
    boot = None if file is None else Boot(file, folder / "state")
    checked = checked_demo() if boot is None else quick(boot.checked)
    assert checked.file is not None
    edit(checked.file)
    clock = SteppedClock(START)
    simulator = Simulator(
        checked.file, checked.profiles, Weather.constant(outdoor), clock, seed=seed, cold=cold
    )
    tasks: list[asyncio.Task[None]] = []
    try:
        await simulator.start(folder, paced=False)
        service = Service(
            checked,
            lines_of(checked.file, folder, paced=False),
            folder / "state",
            clock,
            endpoint=endpoint,
            clock_trusted=True,
            boot=boot,
        )
        here = World(service, simulator, clock, folder / "state")
        for device in dead:
            here.behave(device, DEAD)
        async with clock.part():
            tasks = [asyncio.create_task(simulator.run()), asyncio.create_task(service.run())]
            while not service.outside.started.is_set():
                assert not tasks[1].done(), tasks[1].exception()
                await clock.sleep(0.1)
            yield here
        service.stop()
        await asyncio.wait_for(tasks[1], 30)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        simulator.close()
