"""Commands: the one way in for whatever a person or machine wants of the running station."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CommandKind(StrEnum):
    """`write` a setting, `override` an output, `release` it; `acknowledge`, `shelve`, `unshelve` an alarm."""

    WRITE = "write"
    OVERRIDE = "override"
    RELEASE = "release"
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"


@dataclass(frozen=True, slots=True)
class Command:
    """What is wanted, by whom and from where. `subject` is a point's or an alarm's name.

    `lasts_s`: an override or a wish ends by itself after so many plant seconds (at most a day, a wish after
    what the file allows). A wish is written, or overridden where its end matters, and released.
    """

    kind: CommandKind
    subject: str
    value: float
    user: str
    source: str
    lasts_s: float = 7200.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command. `code` is a text of the catalogue, `values` its placeholders."""

    accepted: bool
    code: str
    values: tuple[tuple[str, float | str, str], ...] = ()
