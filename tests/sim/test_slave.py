"""The slave over TCP against raw bytes: every function, framing, and every way to misbehave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from slave_peers import TcpPeer, bank, tcp, two_devices

from sim.slave import (
    DEAD,
    GARBAGE,
    GATEWAY_NO_REPLY,
    HEALTHY,
    WRONG_CRC,
    YESTERDAY,
    Refused,
    SlaveServer,
    crc16,
    late,
    refusing,
    slow,
)

Connect = Callable[[], Awaitable[TcpPeer]]


@pytest.fixture
async def server() -> AsyncIterator[SlaveServer]:
    result = two_devices()
    yield result
    result.close()


@pytest.fixture
async def connect(server: SlaveServer) -> AsyncIterator[Connect]:
    port = await server.serve_tcp()
    peers: list[TcpPeer] = []

    async def one_more() -> TcpPeer:
        peers.append(await TcpPeer.to(port))
        return peers[-1]

    yield one_more
    for peer in peers:
        peer.writer.close()
    await asyncio.sleep(0)


def test_crc_of_a_documented_frame() -> None:
    assert crc16(bytes.fromhex("010406000006")) == bytes.fromhex("7080")


# ---- TCP


async def test_every_function(server: SlaveServer, connect: Connect) -> None:
    peer = await connect()
    for request, reply in [
        ("01 01 0000 000A", "01 01 02 0D 01"),
        ("01 02 0005 0003", "01 02 01 05"),
        ("01 03 0002 0002", "01 03 04 0066 0067"),
        ("02 04 0064 0002", "02 04 04 00C8 4212"),
        ("01 05 0001 FF00", "01 05 0001 FF00"),
        ("01 06 0003 1234", "01 06 0003 1234"),
        ("01 0F 0000 0009 02 FF00", "01 0F 0000 0009"),
        ("01 10 0004 0002 04 00010002", "01 10 0004 0002"),
        ("01 01 0000 000A", "01 01 02 FF 00"),
        ("01 03 0003 0003", "01 03 06 1234 0001 0002"),
        ("01 03 0013 0002", "01 83 02"),  # one register beyond
        ("01 03 0000 0000", "01 83 03"),
        ("01 03 0000 007E", "01 83 03"),
        ("01 05 0001 0001", "01 85 03"),
        ("01 06 0032 0001", "01 86 02"),  # read only
        ("01 10 0012 0003 06 000100020003", "01 90 02"),  # the last one does not exist: none is written
        ("01 03 0012 0002", "01 03 04 0076 0077"),
        ("01 10 0004 0002 03 000100", "01 90 03"),
        ("01 2B 0E0100", "01 AB 01"),
    ]:
        peer.writer.write(tcp(7, request))
        assert await peer.frame() == tcp(7, reply), request


async def test_several_requests_in_a_segment_and_one_split(server: SlaveServer, connect: Connect) -> None:
    peer = await connect()
    peer.writer.write(tcp(1, "01 03 0000 0001") + tcp(2, "02 03 0000 0001") + tcp(3, "01 03 0001 0001")[:5])
    assert await peer.frame() == tcp(1, "01 03 02 0064")
    assert await peer.frame() == tcp(2, "02 03 02 00C8")
    peer.writer.write(tcp(3, "01 03 0001 0001")[5:])
    assert await peer.frame() == tcp(3, "01 03 02 0065")


async def test_a_slow_device_never_gets_another_ones_label(server: SlaveServer, connect: Connect) -> None:
    server.slaves[1].behave(late(0.1))
    first, second = await connect(), await connect()
    first.writer.write(tcp(1, "01 03 0000 0001") + tcp(2, "02 03 0000 0001") + tcp(3, "01 03 0001 0001"))
    second.writer.write(tcp(9, "02 03 0001 0001"))
    assert await second.frame() == tcp(9, "02 03 02 00C9")
    assert await first.frame() == tcp(2, "02 03 02 00C8")
    assert await first.frame() == tcp(1, "01 03 02 0064")
    assert await first.frame() == tcp(3, "01 03 02 0065")


async def test_what_is_not_modbus_ends_the_connection(server: SlaveServer, connect: Connect) -> None:
    peer = await connect()
    peer.writer.write(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await peer.frame()
    assert server.counters.bad_frames == 1


async def test_unknown_device_is_silent_or_what_a_gateway_says(server: SlaveServer, connect: Connect) -> None:
    peer = await connect()
    peer.writer.write(tcp(1, "09 03 0000 0001"))
    assert await peer.frame(0.1) is None
    server.gateway_code = GATEWAY_NO_REPLY
    peer.writer.write(tcp(2, "09 03 0000 0001"))
    assert await peer.frame() == tcp(2, "09 83 0B")
    server.slaves[1].behave(DEAD)
    peer.writer.write(tcp(3, "01 03 0000 0001"))
    assert await peer.frame() == tcp(3, "01 83 0B")
    assert server.counters.unknown_device == 2


async def test_write_hook_sees_and_may_refuse(server: SlaveServer, connect: Connect) -> None:
    seen: list[tuple[str, int, list[int]]] = []
    server.slaves[1].bank.on_write = lambda table, address, words: seen.append((table, address, words))
    peer = await connect()
    peer.writer.write(tcp(1, "01 10 0004 0002 04 00010002") + tcp(2, "01 05 0000 0000"))
    await peer.frame()
    await peer.frame()
    assert seen == [("holding", 4, [1, 2]), ("coil", 0, [0])]

    def refuse(table: str, address: int, words: list[int]) -> None:
        raise Refused(6)

    server.slaves[1].bank.on_write = refuse
    peer.writer.write(tcp(3, "01 06 0000 0001"))
    assert await peer.frame() == tcp(3, "01 86 06")


async def test_hundred_connections_each_get_their_own(server: SlaveServer, connect: Connect) -> None:
    async def one(number: int) -> None:
        peer = await connect()
        for turn in range(10):
            peer.writer.write(tcp(number * 10 + turn, f"{number % 2 + 1:02x} 03 {turn:04x} 0001"))
            value = (100, 200)[number % 2] + turn
            expected = tcp(number * 10 + turn, f"{number % 2 + 1:02x} 03 02 {value:04x}")
            assert await peer.frame(5) == expected

    await asyncio.gather(*(one(number) for number in range(100)))
    assert server.counters.replies == 1000


# ---- misbehaviour


async def test_behaviours_on_tcp(server: SlaveServer, connect: Connect) -> None:
    peer = await connect()
    slave = server.slaves[1]
    ask = "01 03 0000 0001"

    slave.behave(DEAD)
    peer.writer.write(tcp(1, ask))
    assert await peer.frame(0.1) is None

    slave.behave(refusing(6))
    peer.writer.write(tcp(2, ask))
    assert await peer.frame() == tcp(2, "01 83 06")

    slave.behave(GARBAGE)
    peer.writer.write(tcp(3, ask))
    garbage = await peer.frame()
    assert garbage is not None
    assert garbage[7] not in (0x03, 0x83)

    slave.behave(WRONG_CRC)
    peer.writer.write(tcp(4, ask))
    assert await peer.frame(0.1) is None

    slave.behave(HEALTHY)
    peer.writer.write(tcp(5, ask))
    assert await peer.frame() == tcp(5, "01 03 02 0064")


async def test_slow_works_one_after_the_other_and_blocks_nobody(
    server: SlaveServer, connect: Connect
) -> None:
    peer = await connect()
    server.slaves[1].behave(slow(0.1))
    start = time.perf_counter()
    peer.writer.write(tcp(1, "01 03 0000 0001") + tcp(2, "01 03 0000 0001") + tcp(3, "02 03 0000 0001"))
    assert (await peer.frame() or b"")[1] == 3
    server.slaves[1].bank.poke("holding", 0, [5])  # a slow device reads its values when it gets to it
    assert await peer.frame() == tcp(1, "01 03 02 0005")
    assert await peer.frame() == tcp(2, "01 03 02 0005")
    assert time.perf_counter() - start >= 0.2


async def test_late_reply_has_the_values_of_its_request_and_keeps_the_order(
    server: SlaveServer, connect: Connect
) -> None:
    peer = await connect()
    server.slaves[1].behave(late(0.15))
    peer.writer.write(tcp(1, "01 03 0000 0001"))
    await asyncio.sleep(0.05)
    server.slaves[1].bank.poke("holding", 0, [5])
    server.slaves[1].behave(HEALTHY)
    peer.writer.write(tcp(2, "01 03 0000 0001"))
    assert await peer.frame() == tcp(1, "01 03 02 0064")
    assert await peer.frame() == tcp(2, "01 03 02 0005")


async def test_a_device_that_dies_over_a_request_does_not_answer_it(
    server: SlaveServer, connect: Connect
) -> None:
    peer = await connect()
    server.slaves[1].behave(slow(0.05))
    peer.writer.write(tcp(1, "01 03 0000 0001"))
    await asyncio.sleep(0.02)
    server.slaves[1].behave(DEAD)
    assert await peer.frame(0.15) is None


async def test_yesterday_shows_old_values_and_still_takes_writes(
    server: SlaveServer, connect: Connect
) -> None:
    peer = await connect()
    slave = server.slaves[1]
    slave.behave(YESTERDAY)
    slave.bank.poke("holding", 0, [1])
    peer.writer.write(tcp(1, "01 03 0000 0001") + tcp(2, "01 06 0001 0009"))
    assert await peer.frame() == tcp(1, "01 03 02 0064")
    assert await peer.frame() == tcp(2, "01 06 0001 0009")
    slave.behave(HEALTHY)
    peer.writer.write(tcp(3, "01 03 0000 0002"))
    assert await peer.frame() == tcp(3, "01 03 04 0001 0009")
    assert slave.counters.writes == 1


def test_addresses_are_one_to_247_and_taken_once() -> None:
    server = SlaveServer()
    server.add(247, bank(1))
    for address in (0, 248, 247):
        with pytest.raises(ValueError, match=str(address)):
            server.add(address, bank(1))


async def test_close_ends_connections_and_drops_replies(server: SlaveServer, connect: Connect) -> None:
    peer = await connect()
    server.slaves[1].behave(late(0.05))
    peer.writer.write(tcp(1, "01 03 0000 0001"))
    await asyncio.sleep(0.02)
    server.close()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await peer.frame()
