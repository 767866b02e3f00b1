"""No late, shifted or foreign reply ever becomes another register's value."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random

import pytest
from hostile import TCP_ONLY, HostileSlave, Request, Trick, frame, over_pty, over_tcp, value_of
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.modbus import (
    BadReply,
    Exchange,
    LineDown,
    Master,
    ModbusFault,
    NoReply,
    Refused,
    RtuLine,
    TcpLine,
)
from drivers.plan import Span

EXCHANGES = int(os.environ.get("HOSTILE_EXCHANGES", "240"))
LINES = 8
REPLY = Exchange(reply_s=0.02)
FUNCTION = {"holding": 3, "input": 4}
READS = [
    Span("holding", 0, 1),
    Span("holding", 5, 1),
    Span("holding", 6, 2),
    Span("holding", 10, 2),
    Span("holding", 12, 8),
    Span("holding", 20, 8),
    Span("input", 0, 2),
    Span("input", 5, 1),
]


async def exchange(master: Master, slave: HostileSlave, pick: random.Random) -> str:
    """One random request; checks what is handed out and says how it went."""
    device = pick.randint(1, 3)
    before = slave.generation
    try:
        if pick.random() < 0.15:
            register, value = pick.randrange(4), pick.randrange(3)
            await master.write(device, register, [value], 6, REPLY)
            assert slave.written[device, register] == value
            assert any(
                r.generation > before and r.pdu == bytes((6, 0, register, 0, value))
                for r in slave.requests[-9:]
            ), "confirmed without having been asked"
            return "written"
        span = pick.choice(READS)
        words = await master.read(device, span.table, span.first, span.count, REPLY)
    except ModbusFault as error:
        return type(error).__name__
    except LineDown:
        with contextlib.suppress(LineDown):
            await master.connect()
        return "LineDown"
    function = FUNCTION[span.table]
    for number, word in enumerate(words):
        age = (slave.generation - word) & 255
        assert word == value_of(device, function, span.first + number, slave.generation - age), (
            f"register {span.first + number} of device {device} got {word:#06x}; {history(slave)}"
        )
        assert age < slave.generation - before, f"{age} requests old; {history(slave)}"
    return "read"


def history(slave: HostileSlave) -> list[str]:
    """The last requests and what was done with them."""
    return [
        f"{r.generation}: {r.device} {r.pdu.hex()} {trick.name}"
        for r, trick in list(zip(slave.requests, slave.tricks, strict=True))[-12:]
    ]


async def torture(kind: str, seed: int, tricks: list[Trick], bad: float, count: int) -> dict[str, int]:
    """`count` exchanges on a line of its own; counts of how they ended."""
    pick = random.Random(seed)
    slave = HostileSlave(
        behave=lambda _: pick.choice(tricks) if pick.random() < bad else Trick.GOOD, random=pick
    )
    ends: dict[str, int] = {}
    async with contextlib.AsyncExitStack() as stack:
        if kind == "tcp":
            line = TcpLine("127.0.0.1", await stack.enter_async_context(over_tcp(slave)))
        else:
            line = RtuLine((await stack.enter_async_context(over_pty(slave))).path, 115200)
        master = Master(line, slowest_s=0.02)
        await master.connect()
        stack.push_async_callback(master.close)
        for _ in range(count):
            end = await exchange(master, slave, pick)
            ends[end] = ends.get(end, 0) + 1
            if end not in ("read", "written"):
                await asyncio.sleep(0.01)
    return ends


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
async def test_a_value_is_always_its_own_registers_and_never_old(kind: str) -> None:
    seed = int(os.environ.get("HOSTILE_SEED", random.SystemRandom().randrange(1 << 30)))
    print("HOSTILE_SEED", seed)  # shown when it fails
    tricks = [trick for trick in Trick if kind == "tcp" or trick not in TCP_ONLY]
    runs = [
        torture(kind, seed + line, tricks, bad=(line % 4 + 1) * 0.15, count=EXCHANGES)
        for line in range(LINES)
    ]
    async with asyncio.timeout(100):
        all_ends = await asyncio.gather(*runs)
    for ends in all_ends:
        print(ends)
        assert ends["read"] > EXCHANGES / 8
        assert ends.get("NoReply") or ends.get("BadReply")


TRICKS_RTU = [t for t in Trick if t not in TCP_ONLY and t is not Trick.GOOD]


@pytest.mark.parametrize(
    ("kind", "trick"), [("rtu", t) for t in TRICKS_RTU] + [("tcp", t) for t in Trick if t is not Trick.GOOD]
)
async def test_each_trick_alone_and_the_line_recovers(kind: str, trick: Trick) -> None:
    ends = await torture(kind, 7, [trick], bad=0.5, count=30)
    assert ends["read"] > 3
    print(ends)


class Script:
    """Tricks in a fixed order, then good answers."""

    def __init__(self, *tricks: Trick) -> None:
        self._tricks = list(tricks)

    def __call__(self, request: Request) -> Trick:
        return self._tricks.pop(0) if self._tricks else Trick.GOOD


@contextlib.asynccontextmanager
async def line_to(kind: str, slave: HostileSlave):  # type: ignore[no-untyped-def]
    """A connected master of a line with this slave."""
    async with contextlib.AsyncExitStack() as stack:
        if kind == "tcp":
            port = await stack.enter_async_context(over_tcp(slave))
            master = Master(TcpLine("127.0.0.1", port), slowest_s=0.02)
        else:
            pty = await stack.enter_async_context(over_pty(slave))
            master = Master(RtuLine(pty.path, 115200), slowest_s=0.02)
        await master.connect()
        stack.push_async_callback(master.close)
        yield master


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
async def test_an_answer_that_comes_with_the_next_request_is_not_its_answer(kind: str) -> None:
    slave = HostileSlave(behave=Script(Trick.STALL))
    async with line_to(kind, slave) as master:
        with pytest.raises(NoReply):
            await master.read(1, "holding", 3, 1, REPLY)
        words = await master.read(1, "holding", 9, 1, REPLY)
    assert words == [value_of(1, 3, 9, slave.generation)]
    assert master.late[1] == 1
    assert slave.generation == 3, "a fence went between"


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
async def test_a_burst_of_all_old_answers_is_thrown_away(kind: str) -> None:
    slave = HostileSlave(behave=Script(*[Trick.STALL] * 4))
    async with line_to(kind, slave) as master:
        for register in (3, 4, 5, 6):
            with pytest.raises(NoReply):
                await master.read(1, "holding", register, 1, REPLY)
        assert await master.read(1, "holding", 9, 1, REPLY) == [value_of(1, 3, 9, slave.generation)]


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
async def test_a_late_refusal_is_not_the_next_requests(kind: str) -> None:
    slave = HostileSlave(behave=Script(Trick.STALL), illegal={3})
    async with line_to(kind, slave) as master:
        with pytest.raises(NoReply):
            await master.read(1, "holding", 3, 1, REPLY)
        words: list[int] = []
        for _ in range(5):
            with contextlib.suppress(NoReply, BadReply):  # but never Refused
                words = await master.read(1, "holding", 9, 1, REPLY)
                break
        assert words == [value_of(1, 3, 9, slave.generation)]


async def test_two_answers_in_one_burst_are_none() -> None:
    slave = HostileSlave()
    slave.behave = lambda _: Trick.GOOD
    async with over_pty(slave) as pty:
        master = Master(RtuLine(pty.path, 115200), slowest_s=0.02)
        await master.connect()
        original = pty._send
        other = HostileSlave().answer(Request(1, bytes((3, 0, 7, 0, 1)), None, 5))
        pty._send = lambda data: original(data + frame(1, other, None))
        with pytest.raises(BadReply, match="two different"):
            await master.read(1, "holding", 3, 1, REPLY)
        await master.close()


async def test_a_cancelled_request_is_finished_on_the_wire() -> None:
    slave = HostileSlave(delay_s=0.01)
    async with line_to("rtu", slave) as master:
        task = asyncio.create_task(master.read(1, "holding", 3, 1, REPLY))
        await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await master.read(1, "holding", 4, 1, REPLY) == [value_of(1, 3, 4, 2)]
        assert master.late[1] == 0


async def test_a_line_that_never_falls_silent_is_a_bad_reply() -> None:
    """At 300 baud the line counts as silent after 117 ms, longer than a busy machine pauses the babbler."""
    slave = HostileSlave()
    async with over_pty(slave) as pty:
        master = Master(RtuLine(pty.path, 300), slowest_s=0.02)
        await master.connect()

        async def babble() -> None:
            while True:
                os.write(pty.far, b"\x55" * 20)
                await asyncio.sleep(0.0005)

        task = asyncio.create_task(babble())
        async with asyncio.timeout(5):
            with pytest.raises(BadReply):
                await master.read(1, "holding", 3, 1, REPLY)
        task.cancel()
        await asyncio.sleep(0.05)
        assert len(await master.read(1, "holding", 3, 2, REPLY)) == 2
        await master.close()


async def test_a_second_master_is_kept_off_the_tty() -> None:
    async with over_pty(HostileSlave()) as pty:
        first, second = Master(RtuLine(pty.path)), Master(RtuLine(pty.path))
        await first.connect()
        with pytest.raises(LineDown):
            await second.connect()
        await first.close()
        await second.connect()
        await second.close()


async def test_a_port_that_refuses_or_is_missing_is_a_line_that_is_down(tmp_path: object) -> None:
    async with over_tcp(HostileSlave()) as port:
        pass
    for line in (TcpLine("127.0.0.1", port), RtuLine(f"{tmp_path}/ttyNone")):
        with pytest.raises(LineDown):
            await Master(line).connect()
        with pytest.raises(LineDown, match="not connected"):
            await Master(line).read(1, "holding", 0, 1, REPLY)


async def test_writes_of_every_function_are_confirmed() -> None:
    slave = HostileSlave()
    async with line_to("tcp", slave) as master:
        await master.write(1, 4, [77], 6, REPLY)
        await master.write(1, 6, [1, 2, 3], 16, REPLY)
        await master.write(1, 9, [1], 5, REPLY)
    assert slave.written == {(1, 4): 77, (1, 6): 1, (1, 7): 2, (1, 8): 3}
    assert slave.coils == {(1, 9): 0xFF00}


async def test_an_independent_slave_understands_us() -> None:
    """pymodbus's own server as the witness: none of our code is on its side."""
    tables = [
        [SimData(0, values=[True, False] * 20, datatype=DataType.BITS)],
        [SimData(0, values=[False, True] * 20, datatype=DataType.BITS)],
        [SimData(0, values=list(range(500, 540)), datatype=DataType.REGISTERS)],
        [SimData(0, values=list(range(900, 940)), datatype=DataType.REGISTERS)],
    ]
    server = ModbusTcpServer([SimDevice(7, simdata=tuple(tables))], address=("127.0.0.1", 0))
    async with asyncio.timeout(10):
        await server.serve_forever(background=True)
        port = server.transport.sockets[0].getsockname()[1]
        master = Master(TcpLine("127.0.0.1", port))
        await master.connect()
        patient = Exchange(1.0)
        assert await master.read(7, "holding", 3, 2, patient) == [503, 504]
        assert await master.read(7, "input", 3, 2, patient) == [903, 904]
        assert len(await master.read(7, "coil", 0, 11, patient)) == 11
        await master.write(7, 3, [4242], 6, patient)
        await master.write(7, 10, [1, 2], 16, patient)
        assert await master.read(7, "holding", 3, 1, patient) == [4242]
        assert await master.read(7, "holding", 10, 2, patient) == [1, 2]
        with pytest.raises(Refused):
            await master.read(7, "holding", 900, 2, patient)
        await master.close()
        await server.shutdown()
