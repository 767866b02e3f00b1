"""What a house shows of itself in a day's means, and three numbers that say how much heat it needs.

    u = (Ts − Ti)^m                       heat given to the rooms, but for a constant; m = 1/0.81
    y = a·x + b·d + c,   y = u / scale,   x = (Ti − To) / 30 K,   d = change of Ti over the day, K

The heat balance H·(Ti − To) + C·dTi/dt − gains = emission, averaged over a day: a is the loss, b the
storage (b/a = time constant / 24 h / 30 K), c the gains (balance point = Ti + 30·c/a). The change of the
room over the day must be in it: with 100 h of time constant 0.5 K a day is 2 K of Ti − To.

The numbers are followed by a Kalman filter (recursive least squares whose parameters walk at random, so
that the memory is finite and the covariance bounded). A day far from what is expected weighs less (Huber).
m: see shortage.py. Source of the filter: Ljung, System Identification, 2nd ed., §11.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

SPAN_K = 30.0
POWER = 1 / 0.81
FIRST_B = 113 / 24 / SPAN_K
"""Storage of a house of 113 h, the middle of the region's 79–147 h."""
SPREAD = (0.3, 34 / 24 / SPAN_K, 0.15)
"""Standard deviation of a, b, c before anything is learned: 30 % of the load, 34 h of storage (the region's
half range), 4.5 K of gains. A looser b would be learned too small: the day's change is noisy."""
NOISE = 0.03
"""Standard deviation of one day's y, in shares of the load at 30 K: sun, wind and people, about 1 K."""
DRIFT = 0.01
"""Share of its SPREAD by which a number may walk in a day: then the last 20 days count (√(NOISE²/walk²))."""
HUBER = 2.5

Row = tuple[float, float, float]


class HouseModel:
    """`theta`: a, b, c; `covariance`: theirs. `scale` and the first values come from the file's curve."""

    def __init__(self, curve: Callable[[float], float], room: float) -> None:
        self.scale = 1.0
        mild, cold = self._heat(curve(0.0), room), self._heat(curve(-20.0), room)
        slope = (cold - mild) / 20 * SPAN_K
        self.scale = slope if slope > 0 else max(cold, 1.0)
        first_a = slope / self.scale
        self.theta = [first_a, FIRST_B, mild / self.scale - first_a * room / SPAN_K]
        self.covariance = [[SPREAD[i] ** 2 if i == j else 0.0 for j in range(3)] for i in range(3)]
        self.days = 0

    def _heat(self, supply: float, room: float) -> float:
        return float(max(supply - room, 0.0) ** POWER / self.scale)

    def heat(self, supply: float, room: float) -> float:
        """y of this moment."""
        return self._heat(supply, room)

    def learn(self, y: float, room_above_outdoor: float, change: float) -> None:
        """One day's means: y, Ti − To in K, and the room's change over the day in K."""
        row = (room_above_outdoor / SPAN_K, change, 1.0)
        self._walk()
        spread = self._times(row)
        expected = self._variance(row)
        error = y - sum(p * r for p, r in zip(self.theta, row, strict=True))
        noise = NOISE**2
        far = abs(error) / math.sqrt(expected + noise) / HUBER
        noise *= max(far, 1.0) ** 2
        gain = [part / (expected + noise) for part in spread]
        self.theta = [p + g * error for p, g in zip(self.theta, gain, strict=True)]
        for i in range(3):
            for j in range(3):
                self.covariance[i][j] -= gain[i] * spread[j]
        self.days += 1

    def _walk(self) -> None:
        """Forget a little, up to knowing nothing."""
        for index, spread in enumerate(SPREAD):
            grown = self.covariance[index][index] + (DRIFT * spread) ** 2
            self.covariance[index][index] = min(grown, spread**2)

    def _times(self, row: Row) -> list[float]:
        return [sum(part * r for part, r in zip(line, row, strict=True)) for line in self.covariance]

    def _variance(self, row: Row) -> float:
        return max(sum(r * part for r, part in zip(row, self._times(row), strict=True)), 0.0)

    def supply(self, outdoor: float, room: float) -> tuple[float, float]:
        """Supply temperature that holds `room`, °C, and its standard deviation, K."""
        row = ((room - outdoor) / SPAN_K, 0.0, 1.0)
        y = max(sum(p * r for p, r in zip(self.theta, row, strict=True)), 0.0)
        rise = (y * self.scale) ** (1 / POWER)
        per_y = rise / (POWER * max(y, 0.05))
        return room + rise, per_y * math.sqrt(self._variance(row))

    def balance_point(self, room: float) -> float:
        """Outdoor temperature above which the room needs no heat, °C."""
        return room + SPAN_K * self.theta[2] / max(self.theta[0], 0.05)

    def state(self) -> dict[str, Any]:
        """All that was learned."""
        return {"theta": list(self.theta), "covariance": [list(line) for line in self.covariance],
                "scale": self.scale, "days": self.days}  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it; anything odd starts anew."""
        theta, covariance = _numbers(state.get("theta"), 3), state.get("covariance")
        lines = [_numbers(line, 3) for line in covariance] if isinstance(covariance, list) else []
        scale, days = _numbers([state.get("scale")], 1), _numbers([state.get("days")], 1)
        if theta is None or len(lines) != 3 or None in lines or scale is None or days is None:
            return
        known = [line for line in lines if line is not None]
        if scale[0] <= 0 or any(not 0 <= known[i][i] <= SPREAD[i] ** 2 * 1.001 for i in range(3)):
            return
        self.theta, self.covariance, self.scale, self.days = theta, known, scale[0], int(days[0])


def _numbers(value: object, count: int) -> list[float] | None:
    if not isinstance(value, list) or len(value) != count:
        return None
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in value):
        return None
    return [float(n) for n in value]
