"""Row 5 of the safety table where a zone mixes: its pumps suck themselves dry through an open mixing valve.

Where the network does not push (an outage, a shortage), the pumps of the zone draw the primary water
themselves: the wider the valve stands open towards it, the less comes through the bypass, and the lower the
pressure at the mixing point, while the return header keeps the network's. The contact at the pumps' inlet is
one sign, the network's lost push the other; the valve is led back, not shut: what heat is left goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.points import Image, reading
from controller.safety.rows.parts import Clock, on, shown
from controller.safety.rows.protected import Protected
from controller.safety.rules import Rule

PUSH_KPA = 40.0
"""Primary supply above the zone's return: a network in service has twice that at its farthest station."""
AFTER_S = 5.0
CLOSES, OPENS = 1.0, 1.0 / 60.0
"""% a second: so quick that the contact is back within half a minute; so slow that it is found in peace."""
RESTS_S = 300.0
LEAST = 20.0


class Ceiling:
    """The valve's upper limit, %: falls while the contact is on, rests, rises again slowly."""

    def __init__(self, circuit: Protected, clock: Clock) -> None:
        self.circuit, self.clock = circuit, clock
        self.value = 100.0
        self._at = self._fell_at = 0.0

    def begin(self) -> None:
        """From where the valve stands."""
        self.value = min(max(self.circuit.valve.value, LEAST), 100.0)
        self._at = self._fell_at = self.clock()

    def move(self, sucks: bool) -> None:
        """One scan."""
        now = self.clock()
        passed, self._at = max(now - self._at, 0.0), now
        if sucks:
            self._fell_at = now
            self.value = max(self.value - CLOSES * passed, LEAST)
        elif now - self._fell_at >= RESTS_S:
            self.value = min(self.value + OPENS * passed, 100.0)


def mixing_suction_rule(circuit: Protected, image: Image) -> Iterator[Rule]:
    """The valve is led back while the pumps suck themselves dry."""
    name = circuit.name
    find = image.points.get
    contact = find(f"{name}.suction_switch")
    if not circuit.mixes or contact is None:
        return
    switch, flow = on(contact), image[f"{name}.circulation"]
    push, back = find("station.primary_supply_pressure"), find(f"{name}.return_pressure")
    ceiling = Ceiling(circuit, lambda: flow.time)

    def sucks() -> bool:
        return switch() and reading(push) - reading(back) < PUSH_KPA

    def lead_back(code: str) -> None:
        ceiling.move(switch())
        circuit.valve.limit.at_most(ceiling.value, code)

    yield Rule(
        "suction_sinks",
        name,
        sucks,
        after_s=AFTER_S,
        act=lead_back,
        begin=ceiling.begin,
        until=lambda: ceiling.value >= 100.0,
        priority="high",
        shows=shown("opening", circuit.valve, "percent"),
    )
