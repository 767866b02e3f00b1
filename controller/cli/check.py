"""`station check`: every mistake of a file at once, one a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.start import BAD_INPUT, language
from controller.settings.check import check_file
from controller.settings.messages import line, summary


def check(
    file: Annotated[Path, typer.Argument(help="Station file (YAML)", show_default=False)],
    speak: Annotated[str | None, typer.Option("--language", help="en or zh")] = None,
) -> None:
    """Check a station file: every mistake with line, column and what is allowed.

    Example: station check config/demo.yaml
    """
    checked = check_file(file)
    spoken = language(speak)
    for finding in checked.warnings:
        typer.echo(line(file, finding, spoken), err=True)
    if checked.file is None:
        for finding in checked.errors:
            typer.echo(line(file, finding, spoken))
        raise typer.Exit(BAD_INPUT)
    typer.echo(summary(file, checked, spoken))
