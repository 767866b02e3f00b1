"""The pressures of a circuit, held against one another: the return first, then that over the pumps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controller.points import Image
from controller.safety.rules import Rule
from controller.safety.witnesses.difference_witness import DifferenceWitness
from controller.safety.witnesses.return_witness import ReturnWitness


class PressureWitnesses:
    """Both of one circuit. `pumps`, `makeups`: how many of each."""

    def __init__(self, image: Image, circuit: str, pumps: int, makeups: int) -> None:
        self.back = ReturnWitness(image, circuit, pumps, makeups)
        self.difference = DifferenceWitness(image, circuit, pumps, self.back)

    def step(self, now: float, dt: float) -> None:
        """Judge this scan's readings; stand in for those that are outvoted."""
        self.back.step(now, dt)
        self.difference.step(now, dt)

    def rules(self) -> Iterator[Rule]:
        """The rows that tell it."""
        yield from self.back.rules()
        yield from self.difference.rules()

    def state(self) -> dict[str, Any]:
        """What must survive a restart, as plain JSON."""
        return {"return": self.back.state(), "difference": self.difference.state()}

    def restore(self, state: object) -> None:
        """Take over what is usual; what is missing or odd is left out."""
        if isinstance(state, dict):
            self.back.restore(state.get("return"))
            self.difference.restore(state.get("difference"))
