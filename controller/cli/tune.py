"""`station tune CIRCUIT`: have the station tune a loop, watch it, accept or leave what it proposes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from controller.cli.tune_picture import svg, terminal
from controller.cli.tune_report import doing, ending, found, lasting, line, shown
from controller.cli.tune_run import CannotTune, Run, accept, begin, follow
from controller.cli.why import quiet, sentence
from controller.clock import Clock, RealClock
from controller.door import DoorClient, DoorError
from controller.texts import fill, text

DONE, FAILED, BAD_INPUT = 0, 1, 2
YES = ("y", "yes", "是")
_PICTURE_WIDTH = 78


@dataclass(frozen=True)
class Asked:
    """What the person wants. `accepts`: None asks when there is something to accept."""

    circuit: str
    rule: str = "simc"
    accepts: bool | None = None
    plot: Path | None = None
    method: str = "step"


class Tune:
    """One call of the command. It leaves the door while a person thinks, so that no session waits."""

    def __init__(
        self,
        endpoint: str,
        directory: Path,
        language: str,
        console: Console | None = None,
        errors: Console | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.endpoint, self.directory, self.language = endpoint, directory, language
        self.console = console or Console()
        self.errors = errors or Console(stderr=True)
        self.clock = clock or RealClock()
        self.asked_to_stop: Callable[[], bool] = lambda: False
        """Looked at once a second while a tuning runs."""

    def run(self, asked: Asked, ask: Callable[[str], str] = input) -> int:
        """Exit code: 0 tuned (accepted or not), 1 refused, ended early or the door is gone, 2 no such
        circuit."""
        quiet()
        outcome = asyncio.run(self._until_done_or_stopped(asked))
        if isinstance(outcome, int):
            return outcome
        wanted = asked.accepts
        if wanted is None:
            try:
                wanted = ask(self._say("ask")).strip().lower() in YES
            except (EOFError, KeyboardInterrupt):
                wanted = False
                self.console.print()
        if not wanted:
            self._print(self._say("declined"))
            return DONE
        return asyncio.run(self.accept(outcome))

    async def _until_done_or_stopped(self, asked: Asked) -> Run | int:
        loop = asyncio.get_running_loop()

        stopped = asyncio.Event()
        self.asked_to_stop = stopped.is_set

        def stop() -> None:
            stopped.set()
            self._print(self._say("stopping"))
            # The second one ends the tool itself, whatever it waits for.
            loop.remove_signal_handler(signal.SIGINT)

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        return await self.measure(asked)

    async def measure(self, asked: Asked) -> Run | int:
        """Have the loop tuned; the run with its proposal, or the exit code."""
        run: Run | None = None
        try:
            async with DoorClient(self.endpoint, self.directory) as door:
                if self.asked_to_stop():
                    self._fail(self._say("declined"))
                    return FAILED
                run = await begin(door, asked.circuit, asked.rule, asked.method)
                way = self._say("relay") if asked.method == "relay" else self._say("step")
                begun = self._say("begun", circuit=asked.circuit, rule=asked.rule.upper(), method=way)
                self._print(begun, dim=True)
                with self._live() as show:
                    await follow(door, run, self.clock, self.asked_to_stop, show)
        except CannotTune as problem:
            unknown = problem.key in ("tune.unknown_circuit", "tune.unknown_method")
            return self._failed(problem, BAD_INPUT if unknown else FAILED)
        except DoorError as problem:
            code = self._failed(problem)
            if run is not None:
                self._fail(self._say("gone", circuit=asked.circuit))
            return code
        code = self._show(run, asked)
        return run if code == DONE else code

    async def accept(self, run: Run) -> int:
        """Write what is proposed; the exit code."""
        written: list[str] = []

        def say(role: str, old: float, new: float) -> None:
            written.append(role)
            self._print(
                self._say(
                    "changed", point=f"{run.circuit}.{role}", old=shown(role, old), new=shown(role, new)
                )
            )

        try:
            async with DoorClient(self.endpoint, self.directory) as door:
                await accept(door, run, self.clock, say)
        except (CannotTune, DoorError) as problem:
            code = self._failed(problem)
            if written:
                self._fail(self._say("unsure", circuit=run.circuit))
            return code
        self._print(lasting(run, self.language))
        return DONE

    def _show(self, run: Run, asked: Asked) -> int:
        """Picture and words of what was found; FAILED when nothing was."""
        title = self._say("picture", circuit=run.circuit, rule=run.rule.upper())
        code = DONE if asked.plot is None else self._plot(run, asked.plot, title)
        if run.state != "done":
            # A stop that came when it was just over has made the station forget the proposal.
            why = (("why", "by_person", "text"),)
            forgotten = text("tuning_aborted", self.language, why)
            self._fail(forgotten if run.state == "idle" else ending(run, self.language))
            return FAILED
        for row in terminal(run.samples, self.language, min(self.console.width, _PICTURE_WIDTH)):
            self._print(row)
        self._print("")
        for part in found(run, self.language):
            self.console.print(part, highlight=False, markup=False)
        return code

    def _plot(self, run: Run, path: Path, title: str) -> int:
        try:
            path.write_text(svg(run.samples, title, self.language), encoding="utf-8")
        except OSError as problem:
            self._fail(self._say("plot_unwritable", file=str(path), why=problem.strerror or str(problem)))
        return DONE

    @contextmanager
    def _live(self) -> Iterator[Callable[[Run], None]]:
        """Two lines that are renewed; where no terminal can show that, one for each new state."""
        if not self.console.is_terminal:
            states: list[str] = []

            def print_state(run: Run) -> None:
                if run.state not in states[-1:]:
                    states.append(run.state)
                    self._print(f"{line(run, self.language)} · {doing(run, self.language)}")

            yield print_state
            return
        with Live(console=self.console, auto_refresh=False, transient=True) as live:

            def renew(run: Run) -> None:
                words = Text(f"{line(run, self.language)}\n{doing(run, self.language)}")
                live.update(words, refresh=True)

            yield renew

    def _say(self, key: str, **values: str) -> str:
        return fill(f"tune.{key}", self.language, values)

    def _print(self, words: str, *, dim: bool = False) -> None:
        style = "dim" if dim else ""
        self.console.print(words, style=style, highlight=False, markup=False, soft_wrap=True)

    def _fail(self, words: str) -> None:
        self.errors.print(words, style="red", highlight=False, markup=False, soft_wrap=True)

    def _failed(self, problem: CannotTune | DoorError, code: int = FAILED) -> int:
        if isinstance(problem, CannotTune):
            self._fail(fill(problem.key, self.language, problem.values))
        else:
            self._fail(sentence(problem, self.language))
        return code
