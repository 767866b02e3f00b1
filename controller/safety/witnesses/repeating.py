"""An analog module that repeats itself: it answers, but with what it measured once.

A gateway that serves a store whose own bus is dead, or a module whose converter hangs, gives fresh times and
old values, of all its channels together, so that no transmitter contradicts another. While a circulation pump
runs, several transmitters never show the same number to the last digit for two hours: pumps and valves move
them, every loop loses some water. So none of its values is believed until they have moved for a minute;
makeup, proof of flow and tank go on as if the module were dead. A lone transmitter that hangs is told by the
equipment's watchers; a return pressure is outvoted (`return_witness`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from controller.channels import InputChannel, Key, Reading
from controller.points import Image, Point, Quality

LEAST_CHANNELS = 4
"""Of 4…20 mA: fewer may stand still by chance."""
LOOK_S = 10.0
REPEATS_S, MOVES_S = 7200.0, 60.0
"""Own judgement: within two hours the demo's loop loses 20 kPa of the 30…50 that its highest radiator has."""


class RepeatingModule:
    """One module. `repeats`: none of its values counts."""

    def __init__(self, device: str, channels: Sequence[InputChannel], image: Image) -> None:
        self.device = device
        self.repeats = False
        self._sources: list[Key] = [channel.source for channel in channels]
        self._points: list[Point] = [image[channel.point] for channel in channels]
        circuits = {channel.point.partition(".")[0] for channel in channels}
        self._pumps: list[Point] = [
            point
            for name, point in image.points.items()
            if name.partition(".")[0] in circuits and ".pump_" in name and name.endswith("_running")
        ]
        self._values: list[float] = []
        self._same_since = self._moves_since = math.inf
        self._looked_at = -math.inf

    @property
    def judged(self) -> bool:
        """Enough transmitters, and pumps that say that something moves."""
        return len(self._sources) >= LEAST_CHANNELS and bool(self._pumps)

    def step(self, readings: Mapping[Key, Reading], now: float) -> None:
        """Judge what it shows; to be called in every scan, before pairs are joined."""
        if not 0.0 <= now - self._looked_at < LOOK_S:
            self._looked_at = now
            self._look(readings, now)
        if self.repeats:
            for point in self._points:
                point.mark(point.value, Quality.BAD, "repeats", point.time)

    def _look(self, readings: Mapping[Key, Reading], now: float) -> None:
        values = [
            math.nan if (r := readings.get(key)) is None or r.fault else r.value for key in self._sources
        ]
        same = values == self._values and all(map(math.isfinite, values))
        self._values = values
        if not same:  # nor is what cannot be read, which is told elsewhere
            self._same_since = math.inf
            self._moves_since = min(self._moves_since, now)
            self.repeats = self.repeats and now - self._moves_since < MOVES_S
            return
        self._moves_since = math.inf
        if not any(pump.on for pump in self._pumps):
            self._same_since = math.inf
            return
        self._same_since = min(self._same_since, now)
        self.repeats = self.repeats or now - self._same_since >= REPEATS_S


def repeating_modules(channels: Sequence[InputChannel], image: Image) -> list[RepeatingModule]:
    """Those that have enough transmitters to be judged. All points must be there."""
    by_device: dict[str, list[InputChannel]] = {}
    for channel in channels:
        if channel.raw_span is not None:
            by_device.setdefault(channel.source[0], []).append(channel)
    made = [RepeatingModule(device, own, image) for device, own in by_device.items()]
    return [one for one in made if one.judged]
