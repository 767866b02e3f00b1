"""Indicators on tiny known traces, exactly; the season runner on an hour."""

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from controller.cli.season import season
from controller.settings.check import check_file
from sim.indicators import SEASON_DAYS, Comfort, Deviation, Peak, Starts, Travel, Weighted
from sim.plant import Plant
from sim.rig import Rig
from sim.season import differences, out_of_balance, run_season
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
HOUR = 3600.0


def day(comfort: Comfort, airs: dict[int, float], usual: float = 21.0, number: int = 0) -> None:
    """A day of hours at `usual`, with other values at some hours."""
    for hour in range(24):
        comfort.add(airs.get(hour, usual), HOUR, (24 * number + hour) * HOUR)


def test_degree_hours_are_integrals():
    comfort = Comfort()
    day(comfort, {3: 19.0, 4: 17.0, 5: 25.5})
    assert comfort.below_20 == pytest.approx(1.0 + 3.0)
    assert comfort.below_18 == pytest.approx(1.0)
    assert comfort.above_24 == pytest.approx(1.5)
    assert comfort.lowest == 17.0


@pytest.mark.parametrize(
    ("airs", "half", "lost"),
    [
        ({}, 0, 0),
        ({3: 19.96}, 0, 0),  # the thermometer shows 20.0
        ({3: 19.9}, 1, 0),
        ({3: 16.0}, 1, 0),
        ({3: 15.9}, 0, 1),
        ({10: 12.0, 13: 12.0}, 0, 0),  # nobody measures between 10 and 14
        ({9: 19.0, 13: 12.0}, 1, 0),
        ({14: 15.0}, 0, 1),
    ],
)
def test_refunds_follow_the_regional_rule(airs, half, lost):
    comfort = Comfort()
    day(comfort, airs)
    assert (comfort.half_days, comfort.lost_days) == (half, lost)
    assert comfort.refund(182.0) == pytest.approx(182.0 / SEASON_DAYS * (lost + half / 2))


def test_only_whole_days_are_judged():
    comfort = Comfort()
    for hour in range(5, 24):  # the run began at five
        comfort.add(10.0, HOUR, hour * HOUR)
    day(comfort, {0: 15.0}, number=1)
    for hour in range(20):  # and ends before midnight
        comfort.add(10.0, HOUR, (48 + hour) * HOUR)
    assert (comfort.half_days, comfort.lost_days) == (0, 1)


def test_deviation_has_mean_and_percentile():
    deviation = Deviation()
    for error in [0.1] * 90 + [-1.0] * 8 + [99.0] * 2:
        deviation.add(error)
    assert deviation.mean() == pytest.approx((9.0 + 8.0 + 198.0) / 100)
    assert deviation.percentile(0.95) == pytest.approx(1.05)
    assert deviation.percentile(0.5) == pytest.approx(0.15)
    assert (Deviation().mean(), Deviation().percentile()) == (0.0, 0.0)


def test_travel_counts_way_and_starts():
    travel = Travel(50.0, threshold=0.01)
    for position in (50.0, 51.0, 52.0, 52.0, 51.5, 51.5, 51.505, 51.505):
        travel.add(position)
    assert travel.total == pytest.approx(2.505)
    assert travel.starts == 2  # the last one is below the threshold


def test_starts_are_rises():
    starts = Starts(0.0)
    for value in (0.0, 1.0, 1.0, 0.0, 1.0):
        starts.add(value)
    assert starts.count == 2


def test_peak_is_the_largest_quarter_of_an_hour():
    peak, energy = Peak(0.0), 0.0
    for power in (100, 100, 400, 700, 100, 100, 900, 0, 0):  # kW for 300 s each
        energy += power * 300.0
        peak.add(energy, 300.0)
    assert peak.highest == pytest.approx(max((100 + 100 + 400) / 3, (700 + 100 + 100) / 3, 900 / 3))


def test_return_is_weighted_by_flow():
    weighted = Weighted()
    weighted.add(60.0, 3.0)
    weighted.add(40.0, 1.0)
    weighted.add(999.0, 0.0)
    assert weighted.mean() == 55.0
    assert Weighted().mean() is None


def test_differences_have_the_same_shape():
    first = {"a": 1.0, "name": "x", "part": {"b": 2, "none": None}, "only": 3}
    second = {"a": 1.5, "name": "y", "part": {"b": 5, "none": 1.0}}
    assert differences(first, second) == {"a": 0.5, "part": {"b": 3}}


@pytest.fixture(scope="module")
def station():
    checked = check_file(DEMO)
    assert checked.file is not None
    return checked


def run(checked, seed: int, hours: float = 0.5):
    rig = Rig(checked.file, checked.profiles, Weather.constant(-15.0), seed=seed, dt=5.0)
    found, trace = run_season(rig, hours / 24)
    found.pop("seconds")
    return rig, found, trace


def test_indicators_agree_with_the_plant(station):
    rig, found, trace = run(station, 1)
    truth, part = rig.plant.truth, found["circuits"]["low"]
    assert found["heat_gj"] == part["heat_gj"] == truth["low.heat_energy"] > 2.0
    assert found["heat_gj_per_m2"] == pytest.approx(found["heat_gj"] / 50_000)
    assert found["co2_kg"] == pytest.approx(110.0 * found["heat_gj"])
    assert 1000.0 < found["peak_kw"] < 2500.0
    assert 45.0 < found["primary_return_c"] < 70.0
    assert 0.0 < part["supply_error_mean_k"] <= part["supply_error_95_k"] + 0.05 < 5.0
    assert set(part["buildings"]) == {g.name for g in rig.plant.zones["low"].parameters.groups}
    assert trace.hours == pytest.approx([0.0, 1 / 6, 2 / 6])


def test_the_same_seed_gives_the_same_season(station):
    one, again, other = (run(station, seed, 0.2)[1] for seed in (3, 3, 4))
    assert one == again != other


@pytest.mark.parametrize(
    ("heat", "water", "wrong"),
    [
        (1e-3, 1e-3, []),
        (1.1e-3, 0.0, ["heat"]),
        (0.0, 1.1e-3, ["water"]),
        (float("nan"), float("inf"), ["heat", "water"]),
    ],
)
def test_a_run_is_out_of_balance_beyond_a_thousandth(heat, water, wrong):
    assert out_of_balance({"energy_balance_error": heat, "mass_balance_error": water}) == wrong


# ---- the command


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(season)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_command_writes_and_compares(command, tmp_path):
    out = tmp_path / "season.json"
    warm = tmp_path / "warm.yaml"
    warm.write_text(DEMO.read_text(encoding="utf-8").replace("shift: 0 K", "shift: 3 K"), encoding="utf-8")
    words = ("--days", "0.04", "--step", "5", "--weather", "shenyang", "--from", "01-05")
    waved = ("--cold-wave", "01-05:2:-8")
    done = command(DEMO, *words, *waved, "--json", out, "--compare", warm)
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["difference"]["heat_gj"] == report["second"]["heat_gj"] - report["first"]["heat_gj"]
    assert "heat, GJ" in done.output
    assert "heat that does not add up, %" in done.output
    assert "water that does not add up, %" in done.output
    assert list(tmp_path.glob("*.new")) == []


def test_a_plant_that_cannot_be_built_is_one_line(command, tmp_path):
    small = tmp_path / "small.yaml"
    text = DEMO.read_text(encoding="utf-8").replace("loop_volume: 40 m³,", "loop_volume: 2 m³,")
    small.write_text(text, encoding="utf-8")
    done = command(small, "--days", "0.01")
    assert done.exit_code == 2
    (told,) = done.output.splitlines()
    assert re.match(
        rf"{re.escape(str(small))}:\d+:\d+: plant\.zones: .*loop_volume leaves \d+ kg, pipes hold \d+$", told
    )


def test_a_curve_that_warms_nobody_is_one_line(command, tmp_path):
    flat = tmp_path / "flat.yaml"
    text = re.sub(r"points: \{-24 .*\}", "points: {-24 °C: 20 °C, 10 °C: 20 °C}", DEMO.read_text("utf-8"))
    flat.write_text(text.replace("{min: 30 °C", "{min: 20 °C"), encoding="utf-8")
    done = command(flat, "--days", "0.01")
    assert done.exit_code == 2
    (told,) = done.output.splitlines()
    assert told.endswith("zone low: 20/20 °C by the heat curve warm no room to 20 °C")


def test_a_scenario_that_does_not_fit_is_a_line_each(command, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("events:\n  - {at: 1 h, fault: trip, on: low.pump_7}\n", encoding="utf-8")
    done = command(DEMO, "--days", "0.01", "--scenario", bad)
    assert done.exit_code == 2
    (told,) = done.output.splitlines()
    assert told.startswith(f"{bad}:2:32: events.0.on: low.pump_7")
    assert "low.pump_1" in told


def test_an_empty_station_is_filled_in_a_season(command, tmp_path):
    out = tmp_path / "season.json"
    done = command(DEMO, "--days", "0.04", "--step", "5", "--empty", "--json", out)
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text(encoding="utf-8"))["makeup_m3"] > 2.0


def test_a_missing_matplotlib_is_told_before_the_run(command, tmp_path, monkeypatch):
    monkeypatch.setattr("controller.cli.season.find_spec", lambda name: None)
    done = command(DEMO, "--days", "400", "--plot", tmp_path / "x.png")
    assert done.exit_code == 1
    assert "matplotlib" in done.output


def test_a_picture_of_no_known_kind_is_told_before_the_run(command, tmp_path):
    done = command(DEMO, "--days", "400", "--plot", tmp_path / "x.xyz")
    assert done.exit_code == 2
    assert done.output.endswith("x.xyz: no picture ends so (allowed: .png, .svg, .pdf, .jpg)\n")


@pytest.fixture
def pictures(monkeypatch):
    """The figures that a command saves."""
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    found = []

    def save(figure, path, **words):
        found.append(figure)
        Path(path).write_bytes(b"picture")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", save)
    return found


def curves(axis):
    """What its lines show, without the set-point."""
    return [list(line.get_ydata()) for line in axis.lines if line.get_linestyle() != ":"]


def test_the_picture_of_two_files_shows_both(command, tmp_path, pictures):
    warm, out, picture = tmp_path / "warm.yaml", tmp_path / "season.json", tmp_path / "season.png"
    warm.write_text(DEMO.read_text(encoding="utf-8").replace("shift: 0 K", "shift: 3 K"), encoding="utf-8")
    words = ("--days", "0.04", "--step", "5", "--json", out, "--plot", picture)
    done = command(DEMO, *words, "--compare", warm)
    assert done.exit_code == 0, done.output
    assert picture.read_bytes() == b"picture"
    (figure,) = pictures
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["demo.yaml", "warm.yaml"]
    weather, *quantities = figure.axes
    assert len(curves(weather)) == 1  # the same for both
    assert len(quantities) == 4
    for axis in quantities:
        first, second = curves(axis)
        assert len(first) == len(second) == 6
        assert first != second
    more = json.loads(out.read_text(encoding="utf-8"))["difference"]["heat_gj"]
    assert more > 0.1
    assert figure.get_supxlabel().startswith(f"warm.yaml less demo.yaml: heat {more:+.2f} GJ (+")


def test_files_of_one_name_are_told_apart_by_their_folders(command, tmp_path, pictures):
    other = tmp_path / "demo.yaml"
    other.write_bytes(DEMO.read_bytes())
    done = command(DEMO, "--days", "0.01", "--step", "5", "--compare", other, "--plot", tmp_path / "x.svg")
    assert done.exit_code == 0, done.output
    assert [text.get_text() for text in pictures[0].legends[0].get_texts()] == [str(DEMO), str(other)]
    assert "heat +0.00 GJ" in pictures[0].get_supxlabel()


def test_the_picture_of_one_file_has_its_temperatures_and_its_valve(command, tmp_path, pictures):
    done = command(DEMO, "--days", "0.01", "--step", "5", "--plot", tmp_path / "x.png")
    assert done.exit_code == 0, done.output
    upper, lower = pictures[0].axes
    assert [text.get_text() for text in upper.get_legend().get_texts()] == [
        "supply set-point",
        "supply",
        "return",
        "room",
        "outdoor",
    ]
    assert len(lower.lines) == 1


@pytest.mark.parametrize(("weather", "told"), [("shenyang", 1), ("shenyang_2013_01", 1), ("harbin", 0)])
def test_a_weather_without_sun_is_told_in_one_line(command, weather, told):
    done = command(DEMO, "--days", "0.01", "--step", "5", "--weather", weather)
    assert done.exit_code == 0, done.output
    assert done.output.count(f"weather {weather} has no sun") == told


def test_circuits_of_both_files_are_shown(command):
    two = DEMO.with_name("two-zones.yaml")
    done = command(DEMO, "--days", "0.01", "--step", "5", "--compare", two)
    assert done.exit_code == 0, done.output
    assert "high: pump starts" in done.output
    assert "low: pump starts" in done.output


def test_a_run_that_does_not_add_up_says_so_and_fails(command, tmp_path, monkeypatch):
    out = tmp_path / "season.json"
    monkeypatch.setattr(Plant, "energy_balance_error", lambda self: 0.02)
    done = command(DEMO, "--days", "0.01", "--step", "5", "--weather", "shenyang", "--json", out)
    assert done.exit_code == 1
    assert json.loads(out.read_text(encoding="utf-8"))["energy_balance_error"] == 0.02
    loud = [line for line in done.output.splitlines() if "DO NOT USE THIS RUN" in line]
    assert len(loud) == 1
    assert "demo.yaml" in loud[0]
    assert "heat out of balance" in loud[0]
    assert "2 % heat" in loud[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "02-30"), "02-30"),
        (("--from", "October"), "month-day, like 10-20"),
        (("--cold-wave", "01-10:5"), "month-day:days:kelvin"),
        (("--cold-wave", "01-10:500:-8"), "days 0.1 … 60"),
        (("--weather", "atlantis"), "harbin, shenyang"),
        (("--weather", "shenyang:3"), "no seed"),
        (("--json", "/no/such/folder/x.json"), "folder"),
    ],
)
def test_bad_options_say_what_is_allowed(command, words, message):
    done = command(DEMO, "--days", "0.01", *words)
    assert done.exit_code != 0
    assert message in done.output
