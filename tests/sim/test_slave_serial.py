"""The slave on serial lines (pseudo-terminals), and other people's masters: pymodbus and mbpoll."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException
from slave_peers import TtyPeer, bank, rtu, two_devices

import sim.slave
from sim.slave import GARBAGE, GATEWAY_NO_REPLY, WRONG_CRC, SlaveServer, crc16, late


@pytest.fixture
async def server() -> AsyncIterator[SlaveServer]:
    result = two_devices()
    yield result
    result.close()


@pytest.fixture
async def line(server: SlaveServer, tmp_path: Path) -> Path:
    path = tmp_path / "buses" / "drives"
    server.serve_pty(path)
    return path


@pytest.fixture
async def peer(line: Path) -> AsyncIterator[TtyPeer]:
    result = TtyPeer(line)
    yield result
    result.close()


async def test_rtu_answers_and_is_silent_where_it_must_be(server: SlaveServer, peer: TtyPeer) -> None:
    peer.send(rtu("01 03 0000 0002"))
    assert await peer.receive() == rtu("01 03 04 0064 0065")
    peer.send(rtu("09 03 0000 0002"))  # nobody
    assert await peer.receive() == b""
    peer.send(rtu("01 03 0000 0002")[:-1] + b"\x00")  # wrong CRC
    assert await peer.receive() == b""
    assert server.counters.bad_frames == 1
    peer.send(rtu("02 10 0004 0002 04 00010002"))
    assert await peer.receive() == rtu("02 10 0004 0002")
    peer.send(rtu("01 2B 0E01"))  # an unknown function has no known length: silence ends it
    assert await peer.receive() == rtu("01 AB 01")
    server.gateway_code = GATEWAY_NO_REPLY  # is for gateways only
    peer.send(rtu("09 03 0000 0002"))
    assert await peer.receive() == b""


async def test_rtu_in_lumps_with_garbage_and_resynchronised_by_silence(
    peer: TtyPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim.slave, "_SILENCE_S", 0.1)  # a loaded machine must not look like silence
    frame = rtu("01 03 0000 0001")
    peer.send(frame[:3])
    await asyncio.sleep(0.005)
    peer.send(frame[3:])
    assert await peer.receive() == rtu("01 03 02 0064")
    peer.send(b"\x01\x03\x00" + frame)  # three bytes too many: this frame is lost
    assert await peer.receive() == b""
    peer.send(frame)  # and the next one is not
    assert await peer.receive() == rtu("01 03 02 0064")
    peer.send(frame[:5])
    await asyncio.sleep(0.2)
    peer.send(frame)
    assert await peer.receive() == rtu("01 03 02 0064")
    peer.send(frame + rtu("02 03 0000 0001"))  # no gap, whole frames: both are answered
    assert await peer.receive() == rtu("01 03 02 0064") + rtu("02 03 02 00C8")


async def test_rtu_misbehaviour(server: SlaveServer, peer: TtyPeer) -> None:
    slave = server.slaves[1]
    good = rtu("01 03 02 0064")
    slave.behave(WRONG_CRC)
    peer.send(rtu("01 03 0000 0001"))
    damaged = await peer.receive()
    assert damaged[:-1] == good[:-1]
    assert damaged != good
    slave.behave(GARBAGE)
    peer.send(rtu("01 03 0000 0001"))
    garbage = await peer.receive()
    assert garbage
    assert crc16(garbage[:-2]) != garbage[-2:]
    slave.behave(late(0.5))
    peer.send(rtu("01 03 0000 0001"))
    assert await peer.receive(0.1) == b""
    peer.send(rtu("02 03 0000 0001"))
    assert await peer.receive(0.1) == rtu("02 03 02 00C8")
    assert await peer.receive(0.6) == good


async def test_broadcast_is_obeyed_and_not_answered(server: SlaveServer, peer: TtyPeer) -> None:
    peer.send(rtu("00 06 0000 0009"))
    assert await peer.receive() == b""
    assert server.slaves[1].bank.peek("holding", 0) == server.slaves[2].bank.peek("holding", 0) == [9]


async def test_paced_line_takes_its_time(server: SlaveServer, tmp_path: Path) -> None:
    server.serve_pty(tmp_path / "slow", baud=9600)
    peer = TtyPeer(tmp_path / "slow")
    start = time.perf_counter()
    peer.send(rtu("01 03 0000 000A"))
    while not (reply := await peer.receive(0.001)):
        assert time.perf_counter() - start < 2
    assert len(reply) == 25
    assert time.perf_counter() - start >= (8 + 25 + 3.5) * 11 / 9600
    peer.close()


async def test_link_is_replaced_a_file_is_not(tmp_path: Path) -> None:
    server = SlaveServer()
    server.add(1, bank(1))
    (tmp_path / "plain").write_text("precious")
    with pytest.raises(FileExistsError):
        server.serve_pty(tmp_path / "plain")
    assert (tmp_path / "plain").read_text() == "precious"
    (tmp_path / "old").symlink_to("/nowhere")
    server.serve_pty(tmp_path / "old")
    assert os.readlink(tmp_path / "old").startswith("/dev/pts/")
    server.close()
    assert not (tmp_path / "old").is_symlink()
    server.serve_pty(tmp_path / "old")  # and again
    peer = TtyPeer(tmp_path / "old")
    peer.send(rtu("01 03 0000 0001"))
    assert await peer.receive() == rtu("01 03 02 0001")
    peer.close()
    server.close()


async def test_real_port_is_served_as_it_is(tmp_path: Path) -> None:
    """A pseudo-terminal made here stands for the adapter."""
    far, near = os.openpty()
    os.set_blocking(far, False)
    server = SlaveServer()
    server.add(1, bank(100))
    server.serve_tty(Path(os.ttyname(near)))
    os.write(far, rtu("01 03 0000 0001"))
    await asyncio.sleep(0.1)
    assert os.read(far, 100) == rtu("01 03 02 0064")
    server.close()
    with pytest.raises(OSError, match="no serial port"):
        server.serve_tty(tmp_path)
    os.close(far)
    os.close(near)


# ---- other people's masters


async def test_pymodbus_over_tcp(server: SlaveServer) -> None:
    client = AsyncModbusTcpClient("127.0.0.1", port=await server.serve_tcp(), timeout=1, retries=0)
    assert await client.connect()
    replies = await asyncio.gather(
        *(client.read_holding_registers(i % 10, count=3, device_id=1 + i % 2) for i in range(100))
    )
    for i, reply in enumerate(replies):
        first = (100, 200)[i % 2] + i % 10
        assert reply.registers == [first, first + 1, first + 2]
    assert (await client.read_coils(0, count=10, device_id=1)).bits[:10] == [
        bool(bit) for bit in (1, 0, 1, 1, 0, 0, 0, 0, 1, 0)
    ]
    assert (await client.read_discrete_inputs(5, count=3, device_id=1)).bits[:3] == [True, False, True]
    assert not (await client.write_registers(3, [1, 2, 3], device_id=1)).isError()
    assert not (await client.write_coils(0, [False, True, True], device_id=1)).isError()
    assert server.slaves[1].bank.peek("holding", 3, 3) == [1, 2, 3]
    assert server.slaves[1].bank.peek("coil", 0, 4) == [0, 1, 1, 1]
    assert (await client.read_input_registers(0, count=1, device_id=1)).exception_code == 2
    client.close()


async def test_pymodbus_over_rtu(server: SlaveServer, line: Path) -> None:
    client = AsyncModbusSerialClient(str(line), timeout=0.2, retries=0)
    assert await client.connect()
    for turn in range(20):
        reply = await client.read_holding_registers(turn % 5, count=2, device_id=1)
        assert reply.registers == [100 + turn % 5, 101 + turn % 5]
    assert not (await client.write_register(3, 77, device_id=2)).isError()
    assert server.slaves[2].bank.peek("holding", 3) == [77]
    with pytest.raises(ModbusIOException):
        await client.read_holding_registers(0, count=1, device_id=5)
    client.close()


@pytest.fixture
def mbpoll() -> str:
    path = shutil.which("mbpoll")
    if path is None:
        message = "mbpoll is not installed: no independent witness (apt install mbpoll)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


async def run(*command: str) -> dict[int, int]:
    """Values that mbpoll prints, by register."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    return {int(a): int(b) for a, b in re.findall(r"^\[(\d+)\]:\s+(\d+)", output, re.MULTILINE)}


async def test_mbpoll_over_both_wires(server: SlaveServer, line: Path, mbpoll: str) -> None:
    port = await server.serve_tcp()
    over_tcp = [mbpoll, "-m", "tcp", "-p", str(port), "-0", "-1", "-q"]
    over_rtu = [mbpoll, "-m", "rtu", "-b", "9600", "-P", "none", "-0", "-1", "-q"]
    assert await run(*over_tcp, "-a", "2", "-t", "4", "-r", "3", "-c", "3", "127.0.0.1") == {
        3: 203,
        4: 204,
        5: 205,
    }
    assert await run(*over_tcp, "-a", "1", "-t", "0", "-r", "0", "-c", "4", "127.0.0.1") == {
        0: 1,
        1: 0,
        2: 1,
        3: 1,
    }
    assert await run(*over_rtu, "-a", "1", "-t", "3", "-r", "100", "-c", "2", str(line)) == {
        100: 100,
        101: 0x4212,
    }
    await run(*over_rtu, "-a", "1", "-t", "4", "-r", "7", str(line), "55")
    assert server.slaves[1].bank.peek("holding", 7) == [55]
