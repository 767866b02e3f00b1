"""A house for tests of the learned curve: two heat stores, radiators by EN 442, weather with a seed.

H = 1 kW/K; air and 92 % of mass apart, coupled by 6 kW/K; emission P = K·(Ts − P/(2·mc) − Ti)^1.3 at
constant flow. `strength` 1 and no gains is a house that the 60/45 °C curve at −24.2 °C fits exactly.
It shares no formula with the learner, which knows nothing of flow, mean temperature or two stores.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

STEP_S = 600.0
EXPONENT = 1.3


@dataclass(frozen=True)
class Seen:
    """What sensors of the house show in one step, °C; `day` from 0."""

    day: int
    outdoor: float
    supply: float
    rooms: tuple[float, float, float]


class House:
    """`gains` in kW, lasting; `noise` scales sun, wind and people, all of mean 0 over the days."""

    def __init__(
        self, strength: float = 1.0, gains: float = 0.0, hours: float = 100.0, noise: float = 1.0
    ) -> None:
        design = 20 + 24.2
        self.radiators = strength * design / 32.5**EXPONENT
        self.flow = design / 15
        self.gains, self.hours, self.noise = gains, hours, noise
        self.air = self.mass = 20.0

    def emission(self, supply: float, room: float) -> float:
        """kW, by bisection: radiator law and water balance agree."""
        low, high = 0.0, self.flow * 2 * max(supply - room, 0.0)
        for _ in range(40):
            power = (low + high) / 2
            mean = supply - power / self.flow / 2 - room
            low, high = (
                (power, high) if mean > 0 and self.radiators * mean**EXPONENT > power else (low, power)
            )
        return low

    def needed(self, outdoor: float, room: float = 20.0) -> float:
        """The supply temperature that holds `room` for ever, °C: the truth."""
        low, high = room, 95.0
        wanted = max(room - outdoor - self.gains, 0.0)
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.emission(middle, room) < wanted else (low, middle)
        return low

    def live(
        self, supply_for: Callable[[float], float], seed: int, days: int, mean: float = -12.0
    ) -> Iterator[Seen]:
        """Run it; `supply_for` gives the supply temperature for an outdoor temperature."""
        chance = random.Random(seed)
        store = self.hours * 3600
        drift = last_drift = 0.0
        swing = last_swing = 4.0
        for day in range(days):
            last_drift, drift = drift, 0.7 * drift + chance.gauss(0, 3)
            last_swing, swing = swing, chance.uniform(2, 6)
            sun = chance.gauss(0, 2) * self.noise
            wind = chance.gauss(0, 0.7) * self.noise
            for step in range(int(86400 / STEP_S)):
                hour = step * STEP_S / 3600
                level = last_drift + (drift - last_drift) * hour / 24
                width = last_swing + (swing - last_swing) * hour / 24
                outdoor = mean + level + width * math.sin((hour - 9) / 12 * math.pi)
                supply = supply_for(outdoor)
                shine = sun * max(math.sin((hour - 8) / 8 * math.pi), 0.0) if 8 < hour < 16 else 0.0
                inward = 6 * (self.mass - self.air)
                heat = self.emission(supply, self.air) + self.gains + wind + shine
                self.air += STEP_S * (heat - (self.air - outdoor) + inward) / (0.08 * store)
                self.mass -= STEP_S * inward / (0.92 * store)
                rooms = [self.air + spread + chance.gauss(0, 0.1 * self.noise) for spread in (-0.5, 0.0, 0.5)]
                yield Seen(day, outdoor, supply, (rooms[0], rooms[1], rooms[2]))


def house_that_needs(more: float, curve: Callable[[float], float], hours: float, at: float = -12.0) -> House:
    """A house whose radiators are so weak, or strong, that it needs `more` K than the curve at `at`."""
    low, high = 0.5, 2.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if House(middle).needed(at) > curve(at) + more else (low, middle)
    return House(low, hours=hours)
