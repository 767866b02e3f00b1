"""Wind and sun correction: wind asks for more supply temperature, sun for less.

    wind share =  wind_gain · (v − wind_from)       0 … wind_most     K, v in m/s
    sun share  = −sun_gain  · G / 100               −sun_most … 0     K, G on the horizontal in W/m²

A house's own figures differ several times over (exposure, tightness, windows), so there is no published
constant to take: the defaults are cautious, 0 K turns a share off. A lost or absurd reading fades its
share out over 10 min.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from controller.control.blocks.parts.fade import Fade
from controller.control.blocks.parts.memory import remembered
from controller.fields import Amount, Settings
from controller.points import Point, Term

FADE_S = 600.0
MOST_WIND = 60.0
MOST_SUN = 1400.0
"""No sound reading is above these: m/s, and W/m² (the solar constant is 1361)."""

Gain = Annotated[float, Amount("temperature_difference", 0, 5, adjustable=True)]
Most = Annotated[float, Amount("temperature_difference", 0, 10)]


class WindSunSettings(Settings):
    """Wind and sun correction (风、日照修正)."""

    wind_gain: Gain = Field(0.3, description="Supply so much warmer for each m/s of wind above `wind_from`")
    wind_from: Annotated[float, Amount("speed", 0, 20)] = Field(4.0, description="No correction below")
    wind_most: Most = Field(3.0, description="Largest correction for wind")
    sun_gain: Gain = Field(0.5, description="Supply so much cooler for each 100 W/m² of sun")
    sun_most: Most = Field(3.0, description="Largest correction for sun")


class WindSun:
    """Two shares of the set-point in K, from measured or upstream points; either may be None."""

    def __init__(self, settings: WindSunSettings) -> None:
        self.settings = settings
        self.wind = Fade(FADE_S)
        self.sun = Fade(FADE_S)
        self._speed: float | None = None
        self._irradiance: float | None = None

    def step(self, wind: Point | None, sun: Point | None, dt_s: float) -> float:
        """Sum of both shares, K. `wind` in m/s, `sun` in W/m²."""
        settings = self.settings
        self._speed = _sound(wind, MOST_WIND)
        self._irradiance = _sound(sun, MOST_SUN)
        windy = bright = None
        if self._speed is not None:
            above = max(self._speed - settings.wind_from, 0.0)
            windy = min(settings.wind_gain * above, settings.wind_most)
        if self._irradiance is not None:
            bright = -min(settings.sun_gain * self._irradiance / 100, settings.sun_most)
        return self.wind.step(windy, dt_s) + self.sun.step(bright, dt_s)

    def explain(self) -> list[Term]:
        """One term for each share that is not 0."""
        terms = []
        if abs(self.wind.value) >= 0.05:
            share = ("share", self.wind.value, "temperature_difference")
            if self._speed is None:
                terms.append(Term("wind_fades", (share,)))
            else:
                terms.append(Term("wind", (share, ("wind", self._speed, "speed"))))
        if abs(self.sun.value) >= 0.05:
            share = ("share", self.sun.value, "temperature_difference")
            if self._irradiance is None:
                terms.append(Term("sun_fades", (share,)))
            else:
                terms.append(Term("sun", (share, ("sun", self._irradiance, "irradiance"))))
        return terms

    def state(self) -> dict[str, Any]:
        """Both shares."""
        return {"wind": self.wind.value, "sun": self.sun.value}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from them."""
        self.wind.restore(remembered(state, "wind", 0.0, 0, self.settings.wind_most))
        self.sun.restore(remembered(state, "sun", 0.0, -self.settings.sun_most, 0))


def _sound(point: Point | None, most: float) -> float | None:
    if point is None or not point.usable or not math.isfinite(point.value):
        return None
    return max(point.value, 0.0) if -5 <= point.value <= most else None
