"""How a command starts: the checked file or its errors, the state folder, the clock, the log."""

from __future__ import annotations

import contextlib
import locale
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import typer

from controller.cli.log import start_log
from controller.clock import Clock, RateClock, RealClock
from controller.settings.check import Checked, check_file
from controller.settings.load import load_tree
from controller.settings.messages import line

FAILED, BAD_INPUT = 1, 2
FASTEST = 120.0


def language(wanted: str | None) -> str:
    """`en` or `zh`: as asked, else the terminal's."""
    if wanted in ("en", "zh"):
        return wanted
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if spoken.lower().startswith("zh") or (locale.getlocale()[0] or "").startswith("zh") else "en"


def read_or_leave(path: Path, wanted_language: str | None = None) -> Checked:
    """The checked file, or exit 2 with its errors on stderr, as `station check` prints them."""
    checked = check_file(path)
    if checked.file is None:
        raise errors_of(checked, wanted_language)
    return checked


def errors_of(checked: Checked, wanted_language: str | None = None) -> typer.Exit:
    """Say what is wrong with a file, as `station check` does; raise what it returns (exit 2)."""
    for finding in checked.errors:
        typer.echo(line(checked.path, finding, language(wanted_language)), err=True)
    return typer.Exit(BAD_INPUT)


def leave(message: str, code: int = FAILED) -> typer.Exit:
    """Say why on stderr; raise what it returns."""
    typer.echo(message, err=True)
    return typer.Exit(code)


@contextlib.contextmanager
def plant_or_leave(path: Path) -> Iterator[None]:
    """Exit 2 with one line where the simulated plant of the file at `path` cannot be built: only building it
    shows whether its pipes leave water for the radiators."""
    try:
        yield
    except ValueError as problem:
        found = load_tree(path).find(("plant", "zones"), "plant_impossible", at_key=True, why=str(problem))
        raise leave(line(path, found, language(None)), BAD_INPUT) from None


def state_directory(file: Path, here: Path | None, wanted: Path | None) -> Path:
    """Where a station keeps its state: as asked, systemd's folder, `here`, or the user's state folder."""
    if wanted is not None:
        return wanted
    if os.environ.get("STATE_DIRECTORY"):
        return Path(os.environ["STATE_DIRECTORY"].split(":")[0])
    if here is not None:
        return here / "state"
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    return base / "heat-station" / file.stem


def clock_of(speed: float, epoch: str | None) -> Clock:
    """Real time, or plant time that runs `speed` times as fast from `epoch` on, where both agree."""
    if speed == 1.0 and epoch is None:
        return RealClock()
    if not 0 < speed <= FASTEST:
        raise leave(f"--speed {speed:g} is not possible (0 … {FASTEST:g})", BAD_INPUT)
    if epoch is None:
        raise leave(
            "--speed needs --epoch: the same time for simulator and controller (2026-01-15T08:00:00Z)",
            BAD_INPUT,
        )
    origin = parse_epoch(epoch)
    return RateClock(speed, epoch=origin, wall_origin=origin)


def parse_epoch(text: str) -> float:
    """Unix time of `now`-like texts: seconds, or an ISO date with its zone (UTC without)."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise leave(
            f"--epoch {text} is no time (Unix seconds, or like 2026-01-15T08:00:00Z)", BAD_INPUT
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def set_up_logging() -> None:
    """Plain lines on stderr, for which nobody waits; systemd adds the time."""
    under_systemd = "JOURNAL_STREAM" in os.environ
    form = (
        "%(levelname)s %(name)s: %(message)s"
        if under_systemd
        else "%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    start_log(form)
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
