"""Primary branch of a zone: strainer, control valve and, where there is one, its own pump.

    dp + H0 = m^2*(R + 1/a^2 + A),   H0 and A head and steepness of the pump's curve H0 - A*m^2
so a zone's flow is explicit, m = g*sqrt(dp + H0). The pump sits in the supply (distributed pump of the
primary network, 分布式变频泵) or in the return (return booster, 回水加压泵), in series with the valve;
standing still it is only a resistance. With a booster in the return the station's own return pressure is
lower than the network's.
A bypass that somebody left open joins supply and return beside strainer, valve and exchanger (its flow does
not choke).
Source: curve and affinity laws of pump.py.
"""

from __future__ import annotations

from math import sqrt
from typing import Literal

from .parameters import HotWaterParameters, ZoneParameters
from .pump import Pump, PumpCurve
from .secondary import Strainer
from .valve import Valve, choked_pressure_drop, flow_conductance
from .water import density, saturation_pressure

BoosterPlace = Literal["none", "supply", "return"]
_ATMOSPHERE = 101.3e3
_OPEN = 5.0


class PrimaryBypass:
    """Hand valve between primary supply and return, `kvs` m3/h; 0 as it should be."""

    __slots__ = ("kvs", "valve_kvs")

    def __init__(self, valve_kvs: float) -> None:
        """`valve_kvs` in m3/h of the control valve, by which a fault is measured."""
        self.valve_kvs = valve_kvs
        self.kvs = 0.0

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Open it: Kv in % of the control valve's Kvs, by default 5.

        Raises ValueError with the allowed kinds."""
        if kind != "open":
            raise ValueError(f"unknown fault {kind!r} of a bypass (allowed: open)")
        self.kvs = max(0.0, _OPEN if value is None else value) / 100.0 * self.valve_kvs

    def repair(self) -> None:
        """Close it."""
        self.kvs = 0.0


class PrimaryBranch:
    """`conductance` (kg/s per sqrt(Pa)) and `head` (Pa) after `actuate`; commands are shares and flags."""

    __slots__ = (
        "_boiling",
        "_hot",
        "booster",
        "booster_run",
        "booster_speed",
        "bypass",
        "bypass_share",
        "choke_conductance",
        "choke_drop",
        "closes_alone",
        "closing",
        "conductance",
        "head",
        "opening",
        "place",
        "resistance",
        "strainer",
        "three_point",
        "valve",
        "valve_command",
    )

    def __init__(
        self,
        valve: Valve,
        resistance: float,
        strainer: Strainer,
        place: BoosterPlace = "none",
        booster: Pump | None = None,
    ) -> None:
        """Resistances in Pa/(kg/s)^2."""
        if (booster is None) is not (place == "none"):
            raise ValueError("a booster needs its place, supply or return")
        self.valve = valve
        self.resistance = resistance
        self.strainer = strainer
        self.place: BoosterPlace = place
        self.booster = booster
        self.valve_command = 0.0
        self.three_point = False
        self.opening = self.closing = False
        self.closes_alone = False
        self.booster_run = self.booster_speed = 0.0
        self.head = 0.0
        self.bypass = PrimaryBypass(valve.kvs)
        self.bypass_share = 0.0
        """Of the branch's flow."""
        self.conductance = 0.0
        self.choke_conductance = 0.0
        self._hot = 20.0
        self._boiling = saturation_pressure(20.0)

    def actuate(self, dt: float, powered: bool, primary_supply: float) -> None:
        """Move valve and booster for `dt` s. Without power the actuator stays where it is, or closes by its
        spring (`closes_alone`)."""
        if powered:
            if self.three_point:
                self.valve.drive(dt, self.opening, self.closing)
            else:
                self.valve.step(dt, self.valve_command)
        elif self.closes_alone:
            self.valve.step(dt, 0.0)
        if self.booster is not None:
            self.booster.step(dt, self.booster_run > 0.5, self.booster_speed, powered)
        self.renew(primary_supply)

    def renew(self, primary_supply: float) -> None:
        """Find conductance and head for where valve and booster are now."""
        rho = density(primary_supply)
        self._hot = primary_supply
        self._boiling = saturation_pressure(primary_supply)
        valve = self.choke_conductance = self.valve.conductance(rho)
        resistance = self.resistance + self.strainer.resistance()
        if self.booster is not None:
            resistance += self.booster.curve.a / (rho * rho)
            self.head = self.booster.shutoff_head()
        self.conductance = 0.0 if valve <= 0.0 else 1.0 / sqrt(resistance + 1.0 / (valve * valve))
        self.bypass_share = 0.0
        if self.bypass.kvs > 0.0:
            beside = flow_conductance(self.bypass.kvs, rho)
            self.conductance += beside
            self.bypass_share = beside / self.conductance

    def flow_at(self, difference: float) -> float:
        """Flow in kg/s at a station's pressure difference (Pa); the check valve lets nothing back."""
        driving = difference + self.head
        return self.conductance * sqrt(driving) if driving > 0.0 else 0.0

    def limit(self, flow: float, supply_pressure: float) -> float:
        """`flow` (kg/s) or what the valve passes when it chokes, at this gauge inlet pressure (Pa).

        Only the friction of one side lies before the valve; none of it is counted (the safe side)."""
        inlet = supply_pressure + _ATMOSPHERE
        drop = choked_pressure_drop(inlet, self._boiling)
        most = self.choke_conductance * sqrt(drop)
        beside = self.bypass_share * flow
        return min(flow - beside, most) + beside

    def load(self, flow: float, return_temperature: float, supply: float, back: float) -> float:
        """Load the booster with `flow` (kg/s); return its electric power in W. `supply` and `back` are the
        network's pressures at the station (gauge Pa): at a low suction pressure the booster cavitates."""
        booster = self.booster
        if booster is None:
            return 0.0
        in_return = self.place == "return"
        temperature = return_temperature if in_return else self._hot
        booster.load(flow / density(temperature))
        inlet = (back if in_return else supply) + _ATMOSPHERE
        if in_return and booster.suction > 0.0:
            # The pump lowers its own inlet, and cavitation lowers its head: balance of both, or it hunts.
            head = self.head / booster.suction - booster.curve.a * booster.flow * booster.flow
            needed = booster.suction_head()
            left = inlet - saturation_pressure(temperature)
            whole = needed + max(0.0, head)
            booster.suction = 1.0 if left >= whole else max(1e-3, left / whole)
        else:
            booster.breathe(inlet, saturation_pressure(temperature))
        return booster.power

    def suction_drop(self) -> float:
        """Pa by which the pump in the return lowers the pressure before it."""
        booster = self.booster
        if booster is None or self.place != "return":
            return 0.0
        return max(0.0, self.head - booster.curve.a * booster.flow * abs(booster.flow))

    def position_for(self, flow: float, difference: float) -> float:
        """Stroke (0 … 1) that passes `flow` (kg/s) at this difference (Pa) with the booster as it is."""
        low, high = 0.0, 1.0
        valve, kept = self.valve, self.valve.position
        for _ in range(20):
            middle = 0.5 * (low + high)
            valve.position = middle
            self.renew(self._hot)
            if self.flow_at(difference) < flow:
                low = middle
            else:
                high = middle
        valve.position = kept
        return 0.5 * (low + high)


def make_booster(flow: float, head: float, ramp: float, min_speed: float) -> Pump:
    """Booster of kg/s and Pa at nominal speed."""
    return Pump(PumpCurve(flow / density(60.0), head), ramp, min_speed)


def branch_of(
    p: ZoneParameters | HotWaterParameters,
    primary_flow: float,
    place: BoosterPlace = "none",
    booster: Pump | None = None,
) -> PrimaryBranch:
    """Strainer, valve and booster; `primary_flow` (kg/s) is that of the drops."""
    square = primary_flow * primary_flow
    strainer = p.primary_strainer_drop_kpa * 1e3 / square
    valve = Valve(
        p.valve_kvs_m3_per_h,
        p.valve_characteristic,
        p.valve_rangeability,
        p.valve_leakage_share,
        p.valve_stroke_time_s,
        p.valve_dead_band_percent / 100.0,
        p.valve_stiction_percent / 100.0,
        p.valve_close_asymmetry,
    )
    return PrimaryBranch(
        valve, p.exchanger_primary_drop_kpa * 1e3 / square - strainer, Strainer(strainer), place, booster
    )
