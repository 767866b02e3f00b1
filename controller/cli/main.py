"""The `station` command: its sub-commands and nothing else."""

from __future__ import annotations

import typer

from controller.cli.campaign import campaign
from controller.cli.check import check
from controller.cli.demo import demo
from controller.cli.export import export
from controller.cli.live import access, shelve, tune, unshelve, watch, why
from controller.cli.run import run
from controller.cli.season import season
from controller.cli.show import show
from controller.cli.sim import sim

app = typer.Typer(
    help="Controller of a district-heating heat exchange station. Example: station demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (run, sim, demo, season, campaign, check, watch, why, export, shelve, unshelve, tune):
    app.command()(command)
app.add_typer(access, name="access")
app.add_typer(show, name="show")


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="station")


if __name__ == "__main__":
    main()
