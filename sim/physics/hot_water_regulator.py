"""The regulator that a hot-water unit brings along; no controller of the station knows it.

Valve: proportional on the water that leaves the exchanger, as a self-acting thermostat does it; open by 35 %
at the set-point, from shut to open within 20 K. A store is charged from 1 K below the set-point at its top
until its bottom is within 3 K of it; in between the valve is shut. Circulation runs always. Without power the
motors stand, as everywhere in the plant.
Source: own judgement; it is the controller of `test_plant_hot_water`, which holds 50 to 60 °C at the taps.
"""

from __future__ import annotations

from math import exp

from .hot_water import HotWater
from .primary_branch import PrimaryBranch

_BAND = 20.0
_OPEN_AT_SETPOINT = 0.35
_CHARGE_BELOW, _CHARGED_ABOVE = -1.0, -3.0
_PROBE_LAG = 4.0  # s, a bare probe in the stream


class HotWaterRegulator:
    """`step` commands the valve; `charging` is what the charging pump is told. Temperatures °C."""

    __slots__ = ("_seen", "charging", "setpoint")

    def __init__(self, setpoint: float) -> None:
        self.setpoint = setpoint
        self.charging = False
        self._seen = setpoint

    def settle(self, temperature: float) -> None:
        """The water has been at `temperature` for long."""
        self._seen = temperature
        self.charging = False

    def step(self, dt: float, water: HotWater, branch: PrimaryBranch) -> None:
        """Look at the water for `dt` s and command the valve of its primary `branch`."""
        self._seen = water.hot + (self._seen - water.hot) * exp(-dt / _PROBE_LAG)
        storage = water.storage
        if storage is not None:
            if storage.top() < self.setpoint + _CHARGE_BELOW:
                self.charging = True
            elif storage.bottom() > self.setpoint + _CHARGED_ABOVE:
                self.charging = False
            if not self.charging:
                branch.valve_command = 0.0
                return
        opening = _OPEN_AT_SETPOINT + (self.setpoint - self._seen) / _BAND
        branch.valve_command = min(1.0, max(0.0, opening))
