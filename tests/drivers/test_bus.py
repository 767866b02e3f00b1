"""The bus on a stepped clock, over real sockets and pseudo-terminals."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bus_helpers import profile_of, running, until
from hostile import HostileSlave, Pty, Request, Trick, over_pty, over_tcp, value_of
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clock import RealClock, SteppedClock
from drivers.bus import Bus, BusDevice
from drivers.health import Health
from drivers.modbus import RtuLine, TcpLine
from drivers.plan import least_read_s
from drivers.profile import Profile
from drivers.readings import NEVER, Fault

pytestmark = pytest.mark.timeout(60)

SENSORS = profile_of({"a": {"register": 0}, "b": {"register": 1}, "far": {"register": 30}}, merge={"hole": 4})


@contextlib.asynccontextmanager
async def station(
    clock: Any, slave: HostileSlave, devices: dict[str, tuple[int, Profile]], **more: Any
) -> AsyncIterator[Bus]:
    """A running bus over TCP, and the test as a part of the same clock."""
    async with over_tcp(slave) as port:
        bus = Bus(
            "bus",
            TcpLine("127.0.0.1", port),
            [BusDevice(name, address, profile) for name, (address, profile) in devices.items()],
            clock,
            **more,
        )
        async with clock.part(), running(bus):
            yield bus


async def test_readings_exist_from_the_start_and_carry_the_time_of_the_reply(clock: SteppedClock) -> None:
    slave = HostileSlave()
    async with station(clock, slave, {"d": (1, SENSORS)}) as bus:
        assert bus.readings == {("d", "a"): NEVER, ("d", "b"): NEVER, ("d", "far"): NEVER}
        await clock.sleep(10.5)
        reading = bus.readings["d", "a"]
        assert reading.value == value_of(1, 3, 0, slave.requests[-2].generation)
        assert reading.time == 1010.0
        assert reading.fault is Fault.NONE
        assert bus.online("d")
        assert bus.statistics["d"].ok == 22  # two requests a second, eleven times
        assert bus.state.up


async def test_the_same_schedule_every_run() -> None:
    traces = []
    for _ in range(2):
        clock = SteppedClock(start=1000.0)
        trace: list[tuple[float, int, bytes]] = []
        slave = HostileSlave()

        def note(request: Request, trace: Any = trace, clock: Any = clock) -> Trick:
            trace.append((clock.now(), request.device, request.pdu))
            return Trick.SILENT if request.device == 2 else Trick.GOOD

        slave.behave = note
        fast = profile_of({"x": {"register": 3, "poll": "500 ms"}, "y": {"register": 9, "poll": "10 s"}})
        async with station(clock, slave, {"d": (1, SENSORS), "dead": (2, SENSORS), "f": (3, fast)}):
            await clock.sleep(15.2)
        traces.append(trace)
    assert traces[0] == traces[1]
    assert [t for t, device, pdu in traces[0] if device == 3 and pdu[2] == 3][:4] == [
        1000,
        1000.5,
        1001,
        1001.5,
    ]


async def test_rate_groups_keep_their_grid(clock: SteppedClock) -> None:
    times: dict[int, list[float]] = {0: [], 1: [], 2: []}
    slave = HostileSlave(behave=lambda r: (times[r.pdu[2]].append(clock.now()), Trick.GOOD)[1])
    profile = profile_of(
        {f"p{n}": {"register": n, "poll": poll} for n, poll in enumerate(["500 ms", "1 s", "10 s"])}
    )
    async with station(clock, slave, {"d": (1, profile)}):
        await clock.sleep(20.1)
    assert times[0] == [1000 + n / 2 for n in range(41)]
    assert times[1] == [1000 + n for n in range(21)]
    assert times[2] == [1000, 1010, 1020]


async def test_one_lost_reply_leaves_the_reading_as_it_is(clock: SteppedClock) -> None:
    lose: list[bool] = []
    slave = HostileSlave(behave=lambda _: Trick.SILENT if lose and lose.pop() else Trick.GOOD)
    async with station(clock, slave, {"d": (1, SENSORS)}) as bus:
        await clock.sleep(2.5)
        lose.append(True)
        await clock.sleep(1.0)
        assert bus.statistics["d"].no_reply == 1
        assert bus.readings["d", "a"].fault is Fault.NONE
        assert bus.readings["d", "a"].time == 1003.0, "retried at once"


async def test_offline_needs_three_seconds_and_two_cycles(clock: SteppedClock) -> None:
    slave = HostileSlave()
    async with station(clock, slave, {"d": (1, SENSORS)}) as bus:
        await clock.sleep(5.5)
        slave.dead.add(1)
        await clock.sleep(2.4)
        last = bus.readings["d", "a"]
        assert last.fault is Fault.NONE
        assert last.time == 1005.0
        assert bus.statistics["d"].no_reply >= 2
        await clock.sleep(0.2)
        gone = bus.readings["d", "a"]
        assert math.isnan(gone.value)
        assert gone.time == 1005.0
        assert gone.fault is Fault.NO_REPLY
        assert not bus.online("d")


async def test_silent_for_an_hour_and_back(clock: SteppedClock) -> None:
    writable = profile_of({"a": {"register": 0}, "out": {"register": 5, "poll": None, "write": WRITE}})
    slave = HostileSlave()
    async with station(clock, slave, {"d": (1, writable), "other": (2, SENSORS)}) as bus:
        bus.write("d", "out", 42)
        await clock.sleep(2.5)
        assert slave.written == {(1, 5): 42}
        slave.dead.add(1)
        slave.written.clear()
        before = len(slave.requests)
        await clock.sleep(3600)
        probes = sum(request.device == 1 for request in slave.requests[before:])
        assert 60 <= probes <= 70, "one a back-off step"
        others = sum(request.device == 2 for request in slave.requests[before:])
        assert 7199 <= others <= 7201, "the other one is not slowed"
        assert bus.write_state("d", "out")[2] is Fault.NO_REPLY
        slave.dead.clear()
        took = await until(clock, lambda: bus.online("d"), within_s=61)
        assert took <= 60.5
        await clock.sleep(0.1)
        assert slave.written == {(1, 5): 42}, "its outputs are written at once"
        assert bus.readings["d", "a"].fault is Fault.NONE


WRITE = {"refresh": "30 s", "on_loss": "hold"}


async def test_half_the_bus_dead_at_start() -> None:
    """On real time, since what a dead device costs is wire time."""
    profile = SENSORS.model_copy(update={"timing": SENSORS.timing.model_copy(update={"reply": 0.1})})
    slave = HostileSlave(dead=set(range(1, 33, 2)))
    clock = RealClock()
    devices = {f"d{n}": (n, profile) for n in range(1, 33)}
    async with station(clock, slave, devices) as bus:
        living = [f"d{n}" for n in range(2, 33, 2)]
        took = await until(clock, lambda: all(bus.online(name) for name in living), within_s=8, step_s=0.05)
        print("half the bus dead: the rest is there after", round(took, 2), "s")
        await clock.sleep(3)
        ages = [clock.now() - bus.readings[name, "a"].time for name in living]
        print("oldest reading", round(max(ages), 2), "s")
        assert max(ages) < 2.5, "nobody waits for the dead"


async def test_writes_go_out_at_once_and_are_refreshed(clock: SteppedClock) -> None:
    profile = profile_of(
        {"a": {"register": 0}, "out": {"register": 5, "scale": 0.01, "poll": None, "write": WRITE}}
    )
    writes: list[tuple[float, int]] = []

    def note(request: Request) -> Trick:
        if request.function == 6:
            writes.append((clock.now(), int.from_bytes(request.pdu[3:5], "big")))
        return Trick.GOOD

    async with station(clock, HostileSlave(behave=note), {"d": (1, profile)}) as bus:
        assert bus.attempted, "nothing was asked for yet"
        bus.write("d", "out", 1.0)
        assert not bus.attempted
        assert bus.write_state("d", "out") == (None, -math.inf, Fault.NEVER_READ)
        await clock.sleep(0.25)
        assert bus.attempted
        assert bus.write_state("d", "out") == (1.0, 1000.0, Fault.NONE)
        bus.write("d", "out", 1.0)
        await clock.sleep(0.05)
        bus.write("d", "out", 2.0)
        bus.write("d", "out", 3.0)
        await clock.sleep(60.5)
    assert [value for _, value in writes] == [100, 300, 300, 300]
    assert [time for time, _ in writes] == pytest.approx([1000.0, 1000.3, 1030.3, 1060.3])


async def test_flags_of_one_register_are_one_write(clock: SteppedClock) -> None:
    flags = {f"relay{n}": {"register": 5, "bit": n, "poll": "1 s", "write": WRITE} for n in range(4)}
    slave = HostileSlave(values={(1, 3, 5): 0xF008})
    async with station(clock, slave, {"d": (1, profile_of(flags))}) as bus:
        await clock.sleep(0.5)
        for name in ("relay0", "relay1"):
            bus.write("d", name, 1)
        bus.write("d", "relay3", 0)
        before = len(slave.requests)
        await clock.sleep(0.25)
        assert [r.function for r in slave.requests[before:]] == [6]
        assert slave.written[1, 5] == 0xF003, "bits that nobody commands stay"
        bus.write("d", "relay1", 0)
        await clock.sleep(0.1)
        assert slave.written[1, 5] == 0xF001
        assert bus.write_state("d", "relay0")[0] == 1


async def test_a_refused_write_and_impossible_ones(clock: SteppedClock) -> None:
    profile = profile_of({"a": {"register": 0}, "out": {"register": 5, "poll": None, "write": WRITE}})
    slave = HostileSlave(behave=lambda r: Trick.ILLEGAL if r.function == 6 else Trick.GOOD)
    async with station(clock, slave, {"d": (1, profile)}) as bus:
        bus.write("d", "out", 1)
        await clock.sleep(0.5)
        assert bus.attempted
        assert bus.write_state("d", "out") == (None, -math.inf, Fault.REFUSED)
        assert bus.online("d")
        for name, value, error in (("a", 1, KeyError), ("out", math.nan, ValueError), ("no", 1, KeyError)):
            with pytest.raises(error):
                bus.write("d", name, value)


async def test_attempts_end_when_the_device_or_the_line_is_dead(clock: SteppedClock) -> None:
    outputs = profile_of({f"o{n}": {"register": n, "poll": None, "write": WRITE} for n in range(8)})
    async with station(clock, HostileSlave(dead={1}), {"d": (1, outputs)}) as bus:
        for n in range(8):
            bus.write("d", f"o{n}", n)
        await clock.sleep(0.1)
        assert bus.attempted
        assert bus.statistics["d"].no_reply == 1, "one time-out for all"
    async with over_tcp(HostileSlave()) as port:
        pass
    refused = Bus("b", TcpLine("127.0.0.1", port), [BusDevice("d", 1, outputs)], clock)
    refused.write("d", "o1", 1)
    async with clock.part(), running(refused):
        await clock.sleep(0.1)
        assert refused.attempted
        assert not refused.state.up


async def test_a_refused_block_is_read_singly_and_the_bad_register_left_out(clock: SteppedClock) -> None:
    profile = profile_of({name: {"register": n} for n, name in enumerate("abcd")})
    slave = HostileSlave(illegal={2})
    async with station(clock, slave, {"d": (1, profile)}) as bus:
        await clock.sleep(0.5)
        assert [bus.readings["d", name].fault for name in "abcd"] == ["", "", "refused", ""]
        assert bus.readings["d", "a"].value == value_of(1, 3, 0, slave.requests[1].generation)
        assert bus.online("d")
        before = len(slave.requests)
        await clock.sleep(10)
        assert {(r.pdu[2], r.pdu[4]) for r in slave.requests[before:]} == {(0, 1), (1, 1), (3, 1)}
        slave.illegal.clear()
        await clock.sleep(575)
        assert bus.readings["d", "c"].fault is Fault.REFUSED
        await clock.sleep(20)
        assert bus.readings["d", "c"].fault is Fault.NONE


async def test_a_hole_that_the_device_refuses_is_not_bridged_again(clock: SteppedClock) -> None:
    profile = profile_of({name: {"register": n} for name, n in {"a": 0, "b": 1, "c": 4, "d": 5}.items()})
    slave = HostileSlave(illegal={2, 3})
    async with station(clock, slave, {"d": (1, profile)}) as bus:
        await clock.sleep(0.5)
        assert all(reading.fault is Fault.NONE for reading in bus.readings.values())
        before = len(slave.requests)
        await clock.sleep(1)
        assert [(r.pdu[2], r.pdu[4]) for r in slave.requests[before:]] == [(0, 2), (4, 2)]


async def test_the_quality_point_speaks_for_the_others(clock: SteppedClock) -> None:
    status = {"point": "status", "bits": {"3": "open_circuit"}, "values": {"7": "device_fault"}}
    profile = profile_of(
        {
            "t": {"register": 0, "poll": "1 s", "quality": status},
            "status": {"register": 20, "poll": "10 s"},
        },
        merge={"hole": 0},
    )
    slave = HostileSlave(values={(1, 3, 0): 55, (1, 3, 20): 0})
    async with station(clock, slave, {"d": (1, profile)}, used={"d": ["t"]}) as bus:
        assert set(bus.readings) == {("d", "t"), ("d", "status")}
        for word, value, fault in ((0, 55, ""), (8, math.nan, "open_circuit"), (7, math.nan, "device_fault")):
            slave.values[1, 3, 20] = word
            await clock.sleep(1.0)
            reading = bus.readings["d", "t"]
            assert reading.fault == fault
            assert reading.value == pytest.approx(value, nan_ok=True)
        slave.values[1, 3, 20] = 0
        await clock.sleep(1.0)
        last = bus.readings["d", "t"]
        slave.behave = lambda r: Trick.SILENT if r.pdu[2] == 20 else Trick.GOOD
        await clock.sleep(1.0)
        assert bus.readings["d", "t"] == last, "without its witness a value is not renewed"


async def test_a_gateway_that_reaches_nobody_is_no_answer(clock: SteppedClock) -> None:
    slave = HostileSlave(behave=lambda _: Trick.GATEWAY)
    async with station(clock, slave, {"d": (1, SENSORS)}) as bus:
        await clock.sleep(5)
        assert not bus.online("d")
        assert bus.readings["d", "a"].fault is Fault.NO_REPLY


async def test_the_server_goes_away_for_minutes_and_comes_back(clock: SteppedClock) -> None:
    slave = HostileSlave()
    async with over_tcp(slave) as port:
        pass
    bus = Bus("bus", TcpLine("127.0.0.1", port), [BusDevice("d", 1, SENSORS)], clock)
    async with clock.part(), running(bus):
        await clock.sleep(120)
        assert not bus.state.up
        assert bus.state.since == 1000.0
        assert bus.state.why
        async with over_tcp(slave, port):
            took = await until(clock, lambda: bus.online("d"), within_s=11)
            print("back after", took)
            assert bus.state.up
        await clock.sleep(4)
        assert not bus.state.up
        assert not bus.online("d")
        assert bus.readings["d", "a"].fault is Fault.NO_REPLY
        async with over_tcp(slave, port):
            await until(clock, lambda: bus.online("d"), within_s=11)
            await clock.sleep(2)
            assert bus.readings["d", "a"].fault is Fault.NONE


async def test_the_adapter_is_unplugged_and_plugged_in_again(clock: SteppedClock, tmp_path: Any) -> None:
    link = tmp_path / "tty"
    slave = HostileSlave()
    first = Pty(slave)
    link.symlink_to(first.path)
    bus = Bus("bus", RtuLine(str(link), 115200), [BusDevice("d", 1, SENSORS)], clock)
    async with clock.part(), running(bus):
        await clock.sleep(2.2)
        assert bus.online("d")
        first.unplug()
        link.unlink()
        await clock.sleep(8)
        assert not bus.state.up
        assert not bus.online("d")
        assert bus.readings["d", "a"].time == 1002.0
        second = Pty(slave)
        link.symlink_to(second.path)
        await until(clock, lambda: bus.online("d"), within_s=11)
        second.unplug()


async def test_when_nobody_answers_the_connection_is_opened_anew(clock: SteppedClock) -> None:
    slave = HostileSlave(dead={1})
    async with station(clock, slave, {"d": (1, SENSORS)}) as bus:
        opened = bus.state.since
        master = bus._master
        wires = set()
        for _ in range(300):
            wires.add(id(master._wire))
            await clock.sleep(1)
        assert len(wires) >= 3
        assert bus.state.since == opened


async def test_a_stopped_bus_finishes_its_request_and_closes(clock: SteppedClock) -> None:
    slave = HostileSlave(delay_s=0.03)
    profile = profile_of({"a": {"register": 0}}, timing={"reply": "100 ms"})
    async with over_pty(slave) as pty:
        bus = Bus("bus", RtuLine(pty.path, 115200), [BusDevice("d", 1, profile)], RealClock())
        task = asyncio.create_task(bus.run())
        while not slave.requests:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()
        assert bus.state.why == "stopped"
        assert len(slave.tricks) == 1, "the answer was waited for"
        assert bus._master._wire is None


@pytest.mark.parametrize("baud", [9600, 19200, 38400, 115200])
async def test_the_wire_is_used_near_the_legal_bound_and_never_beyond(baud: int) -> None:
    """Times from request to request on a paced pseudo-terminal, 8N1."""
    profile = profile_of({"a": {"register": 0, "poll": "1 ms"}, "b": {"register": 9}}, merge={"hole": 20})
    slave = HostileSlave()
    async with over_pty(slave, baud=baud) as pty:
        bus = Bus("bus", RtuLine(pty.path, baud), [BusDevice("d", 1, profile)], RealClock(), {"d": ["a"]})
        async with running(bus):
            await asyncio.sleep(1.0)
        starts = pty.starts
    gaps = sorted(b - a for a, b in itertools.pairwise(starts))
    bound = least_read_s(1, baud, "N", 1)
    print(f"{baud} baud: {bound / gaps[len(gaps) // 2]:.2f} of the legal rate, fastest {bound / gaps[0]:.3f}")
    assert gaps[0] > 0.99 * bound


@pytest.mark.parametrize("period", ["1 s", "500 ms"])
async def test_a_request_that_is_never_answered_leaves_the_others_alone(
    clock: SteppedClock, period: str
) -> None:
    """Some devices fall silent where they should refuse."""
    slave = HostileSlave(
        behave=lambda r: Trick.SILENT if r.device == 1 and r.pdu[2] in (0, 9) else Trick.GOOD
    )
    profile = profile_of(
        {
            "mute": {"register": 0, "poll": period},
            "a": {"register": 20},
            "out": {"register": 9, "poll": None, "write": WRITE},
        },
        merge={"hole": 0},
    )
    async with station(clock, slave, {"d": (1, profile), "other": (2, SENSORS)}) as bus:
        bus.write("d", "out", 1)
        await clock.sleep(200)
        assert bus.online("d")
        assert bus.readings["d", "a"].time >= clock.now() - 2
        assert bus.readings["d", "mute"].fault is not Fault.NONE
        assert bus.write_state("d", "out")[2] is Fault.NO_REPLY
        assert bus.statistics["d"].no_reply < 80
        assert bus.statistics["other"].ok >= 400
        slave.behave = lambda _: Trick.GOOD
        await clock.sleep(70)
        assert bus.readings["d", "mute"].fault is Fault.NONE
        assert bus.write_state("d", "out")[0] == 1


async def test_a_request_at_which_the_peer_hangs_up_leaves_the_others_alone(clock: SteppedClock) -> None:
    slave = HostileSlave(behave=lambda r: Trick.CLOSE if r.device == 1 else Trick.GOOD)
    async with station(clock, slave, {"d": (1, SENSORS), "other": (2, SENSORS)}) as bus:
        await clock.sleep(200)
        assert not bus.online("d")
        assert bus.online("other")
        ages = []
        for _ in range(100):
            await clock.sleep(1)
            ages.append(clock.now() - bus.readings["other", "a"].time)
        assert max(ages) <= 3
        assert len(slave.requests) < 1000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=40))
def test_offline_is_three_seconds_and_two_failures_and_retry_within_a_minute(
    events: list[tuple[float, bool]],
) -> None:
    health, now, good = Health(), 1000.0, []
    for pause, answered in events:
        now += pause
        health.goes_offline(now)
        if answered:
            health.answered(now)
            good.append(now)
        else:
            health.failed(now, Fault.NO_REPLY)
        assert health.retry_at <= now + 60
        if health.online:
            assert good
        if health.offline:
            assert health.failures >= 2
            assert not good or now - good[-1] >= 3
