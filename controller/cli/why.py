"""`station why POINT`: why a point has its value, as a tree. Asks the door, as anybody may."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from controller.door import DoorClient, DoorError, Value
from controller.points import PointInfo, Quality, Term
from controller.quantities import QUANTITIES
from controller.texts import choice, text

DEEPEST = 30
QUALITY = "quality_{}"
ALARM = "{}_seen"
"""How the catalogue names the texts of a value's reason and of what an alarm has seen."""

Values = tuple[tuple[str, float | str, str], ...]


async def why(
    endpoint: str, directory: Path | None, point: str, language: str, console: Console | None = None
) -> int:
    """Print value and reasons of `point`. Exit code: 0 done, 1 the door does not answer, 2 no such point."""
    console = console or Console()
    quiet()
    try:
        async with await come_in(endpoint, directory) as door:
            value = (await door.read([point]))[point]
            info = next(info for info in await door.catalogue() if info.name == point)
            term = await door.explain(point)
    except DoorError as problem:
        Console(stderr=True).print(sentence(problem, language), style="red", highlight=False)
        return 2 if problem.code == "no_such_point" else 1
    console.print(tree(info, value, term, language), highlight=False)
    return 0


def tree(info: PointInfo, value: Value, term: Term, language: str) -> Tree:
    """The explanation below the value it explains."""
    head = Text(f"{info.name}  ", style="bold")
    head.append_text(shown(info, value, language))
    root = Tree(head)
    _grow(root, term, language, DEEPEST)
    return root


def _grow(branch: Tree, term: Term, language: str, deepest: int) -> None:
    grown = branch.add(Text(told(term.code, language, term.values)))
    if deepest > 0:
        for child in term.children:
            _grow(grown, child, language, deepest - 1)


NONE_IS_DUE = frozenset({"not_known_yet", "no_wish", "no_forecast", "not_followed"})
"""Reasons of points that have no value now, with nothing wrong."""


def shown(info: PointInfo, value: Value, language: str) -> Text:
    """A value with its unit and what is to be thought of it: ≈ uncertain, ✗ bad with the reason, – with the
    reason where none is due."""
    if value.grade is Quality.BAD and value.reason in NONE_IS_DUE:
        return Text(f"– {told(value.reason, language, form=QUALITY)}", style="dim")
    if value.grade is Quality.BAD:
        return Text(f"✗ {told(value.reason, language, form=QUALITY)}", style="red")
    if info.quantity == "flag":
        plain = _ON_OFF[language][value.value >= 0.5]
    elif info.choices and 0 <= int(value.value) < len(info.choices):
        plain = choice(info.choices[int(value.value)], language)
    else:
        plain = QUANTITIES[info.quantity].show(value.value)
    if value.grade is Quality.UNCERTAIN:
        return Text(f"≈{plain}", style="yellow")
    return Text(plain)


_ON_OFF = {"en": ("off", "on"), "zh": ("停", "开")}


def told(code: str, language: str, values: Values = (), form: str = "{}") -> str:
    """Text of `code` in the catalogue's `form`, or the plain one; words and values where it has neither."""
    for key in (form.format(code), code):
        found = text(key, language, values)
        if found != key:
            return found
    shown = [v if isinstance(v, str) else QUANTITIES[quantity].show(v) for _, v, quantity in values]
    words = code.replace("_", " ")
    return f"{words} ({', '.join(shown)})" if shown else words


async def come_in(endpoint: str, directory: Path | None) -> DoorClient:
    """A connected client that reads: as a guest, or with the board's token where guests stay outside."""
    client = DoorClient(endpoint)
    try:
        await client.connect()
    except DoorError as problem:
        if problem.code != "no_guests" or directory is None:
            raise
        client = DoorClient(endpoint, directory)
        await client.connect()
    return client


def sentence(problem: DoorError, language: str) -> str:
    """What went wrong, in the language where the catalogue has it."""
    found = text(problem.code, language, problem.values)
    return str(problem) if found == problem.code else found


def quiet() -> None:
    """Keep asyncua's own log lines out of the picture; what matters comes as a DoorError."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
