"""Points through which a system further up, or a person, wishes something of the set-point.

Writing one is a wish that ends by itself: after 2 h unless the command says otherwise, at most after the
`longest` of the file. It is kept on disk before it is answered, and goes on after a restart for the time it
had left. While nobody wishes anything the point is bad with the reason `no_wish`.
"""

from __future__ import annotations

from controller.commands import Answer, Command, CommandKind
from controller.control.blocks.setpoint.wish import WishSlot
from controller.points import Image, Override, Point, Quality


class WishPoint:
    """A slot for one wish and the point that shows and takes it. The image may hand the old point of a
    rebuilt circuit back."""

    def __init__(
        self,
        name: str,
        quantity: str,
        slot: WishSlot,
        image: Image,
        *,
        holds_s: float | None = None,
        nothing: str = "no_wish",
    ) -> None:
        """`holds_s`: what every value lasts, None for what the command says; `nothing`: the reason while
        there is none."""
        self.slot = slot
        self.holds_s = holds_s
        self.nothing = nothing
        self.rests = False
        """The mode in force follows no set-point: the wish waits for one that does, while it lasts."""
        self.point = image.add(Point(name, quantity, low=slot.low, high=slot.high, role="wish"))

    def lasts_s(self, command: Command) -> float:
        """How long a value that is written, or overridden, holds, plant seconds."""
        return command.lasts_s if self.holds_s is None else self.holds_s

    def show(self, now: float) -> None:
        """The wish that is in force."""
        wish = self.slot.alive(now)
        if wish is None:
            self.point.mark(float("nan"), Quality.BAD, self.nothing, now)
        else:
            self.point.put(wish.value, now)

    def check(self, command: Command) -> Answer:
        """May it be taken? Meaning and range; rights were checked at the door."""
        slot, quantity = self.slot, self.point.quantity
        if command.kind is not CommandKind.RELEASE:
            refused = slot.refuses(command.value, self.lasts_s(command))
            if refused == "outside_range":
                bounds = (("low", slot.low, quantity), ("high", slot.high, quantity))
                return Answer(False, "outside_range", (("value", command.value, quantity), *bounds))
            if refused:
                longest = ("longest", slot.longest_s / 3600, "number")
                return Answer(False, "override_too_long", (longest,))
        rests = self.rests and command.kind is not CommandKind.RELEASE
        return Answer(True, "taken_rests" if rests else "taken", (("subject", command.subject, "text"),))

    def apply(self, command: Command, now: float) -> None:
        """Take or give back a wish that `check` has let pass."""
        if command.kind is CommandKind.RELEASE:
            self.slot.clear()
        else:
            self.slot.take(command.value, self.lasts_s(command), command.user, command.source, now)
        self.show(now)

    def remember(self, kept: Override | None, now: float) -> None:
        """After a restart: the wish that was kept on disk when it was answered, or none. It outdoes what the
        blocks remember, which may be a minute old. One that the file no longer allows is dropped."""
        self.slot.clear()
        if kept is not None:
            left = min(kept.expires - now, self.slot.longest_s)
            if not self.slot.refuses(kept.value, left):
                self.slot.take(kept.value, left, kept.user, kept.source, now)
        self.show(now)
