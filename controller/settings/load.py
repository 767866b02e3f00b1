"""From the text of a YAML file to models, with the position of every key and value.

One walk over PyYAML's nodes gives plain data in which every scalar stays text, the marks of all
keys and values, and the mistakes of the text itself (doubled keys, tabs, anchors, full-width
punctuation). Only a text without mistakes is validated, so that one slip is not reported ten times.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Location = tuple[str | int, ...]
_DEEPEST = 20
_FULL_WIDTH = {"：": ":", "，": ",", "｛": "{", "｝": "}", "［": "[", "］": "]", "＃": "#", "　": " "}
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
    keys: dict[Location, tuple[int, int]] = field(default_factory=dict)
    values: dict[Location, tuple[int, int]] = field(default_factory=dict)
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
    tree = Tree()
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as problem:
        tree.findings.append(_syntax(problem, text))
        return tree
    except yaml.reader.ReaderError as problem:
        before = text[: problem.position]
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        tree.findings.append(
            Finding(line, column, "", "odd_character", {"value": f"U+{problem.character:04X}"})
        )
        return tree
    except RecursionError:
        tree.findings.append(Finding(1, 1, "", "too_deep"))
        return tree
    if node is None:
        tree.findings.append(Finding(1, 1, "", "empty_file"))
        return tree
    if not isinstance(node, yaml.MappingNode):
        tree.findings.append(Finding(*_mark(node.start_mark), "", "not_a_map"))
        return tree
    tree.data = _walk(node, (), tree, text.splitlines(), set())
    return tree


def _mark(mark: yaml.Mark) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1


def _syntax(problem: yaml.MarkedYAMLError, text: str) -> Finding:
    mark = problem.problem_mark or problem.context_mark
    line, column = _mark(mark) if mark else (1, 1)
    rows = text.splitlines()
    for number in range(min(line, len(rows)), max(line - 3, 0), -1):
        row = rows[number - 1]
        if "\t" in row[: len(row) - len(row.lstrip())]:
            return Finding(number, row.index("\t") + 1, "", "tab_indent")
        for odd, right in _FULL_WIDTH.items():
            code_part = row.split("#", 1)[0]
            if odd in code_part:
                return Finding(
                    number, code_part.index(odd) + 1, "", "full_width", {"value": odd, "right": right}
                )
    said = (problem.problem or "").lower()
    code = "syntax"
    if "alias" in said or "anchor" in said:
        code = "anchor"
    elif "document" in said:
        code = "second_document"
    return Finding(
        line, column, "", code, {"value": rows[line - 1].strip()[:60] if line <= len(rows) else ""}
    )


def _walk(node: yaml.Node, path: Location, tree: Tree, rows: list[str], open_nodes: set[int]) -> Any:
    tree.values[path] = _mark(node.start_mark)
    name = ".".join(map(str, path))
    here = _mark(node.start_mark)
    if id(node) in open_nodes or len(path) > _DEEPEST:
        tree.findings.append(Finding(*here, name, "too_deep"))
        return None
    if (
        node.start_mark.index < len(node.start_mark.buffer or "")
        and (node.start_mark.buffer or "")[node.start_mark.index] in "&*"
    ):
        tree.findings.append(Finding(*here, name, "anchor"))
        return None
    if node.tag.startswith("!") or (
        node.tag.startswith("tag:") and not node.tag.startswith("tag:yaml.org,2002:")
    ):
        tree.findings.append(Finding(*here, name, "tag", {"value": node.tag}))
        return None
    inside = open_nodes | {id(node)}
    if isinstance(node, yaml.ScalarNode):
        if node.value == "" and node.style is None:
            tree.findings.append(_empty(node, path, tree, rows))
            return None
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_walk(item, (*path, index), tree, rows, inside) for index, item in enumerate(node.value)]
    data: dict[str, Any] = {}
    assert isinstance(node, yaml.MappingNode)
    for key_node, value_node in node.value:
        here = _mark(key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode):
            tree.findings.append(Finding(*here, name, "key_is_no_text"))
            continue
        key = key_node.value
        full = (*path, key)
        if key == "<<":
            tree.findings.append(Finding(*here, name, "anchor"))
            continue
        if full in tree.keys:
            first = str(tree.keys[full][0])
            tree.findings.append(Finding(*here, ".".join(map(str, full)), "doubled", {"first": first}))
            continue
        tree.keys[full] = here
        data[key] = _walk(value_node, full, tree, rows, inside)
    return data


def _empty(node: yaml.ScalarNode, path: Location, tree: Tree, rows: list[str]) -> Finding:
    """A key without a value: usually a missing space after the colon, or a forgotten value."""
    line, column = tree.keys.get(path, _mark(node.start_mark))
    key = str(path[-1]) if path else ""
    name = ".".join(map(str, path))
    for odd, right in _FULL_WIDTH.items():
        if odd in key:
            return Finding(line, column + key.index(odd), name, "full_width", {"value": odd, "right": right})
    if re.search(r":\S", key):
        return Finding(line, column + key.index(":"), name, "no_space", {"value": key})
    return Finding(line, column, name, "empty_value", {"value": key})


def validate(tree: Tree, model: type[M]) -> M | None:
    """The model of a sound tree; findings otherwise (appended to the tree)."""
    if tree.findings:
        return None
    try:
        return model.model_validate(tree.data)
    except ValidationError as problem:
        tree.findings.extend(_mapped(problem, tree, model))
        return None


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
            value = context.get("tag") or str(error["input"])
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


def load_tree(path: Path) -> Tree:
    """Read a file; one that cannot be read or is no UTF-8 is a finding too."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return Tree(findings=[Finding(1, 1, "", "not_utf8")])
    except OSError as problem:
        return Tree(findings=[Finding(1, 1, "", "cannot_read", {"why": problem.strerror or str(problem)})])
    return read_tree(text)
