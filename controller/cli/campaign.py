"""`station campaign`: every single fault of a station, against its plant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from controller.cli.served_rig import ServesHere
from controller.cli.start import BAD_INPUT, leave, read_or_leave
from sim.campaign.conduct import Campaign
from sim.campaign.report import COLUMNS, plot, replay, row, write_junit
from sim.campaign.run import Result
from sim.campaign.watch import Trace


def campaign(
    file: Annotated[Path, typer.Argument(help="Station file (YAML)", show_default=False)],
    only: Annotated[
        str | None, typer.Option(help="Cells whose name has this pattern (regular expression)")
    ] = None,
    sample: Annotated[int | None, typer.Option(help="So many cells, of every group its share", min=1)] = None,
    cell: Annotated[str | None, typer.Option(help="Run this one cell, and say all of it")] = None,
    picture: Annotated[
        Path | None, typer.Option("--plot", help="A picture of --cell (needs matplotlib)")
    ] = None,
    hours: Annotated[float, typer.Option(help="How long a fault lasts", min=0.5, max=24)] = 24.0,
    seed: Annotated[int, typer.Option(help="Seed of noise, disturbances and the sample")] = 1,
    jobs: Annotated[int, typer.Option(help="Processes at a time", min=1, max=64)] = 2,
    junit: Annotated[Path | None, typer.Option(help="Write the results as JUnit here")] = None,
    first_failure: Annotated[
        bool, typer.Option("--first-failure", help="Do not mend, and watch again, what has failed already")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Watch for all --hours also what has long been as its twin")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="Only name the cells")] = False,
) -> None:
    """Break everything that can break, one thing at a time, and judge the plant.

    Example: station campaign config/demo.yaml --only 'pump_1' --jobs 2
    """
    checked = read_or_leave(file)
    assert checked.file is not None
    made = Campaign(checked.file, checked.profiles, seed, ServesHere(checked))
    if cell is not None:
        _one(made, file, cell, hours, whole, picture)
        return
    cells = made.cells if sample is None else made.sample(sample)
    if only is not None:
        try:
            pattern = re.compile(only)
        except re.error as problem:
            raise leave(f"--only: {problem}", BAD_INPUT) from None
        cells = [one for one in cells if pattern.search(one.name)]
    if not cells:
        raise leave("no cell has such a name (station campaign FILE --list names them)", BAD_INPUT)
    if listing:
        for one in cells:
            print(f"{one.group:9}{one.name}")
        return
    results = _watched(made.run(cells, hours, jobs, first_failure=first_failure, whole=whole), len(cells))

    def again(result: Result) -> str:
        return replay(result, file, seed, hours, whole=whole)

    _show(results, f"{file.name}, seed {seed}, faults of {hours:g} h", again)
    if junit is not None:
        write_junit(results, file.name, again, junit)
    if any(result.failures for result in results):
        raise typer.Exit(1)


def _watched(running: Iterable[Result], count: int) -> list[Result]:
    """All results, the failed ones first; says meanwhile how far it is."""
    results: list[Result] = []
    console = Console(stderr=True)
    with Progress(transient=True, console=console) as bar:
        task = bar.add_task(f"{count} cells", total=count)
        for result in running:
            results.append(result)
            bar.advance(task)
            if not console.is_terminal and len(results) % 50 == 0:
                failed = sum(bool(one.failures) for one in results)
                console.print(f"{len(results)} of {count} cells, {failed} failed")
    return sorted(results, key=lambda result: (not result.failures, result.cell.group, result.cell.name))


def _show(results: list[Result], title: str, again: Callable[[Result], str]) -> None:
    table = Table(title=title)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for result in results:
        table.add_row(*row(result))
    Console(width=None if Console().is_terminal else 160).print(table)
    for result in results:
        for failure in result.failures:
            print(f"{result.cell.name}: {failure}")
        if result.failures:
            print(f"    {again(result)}")
    held = sum(not result.failures for result in results)
    alike = sum(result.alike_after is not None for result in results)
    print(f"{held} of {len(results)} cells held; {alike} ended early, as their twins for hours")


def _one(made: Campaign, file: Path, name: str, hours: float, whole: bool, picture: Path | None) -> None:
    try:
        cell = made.cell(name)
    except KeyError:
        raise leave(f"no cell {name} (station campaign {file} --list names them)", BAD_INPUT) from None
    made.prepare([cell], hours)
    twin: Trace = made.twin(cell)
    result = made.run_one(cell, hours, whole=whole)
    for time, code, subject in result.alarms:
        print(f"{time:9.0f} s  {code}@{subject}")
    for invariant, margin in result.margins.items():
        print(f"{invariant:18} {margin.left:8.1f} {margin.unit} left")
    watched_h = result.watched_s / 3600.0
    print(f"heat {result.heat:.3f} of the twin's, room {result.room_day:+.2f} K after {watched_h:.3g} h")
    if result.alike_after is not None:
        print("as its twin from then on: not watched further (--whole does)")
    for line in result.excused:
        print(f"excused: {line}")
    for failure in result.failures:
        print(f"FAILED: {failure}")
    if picture is not None:
        try:
            plot(result, twin.air, picture)
        except ImportError:
            raise leave("--plot needs matplotlib (pip install matplotlib)") from None
    if result.failures:
        raise typer.Exit(1)
