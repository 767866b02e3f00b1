"""What goes into build/fast: a copy of the packages, with two changes in what is compiled.

mypyc gives classes fixed slots and types that are checked at run time; pydantic writes into its classes while
it makes them, so a settings model cannot be compiled. It moves, as it stands, into `<module>__settings.py`
beside the copy of its module, which imports it back.

`sum(values)` may be the whole number 0, and mypyc (2.4) then takes every sum for whole where it goes into
arithmetic. Sums of floats start at 0.0 here, which changes no bit.
"""

from __future__ import annotations

import ast
import hashlib
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "build" / "fast"
PACKAGES = ("controller", "drivers", "sim")
STAMP = TARGET / "sources.sha256"

_BESIDE = "__settings"
COMPILED: tuple[tuple[str, ...], ...] = (
    ("sim/physics/*.py", "sim/plant.py"),
    ("controller/control/blocks/**/*.py",),
    ("controller/equipment/*.py", "controller/safety/**/*.py"),
    (
        "controller/alarms.py",
        "controller/control/*.py",
        "controller/control/circuits/*.py",
        "controller/points.py",
    ),
    ("sim/campaign/claims.py", "sim/campaign/judge.py", "sim/campaign/table.py"),
)
"""Patterns of what is compiled, in groups of which each makes one file of C."""


def stamp() -> str:
    """Digest of every source and of the build's own files, to tell a build that is older than they are."""
    digest = hashlib.sha256()
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    for path in (
        *files,
        ROOT / "setup.cfg",
        Path(__file__),
        *map(Path(__file__).with_name, ("build.py", "compile.py")),
    ):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def copy() -> list[list[str]]:
    """Make TARGET anew; returns the groups of modules to compile, as paths in it."""
    shutil.rmtree(TARGET, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, TARGET / package, ignore=shutil.ignore_patterns("__pycache__"))
    found = [[path for pattern in group for path in sorted(TARGET.glob(pattern))] for group in COMPILED]
    return [[str(path.relative_to(TARGET)) for path in group if _prepare(path)] for group in found]


def _prepare(path: Path) -> bool:
    """Make a module fit for mypyc. False when it is not to be compiled."""
    if path.name == "__init__.py" or not split(path):
        return False
    start_sums(path)
    return True


def split(path: Path) -> bool:
    """Cut the settings models out of the module at `path`. False when nothing is left to compile.

    The module of the models gets everything up to the last of them, for they use names defined above."""
    source = path.read_text(encoding="utf-8")
    body = ast.parse(source).body
    models = [node for node in body if isinstance(node, ast.ClassDef) and _is_model(node)]
    if not models:
        return True
    if not any(isinstance(node, ast.FunctionDef | ast.ClassDef) and node not in models for node in body):
        return False
    lines = source.splitlines()
    beside = path.with_name(f"{path.stem}{_BESIDE}.py")
    beside.write_text("\n".join(lines[: models[-1].end_lineno]) + "\n", encoding="utf-8")
    package = ".".join(path.relative_to(TARGET).parent.parts)
    for model in models:
        first = min([model.lineno, *(decorator.lineno for decorator in model.decorator_list)])
        # As many lines as before: a traceback names the line of the source.
        empty = [""] * ((model.end_lineno or first) - first)
        shared = f"from {package}.{beside.stem} import {model.name} as {model.name}"
        lines[first - 1 : model.end_lineno] = [shared, *empty]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return True


def start_sums(path: Path) -> None:
    """Let every `sum(values)` of the module start at 0.0, but those that are returned or stored as they are:
    they have a declared type, which may be that of whole numbers."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    as_they_are = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.Return | ast.Tuple)
        for child in ast.iter_child_nodes(node)
    }
    lines = [line.encode() for line in source.splitlines()]
    put: list[tuple[int, int, bytes]] = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sum"):
            continue
        if len(node.args) != 1 or node.keywords or id(node) in as_they_are:
            continue
        values = node.args[0]
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        bare = (values.end_lineno, values.end_col_offset) == (node.end_lineno, node.end_col_offset)
        if bare:  # a generator without brackets of its own
            put.append((values.lineno, values.col_offset, b"("))
        put.append((node.end_lineno, node.end_col_offset - (not bare), b", 0.0)" if bare else b", 0.0"))
    for line, column, text in sorted(put, reverse=True):
        lines[line - 1] = lines[line - 1][:column] + text + lines[line - 1][column:]
    path.write_bytes(b"\n".join(lines) + b"\n")


def _is_model(node: ast.ClassDef) -> bool:
    """Every settings model derives from `Settings` or from another model, whose name ends so, too."""
    return any(isinstance(base, ast.Name) and base.id.endswith("Settings") for base in node.bases)
