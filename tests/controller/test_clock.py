"""The three clocks."""

import asyncio
import threading

import pytest

from controller.clock import RateClock, SteppedClock


async def _sleeper(
    clock: SteppedClock, name: str, period: float, times: int, trace: list[tuple[str, float]]
) -> None:
    async with clock.part():
        for _ in range(times):
            await clock.sleep(period)
            trace.append((name, clock.now()))


async def _race() -> list[tuple[str, float]]:
    clock, trace = SteppedClock(0.0), []
    async with clock.io():
        tasks = [
            asyncio.create_task(_sleeper(clock, "a", 1.0, 6, trace)),
            asyncio.create_task(_sleeper(clock, "b", 1.5, 4, trace)),
            asyncio.create_task(_sleeper(clock, "c", 3.0, 2, trace)),
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    return trace


async def test_stepped_clock_wakes_in_the_order_of_time_and_gives_the_same_trace_every_run():
    first = await _race()
    assert [time for _, time in first] == sorted(time for _, time in first)
    assert first[-1][1] == 6.0
    for _ in range(5):
        assert await _race() == first


async def test_stepped_clock_stands_still_while_io_is_under_way():
    clock = SteppedClock(0.0)
    trace: list[tuple[str, float]] = []
    async with clock.io():
        task = asyncio.create_task(_sleeper(clock, "a", 1.0, 1, trace))
        await asyncio.sleep(0.02)
        assert clock.now() == 0.0
    await task
    assert clock.now() == 1.0


async def test_wake_ends_a_wait_early_and_is_remembered():
    clock = SteppedClock(0.0)
    wake = clock.wake()
    seen: list[tuple[bool, float]] = []

    async def waiter() -> None:
        async with clock.part():
            seen.append((await wake.wait(10.0), clock.now()))
            seen.append((await wake.wait(10.0), clock.now()))
            await clock.sleep(20.0)
            seen.append((await wake.wait(10.0), clock.now()))

    async def setter() -> None:
        async with clock.part():
            await clock.sleep(3.0)
            wake.set()
            await clock.sleep(20.0)
            wake.set()

    async with clock.io():
        tasks = [asyncio.create_task(waiter()), asyncio.create_task(setter())]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert seen == [(True, 3.0), (False, 13.0), (True, 33.0)]


async def test_a_cancelled_sleeper_does_not_stop_time():
    clock, trace = SteppedClock(0.0), []
    async with clock.io():
        lost = asyncio.create_task(_sleeper(clock, "lost", 5.0, 1, trace))
        task = asyncio.create_task(_sleeper(clock, "a", 1.0, 10, trace))
        await asyncio.sleep(0)
        lost.cancel()
        await asyncio.gather(lost, return_exceptions=True)
    await task
    assert trace[-1] == ("a", 10.0)


async def test_two_loops_in_two_threads_share_one_stepped_clock():
    clock, trace = SteppedClock(0.0), []
    started = threading.Event()

    def other() -> None:
        async def main() -> None:
            task = asyncio.create_task(_sleeper(clock, "other", 2.0, 5, trace))
            await asyncio.sleep(0)
            started.set()
            await task

        asyncio.run(main())

    async with clock.io():
        thread = threading.Thread(target=other)
        thread.start()
        task = asyncio.create_task(_sleeper(clock, "main", 1.0, 10, trace))
        await asyncio.to_thread(started.wait, 5.0)
    await task
    await asyncio.to_thread(thread.join, 5.0)
    assert [time for _, time in trace] == sorted(time for _, time in trace)
    assert len(trace) == 15


async def test_rate_clocks_of_two_processes_agree():
    one = RateClock(10.0, epoch=1000.0, wall_origin=500.0)
    two = RateClock(10.0, epoch=1000.0, wall_origin=500.0)
    assert one.now() == pytest.approx(two.now(), abs=0.5)


def test_a_rate_of_zero_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        RateClock(0.0)
