"""Pages that are made from the code are the committed ones."""

import re
from pathlib import Path

import pytest

from benchmarks.plant_page.page import PAGE, TEMPLATE, page_without_run, parameter_rows
from controller.safety.failsafe import failsafe_page
from controller.settings.check import check_file
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
