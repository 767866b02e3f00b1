"""The command that shelves an alarm: may it, for how long (see `alarms.LONGEST_SHELF_S`), and doing it."""

from __future__ import annotations

from controller.alarms import AlarmBook
from controller.commands import Answer, Command, CommandKind


def check_shelf(alarms: AlarmBook, command: Command) -> Answer:
    """Meaning and range of `shelve` and `unshelve`; the subject is code@subject of an alarm."""
    subject = (("subject", command.subject, "text"),)
    code, _, about = command.subject.partition("@")
    if command.kind is CommandKind.UNSHELVE:
        return Answer(True, "taken", subject)
    longest = alarms.longest_shelf(code, about)
    if longest is None:
        return Answer(False, "no_such_alarm", subject)
    if longest == 0:
        return Answer(False, "urgent_not_shelved", subject)
    if not 0 < command.lasts_s <= longest:
        return Answer(False, "shelf_too_long", (("longest", longest / 3600, "number"),))
    return Answer(True, "taken", subject)


def apply_shelf(alarms: AlarmBook, command: Command) -> None:
    """Carry out a checked command."""
    code, _, about = command.subject.partition("@")
    if command.kind is CommandKind.SHELVE:
        alarms.shelve(code, about, command.user, command.lasts_s, command.reason)
    else:
        alarms.unshelve(code, about)
