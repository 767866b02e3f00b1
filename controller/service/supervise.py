"""Parts that die are restarted with back-off and an alarm; they never take the others with them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from controller.clock import Clock

LONGEST_PAUSE_S = 60.0
SETTLED_S = 60.0

log = logging.getLogger(__name__)


async def keep_running(
    name: str,
    make: Callable[[], Awaitable[None]],
    clock: Clock,
    report: Callable[[str, str], None],
) -> None:
    """Run the part for ever. `report(name, why)`: "" while it runs, else why it is down."""
    pause = 1.0
    while True:
        started = clock.now()
        report(name, "")
        why = "ended"
        try:
            await make()
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            log.exception("part %s died", name)
            why = f"{type(problem).__name__}: {problem}"
        report(name, why)
        pause = 1.0 if clock.now() - started > SETTLED_S else min(2 * pause, LONGEST_PAUSE_S)
        await clock.sleep(pause)
