"""Sun on the four sides of a house, from the radiation on the ground.

Global radiation G is split by clearness k = G/(I0*sin h) into diffuse (Erbs) and beam; a wall gets beam by
its angle, half of the sky and half of what the ground throws back:
    I_wall = (G - D)/sin h * max(0, cos angle) + D/2 + albedo*G/2
Sources: Erbs, Klein, Duffie 1982, Solar Energy 28, 293-302; Duffie and Beckman, Solar Engineering of Thermal
Processes, 1.6 (declination, equation of time) and 2.15 (isotropic sky).
"""

from __future__ import annotations

from math import cos, pi, radians, sin

_SOLAR_CONSTANT = 1367.0
_LOWEST_SUN = 0.05  # sine of the height below which all light is diffuse
_ALBEDO = 0.2
_YEAR = 365.2425 * 86400.0
_RENEW = 300.0  # s between two sun positions

Facades = tuple[float, float, float, float]
"""Radiation in W/m2 on walls that face south, west, north and east."""


def sun_direction(time: float, latitude: float, longitude: float) -> tuple[float, float, float, float]:
    """Unit vector to the sun, (up, south, west), and the radiation outside the atmosphere in W/m2.

    `time` in epoch seconds, latitude and longitude in degrees north and east."""
    turn = 2.0 * pi * (time % _YEAR) / _YEAR  # 1970 began at midnight of New Year
    declination = radians(23.45) * sin(turn - 2.0 * pi * 80.0 / 365.0)
    minutes = 229.2 * (
        0.000075
        + 0.001868 * cos(turn)
        - 0.032077 * sin(turn)
        - 0.014615 * cos(2.0 * turn)
        - 0.04089 * sin(2.0 * turn)
    )
    solar_day = (time / 86400.0 + longitude / 360.0 + minutes / 1440.0) % 1.0
    hour = 2.0 * pi * (solar_day - 0.5)
    place = radians(latitude)
    up = sin(place) * sin(declination) + cos(place) * cos(declination) * cos(hour)
    south = sin(place) * cos(declination) * cos(hour) - cos(place) * sin(declination)
    west = cos(declination) * sin(hour)
    return up, south, west, _SOLAR_CONSTANT * (1.0 + 0.033 * cos(turn))


def diffuse_share(clearness: float) -> float:
    """Diffuse part of the global radiation at this clearness (0 … 1), after Erbs."""
    k = clearness
    if k <= 0.22:
        return 1.0 - 0.09 * k
    if k <= 0.80:
        return 0.9511 + k * (-0.1604 + k * (4.388 + k * (-16.638 + k * 12.336)))
    return 0.165


class Sunlight:
    """Keeps the sun's position for five minutes, so that a step costs four products."""

    __slots__ = ("_beam", "_diffuse", "_next", "_since", "latitude", "longitude")

    def __init__(self, latitude: float = 45.75, longitude: float = 126.77) -> None:
        self.latitude = latitude
        self.longitude = longitude
        self._since = self._next = 0.0
        self._beam: Facades = (0.0, 0.0, 0.0, 0.0)
        self._diffuse = 0.0

    def facades(self, time: float, horizontal: float) -> Facades:
        """Radiation on the four sides at `time` (epoch s) for `horizontal` W/m2 on the ground."""
        if horizontal <= 0.0:
            return 0.0, 0.0, 0.0, 0.0
        if not self._since <= time < self._next:
            self._move(time, horizontal)
        diffuse = self._diffuse * horizontal
        south, west, north, east = self._beam
        return (
            south * horizontal + diffuse,
            west * horizontal + diffuse,
            north * horizontal + diffuse,
            east * horizontal + diffuse,
        )

    def _move(self, time: float, horizontal: float) -> None:
        self._since, self._next = time, time + _RENEW
        up, south, west, outside = sun_direction(time, self.latitude, self.longitude)
        share = 1.0
        beam = 0.0
        if up > _LOWEST_SUN:
            share = diffuse_share(min(1.0, horizontal / (outside * up)))
            beam = (1.0 - share) / up
        self._diffuse = 0.5 * (share + _ALBEDO)
        self._beam = (
            beam * max(0.0, south),
            beam * max(0.0, west),
            beam * max(0.0, -south),
            beam * max(0.0, -west),
        )
