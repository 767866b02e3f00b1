"""A Modbus slave that misbehaves on purpose, over real TCP sockets and real pseudo-terminals.

Every value says whose it is: two bits of device, one of table, five of register, eight of
generation. The generation counts the requests that this slave has seen, so a reader can tell a
value of another register and a value that is older than its request.

What a slave does with a request is a `Trick`. A slave answers in the order it was asked, as
devices do: a late answer holds up those behind it. Only over TCP may it break the order, because
the transaction id tells.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import struct
import tty
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from pymodbus.framer.rtu import FramerRTU

REGISTERS = 32
FUNCTIONS = {3: 0, 4: 1}


def value_of(device: int, function: int, register: int, generation: int) -> int:
    """What the register holds when it is asked for as the generation-th request."""
    return (device & 3) << 14 | FUNCTIONS[function] << 13 | (register & 31) << 8 | generation & 255


class Trick(Enum):
    """What the slave does instead of answering well."""

    GOOD = auto()
    SILENT = auto()
    LATE = auto()
    STALL = auto()
    GARBAGE_BEFORE = auto()
    GARBAGE_AFTER = auto()
    WRONG_FUNCTION = auto()
    WRONG_LENGTH = auto()
    WRONG_DEVICE = auto()
    WRONG_CRC = auto()
    HALF = auto()
    EXCEPTION = auto()
    ILLEGAL = auto()
    GATEWAY = auto()
    TWICE = auto()
    FOREIGN_BEFORE = auto()
    PIECEMEAL = auto()
    # TCP only
    WRONG_TRANSACTION = auto()
    YESTERDAY = auto()
    OUT_OF_ORDER = auto()
    RELABELLED = auto()
    CLOSE = auto()
    NO_MBAP = auto()


TCP_ONLY = {
    Trick.WRONG_TRANSACTION,
    Trick.YESTERDAY,
    Trick.OUT_OF_ORDER,
    Trick.RELABELLED,
    Trick.CLOSE,
    Trick.NO_MBAP,
}


@dataclass
class Request:
    """What came in: the PDU, and how an answer to it is put on the wire."""

    device: int
    pdu: bytes
    transaction: int | None
    generation: int = 0

    @property
    def function(self) -> int:
        return self.pdu[0]


def frame(device: int, pdu: bytes, transaction: int | None) -> bytes:
    """An RTU frame, or an MBAP frame where there is a transaction id."""
    if transaction is None:
        body = bytes((device,)) + pdu
        return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, device) + pdu


@dataclass
class HostileSlave:
    """All devices of one line. `behave` picks the trick for each request; `reply_s` is the master's
    idea of the longest answer, the measure of what is late."""

    behave: Callable[[Request], Trick] = lambda _: Trick.GOOD
    reply_s: float = 0.02
    delay_s: float = 0.0
    random: random.Random = field(default_factory=lambda: random.Random(1))
    illegal: set[int] = field(default_factory=set)
    dead: set[int] = field(default_factory=set)
    generation: int = 0
    requests: list[Request] = field(default_factory=list)
    tricks: list[Trick] = field(default_factory=list)
    written: dict[tuple[int, int], int] = field(default_factory=dict)
    coils: dict[tuple[int, int], int] = field(default_factory=dict)
    values: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._held: list[tuple[Request, bytes]] = []
        self._past: list[bytes] = []
        self._talking = False
        self.muted: set[Callable[[bytes], None]] = set()

    def answer(self, request: Request) -> bytes:
        """The PDU that a healthy device answers."""
        function = request.function
        first, count = struct.unpack_from(">HH", request.pdu, 1)
        if function in (5, 6):
            where = self.coils if function == 5 else self.written
            where[request.device, first] = count
            return request.pdu
        if function == 16:
            words = struct.unpack_from(f">{count}H", request.pdu, 6)
            for number, word in enumerate(words):
                self.written[request.device, first + number] = word
            return request.pdu[:5]
        asked = range(first, first + count)
        if function not in FUNCTIONS:
            return bytes((function | 0x80, 1))
        if self.illegal.intersection(asked) or first + count > REGISTERS:
            return bytes((function | 0x80, 2))
        held = [
            self.values.get(
                (request.device, function, r), value_of(request.device, function, r, request.generation)
            )
            for r in asked
        ]
        return bytes((function, 2 * count)) + struct.pack(f">{count}H", *held)

    async def handle(self, request: Request, send: Callable[[bytes], None]) -> bool:
        """React to one request; False closes the connection."""
        self.generation += 1
        request.generation = self.generation
        self.requests.append(request)
        if request.device in self.dead:
            return True
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        trick = self.behave(request)
        self.tricks.append(trick)
        pdu = self.answer(request)
        good = frame(request.device, pdu, request.transaction)
        if trick is not Trick.STALL:
            self._flush(request, send, relabel=trick is Trick.RELABELLED)
        if not await self._play(trick, request, pdu, good, send):
            return False
        self._past = [*self._past[-20:], good]
        return True

    def _flush(self, request: Request, send: Callable[[bytes], None], relabel: bool) -> None:
        """The answers that a stalled slave has kept, oldest first, before the newest."""
        for old, pdu in self._held:
            label = request.transaction if relabel else old.transaction
            send(frame(old.device, pdu, label))
        self._held.clear()

    def _send_later(self, data: bytes, send: Callable[[bytes], None]) -> None:
        def when_silent() -> None:
            if self._talking:
                self._send_later(data, send)
            else:
                send(data)

        asyncio.get_running_loop().call_later(self.random.uniform(0, 6) * self.reply_s, when_silent)

    async def _play(
        self, trick: Trick, request: Request, pdu: bytes, good: bytes, send: Callable[[bytes], None]
    ) -> bool:
        noise = self.random.randbytes(self.random.randint(1, 12))
        transaction = request.transaction
        if trick is Trick.SILENT:
            return True
        if trick is Trick.STALL:
            self._held.append((request, pdu))
            return True
        if trick is Trick.LATE:
            await asyncio.sleep(self.reply_s * self.random.uniform(1, 6))
        if trick is Trick.CLOSE:
            send(good[: self.random.randint(0, len(good) - 1)])
            return False
        if trick is Trick.PIECEMEAL:
            self._talking = True  # nothing else may come between: TCP could not tell
            for byte in good:
                send(bytes((byte,)))
                await asyncio.sleep(0.0002)
            self._talking = False
            return True
        if trick is Trick.OUT_OF_ORDER:
            self._send_later(good, send)
            return True
        function, wrong = request.function, bytes((request.function ^ 7,)) + pdu[1:]
        longer = bytes((function, 2)) + pdu[2:4] if len(pdu) != 4 else bytes((function, 4)) + pdu[2:4] * 2
        others = {
            Trick.GARBAGE_BEFORE: noise + good,
            Trick.GARBAGE_AFTER: good + noise,
            Trick.WRONG_FUNCTION: frame(request.device, wrong, transaction),
            Trick.WRONG_LENGTH: frame(request.device, longer, transaction),
            Trick.WRONG_DEVICE: frame(request.device + 1, pdu, transaction),
            Trick.WRONG_CRC: good[:-1] + bytes((good[-1] ^ 0x55,)),
            Trick.HALF: good[: self.random.randint(1, len(good) - 1)],
            Trick.EXCEPTION: frame(request.device, bytes((function | 0x80, 4)), transaction),
            Trick.ILLEGAL: frame(request.device, bytes((function | 0x80, 2)), transaction),
            Trick.GATEWAY: frame(request.device, bytes((function | 0x80, 11)), transaction),
            Trick.TWICE: good + good,
            Trick.FOREIGN_BEFORE: frame(request.device ^ 1, pdu, transaction) + good,
            Trick.WRONG_TRANSACTION: frame(request.device, pdu, ((transaction or 0) + 7) & 0xFFFF),
            Trick.NO_MBAP: noise + good,
        }
        if trick is Trick.YESTERDAY and self._past:
            send(self.random.choice(self._past))
        if transaction is not None and trick is Trick.WRONG_CRC:
            trick = Trick.GOOD
        send(others.get(trick, good))
        if trick is Trick.HALF and transaction is not None:
            # TCP knows no frames: half a frame and then another one cannot be told from a good
            # one. What there is are peers that fall silent within a frame.
            self.muted.add(send)
        return True


@contextlib.asynccontextmanager
async def over_tcp(slave: HostileSlave, port: int = 0):  # type: ignore[no-untyped-def]
    """Serve on loopback; yields the port."""
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)

        def send(data: bytes) -> None:
            if not writer.is_closing() and send not in slave.muted:
                writer.write(data)

        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(7)
                transaction, _, length, device = struct.unpack(">HHHB", head)
                pdu = await reader.readexactly(length - 1)
                if not await slave.handle(Request(device, pdu, transaction), send):
                    break
        writers.discard(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        await asyncio.sleep(0)


class Pty:
    """A pseudo-terminal with a slave device on its far end. `baud` paces it; a pty itself does not.

    The near end is kept open here, because a pty whose last user closes it hangs up.
    """

    def __init__(self, slave: HostileSlave, baud: int | None = None, bits: int = 10) -> None:
        self.slave = slave
        self._character_s = bits / baud if baud else 0.0
        self.far, self._near = os.openpty()
        tty.setraw(self._near)
        os.set_blocking(self.far, False)
        self.path = os.ttyname(self._near)
        self._bytes: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self.starts: list[float] = []
        self._loop.add_reader(self.far, self._readable)
        self._task = asyncio.create_task(self._serve())

    def _readable(self) -> None:
        try:
            data = os.read(self.far, 4096)
        except OSError:
            self._loop.remove_reader(self.far)
            return
        self.starts.append(self._loop.time())
        self._bytes.put_nowait(data)

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.far, data)

    async def _serve(self) -> None:
        buffer = b""
        while True:
            buffer += await self._bytes.get()
            begun = self.starts[-1]
            while len(buffer) >= 8:
                length = 9 + buffer[6] if buffer[1] == 16 else 8
                if len(buffer) < length:
                    break
                request = Request(buffer[0], buffer[1 : length - 2], None)
                buffer = buffer[length:]
                out: list[bytes] = []
                if not self._character_s:
                    await self.slave.handle(request, self._send)
                    continue
                await self.slave.handle(request, out.append)
                # The request is on the wire until `begun` + its length, then 3.5 characters, then
                # the answer, which is whole only when its last character is through.
                size = length + sum(map(len, out))
                gap = 3.5 * self._character_s if self._character_s > 11 / 19200 else 0.00175
                await self._at(begun + size * self._character_s + gap)
                self._send(b"".join(out))

    async def _at(self, when: float) -> None:
        """Exact to microseconds, unlike the event loop's timers."""
        rest = when - self._loop.time()
        if rest > 0.003:
            await asyncio.sleep(rest - 0.002)
        while self._loop.time() < when:
            await asyncio.sleep(0)

    def unplug(self) -> None:
        """Pull the adapter."""
        if self.far >= 0:
            self._loop.remove_reader(self.far)
            self._task.cancel()
            if self._task.done() and not self._task.cancelled():
                self._task.result()  # a slave that broke is a broken test
            os.close(self.far)
            os.close(self._near)
            self.far = -1


@contextlib.asynccontextmanager
async def over_pty(slave: HostileSlave, baud: int | None = None):  # type: ignore[no-untyped-def]
    """Serve on a pseudo-terminal; yields it."""
    pty = Pty(slave, baud)
    try:
        yield pty
    finally:
        pty.unplug()
