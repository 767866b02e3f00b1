"""Pictures and words of `station tune`, and what the command does with an answer."""

import io
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from controller.cli import tune
from controller.cli.tune import Asked, Tune
from controller.cli.tune_picture import Sample, bars, columns, svg, terminal, ticks
from controller.cli.tune_report import doing, found, judged, lasting, line
from controller.cli.tune_run import Run
from controller.door import Value
from controller.points import Term

NAN = math.nan
STEP = [Sample(float(s), 48.0 if s < 300 else 50.0, 49.0, 40.0 if s < 300 else 60.0) for s in range(600)]
"""Ten minutes with one step in their middle."""
SVG = "{http://www.w3.org/2000/svg}"


def margins(code: str, gain: float, sensitivity: float) -> Term:
    values = (
        ("gain_margin", gain, "number"),
        ("phase_margin", 61.4, "number"),
        ("sensitivity", sensitivity, "number"),
    )
    return Term(code, values)


MODEL = Term(
    "tuning_model",
    (
        ("response", 1.6, "temperature_difference"),
        ("lag", 13.0, "time"),
        ("dead_time", 2.0, "time"),
        ("fit", 94.7, "percent"),
        ("flow", 48.5, "percent"),
    ),
)
PROPOSED = Term(
    "tuning_done",
    (
        ("gain", 1.1234, "number"),
        ("integral_time", 15.77, "time"),
        ("old_gain", 0.5, "number"),
        ("old_integral_time", 80.0, "time"),
    ),
    (MODEL, margins("tuning_margins", 3.3, 1.55), margins("tuning_old_margins", math.inf, 1.1)),
)


def run(state: str = "done", term: Term = PROPOSED) -> Run:
    numbers = {
        "tuning_progress": 100.0,
        "tuning_gain": 1.1234,
        "tuning_integral_time": 15.77,
        "loop.gain": 0.5,
        "loop.integral_time": 80.0,
    }
    values = {role: Value(number, "good", 1.0) for role, number in numbers.items()}
    return Run("low", "simc", state, term, values, list(STEP))


# ---- the picture in the terminal


def test_a_step_is_drawn_as_a_step_below_its_ends_with_units() -> None:
    lines = terminal(STEP, "en", 49, 4)
    assert (
        lines
        == [
            "         supply temperature",
            " 50.0 °C                     ████████████████████",
            "                             ████████████████████",
            "                             ████████████████████",
            " 48.0 °C ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁████████████████████",
            "         valve",
            "  60.0 %                     ████████████████████",
            "                             ████████████████████",
            "                             ████████████████████",
            "  40.0 % ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁████████████████████",
            "         0────────────────────────────────────10 min",
        ]
        or max(map(len, lines)) <= 49
    )


def test_what_was_not_seen_is_a_gap_and_no_zero() -> None:
    lost = [sample._replace(supply=NAN) if 200 <= sample.time < 400 else sample for sample in STEP]
    rows = terminal(lost, "zh", 39, 3)
    assert "供水" in rows[0]
    assert rows[3][9:] == "▁" * 10 + " " * 10 + "█" * 10
    assert rows[3].startswith(" 48.0 °C")


def test_noise_is_not_blown_up_to_the_whole_height() -> None:
    still = [Sample(float(s), 49.0 + 0.01 * (s % 2), NAN, 50.0) for s in range(100)]
    rows = terminal(still, "en", 60, 5)
    assert rows[1].strip() == "50.0 °C"
    assert rows[5].startswith(" 48.0 °C █")


def test_nothing_seen_is_no_picture() -> None:
    assert terminal([], "en") == []
    assert terminal([Sample(1.0, NAN, NAN, NAN)], "en") == []
    assert len(terminal([Sample(1.0, 49.0, 49.0, 50.0)], "en", 40, 2)) == 7


@given(st.lists(st.floats() | st.just(NAN), min_size=1, max_size=60), st.integers(1, 9))
def test_bars_are_as_wide_as_the_values_and_as_high_as_asked(values: list[float], height: int) -> None:
    rows = bars(values, 0.0, 10.0, height)
    assert len(rows) == height
    assert {len(row) for row in rows} == {len(values)}
    for place, value in enumerate(values):
        assert (rows[-1][place] == " ") == (not math.isfinite(value))


def test_columns_are_means_of_equal_stretches_of_time() -> None:
    samples = [Sample(t, v, NAN, NAN) for t, v in ((0, 1), (1, 3), (9, 5), (10, 7))]
    assert columns(samples, lambda s: s.supply, 2) == [2.0, 6.0]
    middle = columns(samples, lambda s: s.supply, 5)[1:4]
    assert all(map(math.isnan, middle))


# ---- SVG


def test_svg_is_well_formed_with_three_curves_and_a_title_that_needs_escaping() -> None:
    root = ElementTree.fromstring(svg(STEP, "low <&> 低区", "zh"))
    assert root.find(f"{SVG}text").text == "low <&> 低区"  # type: ignore[union-attr]
    curves = [path for path in root.iter(f"{SVG}path") if path.get("fill") == "none"]
    assert len(curves) == 3
    assert "10 min" not in {text.text for text in root.iter(f"{SVG}text")}, "the last sample is at 599 s"
    assert {"0 min", "8 min", "48.0 °C", "60.0 %"} <= {text.text for text in root.iter(f"{SVG}text")}


def test_svg_starts_a_curve_anew_after_a_gap_and_has_no_number_that_is_none() -> None:
    lost = [sample._replace(supply=NAN) if 200 <= sample.time < 400 else sample for sample in STEP]
    document = svg(lost, "low", "en")
    assert "nan" not in document
    paths = [p for p in ElementTree.fromstring(document).iter(f"{SVG}path") if p.get("stroke-width")]
    assert [path.get("d", "").count("M") for path in paths] == [2, 1]
    ElementTree.fromstring(svg([], "low", "en"))


@given(st.floats(-1e3, 1e3), st.floats(0.01, 1e3))
def test_ticks_are_few_round_and_inside(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert 1 <= len(found) <= 9
    assert all(low - 1e-6 <= tick <= low + width + 1e-6 for tick in found)


# ---- words


@pytest.mark.parametrize(
    ("gain", "sensitivity", "part"),
    [
        (0.8, 9.0, "swings by itself"),
        (1.5, 3.0, "near to swinging: it swings when the plant answers 1.5 times"),
        (2.6, 1.6, "less reserve"),
        (3.2, 1.65, "quick and steady"),
        (9.0, 1.1, "very calm"),
    ],
)
def test_margins_in_plain_words(gain: float, sensitivity: float, part: str) -> None:
    assert part in judged({"gain_margin": gain, "sensitivity": sensitivity}, "en")


def test_both_tunings_stand_beside_each_other() -> None:
    paper = Console(file=io.StringIO(), width=100)
    for part in found(run(), "zh"):
        paper.print(part, highlight=False)
    shown = paper.file.getvalue()  # type: ignore[attr-defined]
    rows = [row.split() for row in shown.splitlines()]
    assert ["增益", "0.5", "1.12"] in rows
    assert ["积分时间", "80", "s", "15.8", "s"] in rows
    assert ["增益裕度（倍）", "∞", "3.3"] in rows
    assert ["Ms", "1.10", "1.55"] in rows
    assert "现用：非常平缓" in shown
    assert "建议：快速且稳定" in shown
    assert "loop: {gain: 1.12, integral_time: 15.8 s}" in lasting(run(), "zh")


def test_what_a_relays_swings_say_stands_below_the_model() -> None:
    swings = Term(
        "tuning_swings",
        (
            ("period", 50.5, "time"),
            ("response", 0.64, "temperature_difference"),
            ("ultimate_gain", 4.6, "number"),
            ("ultimate_period", 10.9, "time"),
        ),
    )
    told = Term(PROPOSED.code, PROPOSED.values, (MODEL, swings, *PROPOSED.children[1:]))
    parts = [part for part in found(run(term=told), "en") if isinstance(part, str)]
    assert parts[0].startswith("found at")
    assert parts[1].startswith("the swings confirm it: 0.6 K for 10 % of flow")
    assert not any("swings confirm" in part for part in found(run(), "en") if isinstance(part, str))


def test_the_line_says_what_it_waits_for() -> None:
    moved = Term("tuning_moves", (("why", "setpoint_moves", "text"),))
    waiting = Term("tuning_waiting", (("left", 240.0, "time"),), (moved,))
    shown = f"{line(run('waiting', waiting), 'en')} {doing(run('waiting', waiting), 'en')}"
    for part in ("waits", "supply 50.0 °C (set-point 49.0 °C)", "valve 60.0 %", "4 min", "set-point moves"):
        assert part in shown


# ---- the answer


class Scripted(Tune):
    """A command whose tuning is over at once."""

    def __init__(self, outcome: Run | int) -> None:
        self.paper = io.StringIO()
        super().__init__("opc.tcp://127.0.0.1:9/x", Path("nowhere"), "en", Console(file=self.paper))
        self.outcome, self.accepted = outcome, 0

    async def measure(self, asked: Asked) -> Run | int:
        return self.outcome

    async def accept(self, run: Run) -> int:
        self.accepted += 1
        return 0


def refuse_to_answer(prompt: str) -> str:
    raise EOFError


@pytest.mark.parametrize(
    ("typed", "times"), [("y", 1), (" YES ", 1), ("是", 1), ("", 0), ("n", 0), ("ok", 0)]
)
def test_only_a_plain_yes_accepts(typed: str, times: int) -> None:
    command = Scripted(run())
    assert command.run(Asked("low"), lambda prompt: typed) == 0
    assert command.accepted == times
    assert ("Nothing was changed." in command.paper.getvalue()) == (times == 0)


def test_nobody_there_to_answer_is_a_no_and_the_options_do_not_ask() -> None:
    command = Scripted(run())
    assert command.run(Asked("low"), refuse_to_answer) == 0
    assert command.run(Asked("low", accepts=False), refuse_to_answer) == 0
    assert command.accepted == 0
    assert command.run(Asked("low", accepts=True), refuse_to_answer) == 0
    assert command.accepted == 1


def test_a_tuning_without_a_proposal_asks_nothing() -> None:
    command = Scripted(1)
    assert command.run(Asked("low", accepts=True), refuse_to_answer) == 1
    assert command.accepted == 0


def test_a_method_that_is_none_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Door:
        async def __aenter__(self) -> "Door":
            return self

        async def __aexit__(self, *problem: object) -> None:
            pass

    monkeypatch.setattr(tune, "DoorClient", lambda *place: Door())
    complaints = io.StringIO()
    command = Tune("opc.tcp://127.0.0.1:9/x", Path("x"), "en", errors=Console(file=complaints, width=50))
    assert command.run(Asked("low", method="chirp")) == 2
    known = "relay amigo, relay simc, step amigo, step simc"
    assert complaints.getvalue() == f"A tuning cannot be made with chirp simc ({known}).\n"


def test_without_a_token_it_says_whose_it_needs(tmp_path: Path) -> None:
    complaints = io.StringIO()
    command = Tune("opc.tcp://127.0.0.1:9/x", tmp_path, "en", errors=Console(file=complaints, width=200))
    assert command.run(Asked("low")) == 1
    assert "the service is not running" in complaints.getvalue()
