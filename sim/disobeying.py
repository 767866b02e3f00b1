"""Devices of a rig that do not keep what is written to them, and what the bus reads back of them.

The rig has no wires; the judgement is the bus's own (`drivers.confirm`), the registers are the profile's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.channels import Key, read_back
from drivers.confirm import ReadBack
from drivers.polling import READ_BACK_S
from drivers.profile import Profile
from drivers.readings import Fault, Reading
from drivers.registers import encode
from sim.bank import Kind
from sim.devices import OVERWRITES_EVERY_S, other_value

KINDS: tuple[Kind, ...] = ("ignores_writes", "overwritten")


class _Written:
    """One output of a device that disobeys. `held` is what stands in its register."""

    __slots__ = ("back", "due", "held", "kind", "next", "refresh_s", "spec", "told")

    def __init__(self, profile: Profile, point: str, kind: Kind, held: float) -> None:
        self.spec = profile.points[point]
        write = self.spec.write
        assert write is not None
        self.refresh_s = write.refresh
        poll = self.spec.poll
        self.back = ReadBack([self.spec], max(poll, READ_BACK_S)) if poll is not None else None
        self.kind: Kind = kind
        self.held = held
        self.told = math.nan
        self.due = self.next = -math.inf

    def exchange(self, value: float, now: float) -> float:
        """The master wants `value`: what the device holds after this scan."""
        if value != self.told or now >= self.due:
            self.told, self.due = value, now + self.refresh_s
            if self.kind != "ignores_writes":
                self.held = value
            if self.back is not None:
                self.back.told(encode(self.spec, value), now)
        if self.kind == "overwritten" and now >= self.next:
            self.held, self.next = other_value(self.spec, self.told), now + OVERWRITES_EVERY_S
        if self.back is not None and self.back.saw(encode(self.spec, self.held), now):
            self.due = now
        return self.held

    def reading(self, now: float) -> Reading | None:
        """What the bus hands on."""
        if self.back is None:
            return None
        wrong = Fault.OVERWRITTEN if self.back.overwritten else Fault.NOT_CONFIRMED
        return Reading(self.held, now, Fault.NONE if self.back.confirmed else wrong)


class Disobeying:
    """All of them; empty while every device does what it is told."""

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self._profiles = profiles
        self._kinds: dict[str, Kind] = {}
        self._written: dict[Key, _Written] = {}

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def begin(self, device: str, kind: Kind) -> None:
        """From now on it does not keep what is written to it."""
        self.end(device)
        self._kinds[device] = kind

    def end(self, device: str) -> list[Key]:
        """It obeys again. Returns the keys of the readings that are no more."""
        self._kinds.pop(device, None)
        gone = [target for target in self._written if target[0] == device]
        for target in gone:
            del self._written[target]
        return [read_back(target) for target in gone]

    def exchange(self, target: Key, value: float, held: float, now: float) -> float:
        """What the device makes of a write; `held`: what it did until now."""
        kind = self._kinds.get(target[0])
        if kind is None:
            return value
        written = self._written.get(target)
        if written is None:
            written = self._written[target] = _Written(self._profiles[target[0]], target[1], kind, held)
        return written.exchange(value, now)

    def readings(self, now: float) -> dict[Key, Reading]:
        """What was read back."""
        found = ((read_back(target), written.reading(now)) for target, written in self._written.items())
        return {key: reading for key, reading in found if reading is not None}
