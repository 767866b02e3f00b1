"""The text catalogue: every sentence that a person reads, by key, in English and Chinese.

Code carries codes and values; the sentence is the reader's. Both languages have the same keys and
the same placeholders (tested).
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import yaml

from controller.quantities import QUANTITIES

LANGUAGES = ("en", "zh")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All texts of a language by key. Raises FileNotFoundError for one that is not there."""
    path = Path(__file__).with_name(f"{language}.yaml")
    loaded: dict[str, dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {f"{group}.{key}": text for group, texts in loaded.items() for key, text in texts.items()}


def placeholders(text: str) -> set[str]:
    """Names that a text wants filled."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def fill(key: str, language: str, values: Mapping[str, str]) -> str:
    """The text of `group.key` with its placeholders filled; the bare key when there is no such text."""
    found = catalogue(language).get(key)
    if found is None:
        return key
    return found.format_map({name: values.get(name, "?") for name in placeholders(found)})


def text(code: str, language: str, values: Iterable[tuple[str, float | str, str]] = ()) -> str:
    """The sentence of a reason, alarm part or answer, its numbers with their units."""
    shown = {
        name: value if isinstance(value, str) else QUANTITIES[quantity].show(value)
        for name, value, quantity in values
    }
    for group in ("reason", "alarm", "answer"):
        if f"{group}.{code}" in catalogue(language):
            return fill(f"{group}.{code}", language, shown)
    return code
