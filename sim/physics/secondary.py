"""Secondary network: strainer, common main and branches in parallel, each with its balancing valve.

All of it turbulent, dp = R*V^2. Branches in parallel add their conductances G = 1/sqrt(R), so the flow
shares are G_i/sum(G) and the branches together resist with 1/sum(G)^2: explicit, nothing to iterate. Each
branch is sized to take its share of the design flow with its balancing valve at the design position, the
valve taking `authority` of the branch's pressure drop there.
A short circuit (a bypass left open at the end of a branch) is one more way in parallel, whose water comes
back as warm as it went.
A strainer clogged over the share c of its free area resists 1/(1-c)^2 times as much (orifice law).
Source: parallel pipes of any hydraulics text; Petitjean, Total Hydronic Balancing, for the authority of 0.3.
"""

from __future__ import annotations

from math import sqrt

from .valve import Valve

_DESIGN_POSITION = 0.7  # room to open for a branch that turns out to be starved
_AUTHORITY = 0.3
_CLOGGED = 0.7
_BLOCKED = 0.9
_SHORT_CIRCUIT = 0.3


class Strainer:
    """Resistance (any unit) that grows with dirt."""

    __slots__ = ("clean", "clogged")

    def __init__(self, clean: float) -> None:
        self.clean = clean
        self.clogged = 0.0

    def resistance(self) -> float:
        """Resistance in the unit of the clean one."""
        free = 1.0 - self.clogged
        return self.clean / (free * free)

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Clog the share `value` (0 … 0.99) of the free area, by default 0.7.

        Raises ValueError with the allowed kinds."""
        if kind != "clogged":
            raise ValueError(f"unknown fault {kind!r} of a strainer (allowed: clogged)")
        self.clogged = min(0.99, max(0.0, _CLOGGED if value is None else value))

    def repair(self) -> None:
        """Clean the basket."""
        self.clogged = 0.0


class NetworkBranch:
    """One branch: pipe and radiators, and a balancing valve that is linear in its stroke. `frozen` is the
    part of it whose riser has frozen: that part lets nothing through."""

    __slots__ = (
        "blocked",
        "design",
        "frozen",
        "pipe_resistance",
        "short_circuit",
        "turned",
        "valve",
        "valve_command",
    )

    def __init__(self, resistance: float, stroke_time: float = 120.0) -> None:
        """`resistance` in Pa/(m3/s)^2 with the valve at its design position."""
        self.pipe_resistance = (1.0 - _AUTHORITY) * resistance
        self.valve = Valve(1.0, "linear", leakage=1e-3, stroke_time=stroke_time, stiction=0.0)
        self.valve.settle(_DESIGN_POSITION)
        # Kvs of a unit of its own: (m3/s)/sqrt(Pa) such that the valve has its share at the design position.
        self.valve.kvs = 1.0 / (sqrt(_AUTHORITY * resistance) * self.valve.opening())
        self.valve_command = _DESIGN_POSITION
        self.design = 1.0 / sqrt(resistance)
        self.blocked = 0.0
        self.frozen = 0.0
        self.short_circuit = 0.0
        self.turned = False
        """Somebody has turned the balancing valve by hand."""

    def conductance(self) -> float:
        """(m3/s) per sqrt(Pa), a short circuit included."""
        valve = self.valve.kvs * self.valve.opening()
        free = (1.0 - self.blocked) * (1.0 - self.frozen)
        through = free / sqrt(self.pipe_resistance + 1.0 / (valve * valve))
        return through + self.short_circuit * self.design

    def beside(self) -> float:
        """Share of the branch's flow that takes the short circuit."""
        return self.short_circuit * self.design / self.conductance() if self.short_circuit > 0.0 else 0.0

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin "blocked": silt, or a gate valve that somebody turned, takes the share `value` (0 … 0.999, by
        default 0.9) of the branch's free area. "opened": the balancing valve stands at the stroke `value`
        (0 … 1, by default 1) in place of its design position. "short_circuit": a bypass passes the share
        `value` (by default 0.3) of the branch's design flow beside its radiators.

        Raises ValueError with the allowed kinds."""
        if kind == "blocked":
            self.blocked = min(0.999, max(0.0, _BLOCKED if value is None else value))
        elif kind == "opened":
            self.turned = True
            self.valve_command = min(1.0, max(0.0, 1.0 if value is None else value))
            self.valve.settle(self.valve_command)
        elif kind == "short_circuit":
            self.short_circuit = max(0.0, _SHORT_CIRCUIT if value is None else value)
        else:
            allowed = "blocked, opened, short_circuit"
            raise ValueError(f"unknown fault {kind!r} of a branch (allowed: {allowed})")

    def repair(self) -> None:
        """As it should be again, the balancing valve at its design position."""
        self.blocked = self.short_circuit = 0.0
        if self.turned:
            self.turned = False
            self.valve_command = _DESIGN_POSITION
            self.valve.settle(_DESIGN_POSITION)


class SecondaryNetwork:
    """`resistance` (Pa/(m3/s)^2) of the whole and `shares` of the flow. `renew` after anything moved."""

    __slots__ = ("branches", "main", "resistance", "shares", "strainer")

    def __init__(
        self,
        design_flow: float,
        drop: float,
        strainer_drop: float,
        main_share: float,
        flow_shares: tuple[float, ...],
    ) -> None:
        """`drop` Pa at `design_flow` (m3/s) over all, `strainer_drop` of it in the strainer; of the rest the
        share `main_share` in the common main."""
        square = design_flow * design_flow
        self.strainer = Strainer(strainer_drop / square)
        rest = (drop - strainer_drop) / square
        self.main = main_share * rest
        parallel = rest - self.main
        self.branches = [NetworkBranch(parallel / (share * share)) for share in flow_shares]
        self.shares = flow_shares
        self.resistance = 0.0
        self.renew()

    def renew(self) -> None:
        """Solve anew."""
        conductances = [branch.conductance() for branch in self.branches]
        total = sum(conductances)
        self.shares = tuple(conductance / total for conductance in conductances)
        self.resistance = self.strainer.resistance() + self.main + 1.0 / (total * total)

    def balance(self, strokes: tuple[float, ...]) -> None:
        """Somebody turns the balancing valves to these strokes (0 … 1), one a branch."""
        for branch, stroke in zip(self.branches, strokes, strict=True):
            branch.valve.settle(stroke)
            branch.valve_command = stroke
        self.renew()

    def step(self, dt: float) -> None:
        """Move the balancing valves towards their commands for `dt` s and solve."""
        for branch in self.branches:
            branch.valve.step(dt, branch.valve_command)
        self.renew()
