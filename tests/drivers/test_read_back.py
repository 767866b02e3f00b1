"""Read-back over a real socket: what the bus asks for, and what it says of devices that do not obey."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

import pytest

from controller.clock import SteppedClock
from drivers.bus import Bus, BusDevice
from drivers.library import find_profile, load_profile
from drivers.plan import serial_cost, tcp_cost
from drivers.polling import Polling
from drivers.readings import Fault
from drivers.wire import TcpLine
from sim.bank import DEAD, HEALTHY, Behaviour, Counters
from sim.devices import EmulatedBus, emulate

pytestmark = pytest.mark.timeout(60)
IGNORES, OVERWRITTEN = Behaviour("ignores_writes"), Behaviour("overwritten")


class Wire:
    """A bus and its devices, all of whose written points are read back where they can be."""

    def __init__(self, bus: Bus, field: EmulatedBus, clock: SteppedClock) -> None:
        self.bus, self.field, self.clock = bus, field, clock

    async def run(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.clock.sleep(1.0)
            self.field.step(self.clock.now())

    def fault(self, device: str, point: str) -> Fault:
        reading = self.bus.read_back(device, point)
        assert reading is not None
        return reading.fault

    def counters(self, device: str) -> Counters:
        return self.field.server.slaves[self.field.devices[device].address].counters


@contextlib.asynccontextmanager
async def wire(clock: SteppedClock, *profiles: str, used: Iterable[str] = ()) -> AsyncIterator[Wire]:
    devices = [
        emulate(name.split("/")[1], name, number, clock.now) for number, name in enumerate(profiles, 1)
    ]
    field = EmulatedBus(devices)
    line = TcpLine("127.0.0.1", await field.server.serve_tcp())
    bus = Bus(
        "wire",
        line,
        [BusDevice(device.name, device.address, device.profile) for device in devices],
        clock,
        {device.name: set(used) for device in devices},
        {d.name: {n for n, point in d.profile.points.items() if point.write} for d in devices},
    )
    task = asyncio.create_task(bus.run())
    await asyncio.sleep(0)
    try:
        async with clock.part():
            yield Wire(bus, field, clock)
    finally:
        task.cancel()
        await asyncio.wait({task})
        field.close()


async def test_a_relay_that_ignores_writes_is_told_again_given_up_and_found_good_again(
    clock: SteppedClock,
) -> None:
    async with wire(clock, "advantech/adam-4068") as w:
        w.bus.write("adam-4068", "channel_1", 1)
        w.bus.write("adam-4068", "channel_2", 1)
        await w.run(30)
        assert w.fault("adam-4068", "channel_1") is Fault.NONE
        w.field.behave("adam-4068", IGNORES)
        w.bus.write("adam-4068", "channel_1", 0)
        await w.run(25)
        assert w.fault("adam-4068", "channel_1") is Fault.NONE, "not yet: three windows of 9 s"
        await w.run(20)
        assert w.fault("adam-4068", "channel_1") is Fault.NOT_CONFIRMED
        assert w.fault("adam-4068", "channel_2") is Fault.NONE
        shown = w.bus.read_back("adam-4068", "channel_1")
        assert shown is not None
        assert shown.value == 1.0
        w.field.behave("adam-4068", HEALTHY)
        await w.run(75)
        assert w.fault("adam-4068", "channel_1") is Fault.NONE


async def test_a_second_master_is_told_from_a_device_that_ignores(clock: SteppedClock) -> None:
    async with wire(clock, "abb/acs580", "belimo/lr24a-mod") as w:
        for device, point, value in (
            ("acs580", "run", 1),
            ("acs580", "speed", 40.0),
            ("lr24a-mod", "command", 30.0),
        ):
            w.bus.write(device, point, value)
        await w.run(20)
        w.field.behave("acs580", OVERWRITTEN)
        w.field.behave("lr24a-mod", OVERWRITTEN)
        await w.run(125)
        assert w.fault("acs580", "run") is Fault.OVERWRITTEN
        assert w.fault("acs580", "speed") is Fault.OVERWRITTEN
        assert w.fault("lr24a-mod", "command") is Fault.OVERWRITTEN


async def test_a_difference_is_written_again_before_the_refresh(clock: SteppedClock) -> None:
    """The actuator's refresh is 30 s; it restarts and forgets."""
    async with wire(clock, "belimo/lr24a-mod", used=["position"]) as w:
        w.bus.write("lr24a-mod", "command", 30.0)
        await w.run(31)
        w.field.devices["lr24a-mod"].bank.poke("holding", 0, [0])
        await w.run(9)
        assert w.field.devices["lr24a-mod"].commanded("command") == 30.0
        await w.run(100)
        assert w.fault("lr24a-mod", "command") is Fault.NONE


async def test_a_device_that_is_gone_and_comes_back_without_its_outputs_is_no_alarm(
    clock: SteppedClock,
) -> None:
    async with wire(clock, "advantech/adam-4068") as w:
        w.bus.write("adam-4068", "channel_1", 1)
        await w.run(20)
        w.field.behave("adam-4068", DEAD)
        await w.run(60)
        w.field.devices["adam-4068"].bank.poke("coil", 16, [0])
        w.field.behave("adam-4068", HEALTHY)
        for _ in range(90):
            await w.run(1)
            assert w.fault("adam-4068", "channel_1") is Fault.NONE
        assert w.field.devices["adam-4068"].commanded("channel_1") == 1.0


async def test_what_cannot_be_read_is_not_known(clock: SteppedClock) -> None:
    async with wire(clock, "danfoss/fc-102") as w:
        w.bus.write("fc-102", "run", 1)
        await w.run(20)
        assert w.bus.read_back("fc-102", "run") is None
        assert w.counters("fc-102").requests == w.counters("fc-102").writes


def polling(name: str, used: list[str], confirm: list[str], *, serial: bool) -> Polling:
    cost = serial_cost(19200, "E") if serial else tcp_cost()
    return Polling("d", load_profile(find_profile(name)), used, cost, 0.0, confirm)


def test_a_read_back_goes_along_with_a_request_where_that_is_cheaper() -> None:
    valve = polling("belimo/lr24a-mod", ["position"], ["command"], serial=False)
    assert [(group.period_s, len(group.requests)) for group in valve.groups] == [(1.0, 1)]
    assert valve.cycles == {"command": 1.0}
    drive = polling("abb/acs580", ["running", "frequency", "current"], ["run", "speed"], serial=True)
    assert [(group.period_s, len(group.requests)) for group in drive.groups] == [
        (0.5, 1),
        (1.0, 1),
        (10.0, 1),
    ]
    assert drive.cycles == {"run": 10.0, "speed": 10.0}
    relays = polling("advantech/adam-4068", [], ["channel_1", "channel_2"], serial=True)
    assert [(group.period_s, len(group.requests)) for group in relays.groups] == [(2.0, 1)]
