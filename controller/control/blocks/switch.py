"""A switch of a few named positions that an operator may turn while the station runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from controller.fields import Amount


@dataclass(frozen=True)
class Switch(Amount):
    """Positions by name in the file, by their index (0, 1 …) at run time."""

    names: tuple[str, ...] = ()

    def read(self, value: Any) -> float:
        """Index of the position; PydanticCustomError with a catalogue code for anything else."""
        if isinstance(value, str) and value.strip() in self.names:
            return float(self.names.index(value.strip()))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and float(value) in range(len(self.names)):
            return float(value)
        raise PydanticCustomError(
            "choice", "{value}", {"value": str(value), "allowed": ", ".join(self.names)}
        )


def switch(*names: str) -> Switch:
    """The mark of an adjustable switch: `mode: Annotated[float, switch("off", "on")]`."""
    return Switch("choice", 0, len(names) - 1, adjustable=True, names=names)
