"""Scalars of a profile. YAML leaves every scalar as text, so that `010`, `no` and `1_0` are not guessed."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_INTEGER = re.compile(r"[-+]?(\d+|0[xX][0-9a-fA-F]+)")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def parse_integer(value: Any) -> int:
    """A decimal or 0x integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        text = value.strip()
        return int(text, 16) if "x" in text.lower() else int(text, 10)
    raise PydanticCustomError("whole_number", "{value} is not a whole number", {"value": str(value)})


def parse_number(value: Any) -> float:
    """A plain decimal number: no NaN, no infinity, no digit separators."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    raise PydanticCustomError("number", "{value} is not a number", {"value": str(value)})


def parse_duration(value: Any) -> float:
    """A duration with its unit, as seconds: `500 ms`, `30 s`, `5 min`, `2 h`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match:
            return float(match[1]) * _SECONDS[match[2]]
        if _NUMBER.fullmatch(value.strip()):
            raise PydanticCustomError(
                "no_unit", "{value} has no unit", {"value": value.strip(), "units": "ms, s, min, h"}
            )
    raise PydanticCustomError("duration", "{value} is not a duration", {"value": str(value)})


Integer = Annotated[int, BeforeValidator(parse_integer)]
Number = Annotated[float, BeforeValidator(parse_number)]
Seconds = Annotated[float, BeforeValidator(parse_duration)]
