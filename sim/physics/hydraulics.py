"""Steady hydraulics: branches of a network and pumps in parallel.

A branch is dp = m^2*(R + 1/a^2) with the fixed resistance R in Pa/(kg/s)^2 and the valve's conductance a in
kg/s per sqrt(Pa). Water columns of a station follow within a second, so flows are steady at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def shared_difference(
    source: float,
    source_resistance: float,
    flow_at: Callable[[float], float],
    guess: float,
    tolerance: float = 0.2,
) -> float:
    """Pressure difference in Pa that the source leaves when the total flow `flow_at(dp)` (kg/s) grows with
    dp, but not as its root: boosters and mixing pumps suck too.

    dp + r*m(dp)^2 = source has one solution, between source - r*m(source)^2 and source. From a `guess` nearby
    (the last step's) one or two steps with the slope 1 + r*m^2/dp find it within `tolerance` (Pa)."""
    difference = min(source, guess)
    for _ in range(6):
        flow = flow_at(difference)
        drop = source_resistance * flow * flow
        error = difference + drop - source
        if abs(error) <= tolerance:
            return difference
        difference = min(source, difference - error / (1.0 + drop / max(abs(difference), 1e3)))

    def excess(difference: float) -> float:
        flow = flow_at(difference)
        return difference + source_resistance * flow * flow - source

    at_high = excess(source)
    if at_high <= tolerance:
        return source
    low = source - at_high
    return rising_root(excess, low, excess(low), source, at_high, tolerance)


def rising_root(
    function: Callable[[float], float],
    low: float,
    at_low: float,
    high: float,
    at_high: float,
    tolerance: float,
) -> float:
    """Root of a function that changes sign once between `low` and `high`; stops at |value| ≤ tolerance."""
    side = 0
    middle = low
    for _ in range(60):
        if at_high == at_low:
            break
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = function(middle)
        if abs(value) <= tolerance:
            break
        # Illinois rule: halve the value of an end that stays twice, else regula falsi creeps.
        if (value > 0.0) is (at_high > 0.0):
            high, at_high = middle, value
            if side < 0:
                at_low *= 0.5
            side = -1
        else:
            low, at_low = middle, value
            if side > 0:
                at_high *= 0.5
            side = 1
    return middle


def parallel_pumps_flow(pumps: Sequence[Pump], static_head: float, resistance: float) -> float:
    """Total flow in m3/s of parallel pumps against static_head + resistance*V*|V| (Pa, Pa/(m3/s)^2, R > 0).

    Below 0 where check valves have failed and the water comes back. Pumps at equal head, also with water
    going back through idle ones when there is no static head, are solved exactly; unequal ones by regula
    falsi to 1e-9 of the flow."""
    strongest = weakest = -1.0
    inverse = back = 0.0
    for pump in pumps:
        head = pump.shutoff_head()
        if head > static_head:
            if head > strongest:
                strongest = head
            if weakest < 0.0 or head < weakest:
                weakest = head
            inverse += 1.0 / sqrt(pump.curve.a)
        elif pump.leaky_check:
            back += 1.0 / sqrt(pump.backflow_resistance())
    if strongest < 0.0:
        if back <= 0.0 or static_head <= 0.0:
            return 0.0
    elif strongest == weakest and (back == 0.0 or static_head == 0.0):
        # Seen from the pumps, what runs back is one more branch beside the circuit.
        forward = 1.0 / sqrt(resistance)
        all_ways = forward + back
        total = sqrt((strongest - static_head) / (1.0 / (all_ways * all_ways) + 1.0 / (inverse * inverse)))
        return total * forward / all_ways

    def surplus(total: float) -> float:
        head = static_head + resistance * total * abs(total)
        return sum(pump.flow_at(head) for pump in pumps) - total

    at_zero = surplus(0.0)
    if at_zero < 0.0:
        low = -sqrt(static_head / resistance)
        return rising_root(surplus, low, surplus(low), 0.0, at_zero, -1e-9 * low)
    high = sqrt(max(0.0, strongest - static_head) / resistance)
    return rising_root(surplus, 0.0, at_zero, high, surplus(high), 1e-9 * high)
