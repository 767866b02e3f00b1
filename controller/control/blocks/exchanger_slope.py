"""Slope of a counter-flow exchanger: kelvins of secondary supply for a per cent of primary flow.

From its four temperatures alone. With Z = (Ts − Tr)/(Tp − Tpr) the ratio of the heat capacity flows and
ε = (Tp − Tpr)/(Tp − Tr) the effectiveness,
    N = ln((1 − ε·Z)/(1 − ε))/(1 − Z)          (N = ε/(1 − ε) at Z = 1)
    Ts = Tr + Z·ε(N, Z)·(Tp − Tr),   ε = (1 − e^(−N(1−Z)))/(1 − Z·e^(−N(1−Z)))
and a change of the primary flow by the factor f makes N/f of N and Z·f of Z, UA, Tp, Tr and the secondary
flow standing still (ε-NTU, as in Modelica Buildings, DHC/ETS). The slope falls as the flow grows, which
(Tp − Tr) alone does not show: on the simulated nominal station 0.114, 0.144, 0.176 K/% were identified at
−24, −8, 6 °C outdoors, and this says 0.129, 0.141, 0.167.
"""

from __future__ import annotations

import math

LEAST_SPREAD_K = 1.0
"""Smaller differences are noise."""
_CHANGE = 0.05
"""Central difference over ± this share of the flow."""


def supply_slope(
    primary_supply: float, primary_return: float, supply: float, back: float, share: float
) -> float | None:
    """K per % of full flow at the flow `share` (%), temperatures in °C.

    None where the temperatures are none of a working counter-flow exchanger, or the valve is shut.
    """
    primary, secondary, drive = primary_supply - primary_return, supply - back, primary_supply - back
    if not (primary >= LEAST_SPREAD_K and secondary >= LEAST_SPREAD_K and share >= 1.0):
        return None
    if not (drive > primary and primary_supply > supply and math.isfinite(drive + secondary + share)):
        return None
    ratio, effect = secondary / primary, primary / drive
    if ratio * effect >= 0.999 or effect >= 0.999:
        return None
    units = _units(effect, ratio)

    def gained(factor: float) -> float:
        return ratio * factor * _effectiveness(units / factor, ratio * factor) * drive

    return (gained(1 + _CHANGE) - gained(1 - _CHANGE)) / (2 * _CHANGE * share)


def _units(effect: float, ratio: float) -> float:
    """Number of transfer units."""
    if abs(1 - ratio) < 1e-6:
        return effect / (1 - effect)
    return math.log((1 - effect * ratio) / (1 - effect)) / (1 - ratio)


def _effectiveness(units: float, ratio: float) -> float:
    if abs(1 - ratio) < 1e-6:
        return units / (1 + units)
    # For Z > 1 the exponential grows: the same fraction with its inverse stays finite.
    if ratio > 1:
        small = math.exp(max(units * (1 - ratio), -700.0))
        return (1 - small) / (ratio - small)
    small = math.exp(-min(units * (1 - ratio), 700.0))
    return (1 - small) / (1 - ratio * small)
