"""A Modbus slave of our own: many devices behind one TCP port, pseudo-terminal or serial port.

Own code because pymodbus's simulator labels a reply with the newest request's transaction and answers
only the first of two requests in a segment, which breeds the very faults a test looks for. Here a reply
is built from its own request and nothing else, and a device can be told to misbehave while it runs.

Source: Modbus Application Protocol V1.1b3, Modbus over Serial Line V1.02, Messaging on TCP/IP V1.0b.
Reply delays and line times are wire time: real seconds of the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import stat
import struct
import tty
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import serial

from sim.bank import (
    DEAD,
    GARBAGE,
    GATEWAY_NO_REPLY,
    HEALTHY,
    WRONG_CRC,
    YESTERDAY,
    Behaviour,
    Counters,
    Kind,
    Refused,
    RegisterBank,
    Slave,
    late,
    refusing,
    slow,
)

__all__ = [
    "DEAD", "GARBAGE", "GATEWAY_NO_REPLY", "HEALTHY", "WRONG_CRC", "YESTERDAY", "Behaviour", "Counters",
    "Refused", "RegisterBank", "Slave", "SlaveServer", "crc16", "late", "refusing", "slow",
]  # fmt: skip

_SILENCE_S = 0.02  # ends a broken frame; wide enough for a USB adapter that hands bytes on in lumps
_BITS_A_CHARACTER = 11


def crc16(frame: bytes) -> bytes:
    """The two check bytes of an RTU frame, low byte first (Serial Line V1.02, section 6.2.2)."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return struct.pack("<H", crc)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request and the way back: `tag` is the transaction id on TCP."""

    address: int
    pdu: bytes
    link: _Link
    tag: int = 0


class _Link(Protocol):
    """A wire that a request came in on."""

    character_s: float

    def send(self, request: _Request, reply: bytes, kind: Kind) -> None:
        """Put `reply` on the wire, damaged as `kind` says."""

    def silent(self, request: _Request) -> None:
        """Nobody answers `request`."""


class SlaveServer:
    """Devices by address behind any number of wires.

    `gateway_code`: what a TCP master gets for an address that is silent: None for silence, 0x0B as many
    gateways do. On a serial line silence is silence.
    """

    def __init__(self, *, gateway_code: int | None = None) -> None:
        self.slaves: dict[int, Slave] = {}
        self.counters = Counters()
        self.gateway_code = gateway_code
        self._timers: set[asyncio.TimerHandle] = set()
        self._free_at: dict[int, float] = {}
        self._close: list[Callable[[], None]] = []

    def add(self, address: int, bank: RegisterBank) -> Slave:
        """Put a device on the wire. Raises ValueError for an address that is taken or impossible."""
        if not 1 <= address <= 247 or address in self.slaves:
            raise ValueError(f"device address {address} is taken or not in 1…247")
        self.slaves[address] = Slave(bank)
        return self.slaves[address]

    async def serve_tcp(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port (chosen by the system for 0)."""
        links: set[_TcpLink] = set()
        server = await asyncio.get_running_loop().create_server(lambda: _TcpLink(self, links), host, port)

        def close() -> None:
            server.close()
            for link in list(links):
                link.abort()

        self._close.append(close)
        return int(server.sockets[0].getsockname()[1])

    def serve_pty(self, path: Path, *, baud: int | None = None) -> None:
        """Make a pseudo-terminal and a symbolic link `path` to it; `baud` paces it like a real line.

        Raises FileExistsError where `path` is a plain file: only a link is replaced.
        """
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            raise FileExistsError(f"{path} is not a link: not replaced")
        master, slave = os.openpty()
        tty.setraw(slave)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.ttyname(slave))
        link = _SerialLink(self, master, _BITS_A_CHARACTER / baud if baud else 0.0)

        def close() -> None:
            link.close()
            os.close(master)
            os.close(slave)  # held open until now: without a slave end the master end reads EIO
            path.unlink(missing_ok=True)

        self._close.append(close)

    def serve_tty(self, path: Path, *, baud: int = 9600, parity: str = "N", stop_bits: int = 1) -> None:
        """Answer on a real serial port (hardware in the loop). Raises OSError when it cannot be opened."""
        if not stat.S_ISCHR(path.stat().st_mode):
            raise OSError(f"{path} is no serial port")
        port = serial.Serial(
            str(path), baud, parity=parity, stopbits=stop_bits, timeout=0, write_timeout=0, exclusive=True
        )
        link = _SerialLink(self, port.fileno(), 0.0)

        def close() -> None:
            link.close()
            port.close()

        self._close.append(close)

    def close(self) -> None:
        """Stop all wires; replies under way are dropped. The server may serve again afterwards."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._free_at.clear()
        for close in reversed(self._close):
            close()
        self._close.clear()

    # ---- used by the wires

    def handle(self, request: _Request) -> None:
        """Answer one request, now or later. A device answers in the order it was asked."""
        self.counters.requests += 1
        slave = self.slaves.get(request.address)
        if slave is None or slave.behaviour.kind == "dead":
            self.counters.unknown_device += slave is None
            request.link.silent(request)
            return
        behaviour = slave.behaviour
        now = asyncio.get_running_loop().time()
        free_at = self._free_at.get(request.address, 0.0)
        if behaviour.kind == "late":
            reply = slave.answer(request.pdu)
            at = now + behaviour.seconds + _line_time(request, reply)
            self._at(max(at, math.nextafter(free_at, math.inf)), request, slave, behaviour, reply)
        elif behaviour.kind == "slow":
            self._at(max(now, free_at) + behaviour.seconds, request, slave, behaviour, None)
        elif free_at:  # an earlier request is still under way
            self._at(math.nextafter(free_at, math.inf), request, slave, behaviour, None)
        else:
            reply = slave.answer(request.pdu)
            if request.link.character_s:
                self._at(now + _line_time(request, reply), request, slave, behaviour, reply)
            else:
                self._send(request, slave, behaviour, reply)

    def broadcast(self, pdu: bytes) -> None:
        """A serial request to address 0: every device acts, none answers."""
        self.counters.requests += 1
        for slave in self.slaves.values():
            if slave.behaviour.kind != "dead":
                slave.answer(pdu)

    def _at(
        self, when: float, request: _Request, slave: Slave, behaviour: Behaviour, reply: bytes | None
    ) -> None:
        """Send `reply` at loop time `when`; None: ask the device only then."""

        def due() -> None:
            self._timers.discard(timer)
            if self._free_at.get(request.address) == when:
                del self._free_at[request.address]
            if slave.behaviour.kind == "dead":  # died over it
                request.link.silent(request)
                return
            self._send(request, slave, behaviour, slave.answer(request.pdu) if reply is None else reply)

        self._free_at[request.address] = when
        timer = asyncio.get_running_loop().call_at(when, due)
        self._timers.add(timer)

    def _send(self, request: _Request, slave: Slave, behaviour: Behaviour, reply: bytes) -> None:
        slave.counters.replies += 1
        self.counters.replies += 1
        request.link.send(request, reply, behaviour.kind)


def _line_time(request: _Request, reply: bytes) -> float:
    """Seconds that both frames (address and check bytes added) and the gap take on a paced line."""
    return request.link.character_s * (len(request.pdu) + len(reply) + 6 + 3.5)


class _TcpLink(asyncio.Protocol):
    """One TCP connection: frames by their length field, any number in a segment or across segments."""

    character_s = 0.0

    def __init__(self, server: SlaveServer, links: set[_TcpLink]) -> None:
        self._server = server
        self._links = links
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._links.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._links.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 8:
            tag, protocol, length, address = struct.unpack(">HHHB", self._buffer[:7])
            if protocol != 0 or not 2 <= length <= 254:  # not Modbus: what follows cannot be framed
                self._server.counters.bad_frames += 1
                self.abort()
                return
            if len(self._buffer) < 6 + length:
                return
            pdu = bytes(self._buffer[7 : 6 + length])
            del self._buffer[: 6 + length]
            self._server.handle(_Request(address, pdu, self, tag))

    def send(self, request: _Request, reply: bytes, kind: Kind) -> None:
        if kind == "wrong_crc":  # a gateway sees the damage and keeps the frame
            self.silent(request)
            return
        if kind == "garbage":
            reply = bytes(byte ^ 0x55 for byte in reply)
        if self._transport is not None:
            header = struct.pack(">HHHB", request.tag, 0, len(reply) + 1, request.address)
            self._transport.write(header + reply)

    def silent(self, request: _Request) -> None:
        code = self._server.gateway_code
        if code is not None and self._transport is not None:
            self.send(request, bytes([request.pdu[0] | 0x80, code]), "healthy")

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()


class _SerialLink:
    """One serial line: RTU frames by the length their function implies, silence ends a broken one."""

    def __init__(self, server: SlaveServer, fd: int, character_s: float) -> None:
        self._server = server
        self._fd = fd
        self.character_s = character_s
        self._buffer = bytearray()
        self._silence: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._readable)

    def close(self) -> None:
        """Let go of the line; the file descriptor is its owner's to close."""
        self._loop.remove_reader(self._fd)
        if self._silence is not None:
            self._silence.cancel()

    def send(self, request: _Request, reply: bytes, kind: Kind) -> None:
        frame = bytes([request.address]) + reply
        frame += crc16(frame)
        if kind == "wrong_crc":
            frame = frame[:-1] + bytes([frame[-1] ^ 0x01])
        if kind == "garbage":
            frame = bytes(byte ^ 0x55 for byte in frame)
        with contextlib.suppress(OSError):  # nobody reads the other end: the bytes are lost, as on a wire
            os.write(self._fd, frame)

    def silent(self, request: _Request) -> None:
        """Nothing to do: a serial line stays silent."""

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except OSError:
            return
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        self._buffer += data
        self._take_frames()
        if self._buffer:
            self._silence = self._loop.call_later(_SILENCE_S, self._fell_silent)

    def _take_frames(self) -> None:
        while (length := _request_length(self._buffer)) is not None and len(self._buffer) >= length:
            frame = bytes(self._buffer[:length])
            if crc16(frame[:-2]) != frame[-2:]:
                return  # no way to know where the next one starts before the line is silent
            del self._buffer[:length]
            if frame[0] == 0:
                self._server.broadcast(frame[1:-2])
            else:
                self._server.handle(_Request(frame[0], frame[1:-2], self))

    def _fell_silent(self) -> None:
        """What is left is a frame of an unknown function, or broken."""
        frame = bytes(self._buffer)
        self._buffer.clear()
        self._silence = None
        if len(frame) >= 4 and _request_length(frame) is None and crc16(frame[:-2]) == frame[-2:]:
            self._server.handle(_Request(frame[0], frame[1:-2], self))
        else:
            self._server.counters.bad_frames += 1


def _request_length(frame: bytes | bytearray) -> int | None:
    """Length of the RTU request that `frame` begins with, None while (or if ever) unknown."""
    if len(frame) < 2:
        return None
    if frame[1] in (1, 2, 3, 4, 5, 6):
        return 8
    if frame[1] in (15, 16) and len(frame) >= 7:
        return 9 + frame[6]
    return None
