"""House rules as tests: each message says where and what to do instead."""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("controller", "drivers", "sim", "benchmarks")
LONGEST = 500

# Made or written elsewhere: no lines of ours to count or to word.
FOREIGN_FOLDERS = {"vendor", "node_modules", "reference"}
FOREIGN_FILES = {"package-lock.json", "LICENSE"}
# Reference pages that a command makes of code and runs: looked up, not read; their templates are measured.
MADE_PAGES = {"control.md", "plant.md"}
OWN_SUFFIXES = {".py", ".yaml", ".md", ".sh", ".html", ".js", ".css", ".toml", ".cfg"}
SKIPPED_WITHOUT_GIT = {".git", ".venv", "build", "dist", "node_modules", "__pycache__"}

# Put together from pieces, so that this file may be checked too.
HOSTS = (
    "py" + "pi.org",
    "py" + "pi.python.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "npm" + "mirror.com",
    "yarn" + "pkg.com",
    "deb" + "ian.org/debian",
    "archive.raspberry" + "pi.",
)
FOLDERS = ("ro" + "ot", "wo" + "rk", "ho" + "me", "Us" + "ers")
REGISTRY_HOSTS = re.compile("|".join(map(re.escape, HOSTS)))
MACHINE_PATHS = re.compile(rf"(?<![\w.{{}}$*~-])/(?:{'|'.join(FOLDERS)})/[\w.]")


@cache
def tracked() -> tuple[Path, ...]:
    """The project's files, also those not committed yet; by a walk where there is no git."""
    listing = (
        subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            capture_output=True,
            check=False,
        )
        if (ROOT / ".git").exists()
        else None
    )
    if listing is not None and listing.returncode == 0:
        names = listing.stdout.decode().split("\0")
        found = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    else:
        found = []
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [
                name
                for name in folders
                if name not in SKIPPED_WITHOUT_GIT and not name.endswith(("_cache", ".egg-info"))
            ]
            found += [Path(folder) / name for name in files]
    assert found, "no files found: is this a checkout of the project?"
    return tuple(sorted(found))


def name(path: Path) -> str:
    """Path as a person would type it at the project's root."""
    return path.relative_to(ROOT).as_posix()


def own_texts() -> Iterator[tuple[Path, str]]:
    """Text files that somebody here wrote."""
    for path in tracked():
        if path.name in FOREIGN_FILES or FOREIGN_FOLDERS & set(path.relative_to(ROOT).parts):
            continue
        if path.suffix in OWN_SUFFIXES:
            yield path, path.read_text(encoding="utf-8")


def any_texts() -> Iterator[tuple[Path, str]]:
    """All text files, lock files and vendored ones too."""
    for path in tracked():
        raw = path.read_bytes()
        if b"\0" not in raw[:8000]:
            yield path, raw.decode("utf-8", errors="replace")


def matches(pattern: re.Pattern[str], texts: Iterator[tuple[Path, str]]) -> list[str]:
    """`file:line: text` of every match."""
    return [
        f"{name(path)}:{number}: {found.group()}"
        for path, text in texts
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if (found := pattern.search(line))
    ]


def report(found: list[str], advice: str) -> None:
    """Fails with the list and the right way."""
    assert not found, "\n".join([advice, *found])


def test_no_registry_is_named() -> None:
    report(
        matches(REGISTRY_HOSTS, any_texts()),
        "Where packages come from is the machine's setting, not the project's: write package names only, "
        "and make lock files with `npm install --omit-lockfile-registry-resolved`.",
    )


def test_no_path_of_one_machine() -> None:
    report(
        matches(MACHINE_PATHS, own_texts()),
        "A path of one machine: write it relative to the project, or take it from the environment.",
    )


def test_every_module_says_what_it_is() -> None:
    found = [
        name(path)
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES
        if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    report(found, "No docstring at the top: say what the module is for, its units, errors and sources.")


def test_no_file_is_too_long_to_read() -> None:
    found = [
        f"{name(path)}: {lines} lines"
        for path, text in own_texts()
        if path.name not in MADE_PAGES and (lines := text.count("\n")) > LONGEST
    ]
    report(found, f"More than {LONGEST} lines: split it by meaning (100 to 400 lines read well).")


def test_no_drawer_for_odds_and_ends() -> None:
    found = [name(path) for path in tracked() if path.stem in {"utils", "util", "helpers", "misc", "common"}]
    report([f for f in found if f.endswith(".py")], "Name the file for what it holds.")


def test_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    report(
        [c for c in ("make demo", "make test") if c not in text], "README.md does not name these commands:"
    )


def test_the_patterns_of_this_file_find_what_they_look_for() -> None:
    hosts = [
        "https://files.python" + "hosted.org/x",
        "https://registry.npm" + "js.org/x",
        "https://py" + "pi.org/simple",
    ]
    paths = ["/ro" + "ot/.pyenv", '"/ho' + 'me/pi/station"', "see /wo" + "rk/main"]
    assert all(REGISTRY_HOSTS.search(text) for text in hosts)
    assert all(MACHINE_PATHS.search(text) for text in paths)
    assert not MACHINE_PATHS.search("https://example.org/ho" + "me/x ~/ho" + "me docs/wo" + "rk/x")
    assert not REGISTRY_HOSTS.search("pip install, npm ci, pymodbus")
