"""One scan: the phases in their order. Synchronous, no I/O, no wall clock, never raises.

1 commands  2 inputs, substitutes, proof of flow, season  3 circuits  4 overrides  5 safety  6 outputs
7 alarms    8 what is to be published and written
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from controller.channels import Key, Reading
from controller.commands import Command
from controller.control.tick import Tick
from controller.points import Event
from controller.station import Station

LONGEST_DT_S = 5.0


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan leaves for the wires and the records."""

    writes: tuple[tuple[Key, float], ...]
    events: tuple[Event, ...]


def scan(
    station: Station,
    now: float,
    wall: float,
    readings: Mapping[Key, Reading],
    commands: Sequence[Command] = (),
    *,
    clock_trusted: bool = True,
) -> Scan:
    """Run one scan. `now`: plant seconds; `wall`: Unix time; `readings`: the newest of every device point."""
    tick = _tick(station, now, wall, clock_trusted)
    station.alarms.now, station.alarms.wall = now, wall
    events: list[Event] = []
    for command in commands:
        events.append(station.apply(command, now, wall))
    station.inputs.step(readings, now)
    station.confirmation.step(readings, now)
    run = station.guard.run
    for number, substitute in enumerate(station.substitutes):
        run(f"substitute_{number}", partial(substitute.step, now, tick.dt))
    for proof in station.proofs:
        if not run(proof.point.name, partial(proof.step, now)):
            proof.give_up(now)
    run("season", partial(station.step_season, tick))
    for holder in station.circuits:
        holder.step(tick, station.plan_of(holder))
    if station.tank is not None:
        run("tank", partial(station.tank.step, tick, wanted=station.season.plan.makeup))
    events += station.outputs.expire(now, wall)
    for output in station.image.outputs.values():
        output.limit.clear()
    station.table.step(now, station.alarms)
    station.outputs.step(now, tick.dt, station.failed_outputs())
    for holder in station.circuits:
        holder.actuate(tick)
    station.final_outputs.step(now, tick.dt, set())
    for holder in station.circuits:
        holder.applied(tick)
    if not station.safe_mode:
        run("equipment", partial(station.equipment.step, now))
    station.report_inputs(readings)
    if station.free_alarms is not None:
        run("free_alarms", partial(station.free_alarms.step, tick.dt))
    events += station.alarms.take_events()
    station.scans += 1
    return Scan(station.writes(), tuple(events))


def _tick(station: Station, now: float, wall: float, clock_trusted: bool) -> Tick:
    dt = 0.0 if station.last_scan is None else now - station.last_scan
    station.last_scan = now
    dt = min(max(dt, 0.0), LONGEST_DT_S)
    if not clock_trusted:
        return Tick(now, dt, None)
    local = datetime.fromtimestamp(wall, station.zone)
    second = local.hour * 3600 + local.minute * 60 + local.second
    return Tick(now, dt, second, local.date())
