"""All cells of a campaign, on several processes: each runs in a copy of a rig that was warmed up once."""

from __future__ import annotations

import multiprocessing
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Protocol, TypeVar

from controller.settings.station import StationFile
from drivers.profile import Profile
from sim.campaign.breaking import Breaker
from sim.campaign.cells import COLD_DAY, Bench, Breaking, Cell, Start
from sim.campaign.matrix import matrix
from sim.campaign.run import DAY_S, Result, let_learn, make_rig, run_cell, run_twin
from sim.campaign.watch import Trace
from sim.rig import Rig

T = TypeVar("T")
_FORK = multiprocessing.get_context("fork")
_SERVED_H, _SERVED_MENDED_S = 0.2, 900.0
"""A served station runs a hundred times slower than one in a loop, and what its tasks do is seen at once."""


def begin_aside(call: Callable[[], T]) -> Callable[[], T]:
    """Call it in a copy of this process: what it does to our objects stays there. Returns what waits for its
    answer, and raises RuntimeError when it throws."""
    here, there = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=lambda: there.send(call()), daemon=True)
    process.start()
    there.close()

    def answer() -> T:
        try:
            said: T = here.recv()
        except EOFError:
            raise RuntimeError("a copy of the warmed-up station died") from None
        finally:
            here.close()
            process.join()
        return said

    return answer


class Serves(Protocol):
    """Whoever can serve the station on its wires, and break the tasks of the service."""

    def cells(self) -> Sequence[Cell]:
        """Of group `service`."""

    def bench(self, seed: int) -> AbstractContextManager[tuple[Bench, Breaking]]:
        """A station that is warmed up, and what breaks it."""


class Campaign:
    """The cells of one station file. `seed` rules noise, disturbances and the choice of a sample."""

    def __init__(
        self,
        file: StationFile,
        profiles: Mapping[str, Profile],
        seed: int = 1,
        serves: Serves | None = None,
    ) -> None:
        """`serves`: None leaves out the tasks of the service."""
        self.file, self.profiles, self.seed = file, profiles, seed
        self._serves = serves
        rig = make_rig(file, profiles, COLD_DAY, seed)
        self.cells = begin_aside(lambda: matrix(rig.station, rig.plant))()
        if serves is not None:
            self.cells += serves.cells()
        self._warm = {COLD_DAY: rig}
        self._starts: dict[Start, tuple[Rig, Trace]] = {}
        self._hours = 0.0
        """For which they were warmed up, and the twins have run."""
        self._served_twin = Trace()

    def cell(self, name: str) -> Cell:
        """By its name. Raises KeyError."""
        return {cell.name: cell for cell in self.cells}[name]

    def sample(self, count: int) -> list[Cell]:
        """About `count` cells: of every group its share and at least one."""
        groups: dict[str, list[Cell]] = {}
        for cell in self.cells:
            groups.setdefault(cell.group, []).append(cell)
        chosen: list[Cell] = []
        for name in sorted(groups):
            share = max(round(count * len(groups[name]) / len(self.cells)), 1)
            picked = random.Random(f"{self.seed}/{name}")
            chosen += picked.sample(groups[name], min(share, len(groups[name])))
        return chosen

    def prepare(self, cells: Sequence[Cell], hours: float) -> None:
        """Warm up what the cells start from, with its twin."""
        if hours != self._hours:
            self._starts.clear()
        self._hours = hours
        served = [cell for cell in cells if cell.group == "service"]
        if served and not self._served_twin.heat:
            self._served_twin = begin_aside(self._run_served_twin)()
        twins: dict[Start, tuple[Rig, Callable[[], Trace]]] = {}
        for start in dict.fromkeys(cell.start for cell in cells if cell.group != "service"):
            if start not in self._starts:
                rig = self._warm.pop(start, None) or make_rig(self.file, self.profiles, start, self.seed)
                if hours * 3600.0 >= DAY_S and not start.cold:
                    let_learn(rig)
                twins[start] = rig, begin_aside(partial(run_twin, rig, hours))
        for start, (rig, twin) in twins.items():
            self._starts[start] = rig, twin()

    def twin(self, cell: Cell) -> Trace:
        """What the station does from the cell's start on when nothing breaks; prepared before."""
        return self._served_twin if cell.group == "service" else self._starts[cell.start][1]

    def run_one(self, cell: Cell, hours: float, *, whole: bool = False) -> Result:
        """Run one cell here; its start must be prepared, and is used up."""
        return self._run(cell, hours, first_failure=False, whole=whole)

    def run(
        self,
        cells: Sequence[Cell],
        hours: float,
        processes: int,
        *,
        first_failure: bool = False,
        whole: bool = False,
    ) -> Iterator[Result]:
        """Results as they come, without their traces. A cell whose process dies is a result, too.
        `first_failure`, `whole`: see `run_cell`."""
        self.prepare(cells, hours)
        # A forked process has the warmed-up rig as it is: handing it over would cost more than the cell.
        left = deque(cells)
        running: dict[Connection, tuple[Cell, ForkProcess]] = {}
        while left or running:
            while left and len(running) < processes:
                cell = left.popleft()
                here, there = _FORK.Pipe(duplex=False)
                work = partial(self._work, cell, hours, first_failure, whole, there)
                process = _FORK.Process(target=work, daemon=True)
                process.start()
                there.close()
                running[here] = cell, process
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                cell, process = running.pop(ready)
                try:
                    yield ready.recv()
                except EOFError:
                    yield Result(cell, failures=["its process died"])
                ready.close()
                process.join()

    def _work(self, cell: Cell, hours: float, first_failure: bool, whole: bool, there: Connection) -> None:
        """One cell in a process of its own."""
        result = self._run(cell, hours, first_failure=first_failure, whole=whole)
        result.trace = Trace()
        there.send(result)

    def _run(self, cell: Cell, hours: float, *, first_failure: bool, whole: bool) -> Result:
        """The cell's start is used up."""
        if cell.group != "service":
            rig, twin = self._starts[cell.start]
            return run_cell(cell, rig, Breaker(rig), twin, hours, first_failure=first_failure, whole=whole)
        assert self._serves is not None
        with self._serves.bench(self.seed) as (bench, breaker):
            return run_cell(
                cell,
                bench,
                breaker,
                self._served_twin,
                min(hours, _SERVED_H),
                first_failure=first_failure,
                mended_s=_SERVED_MENDED_S,
            )

    def _run_served_twin(self) -> Trace:
        assert self._serves is not None
        with self._serves.bench(self.seed) as (bench, _):
            return run_twin(bench, _SERVED_H)
