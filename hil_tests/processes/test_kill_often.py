"""kill -9 of the real process at random instants, again and again: it always comes back, and nothing is lost.

`KILLS=200` in the environment makes it as many (`make campaign`); the seed is printed.
"""

import asyncio
import os
import random
import time
from itertools import pairwise
from pathlib import Path

import pytest

from controller.store.reader import HistoryReader
from hil_tests.processes.station import Field, field
from hil_tests.processes.test_kill import ValveTrace, read, write

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("KILL_SEED", "7"))
LONGEST_LIFE_S = 4.0
"""From the start of the process, which takes two seconds or three: half of the kills fall into it."""
SPEED = 10.0
pytestmark = [pytest.mark.walltime, pytest.mark.timeout(60 + 6 * KILLS)]


def test_it_comes_back_from_every_kill(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    shift = 0.0
    with field(tmp_path, SPEED) as here:
        running = here.run()
        with ValveTrace(here.port("cabinet")) as trace:
            for number in range(KILLS):
                if number % 5 == 0:
                    here.opened(running)
                    assert _shift(here) == shift, f"before kill {number} of seed {SEED}: a write is lost"
                    shift = round(chance.uniform(-2.0, 2.0), 2)
                    asyncio.run(write(here, "low.heat_curve.shift", shift))
                time.sleep(chance.uniform(0.0, LONGEST_LIFE_S))
                running.kill()
                # Normal control is tried here, and not what a crash loop makes of it (`test_crash_loop`).
                (here.state / "starts.json").unlink(missing_ok=True)
                running = here.begin()
            here.opened(running)
        assert _shift(here) == shift
        assert running.stop() == 0
    jumps = sorted(abs(b - a) for a, b in pairwise(trace.values))
    print(f"seed {SEED}: {KILLS} kills, largest jump of the valve's set-point {jumps[-1]:.2f} %")
    assert jumps[-1] <= 1.0
    assert not list((tmp_path / "state").glob("*.corrupt-*")), "no database was given up"
    assert HistoryReader(here.state).last_scan() is not None


def _shift(here: Field) -> float:
    return asyncio.run(read(here, "low.heat_curve.shift"))
