"""A door with a made-up station behind it, for the tests of what it shows and what it lets in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography import x509

from controller.clock import SteppedClock
from controller.commands import Answer, Command, CommandKind
from controller.door import DoorClient
from controller.points import AlarmView, PointInfo, Quality, Snapshot, Term
from controller.upstream import certificates
from controller.upstream.opcua import Door
from controller.upstream.users import Users, lay_token

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
