"""What all watchers have: a sample every ten seconds, findings as rows that only tell, and an explanation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from controller.alarms import Values
from controller.points import Image, Point, Term
from controller.safety.rules import Rule

PERIOD_S = 10.0


class Watcher(ABC):
    """Compares what it sees with what is usual at this station.

    `suspect`: something is not as usual, so no watcher learns; `trusts`: watchers whose suspicion makes this
    one not judge, because they watch its own inputs; `points`: what it publishes.
    """

    def __init__(self) -> None:
        self.trusts: tuple[Watcher, ...] = ()
        self.points: tuple[Point, ...] = ()

    @property
    @abstractmethod
    def suspect(self) -> bool:
        """Something is not as usual."""

    @abstractmethod
    def step(self, now: float, may_learn: bool) -> None:
        """A sample at plant time `now` (s). `may_learn`: no watcher suspects anything."""

    @abstractmethod
    def rules(self) -> Iterator[Rule]:
        """What it may tell."""

    @abstractmethod
    def explain(self) -> Term:
        """What it sees now, against what is usual."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What must survive a restart, as plain JSON values."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; what is missing or odd keeps its fresh value."""

    @property
    def trusted(self) -> bool:
        """Nobody doubts its inputs."""
        return not any(watcher.suspect for watcher in self.trusts)


class AllServe:
    """True while all exchangers in parallel heat, or there is one: what plates and pipes resist is learned
    for all of them."""

    def __init__(self, image: Image, circuit: str) -> None:
        names = [name for name in image.outputs if name.startswith(f"{circuit}.exchanger_")]
        self._open = image.points.get(f"{circuit}.exchangers_open")
        self._count = len(names)

    def __call__(self) -> bool:
        """To be asked for every sample."""
        return self._open is None or (self._open.usable and self._open.value >= self._count)


def readable(*points: Point) -> bool:
    """All of them can be used now."""
    return all(point.usable for point in points)


def lasting(seconds: float) -> Values:
    """Since when, for the text of an alarm."""
    return (("lasts", seconds, "time"),)
