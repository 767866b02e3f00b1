"""A tuning through the door: ask for it, look until it is over, accept what it proposes.

The experiment and its safety are the station's: this is a client of the door that asks, shows and, when a
person says so, writes two settings. It may go away at any time; a tuning that nobody accepts changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.cli.tune_picture import Sample
from controller.clock import Clock
from controller.control.blocks.loop.tuning import STATES
from controller.control.circuits.loop_points import REQUESTS, TUNES
from controller.door import DoorClient, DoorError, Value
from controller.points import Quality, Term

PERIOD_S = 1.0
SETTLED_S = 2.5
"""A command is in force two scans after the door took it; a state older than that is not its answer."""
PATIENCE = 30
"""So many looks without a new scan, and the station counts as silent."""
ACTIVE = ("waiting", "stepping", "calculating")
KEPT = ("loop.gain", "loop.integral_time")
"""Settings that a person's accept writes, in the order of `Run.proposal`."""
_SHOWN = ("supply_temperature", "supply_setpoint", "valve_command", "valve_position")


class CannotTune(Exception):
    """No such circuit or method, or this cannot be asked now. `key` of the texts, and its values."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass
class Run:
    """A tuning as the tool has seen it."""

    circuit: str
    rule: str
    state: str = "idle"
    term: Term = field(default_factory=lambda: Term("tuning_idle"))
    values: dict[str, Value] = field(default_factory=dict)
    """By role, without the circuit's name."""
    samples: list[Sample] = field(default_factory=list)

    def number(self, role: str) -> float:
        """Value of a role; NaN where it is not good enough or not there."""
        value = self.values.get(role)
        return math.nan if value is None or value.grade is Quality.BAD else value.value

    @property
    def proposal(self) -> tuple[float, float]:
        """Gain and integral time to write: three digits, so that the file can say the same."""
        return plain(self.number("tuning_gain")), plain(self.number("tuning_integral_time"))


def plain(value: float) -> float:
    """The value with three digits."""
    return float(f"{value:.3g}")


async def begin(door: DoorClient, circuit: str, rule: str, method: str = "step") -> Run:
    """Ask for a tuning by a rule and a method of `TUNES`. CannotTune: unknown_circuit, unknown_method, busy.
    DoorError: not_allowed …"""
    asked = next((request for request, way in TUNES.items() if way == (method, rule)), None)
    if asked is None:
        ways = sorted(" ".join(way) for way in TUNES.values())
        raise CannotTune("tune.unknown_method", asked=f"{method} {rule}", known=", ".join(ways))
    names = {info.name for info in await door.catalogue()}
    known = sorted(name.partition(".")[0] for name in names if name.endswith(".tuning"))
    if circuit not in known:
        raise CannotTune("tune.unknown_circuit", circuit=circuit, known=", ".join(known))
    run = Run(circuit, rule)
    roles = [role for role in _SHOWN if f"{circuit}.{role}" in names]
    run.values = dict.fromkeys(
        [*roles, "tuning_state", "tuning_progress", "tuning_gain", "tuning_integral_time", *KEPT],
        Value(math.nan, "bad: no_reading", math.nan),
    )
    await _read(door, run)
    if run.state in ACTIVE:
        raise CannotTune("tune.busy", circuit=circuit)
    await door.write(f"{circuit}.tuning", REQUESTS.index(asked))
    return run


async def follow(
    door: DoorClient,
    run: Run,
    clock: Clock,
    is_stopped: Callable[[], bool],
    show: Callable[[Run], None],
) -> None:
    """Look every second until the tuning is over; `show` after each look. Once `is_stopped`, it asks the
    station to end it. DoorError: not_reachable, no_answer …"""
    asked, last, silent, told = await door.time(), -math.inf, 0, False
    while True:
        await clock.sleep(PERIOD_S)
        if is_stopped() and not told:
            told = True
            await door.write(f"{run.circuit}.tuning", REQUESTS.index("stop"))
            asked = await door.time()
        await _read(door, run)
        time = run.values["tuning_state"].time
        if not time > last:
            silent += 1
            if silent >= PATIENCE:
                raise DoorError("no_answer", "The station did not answer in time.")
            continue
        silent, last = 0, time
        if time < asked + SETTLED_S:
            continue
        run.term = await door.explain(f"{run.circuit}.tuning_state")
        run.samples.append(_sample(run, time))
        show(run)
        if run.state not in ACTIVE:
            return


async def accept(door: DoorClient, run: Run, clock: Clock, say: Callable[[str, float, float], None]) -> None:
    """Write what the run proposes as a person's own commands; `say(role, old, new)` after each one.

    CannotTune: outdated. DoorError: not_allowed, out_of_range …
    """
    shown = run.proposal
    await _read(door, run)
    if run.state != "done" or run.proposal != shown:
        raise CannotTune("tune.outdated")
    for role, new in zip(KEPT, shown, strict=True):
        old = run.number(role)
        await door.write(f"{run.circuit}.{role}", new)
        say(role, old, new)
    await door.write(f"{run.circuit}.tuning", REQUESTS.index("accept"))
    for _ in range(PATIENCE):
        await clock.sleep(PERIOD_S)
        await _read(door, run)
        if run.state == "accepted":
            run.term = await door.explain(f"{run.circuit}.tuning_state")
            return
    raise DoorError("no_answer", "The station did not answer in time.")


async def _read(door: DoorClient, run: Run) -> None:
    names = {f"{run.circuit}.{role}": role for role in run.values}
    run.values = {names[name]: value for name, value in (await door.read(names)).items()}
    state = run.number("tuning_state")
    run.state = STATES[int(state)] if math.isfinite(state) else "idle"


def _sample(run: Run, time: float) -> Sample:
    position = run.number("valve_position")
    valve = position if math.isfinite(position) else run.number("valve_command")
    return Sample(time, run.number("supply_temperature"), run.number("supply_setpoint"), valve)
