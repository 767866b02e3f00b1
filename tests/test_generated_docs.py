"""Pages that are made from the code are the committed ones."""

from pathlib import Path

import pytest

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
