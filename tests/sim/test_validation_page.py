"""How docs/plant.md is made and compared: tables, verdicts, tolerance."""

import re
from pathlib import Path

import pytest

import sim.physics
from benchmarks.plant_page.page import (
    TEMPLATE,
    comparison_table,
    differences,
    missed_list,
    parameter_table,
    reached,
    same_line,
)
from tests.sim.validation_cases import Comparison

PHYSICS = {path.name for path in Path(sim.physics.__file__).parent.glob("[!_]*.py")} - {"parameters.py"}
GOOD = Comparison("good", "valve.py, pump.py", "table", "K", limit=1.0, reached=0.1234, held=0.5)
MISSED = Comparison("bad", "pipe.py", "measured", "K", 1.5, 3.76, 4.0, "nothing is fitted")


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("| a | 1.78 K | passed |", "| a | 1.78 K | passed |", True),
        ("| a | 1.78 K | passed |", "| a | 1.80 K | passed |", True),
        ("| a | 1.78 K | passed |", "| a | 1.83 K | passed |", False),
        ("| a | 1.78 K | passed |", "| a | 1.78 K | **MISSED** |", False),
        ("| a | 1.78 K |", "| b | 1.78 K |", False),
        ("| 4.1e-07 |", "| 4.2e-07 |", True),
        ("| 4.1e-07 |", "| 4.1e-06 |", False),
        ("| below 0.0001 |", "| 0.00012 |", True),
        ("| below 0.0001 |", "| 0.02 |", False),
        ("| 0.5 | nan |", "| 0.5 | 0.1 |", False),
    ],
)
def test_lines_are_the_same_within_the_tolerance(one, two, same):
    assert same_line(one, two) is same
    assert same_line(two, one) is same


def test_differences_name_both_lines():
    assert differences("a 1.00\nb\n", "a 1.01\nb\n") == []
    assert differences("a 1.00\nb\n", "a 1.20\nb\n") == ["- a 1.00\n+ a 1.20"]
    assert "2 lines" in differences("a\nb\n", "a\n")[0]


def test_a_missed_limit_is_seen_in_table_and_list():
    assert comparison_table([GOOD, MISSED], ["valve.py"]).splitlines()[2:] == [
        "| good | table | 1 K | 0.123 K | passed |"
    ]
    assert comparison_table([GOOD, MISSED], ["pipe.py"]).endswith("| 3.76 K | **MISSED** |")
    assert missed_list([GOOD, MISSED]) == "- **MISSED** bad: 3.76 K, limit 1.5: nothing is fitted."
    with pytest.raises(ValueError, match=r"no comparison of riser\.py"):
        comparison_table([GOOD, MISSED], ["riser.py"])


def test_rounding_is_not_told_apart_from_zero():
    assert reached(GOOD) == "0.123"
    assert reached(Comparison("a", "b.py", "c", "", 1.0, 3e-13, 1.0)) == "below 0.0001"


def test_parameters_come_with_default_unit_and_meaning():
    table = parameter_table(["valve_kvs*", "vessel_gas_m3", "valve_kvs_m3_per_h"])
    assert table.splitlines()[2:] == [
        "| `valve_kvs_m3_per_h` | 80.0 | m³/h |  |",
        "| `vessel_gas_m3` | 0.75 | m³ | at 350 kPa |",
    ]
    with pytest.raises(ValueError, match="no parameter fits 'valv_'"):
        parameter_table(["valv_"])


def sections() -> dict[str, str]:
    """Text of each section of the page that is about a model, by its heading."""
    _, *parts = TEMPLATE.read_text(encoding="utf-8").split("\n## ")
    texts = dict(part.split("\n", 1) for part in parts)
    return {heading: text for heading, text in texts.items() if ".py`" in heading}


@pytest.mark.parametrize("heading", sections())
def test_every_section_has_source_comparisons_and_a_plot_of_its_own(heading):
    figures = pytest.importorskip("benchmarks.plant_page.plots", reason="plots need matplotlib").FIGURES
    text = sections()[heading]
    shown = re.findall(r"!\[[^\]]+\]\(plant/(\w+)\.png\)", text)
    assert shown, f"{heading}: add a function to FIGURES of benchmarks/plant_page/plots.py and show it here"
    assert set(shown) <= set(figures)
    assert "<!-- comparisons: " in text
    assert "Source: " in text


def test_every_figure_is_shown_once():
    figures = pytest.importorskip("benchmarks.plant_page.plots", reason="plots need matplotlib").FIGURES
    shown = re.findall(r"\(plant/(\w+)\.png\)", TEMPLATE.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(figures)


def test_every_model_stands_in_one_heading():
    named = [name for heading in sections() for name in re.findall(r"`(\w+\.py)`", heading)]
    twice_by_intent = ["radiator.py"]  # radiators and floors are two models of one module
    assert sorted(named) == sorted([*PHYSICS, *twice_by_intent])
