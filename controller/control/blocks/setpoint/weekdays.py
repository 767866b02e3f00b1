"""Days of a weekly schedule as people write them: `mon-fri`, `sat`, `mon, wed`, `daily`, `周一至周五`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_NAMES = {name: day for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_NAMES |= {name: day for day, name in enumerate(("周一", "周二", "周三", "周四", "周五", "周六", "周日"))}
_ALL = ("daily", "每天")


def _days(value: Any) -> tuple[int, ...]:
    """Days, Monday is 0; `fri-mon` runs over the weekend."""
    if isinstance(value, tuple):
        return tuple(int(day) for day in value)
    text = str(value).strip().lower()
    if text in _ALL:
        return tuple(range(7))
    found: set[int] = set()
    for part in re.split(r"\s*[,，、]\s*", text):
        ends = [_NAMES.get(end.strip()) for end in re.split(r"[-–~至]", part)]
        first, last = ends[0], ends[-1]
        if first is None or last is None or len(ends) > 2:
            raise PydanticCustomError("not_days", "{value}", {"value": str(value)})
        found |= {(first + count) % 7 for count in range((last - first) % 7 + 1)}
    return tuple(sorted(found))


Days = Annotated[tuple[int, ...], BeforeValidator(_days, json_schema_input_type=str)]
"""Days of the week, Monday is 0."""
