"""A sample of the fault campaign, an hour a fault, and what the campaign itself must do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from controller.settings.check import check_file
from sim.campaign.causes import accused, cause_of, warned_leaks
from sim.campaign.cells import COLD_DAY, COLD_START, Break, Cell, Start
from sim.campaign.claims import Claims
from sim.campaign.conduct import Campaign
from sim.campaign.excuses import excused
from sim.campaign.judge import Judge
from sim.campaign.matrix import matrix
from sim.campaign.report import replay, write_junit
from sim.campaign.run import Result, make_rig
from sim.rig import Rig
from sim.weather import Weather

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
PARALLEL = DEMO.with_name("parallel-exchangers.yaml")
SEED = 1
HOURS = 1.0
SHORT = replace(COLD_DAY, warm_up_s=60.0)
SAMPLE = (
    "-24/low.supply_temperature:offset=-5",
    "-24/low.supply_temperature:frozen",
    "-24/low.return_temperature:open",
    "-24/station.outdoor_temperature:open",
    "-24/low.return_pressure:open",
    "-24/low.differential_pressure:short",
    "-24/station.tank_level:short",
    "-24/low.thermostat:stuck_on",
    "-24/low.suction_switch:stuck_on",
    "-24/temperatures:dead",
    "-24/analog:dead",
    "-24/valve:dead",
    "-24/low_pump_1:dead",
    "-24/low.pump_1:trip",
    "-24/low.valve:reversed",
    "-24/station.tank_inlet:stuck_on",
    "-24/low:burst=40",
    "-24/low:burst=160",
    "-24/station:power_failure",
    "-24/circuit low:exception",
    "-24/outdoor:exception",
    "-24/clock:epoch_1970",
    "-24/controller:restart",
    "-24/controller:safe_mode",
    "-24/low.pump_1:trip+low.supply_temperature:offset=-5",
    "-24/low.return_pressure:open+low.differential_pressure:short",
    "-24/low.pump_1_run:hand=0+low.pump_2_run:hand=0",
    "-24/low.relief_valve:hand=0+low.makeup_1:mains_bypass",
)


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    """The demo station's."""
    checked = check_file(DEMO)
    assert checked.file is not None
    return Campaign(checked.file, checked.profiles, SEED)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_cell_holds(campaign: Campaign, name: str) -> None:
    (result,) = campaign.run([campaign.cell(name)], HOURS, 1)
    again = replay(result, Path("config/demo.yaml"), SEED, HOURS)
    assert not result.failures, f"{'; '.join(result.failures)}\n{again}"


def test_a_cell_that_has_long_been_as_its_twin_is_ended(campaign: Campaign) -> None:
    cell = campaign.cell("-24/low.return_temperature:open")
    (result,) = campaign.run([cell], 6.2, 1)
    assert result.alike_after == result.watched_s == 6 * 3600.0
    assert not result.failures


def test_the_matrix_follows_from_the_file(campaign: Campaign) -> None:
    names = [cell.name for cell in campaign.cells]
    assert len(names) == len(set(names)) >= 300
    parts = {one.on for cell in campaign.cells for one in cell.breaks}
    assert set(campaign.file.devices) <= parts
    assert {
        "low.pump_1",
        "low.pump_2",
        "low.makeup_1",
        "low.valve",
        "low.exchanger",
        "station",
        "low",
    } <= parts
    assert {"low.supply_temperature", "low.supply_temperature_2", "station.tank_level"} <= parts
    assert {cell.start.name for cell in campaign.cells} == {"-24", "+5", "cold", "oversized"}
    assert sum(cell.group == "pair" for cell in campaign.cells) >= 60
    hands = {one.on for cell in campaign.cells for one in cell.breaks if one.target == "hand"}
    assert {"low.valve_command", "low.pump_1_run", "low.makeup_1_run", "station.tank_inlet"} <= hands


def test_the_matrix_has_every_way_in_which_an_isolation_valve_fails() -> None:
    checked = check_file(PARALLEL)
    assert checked.file is not None
    rig = Rig(checked.file, checked.profiles, Weather.constant(-24.0))
    names = {cell.name for cell in matrix(rig.station, rig.plant)}
    for number in (1, 2):
        exchanger = f"low.exchanger_{number}"
        kinds = [f"{exchanger}_valve:{kind}" for kind in ("local=0", "local=100", "stuck", "slow")]
        kinds += [f"{exchanger}_{end}:stuck_{to}" for end in ("opened", "closed") for to in ("on", "off")]
        assert {f"{start}/{kind}" for start in ("-24", "+5") for kind in kinds} <= names
        assert f"+5/{exchanger}_valve:stuck+{exchanger}_open:hand=0" in names
    demo = check_file(DEMO)
    assert demo.file is not None
    rig = Rig(demo.file, demo.profiles, Weather.constant(-24.0))
    assert not any("exchanger_1" in cell.name for cell in matrix(rig.station, rig.plant))


def test_a_sample_has_every_group_and_is_the_same_again(campaign: Campaign) -> None:
    chosen = campaign.sample(40)
    assert {cell.group for cell in chosen} == {cell.group for cell in campaign.cells}
    assert chosen == campaign.sample(40)


def test_a_campaign_without_a_fault_has_all_margins(campaign: Campaign) -> None:
    rig = make_rig(campaign.file, campaign.profiles, COLD_DAY, SEED)
    judge = Judge(rig)
    for _ in range(600):
        rig.step()
        judge.step(rig.plant.time, rig.dt)
    assert all(margin.left > 0.0 for margin in judge.margins.values())
    assert not rig.alarms()


@pytest.mark.parametrize(
    ("invariant", "harm"),
    [
        ("hot water", lambda zone: setattr(zone, "supply", 85.0)),
        ("very hot water", lambda zone: setattr(zone, "supply", 95.0)),
        ("burst", lambda zone: setattr(zone.loop, "pressure", 610e3)),
        ("relief", lambda zone: setattr(zone.loop, "pressure", 510e3)),
        ("suction", lambda zone: setattr(zone.loop, "pressure", 40e3)),
        ("highest radiator", lambda zone: setattr(zone.loop, "pressure", 290e3)),
        ("freezing", lambda zone: setattr(zone, "header", 1.0)),
    ],
)
def test_the_judge_sees_harm(campaign: Campaign, invariant: str, harm) -> None:  # type: ignore[no-untyped-def]
    """What the plant itself would hardly do: its state is set by hand."""
    rig = make_rig(campaign.file, campaign.profiles, SHORT, SEED)
    judge = Judge(rig)
    for _ in range(40):
        harm(rig.plant.zones["low"])
        judge.step(rig.plant.time, 1.0)
        rig.plant.time += 1.0
    assert judge.margins[invariant].left < 0.0
    others = {"hot water", "very hot water", "burst", "relief", "suction", "highest radiator", "freezing"}
    calm = others - {invariant, "hot water", "relief", "highest radiator"}
    assert all(judge.margins[name].left > 0.0 for name in calm)


def test_what_began_in_a_long_scan_has_that_scans_time(campaign: Campaign) -> None:
    """A cell goes over from scans of 5 s to scans of 1 s while a fault stands."""
    demand = "low: suction too low: pumps off"
    for scans, held in ((2, True), (4, False)):
        rig = make_rig(campaign.file, campaign.profiles, SHORT, SEED)
        judge = Judge(rig)
        rig.plant.zones["low"].loop.pressure = 40e3
        _command(rig, {"low.pump_1_run": 1.0})
        for dt in (5.0,) * scans + (1.0,):
            rig.plant.time += dt
            judge.step(rig.plant.time, dt)
        assert (judge.margins[demand].left >= 0.0) is held


def test_an_alarm_about_a_sound_part_is_an_accusation() -> None:
    trip = Cell(COLD_DAY, "pump", (Break("plant", "low.pump_1", "trip"),))
    assert not accused(trip, "pump_failed", "low.pump_1")
    assert accused(trip, "pump_failed", "low.pump_2")
    assert not accused(trip, "supply_low", "low")
    lost = Cell(COLD_DAY, "sensor", (Break("plant", "low.return_pressure", "open"),))
    cause = cause_of(lost)
    assert cause is not None
    assert cause.names("input_bad", "low.return_pressure")
    assert not cause.names("input_bad", "low.supply_pressure")


def test_a_sensor_that_is_believed_no_longer_is_told_by_its_own_name_only() -> None:
    hangs = cause_of(Cell(COLD_DAY, "sensor", (Break("plant", "low.supply_temperature", "frozen"),)))
    second = cause_of(Cell(COLD_DAY, "sensor", (Break("plant", "low.supply_temperature_2", "frozen"),)))
    back, outdoor = "low.return_temperature", "station.outdoor_temperature"
    crossed = cause_of(Cell(COLD_START, "wiring", (Break("swap", back, "swapped", other=outdoor),)))
    assert hangs is not None
    assert second is not None
    assert crossed is not None
    assert hangs.names("input_bad", "low.supply_temperature_1")
    assert not hangs.names("input_bad", "low.supply_temperature_2")
    assert second.names("input_bad", "low.supply_temperature_2")
    assert not second.names("input_bad", "low.supply_temperature_1")
    assert crossed.names("input_bad", back)
    assert crossed.names("input_bad", outdoor)
    assert not crossed.names("input_bad", "low.supply_temperature_1")
    assert crossed.names("temperatures_cross", "station.primary_return_temperature")
    pair = cause_of(
        Cell(COLD_DAY, "pair", (*_frozen("low.supply_temperature"), *_frozen("low.return_pressure")))
    )
    assert pair is not None
    assert pair.names("sensor_frozen", "low.return_pressure")


def _frozen(name: str) -> tuple[Break, ...]:
    return (Break("plant", name, "frozen"),)


def test_a_leak_is_asked_unless_it_is_usual_and_nothing_was_learned(campaign: Campaign) -> None:
    warned = warned_leaks(make_rig(campaign.file, campaign.profiles, SHORT, SEED).station)
    assert warned == {"low": pytest.approx(0.2)}

    def asked(start: Start, size: float, kind: str = "leak") -> bool:
        return cause_of(Cell(start, "water", (Break("plant", "low", kind, size),)), warned) is not None

    assert asked(COLD_DAY, 0.1)
    assert not asked(COLD_START, 0.1)
    assert asked(COLD_START, 0.5)
    assert asked(COLD_START, 0.1, "burst")


def _command(rig: Rig, values: dict[str, float]) -> None:
    for name, value in values.items():
        rig.station.image.outputs[name].put(value, rig.plant.time)


@pytest.mark.parametrize(
    ("demand", "harm", "wrong", "right"),
    [
        (
            "no power: valve shut, makeup off",
            lambda rig: rig.plant.fault("station", "power_failure"),
            {"low.valve_command": 0.0, "low.makeup_1_run": 1.0},
            {"low.valve_command": 0.0, "low.makeup_1_run": 0.0},
        ),
        (
            "over-pressure: makeup off",
            lambda rig: setattr(rig.plant.zones["low"].loop, "pressure", 440e3),
            {"low.makeup_2_run": 1.0},
            {"low.makeup_2_run": 0.0},
        ),
        (
            "over-pressure: relief open",
            lambda rig: setattr(rig.plant.zones["low"].loop, "pressure", 460e3),
            {"low.relief_valve": 0.0},
            {"low.relief_valve": 1.0},
        ),
        (
            "suction too low: pumps off",
            lambda rig: setattr(rig.plant.zones["low"].loop, "pressure", 40e3),
            {"low.pump_1_run": 0.0, "low.pump_2_run": 1.0},
            {"low.pump_1_run": 0.0, "low.pump_2_run": 0.0},
        ),
        (
            "frost in the loop: valve open",
            lambda rig: setattr(rig.plant.zones["low"], "header", 12.0),
            {"low.valve_command": 5.0},
            {"low.valve_command": 20.0},
        ),
    ],
)
def test_a_command_is_judged_by_the_plant(campaign: Campaign, demand, harm, wrong, right) -> None:  # type: ignore[no-untyped-def]
    rig = make_rig(campaign.file, campaign.profiles, SHORT, SEED)
    harm(rig)
    for commands, holds in ((right, True), (wrong, False)):
        judge = Judge(rig)
        _command(rig, commands)
        for _ in range(60):
            judge.step(rig.plant.time, 1.0)
            rig.plant.time += 1.0
        assert (judge.margins[f"low: {demand}"].left >= 0.0) is holds


def test_a_demand_is_asked_unless_what_it_is_seen_by_is_broken(campaign: Campaign) -> None:
    judge = Judge(make_rig(campaign.file, campaign.profiles, SHORT, SEED))
    demand = judge.demands["low: over-pressure: makeup off"]
    for one, asked in (
        (Break("plant", "low.return_pressure", "frozen"), False),
        (Break("device", "analog", "dead"), False),
        (Break("program", "rule over_pressure low", "exception"), False),
        (Break("program", "circuit low", "exception"), True),
        (Break("device", "temperatures", "dead"), True),
        (Break("plant", "low.supply_temperature", "open"), True),
    ):
        assert demand.asked_of(Cell(COLD_DAY, "sensor", (one,))) is asked


def test_an_alarm_that_is_not_true_is_a_failure_unless_nobody_could_know(campaign: Campaign) -> None:
    rig = make_rig(campaign.file, campaign.profiles, SHORT, SEED)

    def untrue(code: str, *broken: str) -> bool:
        breaks = tuple(Break("plant", name, "frozen") for name in broken)
        claims = Claims(rig, Cell(COLD_DAY, "sensor", breaks))
        claims.look(rig.plant.time)
        return claims.untrue(code, "low")

    assert untrue("power_failure", "station.power_failure")
    assert untrue("over_temperature", "low.supply_temperature")
    assert not untrue("over_temperature", "low.supply_temperature", "low.thermostat")
    assert not untrue("over_pressure", "low.return_pressure")
    rig.plant.zones["low"].supply = 80.0
    assert not untrue("over_temperature")
    rig.plant.fault("station", "power_failure")
    assert not untrue("power_failure")


def test_only_what_nobody_can_prevent_is_excused() -> None:
    carried = {"analog": {"low.return_pressure", "low.supply_pressure"}, "relays": {"low.relief_valve"}}

    def why(of: str, *breaks: Break, start: Start = COLD_DAY, beyond: float = 1.0) -> str:
        return excused(Cell(start, "water", breaks), of, carried, beyond)

    burst, leak = Break("plant", "low", "burst", 40.0), Break("plant", "low", "leak", 1.5)
    assert why("highest radiator", burst)
    assert not why("highest radiator", leak)
    assert not why("highest radiator", Break("plant", "station", "no_city_water"))
    assert not why("freezing", Break("plant", "station", "interruption"))
    assert not why("dry makeup", Break("plant", "low.pump_1", "welded"))
    assert not why("low: suction too low: pumps off", burst)
    # Water that warms grows; nobody reaches the relief, or sees the pressure.
    for device in ("analog", "relays"):
        assert not why("relief", Break("device", device, "dead"))
        assert why("relief", Break("device", device, "dead"), start=COLD_START)
        assert not why("relief", Break("device", device, "yesterday"), start=COLD_START)
    assert not why("relief", Break("device", "contacts", "dead"), start=COLD_START)
    # A flood limits makeup, then stops it; what is left in a riser freezes.
    inside = Break("plant", "low", "leak_inside", 6.0)
    assert why("freezing", inside)
    assert why("highest radiator", inside)
    assert not why("freezing", leak)
    assert not why("suction", inside)
    # At a cold start nobody has seen a fill to reckon makeup by; a day later the balance holds the pressure.
    assert why("highest radiator", Break("device", "analog", "dead"), start=COLD_START)
    assert not why("highest radiator", Break("device", "analog", "dead"))
    assert not why("highest radiator", Break("device", "analog", "yesterday"), start=COLD_START)
    # What stands between the plates is pushed out within the drive's ramp, and no longer.
    one, other = (Break("plant", f"low.pump_{number}", "trip") for number in (1, 2))
    assert why("very hot water", one, other, beyond=2.0)
    assert not why("very hot water", one, other, beyond=4.0)
    assert not why("very hot water", one)
    assert why("very hot water", inside, beyond=2.0)
    assert not why("hot water", one, other)


def test_junit_says_how_to_run_a_failing_cell_again(tmp_path: Path) -> None:
    cell = Cell(COLD_DAY, "pump", (Break("plant", "low.pump_1", "trip"),))
    bad = Result(cell, alarms=[(3.0, "pump_failed", "low.pump_1")], failures=["freezing: 1.0 K"])
    file = Path("config/demo.yaml")
    good = Result(cell, alike_after=6 * 3600.0)
    write_junit(
        [bad, good], file.name, lambda one: replay(one, file, 7, 24.0, whole=True), tmp_path / "junit.xml"
    )
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "freezing: 1.0 K"
    assert failure.text == (
        "station campaign config/demo.yaml --seed 7 --hours 24 --whole"
        " --cell '-24/low.pump_1:trip' --plot cell.png"
    )
    assert "--whole" not in replay(bad, file, 7, 24.0)
    assert [case.findtext("system-out") for case in suite][1] == "\nended after 6 h: as its twin"
