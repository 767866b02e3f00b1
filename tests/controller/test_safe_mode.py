"""Safe mode at the desk: what it is asked, what it refuses, what it keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from controller.commands import Command, CommandKind
from controller.control.blocks.setpoint.remote import RemoteSettings
from controller.control.circuits.heating import HeatingCircuit
from controller.settings.check import Checked
from controller.settings.station import StationFile
from controller.station import build

VALVE = "low.valve_command"


def remote(file: StationFile) -> None:
    file.circuits["low"].remote = RemoteSettings()


@pytest.fixture
def safe(make_desk: Callable[..., Any], checked: Checked) -> Any:
    """The demo station's second start, in safe mode: a pump runs and the valve stands half open."""
    desk = make_desk(remote)
    desk.run(5)
    desk.values |= {"low.pump_1_running": 1.0, "low.pump_1_frequency": 38.0, "low.valve_position": 55.0}
    desk.station = build(desk.station.file, checked.profiles, safe_mode=True)
    return desk


def test_it_goes_on_from_what_the_plant_shows(safe: Any) -> None:
    safe.run(3)
    assert safe[VALVE].value == pytest.approx(55.0, abs=0.5)
    assert safe["low.pump_1_run"].on
    assert safe["low.pump_1_speed"].value == pytest.approx(38.0, abs=0.5)
    assert not safe["low.pump_2_run"].on
    assert safe.codes() == set()


def test_the_circuits_own_code_is_never_run(safe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("step", "applied", "restore", "state"):
        monkeypatch.setattr(HeatingCircuit, name, lambda *_: 1 / 0)
    safe.set("low.supply_temperature", 40.0)
    safe.run(600)
    json.dumps(safe.station.state())
    assert safe[VALVE].value > 60.0
    assert "circuit_broken" not in safe.codes()
    assert "part_broken" not in safe.codes()


def test_every_point_can_be_asked_why(safe: Any) -> None:
    safe.run(5)
    for name in safe.station.image.points:
        assert safe.station.explain(name).code
    assert safe.reason(VALVE) == ["safe_holds"]
    safe.run(60)
    assert safe.reason(VALVE) == ["safe_regulates"]
    assert safe.reason("low.pump_1_run") == ["safe_goes_on"]


def test_tuning_and_wishes_are_refused_settings_and_hands_are_not(safe: Any) -> None:
    safe.run(5)
    request = safe.station.circuits[0].circuit.care.request.name
    for subject in (request, "low.remote_offset"):
        assert subject in safe.station.image.points
        answer = safe.station.check(Command(CommandKind.WRITE, subject, 1.0, "li", "panel"))
        assert not answer.accepted, subject
    before = safe.station.circuits[0].least.curve.demand
    safe.write("low.heat_curve.shift", 2.0)
    safe.run(1)
    assert safe.station.circuits[0].least.curve.demand == pytest.approx(before + 2.0)
    safe.override(VALVE, 30.0)
    safe.run(200)
    assert safe[VALVE].value == pytest.approx(30.0, abs=0.5)


def test_what_it_does_not_run_waits_in_the_state(safe: Any, make_desk: Callable[..., Any]) -> None:
    known = make_desk(remote)
    known.run(60)
    state = json.loads(json.dumps(known.station.state()))
    safe.station.restore_least(state)
    safe.run(60)
    kept = json.loads(json.dumps(safe.station.state()))
    assert kept["circuits"] == state["circuits"]
    assert kept["equipment"] == state["equipment"]
    assert kept["time"] != state["time"]


@pytest.mark.parametrize("odd", [{}, {"season": 3, "outputs": [], "alarms": None}, {"outputs": {VALVE: "x"}}])
def test_an_odd_state_is_left_out(safe: Any, odd: dict[str, Any]) -> None:
    safe.station.restore_least(odd)
    safe.run(3)
    assert safe["low.pump_1_run"].on
