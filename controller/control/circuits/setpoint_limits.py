"""What lowers or raises the wanted supply temperature, in this order: return limit, meter limit, shortage,
`supply.max` and `supply.min`.

Return and meter limit add up: each answers to its own measurement and hands back by itself.
"""

from __future__ import annotations

from typing import Any

from controller.control.blocks.setpoint.meter_limit import MeterLimit
from controller.control.blocks.setpoint.return_limit import ReturnLimit
from controller.control.blocks.setpoint.shortage import Shortage
from controller.control.circuits.setpoint_settings import SetpointSettings
from controller.control.tick import Tick
from controller.points import Image, Point, Term

BELOW_ALARM_K = 2.0
"""No set-point comes nearer to the alarm, whatever maximum an operator sets at run time."""
ACTS_K = 0.05
"""A smaller share is no limit worth telling."""
LIMITS = ("none", "supply_max", "supply_min", "return_limit", "meter_limit", "shortage", "rate")
"""Which limit has the last word; positions of `<circuit>.setpoint_limit`."""


class Limits:
    """The demand in °C. `acting`: the limit with the last word, or `none`; `held` −1: raised from below."""

    def __init__(self, name: str, settings: SetpointSettings, image: Image) -> None:
        find = image.points.get
        self.supply_settings = settings.supply
        self.outdoor = image["station.outdoor_temperature"]
        self.primary_return = find("station.primary_return_temperature")
        self.secondary_return = find(f"{name}.return_temperature")
        self.primary_flow = find("station.primary_flow")
        self.power = find(f"{name}.heat_power") or find("station.heat_power")
        back, meter, shortage = settings.return_limit, settings.meter_limit, settings.shortage
        self.return_limit = ReturnLimit(back) if back is not None else None
        self.meter_limit = MeterLimit(meter) if meter is not None else None
        self.shortage = Shortage(shortage) if shortage is not None else None
        self.acting = "none"
        self.held = 0
        self.highest = settings.supply.max

    @property
    def limiting(self) -> bool:
        """Return or meter limit lowers the set-point."""
        blocks = (self.return_limit, self.meter_limit)
        return any(block is not None and block.share.value <= -ACTS_K for block in blocks)

    def step(
        self, tick: Tick, wanted: float, supply: Point, setpoint: float, rooms: tuple[float, float]
    ) -> float:
        """The demand, °C. `setpoint`: the circuit's last one, °C; `rooms`: wanted and median, °C."""
        room, median = rooms
        if self.return_limit is not None:
            wanted += self.return_limit.step(
                self.primary_return, self.secondary_return, self.outdoor, median, tick.dt, self.held
            )
        if self.meter_limit is not None:
            flow, power = self.primary_flow, self.power
            wanted += self.meter_limit.step(flow, power, self.outdoor, supply, setpoint, tick, self.held)
        if self.shortage is not None:
            wanted += self.shortage.step(wanted, room, tick.now, tick.dt)
        return self._within(wanted)

    def renew(self) -> None:
        """Take the highest set-point from the settings, which a person may have changed."""
        supply = self.supply_settings
        self.highest = min(supply.max, supply.alarm - BELOW_ALARM_K)

    def _within(self, wanted: float) -> float:
        supply = self.supply_settings
        self.renew()
        self.held = 0
        if wanted > self.highest:
            self.acting = "supply_max"
            return self.highest
        if wanted < supply.min:
            self.acting, self.held = "supply_min", -1
            return supply.min
        self.acting = self._deepest()
        return wanted

    def _deepest(self) -> str:
        shares = {
            key: block.share.value
            for key, block in (
                ("return_limit", self.return_limit),
                ("meter_limit", self.meter_limit),
                ("shortage", self.shortage),
            )
            if block is not None
        }
        deepest = min(shares, key=shares.__getitem__, default="none")
        return deepest if shares.get(deepest, 0.0) <= -ACTS_K else "none"

    def explain(self) -> list[Term]:
        """Every limit that acts, is hindered or refused."""
        terms: list[Term] = []
        if self.return_limit is not None:
            term = self.return_limit.explain()
            terms += [term] if term is not None else []
        if self.meter_limit is not None:
            terms += self.meter_limit.explain()
        if self.shortage is not None:
            terms += self.shortage.explain()
        if self.acting == "supply_max":
            terms.append(Term("supply_max", (("limit", self.highest, "temperature"),)))
        elif self.acting == "supply_min":
            terms.append(Term("supply_min", (("limit", self.supply_settings.min, "temperature"),)))
        return terms

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {key: block.state() for key, block in self._blocks().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        for key, block in self._blocks().items():
            kept = state.get(key)
            if isinstance(kept, dict):
                block.restore(kept)

    def _blocks(self) -> dict[str, ReturnLimit | MeterLimit | Shortage]:
        found = {
            "return_limit": self.return_limit,
            "meter_limit": self.meter_limit,
            "shortage": self.shortage,
        }
        return {key: block for key, block in found.items() if block is not None}
