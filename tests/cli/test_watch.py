"""The terminal picture, the reasons as a tree, and the users' commands."""

import asyncio
import dataclasses
import io
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from controller.cli import access
from controller.cli.watch import Seen, picture, watch
from controller.cli.why import why
from controller.clock import RateClock
from controller.commands import Answer, Command
from controller.door import Value
from controller.points import AlarmView, PointInfo, Quality, Snapshot, Term
from controller.upstream.opcua import Door
from controller.upstream.users import Role, Users, lay_token

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _circuit(name: str) -> tuple[PointInfo, ...]:
    return (
        PointInfo(f"{name}.supply_temperature", "temperature", "measured"),
        PointInfo(f"{name}.supply_setpoint", "temperature", "state"),
        PointInfo(f"{name}.return_temperature", "temperature", "measured"),
        PointInfo(f"{name}.return_pressure", "pressure", "measured"),
        PointInfo(f"{name}.valve_command", "percent", "output", low=0.0, high=100.0),
        PointInfo(f"{name}.valve_position", "percent", "measured"),
        PointInfo(f"{name}.pump_1_running", "flag", "measured"),
        PointInfo(f"{name}.pump_1_frequency", "frequency", "measured"),
        PointInfo(f"{name}.pump_1_current", "current", "measured"),
        PointInfo(f"{name}.pump_2_running", "flag", "measured"),
        PointInfo(f"{name}.makeup_1_running", "flag", "measured"),
        PointInfo(f"{name}.max_supply", "temperature", "setting", writable=True),
    )


CATALOGUE = (
    PointInfo("station.season", "choice", "state", ("filling", "heating")),
    PointInfo("station.outdoor_temperature", "temperature", "measured"),
    PointInfo("station.tank_level", "length", "measured"),
    *_circuit("low"),
    *_circuit("middle"),
    *_circuit("tower_seven"),
)
NUMBERS = {
    "season": 1.0,
    "outdoor_temperature": -12.5,
    "tank_level": 1.62,
    "supply_temperature": 48.2,
    "supply_setpoint": 47.0,
    "return_temperature": 38.1,
    "return_pressure": 351.0,
    "valve_command": 43.0,
    "valve_position": 42.5,
    "pump_1_running": 1.0,
    "pump_1_frequency": 41.5,
    "pump_1_current": 3.2,
    "pump_2_running": 0.0,
    "makeup_1_running": 0.0,
    "max_supply": 65.0,
}
TERM = Term(
    "supply_below_setpoint", (("by", 1.2, "temperature_difference"),), (Term("outdoor_is", (), (Term("x"),)),)
)
ALARM = AlarmView("frost", "low", "urgent", 100.0, None, False)


def seen() -> Seen:
    values = {info.name: Value(NUMBERS[info.name.partition(".")[2]], "good", 1.0e9) for info in CATALOGUE}
    return Seen("香坊三号站", 1.79e9, CATALOGUE, values, (), {"low.valve_command": TERM})


def drawn(what: Seen, language: str = "en", width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, height=24, force_terminal=False)
    console.print(picture(what, language, width), highlight=False)
    return console.file.getvalue().replace("\u00a0", " ")


async def test_three_circuits_fit_into_80_by_24():
    lines = drawn(seen()).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert len(lines) <= 24


async def test_values_have_units_and_the_output_its_reason():
    text = drawn(seen())
    for part in (
        "香坊三号站",
        "heating",
        "outdoor -12.5 °C",
        "tank level 1.62 m",
        "supply 48.2 °C → 47.0 °C   return 38.1 °C",
        "return pressure 351 kPa",
        "valve ████░░░░░░ 43.0 % (is 42.5 %)  supply below setpoint (1.2 K)",
        "pump 1 ● 41.5 Hz 3.2 A",
        "pump 2 ○",
        "makeup 1 ○",
        "tower seven",
        "no alarms",
    ):
        assert part in text
    assert "65.0" not in text  # settings are not part of the picture


async def test_uncertain_and_bad_values_are_marked_with_the_reason():
    what = seen()
    what.values["low.supply_temperature"] = Value(48.2, "uncertain: held", 1.0e9)
    what.values["low.return_temperature"] = Value(math.nan, "bad: sensor_gone", 1.0e9)
    what.values["low.valve_command"] = Value(math.nan, "bad: never_written", math.nan)
    text = drawn(what)
    assert "≈48.2 °C" in text
    assert "return ✗ sensor gone" in text


async def test_a_value_that_is_not_due_yet_is_no_fault():
    what = seen()
    what.values["low.return_temperature"] = Value(math.nan, "bad: not_known_yet", 1.0e9)
    assert "return – not known yet" in drawn(what)


async def test_alarms_stand_on_top_the_urgent_first():
    what = seen()
    warning = AlarmView("stale_point", "low.supply_temperature", "warning", 50.0, None, True)
    what.alarms = (warning, ALARM)
    lines = drawn(what).splitlines()
    assert lines[1].startswith("▲ low:")
    assert "stale point (acknowledged)" in lines[2]


async def test_a_mode_other_than_the_curve_stands_in_the_title():
    """And a set-point that the mode does not follow is not shown as a fault."""
    what = seen()
    mode = PointInfo("low.mode_in_force", "choice", "calculated", ("heat_curve", "fixed_opening"))
    what.catalogue = (*what.catalogue, mode)
    what.values[mode.name] = Value(0.0, "good", 1.0e9)
    assert "fixed opening" not in drawn(what)
    what.values[mode.name] = Value(1.0, "good", 1.0e9)
    what.values["low.supply_setpoint"] = Value(math.nan, "bad: not_followed", 1.0e9)
    text = drawn(what)
    assert "─ low · fixed opening ─" in text
    assert "supply 48.2 °C   return 38.1 °C" in text
    assert "─ 低区 · 定开度 ─" in drawn(what, "zh")


async def test_chinese_and_narrow():
    text = drawn(seen(), "zh", 60)
    assert "供水 48.2 °C → 47.0 °C" in text
    assert "循环泵 1 ● 41.5 Hz" in text
    assert "低区" in text


async def test_a_door_that_went_away_is_told_above_the_last_picture():
    what = dataclasses.replace(seen(), lost_since=1.79e9, problem="nobody listens there")
    text = drawn(what, width=120)
    assert "door not reachable since" in text
    assert "48.2 °C" in text


async def test_before_the_first_look_there_is_a_picture_too():
    assert drawn(Seen(lost_since=0.0, problem="nobody listens there"))


async def _take(command: Command) -> Answer:
    return Answer(True, "taken")


async def _explain(point: str) -> Term:
    return TERM


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    directory: Path = tmp_path_factory.mktemp("station")
    lay_token(directory)
    door = Door(
        "opc.tcp://127.0.0.1:0/heat-station",
        "香坊三号站",
        CATALOGUE,
        directory,
        Users(directory),
        _take,
        _explain,
        RateClock(),
    )
    await door.start()
    await publish(door)
    yield door
    await door.stop()


async def publish(door: Door) -> None:
    count = len(CATALOGUE)
    values = tuple(NUMBERS[info.name.partition(".")[2]] for info in CATALOGUE)
    snapshot = Snapshot(
        1, 1.79e9, 1.79e9, values, bytes([Quality.GOOD] * count), ("",) * count, (1.79e9,) * count, (ALARM,)
    )
    await door.publish(snapshot)


def console(terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=100, height=24, force_terminal=terminal, color_system=None)


async def test_watch_once_prints_one_picture(door):
    paper = console()
    assert await watch(door.endpoint, None, "en", True, paper) == 0
    text = paper.file.getvalue().replace("\u00a0", " ")
    assert "supply 48.2 °C → 47.0 °C   return 38.1 °C" in text
    assert "▲ low" in text


async def test_watch_once_without_a_door_fails_with_a_sentence():
    paper = console()
    assert await watch("opc.tcp://127.0.0.1:9/heat-station", None, "en", True, paper) == 1
    assert "127.0.0.1:9" in paper.file.getvalue()


async def test_watch_goes_on_when_the_door_goes_away_and_comes_back(door):
    paper = console(terminal=True)
    task = asyncio.create_task(watch(door.endpoint, None, "en", False, paper, RateClock(rate=10.0)))

    async def until(part: str) -> None:
        for _ in range(200):
            if part in paper.file.getvalue().replace("\u00a0", " "):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{part} never came: {paper.file.getvalue()[-2000:]}")

    try:
        await until("48.2 °C")
        await door.stop()
        await until("door not reachable since")
        await door.start()
        await publish(door)
        paper.file.truncate(0)
        await until("● 41.5 Hz")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_why_prints_a_tree(door):
    paper = console()
    assert await why(door.endpoint, None, "low.valve_command", "en", paper) == 0
    lines = paper.file.getvalue().splitlines()
    assert "low.valve_command" in lines[0]
    assert "43.0" in lines[0]
    assert len(lines) == 4


async def test_why_of_an_unknown_point_is_bad_input(door, capsys):
    assert await why(door.endpoint, None, "low.valve_comand", "en", console()) == 2
    assert "low.valve_command" in capsys.readouterr().err
    assert await why("opc.tcp://127.0.0.1:9/heat-station", None, "low.valve_command", "en", console()) == 1


async def test_access_adds_lists_and_removes(tmp_path):
    typed = iter(["a long enough one", "a long enough one"])
    paper = console()
    assert access.add_user(tmp_path, "anna", "operator", "en", lambda _: next(typed), paper) == 0
    assert Users(tmp_path).roles() == {"anna": Role.OPERATOR}
    assert access.list_users(tmp_path, "en", paper) == 0
    assert "anna" in paper.file.getvalue()
    assert access.remove_user(tmp_path, "anna", "zh", paper) == 0
    assert access.remove_user(tmp_path, "anna", "en", paper) == 2
    assert Users(tmp_path).roles() == {}


@pytest.mark.parametrize(
    ("role", "typed", "part"),
    [
        ("king", ["x" * 9, "x" * 9], "operator, viewer"),
        ("viewer", ["x" * 9, "y" * 9], "differ"),
        ("viewer", ["short", "short"], "too short"),
    ],
)
async def test_access_refuses_with_a_sentence(tmp_path, role, typed, part):
    paper, answers = console(), iter(typed)
    assert access.add_user(tmp_path, "anna", role, "en", lambda _: next(answers), paper) == 2
    assert part in paper.file.getvalue()
    assert Users(tmp_path).roles() == {}


async def test_access_token(tmp_path):
    paper = console()
    assert access.show_token(tmp_path, "en", paper) == 1
    token = lay_token(tmp_path)
    paper = console()
    assert access.show_token(tmp_path, "en", paper) == 0
    assert paper.file.getvalue() == token + "\n"
