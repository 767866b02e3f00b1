"""`station access …`: who may come in by the door. Works on the files beside it, also while it is closed."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from controller.texts import fill
from controller.upstream.users import Role, UserError, Users, read_token


def add_user(
    directory: Path,
    name: str,
    role: str,
    language: str,
    ask: Callable[[str], str] = getpass.getpass,
    console: Console | None = None,
) -> int:
    """Add a user or give one a new password and role. `ask` gets a prompt and returns what was typed.

    Exit code: 0 done, 1 the file cannot be written, 2 bad name, role or password.
    """
    console = console or Console()
    if role not in [known.value for known in Role]:
        return _failed(console, language, "unknown_role", 2, role, ", ".join(Role))
    first = ask(fill("access.password", language, {"name": name}))
    if ask(fill("access.again", language, {})) != first:
        return _failed(console, language, "passwords_differ", 2, name)
    return _do(console, language, lambda: Users(directory).add(name, first, Role(role)), "user_saved", name)


def remove_user(directory: Path, name: str, language: str, console: Console | None = None) -> int:
    """Take a user away; open sessions of his end with their connection. Exit codes as above."""
    console = console or Console()
    return _do(console, language, lambda: Users(directory).remove(name), "user_removed", name)


def list_users(directory: Path, language: str, console: Console | None = None) -> int:
    """Print names and roles. Exit code 1 when the file cannot be read."""
    console = console or Console()
    try:
        roles = Users(directory).roles()
    except UserError as problem:
        return _failed(console, language, problem.code, 1, problem.name)
    table = Table(fill("access.name", language, {}), fill("access.role", language, {}), box=None)
    for name, role in roles.items():
        table.add_row(name, role.value)
    console.print(table if roles else fill("access.nobody", language, {}), highlight=False)
    return 0


def show_token(directory: Path, language: str, console: Console | None = None) -> int:
    """Print the token of the running service, alone on its line. Exit code 1 when it cannot be read."""
    console = console or Console()
    token = read_token(directory)
    if token is None:
        return _failed(console, language, "no_token", 1, str(directory))
    console.print(token, highlight=False, soft_wrap=True)
    return 0


def _do(console: Console, language: str, action: Callable[[], None], done: str, name: str) -> int:
    try:
        action()
    except UserError as problem:
        return _failed(console, language, problem.code, 1 if problem.code.startswith("users_") else 2, name)
    except OSError as problem:
        return _failed(console, language, "users_unreadable", 1, problem.strerror or str(problem))
    console.print(fill(f"access.{done}", language, {"name": name}), highlight=False, markup=False)
    return 0


def _failed(console: Console, language: str, code: str, exit_code: int, name: str, allowed: str = "") -> int:
    line = fill(f"access.{code}", language, {"name": name, "allowed": allowed})
    console.print(line, style="red", highlight=False, markup=False)
    return exit_code
