"""A station and its field in one process on a stepped clock, as tests want it.

async with world(tmp_path) as w:
    await w.run(minutes=5)
    w.plant.fault("low.pump_1", "trip")
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from controller.cli.served import START, Served, quick, serve
from controller.points import Event
from controller.service.boot import Boot
from controller.settings.check import Checked, check_file
from controller.settings.station import StationFile
from controller.store.reader import HistoryReader
from sim.weather import Weather

__all__ = ["DEMO", "START", "World", "world"]

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


class World(Served):
    """What a test sees and does."""

    async def until(self, point: str, low: float, high: float, within_s: float) -> float:
        """Let time pass until the point is inside; seconds it took. AssertionError when it never is."""
        begin = self.clock.now()
        while not low <= self[point].value <= high:
            assert self.clock.now() - begin < within_s, f"{point} is {self[point].show()} after {within_s} s"
            await self.run(1)
        return self.clock.now() - begin

    def events(self, kind: str = "") -> list[Event]:
        """Newest first, as the history on disk has them."""
        return HistoryReader(self.directory).events(kind, 1000)

    @property
    def endpoint(self) -> str:
        return self.service.outside.door.endpoint


POLL_S = 2.0
"""Most of the work of a test is on the wire: nothing is read more often than this, unless the test asks."""


def sparse(checked: Checked, poll_s: float) -> Checked:
    """The same, with nothing read more often than every `poll_s`."""
    for name, profile in checked.profiles.items():
        points = {
            point: row.model_copy(update={"poll": None if row.poll is None else max(row.poll, poll_s)})
            for point, row in profile.points.items()
        }
        checked.profiles[name] = profile.model_copy(update={"points": points})
    return checked


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
    poll_s: float = POLL_S,
) -> AsyncIterator[World]:
    """A running world; `edit` changes the file first; `file`: a station file to boot from as `station run`
    does, instead of the demo station; `poll_s`: 1.0 for the polls of the profiles. The rest as in `serve`."""
    boot = None if file is None else Boot(file, folder / "state")
    checked = sparse(quick(check_file(DEMO) if boot is None else boot.checked), poll_s)
    assert checked.file is not None
    edit(checked.file)
    weather = Weather.constant(outdoor)
    async with serve(
        checked, folder, weather, cold=cold, dead=dead, seed=seed, endpoint=endpoint, boot=boot
    ) as here:
        yield World(here.service, here.simulator, here.clock, here.directory)
