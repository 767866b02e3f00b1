"""Flood (FACTS §8): the contact alone alarms; with a second sign makeup is limited, then stopped.

The second sign is makeup above three times the usual (`makeup_excess`; in the first days, when nothing is
usual yet, three times what a tight loop loses in an hour) or a pressure that falls by more than 20 kPa a
minute (`pressure_drops`), now or shortly before: the floor is wet later than the pipe breaks. A hand that
holds a makeup pump on keeps the pressure up and hides the fall: what was filled in counts then. Makeup stops
once that much goes on, or the pressure lies at its low alarm, for 15 min. Heat is closed off only when the
primary pressure falls as well, or a second, higher contact is wet for 60 s; else a person does it. A row ends
when the contacts have been dry for a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.points import Image
from controller.safety.rows.parts import Clock, Portions, above, at_most, below, on, shown
from controller.safety.rows.protected import Protected
from controller.safety.rows.signs import Fall, Recent
from controller.safety.rules import Condition, Rule

CONFIRMED_S = 10.0
WET_S = 2.0
"""Makeup is limited as soon as the contact is told: one sign is enough for what only limits, and people hear
of the leak rather than of the wet floor first and then of the leak."""
REMEMBERED_S = 1800.0
PORTION_S, PORTION_OF_S = 60.0, 300.0
"""Makeup under flood: a fifth of the time (own judgement)."""
STOPPED_AFTER_S = 900.0
USUAL_TIMES = 3.0
HIGH_CONTACT_S = 60.0
FALL_KPA, FALL_S = 20.0, 60.0
"""Of the loop (FACTS §8). Seen here as well as by the circuit's own guard: a circuit that is broken sees
nothing."""
PRIMARY_FALL_KPA, PRIMARY_FALL_S = 50.0, 60.0
"""Own judgement: pumps of the network move less within a minute."""
DRY_S = 60.0


def flood_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """Rows of one circuit; the contacts are the station's."""
    find = image.points.get
    now_point = image[f"{circuit.name}.circulation"]
    low, high = on(find("station.flood")), on(find("station.flood_high"))

    def clock() -> float:
        return now_point.time

    def wet() -> bool:
        return low() or high()

    def dry() -> bool:
        return not wet()

    if circuit.makeup_runs:
        yield from _makeup(circuit, image, wet, clock)
    falls = [
        Fall(find(f"station.primary_{side}_pressure"), clock, PRIMARY_FALL_KPA, PRIMARY_FALL_S)
        for side in ("supply", "return")
    ]

    def fell() -> bool:
        """All are asked in every scan: each keeps its own window."""
        seen = [fall() for fall in falls]
        return any(seen)

    primary_fell = Recent(fell, clock, REMEMBERED_S)
    yield Rule(
        "flood_primary",
        circuit.name,
        lambda: primary_fell() and wet(),
        after_s=CONFIRMED_S,
        act=at_most([circuit.valve], 0.0),
        until=_watching(primary_fell, dry),
        clear_s=DRY_S,
        priority="urgent",
        shows=shown("pressure", find("station.primary_supply_pressure"), "pressure"),
    )
    yield Rule(
        "flood_high",
        circuit.name,
        lambda: low() and high(),
        after_s=HIGH_CONTACT_S,
        act=at_most([circuit.valve], 0.0),
        until=dry,
        clear_s=DRY_S,
        priority="urgent",
    )


def _watching(sign: Condition, until: Condition) -> Condition:
    """`until`, and the sign goes on being asked while its row acts: what it saw then counts for the next
    time."""

    def ended() -> bool:
        sign()
        return until()

    return ended


def _makeup(circuit: Protected, image: Image, wet: Condition, clock: Clock) -> Iterator[Rule]:
    """Stopped stands before limited: the stronger row names the reason."""
    name = circuit.name
    much, drops = (
        on(image.points.get(f"{name}.makeup_excess")),
        on(image.points.get(f"{name}.pressure_drops")),
    )
    pressure, hour = (image.points.get(f"{name}.{role}") for role in ("return_pressure", "makeup_hour"))
    falls = Fall(pressure, clock, FALL_KPA, FALL_S)

    def loses_now() -> bool:
        """All are asked in every scan: the fall keeps a window of its own."""
        seen = falls()
        return seen or much() or drops() or above(hour, USUAL_TIMES * circuit.loop_loses)

    loses = Recent(loses_now, clock, REMEMBERED_S)
    portions = Portions(circuit.makeup_runs, clock, PORTION_S, PORTION_OF_S)
    shows = shown("pressure", pressure, "pressure")

    def dry() -> bool:
        return not wet()

    def goes_on() -> bool:
        """Limited already, and it does not help."""
        limited = clock() - portions.acted_at <= CONFIRMED_S
        return (
            wet() and limited and (much() or below(pressure, circuit.pressure_set() - circuit.pressure_low))
        )

    yield Rule(
        "flood_makeup_stop",
        name,
        goes_on,
        after_s=STOPPED_AFTER_S,
        act=at_most(circuit.makeup_runs, 0.0),
        until=dry,
        clear_s=DRY_S,
        priority="urgent",
        shows=shows,
    )
    yield Rule(
        "flood_makeup",
        name,
        lambda: loses() and wet(),
        after_s=WET_S,
        act=portions,
        begin=portions.begin,
        until=_watching(loses, dry),
        clear_s=DRY_S,
        priority="urgent",
        shows=shows,
    )
