"""How often the station was started and did not get far: the count that ends in safe mode.

Every start is noted before anything risky is done, and the note is taken back after ten minutes of scans that
all fed the watchdog. Starts in a row that never got there take more and more out of the way:

    normal         the station's file
    last_good      the last file with which it ran for ten minutes
    without_state  that file, and what the blocks remembered is left out
    safe_mode      that file, circuits in least control, nothing that control can do without

There is no level below: safe mode is tried for ever. A level stays until a person stops the service (a
restart by hand always tries the file again) or gives it another file. No time of day is needed: the count is
a number in a file, and a boot of the board is told by the kernel's own name for it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from pathlib import Path

from controller.station import START_LEVELS
from controller.upstream.files import replace_file

FILE = "starts.json"
CRASH, AFTER_BOOT = 2, 1
"""What a start that did not get far counts. After the board itself has restarted it counts half: power that
comes and goes is no fault of the file."""
LIMITS = (4 * CRASH, 2 * CRASH, 2 * CRASH)
"""What a level bears before the next one is tried: four starts of the file, two of each level below."""
MOST = 1000
"""Counted no further: a station that fails for a year must not wear its card with the count."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

log = logging.getLogger(__name__)


class Level(IntEnum):
    """What is left out of a start; the larger, the more. In the order of START_LEVELS."""

    NORMAL = 0
    LAST_GOOD = 1
    WITHOUT_STATE = 2
    SAFE_MODE = 3


@dataclass(frozen=True, slots=True)
class Starts:
    """What is noted of the starts so far.

    `points`: of failed starts at this level; `crashes`: starts in a row that did not get far, at any level;
    `pending`: the last one has neither lasted ten minutes nor was it stopped by a person; `file`: digest of
    the station's file; `boot`: name of the board's boot; `number`: of the note, the largest is the newest.
    """

    level: Level = Level.NORMAL
    points: int = 0
    crashes: int = 0
    pending: bool = False
    file: str = ""
    boot: str = ""
    number: int = 0

    def begin(self, file: str, boot: str, *, other_file: bool) -> Starts:
        """The next start. `other_file`: there is a last good file, and it is not the same as `file`."""
        number = self.number + 1
        if file != self.file:
            return Starts(pending=True, file=file, boot=boot, number=number)
        points, crashes, level = self.points, self.crashes, self.level
        if self.pending:
            points += CRASH if boot == self.boot else AFTER_BOOT
            crashes += 1
        if level < Level.SAFE_MODE and points >= LIMITS[level]:
            level, points = Level(level + 1), 0
            if level is Level.LAST_GOOD and not other_file:
                level = Level.WITHOUT_STATE
        elif level is Level.LAST_GOOD and not other_file:
            level = Level.NORMAL
        found = Starts(level, min(points, MOST), min(crashes, MOST), True, file, boot, number)
        # The same as before in all but the number of the note: nothing to write.
        return self if replace(found, number=self.number) == self else found

    def healthy(self) -> Starts:
        """It has run for ten minutes. The state that is left out is a new one by now, and may be used."""
        level = self.level
        if level is Level.WITHOUT_STATE:
            level = Level.LAST_GOOD
        return replace(self, level=level, points=0, pending=False, number=self.number + 1)

    def stopped(self) -> Starts:
        """A person has stopped it: the next start begins at the top."""
        return Starts(file=self.file, boot=self.boot, number=self.number + 1)


class StartBook:
    """The note on disk. `folders`: the first is the station's own; where that takes no writes, a folder in
    memory that outlives a restart of the service (systemd's RuntimeDirectory) does."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._paths = [folder / FILE for folder in folders]

    def read(self) -> Starts:
        """The newest note; a fresh one when there is none. One that cannot be read is none."""
        found = [note for path in self._paths if (note := _read(path)) is not None]
        return max(found, key=lambda note: note.number, default=Starts())

    def write(self, note: Starts) -> str:
        """Note it durably, in the first folder that takes it; why the station's own did not, or ""."""
        text = json.dumps({**asdict(note), "level": START_LEVELS[note.level]}, indent=1)
        why = ""
        for path in self._paths:
            try:
                replace_file(path, text.encode(), 0o640)
            except OSError as problem:
                log.error("starts not counted in %s: %s", path, problem)
                why = why or problem.strerror or str(problem)
            else:
                break
        return why


def _read(path: Path) -> Starts | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        level = Level(START_LEVELS.index(kept["level"]))
        numbers = [kept[name] for name in ("points", "crashes", "number")]
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("a count that is none")
        points, crashes, number = numbers
        return Starts(
            level, points, crashes, bool(kept["pending"]), str(kept["file"]), str(kept["boot"]), number
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        log.warning("%s: %s", path, problem)
        return None


def boot_id() -> str:
    """The kernel's name for this boot; empty where it tells none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def memory_folder() -> list[Path]:
    """Systemd's folder in memory for this service, if it gave one."""
    given = os.environ.get("RUNTIME_DIRECTORY", "")
    return [Path(given.split(":")[0])] if given else []
