"""The two wires that Modbus runs on: a TCP connection and a serial line.

A wire sends bytes and collects what comes in; it knows nothing of frames. Both are driven by the
event loop alone (POSIX `add_reader` for the tty): no thread, no polling. Times here are wire time,
real seconds of the event loop's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import termios
from dataclasses import dataclass
from typing import Literal

import serial

from drivers.plan import Cost, Parity, character_s, serial_cost, silent_gap_s, tcp_cost

_MOST_BUFFERED = 8192


class LineDown(Exception):
    """The wire itself is gone: refused, closed, unplugged, or held by another master."""


@dataclass(frozen=True, slots=True)
class TcpLine:
    """Modbus TCP: a device, or a gateway with many behind it. `connect_s` in real seconds."""

    host: str
    port: int = 502
    connect_s: float = 3.0

    @property
    def character_s(self) -> float:
        return 0.0

    @property
    def gap_s(self) -> float:
        """A stream needs no silence between frames."""
        return 0.0

    @property
    def cost(self) -> Cost:
        return tcp_cost()


@dataclass(frozen=True, slots=True)
class RtuLine:
    """Modbus RTU on a tty. A pseudo-terminal takes parity N only (termios: EINVAL).

    `paced`: keep the silent gaps of the line. A pseudo-terminal has no line time, and tests on a
    stepped clock go 20 times faster without them.
    """

    port: str
    baud: int = 9600
    parity: Parity = "N"
    stop_bits: Literal[1, 2] = 1
    paced: bool = True

    @property
    def character_s(self) -> float:
        return character_s(self.baud, self.parity, self.stop_bits) if self.paced else 0.0

    @property
    def gap_s(self) -> float:
        return silent_gap_s(self.baud, self.parity, self.stop_bits) if self.paced else 0.0

    @property
    def cost(self) -> Cost:
        return serial_cost(self.baud, self.parity, self.stop_bits)


class _Inbox:
    """What came in and was not yet looked at, and whether the wire still is there."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.last_byte = -math.inf
        self.lost = ""
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    async def more(self, until: float) -> bool:
        """Wait for bytes that came since the last call; False when there are none by `until`.

        Raises LineDown once the wire is lost and nothing is left to read.
        """
        if not self._news.is_set():
            if self.lost:
                raise LineDown(self.lost)
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                if not self._news.is_set():  # set: it came in the very round in which time was up
                    return False
        self._news.clear()
        if self.lost and not self.buffer:  # a last answer may have come with the closing
            raise LineDown(self.lost)
        return True

    def _received(self, data: bytes) -> None:
        self.last_byte = self._loop.time()
        if len(self.buffer) < _MOST_BUFFERED:  # a babbling line must not eat the memory
            self.buffer += data
        self._news.set()

    def _fail(self, why: str) -> None:
        self.lost = self.lost or why
        self._news.set()


class _Socket(_Inbox, asyncio.Protocol):
    def __init__(self) -> None:
        super().__init__()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection lost: {exc}" if exc else "closed by the other end")

    def send(self, frame: bytes) -> None:
        """Put the frame on the wire. Raises LineDown."""
        if self.lost or self._transport is None or self._transport.is_closing():
            raise LineDown(self.lost or "closed")
        self._transport.write(frame)

    def close(self, why: str = "closed") -> None:
        self._fail(why)
        if self._transport is not None:
            self._transport.abort()  # nothing unsent is worth keeping: an old request must not go out late


class _Tty(_Inbox):
    """A tty that is ours alone: pyserial sets it up and locks it (flock and TIOCEXCL)."""

    def __init__(self, line: RtuLine) -> None:
        super().__init__()
        self._port = serial.Serial(
            line.port,
            baudrate=line.baud,
            parity=line.parity,
            stopbits=line.stop_bits,
            exclusive=True,
            timeout=0,
        )
        self._descriptor: int = self._port.fileno()
        self._loop.add_reader(self._descriptor, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            data, why = b"", str(error.strerror)
        else:
            why = "unplugged"
        if data:
            self._received(data)
        else:
            self._loop.remove_reader(self._descriptor)
            self._fail(why)

    def send(self, frame: bytes) -> None:
        """Put the frame on the wire. Raises LineDown."""
        if self.lost:
            raise LineDown(self.lost)
        try:
            sent = os.write(self._descriptor, frame)
        except OSError as error:
            self._fail(str(error.strerror))
            raise LineDown(self.lost) from error
        if sent != len(frame):  # the driver's buffer is full: an adapter that takes nothing any more
            self._fail("the port takes no more bytes")
            raise LineDown(self.lost)

    def close(self, why: str = "closed") -> None:
        self._fail(why)
        if self._port.is_open:
            self._loop.remove_reader(self._descriptor)
            with contextlib.suppress(OSError, termios.error):
                self._port.reset_output_buffer()
            with contextlib.suppress(OSError, termios.error):
                self._port.close()


Wire = _Socket | _Tty


async def open_wire(line: TcpLine | RtuLine) -> Wire:
    """Connect or open. Raises LineDown with the reason."""
    try:
        if isinstance(line, RtuLine):
            return _Tty(line)
        async with asyncio.timeout(line.connect_s):
            _, wire = await asyncio.get_running_loop().create_connection(_Socket, line.host, line.port)
        return wire
    except TimeoutError as error:
        raise LineDown("no connection in time") from error
    except (OSError, termios.error, ValueError) as error:
        raise LineDown(str(error)) from error
