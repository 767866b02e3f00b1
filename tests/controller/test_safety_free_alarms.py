"""Alarms of the station's own file: when they come and go, what they say, and what becomes of a bad value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import DEMO, Desk

from controller.commands import Command, CommandKind
from controller.points import AlarmView
from controller.settings.check import check_file
from controller.texts import alarm, text
from drivers.readings import Fault

HOT = "{point: low.return_temperature, above: 45 °C, for: 10 min, text: {zh: 回水过热, en: return too hot}}"
APART = "{point: low.supply_temperature, differs: 5 K, from: low.supply_setpoint, for: 0 s, text: 偏差}"
TRIPS = "{point: low.thermostat, is: yes, for: 0 s, clear_after: 0 s, text: 温控器, latch: yes}"
LEVEL = "{point: station.tank_level, below: 1 m, dead_band: 10 cm, for: 5 s, clear_after: 20 s, text: low}"


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """Makes the demo station with alarms of its own, on an ordinary cold day."""

    def make(*alarms: str) -> Desk:
        path = tmp_path / "station.yaml"
        path.write_text(DEMO.read_text("utf-8") + f"\nalarms: [{', '.join(alarms)}]\n", "utf-8")
        checked = check_file(path)
        assert checked.file is not None, checked.findings
        made = Desk(checked.file, checked)
        made.run(60)
        assert made.codes() == set()
        return made

    return make


def row(desk: Desk, code: str) -> AlarmView:
    return next(view for view in desk.station.alarms.view() if view.code == code)


def test_it_comes_after_its_delay_and_goes_by_the_dead_band_after_its_own(desk: Any) -> None:
    station = desk(HOT)
    station.set("low.return_temperature", 45.2)
    station.run(600)
    assert station.codes() == set()
    station.run(2)
    assert station.alarms() == {("free_above_45", "low.return_temperature")}
    station.set("low.return_temperature", 44.2)  # within the dead band of 1 K
    station.run(60)
    assert station.codes() == {"free_above_45"}
    station.set("low.return_temperature", 43.9)
    station.run(10)
    assert station.codes() == {"free_above_45"}
    station.run(2)
    assert station.codes() == set()


def test_a_dip_below_the_limit_starts_the_delay_anew(desk: Any) -> None:
    station = desk(HOT)
    for _ in range(3):
        station.set("low.return_temperature", 46.0)
        station.run(590)
        station.set("low.return_temperature", 44.9)
        station.run(3)
    assert "free_above_45" not in station.codes()


def test_it_speaks_both_languages_and_lacks_none(desk: Any) -> None:
    station = desk(HOT, APART)
    station.set("low.return_temperature", 46.0)
    station.set("low.supply_temperature", 40.0)
    station.run(620)
    hot, apart = row(station, "free_above_45"), row(station, "free_differs_5_low.supply_setpoint")
    assert alarm(hot.code, hot.subject, "en", hot.values).startswith(
        "low return temperature: return too hot: 46.0 °C, above 45.0 °C. Nothing is done about it."
    )
    assert "回水过热：46.0 °C，高于 45.0 °C。" in alarm(hot.code, hot.subject, "zh", hot.values)
    english = text(f"{apart.code}_seen", "en", apart.values)
    assert english.startswith("偏差: ")
    assert english.endswith(" K apart from low supply temperature set-point, more than 5.0 K.")


def test_a_bad_value_neither_brings_nor_ends_it_and_is_told(desk: Any) -> None:
    station = desk(HOT, LEVEL)
    station.set("station.tank_level", 0.9)
    station.run(10)
    assert "free_below_1" in station.codes()
    station.set("low.return_temperature", 46.0)
    station.run(400)
    for point in ("station.tank_level", "low.return_temperature"):
        station.fail(point)
    station.set("station.tank_level", 1.5)
    station.run(600)
    assert {"free_below_1", "alarm_blind"} <= station.codes()
    assert "free_above_45" not in station.codes()
    blind = row(station, "alarm_blind")
    assert blind.hidden_by.startswith("input_bad@"), "its cause is told, it stands behind it"
    for point in ("station.tank_level", "low.return_temperature"):
        station.fail(point, Fault.NONE)
    station.run(60)
    assert station.codes() == set()
    station.run(240)  # the 400 s from before count
    assert station.codes() == {"free_above_45"}


def test_it_stands_behind_the_silence_of_its_device(desk: Any) -> None:
    station = desk(LEVEL)
    station.set("station.tank_level", 0.9)
    station.run(10)
    station.silent.add("analog")
    station.run(30)
    assert row(station, "free_below_1").hidden_by == "device_silent@analog"


def test_a_latched_one_waits_for_a_person_also_across_a_restart(desk: Any) -> None:
    station = desk(TRIPS)
    code, subject = "free_is_yes", "low.thermostat"
    station.station.image[subject].put(1.0, station.now)
    station.set(subject, 1.0)
    station.run(3)
    station.set(subject, 0.0)
    station.run(30)
    assert code in station.codes()
    state = json.loads(json.dumps(station.station.state()))
    again = desk(TRIPS)
    again.station.restore(state)
    again.run(5)
    assert again.codes() == {code}
    again.scan(Command(CommandKind.ACKNOWLEDGE, f"{code}@{subject}", 0.0, "li", "panel"))
    again.run(2)
    assert again.codes() == set()


def test_a_latched_one_that_was_seen_goes_with_its_condition(desk: Any) -> None:
    station = desk(TRIPS)
    station.set("low.thermostat", 1.0)
    station.run(3)
    station.scan(Command(CommandKind.ACKNOWLEDGE, "free_is_yes@low.thermostat", 0.0, "li", "panel"))
    station.run(5)
    assert "free_is_yes" in station.codes()
    station.set("low.thermostat", 0.0)
    station.run(2)
    assert "free_is_yes" not in station.codes()


def test_it_can_be_shelved_and_is_in_the_log(desk: Any) -> None:
    station = desk(LEVEL)
    station.set("station.tank_level", 0.9)
    station.run(10)
    name = "free_below_1@station.tank_level"
    command = Command(CommandKind.SHELVE, name, 0.0, "li", "panel", 3600.0, "pump is away")
    assert station.station.check(command).accepted
    station.scan(command)
    station.scan()
    assert row(station, "free_below_1").hidden_by == "shelf"
    assert [(e.kind, e.subject) for e in station.events if e.code == "free_below_1"] == [
        ("alarm", "station.tank_level")
    ]


def test_a_station_without_alarms_of_its_own_has_nothing_of_them(desk: Any) -> None:
    station = desk()
    assert station.station.free_alarms is None
    assert station.station.state()["free_alarms"] == []


@pytest.mark.parametrize("state", [None, 3, [], [3], [["free_is_yes"]], [["other", "low.thermostat"]]])
def test_an_odd_state_is_left_out(desk: Any, state: object) -> None:
    station = desk(TRIPS)
    station.station.restore({"free_alarms": state})
    station.run(5)
    assert station.codes() == set()


def test_the_usual_dead_band_and_units_of_the_file(tmp_path: Path) -> None:
    data = yaml.safe_load(DEMO.read_text("utf-8"))
    data["alarms"] = [
        {"point": "low.return_pressure", "above": "0.42 MPa", "text": "high"},
        {"point": "station.primary_flow", "below": "5 l/s", "text": "little"},
        {"point": "low.supply_temperature", "differs": "1 K", "from": "low.supply_setpoint", "text": "apart"},
    ]
    path = tmp_path / "station.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    checked = check_file(path)
    assert checked.file is not None, checked.findings
    made = Desk(checked.file, checked).station.free_alarms
    assert made is not None
    alarms = [watch.alarm for watch in made._watches]
    assert [(a.limit, a.dead_band) for a in alarms] == [
        (420.0, 10.0),
        (18.0, pytest.approx(0.54)),
        (1.0, 0.5),
    ]
