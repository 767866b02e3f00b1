"""What the station makes of a write that is not read back: alarms, local, pumps, valve."""

from __future__ import annotations

import math

import pytest

from controller.channels import read_back
from controller.control.blocks.water.pump_group import PumpGroup
from controller.equipment.valve_motion import ValveMotion
from controller.safety.confirmation import AFTER_LOCAL_S
from controller.safety.feedback import STANDS_S, feedback_of
from drivers.readings import Fault, Reading
from tests.controller.conftest import Desk
from tests.controller.makeup_bench import MakeupBench
from tests.controller.pump_bench import PumpBench


def show(desk: Desk, output: str, fault: Fault, value: float = 7.0) -> None:
    """What the bus hands on of an output from now on."""
    target = next(c.target for c in desk.station.wiring.outputs if c.output == output)
    desk.readings[read_back(target)] = Reading(value, desk.now, fault)


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.NOT_CONFIRMED, "write_not_confirmed"), (Fault.OVERWRITTEN, "other_master")]
)
def test_a_write_that_is_not_there_is_told_with_what_was_found(warm: Desk, fault: Fault, code: str) -> None:
    show(warm, "low.valve_command", fault)
    warm.run(2)
    assert (code, "low.valve_command") in warm.alarms()
    view = next(a for a in warm.station.alarms.view() if a.code == code)
    assert {name: value for name, value, _ in view.values}["found"] == 7.0
    assert not warm.output("low.valve_command").confirmed
    show(warm, "low.valve_command", Fault.NONE)
    warm.run(2)
    assert code not in warm.codes()
    assert warm.output("low.valve_command").confirmed


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.NOT_CONFIRMED, "write_not_confirmed"), (Fault.OVERWRITTEN, "other_master")]
)
def test_a_machine_that_is_lost_on_run_and_speed_is_told_once(warm: Desk, fault: Fault, code: str) -> None:
    for output in ("low.makeup_1_run", "low.makeup_1_speed", "low.valve_command"):
        show(warm, output, fault)
    warm.run(2)
    said = {subject for told, subject in warm.alarms() if told == code}
    assert said == {"low.makeup_1_run", "low.valve_command"}
    assert not warm.output("low.makeup_1_speed").confirmed
    show(warm, "low.makeup_1_run", Fault.NONE)
    warm.run(2)
    assert (code, "low.makeup_1_speed") in warm.alarms()


def test_water_that_another_master_moves_waits_behind_it(warm: Desk) -> None:
    show(warm, "low.makeup_1_run", Fault.OVERWRITTEN)
    warm.run(2)
    book = warm.station.alarms

    def hidden_by(code: str, subject: str, priority: str) -> str:
        book.report(code, subject, True, priority)
        book.settle()
        return next(a.hidden_by for a in book.view() if (a.code, a.subject) == (code, subject))

    assert hidden_by("leak_begins", "low", "high") == "other_master@low.makeup_1_run"
    assert hidden_by("leak_urgent", "low", "urgent") == ""
    assert hidden_by("over_pressure", "low", "high") == ""


def test_nothing_is_told_while_in_local_nor_soon_after(warm: Desk) -> None:
    warm.set("low.pump_1_local", 1.0)
    warm.run(1)
    show(warm, "low.pump_1_run", Fault.NOT_CONFIRMED)
    warm.run(60)
    assert "write_not_confirmed" not in warm.codes()
    warm.set("low.pump_1_local", 0.0)
    warm.run(AFTER_LOCAL_S - 5.0)
    assert "write_not_confirmed" not in warm.codes()
    warm.run(10)
    assert ("write_not_confirmed", "low.pump_1_run") in warm.alarms()


def test_a_pump_that_runs_on_against_its_stop_was_not_stopped(warm: Desk) -> None:
    """Of a command register that cannot be read only the feedback tells; a short run is the drive's ramp."""
    told = "write_not_confirmed", "low.pump_2_run"
    warm.set("low.pump_2_running", 1.0)
    warm.run(50)
    assert told not in warm.alarms()
    warm.set("low.pump_2_running", 0.0)
    warm.run(5)
    warm.set("low.pump_2_running", 1.0)
    warm.run(20)
    assert told in warm.alarms()
    assert not warm.output("low.pump_2_run").confirmed
    warm.set("low.pump_2_running", 0.0)
    warm.run(50)
    assert told in warm.alarms()
    warm.run(20)
    assert told not in warm.alarms()


def test_a_pump_that_the_cabinet_runs_is_meant_to_run(warm: Desk) -> None:
    warm.set("low.pump_2_running", 1.0)
    warm.set("low.pump_2_local", 1.0)
    warm.run(100)
    assert "write_not_confirmed" not in warm.codes()


def turning(desk: Desk, hertz: float, seconds: float) -> None:
    """Pump 1 shows this speed."""
    desk.set("low.pump_1_running", 1.0)
    desk.set("low.pump_1_frequency", hertz)
    desk.run(seconds)


def test_a_drive_that_turns_at_another_speed_does_not_follow(warm: Desk) -> None:
    """Its potentiometer, a second master on its frequency: the run command is obeyed all the same."""
    told = "write_not_confirmed", "low.pump_1_speed"
    asked = warm.output("low.pump_1_speed").value
    turning(warm, asked + 1.5, 200)
    assert told not in warm.alarms()
    turning(warm, asked - 8.0, 50)
    assert told not in warm.alarms()
    turning(warm, asked - 8.0, 30)
    assert told in warm.alarms()
    view = next(a for a in warm.station.alarms.view() if a.code == told[0])
    values = {name: value for name, value, _ in view.values}
    assert values["found"] == pytest.approx(asked - 8.0)
    assert values["written"] == pytest.approx(asked, abs=0.5)
    assert warm.output("low.pump_2_run").value == 1.0, "the other pump takes over"
    warm.set("low.pump_1_running", 0.0)
    warm.set("low.pump_1_frequency", 0.0)
    warm.run(600)
    assert told in warm.alarms(), "a pump that stands still shows nothing"


def test_a_drive_on_a_slow_ramp_follows(warm: Desk) -> None:
    """A ramp of 300 s from standstill to 50 Hz."""
    asked = warm.output("low.pump_1_speed").value
    hertz = 10.0
    while hertz < asked:
        turning(warm, hertz, 3)
        hertz += 0.5
    turning(warm, asked, 10)
    assert "write_not_confirmed" not in warm.codes()


def test_a_speed_is_asked_for_again_after_two_hours_of_standstill(warm: Desk) -> None:
    image = warm.station.image
    feedback = feedback_of(image.outputs["low.pump_1_speed"], "low.pump_1", image)
    assert feedback is not None
    image.outputs["low.pump_1_run"].value = 1.0
    frequency, running = image.points["low.pump_1_frequency"], image.points["low.pump_1_running"]
    running.put(1.0, warm.now)
    frequency.put(image.outputs["low.pump_1_speed"].value + 5.0, warm.now)
    said = [feedback.step(1.0) for _ in range(100)]
    assert said[-1] is True
    running.put(0.0, warm.now)
    assert feedback.step(STANDS_S - 10.0) is None
    assert feedback.step(20.0) is False


def test_another_pump_takes_over_and_the_station_circulates(warm: Desk) -> None:
    show(warm, "low.pump_1_run", Fault.NOT_CONFIRMED)
    warm.run(3)
    assert warm.output("low.pump_2_run").value == 1.0
    assert warm.output("low.pump_1_run").value == 0.0
    assert "pump_disobeys" in warm.reason("low.pump_1_run")


def duty(group: PumpGroup) -> int:
    return group.duty + 1


def test_the_duty_pump_stays_where_no_other_one_obeys_either() -> None:
    bench = PumpBench(2)
    bench.run(60)
    for number in (1, 2):
        bench.output(f"{number}_speed").confirmed = False
    seen: set[int] = set()
    bench.run(1200, each=lambda: seen.add(duty(bench.group)))
    assert seen == {1}
    assert bench.runs() == {1}
    bench.fault(1)
    bench.run(5)
    assert bench.runs() == {2}, "one that runs is better than one that has failed"


def test_of_three_pumps_one_that_obeys_is_taken() -> None:
    bench = PumpBench(3)
    bench.run(60)
    bench.output("2_run").confirmed = False
    bench.fault(1)
    bench.run(5)
    assert bench.runs() == {3}


def test_makeup_takes_the_pump_that_obeys_and_holds_with_none() -> None:
    bench = MakeupBench()
    bench.leak = 1.0
    bench.output("makeup_1_run").confirmed = False
    seen: set[int] = set()
    bench.run(hours=1, each=lambda: seen.update(bench.runs()))
    assert seen == {2}
    bench.output("makeup_2_run").confirmed = False
    bench.run(hours=1)
    assert bench.pressure > 330.0


def test_nobody_learns_by_a_valve_that_is_commanded_by_another_hand(warm: Desk) -> None:
    watcher = warm.station.equipment.watchers["low.valve_motion"]
    assert isinstance(watcher, ValveMotion)
    warm.run(30)
    assert not watcher.suspect
    show(warm, "low.valve_command", Fault.OVERWRITTEN, math.nan)
    warm.run(30)
    assert watcher.suspect
