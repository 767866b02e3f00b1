"""Types of settings: text of the file → values in the one unit, with their range on the definition.

The loader leaves every scalar as text (YAML guesses `no`, `010` and `12:30` wrongly). Errors carry a
code and values; the sentence comes from the text catalogue, never from pydantic.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from controller.quantities import QUANTITIES, BadQuantity, Quantity, parse, parse_span

T = TypeVar("T")


class Settings(BaseModel):
    """Base of every settings model: unknown keys are errors; adjustable values may change at run time."""

    model_config = ConfigDict(extra="forbid", validate_default=False)


@dataclass(frozen=True)
class Amount:
    """A value of a quantity within `low` … `high` (in its one unit).

    `adjustable`: an operator may change it at run time; it becomes a point of the station.
    """

    quantity: str
    low: float = -math.inf
    high: float = math.inf
    adjustable: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def read(self, value: Any) -> float:
        """Value of the text; PydanticCustomError with a catalogue code otherwise."""
        quantity = QUANTITIES[self.quantity]
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value)
        else:
            number = _parsed(lambda: parse(_text(value), quantity), quantity)
        _in_range(number, self.low, self.high, quantity, str(value))
        return number


@dataclass(frozen=True)
class Span:
    """Two values of a quantity, low then high: `25…50 Hz`."""

    quantity: str
    low: float = -math.inf
    high: float = math.inf

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def read(self, value: Any) -> tuple[float, float]:
        """Both ends; PydanticCustomError with a catalogue code otherwise."""
        quantity = QUANTITIES[self.quantity]
        if isinstance(value, tuple):
            return (float(value[0]), float(value[1]))
        low, high = _parsed(lambda: parse_span(_text(value), quantity), quantity)
        for end in (low, high):
            _in_range(end, self.low, self.high, quantity, quantity.show(end))
        if low >= high:
            raise PydanticCustomError("span_order", "{value}", {"value": str(value)})
        return low, high


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("not_a_value", "{value}", {"value": _kind_of(value)})
    return value


def _kind_of(value: Any) -> str:
    return {dict: "map", list: "list", type(None): "empty"}.get(type(value), type(value).__name__)


def _parsed(read: Callable[[], T], quantity: Quantity) -> T:
    try:
        return read()
    except BadQuantity as problem:
        raise PydanticCustomError(
            problem.code,
            "{value}",
            {"value": problem.text, "units": quantity.units(), "unit": quantity.unit},
        ) from None


def _in_range(number: float, low: float, high: float, quantity: Quantity, text: str) -> None:
    if low <= number <= high:
        return
    code = "too_low" if number < low else "too_high"
    allowed = f"{_end(low, quantity)} … {_end(high, quantity)} {quantity.unit}".strip()
    if math.isinf(low) or math.isinf(high):
        bound = f"{_end(low, quantity)}" if math.isinf(high) else f"{_end(high, quantity)}"
        sign = "≥" if math.isinf(high) else "≤"
        allowed = f"{sign} {bound} {quantity.unit}".strip()
    raise PydanticCustomError(
        "too_low" if code == "too_low" else "too_high", "{value}", {"value": text, "allowed": allowed}
    )


def _end(value: float, quantity: Quantity) -> str:
    return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"


_FLAGS = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("yes", "no"):
        return _FLAGS[value]
    raise PydanticCustomError("not_a_flag", "{value}", {"value": str(value), "allowed": "yes, no"})


_NAME = re.compile(r"[a-z][a-z0-9_]*")
_REFERENCE = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
_WINDOW = re.compile(r"([01]\d|2[0-3])(?::([0-5]\d))?\s*[-–~]\s*([01]\d|2[0-4])(?::([0-5]\d))?")


def _name(value: Any) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise PydanticCustomError("not_a_name", "{value}", {"value": str(value)})


def _reference(value: Any) -> str:
    if isinstance(value, str) and _REFERENCE.fullmatch(value):
        return value
    raise PydanticCustomError("not_a_reference", "{value}", {"value": str(value)})


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value):
        return int(value)
    raise PydanticCustomError("not_whole", "{value}", {"value": str(value)})


def _window(value: Any) -> tuple[float, float]:
    """Seconds of the day of `06-08` or `22:30-05:00`."""
    if isinstance(value, tuple):
        return (float(value[0]), float(value[1]))
    match = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("not_a_window", "{value}", {"value": str(value)})
    begin = int(match[1]) * 3600 + int(match[2] or 0) * 60
    end = int(match[3]) * 3600 + int(match[4] or 0) * 60
    if end > 86400 or begin == end:
        raise PydanticCustomError("not_a_window", "{value}", {"value": str(value)})
    return float(begin), float(end)


def _words(value: Any) -> str:
    if isinstance(value, str) and value.strip() and value.isprintable():
        return value.strip()
    raise PydanticCustomError("not_text", "{value}", {"value": _kind_of(value)})


Flag = Annotated[bool, BeforeValidator(_flag)]
Name = Annotated[str, BeforeValidator(_name)]
Reference = Annotated[str, BeforeValidator(_reference)]
"""`device.point`."""
Whole = Annotated[int, BeforeValidator(_whole)]
Words = Annotated[str, BeforeValidator(_words)]
DayWindow = Annotated[tuple[float, float], BeforeValidator(_window)]
"""(begin, end) in seconds of the local day; end < begin runs over midnight."""
