"""What is left out of a start after starts that did not get far, and which file runs."""

import contextlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.alarms import AlarmBook
from controller.cli.main import app
from controller.service import boot as boot_module
from controller.service import starts as starts_module
from controller.service.boot import HEALTHY_SCANS, Boot
from controller.service.last_good import LastGood, read_source
from controller.service.starts import LIMITS, MOST, Level, StartBook, Starts
from controller.settings.check import check_file
from controller.station import START_LEVELS
from controller.texts import alarm

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
NORMAL, LAST_GOOD, WITHOUT_STATE, SAFE_MODE = Level


def crash(note: Starts, times: int, *, boots: bool = False, other_file: bool = True) -> list[Level]:
    """Levels of so many starts, each of which ends in a crash."""
    levels = []
    for number in range(times):
        note = note.begin("file", f"boot {number}" if boots else "boot", other_file=other_file)
        levels.append(note.level)
    return levels


# ---- the decision


def test_four_starts_of_the_file_then_less_and_less_and_safe_mode_for_ever() -> None:
    levels = crash(Starts(), 100)
    assert levels[:9] == [*[NORMAL] * 4, *[LAST_GOOD] * 2, *[WITHOUT_STATE] * 2, SAFE_MODE]
    assert set(levels[8:]) == {SAFE_MODE}


def test_without_another_file_that_worked_its_level_is_left_out() -> None:
    levels = crash(Starts(), 8, other_file=False)
    assert levels == [*[NORMAL] * 4, *[WITHOUT_STATE] * 2, *[SAFE_MODE] * 2]


def test_power_that_comes_and_goes_counts_half() -> None:
    levels = crash(Starts(), 12, boots=True)
    assert levels.index(LAST_GOOD) == 8
    assert SAFE_MODE not in levels


def test_ten_good_minutes_make_an_end_of_the_row() -> None:
    note = Starts()
    for _ in range(3):
        note = note.begin("file", "boot", other_file=True)
    note = note.healthy().begin("file", "boot", other_file=True)
    assert crash(note, 3) == [NORMAL] * 3
    assert crash(note, 4)[-1] is LAST_GOOD


@pytest.mark.parametrize("level", [LAST_GOOD, SAFE_MODE])
def test_a_level_outlives_a_power_cut_until_a_person_stops_it(level: Level) -> None:
    note = Starts(level, pending=True, file="file", boot="boot").healthy()
    again = note.begin("file", "another boot", other_file=True)
    assert again.level is level
    assert again.healthy().stopped().begin("file", "boot", other_file=True).level is NORMAL


def test_another_file_begins_at_the_top() -> None:
    note = Starts(SAFE_MODE, 3, 9, pending=True, file="file", boot="boot")
    assert note.begin("mended file", "boot", other_file=True).level is NORMAL


@pytest.mark.parametrize(("other_file", "level"), [(True, LAST_GOOD), (False, NORMAL)])
def test_a_fresh_state_that_has_worked_is_used_again(other_file: bool, level: Level) -> None:
    note = Starts(WITHOUT_STATE, pending=True, file="file", boot="boot").healthy()
    assert note.begin("file", "boot", other_file=other_file).level is level


def test_a_year_of_crashes_stops_wearing_the_card() -> None:
    note = Starts(SAFE_MODE, MOST - 1, MOST - 1, pending=True, file="file", boot="boot")
    note = note.begin("file", "boot", other_file=True)
    assert note.points == note.crashes == MOST
    assert note.begin("file", "boot", other_file=True) is note


def test_the_names_of_the_levels_are_those_of_the_point() -> None:
    assert tuple(level.name.lower() for level in Level) == START_LEVELS
    assert len(LIMITS) == len(Level) - 1


# ---- the note on disk


def test_a_note_comes_back_and_the_newest_counts(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    note = Starts(LAST_GOOD, 2, 5, True, "file", "boot", 7)
    assert StartBook([one, other]).write(note) == ""
    assert not (other / "starts.json").exists()
    StartBook([other]).write(Starts(number=8))
    assert StartBook([one]).read() == note
    assert StartBook([one, other]).read() == Starts(number=8)


def test_a_folder_that_takes_no_note_is_told_and_memory_is_used(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    memory = tmp_path / "run"
    memory.mkdir()
    book = StartBook([tmp_path / "state", memory])
    assert book.write(Starts(number=3)) != ""
    assert book.read() == Starts(number=3)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"level": "normal"}', "\x00\xff", '{"level": "x", "points": 1}', "1e999"],
)
def test_a_note_that_is_none_is_a_fresh_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "starts.json").write_text(text, encoding="latin-1")
    assert StartBook([tmp_path]).read() == Starts()


def test_odd_numbers_are_no_note(tmp_path: Path) -> None:
    for odd in (-1, 1.5, "2", None, True):
        StartBook([tmp_path]).write(Starts(LAST_GOOD, 2, 5, True, "file", "boot", 7))
        kept = json.loads((tmp_path / "starts.json").read_text())
        (tmp_path / "starts.json").write_text(json.dumps({**kept, "points": odd}))
        assert StartBook([tmp_path]).read() == Starts()


# ---- which file runs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A station file of its own, as on a box: it may be edited."""
    (tmp_path / "etc").mkdir()
    return Path(shutil.copy(DEMO, tmp_path / "etc" / "harbin.yaml"))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "var"


def run(boot: Boot, scans: int = HEALTHY_SCANS, *, sound: bool = True, fed: bool = True) -> Boot:
    """Scans, and what they write."""
    for _ in range(scans):
        boot.scanned(fed=fed, sound=sound)
    return boot


def alarms(boot: Boot, language: str = "en") -> dict[str, str]:
    """Code → text of what it reports."""
    book = AlarmBook()
    boot.report(book, language)
    book.settle()
    return {row.code: alarm(row.code, row.subject, language, row.values) for row in book.view()}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written beside the scans is written before the next line of a test."""
    monkeypatch.setattr(Boot, "_aside", staticmethod(lambda work: work()))
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)


def spoil(file: Path) -> None:
    """A mistake in the 600 °C class."""
    text = file.read_text(encoding="utf-8")
    assert "alarm: 70 °C" in text
    file.write_text(text.replace("alarm: 70 °C", "alarm: 700 °C"), encoding="utf-8")


BROKEN = {
    "a mistake": spoil,
    "missing": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[: len(file.read_bytes()) // 2]),
    "GBK": lambda file: file.write_bytes("station: {name: 香坊}".encode("gbk")),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "binary": lambda file: file.write_bytes(os.urandom(3000)),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_file_at_boot_runs_the_last_good_one_and_says_where(
    file: Path, state: Path, how: str
) -> None:
    name = run(Boot(file, state)).checked.file.station.name
    BROKEN[how](file)
    boot = Boot(file, state)
    assert boot.checked.file is not None
    assert boot.checked.file.station.name == name
    assert boot.level is NORMAL
    assert boot.substitute
    told = alarms(boot)
    assert set(told) == {"file_broken"}
    assert "harbin.yaml:" in told["file_broken"]
    assert set(alarms(boot, "zh")) == {"file_broken"}


def test_the_alarm_names_line_key_and_what_is_allowed(file: Path, state: Path) -> None:
    run(Boot(file, state))
    spoil(file)
    line = next(n for n, text in enumerate(file.read_text("utf-8").splitlines(), 1) if "700 °C" in text)
    told = alarms(Boot(file, state))["file_broken"]
    assert f"harbin.yaml:{line}:" in told
    assert "circuits.low.supply.alarm" in told
    assert "700 °C" in told


def test_a_mended_file_runs_at_the_next_start(file: Path, state: Path) -> None:
    good = file.read_bytes()
    run(Boot(file, state))
    spoil(file)
    assert Boot(file, state).substitute
    file.write_bytes(good)
    boot = Boot(file, state)
    assert not boot.substitute
    assert alarms(boot) == {}


def test_without_a_last_good_file_nothing_runs_and_no_start_is_counted(file: Path, state: Path) -> None:
    spoil(file)
    boot = Boot(file, state)
    assert boot.checked.file is None
    assert [finding.path for finding in boot.checked.errors] == ["circuits.low.supply.alarm"]
    assert not state.exists()


def test_the_command_says_so_as_check_does(file: Path, state: Path) -> None:
    spoil(file)
    done = CliRunner().invoke(app, ["run", str(file), "--state", str(state)])
    assert done.exit_code == 2
    assert re.search(r"harbin\.yaml:\d+:\d+: circuits\.low\.supply\.alarm: ", done.stderr)
    assert not state.exists()


def test_a_file_is_kept_only_after_ten_sound_minutes(file: Path, state: Path) -> None:
    for scans, options in ((HEALTHY_SCANS - 1, {}), (HEALTHY_SCANS, {"sound": False})):
        run(Boot(file, state), scans, **options)
        assert LastGood(state).load(file) is None
    boot = run(Boot(file, state), HEALTHY_SCANS // 2)
    run(boot, 1, fed=False)
    run(boot, HEALTHY_SCANS // 2)
    assert LastGood(state).load(file) is None
    run(boot, HEALTHY_SCANS // 2)
    assert LastGood(state).load(file) is not None


def test_the_same_file_is_not_written_again(file: Path, state: Path) -> None:
    run(Boot(file, state))
    kept = state / "last_good"
    before = {path.name: path.stat().st_mtime_ns for path in [kept, *kept.iterdir()]}
    run(Boot(file, state))
    assert {path.name: path.stat().st_mtime_ns for path in [kept, *kept.iterdir()]} == before


def test_a_file_that_crashes_gives_way_to_the_last_good_one_and_comes_back(file: Path, state: Path) -> None:
    old = file.read_bytes()
    run(Boot(file, state)).ended()
    file.write_bytes(old + b"\n# a harmless line, so that it is another file\n")
    boots = [Boot(file, state) for _ in range(9)]
    assert [boot.level for boot in boots] == [NORMAL] * 4 + [LAST_GOOD] * 2 + [WITHOUT_STATE] * 2 + [
        SAFE_MODE
    ]
    assert [boot.substitute for boot in boots] == [False] * 4 + [True] * 5
    assert "8 starts" in alarms(boots[-1])["safe_mode"]
    assert "4 starts" in alarms(boots[4])["file_crashes"]
    assert "6 starts" in alarms(boots[6])["state_left_out"]
    run(boots[-1])
    assert Boot(file, state).level is SAFE_MODE, "a power cut is no reason to try again"
    boots[-1].ended()
    again = Boot(file, state)
    assert again.level is NORMAL
    assert not again.substitute
    kept = LastGood(state).load(file)
    assert kept is not None
    assert kept.checked.path.read_bytes() == old


def test_profiles_beside_the_file_are_kept_with_it(file: Path, state: Path) -> None:
    own = file.parent / "own.yaml"
    shutil.copy(next((DEMO.parents[1] / "drivers/profiles").rglob("acs580.yaml")), own)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("profile: abb/acs580", "profile: own.yaml"), encoding="utf-8")
    assert check_file(file).file is not None
    assert "own.yaml" in file.read_text(encoding="utf-8")
    run(Boot(file, state))
    own.write_text("device: none")
    boot = Boot(file, state)
    assert boot.substitute
    assert boot.checked.file is not None
    assert "own.yaml" in alarms(boot)["file_broken"]


def test_the_copy_of_another_station_is_none(file: Path, state: Path) -> None:
    run(Boot(file, state))
    other = file.with_name("other.yaml")
    other.write_text("{")
    assert Boot(other, state).checked.file is None


def test_a_check_that_throws_is_a_broken_file(
    file: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(Boot(file, state))

    def explode(path: Path) -> None:
        raise RecursionError("a bug")

    monkeypatch.setattr(boot_module, "check_file", explode)
    boot = Boot(file, state)
    assert boot.checked.file is not None
    assert "RecursionError" in alarms(boot)["file_broken"]


# ---- the copy


def test_wherever_the_copy_is_cut_one_whole_one_is_left(
    file: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th call that changes the disk fails, n = 1, 2, 3 …: the old file or the new one is found."""
    keep = LastGood(state)
    keep.save(read_source(file, check_file(file)))
    old = keep.load(file)
    assert old is not None
    file.write_bytes(file.read_bytes() + b"# new\n")
    new = read_source(file, check_file(file))
    seen = set()
    for n in range(1, 60):
        copy = state.with_name(f"var{n}")
        shutil.copytree(state, copy)
        left = [n]

        def failing(real, left=left):
            def call(*arguments, **options):
                left[0] -= 1
                if left[0] == 0:
                    raise OSError(5, "Input/output error")
                return real(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing(os.fsync))
            patch.setattr(Path, "rename", failing(Path.rename))
            patch.setattr(Path, "mkdir", failing(Path.mkdir))
            patch.setattr(Path, "open", failing(Path.open))
            patch.setattr(shutil, "rmtree", failing(shutil.rmtree))
            with contextlib.suppress(OSError):
                LastGood(copy).save(new)
        found = LastGood(copy).load(file)
        assert found is not None, n
        assert found.digest in (old.digest, new.digest), n
        seen.add(found.digest)
        assert LastGood(copy).save(new) or found.digest == new.digest
        again = LastGood(copy).load(file)
        assert again is not None
        assert again.digest == new.digest, n
        if left[0] > 0:
            break
    else:
        pytest.fail("never ran out of calls")
    assert seen == {old.digest, new.digest}


def test_a_damaged_copy_is_none_but_the_one_before_may_still_be_there(file: Path, state: Path) -> None:
    keep = LastGood(state)
    keep.save(read_source(file, check_file(file)))
    shutil.copytree(state / "last_good", state / "last_good.old")
    with (state / "last_good" / file.name).open("ab") as text:
        text.write(b"#")
    found = keep.load(file)
    assert found is not None
    assert found.checked.path.parent.name == "last_good.old"
    shutil.rmtree(state / "last_good.old")
    assert keep.load(file) is None


def test_without_the_kernels_name_of_the_boot_every_start_counts_in_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(starts_module, "BOOT_ID", tmp_path / "none")
    assert starts_module.boot_id() == ""
