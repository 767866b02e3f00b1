"""Shortage: the heat source is short, and further up somebody shares out what there is.

    by share   Ts ≤ Ti + (T − Ti)·s^0.81       T: what the station wants, Ti: room, s: share of the load
    by maximum Ts ≤ maximum

The exponent is that of the whole supply rise over the load: of (Tm0 − Ti)·q^(1/1.3) + ½·ΔT0·q for
60/45 °C and a 20 °C room it is 0.811 between q = 0.5 and 0.7, and within 0.01 between 0.3 and 1. Both end by
themselves and come and go within 10 min. The result never falls below `lowest` (frost is not to be bought
with a shortage), and a share never below `least_share`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.setpoint.wish import WishSlot
from controller.fields import Amount, Settings
from controller.points import Term

CHANGE_S = 600.0
EXPONENT = 0.81
Kind = Literal["share", "supply"]


class ShortageSettings(Settings):
    """What a shortage of heat may take away (热源不足限制)."""

    least_share: Annotated[float, Amount("fraction", 0.2, 1)] = Field(
        0.5, description="No smaller share of the load may be asked for"
    )
    lowest: Annotated[float, Amount("temperature", 20, 60)] = Field(
        30.0, description="The supply set-point is never cut below"
    )
    longest: Annotated[float, Amount("time", 600, 604800)] = Field(
        86400.0, description="Longest time until a limit ends"
    )


class Shortage:
    """A share of the set-point in K, 0 or below. `slots["share"]` (0 … 1) and `slots["supply"]` (°C)."""

    def __init__(self, settings: ShortageSettings) -> None:
        self.settings = settings
        self.slots: dict[Kind, WishSlot] = {
            "share": WishSlot(settings.least_share, 1.0, settings.longest),
            "supply": WishSlot(settings.lowest, 95.0, settings.longest),
        }
        self.share = Fade(CHANGE_S)
        self._now = 0.0

    def step(self, wanted: float, room: float, now: float, dt_s: float) -> float:
        """The share, K. `wanted`: set-point before it, °C; `room`: room temperature wanted, °C."""
        self._now = now
        part = self.slots["share"].alive(now)
        most = self.slots["supply"].alive(now)
        if (part is None and most is None) or not math.isfinite(wanted):
            return self.share.step(None, dt_s)
        cut = wanted
        if part is not None and wanted > room:
            cut = room + (wanted - room) * part.value**EXPONENT
        if most is not None:
            cut = min(cut, most.value)
        cut = max(cut, min(wanted, self.settings.lowest))
        return self.share.step(cut - wanted, dt_s, (part, most))

    def explain(self) -> list[Term]:
        """One term for each limit that holds, or that it fades."""
        share = ("share", self.share.value, "temperature_difference")
        terms = []
        part, most = self.slots["share"].wish, self.slots["supply"].wish
        if part is not None:
            who = (("user", part.user, "text"), ("left", max(part.expires - self._now, 0.0), "time"))
            load = ("load", 100 * part.value, "percent")
            terms.append(Term("shortage_share", (share, load, *who)))
        if most is not None:
            who = (("user", most.user, "text"), ("left", max(most.expires - self._now, 0.0), "time"))
            terms.append(Term("shortage_supply", (share, ("limit", most.value, "temperature"), *who)))
        if not terms and abs(self.share.value) >= 0.05:
            terms.append(Term("shortage_fades", (share,)))
        return terms

    def state(self) -> dict[str, Any]:
        """Limits and share."""
        return {"cut": self.share.value} | {kind: slot.state() for kind, slot in self.slots.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it; a limit that has ended meanwhile fades."""
        for kind, slot in self.slots.items():
            slot.restore(state.get(kind))
        self.share.restore(remembered(state, "cut", 0.0, -75, 0))
