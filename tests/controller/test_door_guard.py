"""What strangers and broken clients try at the door."""

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import Client, ua

from controller.clock import SteppedClock
from controller.commands import Answer, Command
from controller.door import DoorClient
from controller.points import PointInfo, Quality, Snapshot, Term
from controller.upstream import sessions as limits
from controller.upstream.opcua import Door
from controller.upstream.users import Users, lay_token

pytestmark = pytest.mark.asyncio(loop_scope="module")

CATALOGUE = tuple(PointInfo(f"low.point_{n}", "temperature", "measured") for n in range(10))


async def _take(command: Command) -> Answer:
    return Answer(True, "taken")


async def _explain(point: str) -> Term:
    return Term("nothing")


async def publish(door: Door, scan: int) -> None:
    count = len(CATALOGUE)
    values = tuple(20.0 + scan + n for n in range(count))
    time = 100.0 + scan
    qualities = bytes([Quality.GOOD] * count)
    await door.publish(Snapshot(scan, time, time, values, qualities, ("",) * count, (time,) * count))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    directory: Path = tmp_path_factory.mktemp("station")
    lay_token(directory)
    door = Door(
        "opc.tcp://127.0.0.1:0/heat-station",
        "station",
        CATALOGUE,
        directory,
        Users(directory),
        _take,
        _explain,
        SteppedClock(100.0),
    )
    await door.start()
    await publish(door, 1)
    yield door
    await door.stop()


class Heard:
    def __init__(self) -> None:
        self.values: list[float] = []

    def datachange_notification(self, node, value, data) -> None:
        self.values.append(value)


def sessions(door: Door) -> int:
    return len(door._server.iserver._external_sessions)


def subscriptions(door: Door) -> int:
    return len(door._server.iserver.subscription_service.subscriptions)


async def until(done: Callable[[], bool]) -> None:
    for _ in range(100):
        if done():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def test_nothing_is_left_of_clients_that_came_and_went(door):
    async def visit() -> None:
        async with Client(door.endpoint) as client:
            subscription = await client.create_subscription(200, Heard())
            await subscription.subscribe_data_change(
                [client.get_node(ua.NodeId(info.name, 2)) for info in CATALOGUE]
            )

    async def objects_after(visits: int) -> int:
        for _ in range(visits):
            await visit()
        await until(lambda: sessions(door) == 0)
        await door._server.bserver._close_tasks()
        gc.collect()
        return len(gc.get_objects())

    before = await objects_after(5)
    after = await objects_after(40)
    assert subscriptions(door) == 0
    assert (after - before) / 40 < 5, f"{after - before} objects stayed behind after 40 visits"


async def test_a_broken_connection_takes_session_and_subscriptions_along(door):
    client = Client(door.endpoint)
    await client.connect()
    await client.create_subscription(200, Heard())
    assert (sessions(door), subscriptions(door)) == (1, 1)
    client.disconnect_socket()
    await until(lambda: sessions(door) == 0 and subscriptions(door) == 0)
    await client.disconnect()


async def test_a_session_closed_without_its_subscriptions_leaves_none(door):
    client = Client(door.endpoint)
    await client.connect()
    await client.create_subscription(200, Heard())
    await client.uaclient.close_session(False)
    assert subscriptions(door) == 0
    client.disconnect_socket()
    await until(lambda: not door._server.bserver.clients)


async def test_one_client_leaving_does_not_end_the_others_subscription(door):
    heard = Heard()
    async with Client(door.endpoint) as stays:
        async with Client(door.endpoint) as goes:
            for client, handler in ((stays, heard), (goes, Heard())):
                subscription = await client.create_subscription(200, handler)
                await subscription.subscribe_data_change(client.get_node(ua.NodeId("low.point_1", 2)))
            await until(lambda: len(heard.values) == 1)
        await publish(door, 2)
        await until(lambda: len(heard.values) == 2)
    await publish(door, 1)


async def test_hands_off_the_subscriptions_of_others(door):
    async with Client(door.endpoint) as one, Client(door.endpoint) as other:
        subscription = await one.create_subscription(200, Heard())
        number = subscription.subscription_id
        node = ua.NodeId("low.point_1", 2)
        attempts: Sequence[Callable[[], Awaitable[object]]] = (
            lambda: other.uaclient.delete_subscriptions([number]),
            lambda: other.uaclient.set_publishing_mode(
                ua.SetPublishingModeParameters(PublishingEnabled=False, SubscriptionIds=[number])
            ),
            lambda: other.uaclient.create_monitored_items(
                ua.CreateMonitoredItemsParameters(
                    SubscriptionId=number,
                    ItemsToCreate=[
                        ua.MonitoredItemCreateRequest(
                            ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value)
                        )
                    ],
                )
            ),
        )
        for attempt in attempts:
            with pytest.raises(ua.uaerrors.BadSubscriptionIdInvalid):
                await attempt()
        with pytest.raises(ua.uaerrors.BadServiceUnsupported):
            await other.uaclient.transfer_subscriptions(
                ua.TransferSubscriptionsParameters(SubscriptionIds=[number], SendInitialValues=True)
            )
        assert subscriptions(door) == 1


async def test_a_session_cannot_be_taken_over_from_another_connection(door):
    async with Client(door.endpoint) as victim:
        token = victim.uaclient.session.authentication_token
        thief = Client(door.endpoint)
        await thief.connect_socket()
        await thief.send_hello()
        await thief.open_secure_channel()
        thief.uaclient.session.restore_authentication_token(token)
        with pytest.raises(ua.uaerrors.BadSessionIdInvalid):
            await thief.activate_session()
        thief.disconnect_socket()


async def test_one_session_a_connection(door):
    client = Client(door.endpoint)
    await client.connect()
    with pytest.raises(ua.uaerrors.BadTooManySessions):
        await client.create_session()
    assert sessions(door) == 1
    await client.disconnect()


async def test_subscriptions_are_few_and_not_faster_than_useful(door):
    async with Client(door.endpoint) as client:
        for period in (0, 1e-6, 70_000.0):
            wish = ua.CreateSubscriptionParameters(
                RequestedPublishingInterval=period, RequestedLifetimeCount=0, PublishingEnabled=True
            )
            subscription = await client.create_subscription(wish, Heard())
            revised = door._server.iserver.subscription_service.subscriptions[subscription.subscription_id]
            assert 200.0 <= revised.data.RevisedPublishingInterval <= 60_000.0
        for _ in range(limits.SUBSCRIPTIONS_A_SESSION - 3):
            await client.create_subscription(1000, Heard())
        with pytest.raises(ua.uaerrors.BadTooManySubscriptions):
            await client.create_subscription(1000, Heard())
    await until(lambda: subscriptions(door) == 0)


async def test_monitored_items_are_counted(door, monkeypatch):
    monkeypatch.setattr(limits, "ITEMS", 15)
    async with Client(door.endpoint) as client:
        subscription = await client.create_subscription(1000, Heard())
        nodes = [client.get_node(ua.NodeId(info.name, 2)) for info in CATALOGUE]
        await subscription.subscribe_data_change(nodes)
        with pytest.raises(ua.uaerrors.BadTooManyMonitoredItems):
            await subscription.subscribe_data_change(nodes)


async def test_nobody_changes_the_address_space(door):
    async with DoorClient(door.endpoint, door._directory) as operator:
        client = operator._client
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await client.nodes.objects.add_object(ua.NodeId("mine", 2), "2:mine")
        node = client.get_node(ua.NodeId("low.point_1", 2))
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await node.write_value(1.0)
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await node.write_attribute(
                ua.AttributeIds.AccessLevel, ua.DataValue(ua.Variant(3, ua.VariantType.Byte))
            )
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await client.get_node(ua.ObjectIds.Server_ServiceLevel).write_value(1)
        with pytest.raises(ua.uaerrors.UaStatusCodeError):
            await client.delete_nodes([node])


async def test_no_servers_are_registered_by_strangers(door):
    client = Client(door.endpoint)
    await client.connect_sessionless()
    with pytest.raises(ua.uaerrors.BadServiceUnsupported):
        await client.uaclient.register_server(ua.RegisteredServer(ServerUri="urn:mine"))
    await client.disconnect_sessionless()


async def test_an_announced_giant_ends_the_connection(door):
    def attack() -> bytes:
        with socket.create_connection(("127.0.0.1", door._server.bserver.port), timeout=5) as wire:
            wire.sendall(b"HELF" + struct.pack("<I", 0xFFFFFFF0))
            try:
                for _ in range(64):
                    wire.sendall(bytes(65536))
                return wire.recv(10)
            except OSError:
                return b""

    assert await asyncio.to_thread(attack) == b""


@pytest.mark.parametrize(
    "junk", [b"GET / HTTP/1.1\r\n\r\n", b"HELF\x08\x00\x00\x00", b"MSGF\x20\x00\x00\x00" + bytes(24)]
)
async def test_junk_ends_the_connection_and_nothing_else(door, junk):
    def send() -> bytes:
        with socket.create_connection(("127.0.0.1", door._server.bserver.port), timeout=5) as wire:
            wire.sendall(junk)
            try:
                wire.shutdown(socket.SHUT_WR)
                return wire.recv(1000)
            except OSError:
                return b""

    await asyncio.to_thread(send)
    async with DoorClient(door.endpoint) as client:
        assert (await client.read(["low.point_1"]))["low.point_1"].value == 22.0


async def test_connections_are_counted(door, monkeypatch):
    monkeypatch.setattr(door._server.iserver, "max_connections", 3)
    clients = [Client(door.endpoint, timeout=2) for _ in range(3)]
    for client in clients:
        await client.connect()
    with pytest.raises((OSError, ua.UaError, TimeoutError)):
        await Client(door.endpoint, timeout=2).connect()
    for client in clients:
        await client.disconnect()
    await until(lambda: not door._server.bserver.clients)
    async with Client(door.endpoint) as client:
        assert await client.get_node(ua.NodeId("low.point_1", 2)).read_value() == 22.0
