"""Remote influence: an offset of the set-point, or a set-point of its own, from further up.

    offset      share = offset
    set-point   share = set-point − what the station itself wants; it beats an offset

Both are bounded by the file and end by themselves; then, and whenever one replaces the other, the share
goes over within 10 min. A station that loses its uplink is back on its own curve without anybody's help.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.setpoint.wish import WishSlot
from controller.fields import Amount, Settings, Span
from controller.points import Term

CHANGE_S = 600.0
Kind = Literal["offset", "setpoint"]


class RemoteSettings(Settings):
    """What may be asked from further up (上位修正)."""

    offset: Annotated[float, Amount("temperature_difference", 0, 20)] = Field(
        5.0, description="Largest offset of the set-point, either way"
    )
    setpoint: Annotated[tuple[float, float], Span("temperature", 10, 95)] = Field(
        (25.0, 65.0), description="Lowest and highest set-point that may be asked for"
    )
    longest: Annotated[float, Amount("time", 60, 604800)] = Field(
        86400.0, description="Longest time until a wish ends"
    )


class RemoteInfluence:
    """A share of the set-point in K. `slots["offset"]`, `slots["setpoint"]` take the wishes."""

    def __init__(self, settings: RemoteSettings) -> None:
        self.settings = settings
        low, high = settings.setpoint
        self.slots: dict[Kind, WishSlot] = {
            "offset": WishSlot(-settings.offset, settings.offset, settings.longest),
            "setpoint": WishSlot(low, high, settings.longest),
        }
        self.share = Fade(CHANGE_S)
        self._kind: Kind | None = None
        self._now = 0.0

    def step(self, own: float, now: float, dt_s: float) -> float:
        """The share, K. `own`: the set-point that the station itself wants, °C, without this share."""
        self._now = now
        alive = {kind: slot.alive(now) for kind, slot in self.slots.items()}
        setpoint, offset = alive["setpoint"], alive["offset"]
        if setpoint is not None and math.isfinite(own):
            self._kind = "setpoint"
            return self.share.step(setpoint.value - own, dt_s, setpoint)
        if offset is not None:
            self._kind = "offset"
            return self.share.step(offset.value, dt_s, offset)
        self._kind = None
        return self.share.step(None, dt_s)

    def explain(self) -> Term | None:
        """None while nobody wishes anything and the last wish has faded."""
        share = ("share", self.share.value, "temperature_difference")
        wish = self.slots[self._kind].wish if self._kind is not None else None
        if wish is None:
            return Term("remote_fades", (share,)) if abs(self.share.value) >= 0.05 else None
        who = (
            share,
            ("user", wish.user, "text"),
            ("source", wish.source, "text"),
            ("left", max(wish.expires - self._now, 0.0), "time"),
        )
        if self._kind == "setpoint":
            return Term("remote_setpoint", (*who, ("wanted", wish.value, "temperature")))
        return Term("remote_offset", (*who, ("wanted", wish.value, "temperature_difference")))

    def state(self) -> dict[str, Any]:
        """Wishes and share."""
        return {"share": self.share.value} | {kind: slot.state() for kind, slot in self.slots.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it; a wish that has ended meanwhile fades."""
        for kind, slot in self.slots.items():
            slot.restore(state.get(kind))
        self.share.restore(remembered(state, "share", 0.0, -70, 70))
