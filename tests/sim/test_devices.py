"""Emulated devices: values to registers, what the master wrote, and what a device does when it dies."""

from __future__ import annotations

import asyncio
import math

import pytest

from controller.clock import SteppedClock
from drivers.bus import Bus, BusDevice
from drivers.library import list_profiles
from drivers.readings import Fault
from drivers.registers import decode
from drivers.wire import TcpLine
from sim.bank import Refused
from sim.devices import EmulatedBus, EmulatedDevice, emulate
from sim.slave import DEAD, late


class PlantTime:
    """Plant time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> PlantTime:
    return PlantTime()


def read(device: EmulatedDevice, name: str) -> float:
    """What a master would make of the registers."""
    point = device.profile.points[name]
    return decode(point, device.bank.peek(point.table, point.register_, point.words))[0]


def seen(device: EmulatedDevice, name: str) -> Fault:
    """The fault that a master would see: in the value or in the quality register."""
    point = device.profile.points[name]
    words = device.bank.peek(point.table, point.register_, point.words)
    if point.quality is not None:
        raw = int(read(device, point.quality.point))
        for bit, fault in point.quality.bits.items():
            if raw >> bit & 1:
                return fault
        if raw in point.quality.values:
            return point.quality.values[raw]
    return decode(point, words)[1]


@pytest.mark.parametrize("name", list_profiles())
def test_every_point_of_every_profile_shows_what_it_is_given(name: str) -> None:
    device = emulate("thing", name, 1)
    for point_name, point in device.profile.points.items():
        if point.write is not None or any(
            p.quality and p.quality.point == point_name for p in device.profile.points.values()
        ):
            continue
        if point.is_flag:
            for value in (0.0, 1.0, 0.0):
                device.set(point_name, value)
                assert read(device, point_name) == value
        elif point.range is not None:
            low, high = point.range
            for part in (0.0, 0.37, 1.0):
                value = low + part * (high - low)
                device.set(point_name, value)
                assert read(device, point_name) == pytest.approx(value, rel=1e-6, abs=abs(point.scale))
            device.set(point_name, high + 1000 * (high - low))
            assert read(device, point_name) == pytest.approx(high, rel=1e-6, abs=abs(point.scale))


def test_bits_of_one_word_do_not_disturb_each_other() -> None:
    drive = emulate("pump", "abb/acs580", 11)
    for name in ("running", "fault", "remote", "warning"):
        drive.set(name, 1)
    assert drive.bank.peek("holding", 3) == [1 << 2 | 1 << 3 | 1 << 7 | 1 << 9]
    drive.set("fault", 0)
    assert [read(drive, name) for name in ("running", "fault", "remote", "warning")] == [1, 0, 1, 1]


def test_states_of_one_word_exclude_each_other() -> None:
    drive = emulate("pump", "invt/gd200a", 11)
    assert drive.bank.peek("holding", 0x2100) == [3]
    drive.set("running", 1)
    assert (read(drive, "running"), read(drive, "fault")) == (1, 0)
    drive.set("fault", 1)  # a drive with a fault does not run, whatever the plant says of the motor
    drive.set("running", 1)
    assert (read(drive, "running"), read(drive, "fault")) == (0, 1)
    drive.set("fault", 0)
    drive.set("running", 0)
    assert drive.bank.peek("holding", 0x2100) == [3]


def test_what_the_master_wrote(clock: PlantTime) -> None:
    drive = emulate("pump", "abb/acs580", 11, clock)
    told: list[tuple[str, float]] = []
    drive.on_write = lambda point, value: told.append((point, value))
    assert (drive.get("run"), drive.get("speed"), drive.written_at("run")) == (0, 0, None)
    drive.bank.write("holding", 0, [0x047F, 14000])
    clock.now += 3
    drive.bank.write("holding", 1, [20000])
    assert (drive.get("run"), drive.get("speed")) == (1, 50)
    assert (drive.written_at("run"), drive.written_at("speed")) == (1000, 1003)
    assert told == [("run", 1), ("speed", 35), ("speed", 50)]
    with pytest.raises(Refused):
        drive.bank.write("holding", 3, [0])
    with pytest.raises(KeyError):
        drive.get("running")


def test_nan_and_unknown_points_are_refused() -> None:
    meter = emulate("meter", "kamstrup/multical-603", 1)
    with pytest.raises(ValueError, match=r"meter\.flow"):
        meter.set("flow", math.nan)
    with pytest.raises(KeyError):
        meter.set("flaw", 1)


# ---- faults


def test_current_input_with_a_broken_wire_reads_zero_milliamperes() -> None:
    module = emulate("analog", "advantech/adam-4117", 2)
    module.set("channel_3", 12.0)
    module.set_fault("channel_3", Fault.OPEN_CIRCUIT)
    assert read(module, "channel_3") == pytest.approx(0.0, abs=1e-3)
    module.set("channel_3", 13.0)  # the plant goes on; the wire stays broken
    assert read(module, "channel_3") == pytest.approx(0.0, abs=1e-3)
    module.set_fault("channel_3", Fault.NONE)
    assert read(module, "channel_3") == pytest.approx(13.0, abs=1e-3)


def test_current_input_with_a_shorted_loop_shows_as_much_as_it_can() -> None:
    module = emulate("analog", "advantech/adam-4117", 2)
    module.set("channel_3", 12.0)
    module.set_fault("channel_3", Fault.SHORT_CIRCUIT)
    assert read(module, "channel_3") == pytest.approx(20.0, abs=1e-3)


@pytest.mark.parametrize("profile", ["advantech/adam-6017", "moxa/iologik-e1240"])
def test_current_input_with_flags_calls_a_shorted_loop_over_range(profile: str) -> None:
    module = emulate("analog", profile, 2)
    module.set("channel_3", 12.0)
    module.set_fault("channel_3", Fault.SHORT_CIRCUIT)
    assert seen(module, "channel_3") is Fault.OVER_RANGE


def test_resistance_input_without_a_flag_runs_to_the_end_of_its_range() -> None:
    module = emulate("inputs", "advantech/adam-4015", 1)
    module.set("channel_1", 55)
    module.set_fault("channel_1", Fault.OPEN_CIRCUIT)
    assert read(module, "channel_1") == pytest.approx(150)
    module.set_fault("channel_1", Fault.SHORT_CIRCUIT)
    assert read(module, "channel_1") == pytest.approx(-50)
    with pytest.raises(ValueError, match="cannot show device_fault"):
        module.set_fault("channel_1", Fault.DEVICE_FAULT)
    assert read(module, "channel_1") == pytest.approx(-50)


@pytest.mark.parametrize(
    ("profile", "fault"),
    [
        ("advantech/adam-6015", Fault.OPEN_CIRCUIT),
        ("advantech/adam-6015", Fault.DEVICE_FAULT),
        ("advantech/adam-6017", Fault.OVER_RANGE),
        ("moxa/iologik-e1240", Fault.OPEN_CIRCUIT),
        ("moxa/iologik-e1240", Fault.UNDER_RANGE),
        ("moxa/iologik-e1240", Fault.NOT_AVAILABLE),
    ],
)
def test_quality_register_says_it(profile: str, fault: Fault) -> None:
    module = emulate("inputs", profile, 1)
    module.set("channel_2", 10)
    module.set_fault("channel_2", fault)
    assert seen(module, "channel_2") is fault
    assert seen(module, "channel_1") is Fault.NONE
    module.set_fault("channel_2", Fault.NONE)
    assert seen(module, "channel_2") is Fault.NONE
    assert read(module, "channel_2") == pytest.approx(10, abs=0.01)


def test_not_available_by_code_or_not_a_number() -> None:
    valve = emulate("valve", "belimo/lr24a-mod", 1)
    valve.set_fault("position", Fault.NOT_AVAILABLE)
    assert valve.bank.peek("holding", 4) == [65535]
    meter = emulate("meter", "tuf/tuf-2000m", 1)
    meter.set_fault("flow", Fault.NOT_AVAILABLE)
    assert seen(meter, "flow") is Fault.NOT_AVAILABLE
    with pytest.raises(ValueError, match="cannot show"):
        emulate("digital", "advantech/adam-4051", 1).set_fault("channel_1", Fault.OPEN_CIRCUIT)


# ---- the master falls silent


def test_valve_holds_for_ever_as_delivered(clock: PlantTime) -> None:
    valve = emulate("valve", "belimo/lr24a-mod", 1, clock)
    valve.bank.write("holding", 0, [4300])
    clock.now += 86400
    assert valve.get("command") == pytest.approx(43)
    assert not valve.lost("command")


def test_valve_with_a_fail_position_goes_there(clock: PlantTime) -> None:
    valve = emulate("valve", "belimo/lr24a-mod", 1, clock)
    valve.set_loss("command", "safe_value", 120, 25)
    assert valve.get("command") == 0  # not armed before the first write
    valve.bank.write("holding", 0, [4300])
    clock.now += 119
    assert valve.get("command") == pytest.approx(43)
    clock.now += 2
    assert valve.get("command") == 25
    valve.bank.write("holding", 0, [4400])
    assert valve.get("command") == pytest.approx(44)


def test_drive_trips_as_delivered_and_runs_on_when_set(clock: PlantTime) -> None:
    drive = emulate("pump", "abb/acs580", 11, clock)
    drive.bank.write("holding", 0, [0x047F, 16000])
    clock.now += 29
    drive.bank.write("holding", 1, [16000])  # any write to the drive starts the time-out anew
    clock.now += 29
    assert drive.get("run") == 1
    clock.now += 2
    assert drive.get("run") == 0
    assert drive.tripped
    drive.set("fault", 0)  # the plant knows of no fault, the drive does
    assert read(drive, "fault") == 1
    drive.bank.write("holding", 0, [0x047F, 16000])
    assert drive.get("run") == 0  # a trip does not go away by itself
    drive.reset()
    assert (drive.get("run"), read(drive, "fault")) == (1, 0)

    for point in ("run", "speed"):
        drive.set_loss(point, "keep_running", 30)
    clock.now += 3600
    assert (drive.get("run"), drive.get("speed")) == (1, 40)
    drive.set_loss("run", "stop", 10)
    assert (drive.get("run"), drive.get("speed")) == (0, 40)


def test_relays_fall_off_with_the_host_watchdog_and_the_master_reads_it(clock: PlantTime) -> None:
    relays = emulate("relays", "advantech/adam-4068", 4, clock)
    for i in range(1, 9):
        relays.set_loss(f"channel_{i}", "off", 2)
    relays.bank.write("coil", 16, [1, 1, 0, 0, 0, 0, 0, 1])
    assert [relays.get(f"channel_{i}") for i in range(1, 9)] == [1, 1, 0, 0, 0, 0, 0, 1]
    clock.now += 2.5
    relays.step()
    assert relays.bank.peek("coil", 16, 8) == [0] * 8
    assert relays.get("channel_1") == 0


# ---- registers


def test_holes_are_readable_exactly_as_the_profile_says() -> None:
    meter = emulate("meter", "kamstrup/multical-603", 1)
    assert len(meter.bank.peek("holding", 0, 16)) == 16  # 2, 10 and 12 are registers of the meter too
    drive = emulate("pump", "abb/acs580", 1)
    with pytest.raises(Refused):
        drive.bank.peek("holding", 0, 4)


async def test_bus_puts_devices_on_a_wire_and_lets_them_misbehave() -> None:
    bus = EmulatedBus([emulate("valve", "belimo/lr24a-mod", 3), emulate("meter", "kamstrup/multical-603", 4)])
    with pytest.raises(ValueError, match="valve"):
        bus.add(emulate("valve", "belimo/lr24a-mod", 5))
    with pytest.raises(ValueError, match="4"):
        bus.add(emulate("other", "belimo/lr24a-mod", 4))
    assert set(bus.devices) == {"valve", "meter"}
    assert await bus.server.serve_tcp() > 0
    bus.behave("meter", DEAD)
    bus.behave("valve", late(1.0))
    assert bus.server.slaves[4].behaviour == DEAD
    bus.close()


async def test_our_own_bus_reads_and_writes_every_profile() -> None:
    """Both ends share the profile, so this proves plan, holes and wire, not the register numbers."""
    clock = SteppedClock(1000.0)
    devices = [emulate(name, name, i, clock.now) for i, name in enumerate(list_profiles(), 1)]
    emulated = EmulatedBus(devices)
    values: dict[tuple[str, str], float] = {}
    for device in devices:
        for name, point in device.profile.points.items():
            if point.write is None and point.range is not None:
                values[device.name, name] = point.range[0] + 0.3 * (point.range[1] - point.range[0])
                device.set(name, values[device.name, name])
    line = TcpLine("127.0.0.1", await emulated.server.serve_tcp())
    bus = Bus("all", line, [BusDevice(d.name, d.address, d.profile) for d in devices], clock)
    for device in devices:
        for name, point in device.profile.points.items():
            if point.write is not None:
                bus.write(device.name, name, 1)
    task = asyncio.create_task(bus.run())
    await asyncio.sleep(0)
    async with clock.part():
        await clock.sleep(5)
    task.cancel()
    await asyncio.wait({task})
    emulated.close()
    assert {key for key, reading in bus.readings.items() if reading.fault} == set()
    for (name, point_name), value in values.items():
        scale = emulated.devices[name].profile.points[point_name].scale
        assert bus.readings[name, point_name].value == pytest.approx(value, rel=1e-6, abs=abs(scale))
    for device in devices:
        for name, point in device.profile.points.items():
            if point.write is not None:
                assert device.get(name) == pytest.approx(1, abs=abs(point.scale)), f"{device.name}.{name}"
