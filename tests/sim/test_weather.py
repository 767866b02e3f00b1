"""Weather files: both formats, interpolation, wrapping, messages."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from sim.weather import Weather, WeatherError, month_and_day, parse_cold_wave
from sim.weather_generator import generate, read_climate

CHINA = timezone(timedelta(hours=8))
HEADER = "time,t_out_c,ghi_w_m2,wind_m_s\n"
HARBIN = Path(__file__).parents[2] / "sim" / "data" / "harbin.yaml"
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


def test_shipped_year_holds_the_january():
    year, january = Weather.load("shenyang"), Weather.load("shenyang_2013_01")
    assert year.start == at(2012, 7, 1)
    assert year.hours == 8760
    for hour in range(0, 839, 11):
        time = january.start + 3600.0 * hour + 700.0
        assert january.outdoor(time) == year.outdoor(time)
    assert january.outdoor(january.start + 840 * 3600.0) == january.outdoor(january.start)


def test_first_day_is_at_or_after():
    year = Weather.load("shenyang")
    assert year.first(7, 1) == at(2012, 7, 1)
    assert year.first(10, 20) == at(2012, 10, 20)
    assert year.first(1, 10) == at(2013, 1, 10)
    assert year.first(1, 10, after=at(2013, 1, 10, 1)) == at(2014, 1, 10)
    assert year.first(2, 29) == at(2016, 2, 29)
    with pytest.raises(WeatherError, match="02-30 is no day"):
        year.first(2, 30)


def test_cold_wave():
    weather = Weather.constant(-10.0)
    start = at(2013, 1, 10)
    weather.lay_cold_wave(start, 5.0, -8.0)
    hour = 3600.0
    assert weather.outdoor(start - 6 * hour) == -10.0
    assert weather.outdoor(start - 3 * hour) == -14.0
    assert weather.outdoor(start) == weather.outdoor(start + 5 * 24 * hour) == -18.0
    assert weather.outdoor(start + 5 * 24 * hour + 3 * hour) == -14.0
    assert weather.outdoor(start + 6 * 24 * hour) == -10.0
    weather.lay_cold_wave(start, 1.0, -2.0)
    assert weather.outdoor(start + hour) == -20.0


def test_options_of_people():
    assert month_and_day("10-20") == (10, 20)
    assert parse_cold_wave("01-10:5:-8") == (1, 10, 5.0, -8.0)
    for bad in ("", "13-01", "02-30", "1020"):
        with pytest.raises(WeatherError, match="like 10-20"):
            month_and_day(bad)
    for bad in (
        "01-10",
        "01-10:5",
        "01-10:x:-8",
        "01-10:5:-8:1",
        "01-10:5:-80",
        "01-10:0:-8",
        "01-10:nan:-8",
    ):
        with pytest.raises(WeatherError, match="like 01-10:5:-8"):
            parse_cold_wave(bad)


def test_order_of_asking_does_not_matter():
    """The hour that is remembered ends where the rows do not follow each other: leap day, New Year."""
    edges = [at(2024, 2, 29), at(2024, 3, 1), at(2025, 1, 1), at(2023, 3, 1)]
    times = [
        edge + offset for edge in edges for offset in (-3600.0, -1800.0, -900.0, 0.0, 900.0, 1800.0, 3600.0)
    ]
    hours, fresh = generate(read_climate(HARBIN)), []
    for time in times:
        weather = Weather.of(hours)
        fresh.append((weather.outdoor(time), weather.radiation(time), weather.wind(time)))
    weather = Weather.of(hours)
    for order in (range(len(times)), range(len(times) - 1, -1, -1)):
        for i in order:
            time = times[i]
            assert (weather.outdoor(time), weather.radiation(time), weather.wind(time)) == fresh[i]


EPW_HEADER = [
    "LOCATION,Testville,-,CHN,CSWD,509530,45.75,126.77,9.0,142.0",
    "DESIGN CONDITIONS,0",
    "TYPICAL/EXTREME PERIODS,0",
    "GROUND TEMPERATURES,0",
    "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
    "COMMENTS 1,none",
    "COMMENTS 2,none",
    "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31",
]


def epw_rows(leap: bool = False) -> list[str]:
    """A year: dry bulb = hour of the day - 20, radiation 100·month, wind 2.5; years as a TMY has them."""
    rows = []
    day = datetime(2004 if leap else 2005, 1, 1)  # noqa: DTZ001  # a calendar, not a time
    while day.year == (2004 if leap else 2005):
        for hour in range(1, 25):
            fields = ["0"] * 35
            fields[0:5] = [str(1980 + day.month), str(day.month), str(day.day), str(hour), "60"]
            fields[6], fields[13], fields[21] = f"{hour - 20}.0", str(100 * day.month), "2.5"
            rows.append(",".join(fields))
        day += timedelta(days=1)
    return rows


@pytest.mark.parametrize("leap", [False, True])
def test_epw(tmp_path, leap):
    path = tmp_path / "place.epw"
    text = "\n".join([*EPW_HEADER, *epw_rows(leap)])
    path.write_bytes(text.replace("Testville", "Orléans").encode("latin-1"))
    weather = Weather.load(path)
    zone = timezone(timedelta(hours=9))
    stamp = datetime(2013, 3, 1, 5, tzinfo=zone).timestamp()  # the end of the fifth hour
    assert weather.outdoor(stamp) == -15.0
    assert weather.outdoor(stamp + 1800) == -14.5
    assert weather.radiation(stamp - 1800) == 300.0  # the mean belongs to the middle of its hour
    assert weather.wind(stamp) == 2.5
    assert weather.hours == 8760


@pytest.mark.parametrize(
    ("row", "new", "message"),
    [
        (0, "LOKATION,x", r"place\.epw:1: the line is 'LOKATION,x' \(an EPW begins with LOCATION"),
        (8, "1981,1,1,1,60,0,5.0", r"place\.epw:9: 7 fields"),
        (9, None, r"place\.epw:10: 01-01, hour 3 does not follow \(expected 01-01, hour 2\)"),
        (
            8,
            "1981,1,1,1,60,0,99.9" + ",0" * 28,
            r"place\.epw:9: dry bulb is '99.9' \(must be a number, -90 … 60\)",
        ),
        (8, "1981,13,1,1,60,0,9.9" + ",0" * 28, r"place\.epw:9: month is '13' \(must be a number, 1 … 12\)"),
    ],
)
def test_bad_epw_says_where_and_what(tmp_path, row, new, message):
    lines = [*EPW_HEADER, *epw_rows()]
    if new is None:
        del lines[row]
    else:
        lines[row] = new
    path = tmp_path / "place.epw"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(WeatherError, match=message):
        Weather.load(path)


def test_short_epw(tmp_path):
    path = tmp_path / "place.epw"
    path.write_text("\n".join([*EPW_HEADER, *epw_rows()[:100]]), encoding="utf-8")
    with pytest.raises(WeatherError, match=r"100 hours \(a year of EPW has 8760\)"):
        Weather.load(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(WeatherError, match="LOCATION"):
        Weather.load(path)
