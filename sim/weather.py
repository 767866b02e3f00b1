"""Weather of the simulated plant: outdoor temperature, global horizontal radiation, wind.

It comes from a file of hours (`sim.weather_files`: CSV or EPW) or from a climate file of monthly statistics
(`sim.weather_generator`), by path or by a name that ships. Because typical years are too mild, a cold wave
can be laid over it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from sim.weather_files import CHINA, Hours, WeatherError, read_hours
from sim.weather_generator import generate, read_climate

__all__ = ["Weather", "WeatherError"]

_HOUR = 3600.0
_DAY = 24 * _HOUR
_FOLDER = Path(__file__).parent / "data"
_LEAP_DAY = 59 * _DAY  # seconds from New Year to 29 February
_RAMP_S = 6 * _HOUR  # in which a cold wave comes and goes
_SLICES = {"shenyang_2013_01": ("shenyang", (2012, 12, 30), 840)}
"""Parts of shipped files with a name of their own: file, first day, hours."""
_SEEDED = re.compile(r"(.+):(\d{1,9})")


class _Track:
    """One quantity over the hours; remembers the hour it was last asked in."""

    __slots__ = ("_base", "_first", "_from", "_rise", "_shift", "_to", "_values", "_weather")

    def __init__(self, weather: Weather, values: list[float], shift: float) -> None:
        """`shift`: hours by which a row stands after the time that its value belongs to."""
        self._weather = weather
        self._values = values
        self._shift = shift
        self._from = self._to = 0.0
        self._base = self._first = self._rise = 0.0

    def at(self, time: float) -> float:
        """Value at `time`, between the rows along a straight line."""
        if not self._from <= time < self._to:
            self._move(time)
        return self._first + self._rise * ((time - self._base) / _HOUR)

    def _move(self, time: float) -> None:
        base, self._from, self._to = self._weather.era(time)
        whole = ((time - base) / _HOUR + self._shift) // 1.0
        self._base = base + (whole - self._shift) * _HOUR
        self._from, self._to = max(self._from, self._base), min(self._to, self._base + _HOUR)
        count = len(self._values)
        self._first = self._values[int(whole) % count]
        self._rise = self._values[(int(whole) + 1) % count] - self._first


class Weather:
    """Hourly weather, interpolated linearly. Times are epoch seconds (UTC).

    Times outside the file wrap: the file repeats itself end to end, before its start as well as after its
    end. A typical year repeats every calendar year; on 29 February it repeats 28 February."""

    def __init__(
        self,
        temperatures: Sequence[float],
        radiation: Sequence[float],
        winds: Sequence[float],
        start: float,
        typical_year: bool = False,
        zone: timezone = CHINA,
    ) -> None:
        """Values of every hour from `start` on: °C, W/m2 (0 where unknown), m/s. At least one."""
        if not temperatures or not len(temperatures) == len(radiation) == len(winds):
            raise WeatherError("weather needs at least one hour, and as many values of each kind")
        self.start = start
        self.hours = len(temperatures)
        self.typical_year = typical_year
        self.zone = zone
        self._temperature = _Track(self, list(temperatures), 0.0)
        # An hour's mean belongs to its middle, half an hour before its stamp.
        self._radiation = _Track(self, list(radiation), 0.5 if typical_year else 0.0)
        self._wind = _Track(self, list(winds), 0.0)
        self._waves: list[tuple[float, float, float]] = []
        self.sunny = any(value > 0.0 for value in radiation)
        """Whether it has any sun: measured weather often comes without radiation."""

    @classmethod
    def of(cls, hours: Hours) -> Weather:
        """The weather of a file's or a generator's hours."""
        return cls(
            hours.temperatures, hours.radiation, hours.winds, hours.start, hours.typical_year, hours.zone
        )

    @classmethod
    def constant(cls, outdoor: float, radiation: float = 0.0, wind: float = 0.0) -> Weather:
        """The same weather for ever; starts on 2013-01-01 00:00 in China."""
        return cls([outdoor], [radiation], [wind], datetime(2013, 1, 1, tzinfo=CHINA).timestamp())

    @classmethod
    def load(cls, name_or_path: str | Path) -> Weather:
        """A weather that ships by its name (`names`), or a file by its path: CSV, EPW, or a climate (YAML).

        `harbin:7` is the climate's winter with seed 7 (0 without). Raises FileNotFoundError naming what
        ships, or WeatherError."""
        text, seed = str(name_or_path), None
        path = Path(text)
        if not path.is_file() and (match := _SEEDED.fullmatch(text)):
            text, seed = match[1], int(match[2])
            path = Path(text)
        part = _SLICES.get(text) if not path.is_file() else None
        if not path.is_file():
            stem = part[0] if part is not None else text
            path = next((found for found in _shipped() if found.stem == stem), path)
        if not path.is_file():
            raise FileNotFoundError(
                f"no weather {str(name_or_path)!r}: neither a file nor a name that ships "
                f"({', '.join(cls.names())})"
            )
        if path.suffix in (".yaml", ".yml"):
            return cls.of(generate(read_climate(path), seed or 0))
        if seed is not None:
            raise WeatherError(f"{text} is made of hours, not generated: it has no seed (leave :{seed} out)")
        found = cls.of(read_hours(path))
        return found if part is None else found.part(datetime(*part[1], tzinfo=CHINA).timestamp(), part[2])

    @staticmethod
    def names() -> list[str]:
        """Names of what ships."""
        return sorted([path.stem for path in _shipped()] + list(_SLICES))

    def part(self, start: float, hours: int) -> Weather:
        """`hours` hours from `start` on, as a weather that wraps after them."""
        times = [start + _HOUR * hour for hour in range(hours)]
        return Weather(
            [self.outdoor(time) for time in times],
            [self.radiation(time) for time in times],
            [self.wind(time) for time in times],
            start,
            zone=self.zone,
        )

    def first(self, month: int, day: int, after: float | None = None) -> float:
        """Midnight that begins the first such day at or after `after` (default: the start).

        Raises WeatherError for a day that no year has."""
        earliest = self.start if after is None else after
        begin = datetime.fromtimestamp(earliest, self.zone).year
        for year in range(begin, begin + 9):  # 29 February may be eight years away
            try:
                found = datetime(year, month, day, tzinfo=self.zone).timestamp()
            except ValueError:
                continue
            if found >= earliest:
                return found
        raise WeatherError(f"{month:02d}-{day:02d} is no day of a year (month-day, like 10-20)")

    def lay_cold_wave(self, start: float, days: float, kelvin: float) -> None:
        """Make it `kelvin` (< 0: colder) warmer for `days` from `start` on; it comes and goes within six
        hours before and after. Waves add up."""
        self._waves.append((start, start + days * _DAY, kelvin))

    def outdoor(self, time: float) -> float:
        """Outdoor temperature in °C."""
        value = self._temperature.at(time)
        for begin, end, kelvin in self._waves:
            outside = max(begin - time, time - end, 0.0)
            if outside < _RAMP_S:
                value += kelvin * (1.0 - outside / _RAMP_S)
        return value

    def radiation(self, time: float) -> float:
        """Global horizontal radiation in W/m2, ≥ 0."""
        return self._radiation.at(time)

    def wind(self, time: float) -> float:
        """Wind speed in m/s."""
        return self._wind.at(time)

    def era(self, time: float) -> tuple[float, float, float]:
        """Time of row 0 for the stretch of time around `time` in which rows follow each other, and its
        ends."""
        if not self.typical_year:
            return self.start, -1e300, 1e300
        year = datetime.fromtimestamp(time, self.zone).year
        begin = datetime(year, 1, 1, tzinfo=self.zone).timestamp()
        end = datetime(year + 1, 1, 1, tzinfo=self.zone).timestamp()
        leap = begin + _LEAP_DAY
        first = begin + _HOUR  # row 0 is 01:00
        if end - begin < 365.5 * _DAY:
            return first, begin, end
        return (first, begin, leap) if time < leap else (first + _DAY, leap, end)


def _shipped() -> list[Path]:
    return sorted([*_FOLDER.glob("*.csv"), *_FOLDER.glob("*.yaml")])


def month_and_day(text: str) -> tuple[int, int]:
    """`10-20` → (10, 20). Raises WeatherError."""
    match = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text.strip())
    try:
        if match:
            found = datetime(2004, int(match[1]), int(match[2]), tzinfo=CHINA)
            return found.month, found.day
    except ValueError:
        pass
    raise WeatherError(f"{text!r} is no day of a year (month-day, like 10-20)")


def parse_cold_wave(text: str) -> tuple[int, int, float, float]:
    """`01-10:5:-8` → month, day, days, kelvin. Raises WeatherError."""
    wanted = "month-day:days:kelvin, like 01-10:5:-8; days 0.1 … 60, kelvin -30 … 30"
    parts = text.split(":")
    try:
        day, days, kelvin = parts[0], float(parts[1]), float(parts[2])
    except (IndexError, ValueError):
        raise WeatherError(f"{text!r} is no cold wave ({wanted})") from None
    if len(parts) != 3 or not 0.1 <= days <= 60 or not -30 <= kelvin <= 30:
        raise WeatherError(f"{text!r} is no cold wave ({wanted})")
    return *month_and_day(day), days, kelvin
