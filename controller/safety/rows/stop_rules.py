"""Rows 1 of the safety table: emergency stop, power failure, what the cabinet has taken over."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from controller.points import Image, Output, reading
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
    yield Rule(
        "valve_local",
        f"{circuit.name}.valve_command",
        on(find(f"{circuit.name}.valve_local")),
        act=lambda code: _follow(circuit.valve, reading(position), code),
        priority="warning",
    )
    runs = [*circuit.pump_runs, *circuit.makeup_runs, *circuit.primary_runs]
    speeds = [*circuit.pump_speeds, *circuit.makeup_speeds, *circuit.primary_speeds]
    for run, speed in zip(runs, speeds, strict=True):
        pump = run.name.removesuffix("_run")
        leads = circuit.valve if circuit.primary_leads and run in circuit.primary_runs else None
        act = _follow_pump(pump, run, speed, leads, image)
        yield Rule("pump_local", pump, on(find(f"{pump}_local")), act=act, priority="warning")


def _follow_pump(
    pump: str, run: Output, speed: Output, leads: Output | None, image: Image
) -> Callable[[str], None]:
    """`leads`: the share of the primary flow, where this pump alone brings it."""
    find = image.points.get
    running, frequency, on_mains = find(f"{pump}_running"), find(f"{pump}_frequency"), find(f"{pump}_bypass")

    def act(code: str) -> None:
        runs, turns = reading(running), reading(frequency)
        _follow(run, runs, code)
        _follow(speed, turns, code)
        if leads is not None:
            _follow(leads, 100.0 if on(on_mains)() else 100.0 * runs * turns / speed.high, code)

    return act


def _follow(output: Output, actual: float, code: str) -> None:
    """The output says what is so; where that cannot be seen, what it has said last."""
    value = actual if math.isfinite(actual) else output.value
    if math.isfinite(value):
        value = min(max(value, output.low), output.high)
        output.limit.at_most(value, code)
        output.limit.at_least(value, code)
