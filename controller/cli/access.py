"""`station access …`: who may come in by the door. Works on the files beside it, also while it is closed."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from controller.texts import text
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
    first = ask(_WORDS[language]["password"].format(name=name))
    if ask(_WORDS[language]["again"]) != first:
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
    table = Table(_WORDS[language]["name"], _WORDS[language]["role"], box=None)
    for name, role in roles.items():
        table.add_row(name, role.value)
    console.print(table if roles else _WORDS[language]["nobody"], highlight=False)
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
    console.print(_WORDS[language][done].format(name=name), highlight=False, markup=False)
    return 0


def _failed(console: Console, language: str, code: str, exit_code: int, name: str, allowed: str = "") -> int:
    line = text(code, language, (("name", name, ""), ("allowed", allowed, "")))
    if line == code:
        line = _WORDS[language].get(code, code).format(name=name, allowed=allowed)
    console.print(line, style="red", highlight=False, markup=False)
    return exit_code


_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "name": "name",
        "role": "role",
        "nobody": "no users: only the tools on the board come in",
        "password": "Password for {name}: ",
        "again": "Once more: ",
        "user_saved": "{name} may come in.",
        "user_removed": "{name} stays outside from now on.",
        "unknown_role": "{name} is no role ({allowed})",
        "passwords_differ": "The two passwords differ; nothing was changed.",
        "bad_user_name": "{name} is no name (up to 40 letters, digits and _ . @ -)",
        "reserved_user_name": "{name} is the name of the tools on the board; take another one.",
        "password_too_short": "The password is too short (at least 8 characters).",
        "password_too_long": "The password is too long (at most 256 characters).",
        "no_such_user": "There is no user {name}.",
        "users_broken": "users.json is damaged; move it away and add the users again.",
        "users_unreadable": "users.json cannot be used: {name} (run this as root or as the service's user).",
        "no_token": "No readable token in {name}: the service is not running, or you are not in its group.",
    },
    "zh": {
        "name": "用户",
        "role": "角色",
        "nobody": "没有用户：只有本机工具可以登录",
        "password": "{name} 的密码：",
        "again": "再输入一次：",
        "user_saved": "{name} 可以登录。",
        "user_removed": "{name} 已不能登录。",
        "unknown_role": "没有角色 {name}（可用：{allowed}）",
        "passwords_differ": "两次密码不同，未作更改。",
        "bad_user_name": "{name} 不能作用户名（最多 40 个字母、数字和 _ . @ -）",
        "reserved_user_name": "{name} 是本机工具的用户名，请换一个。",
        "password_too_short": "密码太短（至少 8 个字符）。",
        "password_too_long": "密码太长（最多 256 个字符）。",
        "no_such_user": "没有用户 {name}。",
        "users_broken": "users.json 已损坏：请移走后重新添加用户。",
        "users_unreadable": "无法使用 users.json：{name}（请用 root 或服务用户运行）。",
        "no_token": "{name} 中没有可读的令牌：服务未运行，或您不在其用户组。",
    },
}
