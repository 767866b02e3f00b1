"""Field devices made of their profiles: values in, registers out, and back for what the master writes.

The same profile drives the bus master, so a wrong address in it is wrong at both ends and goes unseen:
profiles are checked against documented frames in `tests/drivers/test_profiles.py`.

A device also does what the real one does when its master falls silent: the profile says it
(`write.on_loss`, `write.after`), the installer may have set it otherwise (`set_loss`). Plant time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from drivers.library import find_profile, load_profile
from drivers.profile import OnLoss, Profile, ProfilePoint, Table
from drivers.readings import Fault
from drivers.registers import decode, encode, raw_of
from sim.slave import Behaviour, RegisterBank, SlaveServer

_EXTREMES: dict[str, tuple[int, int]] = {
    "bit": (0, 1),
    "uint16": (0, 0xFFFF),
    "int16": (-0x8000, 0x7FFF),
    "uint32": (0, 0xFFFF_FFFF),
    "int32": (-0x8000_0000, 0x7FFF_FFFF),
    "uint64": (0, 0xFFFF_FFFF_FFFF_FFFF),
}
OVERWRITES_EVERY_S = 3.0
OVER_CURRENT_MA = 22.0
"""What a shorted two-wire transmitter draws: above the 21 mA of NAMUR NE 43, limited by the input."""
_WHOLE_RANGE = {Fault.OPEN_CIRCUIT: 1, Fault.OVER_RANGE: 1, Fault.SHORT_CIRCUIT: 0, Fault.UNDER_RANGE: 0}
"""Faults that a converter shows by running to an end of its range: 0 the lower, 1 the upper."""


@dataclass(slots=True)
class Loss:
    """What the device does with one output `after` plant seconds without a write (None: never)."""

    on_loss: OnLoss
    after: float | None
    safe_value: float = 0.0


class EmulatedDevice:
    """One device of a profile. `now` gives plant time in seconds."""

    def __init__(
        self, name: str, profile: Profile, address: int, now: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.name = name
        self.profile = profile
        self.address = address
        self.bank = RegisterBank()
        self.bank.on_write = self._written
        self.tripped = False
        self.on_write: Callable[[str, float], None] = lambda point, value: None
        self._now = now
        self._values: dict[str, float] = {}
        self._faults: dict[str, Fault] = {}
        self._written_at: dict[str, float] = {}
        self._last_write: float | None = None
        self._loss = {
            point_name: Loss(point.write.on_loss, point.write.after)
            for point_name, point in profile.points.items()
            if point.write is not None
        }
        self._define()

    # ---- the plant's side

    def set(self, point: str, value: float) -> None:
        """Give `point` an engineering value in the profile's unit, held to its range.

        Raises KeyError for an unknown point, ValueError for NaN (use `set_fault`). What `set_fault` broke
        stays broken, and a tripped drive keeps its fault until `reset`.
        """
        if not math.isfinite(value):
            raise ValueError(f"{self.name}.{point}: {value} is no value (use set_fault)")
        self._values[point] = 1.0 if point == "fault" and self.tripped else value
        self._render(point)

    def set_fault(self, point: str, fault: Fault) -> None:
        """Make `point` look broken the way this device shows it; Fault.NONE ends it.

        By the profile's quality register, else its not-available code, else the end of the range (a
        current input shows 0 mA for a broken wire, and all that it can show for a short circuit). Raises
        ValueError where the device cannot show it.
        """
        spec = self.profile.points[point]
        if fault is Fault.SHORT_CIRCUIT and spec.unit == "mA" and not _knows(spec, fault):
            # Converters of a current know more than they can measure, and no short circuit.
            fault = Fault.OVER_RANGE if _knows(spec, Fault.OVER_RANGE) else fault
        before = self._faults.get(point, Fault.NONE)
        self._faults[point] = fault
        try:
            self._render(point)
        except ValueError:
            self._faults[point] = before
            raise

    def get(self, point: str) -> float:
        """What the device acts on: the last write, or its own fall-back once the master is silent."""
        self.step()
        loss = self._loss[point]
        if self.tripped:
            return 0.0
        if self.lost(point):
            match loss.on_loss:
                case "off" | "stop":
                    return 0.0
                case "safe_value":
                    return loss.safe_value
                case "hold" | "keep_running" | "trip" | "unknown":
                    pass
        return self.commanded(point)

    def commanded(self, point: str) -> float:
        """What stands in the registers of a writable point (0 before the first write)."""
        spec = self.profile.points[point]
        return decode(spec, self._words(spec))[0]

    def written_at(self, point: str) -> float | None:
        """Plant time of the last write to `point`; None before the first."""
        return self._written_at.get(point)

    def lost(self, point: str) -> bool:
        """True when the device's own communication time-out for `point` has run out.

        As in the real ones any write to the device starts it anew; before the first it is not armed.
        """
        after = self._loss[point].after
        return after is not None and self._last_write is not None and self._now() - self._last_write > after

    def set_loss(self, point: str, on_loss: OnLoss, after: float | None, safe_value: float = 0.0) -> None:
        """What the installer set in the device (the station file says it)."""
        self._loss[point] = Loss(on_loss, after, safe_value)

    def step(self) -> None:
        """Run the watchdog: a drive may trip, relays fall back so that the master reads it too."""
        for point, loss in self._loss.items():
            if not self.lost(point):
                continue
            spec = self.profile.points[point]
            if loss.on_loss == "trip" and not self.tripped:
                self.tripped = True
                if "fault" in self.profile.points:
                    self.set("fault", 1)
            elif spec.type == "bit" and loss.on_loss in ("off", "stop", "safe_value"):
                value = loss.safe_value if loss.on_loss == "safe_value" else 0.0
                self.bank.poke(spec.table, spec.register_, encode(spec, value))

    def overwrite(self) -> None:
        """Another master writes its own values into all that ours has written."""
        for name in list(self._written_at):
            spec = self.profile.points[name]
            words = encode(spec, other_value(spec, self.commanded(name)))
            if spec.bit is not None:
                words = [self._words(spec)[0] ^ 1 << spec.bit]
            self.bank.write(spec.table, spec.register_, words)

    def reset(self) -> None:
        """Clear a trip at the device's own panel."""
        self.tripped = False
        if "fault" in self.profile.points:
            self.set("fault", 0)

    # ---- registers

    def _define(self) -> None:
        """Create the registers of all points, and the holes that the profile says may be read over."""
        by_table: dict[Table, list[ProfilePoint]] = {}
        for point in self.profile.points.values():
            by_table.setdefault(point.table, []).append(point)
        for table, points in by_table.items():
            points.sort(key=lambda p: p.register_)
            end = points[0].register_
            for point in points:
                if 0 < point.register_ - end <= self.profile.merge.hole:
                    self.bank.define(table, end, [0] * (point.register_ - end))
                end = max(end, point.register_ + point.words)
            for point in points:
                self.bank.define(table, point.register_, [0] * point.words, writable=point.write is not None)
        for name, point in self.profile.points.items():
            if point.write is None and point.codes:
                self.set(name, min(point.codes))  # an enumeration never rests on a word without meaning

    def _words(self, spec: ProfilePoint) -> list[int]:
        return self.bank.peek(spec.table, spec.register_, spec.words)

    def _render(self, name: str) -> None:
        spec = self.profile.points[name]
        fault = self._faults.get(name, Fault.NONE)
        shown = self._show_quality(spec, fault)
        value = self._values.get(name, 0.0)
        if fault is Fault.NONE:
            self._poke_value(spec, value)
            return
        words = _broken_words(spec, fault)
        if words is not None:
            self.bank.poke(spec.table, spec.register_, words)
        elif not shown:
            raise ValueError(f"{self.name}.{name}: this device cannot show {fault.value}")

    def _poke_value(self, spec: ProfilePoint, value: float) -> None:
        if spec.bit is not None:
            word = self._words(spec)[0] & ~(1 << spec.bit) | (value >= 0.5) << spec.bit
            self.bank.poke(spec.table, spec.register_, [word])
            return
        words = encode(spec, value)
        if spec.write is None and set(spec.codes) == {0, 1}:
            words = [self._state_word(spec)]
        self.bank.poke(spec.table, spec.register_, words)

    def _state_word(self, spec: ProfilePoint) -> int:
        """One word that shows one state of several (running, fault …): the last true one of the profile."""
        word = spec.codes[0]
        for name, point in self.profile.points.items():
            same = point.table == spec.table and point.register_ == spec.register_
            if same and set(point.codes) == {0, 1} and self._values.get(name, 0.0) >= 0.5:
                word = point.codes[1]
        return word

    def _show_quality(self, spec: ProfilePoint, fault: Fault) -> bool:
        """Set or clear `fault` in the point's quality register; True when it can be seen there."""
        if spec.quality is None:
            return False
        register = self.profile.points[spec.quality.point]
        raw = int(raw_of(register, self._words(register)))
        for bit, meaning in spec.quality.bits.items():
            raw = raw & ~(1 << bit) | (meaning == fault) << bit
        if spec.quality.values:
            codes = [code for code, meaning in spec.quality.values.items() if meaning == fault]
            raw = codes[0] if codes else 0
        self.bank.poke(register.table, register.register_, _pack(register, raw))
        return fault in (*spec.quality.bits.values(), *spec.quality.values.values())

    def _written(self, table: Table, address: int, words: list[int]) -> None:
        """A master wrote: note the time for every writable point that it touched."""
        now = self._now()
        self._last_write = now
        for name, spec in self.profile.points.items():
            touched = spec.register_ < address + len(words) and address < spec.register_ + spec.words
            if spec.write is not None and spec.table == table and touched:
                self._written_at[name] = now
                self.on_write(name, self.commanded(name))


def _knows(spec: ProfilePoint, fault: Fault) -> bool:
    """The profile's quality register has a code for it."""
    quality = spec.quality
    return quality is not None and fault in (*quality.bits.values(), *quality.values.values())


def over_current(spec: ProfilePoint) -> float:
    """mA that a current input shows of a shorted loop: no more than its range has."""
    return OVER_CURRENT_MA if spec.range is None else min(OVER_CURRENT_MA, spec.range[1])


def other_value(spec: ProfilePoint, value: float) -> float:
    """What a second master would write: the other state, or the end of the range that is further away."""
    if spec.is_flag or spec.range is None:
        return 0.0 if value >= 0.5 else 1.0
    low, high = spec.range
    return low if value > (low + high) / 2 else high


def _broken_words(spec: ProfilePoint, fault: Fault) -> list[int] | None:
    """Register content of a broken sensor, None where the value itself does not show it."""
    if spec.unit == "mA" and fault is Fault.SHORT_CIRCUIT:
        raw = (over_current(spec) - spec.offset) / spec.scale
        return _pack(spec, raw if spec.type == "float32" else round(raw))
    if spec.type == "float32":
        return _pack(spec, math.nan) if fault is Fault.NOT_AVAILABLE or spec.quality is None else None
    if fault is Fault.NOT_AVAILABLE and spec.not_available:
        return _pack(spec, spec.not_available[0])
    if spec.bit is not None or spec.type == "bit" or spec.codes or fault not in _WHOLE_RANGE:
        return None
    if spec.unit == "mA" and fault is Fault.OPEN_CIRCUIT:
        return _pack(spec, round(-spec.offset / spec.scale))
    return _pack(spec, _EXTREMES[spec.type][_WHOLE_RANGE[fault]])


def _pack(spec: ProfilePoint, raw: float) -> list[int]:
    """Words of a raw number, without range, scale or codes."""
    plain = spec.model_copy(update={"scale": 1.0, "offset": 0.0, "range": None, "codes": {}, "bit": None})
    if math.isnan(raw):
        words = [0x7FC0, 0x0000]
        return words if spec.word_order == "high_first" else words[::-1]
    return encode(plain, raw)


class EmulatedBus:
    """The devices of one bus behind one slave server."""

    def __init__(self, devices: Iterable[EmulatedDevice] = (), *, gateway_code: int | None = None) -> None:
        self.server = SlaveServer(gateway_code=gateway_code)
        self.devices: dict[str, EmulatedDevice] = {}
        for device in devices:
            self.add(device)

    def add(self, device: EmulatedDevice) -> None:
        """Connect a device. Raises ValueError for a name or address that is taken."""
        if device.name in self.devices:
            raise ValueError(f"device {device.name} is on this bus already")
        self.server.add(device.address, device.bank)
        self.devices[device.name] = device

    def behave(self, name: str, behaviour: Behaviour) -> None:
        """Make a device misbehave, or healthy again, from the next request on."""
        self.server.slaves[self.devices[name].address].behave(behaviour)

    def step(self, now: float) -> None:
        """What happens on the bus besides our master at plant time `now`: a second one."""
        for device in self.devices.values():
            behaviour = self.server.slaves[device.address].behaviour
            if behaviour.kind == "overwritten" and now % OVERWRITES_EVERY_S < 1.0:
                device.overwrite()

    def close(self) -> None:
        """Leave all wires."""
        self.server.close()


def emulate(
    name: str, profile: str, address: int, now: Callable[[], float] = lambda: 0.0, beside: Path | None = None
) -> EmulatedDevice:
    """A device by the name of its profile. Raises as `find_profile` and `load_profile` do."""
    return EmulatedDevice(name, load_profile(find_profile(profile, beside)), address, now)
