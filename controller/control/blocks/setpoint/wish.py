"""A wish of a system further up or of a person away: a value that ends by itself."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wish:
    """`value` of `user` by way of `source`, until `expires` (plant seconds)."""

    value: float
    user: str
    source: str
    expires: float


class WishSlot:
    """Place for one wish. It must lie within `low` … `high` and end within `longest_s`."""

    def __init__(self, low: float, high: float, longest_s: float) -> None:
        self.low, self.high, self.longest_s = low, high, longest_s
        self.wish: Wish | None = None

    def refuses(self, value: float, seconds: float) -> str:
        """Why a wish cannot be taken: `outside_range`, `override_too_long`; empty when it can."""
        if not (math.isfinite(value) and self.low <= value <= self.high):
            return "outside_range"
        return "" if 0 < seconds <= self.longest_s else "override_too_long"

    def take(self, value: float, seconds: float, user: str, source: str, now: float) -> None:
        """Take a wish that `refuses` has let pass; ValueError otherwise."""
        why = self.refuses(value, seconds)
        if why:
            raise ValueError(why)
        self.wish = Wish(value, user, source, now + seconds)

    def clear(self) -> None:
        """Give it back before its end."""
        self.wish = None

    def alive(self, now: float) -> Wish | None:
        """The wish while it holds. Time that ran backwards does not lengthen it."""
        if self.wish is not None and not now < self.wish.expires <= now + self.longest_s:
            self.wish = None
        return self.wish

    def state(self) -> dict[str, Any] | None:
        """The wish as plain JSON."""
        return None if self.wish is None else asdict(self.wish)

    def restore(self, state: object) -> None:
        """Take a remembered wish over; an odd one is dropped. `alive` drops one that has ended."""
        self.wish = None
        if not isinstance(state, dict):
            return
        numbers = [state.get("value"), state.get("expires")]
        if not all(isinstance(n, int | float) and math.isfinite(n) for n in numbers):
            return
        value, expires = float(state["value"]), float(state["expires"])
        if self.low <= value <= self.high:
            self.wish = Wish(value, str(state.get("user", "")), str(state.get("source", "")), expires)
