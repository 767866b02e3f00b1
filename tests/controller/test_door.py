"""The door over real sockets: what it shows."""

import asyncio
import dataclasses
import math

import pytest
from asyncua import Client, ua

from controller.door import DoorError
from controller.points import AlarmView
from controller.upstream.nodes import engineering_unit
from controller.upstream.status import status_of
from tests.controller.door_world import (  # noqa: F401  # fixtures
    BAD,
    CATALOGUE,
    GOOD,
    PASSWORD,
    ROWS,
    TERM,
    UNCERTAIN,
    WALL,
    World,
    encrypted,
    node,
    own,
    shared,
    until,
    world,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


# What it shows


async def test_guest_reads_values_types_and_browses_by_name(world):
    async with Client(world.door.endpoint) as client:
        assert await client.get_namespace_index("urn:heat-station") == 2
        assert await node(client, "low.supply_temperature").read_value() == 48.2
        assert await node(client, "low.pump_1_running").read_value() is True
        mode = await node(client, "low.mode").read_data_value()
        assert (mode.Value.Value, mode.Value.VariantType) == (1, ua.VariantType.Int32)
        found = await client.nodes.objects.get_child(["2:Station", "2:low", "2:supply_temperature"])
        assert found.nodeid == ua.NodeId("low.supply_temperature", 2)
        assert (await node(client, "station").read_display_name()).Text == "香坊三号站"


async def test_units_ranges_and_names_of_choices_are_standard_properties(world):
    async with Client(world.door.endpoint) as client:
        setpoint = node(client, "low.supply_setpoint")
        unit = await (await setpoint.get_child("0:EngineeringUnits")).read_value()
        assert (unit.UnitId, unit.DisplayName.Text) == (4408652, "°C")
        span = await (await setpoint.get_child("0:EURange")).read_value()
        assert (span.Low, span.High) == (30.0, 65.0)
        names = await (await node(client, "low.mode").get_child("0:EnumStrings")).read_value()
        assert [name.Text for name in names] == ["off", "automatic", "manual"]
        assert await setpoint.read_type_definition() == ua.NodeId(ua.ObjectIds.AnalogItemType)


async def test_unit_ids_are_those_of_the_standards_table():
    # OPC Foundation, UNECE_to_OPCUA.csv: CEL, KPA, P1
    for quantity, number in {"temperature": 4408652, "pressure": 4935745, "percent": 20529}.items():
        unit = engineering_unit(quantity)
        assert unit is not None
        assert unit.UnitId == number
    assert engineering_unit("flag") is None


async def test_source_time_is_the_points_own_in_wall_time(world):
    async with Client(world.door.endpoint) as client:
        first = await node(client, "low.supply_temperature").read_data_value()
        assert first.SourceTimestamp.timestamp() == pytest.approx(WALL + 101.0)
        assert (await node(client, "low.mode").read_data_value()).SourceTimestamp.timestamp() == WALL + 90.0
        # The value stands still, its time goes on: a reader sees it, a subscriber is not woken.
        await world.publish(time=103.0, wall=WALL + 103.0, low__supply_temperature=(48.2, GOOD, "", 103.0))
        later = await node(client, "low.supply_temperature").read_data_value()
        assert later.SourceTimestamp.timestamp() == pytest.approx(WALL + 103.0)


async def test_a_board_that_learns_the_time_puts_all_source_times_right(world):
    async with Client(world.door.endpoint) as client:
        await world.publish(time=102.0, wall=50.0)
        assert (await node(client, "low.mode").read_data_value()).SourceTimestamp.timestamp() == 38.0
        await world.publish(time=103.0, wall=WALL + 103.0)
        assert (await node(client, "low.mode").read_data_value()).SourceTimestamp.timestamp() == WALL + 90.0


STATUS_CODES = [
    (GOOD, "", ua.StatusCodes.Good),
    (UNCERTAIN, "substituted", ua.StatusCodes.UncertainSubstituteValue),
    (UNCERTAIN, "stale", ua.StatusCodes.UncertainLastUsableValue),
    (UNCERTAIN, "something new", ua.StatusCodes.UncertainSubNormal),
    (BAD, "no_reply", ua.StatusCodes.BadNoCommunication),
    (BAD, "stale", ua.StatusCodes.BadNoCommunication),
    (BAD, "open_circuit", ua.StatusCodes.BadSensorFailure),
    (BAD, "out_of_range", ua.StatusCodes.BadSensorFailure),
    (BAD, "never_read", ua.StatusCodes.BadWaitingForInitialData),
    (BAD, "device_fault", ua.StatusCodes.BadDeviceFailure),
    (BAD, "something new", ua.StatusCodes.Bad),
]


async def test_status_codes_and_reasons_travel(world):
    async with Client(world.door.endpoint) as client, world.guest() as door:
        for quality, reason, code in STATUS_CODES:
            assert status_of(quality, reason) == code
            await world.publish(low__supply_temperature=(48.2, quality, reason, 101.0))
            data = await node(client, "low.supply_temperature").read_data_value(raise_on_bad_status=False)
            assert data.StatusCode.value == code
            assert data.Value.Value == (None if quality is BAD else 48.2)
            value = (await door.read(["low.supply_temperature"]))["low.supply_temperature"]
            assert (value.grade, value.reason) == (quality, reason)
            assert math.isnan(value.value) == (quality is BAD)


async def test_before_the_first_snapshot_nothing_is_claimed(tmp_path):
    world = World(tmp_path)
    await world.door.start()
    try:
        async with world.guest() as door:
            for value in (await door.read(ROWS)).values():
                assert value.grade is BAD
                assert math.isnan(value.time)
    finally:
        await world.door.stop()


async def test_a_value_that_does_not_fit_its_type_is_bad_and_stops_nothing(world):
    await world.publish(
        low__mode=(math.nan, GOOD, "", 101.0),
        low__pump_1_running=(math.nan, UNCERTAIN, "held", 101.0),
        low__supply_temperature=(math.nan, GOOD, "", 101.0),
        low__valve_command=(44.0, GOOD, "", 101.0),
    )
    async with world.guest() as door:
        values = await door.read(ROWS)
    for name in ("low.mode", "low.pump_1_running", "low.supply_temperature"):
        assert values[name].grade is BAD
    assert values["low.valve_command"].value == 44.0
    await world.publish(low__mode=(2.0, GOOD, "", 102.0))
    async with world.guest() as door:
        assert (await door.read(["low.mode"]))["low.mode"].value == 2.0


async def test_subscribers_hear_what_changed_and_nothing_else(world):
    heard: list[tuple[str, float, str]] = []
    async with world.guest() as door:
        await door.subscribe(lambda name, v: heard.append((name, v.value, v.quality)), period_s=0.2)
        await until(lambda: len(heard) >= len(ROWS))
        assert {name for name, _, _ in heard} == set(ROWS)
        heard.clear()
        await world.publish(time=102.0, wall=WALL + 102.0, low__supply_temperature=(48.2, GOOD, "", 102.0))
        await world.publish(
            time=103.0, wall=WALL + 103.0, low__valve_command=(45.0, UNCERTAIN, "held", 103.0)
        )
        await until(lambda: bool(heard))
        await asyncio.sleep(0.5)
        assert heard == [("low.valve_command", 45.0, "uncertain: held")]


async def test_catalogue_explanation_time_and_name_for_a_guest(world):
    async with world.guest() as door:
        assert await door.catalogue() == CATALOGUE
        assert await door.explain("low.valve_command") == TERM
        assert await door.explain("low.valve_command") == TERM
        assert world.explained == 1  # asked again only after the next snapshot
        await world.publish()
        await door.explain("low.valve_command")
        assert world.explained == 2
        assert await door.time() == WALL + 101.0
        assert await door.station_name() == "香坊三号站"


async def test_an_unknown_point_is_told_with_the_nearest_names(world):
    async with world.guest() as door:
        for ask in (door.explain("low.valve_comand"), door.read(["low.valve_comand"])):
            with pytest.raises(DoorError, match=r"no point low.valve_comand.*low.valve_command") as problem:
                await ask
            assert problem.value.code == "no_such_point"


ALARM = AlarmView("frost", "low", "urgent", 100.0, None, False, (("return", 14.0, "temperature"),))


async def test_alarms_are_a_list_and_each_coming_and_going_is_an_event(world):
    events: list[tuple[str, str, int]] = []

    class Listener:
        def event_notification(self, event) -> None:
            events.append((event.SourceName, event.Message.Text, event.Severity))

    async with Client(world.door.endpoint) as client, world.guest() as door:
        subscription = await client.create_subscription(200, Listener())
        await subscription.subscribe_events()
        second = dataclasses.replace(
            ALARM, code="stale", subject="low.supply_temperature", priority="warning"
        )
        world.alarms = (ALARM, second)
        await world.publish()
        assert await door.alarms() == tuple(
            dataclasses.replace(alarm, since=WALL + 100.0) for alarm in (ALARM, second)
        )
        await world.publish()
        world.alarms = (dataclasses.replace(ALARM, ended=110.0), second)
        await world.publish()
        await until(lambda: len(events) >= 3)
        await asyncio.sleep(0.3)
    assert events == [
        ("low", "frost low", 900),
        ("low.supply_temperature", "stale low.supply_temperature", 400),
        ("low", "✓ frost low", 1),
    ]


# Who comes in
