"""Generated winters: the statistics they are made from, the shape of a real typical year, seeds, messages."""

from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt
from pathlib import Path

import pytest

from sim.weather import Weather, WeatherError
from sim.weather_files import CHINA, Hours
from sim.weather_generator import generate, read_climate

HARBIN = Path(__file__).parents[2] / "sim" / "data" / "harbin.yaml"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "weather"
SEEDS = range(4)


@pytest.fixture(scope="module")
def climate():
    return read_climate(HARBIN)


def months(hours: Hours, values: list[float]) -> list[list[float]]:
    """The values of each month; a row belongs to the hour that ends at it."""
    found: list[list[float]] = [[] for _ in range(12)]
    for i, value in enumerate(values):
        found[(datetime(2005, 1, 1, tzinfo=CHINA) + timedelta(hours=i)).month - 1].append(value)
    return found


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def daily(values: list[float]) -> list[float]:
    return [mean(values[i : i + 24]) for i in range(0, len(values), 24)]


def winter(values: list[float]) -> list[float]:
    """Daily means 20 October to 20 April of a calendar year of hours."""
    days = daily(values)
    return days[292:] + days[:110]


def correlation(days: list[float]) -> float:
    """Of neighbouring days, about a month's moving mean."""
    rest = [days[i] - mean(days[i - 15 : i + 16]) for i in range(15, len(days) - 15)]
    return sum(a * b for a, b in pairwise(rest)) / sum(a * a for a in rest)


def spread(values: list[float]) -> float:
    middle = mean(values)
    return sqrt(mean([(value - middle) ** 2 for value in values]))


def test_monthly_means_are_the_statistics(climate):
    steady = climate.model_copy(update={"year_spread": 0.0})
    hours = generate(steady, 1)
    for month, values in zip(steady.months, months(hours, hours.temperatures), strict=True):
        assert mean(values) == pytest.approx(month.mean, abs=0.02)


def test_swing_spread_and_sunshine_are_the_statistics(climate):
    calm = climate.snaps.model_copy(update={"a_winter": 0.0})
    steady = climate.model_copy(update={"year_spread": 0.0, "snaps": calm})
    swings: list[list[float]] = [[] for _ in range(12)]
    spreads: list[list[float]] = [[] for _ in range(12)]
    for seed in SEEDS:
        hours = generate(steady, seed)
        for month, values in enumerate(months(hours, hours.temperatures)):
            days = [values[i : i + 24] for i in range(0, len(values), 24)]
            swings[month].append(mean([max(day) - min(day) for day in days]))
            spreads[month].append(spread([mean(day) for day in days]))
    for i, month in enumerate(steady.months):
        assert mean(swings[i]) == pytest.approx(month.swing, rel=0.1)
        if i in (0, 1, 6, 7):  # where the month itself does not rise or fall
            assert mean(spreads[i]) == pytest.approx(month.spread, rel=0.35)


def test_sun_is_where_and_when_it_must_be(climate):
    hours = generate(climate, 0)
    assert max(hours.radiation) < 1000.0
    assert min(hours.radiation) == 0.0
    by_month = months(hours, hours.radiation)
    december, june = mean(by_month[11]) * 24, mean(by_month[5]) * 24  # Wh/m2 a day
    # H0 at 45.75 N is 2.9 and 11.6 kWh/m2 in the middle of these months (FAO-56, table 2.6)
    assert december == pytest.approx(2.9e3 * (0.25 + 0.5 * 0.52), rel=0.06)
    assert june == pytest.approx(11.6e3 * (0.25 + 0.5 * 0.56), rel=0.06)
    # Solar noon in December: 12:00 - (126.77-120)/15 h - equation of time (about +5 min) = 11:28
    noon = max(range(24), key=lambda h: sum(by_month[11][h::24]))
    assert noon == 11  # the hour that ends at 12:00


def test_winds_have_their_mean(climate):
    hours = generate(climate, 0)
    assert mean(hours.winds) == pytest.approx(3.0, rel=0.15)
    assert min(hours.winds) >= 0.0


def test_shape_is_that_of_the_typical_year(climate):
    path = SHARED / "harbin_cswd.csv"
    if not path.exists():
        pytest.skip(f"no reference data at {path}")
    real = Weather.load(path)
    reference = winter([real.outdoor(real.start + 3600 * i) for i in range(8760)])
    made = [winter(generate(climate, seed).temperatures) for seed in range(6)]
    assert mean([mean(days) for days in made]) == pytest.approx(mean(reference), abs=1.2)
    assert mean([spread(days) for days in made]) == pytest.approx(spread(reference), rel=0.2)
    assert mean([correlation(days) for days in made]) == pytest.approx(correlation(reference), abs=0.2)
    assert all(-36.0 < min(days) < -19.0 for days in made)
    assert mean([min(days) for days in made]) == pytest.approx(min(reference), abs=7.0)


def test_snaps_make_it_colder_for_days(climate):
    none = climate.model_copy(update={"snaps": climate.snaps.model_copy(update={"a_winter": 0.0})})
    many = climate.model_copy(update={"snaps": climate.snaps.model_copy(update={"a_winter": 8.0})})
    plain, snapped = (
        mean([min(winter(generate(c, seed).temperatures)) for seed in SEEDS]) for c in (none, many)
    )
    assert snapped < plain - 1.0


def test_same_seed_same_winter():
    one, again, other = Weather.load("harbin:3"), Weather.load("harbin:3"), Weather.load("harbin")
    times = [one.start + 86400.0 * day for day in range(0, 365, 9)]
    assert [one.outdoor(t) for t in times] == [again.outdoor(t) for t in times]
    assert [one.outdoor(t) for t in times] != [other.outdoor(t) for t in times]


def test_no_seam_in_winter_nor_at_the_year_s_end(climate):
    values = generate(climate, 0).temperatures
    assert max(abs(b - a) for a, b in zip(values, values[1:] + values[:1], strict=True)) < 6.0


def test_slips_of_a_climate_have_their_line(tmp_path):
    path = tmp_path / "place.yaml"
    text = HARBIN.read_text(encoding="utf-8")
    path.write_text(text.replace("wind: 3", "wint: 3").replace("57 %", "157 %"), encoding="utf-8")
    with pytest.raises(WeatherError) as caught:
        Weather.load(path)
    assert "place.yaml:8:62: months.0.sunshine: 157 % is too high" in str(caught.value)
    assert "did you mean wind?" in str(caught.value)
    path.write_text("\n".join(text.splitlines()[:-6]), encoding="utf-8")
    with pytest.raises(WeatherError, match="missing"):
        Weather.load(path)
