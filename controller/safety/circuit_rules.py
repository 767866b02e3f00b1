"""The rows of the safety table for one heating circuit, and for the station around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controller.points import Image, Output
from controller.safety.frost_rules import frost_rules
from controller.safety.heat_rules import circulation_rules, heat_rules
from controller.safety.parts import above, at_most, below, on, shown
from controller.safety.protected import Protected
from controller.safety.rules import Rule
from controller.safety.stop_rules import local_rules, stop_rules
from controller.safety.tells import tell_rules
from controller.safety.water_rules import pressure_rules

__all__ = ["Protected", "circuit_rules", "station_rules"]


def circuit_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """All rows of a circuit, the strongest first."""
    yield from stop_rules(circuit, image)
    yield from local_rules(circuit, image)
    yield from circulation_rules(circuit, image)
    yield from heat_rules(circuit, image)
    yield from pressure_rules(circuit, image)
    yield from frost_rules(circuit, image)
    yield from tell_rules(circuit, image)


def station_rules(
    image: Image, makeup_runs: Sequence[Output], tank_low: float, tank_high: float
) -> Iterator[Rule]:
    """Rows of what all circuits share. Levels in m; NaN for a station without a tank."""
    find = image.points.get
    level = find("station.tank_level")
    shows = shown("level", level, "length")
    yield Rule(
        "tank_low",
        "station.tank_level",
        lambda: below(level, tank_low),
        after_s=3.0,
        act=at_most(makeup_runs, 0.0),
        until=lambda: not below(level, tank_low + 0.1),
        priority="high",
        shows=shows,
    )
    yield Rule(
        "tank_high",
        "station.tank_level",
        lambda: above(level, tank_high),
        after_s=30.0,
        priority="warning",
        shows=shows,
    )
    yield Rule("flood", "station.flood", on(find("station.flood")), after_s=2.0, priority="high")
    outdoor = image["station.outdoor_temperature"]
    yield Rule(
        "outdoor_lost",
        "station.outdoor_temperature",
        lambda: outdoor.reason in ("held", "ten_day_mean", "assumed"),
        after_s=5.0,
        priority="high",
        shows=shown("temperature", outdoor, "temperature"),
    )
