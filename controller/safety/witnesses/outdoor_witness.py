"""Is the outdoor sensor right? It is asked of whoever else knows the outdoor temperature.

    two sensors that disagree   the one nearer to a witness; without one see `outdoor_pair.py`
    sensor and one witness      the colder of both, bounded: cold kills, warmth costs
    two against one             the odd one out is not used
    sensor lost                 what is measured elsewhere, then the forecast (FACTS §8); `substitutes` go on

A witness is what a system further up writes: the temperature measured elsewhere, or a whole forecast of the
last 12 h. It differs after `after` more than `differ` apart, and agrees again after 10 min below two thirds
of that. One witness makes the sensor colder by at most `most`; two make it as cold as they say, but warmer
by at most `most`: witnesses of one source may lie together, and must not stop the heat. When the witnesses
fall silent a sensor that was too warm keeps its last correction, until one speaks again or the sensor was
lost for 10 min (somebody has changed it).

The station's own rooms and heat meter are no witness against a single sensor: windows, sun and a wrong curve
move them by as much as a sensor that is 5 K off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from controller.alarms import Values
from controller.control.blocks.parts.memory import remembered
from controller.control.circuits.outdoor_written import OutdoorWritten
from controller.fields import Amount, Settings
from controller.points import Image, Point, Quality
from controller.safety.rules import Rule
from controller.safety.witnesses.outdoor_pair import OutdoorPair

OUTDOOR = "station.outdoor_temperature"
WITNESS_S = 12 * 3600.0
"""An older forecast says too little of this hour to contradict a sensor."""
AGREES_S, AGREES_SHARE = 600.0, 2 / 3
SUBSTITUTED = frozenset({"upstream", "forecast", "outvoted", "doubtful"})
"""Reasons of a value that is not the sensor's own: nothing is learned from it."""


class OutdoorSettings(Settings):
    """What a system further up tells about the weather, and how far it is believed (室外温度上位数据)."""

    differ: Annotated[float, Amount("temperature_difference", 1, 15)] = Field(
        4.0, description="Sensor and witness that are further apart doubt each other"
    )
    after: Annotated[float, Amount("time", 600, 86400)] = Field(
        3600.0, description="They must differ for so long"
    )
    most: Annotated[float, Amount("temperature_difference", 0, 15)] = Field(
        6.0, description="Most that one witness makes the sensor colder, and that two make it warmer"
    )


class _Differs:
    """Two temperatures have been too far apart for too long. While one is unknown (NaN) they do not differ,
    but a doubt outlives a loose contact: it is forgotten after 10 min."""

    def __init__(self, settings: OutdoorSettings) -> None:
        self._settings = settings
        self._since = self._unknown_since = math.inf
        self.active = False

    def step(self, one: float, other: float, now: float) -> bool:
        gap = abs(one - other)
        if math.isnan(gap):
            self._unknown_since = min(self._unknown_since, now)
            if now - self._unknown_since > AGREES_S:
                self.active, self._since = False, math.inf
            return False
        self._unknown_since = math.inf
        limit = self._settings.differ * (AGREES_SHARE if self.active else 1.0)
        turns = gap <= limit if self.active else gap > limit
        self._since = min(self._since, now) if turns else math.inf
        if now - self._since >= (AGREES_S if self.active else self._settings.after):
            self.active, self._since = not self.active, math.inf
        return self.active


class OutdoorWitness:
    """Corrects `station.outdoor_temperature` after the input stage. `written`: what is told from further up,
    None where the file has no `outdoor`. `rooms`: all room temperatures of the station."""

    def __init__(
        self,
        settings: OutdoorSettings,
        image: Image,
        written: OutdoorWritten | None,
        rooms: Sequence[Point] = (),
    ) -> None:
        self.settings = settings
        self.point = image[OUTDOOR]
        self.written = written
        self.pair: OutdoorPair | None = None
        if f"{OUTDOOR}_2" in image.points:
            self.pair = OutdoorPair(self.point, image, rooms, settings.most)
        self.sensor: Point | None = None
        if written is not None:
            self.sensor = image.add(Point("station.outdoor_sensor", "temperature", role="calculated"))
        self._own_upstream, self._own_forecast = _Differs(settings), _Differs(settings)
        self._upstream_forecast = _Differs(settings)
        self.own = self.upstream = self.forecast = math.nan
        self.lies: frozenset[str] = frozenset()
        """Who is doubted: sensor, upstream, forecast."""
        self.correction = 0.0
        """K by which the sensor is corrected."""
        self._seen_at = -math.inf

    def step(self, now: float, dt: float) -> None:
        """One scan."""
        written, point = self.written, self.point
        own = point.value if point.usable else math.nan
        if written is not None:
            written.step(now, own)
            self.upstream, self.forecast = written.elsewhere, written.newest.at(now, WITNESS_S)
        if self.pair is not None:
            own = self.pair.step(self.forecast if math.isnan(self.upstream) else self.upstream, dt)
        self.own = own
        if self.sensor is not None:
            self.sensor.mark(own, point.quality, point.reason, point.time)
        against_upstream = self._own_upstream.step(own, self.upstream, now)
        against_forecast = self._own_forecast.step(own, self.forecast, now)
        apart = self._upstream_forecast.step(self.upstream, self.forecast, now)
        if math.isnan(own):
            self._stand_in(apart, now)
        else:
            self._seen_at = now
            self._judge(own, against_upstream, against_forecast, apart)
        if written is not None:
            written.doubted = "forecast" in self.lies
            written.show(now)

    def _judge(self, own: float, against_upstream: bool, against_forecast: bool, apart: bool) -> None:
        """The sensor can be read: is it believed?"""
        upstream, forecast = self.upstream, self.forecast
        told = not math.isnan(upstream), not math.isnan(forecast)
        if against_upstream and against_forecast and not apart:
            self.lies = frozenset({"sensor"})
            self._correct(own, upstream, "outvoted", coldest=-math.inf)
        elif against_upstream and against_forecast:
            self.lies = frozenset({"sensor", "upstream", "forecast"})
            self._correct(own, min(own, upstream, forecast), "doubtful")
        elif against_upstream and not apart and all(told):
            # The forecast lies between both measurements and agrees with either: the middle of three.
            self.lies = frozenset({"sensor", "upstream"})
            self._correct(own, forecast, "doubtful")
        elif (against_upstream or against_forecast) and all(told):
            self.lies = frozenset({"upstream" if against_upstream else "forecast"})
            self.correction = 0.0
        elif against_upstream or against_forecast:
            witness = "upstream" if against_upstream else "forecast"
            self.lies = frozenset({"sensor", witness})
            self._correct(own, min(own, upstream if against_upstream else forecast), "doubtful")
        elif self.correction < 0.0 and not any(told):
            self.lies = frozenset({"sensor"})
            self._correct(own, own + self.correction, "doubtful")
        else:
            self.lies = frozenset()
            self.correction = 0.0

    def _correct(self, own: float, wanted: float, reason: str, coldest: float | None = None) -> None:
        """Reckon with `wanted`, °C, within the bounds; `coldest`: lowest correction, K."""
        most = self.settings.most
        self.correction = min(max(wanted - own, -most if coldest is None else coldest), most)
        self.point.mark(own + self.correction, Quality.UNCERTAIN, reason, self.point.time)

    def _stand_in(self, apart: bool, now: float) -> None:
        """The sensor is lost: whoever else knows, before anything is held or guessed."""
        written, upstream = self.written, self.upstream
        self.lies = frozenset({"upstream", "forecast"} if apart else ())
        if now - self._seen_at > AGREES_S:
            self.correction = 0.0
        cached = math.nan if written is None else written.in_force.at(now)
        if not math.isnan(upstream):
            colder = max(min(upstream, self.forecast), upstream - self.settings.most) if apart else upstream
            self.point.mark(colder, Quality.UNCERTAIN, "upstream", now)
        elif not math.isnan(cached):
            self.point.mark(cached, Quality.UNCERTAIN, "forecast", now)

    def _shows(self) -> Values:
        return (
            ("sensor", self.own, "temperature"),
            ("upstream", self.upstream, "temperature"),
            ("forecast", self.forecast, "temperature"),
            ("used", self.point.value, "temperature"),
        )

    def _doubted(self, who: str) -> bool:
        """One alarm where sensor and witness doubt each other: the sensor's."""
        return who in self.lies and (who == "sensor" or "sensor" not in self.lies)

    def rules(self) -> Iterator[Rule]:
        """A row for each that can be doubted; a doubt about the sensor is the more urgent."""
        if self.written is None:
            return
        told = (
            ("sensor", OUTDOOR),
            ("upstream", "station.outdoor_upstream"),
            ("forecast", "station.forecast_0h"),
        )
        for who, subject in told:
            yield Rule(
                "outdoor_doubtful",
                subject,
                lambda who=who: self._doubted(who),  # type: ignore[misc]
                priority="high" if who == "sensor" else "warning",
                shows=self._shows,
            )

    def state(self) -> dict[str, Any]:
        """What must survive a restart; plain JSON values."""
        doubts = (self._own_upstream, self._own_forecast, self._upstream_forecast)
        return {
            "differ": [doubt.active for doubt in doubts],
            "correction": self.correction,
            "written": None if self.written is None else self.written.state(),
            "pair": None if self.pair is None else self.pair.state(),
        }

    def restore(self, state: object) -> None:
        """Go on from it; what is missing or odd is left out."""
        if not isinstance(state, dict):
            return
        most, differ = self.settings.most, state.get("differ")
        self.correction = remembered(state, "correction", 0.0, -most, most)
        if isinstance(differ, list) and len(differ) == 3:
            doubts = (self._own_upstream, self._own_forecast, self._upstream_forecast)
            for doubt, active in zip(doubts, differ, strict=True):
                doubt.active = active is True
        if self.written is not None:
            self.written.restore(state.get("written"))
        if self.pair is not None:
            self.pair.restore(state.get("pair"))
