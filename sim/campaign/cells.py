"""What a cell of the campaign is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Target = Literal["plant", "wire", "swap", "device", "program", "clock", "controller", "hand"]
"""Where a fault sits: in the plant, behind a sensor, between two sensors, in a device, in a part of our
program, in the clock, in the board; or a person's hand on an output."""
Group = Literal["sensor", "device", "program", "valve", "pump", "water", "station", "wiring", "hand", "pair"]
"""What is asked: `sensor`, `device` and `program` must not cost anybody heat; the others must be told, and
met with what is left; a hand is obeyed as far as the safety table lets it."""


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
