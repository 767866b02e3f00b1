"""`station export`: the list, the story, tables and pictures of trips, and the history as a table."""

from __future__ import annotations

import csv
import io
import math
import xml.etree.ElementTree as ElementTree
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from controller.cli import trip_picture
from controller.cli.main import app
from controller.cli.trip_story import bars_of, circuit_of, panels_of
from controller.clock import SteppedClock
from controller.points import AlarmView, Event, PointInfo, Snapshot
from controller.store import trip_files
from controller.store.history import Store
from controller.store.ring import Ring
from controller.store.trip_files import Columns, Trip

WALL = 1_790_000_000.0
TRIP = 1000.0
MODES = ("failsafe", "demand", "no_circulation")
CATALOGUE = (
    PointInfo("station.outdoor_temperature", "temperature", "measured"),
    PointInfo("station.tank_level", "length", "measured"),
    *(
        info
        for circuit in ("low", "high")
        for info in (
            PointInfo(f"{circuit}.supply_temperature", "temperature", "measured"),
            PointInfo(f"{circuit}.supply_setpoint", "temperature", "calculated"),
            PointInfo(f"{circuit}.valve_command", "percent", "output", low=0.0, high=100.0),
            PointInfo(f"{circuit}.valve_command_reason", "choice", "reason", MODES),
            PointInfo(f"{circuit}.differential_pressure", "pressure", "measured"),
            PointInfo(f"{circuit}.pump_1_frequency", "frequency", "measured"),
            PointInfo(f"{circuit}.pump_1_running", "flag", "measured"),
        )
    ),
)


def snapshot(time: float) -> Snapshot:
    over = time >= TRIP
    numbers = {
        "temperature": 50.0 + math.sin(time / 30),
        "length": 1.5,
        "percent": 0.0 if over else 40.0,
        "choice": 2.0 if over else 1.0,
        "pressure": 0.0 if over else 120.0,
        "frequency": 0.0 if over else 41.5,
        "flag": 0.0 if over else 1.0,
    }
    values = tuple(numbers[info.quantity] for info in CATALOGUE)
    bad = bytes(2 if info.name == "station.outdoor_temperature" else 0 for info in CATALOGUE)
    return Snapshot(round(time), time, WALL + time, values, bad, ("",) * len(values), (time,) * len(values))


def event(kind: str, after: float, code: str, subject: str = "high", **values: float) -> Event:
    shown = tuple((name, value, "temperature") for name, value in values.items())
    user = "li" if kind == "effect" else ""
    return Event(TRIP + after, WALL + TRIP + after, kind, subject, code, user, "panel", shown)


EVENTS = (
    event("alarm", -60.0, "supply_low", temperature=40.0, setpoint=50.0, opening=10.0),
    event("clear", -30.0, "supply_low", temperature=40.0, setpoint=50.0, opening=10.0),
    event("effect", -20.0, "release_done", "high.valve_command"),
    event("alarm", 20.0, "no_circulation"),
)
ALARMS = (
    AlarmView("no_circulation", "high", "urgent", TRIP + 20, None, False),
    AlarmView("return_cool", "high", "warning", TRIP + 25, None, False, hidden_by="no_circulation@high"),
    AlarmView("pump_worn", "low.pump_1", "warning", TRIP - 9000, None, True),
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with two trips of the high zone and one that is damaged."""
    ring = Ring(len(CATALOGUE), 2000)
    for time in range(400, 1121):
        ring.add(snapshot(time))
    for number, cause in ((3, "no_circulation@high"), (4, "free_below_1@station.tank_level")):
        trip = Trip(
            number,
            "香坊三号站",
            cause,
            TRIP,
            WALL + TRIP,
            ((0.0, cause), (7.0, "thermostat@high")),
            (("flood@low", 2),),
            True,
            EVENTS,
            ALARMS,
            CATALOGUE,
        )
        trip_files.write(tmp_path, trip, ring.copy(0.0))
    (tmp_path / "blackbox" / "000002-frost@low.trip").write_bytes(b"scrap")
    return tmp_path


@pytest.fixture
def run(state: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TZ", "UTC")

    def call(*arguments: str, language: str = "en") -> Result:
        return CliRunner().invoke(
            app, ["export", "--state", str(state), "--language", language, *arguments], catch_exceptions=False
        )

    return call


def table(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))


def test_the_list_has_every_file(run: Callable[..., Result]) -> None:
    result = run("--list")
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines()[1:]]
    assert [row[0] for row in rows] == ["2", "3", "4"]
    assert "000002-frost@low.trip: too short" in result.output
    assert "high: No secondary circulation." in result.output
    assert "二次侧无循环" in run("--list", language="zh").output


def test_the_story_in_its_order_with_what_was_not_kept(run: Callable[..., Result]) -> None:
    lines = run("--blackbox", "3").output.splitlines()
    assert lines[0].startswith("Trip 3 of 香坊三号站, 20")
    assert [line.split(" s ")[0].strip() for line in lines[1:-1]] == [
        "-60.0", "-30.0", "-20.0", "+0.0", "+7.0", "+20.0",
    ]  # fmt: skip
    assert "▲ high: No secondary circulation." in lines[4]
    assert "li: high valve command: given back to the controller" in lines[3]
    assert lines[-1] == "Before it, flood@low came 2 times within its pause and was not kept."


def test_the_table_has_all_points_and_time_zero_at_the_trip(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    result = run("--blackbox", "3", "--out", str(tmp_path / "trip.csv"))
    assert result.exit_code == 0, result.output
    head, *rows = table(tmp_path / "trip.csv")
    assert len(head) == 2 + len(CATALOGUE)
    assert "high.supply_temperature [°C]" in head
    assert (rows[0][0], rows[-1][0], len(rows)) == ("-600", "120", 721)
    zero = next(row for row in rows if row[0] == "0")
    valve, reason = head.index("high.valve_command [%]"), head.index("high.valve_command_reason")
    assert (zero[valve], zero[reason]) == ("0", "no_circulation")
    assert rows[0][valve] == "40"
    assert all(row[head.index("station.outdoor_temperature [°C]")] == "" for row in rows), "bad is empty"
    assert list(tmp_path.glob(".*new*")) == []


@pytest.mark.parametrize(
    ("name", "begins"), [("trip.png", b"\x89PNG"), ("trip.svg", b"<?xml"), ("t.pdf", b"%PDF")]
)
def test_pictures(run: Callable[..., Result], tmp_path: Path, name: str, begins: bytes) -> None:
    result = run("--blackbox", "latest", "--out", str(tmp_path / name))
    assert result.exit_code == 0, result.output
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert list(tmp_path.glob(".*new*")) == []


@pytest.mark.parametrize(("font", "shown"), [("", "–"), ("Some CJK", "香坊三号站")], ids=["no_font", "font"])
def test_a_name_that_no_font_here_can_show_is_no_row_of_boxes(
    run: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    font: str,
    shown: str,
) -> None:
    from matplotlib.figure import Figure

    titles: list[str] = []
    monkeypatch.setattr("controller.cli.trip_picture.chinese_font", lambda: font)
    monkeypatch.setattr(Figure, "suptitle", lambda _, text, **__: titles.append(text))
    result = run("--blackbox", "3", "--out", str(tmp_path / "trip.png"))
    assert result.exit_code == 0, result.output
    assert shown in titles[0]
    assert ("香" in titles[0]) == bool(font)


def test_the_picture_says_it_in_chinese(run: Callable[..., Result], tmp_path: Path) -> None:
    run("--blackbox", "3", "--out", str(tmp_path / "trip.svg"), language="zh")
    root = ElementTree.parse(tmp_path / "trip.svg").getroot()
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    for part in ("距跳闸时间，min", "high：二次侧无循环。", "二次供水温度", "阀门命令"):
        assert any(part in text for text in texts), part


def test_without_a_chinese_font_a_bitmap_is_in_english_and_says_so(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.cli.export.chinese_font", lambda: "")
    result = run("--blackbox", "3", "--out", str(tmp_path / "trip.png"), language="zh")
    assert result.exit_code == 0
    assert "没有中文字体" in result.stderr


def test_what_matters_is_of_the_circuit_that_tripped(state: Path) -> None:
    first, second = (trip_files.read(path)[0] for path in trip_files.stored(state)[1:])
    assert circuit_of(first) == "high"
    names = [info.name for _, infos in panels_of(first) for info in infos]
    assert names == [
        "high.supply_setpoint",
        "high.supply_temperature",
        "high.valve_command",
        "high.differential_pressure",
        "high.pump_1_frequency",
        "high.pump_1_running",
    ]
    assert panels_of(second)[0] == ("length", [CATALOGUE[1]]), "the alarm's own point goes first"


def test_bars_the_cause_first_cut_to_the_record(state: Path) -> None:
    trip, columns = trip_files.read(trip_files.stored(state)[1])
    bars = [(bar.code, bar.begin, bar.end, bar.hidden) for bar in bars_of(trip, columns)]
    assert bars == [
        ("no_circulation", 20.0, 120.0, False),
        ("pump_worn", -600.0, 120.0, False),
        ("supply_low", -60.0, -30.0, False),
        ("return_cool", 25.0, 120.0, True),
    ]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["--blackbox", "9"], 2, "no trip 9 is kept (there are: 2, 3, 4)"),
        (["--blackbox", "2"], 1, "000002-frost@low.trip cannot be read: too short"),
        (["--blackbox", "3", "--out", "x.doc"], 2, "must end with one of: .csv, .png, .svg, .pdf"),
        (["--blackbox", "3", "--out", "/nowhere/x.csv"], 1, "/nowhere/x.csv: No such file"),
        (["--blackbox", "3", "--out", "/nowhere/x.png"], 1, "/nowhere/x.png: No such file"),
        ([], 2, "What shall be exported?"),
        (["--points", "a", "--out", "x.csv"], 1, "history.db is not there"),
        (["--points", "a", "--out", "x.csv", "--from", "yesterday"], 2, "yesterday is no time"),
    ],
)
def test_bad_input_is_one_line(
    run: Callable[..., Result], arguments: list[str], exit_code: int, said: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == exit_code
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_no_trips_yet(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["export", "--state", str(tmp_path / "x"), "--blackbox", "--language", "en"]
    )
    assert result.exit_code == 1
    assert "No trips are kept" in result.stderr


def test_without_matplotlib_it_says_so(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise trip_picture.NoPlots

    monkeypatch.setattr("controller.cli.export.draw", missing)
    result = run("--blackbox", "3", "--out", str(tmp_path / "x.png"))
    assert result.exit_code == 1
    assert "Pictures need matplotlib" in result.stderr


async def write_history(directory: Path) -> None:
    clock = SteppedClock(0.0)
    store = Store(directory, CATALOGUE, clock, sample_period_s=10.0)
    for time in range(400, 1121):
        store.offer(snapshot(time), ())
    assert await store._attempt()
    await store._close()


async def test_the_history_as_a_table(run: Callable[..., Result], state: Path, tmp_path: Path) -> None:
    await write_history(state)
    out = tmp_path / "history.csv"
    result = run("--points", "station.tank_level,high.*_temperature", "--out", str(out))
    assert result.exit_code == 0, result.output
    head, *rows = table(out)
    assert head == ["time", "station.tank_level [m]", "high.supply_temperature [°C]"]
    assert len(rows) == 73
    assert rows[0][1] == "1.5"
    middle = rows[30][0].replace(" ", "T")
    assert run("--points", "station.*", "--from", middle, "--to", middle, "--out", str(out)).exit_code == 0
    assert [row[0].replace(" ", "T") for row in table(out)[1:]] == [middle]
    wrong = run("--points", "station.tank_lvel", "--out", str(out))
    assert wrong.exit_code == 2
    assert "no point station.tank_lvel (near: station.tank_level" in wrong.stderr


def test_columns_of_the_format_are_what_the_picture_takes(state: Path) -> None:
    _, columns = trip_files.read(trip_files.stored(state)[1])
    assert isinstance(columns, Columns)
    assert isinstance(columns.offsets, array)
    assert len(columns.offsets) == len(columns.values["high.valve_command"])
