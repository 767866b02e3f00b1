"""From the text of a YAML file to models, with the position of every key and value.

`drivers.nodes` walks the text; here its slips become findings, the data becomes models, and pydantic's
errors become findings with a code of the text catalogue. Only a text without slips is validated, so
that one slip is not reported ten times.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from drivers.nodes import Location, Mark, Nodes, Slip, read_bytes, read_text

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a place: `code` is a text of the catalogue, `values` its placeholders."""

    line: int
    column: int
    path: str
    code: str
    values: dict[str, str] = field(default_factory=dict)
    warning: bool = False

    @property
    def order(self) -> tuple[int, int, str]:
        """Sorted by position."""
        return self.line, self.column, self.path


@dataclass(slots=True)
class Tree:
    """Plain data of a file (all scalars text) and where each key and value stands, from 1."""

    data: Any = None
    keys: dict[Location, Mark] = field(default_factory=dict)
    values: dict[Location, Mark] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def find(
        self, location: Location, code: str, *, at_key: bool = False, warning: bool = False, **values: str
    ) -> Finding:
        """A finding at a value or key; at the nearest parent that stands in the text otherwise."""
        place = location
        while place and place not in (self.keys if at_key else self.values):
            place = place[:-1]
        marks = self.keys if at_key and place in self.keys else self.values
        line, column = marks.get(place, self.keys.get(place, (1, 1)))
        return Finding(line, column, ".".join(map(str, location)), code, values, warning)


def read_tree(text: str) -> Tree:
    """Walk the text once. All mistakes of the text are in `findings`."""
    return _tree(read_text(text))


def load_tree(path: Path) -> Tree:
    """Read a file; one that cannot be read or is no UTF-8 is a finding too."""
    try:
        raw = path.read_bytes()
    except OSError as problem:
        return Tree(findings=[Finding(1, 1, "", "cannot_read", {"why": problem.strerror or str(problem)})])
    return _tree(read_bytes(raw))


def _tree(nodes: Nodes) -> Tree:
    return Tree(nodes.data, nodes.keys, nodes.values, [_finding(slip) for slip in nodes.slips])


def _finding(slip: Slip) -> Finding:
    return Finding(slip.line, slip.column, ".".join(map(str, slip.location)), slip.code, slip.values)


def validate(tree: Tree, model: type[M]) -> M | None:
    """The model of a sound tree; findings otherwise (appended to the tree)."""
    if tree.findings:
        return None
    samples = list(_samples(tree.data, (), tree))
    found: M | None = None
    try:
        found = model.model_validate(tree.data)
        tree.findings += [*_same_keys(found, tree.data, model, (), tree), *samples]
    except ValidationError as problem:
        # One finding a place: a sample value is also no number, no choice …
        paths = {sample.path for sample in samples}
        tree.findings += [*samples, *(f for f in _mapped(problem, tree, model) if f.path not in paths)]
    return None if tree.findings else found


SAMPLES = ("CHANGE_ME", "请修改")
"""What a template holds where a person must write something of his own."""


def _samples(data: Any, place: Location, tree: Tree) -> Iterator[Finding]:
    """Sample values that were left in."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _samples(value, (*place, key), tree)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _samples(value, (*place, index), tree)
    elif any(sample in data for sample in SAMPLES):
        yield tree.find(place, "sample_left", value=data)


def _same_keys(value: Any, raw: Any, annotation: Any, place: Location, tree: Tree) -> Iterator[Finding]:
    """Keys that differ as text and mean the same (-10 °C, -10.0 °C): a dict would keep the last one."""
    if isinstance(value, BaseModel) and isinstance(raw, dict):
        for name, info in type(value).model_fields.items():
            key = info.alias or name
            if key in raw:
                yield from _same_keys(getattr(value, name), raw[key], info.annotation, (*place, key), tree)
    elif isinstance(value, dict) and isinstance(raw, dict):
        kind, inner = get_args(annotation)
        read = TypeAdapter(kind).validate_python
        seen: dict[Any, str] = {}
        for text, below in raw.items():
            key = read(text)
            first = seen.setdefault(key, text)
            if first != text:
                spot = (*place, text)
                line = str(tree.keys[(*place, first)][0])
                yield tree.find(spot, "same_key", at_key=True, value=text, other=first, first=line)
            else:
                yield from _same_keys(value[key], below, inner, (*place, text), tree)


def _mapped(problem: ValidationError, tree: Tree, model: type[BaseModel]) -> list[Finding]:
    """A finding for each error. A key that is missing because it is misspelt has one, not two."""
    found = [
        _one(dict(error), tree, model) for error in problem.errors(include_url=False, include_input=True)
    ]
    misspelt = {
        (f.path.rpartition(".")[0], f.values["close"]) for f in found if f.code == "unknown_key_close"
    }
    return [f for f in found if f.code != "missing" or (f.path, f.values["key"]) not in misspelt]


def _one(error: dict[str, Any], tree: Tree, model: type[BaseModel]) -> Finding:
    kind, given = error["type"], error["input"]
    location, at_key, parent = _place(error["loc"], model)
    context = {key: str(value) for key, value in error.get("ctx", {}).items()}
    if kind == "extra_forbidden":
        known = _keys_of(parent)
        close = difflib.get_close_matches(str(location[-1]), known, 1, 0.6)
        code = "unknown_key_close" if close else "unknown_key"
        allowed = ", ".join(sorted(known))
        return tree.find(location, code, at_key=True, close="".join(close), allowed=allowed)
    if kind == "missing":
        return tree.find(location[:-1], "missing", at_key=True, key=str(location[-1]))
    if kind == "union_tag_not_found":
        return tree.find(location, "missing", at_key=True, key="kind")
    if kind in ("literal_error", "union_tag_invalid"):
        if kind == "union_tag_invalid":
            location, given = (*location, "kind"), given.get("kind")
        expected = context.get("expected") or context.get("expected_tags", "")
        allowed = expected.replace("'", "").replace(" or ", ", ")
        value = _shown(given)
        close = difflib.get_close_matches(value, allowed.split(", "), 1, 0.6)
        code = "choice_close" if close else "choice"
        return tree.find(location, code, value=value, allowed=allowed, close="".join(close))
    finding = tree.find(location, _CODES.get(kind, kind), at_key=at_key)
    return replace(finding, values={"value": _shown(given), **context})


_CODES = {
    "model_type": "not_a_map",
    "model_attributes_type": "not_a_map",
    "dict_type": "not_a_map",
    "list_type": "not_a_list",
    "string_type": "not_text",
    "greater_than_equal": "below_minimum",
    "less_than_equal": "above_maximum",
    "too_short": "too_few",
    "too_long": "too_many",
    "string_pattern_mismatch": "wrong_form",
}


def _place(raw: Iterable[str | int], model: type[BaseModel]) -> tuple[Location, bool, Any]:
    """pydantic's loc without union tags; whether the key itself is meant; the type that holds the last
    part. The models are walked along, because a tag may look like a key (`kind: points`, `points:`)."""
    place: Location = ()
    here: Any = model
    parent: Any = model
    parts = list(raw)
    at_key = bool(parts) and parts[-1] == "[key]"
    for part in parts[: -1 if at_key else None]:
        choices = alternatives(here)
        if len(choices) > 1 and all(isinstance(c, type) and issubclass(c, BaseModel) for c in choices):
            here = next((c for c in choices if part in get_args(c.model_fields["kind"].annotation)), None)
            continue
        parent, here = here, _inside(choices[0] if choices else None, part)
        place = (*place, part)
    return place, at_key, parent


def alternatives(annotation: Any) -> list[Any]:
    """The types of a union (None left out), or the type itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return alternatives(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [found for part in get_args(annotation) for found in alternatives(part)]
    return [] if annotation is type(None) else [annotation]


def _inside(annotation: Any, part: str | int) -> Any:
    """Type of what stands at `part` of a model, dict or list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return next((info.annotation for name, info in fields if (info.alias or name) == part), None)
    return get_args(annotation)[-1] if get_args(annotation) else None


def _keys_of(annotation: Any) -> list[str]:
    model = next(iter(alternatives(annotation)), None)
    fields = getattr(model, "model_fields", {})
    return [info.alias or name for name, info in fields.items()]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    return str(value)
