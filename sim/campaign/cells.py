"""What a cell of the campaign is, and what it is tried on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from controller.points import Event, Point
from controller.station import Station
from sim.plant import Plant

Target = Literal["plant", "wire", "swap", "device", "program", "clock", "controller", "hand", "service"]
"""Where a fault sits: in the plant, behind a sensor, between two sensors, in a device, in a part of our
program, in the clock, in the board; a person's hand on an output; a task of the running service."""
Group = Literal[
    "sensor", "device", "program", "service", "valve", "pump", "water", "station", "wiring", "hand", "pair"
]
"""What is asked: `sensor`, `device`, `program` and `service` must not cost anybody heat; the others must be
told, and met with what is left; a hand is obeyed as far as the safety table lets it."""


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that breaks: `kind` of `on`, with the plant's size `value` (of a hand: where it puts the
    output)."""

    target: Target
    on: str
    kind: str
    value: float | None = None
    other: str = ""
    """The second sensor of a swap."""

    @property
    def name(self) -> str:
        """As a person writes it."""
        size = "" if self.value is None else f"={self.value:g}"
        return f"{self.on}{'~' + self.other if self.other else ''}:{self.kind}{size}"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a cell begins. `warm_up_s` passes before anything breaks."""

    name: str
    outdoor: float
    cold: bool = False
    conductance: float = 1.0
    """UA of the exchanger over what the file says."""
    warm_up_s: float = 3600.0


COLD_DAY = Start("-24", -24.0)
THAW = Start("+5", 5.0)
COLD_START = Start("cold", -15.0, cold=True, warm_up_s=900.0)
OVERSIZED = Start("oversized", -24.0, conductance=1.6)
STARTS = (COLD_DAY, THAW, COLD_START, OVERSIZED)


@dataclass(frozen=True, slots=True)
class Cell:
    """A start and what breaks there; each further break comes a minute after the one before."""

    start: Start
    group: Group
    breaks: tuple[Break, ...]

    @property
    def name(self) -> str:
        """Unique in a campaign, and what `--cell` takes."""
        return f"{self.start.name}/{'+'.join(b.name for b in self.breaks)}"


class Bench(Protocol):
    """A station on its plant, stepped scan by scan: in one loop (`sim.rig`), or served on its wires."""

    dt: float
    events: list[Event]

    @property
    def plant(self) -> Plant: ...

    @property
    def station(self) -> Station: ...

    def step(self) -> object:
        """Let `dt` pass."""

    def alarms(self) -> set[tuple[str, str]]:
        """Active alarms, (code, subject)."""

    def __getitem__(self, name: str) -> Point: ...


class Breaking(Protocol):
    """What breaks a bench and mends it."""

    def begin(self, one: Break) -> None:
        """Break it."""

    def end(self) -> None:
        """Mend everything."""
