"""Who may come in by the door: people with a password, and the tools on the board with a token.

`users.json` holds argon2 hashes and roles and belongs to the service alone (0600). The token is new
at every start of the service and can be read by the group of the tools (0640); whoever knows it is
the operator on the board. Both files are replaced whole, so a reader finds the old or the new one.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import secrets
from enum import StrEnum
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from controller.upstream.files import replace_file

USERS_FILE = "users.json"
TOKEN_FILE = "door.token"
LOCAL = "local"
"""User name that goes with the token."""

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256

_NAME = re.compile(r"[\w.@-]{1,40}")
_FREE_FAILURES = 3
_LONGEST_DELAY_S = 300.0
_REMEMBERED = 256
# OWASP's second choice: 19 MiB and one lane, so that a gateway with 512 MB stands several tries at once.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

log = logging.getLogger(__name__)


class Role(StrEnum):
    """`viewer` reads; `operator` also writes settings, overrides outputs and acknowledges alarms."""

    OPERATOR = "operator"
    VIEWER = "viewer"


class UserError(ValueError):
    """A user that cannot be added or removed. `code` is a text of the catalogue."""

    def __init__(self, code: str, name: str) -> None:
        super().__init__(f"{code}: {name}")
        self.code = code
        self.name = name


class Attempts:
    """Failed attempts per name and address, and until when the next one is not even looked at.

    Real seconds. The address belongs to the key so that a stranger in the network who guesses cannot
    lock out the operator who sits at another desk.
    """

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}

    def allowed(self, who: tuple[str, str], now: float) -> bool:
        """False while the delay of `who` runs."""
        return now >= self._failures.get(who, (0, 0.0))[1]

    def failed(self, who: tuple[str, str], now: float) -> None:
        """Count one; the delay doubles from 1 s after the third to 5 min."""
        count = self._failures.pop(who, (0, 0.0))[0] + 1
        delay = min(2.0 ** (count - _FREE_FAILURES), _LONGEST_DELAY_S) if count >= _FREE_FAILURES else 0.0
        while len(self._failures) >= _REMEMBERED:
            del self._failures[next(iter(self._failures))]
        self._failures[who] = (count, now + delay)

    def passed(self, who: tuple[str, str]) -> None:
        """Forget the failures of `who`."""
        self._failures.pop(who, None)


class Users:
    """The users of one station. `directory` is the service's own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._file = directory / USERS_FILE
        self._attempts = Attempts()
        self._one_at_a_time = asyncio.Lock()
        self._nobody = ""

    def roles(self) -> dict[str, Role]:
        """Names and roles. UserError `users_broken` when the file cannot be read as one."""
        return {name: role for name, (role, _) in sorted(self._read().items())}

    def add(self, name: str, password: str, role: Role) -> None:
        """Add a user, or give one a new password and role.

        UserError: bad_user_name, reserved_user_name, password_too_short, password_too_long, users_broken.
        """
        if not _NAME.fullmatch(name):
            raise UserError("bad_user_name", name)
        if name == LOCAL:
            raise UserError("reserved_user_name", name)
        if len(password) < SHORTEST_PASSWORD:
            raise UserError("password_too_short", name)
        if len(password) > LONGEST_PASSWORD:
            raise UserError("password_too_long", name)
        people = self._read()
        people[name] = (Role(role), _HASHER.hash(password))
        self._save(people)

    def remove(self, name: str) -> None:
        """Take a user away. UserError: no_such_user, users_broken."""
        people = self._read()
        if name not in people:
            raise UserError("no_such_user", name)
        del people[name]
        self._save(people)

    async def verify(self, name: str, password: str, address: str = "") -> Role | None:
        """Role of a user who gives the right password, else None. Never raises.

        After three failures from `address` the next attempts are refused unseen for a growing time.
        The token is too long to be guessed and is never delayed, so nobody can lock the board's tools out.
        """
        if name == LOCAL:
            token = await asyncio.to_thread(read_token, self.directory)
            right = token is not None and hmac.compare_digest(token.encode(), password.encode())
            return Role.OPERATOR if right else None
        who, loop = (name[:40], address), asyncio.get_running_loop()
        if not self._attempts.allowed(who, loop.time()) or len(password) > LONGEST_PASSWORD:
            return None
        async with self._one_at_a_time:  # memory and a core are spent on one guess at a time
            role = await asyncio.to_thread(self._check, name, password)
        if role is None:
            self._attempts.failed(who, loop.time())
        else:
            self._attempts.passed(who)
        return role

    def _check(self, name: str, password: str) -> Role | None:
        try:
            role, hashed = self._read().get(name, (None, ""))
        except UserError:
            log.error("users_broken: %s", self._file)
            return None
        try:
            # An unknown name costs the same time, so that names cannot be found out by the clock.
            return role if _HASHER.verify(hashed or self._hash_of_nobody(), password) else None
        except (Argon2Error, InvalidHashError):
            return None

    def _hash_of_nobody(self) -> str:
        if not self._nobody:
            self._nobody = _HASHER.hash(secrets.token_hex(32))
        return self._nobody

    def _read(self) -> dict[str, tuple[Role, str]]:
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except OSError as problem:
            raise UserError("users_unreadable", str(problem)) from problem
        try:
            people = json.loads(text)["users"]
            return {name: (Role(entry["role"]), str(entry["hash"])) for name, entry in people.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise UserError("users_broken", str(self._file)) from problem

    def _save(self, people: dict[str, tuple[Role, str]]) -> None:
        entries = {name: {"role": role.value, "hash": hashed} for name, (role, hashed) in people.items()}
        text = json.dumps({"users": entries}, ensure_ascii=False, indent=1)
        replace_file(self._file, text.encode(), 0o600)


def lay_token(directory: Path, group: str = "heat-station") -> str:
    """Write a fresh token for the tools on the board and return it.

    The file is 0640 and given to `group` where the board has it and the service belongs to it;
    elsewhere only the service's own user can read it.
    """
    token = secrets.token_urlsafe(32)
    replace_file(directory / TOKEN_FILE, token.encode(), 0o640, group)
    return token


def read_token(directory: Path) -> str | None:
    """The token that the running service laid down, or None where it is missing or not for us."""
    try:
        return (directory / TOKEN_FILE).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
