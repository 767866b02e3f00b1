"""Modbus master for one line: one request at a time, and no answer that is not the request's own.

The only file that imports pymodbus (its API moves in minor releases). From it come the PDU codec,
the framers and the CRC; its client is not used, because it checks neither function, address nor
length of a reply and takes a late one for the next request's. Here every reply must come from the
device that was asked, carry the function, the length and, for writes, the address and value that
were sent; a time-out is followed by a silence in which late replies are thrown away; and `late`
keeps those that come later still from being believed.

Frames: Modbus over Serial Line V1.02 §2.5; Messaging on TCP/IP V1.0b §3. All times are real.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pymodbus.framer.rtu import FramerRTU
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.late import FORGET_S, Shape, Unanswered, fences, read_shape
from drivers.profile import Table
from drivers.wire import LineDown, RtuLine, TcpLine, Wire, open_wire

__all__ = [
    "BadReply",
    "Exchange",
    "LineDown",
    "Master",
    "ModbusFault",
    "NoReply",
    "Refused",
    "RtuLine",
    "TcpLine",
]

Line = TcpLine | RtuLine
_T = TypeVar("_T")

_READ: dict[int, type[ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_READ_FUNCTION: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_SHORTEST_RTU = 5
_LONGEST_MBAP = 254
_SLACK_S = 0.02
"""What adapters and the kernel may add to a reply's way (USB latency timers are 16 ms)."""
_BABBLE_S = 1.0
"""How much longer than planned a line may talk before it counts as babbling."""


class ModbusFault(Exception):
    """A request that brought nothing. The line itself is up."""


class NoReply(ModbusFault):
    """Nothing came within the device's time."""


class Refused(ModbusFault):
    """The device answered with an exception code (1 function, 2 address, 3 value, 4 … 11)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class BadReply(ModbusFault):
    """Something came, but nothing that answers the request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole frame from the line. `transaction` is None on a serial line."""

    device: int
    pdu: bytes
    transaction: int | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a device needs: `reply_s` to begin its answer, `gap_s` of rest between two requests."""

    reply_s: float = 0.5
    gap_s: float = 0.0


class Master:
    """The master of one line. One task uses it; requests are never cut off on the wire.

    `slowest_s`: the longest time any device of the line may take to answer. After a time-out or a
    bad reply the line is left silent until that has passed, and a fifth more. `now` is the clock by
    which an answer is given up for good (plant time: an hour of silence is one in a test, too).
    `late` counts late replies by device address; `round_trip_s` is the last good exchange's time.
    """

    def __init__(self, line: Line, slowest_s: float = 0.5, now: Callable[[], float] = time.monotonic) -> None:
        self.line = line
        self.slowest_s = slowest_s
        self._age_now = now
        self.late: dict[int, int] = defaultdict(int)
        self.round_trip_s = math.nan
        self._serial = isinstance(line, RtuLine)
        self._framer = FramerRTU(DecodePDU(False)) if self._serial else FramerSocket(DecodePDU(False))
        self._wire: Wire | None = None
        self._unanswered: dict[int, Unanswered] = defaultdict(Unanswered)
        self._rested: dict[int, float] = {}
        self._quiet_until = -math.inf
        self._transactions = itertools.cycle(range(1, 0x10000))

    @property
    def up(self) -> bool:
        """Whether the wire is open. False from the moment its loss is noticed."""
        return self._wire is not None and not self._wire.lost

    @property
    def why(self) -> str:
        """Why the wire is not open."""
        return self._wire.lost if self._wire is not None else "not connected"

    async def connect(self) -> None:
        """Open the wire anew. Raises LineDown."""
        await self.close()
        self._wire = await open_wire(self.line)

    async def close(self) -> None:
        """Close the wire; a closed one may be connected again."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
            await asyncio.sleep(0)  # lets the transport close its socket

    async def read(
        self, device: int, table: Table, address: int, count: int, exchange: Exchange
    ) -> list[int]:
        """`count` registers, or bits as 0 and 1, from `address` on.

        Raises NoReply, Refused, BadReply, LineDown; ValueError for a request that no frame holds.
        """
        function = _READ_FUNCTION[table]
        request = _READ[function](address=address, count=count, dev_id=device)
        pdu = await _unbroken(
            self._ask(request, read_shape(function, count), (function, address, count), exchange)
        )
        response = DecodePDU(False).decode(pdu)
        if response is None:
            raise BadReply("not decodable")
        found = [int(bit) for bit in response.bits[:count]] if function < 3 else list(response.registers)
        if len(found) != count:
            raise BadReply(f"{len(found)} values instead of {count}")
        return found

    async def write(
        self, device: int, address: int, words: Sequence[int], function: int, exchange: Exchange
    ) -> None:
        """Write registers (function 6, 16) or one coil (5; any word but 0 is on).

        Returns once the device has confirmed it. Raises as `read` does.
        """
        request: ModbusPDU
        if function == 16:
            request = WriteMultipleRegistersRequest(address=address, registers=list(words), dev_id=device)
        elif function == 6:
            request = WriteSingleRegisterRequest(address=address, registers=list(words), dev_id=device)
        else:
            request = WriteSingleCoilRequest(address=address, bits=[bool(words[0])], dev_id=device)
        # The answer repeats the request: whole for 5 and 6, address and count for 16.
        shape = Shape(bytes((function,)) + request.encode()[:4], 5)
        await _unbroken(self._ask(request, shape, (function, address, len(words)), exchange))

    async def _ask(
        self, request: ModbusPDU, shape: Shape, what: tuple[int, int, int], exchange: Exchange
    ) -> bytes:
        """One exchange, behind a fence where an earlier answer could be taken for this one's."""
        unanswered = self._unanswered[request.dev_id]
        if unanswered.hides(shape):
            await self._fence(request.dev_id, what, exchange)
            if unanswered.hides(shape):
                unanswered.forget(self._age_now() - FORGET_S)
                if unanswered.hides(shape):
                    raise NoReply("earlier answers may still come")
        return await self._transact(request, shape, exchange)

    async def _fence(self, device: int, what: tuple[int, int, int], exchange: Exchange) -> None:
        """Have the device answer something that nothing older can be taken for."""
        unanswered = self._unanswered[device]
        for function, address, count in fences(*what):
            shape = read_shape(function, count)
            if not unanswered.hides(shape):
                request = _READ[function](address=address, count=count, dev_id=device)
                with contextlib.suppress(Refused):  # as good a proof; a doubtful one is a BadReply
                    await self._transact(request, shape, exchange)
                return

    async def _transact(self, request: ModbusPDU, shape: Shape, exchange: Exchange) -> bytes:
        """Send one request and wait for the PDU that answers it."""
        loop = asyncio.get_running_loop()
        wire = self._wire
        if wire is None or wire.lost:
            raise LineDown(self.why)
        device = request.dev_id
        await self._silence(wire, self._rested.get(device, -math.inf) + exchange.gap_s)
        request.transaction_id = next(self._transactions)
        frame = self._framer.buildFrame(request)
        wire.send(frame)
        sent = loop.time()
        on_wire = (len(frame) + shape.length + 3) * self.line.character_s
        until = sent + on_wire + exchange.reply_s + _SLACK_S
        unanswered = self._unanswered[device]
        try:
            pdu = await self._await_answer(wire, device, shape, request.transaction_id, until)
            if shape.refused_by(pdu) and unanswered.ambiguous(shape.function):
                raise BadReply("a refusal that may be an earlier request's")
        except (ModbusFault, LineDown):
            unanswered.add(shape, request.transaction_id, self._age_now())
            slow = sent + on_wire + 1.2 * self.slowest_s
            self._quiet_until = max(loop.time() + 0.2 * self.slowest_s, slow)
            raise
        finally:
            self._rested[device] = loop.time()
        self.round_trip_s = wire.last_byte - sent
        unanswered.clear()
        if shape.refused_by(pdu):
            raise Refused(pdu[1])
        return pdu

    async def _await_answer(
        self, wire: Wire, device: int, shape: Shape, transaction: int, until: float
    ) -> bytes:
        """The PDU that fits, or an exception reply to it; everything else is late or foreign.

        On a serial line a burst is judged as a whole once it has been silent for 3.5 characters,
        which the next request must wait for anyway: so bytes inside a longer frame that look like
        an answer, or two different answers to one request, are told from the real one.
        """
        strange = False
        while True:
            if self._now() > until + _BABBLE_S:
                raise BadReply("the line does not fall silent")
            replies, used = self._split(wire)
            if replies and self._serial and await wire.more(self._now() + self.line.gap_s):
                continue
            del wire.buffer[:used]
            answers: set[bytes] = set()
            for reply in replies:
                mine = reply.device == device and reply.transaction in (None, transaction)
                if mine and (shape.fits(reply.pdu) or shape.refused_by(reply.pdu)):
                    answers.add(reply.pdu)
                elif not self._settle(reply):
                    strange = True
            if len(answers) == 1:
                return answers.pop()
            if answers:
                raise BadReply("two different answers")
            if not await wire.more(until):
                strange = strange or bool(wire.buffer)
                self._discard_half(wire, 0)
                raise BadReply("no answer in what came") if strange else NoReply("no reply")

    async def _silence(self, wire: Wire, rested: float) -> None:
        """Wait until the line may be used again, throwing away what comes meanwhile."""
        patience = max(self._now(), self._quiet_until, rested) + _BABBLE_S
        while True:
            free = max(self._quiet_until, rested, wire.last_byte + self.line.gap_s)
            if self._now() < free:
                if self._now() > patience:
                    raise BadReply("the line does not fall silent")
                await wire.more(free)
                continue
            if not wire.buffer:
                return
            replies, used = self._split(wire)
            for reply in replies:
                self._settle(reply)
            self._discard_half(wire, used)

    def _discard_half(self, wire: Wire, used: int) -> None:
        """Empty the buffer. A stream that stopped within a frame has lost its borders: what comes
        next would complete that frame. So it is closed."""
        if not self._serial and len(wire.buffer) > used:
            wire.close("half a frame")
        wire.buffer.clear()

    def _settle(self, reply: Reply) -> bool:
        """Count a reply to an earlier request; False when none explains it."""
        explained = self._unanswered[reply.device].settle(reply.pdu, reply.transaction)
        if explained:
            self.late[reply.device] += 1
        return explained

    def _split(self, wire: Wire) -> tuple[list[Reply], int]:
        """Whole frames in the buffer. A stream that lost its frame borders is closed: LineDown."""
        if self._serial:
            return split_rtu(wire.buffer)
        try:
            return split_tcp(wire.buffer)
        except ValueError as error:
            wire.close(f"not Modbus: {error}")
            raise LineDown(wire.lost) from error

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def split_rtu(data: bytes | bytearray) -> tuple[list[Reply], int]:
    """Replies with a right CRC in `data`, and the end of the last one; between them may be noise."""
    replies: list[Reply] = []
    used = start = 0
    while start + _SHORTEST_RTU <= len(data):
        end = start + _rtu_length(data[start + 1], data[start + 2])
        if start < end <= len(data):
            crc = data[end - 2] << 8 | data[end - 1]
            if FramerRTU.check_CRC(bytes(data[start : end - 2]), crc):
                replies.append(Reply(data[start], bytes(data[start + 1 : end - 2]), None))
                used = start = end
                continue
        start += 1
    return replies, used


def _rtu_length(function: int, following: int) -> int:
    """Bytes of the reply frame with this function code; 0 for one we never ask for."""
    if function & 0x80:
        return 5
    if function in _READ:
        return 5 + following
    return 8 if function in (5, 6, 16) else 0


def split_tcp(data: bytes | bytearray) -> tuple[list[Reply], int]:
    """Replies in a stream of MBAP frames, and the bytes they take.

    Raises ValueError when what stands where a header must be is none: there is no way back into
    a stream that lost its borders.
    """
    replies: list[Reply] = []
    start = 0
    while start + 6 <= len(data):
        transaction, protocol, length = struct.unpack_from(">HHH", data, start)
        if protocol != 0 or not 2 <= length <= _LONGEST_MBAP:
            raise ValueError(f"protocol {protocol}, length {length}")
        end = start + 6 + length
        if end > len(data):
            break
        replies.append(Reply(data[start + 6], bytes(data[start + 7 : end]), transaction))
        start = end
    return replies, start


async def _unbroken(exchange: Coroutine[Any, Any, _T]) -> _T:
    """Run an exchange to its end even when the caller is cancelled; the cancel comes after it.

    A request that is on the wire will be answered: who walks away from it leaves the answer to
    the next request.
    """
    task = asyncio.ensure_future(exchange)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # looked at, so that it is not reported as lost
        raise cancelled
    return task.result()
