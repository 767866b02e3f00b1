"""Dry contact: closed or open, and the two ways in which it lies. A definition, no formula."""

from __future__ import annotations

_FAULTS = ("stuck_off", "stuck_on")


class Contact:
    """`show` turns what is so into what the contact says, 0.0 or 1.0."""

    __slots__ = ("stuck",)

    def __init__(self) -> None:
        self.stuck: float | None = None

    def show(self, state: bool) -> float:
        """1.0 for yes."""
        if self.stuck is not None:
            return self.stuck
        return 1.0 if state else 0.0

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a fault: a wire that is off or a contact welded together.

        Raises ValueError with the allowed kinds."""
        if kind not in _FAULTS:
            raise ValueError(f"unknown fault {kind!r} of a contact (allowed: {', '.join(_FAULTS)})")
        self.stuck = 1.0 if kind == "stuck_on" else 0.0

    def repair(self) -> None:
        """It follows again."""
        self.stuck = None
