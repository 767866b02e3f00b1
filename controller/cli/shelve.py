"""`station shelve`, `station unshelve`: keep an alarm quiet for a time, with a reason. A client of the door.

An urgent alarm is never shelved, a high one for a day, a warning for a week at the longest
(`alarms.LONGEST_SHELF_S`); the station judges it again, and its audit trail names who did it and why.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from controller.alarms import LONGEST_SHELF_S
from controller.cli.trip_story import said
from controller.cli.why import quiet, sentence
from controller.door import DoorClient, DoorError
from controller.points import AlarmView
from controller.quantities import QUANTITIES, BadQuantity, parse
from controller.texts import duration, fill

DONE, FAILED, BAD_INPUT = 0, 1, 2
SHORTEST_S = 60.0
_PRIORITIES = {"urgent": "shelve.of_urgent", "high": "shelve.of_high", "warning": "shelve.of_warning"}


class CannotShelve(Exception):
    """Said instead of asking the station: `code` of a text, its values, the exit code."""

    def __init__(self, code: str, exit_code: int = BAD_INPUT, **values: str) -> None:
        super().__init__(code)
        self.code, self.values, self.exit_code = code, values, exit_code


class Shelf:
    """One call of a command. `directory`: where the service laid its token, which makes an operator."""

    def __init__(
        self,
        endpoint: str,
        directory: Path,
        language: str,
        console: Console | None = None,
        errors: Console | None = None,
    ) -> None:
        self.endpoint, self.directory, self.language = endpoint, directory, language
        self.console = console or Console()
        self.errors = errors or Console(stderr=True)

    async def put(self, alarm: str, lasts: str, reason: str) -> int:
        """Shelve an alarm (code@subject, or the code where only one has it) for a time like `2h`.

        Exit code: 0 done, 1 refused or the door does not answer, 2 bad input.
        """

        async def work(door: DoorClient) -> None:
            lasts_s = self._time(lasts)
            if not reason.strip():
                raise CannotShelve("shelve.no_reason")
            view = _chosen(alarm, await door.alarms())
            longest = LONGEST_SHELF_S.get(view.priority, 0.0)
            if longest == 0:
                raise CannotShelve("shelve.urgent", alarm=_name(view))
            if lasts_s > longest:
                raise CannotShelve("shelve.too_long", time=duration(lasts_s), longest=duration(longest))
            await door.shelve(view.code, view.subject, lasts_s / 60, reason.strip())
            self._say("shelve.done", alarm=_name(view), until=_when(await door.time() + lasts_s))

        return await self._ask(work)

    async def take_off(self, alarm: str) -> int:
        """Announce it again. Exit codes as above."""

        async def work(door: DoorClient) -> None:
            view = _chosen(alarm, await door.alarms())
            if view.shelved_until is None:
                raise CannotShelve("shelve.not_shelved", FAILED, alarm=_name(view))
            await door.unshelve(view.code, view.subject)
            self._say("shelve.off", alarm=_name(view))

        return await self._ask(work)

    async def list(self) -> int:
        """All alarms with what may be done: shelved until when, or for how long at most."""

        async def work(door: DoorClient) -> None:
            views = await door.alarms()
            if not views:
                self._say("shelve.nothing")
                return
            table = Table(box=None)
            # A name is typed into the next command, so it is never cut.
            table.add_column(fill("shelve.alarm", self.language, {}), no_wrap=True)
            for key in ("shelve.priority", "shelve.state", "shelve.what"):
                table.add_column(fill(key, self.language, {}))
            for view in views:
                words = said(view.code, view.subject, view.values, self.language)
                table.add_row(_name(view), self._priority(view), self._state(view), words)
            self.console.print(table, highlight=False)

        return await self._ask(work)

    # ---- what it says

    def _priority(self, view: AlarmView) -> str:
        return fill(_PRIORITIES[view.priority], self.language, {})

    def _state(self, view: AlarmView) -> Text:
        if view.shelved_until is not None:
            values = {"user": view.shelved_by, "until": _when(view.shelved_until)}
            return Text(fill("shelve.shelved", self.language, values), style="dim")
        longest = LONGEST_SHELF_S.get(view.priority, 0.0)
        if longest == 0:
            return Text(fill("shelve.never", self.language, {}))
        return Text(fill("shelve.at_most", self.language, {"longest": duration(longest)}))

    def _say(self, key: str, **values: str) -> None:
        self.console.print(fill(key, self.language, values), highlight=False, markup=False)

    def _time(self, text: str) -> float:
        """Seconds of `2h`, `30 min`."""
        try:
            seconds = parse(text, QUANTITIES["time"])
        except BadQuantity:
            raise CannotShelve("shelve.no_time", value=text) from None
        if seconds < SHORTEST_S:
            raise CannotShelve("shelve.too_short", value=text)
        return seconds

    async def _ask(self, work: Callable[[DoorClient], Awaitable[None]]) -> int:
        quiet()
        try:
            async with DoorClient(self.endpoint, self.directory) as door:
                await work(door)
        except CannotShelve as problem:
            why, code = fill(problem.code, self.language, problem.values), problem.exit_code
        except DoorError as problem:
            why, code = sentence(problem, self.language), FAILED
        else:
            return DONE
        self.errors.print(why, style="red", highlight=False, markup=False)
        return code


def _chosen(wanted: str, views: Sequence[AlarmView]) -> AlarmView:
    """The alarm of that name, or the only one with that code. Raises CannotShelve."""
    found = [view for view in views if wanted in (_name(view), view.code)]
    if len(found) == 1:
        return found[0]
    names = [_name(view) for view in found or views]
    if found:
        raise CannotShelve("shelve.several", alarm=wanted, known=", ".join(names))
    near = difflib.get_close_matches(wanted, names, 3, 0.4) or names
    raise CannotShelve("shelve.no_such", alarm=wanted, known=", ".join(near) or "–")


def _name(view: AlarmView) -> str:
    return f"{view.code}@{view.subject}"


def _when(wall: float) -> str:
    """Day and time of this machine."""
    return f"{datetime.fromtimestamp(wall, UTC).astimezone():%Y-%m-%d %H:%M}"
