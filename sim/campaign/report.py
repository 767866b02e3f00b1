"""What a campaign says: a line a cell, the margins, JUnit, a picture of one cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from sim.campaign.judge import Margin
from sim.campaign.run import Result

COLUMNS = ("cell", "heat", "room, K", "told after", "by", "worst margin", "alarms", "")


def row(result: Result) -> tuple[str, ...]:
    """The cells of a table for one result, in the order of COLUMNS."""
    told = "–" if result.told_after is None else f"{result.told_after:.0f} s"
    by = str(result.cause) if result.cause is not None else "nobody is asked to"
    verdict = "ok" if not result.failures else "FAILED"
    alarms = len({(code, subject) for _, code, subject in result.alarms})
    return (
        result.cell.name,
        f"{result.heat:.2f}",
        f"{result.room_day if result.room_long is None else result.room_long:+.2f}",
        told,
        by,
        tightest(result.margins),
        str(alarms),
        verdict,
    )


def tightest(margins: dict[str, Margin]) -> str:
    """The invariant that came nearest to its limit, by its share of what is usual there."""
    usual = {"s": 20.0, "kPa": 100.0, "K": 20.0}
    known = [(name, m) for name, m in margins.items() if m.left < math.inf]
    if not known:
        return "–"
    name, worst = min(known, key=lambda pair: pair[1].left / usual[pair[1].unit])
    return f"{name} {worst.left:.0f} {worst.unit}"


def replay(result: Result, file: Path, seed: int, hours: float) -> str:
    """The command that runs this cell again, with a picture."""
    return (
        f"station campaign {file} --seed {seed} --hours {hours:g} --cell '{result.cell.name}' --plot cell.png"
    )


def write_junit(results: Sequence[Result], file: Path, seed: int, hours: float, out: Path) -> None:
    """One test case a cell; a failing one says how to run it again."""
    failed = sum(bool(result.failures) for result in results)
    suite = ElementTree.Element(
        "testsuite", name=f"campaign {file.name}", tests=str(len(results)), failures=str(failed)
    )
    for result in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"campaign.{result.cell.group}", name=result.cell.name
        )
        if result.failures:
            failure = ElementTree.SubElement(case, "failure", message="; ".join(result.failures))
            failure.text = replay(result, file, seed, hours)
        alarms = "\n".join(f"{time:8.0f} s  {code}@{subject}" for time, code, subject in result.alarms)
        ElementTree.SubElement(case, "system-out").text = alarms
    ElementTree.ElementTree(suite).write(out, encoding="utf-8", xml_declaration=True)


def plot(result: Result, twin_air: list[list[float]], out: Path) -> None:
    """The first circuit's day: temperatures, valve, pressure, and the alarms as lines. Needs matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8))
    upper, middle, lower = figure.subplots(3, 1, sharex=True)
    shown = result.trace.shown
    hours = [one[0] / 3600.0 for one in shown]
    upper.plot(hours, [one[1] for one in shown], color="tab:red", label="supply, °C")
    upper.plot(hours, [one[2] for one in shown], color="tab:blue", label="return, °C")
    middle.plot(hours, [one[5] for one in shown], color="tab:green", label="coldest building, °C")
    count = min(len(twin_air), len(hours))
    middle.plot(hours[:count], [min(air) for air in twin_air[:count]], color="0.6", label="its twin, °C")
    lower.plot(hours, [one[3] for one in shown], color="tab:purple", label="valve, %")
    lower.plot(hours, [one[4] / 10.0 for one in shown], color="tab:brown", label="return pressure, 10 kPa")
    for time, code, subject in result.alarms:
        upper.axvline(time / 3600.0, color="0.4", linewidth=0.8)
        upper.annotate(
            f"{code}@{subject}",
            (time / 3600.0, 1.0),
            (2, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=90,
            va="top",
            fontsize=7,
        )
    for axis in (upper, middle, lower):
        axis.legend(loc="best", frameon=False)
        axis.grid(alpha=0.3)
    lower.set_xlabel("hours since the break")
    upper.set_title(
        result.cell.name + ("" if not result.failures else f": {result.failures[0]}"), fontsize=10
    )
    figure.tight_layout()
    figure.savefig(out, dpi=110)
