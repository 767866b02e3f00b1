"""Points, outputs and the image that holds them: the words that everything is said in.

A value never travels without its quality. A point has one writer, which created it; an output has
four slots with one writer each, and the slot that won is its reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from controller.quantities import QUANTITIES


class Quality(IntEnum):
    """How far a value can be trusted."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


@dataclass(frozen=True, slots=True)
class Term:
    """One step of an explanation: a code of the text catalogue, its values, and what it rests on.

    `values` are (name, value, quantity) and fill the placeholders of the text.
    """

    code: str
    values: tuple[tuple[str, float | str, str], ...] = ()
    children: tuple[Term, ...] = ()


class Point:
    """A named value with quality, reason and source time.

    `value`: float in the quantity's unit (a flag is 0 or 1, a choice the index of its name);
    `reason`: code of what is wrong or special with it, empty when nothing is;
    `time`: plant seconds when it was read or calculated.
    """

    __slots__ = (
        "choices",
        "high",
        "low",
        "name",
        "quality",
        "quantity",
        "reason",
        "role",
        "time",
        "value",
    )

    def __init__(
        self,
        name: str,
        quantity: str,
        value: float = math.nan,
        quality: Quality = Quality.BAD,
        reason: str = "no_reading",
        choices: tuple[str, ...] = (),
        low: float = -math.inf,
        high: float = math.inf,
        role: str = "measured",
    ) -> None:
        if quantity not in QUANTITIES:
            raise ValueError(f"{name}: no quantity {quantity}")
        self.name = name
        self.quantity = quantity
        self.value = value
        self.quality = quality
        self.reason = reason
        self.time = -math.inf
        self.choices = choices
        self.low = low
        self.high = high
        self.role = role

    @property
    def usable(self) -> bool:
        """True when control may use the value (good or uncertain)."""
        return self.quality is not Quality.BAD

    @property
    def on(self) -> bool:
        """A usable flag that is set."""
        return self.quality is not Quality.BAD and self.value >= 0.5

    def put(self, value: float, time: float) -> None:
        """A good value."""
        self.value, self.time = value, time
        self.quality, self.reason = Quality.GOOD, ""

    def mark(self, value: float, quality: Quality, reason: str, time: float) -> None:
        """A value with its quality."""
        self.value, self.quality, self.reason, self.time = value, quality, reason, time

    def show(self) -> str:
        """Value for people: with unit, or the name of the choice."""
        if self.choices and self.usable:
            return self.choices[int(self.value)]
        if self.quantity == "flag" and self.usable:
            return "on" if self.value >= 0.5 else "off"
        return QUANTITIES[self.quantity].show(self.value)


def reading(point: Point | None) -> float:
    """Value of a point; NaN for what is not there or cannot be used."""
    return point.value if point is not None and point.usable else math.nan


class Slot(IntEnum):
    """Which slot of an output won; the larger is the stronger."""

    FAILSAFE = 0
    DEMAND = 1
    OVERRIDE = 2
    LIMIT = 3


SLOT_NAMES = tuple(slot.name.lower() for slot in Slot)


@dataclass(frozen=True, slots=True)
class Override:
    """A person's hand on an output, until it expires."""

    value: float
    user: str
    source: str
    expires: float
    reason: str = ""


@dataclass(slots=True)
class Limit:
    """The band that safety leaves to an output, and the rule that set each end.

    Rules are applied the strongest first, so a weaker one never widens or empties the band.
    """

    low: float = -math.inf
    high: float = math.inf
    low_rule: str = ""
    high_rule: str = ""

    def clear(self) -> None:
        """Leave everything open."""
        self.low, self.high, self.low_rule, self.high_rule = -math.inf, math.inf, "", ""

    def at_most(self, value: float, rule: str) -> None:
        """Close the band from above, but not below a floor that a stronger rule has set."""
        value = max(value, self.low)
        if value < self.high:
            self.high, self.high_rule = value, rule

    def at_least(self, value: float, rule: str) -> None:
        """Close the band from below, but not above a ceiling that a stronger rule has set."""
        value = min(value, self.high)
        if value > self.low:
            self.low, self.low_rule = value, rule


class Output(Point):
    """An output: `demand` (circuit), `override` (command stage), `limit` (safety), `value` (output stage).

    `rate`: largest change in units per second (inf: at once); `dead_band`: smaller changes are not
    sent; `failsafe`: what it takes when its circuit breaks, None = hold; `confirmed`: False while the device
    shows something else than it was told, again and again.
    """

    __slots__ = ("confirmed", "dead_band", "demand", "failsafe", "limit", "override", "rate", "rule", "slot")

    def __init__(
        self,
        name: str,
        quantity: str,
        low: float,
        high: float,
        *,
        failsafe: float | None,
        rate: float = math.inf,
        dead_band: float = 0.0,
    ) -> None:
        super().__init__(name, quantity, low=low, high=high, role="output", reason="never_written")
        self.demand: float = math.nan
        self.override: Override | None = None
        self.limit = Limit()
        self.slot = Slot.FAILSAFE
        self.rule = ""
        self.failsafe = failsafe
        self.rate = rate
        self.dead_band = dead_band
        self.confirmed = True


P = TypeVar("P", bound=Point)


class Image:
    """All points of a station by name. Whoever writes a point adds it, once."""

    __slots__ = ("outputs", "points", "rebuilding")

    def __init__(self) -> None:
        self.points: dict[str, Point] = {}
        self.outputs: dict[str, Output] = {}
        self.rebuilding = False

    def add(self, point: P) -> P:
        """Register a point; ValueError when somebody else writes it already.

        While a broken circuit is rebuilt (`rebuilding`) its writer gets its own old point back.
        """
        known = self.points.get(point.name)
        if known is not None:
            if self.rebuilding and type(known) is type(point):
                return known
            raise ValueError(f"{point.name} has a writer already")
        self.points[point.name] = point
        if isinstance(point, Output):
            self.outputs[point.name] = point
        return point

    def __getitem__(self, name: str) -> Point:
        return self.points[name]

    def sensors(self, name: str) -> tuple[Point, ...]:
        """The two or three sensors of a redundant point, none of another."""
        numbered = (self.points.get(f"{name}_{number}") for number in (1, 2, 3))
        return tuple(point for point in numbered if point is not None)


@dataclass(frozen=True, slots=True)
class PointInfo:
    """What does not change about a point: for the door, the store and the tools."""

    name: str
    quantity: str
    role: str
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    writable: bool = False


@dataclass(frozen=True, slots=True)
class AlarmView:
    """An alarm as others see it. `values` fill its text's placeholders.

    `hidden_by`: why it is not announced: the cause as code@subject, `shelf`, or empty; `shelved_until`
    and `shelved_by`: the end of a shelf and who put it there; `first`: the first of a burst.
    """

    code: str
    subject: str
    priority: str
    since: float
    ended: float | None
    acknowledged: bool
    values: tuple[tuple[str, float | str, str], ...] = ()
    hidden_by: str = ""
    shelved_until: float | None = None
    shelved_by: str = ""
    first: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the scan published: immutable, picklable, one row a point in the catalogue's order."""

    scan: int
    time: float
    wall: float
    values: tuple[float, ...]
    qualities: bytes
    reasons: tuple[str, ...]
    times: tuple[float, ...]
    alarms: tuple[AlarmView, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened and must not be lost: alarm, command with its effect, mode change."""

    time: float
    wall: float
    kind: str
    subject: str
    code: str
    user: str = ""
    source: str = ""
    values: tuple[tuple[str, float | str, str], ...] = field(default=())


def catalogue(points: Iterable[Point], writable: Iterable[str]) -> tuple[PointInfo, ...]:
    """The fixed part of `points`, in their order; `writable` names those that take commands."""
    names = set(writable)
    return tuple(
        PointInfo(p.name, p.quantity, p.role, p.choices, p.low, p.high, p.name in names) for p in points
    )
