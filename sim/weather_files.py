"""Weather files: CSV of hours, and EPW (EnergyPlus weather). Text in, hours out; every slip has its line.

CSV: header `time,t_out_c,ghi_w_m2,wind_m_s`; lines beginning with # are comments. Two formats of time, in
local standard time of China (UTC+8), one for the whole file:
    YYYY-MM-DDThh   measured, hh 00 … 23
    MM-DDThh        typical year, hh 01 … 24, the END of the hour (as EPW); 8760 rows, good for any year
Radiation of a typical year is the mean over the hour that ends at its stamp; an empty field means no
radiation.

EPW: eight lines of header (`LOCATION` first), then a row an hour; dry bulb, global horizontal radiation and
wind speed are read (fields 7, 14 and 22, counted from 1), in the time zone of LOCATION. Source: EnergyPlus
Auxiliary Programs, "Weather Data EPW Format".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

HEADER = "time,t_out_c,ghi_w_m2,wind_m_s"
CHINA = timezone(timedelta(hours=8))
_DATED = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d)")
_TYPICAL = re.compile(r"(\d\d)-(\d\d)T(\d\d)")
_YEAR_HOURS = 8760
_EPW_HEADER_LINES = 8
_EPW_FIELDS = 22
_TEMPERATURES, _RADIATION, _WINDS = (-90.0, 60.0), (0.0, 1500.0), (0.0, 100.0)


class WeatherError(ValueError):
    """A weather that cannot be used: file, line, what is wrong, what is allowed."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Values of every hour from `start` (epoch s) on: °C, W/m2 (0 where unknown), m/s.

    `typical_year`: 8760 hours of any year, each stamped at its end, the first on 1 January 01:00 of `zone`.
    """

    temperatures: list[float]
    radiation: list[float]
    winds: list[float]
    start: float
    typical_year: bool = False
    zone: timezone = CHINA


def read_hours(path: Path) -> Hours:
    """Read a weather file by its ending: `.epw`, everything else as CSV. Raises WeatherError, OSError."""
    if path.suffix.lower() == ".epw":  # names of places come in many encodings; the numbers are ASCII
        return _read_epw(path, path.read_text(encoding="utf-8-sig", errors="replace"))
    try:
        return _read_csv(path, path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise WeatherError(f"{path}: not UTF-8 text (a CSV file is)") from error


def _read_csv(path: Path, text: str) -> Hours:
    hours = Hours([], [], [], 0.0)
    start = 0.0
    expected: datetime | None = None
    typical = False
    header_seen = False
    for number, line in enumerate(text.splitlines(), start=1):
        row = line.strip()
        if not row or row.startswith("#"):
            continue
        where = f"{path}:{number}"
        if not header_seen:
            if row.replace(" ", "") != HEADER:
                raise WeatherError(f"{where}: the header is {row[:60]!r} (must be {HEADER})")
            header_seen = True
            continue
        fields = [field.strip() for field in row.split(",")]
        if len(fields) != 4:
            raise WeatherError(f"{where}: {len(fields)} fields (must be 4: {HEADER})")
        stamp, row_typical = _stamp(where, fields[0])
        if expected is None:
            typical = row_typical
            start = stamp.timestamp()
            if typical and (stamp.month, stamp.day, stamp.hour) != (1, 1, 1):
                raise WeatherError(f"{where}: {fields[0]} is first (a typical year begins with 01-01T01)")
        elif stamp != expected or row_typical != typical:
            raise WeatherError(f"{where}: {fields[0]} does not follow (expected {_show(expected, typical)})")
        expected = stamp + timedelta(hours=1)
        hours.temperatures.append(_number(where, "t_out_c", fields[1], _TEMPERATURES))
        hours.radiation.append(_number(where, "ghi_w_m2", fields[2], _RADIATION) if fields[2] else 0.0)
        hours.winds.append(_number(where, "wind_m_s", fields[3], _WINDS))
    count = len(hours.temperatures)
    if not count:
        raise WeatherError(f"{path}: no hours (must be {HEADER} and one row an hour)")
    if typical and count != _YEAR_HOURS:
        raise WeatherError(f"{path}: {count} hours (a typical year has {_YEAR_HOURS})")
    return Hours(hours.temperatures, hours.radiation, hours.winds, start, typical)


def _stamp(where: str, text: str) -> tuple[datetime, bool]:
    """Time of a row and whether it belongs to a typical year (then in the year 2005, which has no leap
    day)."""
    try:
        if match := _DATED.fullmatch(text):
            year, month, day, hour = (int(part) for part in match.groups())
            return datetime(year, month, day, hour, tzinfo=CHINA), False
        if match := _TYPICAL.fullmatch(text):
            month, day, hour = (int(part) for part in match.groups())
            if not 1 <= hour <= 24:
                raise ValueError
            return datetime(2005, month, day, tzinfo=CHINA) + timedelta(hours=hour), True
    except ValueError:
        pass
    raise WeatherError(f"{where}: time {text!r} (must be YYYY-MM-DDThh, 00 … 23, or MM-DDThh, 01 … 24)")


def _show(stamp: datetime, typical: bool) -> str:
    if not typical:
        return stamp.strftime("%Y-%m-%dT%H")
    end = stamp - timedelta(hours=1)
    return f"{end:%m-%d}T{end.hour + 1:02d}"


def _number(where: str, name: str, text: str, limits: tuple[float, float]) -> float:
    low, high = limits
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise WeatherError(f"{where}: {name} is {text!r} (must be a number, {low:g} … {high:g})")
    return value


def _read_epw(path: Path, text: str) -> Hours:
    """A typical year: months of an EPW may come from different years, so only month, day and hour count."""
    lines = text.splitlines()
    zone = _epw_zone(path, lines[0] if lines else "")
    first = datetime(2005, 1, 1, 1, tzinfo=zone)
    hours = Hours([], [], [], first.timestamp(), True, zone)
    for number, line in enumerate(lines[_EPW_HEADER_LINES:], start=_EPW_HEADER_LINES + 1):
        fields = [field.strip() for field in line.split(",")]
        if fields == [""]:
            continue
        where = f"{path}:{number}"
        if len(fields) < _EPW_FIELDS:
            raise WeatherError(f"{where}: {len(fields)} fields (an hour of EPW has at least {_EPW_FIELDS})")
        month, day, hour = (round(_number(where, name, fields[i], (1, most))) for i, name, most in _EPW_TIME)
        if (month, day) == (2, 29):
            continue
        expected = first + timedelta(hours=len(hours.temperatures) - 1)
        if (month, day, hour) != (expected.month, expected.day, expected.hour + 1):
            wanted = f"{expected:%m-%d}, hour {expected.hour + 1}"
            raise WeatherError(
                f"{where}: {month:02d}-{day:02d}, hour {hour} does not follow (expected {wanted})"
            )
        hours.temperatures.append(_number(where, "dry bulb", fields[6], _TEMPERATURES))
        radiation = _number(where, "global horizontal radiation", fields[13], (0.0, 9999.0))
        hours.radiation.append(0.0 if radiation > _RADIATION[1] else radiation)  # 9999: missing
        wind = _number(where, "wind speed", fields[21], (0.0, 999.0))
        hours.winds.append(0.0 if wind > _WINDS[1] else wind)  # 999: missing
    if len(hours.temperatures) != _YEAR_HOURS:
        raise WeatherError(f"{path}: {len(hours.temperatures)} hours (a year of EPW has {_YEAR_HOURS})")
    return hours


_EPW_TIME = ((1, "month", 12), (2, "day", 31), (3, "hour", 24))


def _epw_zone(path: Path, line: str) -> timezone:
    fields = [field.strip() for field in line.split(",")]
    if fields[0].upper() != "LOCATION" or len(fields) < 9:
        raise WeatherError(f"{path}:1: the line is {line[:60]!r} (an EPW begins with LOCATION and 9 fields)")
    return timezone(timedelta(hours=_number(f"{path}:1", "time zone", fields[8], (-12.0, 14.0))))
