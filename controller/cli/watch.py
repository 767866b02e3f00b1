"""`station watch`: the running station in a terminal, from the door alone.

It knows circuits and their points from the catalogue only; what it shows of a circuit follows from
the points' quantities and from how roles are named (`…_setpoint` beside `…_temperature`,
`…_position` beside `…_command`, `pump_1_running`, `pump_1_frequency`).
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from controller.cli.why import ALARM, come_in, quiet, sentence, shown, told
from controller.clock import Clock, RealClock
from controller.door import DoorClient, DoorError, Value
from controller.points import AlarmView, PointInfo, Quality, Term
from controller.upstream.nodes import STATION

PERIOD_S = 1.0
REASONS_EVERY_S = 5.0
RETRY_S = 2.0

SEASON = "station.season"
_MACHINE = re.compile(r"(?P<machine>.+_\d+)_(?P<what>running|frequency|current|state|fault)")
_MEASURES = ("pressure", "flow", "power", "length", "heat", "electricity")
_PRIORITY_STYLE = {"urgent": "bold white on red", "high": "red", "warning": "yellow"}
_BAR = 10
_FRAME = 4
"""Columns that a panel's frame takes."""
_GAP = "   "

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "lost": "door not reachable since {since}, trying again",
        "no_alarms": "no alarms",
        "acknowledged": "acknowledged",
        "ended": "over",
        "shelf": "shelved by {who} until {until}",
        "behind": "because of {cause}",
        "first": "first",
        "is": "is",
    },
    "zh": {
        "lost": "自 {since} 起无法连接控制器，正在重试",
        "no_alarms": "无报警",
        "acknowledged": "已确认",
        "ended": "已恢复",
        "shelf": "{who} 搁置至 {until}",
        "behind": "原因：{cause}",
        "first": "首发",
        "is": "实际",
        "station": "全站",
        "low": "低区",
        "middle": "中区",
        "high": "高区",
        "hot water": "生活热水",
        "supply": "供水",
        "return": "回水",
        "primary supply": "一次供水",
        "primary return": "一次回水",
        "outdoor": "室外",
        "room": "室温",
        "supply pressure": "供水压力",
        "return pressure": "回水压力",
        "differential pressure": "压差",
        "tank level": "水箱液位",
        "flow": "流量",
        "primary flow": "一次流量",
        "primary flow setpoint": "一次流量设定",
        "power": "热功率",
        "heat": "热量",
        "valve": "调节阀",
        "pump": "循环泵",
        "makeup": "补水泵",
    },
}


@dataclass
class Seen:
    """What the door said last, and since when it says nothing."""

    name: str = ""
    time: float = 0.0
    catalogue: tuple[PointInfo, ...] = ()
    values: dict[str, Value] = field(default_factory=dict)
    alarms: tuple[AlarmView, ...] = ()
    reasons: dict[str, Term] = field(default_factory=dict)
    lost_since: float | None = None
    problem: str = ""
    endpoint: str = ""


async def watch(
    endpoint: str,
    directory: Path | None,
    language: str,
    once: bool,
    console: Console | None = None,
    clock: Clock | None = None,
) -> int:
    """Show the station until interrupted, or print one picture. Exit code 1: `once` and no door."""
    console, clock = console or Console(), clock or RealClock()
    quiet()
    if once or not console.is_terminal:  # a pipe cannot be drawn over
        seen = Seen(endpoint=endpoint)
        try:
            async with await come_in(endpoint, directory) as door:
                await _look(door, seen, True)
        except DoorError as problem:
            console.print(sentence(problem, language), style="red", highlight=False)
            return 1
        console.print(picture(seen, language, console.width), highlight=False)
        return 0
    with Live(console=console, screen=True, auto_refresh=False) as live:
        await _follow(endpoint, directory, language, live, clock)
    return 0


async def _follow(endpoint: str, directory: Path | None, language: str, live: Live, clock: Clock) -> None:
    """Look, draw, sleep, for ever; a door that goes away leaves its last picture and a line that says so."""
    seen, door, asked = Seen(endpoint=endpoint), None, -REASONS_EVERY_S
    try:
        while True:
            pause = PERIOD_S
            try:
                if door is None:
                    door = await come_in(endpoint, directory)
                    seen.catalogue = ()
                is_due = clock.now() - asked >= REASONS_EVERY_S
                await _look(door, seen, is_due)
                asked = clock.now() if is_due else asked
                seen.lost_since = None
            except DoorError as problem:
                if seen.lost_since is None:
                    seen.lost_since = clock.wall()
                seen.problem, pause = sentence(problem, language), RETRY_S
                if door is not None:
                    await door.close()
                    door = None
            size = live.console.size
            live.update(picture(seen, language, size.width, size.height), refresh=True)
            await clock.sleep(pause)
    finally:
        if door is not None:
            await door.close()


async def _look(door: DoorClient, seen: Seen, with_reasons: bool) -> None:
    if not seen.catalogue:
        seen.catalogue, seen.name = await door.catalogue(), await door.station_name()
    seen.time = await door.time()
    seen.values = await door.read(info.name for info in seen.catalogue)
    seen.alarms = await door.alarms()
    if with_reasons:
        for info in seen.catalogue:
            if info.role == "output":
                seen.reasons[info.name] = await door.explain(info.name)


def picture(seen: Seen, language: str, width: int, height: int = 0) -> RenderableType:
    """The whole picture, `width` characters wide.

    Where it is higher than `height` (0: no limit), the pumps' own outputs and reasons are left out:
    the line of their state says most of it.
    """
    top: list[RenderableType] = [_header(seen, language)]
    if seen.lost_since is not None:
        line = _word("lost", language).format(since=_clock_time(seen.lost_since))
        top.append(_fitted(Text(f"✗ {line} — {seen.problem}", style="bold red")))
    alarms = _alarm_lines(seen, language)
    body, lines = _panels(seen, language, width, True)
    if 0 < height < len(top) + len(alarms) + lines:
        body, _ = _panels(seen, language, width, False)
    return Group(*top, *alarms, *body)


def _panels(seen: Seen, language: str, width: int, with_all: bool) -> tuple[list[RenderableType], int]:
    """A panel a circuit, and how many lines they take."""
    circuits: dict[str, list[PointInfo]] = {}
    for info in seen.catalogue:
        circuits.setdefault(info.name.partition(".")[0], []).append(info)
    parts: list[RenderableType] = []
    count = 0
    for circuit, infos in circuits.items():
        lines = _circuit(infos, seen, language, width if circuit == STATION else width - _FRAME, with_all)
        count += len(lines)
        if circuit == STATION:
            parts += lines
        elif lines:
            count += 2
            title = _word(circuit, language) + _mode(circuit, infos, seen, language)
            style = "dim" if seen.lost_since is not None else ""
            parts.append(Panel(Group(*lines), title=title, title_align="left", width=width, style=style))
    return parts, count


def _mode(circuit: str, infos: list[PointInfo], seen: Seen, language: str) -> str:
    """The circuit's mode, unless it is the ordinary one."""
    info = next((info for info in infos if info.name == f"{circuit}.mode_in_force"), None)
    value = seen.values.get(info.name) if info is not None else None
    if info is None or value is None or not value.value > 0:
        return ""
    return f" · {shown(info, value, language).plain}"


def _header(seen: Seen, language: str) -> Text:
    line = Text(seen.name or "–", style="bold")
    if seen.time:
        line.append(f"   {_date_time(seen.time)}", style="not bold")
    season = next((info for info in seen.catalogue if info.name == SEASON), None)
    if season is not None and SEASON in seen.values:
        line.append("   ")
        line.append_text(shown(season, seen.values[SEASON], language))
    line.append(f"   {seen.endpoint}", style="not bold dim")
    return line


def _alarm_lines(seen: Seen, language: str) -> list[Text]:
    if not seen.alarms:
        return [Text(f"✓ {_word('no_alarms', language)}", style="green")] if seen.catalogue else []
    lines = []
    order = {"urgent": 0, "high": 1, "warning": 2}
    for alarm in sorted(seen.alarms, key=lambda a: (bool(a.hidden_by), order.get(a.priority, 3), a.since)):
        marks = [_word("acknowledged", language)] if alarm.acknowledged else []
        if alarm.ended is not None:
            marks.append(_word("ended", language))
        if alarm.shelved_until is not None:
            until = _date_time(alarm.shelved_until)
            marks.append(_word("shelf", language).format(who=alarm.shelved_by, until=until))
        elif alarm.hidden_by:
            marks.append(_word("behind", language).format(cause=alarm.hidden_by.replace("@", " ")))
        style = "dim" if marks else _PRIORITY_STYLE.get(alarm.priority, "")
        if alarm.first and alarm.ended is None:
            marks.insert(0, _word("first", language))
        ending = f" ({', '.join(marks)})" if marks else ""
        said = told(alarm.code, language, alarm.values, ALARM)
        lines.append(_fitted(Text(f"▲ {alarm.subject}: {said}{ending}", style=style)))
    return lines


def _circuit(infos: list[PointInfo], seen: Seen, language: str, width: int, with_all: bool) -> list[Text]:
    """Lines of one circuit: temperatures and measures, machines, then each output with its reason."""
    by_name = {info.name: info for info in infos}
    machines = _machines_of(infos)
    values = _temperatures(infos, by_name, seen, language) + _measures(infos, seen, language)
    states = [_machine(name, parts, seen, language) for name, parts in machines.items()]
    lines = _joined(values, width) + _joined(states, width)
    own = tuple(f"{name}_" for name in machines)
    for info in infos:
        if info.role == "output" and (with_all or not info.name.startswith(own)):
            lines += _output(info, by_name, seen, language, width)
    return lines


def _temperatures(
    infos: list[PointInfo], by_name: dict[str, PointInfo], seen: Seen, language: str
) -> list[Text]:
    items: list[Text] = []
    for info in infos:
        if info.quantity != "temperature" or "_temperature" not in info.name or info.writable:
            continue
        if re.sub(r"_\d+$", "", info.name) != info.name and re.sub(r"_\d+$", "", info.name) in by_name:
            continue  # one of the two sensors that make the value
        # The unit says that it is a temperature.
        item = _labelled(info, seen, language, info.name.replace("_temperature", ""))
        setpoint = by_name.get(info.name.replace("_temperature", "_setpoint"))
        if setpoint is not None and _followed(setpoint, seen):
            item.append(" → ", style="dim")
            item.append_text(shown(setpoint, seen.values[setpoint.name], language))
            items.insert(0, item)  # what is regulated comes first
        else:
            items.append(item)
    return items


def _measures(infos: list[PointInfo], seen: Seen, language: str) -> list[Text]:
    return [
        _labelled(info, seen, language)
        for info in infos
        if info.quantity in _MEASURES
        and info.role != "output"
        and not info.writable
        and not (info.name.endswith("_setpoint") and not _followed(info, seen))
    ]


def _followed(setpoint: PointInfo, seen: Seen) -> bool:
    """The set-point counts: the mode of the circuit follows it."""
    value = seen.values.get(setpoint.name)
    return value is not None and value.reason != "not_followed"


def _machines_of(infos: list[PointInfo]) -> dict[str, dict[str, PointInfo]]:
    """Pumps by name, with what is known of each."""
    machines: dict[str, dict[str, PointInfo]] = {}
    for info in infos:
        match = _MACHINE.fullmatch(info.name)
        if match is not None and info.role != "output":
            machines.setdefault(match["machine"], {})[match["what"]] = info
    return machines


def _machine(name: str, parts: dict[str, PointInfo], seen: Seen, language: str) -> Text:
    """● running or ○ standing, ✗ with a fault, then speed, current and state."""
    item = Text(_label(name.partition(".")[2], language))
    for what, info in parts.items():
        value = seen.values.get(info.name)
        if value is None:
            continue
        if info.quantity == "flag" and value.grade is Quality.GOOD:
            mark, style = _MARKS.get((what, value.value >= 0.5), ("", ""))
            item.append(mark, style=style)
        else:
            item.append(" ").append_text(shown(info, value, language))
    return item


_MARKS = {
    ("running", True): (" ●", "green"),
    ("running", False): (" ○", "dim"),
    ("fault", True): (" ✗", "bold red"),
}


def _output(
    info: PointInfo, by_name: dict[str, PointInfo], seen: Seen, language: str, width: int
) -> list[Text]:
    """Bar, value, real position and reason; on one line where `width` allows."""
    if info.name not in seen.values:
        return []
    value = seen.values[info.name]
    line = Text(_label(info.name.partition(".")[2].removesuffix("_command"), language) + " ")
    if info.quantity == "percent" and value.grade is not Quality.BAD:
        filled = round(min(max(value.value, 0.0), 100.0) / 100.0 * _BAR)
        line.append("█" * filled, style="cyan").append("░" * (_BAR - filled) + " ", style="dim")
    line.append_text(shown(info, value, language))
    position = by_name.get(info.name.removesuffix("_command") + "_position")
    if position is not None and position is not info and position.name in seen.values:
        line.append(f" ({_word('is', language)} ", style="dim")
        line.append_text(shown(position, seen.values[position.name], language)).append(")", style="dim")
    if info.name not in seen.reasons:
        return [line]
    term = seen.reasons[info.name]
    reason = Text(f"  {told(term.code, language, term.values)}", style="italic")
    if line.cell_len + reason.cell_len <= width:
        return [line.append_text(reason)]
    return [line, _fitted(reason)]


def _labelled(info: PointInfo, seen: Seen, language: str, name: str = "") -> Text:
    name = name or info.name
    item = Text(_label(name.partition(".")[2] or name, language) + " ")
    if info.name in seen.values:
        item.append_text(shown(info, seen.values[info.name], language))
    return item


def _label(role: str, language: str) -> str:
    """Words of a role, its number kept: `room_temperature_1` → `room temperature 1`."""
    words = role.replace("_", " ")
    match = re.fullmatch(r"(.*?)( \d+)?", words)
    stem, number = (match[1], match[2] or "") if match else (words, "")
    return _word(stem, language) + number


def _word(word: str, language: str) -> str:
    key = word.replace("_", " ") if word not in _WORDS["en"] else word
    return _WORDS.get(language, {}).get(key) or _WORDS["en"].get(key, key)


def _joined(items: list[Text], width: int) -> list[Text]:
    """Items side by side in lines of at most `width`; none is broken."""
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + len(_GAP) + item.cell_len <= width:
            lines[-1].append(_GAP).append_text(item)
        else:
            lines.append(_fitted(item.copy()))
    return lines


def _fitted(line: Text) -> Text:
    """One line whatever comes: what does not fit is cut."""
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _date_time(wall: float) -> str:
    return f"{datetime.datetime.fromtimestamp(wall, datetime.UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def _clock_time(wall: float) -> str:
    return f"{datetime.datetime.fromtimestamp(wall, datetime.UTC).astimezone():%H:%M:%S}"
