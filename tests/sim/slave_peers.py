"""Masters of raw bytes, and the registers that the slave's tests read with them."""

from __future__ import annotations

import asyncio
import os
import struct
from pathlib import Path

from sim.slave import RegisterBank, SlaveServer, crc16


def bank(first: int) -> RegisterBank:
    result = RegisterBank()
    result.define("holding", 0, [first + i for i in range(20)], writable=True)
    result.define("input", 100, [first, 0x4212])
    result.define("coil", 0, [1, 0, 1, 1, 0, 0, 0, 0, 1, 0], writable=True)
    result.define("discrete", 5, [1, 0, 1])
    result.define("holding", 50, [7])  # read only
    return result


def two_devices() -> SlaveServer:
    """Devices 1 and 2, with registers from 100 and from 200."""
    server = SlaveServer()
    server.add(1, bank(100))
    server.add(2, bank(200))
    return server


def rtu(text: str) -> bytes:
    frame = bytes.fromhex(text)
    return frame + crc16(frame)


def tcp(tag: int, text: str) -> bytes:
    body = bytes.fromhex(text)
    return struct.pack(">HHH", tag, 0, len(body)) + body


class TcpPeer:
    """A master of raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, port: int) -> TcpPeer:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def frame(self, timeout: float = 1.0) -> bytes | None:
        """The next whole reply, None when none comes."""
        try:
            async with asyncio.timeout(timeout):
                header = await self.reader.readexactly(6)
                return header + await self.reader.readexactly(struct.unpack(">H", header[4:])[0])
        except TimeoutError:
            return None


class TtyPeer:
    """A master of raw bytes on a terminal; the slave's link stays as it is."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def send(self, data: bytes) -> None:
        os.write(self.fd, data)

    async def receive(self, timeout: float = 0.15) -> bytes:
        """What comes within `timeout`."""
        await asyncio.sleep(timeout)
        try:
            return os.read(self.fd, 4096)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self.fd)
