"""What a tuning says to a person: the line while it runs, and what was found, in plain words."""

from __future__ import annotations

import math

from rich.table import Table

from controller.cli.tune_run import KEPT, Run, plain
from controller.cli.why import told
from controller.control.blocks.loop.tuning_rules import LEAST_GAIN_MARGIN, MOST_SENSITIVITY
from controller.points import Term
from controller.quantities import QUANTITIES
from controller.texts import fill

NERVOUS_SENSITIVITY, NERVOUS_GAIN_MARGIN = 2.0, 2.0
"""Beyond the usual ranges, Ms 1.2 … 2.0 and gain margin 2 … 5 (Åström, Hägglund, Advanced PID Control,
ISA 2006, §4.6)."""
CALM_SENSITIVITY = 1.2
_ROWS = (
    ("tune.gain_margin", "gain_margin", 1),
    ("tune.phase_margin", "phase_margin", 0),
    ("tune.sensitivity", "sensitivity", 2),
)
"""Text, name in the term, decimals."""


def line(run: Run, language: str) -> str:
    """Where it stands, in numbers."""
    temperature, percent = QUANTITIES["temperature"], QUANTITIES["percent"]
    sample = run.samples[-1]
    values = {
        "state": told(run.state, language),
        "progress": percent.show(run.number("tuning_progress")),
        "supply": temperature.show(sample.supply),
        "setpoint": temperature.show(sample.setpoint),
        "valve": percent.show(sample.valve),
    }
    return fill("tune.line", language, values)


def doing(run: Run, language: str) -> str:
    """What it waits for or does, in words."""
    # What a proposal rests on is told at the end.
    terms = (run.term, *run.term.children) if run.state == "waiting" else (run.term,)
    return " ".join(told(term.code, language, term.values) for term in terms)


def ending(run: Run, language: str) -> str:
    """Why there is no proposal, in one line."""
    return told(run.term.code, language, run.term.values)


def found(run: Run, language: str) -> list[str | Table]:
    """Model, both tunings beside each other with their margins, and a judgement of each."""
    by_code = {term.code: term for term in run.term.children}
    parts: list[str | Table] = []
    for code in ("tuning_model", "tuning_swings"):
        if code in by_code:
            parts.append(told(code, language, by_code[code].values))
    old, new = (_numbers(by_code.get(code)) for code in ("tuning_old_margins", "tuning_margins"))
    table = Table("", box=None)
    for key in ("tune.now", "tune.proposed"):
        table.add_column(fill(key, language, {}), justify="right")
    for role, value in zip(KEPT, run.proposal, strict=True):
        key = f"tune.{role.removeprefix('loop.')}"
        table.add_row(fill(key, language, {}), shown(role, run.number(role)), shown(role, value))
    for key, name, decimals in _ROWS:
        cells = [_margin(margins.get(name, math.nan), decimals) for margins in (old, new)]
        table.add_row(fill(key, language, {}), *cells)
    parts.append(table)
    for key, margins in (("tune.judged_now", old), ("tune.judged_proposed", new)):
        if margins:
            parts.append(fill(key, language, {"judged": judged(margins, language)}))
    return parts


def _numbers(term: Term | None) -> dict[str, float]:
    values = () if term is None else term.values
    return {name: value for name, value, _ in values if not isinstance(value, str)}


def _margin(value: float, decimals: int) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.{decimals}f}" if math.isfinite(value) else "∞"


def judged(margins: dict[str, float], language: str) -> str:
    """What a loop with these margins is like."""
    margin, sensitivity = margins["gain_margin"], margins["sensitivity"]
    return fill(_judgement(margin, sensitivity), language, {"margin": _margin(margin, 1)})


def _judgement(margin: float, sensitivity: float) -> str:
    if margin <= 1:
        return "tune.swings"
    if margin < NERVOUS_GAIN_MARGIN or sensitivity > NERVOUS_SENSITIVITY:
        return "tune.nervous"
    if margin < LEAST_GAIN_MARGIN or sensitivity > MOST_SENSITIVITY:
        return "tune.lively"
    return "tune.calm" if sensitivity < CALM_SENSITIVITY else "tune.steady"


def shown(role: str, value: float) -> str:
    """A setting with three digits."""
    if not math.isfinite(value):
        return "–"
    return f"{plain(value):g} s" if role == "loop.integral_time" else f"{plain(value):g}"


def lasting(run: Run, language: str) -> str:
    """How to keep what was accepted in the station's file."""
    gain, integral_time = (shown(role, value) for role, value in zip(KEPT, run.proposal, strict=True))
    lines = f"  circuits:\n    {run.circuit}:\n      loop: {{gain: {gain}, integral_time: {integral_time}}}"
    return fill("tune.permanent", language, {"lines": lines})
