"""`station show WHAT`: what the program knows, as text: fail-safe table, settings, blocks, schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.demo import demo_file
from controller.cli.start import BAD_INPUT, language, leave, read_or_leave, state_directory
from controller.quantities import QUANTITIES
from controller.safety.failsafe import failsafe_page
from controller.settings.control_reference import control_page
from controller.settings.reference import settings_page
from controller.settings.station import StationFile
from controller.station import build
from controller.store.reader import HistoryReader, HistoryUnavailable

show = typer.Typer(
    help="Print what the program knows. Example: station show failsafe config/demo.yaml", no_args_is_help=True
)
Speak = Annotated[str | None, typer.Option("--language", help="en or zh")]


@show.command()
def failsafe(
    file: Annotated[Path | None, typer.Argument(help="Station file", show_default=False)] = None,
    speak: Speak = None,
) -> None:
    """The safety table: condition, delay, action, how it clears.

    Example: station show failsafe config/demo.yaml
    """
    checked = read_or_leave(file or demo_file())
    assert checked.file is not None
    station = build(checked.file, checked.profiles)
    typer.echo(
        failsafe_page(station.table.rules, list(station.image.outputs.values()), language(speak)), nl=False
    )


@show.command()
def settings() -> None:
    """Every key of a station file, with unit, range and default. Example: station show settings"""
    typer.echo(settings_page(), nl=False)


@show.command()
def control() -> None:
    """Every block of control: what it does, formula, source, keys. Example: station show control"""
    typer.echo(control_page(), nl=False)


@show.command()
def key(path: Annotated[str, typer.Argument(help="Part of a key", show_default=False)]) -> None:
    """The keys whose path holds a word. Example: station show key stroke_time"""
    rows = [row for row in settings_page().splitlines() if row.startswith("|") and path in row]
    if not rows:
        raise leave(f"no key holds {path} (station show settings lists all)", BAD_INPUT)
    for row in rows:
        typer.echo(row)


@show.command()
def schema() -> None:
    """JSON Schema of a station file, for editors. Example: station show schema > station.schema.json"""
    typer.echo(json.dumps(StationFile.model_json_schema(by_alias=True), ensure_ascii=False, indent=1))


@show.command()
def audit(
    file: Annotated[Path, typer.Option("--file", help="Station file, for its default state folder")] = Path(
        "config/demo.yaml"
    ),
    state: Annotated[Path | None, typer.Option(help="State folder of the station")] = None,
    last: Annotated[int, typer.Option(help="How many rows", min=1, max=10000)] = 30,
) -> None:
    """Who changed what, and with what effect; the newest first.

    Example: station show audit --state /tmp/station/state
    """
    directory = state_directory(file, None, state)
    try:
        rows = HistoryReader(directory).events("audit", last)
    except HistoryUnavailable as problem:
        raise leave(f"{directory}: {problem}") from None
    for row in rows:
        when = datetime.fromtimestamp(row.wall, UTC).astimezone().isoformat(sep=" ", timespec="seconds")
        values = "  ".join(f"{name} {_shown(value, kind)}" for name, value, kind in row.values if value != "")
        typer.echo(f"{when}  {row.user or '-'}@{row.source or '-'}  {row.subject}  {row.code}  {values}")


def _shown(value: float | str, quantity: str) -> str:
    return value if isinstance(value, str) else QUANTITIES[quantity].show(value)
