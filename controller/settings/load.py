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
from typing import Any, TypeVar

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
    try:
        found = model.model_validate(tree.data)
    except ValidationError as problem:
        tree.findings.extend(_mapped(problem, tree, model))
        return None
    tree.findings.extend(_same_keys(found, tree.data, model, (), tree))
    return found if not tree.findings else None


def _same_keys(value: Any, raw: Any, annotation: Any, place: Location, tree: Tree) -> Iterator[Finding]:
    """Keys that differ as text and mean the same (−10 °C, -10.0 °C): a dict would keep the last in silence."""
    if isinstance(value, BaseModel) and isinstance(raw, dict):
        for name, info in type(value).model_fields.items():
            key = info.alias or name
            if key in raw:
                yield from _same_keys(getattr(value, name), raw[key], info.annotation, (*place, key), tree)
    elif isinstance(value, dict) and isinstance(raw, dict):
        kind, inner = _arguments(annotation)
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


def _mapped(problem: ValidationError, tree: Tree, model: type[BaseModel]) -> Iterator[Finding]:
    for error in problem.errors(include_url=False, include_input=True):
        location, at_key = _place(error["loc"], tree)
        kind = error["type"]
        context = {key: str(value) for key, value in error.get("ctx", {}).items()}
        if kind == "extra_forbidden":
            known = _known_keys(tree, location, model)
            close = difflib.get_close_matches(str(location[-1]), known, 1, 0.6)
            code = "unknown_key_close" if close else "unknown_key"
            yield tree.find(
                location, code, at_key=True, close="".join(close), allowed=", ".join(sorted(known))
            )
        elif kind == "missing":
            yield tree.find(location[:-1], "missing", at_key=True, key=str(location[-1]))
        elif kind in ("literal_error", "union_tag_invalid"):
            expected = context.get("expected") or context.get("expected_tags", "")
            allowed = expected.replace("'", "").replace(" or ", ", ")
            value = context.get("tag") or _shown(error["input"])
            close = difflib.get_close_matches(value, allowed.split(", "), 1, 0.6)
            spot = (*location, "kind") if kind == "union_tag_invalid" else location
            yield tree.find(
                spot,
                "choice_close" if close else "choice",
                value=value,
                allowed=allowed,
                close="".join(close),
            )
        elif kind == "union_tag_not_found":
            yield tree.find(location, "missing", at_key=True, key="kind")
        else:
            values = {"value": _shown(error["input"]), **context}
            finding = tree.find(location, _CODES.get(kind, kind), at_key=at_key)
            yield replace(finding, values=values)


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


def _place(raw: Iterable[str | int], tree: Tree) -> tuple[Location, bool]:
    """pydantic's loc without union tags; True when the key itself is meant."""
    parts = list(raw)
    at_key = bool(parts) and parts[-1] == "[key]"
    if at_key:
        parts = parts[:-1]
    place: Location = ()
    for index, part in enumerate(parts):
        longer = (*place, part)
        last = index == len(parts) - 1
        if longer in tree.values or longer in tree.keys or last:
            place = longer
    return place, at_key


def _known_keys(tree: Tree, location: Location, model: type[BaseModel]) -> list[str]:
    """Keys that the model at the parent of `location` takes."""
    found: Any = model
    data = tree.data
    for part in location[:-1]:
        data = _inside(data, part)
        found = _step(found, part, data)
        if found is None:
            return []
    return _keys_of(found)


def _inside(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) else None


def _keys_of(model: Any) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _step(model: Any, part: str | int, data: Any) -> Any:
    """Model of the value under key `part` of `model`, or of a dict's or list's items."""
    annotation: Any = model
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, info in model.model_fields.items():
            if (info.alias or name) == part:
                annotation = info.annotation
                break
        else:
            return None
    else:
        annotation = _arguments(model)[-1] if _arguments(model) else None
    return _resolve(annotation, data)


def _resolve(annotation: Any, data: Any) -> Any:
    """A model among the alternatives: by its `kind` where there are several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = getattr(annotation, "__origin__", None)
    if origin in (dict, list):
        return annotation
    candidates = [_resolve(argument, data) for argument in _arguments(annotation)]
    models = [candidate for candidate in candidates if candidate is not None]
    kind = data.get("kind") if isinstance(data, dict) else None
    for candidate in models:
        info = getattr(candidate, "model_fields", {}).get("kind")
        if info is not None and kind in _arguments(info.annotation):
            return candidate
    return models[0] if models else None


def _arguments(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", ()) or ()


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    return str(value)
