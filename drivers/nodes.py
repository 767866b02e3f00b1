"""One walk over YAML: text → plain data, where everything stands, and what is wrong with the text itself.

Every scalar stays text (YAML guesses `no`, `010` and `12:30`). Pure: no file, no sentence; a slip is a
code with its values, and the reader of the walk has the words. Station files and device profiles both
come through here.

The walk is over the parser's events, not over composed nodes: so nothing recurses further than
`DEEPEST`, anchors are seen where they stand, and what was found before a syntax error is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Location = tuple[str | int, ...]
Mark = tuple[int, int]
"""(line, column), counted from 1 in characters."""

DEEPEST = 20
_MOST = 20
"""More slips of one sort (a binary file, a file indented by tabs) tell nothing new."""

FULL_WIDTH = {
    "：": ":", "，": ",", "｛": "{", "｝": "}", "［": "[", "］": "]", "＃": "#",
    "“": '"', "”": '"', "‘": "'", "’": "'", "、": ",", "【": "[", "】": "]",
}  # fmt: skip
"""What an input method in Chinese mode types instead of YAML's own signs."""

_ODD_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u3000]")
_ODD_INDENT = re.compile("^[ \t]*" + _ODD_SPACES.pattern, re.MULTILINE)
# Control characters, other line breaks (they would shift every line number), invisible signs that come
# along when text is pasted from a chat, and lone surrogates.
_ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffe\uffff\ud800-\udfff]"
)
_NO_SPACE = re.compile(r"\s*(?:- )?[\w.]+(:)(?=[^\s/:])")


@dataclass(frozen=True, slots=True)
class Slip:
    """A mistake of the text: `code` with the `values` that its sentence needs."""

    line: int
    column: int
    location: Location
    code: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Nodes:
    """The data (None where there is none) and the marks of all keys and values."""

    data: Any = None
    keys: dict[Location, Mark] = field(default_factory=dict)
    values: dict[Location, Mark] = field(default_factory=dict)
    slips: list[Slip] = field(default_factory=list)


def read_bytes(raw: bytes) -> Nodes:
    """Walk a file's content. A mark of byte order at its start is let through."""
    try:
        return read_text(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        # `utf-8-sig` counts from behind the mark of byte order.
        content = raw[3:] if raw.startswith(b"\xef\xbb\xbf") else raw
        before = content[: problem.start].decode("utf-8", errors="replace")
        return Nodes(slips=[Slip(*_end(before), (), "not_utf8")])


def read_text(text: str) -> Nodes:
    """Walk a text. All of its mistakes are in `slips`; it never raises."""
    nodes = Nodes()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for code, pattern in (("odd_character", _ODD), ("odd_space", _ODD_INDENT)):
        for found in list(pattern.finditer(text))[:_MOST]:
            values = {"value": f"U+{ord(found.group()[-1]):04X}"}
            nodes.slips.append(Slip(*_end(text[: found.end() - 1]), (), code, values))
    if nodes.slips:
        return nodes
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    walk = _Walk(text, nodes)
    try:
        walk.stream(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as problem:
        nodes.slips.extend(_syntax(problem, walk.rows, walk.brackets))
    except yaml.YAMLError:
        nodes.slips.append(Slip(1, 1, (), "syntax", {"value": ""}))
    except _TooDeep:
        pass  # its slip is there; what lies below is not worth reading
    return nodes


def _end(before: str) -> Mark:
    """Where the text goes on after `before`."""
    before = before.replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _TooDeep(Exception):
    pass


class _Walk:
    """Recursive descent over the events of one document."""

    def __init__(self, text: str, nodes: Nodes) -> None:
        self.rows = text.split("\n")
        self.nodes = nodes
        self.brackets: list[Mark] = []
        """Where the brackets stand that are open now."""
        self._events: Iterator[Any] = iter(())

    def stream(self, events: Iterator[Any]) -> None:
        """The one document of the file."""
        self._events = events
        next(events)  # the stream begins
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            self.nodes.slips.append(Slip(1, 1, (), "empty_file"))
            return
        event = next(events)
        if isinstance(event, yaml.ScalarEvent) and not (event.value or event.style or event.tag):
            self.nodes.slips.append(Slip(1, 1, (), "empty_file"))
        elif isinstance(event, yaml.ScalarEvent) and (found := _odd_sign(self.rows, _mark(event)[0] - 1)):
            self.nodes.slips.append(found)
            return
        elif isinstance(event, yaml.ScalarEvent | yaml.SequenceStartEvent):
            self._slip(event, (), "not_a_map")
            return
        else:
            self.nodes.data = self._value(event, ())
        next(events)  # the document ends
        event = next(events)
        if isinstance(event, yaml.DocumentStartEvent):
            self._slip(event, (), "second_document")

    def _slip(self, event: Any, location: Location, code: str, **values: str) -> None:
        self.nodes.slips.append(Slip(*_mark(event), location, code, values))

    def _value(self, event: Any, location: Location) -> Any:
        self.nodes.values[location] = _mark(event)
        if isinstance(event, yaml.AliasEvent):
            self._slip(event, location, "anchor")
            return None
        if event.anchor is not None:
            self._slip(event, location, "anchor")
        if event.tag is not None:
            self._slip(event, location, "tag", value=event.tag.replace("tag:yaml.org,2002:", "!!"))
        if isinstance(event, yaml.ScalarEvent):
            if not (event.value or event.style or event.tag):
                self._empty(event, location)
            return event.value
        if len(location) > DEEPEST:
            self._slip(event, location, "too_deep")
            raise _TooDeep
        if event.flow_style:
            self.brackets.append(_mark(event))
        inside = self._list(location) if isinstance(event, yaml.SequenceStartEvent) else self._map(location)
        if event.flow_style:
            self.brackets.pop()
        return inside

    def _list(self, location: Location) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*location, len(items))))
        return items

    def _map(self, location: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            self._entry(event, location, data)
        return data

    def _entry(self, event: Any, location: Location, data: dict[str, Any]) -> None:
        """One key with its value."""
        keys = self.nodes.keys
        if not isinstance(event, yaml.ScalarEvent):
            self._slip(event, location, "anchor" if isinstance(event, yaml.AliasEvent) else "key_is_no_text")
            self._skip(event)
            self._skip(next(self._events))
            return
        key = event.value
        full = (*location, key)
        if key == "<<" or event.anchor is not None:
            self._slip(event, location, "anchor")
            self._skip(next(self._events))
        elif event.tag is not None:
            self._slip(event, location, "tag", value=event.tag.replace("tag:yaml.org,2002:", "!!"))
            self._skip(next(self._events))
        elif space := _ODD_SPACES.match(key):
            self._slip(event, location, "odd_space", value=f"U+{ord(space.group()):04X}")
            self._skip(next(self._events))
        elif full in keys:
            self._slip(event, full, "doubled", first=str(keys[full][0]))
            self._skip(next(self._events))
        else:
            keys[full] = _mark(event)
            data[key] = self._value(next(self._events), full)

    def _skip(self, event: Any) -> None:
        """Leave out a value, however large."""
        depth = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return
            event = next(self._events)

    def _empty(self, event: Any, location: Location) -> None:
        """A key without a value: usually a missing space after the colon, or a forgotten value."""
        key = location[-1]
        if isinstance(key, int):
            self._slip(event, location, "empty_entry")
            return
        line, column = self.nodes.keys[location]
        row = self.rows[line - 1]
        plain = row[column - 1 : column - 1 + len(key)] == key  # not quoted, not over several lines
        for odd, right in FULL_WIDTH.items() if plain else ():
            if odd in key:
                spot = column + key.index(odd)
                values = {"value": odd, "right": right}
                self.nodes.slips.append(Slip(line, spot, location, "full_width", values))
                return
        found = re.search(r":(?=\S)", key) if plain else None
        if found is not None:
            spot = column + found.start()
            self.nodes.slips.append(Slip(line, spot, location, "no_space", {"value": key}))
            return
        self.nodes.slips.append(Slip(line, column, location, "empty_value", {"value": key}))


def _mark(event: Any) -> Mark:
    return event.start_mark.line + 1, event.start_mark.column + 1


# ---- what the parser cannot read


def _syntax(problem: yaml.MarkedYAMLError, rows: list[str], brackets: list[Mark]) -> Iterator[Slip]:
    """The likely reason of a syntax error: tabs anywhere, odd signs near it, else what the parser says."""
    tabs = [
        Slip(number, row.index("\t") + 1, (), "tab_indent")
        for number, row in enumerate(rows, 1)
        if "\t" in row[: len(row) - len(row.lstrip(" \t"))] and row.strip()
    ]
    if tabs:
        yield from tabs[:_MOST]
        return
    mark = problem.problem_mark or problem.context_mark
    here = (mark.line, mark.column) if mark is not None else (0, 0)
    if here[0] >= len(rows):  # the parser noticed behind the last line
        here = len(rows) - 1, len(rows[-1])
    for line in range(min(here[0], len(rows) - 1), max(here[0] - 3, -1), -1):
        odd = _odd_sign(rows, line)
        if odd is not None:
            yield odd
            return
    yield _said(problem, here, rows, brackets)


def _odd_sign(rows: list[str], line: int) -> Slip | None:
    """A full-width sign, an odd space or a missing space in a row, outside of its comment."""
    row = rows[line].split(" #", 1)[0]
    at = [(row.index(odd), odd) for odd in FULL_WIDTH if odd in row]
    if at:
        column, odd = min(at)
        return Slip(line + 1, column + 1, (), "full_width", {"value": odd, "right": FULL_WIDTH[odd]})
    space = _ODD_SPACES.search(row)
    if space is not None:
        values = {"value": f"U+{ord(space.group()):04X}"}
        return Slip(line + 1, space.start() + 1, (), "odd_space", values)
    tight = _NO_SPACE.match(row)
    if tight is not None and ": " not in row and not row.rstrip().endswith(":"):
        return Slip(line + 1, tight.start(1) + 1, (), "no_space", {"value": row.strip()})
    return None


def _said(problem: yaml.MarkedYAMLError, here: Mark, rows: list[str], brackets: list[Mark]) -> Slip:
    said, context = (problem.problem or "").lower(), (problem.context or "").lower()
    line, column = here[0] + 1, here[1] + 1
    row = rows[here[0]]
    opened = problem.context_mark
    if "simple key" in context and opened is not None:
        return Slip(opened.line + 1, opened.column + 1, (), "no_colon", {"value": rows[opened.line].strip()})
    if "nesting" in said:
        return Slip(line, column, (), "too_deep")
    if ("tag" in said or "tag" in context) and opened is not None:
        written = row[opened.column :].split() if opened.line == here[0] else []
        return Slip(opened.line + 1, opened.column + 1, (), "tag", {"value": (written or ["!"])[0]})
    if "alias" in context or "anchor" in context:
        return Slip(line, column, (), "anchor")
    if "quoted scalar" in context and opened is not None:
        if "end of stream" in said or "document" in said:
            return Slip(opened.line + 1, opened.column + 1, (), "quote_open")
        return Slip(line, max(row.rfind("\\", 0, here[1] + 1), 0) + 1, (), "bad_escape")
    if brackets and "cannot start" not in said:
        begin = brackets[-1]
        if begin[0] == line and row[here[1] :].strip():
            return Slip(line, column, (), "no_comma")
        bracket = rows[begin[0] - 1][begin[1] - 1 : begin[1]]
        return Slip(*begin, (), "bracket_open", {"value": bracket})
    if "cannot start any token" in said:
        return Slip(line, column, (), "needs_quotes", {"value": row[here[1] : here[1] + 1]})
    return Slip(line, column, (), "syntax", {"value": row.strip()})
