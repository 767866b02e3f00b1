"""Breaking and mending: what a `Break` does to a rig."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn, get_args

from controller.commands import Command, CommandKind
from controller.station import LONGEST_OVERRIDE_S
from sim.bank import HEALTHY, Behaviour, Kind
from sim.campaign.cells import Break
from sim.rig import Rig

_LATE_S = 3.0
_KINDS = {kind: kind for kind in get_args(Kind)}


class Deliberate(Exception):
    """Thrown where a part of the program is made to fail."""


def _throw(*_: Any, **__: Any) -> NoReturn:
    raise Deliberate


class _Throwing:
    """Stands in the place of a part: its `step` throws, all the rest is the part's own."""

    def __init__(self, whole: Any) -> None:
        self.whole = whole
        self.step = _throw

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


class Breaker:
    """Breaks of one cell on one rig."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._mend: list[Callable[[], None]] = []

    def begin(self, one: Break) -> None:
        """Break it."""
        rig = self._rig
        match one.target:
            case "plant" | "wire":
                rig.fault(one.on, one.kind, one.value)
                self._mend.append(lambda: rig.clear(one.on))
            case "swap":
                rig.swap(one.on, one.other)
                self._mend.append(lambda: rig.swap(one.on, one.other))
            case "device":
                takes = _LATE_S if one.kind in ("slow", "late") else 0.0
                rig.behave(one.on, Behaviour(_KINDS[one.kind], takes))
                self._mend.append(lambda: rig.behave(one.on, HEALTHY))
            case "clock":
                self._clock(one)
            case "controller":
                rig.restart(remember=one.kind != "restart_forgetful", safe_mode=one.kind == "safe_mode")
            case "program":
                self._program(one.on)
            case "hand":
                self._hand(one.on, one.value or 0.0)

    def end(self) -> None:
        """Mend everything, the last first."""
        while self._mend:
            self._mend.pop()()

    def _clock(self, one: Break) -> None:
        rig = self._rig
        match one.kind:
            case "epoch_1970":
                rig.wall_ahead_s, rig.clock_trusted = -rig.plant.time, False
            case "untrusted":
                rig.clock_trusted = False
            case _:
                rig.wall_ahead_s = one.value or 0.0

        def mend() -> None:
            rig.wall_ahead_s, rig.clock_trusted = 0.0, True

        self._mend.append(mend)

    def _hand(self, output: str, value: float) -> None:
        """A person overrides an output for as long as is allowed, and releases it."""

        def give(kind: CommandKind) -> None:
            rig = self._rig
            command = Command(kind, output, value, "campaign", "local", LONGEST_OVERRIDE_S, "campaign")
            answer = rig.station.check(command)
            if not answer.accepted:
                raise ValueError(f"{output}: {answer.code}")
            now = rig.plant.time
            rig.events.append(rig.station.apply(command, now, now + rig.wall_ahead_s))

        give(CommandKind.OVERRIDE)
        self._mend.append(lambda: give(CommandKind.RELEASE))

    def _program(self, part: str) -> None:
        station = self._rig.station
        kind, _, name = part.partition(" ")
        if kind == "circuit":
            holder = next(h for h in station.circuits if h.name == name)
            guard = holder._guard
            # Whatever the circuit does in there throws.
            holder.__dict__["_guard"] = lambda _, tick: guard(_throw, tick)
            self._mend.append(lambda: holder.__dict__.pop("_guard", None))
        elif kind == "rule":
            rules = station.table.rules
            station.table.rules = tuple(
                replace(rule, when=_throw, until=_throw) if f"{rule.code} {rule.subject}" == name else rule
                for rule in rules
            )

            self._mend.append(lambda: setattr(station.table, "rules", rules))
        elif kind.startswith("substitute_"):
            self._replace(station.substitutes[int(kind.removeprefix("substitute_"))])
        elif kind in (proof.point.name for proof in station.proofs):
            self._replace(next(proof for proof in station.proofs if proof.point.name == kind))
        else:
            self._replace(getattr(station, kind))

    def _replace(self, whole: Any) -> None:
        """Put something that throws in the place of a part of the station, wherever it stands."""
        station, broken = self._rig.station, _Throwing(whole)
        names = [name for name, part in vars(station).items() if part is whole]
        rows: list[list[Any]] = [station.substitutes, station.proofs]

        def put(old: Any, new: Any) -> None:
            for name in names:
                setattr(station, name, new)
            for row in rows:
                row[:] = [new if part is old else part for part in row]

        put(whole, broken)
        self._mend.append(lambda: put(broken, whole))
