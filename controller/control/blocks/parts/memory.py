"""Numbers of a remembered state: what is missing, odd or out of its bounds keeps its fresh value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def finite(value: float) -> float | None:
    """For plain JSON, which knows no NaN."""
    return value if math.isfinite(value) else None


def remembered(
    state: Mapping[str, Any], key: str, otherwise: float, low: float = -math.inf, high: float = math.inf
) -> float:
    """The number of `key` within `low` … `high`, or `otherwise`."""
    value = state.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return otherwise
    return min(max(float(value), low), high)
