"""Plant time in three modes. The only file of the controller that may look at a real clock.

*Plant time* (`now`) never jumps: scans, poll periods, delays and back-off live in it. *Wall time*
(`wall`) is what records and schedules show; a board without a battery clock boots in 1970, so the
two may drift apart and `wall` may jump while `now` does not.

- RealClock: plant time is real time.
- RateClock: N × real time from a given epoch, so that simulator and controller in two processes,
  or a restarted controller, agree on the time.
- SteppedClock: for tests. Time stands still while any part is awake and goes to the next sleeper
  when all of them sleep. Sleepers are woken one at a time, in the order of their times and, at one
  time, of their going to sleep, so that every run gives the same trace.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol


def wire_seconds() -> float:
    """Real seconds, never jumping, from an origin of its own: for what is always real, such as a thread that
    does not answer."""
    return time.monotonic()


class Wake(Protocol):
    """Something that one part waits for in plant time and another may cut short."""

    def set(self) -> None:
        """End the current or the next wait. Safe from any thread."""

    async def wait(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` plant seconds; True (and reset) when it was set."""


class Clock(Protocol):
    """What the parts of the service sleep in (the drivers know it as `drivers.timing.Clock`)."""

    def now(self) -> float:
        """Plant seconds, never jumping; near the Unix epoch's count when the board knew the time."""

    def wall(self) -> float:
        """Unix time as the station knows it now; may jump."""

    async def sleep(self, seconds: float) -> None:
        """Sleep in plant time."""

    def wake(self) -> Wake:
        """A fresh Wake for one waiting part."""

    def part(self) -> AbstractAsyncContextManager[None]:
        """The task inside is a part that a stepped clock waits for."""

    def io(self) -> AbstractAsyncContextManager[None]:
        """Plant time stands still for what is inside (only a stepped clock cares)."""


class _EventWake:
    """A Wake over an asyncio.Event of the loop that waits first."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._is_set = False
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def set(self) -> None:
        with self._lock:
            self._is_set = True
            waiter = self._waiter
        if waiter is not None:
            loop, event = waiter
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    async def wait(self, timeout_s: float) -> bool:
        event = asyncio.Event()
        with self._lock:
            if self._is_set:
                self._is_set = False
                return True
            self._waiter = (asyncio.get_running_loop(), event)
        try:
            async with asyncio.timeout(max(timeout_s, 0.0) / self._rate):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                was_set, self._is_set, self._waiter = self._is_set, False, None
        return was_set


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


class RateClock:
    """`rate` × real time from `epoch` (Unix seconds). `origin` is the monotonic time of `epoch`."""

    def __init__(
        self, rate: float = 1.0, epoch: float | None = None, wall_origin: float | None = None
    ) -> None:
        """`wall_origin`: the real Unix time that corresponds to `epoch`; two processes that are given
        the same pair agree. Without it, `epoch` is now."""
        if rate <= 0:
            raise ValueError(f"rate {rate} must be above 0")
        self.rate = rate
        real_now = time.time()
        started = real_now if wall_origin is None else wall_origin
        self.epoch = started if epoch is None else epoch
        self._origin = time.monotonic() - (real_now - started)

    def now(self) -> float:
        return self.epoch + self.rate * (time.monotonic() - self._origin)

    def wall(self) -> float:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0) / self.rate)

    def wake(self) -> Wake:
        return _EventWake(self.rate)

    def part(self) -> AbstractAsyncContextManager[None]:
        return _nothing()

    def io(self) -> AbstractAsyncContextManager[None]:
        return _nothing()


class RealClock(RateClock):
    """Real time. `now` starts at the board's Unix time and then only counts; `wall` follows the board."""

    def __init__(self) -> None:
        super().__init__(rate=1.0)

    def wall(self) -> float:
        return time.time()


class _Sleeper:
    __slots__ = ("due", "future", "loop", "order", "wake")

    def __init__(
        self,
        due: float,
        order: int,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[bool],
        wake: _SteppedWake | None,
    ) -> None:
        self.due, self.order, self.loop, self.future, self.wake = due, order, loop, future, wake

    def __lt__(self, other: _Sleeper) -> bool:
        return (self.due, self.order) < (other.due, other.order)


class _SteppedWake:
    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock
        self.is_set = False
        self.sleeper: _Sleeper | None = None

    def set(self) -> None:
        self._clock.set_wake(self)

    async def wait(self, timeout_s: float) -> bool:
        return await self._clock.rest(timeout_s, self)


class SteppedClock:
    """Time for tests: it moves only while every part sleeps in it and no I/O is under way.

    A task takes part inside `async with clock.part():`. A part must wait for other parts only
    through the clock (`sleep`, `Wake.wait`), or time stands still for ever. Several event loops in
    several threads may share one clock.
    """

    def __init__(self, start: float = 1_357_000_000.0) -> None:
        self._now = start
        self._lock = threading.RLock()
        self._awake = 0
        self._sleepers: list[_Sleeper] = []
        self._order = itertools.count()
        self._parts: set[asyncio.Task[object]] = set()

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now

    def wake(self) -> Wake:
        return _SteppedWake(self)

    async def sleep(self, seconds: float) -> None:
        await self.rest(seconds, None)

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if task is None or task in self._parts:
            raise RuntimeError("a part is a task of its own, and only once")
        with self._lock:
            self._parts.add(task)
            self._awake += 1
        try:
            yield
        finally:
            with self._lock:
                self._parts.discard(task)
                self._awake -= 1
                self._advance()

    @asynccontextmanager
    async def io(self) -> AsyncIterator[None]:
        with self._lock:
            self._awake += 1
        try:
            yield
        finally:
            with self._lock:
                self._awake -= 1
                self._advance()

    async def rest(self, seconds: float, wake: _SteppedWake | None) -> bool:
        """Sleep `seconds`, or until `wake` is set: True then. A part counts as asleep meanwhile."""
        loop = asyncio.get_running_loop()
        is_part = asyncio.current_task() in self._parts
        with self._lock:
            if wake is not None and wake.is_set:
                wake.is_set = False
                return True
            due = self._now + max(seconds, 0.0)
            sleeper = _Sleeper(due, next(self._order), loop, loop.create_future(), wake)
            if wake is not None:
                wake.sleeper = sleeper
            heapq.heappush(self._sleepers, sleeper)
            if is_part:
                self._awake -= 1
            self._advance()
        try:
            return await sleeper.future
        except asyncio.CancelledError:
            with self._lock:
                if sleeper in self._sleepers:
                    self._sleepers.remove(sleeper)
                    heapq.heapify(self._sleepers)
                    self._awake += 1  # it runs on, to clean up
            raise
        finally:
            # Waking counts the sleeper as awake (so that time stands still until it really runs);
            # one that is no part stops counting as soon as it runs.
            with self._lock:
                if wake is not None:
                    wake.sleeper = None
                if not is_part:
                    self._awake -= 1
                    loop.call_soon(self._advance_locked)

    def set_wake(self, wake: _SteppedWake) -> None:
        """Wake the part that waits, or let its next wait return at once."""
        with self._lock:
            sleeper = wake.sleeper
            if sleeper is None or sleeper not in self._sleepers:
                wake.is_set = True
                return
            self._sleepers.remove(sleeper)
            heapq.heapify(self._sleepers)
            self._rouse(sleeper, True)

    def _advance_locked(self) -> None:
        with self._lock:
            self._advance()

    def _advance(self) -> None:
        if self._awake > 0 or not self._sleepers:
            return
        sleeper = heapq.heappop(self._sleepers)
        self._now = max(self._now, sleeper.due)
        self._rouse(sleeper, False)

    def _rouse(self, sleeper: _Sleeper, result: bool) -> None:
        self._awake += 1

        def finish() -> None:
            if not sleeper.future.done():
                sleeper.future.set_result(result)

        if sleeper.loop.is_closed():
            self._awake -= 1
            return
        sleeper.loop.call_soon_threadsafe(finish)
