"""One emulated device as a Modbus master sees it: its registers, its answers and how it misbehaves.

No I/O and no time here: bytes in, bytes out (`sim.slave` puts it on a wire).
Source: Modbus Application Protocol V1.1b3, sections 6 and 7.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from drivers.profile import Table

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, GATEWAY_NO_REPLY = 0x01, 0x02, 0x03, 0x0B

_READS: dict[int, tuple[Table, int]] = {
    1: ("coil", 2000),
    2: ("discrete", 2000),
    3: ("holding", 125),
    4: ("input", 125),
}


class Refused(Exception):
    """A request that is answered with exception `code`. Write hooks may raise it."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exception {code:#04x}")


class RegisterBank:
    """The four tables of one device. What is not defined does not exist (exception 2)."""

    def __init__(self) -> None:
        self._words: dict[Table, dict[int, int]] = {"holding": {}, "input": {}, "coil": {}, "discrete": {}}
        self._writable: set[tuple[Table, int]] = set()
        self.on_write: Callable[[Table, int, list[int]], None] = lambda table, address, words: None

    def define(self, table: Table, address: int, words: list[int], *, writable: bool = False) -> None:
        """Make registers (or bits) exist, with their first content."""
        self.poke(table, address, words)
        if writable:
            self._writable.update((table, address + i) for i in range(len(words)))

    def poke(self, table: Table, address: int, words: list[int]) -> None:
        """Set registers from the device's side: no hook, no check of the master's rights."""
        self._words[table].update({address + i: word for i, word in enumerate(words)})

    def peek(self, table: Table, address: int, count: int = 1) -> list[int]:
        """Registers as a master reads them. Raises Refused(2) where one does not exist."""
        words = self._words[table]
        try:
            return [words[address + i] for i in range(count)]
        except KeyError:
            raise Refused(ILLEGAL_ADDRESS) from None

    def write(self, table: Table, address: int, words: list[int]) -> None:
        """A master's write: all registers or none, then the hook. Raises Refused."""
        self.check(table, address, len(words))
        self.poke(table, address, words)
        self.on_write(table, address, words)

    def check(self, table: Table, address: int, count: int) -> None:
        """Raises Refused where a master may not write."""
        if any((table, address + i) not in self._writable for i in range(count)):
            raise Refused(ILLEGAL_ADDRESS)

    def frozen(self) -> RegisterBank:
        """A copy that shares nothing but the shape."""
        copy = RegisterBank()
        copy._words = {table: dict(words) for table, words in self._words.items()}
        return copy


Kind = Literal[
    "healthy",
    "dead",
    "slow",
    "late",
    "exception",
    "garbage",
    "wrong_crc",
    "yesterday",
    "ignores_writes",
    "overwritten",
]
"""`ignores_writes`: acknowledges a write and does nothing; `overwritten`: somebody else writes another value
every 3 s into what the master has written (`sim.devices`)."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a device answers.

    `slow`: works on one request at a time, `seconds` for each; `late`: takes the values at once but the
    reply leaves after `seconds`, whatever else is on the wire by then (a device never overtakes itself,
    though); `exception`: answers `code`; `garbage`: bytes that are no reply; `wrong_crc`: a good reply
    damaged on a serial line (a gateway drops it); `yesterday`: values frozen when this began, writes
    still taken.
    """

    kind: Kind = "healthy"
    seconds: float = 0.0
    code: int = 4


HEALTHY = Behaviour()
DEAD = Behaviour("dead")
GARBAGE = Behaviour("garbage")
WRONG_CRC = Behaviour("wrong_crc")
YESTERDAY = Behaviour("yesterday")


def slow(seconds: float) -> Behaviour:
    """Every request takes `seconds` of wire time, one after the other."""
    return Behaviour("slow", seconds)


def late(seconds: float) -> Behaviour:
    """Every reply leaves `seconds` after its request."""
    return Behaviour("late", seconds)


def refusing(code: int = 4) -> Behaviour:
    """Every request is answered with exception `code`."""
    return Behaviour("exception", code=code)


@dataclass(slots=True)
class Counters:
    """What a device or the whole server has seen."""

    requests: int = 0
    replies: int = 0
    exceptions: int = 0
    writes: int = 0
    bad_frames: int = 0
    unknown_device: int = 0


@dataclass(slots=True)
class Slave:
    """One device on the wire."""

    bank: RegisterBank
    behaviour: Behaviour = HEALTHY
    counters: Counters = field(default_factory=Counters)
    past: RegisterBank | None = None

    def behave(self, behaviour: Behaviour) -> None:
        """Change the behaviour from the next request on."""
        self.past = self.bank.frozen() if behaviour.kind == "yesterday" else None
        self.behaviour = behaviour

    def answer(self, pdu: bytes) -> bytes:
        """The reply to one request (function code and data), as an exception where it must be."""
        self.counters.requests += 1
        try:
            if self.behaviour.kind == "exception":
                raise Refused(self.behaviour.code)
            return self._serve(pdu)
        except Refused as refusal:
            self.counters.exceptions += 1
            return bytes([pdu[0] | 0x80, refusal.code])

    def _serve(self, pdu: bytes) -> bytes:
        function = pdu[0]
        if function in _READS and len(pdu) == 5:
            table, most = _READS[function]
            address, count = struct.unpack(">HH", pdu[1:])
            if not 1 <= count <= most:
                raise Refused(ILLEGAL_VALUE)
            words = (self.past or self.bank).peek(table, address, count)
            data = _pack_bits(words) if function <= 2 else struct.pack(f">{count}H", *words)
            return bytes([function, len(data)]) + data
        if function in (5, 6) and len(pdu) == 5:
            address, value = struct.unpack(">HH", pdu[1:])
            if function == 5 and value not in (0x0000, 0xFF00):
                raise Refused(ILLEGAL_VALUE)
            if function == 5:
                self._write("coil", address, [value >> 15])
            else:
                self._write("holding", address, [value])
            return pdu
        if function in (15, 16) and len(pdu) >= 6:
            address, count, size = struct.unpack(">HHB", pdu[1:6])
            data = pdu[6:]
            expected = (count + 7) // 8 if function == 15 else 2 * count
            if not 1 <= count <= (1968 if function == 15 else 123) or not expected == size == len(data):
                raise Refused(ILLEGAL_VALUE)
            if function == 15:
                self._write("coil", address, [data[i // 8] >> i % 8 & 1 for i in range(count)])
            else:
                self._write("holding", address, list(struct.unpack(f">{count}H", data)))
            return pdu[:5]
        raise Refused(ILLEGAL_VALUE if function in (*_READS, 5, 6, 15, 16) else ILLEGAL_FUNCTION)

    def _write(self, table: Table, address: int, words: list[int]) -> None:
        if self.behaviour.kind == "ignores_writes":
            self.bank.check(table, address, len(words))
        else:
            self.bank.write(table, address, words)
        self.counters.writes += 1


def _pack_bits(bits: list[int]) -> bytes:
    """Bits as Modbus packs them: the first in bit 0 of the first byte."""
    packed = bytearray((len(bits) + 7) // 8)
    for i, bit in enumerate(bits):
        packed[i // 8] |= bool(bit) << i % 8
    return bytes(packed)
