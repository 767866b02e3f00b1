"""Does the fault campaign bite? Deliberate defects in safety, input and output code must each be caught.

    python benchmarks/bite.py [--only PATTERN] [--jobs 2]

`benchmarks/defects/defects.yaml` holds them: a place in a file that stands there exactly once, what to put
there (with `also` where it takes more than one place), the cells that must notice, and for how many hours.
First the cells are run on the sound code: all must hold. Then each defect is made in a copy of the code and
its cells run there: caught when a cell fails. A defect that stops the campaign before any cell was judged is
no defect that the cells have caught, and counts as missed. Prints `caught N/M`; exit code 1 unless all are
caught.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
DEFECTS = Path(__file__).parent / "defects" / "defects.yaml"
COPIED = ("controller", "drivers", "sim", "config")
LONGEST_S = 1200.0
NOT_RUN = "the campaign itself does not run"


@dataclass(frozen=True)
class Defect:
    """One change that a careless hand could make."""

    name: str
    file: str
    old: str
    new: str
    cells: str
    hours: float = 0.5
    also: Sequence[Mapping[str, str]] = ()
    """Further places in the same file, `old` and `new` each."""

    @property
    def changes(self) -> list[tuple[str, str]]:
        """(old, new) of every place."""
        return [(self.old, self.new), *((more["old"], more["new"]) for more in self.also)]


def load() -> list[Defect]:
    """All defects. ValueError when one no longer fits the code."""
    found = [Defect(**entry) for entry in yaml.safe_load(DEFECTS.read_text(encoding="utf-8"))]
    for defect in found:
        text = (ROOT / defect.file).read_text(encoding="utf-8")
        for old, _ in defect.changes:
            if (times := text.count(old)) != 1:
                raise ValueError(f"{defect.name}: its place is {times} times in {defect.file} (must be once)")
    return found


def campaign(folder: Path, cells: str, hours: float, jobs: int = 1) -> tuple[bool, list[str]]:
    """Run these cells with the code of `folder`: (all held, what failed, empty: nothing was judged)."""
    command = [
        *(sys.executable, "-m", "controller.cli.main", "campaign", "config/demo.yaml", "--first-failure"),
        *("--only", cells, "--hours", f"{hours:g}", "--jobs", str(jobs)),
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
    return done.returncode == 0, lines


def make(defect: Defect, folder: Path) -> None:
    """A copy of the code with the defect in it."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    place = folder / defect.file
    text = place.read_text(encoding="utf-8")
    for old, new in defect.changes:
        text = text.replace(old, new)
    place.write_text(text, encoding="utf-8")


def bites(defect: Defect) -> tuple[Defect, bool, str]:
    """(defect, caught, by what)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(defect, folder)
        held, said = campaign(folder, defect.cells, defect.hours)
    return defect, not held and bool(said), said[0] if said else "" if held else NOT_RUN


def sound(defects: Sequence[Defect], jobs: int) -> Iterator[str]:
    """What does not hold on the sound code, in one run for all cells of the same length."""
    by_hours: dict[float, set[str]] = {}
    for defect in defects:
        by_hours.setdefault(defect.hours, set()).add(defect.cells)
    for hours, patterns in sorted(by_hours.items()):
        held, said = campaign(ROOT, "|".join(sorted(patterns)), hours, jobs)
        if not held:
            yield from said or [NOT_RUN]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line a defect."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--no-sound", dest="sound", action="store_false", help="do not run the sound code first"
    )
    asked = parser.parse_args(arguments)
    defects = [defect for defect in load() if re.search(asked.only, defect.name)]
    caught = 0
    unsound = list(sound(defects, asked.jobs)) if asked.sound else []
    for said in unsound:
        print(f"NOT SOUND  {said}", flush=True)
    if unsound:
        return 1
    with ThreadPoolExecutor(asked.jobs) as pool:
        for defect, found, said in pool.map(bites, defects):
            caught += found
            print(f"{'caught' if found else 'MISSED':8} {defect.name}: {said}", flush=True)
    print(f"caught {caught}/{len(defects)}")
    return 0 if caught == len(defects) else 1


if __name__ == "__main__":
    sys.exit(main())
