"""Pages that are made from the code are the committed ones."""

import re
from pathlib import Path

import pytest

from benchmarks.plant_page.page import PAGE, TEMPLATE, page_without_run, parameter_rows
from controller.safety.failsafe import failsafe_page
from controller.settings.check import check_file
from controller.settings.control_reference import control_page
from controller.station import build
from sim.scenario import load_scenario

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("language", "page"), [("en", "failsafe.md"), ("zh", "failsafe.zh.md")])
def test_the_failsafe_page_is_the_table(language, page):
    checked = check_file(ROOT / "config" / "demo.yaml")
    assert checked.file is not None
    station = build(checked.file, checked.profiles)
    made = failsafe_page(station.table.rules, list(station.image.outputs.values()), language)
    committed = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert made == committed, f"station show failsafe config/demo.yaml --language {language} > docs/{page}"
    assert "rule." not in made


def test_the_control_page_is_what_the_blocks_say():
    made = control_page()
    committed = (ROOT / "docs/control.md").read_text(encoding="utf-8")
    assert made == committed, "write it again: station show control > docs/control.md"


def test_the_control_page_has_every_block_and_circuit_once():
    titles = re.findall(r"^### (\w+)$", control_page(), re.MULTILINE)
    folder = ROOT / "controller/control"
    modules = [path.stem for path in (*folder.glob("blocks/*/*.py"), *folder.glob("circuits/*.py"))]
    assert sorted(titles) == sorted(name for name in modules if name != "__init__")


def test_the_control_page_tells_text_and_keys_of_a_block_in_the_order_of_the_value():
    page = control_page()
    curve = page.index("### heat_curve")
    assert (
        curve
        < page.index("q  = (Ti − To) / (Ti − To0)")
        < page.index("| `circuits.<name>.heat_curve.points`")
    )
    stages = ("Set-point", "Limits of the set-point", "Loop", "Circulation pumps", "Tank", "Monitor")
    places = [page.index(f"## {stage}\n") for stage in stages]
    assert places == sorted(places)
    own_key, other_key = "| `circuits.<name>.loop.gain` |", "| `circuits.<name>.valve.stroke_time` |"
    assert page.count(own_key) == page.count(other_key) == 1


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_station_passes_the_check(file):
    assert check_file(file).errors == []


SCENARIOS = sorted((ROOT / "config/scenarios").glob("*.yaml"))


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda path: path.name)
def test_every_example_scenario_fits_the_demo_station(file):
    checked = check_file(ROOT / "config" / "demo.yaml")
    assert checked.file is not None
    assert load_scenario(file, checked.file).events


def test_text_and_parameters_of_the_plants_page_are_current():
    """Its figures are compared by `python benchmarks/validation.py --check`, which takes minutes."""
    committed = PAGE.read_text(encoding="utf-8")
    position = 0
    for piece in page_without_run():
        position = committed.find(piece, position)
        assert position >= 0, f"run `make validation`: docs/plant.md has no\n{piece}"


@pytest.mark.parametrize("name", sorted(parameter_rows()))
def test_every_parameter_of_the_plant_stands_under_one_model(name):
    rows = PAGE.read_text(encoding="utf-8").count(f"| `{name}` |")
    assert rows == 1, f"{name} stands {rows} times in docs/plant.md: name it once in {TEMPLATE.name}"


def test_the_plants_page_shows_every_plot_and_no_other():
    shown = set(re.findall(r"\]\(plant/(\w+\.png)\)", PAGE.read_text(encoding="utf-8")))
    plots = {path.name: path.stat().st_size for path in (PAGE.parent / "plant").iterdir()}
    assert shown == set(plots), "run `make validation`"
    assert max(plots.values()) < 80_000
