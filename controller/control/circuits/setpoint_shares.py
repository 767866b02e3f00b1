"""What the station itself wants of the supply temperature: curve and what is added to it.

    own = curve(damped outdoor) + offset by time + forecast + learned + wind and sun + rooms + schedule
    wanted = own + remote

In mode `constant_supply` its temperature stands for `own`, which goes on beside it for the way back; in mode
`mean_temperature` the supply that brings the mean (2·mean − return), with the same shares on the mean.
Every part but the curve is built only where the file has its section.
"""

from __future__ import annotations

import math
from typing import Any

from controller.control.blocks.parts.memory import remembered
from controller.control.blocks.setpoint.damped_outdoor import DampedOutdoor
from controller.control.blocks.setpoint.day_offsets import DayOffsets
from controller.control.blocks.setpoint.forecast import ForecastFeedForward
from controller.control.blocks.setpoint.heat_curve import HeatCurve, PointsCurve
from controller.control.blocks.setpoint.learned_curve import LearnedCurve
from controller.control.blocks.setpoint.mean_temperature import MeanTemperature
from controller.control.blocks.setpoint.remote import RemoteInfluence
from controller.control.blocks.setpoint.room_influence import RoomInfluence
from controller.control.blocks.setpoint.room_sensors import RoomSensors
from controller.control.blocks.setpoint.schedule import WeeklySchedule
from controller.control.blocks.setpoint.wind_sun import WindSun
from controller.control.circuits.outdoor_written import FORECAST_POINTS, HOURS
from controller.control.circuits.setpoint_settings import SetpointSettings
from controller.control.tick import Tick
from controller.points import Image, Point, Term

Kept = (
    DampedOutdoor
    | ForecastFeedForward
    | LearnedCurve
    | WindSun
    | RoomInfluence
    | WeeklySchedule
    | RemoteInfluence
    | MeanTemperature
)
ROOM_C = 20.0
"""Room temperature that a curve by points is drawn for, as the other curves' default."""
FORECAST_S = 60.0
"""A forecast is looked at once a minute."""


def room_points(image: Image, circuit: str) -> list[Point]:
    """The circuit's room temperatures in the order of their numbers."""
    prefix = f"{circuit}.room_temperature_"
    numbers = [name.removeprefix(prefix) for name in image.points if name.startswith(prefix)]
    return [image[f"{prefix}{number}"] for number in sorted(filter(str.isdigit, numbers), key=int)]


class Shares:
    """Sum of the curve and the shares of the set-point in °C. `median` of the rooms is for limiters, too."""

    def __init__(self, name: str, settings: SetpointSettings, image: Image, station: str) -> None:
        find = image.points.get
        self.settings = settings
        self.outdoor = image["station.outdoor_temperature"]
        self.wind, self.sun = find("station.wind_speed"), find("station.solar_radiation")
        self.rooms_points = room_points(image, name)
        self.sensors = RoomSensors()
        self.curve = HeatCurve(settings.heat_curve)
        self.offsets = DayOffsets(settings.offset_by_time)
        damped, learned, weather = settings.damped_outdoor, settings.learned_curve, settings.wind_sun
        rooms, schedule, remote = settings.room_influence, settings.schedule, settings.remote
        self.damped = DampedOutdoor(damped, name) if damped is not None else None
        if self.damped is not None:
            self.damped.point = image.add(self.damped.point)
        ahead = settings.forecast
        self.forecast = ForecastFeedForward(ahead) if ahead is not None else None
        self._written = [image[point] for point in FORECAST_POINTS if point in image.points]
        self._forecast_due = FORECAST_S
        self.wind_sun = WindSun(weather) if weather is not None else None
        self.rooms = RoomInfluence(rooms) if rooms is not None else None
        self.schedule = WeeklySchedule(schedule, station) if schedule is not None else None
        self.remote = RemoteInfluence(remote) if remote is not None else None
        self.learned: LearnedCurve | None = None
        if learned is not None:
            self.learned = LearnedCurve(learned, self.curve, self.room_wanted)
        self._watches_rooms = learned is not None or settings.return_limit is not None
        mean = settings.mean_temperature
        self.mean: MeanTemperature | None = None
        if mean is not None:
            self.mean = MeanTemperature(mean, self.curve, find(f"{name}.return_temperature"))
        self.own = math.nan
        self.mode = "heat_curve"

    @property
    def room_wanted(self) -> float:
        """Room temperature that the set-point is meant for, °C."""
        if self.settings.room_influence is not None:
            return self.settings.room_influence.wanted
        curve = self.settings.heat_curve
        return ROOM_C if isinstance(curve, PointsCurve) else curve.room

    @property
    def median(self) -> float:
        """Median of the rooms that count, °C; NaN while none does or nobody asks."""
        return (self.rooms.sensors if self.rooms is not None else self.sensors).median

    @property
    def bypassed(self) -> bool:
        """Something else stands for the curve and its shares: a remote set-point, another mode."""
        if self.mode == "constant_supply":
            return True
        return self.remote is not None and self.remote.slots["setpoint"].wish is not None

    def step(self, tick: Tick, supply: Point, limited: int, heating: bool, mode: str = "heat_curve") -> float:
        """What is wanted, °C, before any limit. `limited`: last scan's cut, 1 from above, −1 from below;
        `heating`: water circulates and nothing but the curve's own limits holds the set-point; `mode`: of the
        circuit."""
        self.mode = mode
        outdoor = self.outdoor if self.damped is None else self.damped.step(self.outdoor, tick)
        own = self.curve.step(outdoor) + self.offsets.step(tick.second_of_day)
        if self.forecast is not None:
            self._look_ahead(self.forecast, tick)
            own += self.forecast.on_curve(self.curve, outdoor)
        if self.rooms is not None:
            heeded = mode != "constant_supply"
            own += self.rooms.step(self.rooms_points, tick.dt, limited, integrates=heeded)
        elif self._watches_rooms:
            self.sensors.step(self.rooms_points, tick.dt)
        if self.learned is not None:
            seen, wanted = self.median, self.room_wanted
            speaks = heating and mode == "heat_curve"
            own += self.learned.step(seen, supply, self.outdoor, wanted, speaks, tick.dt)
        if self.wind_sun is not None:
            own += self.wind_sun.step(self.wind, self.sun, tick.dt)
        if self.schedule is not None:
            own += self.schedule.step(tick.weekday, tick.second_of_day, self.outdoor, tick.dt)
        if mode == "mean_temperature" and self.mean is not None and math.isfinite(self.curve.read_at):
            own = self.mean.step(self.curve.read_at, own - self.curve.demand)
            if heating and supply.usable:
                self.mean.learn(supply.value, tick.dt)
        self.own = own
        constant = self.settings.constant_supply
        if mode == "constant_supply" and constant is not None:
            own = constant.supply
        if self.remote is None:
            return own
        return own + self.remote.step(own, tick.now, tick.dt)

    def _look_ahead(self, forecast: ForecastFeedForward, tick: Tick) -> None:
        """Once a minute: what the forecast in force says of the hours to come."""
        self._forecast_due += tick.dt
        if self._forecast_due < FORECAST_S:
            return
        rows = [
            (float(hour), point.value)
            for hour, point in zip(HOURS, self._written, strict=False)
            if point.usable
        ]
        issue = self._written[0].time if rows else math.nan
        forecast.step(rows, tick.now - issue, self._forecast_due, issue)
        self._forecast_due = 0.0

    def _explain_forecast(self) -> Term | None:
        """With the reason of the points where none counts."""
        term = self.forecast.explain() if self.forecast is not None else None
        if term is None or term.code != "forecast_none" or not self._written:
            return term
        return Term(term.code, term.values, (Term(f"quality_{self._written[0].reason}"),))

    def rest(self, tick: Tick) -> None:
        """No set-point is followed: what was damped goes on with the weather, all else stands still."""
        if self.damped is not None:
            self.damped.step(self.outdoor, tick)

    def explain(self) -> list[Term]:
        """Curve first, then every share that acts or is missed."""
        constant = self.settings.constant_supply
        if self.mode == "constant_supply" and constant is not None:
            remote = self.remote.explain() if self.remote is not None else None
            wanted = Term("constant_supply_wants", (("supply", constant.supply, "temperature"),))
            return [wanted] if remote is None else [wanted, remote]
        curve = self.curve.explain()
        damped = self.damped.explain() if self.damped is not None else None
        if damped is not None:
            curve = Term(curve.code, curve.values, (*curve.children, damped))
        blocks = (self.offsets, self.learned, self.rooms, self.schedule, self.remote)
        if self.mode == "mean_temperature" and self.mean is not None:
            mean = self.mean.explain()
            curve = Term(mean.code, mean.values, (*mean.children, *curve.children))
        terms = [curve, *(block.explain() for block in blocks if block is not None)]
        terms.append(self._explain_forecast())
        if self.wind_sun is not None:
            terms += self.wind_sun.explain()
        return [term for term in terms if term is not None]

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        return {"curve": self.curve.base} | {key: block.state() for key, block in self._blocks().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a remembered state; anything missing or odd keeps its fresh value."""
        self.curve.base = remembered(state, "curve", self.curve.base)
        for key, block in self._blocks().items():
            kept = state.get(key)
            if isinstance(kept, dict):
                block.restore(kept)

    def _blocks(self) -> dict[str, Kept]:
        found: dict[str, Kept | None] = {
            "damped_outdoor": self.damped,
            "forecast": self.forecast,
            "learned_curve": self.learned,
            "wind_sun": self.wind_sun,
            "room_influence": self.rooms,
            "schedule": self.schedule,
            "remote": self.remote,
            "mean_temperature": self.mean,
        }
        return {key: block for key, block in found.items() if block is not None}
