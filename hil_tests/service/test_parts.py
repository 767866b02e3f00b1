"""Parts of the service: door, commands, audit, supervision, clean stop."""

import asyncio
import socket

import pytest
from asyncua import Client, ua

from controller.control.blocks.setpoint.remote import RemoteSettings
from controller.control.circuits.outdoor_written import FORECAST_POINTS
from controller.door import DoorClient, DoorError
from controller.safety.witnesses.outdoor_witness import OutdoorSettings
from controller.service.outside import STATE_PERIOD_S
from controller.service.supervise import HANGS_AFTER_S
from hil_tests.service.world import World, world
from sim.bank import DEAD, HEALTHY, Behaviour
from sim.weather import Weather

pytestmark = pytest.mark.timeout(120)


async def door_open(w: World) -> None:
    """Until the door listens on a port of its own."""
    async with w.clock.io():
        while ":0/" in w.endpoint:
            await asyncio.sleep(0.05)
    await w.run(3)


async def test_any_opc_ua_client_reads_values_with_status_and_source_time(tmp_path):
    async with world(tmp_path) as w:
        await door_open(w)
        async with w.clock.io(), Client(w.endpoint) as client:
            index = await client.get_namespace_index("urn:heat-station")
            node = client.get_node(ua.NodeId("low.supply_temperature", index))
            data = await node.read_data_value()
            assert data.StatusCode.is_good()
            assert data.Value.Value == pytest.approx(w["low.supply_temperature"].value, abs=0.5)
            assert abs(data.SourceTimestamp.timestamp() - w.clock.now()) < 5.0
            unit = await (await node.get_child("0:EngineeringUnits")).read_value()
            assert unit.DisplayName.Text == "°C"
            with pytest.raises(ua.UaStatusCodeError):
                await client.get_node(ua.NodeId("low.heat_curve.shift", index)).write_value(1.0)


async def test_a_setting_written_at_the_door_moves_the_set_point_and_is_audited(tmp_path):
    async with world(tmp_path) as w:
        await door_open(w)
        before = w["low.supply_demand"].value
        async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
            await door.write("low.heat_curve.shift", 2.0)
            with pytest.raises(DoorError) as refused:
                await door.write("low.heat_curve.shift", 40.0)
            assert refused.value.code == "out_of_range"
        await w.run(5)
        assert w["low.supply_demand"].value == pytest.approx(before + 2.0, abs=0.3)
        await w.run(15)
        rows = [(e.kind, e.code, e.user) for e in w.events("audit") if e.subject == "low.heat_curve.shift"]
        assert ("command", "write_taken", "local") in rows
        assert ("effect", "write_done", "local") in rows
        assert ("command", "write_refused", "local") in rows


async def test_a_wish_from_further_up_is_a_write_that_ends(tmp_path):
    def edit(file):
        file.circuits["low"].remote = RemoteSettings()

    async with world(tmp_path, edit=edit) as w:
        await door_open(w)
        async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
            await door.write("low.remote_offset", 3.0)
            with pytest.raises(DoorError) as refused:
                await door.write("low.remote_offset", 6.0)
            assert refused.value.code == "out_of_range"
            await door.override("low.remote_setpoint", 45.0, minutes=2, reason="test")
        await w.run(5)
        assert w["low.remote_offset"].value == 3.0
        assert w["low.remote_setpoint"].value == 45.0
        await w.run(minutes=3)
        assert w["low.remote_setpoint"].reason == "no_wish"
        async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
            value = (await door.read(["low.remote_offset"]))["low.remote_offset"].value
            await door.release("low.remote_offset")
        assert value == 3.0
        await w.run(15)
        assert w["low.remote_offset"].reason == "no_wish"
        effects = {(e.code, e.subject) for e in w.events("audit") if e.kind == "effect"}
        assert {("write_done", "low.remote_offset"), ("release_done", "low.remote_offset")} <= effects


async def test_a_wish_survives_a_restart(tmp_path):
    def edit(file):
        file.circuits["low"].remote = RemoteSettings()

    async with world(tmp_path, edit=edit) as w:
        await door_open(w)
        async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
            await door.write("low.remote_offset", 3.0)
        await w.run(5)
    async with world(tmp_path, edit=edit) as w:
        assert w["low.remote_offset"].value == 3.0


async def test_weather_from_further_up_comes_through_the_door_and_survives_a_restart(tmp_path):
    def edit(file):
        file.outdoor = OutdoorSettings()

    names = ("station.outdoor_upstream", *FORECAST_POINTS)
    async with world(tmp_path, edit=edit) as w:
        await door_open(w)
        async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
            assert (await door.read([names[0]]))[names[0]].reason == "no_upstream"
            for name in names:
                await door.write(name, -11.0)
            with pytest.raises(DoorError) as refused:
                await door.write(names[3], -61.0)
            assert refused.value.code == "out_of_range"
        await w.run(5)
        assert {(w[name].value, w[name].reason) for name in names} == {(-11.0, "")}
        written = w[names[1]].time
    async with world(tmp_path, edit=edit) as w:
        assert {(w[name].value, w[name].reason) for name in names} == {(-11.0, "")}
        assert w[names[1]].time == pytest.approx(written, abs=5.0)


async def test_an_override_holds_expires_and_leaves_safety_awake(tmp_path):
    async with world(tmp_path) as w:
        await door_open(w)
        async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
            await door.override("low.valve_command", 30.0, minutes=3, reason="test")
        await w.run(minutes=2)
        assert w["low.valve_command"].value == pytest.approx(30.0, abs=0.6)
        assert w["low.valve_command_reason"].show() == "override"
        w.plant.fault("low.pump_1", "trip")
        w.plant.fault("low.pump_2", "trip")
        await w.run(5)
        assert w["low.valve_command"].value == 0.0
        assert w["low.valve_command_reason"].show() == "no_circulation"
        w.plant.clear("low.pump_1")
        await w.run(minutes=3)
        assert w["low.valve_command_reason"].show() != "override"
        assert any(e.code == "override_expired" for e in w.events("audit"))


async def test_a_hand_that_trips_have_ended_does_not_come_back_with_a_restart(tmp_path):
    sensors = ("low.supply_temperature", "low.supply_temperature_2")
    async with world(tmp_path) as w:
        await door_open(w)
        async with w.clock.io(), DoorClient(w.endpoint, w.directory) as door:
            await door.override("low.valve_command", 30.0, minutes=60, reason="test")
        await w.run(5)
        for trip in range(3):
            assert w["low.valve_command_reason"].show() == "override", trip
            for sensor in sensors:
                w.plant.fault(sensor, "offset", 40.0)
            await w.run(40)
            assert w["low.valve_command_reason"].show() == "over_temperature", trip
            for sensor in sensors:
                w.plant.clear(sensor)
            await w.run(60)
        assert any(e.code == "override_tripped" for e in w.events("audit"))
        assert w["low.valve_command_reason"].show() == "demand"
        await w.run(65)
    async with world(tmp_path) as w:
        await w.run(5)
        assert w["low.valve_command_reason"].show() == "demand"


async def test_a_door_whose_port_is_taken_is_tried_again_and_told(tmp_path):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        async with world(tmp_path, endpoint=f"opc.tcp://127.0.0.1:{port}/heat-station") as w:
            await w.run(20)
            assert ("part_down", "door") in w.alarms()
            assert w["low.supply_temperature"].usable
            squatter.close()
            await w.run(minutes=3)
            assert ("part_down", "door") not in w.alarms()
            async with w.clock.io(), DoorClient(w.endpoint) as door:
                assert await door.station_name()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("part", "how"),
    [
        (part, how)
        for part in ("bus drives", "store", "door", "state")
        for how in ("exception", "hang")
        if (part, how) != ("store", "hang")  # its end waits in wire time: a cell of `station campaign`
    ],
)
async def test_a_part_that_breaks_is_told_and_the_scan_goes_on(tmp_path, monkeypatch, part, how):
    async with world(tmp_path) as w:
        await w.run(10)

        async def breaks(*_: object) -> None:
            if how == "hang":
                await w.clock.sleep(1e9)
            raise ZeroDivisionError("deliberate")

        place = {
            "bus drives": (w.service.buses["drives"], "_step"),
            "store": (w.service.outside.store, "_flush"),
            "door": (w.service.outside.door, "publish"),
            "state": (w.service._state_store, "save_state"),
        }[part]
        with monkeypatch.context() as broken:
            broken.setattr(*place, breaks)
            scans, begin = w.service.station.scans, w.clock.now()
            while ("part_down", part) not in w.alarms():
                assert w.clock.now() - begin < HANGS_AFTER_S + STATE_PERIOD_S + 30.0
                await w.run(2)
            assert w.service.station.scans - scans >= w.clock.now() - begin - 1
        begin = w.clock.now()
        while ("part_down", part) in w.alarms():
            assert w.clock.now() - begin < HANGS_AFTER_S + 60.0  # it may have been tried once more meanwhile
            await w.run(2)
        assert w["low.circulation"].show() == "yes"


async def test_a_clean_stop_stops_makeup_and_leaves_valve_and_circulation(tmp_path):
    async with world(tmp_path) as w:
        await w.run(minutes=1)
        w.plant.fault("low", "leak", 2.0)
        await w.until("low.makeup_1_run", 1.0, 1.0, within_s=1800)
        valve = w["low.valve_command"].value
    devices = w.simulator.field.devices
    assert devices["low_makeup_1"].commanded("run") == 0.0
    assert devices["relays"].commanded("channel_1") == 0.0
    assert devices["low_pump_1"].commanded("run") == 1.0
    assert devices["valve"].commanded("command") == pytest.approx(valve, abs=0.6)


async def test_after_a_restart_the_set_point_goes_on_and_the_real_position_wins(tmp_path):
    async with world(tmp_path, poll_s=5.0) as w:
        await w.run(minutes=3)
        w.plant.weather = Weather.constant(-14.0)
        await w.run(minutes=40)
        setpoint, remembered = w["low.supply_setpoint"].value, w["low.valve_command"].value
    async with world(tmp_path) as w:  # another plant, whose valve stands elsewhere
        assert w["low.supply_setpoint"].value == pytest.approx(setpoint, abs=0.3)
        assert abs(w["low.valve_position"].value - remembered) > 3.0
        assert w["low.valve_command"].value == pytest.approx(w["low.valve_position"].value, abs=2.0)


async def test_a_dead_relay_module_is_told_though_nothing_is_read_of_it(tmp_path):
    async with world(tmp_path) as w:
        await w.run(minutes=1)
        assert ("device_silent", "relays") not in w.alarms()
        w.behave("relays", DEAD)
        await w.run(minutes=1)
        assert ("device_silent", "relays") in w.alarms()
        w.behave("relays", HEALTHY)
        await w.run(minutes=1)
        assert ("device_silent", "relays") not in w.alarms()


async def test_a_relay_and_a_drive_under_a_second_master_are_told_and_another_pump_takes_over(tmp_path):
    async with world(tmp_path) as w:
        await w.run(minutes=1)
        w.behave("relays", Behaviour("overwritten"))
        w.behave("low_pump_1", Behaviour("overwritten"))
        await w.run(minutes=2, seconds=20)
        assert ("other_master", "low.relief_valve") in w.alarms()
        assert ("other_master", "low.pump_1_run") in w.alarms(), "of run and speed the first stands for both"
        assert w["low.pump_2_run"].value == 1.0
        w.behave("relays", HEALTHY)
        w.behave("low_pump_1", HEALTHY)
        await w.run(minutes=3)
        assert not {code for code, _ in w.alarms()} & {"other_master", "write_not_confirmed"}
