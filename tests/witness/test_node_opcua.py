"""The door seen by node-opcua, which shares no code with us or with asyncua."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from controller.clock import RateClock
from controller.commands import Answer, Command, CommandKind
from controller.points import AlarmView, PointInfo, Quality, Snapshot, Term
from controller.upstream.opcua import Door
from controller.upstream.users import Role, Users

pytestmark = pytest.mark.walltime

HERE = Path(__file__).parent
CATALOGUE = (
    PointInfo("low.supply_temperature", "temperature", "measured"),
    PointInfo("low.return_temperature", "temperature", "measured"),
    PointInfo("low.supply_setpoint", "temperature", "setting", low=30.0, high=65.0, writable=True),
    PointInfo("low.pump_1_running", "flag", "measured"),
    PointInfo("low.mode", "choice", "state", ("off", "automatic")),
    PointInfo("low.valve_command", "percent", "output", low=0.0, high=100.0),
)
PASSWORD = "a long enough one"
WALL = 1_790_000_000.0
ALARM = AlarmView("frost", "low", "urgent", WALL, None, False)


def _node() -> str:
    """Path of node; skips where it or its packages are missing, but fails in CI."""
    node = shutil.which("node")
    missing = (
        "node" if node is None else "" if (HERE / "node_modules").is_dir() else "tests/witness/node_modules"
    )
    if missing:
        message = f"{missing} is missing: run npm ci --prefix tests/witness"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return str(node)


def _snapshot(scan: int, supply: float, alarms: tuple[AlarmView, ...] = ()) -> Snapshot:
    values = (supply, 38.0, 47.0, 1.0, 1.0, 43.0)
    qualities = bytes([Quality.GOOD, Quality.BAD, *[Quality.GOOD] * 4])
    reasons = ("", "open_circuit", "", "", "", "")
    return Snapshot(scan, WALL, WALL, values, qualities, reasons, (WALL - 1.5,) * 6, alarms)


async def test_node_opcua_reads_subscribes_writes_and_is_refused(tmp_path):
    node = _node()
    commands: list[Command] = []

    async def take(command: Command) -> Answer:
        commands.append(command)
        return Answer(command.value <= 65.0, "out_of_range")

    async def explain(point: str) -> Term:
        return Term("valve_demand", (), (Term("supply_too_cold"),))

    users = Users(tmp_path)
    users.add("anna", PASSWORD, Role.OPERATOR)
    door = Door(
        "opc.tcp://127.0.0.1:0/heat-station",
        "witness",
        CATALOGUE,
        tmp_path,
        users,
        take,
        explain,
        RateClock(),
    )
    await door.start()
    await door.publish(_snapshot(1, 48.2))
    try:
        process = await asyncio.create_subprocess_exec(
            node,
            str(HERE / "client.mjs"),
            door.endpoint,
            "anna",
            PASSWORD,
            str(tmp_path / "pki"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(90):
            lines: list[str] = []
            while line := (await process.stdout.readline()).decode():
                lines.append(line)
                if line.strip() == "subscribed":
                    await asyncio.sleep(0.5)
                    await door.publish(_snapshot(2, 49.0))
                    await asyncio.sleep(0.5)
                    await door.publish(_snapshot(3, 50.0, (ALARM,)))
            assert process.stderr is not None
            stderr = (await process.stderr.read()).decode()
            assert await process.wait() == 0, "".join(lines) + stderr
    finally:
        await door.stop()

    seen = json.loads(lines[-1])
    supply, back, pump, mode = seen["values"]
    assert supply == {"value": 48.2, "type": "Double", "status": "Good", "time": WALL - 1.5}
    assert (back["status"], back["value"]) == ("BadSensorFailure", None)
    assert (pump["value"], pump["type"]) == (True, "Boolean")
    assert (mode["value"], mode["type"]) == (1, "Int32")
    assert seen["namespace"] == "urn:heat-station"
    assert seen["unit"] == {"id": 4408652, "text": "°C"}
    assert seen["children"] == sorted(info.name.partition(".")[2] for info in CATALOGUE)
    assert seen["explanation"] == "valve_demand"
    assert seen["heard"] == [[48.2, "Good"], [49.0, "Good"], [50.0, "Good"]]
    assert seen["alarms"] == [["low", "frost low", 900]]
    assert seen["guestWrite"] == "BadUserAccessDenied"
    assert seen["guestMethod"] == "BadUserAccessDenied"
    assert seen["openPassword"] != "none"
    assert seen["wrongPassword"] == "BadUserAccessDenied"
    assert (seen["write"], seen["written"]) == ("Good", 52)
    assert seen["outOfRange"] == "BadOutOfRange"
    assert seen["wrongType"] == "BadTypeMismatch"
    assert seen["notWritable"] == "BadNotWritable"
    assert seen["override"] == "Good"
    assert seen["fewArguments"] == "BadArgumentsMissing"
    assert [(command.kind, command.value, command.user) for command in commands] == [
        (CommandKind.WRITE, 52.0, "anna"),
        (CommandKind.WRITE, 99.0, "anna"),
        (CommandKind.OVERRIDE, 30.0, "anna"),
    ]
