"""Does the fault campaign bite? Deliberate defects in safety, input and output code must each be caught.

    python benchmarks/bite.py [--only PATTERN] [--jobs 2]

`benchmarks/defects/defects.yaml` holds them: a place in a file that stands there exactly once, what to put
there, the cells that must notice, and for how many hours. First the cells are run on the sound code: all must
hold. Then each defect is made in a copy of the code and its cells run there: caught when a cell fails, or the
run itself. Prints `caught N/M`; exit code 1 unless all are caught.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
DEFECTS = Path(__file__).parent / "defects" / "defects.yaml"
COPIED = ("controller", "drivers", "sim", "config")
LONGEST_S = 1200.0


@dataclass(frozen=True)
class Defect:
    """One change that a careless hand could make."""

    name: str
    file: str
    old: str
    new: str
    cells: str
    hours: float = 0.5


def load() -> list[Defect]:
    """All defects. ValueError when one no longer fits the code."""
    found = [Defect(**entry) for entry in yaml.safe_load(DEFECTS.read_text(encoding="utf-8"))]
    for defect in found:
        times = (ROOT / defect.file).read_text(encoding="utf-8").count(defect.old)
        if times != 1:
            raise ValueError(f"{defect.name}: its place is {times} times in {defect.file} (must be once)")
    return found


def campaign(folder: Path, cells: str, hours: float) -> tuple[bool, str]:
    """Run these cells with the code of `folder`: (all held, what failed first)."""
    command = [
        *(sys.executable, "-m", "controller.cli.main", "campaign", "config/demo.yaml"),
        *("--only", cells, "--hours", f"{hours:g}", "--jobs", "1"),
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if re.match(r"(-24|\+5|cold|oversized)/\S.*: ", line)]
    said = lines or done.stderr.strip().splitlines()[-1:]
    return done.returncode == 0, said[0] if said else ""


def make(defect: Defect, folder: Path) -> None:
    """A copy of the code with the defect in it."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    place = folder / defect.file
    place.write_text(place.read_text(encoding="utf-8").replace(defect.old, defect.new), encoding="utf-8")


def bites(defect: Defect) -> tuple[Defect, bool, str]:
    """(defect, caught, by what)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(defect, folder)
        held, said = campaign(folder, defect.cells, defect.hours)
    return defect, not held, said


def sound(defect: Defect) -> tuple[Defect, bool, str]:
    """(defect, its cells hold on the sound code, what failed)."""
    return defect, *campaign(ROOT, defect.cells, defect.hours)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line a defect."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args(arguments)
    defects = [defect for defect in load() if re.search(asked.only, defect.name)]
    caught = 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        for defect, held, said in pool.map(sound, {(d.cells, d.hours): d for d in defects}.values()):
            if not held:
                print(f"NOT SOUND  {defect.cells}: {said}", flush=True)
                return 1
        for defect, found, said in pool.map(bites, defects):
            caught += found
            print(f"{'caught' if found else 'MISSED':8} {defect.name}: {said}", flush=True)
    print(f"caught {caught}/{len(defects)}")
    return 0 if caught == len(defects) else 1


if __name__ == "__main__":
    sys.exit(main())
