"""What can go wrong at the door, as sentences for the person who stood before it."""

from __future__ import annotations

import math

from asyncua import ua
from asyncua.ua.status_codes import StatusCodes as Codes

from controller.points import PointInfo
from controller.quantities import QUANTITIES


class DoorError(Exception):
    """What went wrong at the door, as an English sentence; `code` and `values` for other languages.

    Codes: not_reachable, no_token, wrong_login, no_guests, not_allowed, not_writable, out_of_range,
    no_such_point, no_such_alarm, nothing_to_do, refused, busy, no_answer.
    """

    def __init__(self, code: str, sentence: str, **values: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.values = tuple((name, value, "") for name, value in values.items())


def plain(problem: BaseException) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return "the connection broke"


_SENTENCES: dict[int, tuple[str, str]] = {
    Codes.BadUserAccessDenied: ("not_allowed", "Only an operator may do this to {subject}; log in as one."),
    Codes.BadNotWritable: ("not_writable", "{subject} cannot be changed."),
    Codes.BadTypeMismatch: ("not_writable", "{subject} takes no such value."),
    Codes.BadOutOfRange: ("out_of_range", "{value} is not accepted for {subject}{range}."),
    Codes.BadNotFound: ("no_such_alarm", "There is no alarm {subject}."),
    Codes.BadNothingToDo: ("nothing_to_do", "There is nothing to do for {subject}."),
    Codes.BadTimeout: ("no_answer", "The station did not answer in time; look before you try again."),
    Codes.BadTooManySessions: ("busy", "The door serves as many clients as it can; try again later."),
    Codes.BadMaxConnectionsReached: ("busy", "The door serves as many clients as it can; try again later."),
}
_COMING_IN: dict[int, tuple[str, str]] = {
    Codes.BadUserAccessDenied: (
        "wrong_login",
        "The door does not know this user and password, or there were too many attempts: wait a little.",
    ),
    Codes.BadIdentityTokenRejected: ("no_guests", "The door lets nobody in from here without a password."),
    Codes.BadSecurityModeInsufficient: ("wrong_login", "The door takes passwords only over encryption."),
}


def refused(status: int, subject: str, coming_in: bool, info: PointInfo | None, value: float) -> DoorError:
    known = (_COMING_IN.get(status) if coming_in else None) or _SENTENCES.get(status)
    if known is None:
        name = ua.StatusCode(ua.UInt32(status)).name
        sentence = f"The station refuses this for {subject or 'now'} ({name})."
        return DoorError("refused", sentence, subject=subject, why=name)
    code, sentence = known
    shown, allowed = "The value", ""
    if info is not None:
        quantity = QUANTITIES[info.quantity]
        shown = quantity.show(value)
        if math.isfinite(info.low) and math.isfinite(info.high):
            allowed = f" ({quantity.show(info.low)} … {quantity.show(info.high)})"
    sentence = sentence.format(subject=subject, value=shown, range=allowed)
    return DoorError(code, sentence, subject=subject, value=shown, allowed=allowed)
