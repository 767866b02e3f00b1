"""The catalogue: both languages alike, every code of the source in it, nothing in it that nobody says."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from controller.cli.tune_run import KEPT
from controller.commands import CommandKind
from controller.control.blocks.loop.flow_control import LOST
from controller.control.blocks.loop.loop_monitor import CONDITIONS
from controller.control.blocks.loop.supply_control import MODES
from controller.control.blocks.loop.tuning import REASONS as TUNING_REASONS
from controller.control.blocks.loop.tuning import STATES as TUNING_STATES
from controller.control.blocks.parts.drive import FAILURES, STATES
from controller.control.blocks.season.power_return import STAGES
from controller.control.blocks.season.season import CAUSES, WAITS
from controller.control.blocks.season.season import STATES as SEASONS
from controller.control.blocks.setpoint.learned_curve import MODES as LEARNED_MODES
from controller.control.blocks.water.exchanger_settings import OUT
from controller.control.blocks.water.isolation_valve import FAILURES as ISOLATION_FAILURES
from controller.control.blocks.water.isolation_valve import STATES as ISOLATION_STATES
from controller.control.blocks.water.makeup_guard import STATES as MAKEUP_STATES
from controller.control.circuits.circuit_mode import MODES as CIRCUIT_MODES
from controller.control.circuits.loop_points import REQUESTS
from controller.control.circuits.outdoor_written import REASONS
from controller.control.circuits.roles import CIRCUIT_ROLES, DRIVE_POINTS, PUMP_ROLES, STATION_ROLES
from controller.control.circuits.setpoint_limits import LIMITS
from controller.points import SLOT_NAMES
from controller.safety.free_alarms import FORMS
from controller.safety.witnesses import plausibility
from controller.safety.witnesses.outdoor_witness import OutdoorSettings
from controller.safety.witnesses.proof import FLOW
from controller.settings.check import check_file
from controller.station import START_LEVELS, Station, build
from controller.store import files
from controller.store.state import PROBLEMS
from controller.texts import LANGUAGES, alarm, catalogue, duration, fill, placeholders, text, title
from controller.upstream.sentences import DoorError
from drivers.readings import Fault

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for path in sorted((ROOT / "controller").rglob("*.py"))
    if path.relative_to(ROOT).parts[1] not in ("store", "upstream")
]
GROUPS = (
    "access", "alarm", "answer", "check", "choice", "event", "export", "point", "reason", "rule", "shelve",
    "tune",
)  # fmt: skip


COMMAND = {"subject", "value", "allowed"}
DOOR: dict[str, set[str]] = {
    "not_reachable": {"endpoint"},
    "no_token": {"directory"},
    "no_such_point": {"point", "near"},
    "refused": {"subject", "why"},
} | dict.fromkeys(
    (
        "wrong_login",
        "no_guests",
        "not_allowed",
        "not_writable",
        "out_of_range",
        "no_such_alarm",
        "nothing_to_do",
        "busy",
        "no_answer",
    ),
    COMMAND,
)
"""What a client at the door can be told → the values that come with it."""


@cache
def station() -> Station:
    checked = check_file(ROOT / "config/demo.yaml")
    assert checked.file is not None
    checked.file.outdoor = OutdoorSettings()
    return build(checked.file, checked.profiles)


@cache
def with_exchangers() -> Station:
    """A station with what the demo has not: exchangers in parallel."""
    checked = check_file(ROOT / "config/parallel-exchangers.yaml")
    assert checked.file is not None
    return build(checked.file, checked.profiles)


@cache
def without_feedback() -> Station:
    """And a valve that says not where it stands."""
    checked = check_file(ROOT / "config/three-point.yaml")
    assert checked.file is not None
    return build(checked.file, checked.profiles)


@cache
def with_mixing() -> Station:
    """Another: a zone that mixes."""
    checked = check_file(ROOT / "config/two-zones.yaml")
    assert checked.file is not None
    return build(checked.file, checked.profiles)


# ---- both languages


def test_the_groups_are_these() -> None:
    assert {key.split(".", 1)[0] for key in catalogue("en")} == set(GROUPS)


@pytest.mark.parametrize("key", catalogue("en"))
def test_both_languages_have_the_text_with_the_same_placeholders(key: str) -> None:
    english, chinese = catalogue("en")[key], catalogue("zh")[key]
    assert english.strip()
    assert chinese.strip()
    assert placeholders(english) == placeholders(chinese)
    assert not re.search("[一-鿿]", english), "Chinese in the English text"
    if re.search("[a-z]{4}", english) and not re.fullmatch(r"[\W\d]*(\{\w+\}[\W\d]*)+", english):
        assert re.search("[一-鿿]", chinese), "the Chinese text is not Chinese"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stands_for_two_things(language: str) -> None:
    """A code that `text` looks up must not be in two of its groups with different words."""
    found: dict[str, set[str]] = {}
    for key, words in catalogue(language).items():
        group, code = key.split(".", 1)
        if group in ("reason", "alarm", "answer", "event"):
            found.setdefault(code, set()).add(words)
    assert {code for code, words in found.items() if len(words) > 1} == set()


def test_unknown_language_is_an_error() -> None:
    with pytest.raises(KeyError):
        catalogue("de")


# ---- the source


class Codes(ast.NodeVisitor):
    """Constant first arguments of the calls that carry a code, with the names of the values given."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, set[str] | None]] = []
        self._functions: list[ast.AST] = []
        """The class, if any, and the functions around the call."""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        position = {"Term": 0, "Rule": 0, "report": 0, "Answer": 1}.get(name)
        if position is not None and len(node.args) > position:
            values = node.args[position + 1 :] if name in ("Term", "Answer") else None
            for code in constants(node.args[position], self._functions):
                names = None if values is None or passed_on(values) else self._names(*values[:1])
                self.found.append((name, code, names))
        self.generic_visit(node)

    def _names(self, *nodes: ast.AST) -> set[str]:
        """First strings of the (name, value, quantity) triples, through variables of the function."""
        names: set[str] = set()
        for part in (part for node in nodes for part in ast.walk(node)):
            if isinstance(part, ast.Tuple) and len(part.elts) == 3 and isinstance(part.elts[0], ast.Constant):
                names.add(str(part.elts[0].value))
            elif isinstance(part, ast.Name) and self._functions:
                for value in assigned(self._functions[-1], part.id):
                    names |= self._names(value)
        return names


def passed_on(values: list[ast.expr]) -> bool:
    """True for somebody else's values, such as `answer.values`."""
    return any(isinstance(value, ast.Attribute) for value in values)


def assigned(function: ast.AST, name: str) -> Iterator[ast.AST]:
    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            if (target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")) == name:
                yield node.value  # type: ignore[union-attr,misc]


def constants(node: ast.AST, functions: list[ast.AST]) -> Iterator[str]:
    """Strings that an expression can be, as far as the source says."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body, functions)
        yield from constants(node.orelse, functions)
    elif isinstance(node, ast.Name) and functions:
        for value in assigned(functions[-1], node.id):
            yield from constants(value, functions)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        for value in assigned(functions[0], node.attr):
            yield from constants(value, functions)


@cache
def codes() -> list[tuple[str, str, set[str] | None]]:
    visitor = Codes()
    for path in SOURCES:
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
    return visitor.found


@cache
def quality_reasons() -> set[str]:
    """Reasons of points: faults of the wires, and what the source marks points with."""
    reasons = {str(fault) for fault in Fault if fault} | {"failsafe", "override"}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.arguments):
                named = zip(node.kwonlyargs, node.kw_defaults, strict=True)
                reasons |= {
                    str(d.value) for n, d in named if n.arg == "nothing" and isinstance(d, ast.Constant)
                }
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = {"mark": 2, "_bad": 1, "_correct": 2}.get(name)
            if place is not None and len(node.args) > place:
                # `no_reading` stands behind an `or`.
                reasons |= {
                    part.value
                    for part in ast.walk(node.args[place])
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                }
            if name == "WishPoint":
                reasons |= {str(k.value.value) for k in node.keywords if k.arg == "nothing"
                            and isinstance(k.value, ast.Constant)}  # fmt: skip
            if name in ("Point", "Output", "__init__"):
                reasons |= {str(k.value.value) for k in node.keywords if k.arg == "reason"
                            and isinstance(k.value, ast.Constant)}  # fmt: skip
    return reasons - {""} | {"no_reading"}


def access_codes() -> set[str]:
    """What `station access` says: its own words, and the errors of the users' file."""
    own = (ROOT / "controller/cli/access.py").read_text(encoding="utf-8")
    users = (ROOT / "controller/upstream/users.py").read_text(encoding="utf-8")
    said = re.findall(r'"access\.(\w+)"', own) + re.findall(r'_failed\([^"]*"(\w+[a-z])"', own)
    return {
        *said,
        *re.findall(r'"(user_\w+)"', own),
        *re.findall(r'UserError\("(\w+)"', users),
        "users_unreadable",
    }


def tune_codes() -> set[str]:
    """What `station tune` says."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "controller/cli").glob("tune*.py")]
    said = {code for source in sources for code in re.findall(r'"tune\.(\w+)"|_say\(\s*"(\w+)"', source)}
    settings = {role.removeprefix("loop.") for role in KEPT}
    return {code for pair in said for code in pair if code} | settings


def said_by(group: str) -> set[str]:
    """Texts of a group that the command line asks for, always by their whole key."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "controller/cli").glob("*.py")]
    return {code for source in sources for code in re.findall(rf'"{group}\.(\w+)"', source)}


def said_by_rules() -> dict[str, set[str] | None]:
    """Alarms and reasons of the rows that stations have, with the values they show."""
    need: dict[str, set[str] | None] = {}
    stations = (station(), with_exchangers(), with_mixing(), without_feedback())
    for rule in (rule for each in stations for rule in each.table.rules):
        names = {name for name, _, _ in rule.shows()}
        if rule.priority:
            need |= {f"alarm.{rule.code}_{part}": names for part in ("seen", "does", "check")}
        if rule.act is not None:
            need[f"reason.rule_{rule.code}"] = set()
    return need


def wanted() -> dict[str, set[str] | None]:
    """Every key that the source needs → the values it gives (None: not known here)."""
    need: dict[str, set[str] | None] = {}
    for call, code, names in codes():
        match call:
            case "Term" if code:
                need[f"reason.{code}"] = names
            case "Answer":
                need[f"answer.{code}"] = names
            case "Rule":
                need |= {f"rule.{code}_{part}": set() for part in ("when", "does", "clears")}
            case "report":
                need |= {f"alarm.{code}_{part}": None for part in ("seen", "does", "check")}
    need |= said_by_rules()
    control = {"demand", "setpoint", "measured"}
    need |= {f"reason.valve_{mode}": control for mode in MODES}
    need |= {f"reason.pump_{state}": {"pump"} for state in (*STATES, *FAILURES) if state}
    need |= {f"reason.failure_{failure}": set() for failure in FAILURES if failure}
    need |= {
        f"reason.quality_{reason}": set() for reason in (*quality_reasons(), *plausibility.CODES, *REASONS)
    }
    for code in plausibility.CODES:
        need |= {f"rule.{code}_{part}": set() for part in ("when", "does", "clears")}
    need |= {f"choice.{name}": set() for name in (*MODES, *STATES, *FAILURES, *FLOW) if name != "unknown"}
    need |= {f"choice.{name}": set() for name in (*LEARNED_MODES, *LIMITS, *CIRCUIT_MODES, *LOST)}
    need |= {f"choice.{name}": set() for name in (*MAKEUP_STATES, *SEASONS, *WAITS, *STAGES)}
    need |= {f"choice.{word}": set() for word in (*START_LEVELS, *files.WORDS)}
    need |= {f"choice.clock_{word}": set() for word in ("not_set", "jumps", "stands")}
    need |= {f"choice.state_{word}": set() for word in PROBLEMS}
    need |= {f"reason.season_by_{cause}": {"why"} for cause in CAUSES}
    need |= {f"reason.return_{stage}": {"delay"} for stage in STAGES if stage != "normal"}
    need |= {f"reason.exchanger_{failure}": {"point"} for failure in ISOLATION_FAILURES if failure}
    need |= {f"reason.failure_{failure}": set() for failure in ISOLATION_FAILURES if failure}
    need |= {f"choice.{name}": set() for name in (*ISOLATION_STATES, *ISOLATION_FAILURES, *OUT.names)}
    need |= {f"choice.{slot}": set() for slot in SLOT_NAMES if slot != "limit"}
    need |= {f"choice.{name}": set() for name in REQUESTS}
    need |= {f"choice.{name}": set() for name in (*TUNING_STATES, *TUNING_REASONS, *CONDITIONS)}
    need |= {f"choice.{name}": set() for name in ("on", "off")}
    need |= {f"access.{code}": {"name", "allowed"} for code in access_codes()}
    for group in ("export", "shelve"):
        need |= dict.fromkeys((f"{group}.{code}" for code in said_by(group)), None)
    need |= dict.fromkeys((f"tune.{code}" for code in tune_codes()), None)
    need.pop("choice.", None)
    done = {"old", "new", "reason"}
    need |= {f"event.{kind}_done": done for kind in CommandKind}
    asked = {"value", "why"}
    for kind in CommandKind:
        need |= {f"event.{kind}_taken": asked, f"event.{kind}_refused": asked}
    need |= {f"choice.{code}": set() for call, code, _ in codes() if call == "Answer" and "taken" not in code}
    need |= {f"answer.{code}": values for code, values in DOOR.items()}
    need |= {"event.acknowledge_no_such_alarm": done}
    need |= {"event.override_expired": set(), "event.override_tripped": set()}
    need |= {"event.shelve_expired": set()}
    need |= {"event.trip_kept": {"number", "cause"}, "event.trip_skipped": {"count", "cause"}}
    need |= {f"alarm.alarm_flood_{part}": set() for part in ("seen", "does", "check")}
    of_free = {"said", "value", "limit", "point"}
    need |= {f"alarm.free_{form}_{part}": of_free for form in FORMS for part in ("seen", "does", "check")}
    return need


@pytest.mark.parametrize("key", sorted(wanted()))
def test_what_the_source_says_has_its_text(key: str) -> None:
    assert key in catalogue("en"), f"write {key} into controller/texts/{key.split('.')[0]}.yaml"
    names = wanted()[key]
    if names is not None:
        assert placeholders(catalogue("en")[key]) <= names, "the source does not give this value"


def test_the_codes_of_the_door_are_these() -> None:
    said = re.search(r"Codes: ([^.]+)\.", DoorError.__doc__ or "")
    assert said is not None
    assert set(re.split(r",\s+", said[1])) == set(DOOR)


def test_no_text_that_nobody_says() -> None:
    used = set(wanted())
    unused = {
        key for key in catalogue("en") if key.split(".")[0] not in ("check", "point") and key not in used
    }
    assert unused == set()


def test_values_get_units_words_and_titles() -> None:
    values = (
        ("output", "low.pump_1_run", "text"),
        ("value", 1.0, "flag"),
        ("user", "li", "text"),
        ("source", "panel", "text"),
        ("minutes", 12.4, "count"),
        ("reason", "", "text"),
    )
    assert text("by_override", "en", values) == (
        "low circulation pump 1: run command is on: set by li (panel) for 12 more minutes."
    )
    assert text("by_override", "zh", values).startswith("low 1 号循环泵：启停命令 为 开：li（panel）手动设定")


def test_a_code_as_a_value_is_translated() -> None:
    why = (("why", "failure_no_start", "text"),)
    assert text("pump_failed_seen", "en", why) == "Pump failed: it did not start within 15 s."
    assert text("pump_failed_seen", "zh", why) == "泵故障：15 s 内未启动。"
    assert text("input_bad_seen", "zh", (("why", "quality_stale", "text"),)) == "数值不可用：数据过旧。"


def test_why_a_command_was_refused_is_told_in_words() -> None:
    values = (("value", 99.0, "percent"), ("why", "outside_range", "text"))
    assert text("write_refused", "en", values) == "new value 99.0 % refused: outside of its range"
    assert text("write_refused", "zh", values) == "新值 99.0 % 被拒绝：超出范围"


def test_an_alarm_says_all_three() -> None:
    assert alarm("frost", "low", "en", (("temperature", 12.34, "temperature"),)) == (
        "low: Water 12.3 °C: danger of frost. Pumps at full speed. The valve opens once water flows. "
        "Go there now. Check heat from the primary side, pumps, open doors and windows."
    )
    assert alarm("frost", "low", "zh", (("temperature", 12.34, "temperature"),)).startswith(
        "low：水温 12.3 °C"
    )


def test_what_is_not_there_is_shown_bare() -> None:
    assert text("no_such_code", "en") == "no_such_code"
    assert fill("check.no_such_code", "zh", {}) == "check.no_such_code"
    assert text("outdoor", "en") == "outdoor temperature ?"
    assert text("outdoor", "en", (("outdoor", float("nan"), "temperature"),)) == "outdoor temperature –"


def test_a_rule_as_a_choice_reads_as_its_reason() -> None:
    assert text("frost", "zh") == text("rule_frost", "zh")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0 s"), (42.0, "42 s"), (119.0, "119 s"), (120.0, "2 min"), (5400.0, "90 min"), (7200.0, "2.0 h"),
     (200000.0, "2.3 d"), (float("inf"), "–"), (float("nan"), "–")],
)  # fmt: skip
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


# ---- titles


def test_every_point_of_the_demo_station_has_a_title() -> None:
    for info in station().catalogue:
        for language in LANGUAGES:
            assert title(info.name, language) != info.name, info.name


def test_every_role_has_a_title() -> None:
    names = [f"station.{role}" for role in STATION_ROLES]
    names += [f"low.{role}" for role in CIRCUIT_ROLES if role != "room_temperature"]
    names += [f"low.pump_2_{suffix}" for suffix, _ in DRIVE_POINTS.values()]
    names += [f"low.makeup_1_{role}" for role in PUMP_ROLES]
    names.append("station.tank_fill_long")
    for name in names:
        for language in get_args(LANGUAGES) or LANGUAGES:
            assert title(name, language) != name, name


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("station.outdoor_temperature", "outdoor temperature", "室外温度"),
        ("low.supply_temperature", "low supply temperature", "low 二次供水温度"),
        ("low.supply_temperature_2", "low supply temperature 2", "low 二次供水温度 2"),
        ("low.room_temperature_3", "low room temperature 3", "low 室温 3"),
        ("low.makeup_1_speed_reason", "low makeup pump 1: speed command: reason",
         "low 1 号补水泵：频率命令：原因"),
        ("low.heat_curve.shift", "low curve shift", "low 曲线平移"),
        ("low.pump_1", "low circulation pump 1", "low 1 号循环泵"),
        ("low", "low", "low"),
        ("low.nonsense", "low.nonsense", "low.nonsense"),
        ("low.pump_1_nonsense", "low.pump_1_nonsense", "low.pump_1_nonsense"),
        ("low.nonsense_reason", "low.nonsense_reason", "low.nonsense_reason"),
    ],
)  # fmt: skip
def test_titles(name: str, english: str, chinese: str) -> None:
    assert title(name, "en") == english
    assert title(name, "zh") == chinese


def test_a_circuits_own_title() -> None:
    assert title("low.supply_temperature", "zh", {"low": "低区"}) == "低区 二次供水温度"
