"""`station export`: records of the black box and the history as tables and pictures, from the state folder.

It reads files only, so it works beside a running station and on a folder that was copied from one.
"""

from __future__ import annotations

import csv
import difflib
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from controller.cli.start import BAD_INPUT, language, leave, state_directory
from controller.cli.trip_picture import NoPlots, chinese_font, draw
from controller.cli.trip_story import cause_said, cell, heading, story, when
from controller.points import PointInfo
from controller.store import trip_files
from controller.store.reader import HistoryReader, HistoryUnavailable
from controller.store.trip_files import BadTrip, Columns, Trip
from controller.texts import fill

PICTURES = (".png", ".svg", ".pdf")
MOST_ROWS = 1_000_000


def export(
    which: Annotated[str, typer.Argument(help="Record of the black box: its number, or latest")] = "latest",
    blackbox: Annotated[bool, typer.Option("--blackbox", help="A trip instead of the history")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the trips that are kept")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write .csv (all points) or a picture (.png, .svg, .pdf; needs matplotlib)"),
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="History from this local time on, 2026-01-15T08:00")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="History up to this local time")] = None,
    points: Annotated[
        str | None, typer.Option(help="Points of the history, with commas; * stands for anything")
    ] = None,
    file: Annotated[Path, typer.Option("--file", help="Station file, for its default state folder")] = Path(
        "config/demo.yaml"
    ),
    state: Annotated[Path | None, typer.Option(help="State folder of the station")] = None,
    speak: Annotated[str | None, typer.Option("--language", help="en or zh")] = None,
) -> None:
    """Write a trip of the black box, or the history, as a table or picture; without --out tell the trip.

    Example: station export --blackbox latest --out trip.png
    """
    directory, spoken = state_directory(file, None, state), language(speak)
    if listed:
        _list(directory, spoken)
    elif blackbox:
        _trip(directory, which, out, spoken)
    elif out is None or points is None:
        raise leave(fill("export.what", spoken, {}), BAD_INPUT)
    else:
        _history(directory, (_time(begin, spoken), _time(end, spoken)), points, out, spoken)


# ---- black box


def _list(directory: Path, spoken: str) -> None:
    """One line a trip, the newest last; a damaged file keeps its line."""
    table = Table(box=None)
    for key in ("export.number", "export.time"):
        table.add_column(fill(key, spoken, {}), no_wrap=True)
    for key in ("export.cause", "export.more", "export.missed"):
        table.add_column(fill(key, spoken, {}))
    paths = trip_files.stored(directory)
    for path in paths:
        number = str(trip_files.number_of(path))
        try:
            trip = trip_files.read_head(path)
        except (BadTrip, OSError) as problem:
            table.add_row(number, "–", f"{path.name}: {problem}")
            continue
        more, missed = len(trip.trips) - 1, sum(count for _, count in trip.skipped)
        cause = cause_said(trip, trip.cause, spoken)
        table.add_row(number, when(trip.wall), cause, str(more or ""), str(missed or ""))
    Console().print(table if paths else fill("export.none", spoken, {"directory": str(directory)}))


def _trip(directory: Path, which: str, out: Path | None, spoken: str) -> None:
    path = _chosen(directory, which, spoken)
    try:
        trip, columns = trip_files.read(path)
    except (BadTrip, OSError) as problem:
        raise leave(fill("export.damaged", spoken, {"file": path.name, "why": str(problem)})) from None
    if out is None:
        for line in story(trip, spoken):
            typer.echo(line)
    elif out.suffix.lower() == ".csv":
        _save(out, spoken, _trip_rows(trip, columns))
        typer.echo(out)
    elif out.suffix.lower() in PICTURES:
        _picture(trip, columns, out, spoken)
        typer.echo(out)
    else:
        allowed = ", ".join((".csv", *PICTURES))
        raise leave(fill("export.suffix", spoken, {"file": out.name, "allowed": allowed}), BAD_INPUT)


def _chosen(directory: Path, which: str, spoken: str) -> Path:
    paths = trip_files.stored(directory)
    if not paths:
        raise leave(fill("export.none", spoken, {"directory": str(directory)}))
    if which == "latest":
        return paths[-1]
    numbers = {str(trip_files.number_of(path)): path for path in paths}
    if which not in numbers:
        said = {"value": which, "allowed": ", ".join(numbers)}
        raise leave(fill("export.no_such", spoken, said), BAD_INPUT)
    return numbers[which]


def _trip_rows(trip: Trip, columns: Columns) -> Iterable[Sequence[str]]:
    yield ["seconds", "time", *map(heading, trip.catalogue)]
    points = [(info, columns.values[info.name], columns.qualities[info.name]) for info in trip.catalogue]
    for row, offset in enumerate(columns.offsets):
        cells = (cell(info, values[row], qualities[row]) for info, values, qualities in points)
        yield [f"{offset:g}", when(trip.wall + offset), *cells]


def _picture(trip: Trip, columns: Columns, out: Path, spoken: str) -> None:
    try:
        if spoken == "zh" and out.suffix.lower() != ".svg" and not chinese_font():
            typer.echo(fill("export.no_font", spoken, {}), err=True)
            spoken = "en"
        draw(trip, columns, out, spoken)
    except NoPlots:
        raise leave(fill("export.no_plots", spoken, {})) from None
    except OSError as problem:
        raise leave(f"{out}: {problem.strerror or problem}") from None


# ---- history


def _time(text: str | None, spoken: str) -> float | None:
    """Unix time of a local date and time."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise leave(fill("export.no_time", spoken, {"value": text}), BAD_INPUT) from None


def _history(
    directory: Path, span: tuple[float | None, float | None], wanted: str, out: Path, spoken: str
) -> None:
    if out.suffix.lower() != ".csv":
        raise leave(fill("export.suffix", spoken, {"file": out.name, "allowed": ".csv"}), BAD_INPUT)
    reader = HistoryReader(directory)
    limits = (
        -float("inf") if span[0] is None else span[0],
        float("inf") if span[1] is None else span[1],
    )
    try:
        names = _names(wanted, [info.name for info in reader.catalogue()], spoken)
        series = reader.series(names, *limits, max_rows=MOST_ROWS)
    except HistoryUnavailable as problem:
        raise leave(f"{directory}: {problem}") from None
    infos: list[PointInfo] = [series.infos[name] for name in names]
    columns = [(info, series.values[info.name], series.qualities[info.name]) for info in infos]
    rows = (
        [when(wall), *(cell(info, values[n], qualities[n]) for info, values, qualities in columns)]
        for n, wall in enumerate(series.walls)
    )
    _save(out, spoken, [["time", *map(heading, infos)]], rows)
    said = {"rows": str(len(series.walls)), "points": str(len(names)), "file": str(out)}
    typer.echo(fill("export.thinned" if series.thinned else "export.done", spoken, said))


def _names(wanted: str, known: Sequence[str], spoken: str) -> list[str]:
    """Points that are asked for, each once, in the order of the catalogue within a pattern."""
    found: dict[str, None] = {}
    for pattern in filter(None, (part.strip() for part in wanted.split(","))):
        names = [name for name in known if fnmatch(name, pattern)]
        if not names:
            near = ", ".join(difflib.get_close_matches(pattern, known, 3, 0.5)) or "–"
            raise leave(fill("export.no_point", spoken, {"value": pattern, "allowed": near}), BAD_INPUT)
        found |= dict.fromkeys(names)
    return list(found)


def _save(out: Path, spoken: str, *parts: Iterable[Sequence[str]]) -> None:
    """Whole or not at all; with a mark that lets spreadsheets see that it is UTF-8."""
    beside = out.with_name(f".{out.name}.new")
    try:
        with beside.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            for part in parts:
                writer.writerows(part)
        os.replace(beside, out)
    except OSError as problem:
        raise leave(f"{out}: {problem.strerror or problem}") from None
