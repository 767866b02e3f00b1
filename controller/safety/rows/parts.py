"""What the rows of the safety table are made of: signs that can be read, and actions on outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from controller.alarms import Values
from controller.points import Output, Point

Clock = Callable[[], float]
"""Plant seconds of this scan."""


def on(point: Point | None) -> Callable[[], bool]:
    """A contact that is there, can be read and is set."""
    return lambda: point is not None and point.on


def above(point: Point | None, value: float) -> bool:
    """Usable and at or above."""
    return point is not None and point.usable and point.value >= value


def below(point: Point | None, value: float) -> bool:
    """Usable and below."""
    return point is not None and point.usable and point.value < value


class HoldAtMost:
    """No further open than when the rule began, but `least` is always left.

    Not the momentary opening: that one would only ever shrink, and starve the station in a few days.
    """

    def __init__(self, output: Output, least: float) -> None:
        self.output, self.least = output, least
        self.opening = math.nan

    def begin(self) -> None:
        """Remember where it stands."""
        self.opening = self.output.value

    def __call__(self, code: str) -> None:
        """Close the band from above."""
        if math.isfinite(self.opening):
            self.output.limit.at_most(max(self.opening, self.least), code)


class Portions:
    """Outputs may run for `run_s` of every `of_s` seconds; a pause comes first."""

    def __init__(self, outputs: Sequence[Output], clock: Clock, run_s: float, of_s: float) -> None:
        self.outputs, self.clock, self.run_s, self.of_s = outputs, clock, run_s, of_s
        self.acted_at = -math.inf
        self._since = 0.0

    def begin(self) -> None:
        """The first pause begins."""
        self._since = self.clock()

    def __call__(self, code: str) -> None:
        """Close the band in the pauses."""
        self.acted_at = self.clock()
        if (self.acted_at - self._since) % self.of_s < self.of_s - self.run_s:
            at_most(self.outputs, 0.0)(code)


def at_most(outputs: Sequence[Output], value: float) -> Callable[[str], None]:
    """Close the band of some outputs from above."""

    def act(code: str) -> None:
        for output in outputs:
            output.limit.at_most(value, code)

    return act


def shown(name: str, point: Point | None, quantity: str) -> Callable[[], Values]:
    """Value of a point for the text of an alarm."""
    return lambda: ((name, point.value if point is not None else math.nan, quantity),)
