"""The door over real sockets: what it shows, to whom, and what it lets in."""

import asyncio
import dataclasses
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.uaerrors import UaStatusCodeError
from cryptography import x509

from controller.clock import SteppedClock
from controller.commands import Answer, Command, CommandKind
from controller.door import DoorClient, DoorError
from controller.points import AlarmView, PointInfo, Quality, Snapshot, Term
from controller.upstream import certificates
from controller.upstream.nodes import engineering_unit
from controller.upstream.opcua import Door
from controller.upstream.status import refusal, status_of
from controller.upstream.users import Role, Users, lay_token

GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD
CATALOGUE = (
    PointInfo("station.outdoor_temperature", "temperature", "measured", low=-50.0, high=60.0),
    PointInfo("low.supply_temperature", "temperature", "measured"),
    PointInfo("low.supply_setpoint", "temperature", "setting", low=30.0, high=65.0, writable=True),
    PointInfo("low.pump_1_running", "flag", "measured"),
    PointInfo("low.mode", "choice", "setting", ("off", "automatic", "manual"), writable=True),
    PointInfo("low.valve_command", "percent", "output", low=0.0, high=100.0),
)
ROWS = {
    "station.outdoor_temperature": (-12.5, GOOD, "", 100.0),
    "low.supply_temperature": (48.2, GOOD, "", 101.0),
    "low.supply_setpoint": (47.0, GOOD, "", 90.0),
    "low.pump_1_running": (1.0, GOOD, "", 101.0),
    "low.mode": (1.0, GOOD, "", 90.0),
    "low.valve_command": (43.0, GOOD, "", 101.0),
}
TERM = Term(
    "valve_demand", (("value", 43.0, "percent"),), (Term("supply_too_cold", (("by", 1.2, "temperature"),)),)
)
PASSWORD = "a long enough one"
WALL = 1_790_000_000.0


class World:
    """A door with what stands behind it: a store of accepted values, and all commands that came."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.users = Users(directory)
        self.token = lay_token(directory)
        self.commands: list[Command] = []
        self.explained = 0
        self.scan = 0
        self.rows = dict(ROWS)
        self.alarms: tuple[AlarmView, ...] = ()
        self.clock = SteppedClock(WALL)
        self.stuck = False
        self.door = self.make_door()

    def make_door(self, anonymous: bool = True) -> Door:
        return Door(
            "opc.tcp://127.0.0.1:0/heat-station",
            "香坊三号站",
            CATALOGUE,
            self.directory,
            self.users,
            self.take,
            self.explain,
            self.clock,
            anonymous=anonymous,
        )

    async def take(self, command: Command) -> Answer:
        self.commands.append(command)
        if self.stuck:
            await asyncio.Event().wait()
        info = next((info for info in CATALOGUE if info.name == command.subject), None)
        if info is not None and not info.low <= command.value <= info.high:
            return Answer(False, "outside_range")
        if command.kind is CommandKind.RELEASE:
            return Answer(False, "not_overridden")
        if command.kind is CommandKind.ACKNOWLEDGE and command.subject != "frost@low":
            return Answer(False, "no_such_alarm")
        return Answer(True, "taken")

    async def explain(self, point: str) -> Term:
        self.explained += 1
        return TERM

    async def publish(self, time: float = 101.0, wall: float = WALL + 101.0, **changes: object) -> None:
        self.scan += 1
        for name, row in changes.items():
            self.rows[name.replace("__", ".")] = row  # type: ignore[assignment]
        rows = [self.rows[info.name] for info in CATALOGUE]
        await self.door.publish(
            Snapshot(
                self.scan,
                time,
                wall,
                tuple(row[0] for row in rows),
                bytes(row[1] for row in rows),
                tuple(row[2] for row in rows),
                tuple(row[3] for row in rows),
                self.alarms,
            )
        )

    def client(self) -> DoorClient:
        return DoorClient(self.door.endpoint, self.directory)

    def guest(self) -> DoorClient:
        return DoorClient(self.door.endpoint)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One open door for many tests: it takes a second or two to open."""
    world = World(tmp_path_factory.mktemp("station"))
    await world.door.start()
    yield world
    await world.door.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def world(shared: World) -> World:
    """The open door, as if nothing had happened yet."""
    for name in shared.users.roles():
        shared.users.remove(name)
    shared.rows, shared.alarms, shared.stuck = dict(ROWS), (), False
    for _ in range(3):
        await shared.publish()
    shared.commands.clear()
    shared.explained = 0
    return shared


@pytest_asyncio.fixture(loop_scope="module")
async def own(tmp_path: Path) -> AsyncIterator[World]:
    """A door of the test's own, to close."""
    world = World(tmp_path)
    await world.door.start()
    await world.publish()
    yield world
    await world.door.stop()


async def encrypted(endpoint: str, user: str = "", password: str = "") -> Client:
    client = Client(endpoint)
    identity = certificates.make(client.application_uri, ("localhost",), WALL)
    found = await client.connect_and_get_server_endpoints()
    server = next(
        e.ServerCertificate for e in found if e.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt
    )
    policy = SecurityPolicyBasic256Sha256(
        x509.load_der_x509_certificate(server),
        identity.certificate,
        identity.key,
        ua.MessageSecurityMode.SignAndEncrypt,
    )
    client.security_policy = policy
    client.uaclient.set_security(policy)
    if user:
        client.set_user(user)
        client.set_password(password)
    return client


async def until(done: Callable[[], bool]) -> None:
    """Wait until `done`, at most 5 s of real time."""
    for _ in range(100):
        if done():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


def node(client: Client, name: str):
    return client.get_node(ua.NodeId(name, 2))


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
