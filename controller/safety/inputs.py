"""Inputs: from a device's reading to a point with quality. A broken sensor is never believed.

Per channel, in this order: fault of the device or its line → stale (by the time it was read) →
wire break of a 4…20 mA loop (NAMUR NE 43: below 3.6 mA or above 21 mA; of an input that ends before 21 mA,
the end itself, for a shorted transmitter shows no more there) → range → jump → good. After a bad time a
channel must be good for some seconds, by its kind, before it is used again. Then redundant sensors are joined
(`redundant.py`), and substitutes put in place (FACTS §8): outdoor temperature, return pressure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from controller.channels import ANSWERS, GOOD_AFTER_OTHERS_S, InputChannel, Key, Reading, Wiring
from controller.points import Image, Point, Quality
from controller.safety.witnesses.redundant import SHOWN_WRONG, Redundant
from controller.safety.witnesses.repeating import repeating_modules

JUMP_S = 5.0
BREAK_MA = 3.6
SHORT_MA = 21.0
END_MA = 0.01
"""Two steps of a 12-bit input: so near to its end nobody can say how much it really is."""


class _Channel:
    """One channel with what it must remember: since when it is good again, and its last good value."""

    __slots__ = (
        "bad_before",
        "channel",
        "fault",
        "good_since",
        "high",
        "jump_since",
        "last",
        "last_time",
        "low",
        "offset",
        "point",
        "raw_high",
        "raw_low",
        "recovers_s",
        "slope",
        "too_high",
        "waits_s",
    )

    def __init__(self, channel: InputChannel, point: Point) -> None:
        self.channel = channel
        self.point = point
        self.bad_before = False
        self.fault = ""
        self.good_since = 0.0
        self.last = math.nan
        self.last_time = -math.inf
        self.jump_since: float | None = None
        # The same conversion as channel.value, which is linear, and all limits, ready for the usual case.
        self.offset = channel.value(0.0)
        self.slope = channel.value(1.0) - self.offset
        self.low, self.high = channel.low, channel.high
        self.recovers_s = channel.recovers_s
        self.waits_s = 0.0
        live_zero = channel.raw_span is not None and channel.raw_span[0] > BREAK_MA
        self.raw_low, self.raw_high = (BREAK_MA, SHORT_MA) if live_zero else (-math.inf, math.inf)
        self.too_high = "short_circuit"
        if live_zero and channel.raw_end <= SHORT_MA:
            self.raw_high, self.too_high = channel.raw_end - END_MA, "over_range"

    def take(self, reading: Reading | None, now: float) -> None:
        """Put a reading into the point: at once while all is well, judged step by step otherwise."""
        if reading is None or reading.fault or self.bad_before or self.jump_since is not None:
            self._judge(reading, now)
            return
        raw, time = reading.value, reading.time
        value = raw * self.slope + self.offset
        elapsed = time - self.last_time
        if (
            self.raw_low <= raw <= self.raw_high
            and self.low <= value <= self.high
            and now - time <= self.channel.stale_after_s
            and abs(value - self.last) <= self.channel.rate * (elapsed if elapsed > 1.0 else 1.0)
        ):
            self.last, self.last_time = value, time
            self.point.put(value, time)
        else:
            self._judge(reading, now)

    def _judge(self, reading: Reading | None, now: float) -> None:
        point = self.point
        if reading is None:
            self.fault = "never_read"
            point.mark(math.nan, Quality.BAD, self.fault, now)
            return
        if reading.fault or math.isnan(reading.value):
            self._bad(math.nan, str(reading.fault) or "no_reading", reading.time)
            return
        channel = self.channel
        if now - reading.time > channel.stale_after_s:
            self._bad(channel.value(reading.value), "stale", reading.time)
            return
        if reading.value < self.raw_low:
            self._bad(math.nan, "open_circuit", reading.time)
            return
        if reading.value > self.raw_high:
            self._bad(math.nan, self.too_high, reading.time)
            return
        value = channel.value(reading.value)
        if not channel.low <= value <= channel.high:
            self._bad(value, "out_of_range", reading.time)
            return
        self._good(value, reading.time, now)

    def _bad(self, value: float, reason: str, time: float) -> None:
        self.bad_before, self.fault = True, reason
        self.good_since = math.inf
        # The first reading of all ends no bad time: a station that starts need not wait for a sensor's lag.
        first = reason == "never_read"
        self.waits_s = min(self.recovers_s, GOOD_AFTER_OTHERS_S) if first else self.recovers_s
        self.last = math.nan
        self.point.mark(value, Quality.BAD, reason, time)

    def _good(self, value: float, time: float, now: float) -> None:
        self.fault = ""
        if self.bad_before:
            self.good_since = min(self.good_since, now)
            if now - self.good_since < self.waits_s:
                self.point.mark(value, Quality.BAD, "recovering", time)
                return
            self.bad_before = False
        if self._jumped(value, time, now):
            self.point.mark(self.last, Quality.UNCERTAIN, "jump", self.last_time)
            return
        self.last, self.last_time = value, time
        self.point.put(value, time)

    def _jumped(self, value: float, time: float, now: float) -> bool:
        """A change faster than the plant can make is not believed for 5 s; then it is the truth."""
        elapsed = time - self.last_time
        if math.isnan(self.last) or elapsed <= 0:
            return self.jump_since is not None and now - self.jump_since < JUMP_S
        if abs(value - self.last) <= self.channel.rate * max(elapsed, 1.0):
            self.jump_since = None
            return False
        if self.jump_since is None:
            self.jump_since = now
        if now - self.jump_since < JUMP_S:
            return True
        self.jump_since = None
        return False


class Inputs:
    """The input stage of a station: makes the measured points, and fills them once a scan."""

    def __init__(self, wiring: Wiring, image: Image) -> None:
        self._channels = [
            _Channel(
                channel, image.add(Point(channel.point, channel.quantity, low=channel.low, high=channel.high))
            )
            for channel in wiring.inputs
        ]
        self._modules = repeating_modules(wiring.inputs, image)
        self._redundant = [Redundant(name, image) for name in wiring.redundant]
        self.quiet = False
        """Nothing is wrong with any sensor, nor was in the last scan: there is nothing to tell."""
        self._troubled = True
        self._devices: dict[str, list[Key]] = {}
        for channel in wiring.inputs:
            self._devices.setdefault(channel.source[0], []).append(channel.source)
        self.mute: tuple[Key, ...] = tuple(
            (device, ANSWERS)
            for device in dict.fromkeys(output.target[0] for output in wiring.outputs)
            if device not in self._devices
        )
        """Devices that are only written to: what is read of them is whether they answer."""

    def step(self, readings: Mapping[Key, Reading], now: float) -> None:
        """Take the newest readings."""
        for channel in self._channels:
            channel.take(readings.get(channel.channel.source), now)
        for module in self._modules:
            module.step(readings, now)
        for point in self._redundant:
            point.join()
        troubled = any(channel.fault for channel in self._channels) or any(
            r.troubled for r in self._redundant
        )
        troubled = troubled or any(module.repeats for module in self._modules)
        troubled = troubled or any(_refuses(readings.get(key)) for key in self.mute)
        self.quiet = not troubled and not self._troubled
        self._troubled = troubled

    def silent_devices(self, readings: Mapping[Key, Reading]) -> set[str]:
        """Devices of which nothing can be read, or that take no writes: one alarm each, not one a point."""
        silent = {
            device
            for device, keys in self._devices.items()
            if all(_is_silent(readings.get(key)) for key in keys)
        }
        return silent | {key[0] for key in self.mute if _refuses(readings.get(key))}

    def repeating_devices(self) -> set[str]:
        """Modules that answer with what they measured once."""
        return {module.device for module in self._modules if module.repeats}

    def complaints(self) -> Iterable[tuple[Point, str, str]]:
        """Point, device, and what is wrong with the sensor itself, empty for nothing: in the point a
        substitute may hide it."""
        return [
            (channel.point, channel.channel.source[0], channel.fault or _beside_others(channel.point))
            for channel in self._channels
        ]

    def sources(self) -> Iterable[tuple[Point, Key]]:
        """Every measured point with the device point that feeds it."""
        return [(channel.point, channel.channel.source) for channel in self._channels]


def _refuses(reading: Reading | None) -> bool:
    return reading is not None and bool(reading.fault)


def _is_silent(reading: Reading | None) -> bool:
    return reading is None or reading.fault in ("no_reply", "never_read", "refused", "bad_reply")


def _beside_others(point: Point) -> str:
    """What is wrong with one of several sensors, by what the others show."""
    return point.reason if point.reason in SHOWN_WRONG else ""
