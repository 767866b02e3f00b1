"""A season with the core in the loop: indicators of comfort, energy, wear and money.

Everything is judged on the plant's truth, not on its sensors. Definitions: `sim.indicators`. Heat, pumps and
return temperature are those of the heating circuits; hot water of the plant stands apart, but counts in the
peak and in CO₂: the primary network does not tell them apart.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from controller.points import Output
from sim.indicators import SEASON_DAYS, Comfort, Deviation, Peak, Starts, Travel, Weighted
from sim.physics.hot_water_circuit import HotWaterCircuit
from sim.plant import Plant
from sim.rig import Rig

BALANCE_LIMIT = 1e-3
"""Share of the turnover from which heat or water that does not add up makes a run worthless."""
COMFORT_STEP_S = 300.0
TRACE_STEP_S = 600.0


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
        self.zone = rig.plant.zones[name]
        self._setpoint = rig[f"{name}.supply_setpoint"]
        self.deviation = Deviation()
        self.back = Weighted()
        self.valve = Travel(self.zone.valve.position * 100.0)
        outputs = [o for key, o in rig.station.image.outputs.items() if key.startswith(f"{name}.")]
        self.speeds = [(o, Travel(_value(o))) for o in outputs if o.name.endswith("_speed")]
        self.runs = [(o, Starts(_value(o))) for o in outputs if o.name.endswith("_run")]
        parameters = self.zone.parameters
        self.comforts = {group.name: Comfort() for group in parameters.groups}
        self.areas = {
            g.name: g.floor_area_m2 or g.load_share * parameters.floor_area_m2 for g in parameters.groups
        }
        self._rooms = [
            (branch.building, comfort)
            for branch, comfort in zip(self.zone.branches, self.comforts.values(), strict=True)
        ]

    def step(self) -> None:
        """After every scan."""
        zone, setpoint = self.zone, self._setpoint
        if setpoint.usable:
            self.deviation.add(zone.supply - setpoint.value)
        self.back.add(zone.primary_return, zone.primary_flow)
        self.valve.add(zone.valve.position * 100.0)
        for output, travel in self.speeds:
            travel.add(output.value)
        for output, starts in self.runs:
            starts.add(output.value)

    def judge_rooms(self, dt: float, local: float) -> None:
        """The buildings' air holds for `dt` s."""
        for building, comfort in self._rooms:
            comfort.add(building.air, dt, local)

    def indicators(self, days: float, truth: dict[str, float], fee: float) -> dict[str, Any]:
        comforts = self.comforts.values()
        return {
            "heat_gj": truth[f"{self.name}.heat_energy"],
            "pump_kwh": truth[f"{self.name}.electric_energy"],
            "makeup_m3": truth[f"{self.name}.makeup_volume"],
            "primary_return_c": self.back.mean(),
            "supply_error_mean_k": self.deviation.mean(),
            "supply_error_95_k": self.deviation.percentile(),
            "valve_strokes_per_day": self.valve.total / 100.0 / days,
            "valve_starts_per_day": self.valve.starts / days,
            "pump_travel_hz": sum(travel.total for _, travel in self.speeds),
            "pump_starts": sum(starts.count for _, starts in self.runs),
            "degree_hours_below_20": sum(c.below_20 for c in comforts),
            "degree_hours_below_18": sum(c.below_18 for c in comforts),
            "degree_hours_above_24": sum(c.above_24 for c in comforts),
            "fee_refund": sum(c.refund(fee * self.areas[name]) for name, c in self.comforts.items()),
            "buildings": {
                name: {
                    "degree_hours_below_20": c.below_20,
                    "degree_hours_below_18": c.below_18,
                    "degree_hours_above_24": c.above_24,
                    "lowest_c": c.lowest,
                    "half_fee_days": c.half_days,
                    "no_fee_days": c.lost_days,
                    "fee_refund": c.refund(fee * self.areas[name]),
                }
                for name, c in self.comforts.items()
            },
        }


class _HotWater:
    """Sums of one hot-water unit of the plant."""

    def __init__(self, circuit: HotWaterCircuit) -> None:
        self.circuit = circuit
        self._drawn = Weighted()

    def step(self) -> None:
        """After every scan."""
        self._drawn.add(self.circuit.water.supply, self.circuit.draw_off)

    def indicators(self, truth: dict[str, float]) -> dict[str, Any]:
        name = self.circuit.parameters.name
        return {
            "heat_gj": truth[f"{name}.heat_energy"],
            "pump_kwh": truth[f"{name}.electric_energy"],
            "drawn_m3": truth[f"{name}.draw_off_volume"],
            "drawn_c": self._drawn.mean(),
        }


def _value(output: Output) -> float:
    """What an output has, 0 before its first scan."""
    return output.value if output.usable else 0.0


def run_season(
    rig: Rig, days: float, progress: Callable[[float], None] = lambda share: None
) -> tuple[dict[str, Any], Trace]:
    """Run `days` and return (indicators, trace). `progress` gets the share done, 0 … 1."""
    plant = rig.plant
    circuits = [_Circuit(name, rig) for name in rig.station.file.circuits]
    hot_waters = [_HotWater(circuit) for circuit in plant.hot_waters.values()]
    offset = rig.plant.weather.zone.utcoffset(None).total_seconds()
    trace, alarms, peak = Trace(), Counter[str](), Peak(0.0)
    steps = round(days * 86400 / rig.dt)
    every = max(round(COMFORT_STEP_S / rig.dt), 1)
    traced = max(round(TRACE_STEP_S / rig.dt), 1)
    begin, start = time.perf_counter(), plant.time
    until_rooms = until_trace = 0
    for step in range(steps):
        if until_rooms == 0:
            until_rooms = every
            held = min(every, steps - step) * rig.dt
            for circuit in circuits:
                circuit.judge_rooms(held, plant.time + offset)
            peak.add(_heat(plant), held if step else 0.0)
        if until_trace == 0:
            until_trace = traced
            _note(trace, rig, circuits[0].name, plant.truth, (plant.time - start) / 3600.0)
            progress(step / steps)
        until_rooms -= 1
        until_trace -= 1
        for event in rig.step().events:
            if event.kind == "alarm":
                alarms[event.code] += 1
        for circuit in circuits:
            circuit.step()
        for hot_water in hot_waters:
            hot_water.step()
    peak.add(_heat(plant), ((steps - 1) % every + 1) * rig.dt)
    rig.events.clear()
    seconds = time.perf_counter() - begin
    return _sum_up(rig, circuits, hot_waters, days, alarms, peak, seconds), trace


def _heat(plant: Plant) -> float:
    """kJ that all of the station has taken from the primary network."""
    heat = 0.0
    for zone in plant.zones.values():
        heat += zone.heat_from_primary
    for circuit in plant.hot_waters.values():
        heat += circuit.heat_from_primary
    return heat / 1e3


def _sum_up(
    rig: Rig,
    circuits: list[_Circuit],
    hot_waters: list[_HotWater],
    days: float,
    alarms: Counter[str],
    peak: Peak,
    seconds: float,
) -> dict[str, Any]:
    truth, settings = rig.plant.truth, rig.station.file.plant
    units = {one.circuit.parameters.name: one.indicators(truth) for one in hot_waters}
    parts = {circuit.name: circuit.indicators(days, truth, settings.heat_fee) for circuit in circuits}
    back = Weighted(
        sum(circuit.back.moment for circuit in circuits), sum(circuit.back.weight for circuit in circuits)
    )

    def total(key: str) -> float:
        return sum(float(part[key]) for part in parts.values())

    heat = total("heat_gj")
    of_hot_water = sum(float(unit["heat_gj"]) for unit in units.values())
    fees = settings.heat_fee * settings.heated_area / SEASON_DAYS * days
    return {
        "days": days,
        "step_s": rig.dt,
        "heat_gj": heat,
        "heat_gj_per_m2": heat / settings.heated_area,
        "peak_kw": peak.highest,
        "peak_w_per_m2": peak.highest * 1e3 / settings.heated_area,
        "pump_kwh": total("pump_kwh"),
        "makeup_m3": total("makeup_m3"),
        "primary_return_c": back.mean(),
        "degree_hours_below_20": total("degree_hours_below_20"),
        "degree_hours_below_18": total("degree_hours_below_18"),
        "degree_hours_above_24": total("degree_hours_above_24"),
        "fee_refund": total("fee_refund"),
        "fee_refund_share": total("fee_refund") / fees if fees > 0.0 else 0.0,
        "co2_kg": (heat + of_hot_water) * settings.co2_factor,
        "alarms": sum(alarms.values()),
        "alarms_by_code": dict(sorted(alarms.items())),
        "energy_balance_error": rig.plant.energy_balance_error(),
        "mass_balance_error": rig.plant.mass_balance_error(),
        "seconds": seconds,
        "circuits": parts,
        "hot_waters": units,
    }


def out_of_balance(indicators: dict[str, Any]) -> list[str]:
    """Which balances of a run are beyond `BALANCE_LIMIT`, or no number: "heat", "water"."""
    balances = (("heat", "energy_balance_error"), ("water", "mass_balance_error"))
    return [what for what, key in balances if not indicators[key] <= BALANCE_LIMIT]


def differences(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """`second` - `first` for every number that both have, in the same shape."""
    found: dict[str, Any] = {}
    for key, value in first.items():
        other = second.get(key)
        if isinstance(value, dict) and isinstance(other, dict):
            found[key] = differences(value, other)
        elif isinstance(value, int | float) and isinstance(other, int | float):
            found[key] = other - value
    return found


def _note(trace: Trace, rig: Rig, name: str, truth: dict[str, float], hours: float) -> None:
    trace.hours.append(hours)
    trace.outdoor.append(truth["station.outdoor_temperature"])
    trace.supply.append(truth[f"{name}.supply_temperature"])
    trace.setpoint.append(rig[f"{name}.supply_setpoint"].value)
    trace.back.append(truth[f"{name}.return_temperature"])
    trace.valve.append(truth[f"{name}.valve_position"])
    trace.room.append(truth.get(f"{name}.room_temperature_1", float("nan")))
