"""The whole service and its simulated field in one process, on a clock that is stepped: real sockets and
pseudo-terminals, a real disk, hours of plant time in minutes.

    async with serve(checked, folder, Weather.constant(-10.0)) as here:
        await here.run(minutes=5)
        here.plant.fault("low.pump_1", "trip")

Who uses it is a part of the clock: time passes only while it sleeps in `run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from controller.clock import SteppedClock
from controller.points import Point
from controller.service.boot import Boot
from controller.service.lines import lines_of
from controller.service.service import Service
from controller.settings.check import Checked
from controller.station import Station
from drivers.profile import Timing
from sim.bank import DEAD, Behaviour
from sim.plant import Plant
from sim.simulator import Simulator
from sim.weather import Weather

START = 1_358_000_000.0
"""A plant time in January 2013."""
STOP_WITHIN_S = 30.0


def quick(checked: Checked) -> Checked:
    """The same with devices that answer at once and need no rest: so it runs faster."""
    for name, profile in checked.profiles.items():
        timing = Timing(reply=0.15, gap=0.0)
        checked.profiles[name] = profile.model_copy(update={"timing": timing})
    return checked


class Served:
    """A running station with its field."""

    def __init__(self, service: Service, simulator: Simulator, clock: SteppedClock, directory: Path) -> None:
        self.service = service
        self.simulator = simulator
        self.clock = clock
        self.directory = directory

    async def run(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Let plant time pass."""
        await self.clock.sleep(seconds + 60 * minutes + 3600 * hours)

    @property
    def plant(self) -> Plant:
        return self.simulator.field.plant

    @property
    def station(self) -> Station:
        return self.service.station

    def __getitem__(self, point: str) -> Point:
        return self.service.station.image[point]

    def alarms(self) -> set[tuple[str, str]]:
        """Active alarms: (code, subject)."""
        return {(a.code, a.subject) for a in self.station.alarms.view() if a.ended is None}

    def behave(self, device: str, behaviour: Behaviour) -> None:
        """Make a device misbehave on its wire."""
        self.simulator.behave(device, behaviour)


@asynccontextmanager
async def serve(
    checked: Checked,
    folder: Path,
    weather: Weather,
    *,
    cold: bool = False,
    dead: Iterable[str] = (),
    seed: int = 1,
    endpoint: str = "opc.tcp://127.0.0.1:0/heat-station",
    boot: Boot | None = None,
) -> AsyncIterator[Served]:
    """Run them. `dead`: devices that never answer from the start; `boot`: as `station run` starts.

    After the block the service has stopped in order; the field can still be looked at.
    """
    assert checked.file is not None
    clock = SteppedClock(START)
    simulator = Simulator(checked.file, checked.profiles, weather, clock, seed=seed, cold=cold)
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
        here = Served(service, simulator, clock, folder / "state")
        for device in dead:
            here.behave(device, DEAD)
        async with clock.part():
            tasks = [asyncio.create_task(simulator.run()), asyncio.create_task(service.run())]
            while not service.outside.started.is_set():
                assert not tasks[1].done(), tasks[1].exception()
                await clock.sleep(0.1)
            yield here
        service.stop()
        async with asyncio.timeout(STOP_WITHIN_S):
            await tasks[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        simulator.close()
