"""The door over real sockets: whom it lets in, and what it takes from them."""

import asyncio
import math

import pytest
from asyncua import Client, ua
from asyncua.ua.uaerrors import UaStatusCodeError

from controller.commands import Answer, Command, CommandKind
from controller.door import DoorClient, DoorError
from controller.upstream import certificates
from controller.upstream.status import refusal
from controller.upstream.users import Role, lay_token
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


async def test_the_operator_on_the_board_writes_and_the_command_has_his_name(world):
    async with world.client() as door:
        await door.write("low.supply_setpoint", 52.0)
        assert (await door.read(["low.supply_setpoint"]))["low.supply_setpoint"].value == 52.0
        await door.write("low.mode", 2)
    assert world.commands == [
        Command(CommandKind.WRITE, "low.supply_setpoint", 52.0, "local", "opcua"),
        Command(CommandKind.WRITE, "low.mode", 2.0, "local", "opcua"),
    ]


async def test_an_accepted_value_stays_until_a_scan_has_surely_seen_it(world):
    async with world.client() as door:
        await door.write("low.supply_setpoint", 52.0)
        await world.publish()  # was under way when the write came
        assert (await door.read(["low.supply_setpoint"]))["low.supply_setpoint"].value == 52.0
        await world.publish()
        assert (await door.read(["low.supply_setpoint"]))["low.supply_setpoint"].value == 47.0


async def test_a_refused_value_changes_nothing(world):
    async with world.client() as door:
        with pytest.raises(DoorError, match=r"70\.0 °C is not accepted .*30\.0 °C … 65\.0 °C") as problem:
            await door.write("low.supply_setpoint", 70.0)
        assert problem.value.code == "out_of_range"
        with pytest.raises(DoorError) as problem:
            await door.write("low.supply_setpoint", math.nan)
        assert problem.value.code == "out_of_range"
        with pytest.raises(DoorError) as problem:
            await door.write("low.supply_temperature", 50.0)
        assert problem.value.code == "not_writable"
        assert (await door.read(["low.supply_setpoint"]))["low.supply_setpoint"].value == 47.0
    assert [command.value for command in world.commands] == [70.0]


async def test_a_guest_and_a_viewer_read_but_do_not_write(world):
    world.users.add("berta", PASSWORD, Role.VIEWER)
    viewer = DoorClient(world.door.endpoint, user="berta", password=PASSWORD)
    for client in (world.guest(), viewer):
        async with client as door:
            assert (await door.read(["low.mode"]))["low.mode"].value == 1.0
            for attempt in (
                door.write("low.supply_setpoint", 50.0),
                door.override("low.valve_command", 10.0, 30.0, "test"),
                door.release("low.valve_command"),
                door.acknowledge("frost", "low"),
            ):
                with pytest.raises(DoorError) as problem:
                    await attempt
                assert problem.value.code == "not_allowed"
            node_id = ua.NodeId("low.supply_setpoint", 2)
            level = await door._client.uaclient.read_attributes([node_id], ua.AttributeIds.UserAccessLevel)
            assert level[0].Value.Value == 1
    assert world.commands == []


async def test_methods_of_an_operator(world):
    world.users.add("anna", PASSWORD, Role.OPERATOR)
    async with DoorClient(world.door.endpoint, user="anna", password=PASSWORD) as door:
        await door.override("low.valve_command", 30.0, 45.0, "leak")
        await door.acknowledge("frost", "low")
        with pytest.raises(DoorError) as problem:
            await door.release("low.valve_command")
        assert problem.value.code == "nothing_to_do"
        with pytest.raises(DoorError) as problem:
            await door.acknowledge("frost", "high")
        assert problem.value.code == "no_such_alarm"
        with pytest.raises(DoorError) as problem:
            await door.override("low.valve_command", 130.0, 45.0, "leak")
        assert problem.value.code == "out_of_range"
    assert world.commands[0] == Command(
        CommandKind.OVERRIDE, "low.valve_command", 30.0, "anna", "opcua", 2700.0, "leak"
    )
    assert world.commands[1].kind is CommandKind.ACKNOWLEDGE
    assert world.commands[1].subject == "frost@low"


async def test_wrong_arguments_of_methods(world):
    client = await encrypted(world.door.endpoint, "local", world.token)
    async with client:
        station = node(client, "station")
        cases = [
            ("station.Override", ["low.valve_command"], ua.uaerrors.BadArgumentsMissing),
            ("station.Release", ["a", "b"], ua.uaerrors.BadTooManyArguments),
            ("station.Release", [1.0], ua.uaerrors.BadInvalidArgument),
            ("station.Explain", ["nowhere"], ua.uaerrors.BadNodeIdUnknown),
            ("station.Nothing", [], ua.uaerrors.BadMethodInvalid),
            ("station.Override", ["low.valve_command", math.nan, 5.0, ""], ua.uaerrors.BadOutOfRange),
        ]
        for method, arguments, error in cases:
            with pytest.raises(error):
                await station.call_method(ua.NodeId(method, 2), *arguments)
    assert world.commands == []


async def test_a_password_over_an_open_channel_is_refused_even_when_it_is_right(world):
    client = Client(world.door.endpoint)
    client.set_user("local")
    client.set_password(world.token)
    with pytest.raises(UaStatusCodeError) as problem:
        await client.connect()
    assert problem.value.code == ua.StatusCodes.BadSecurityModeInsufficient
    found = await Client(world.door.endpoint).connect_and_get_server_endpoints()
    offered = {e.SecurityMode: {t.TokenType for t in e.UserIdentityTokens} for e in found}
    assert offered == {
        ua.MessageSecurityMode.None_: {ua.UserTokenType.Anonymous},
        ua.MessageSecurityMode.SignAndEncrypt: {ua.UserTokenType.Anonymous, ua.UserTokenType.UserName},
    }


@pytest.mark.parametrize(
    ("user", "password"), [("local", "wrong"), ("anna", "wrong"), ("admin", "admin"), ("x", "")]
)
async def test_wrong_passwords_stay_outside(world, user, password):
    world.users.add("anna", PASSWORD, Role.OPERATOR)
    with pytest.raises(DoorError) as problem:
        await DoorClient(world.door.endpoint, user=user, password=password).connect()
    assert problem.value.code == "wrong_login"


async def test_without_guests_only_users_come_in(tmp_path):
    world = World(tmp_path)
    world.door = world.make_door(anonymous=False)
    await world.door.start()
    await world.publish()
    try:
        with pytest.raises(DoorError) as problem:
            await world.guest().connect()
        assert problem.value.code == "no_guests"
        async with world.client() as door:
            assert (await door.read(["low.mode"]))["low.mode"].value == 1.0
    finally:
        await world.door.stop()


async def test_a_server_with_another_certificate_gets_no_token(world, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    lay_token(other)
    certificates.ensure(other, "urn:x", ("localhost",), WALL)
    with pytest.raises(DoorError):
        await DoorClient(world.door.endpoint, other).connect()


async def test_no_door_and_no_token_are_told_plainly(world, tmp_path_factory):
    with pytest.raises(DoorError, match="service is not running") as problem:
        await DoorClient(world.door.endpoint, tmp_path_factory.mktemp("empty")).connect()
    assert problem.value.code == "no_token"
    with pytest.raises(DoorError, match=r"cannot be reached \(nobody listens there") as problem:
        await DoorClient("opc.tcp://127.0.0.1:9/heat-station").connect()
    assert problem.value.code == "not_reachable"


async def test_a_door_that_closes_is_told_and_can_be_opened_again(own):
    world = own
    async with world.guest() as door:
        await world.door.stop()
        with pytest.raises(DoorError) as problem:
            await door.read(["low.mode"])
        assert problem.value.code == "not_reachable"
    await world.door.start()
    await world.publish()
    async with world.guest() as door:
        assert (await door.read(["low.mode"]))["low.mode"].value == 1.0


async def test_a_taken_port_is_an_error_and_the_door_can_try_again(own, tmp_path_factory):
    world = own
    second = World(tmp_path_factory.mktemp("second"))
    second.door._url = world.door._url
    with pytest.raises(OSError, match="in use"):
        await second.door.start()
    await world.door.stop()
    await second.door.start()
    await second.publish()
    async with second.guest() as door:
        assert (await door.read(["low.mode"]))["low.mode"].value == 1.0
    await second.door.stop()


async def test_a_command_without_an_answer_is_no_success(world, monkeypatch):
    monkeypatch.setattr("controller.upstream.opcua.ANSWER_WITHIN_S", 0.2)
    world.stuck = True
    async with world.client() as door:
        with pytest.raises(DoorError) as problem:
            await door.write("low.supply_setpoint", 50.0)
        assert problem.value.code == "no_answer"
        assert (await door.read(["low.supply_setpoint"]))["low.supply_setpoint"].value == 47.0


async def test_a_command_is_taken_to_its_end_when_the_client_hangs_up(world, monkeypatch):
    begun, release, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(command: Command) -> Answer:
        begun.set()
        await release.wait()
        ended.set()
        return Answer(True, "taken")

    monkeypatch.setattr(world.door, "_take", slow)
    door = world.client()
    await door.connect()
    writing = asyncio.create_task(door.write("low.supply_setpoint", 50.0))
    await begun.wait()
    door._client.disconnect_socket()
    await asyncio.gather(writing, return_exceptions=True)
    await until(lambda: not world.door._server.bserver.clients)
    release.set()
    await until(ended.is_set)


async def test_a_certificate_that_ends_is_renewed_while_the_door_is_open(world):
    before = world.door._server.iserver.certificate
    end = before.not_valid_after_utc.timestamp()
    async with world.client() as old:
        await world.publish(wall=end - 86400.0)
        assert world.door._server.iserver.certificate != before
        assert (await old.read(["low.mode"]))["low.mode"].value == 1.0
        async with world.client() as new:
            assert (await new.read(["low.mode"]))["low.mode"].value == 1.0


async def test_refusals():
    assert refusal("outside_range") == ua.StatusCodes.BadOutOfRange
    assert refusal("something new") == ua.StatusCodes.BadRequestNotAllowed
