"""Weather files: both formats, interpolation, wrapping, messages."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from sim.weather import Weather, WeatherError

CHINA = timezone(timedelta(hours=8))
HEADER = "time,t_out_c,ghi_w_m2,wind_m_s\n"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "weather"


def at(*when: int) -> float:
    return datetime(*when, tzinfo=CHINA).timestamp()  # type: ignore[misc, arg-type]


@pytest.fixture
def write(tmp_path):
    def writer(text: str) -> Path:
        path = tmp_path / "w.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return writer


def test_shipped_january():
    weather = Weather.load("shenyang_2013_01")
    assert "shenyang_2013_01" in Weather.names()
    assert weather.start == at(2012, 12, 30)
    assert weather.hours == 840
    january = [weather.outdoor(at(2013, 1, 1) + 3600 * hour) for hour in range(31 * 24)]
    assert -28.0 <= min(january) <= -24.0
    assert -18.0 < sum(january) / len(january) < -10.0
    assert weather.radiation(at(2013, 1, 1, 12)) == 0.0


def test_dated_file_interpolates_and_wraps(write):
    weather = Weather.load(write(HEADER + "# note\n2013-01-01T00,-10,,2\n2013-01-01T01,-14,100,4\n"))
    start = at(2013, 1, 1)
    assert weather.outdoor(start) == -10.0
    assert weather.outdoor(start + 900) == -11.0
    assert weather.wind(start + 1800) == 3.0
    assert weather.radiation(start + 1800) == 50.0
    assert weather.outdoor(start + 5400) == -12.0  # between the last hour and the first again
    assert weather.outdoor(start + 7200) == -10.0
    assert weather.outdoor(start - 3600) == -14.0


def test_typical_year_serves_any_year():
    path = SHARED / "harbin_cswd.csv"
    if not path.exists():
        pytest.skip(f"no reference data at {path}")
    weather = Weather.load(path)
    for year in (2005, 2013, 2024):
        assert weather.outdoor(at(year, 1, 1, 1)) == -21.2
        assert weather.outdoor(at(year, 1, 1, 3)) == -22.3
        assert weather.outdoor(at(year, 12, 31, 12)) == weather.outdoor(at(2005, 12, 31, 12))
    assert weather.outdoor(at(2024, 2, 29, 12)) == weather.outdoor(at(2024, 2, 28, 12))
    assert weather.outdoor(at(2024, 3, 1, 12)) == weather.outdoor(at(2023, 3, 1, 12))
    noon = [weather.radiation(at(2020, 7, day, 12)) for day in range(1, 31)]
    night = [weather.radiation(at(2020, 7, day, 0)) for day in range(1, 31)]
    assert max(noon) > 500.0
    assert max(night) == 0.0


def test_measured_season():
    path = SHARED / "shenyang_2012_2013.csv"
    if not path.exists():
        pytest.skip(f"no reference data at {path}")
    weather, shipped = Weather.load(path), Weather.load("shenyang_2013_01")
    for hour in range(0, 840, 7):
        time = shipped.start + 3600.0 * hour
        assert weather.outdoor(time) == shipped.outdoor(time)
        assert weather.wind(time) == shipped.wind(time)


def test_constant():
    weather = Weather.constant(-10.0)
    assert weather.outdoor(0.0) == weather.outdoor(1e9) == -10.0
    assert weather.radiation(5.0) == weather.wind(5.0) == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", r"w\.csv:1: the header .*must be time,t_out_c"),
        (HEADER + "2013-01-01T00,-10,2\n", r"w\.csv:2: 3 fields \(must be 4"),
        (HEADER + "2013-13-01T00,-10,,2\n", r"w\.csv:2: time '2013-13-01T00' \(must be YYYY"),
        (HEADER + "2013-01-01T00,-10,,2\n2013-01-01T02,-10,,2\n", r"w\.csv:3: .*expected 2013-01-01T01"),
        (HEADER + "2013-01-01T00,cold,,2\n", r"w\.csv:2: t_out_c is 'cold' \(must be a number, -90 … 60\)"),
        (HEADER + "2013-01-01T00,nan,,2\n", r"w\.csv:2: t_out_c is 'nan'"),
        (HEADER + "2013-01-01T00,-1,,-2\n", r"w\.csv:2: wind_m_s is '-2' \(must be a number, 0 … 100\)"),
        (HEADER + "01-01T00,-1,,2\n", r"w\.csv:2: time '01-01T00'"),
        (HEADER + "01-02T01,-1,,2\n", r"w\.csv:2: .*begins with 01-01T01"),
        (HEADER + "01-01T01,-1,,2\n", r"1 hours \(a typical year has 8760\)"),
        (HEADER, r"no hours"),
        ("", r"no hours"),
    ],
)
def test_bad_files_say_where_and_what(write, text, message):
    with pytest.raises(WeatherError, match=message):
        Weather.load(write(text))


def test_unknown_name_lists_the_shipped_ones():
    with pytest.raises(FileNotFoundError, match="shenyang_2013_01"):
        Weather.load("atlantis")
