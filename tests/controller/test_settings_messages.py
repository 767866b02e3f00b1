"""`station check`: exactly what is said about broken files, and a traceback for none.

The tables stand in `settings/*.txt`.
"""

import re
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from station_file import BASE, broken, cases, findings

from controller.settings import check
from controller.settings.check import check_file
from controller.settings.load import Finding, read_tree, validate
from controller.settings.messages import line
from controller.settings.station import StationFile
from controller.texts import LANGUAGES, catalogue, placeholders
from drivers.library import PROFILES

ROOT = Path(__file__).parents[2]
DEMO = (ROOT / "config/demo.yaml").read_text(encoding="utf-8")
TABLE = [(f"{name}: {what}", changes, lines) for name in ("text", "values", "checks")
         for what, changes, lines in cases(name)]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_said(tmp_path: Path, changes: list[str], expected: list[str]) -> None:
    assert broken(tmp_path, *changes) == expected


def test_the_sound_file_is_sound(tmp_path: Path) -> None:
    assert findings(tmp_path, BASE) == []


def test_in_chinese(tmp_path: Path) -> None:
    changes = ("highest_building: 30 m", "highest_bulding: 30", "max: 65 °C", "max: 6500 °C")
    assert broken(tmp_path, *changes, language="zh") == [
        "25:5: circuits.low.highest_bulding: 没有这个键（是否 highest_building？）",
        "28:31: circuits.low.supply.max: 6500 °C 过高（30 … 95 °C）",
    ]


# ---- the file as bytes

EMPTY = "1:1: the file is empty (a station needs at least station, buses, devices, points, circuits)"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", [EMPTY]),
        (b"# only a comment\n", [EMPTY]),
        (b"---\n...\n", [EMPTY]),
        ("\ufeff".encode() + BASE.encode(), []),
        (BASE.replace("\n", "\r\n").encode(), []),
        (BASE.replace("\n", "\r").encode(), []),
        (("\ufeff" + BASE.replace("30 m", "30")).replace("\n", "\r\n").encode(),
         ["25:23: circuits.low.highest_building: 30 has no unit (write 30 m, 30 mm, 30 cm)"]),
        (BASE.encode("gbk", errors="replace"), ["1:17: the file is not UTF-8 (save it as UTF-8)"]),
        (BASE.encode("utf-16"), ["1:1: the file is not UTF-8 (save it as UTF-8)"]),
        (b"a: \xc3\xa9\r\nb: \xff\n", ["2:4: the file is not UTF-8 (save it as UTF-8)"]),
        (b"\x00\x01ab\n\x02",
         ["1:1: a character that may not stand in the file: U+0000 (plain text)",
          "1:2: a character that may not stand in the file: U+0001 (plain text)",
          "2:1: a character that may not stand in the file: U+0002 (plain text)"]),
        (b"- a\n- b\n", ["1:1: keys with values are expected here (key: value)"]),
        (b"station\n", ["1:1: keys with values are expected here (key: value)"]),
        ("站：甲\n".encode(), ["1:2: full-width ： (write :)"]),
        (b"a:\nb", ["2:1: b: a colon is missing here (key: value)"]),
    ],
    ids=["empty", "comment", "no document", "byte order mark", "CRLF", "CR", "mark and CRLF", "GBK", "UTF-16",
         "not UTF-8", "binary", "list", "text", "full-width", "no colon"],
)  # fmt: skip
def test_files_as_bytes(tmp_path: Path, content: bytes, expected: list[str]) -> None:
    assert findings(tmp_path, content) == expected


def test_a_binary_file_does_not_flood(tmp_path: Path) -> None:
    assert len(findings(tmp_path, b"\x00" * 100_000)) == 20


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_deep_nesting(tmp_path: Path, brackets: str) -> None:
    inside = brackets[0] if brackets == "[]" else "{a: "
    said = findings(tmp_path, f"station: {inside * 50_000}")
    assert len(said) == 1
    assert "nested too deep (at most 20 levels)" in said[0]


def test_a_huge_number_is_cut_in_the_message(tmp_path: Path) -> None:
    said = broken(tmp_path, "setpoint: 120 kPa", f"setpoint: {'9' * 400} kPa")
    assert said == [f"30:44: circuits.low.circulation.setpoint: {'9' * 59}… is far too large a number"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    checked = check_file(tmp_path / "none.yaml")
    assert [line("F", f, "en") for f in checked.findings] == [
        "F:1:1: cannot be read: No such file or directory (a readable file)"
    ]
    assert [f.code for f in check_file(tmp_path).findings] == ["cannot_read"]


# ---- profiles beside the file


def own_profile(folder: Path, source: str, *changes: str) -> None:
    text = (PROFILES / f"{source}.yaml").read_text(encoding="utf-8")
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    (folder / "own.yaml").write_text(text, encoding="utf-8")


FIXED = ("on_loss_configurable: true", "on_loss_configurable: false")


def test_a_drive_that_trips_and_cannot_be_set(tmp_path: Path) -> None:
    own_profile(tmp_path, "abb/acs580", *FIXED)
    assert broken(tmp_path, "abb/acs580, bus: drives, address: 11", "own.yaml, bus: drives, address: 11") == [
        "30:27: circuits.low.circulation.pumps.0: pump: on loss of its bus this drive does: trip "
        "(it must keep_running: set it in the drive)"
    ]
    assert broken(tmp_path, "abb/acs580, bus: drives, address: 21", "own.yaml, bus: drives, address: 21") == [
        "32:15: circuits.low.makeup.pumps.0: makeup: on loss of its bus this drive does: trip "
        "(makeup must stop within 10 s: set it in the drive)"
    ]


def test_a_valve_module_that_lets_go(tmp_path: Path) -> None:
    own_profile(tmp_path, "belimo/lr24a-mod", *FIXED, "on_loss: hold", "on_loss: off")
    assert broken(tmp_path, "belimo/lr24a-mod", "own.yaml") == [
        "29:22: circuits.low.valve.command: warning: valve.command: when the controller dies the module "
        "does: off (wanted: hold; set it in the module)"
    ]


def test_a_relay_that_stays_on_when_we_die(tmp_path: Path) -> None:
    own_profile(tmp_path, "advantech/adam-4068", *FIXED)
    by_relays = "{open: relays.channel_3, close: relays.channel_4}"
    said = broken(
        tmp_path,
        "advantech/adam-4068",
        "own.yaml",
        "{command: valve.command, feedback: valve.position}",
        by_relays,
    )
    assert [row for row in said if "valve" in row] == [
        f"29:{column}: circuits.low.valve.{way}: relays.channel_{number}: the relay stays on when the "
        "controller dies and drives the valve to its end (use a module with a host watchdog)"
        for column, way, number in ((19, "open", 3), (44, "close", 4))
    ]


def test_a_module_that_closes_an_isolation_valve_when_we_die(tmp_path: Path) -> None:
    own_profile(tmp_path, "advantech/adam-4068", *FIXED, "on_loss: hold", "on_loss: off")
    ends = "opened: contacts.channel_"
    valves = f"{{open: relays.channel_3, {ends}3}}, {{close: relays.channel_4, {ends}4}}"
    said = broken(
        tmp_path,
        "advantech/adam-4068",
        "own.yaml",
        "    valve: {command",
        f"    exchangers: {{valves: [{valves}]}}\n    valve: {{command",
    )
    assert said == [
        "29:34: circuits.low.exchangers.valves.0.open: relays.channel_3: on loss of its bus the relay falls "
        "off and the valve closes: no heat (wire it to close, or use a module that holds)"
    ]


def test_a_profile_with_mistakes_has_them_all(tmp_path: Path) -> None:
    own_profile(tmp_path, "belimo/lr24a-mod", "kind: valve", "kind: volve", "timing:", "timeing:")
    said = broken(tmp_path, "belimo/lr24a-mod", "own.yaml")
    assert len(said) == 2
    assert all(
        re.match(r"10:20: devices\.valve\.profile: the profile own\.yaml cannot be used: \d+:\d+: ", row)
        for row in said
    )


def test_a_profile_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(check, "load_profile", refuse)
    said = broken(tmp_path)
    assert said[-1].endswith("the profile abb/acs580 cannot be used: Permission denied (mend the profile)")
    assert len(said) == 7


def test_a_profile_name_that_no_file_can_have(tmp_path: Path) -> None:
    said = broken(tmp_path, "belimo/lr24a-mod", f"{'x' * 300}.yaml")
    assert said[0].startswith("10:20: devices.valve.profile: the profile xxx")


# ---- all of it


def test_every_code_has_a_case(tmp_path: Path) -> None:
    """What the tests above do not provoke is either untested or never said."""
    seen = {"not_utf8", "cannot_read", "empty_file", "not_a_map", "huge", "too_deep", "bus_loss_stop",
            "bus_loss_keep_running", "valve_on_loss", "relay_stays_on", "bad_profile", "summary",
            "isolation_closes", "plant_impossible"}  # fmt: skip
    for _, changes, _ in TABLE:
        text = BASE
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            text = text.replace(old, new)
        (tmp_path / "station.yaml").write_bytes(text.encode())
        seen |= {finding.code for finding in check_file(tmp_path / "station.yaml").findings}
    known = {key.removeprefix("check.") for key in catalogue("en") if key.startswith("check.")}
    assert known - seen == set(), "no case"
    assert seen - known == set(), "no text"


def test_a_message_is_one_line_whatever_it_holds() -> None:
    finding = Finding(1, 2, "a.\n\x1b[31m", "choice", {"value": "x\ny\u2028z", "allowed": "p, q"})
    assert line("F", finding, "en") == "F:1:2: a.  [31m: x y z is not possible here (allowed: p, q)"


# ---- any text at all


def judged(text: str | bytes, path: Path) -> None:
    """Findings that are sorted, placed inside the file and have their words; never a traceback."""
    content = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    path.write_bytes(content)
    checked = check_file(path)
    assert (checked.file is None) == bool(checked.errors)
    assert [f.order for f in checked.findings] == sorted(f.order for f in checked.findings)
    rows = content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for finding in checked.findings:
        assert 1 <= finding.line <= len(rows)
        assert 1 <= finding.column <= len(rows[finding.line - 1]) + 1
        for language in LANGUAGES:
            words = line("F", finding, language)
            assert words.isprintable()
            assert placeholders(catalogue(language)[f"check.{finding.code}"]) <= set(finding.values), words


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "station.yaml"


calm = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(st.text())
@calm
@example("a: [")
@example("&a [*a]")
@example("? {a: b}\n: c")
@example("station: &a\n  b: *a\n")
def test_any_text(scratch: Path, text: str) -> None:
    judged(text, scratch)


@given(st.binary(max_size=200))
@calm
def test_any_bytes(scratch: Path, content: bytes) -> None:
    judged(content, scratch)


YAML_SIGNS = st.text(alphabet="ab:,-?{}[]&*!|>'\"%@`#~ \t\n：，1°", max_size=60)


@given(YAML_SIGNS)
@calm
def test_any_heap_of_yaml_signs(scratch: Path, text: str) -> None:
    judged(text, scratch)


ALARMS = """
alarms:
  - {point: low.return_temperature, above: 45 °C, for: 10 min, text: {zh: 回水过热, en: too hot}, latch: yes}
  - {point: low.supply_temperature, differs: 5 K, from: low.supply_setpoint, text: apart, dead_band: 1 K}
  - {point: low.circulation, is: unknown, text: {en: not proven}, priority: high}
"""
ROWS = (DEMO + ALARMS).split("\n")
ODD = "|: |：|{|}|[|]|&a |*a|!x |null|~|-1|1e999|NaN|{}|[]|{a: 1}|[[1]]|'|\"|\t|\n|<<: |0 °C|３"
PIECES = st.text(alphabet=string.printable, max_size=5) | st.sampled_from(ODD.split("|"))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """demo.yaml with lines deleted, doubled, moved, re-indented, and pieces put in or over."""
    rows = list(ROWS)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(rows) - 1))
        match draw(st.integers(0, 6)):
            case 0:
                del rows[at]
            case 1:
                rows.insert(at, rows[at])
            case 2:
                rows.insert(draw(st.integers(0, len(rows) - 1)), rows.pop(at))
            case 3:
                rows[at] = " " * draw(st.integers(0, 6)) + rows[at].lstrip()
            case 4:
                spot = draw(st.integers(0, len(rows[at])))
                rows[at] = rows[at][:spot] + draw(PIECES) + rows[at][spot:]
            case 5:
                spot = draw(st.integers(0, len(rows[at])))
                end = draw(st.integers(spot, len(rows[at])))
                rows[at] = rows[at][:spot] + draw(PIECES) + rows[at][end:]
            case _:
                key, colon, _ = rows[at].partition(": ")
                rows[at] = key + colon + draw(PIECES)
        rows = rows or [""]
    return "\n".join(rows)


@given(mutated())
@settings(calm, max_examples=250)
def test_any_mistake_in_the_demo_file(scratch: Path, text: str) -> None:
    judged(text, scratch)


LEAVES = st.sampled_from(["exchanger", "points", "1 m", "30 °C", "a.b", "yes", "06-08"])
VALUES = st.recursive(
    st.text(max_size=8) | LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
@settings(calm, max_examples=250)
def test_any_value_of_any_shape_anywhere(data: st.DataObject) -> None:
    """Past the parser: the models and their errors, with whatever tree."""
    tree = read_tree(DEMO)
    here = tree.data
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(here[key], dict | list) and here[key] and data.draw(st.booleans()):
            here = here[key]
            continue
        here[key] = data.draw(VALUES)
        break
    validate(tree, StationFile)
    for finding in tree.findings:
        assert line("F", finding, "zh")
        assert f"check.{finding.code}" in catalogue("en"), finding.code
