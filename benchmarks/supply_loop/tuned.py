"""The settings that the station's own tuning proposes, as a person would take them over."""

from __future__ import annotations

from controller.commands import Command, CommandKind
from controller.control.circuits.loop_points import REQUESTS
from controller.cycle import scan
from supply_loop.bench import ZONE
from supply_loop.steps import steady

LOAD = 0.6
LONGEST_S = 3600.0
RUNS = ("waiting", "stepping", "calculating")
TIGHT_TOLERANCE_K = 0.15
"""For steps, where the tolerance would hide the loop; the motor then starts more often."""


def tuned(load: float = LOAD) -> dict[str, float]:
    """Gain and integral time that `station tune` proposes at this share of the design load.

    Raises RuntimeError when the tuning ends without a proposal."""
    bench = steady(load, {})
    station, now = bench.rig.station, bench.plant.time
    command = Command(CommandKind.WRITE, f"{ZONE}.tuning", float(REQUESTS.index("simc")), "bench", "bench")
    answer = station.check(command)
    if not answer.accepted:
        raise RuntimeError(answer.code)
    scan(station, now, now, bench.rig.readings, [command])
    state = bench.rig[f"{ZONE}.tuning_state"]
    begin = bench.plant.time
    while state.show() in RUNS and bench.plant.time - begin < LONGEST_S:
        bench.step()
    if state.show() != "done":
        raise RuntimeError(f"tuning at {100 * load:.0f} % load: {state.show()}")
    return {
        "loop.gain": bench.rig[f"{ZONE}.tuning_gain"].value,
        "loop.integral_time": bench.rig[f"{ZONE}.tuning_integral_time"].value,
    }
