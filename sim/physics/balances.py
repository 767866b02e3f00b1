"""Do heat and water add up? Relative errors of a run, for every test of the plant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .primary_side import Consumer
from .tank import Tank
from .zone import Zone


def heat_error(consumers: Iterable[Consumer]) -> float:
    """Heat that came in, less what went out and what is stored, over the heat that came in or went out."""
    error = turnover = 0.0
    for consumer in consumers:
        came = consumer.heat_from_primary + consumer.heat_other
        error += came - consumer.heat_lost - (consumer.stored_heat() - consumer.heat_at_start)
        turnover += max(abs(came), abs(consumer.heat_lost))
    return abs(error) / turnover if turnover > 0.0 else 0.0


def water_mass(tank: Tank, zones: Sequence[Zone]) -> float:
    """kg of water in the tank and the loops."""
    return tank.mass() + sum(zone.loop.water_mass for zone in zones)


def water_error(tank: Tank, zones: Sequence[Zone], at_start: float) -> float:
    """Water that came in, less what left and what is held, over the water held at the start (kg) and come
    in."""
    lost = tank.overflow_mass
    came = tank.inlet_mass
    for zone in zones:
        lost += zone.holding.water_lost
        came += zone.water_from_primary
    error = came - lost - (water_mass(tank, zones) - at_start)
    return abs(error) / max(1.0, at_start + tank.inlet_mass)
