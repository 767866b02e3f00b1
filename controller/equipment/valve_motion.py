"""Does the valve go where it is told? A stem that stands still, and a motor that runs the wrong way.

Where there is a feedback both are judged by it alone, within seconds: a healthy actuator comes nearer to its
command from the first second on, so a quarter of its stroke without any motion is proof enough. Limits are
own judgement, wider than the dead band of an actuator (1 %) and shorter than the two minutes in which a
person wants to know. Without one only the water can say that a valve which is driven shut is not: it leaves
warmer than it came. Water that stood in the exchanger, and a weak leak, are no such sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.equipment.watcher import Watcher, lasting, readable
from controller.points import Image, Output, Term
from controller.safety.rules import Rule

ASTRAY_PERCENT = 2.5
STILL_PERCENT = 0.5
STUCK_STROKES = 0.25
STUCK_MARGIN_S = 40.0
AWAY_PERCENT = 3.0
"""So far the position must run away from its command before the motor is said to be reversed."""
SHUT_PERCENT, SHUT_STROKES, SHUT_S = 0.5, 2.0, 600.0
WARMER_K, AS_COLD_K = 2.0, 1.0


class ValveMotion(Watcher):
    """The command has left the position behind, which stands still or runs away from it."""

    def __init__(self, image: Image, circuit: str, valve: Output, stroke_time: float) -> None:
        super().__init__()
        self.subject = f"{circuit}.valve_command"
        self._valve = valve
        self._position = image[f"{circuit}.valve_position"]
        self._local = image.points.get(f"{circuit}.valve_local")
        self._stuck_s = STUCK_STROKES * min(stroke_time, 300.0) + STUCK_MARGIN_S
        self._stood_at = math.nan
        self._since: float | None = None
        self._lasts = 0.0
        self._nearest = math.nan
        """Position nearest to the command since it was left behind on this side."""
        self._side, self._command = 0.0, math.nan
        self.reversed = False

    @property
    def suspect(self) -> bool:
        return self._since is not None or self.reversed or not self._valve.confirmed

    def step(self, now: float, may_learn: bool) -> None:
        valve, position = self._valve, self._position
        known = readable(valve, position) and not (self._local is not None and self._local.on)
        left = valve.value - position.value if known else 0.0
        if abs(left) < ASTRAY_PERCENT:
            self._since, self._nearest = None, math.nan
            self.reversed = self.reversed and not known
        else:
            self._judge(now, position.value, math.copysign(1.0, left))
        self._lasts = now - self._since if self._since is not None else 0.0

    def _judge(self, now: float, position: float, towards: float) -> None:
        """`towards`: the sign of the way to the command."""
        if self._since is None or not abs(position - self._stood_at) <= STILL_PERCENT:
            self._since, self._stood_at = now, position
        back = towards * (self._valve.value - self._command) < 0.0
        if back or towards != self._side or not math.isfinite(self._nearest):
            # A command that comes back, or has turned round, finds the valve on its way to where it was, and
            # takes it along where the feedback is off.
            self._side, self._nearest = towards, position
        self._command = self._valve.value
        gone = towards * (position - self._nearest)
        if gone > 0.0:
            self._nearest = position
        elif gone <= -AWAY_PERCENT:
            self.reversed = True

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "valve_reversed",
            self.subject,
            lambda: self.reversed,
            priority="urgent",
            shows=lambda: (
                ("command", self._valve.value, "percent"),
                ("position", self._position.value, "percent"),
            ),
        )
        yield Rule(
            "valve_stuck",
            self.subject,
            lambda: self._lasts >= self._stuck_s and not self.reversed,
            priority="high",
            shows=lambda: (
                ("command", self._valve.value, "percent"),
                ("position", self._position.value, "percent"),
                *lasting(self._lasts),
            ),
        )

    def explain(self) -> Term:
        values = (
            ("command", self._valve.value, "percent"),
            ("position", self._position.value, "percent"),
        )
        return Term("valve_followed", values)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """It remembers nothing."""


class ValveShut(Watcher):
    """A valve without feedback is driven shut, and the water is heated all the same."""

    def __init__(self, image: Image, circuit: str, valve: Output, stroke_time: float) -> None:
        super().__init__()
        self.subject = f"{circuit}.valve_command"
        self._valve = valve
        self._supply, self._back = (
            image[f"{circuit}.supply_temperature"],
            image[f"{circuit}.return_temperature"],
        )
        self._circulation = image[f"{circuit}.circulation"]
        self._shut_s = SHUT_STROKES * stroke_time + SHUT_S
        self._since: float | None = None
        self._lasts = 0.0
        self.found = False

    @property
    def suspect(self) -> bool:
        return self.found

    @property
    def warmer(self) -> float:
        """Supply less return, K."""
        return self._supply.value - self._back.value

    def step(self, now: float, may_learn: bool) -> None:
        shut = readable(self._valve) and self._valve.value <= SHUT_PERCENT
        flows = readable(self._circulation, self._supply, self._back) and self._circulation.value == 1
        if not (shut and flows and self.warmer >= (AS_COLD_K if self.found else WARMER_K)):
            self._since, self._lasts, self.found = None, 0.0, False
            return
        self._since = now if self._since is None else self._since
        self._lasts = now - self._since
        self.found = self._lasts >= self._shut_s

    def rules(self) -> Iterator[Rule]:
        yield Rule(
            "valve_not_shut",
            self.subject,
            lambda: self.found,
            priority="high",
            shows=lambda: (
                ("warmer", self.warmer, "temperature_difference"),
                *lasting(self._lasts),
            ),
        )

    def explain(self) -> Term:
        values = (
            ("command", self._valve.value, "percent"),
            ("warmer", self.warmer, "temperature_difference"),
        )
        return Term("valve_shut_compared", values)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """It remembers nothing."""
