"""The library of device profiles: finding, reading and checking them.

A profile comes through the walk of `drivers.nodes`, as a station file does: every scalar is the text
that was typed until a model gives it a type, and a register defined twice is refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from drivers.nodes import Location, Nodes, read_bytes
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
    nodes = _read(file)
    try:
        profile = Profile.model_validate(nodes.data)
    except ValidationError as error:
        problems = [
            _problem(nodes, item["loc"], str(item["msg"]).removeprefix("Value error, "))
            for item in error.errors()
        ]
        raise ProfileError(file, problems) from None
    found = [_problem(nodes, key, text) for key, text in check(profile)]
    if found:
        raise ProfileError(file, found)
    return profile


# ---- reading

_SLIPS = {
    "empty_file": "the file is empty",
    "not_a_map": "keys with values are expected here",
    "not_utf8": "not UTF-8 (save it as UTF-8)",
    "doubled": "defined twice (first at line {first})",
    "anchor": "anchors, aliases and merge keys are not allowed here (write it out)",
    "tag": "tag {value} is not allowed here",
    "too_deep": "nested too deep",
    "empty_value": "{value} has no value",
    "empty_entry": "an entry without a value",
    "no_space": "a space is missing after the colon in {value}",
    "full_width": "full-width {value} (write {right})",
    "odd_space": "a space that is none for YAML: {value}",
    "odd_character": "a character that may not stand here: {value}",
    "tab_indent": "a tab indents this line (use spaces)",
}
"""Words for the slips of `nodes`; profiles are written by people who read English."""


def _read(file: Path) -> Nodes:
    """Plain data with text scalars, and the position of every key. Raises ProfileError."""
    nodes = read_bytes(file.read_bytes())
    if nodes.slips:
        problems = [
            Problem(
                slip.line,
                slip.column,
                _name(slip.location),
                _SLIPS.get(slip.code, f"not YAML ({slip.code.replace('_', ' ')})").format_map(slip.values),
            )
            for slip in nodes.slips
        ]
        raise ProfileError(file, problems)
    return nodes


def _name(location: Location) -> str:
    return ".".join(map(str, location)) or "yaml"


def _problem(nodes: Nodes, location: Location, text: str) -> Problem:
    """Place `text` at the key of `location`, or at the nearest parent that stands in the file."""
    near = location
    while near and near not in nodes.keys and near not in nodes.values:
        near = near[:-1]
    line, column = nodes.keys.get(near) or nodes.values.get(near, (1, 1))
    return Problem(line, column, ".".join(map(str, location)) or "file", text)


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
