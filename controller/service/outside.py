"""The outside thread: door, store and state, with a loop of their own.

Between this thread and main go values only: the newest snapshot and events out, commands in, answers
back. What is slow or gone outside never holds up a scan.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from controller.clock import Clock, wire_seconds
from controller.commands import Answer, Command, CommandKind
from controller.points import AlarmView, Event, Override, PointInfo, Snapshot, Term
from controller.service.supervise import keep_running
from controller.settings.station import StationFile
from controller.store.blackbox import BlackBox, BoxLimits
from controller.store.history import Store
from controller.store.state import NotSaved, StateStore
from controller.texts import alarm
from controller.upstream.opcua import Door
from controller.upstream.users import Users, lay_token

STATE_PERIOD_S = 60.0
STOP_WITHIN_S = 8.0

log = logging.getLogger(__name__)
T = TypeVar("T")


class Main(Protocol):
    """What main offers to the outside; every coroutine runs on main's loop."""

    async def check(self, command: Command) -> Answer:
        """May it be taken? Audited either way."""

    async def enqueue(self, command: Command) -> None:
        """For the next scan."""

    async def explain(self, point: str) -> Term:
        """Why a point has its value."""

    async def state(self) -> dict[str, Any]:
        """What must survive a restart."""

    async def file_value(self, setting: str) -> float | None:
        """What the file says of an adjustable setting; None for a request that is not remembered."""

    async def lasts_s(self, command: Command) -> float | None:
        """How long what it sets lasts, plant seconds; None for what does not end by itself."""


class Outside:
    """Starts the thread, hands snapshots over, stops it."""

    def __init__(
        self,
        file: StationFile,
        catalogue: Sequence[PointInfo],
        directory: Path,
        endpoint: str,
        clock: Clock,
        state_store: StateStore,
        main: Main,
        report: Callable[[str, str], None],
    ) -> None:
        """`report(part, why)` is called from this thread: "" when a part runs again."""
        self._directory = directory
        self._clock = clock
        self._state_store = state_store
        self._main = main
        self._report = report
        self.listeners: list[Callable[[Snapshot, Sequence[Event]], None]] = []
        """Called on main with every scan; must not block or raise."""
        self._newest: Snapshot | None = None
        self._door_alive_at = self._state_alive_at = math.inf
        self._published = clock.wake()
        self._save_now = clock.wake()
        self._ended: dict[str, float] = {}
        """Outputs whose hand trips have ended, and when: it must not come back with a restart."""
        self._main_loop: asyncio.AbstractEventLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._beat_at: float | None = None
        self.started = threading.Event()
        record = file.record
        self.store = Store(
            directory, catalogue, clock, sample_period_s=record.period, keep_days=record.keep / 86400
        )
        box = file.blackbox
        self.blackbox = BlackBox(
            directory,
            file.station.name,
            catalogue,
            clock,
            BoxLimits(box.before, box.after, box.pause, box.keep, box.megabytes * 1_000_000),
        )
        self.users = Users(directory)
        language = file.station.language

        def say(row: AlarmView) -> str:
            return alarm(row.code, row.subject, language, row.values)

        self.door = Door(
            endpoint,
            file.station.name,
            catalogue,
            directory,
            self.users,
            self.take,
            self.explain,
            clock,
            say=say,
        )

    # ---- called from main

    def start(self, main_loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread; `started` is set once its parts have begun."""
        self._main_loop = main_loop
        self._beat_at = wire_seconds()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="outside", daemon=True)
        self._thread.start()

    def offer(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """The newest scan; never blocks."""
        self.store.offer(snapshot, events)
        self.blackbox.offer(snapshot, events)
        self._ended |= {event.subject: event.time for event in events if event.code == "override_tripped"}
        for listener in self.listeners:
            listener(snapshot, events)
        self._newest = snapshot
        self._published.set()

    @property
    def silent_s(self) -> float:
        """Wire seconds since the thread last answered; 0 before its start."""
        return 0.0 if self._beat_at is None else wire_seconds() - self._beat_at

    def stop(self) -> None:
        """Flush, close, end the thread. Blocks up to some seconds: call it off the loop."""
        self.started.set()  # nobody need wait for it any longer
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(STOP_WITHIN_S)

    # ---- the thread

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        beat = asyncio.create_task(self._beat(), name="beat")
        self._lay_token()
        await self._open_state()
        parts = {
            "store": (self.store.run, lambda: self.store.alive_at),
            "door": (self._serve_door, lambda: self._door_alive_at),
            "state": (self._save_state, lambda: self._state_alive_at),
            "blackbox": (self.blackbox.run, lambda: self.blackbox.alive_at),
        }
        tasks = [
            asyncio.create_task(keep_running(name, make, self._clock, self._report, alive), name=name)
            for name, (make, alive) in parts.items()
        ]
        await asyncio.sleep(0)  # noqa: TID251  # let the parts enter the clock before time goes on
        self.started.set()
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._last_state()
        await self._state_store.close()
        beat.cancel()

    async def _beat(self) -> None:
        while True:
            self._beat_at = wire_seconds()
            await asyncio.sleep(1.0)  # noqa: TID251  # this loop answers, in real time

    def _lay_token(self) -> None:
        """Without a new token the tools on the board use the one of before, if there is one."""
        try:
            lay_token(self._directory)
        except OSError as problem:
            log.error("no token for the tools of this board: %s", problem)
            self._report("token", problem.strerror or str(problem))

    async def _open_state(self) -> None:
        try:
            await self._state_store.open()
        except NotSaved as problem:
            self._report("state", str(problem))

    async def _serve_door(self) -> None:
        self._door_alive_at = math.inf
        async with self._clock.part():
            await self.door.start()
            try:
                while True:
                    self._door_alive_at = self._clock.now()
                    await self._published.wait(10.0)
                    snapshot = self._newest
                    if snapshot is not None:
                        await self.door.publish(snapshot)
            finally:
                await self.door.stop()

    async def _save_state(self) -> None:
        async with self._clock.part():
            while True:
                self._state_alive_at = self._clock.now() + STATE_PERIOD_S
                await self._save_now.wait(STATE_PERIOD_S)
                self._state_alive_at = self._clock.now()
                for output, time in list(self._ended.items()):
                    await self._state_store.release(output, time)
                    self._ended.pop(output, None)
                await self._state_store.save_state(await self._on_main(self._main.state()))

    async def _last_state(self) -> None:
        try:
            async with asyncio.timeout(STOP_WITHIN_S / 2):
                await self._state_store.save_state(await self._on_main(self._main.state()))
        except (NotSaved, TimeoutError, RuntimeError) as problem:
            log.error("last state not saved: %s", problem)

    async def _on_main(self, call: Coroutine[Any, Any, T]) -> T:
        assert self._main_loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._main_loop))

    # ---- what the door asks

    async def explain(self, point: str) -> Term:
        """Runs on main: the blocks' terms belong to the last scan."""
        return await self._on_main(self._main.explain(point))

    async def take(self, command: Command) -> Answer:
        """Rights were checked by the door. Range → kept on disk → answered → applied by the next scan."""
        answer = await self._on_main(self._main.check(command))
        if not answer.accepted:
            return answer
        try:
            await self._keep(command)
        except NotSaved as problem:
            log.error("command taken, not saved: %s", problem)
            answer = Answer(True, "taken_not_saved", answer.values)
            self._report("state", str(problem))
        else:
            self._report("state", "")
        await self._on_main(self._main.enqueue(command))
        return answer

    async def _keep(self, command: Command) -> None:
        now = self._clock.now()
        if command.kind is CommandKind.RELEASE:
            await self._state_store.release(command.subject)
            return
        lasts_s = await self._on_main(self._main.lasts_s(command))
        if lasts_s is not None:
            hand = Override(command.value, command.user, command.source, now + lasts_s, command.reason)
            await self._state_store.save_override(command.subject, hand, now)
        elif command.kind is CommandKind.WRITE:
            file_value = await self._on_main(self._main.file_value(command.subject))
            if file_value is not None:
                wall = self._clock.wall()
                await self._state_store.save_setting(
                    command.subject, command.value, file_value, command.user, command.source, wall
                )
