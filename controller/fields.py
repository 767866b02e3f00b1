"""Types of settings: text of the file → values in the one unit, with their range on the definition.

The loader leaves every scalar as text (YAML guesses `no`, `010` and `12:30` wrongly). Errors carry a
code and values; the sentence comes from the text catalogue, never from pydantic.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from controller.quantities import QUANTITIES, BadQuantity, Quantity, parse, parse_span, split

T = TypeVar("T")


class Settings(BaseModel):
    """Base of every settings model: unknown keys are errors; adjustable values may change at run time."""

    model_config = ConfigDict(extra="forbid", validate_default=False)

    def lacks(self, field: str, value: float) -> str:
        """Name of the section without which the adjustable `field` cannot take `value`, or nothing."""
        return ""


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
        return core_schema.no_info_plain_validator_function(
            self.read, json_schema_input_schema=self._in_the_file()
        )

    def _in_the_file(self) -> CoreSchema:
        """What an editor may expect here: text with a unit, or a plain number."""
        return core_schema.union_schema([core_schema.str_schema(), core_schema.float_schema()])

    def read(self, value: Any) -> float:
        """Value of the text; PydanticCustomError with a catalogue code otherwise."""
        quantity = QUANTITIES[self.quantity]
        if isinstance(value, int | float) and not isinstance(value, bool):
            number, unit = float(value), quantity.unit
        else:
            number = read_as(_text(value), lambda text: parse(text, quantity), quantity)
            unit = split(value)[1]
        if math.isnan(number):
            raise _problem("not_a_number", value, units=quantity.units())
        _in_range(number, self.low, self.high, quantity, str(value).strip(), unit)
        return number


@dataclass(frozen=True)
class Switch(Amount):
    """Positions by name in the file, by their index (0, 1 …) at run time."""

    names: tuple[str, ...] = ()

    def _in_the_file(self) -> CoreSchema:
        return core_schema.literal_schema(list(self.names))

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


@dataclass(frozen=True)
class Span:
    """Two values of a quantity, low then high: `25…50 Hz`."""

    quantity: str
    low: float = -math.inf
    high: float = math.inf

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read, json_schema_input_schema=core_schema.str_schema()
        )

    def read(self, value: Any) -> tuple[float, float]:
        """Both ends; PydanticCustomError with a catalogue code otherwise."""
        quantity = QUANTITIES[self.quantity]
        if isinstance(value, tuple):
            return (float(value[0]), float(value[1]))
        low, high = read_as(_text(value), lambda text: parse_span(text, quantity), quantity)
        for end in (low, high):
            shown = f"{end:g} {quantity.unit}"
            _in_range(end, self.low, self.high, quantity, shown, quantity.unit)
        if low >= high:
            raise _problem("span_order", value)
        return low, high


def _problem(code: str, value: Any, **values: str) -> PydanticCustomError:
    """An error that carries a code of the catalogue and what its sentence needs."""
    return PydanticCustomError(code, "{value}", {"value": str(value), **values})


def _text(value: Any) -> str:
    """A scalar's text. Keys or a list where one value is expected have their own sentence."""
    if isinstance(value, dict):
        raise _problem("value_not_map", "{…}")
    if isinstance(value, list):
        raise _problem("value_not_list", "[…]")
    return str(value)


def plain_width(text: str) -> str:
    """Full-width signs as plain ones: `－５　℃` → `-5 °C`."""
    return unicodedata.normalize("NFKC", text).replace("。", ".").replace("、", ",")


def quantity_problem(problem: BadQuantity, quantity: Quantity) -> tuple[str, dict[str, str]]:
    """Code and values of its sentence: the units, and the value as it may have been meant."""
    code = problem.code
    if not quantity.unit and code in ("wrong_unit", "not_a_number"):
        code = "plain_number"
    text = problem.text.strip()
    examples = ", ".join(f"{text} {unit}" for unit in quantity.units().split(", ")[:3])
    return code, {"value": text, "units": quantity.units(), "unit": quantity.unit, "examples": examples}


def read_as(text: str, read: Callable[[str], T], quantity: Quantity) -> T:
    """`read(text)`; PydanticCustomError with a catalogue code when it is no such value."""
    try:
        return read(text)
    except BadQuantity as problem:
        _mend(text, read)
        code, values = quantity_problem(problem, quantity)
        raise PydanticCustomError(code, "{value}", values) from None


def _mend(text: str, read: Callable[[str], object]) -> None:
    """Say so when only the width of the signs is wrong."""
    plain = plain_width(text)
    if plain == text:
        return
    try:
        read(plain)
    except (ValueError, PydanticCustomError):
        return
    raise _problem("full_width", text, right=plain)


def _in_range(number: float, low: float, high: float, quantity: Quantity, text: str, unit: str) -> None:
    """The range is told in the `unit` that was written."""
    if low <= number <= high:
        return
    factor = quantity.factor(unit) or 1.0
    least, most = (f"{round(end / factor, 6):.10g}" for end in (low, high))
    allowed = f"{least} … {most}"
    if math.isinf(high):
        allowed = f"≥ {least}"
    elif math.isinf(low):
        allowed = f"≤ {most}"
    code = "too_low" if number < low else "too_high"
    raise _problem(code, text, allowed=f"{allowed} {unit}".strip())


def _matched(code: str, pattern: re.Pattern[str], value: Any) -> re.Match[str]:
    text = _text(value)
    match = pattern.fullmatch(text)
    if match is None:
        plain = plain_width(text)
        raise _problem("full_width" if plain != text else code, text, right=plain)
    return match


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("yes", "no"):
        return bool(value == "yes")
    raise _problem("not_a_flag", _text(value), allowed="yes, no")


_NAME = re.compile(r"[a-z][a-z0-9_]*")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_REFERENCE = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
_WINDOW = re.compile(r"([01][0-9]|2[0-3])(?::([0-5][0-9]))?\s*[-–~]\s*([01][0-9]|2[0-4])(?::([0-5][0-9]))?")

_MONTH_DAY = re.compile(r"([0-9]{1,2})-([0-9]{1,2})")
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _name(value: Any) -> str:
    return _matched("not_a_name", _NAME, value)[0]


def _reference(value: Any) -> str:
    return _matched("not_a_reference", _REFERENCE, value)[0]


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(_matched("not_whole", _WHOLE, value)[0])


def _window(value: Any) -> tuple[float, float]:
    """Seconds of the day of `06-08` or `22:30-05:00`."""
    if isinstance(value, tuple):
        return (float(value[0]), float(value[1]))
    match = _matched("not_a_window", _WINDOW, value)
    begin = int(match[1]) * 3600 + int(match[2] or 0) * 60
    end = int(match[3]) * 3600 + int(match[4] or 0) * 60
    if end > 86400 or begin == end:
        raise _problem("not_a_window", value)
    return float(begin), float(end)


def _month_day(value: Any) -> tuple[int, int]:
    """(month, day) of `10-20`; 29 February is no day of every year."""
    if isinstance(value, tuple):
        return (int(value[0]), int(value[1]))
    match = _matched("not_a_date", _MONTH_DAY, value)
    month, day = int(match[1]), int(match[2])
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1]:
        raise _problem("not_a_date", value)
    return month, day


def _words(value: Any) -> str:
    text = _text(value).strip()
    if not text or not text.replace("\u00a0", " ").isprintable():
        raise _problem("not_text", text)
    return text


def one_of(*choices: str) -> BeforeValidator:
    """For a Literal whose choices people write in several ways: `4-20mA` is meant to be `4…20 mA`."""

    def read(value: Any) -> Any:
        key = _simple(value) if isinstance(value, str) else ""
        return next((choice for choice in choices if _simple(choice) == key), value)

    return BeforeValidator(read)


def _simple(text: str) -> str:
    return re.sub(r"\.{2,}|…+|[-~–]", "…", plain_width(text)).replace(" ", "").lower()


Flag = Annotated[bool, BeforeValidator(_flag)]
Name = Annotated[str, BeforeValidator(_name)]
Reference = Annotated[str, BeforeValidator(_reference)]
"""`device.point`."""
Whole = Annotated[int, BeforeValidator(_whole)]
Words = Annotated[str, BeforeValidator(_words)]
DayWindow = Annotated[tuple[float, float], BeforeValidator(_window, json_schema_input_type=str)]
"""(begin, end) in seconds of the local day; end < begin runs over midnight."""
MonthDay = Annotated[tuple[int, int], BeforeValidator(_month_day, json_schema_input_type=str)]
"""(month, day) of every year."""
