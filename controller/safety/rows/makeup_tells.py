"""Rows that tell what the guard of the makeup and the tank inlet have seen; none stops anything.

Leaks in % of the loop's volume an hour (FACTS §8): more than 0.5 warning, 1 alarm, 2 urgent. Makeup is never
stopped for a leak while the pressure holds and the tank fills.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from controller.alarms import Values
from controller.control.blocks.water.makeup_guard import STATES
from controller.points import Image, Point, reading
from controller.safety.rows.parts import below, on, shown
from controller.safety.rows.protected import Protected
from controller.safety.rules import Condition, Rule

DROPS_CLEAR_S = 1800.0
"""A burst is masked again and again while pumps start and stop, and a leak from a small vessel shows between
two fills; and it lasts while the pressure lies low."""


def makeup_tells(circuit: Protected, image: Image) -> Iterator[Rule]:
    """Stages of the leak, a pump that runs for too long, a burst, far more makeup than usual."""
    if not circuit.makeup_runs:
        return
    name = circuit.name
    state = image[f"{name}.makeup_state"]
    overrun = on(image[f"{name}.makeup_overrun"])
    shows = _shows(image, name)
    pressure = shown("pressure", image.points.get(f"{name}.return_pressure"), "pressure")
    # Of a pump that runs for too long its own row tells.
    yield Rule(
        "makeup_warning",
        name,
        lambda: _at(state, "warning") and not overrun(),
        priority="warning",
        # Standing water cools where no sensor sees it, and shrinks: half a per cent is no leak then.
        tells=lambda: circuit.plan().circulation,
        shows=shows,
    )
    yield Rule("leak_alarm", name, lambda: _at(state, "alarm"), priority="high", shows=shows)
    yield Rule("leak_urgent", name, lambda: _at(state, "urgent"), priority="urgent", shows=shows)
    yield Rule("makeup_overrun", name, overrun, priority="warning", shows=pressure)
    drops, low = on(image[f"{name}.pressure_drops"]), _lies_low(circuit, image)
    yield Rule(
        "pressure_drops",
        name,
        drops,
        until=lambda: not drops() and not low(),
        clear_s=DROPS_CLEAR_S,
        priority="urgent",
        shows=pressure,
    )
    yield Rule("makeup_excess", name, on(image[f"{name}.makeup_excess"]), priority="warning", shows=shows)


def _lies_low(circuit: Protected, image: Image) -> Condition:
    """The pressure that fell has not come back, and the other two transmitters do not deny it."""
    supply, added, pressure = (
        image.points.get(f"{circuit.name}.{role}")
        for role in ("supply_pressure", "differential_pressure", "return_pressure")
    )

    def low() -> bool:
        least = circuit.pressure_set() - circuit.pressure_low
        return below(pressure, least) and not reading(supply) - reading(added) >= least

    return low


def tank_tells(image: Image) -> Iterator[Rule]:
    """The inlet is open for too long."""
    yield Rule(
        "tank_fill_long",
        "station.tank_inlet",
        on(image.points.get("station.tank_fill_long")),
        priority="high",
        shows=shown("level", image.points.get("station.tank_level"), "length"),
    )


def _at(state: Point, stage: str) -> bool:
    return state.usable and state.value == STATES.index(stage)


def _shows(image: Image, name: str) -> Callable[[], Values]:
    """What the loop loses, what was filled in, how often."""
    leak, hour, starts = (image[f"{name}.makeup_{what}"] for what in ("leak", "hour", "starts"))
    return lambda: (
        ("leak", leak.value, "flow"),
        ("hour", hour.value, "volume"),
        ("starts", starts.value, "count"),
    )
