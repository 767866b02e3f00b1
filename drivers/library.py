"""The library of device profiles: finding, reading and checking them.

A profile is read from YAML with every scalar left as text, so that `010`, `no` and `1_0` are what was
typed until a model gives them a type. Duplicate keys, anchors and tags are refused: PyYAML would
silently keep the last of two equal keys, and a register defined twice is the accident this prevents.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from drivers.profile import Profile, ProfilePoint

PROFILES = Path(__file__).parent / "profiles"

UNITS = frozenset({
    "", "°C", "K", "kPa", "m³/h", "kW", "kWh", "GJ", "%", "Hz", "A", "V", "mA", "s", "m", "m³", "W/m²", "m/s",
})  # fmt: skip
"""One unit a quantity; empty for flags and raw words. `controller.quantities` has the same."""

CONVENTION: dict[str, tuple[str, ...]] = {
    "drive": ("run", "speed", "running", "fault", "remote", "frequency", "current"),
    "valve": ("command", "position"),
    "meter": (),  # heat or electricity: at least `energy`, checked below
    "io": ("channel_1",),
}
"""Point names that circuits look for, by kind of device."""

_DEPTH = 20
_FUNCTIONS = {"coil": {"5"}, "holding": {"6", "16"}}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a profile: line and column count from 1, `key` is the path of keys."""

    line: int
    column: int
    key: str
    text: str


class ProfileError(ValueError):
    """A profile that cannot be used. `problems` holds everything found, `file` where."""

    def __init__(self, file: Path, problems: list[Problem]) -> None:
        self.file = file
        self.problems = sorted(problems, key=lambda p: (p.line, p.column))
        super().__init__("\n".join(f"{file}:{p.line}:{p.column}: {p.key}: {p.text}" for p in self.problems))


class UnknownProfile(LookupError):
    """No profile of that name in the library."""


def list_profiles() -> list[str]:
    """Names of all profiles of the library, `maker/model`, sorted."""
    return sorted(path.relative_to(PROFILES).with_suffix("").as_posix() for path in PROFILES.rglob("*.yaml"))


def find_profile(name: str, beside: Path | None = None) -> Path:
    """The file of a profile: `maker/model` of the library, or the path of a YAML file.

    A relative path is looked up from `beside`, the folder of the file that names it. Raises
    UnknownProfile with the nearest right name.
    """
    if name.endswith((".yaml", ".yml")):
        path = (beside or Path()) / name
        if path.is_file():
            return path
        raise UnknownProfile(f"{path}: no such file")
    known = list_profiles()
    if name in known:
        return PROFILES / f"{name}.yaml"
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    raise UnknownProfile(f"{name}: unknown profile ({hint})")


def load_profile(path: Path | str) -> Profile:
    """Read and check one profile. Raises ProfileError with all problems, OSError if unreadable."""
    file = Path(path)
    data, marks = _read(file)
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        problems = [
            _problem(marks, tuple(map(str, item["loc"])), str(item["msg"]).removeprefix("Value error, "))
            for item in error.errors()
        ]
        raise ProfileError(file, problems) from None
    found = [_problem(marks, key, text) for key, text in check(profile)]
    if found:
        raise ProfileError(file, found)
    return profile


# ---- reading


Marks = dict[tuple[str, ...], tuple[int, int]]


def _read(file: Path) -> tuple[object, Marks]:
    """Plain data with text scalars, and the position of every key."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ProfileError(file, [Problem(line, column, "yaml", str(error.problem))]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(file, [Problem(1, 1, "yaml", str(error))]) from None
    marks: Marks = {(): (1, 1)}
    problems: list[Problem] = []
    data = _plain(root, (), marks, problems, set()) if root is not None else None
    if problems:
        raise ProfileError(file, problems)
    return data, marks


def _plain(
    node: yaml.Node, key: tuple[str, ...], marks: Marks, problems: list[Problem], seen: set[int]
) -> object:
    """Walk a node tree into dicts, lists and text; `problems` collects what is refused."""
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    marks.setdefault(key, (line, column))
    if id(node) in seen or len(key) > _DEPTH:
        problems.append(Problem(line, column, ".".join(key), "aliases are not allowed here (write it out)"))
        return None
    seen.add(id(node))
    if not node.tag.startswith("tag:yaml.org,2002:"):
        problems.append(Problem(line, column, ".".join(key), f"tag {node.tag} is not allowed here"))
    if isinstance(node, yaml.MappingNode):
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            at = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if name in result:
                first = marks[(*key, name)][0]
                problems.append(
                    Problem(*at, ".".join((*key, name)), f"defined twice (first at line {first})")
                )
                continue
            marks[(*key, name)] = at
            result[name] = _plain(value_node, (*key, name), marks, problems, seen)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*key, str(i)), marks, problems, seen) for i, item in enumerate(node.value)]
    return str(node.value)


def _problem(marks: Marks, key: tuple[str, ...], text: str) -> Problem:
    """Place `text` at `key`, or at the nearest parent that stands in the file."""
    near = key
    while near not in marks:
        near = near[:-1]
    line, column = marks[near]
    return Problem(line, column, ".".join(key) or "file", text)


# ---- meaning


def check(profile: Profile) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with a well-formed profile: (key, text) pairs."""
    for name in CONVENTION.get(profile.kind, ()):
        if name not in profile.points:
            yield ("points",), f"a {profile.kind} needs a point {name}"
    if profile.kind == "meter" and "energy" not in profile.points:
        yield ("points",), "a meter needs a point energy"
    for name, point in profile.points.items():
        for key, text in _check_point(profile, point):
            yield ("points", name, *key), text
    yield from _overlaps(profile)


def _check_point(profile: Profile, point: ProfilePoint) -> Iterator[tuple[tuple[str, ...], str]]:
    bits = point.table in ("coil", "discrete")
    if point.unit not in UNITS:
        yield ("unit",), f"{point.unit} is not one of ours ({', '.join(sorted(filter(None, UNITS)))})"
    if bits != (point.type == "bit"):
        yield ("type",), f"type {point.type} does not fit table {point.table}"
    if point.bit is not None and point.type != "uint16":
        yield ("bit",), "a bit number needs type uint16"
    if point.register_ + point.words > 65536:
        yield ("register",), "the value ends beyond register 65535"
    if point.scale == 0:
        yield ("scale",), "scale must not be 0"
    if point.range is not None and not point.range[0] < point.range[1]:
        yield ("range",), "the first number must be the smaller one"
    if point.is_flag and point.unit:
        yield ("unit",), "a flag has no unit"
    if point.poll is None and point.write is None:
        yield ("poll",), "needs a poll period (or write)"
    if point.quality is not None and point.quality.point not in profile.points:
        yield ("quality", "point"), f"no point {point.quality.point} in this profile"
    if point.write is not None:
        if point.write.function not in _FUNCTIONS.get(point.table, set()):
            yield ("write", "function"), f"function {point.write.function} cannot write table {point.table}"
        if point.write.function != "16" and point.words > 1:
            yield ("write", "function"), "a value of several registers needs function 16"
        if point.bit is not None:
            yield ("write",), "one bit of a register cannot be written alone (use codes)"
        if not point.is_flag and not point.codes and point.range is None:
            yield ("range",), "a writable value needs a range"
        if point.write.after is not None and point.write.refresh >= point.write.after:
            yield ("write", "refresh"), f"must be shorter than after ({point.write.after:g} s)"


def _overlaps(profile: Profile) -> Iterator[tuple[tuple[str, ...], str]]:
    """Two points may share a word only with different bits or codes, or as the whole beside its bits."""
    items = list(profile.points.items())
    for index, (name, point) in enumerate(items):
        for other_name, other in items[:index]:
            apart = (
                point.table != other.table
                or point.register_ >= other.register_ + other.words
                or other.register_ >= point.register_ + point.words
            )
            same_word = point.register_ == other.register_ and point.type == other.type
            if not apart and not (same_word and (point.bit, point.codes) != (other.bit, other.codes)):
                yield ("points", name, "register"), f"overlaps {other_name}"
