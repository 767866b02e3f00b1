"""Parts that die or hang are restarted with back-off and an alarm; they never take the others with them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from functools import partial

from controller.clock import Clock

LONGEST_PAUSE_S = 60.0
SETTLED_S = 60.0
HANGS_AFTER_S = 120.0
"""No sign of life for so long after it was due: the part hangs. Plant seconds, as all delays are; long enough
for a slow disk or wire while a simulation runs many times faster than the clock on the wall."""
LOOK_S = 10.0
HANGS = f"hangs: no sign of life for {HANGS_AFTER_S:g} s"

log = logging.getLogger(__name__)


async def keep_running(
    name: str,
    make: Callable[[], Awaitable[None]],
    clock: Clock,
    report: Callable[[str, str], None],
    alive: Callable[[], float],
) -> None:
    """Run the part for ever. `report(name, why)`: "" while it runs, else why it is down, until it works
    again: what dies once a minute would else be well once a minute. `alive`: plant seconds of its last sign
    of life, or of when the next one is due; inf while it starts."""
    task = asyncio.current_task()
    assert task is not None
    pause, down = 1.0, False
    while True:
        started = clock.now()
        if not down:
            report(name, "")
        why = "ended"
        tell = partial(report, name)
        watch = asyncio.create_task(_look(task, clock, alive, tell, down=down))
        down = True
        try:
            await make()
        except asyncio.CancelledError:
            if not watch.done() or task.uncancel():
                raise
            why = HANGS
            log.error("part %s %s", name, why)
        except Exception as problem:
            log.exception("part %s died", name)
            why = f"{type(problem).__name__}: {problem}"
        finally:
            watch.cancel()
        report(name, why)
        pause = 1.0 if clock.now() - started > SETTLED_S else min(2 * pause, LONGEST_PAUSE_S)
        await clock.sleep(pause)


async def _look(
    task: asyncio.Task[None],
    clock: Clock,
    alive: Callable[[], float],
    tell: Callable[[str], None],
    *,
    down: bool,
) -> None:
    """Return once the part hangs; it has been told and cancelled then, in this order: it may hang again in
    what it does at its end. One that was `down` is well after its second sign of life, so that one that hangs
    or dies again at once is told all the time."""
    since, first = clock.now(), math.inf
    while clock.now() - max(alive(), since) <= HANGS_AFTER_S:
        life = alive()
        if down and first < life < math.inf:
            tell("")
            down = False
        first = min(first, life)
        await clock.sleep(LOOK_S)
    tell(HANGS)
    task.cancel()
