"""What the commands must be, judged by what is true in the plant: the fail-safe table seen from outside.

A demand says: while this is so, the outputs are commanded so; later than `allowed_s` after it has begun, it
counts. The time is what the row itself takes (docs/failsafe.md) and two scans, and the lag of the sensor that
it goes by (12 s in a pocket). Limits are those of the station file and of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from controller.points import Output
from sim.physics.zone import Zone
from sim.rig import Rig

_LAG_S = 40.0
_STANDS = 0.01
"""Share of the design flow below which nothing flows."""


@dataclass(frozen=True, slots=True)
class Demand:
    """`broken` is True while the commands are not as they must be."""

    name: str
    allowed_s: float
    broken: Callable[[], bool]


def demands(rig: Rig) -> Iterator[Demand]:
    """Those of all circuits."""
    for name in rig.station.file.circuits:
        yield from _of_circuit(rig, name, rig.plant.zones[name])


def _of_circuit(rig: Rig, name: str, zone: Zone) -> Iterator[Demand]:
    settings = rig.station.file.circuits[name]
    outputs, tank = rig.station.image.outputs, rig.station.file.tank
    valve = outputs.get(f"{name}.valve_command") or outputs[f"{name}.primary_command"]
    pumps = [outputs[f"{name}.pump_{n}_run"] for n in range(1, len(settings.circulation.pumps) + 1)]
    makeups = [o for key, o in outputs.items() if key.startswith(f"{name}.makeup_") and key.endswith("_run")]
    keep_warm = settings.actuator.keep_warm + 0.01
    design = zone.parameters.secondary_flow_kg_per_s

    def asked(runs: list[Output]) -> bool:
        return any(run.value >= 0.5 for run in runs)

    yield Demand(
        "no flow: valve shut", 15.0, lambda: zone.flow < _STANDS * design and valve.value > keep_warm
    )
    yield Demand(
        "too hot: valve shut",
        10.0 + _LAG_S,
        lambda: (
            zone.flow > _STANDS * design
            and zone.supply > settings.supply.trip + 1.0
            and valve.value > keep_warm
        ),
    )
    yield Demand("suction too low: pumps off", 15.0, lambda: zone.suction_pressure() < 45e3 and asked(pumps))
    makeup = settings.makeup
    if makeup is not None:
        high = makeup.setpoint + makeup.high_alarm + 5.0
        yield Demand(
            "over-pressure: makeup off", 10.0, lambda: zone.loop.pressure * 1e-3 > high and asked(makeups)
        )
        relief = outputs.get(f"{name}.relief_valve")
        if relief is not None and makeup.relief is not None:
            opens = makeup.relief.open + 5.0
            yield Demand(
                "over-pressure: relief open",
                10.0,
                lambda: zone.loop.pressure * 1e-3 > opens and relief.value < 0.5,
            )
    if tank is not None and makeups:
        low = tank.low - 0.05
        yield Demand("tank empty: makeup off", 15.0, lambda: rig.plant.tank.level < low and asked(makeups))
    yield Demand(
        "frost outside: a pump runs",
        60.0,
        lambda: (
            rig.plant.weather.outdoor(rig.plant.time) < 2.0
            and zone.suction_pressure() > 80e3
            and not asked(pumps)
        ),
    )
    yield Demand(
        "frost in the loop: valve open",
        60.0,
        lambda: zone.header < 14.0 and zone.flow > 0.3 * design and valve.value < 19.9,
    )
