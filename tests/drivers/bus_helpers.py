"""What the bus tests share: a profile to poll, a bus that runs, and plant time that passes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from drivers.bus import Bus
from drivers.profile import Profile

POINT = {"vendor": "x", "type": "uint16", "poll": "1 s"}


def profile_of(points: dict[str, dict[str, Any]], **more: Any) -> Profile:
    """A device type with these points; replies within 20 ms."""
    return Profile.model_validate(
        {
            "device": "test/device",
            "title": {"en": "test", "zh": "测试"},
            "kind": "io",
            "source": "this test",
            "timing": {"reply": "20 ms"},
            "points": {name: POINT | point for name, point in points.items()},
            **more,
        }
    )


@contextlib.asynccontextmanager
async def running(bus: Bus) -> AsyncIterator[asyncio.Task[None]]:
    """Run the bus; whatever ends the test ends it too."""
    task = asyncio.create_task(bus.run())
    await asyncio.sleep(0)  # it becomes a part of the clock before plant time moves
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        if task.done() and not task.cancelled() and task.exception():
            raise task.exception()  # type: ignore[misc]


async def until(clock: Any, condition: Callable[[], bool], within_s: float, step_s: float = 0.25) -> float:
    """Let plant time pass until the condition holds; the time it took. Fails after `within_s`."""
    start = clock.now()
    while not condition():
        assert clock.now() - start < within_s, f"not within {within_s} s of plant time"
        await clock.sleep(step_s)
    return float(clock.now() - start)
