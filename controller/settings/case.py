"""What the checks share: the file, where its values stand, the profiles, and how a finding is made."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from controller.fields import quantity_problem
from controller.quantities import BadQuantity, Quantity
from controller.settings.load import Finding, Tree
from controller.settings.station import StationFile
from controller.settings.wiring import key
from drivers.nodes import Location
from drivers.profile import Profile, ProfilePoint

_MOST_NAMES = 24


@dataclass(slots=True)
class Case:
    """A sound file under cross-examination. `profiles`: device name → profile, as far as they load."""

    file: StationFile
    tree: Tree
    profiles: dict[str, Profile] = field(default_factory=dict)

    def find(
        self, place: Location, code: str, *, at_key: bool = False, warning: bool = False, **values: str
    ) -> Finding:
        """A finding at a value (or key) of the file, or at the nearest parent that stands there."""
        return self.tree.find(place, code, at_key=at_key, warning=warning, **values)

    def unknown(
        self, place: Location, code: str, name: str, known: list[str], *, at_key: bool = False
    ) -> Finding:
        """A name that means nothing, with the nearest one that does."""
        close = "".join(difflib.get_close_matches(name, known, 1, 0.5))
        code = f"{code}_close" if close else code
        beside = [other for other in known if other.startswith(f"{name.partition('.')[0]}.")]
        names = sorted(beside or known)
        allowed = ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
        return self.find(place, code, at_key=at_key, value=name, close=close, allowed=allowed)

    def bad_quantity(self, place: Location, problem: BadQuantity, quantity: Quantity) -> Finding:
        """A text that is no value of its quantity."""
        code, values = quantity_problem(problem, quantity)
        finding = self.find(place, code)
        return replace(finding, values=values)

    def given(self, place: Location) -> bool:
        """True when the key stands in the file, and is no default."""
        return place in self.tree.values

    def point(self, place: Location, reference: str) -> Iterator[Finding | ProfilePoint]:
        """The device point behind `device.point`, or what is wrong with the reference; nothing where
        the device's own error says it all."""
        device, point = key(reference)
        if device not in self.file.devices:
            yield self.unknown(place, "unknown_device", device, list(self.file.devices))
        elif device in self.profiles:
            points = self.profiles[device].points
            if point in points:
                yield points[point]
            else:
                yield self.unknown(place, "unknown_device_point", point, list(points))

    def writable(self, place: Location, reference: str, unit: str) -> Iterator[Finding | ProfilePoint]:
        """The same for an output; `unit` is what it must take (yes/no for a flag)."""
        for found in self.point(place, reference):
            if isinstance(found, Finding):
                yield found
            elif found.write is None:
                yield self.find(place, "not_writable", value=reference)
            elif given(found) != unit:
                yield self.find(place, "wrong_quantity", value=reference, unit=given(found), wanted=unit)
            else:
                yield found

    def contact(self, place: Location, reference: str, used: dict[str, str]) -> Iterator[Finding]:
        """What is wrong with a contact that a key names. `used`: each contact's first user."""
        mine = ".".join(map(str, place))
        first = used.setdefault(reference, mine)
        if first != mine:
            yield self.find(place, "source_twice", value=reference, other=first)
        for found in self.point(place, reference):
            if isinstance(found, Finding):
                yield found
            elif found.poll is None:
                yield self.find(place, "not_readable", value=reference)
            elif not found.is_flag:
                yield self.find(place, "wrong_quantity", value=reference, unit=given(found), wanted="yes/no")


def given(point: ProfilePoint) -> str:
    """Unit of a device point for people; yes/no for a flag, – for a raw word."""
    return "yes/no" if point.is_flag else point.unit or "–"
