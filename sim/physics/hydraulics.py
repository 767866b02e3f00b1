"""Steady hydraulics: branches of a network and pumps in parallel.

A branch is dp = m^2*(R + 1/a^2) with the fixed resistance R in Pa/(kg/s)^2 and the valve's conductance a in
kg/s per sqrt(Pa). Water columns of a station follow within a second, so flows are steady at every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from .pump import Pump


def branch_conductance(resistance: float, valve_conductance: float) -> float:
    """kg/s per sqrt(Pa) of a fixed resistance in series with a valve."""
    if valve_conductance <= 0.0:
        return 0.0
    return 1.0 / sqrt(resistance + 1.0 / (valve_conductance * valve_conductance))


def branch_flow(conductance: float, differential_pressure: float) -> float:
    """Flow in kg/s; a check valve lets nothing back."""
    return conductance * sqrt(differential_pressure) if differential_pressure > 0.0 else 0.0


def shared_differential_pressure(total_conductance: float, source: float, source_resistance: float) -> float:
    """Pressure difference in Pa that a source with inner resistance (Pa/(kg/s)^2) leaves for parallel
    branches.

    dp = source - r*m^2 and m = A*sqrt(dp) give dp = source/(1 + r*A^2)."""
    return max(0.0, source) / (1.0 + source_resistance * total_conductance * total_conductance)


def parallel_pumps_flow(pumps: Sequence[Pump], static_head: float, resistance: float) -> float:
    """Total flow in m3/s of parallel pumps against static_head + resistance*V^2 (Pa, Pa/(m3/s)^2, R > 0).

    One pump, or pumps at equal speed, are solved exactly; unequal ones by regula falsi to 1e-9 of the
    flow."""
    strongest = weakest = -1.0
    inverse = 0.0
    for pump in pumps:
        head = pump.shutoff_head()
        if head > static_head:
            strongest = max(strongest, head)
            weakest = head if weakest < 0.0 else min(weakest, head)
            inverse += 1.0 / sqrt(pump.curve.a)
    if strongest < 0.0:
        return 0.0
    if strongest == weakest:
        return sqrt((strongest - static_head) / (resistance + 1.0 / (inverse * inverse)))

    def surplus(total: float) -> float:
        head = static_head + resistance * total * total
        return sum(pump.flow_at(head) for pump in pumps) - total

    low, high = 0.0, sqrt((strongest - static_head) / resistance)
    at_low, at_high = surplus(low), surplus(high)
    side = 0
    middle = low
    for _ in range(60):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = surplus(middle)
        if abs(value) <= 1e-9 * high:
            break
        # Illinois rule: halve the value of an end that stays twice, else regula falsi creeps.
        if value > 0.0:
            low, at_low = middle, value
            if side > 0:
                at_high *= 0.5
            side = 1
        else:
            high, at_high = middle, value
            if side < 0:
                at_low *= 0.5
            side = -1
    return middle
