"""A season with the core in the loop: indicators of comfort, energy and wear.

Definitions follow BOPTEST where it has them (kpi_calculator): degree-hours are ∫ max(0, Tlow − T) dt
per measured room, travel is ∫|dy|. Everything is judged on the plant's truth, not on its sensors.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sim.rig import Rig

_MOVED = 0.01
COMFORT_C = 20.0


@dataclass(slots=True)
class Trace:
    """Every ten minutes: hours since the start and what is worth a plot."""

    hours: list[float] = field(default_factory=list)
    outdoor: list[float] = field(default_factory=list)
    supply: list[float] = field(default_factory=list)
    setpoint: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    valve: list[float] = field(default_factory=list)
    room: list[float] = field(default_factory=list)


class _Circuit:
    """Sums of one circuit."""

    def __init__(self, name: str, rig: Rig) -> None:
        self.name = name
        self._rig = rig
        self.error = 0.0
        self.errors: list[int] = [0] * 1000
        self.scans = 0
        self.travel = 0.0
        self.starts = 0
        self.cold = 0.0
        self._valve = rig[f"{name}.valve_command"].value
        self._moving = False

    def step(self, dt: float) -> None:
        rig, name = self._rig, self.name
        supply, setpoint = rig[f"{name}.supply_temperature"], rig[f"{name}.supply_setpoint"]
        if supply.usable and setpoint.usable:
            error = abs(supply.value - setpoint.value)
            self.error += error
            self.errors[min(int(error * 20), 999)] += 1
            self.scans += 1
        valve = rig[f"{name}.valve_command"].value
        moved = abs(valve - self._valve)
        moving = moved > _MOVED
        self.travel += moved
        self.starts += moving and not self._moving
        self._valve, self._moving = valve, moving

    def judge_rooms(self, truth: dict[str, float], hours: float) -> None:
        """Degree-hours below 20 °C, the mean over the measured rooms."""
        rooms = [value for key, value in truth.items() if key.startswith(f"{self.name}.room_temperature_")]
        if rooms:
            self.cold += sum(max(0.0, COMFORT_C - room) for room in rooms) / len(rooms) * hours

    def indicators(self, days: float, truth: dict[str, float]) -> dict[str, float]:
        edge, seen, bucket = 0.95 * self.scans, 0, 0
        while seen < edge:
            seen += self.errors[bucket]
            bucket += 1
        return {
            "supply_error_mean_k": self.error / max(self.scans, 1),
            "supply_error_95_k": bucket / 20,
            "valve_strokes_per_day": self.travel / 100 / days,
            "valve_starts_per_day": self.starts / days,
            "degree_hours_below_20": self.cold,
            "heat_gj": truth[f"{self.name}.heat_energy"],
            "pump_kwh": truth[f"{self.name}.electric_energy"],
            "makeup_m3": truth[f"{self.name}.makeup_volume"],
        }


def run_season(
    rig: Rig, days: float, progress: Callable[[float], None] = lambda share: None
) -> tuple[dict[str, Any], Trace]:
    """Run `days` and return (indicators, trace). `progress` gets the share done, 0 … 1."""
    names = list(rig.station.file.circuits)
    circuits = [_Circuit(name, rig) for name in names]
    trace = Trace()
    steps = round(days * 86400 / rig.dt)
    each = max(round(600 / rig.dt), 1)
    begin = time.perf_counter()
    alarms = 0
    for step in range(steps):
        alarms += sum(event.kind == "alarm" for event in rig.step().events)
        for circuit in circuits:
            circuit.step(rig.dt)
        if step % each == 0:
            truth = rig.plant.truth
            for circuit in circuits:
                circuit.judge_rooms(truth, each * rig.dt / 3600)
            _note(trace, rig, names[0], truth, step * rig.dt / 3600)
            progress(step / steps)
    rig.events.clear()
    truth = rig.plant.truth
    area = rig.station.file.plant.heated_area
    heat = sum(truth[f"{name}.heat_energy"] for name in names)
    indicators: dict[str, Any] = {
        "days": days,
        "step_s": rig.dt,
        "heat_gj": heat,
        "heat_gj_per_m2": heat / area,
        "alarms": alarms,
        "energy_balance_error": rig.plant.energy_balance_error(),
        "mass_balance_error": rig.plant.mass_balance_error(),
        "seconds": time.perf_counter() - begin,
        "circuits": {circuit.name: circuit.indicators(days, truth) for circuit in circuits},
    }
    return indicators, trace


def _note(trace: Trace, rig: Rig, name: str, truth: dict[str, float], hours: float) -> None:
    trace.hours.append(hours)
    trace.outdoor.append(truth["station.outdoor_temperature"])
    trace.supply.append(truth[f"{name}.supply_temperature"])
    trace.setpoint.append(rig[f"{name}.supply_setpoint"].value)
    trace.back.append(truth[f"{name}.return_temperature"])
    trace.valve.append(truth[f"{name}.valve_position"])
    trace.room.append(truth.get(f"{name}.room_temperature_1", float("nan")))
