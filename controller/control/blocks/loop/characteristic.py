"""Valve characteristic: opening ↔ share of the full flow, as installed.

Inherent φ = R^(y−1) (equal percentage, rangeability R) or φ = y (linear); installed with authority a:
m/m0 = 1/√(1 − a + a/φ²) (VDI/VDE 2173; IEC 60534-2-4). Below 5 % of the stroke the equal-percentage
curve runs straight to zero, as the plug of a real valve does.

A loop that works in shares of flow sees a gain that hardly changes over the stroke, where the bare
valve's changes about 8-fold.
"""

from __future__ import annotations

import math
from typing import Literal

_FOOT = 0.05


class Characteristic:
    """`flow(opening)` and `opening(flow)`, both in %, each other's inverse and increasing."""

    def __init__(
        self,
        shape: Literal["equal_percentage", "linear"] = "equal_percentage",
        rangeability: float = 50.0,
        authority: float = 0.5,
    ) -> None:
        if not 0 < authority <= 1:
            raise ValueError(f"authority {authority} is not in 0 … 1")
        if rangeability <= 1:
            raise ValueError(f"rangeability {rangeability} is not above 1")
        self._linear = shape == "linear"
        self._log_r = math.log(rangeability)
        self._authority = authority
        self._foot_phi = math.exp((_FOOT - 1) * self._log_r)

    def flow(self, opening: float) -> float:
        """Share of the full flow, %, at an opening of 0 … 100 %."""
        y = min(max(opening / 100, 0.0), 1.0)
        if self._linear:
            phi = y
        elif y < _FOOT:
            phi = self._foot_phi * y / _FOOT
        else:
            phi = math.exp((y - 1) * self._log_r)
        a = self._authority
        return 100 * phi / math.sqrt(a + (1 - a) * phi * phi)

    def opening(self, flow: float) -> float:
        """Opening, %, that lets a share of 0 … 100 % of the full flow through."""
        share = min(max(flow / 100, 0.0), 1.0)
        a = self._authority
        phi = share * math.sqrt(a / (1 - (1 - a) * share * share))
        if self._linear:
            return 100 * phi
        if phi < self._foot_phi:
            return 100 * _FOOT * phi / self._foot_phi
        return 100 * (1 + math.log(phi) / self._log_r)
