"""Rows 1 of the safety table: emergency stop, power failure, what the cabinet has taken over."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from controller.points import Image, Output, Point
from controller.safety.rows.parts import at_most, on
from controller.safety.rows.protected import Protected
from controller.safety.rules import Rule


def stop_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """1: emergency stop, power failure."""
    find = image.points.get
    everything = [circuit.valve, *circuit.pump_runs, *circuit.makeup_runs]
    yield Rule(
        "emergency_stop",
        circuit.name,
        on(find("station.emergency_stop")),
        act=at_most(everything, 0.0),
        priority="urgent",
    )
    pumps = [output.name.removesuffix("_run") for output in circuit.pump_runs]
    running = [find(f"{pump}_{sign}") for pump in pumps for sign in ("running", "bypass")]

    def no_power() -> bool:
        """Two signs: the contact, and no pump that runs, by its drive or its bypass."""
        return on(find("station.power_failure"))() and not any(on(point)() for point in running)

    yield Rule(
        "power_failure",
        circuit.name,
        no_power,
        after_s=2.0,
        act=at_most([circuit.valve, *circuit.makeup_runs], 0.0),
        clear_s=5.0,
        priority="urgent",
    )


def local_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """1: what the cabinet has taken over is followed, so that giving it back is no bump."""
    find = image.points.get
    position = find(f"{circuit.name}.valve_position")

    def follow(output: Output, actual: Point | None) -> Callable[[str], None]:
        def act(code: str) -> None:
            value = actual.value if actual is not None and actual.usable else output.value
            if math.isfinite(value):
                value = min(max(value, output.low), output.high)
                output.limit.at_most(value, code)
                output.limit.at_least(value, code)

        return act

    yield Rule(
        "valve_local",
        f"{circuit.name}.valve_command",
        on(find(f"{circuit.name}.valve_local")),
        act=follow(circuit.valve, position),
        priority="warning",
    )
    runs = [*circuit.pump_runs, *circuit.makeup_runs]
    speeds = [*circuit.pump_speeds, *circuit.makeup_speeds]
    for run, speed in zip(runs, speeds, strict=True):
        pump = run.name.removesuffix("_run")
        local = on(find(f"{pump}_local"))
        follow_run = follow(run, find(f"{pump}_running"))
        follow_speed = follow(speed, find(f"{pump}_frequency"))

        def act(
            code: str, a: Callable[[str], None] = follow_run, b: Callable[[str], None] = follow_speed
        ) -> None:
            a(code)
            b(code)

        yield Rule("pump_local", pump, local, act=act, priority="warning")
