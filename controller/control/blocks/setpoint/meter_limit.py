"""Flow and power limiter by the heat meter: lowers the set-point while too much is drawn.

    limit = a line through points over the outdoor temperature
    x     = (value − limit) / limit,  the larger of flow and power
    dC/dt = −fall · min(x / 0.1, 1)        while x > 0
    dC/dt = +rise · min(−x / 0.1, 1)       while x < 0, or the supply is 5 K above its set-point

C (K, −most … 0) is added to the set-point. A pure, gentle integral: the full speed only from 10 % off the
limit on, because an adaptation that is too quick hunts. It hands back when the supply exceeds the
set-point by 5 K (Samson TROVIS): then it is not the set-point that draws the heat. Sauter's limiter
lowers by up to 5 K/min. A meter whose value is renewed too slowly is refused, with the measured interval.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.parts.meter_age import MeterAge
from controller.control.blocks.setpoint.heat_curve import Outdoor, interpolate
from controller.control.tick import Tick
from controller.fields import Amount, Settings
from controller.points import Point, Term

LET_GO_S = 600.0
FULL_SPEED = 0.1
HAND_BACK_K = 5.0

Flow = Annotated[float, Amount("flow", 0.05, 2000)]
Power = Annotated[float, Amount("power", 1, 50000)]
Speed = Annotated[float, Amount("temperature_rate", 0, 1800)]


class MeterLimitSettings(Settings):
    """Limit of primary flow and heat power by the heat meter (流量、热量限制)."""

    flow: dict[Outdoor, Flow] = Field(
        {}, description="Outdoor temperature: highest primary flow", max_length=8
    )
    power: dict[Outdoor, Power] = Field({}, description="Outdoor temperature: highest power", max_length=8)
    slowest_update: Annotated[float, Amount("time", 1, 60)] = Field(
        5.0, description="A meter that renews its value more slowly is refused"
    )
    fall: Speed = Field(30.0, description="Fastest lowering of the set-point")
    rise: Speed = Field(15.0, description="Fastest giving back")
    most: Annotated[float, Amount("temperature_difference", 0, 30)] = Field(
        15.0, description="It never lowers the set-point by more"
    )


class _Watched:
    """One of the meter's values, its limit and how it stands to it."""

    def __init__(self, name: str, rows: dict[float, float]) -> None:
        self.name = name
        self.rows = sorted(rows.items())
        self.age = MeterAge()
        self.value = self.limit = math.nan

    def excess(self, point: Point | None, outdoor: Point, tick: Tick, slowest_s: float) -> float:
        """Share above the limit, NaN while the meter cannot be used for it."""
        self.value = self.limit = math.nan
        if not self.rows or not self.age.step(point, tick.now, slowest_s) or point is None:
            return math.nan
        known = outdoor.usable and math.isfinite(outdoor.value)
        self.limit = interpolate(self.rows, outdoor.value) if known else max(y for _, y in self.rows)
        self.value = point.value
        return (self.value - self.limit) / self.limit


class MeterLimit:
    """A share of the set-point in K, 0 or below."""

    def __init__(self, settings: MeterLimitSettings) -> None:
        self.settings = settings
        self.flow = _Watched("flow", settings.flow)
        self.power = _Watched("power", settings.power)
        self.share = Fade(LET_GO_S)
        self.correction = 0.0
        self.handed_back = False
        self._acting: _Watched | None = None

    def step(
        self,
        flow: Point | None,
        power: Point | None,
        outdoor: Point,
        supply: Point,
        setpoint: float,
        tick: Tick,
        limited: int = 0,
    ) -> float:
        """The share, K. `setpoint`: the circuit's last one, °C; `limited` −1: held from below."""
        slowest = self.settings.slowest_update
        excesses = [
            (self.flow.excess(flow, outdoor, tick, slowest), self.flow),
            (self.power.excess(power, outdoor, tick, slowest), self.power),
        ]
        known = [(excess, watched) for excess, watched in excesses if not math.isnan(excess)]
        if not known:
            self._acting = None
            self.correction = 0.0
            return self.share.step(None, tick.dt)
        excess, self._acting = max(known, key=lambda pair: pair[0])
        over = supply.value - setpoint if supply.usable else 0.0
        self.handed_back = over > HAND_BACK_K
        self._integrate(1.0 if self.handed_back else -excess / FULL_SPEED, tick.dt, limited)
        return self.share.step(self.correction, tick.dt)

    def _integrate(self, room: float, dt_s: float, limited: int) -> None:
        """`room`: distance under the limit in shares of full speed, −1 … 1."""
        room = min(max(room, -1.0), 1.0)
        if room < 0 and limited < 0:
            return
        speed = self.settings.rise if room > 0 else self.settings.fall
        moved = self.correction + room * speed * max(dt_s, 0.0) / 3600
        self.correction = min(max(moved, -self.settings.most), 0.0)

    def explain(self) -> list[Term]:
        """Its share while it acts, and which of the meter's values is refused, why."""
        share = ("share", self.share.value, "temperature_difference")
        terms = [term for watched in (self.flow, self.power) if (term := self._refused(watched)) is not None]
        acting = self._acting
        if acting is None or abs(self.share.value) < 0.05:
            return terms
        if self.handed_back:
            return [Term("meter_limit_hands_back", (share,)), *terms]
        values = (
            share,
            ("value", acting.value, acting.name),
            ("limit", acting.limit, acting.name),
        )
        return [Term("meter_limit_flow" if acting is self.flow else "meter_limit_power", values), *terms]

    def _refused(self, watched: _Watched) -> Term | None:
        age = watched.age
        if not watched.rows or not age.why:
            return None
        if age.why == "meter_slow":
            slowest = ("slowest", self.settings.slowest_update, "time")
            return Term("meter_slow", (("interval", age.interval, "time"), slowest))
        if age.why == "meter_frozen":
            return Term("meter_frozen", (("age", age.age, "time"),))
        if age.why == "meter_unknown":
            return Term("meter_unknown")
        return Term("meter_lost" if age.why == "meter_lost" else "meter_old")

    def state(self) -> dict[str, Any]:
        """The share."""
        return {"share": self.share.value, "correction": self.correction}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it; the meter's interval is learned anew."""
        self.correction = remembered(state, "correction", 0.0, -self.settings.most, 0)
        self.share.restore(remembered(state, "share", 0.0, -self.settings.most, 0))
