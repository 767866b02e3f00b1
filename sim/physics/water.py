"""Liquid water: polynomials fitted to IAPWS-97 at 0.6 MPa, 0.5 … 150 °C.

Errors against IAPWS-97: density 0.016 %, heat capacity 0.06 %, saturation pressure 0.016 %. At 1.6 MPa
density is 0.07 % and heat capacity (below 10 °C) 0.15 % off: their small pressure dependence is left out.
"""

from __future__ import annotations

from math import exp


def density(temperature: float) -> float:
    """kg/m3 at `temperature` in °C."""
    x = 0.01 * temperature
    return 1000.274 + x * (2.349076 + x * (-64.07557 + x * (26.02576 - 6.0153 * x)))


def heat_capacity(temperature: float) -> float:
    """J/(kg·K) at constant pressure at `temperature` in °C."""
    x = 0.01 * temperature
    high = 562.9501 + x * (-588.5563 + x * (346.4834 - 75.43633 * x))
    return 4213.973 + x * (-244.2636 + x * high)


def saturation_pressure(temperature: float) -> float:
    """Absolute boiling pressure in Pa at `temperature` in °C: exp of a polynomial in 1000/T."""
    x = 1000.0 / (temperature + 273.15)
    return exp(23.0808223 + x * (-3.88721613 + x * (-0.0066848492 + x * (-0.0805295448 + 0.00894511032 * x))))
