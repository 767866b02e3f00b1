"""The walk over YAML: plain data with text scalars, positions, slips; the same with and without libyaml."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drivers.nodes import DEEPEST, Nodes, read_bytes, read_text


def slips(nodes: Nodes) -> list[tuple[int, int, str]]:
    return [(slip.line, slip.column, slip.code) for slip in nodes.slips]


def test_data_and_positions() -> None:
    nodes = read_text("甲: {b: 010, 'c': no}\nd:\n  - 1_0\n  - e: '12:30'\n")
    assert nodes.slips == []
    assert nodes.data == {"甲": {"b": "010", "c": "no"}, "d": ["1_0", {"e": "12:30"}]}
    assert nodes.keys[("甲", "b")] == (1, 5)
    assert nodes.values[("甲", "b")] == (1, 8)
    assert nodes.values[("d", 1, "e")] == (4, 8)
    assert nodes.values[()] == (1, 1)


def test_quotes_make_an_empty_text_a_value() -> None:
    assert read_text("a: ''\n").data == {"a": ""}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [(1, 1, "empty_file")]),
        ("- a", [(1, 1, "not_a_map")]),
        ("a: 1\na: 2\na: {b: 3}", [(2, 1, "doubled"), (3, 1, "doubled")]),
        ("a: &x {b: *x}", [(1, 4, "anchor"), (1, 11, "anchor")]),
        ("&x a: 1", [(1, 1, "anchor")]),
        ("*x : 1\nb: 1", [(1, 1, "anchor")]),
        ("<<: {a: 1}\nb: !t 1\n!t c: 1", [(1, 1, "anchor"), (2, 4, "tag"), (3, 1, "tag")]),
        ("? [a]\n: b\nc:", [(1, 3, "key_is_no_text"), (3, 1, "empty_value")]),
        ("a: [1, ~, '']\nb:\n  -\n", [(3, 4, "empty_entry")]),
        ("a: 1\n...\n---\nb: 1", [(3, 1, "second_document")]),
        ("a:\n\tb: 1\nc:\n\td: 1", [(2, 1, "tab_indent"), (4, 1, "tab_indent")]),
        ("a: {b: 1\nc: 2", [(1, 4, "bracket_open")]),
        ("a: [", [(1, 4, "bracket_open")]),
        ("a: {b: 1 c: 2}", [(1, 11, "no_comma")]),
        ("a: 'x\nb: 1", [(1, 4, "quote_open")]),
        ('a: "x\nb: 1', [(1, 4, "quote_open")]),
        ('a: "\\q"', [(1, 5, "bad_escape")]),
        ("a: `x`", [(1, 4, "needs_quotes")]),
        ("a: 1\nb", [(2, 1, "no_colon")]),
        ("a: 1\n  b: 2", [(2, 4, "syntax")]),
    ],
)
@pytest.mark.parametrize("fast", [True, False], ids=["libyaml", "python"])
def test_slips(
    monkeypatch: pytest.MonkeyPatch, text: str, found: list[tuple[int, int, str]], fast: bool
) -> None:
    if not fast:
        monkeypatch.delattr(yaml, "CSafeLoader")
    assert slips(read_text(text)) == found


def test_what_was_found_before_a_syntax_error_is_kept() -> None:
    assert slips(read_text("a: 1\na: 2\nb: [")) == [(2, 1, "doubled"), (3, 4, "bracket_open")]


def test_depth() -> None:
    fits = "{a: " * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1)
    assert read_text(fits).slips == []
    assert [slip.code for slip in read_text(f"{{a: {fits}}}").slips] == ["too_deep"]


@given(st.binary(max_size=100))
def test_any_bytes(raw: bytes) -> None:
    nodes = read_bytes(raw)
    assert nodes.slips or isinstance(nodes.data, dict)
