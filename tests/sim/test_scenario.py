"""Scenario files: forms of time, messages, order of events, what the rig and the simulator make of them."""

from math import isfinite
from pathlib import Path
from typing import get_args

import pytest

from controller.channels import read_back
from controller.clock import RealClock
from controller.commands import Command, CommandKind
from controller.settings.check import check_file
from drivers.readings import Fault
from sim.bank import HEALTHY, Behaviour, Kind
from sim.fault_sizes import SIZES, size_of
from sim.field import plant_parameters
from sim.physics import contact, exchanger, pressure_holding, pump, sensor, station_terminals, valve
from sim.plant import Plant
from sim.rig import Rig
from sim.scenario import Scenario, ScenarioError, ScenarioEvent, load_scenario
from sim.simulator import Simulator
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
HOUR = 3600.0


@pytest.fixture(scope="module")
def station():
    checked = check_file(DEMO)
    assert checked.file is not None
    return checked


@pytest.fixture
def load(tmp_path, station):
    def loader(text: str) -> Scenario:
        path = tmp_path / "s.yaml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path, station.file)

    return loader


def events(*rows: str) -> str:
    return "events:\n" + "".join(f"  - {{{row}}}\n" for row in rows)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12d 03:00", 12 * 86400 + 3 * HOUR),
        ("1d", 86400.0),
        ("06:30", 6.5 * HOUR),
        ("00:00:05", 5.0),
        ("2d 23:59:59", 3 * 86400 - 1),
        ("90 min", 5400.0),
        ("0 s", 0.0),
    ],
)
def test_forms_of_time(load, text, seconds):
    found = load(events(f"at: {text}, fault: trip, on: low.pump_1"))
    assert found.faults[0].begin == seconds
    assert found.faults[0].end == float("inf")


def test_isolation_valves_of_exchangers_in_parallel_can_fail(tmp_path):
    several = check_file(DEMO.with_name("parallel-exchangers.yaml"))
    path = tmp_path / "s.yaml"
    path.write_text(
        events(
            "at: 1 h, fault: stuck, on: low.exchanger_2_valve, for: 2 h",
            "at: 1 h, fault: stuck_off, on: low.exchanger_1_opened",
        )
    )
    found = load_scenario(path, several.file)
    assert [fault.on for fault in found.faults] == ["low.exchanger_2_valve", "low.exchanger_1_opened"]


def test_units_of_values(load):
    found = load(
        events(
            "at: 0 s, fault: offset, on: low.supply_temperature, value: 3 K",
            "at: 0 s, fault: leak, on: low, value: 0.4 m³/h",
            "at: 0 s, fault: offset, on: low.return_pressure, value: 0.05 MPa",
            "at: 0 s, fault: fouling, on: low.exchanger, value: 0.5",
            "at: 0 s, fault: clogged, on: low.strainer, value: 70 %",
            "at: 0 s, fault: leaking, on: low.valve, value: 2 %",
            "at: 0 s, fault: interruption, on: station, value: 2 h",
            "at: 0 s, fault: drift, on: low.return_pressure, value: 0.1 bar/h",
            "at: 0 s, fault: temperature_step, on: station, value: -15",
        )
    )
    values = [event.value for event in found.faults]
    assert values == pytest.approx([3.0, 0.4, 50.0, 0.5, 0.7, 2.0, 120.0, 10.0, -15.0])


def test_every_size_that_is_allowed_is_one_the_plant_can_live_with(station):
    """Both ends of every range, for ten minutes: it stays finite, and heat and water add up."""
    parts = {"low": ("leak", "burst", "leak_inside"), "low.exchanger": ("fouling", "scaling")}
    parts |= {"low.pump_1": ("wear", "local"), "low.strainer": ("clogged",), "low.branch_1": ("blocked",)}
    parts |= {"low.valve": ("leaking", "slipping", "asymmetry", "slow", "local")}
    parts |= {"low.supply_temperature": ("offset", "drift", "spike", "noise", "intermittent")}
    troubles = ("interruption", "shortage", "night_sag", "temperature_step", "pressure_step")
    parts |= {"station": troubles}
    known = {kind for kinds in parts.values() for kind in kinds}
    assert known >= set(SIZES) - {"wrong"}
    for outdoor in (-40.0, 30.0):
        for name, kinds in parts.items():
            for kind in kinds:
                size = size_of(name, kind)
                for value in (size.low, size.high):
                    plant = Plant(plant_parameters(station.file), Weather.constant(outdoor))
                    plant.fault(name, kind, value)
                    for _ in range(120):
                        plant.step(5.0)
                    wrong = [key for key, true in plant.truth.items() if not isfinite(true)]
                    assert wrong == [], (name, kind, value)
                    assert plant.energy_balance_error() < 1e-6, (name, kind, value)
                    assert plant.mass_balance_error() < 1e-6, (name, kind, value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("at: soon, fault: trip, on: low.pump_1", "2:10: events.0.at: soon is not .*12d 03:00"),
        ("at: 25:00, fault: trip, on: low.pump_1", "2:10: events.0.at: 25:00"),
        ("at: -1 h, fault: trip, on: low.pump_1", "2:10: events.0.at"),
        ("at: 1 h, fault: tripp, on: low.pump_1", r"2:22: events.0.fault: .*did you mean trip\?"),
        ("at: 1 h, fault: trip, on: low.pomp_1", r"2:32: events.0.on: .*did you mean low\.pump_1\?"),
        ("at: 1 h, fault: offsett, on: low.supply_temperature", "did you mean offset"),
        ("at: 1 h, fault: stuk, on: low.valve", "did you mean stuck"),
        ("at: 1 h, fault: foul, on: low.exchanger", "fouling"),
        ("at: 1 h, fault: leek, on: low", "did you mean leak"),
        ("at: 1 h, fault: power_fail, on: station", "did you mean power_failure"),
        ("at: 1 h, fault: deaf, on: rooms", "allowed: .*dead"),
        ("at: 1 h, fault: late, on: rooms", "takes is missing"),
        ("at: 1 h, fault: dead, on: rooms, takes: 3 s", "only for slow and late"),
        ("at: 1 h, fault: dead, on: rooms, code: 3", "only for exception"),
        ("at: 1 h, fault: dead, on: rooms, value: 3", "unknown key"),
        ("at: 1 h, fault: trip, on: low.pump_1, takes: 3 s", "unknown key"),
        ("at: 1 h, fault: trip, on: low.pump_1, fro: 2 h", r"unknown key \(did you mean for\?\)"),
        ("at: 1 h, fault: leak, on: low, value: much", r"much is not a number .*0 … 2000, or in m³/h"),
        ("at: 1 h, fault: leak, on: low, value: -1", r"2:44: events.0.value: -1 is too low \(0 … 2000"),
        ("at: 1 h, fault: leak, on: low, value: 3 K", "3 K has the wrong unit"),
        ("at: 1 h, fault: clogged, on: low.strainer, value: 120 %", r"too high \(0 … 0.99, or in %\)"),
        ("at: 1 h, fault: offset, on: low.return_pressure, value: 3 K", "3 K has the wrong unit"),
        ("at: 1 h, fault: temperature_step, on: station, value: 500 K", "too high"),
        ("at: 1 h, fault: trip, on: low.pump_1, value: 3", "unknown key .*trip has no size"),
        ("fault: trip, on: low.pump_1", "at is missing"),
    ],
)
def test_slips_have_their_place_and_the_right_name(load, row, message):
    with pytest.raises(ScenarioError, match=message) as caught:
        load(events(row))
    assert "s.yaml:" in str(caught.value)


def test_all_slips_at_once(load):
    with pytest.raises(ScenarioError) as caught:
        load(events("at: 1 h, fault: tripp, on: low.pump_1", "at: 1 h, fault: deaf, on: rooms"))
    assert len(str(caught.value).splitlines()) == 2


def test_missing_file_is_a_message(tmp_path, station):
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path / "none.yaml", station.file)


class Diary:
    """A stage that notes what happens."""

    def __init__(self) -> None:
        self.lines: list[tuple] = []

    def fault(self, name, kind, value=None):
        self.lines.append(("fault", name, kind, value))

    def clear(self, name):
        self.lines.append(("clear", name))

    def behave(self, device, behaviour):
        self.lines.append(("behave", device, behaviour.kind))


def test_script_plays_in_order_and_keeps_what_goes_on():
    scenario = Scenario(
        "s",
        (
            ScenarioEvent(0.0, 100.0, "leak", "low", 1.0),
            ScenarioEvent(10.0, 20.0, "air", "low"),
            ScenarioEvent(10.0, 30.0, "dead", "rooms", None, Behaviour("dead")),
        ),
    )
    script, diary = scenario.start(1000.0), Diary()
    for time in range(1000, 1200):
        script.step(float(time), diary)
    assert diary.lines == [
        ("fault", "low", "leak", 1.0),
        ("fault", "low", "air", None),
        ("behave", "rooms", "dead"),
        ("clear", "low"),
        ("fault", "low", "leak", 1.0),  # clear ends all of a part: the leak goes on
        ("behave", "rooms", "healthy"),
        ("clear", "low"),
    ]


def test_events_are_in_order():
    scenario = Scenario("s", (ScenarioEvent(5.0, 9.0, "a", "x"), ScenarioEvent(2.0, 5.0, "b", "x")))
    assert [(t, begins, e.kind) for t, begins, e in scenario.events()] == [
        (2.0, True, "b"), (5.0, False, "b"), (5.0, True, "a"), (9.0, False, "a"),
    ]  # fmt: skip


def test_rig_plays_a_scenario(station, load):
    scenario = load(events("at: 1 min, fault: trip, on: low.pump_1", "at: 2 min, fault: dead, on: rooms"))
    rig = Rig(
        station.file, station.profiles, Weather.constant(-10.0), dt=5.0, scenario=scenario, start_time=0.0
    )
    rig.run(seconds=60)
    assert rig.plant.sensors["low.pump_1_running"] == 1.0
    assert rig["low.room_temperature_1"].usable
    rig.run(minutes=4)
    assert rig.plant.sensors["low.pump_1_running"] == 0.0
    assert ("device_silent", "rooms") in rig.alarms()
    assert not rig["low.room_temperature_1"].usable


@pytest.mark.parametrize(
    ("behaviour", "fault"),
    [
        (Behaviour("dead"), Fault.NO_REPLY),
        (Behaviour("exception", code=4), Fault.REFUSED),
        (Behaviour("wrong_crc"), Fault.BAD_REPLY),
        (Behaviour("garbage"), Fault.BAD_REPLY),
        (Behaviour("late", 3.0), Fault.NO_REPLY),
        (Behaviour("late", 0.1), Fault.NONE),
        (Behaviour("yesterday"), Fault.NONE),
    ],
)
def test_rig_devices_misbehave(station, behaviour, fault):
    rig = Rig(station.file, station.profiles, Weather.constant(-10.0), dt=5.0)
    rig.run(seconds=30)
    key = ("temperatures", "channel_4")
    before, value = rig.readings[key].time, rig.readings[key].value
    rig.behave("temperatures", behaviour)
    rig.fault("low.supply_temperature", "offset", 5.0)
    rig.run(seconds=60)
    reading = rig.readings[key]
    assert reading.fault is fault
    assert (reading.time == before) == (fault is not Fault.NONE)
    if behaviour.kind == "yesterday":
        assert reading.value == value
    rig.behave("temperatures", HEALTHY)
    rig.run(seconds=5)
    assert rig.readings[key].fault is Fault.NONE
    assert rig.readings[key].value > value + 3.0
    with pytest.raises(KeyError, match="known: "):
        rig.behave("nobody", HEALTHY)


@pytest.mark.parametrize(
    ("kind", "fault"), [("ignores_writes", Fault.NOT_CONFIRMED), ("overwritten", Fault.OVERWRITTEN)]
)
def test_rig_devices_do_not_keep_what_is_written(station, kind, fault):
    rig = Rig(station.file, station.profiles, Weather.constant(-10.0))
    rig.run(seconds=120)
    key = read_back(("valve", "command"))
    assert key not in rig.readings
    rig.behave("valve", Behaviour(kind))
    before = rig.plant.zones["low"].valve.position
    for _ in range(150):
        rig.step([Command(CommandKind.OVERRIDE, "low.valve_command", 20.0, "li", "panel", 3600.0, "test")])
    assert rig.readings[key].fault is fault
    assert {a for a in rig.alarms() if a[0] in ("write_not_confirmed", "other_master")}
    if kind == "ignores_writes":
        assert rig.plant.zones["low"].valve.position == pytest.approx(before, abs=0.02)
    rig.behave("valve", HEALTHY)
    rig.run(seconds=3)
    assert key not in rig.readings
    assert not {a for a in rig.alarms() if a[0] in ("write_not_confirmed", "other_master")}


def test_simulator_is_a_stage(station, load):
    scenario = load(
        events("at: 0 s, fault: wrong_crc, on: rooms, for: 1 h", "at: 0 s, fault: flood, on: station")
    )
    simulator = Simulator(
        station.file, station.profiles, Weather.constant(-10.0), RealClock(), scenario=scenario
    )
    scenario.start(0.0).step(0.0, simulator)
    bus = simulator.buses["cabinet"]
    assert bus.server.slaves[bus.devices["rooms"].address].behaviour.kind == "wrong_crc"
    simulator.field.step(1.0)
    assert simulator.field.plant.sensors["station.flood"] == 1.0


SHIPPED = sorted((DEMO.parent / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_what_ships_is_sound(path, station):
    assert len(load_scenario(path, station.file).faults) >= 5


def test_every_kind_is_on_the_page():
    page = (DEMO.parent / "scenarios" / "README.md").read_text(encoding="utf-8")
    kinds = {*SIZES, "offset", "drift", "spike", "noise", *sensor.FAULTS, *pump.FAULTS, *valve.FAULTS}
    kinds |= {*exchanger.FAULTS, *station_terminals._FAULTS, *pressure_holding._FAULTS, *contact._FAULTS}
    kinds |= set(get_args(Kind)) - {"healthy"} | {"check_valve", "lost"}
    assert sorted(kind for kind in kinds if f"`{kind}`" not in page) == []
