"""Which answers may still come: the ledger that keeps late replies from being believed.

An RTU reply carries no address: by device, function and byte count alone the answer to one request
may pass for the answer to another. A silence after a time-out catches most late replies, but no
silence is long enough for a gateway that stalls. What always holds is that a device answers in the
order it was asked. Hence the rule:

    While the answer to an earlier request may still come, no request is sent whose answer would
    look the same. The first answer that can only be the newest request's clears the ledger.

Where a request may not go out yet, a *fence* goes out before it: a small read whose answer looks
different. So the rule costs nothing on a good line, and one small read after a loss.

What it cannot see: a device that answers one request twice, the second time only after the next
request was sent, or one that does not keep the order. On TCP the transaction id shows those too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FORGET_S = 10.0
"""An answer later than this is no longer expected, once every fence is used up (`Master.now`)."""

_READ_REGISTERS = (3, 4)
_READ_BITS = (1, 2)
_READS = _READ_REGISTERS + _READ_BITS


@dataclass(frozen=True, slots=True)
class Shape:
    """How the answer to a request looks: the first bytes of its PDU, and its length."""

    head: bytes
    length: int

    @property
    def function(self) -> int:
        return self.head[0]

    def fits(self, pdu: bytes) -> bool:
        return len(pdu) == self.length and pdu.startswith(self.head)

    @property
    def is_read(self) -> bool:
        return self.function in _READS

    def resembles(self, other: Shape) -> bool:
        """Whether the answers may be mixed up. Of two reads only the length is trusted, since there
        are devices that answer with the wrong function code."""
        if self.is_read and other.is_read:
            return self.length == other.length
        return self == other

    def refused_by(self, pdu: bytes) -> bool:
        """Whether `pdu` is an exception reply to this function."""
        return len(pdu) == 2 and pdu[0] == self.function | 0x80


def read_shape(function: int, count: int) -> Shape:
    """Answer to reading `count` registers or bits: function, byte count, data."""
    size = (count + 7) // 8 if function in _READ_BITS else 2 * count
    return Shape(bytes((function, size)), 2 + size)


@dataclass(frozen=True, slots=True)
class _Entry:
    shape: Shape
    transaction: int
    sent: float


class Unanswered:
    """The requests to one device whose answers may still come, oldest first."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def hides(self, shape: Shape) -> bool:
        """True when an earlier request's answer may pass for one of `shape`."""
        return any(entry.shape.resembles(shape) for entry in self._entries)

    def ambiguous(self, function: int) -> bool:
        """True when an exception reply to `function` may be an earlier request's."""
        return any(entry.shape.function == function for entry in self._entries)

    def add(self, shape: Shape, transaction: int, sent: float) -> None:
        """Note a request that was sent and got no answer of its own."""
        self._entries.append(_Entry(shape, transaction, sent))

    def clear(self) -> None:
        """The newest request was answered: nothing older can come."""
        self._entries.clear()

    def forget(self, before: float) -> None:
        """Give up on answers to requests sent before that time."""
        self._entries = [entry for entry in self._entries if entry.sent >= before]

    def settle(self, pdu: bytes, transaction: int | None) -> bool:
        """Take note of a late reply; False when no earlier request explains it.

        With the answer to a request everything older is settled too. An exception that several
        requests may have got settles none of them.
        """
        found = [
            number
            for number, entry in enumerate(self._entries)
            if (transaction is None or entry.transaction == transaction)
            and (entry.shape.fits(pdu) or entry.shape.refused_by(pdu))
        ]
        if len(found) == 1:
            del self._entries[: found[0] + 1]
        return bool(found)


def fences(function: int, address: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Reads to prove that nothing older is on its way: (function, address, count), best first.

    First the same function with another count, which a device that serves the request serves
    too; then the other functions, whose refusal is as good a proof as an answer.
    """
    wanted: list[tuple[int, int]] = []
    if function in _READ_BITS:
        size = (count + 7) // 8
        wanted += [(function, 8 * (size - 1)), (function, 8 * size + 1)]
    elif function in _READ_REGISTERS:
        wanted += [(function, count - 1), (function, count + 1), (function, count + 2)]
    wanted += [(other, size) for size in (1, 2, 4) for other in _READ_REGISTERS if other != function]
    wanted += [(other, size) for size in (1, 17) for other in _READ_BITS if other != function]
    for other, size in wanted:
        most = 2000 if other in _READ_BITS else 125
        if 1 <= size <= most and address + size <= 65536:
            yield other, address, size
