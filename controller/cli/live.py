"""Commands that look at a running station: clients of its door."""

from __future__ import annotations

import asyncio
import contextlib
import io
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from controller.cli import access as users
from controller.cli.shelve import Shelf
from controller.cli.start import BAD_INPUT, language, leave, state_directory
from controller.cli.tune import Asked, Tune
from controller.cli.watch import watch as show_station
from controller.cli.why import why as show_reason
from controller.door import ENDPOINT
from controller.texts import fill

Door = Annotated[str, typer.Option(help="OPC UA endpoint of the station")]
Speak = Annotated[str | None, typer.Option("--language", help="en or zh")]
State = Annotated[Path | None, typer.Option(help="State folder of the station (the one of `station run`)")]
Station = Annotated[Path, typer.Option("--file", help="Station file, for its default state folder")]
DEMO = Path("config/demo.yaml")


def watch(
    door: Door = ENDPOINT,
    once: Annotated[bool, typer.Option("--once", help="One picture, then leave")] = False,
    picture: Annotated[Path | None, typer.Option(help="Write one picture as SVG, then leave")] = None,
    speak: Speak = None,
) -> None:
    """Show the running station: temperatures, valve, pumps, alarms, and the reason of every output.

    Example: station watch
    """
    code = 0
    if picture is not None:
        console = Console(record=True, width=110, file=io.StringIO())
        code = asyncio.run(show_station(door, None, language(speak), True, console))
        if code == 0:
            console.save_svg(str(picture), title="station watch")
        raise typer.Exit(code)
    with contextlib.suppress(KeyboardInterrupt):
        code = asyncio.run(show_station(door, None, language(speak), once))
    raise typer.Exit(code)


def why(
    point: Annotated[str, typer.Argument(help="Point, such as low.valve_command", show_default=False)],
    door: Door = ENDPOINT,
    speak: Speak = None,
) -> None:
    """Say why a point has its value: all terms, down to the sensors.

    Example: station why low.valve_command
    """
    raise typer.Exit(asyncio.run(show_reason(door, None, point, language(speak))))


class Rule(StrEnum):
    """How a tuning sets gain and integral time."""

    SIMC = "simc"
    AMIGO = "amigo"


def tune(
    circuit: Annotated[str, typer.Argument(help="Circuit, such as low", show_default=False)],
    rule: Annotated[Rule, typer.Option(help="simc is quick, amigo calmer")] = Rule.SIMC,
    method: Annotated[
        str,
        typer.Option(metavar="[step|relay]", help="step: more exact, relay: moves the supply less"),
    ] = "step",
    accept: Annotated[
        bool | None, typer.Option("--accept/--no-accept", help="Answer the question at the end beforehand")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Write supply and valve over time as SVG")] = None,
    door: Door = ENDPOINT,
    file: Station = DEMO,
    state: State = None,
    speak: Speak = None,
) -> None:
    """Have the station tune the supply loop of a circuit: about a quarter of an hour, Ctrl-C stops it.

    It waits until nothing moves, steps the flow (some 2.5 K of supply), and
    proposes gain and integral time with margins. You accept, or nothing changes.

    With --method relay the flow swings instead, the supply by 1 K to either side:
    for when 2.5 K would be felt. Steps find the gain within 5 %, a relay within
    15 %; steps make do with room to one side of the supply, a relay does not.

    Example: station tune low --state /tmp/station/state --plot tuning.svg
    """
    asked = Asked(circuit, rule.value, accept, plot, method)
    raise typer.Exit(Tune(door, state_directory(file, None, state), language(speak)).run(asked))


def shelve(
    alarm: Annotated[
        str | None, typer.Argument(help="Alarm as in --list: code@subject, or its code", show_default=False)
    ] = None,
    lasts: Annotated[str | None, typer.Option("--for", help="For so long, like 30min, 2h, 1d")] = None,
    reason: Annotated[str, typer.Option(help="Why, for those who come later")] = "",
    listed: Annotated[bool, typer.Option("--list", help="List the alarms and what is shelved")] = False,
    door: Door = ENDPOINT,
    file: Station = DEMO,
    state: State = None,
    speak: Speak = None,
) -> None:
    """Keep an alarm quiet for a time. Urgent ones never; what the station does about it goes on.

    Example: station shelve sensor_frozen@low.return_pressure --for 2h --reason "gauge is being changed"
    """
    shelf = Shelf(door, state_directory(file, None, state), language(speak))
    if listed:
        raise typer.Exit(asyncio.run(shelf.list()))
    if alarm is None or lasts is None:
        raise leave(fill("shelve.missing", language(speak), {}), BAD_INPUT)
    raise typer.Exit(asyncio.run(shelf.put(alarm, lasts, reason)))


def unshelve(
    alarm: Annotated[str, typer.Argument(help="Alarm: code@subject, or its code", show_default=False)],
    door: Door = ENDPOINT,
    file: Station = DEMO,
    state: State = None,
    speak: Speak = None,
) -> None:
    """Announce a shelved alarm again. Example: station unshelve sensor_frozen@low.return_pressure"""
    shelf = Shelf(door, state_directory(file, None, state), language(speak))
    raise typer.Exit(asyncio.run(shelf.take_off(alarm)))


access = typer.Typer(
    help="Users and the local token. Example: station access user wang --role operator", no_args_is_help=True
)


@access.command("user")
def user(
    name: Annotated[str, typer.Argument(show_default=False)],
    role: Annotated[str, typer.Option(help="operator (reads and writes) or viewer")] = "operator",
    file: Station = DEMO,
    state: State = None,
    speak: Speak = None,
) -> None:
    """Add a user of the door, or give one a new password. Example: station access user wang"""
    directory = state_directory(file, None, state)
    directory.mkdir(parents=True, exist_ok=True)
    raise typer.Exit(users.add_user(directory, name, role, language(speak)))


@access.command("list")
def list_(file: Station = DEMO, state: State = None, speak: Speak = None) -> None:
    """List the users. Example: station access list"""
    raise typer.Exit(users.list_users(state_directory(file, None, state), language(speak)))


@access.command("remove")
def remove(
    name: Annotated[str, typer.Argument(show_default=False)],
    file: Station = DEMO,
    state: State = None,
    speak: Speak = None,
) -> None:
    """Take a user away. Example: station access remove wang"""
    raise typer.Exit(users.remove_user(state_directory(file, None, state), name, language(speak)))


@access.command("token")
def token(file: Station = DEMO, state: State = None, speak: Speak = None) -> None:
    """Print the token that lets tools on this board in as operator (user `local`).

    Example: station access token
    """
    raise typer.Exit(users.show_token(state_directory(file, None, state), language(speak)))
