"""Set-point of the secondary supply temperature: shares → limits → ramp → rate of the supply itself.

outdoor → damped → curve; + offset by time, forecast, learned, wind and sun, rooms, schedule; + remote
→ return limit → meter limit → shortage → supply.max, supply.min → ramp → supply rate
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.blocks.parts.memory import finite, remembered
from controller.control.blocks.parts.ramp import Ramp
from controller.control.blocks.setpoint.probing import Probing
from controller.control.blocks.setpoint.supply_rate import SupplyRate
from controller.control.circuits.setpoint_limits import ACTS_K, LIMITS, Limits
from controller.control.circuits.setpoint_settings import SetpointSettings, SupplySettings
from controller.control.circuits.setpoint_shares import Shares
from controller.control.circuits.wishes import WishPoint
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Quality, Slot, Term

__all__ = ["SetpointSettings", "SupplySetpoint", "SupplySettings"]

FREE = ("none", "supply_max", "supply_min")
"""Limits of the curve itself: what the rooms do under them still speaks about the curve."""
ARRIVED_K, WATER_ARRIVED_K = 0.1, 2.0


class SupplySetpoint:
    """Writes `<circuit>.supply_demand` (wanted), `<circuit>.supply_setpoint` (on its way there), °C, and
    `<circuit>.setpoint_limit`. `wishes`: its writable points by name."""

    def __init__(self, name: str, settings: SetpointSettings, image: Image, station: str = "") -> None:
        """`station`: its name, for what must not happen in all stations of a network at once."""
        self.supply = image[f"{name}.supply_temperature"]
        self.back = image.points.get(f"{name}.return_temperature")
        self.flow = image[f"{name}.circulation"]
        self.demand_point = image.add(Point(f"{name}.supply_demand", "temperature", role="calculated"))
        self.setpoint_point = image.add(Point(f"{name}.supply_setpoint", "temperature", role="calculated"))
        self.limit_point = image.add(
            Point(f"{name}.setpoint_limit", "choice", choices=LIMITS, role="calculated")
        )
        self.shares = Shares(name, settings, image, station)
        self.limits = Limits(name, settings, image)
        self.ramp = Ramp(settings.supply.ramp)
        rate, probing = settings.supply_rate, settings.probing
        self.rate = SupplyRate(rate) if rate is not None else None
        self.probing = Probing(probing) if probing is not None else None
        self.wishes = self._wishes(name, image)
        self._cut = 0
        self._least = settings.supply.min
        self.resting = False
        """No set-point is followed."""

    def _wishes(self, name: str, image: Image) -> dict[str, WishPoint]:
        found: list[WishPoint] = []
        remote, shortage = self.shares.remote, self.limits.shortage
        if remote is not None:
            slots = remote.slots
            found.append(WishPoint(f"{name}.remote_offset", "temperature_difference", slots["offset"], image))
            found.append(WishPoint(f"{name}.remote_setpoint", "temperature", slots["setpoint"], image))
        if shortage is not None:
            found.append(WishPoint(f"{name}.shortage_share", "fraction", shortage.slots["share"], image))
            found.append(WishPoint(f"{name}.shortage_supply", "temperature", shortage.slots["supply"], image))
        return {wish.point.name: wish for wish in found}

    @property
    def points(self) -> tuple[Point, ...]:
        """The points whose reason is the whole set-point's."""
        return (
            self.demand_point,
            self.setpoint_point,
            self.limit_point,
            *(wish.point for wish in self.wishes.values()),
        )

    def step(
        self, tick: Tick, fastest_rise: float = math.inf, *, heat: bool = True, mode: str = "heat_curve"
    ) -> float:
        """Set-point of this scan, °C. A finite `fastest_rise` (K/h) sets out from the water as it is; without
        `heat` the set-point goes with the water; `mode`: of the circuit (`circuit_mode`)."""
        supply = self.limits.supply_settings
        self.ramp.rate_per_hour = min(supply.ramp, fastest_rise)
        self._least = supply.min if math.isinf(fastest_rise) else -math.inf
        self.resting = False
        shares, limits = self.shares, self.limits
        wanted = shares.step(tick, self.supply, self._cut, self._heats(), mode)
        rooms = (shares.room_wanted, shares.median)
        demand = limits.step(tick, wanted, self.supply, self.setpoint_point.value, rooms)
        setpoint = self._rated(self._ramped(demand, tick), tick) if heat else self._with_the_water(demand)
        self._cut = self._side(demand, wanted)
        self.demand_point.put(demand, tick.now)
        self.setpoint_point.put(setpoint, tick.now)
        acting = "rate" if self.rate is not None and self.rate.limited else limits.acting
        self.limit_point.put(LIMITS.index(acting), tick.now)
        self._show_wishes(tick)
        return setpoint

    def rest(self, tick: Tick, fastest_rise: float, side: int) -> tuple[float, float]:
        """No set-point is followed: shares and limits stand still, and the way back sets out from the water.
        Lowest and highest supply, °C. `side` 1, −1: the one that now leads the valve, 0: none.

        After a standstill with a finite `fastest_rise` the lowest one comes up from the water's temperature.
        """
        settings, limits = self.limits.supply_settings, self.limits
        limits.renew()
        self.shares.rest(tick)
        lowest = settings.min
        self._least = lowest if math.isinf(fastest_rise) else -math.inf
        self.ramp.rate_per_hour = min(settings.ramp, fastest_rise)
        if math.isfinite(fastest_rise):
            lowest = self._ramped(lowest, tick)
        elif self.supply.usable:
            self.ramp.start_from(self.supply.value)
        self.resting = True
        for point in (self.demand_point, self.setpoint_point):
            point.mark(math.nan, Quality.BAD, "not_followed", tick.now)
        limits.acting = ("none", "supply_max", "supply_min")[side]
        self.limit_point.put(LIMITS.index(limits.acting), tick.now)
        self._show_wishes(tick)
        return min(lowest, settings.min), limits.highest

    def _show_wishes(self, tick: Tick) -> None:
        for wish in self.wishes.values():
            wish.rests = self.resting
            wish.show(tick.now)

    def least_opening(self, tick: Tick, valve: Output) -> float:
        """Opening that a probe asks for at least, %; 0 while there is none. `valve` holds the loop's own
        demand."""
        if self.probing is None:
            return 0.0
        free = self.flow.on and valve.slot not in (Slot.LIMIT, Slot.OVERRIDE)
        return self.probing.step(self.limits.limiting, valve.demand, free, tick.dt)

    def _heats(self) -> bool:
        """The rooms' temperatures speak about the curve."""
        if not self.flow.on or self.shares.bypassed:
            return False
        return self.limits.acting in FREE and (self.rate is None or not self.rate.limited)

    def _side(self, demand: float, wanted: float) -> int:
        """1 when less arrives than the station's own shares ask for, −1 when more. A remote set-point, or a
        mode without the curve, counts as a limit: no share reaches through it. A remote offset is a share."""
        asked = self.shares.own if self.shares.bypassed else wanted
        if abs(demand - asked) > ACTS_K:
            return 1 if demand < asked else -1
        return self.rate.limited if self.rate is not None else 0

    def _with_the_water(self, demand: float) -> float:
        """Nobody heats: so that heat sets out from the water when it comes back, sensor or not."""
        if self.supply.usable:
            self.ramp.start_from(self._water())
        return demand if math.isnan(self.ramp.value) else self.ramp.value

    def _water(self) -> float:
        """The cooler of supply and return: in a standing exchanger a leaking valve heats a slug of water."""
        back = self.back
        if back is None or not back.usable:
            return self.supply.value
        return min(self.supply.value, back.value)

    def _ramped(self, demand: float, tick: Tick) -> float:
        """Set-point on its way. It sets out from the water's temperature: at the start, and again
        whenever the water stood still, so that heat comes back as slowly as at the start."""
        stands = self.flow.usable and self.flow.value == 0
        if self.supply.usable and (stands or math.isnan(self.ramp.value)):
            water = self.supply.value if self._least > -math.inf else self._water()
            self.ramp.start_from(min(max(water, self._least), demand))
        elif math.isnan(self.ramp.value):
            return demand
        return self.ramp.step(demand, tick.dt)

    def _rated(self, ramped: float, tick: Tick) -> float:
        """Within what the supply can bear; for that no limit is passed: water far below `supply.min` or
        far above `supply.max` is not to stay there."""
        if self.rate is None:
            return ramped
        cut = self.rate.step(ramped, self.supply, tick.dt)
        lowest, highest = self.limits.supply_settings.min, self.limits.highest
        return max(cut, min(lowest, ramped)) if cut < ramped else min(cut, max(highest, ramped))

    @property
    def arrived(self) -> bool:
        """The set-point is where it was to go, and the water with it."""
        point, demand = self.setpoint_point, self.demand_point
        on_its_way = not abs(demand.value - point.value) < ARRIVED_K
        return not on_its_way and self.supply.usable and self.supply.value >= point.value - WATER_ARRIVED_K

    def explain(self) -> Term:
        """How the set-point came about: curve, shares, limits, ramp, rate."""
        if self.resting:
            return Term("setpoint_rests")
        terms = [*self.shares.explain(), *self.limits.explain()]
        ends = (self.ramp.explain(), self.rate.explain() if self.rate is not None else None)
        terms += [term for term in ends if term is not None]
        return Term("setpoint", (("setpoint", self.setpoint_point.value, "temperature"),), tuple(terms))

    def explain_probing(self) -> tuple[Term, ...]:
        """The probe that holds the valve open; nothing while there is none."""
        term = self.probing.explain() if self.probing is not None else None
        return (term,) if term is not None else ()

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {"setpoint": finite(self.ramp.value)} | self.shares.state() | self.limits.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        self.ramp.value = remembered(state, "setpoint", self.ramp.value)
        self.shares.restore(state)
        self.limits.restore(state)
