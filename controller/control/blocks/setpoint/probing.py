"""Probing: a short opening while a limiter holds the valve shut.

Behind a shut valve the water stands, and the sensors show the pipe, not the network: a return that has
cooled down or soaked up heat, a flow of nothing. The limiter could hold the valve shut for ever on it. So
every 10 min the valve opens to `opening` for 180 s (the Saia PCD heating block does so, to 40 %), and what
the sensors show then decides.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controller.fields import Amount, Settings
from controller.points import Term

SHUT_PERCENT = 2.0


class ProbingSettings(Settings):
    """Openings while a limiter holds the valve shut (限制关阀时的探测开启)."""

    every: Annotated[float, Amount("time", 120, 7200)] = Field(
        600.0, description="Time shut before the valve opens"
    )
    opening: Annotated[float, Amount("percent", 2, 60)] = Field(20.0, description="Valve opening meanwhile")
    duration: Annotated[float, Amount("time", 10, 900)] = Field(180.0, description="Time open")


class Probing:
    """Least opening of the valve in %, 0 while it does not probe."""

    def __init__(self, settings: ProbingSettings) -> None:
        self.settings = settings
        self.opening = 0.0
        self._shut = 0.0
        self._open = 0.0

    def step(self, limiting: bool, demand: float, allowed: bool, dt_s: float) -> float:
        """Least opening, %. `limiting`: a limiter lowers the set-point; `demand`: opening that the loop
        asks for, %; `allowed`: water circulates and no safety row is active. A probe that has begun ends
        early only when it is no longer allowed."""
        dt_s = max(dt_s, 0.0)
        if not allowed:
            self._shut = self._open = self.opening = 0.0
            return 0.0
        if self.opening > 0:
            self._open += dt_s
            if self._open < self.settings.duration:
                return self.opening
            self._shut = self.opening = 0.0
            return 0.0
        self._shut = self._shut + dt_s if limiting and demand <= SHUT_PERCENT else 0.0
        if self._shut >= self.settings.every:
            self._open, self.opening = 0.0, self.settings.opening
        return self.opening

    def explain(self) -> Term | None:
        """None while it does not probe."""
        if self.opening <= 0:
            return None
        left = ("left", max(self.settings.duration - self._open, 0.0), "time")
        return Term("probing", (("opening", self.opening, "percent"), left))
