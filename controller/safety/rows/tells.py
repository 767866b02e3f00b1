"""Rows of the safety table that tell, for one circuit; makeup goes on against a hand that has stopped it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from controller.control.blocks.parts.drive import STATES
from controller.points import Image, Output, reading
from controller.safety.rows.parts import below, on
from controller.safety.rows.protected import Protected
from controller.safety.rules import Rule

SUPPLY_LOW_K = 5.0
BYPASS_S = 5.0
BY_HAND, FILLED = 0.5, 0.1
"""Of the low alarm below the set-point: where makeup begins, and ends, against a hand."""
LOCKED_OUT = STATES.index("locked_out")


def tell_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """Valve, supply, mode: rows that only raise an alarm."""
    find = image.points.get
    name = circuit.name
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


def low_pressure_rule(circuit: Protected, image: Image) -> Iterator[Rule]:
    """Guards stay awake under a hand: makeup that it has stopped runs while the pressure lies low and no
    other transmitter denies it. Who works on the pump takes its switch to local."""
    name = circuit.name
    supply, added = (
        image.points.get(f"{name}.{role}") for role in ("supply_pressure", "differential_pressure")
    )

    def least() -> float:
        """Sooner where a hand has stopped makeup: at the alarm the highest radiators have nothing left."""
        share = BY_HAND if stopped() is not None else 1.0
        return circuit.pressure_set() - share * circuit.pressure_low

    def stopped() -> Output | None:
        """By a hand, while no other makeup pump is asked to run."""
        runs = circuit.makeup_runs
        if any(run.demand >= 0.5 and run.override is None for run in runs):
            return None
        return next((r for r in runs if r.override is not None and r.override.value < 0.5), None)

    def make_up(code: str) -> None:
        run = stopped()
        if run is not None and not reading(supply) - reading(added) >= least():
            run.limit.at_least(1.0, code)

    def over() -> bool:
        enough = circuit.pressure_set() - FILLED * circuit.pressure_low if stopped() is not None else least()
        return not circuit.filled() or not below(circuit.pressure_held(), enough)

    yield Rule(
        "pressure_low",
        name,
        lambda: circuit.filled() and below(circuit.pressure_held(), least()),
        after_s=60.0,
        act=make_up,
        until=over,
        priority="high",
        shows=lambda: (("pressure", reading(circuit.pressure_held()), "pressure"),),
    )


def pump_tells(circuit: Protected, image: Image) -> Iterator[Rule]:
    """Pumps that failed, are locked out, or run past their drive."""
    for run in (*circuit.pump_runs, *circuit.makeup_runs, *circuit.primary_runs):
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
