"""Weather from a file of hours: outdoor temperature, global horizontal radiation, wind.

File: CSV with the header `time,t_out_c,ghi_w_m2,wind_m_s`; lines beginning with # are comments. Two formats
of time, in local standard time of China (UTC+8), one for the whole file:
    YYYY-MM-DDThh   measured, hh 00 … 23
    MM-DDThh        typical year, hh 01 … 24, the END of the hour (as EPW); 8760 rows, good for any year
Radiation of a typical year is the mean over the hour that ends at its stamp; an empty field means no
radiation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

_HEADER = "time,t_out_c,ghi_w_m2,wind_m_s"
_HOUR = 3600.0
_CHINA = timezone(timedelta(hours=8))
_FOLDER = Path(__file__).parent / "data"
_DATED = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d)")
_TYPICAL = re.compile(r"(\d\d)-(\d\d)T(\d\d)")
_LEAP_DAY = 59 * 24 * _HOUR  # seconds from New Year to 29 February


class WeatherError(ValueError):
    """A weather file that cannot be used: file, line, what is wrong, what is allowed."""


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
    ) -> None:
        """Values of every hour from `start` on: °C, W/m2 (0 where unknown), m/s. At least one."""
        if not temperatures or not len(temperatures) == len(radiation) == len(winds):
            raise WeatherError("weather needs at least one hour, and as many values of each kind")
        self.start = start
        self.hours = len(temperatures)
        self.typical_year = typical_year
        self._temperatures = list(temperatures)
        self._radiation = list(radiation)
        self._winds = list(winds)
        self._year_from = self._year_to = self._leap_from = 0.0

    @classmethod
    def constant(cls, outdoor: float, radiation: float = 0.0, wind: float = 0.0) -> Weather:
        """The same weather for ever; starts on 2013-01-01 00:00 in China."""
        return cls([outdoor], [radiation], [wind], datetime(2013, 1, 1, tzinfo=_CHINA).timestamp())

    @classmethod
    def load(cls, name_or_path: str | Path) -> Weather:
        """Read a shipped file by its name (see `Weather.names`) or any file by its path.

        Raises FileNotFoundError naming the shipped files, or WeatherError."""
        path = Path(name_or_path)
        if not path.is_file():
            path = _FOLDER / f"{name_or_path}.csv"
        if not path.is_file():
            shipped = ", ".join(cls.names())
            raise FileNotFoundError(
                f"no weather {str(name_or_path)!r}: neither a file nor a shipped name ({shipped})"
            )
        return _read(path)

    @staticmethod
    def names() -> list[str]:
        """Names of the shipped weather files."""
        return sorted(path.stem for path in _FOLDER.glob("*.csv"))

    def outdoor(self, time: float) -> float:
        """Outdoor temperature in °C."""
        return self._at(self._temperatures, self._position(time))

    def radiation(self, time: float) -> float:
        """Global horizontal radiation in W/m2, ≥ 0."""
        # An hour's mean belongs to its middle, half an hour before its stamp.
        return self._at(self._radiation, self._position(time) + (0.5 if self.typical_year else 0.0))

    def wind(self, time: float) -> float:
        """Wind speed in m/s."""
        return self._at(self._winds, self._position(time))

    def _position(self, time: float) -> float:
        """Index into the rows with its fraction, not yet wrapped."""
        if not self.typical_year:
            return (time - self.start) / _HOUR
        if not self._year_from <= time < self._year_to:
            year = datetime.fromtimestamp(time, _CHINA).year
            self._year_from = datetime(year, 1, 1, tzinfo=_CHINA).timestamp()
            self._year_to = datetime(year + 1, 1, 1, tzinfo=_CHINA).timestamp()
            leap = self._year_to - self._year_from > 365.5 * 24 * _HOUR
            self._leap_from = _LEAP_DAY if leap else 400.0 * 24 * _HOUR
        elapsed = time - self._year_from
        if elapsed >= self._leap_from:
            elapsed -= 24 * _HOUR
        return elapsed / _HOUR - 1.0  # row 0 is 01:00

    def _at(self, values: list[float], position: float) -> float:
        whole = position // 1.0
        fraction = position - whole
        index = int(whole) % self.hours
        first = values[index]
        return first + (values[(index + 1) % self.hours] - first) * fraction


def _read(path: Path) -> Weather:
    temperatures: list[float] = []
    radiation: list[float] = []
    winds: list[float] = []
    start = 0.0
    expected: datetime | None = None
    typical = False
    header_seen = False
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise WeatherError(f"{path}: not UTF-8 text (a CSV file is)") from error
    for number, line in enumerate(text.splitlines(), start=1):
        row = line.strip()
        if not row or row.startswith("#"):
            continue
        where = f"{path}:{number}"
        if not header_seen:
            if row.replace(" ", "") != _HEADER:
                raise WeatherError(f"{where}: the header is {row[:60]!r} (must be {_HEADER})")
            header_seen = True
            continue
        fields = [field.strip() for field in row.split(",")]
        if len(fields) != 4:
            raise WeatherError(f"{where}: {len(fields)} fields (must be 4: {_HEADER})")
        stamp, row_typical = _stamp(where, fields[0])
        if expected is None:
            typical = row_typical
            start = stamp.timestamp()
            if typical and (stamp.month, stamp.day, stamp.hour) != (1, 1, 1):
                raise WeatherError(f"{where}: {fields[0]} is first (a typical year begins with 01-01T01)")
        elif stamp != expected or row_typical != typical:
            raise WeatherError(f"{where}: {fields[0]} does not follow (expected {_show(expected, typical)})")
        expected = stamp + timedelta(hours=1)
        temperatures.append(_number(where, "t_out_c", fields[1], -90.0, 60.0))
        radiation.append(_number(where, "ghi_w_m2", fields[2], 0.0, 1500.0) if fields[2] else 0.0)
        winds.append(_number(where, "wind_m_s", fields[3], 0.0, 100.0))
    if not temperatures:
        raise WeatherError(f"{path}: no hours (must be {_HEADER} and one row an hour)")
    if typical and len(temperatures) != 8760:
        raise WeatherError(f"{path}: {len(temperatures)} hours (a typical year has 8760)")
    return Weather(temperatures, radiation, winds, start, typical)


def _stamp(where: str, text: str) -> tuple[datetime, bool]:
    """Time of a row and whether it belongs to a typical year (then in the year 2005, which has no leap
    day)."""
    try:
        if match := _DATED.fullmatch(text):
            year, month, day, hour = (int(part) for part in match.groups())
            return datetime(year, month, day, hour, tzinfo=_CHINA), False
        if match := _TYPICAL.fullmatch(text):
            month, day, hour = (int(part) for part in match.groups())
            if not 1 <= hour <= 24:
                raise ValueError
            return datetime(2005, month, day, tzinfo=_CHINA) + timedelta(hours=hour), True
    except ValueError:
        pass
    raise WeatherError(f"{where}: time {text!r} (must be YYYY-MM-DDThh, 00 … 23, or MM-DDThh, 01 … 24)")


def _show(stamp: datetime, typical: bool) -> str:
    if not typical:
        return stamp.strftime("%Y-%m-%dT%H")
    end = stamp - timedelta(hours=1)
    return f"{end:%m-%d}T{end.hour + 1:02d}"


def _number(where: str, name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise WeatherError(f"{where}: {name} is {text!r} (must be a number, {low:g} … {high:g})")
    return value
