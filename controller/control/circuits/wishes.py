"""Points through which a system further up, or a person, wishes something of the set-point.

Writing one is a wish that ends by itself: after 2 h unless the command says otherwise, at most after the
`longest` of the file. While nobody wishes anything the point is bad with the reason `no_wish`.
"""

from __future__ import annotations

from controller.commands import Answer, Command, CommandKind
from controller.control.blocks.setpoint.wish import WishSlot
from controller.points import Image, Point, Quality


class WishPoint:
    """A slot for one wish and the point that shows and takes it. The image may hand the old point of a
    rebuilt circuit back."""

    def __init__(self, name: str, quantity: str, slot: WishSlot, image: Image) -> None:
        self.slot = slot
        self.point = image.add(Point(name, quantity, low=slot.low, high=slot.high, role="wish"))

    def show(self, now: float) -> None:
        """The wish that is in force."""
        wish = self.slot.alive(now)
        if wish is None:
            self.point.mark(float("nan"), Quality.BAD, "no_wish", now)
        else:
            self.point.put(wish.value, now)

    def check(self, command: Command) -> Answer:
        """May it be taken? Meaning and range; rights were checked at the door."""
        slot, quantity = self.slot, self.point.quantity
        if command.kind is not CommandKind.RELEASE:
            refused = slot.refuses(command.value, command.lasts_s)
            if refused == "outside_range":
                bounds = (("low", slot.low, quantity), ("high", slot.high, quantity))
                return Answer(False, "outside_range", (("value", command.value, quantity), *bounds))
            if refused:
                longest = ("longest", slot.longest_s / 3600, "number")
                return Answer(False, "override_too_long", (longest,))
        return Answer(True, "taken", (("subject", command.subject, "text"),))

    def apply(self, command: Command, now: float) -> None:
        """Take or give back a wish that `check` has let pass."""
        if command.kind is CommandKind.RELEASE:
            self.slot.clear()
        else:
            self.slot.take(command.value, command.lasts_s, command.user, command.source, now)
        self.show(now)
