"""Winters made from the monthly statistics of a place: a climate file (YAML) and a seed give 8760 hours.

    daily level   mean of the month (kept exactly over the month) + departure of this year's month
                  + a(day),  a an AR(1) process with the month's spread and the day-to-day persistence
                  + cold snaps: a fall within a day, some days of cold, two days of recovery
    of the day    ± swing/2 along two half cosines, coldest 06:30, warmest 14:30; wider on sunny days
    sun           daily H = H0·(0.25 + 0.5·s), s the relative sunshine; within the day along the sun's height
    wind          log-normal around its mean, correlated over hours

Sources: H/H0 by Ångström-Prescott with the coefficients of FAO Irrigation and Drainage Paper 56 (eq. 35),
its solar declination and distance (eq. 23, 24); equation of time as Spencer (1971); AR(1) of daily
temperatures as in weather generators since Richardson (1981), Water Resources Research 17(1). Snaps and
shapes are our own.
The year is cut at 30 June, so that no winter has a seam.
"""

from __future__ import annotations

from datetime import datetime
from math import acos, cos, exp, pi, radians, sin, sqrt, tan
from pathlib import Path
from random import Random
from typing import Annotated

from pydantic import Field

from controller.fields import Amount, Settings, Span, Words
from controller.settings.load import load_tree, validate
from controller.texts import fill
from sim.weather_files import CHINA, Hours, WeatherError

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_YEAR_DAYS = 365
_FIRST_DAY = sum(_LENGTHS[:6])  # 1 July
_SOLAR_CONSTANT = 1367.0  # W/m2
_ZONE_MERIDIAN = 120.0  # of UTC+8
_COLDEST_H, _WARMEST_H = 6.5, 14.5
_SUN_SPREAD, _SUN_PERSISTENCE = 0.25, 0.4
_WIND_SPREAD, _WIND_PERSISTENCE = 0.55, 0.9
_SNAP_MONTHS = (11, 12, 1, 2, 3)


class MonthSettings(Settings):
    """Statistics of one month."""

    mean: Annotated[float, Amount("temperature", -60, 45)] = Field(description="Mean temperature")
    swing: Annotated[float, Amount("temperature_difference", 0, 30)] = Field(
        description="Mean daily maximum less mean daily minimum"
    )
    spread: Annotated[float, Amount("temperature_difference", 0, 15)] = Field(
        description="Standard deviation of the daily means, without cold snaps"
    )
    sunshine: Annotated[float, Amount("percent", 0, 100)] = Field(description="Relative sunshine")


class SnapSettings(Settings):
    """Cold snaps of November to March."""

    a_winter: Annotated[float, Amount("number", 0, 20)] = Field(description="How many on average")
    depth: Annotated[tuple[float, float], Span("temperature_difference", 0, 30)]
    length: Annotated[tuple[float, float], Span("time", 86400, 20 * 86400)]


class ClimateSettings(Settings):
    """A climate file. Months from January to December, local standard time UTC+8."""

    place: Words
    source: Words = Field(description="Where the statistics were published")
    latitude: Annotated[float, Amount("number", -66, 66)]
    longitude: Annotated[float, Amount("number", -180, 180)]
    months: list[MonthSettings] = Field(min_length=12, max_length=12)
    year_spread: Annotated[float, Amount("temperature_difference", 0, 10)] = Field(
        0.0, description="Standard deviation of a month's mean from year to year"
    )
    persistence: Annotated[float, Amount("number", 0, 0.95)] = Field(
        0.6, description="Correlation of a day's departure with the next day's"
    )
    snaps: SnapSettings
    wind: Annotated[float, Amount("number", 0, 20)] = Field(3.0, description="Mean wind, m/s")


def read_climate(path: Path) -> ClimateSettings:
    """Read a climate file. Raises WeatherError with a line for every slip."""
    tree = load_tree(path)
    climate = validate(tree, ClimateSettings)
    if climate is None:
        lines = [
            f"{path}:{f.line}:{f.column}: {f.path}: {fill(f'check.{f.code}', 'en', f.values)}"
            for f in sorted(tree.findings, key=lambda finding: finding.order)
        ]
        raise WeatherError("\n".join(lines))
    return climate


def generate(climate: ClimateSettings, seed: int = 0) -> Hours:
    """A year of hours, typical-year form. The same climate and seed give the same hours."""
    random = Random(f"{climate.place}/{seed}")
    day_of = [(_FIRST_DAY + i) % _YEAR_DAYS for i in range(_YEAR_DAYS)]  # from 1 July on
    month_of = [_month(day) for day in day_of]
    levels = _departures(climate, random, month_of)
    shift = [random.gauss(0.0, 1.0) * climate.year_spread for _ in range(12)]
    sunshine = _sunshine(climate, random, month_of)
    means = [month.mean + shift[i] for i, month in enumerate(climate.months)]
    temperatures = _temperatures(climate, random, means, levels, sunshine, day_of, month_of)
    radiation = _radiation(climate, sunshine, day_of)
    winds = _winds(climate, random)
    # Back to calendar order. Rows stand for the end of the hour: 01:00 of 1 January comes first.
    cut = (_YEAR_DAYS - _FIRST_DAY) * 24
    return Hours(
        [round(value, 2) for value in temperatures[cut:] + temperatures[:cut]],
        [round(value, 1) for value in radiation[cut:] + radiation[:cut]],
        [round(value, 2) for value in winds[cut:] + winds[:cut]],
        datetime(2005, 1, 1, 1, tzinfo=CHINA).timestamp(),
        True,
    )


def _month(day: int) -> int:
    """0 … 11 of a day of the year, 0 … 364."""
    for month, length in enumerate(_LENGTHS):
        if day < length:
            return month
        day -= length
    raise ValueError(day)


def _departures(climate: ClimateSettings, random: Random, month_of: list[int]) -> list[float]:
    """K by which each day differs from the usual of its time of the year."""
    keep = climate.persistence
    kick = sqrt(1.0 - keep * keep)
    state = random.gauss(0.0, 1.0)
    days = []
    for month in month_of:
        days.append(state * climate.months[month].spread)
        state = keep * state + kick * random.gauss(0.0, 1.0)
    season = [i for i, month in enumerate(month_of) if month + 1 in _SNAP_MONTHS]
    snaps = climate.snaps
    count = int(snaps.a_winter + random.random())  # the fraction by lot
    for _ in range(count):
        begin = random.choice(season)
        depth = random.uniform(*snaps.depth)
        length = round(random.uniform(*snaps.length) / 86400)
        for i in range(length + 2):
            share = 1.0 if i < length else (length + 2 - i) / 3.0
            if begin + i < _YEAR_DAYS:
                days[begin + i] -= depth * share
    return days


def _sunshine(climate: ClimateSettings, random: Random, month_of: list[int]) -> list[float]:
    """Relative sunshine of each day, 0 … 1, with the months' means."""
    kick = sqrt(1.0 - _SUN_PERSISTENCE**2)
    state, raw = random.gauss(0.0, 1.0), []
    for month in month_of:
        raw.append(climate.months[month].sunshine / 100.0 + _SUN_SPREAD * state)
        state = _SUN_PERSISTENCE * state + kick * random.gauss(0.0, 1.0)
    result = [0.0] * len(raw)
    for month in range(12):
        days = [i for i, m in enumerate(month_of) if m == month]
        wanted = climate.months[month].sunshine / 100.0
        low, high = -1.5, 1.5  # bisection on a shift, for the clipping moves the mean
        for _ in range(40):
            shift = 0.5 * (low + high)
            mean = sum(min(max(raw[i] + shift, 0.0), 1.0) for i in days) / len(days)
            low, high = (shift, high) if mean < wanted else (low, shift)
        for i in days:
            result[i] = min(max(raw[i] + low, 0.0), 1.0)
    return result


def _temperatures(
    climate: ClimateSettings,
    random: Random,
    means: list[float],
    levels: list[float],
    sunshine: list[float],
    day_of: list[int],
    month_of: list[int],
) -> list[float]:
    """Hours from 1 July 01:00 on; the mean of each month comes out as `means` says."""
    flicker = 0.0
    own = []  # what an hour adds to its day's usual level
    for hour in range(24 * _YEAR_DAYS):
        day, clock = divmod(hour + 1, 24)
        day = min(day, _YEAR_DAYS - 1)
        usual = climate.months[month_of[day]]
        sunny = 0.7 + 0.3 * sunshine[day] / max(usual.sunshine / 100.0, 0.05)
        flicker = 0.8 * flicker + 0.2 * random.gauss(0.0, 1.0)
        own.append(
            _between(levels, (hour + 1) / 24 - 0.5) + 0.5 * usual.swing * sunny * _shape(clock) + flicker
        )
    months = [month_of[hour // 24] for hour in range(24 * _YEAR_DAYS)]
    sizes = [months.count(month) for month in range(12)]
    nodes = list(means)
    for _ in range(40):
        base = _seasonal(nodes, day_of)
        sums = [0.0] * 12
        values = [_between(base, (hour + 1) / 24 - 0.5) + add for hour, add in enumerate(own)]
        for month, value in zip(months, values, strict=True):
            sums[month] += value
        worst = 0.0
        for month in range(12):
            error = means[month] - sums[month] / sizes[month]
            nodes[month] += error
            worst = max(worst, abs(error))
        if worst < 0.002:
            break
    return values


def _seasonal(nodes: list[float], day_of: list[int]) -> list[float]:
    """Daily values along straight lines between the middles of the months."""
    middles, begin = [], 0.0
    for length in _LENGTHS:
        middles.append(begin + length / 2)
        begin += length
    result = []
    for day in day_of:
        place = day + 0.5
        after = next((i for i, middle in enumerate(middles) if middle > place), 0)
        before = (after - 1) % 12
        gap = (middles[after] - middles[before]) % _YEAR_DAYS
        share = (place - middles[before]) % _YEAR_DAYS / gap
        result.append(nodes[before] + (nodes[after] - nodes[before]) * share)
    return result


def _between(days: list[float], place: float) -> float:
    """Value of daily values at a time in days after the first noon, held at the ends."""
    place = min(max(place, 0.0), len(days) - 1.001)
    whole = int(place)
    return days[whole] + (days[whole + 1] - days[whole]) * (place - whole)


def _shape(clock: float) -> float:
    """-1 at the coldest, 1 at the warmest time of the day, mean 0."""
    since = (clock - _COLDEST_H) % 24
    rising = _WARMEST_H - _COLDEST_H
    if since < rising:
        return -cos(pi * since / rising)
    return cos(pi * (since - rising) / (24 - rising))


def _radiation(climate: ClimateSettings, sunshine: list[float], day_of: list[int]) -> list[float]:
    """Means of the hours in W/m2: the day's sum spread along the sine of the sun's height."""
    latitude = radians(climate.latitude)
    result = []
    for day, sunny in zip(day_of, sunshine, strict=True):
        angle = 2 * pi * day / _YEAR_DAYS
        declination = 0.409 * sin(2 * pi * (day + 1) / 365 - 1.39)
        distance = 1 + 0.033 * cos(2 * pi * (day + 1) / 365)
        late_min = 229.18 * (
            0.000075
            + 0.001868 * cos(angle)
            - 0.032077 * sin(angle)
            - 0.014615 * cos(2 * angle)
            - 0.04089 * sin(2 * angle)
        )
        clear = _SOLAR_CONSTANT * distance * (0.25 + 0.5 * sunny)
        offset = (climate.longitude - _ZONE_MERIDIAN) / 15 + late_min / 60
        sunset = acos(min(max(-tan(latitude) * tan(declination), -1.0), 1.0))
        steady, swing = sin(latitude) * sin(declination), cos(latitude) * cos(declination)
        for hour in range(24):
            # Mean of steady + swing·cos(w) over the hour that ends at hour + 1, while the sun is up.
            begin = max(pi / 12 * (hour + offset - 12), -sunset)
            end = min(pi / 12 * (hour + 1 + offset - 12), sunset)
            share = steady * (end - begin) + swing * (sin(end) - sin(begin)) if end > begin else 0.0
            result.append(clear * share / (pi / 12))
    return result


def _winds(climate: ClimateSettings, random: Random) -> list[float]:
    kick = sqrt(1.0 - _WIND_PERSISTENCE**2)
    state, result = random.gauss(0.0, 1.0), []
    for _ in range(24 * _YEAR_DAYS):
        result.append(climate.wind * exp(_WIND_SPREAD * state - 0.5 * _WIND_SPREAD**2))
        state = _WIND_PERSISTENCE * state + kick * random.gauss(0.0, 1.0)
    return result
