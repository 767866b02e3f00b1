"""What a campaign says: a line a cell, the margins, JUnit, a picture of one cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sim.campaign.judge import Margin
from sim.campaign.run import Result
from sim.campaign.watch import Shown

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


def replay(result: Result, file: Path, seed: int, hours: float, *, whole: bool = False) -> str:
    """The command that runs this cell again, with a picture."""
    options = f"--seed {seed} --hours {hours:g}{' --whole' if whole else ''}"
    return f"station campaign {file} {options} --cell '{result.cell.name}' --plot cell.png"


def write_junit(results: Sequence[Result], name: str, again: Callable[[Result], str], out: Path) -> None:
    """One test case a cell of the station file `name`; a failing one says how to run it `again`."""
    failed = sum(bool(result.failures) for result in results)
    suite = ElementTree.Element(
        "testsuite", name=f"campaign {name}", tests=str(len(results)), failures=str(failed)
    )
    for result in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"campaign.{result.cell.group}", name=result.cell.name
        )
        if result.failures:
            failure = ElementTree.SubElement(case, "failure", message="; ".join(result.failures))
            failure.text = again(result)
        alarms = "\n".join(f"{time:8.0f} s  {code}@{subject}" for time, code, subject in result.alarms)
        excused = "".join(f"\nexcused: {line}" for line in result.excused)
        early = result.alike_after
        ended = "" if early is None else f"\nended after {early / 3600.0:.3g} h: as its twin"
        ElementTree.SubElement(case, "system-out").text = alarms + excused + ended
    ElementTree.ElementTree(suite).write(out, encoding="utf-8", xml_declaration=True)


def plot(result: Result, twin_air: list[list[float]], out: Path) -> None:
    """The first circuit, left its day in hours, right its first ten minutes scan by scan: temperatures,
    valve, pressure, commands, and the alarms as lines. Needs matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(18, 9))
    axes = figure.subplots(3, 2, sharex="col")
    _day(axes[:, 0], result, twin_air)
    _minutes(axes[:, 1], result)
    for axis in axes.flat:
        axis.legend(loc="best", frameon=False)
        axis.grid(alpha=0.3)
    title = result.cell.name + ("" if not result.failures else f": {result.failures[0]}")
    figure.suptitle(title, fontsize=10)
    figure.tight_layout()
    figure.savefig(out, dpi=110)


def _day(axes: Any, result: Result, twin_air: list[list[float]]) -> None:
    shown = result.trace.shown
    hours = [one.time / 3600.0 for one in shown]
    upper, middle, lower = axes
    _water(upper, lower, hours, shown)
    middle.plot(hours, [one.coldest for one in shown], color="tab:green", label="coldest building, °C")
    count = min(len(twin_air), len(hours))
    middle.plot(hours[:count], [min(air) for air in twin_air[:count]], color="0.6", label="its twin, °C")
    _alarms(upper, result, 1 / 3600.0, math.inf)
    lower.set_xlabel("hours since the break")


def _minutes(axes: Any, result: Result) -> None:
    near = result.trace.near
    upper, middle, lower = axes
    seconds = [shown.time for shown, _ in near]
    _water(upper, lower, seconds, [shown for shown, _ in near])
    told = [commanded for _, commanded in near]
    lower.step(seconds, [one.valve for one in told], "tab:pink", where="post", label="valve command, %")
    for offset, role in enumerate(("pumps", "makeups", "relief")):
        values = [getattr(one, role) + 0.05 * offset for one in told]
        middle.step(seconds, values, where="post", label=f"{role}, command")
    _alarms(upper, result, 1.0, seconds[-1] if seconds else 0.0)
    lower.set_xlabel("seconds since the break")


def _water(upper: Any, lower: Any, times: list[float], shown: Sequence[Shown]) -> None:
    upper.plot(times, [one.supply for one in shown], color="tab:red", label="supply, °C")
    upper.plot(times, [one.back for one in shown], color="tab:blue", label="return, °C")
    lower.plot(times, [one.position for one in shown], color="tab:purple", label="valve, %")
    lower.plot(
        times, [one.pressure / 10.0 for one in shown], color="tab:brown", label="return pressure, 10 kPa"
    )


def _alarms(axis: Any, result: Result, scale: float, until: float) -> None:
    named = set[str]()
    for time, code, subject in result.alarms:
        if time > until:
            continue
        again = f"{code}@{subject}" in named
        named.add(f"{code}@{subject}")
        axis.axvline(time * scale, color="0.4", linewidth=0.8, alpha=0.15 if again else 1.0)
        if again:  # an alarm that comes a hundred times would hide the picture
            continue
        axis.annotate(
            f"{code}@{subject}",
            (time * scale, 1.0),
            (2, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=90,
            va="top",
            fontsize=7,
        )
