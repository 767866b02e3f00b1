"""Which file runs, and how much of it: decided before anything else, and kept for the alarms.

The station's file as long as it is sound and does not bring the program down; else the last one that worked
(`last_good`), at the level that the starts so far ask for (`starts`).
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from controller.alarms import AlarmBook, Values
from controller.service.last_good import Good, LastGood, read_source
from controller.service.starts import Level, StartBook, Starts, boot_id, memory_folder
from controller.settings.check import Checked, check_file
from controller.settings.load import Finding
from controller.settings.messages import line
from controller.upstream.files import replace_file

ASIDE = "state.put-aside.json"
HEALTHY_SCANS = 600
"""So many scans in a row that fed the watchdog, ten minutes, and a start has succeeded."""

log = logging.getLogger(__name__)


class Boot:
    """One start of a station. `checked` runs, at `level`; `errors` of its own file, when that is broken;
    `substitute`: the last good file runs in its place, for whatever reason."""

    def __init__(self, path: Path, directory: Path) -> None:
        """Reads, decides and notes the start. Raises nothing; `checked.file` is None when nothing can run,
        and that is not counted as a start."""
        self._directory = directory
        self._keep = LastGood(directory)
        self._book = StartBook([directory, *memory_folder()])
        self._lock = threading.Lock()
        self._path = path
        own = _checked(path)
        self._source = read_source(path, own)
        self.errors: list[Finding] = own.errors
        digest = self._keep.digest(path)
        other = own.file is not None and digest not in ("", self._source.digest)
        kept = self._book.read()
        self._note = kept.begin(self._source.digest, boot_id(), other_file=other)
        self.level = self._note.level
        self.first = self._note.points == 0
        self.crashes = self._note.crashes
        good: Good | None = None
        if own.file is None or (other and self.level > Level.NORMAL):
            good = _guarded(lambda: self._keep.load(path))
        self.substitute = good is not None
        self.checked: Checked = own if good is None else good.checked
        self.problem = ""
        self._fed = self._sound = 0
        if self.checked.file is not None:
            directory_made(directory)
            if self._note is not kept:
                self._write(self._note)
            self._tell()

    def _tell(self) -> None:
        if self.errors:
            for finding in self.errors:
                log.error("%s", line(self._path, finding, "en"))
            log.error("the file is broken: the last one that worked runs")
        if self.level > Level.NORMAL:
            log.error("%d starts in a row did not get far: %s", self.crashes, self.level.name.lower())

    # ---- while it runs

    def scanned(self, *, fed: bool, sound: bool) -> None:
        """After every scan. `fed`: it fed the watchdog; `sound`: no part of the station was broken in it."""
        self._fed = self._fed + 1 if fed else 0
        self._sound = self._sound + 1 if fed and sound else 0
        if self._fed == HEALTHY_SCANS:
            self._aside(self._healthy)
        if self._sound == HEALTHY_SCANS and self.level is Level.NORMAL and not self.substitute:
            self._aside(self._keep_file)

    def put_aside(self, state: Mapping[str, object]) -> None:
        """Keep a state that is left out: somebody may want to know what was wrong with it."""
        try:
            replace_file(self._directory / ASIDE, json.dumps(state, ensure_ascii=False).encode(), 0o640)
        except (OSError, ValueError) as problem:
            log.error("the state was not put aside: %s", problem)

    def ended(self) -> None:
        """A person has stopped it, and it ended in order. Blocks for a disk."""
        self._write(self._note.stopped())

    def report(self, alarms: AlarmBook, language: str) -> None:
        """Its alarms, in every scan."""
        broken: Values = ()
        if self.errors:
            what = line(self._path.name, self.errors[0], language)
            broken = (("what", what, "text"), ("count", len(self.errors), "count"))
        alarms.report("file_broken", "station", bool(self.errors), "high", broken)
        count = (("count", self.crashes, "count"),)
        alarms.report("file_crashes", "station", self.level is Level.LAST_GOOD, "high", count)
        alarms.report("state_left_out", "station", self.level is Level.WITHOUT_STATE, "high", count)
        alarms.report("safe_mode", "station", self.level is Level.SAFE_MODE, "urgent", count)
        why = (("why", self.problem, "text"),)
        alarms.report("starts_not_counted", "station", bool(self.problem), "warning", why)

    # ---- on disk

    @staticmethod
    def _aside(work: Callable[[], None]) -> None:
        """No scan waits for a disk, and no stop for one that hangs."""
        try:
            threading.Thread(target=work, name="boot", daemon=True).start()
        except RuntimeError as problem:  # no thread to be had: at the next start it is made up for
            log.error("not written: %s", problem)

    def _healthy(self) -> None:
        self._write(self._note.healthy())

    def _keep_file(self) -> None:
        try:
            if self._keep.save(self._source):
                log.info("the file has worked for ten minutes: kept as the last good one")
        except OSError as problem:
            log.error("the last good file could not be kept: %s", problem)

    def _write(self, note: Starts) -> None:
        with self._lock:
            self._note, self.problem = note, self._book.write(note)


def directory_made(directory: Path) -> str:
    """Make the state folder; why that was not possible, or ""."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        log.error("%s: %s", directory, problem)
        return problem.strerror or str(problem)
    return ""


def _checked(path: Path) -> Checked:
    """Whatever a file does to the check, it is a broken file and no end of the program."""
    try:
        return check_file(path)
    except Exception as problem:
        log.exception("the check of %s failed", path)
        return Checked(path, [Finding(1, 1, "", "cannot_read", {"why": repr(problem)})])


def _guarded(load: Callable[[], Good | None]) -> Good | None:
    try:
        return load()
    except Exception:
        log.exception("no last good file")
        return None
