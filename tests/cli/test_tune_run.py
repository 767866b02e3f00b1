"""A tuning through a door that answers by a script: old answers, silence, and writes that fail half-way."""

import io
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from rich.console import Console

from controller.cli import tune
from controller.cli.tune_run import PATIENCE, CannotTune, Run, accept, begin, follow
from controller.control.blocks.loop.tuning import STATES
from controller.control.circuits.loop_points import REQUESTS
from controller.door import DoorError, Value
from controller.points import PointInfo, Term


class Clock:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self.time = 1000.0

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class Door:
    """Shows the state that `script` gives for a time; notes what is written."""

    def __init__(self, clock: Clock, script: Callable[[float], str], fails_at: str = "") -> None:
        self.clock, self.script, self.fails_at = clock, script, fails_at
        self.numbers = {"tuning_gain": 1.2345, "tuning_integral_time": 17.0, "loop.gain": 0.5,
                        "loop.integral_time": 80.0}  # fmt: skip
        self.written: list[tuple[str, float]] = []
        self.stands_since = math.inf

    async def __aenter__(self) -> "Door":
        return self

    async def __aexit__(self, *problem: object) -> None:
        pass

    async def catalogue(self) -> tuple[PointInfo, ...]:
        names = [f"{circuit}.tuning" for circuit in ("low", "high")]
        return tuple(PointInfo(name, "choice", "setting", writable=True) for name in names)

    async def time(self) -> float:
        return min(self.clock.time, self.stands_since)

    async def read(self, names: Iterable[str]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name in names:
            role = name.partition(".")[2]
            number = self.numbers.get(role, 0.0)
            if role == "tuning_state":
                number = float(STATES.index(self.script(self.clock.time)))
            values[name] = Value(number, "good", await self.time())
        return values

    async def write(self, name: str, value: float) -> None:
        if name == self.fails_at:
            raise DoorError("no_answer", "The station did not answer in time; look before you try again.")
        self.written.append((name, value))
        if name == "low.tuning" and value == 3:
            self.script = lambda time: "accepted"

    async def explain(self, name: str) -> Term:
        return Term(f"tuning_{self.script(self.clock.time)}")


def never() -> bool:
    return False


async def ran(door: Door, clock: Clock, is_stopped: Callable[[], bool] = never) -> tuple[Run, list[str]]:
    states: list[str] = []
    run = await begin(door, "low", "amigo")  # type: ignore[arg-type]
    await follow(door, run, clock, is_stopped, lambda run: states.append(run.state))  # type: ignore[arg-type]
    return run, states


async def test_the_refusal_of_last_time_is_not_taken_for_the_answer() -> None:
    clock = Clock()
    door = Door(clock, lambda time: "refused" if time < 1002 else "waiting" if time < 1010 else "done")
    run, states = await ran(door, clock)
    assert door.written == [("low.tuning", 2.0)]
    assert states == ["waiting"] * 7 + ["done"]
    assert run.state == "done"
    assert run.term.code == "tuning_done"
    assert run.proposal == (1.23, 17.0)


async def test_a_refusal_at_once_is_the_answer() -> None:
    clock = Clock()
    _, states = await ran(Door(clock, lambda time: "refused"), clock)
    assert states == ["refused"]


async def test_stop_is_asked_for_once() -> None:
    clock = Clock()
    door = Door(clock, lambda time: "idle" if time < 1001 else "waiting" if time < 1020 else "aborted")
    _, states = await ran(door, clock, lambda: clock.time > 1010)
    assert door.written == [("low.tuning", 2.0), ("low.tuning", 0.0)]
    assert states[-1] == "aborted"


async def test_a_station_that_stands_still_is_told() -> None:
    clock = Clock()
    door = Door(clock, lambda time: "idle" if time < 1001 else "waiting")
    door.stands_since = 1010.0
    with pytest.raises(DoorError) as problem:
        await ran(door, clock)
    assert problem.value.code == "no_answer"
    assert clock.time == pytest.approx(1010 + PATIENCE)


@pytest.mark.parametrize(
    ("circuit", "state", "key"), [("tower", "idle", "tune.unknown_circuit"), ("low", "stepping", "tune.busy")]
)
async def test_what_cannot_be_begun(circuit: str, state: str, key: str) -> None:
    door = Door(Clock(), lambda time: state)
    with pytest.raises(CannotTune) as problem:
        await begin(door, circuit, "simc")  # type: ignore[arg-type]
    assert problem.value.key == key
    assert door.written == []


async def test_a_method_is_part_of_the_request_and_an_unknown_one_is_none() -> None:
    door = Door(Clock(), lambda time: "idle")
    await begin(door, "low", "simc", "relay")  # type: ignore[arg-type]
    await begin(door, "low", "amigo", "relay")  # type: ignore[arg-type]
    assert [REQUESTS[int(value)] for _, value in door.written] == ["relay_simc", "relay_amigo"]
    with pytest.raises(CannotTune) as problem:
        await begin(door, "low", "simc", "chirp")  # type: ignore[arg-type]
    assert problem.value.key == "tune.unknown_method"
    assert problem.value.values["known"] == "relay amigo, relay simc, step amigo, step simc"
    assert len(door.written) == 2


async def test_another_proposal_than_the_shown_one_is_not_written() -> None:
    clock = Clock()
    door = Door(clock, lambda time: "idle" if time < 1001 else "done")
    run, _ = await ran(door, clock)
    door.numbers["tuning_gain"] = 2.0
    door.written.clear()
    with pytest.raises(CannotTune, match="outdated"):
        await accept(door, run, clock, lambda *change: None)  # type: ignore[arg-type]
    assert door.written == []


@pytest.mark.parametrize(
    ("fails_at", "written", "code"),
    [("", 3, 0), ("low.loop.gain", 0, 1), ("low.loop.integral_time", 1, 1), ("low.tuning", 2, 1)],
)
async def test_a_write_that_fails_half_way_is_told(
    monkeypatch: pytest.MonkeyPatch, fails_at: str, written: int, code: int
) -> None:
    clock = Clock()
    door = Door(clock, lambda time: "idle" if time < 1001 else "done")
    run, _ = await ran(door, clock)
    door.written.clear()
    door.fails_at = fails_at
    monkeypatch.setattr(tune, "DoorClient", lambda endpoint, directory: door)
    paper, complaints = io.StringIO(), io.StringIO()
    consoles = (Console(file=paper, width=100), Console(file=complaints, width=100))
    command = tune.Tune("opc.tcp://x", Path("nowhere"), "en", *consoles, clock)  # type: ignore[arg-type]
    assert await command.accept(run) == code
    wanted = [("low.loop.gain", 1.23), ("low.loop.integral_time", 17.0), ("low.tuning", 3)]
    assert door.written == wanted[:written]
    assert ("Not all of it was written" in complaints.getvalue()) == (code == 1 and written > 0)
    assert ("low.loop.gain: 0.5 → 1.23" in paper.getvalue()) == (written > 0)
    assert ("It acts from now on" in paper.getvalue()) == (code == 0)
