"""Room influence: what the rooms say about the heat curve, as K of supply temperature.

    e = wanted − median of the rooms                            K
    share = influence·e + I            −most … most
    dI/dt = influence·e / integral_time        I within ± integral_most

The integral is slow because the building is (time constant 79–147 h). It stands while its share cannot
reach the set-point: `limited` +1 (cut from above) stops it growing, −1 (held from below) stops it
shrinking, and so does the share's own bound. When too few rooms can be trusted the share fades out within
1 h; when other rooms begin to count it goes over to them within 10 min.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.setpoint.room_sensors import RoomSensors
from controller.fields import Amount, Settings
from controller.points import Point, Term

CHANGE_S, LOST_S = 600.0, 3600.0


class RoomInfluenceSettings(Settings):
    """Influence of measured room temperatures on the supply temperature (室温修正)."""

    wanted: Annotated[float, Amount("temperature", 15, 26, adjustable=True)] = Field(
        21.0, description="Median room temperature wanted. One kelvin too warm costs 5 % of the heat"
    )
    influence: Annotated[float, Amount("number", 0, 10, adjustable=True)] = Field(
        2.0, description="K of supply for each K that the rooms are off"
    )
    integral_time: Annotated[float, Amount("time", 1800, 172800)] = Field(
        21600.0, description="Time in which a lasting error adds as much again"
    )
    integral_most: Annotated[float, Amount("temperature_difference", 0, 10)] = Field(
        3.0, description="Bound of the lasting part, either way"
    )
    most: Annotated[float, Amount("temperature_difference", 0, 15)] = Field(
        5.0, description="Bound of the whole influence, either way"
    )
    least_share: Annotated[float, Amount("percent", 0, 100)] = Field(
        0.0, description="So many of the room sensors must be usable; at least one always"
    )


class RoomInfluence:
    """A share of the set-point in K. `sensors.median` is also what limiters ask about the rooms."""

    def __init__(self, settings: RoomInfluenceSettings) -> None:
        self.settings = settings
        self.sensors = RoomSensors()
        self.share = Fade(CHANGE_S)
        self.integral = 0.0
        self.proportional = 0.0
        self.enough = False

    def step(
        self, rooms: Sequence[Point], dt_s: float, limited: int = 0, *, integrates: bool = True
    ) -> float:
        """The share, K. `rooms`: all room points; `limited`: see above; `integrates` off: nobody heeds it."""
        settings = self.settings
        middle = self.sensors.step(rooms, dt_s)
        least = max(1, math.ceil(settings.least_share / 100 * len(rooms) - 1e-9))
        self.enough = len(self.sensors.counted) >= least
        if not self.enough:
            self.share.time_s = LOST_S
            return self.share.step(None, dt_s)
        self.share.time_s = CHANGE_S
        self.proportional = settings.influence * (settings.wanted - middle)
        self._integrate(max(dt_s, 0.0) if integrates else 0.0, limited)
        total = self.proportional + self.integral
        total = min(max(total, -settings.most), settings.most)
        return self.share.step(total, dt_s, self.sensors.counted)

    def _integrate(self, dt_s: float, limited: int) -> None:
        settings = self.settings
        growth = self.proportional * dt_s / settings.integral_time
        total = self.proportional + self.integral
        blocked_up = limited > 0 or total >= settings.most
        blocked_down = limited < 0 or total <= -settings.most
        if (growth > 0 and not blocked_up) or (growth < 0 and not blocked_down):
            self.integral += growth
        most = settings.integral_most
        self.integral = min(max(self.integral, -most), most)

    def explain(self) -> Term | None:
        """None while it adds nothing; how many rooms count, and why others do not."""
        share = ("share", self.share.value, "temperature_difference")
        sensors = self.sensors
        children: list[Term] = []
        if sensors.strange:
            children.append(Term("rooms_strange", (("count", float(sensors.strange), "count"),)))
        if sensors.windows:
            children.append(Term("rooms_window", (("count", float(sensors.windows), "count"),)))
        if not self.enough:
            if abs(self.share.value) < 0.05:
                return Term("rooms_unknown", (), tuple(children)) if sensors.total else None
            return Term("rooms_fade", (share,), tuple(children))
        values = (
            share,
            ("median", sensors.median, "temperature"),
            ("wanted", self.settings.wanted, "temperature"),
            ("counted", float(len(sensors.counted)), "count"),
            ("total", float(sensors.total), "count"),
            ("proportional", self.proportional, "temperature_difference"),
            ("integral", self.integral, "temperature_difference"),
        )
        return Term("rooms", values, tuple(children))

    def state(self) -> dict[str, Any]:
        """The lasting part and the share."""
        return {"integral": self.integral, "share": self.share.value}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        settings = self.settings
        self.integral = remembered(state, "integral", 0.0, -settings.integral_most, settings.integral_most)
        self.share.restore(remembered(state, "share", 0.0, -settings.most, settings.most))
