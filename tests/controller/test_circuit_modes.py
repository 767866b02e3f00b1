"""Modes of a circuit at the desk: who may choose them, what they ask for, and that a change is no bump."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from conftest import Desk
from setpoint_desk import DEMAND, SETPOINT, ask, sections

from controller.control.blocks.loop.fixed_opening import FixedOpeningSettings
from controller.control.blocks.loop.flow_control import ConstantFlowSettings
from controller.control.blocks.setpoint.heat_curve import DesignCurve, HeatCurve
from controller.control.blocks.setpoint.learned_curve import LearnedCurveSettings
from controller.control.blocks.setpoint.mean_temperature import MeanTemperature, MeanTemperatureSettings
from controller.control.blocks.setpoint.remote import RemoteSettings
from controller.control.blocks.setpoint.room_influence import RoomInfluenceSettings
from controller.control.circuits.circuit_mode import LEAD_VALVE, MODES
from controller.control.circuits.least import LeastControl
from controller.control.circuits.setpoint_settings import ConstantSupplySettings
from controller.control.tick import Tick
from controller.points import Point
from controller.settings.station import StationFile
from drivers.readings import Fault

MODE, IN_FORCE = "low.mode", "low.mode_in_force"


def choose(desk: Desk, mode: str) -> None:
    desk.write(MODE, MODES.index(mode))


def with_modes(mode: str = "heat_curve", **given: object) -> Callable[[StationFile], None]:
    """All modes' sections, the given ones besides, and one mode in force from the start."""
    put = sections(
        constant_supply=ConstantSupplySettings(supply=55.0),
        fixed_opening=FixedOpeningSettings(opening=35.0),
        constant_flow=ConstantFlowSettings(flow=30.0),
        mean_temperature=MeanTemperatureSettings(points={-20.0: 52.0, 0.0: 36.0}),
        **given,
    )

    def edit(file: StationFile) -> None:
        put(file)
        file.circuits["low"].mode = float(MODES.index(mode))

    return edit


# ---- who may choose


def test_a_station_without_sections_has_the_heat_curve_only(desk: Desk) -> None:
    answer = ask(desk, MODE, MODES.index("constant_supply"))
    assert (answer.accepted, answer.code) == (False, "section_missing")
    assert ask(desk, MODE, 17.0).code == "outside_range"
    assert desk[IN_FORCE].show() == "heat_curve"
    assert "mode" not in desk.reason("low.valve_command")


def test_a_mode_whose_section_has_gone_is_not_taken_up_again(
    make_desk: Callable[..., Desk], desk: Desk
) -> None:
    chosen = float(MODES.index("constant_supply"))
    kept = make_desk(with_modes())
    for one in (kept, desk):
        one.station.restore_setting(MODE, chosen)
        one.run(2)
    assert kept[IN_FORCE].show() == "constant_supply"
    assert desk[IN_FORCE].show() == "heat_curve"


# ---- constant supply


def test_a_constant_supply_minds_no_weather(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(with_modes("constant_supply"))
    for outdoor in (-25.0, 5.0):
        desk.set("station.outdoor_temperature", outdoor)
        desk.run(120)
        assert desk[DEMAND].value == 55.0
    assert {"mode", "constant_supply_wants"} <= set(desk.reason("low.valve_command"))
    assert "curve" not in desk.reason(SETPOINT)
    assert desk.reason(IN_FORCE) == ["mode"]
    desk.write("low.constant_supply.supply", 50.0)
    desk.run(2)
    assert desk[DEMAND].value == 50.0
    desk.write("low.supply.max", 45.0)
    desk.run(2)
    assert desk[DEMAND].value == 45.0


def test_a_constant_supply_goes_over_by_the_ramp_and_back(make_desk: Callable[..., Desk]) -> None:
    def edit(file: StationFile) -> None:
        with_modes()(file)
        file.circuits["low"].supply.ramp = 36.0

    desk = make_desk(edit)
    desk.run(30)
    rows = [desk[SETPOINT].value]
    for mode in ("constant_supply", "heat_curve"):
        choose(desk, mode)
        rows.append(desk[SETPOINT].value)
        for _ in range(700):
            desk.scan()
            rows.append(desk[SETPOINT].value)
        assert rows[-1] == pytest.approx(55.0 if mode == "constant_supply" else 49.0)
    assert max(abs(b - a) for a, b in pairwise(rows)) <= 0.0101


def test_behind_a_constant_supply_nothing_winds_up_or_learns(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(
        with_modes(
            "constant_supply",
            room_influence=RoomInfluenceSettings(integral_time=1800.0),
            learned_curve=LearnedCurveSettings(),
        )
    )
    for room in (1, 2, 3):
        desk.set(f"low.room_temperature_{room}", 20.8)
    desk.run(3600, dt=2.0)
    shares = desk.station.circuits[0].circuit.setpoint.shares
    assert shares.rooms is not None
    assert shares.learned is not None
    assert abs(shares.rooms.integral) < 0.2
    assert shares.learned.day.state()["known"] == 0.0


def test_a_remote_setpoint_beats_the_constant_one(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(with_modes("constant_supply", remote=RemoteSettings()))
    desk.run(10)
    assert ask(desk, "low.remote_setpoint", 45.0).accepted
    desk.run(700)
    assert desk[DEMAND].value == pytest.approx(45.0)
    choose(desk, "heat_curve")
    desk.run(5)
    assert desk[DEMAND].value == pytest.approx(45.0)


# ---- mean temperature


def test_the_supply_makes_up_for_a_cold_return(make_desk: Callable[..., Desk]) -> None:
    """A mean of 44 °C at −10 °C outside; the shares of the set-point act on the mean."""
    desk = make_desk(with_modes("mean_temperature"))
    desk.set("low.return_temperature", 39.0)
    desk.run(60)
    assert desk[DEMAND].value == pytest.approx(2 * 44.0 - 39.0)
    desk.set("low.return_temperature", 37.0)
    desk.run(600)
    assert desk[DEMAND].value == pytest.approx(2 * 44.0 - 39.0 + 2.0 * (1 - 1 / math.e), abs=0.05)
    desk.run(3600, dt=2.0)
    assert desk[DEMAND].value == pytest.approx(51.0, abs=0.05)
    assert "return_doubted" not in desk.reason(SETPOINT)
    desk.write("low.heat_curve.shift", -1.0)
    desk.run(2)
    assert desk[DEMAND].value == pytest.approx(49.0, abs=0.05)
    assert {"mode", "mean_temperature_wants"} <= set(desk.reason(SETPOINT) + desk.reason("low.valve_command"))
    desk.write("low.supply.max", 48.0)
    desk.run(2)
    assert desk[DEMAND].value == 48.0


def test_a_return_far_from_the_usual_spread_is_believed_in_part(make_desk: Callable[..., Desk]) -> None:
    """The curve spreads 10 K about 44 °C; what stays so for weeks becomes usual, and is remembered."""
    desk = make_desk(with_modes("mean_temperature"))
    desk.set("low.return_temperature", 30.0)
    desk.run(60)
    assert desk[DEMAND].value == pytest.approx(44.0 + 1.5 * 5.0, abs=0.01)
    assert "return_doubted" in desk.reason(SETPOINT)
    desk.set("low.return_temperature", 43.0)
    desk.run(3600, dt=2.0)
    assert desk[DEMAND].value == pytest.approx(44.0 + 0.65 * 5.0, abs=0.01)


def test_the_usual_spread_is_learned_and_remembered() -> None:
    """A station that pumps twice the design flow: half the spread, at first believed in part."""
    curve, back = HeatCurve(DesignCurve(kind="design")), Point("low.return_temperature", "temperature")
    mean = MeanTemperature(MeanTemperatureSettings(), curve, back)
    back.put(curve.mean(-24.2) - 3.75, 0.0)
    for _ in range(40 * 24):
        mean.watch(3600.0)
        wanted = mean.step(-24.2, 0.0)
        assert wanted <= curve.at(-24.2)
        mean.learn(wanted - 10.0, 3600.0)  # far from what is wanted: nothing to learn
        mean.learn(wanted, 3600.0)
    assert wanted == pytest.approx(curve.mean(-24.2) + 3.75, abs=0.01)
    assert not mean.doubts
    other = MeanTemperature(MeanTemperatureSettings(), curve, back)
    other.restore(mean.state())
    other.watch(1.0)
    assert other.step(-24.2, 0.0) == pytest.approx(wanted, abs=0.01)


def test_a_design_curve_knows_its_mean(make_desk: Callable[..., Desk]) -> None:
    """At the return that the design means the two modes want the same supply."""

    def edit(file: StationFile) -> None:
        with_modes("mean_temperature")(file)
        circuit = file.circuits["low"]
        circuit.mean_temperature = MeanTemperatureSettings()
        circuit.heat_curve = DesignCurve(kind="design")

    desk = make_desk(edit)
    curve = HeatCurve(DesignCurve(kind="design"))
    load = 30.0 / 44.2
    desk.set("low.return_temperature", curve.at(-10.0) - 15.0 * load)
    desk.run(60)
    assert desk[DEMAND].value == pytest.approx(curve.at(-10.0), abs=0.06)


def test_without_the_return_the_heat_curve_takes_over_after_ten_minutes(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(with_modes("mean_temperature"))
    desk.run(60)
    desk.fail("low.return_temperature")
    desk.run(590)
    assert desk[IN_FORCE].show() == "mean_temperature"
    assert desk[DEMAND].value == pytest.approx(51.5)
    assert "return_held" in desk.reason(SETPOINT)
    desk.run(20)
    assert desk[IN_FORCE].show() == "heat_curve"
    assert desk[DEMAND].value == pytest.approx(49.0)
    assert {"mode_asked_for", "return_lost"} <= set(desk.reason(IN_FORCE))
    assert ("mode_left", "low") in desk.alarms()
    desk.fail("low.return_temperature", Fault.NONE)
    desk.run(50)
    assert desk[IN_FORCE].show() == "heat_curve"
    desk.run(30)
    assert desk[IN_FORCE].show() == "mean_temperature"
    assert ("mode_left", "low") not in desk.alarms()


# ---- all of them


def test_any_change_from_any_state_is_no_bump(make_desk: Callable[..., Desk]) -> None:
    """At a desk nothing answers, and each mode goes on pulling in its own way: the opening asked for is the
    same before and after a change, but for a dead band; and soon after, where a mode leads the valve."""

    def edit(file: StationFile) -> None:
        with_modes(remote=RemoteSettings(), room_influence=RoomInfluenceSettings())(file)
        file.circuits["low"].supply.ramp = 30.0

    desk = make_desk(edit)
    desk.open_valve()
    control = desk.station.circuits[0].circuit.control

    def bump(before: float) -> float:
        """How many kelvins of lift the valve is from where it was."""
        openings = (before, desk["low.valve_command"].value)
        lifts = [control.transfer.lift(control.curve.flow(opening)) for opening in openings]
        return abs(lifts[1] - lifts[0])

    random = Random(1)
    changes = 0
    for _ in range(120):
        mode = random.choice(MODES)
        desk.set("low.supply_temperature", random.uniform(38.0, 62.0))
        desk.set("station.primary_supply_temperature", random.uniform(75.0, 105.0))
        desk.set("station.primary_flow", random.uniform(24.0, 26.0))
        desk.run(random.randrange(30, 120))  # the water jumps, as it cannot, and the filters settle
        before, asked = desk[IN_FORCE].show(), desk["low.valve_command"].value
        choose(desk, mode)
        assert desk[IN_FORCE].show() == mode
        assert bump(asked) < 0.4, (before, mode)
        if {before, mode} & set(LEAD_VALVE):
            desk.run(8)
            assert bump(asked) < 0.7, (before, mode)
        changes += before != mode
    assert changes > 60


@pytest.mark.parametrize("mode", MODES)
def test_a_restart_goes_on_in_the_mode_it_was_in(make_desk: Callable[..., Desk], mode: str) -> None:
    desk = make_desk(with_modes())
    desk.open_valve()
    choose(desk, mode)
    desk.run(600)
    again = make_desk(with_modes())
    again.now, again.wall = desk.now, desk.wall
    again.values, again.fixed = dict(desk.values), set(desk.fixed)
    again.station.restore(json.loads(json.dumps(desk.station.state())))
    again.station.restore_setting(MODE, desk[MODE].value)
    again.run(5)
    assert again[IN_FORCE].show() == mode
    assert again["low.valve_command"].value == pytest.approx(desk["low.valve_command"].value, abs=1.5)


def test_a_broken_circuit_goes_on_by_its_mode(make_desk: Callable[..., Desk]) -> None:
    """The least control creeps towards the constant supply, and leaves a fixed opening where it is."""
    for mode, moves in (("constant_supply", True), ("fixed_opening", False)):
        desk = make_desk(with_modes(mode))
        desk.run(60)
        least = LeastControl(desk.station.circuits[0].circuit, desk.now)
        valve = desk.output("low.valve_command")
        before = valve.demand
        for _ in range(200):
            desk.now += 30.0
            least.step(Tick(desk.now, 30.0, None))
            valve.value = valve.demand
        assert (valve.demand > before + 5.0) == moves, mode
        assert least.wanted == (55.0 if moves else pytest.approx(least.curve.demand))
