"""The rows of the safety table for one heating circuit, and for the station around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from controller.control.blocks.season.season import SeasonPlan
from controller.points import Image, Output
from controller.safety.rows.exchanger_rules import exchanger_rules
from controller.safety.rows.flood_rules import flood_rules
from controller.safety.rows.frost_rules import frost_rules, standing_rules
from controller.safety.rows.heat_rules import circulation_rules, heat_rules
from controller.safety.rows.makeup_tells import makeup_tells, tank_tells
from controller.safety.rows.mixing_suction import mixing_suction_rule
from controller.safety.rows.parts import on, shown
from controller.safety.rows.protected import Protected
from controller.safety.rows.stop_rules import local_rules, stop_rules
from controller.safety.rows.tells import pump_tells, tell_rules
from controller.safety.rows.water_rules import makeup_rules, pressure_rules, tank_rules
from controller.safety.rules import Rule

LOST = frozenset({"upstream", "forecast", "held", "ten_day_mean", "assumed"})
"""Reasons of an outdoor temperature that no sensor of the station measures."""
__all__ = ["Protected", "circuit_rules", "station_rules"]


def circuit_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """All rows of a circuit, the strongest first."""
    yield from stop_rules(circuit, image)
    yield from local_rules(circuit, image)
    yield from circulation_rules(circuit, image)
    yield from heat_rules(circuit, image)
    yield from pressure_rules(circuit, image)
    yield from mixing_suction_rule(circuit, image)
    yield from makeup_rules(circuit, image)
    yield from flood_rules(circuit, image)
    yield from frost_rules(circuit, image)
    yield from standing_rules(circuit, image)
    yield from exchanger_rules(circuit, image)
    yield from tell_rules(circuit, image)
    yield from pump_tells(circuit, image)
    yield from makeup_tells(circuit, image)


def station_rules(
    image: Image,
    makeup_runs: Sequence[Output],
    tank_low: float,
    tank_high: float,
    tank_full: float,
    plan: Callable[[], SeasonPlan],
) -> Iterator[Rule]:
    """Rows of what all circuits share. Levels in m; NaN for a station without a tank."""
    find = image.points.get
    yield from tank_rules(image, makeup_runs, tank_low, tank_high, tank_full, plan)
    yield from tank_tells(image)
    flood, high = on(find("station.flood")), on(find("station.flood_high"))
    yield Rule("flood", "station.flood", lambda: flood() or high(), after_s=2.0, priority="high")
    outdoor = image["station.outdoor_temperature"]
    yield Rule(
        "outdoor_lost",
        "station.outdoor_temperature",
        lambda: outdoor.reason in LOST,
        after_s=5.0,
        priority="high",
        shows=shown("temperature", outdoor, "temperature"),
    )
