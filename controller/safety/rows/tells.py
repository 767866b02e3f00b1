"""Rows of the safety table that only raise an alarm, for one circuit."""

from __future__ import annotations

import math
from collections.abc import Iterator

from controller.control.blocks.parts.drive import STATES
from controller.points import Image, reading
from controller.safety.rows.parts import below, on
from controller.safety.rows.protected import Protected
from controller.safety.rules import Rule

SUPPLY_LOW_K = 5.0
BYPASS_S = 5.0
LOCKED_OUT = STATES.index("locked_out")


def tell_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """Rows that only raise an alarm."""
    find = image.points.get
    name = circuit.name
    yield Rule(
        "pressure_low",
        name,
        lambda: (
            circuit.filled() and below(circuit.pressure_held(), circuit.pressure_set() - circuit.pressure_low)
        ),
        after_s=60.0,
        priority="high",
        shows=lambda: (("pressure", reading(circuit.pressure_held()), "pressure"),),
    )
    position = find(f"{name}.valve_position")

    def astray() -> bool:
        return (
            position is not None
            and position.usable
            and math.isfinite(circuit.valve.value)
            and abs(position.value - circuit.valve.value) > 5.0
        )

    yield Rule(
        "valve_astray",
        f"{name}.valve_command",
        astray,
        after_s=circuit.stroke_time + 15.0,
        priority="high",
        shows=lambda: (
            ("command", circuit.valve.value, "percent"),
            ("position", position.value if position is not None else math.nan, "percent"),
        ),
    )
    mode = image[f"{name}.valve_mode"]
    yield Rule(
        "supply_lost",
        f"{name}.supply_temperature",
        lambda: mode.usable and mode.show() in ("holds", "estimates", "day_average"),
        after_s=5.0,
        priority="high",
        shows=lambda: (("opening", circuit.valve.value, "percent"),),
    )
    supply, setpoint = image[f"{name}.supply_temperature"], image[f"{name}.supply_setpoint"]

    def wanted() -> float:
        return setpoint.value if setpoint.usable else circuit.supply_least()

    yield Rule(
        "supply_low",
        name,
        lambda: below(supply, wanted() - SUPPLY_LOW_K),
        after_s=1800.0,
        until=lambda: not below(supply, wanted() - SUPPLY_LOW_K / 2),
        priority="high",
        shows=lambda: (
            ("temperature", supply.value, "temperature"),
            ("setpoint", wanted(), "temperature"),
            ("opening", circuit.valve.value, "percent"),
        ),
    )
    yield Rule(
        "mode_left",
        name,
        lambda: bool(circuit.mode_left()),
        after_s=5.0,
        priority="warning",
        shows=lambda: (("why", circuit.mode_left(), "text"),),
    )


def pump_tells(circuit: Protected, image: Image) -> Iterator[Rule]:
    """Pumps that failed, are locked out, or run past their drive."""
    for run in (*circuit.pump_runs, *circuit.makeup_runs):
        pump = run.name.removesuffix("_run")
        failure = image[f"{pump}_failure"]
        yield Rule(
            "pump_failed",
            pump,
            lambda failure=failure: failure.usable and failure.value > 0,  # type: ignore[misc]
            priority="high",
            shows=lambda failure=failure: (("why", f"failure_{failure.show()}", "text"),),  # type: ignore[misc]
        )
        state = image[f"{pump}_state"]
        yield Rule(
            "pump_locked_out",
            pump,
            lambda state=state: state.usable and state.value == LOCKED_OUT,  # type: ignore[misc]
            priority="high",
            shows=lambda failure=failure: (("why", f"failure_{failure.show()}", "text"),),  # type: ignore[misc]
        )
        bypass = on(image.points.get(f"{pump}_bypass"))
        yield Rule("pump_on_mains", pump, bypass, after_s=BYPASS_S, priority="warning")
