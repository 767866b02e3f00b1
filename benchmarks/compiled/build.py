"""Compile the plant and the hot part of the controller to C, into build/fast; the sources stay as they are.

    make fast
    build/fast/python .venv/bin/station season config/demo.yaml --days 30

Needs a C compiler and Python's headers (Debian: gcc, python3-dev). A few minutes, once after every change of
the sources; `build/fast/python` refuses a build that is older than they are.
"""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from sources import ROOT, STAMP, TARGET, copy, stamp

# No fused multiply-add (ARM): the compiled plant must round as the plain one does.
C_FLAGS = "-ffp-contract=off"


def missing() -> str:
    """What the build needs and does not find, empty when all is there."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        return f"a C compiler ({compiler}; Debian: apt-get install gcc)"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "Python's headers (Debian: apt-get install python3-dev)"
    return ""


def write_mypy_ini() -> None:
    """The types are checked again, for they decide what is compiled to what."""
    project, ours = configparser.ConfigParser(), configparser.ConfigParser()
    project.read(ROOT / "setup.cfg", encoding="utf-8")
    for name in project.sections():
        if name.startswith("mypy"):
            ours[name] = dict(project[name])
    ours.remove_option("mypy", "packages")
    with (TARGET / "mypy.ini").open("w", encoding="utf-8") as file:
        ours.write(file)


def write_launcher() -> None:
    """A `python` that imports the compiled packages, and nothing older than the sources."""
    run = Path(__file__).with_name("run.py")
    launcher = TARGET / "python"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(run))} "$@"\n')
    launcher.chmod(0o755)


def main() -> int:
    """Build, unless it is built already."""
    now = stamp()
    if STAMP.exists() and STAMP.read_text() == now:
        return 0
    lacks = missing()
    if lacks:
        print(f"needed to compile: {lacks}", file=sys.stderr)
        return 1
    groups = copy()
    write_mypy_ini()
    print(f"compiling {sum(map(len, groups))} modules into {TARGET.relative_to(ROOT)} (minutes)", flush=True)
    flags = f"{os.environ.get('CFLAGS', '')} {C_FLAGS}".strip()
    log = TARGET / "build.log"
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("compile.py"), json.dumps(groups)],
            cwd=TARGET,
            env={**os.environ, "CFLAGS": flags},
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        shown = [line for line in log.read_text(encoding="utf-8").splitlines() if "rror" in line]
        print(
            *(shown or ["failed"])[:20],
            f"the whole of it: {log.relative_to(ROOT)}",
            sep="\n",
            file=sys.stderr,
        )
        return 1
    shutil.rmtree(TARGET / "build")
    write_launcher()
    STAMP.write_text(now)
    return 0


if __name__ == "__main__":
    sys.exit(main())
