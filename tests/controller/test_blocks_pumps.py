"""One drive, the circulation group and pressure holding, with their points set by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.control.blocks.parts.drive import RETRY_S, PumpDrive
from controller.control.blocks.water.pressure_holding import MakeupSettings, PressureHolding, ReliefSettings
from controller.control.blocks.water.pump_group import PumpGroup, PumpGroupSettings
from controller.control.tick import Tick
from controller.points import Image, Output, Point, Quality, Slot


class Bench:
    """Points of two drives and their pressures; outputs are put out as demanded."""

    def __init__(self, prefix: str = "low.pump", feedback: bool = True) -> None:
        self.image = Image()
        self.now = 0.0
        self.prefix = prefix
        self.stuck: set[int] = set()
        for number in (1, 2):
            if feedback:
                for suffix in ("running", "fault", "local"):
                    self.put(f"{prefix}_{number}_{suffix}", "flag", 0.0)
        self.pressure = self.put("low.differential_pressure", "pressure", 120.0)
        self.back = self.put("low.return_pressure", "pressure", 350.0)

    def put(self, name: str, quantity: str, value: float) -> Point:
        point = self.image.points.get(name) or self.image.add(Point(name, quantity))
        point.put(value, self.now)
        return point

    def tick(self, dt: float = 1.0) -> Tick:
        self.now += dt
        return Tick(self.now, dt, None)

    def output(self, name: str) -> Output:
        return self.image.outputs[f"{self.prefix}_{name}"]

    def carry_out(self) -> None:
        """Outputs follow their demand, and drives their outputs, but for the stuck ones."""
        for output in self.image.outputs.values():
            output.slot = Slot.DEMAND
            output.put(output.demand, self.now)
        for number in (1, 2):
            running = self.image.points.get(f"{self.prefix}_{number}_running")
            if running is not None and running.usable:
                value = 0.0 if number in self.stuck else self.output(f"{number}_run").value
                running.put(value, self.now)

    def runs(self) -> tuple[bool, bool]:
        return self.output("1_run").value >= 0.5, self.output("2_run").value >= 0.5


class Circulation(Bench):
    """A bench with a pump group on it."""

    def __init__(self, feedback: bool = True, **changes: object) -> None:
        super().__init__(feedback=feedback)
        options = PumpGroupSettings.model_validate({"pumps": ["a", "b"], **changes})
        self.group = PumpGroup(options, self.image, "low.pump", self.pressure)

    def run(self, seconds: int, wanted: bool = True) -> None:
        for _ in range(seconds):
            self.group.step(self.tick(), wanted)
            self.carry_out()
            self.group.applied()

    def until(self, condition: Callable[[], bool], within: int) -> int:
        """Seconds until it holds; fails after `within`."""
        for second in range(1, within + 1):
            self.run(1)
            if condition():
                return second
        pytest.fail(f"not within {within} s")


class Makeup(Bench):
    """A bench with pressure holding on it."""

    def __init__(self) -> None:
        super().__init__("low.makeup")
        options = MakeupSettings(
            pumps=["a", "b"],
            setpoint=350.0,
            relief=ReliefSettings(valve="x.y", open=450.0, close=410.0),
        )
        self.holding = PressureHolding(options, self.image, "low", self.back)

    def run(self, seconds: int, pressure: float | None = None) -> None:
        for _ in range(seconds):
            if pressure is not None:
                self.back.put(pressure, self.now)
            self.holding.step(self.tick(), wanted=True)
            self.carry_out()
            self.holding.applied()

    @property
    def relief(self) -> bool:
        return self.image.outputs["low.relief_valve"].value >= 0.5


# ---- one drive


def drive(bench: Bench) -> PumpDrive:
    return PumpDrive(bench.image, "low.pump_1", 25.0, 50.0, keep_running=True)


def failure_time(bench: Bench, pump: PumpDrive, made: bool | None = None, longest: int = 40) -> int | None:
    """Scans from the command to the failure, the pump commanded all the time."""
    for second in range(longest):
        pump.watch(bench.tick(), made)
        pump.command(Tick(bench.now, 1.0, None), True, 30.0)
        if pump.failed:
            return second
        for output in (pump.run, pump.speed):
            output.put(output.demand, bench.now)
    return None


def test_a_drive_that_never_starts_has_failed_after_15_s() -> None:
    bench = Bench()
    pump = drive(bench)
    assert failure_time(bench, pump) == pytest.approx(16, abs=1)
    assert pump.failure.show() == "no_start"
    assert pump.state.show() == "failed"


def test_a_drive_that_stops_by_itself_has_failed_after_2_s() -> None:
    bench = Bench()
    pump = drive(bench)
    bench.put("low.pump_1_running", "flag", 1.0)
    assert failure_time(bench, pump, made=True) is None
    bench.put("low.pump_1_running", "flag", 0.0)
    assert failure_time(bench, pump, made=True) == 2
    assert pump.failure.show() == "stopped"


def test_a_drive_that_runs_without_pressure_has_failed_after_15_s() -> None:
    bench = Bench()
    pump = drive(bench)
    bench.put("low.pump_1_running", "flag", 1.0)
    assert failure_time(bench, pump, made=False) == pytest.approx(16, abs=1)
    assert pump.failure.show() == "no_pressure"


def test_a_drive_fault_counts_at_once_even_when_it_stands() -> None:
    bench = Bench()
    pump = drive(bench)
    bench.put("low.pump_1_fault", "flag", 1.0)
    pump.watch(bench.tick(), None)
    assert not pump.available


def test_a_drive_that_cannot_be_asked_is_believed() -> None:
    bench = Bench(feedback=False)
    pump = drive(bench)
    assert failure_time(bench, pump, made=None, longest=200) is None
    assert pump.state.show() == "running"


def test_a_failed_drive_is_retried_after_10_minutes_not_before() -> None:
    bench = Bench()
    pump = drive(bench)
    failure_time(bench, pump)
    pump.run.put(0.0, bench.now)
    pump.watch(bench.tick(RETRY_S - 10), None)
    assert not pump.available
    pump.watch(bench.tick(20), None)
    assert pump.available


# ---- circulation


def test_exactly_the_duty_pump_runs() -> None:
    bench = Circulation()
    bench.run(30)
    assert bench.runs() == (True, False)
    assert bench.group.explain(bench.output("1_run")).code == "pump_is_duty"


def test_standby_takes_over_in_the_scan_of_a_drive_fault() -> None:
    bench = Circulation()
    bench.run(30)
    bench.put("low.pump_1_fault", "flag", 1.0)
    assert bench.until(lambda: bench.runs() == (False, True), within=5) == 1


def test_standby_takes_over_when_the_duty_stops_unsaid() -> None:
    bench = Circulation()
    bench.run(30)
    bench.stuck.add(1)
    assert bench.until(lambda: bench.runs() == (False, True), within=5) <= 4


def test_no_change_over_back_and_forth() -> None:
    """The first one is mended after an hour: the second goes on."""
    bench = Circulation()
    bench.run(30)
    bench.put("low.pump_1_fault", "flag", 1.0)
    bench.run(60)
    bench.put("low.pump_1_fault", "flag", 0.0)
    bench.run(3600)
    assert bench.runs() == (False, True)


def test_both_failed_are_retried_in_turn_for_ever() -> None:
    bench = Circulation()
    bench.run(30)
    bench.stuck |= {1, 2}
    duties = set()
    for _ in range(400):
        bench.run(1)
        assert sum(bench.runs()) == 1
        duties.add(bench.group.duty)
    assert duties == {0, 1}
    bench.stuck.clear()
    bench.until(lambda: any(p.state.show() == "running" for p in bench.group.pumps), within=90)


def test_a_pump_in_local_that_stands_is_not_counted_on() -> None:
    bench = Circulation()
    bench.run(30)
    bench.put("low.pump_1_local", "flag", 1.0)
    bench.stuck.add(1)
    bench.until(lambda: bench.runs()[1], within=5)
    assert bench.group.pumps[0].state.show() == "local"


def test_speed_follows_the_pressure_within_its_limits() -> None:
    bench = Circulation()
    bench.pressure.put(60.0, 0.0)
    bench.run(300)
    assert bench.output("1_speed").value == 50.0
    bench.pressure.put(200.0, 0.0)
    bench.run(300)
    assert bench.output("1_speed").value == 25.0


def test_pressure_lost_keeps_the_speed_and_the_pump() -> None:
    bench = Circulation()
    bench.run(60)
    speed = bench.output("1_speed").value
    bench.pressure.mark(math.nan, Quality.BAD, "open_circuit", 0.0)
    bench.run(600)
    assert bench.output("1_speed").value == speed
    assert bench.runs() == (True, False)
    assert bench.group.explain(bench.output("1_speed")).code == "speed_kept_without_pressure"
    bench.pressure.put(100.0, 0.0)
    bench.run(1)
    assert bench.output("1_speed").value == pytest.approx(speed, abs=0.2)


def test_a_pressure_that_the_proof_contradicts_changes_neither_pump_nor_speed() -> None:
    """A transmitter stuck at 0 kPa must not make the pumps take turns."""
    bench = Circulation()
    flow = bench.put("low.circulation", "choice", 1.0)
    bench.group.flow = flow
    bench.run(60)
    speed = bench.output("1_speed").value
    bench.pressure.put(0.0, 0.0)
    for _ in range(600):
        bench.run(1)
        assert bench.runs() == (True, False)
        assert bench.output("1_speed").value == speed


def test_fixed_speed() -> None:
    bench = Circulation(control="fixed", fixed_speed=33.0)
    bench.run(30)
    assert bench.output("1_speed").value == 33.0


def test_standby_takes_the_speed_over() -> None:
    """The output stage lets the standby's speed rise; the loop does not start anew at the bottom."""
    bench = Circulation()
    bench.run(60)
    speed = bench.output("1_speed").value
    bench.put("low.pump_1_fault", "flag", 1.0)
    bench.run(2)
    assert bench.output("2_speed").value == pytest.approx(speed, abs=1.0)


# ---- pressure holding


def test_makeup_starts_only_below_its_band() -> None:
    bench = Makeup()
    bench.run(60, 345.0)
    assert bench.runs() == (False, False)
    bench.run(4, 339.0)
    assert bench.runs() == (True, False)
    assert bench.holding.explain(bench.output("1_run")).code == "makeup_filling"


def test_makeup_raises_its_speed_while_it_is_short() -> None:
    bench = Makeup()
    bench.run(5, 335.0)
    slow = bench.output("1_speed").value
    bench.run(120, 335.0)
    assert bench.output("1_speed").value > slow + 10
    bench.run(600, 335.0)
    assert bench.output("1_speed").value == 50.0


def test_makeup_stops_once_the_pressure_has_stood_for_30_s() -> None:
    bench = Makeup()
    bench.run(60, 335.0)
    bench.run(25, 356.0)
    assert bench.runs() == (True, False)
    bench.run(400, 356.0)
    assert bench.runs() == (False, False)
    bench.run(60, 345.0)
    assert bench.runs() == (False, False)


def test_blind_makeup_stops_and_says_so() -> None:
    bench = Makeup()
    bench.run(60, 335.0)
    bench.back.mark(math.nan, Quality.BAD, "open_circuit", 0.0)
    bench.run(1)
    assert bench.runs() == (False, False)
    assert not bench.relief
    assert bench.holding.explain(bench.output("1_run")).code == "makeup_blind"


def test_makeup_changes_to_the_second_pump() -> None:
    bench = Makeup()
    bench.run(60, 335.0)
    bench.put("low.makeup_1_fault", "flag", 1.0)
    bench.run(2, 335.0)
    assert bench.runs() == (False, True)


def test_makeup_with_both_pumps_failed_tries_again() -> None:
    bench = Makeup()
    bench.run(5, 335.0)
    for number in (1, 2):
        bench.put(f"low.makeup_{number}_fault", "flag", 1.0)
    bench.run(30, 335.0)
    assert bench.runs() == (False, False)
    for number in (1, 2):
        bench.put(f"low.makeup_{number}_fault", "flag", 0.0)
    bench.run(int(RETRY_S) + 10, 335.0)
    assert any(bench.runs())


def test_relief_opens_and_closes_on_its_band() -> None:
    bench = Makeup()
    seen = []
    for pressure in (449.0, 451.0, 420.0, 409.0, 440.0):
        bench.run(5, pressure)
        seen.append(bench.relief)
    assert seen == [False, True, True, False, False]


# ---- whatever comes in

VALUE = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0, 120.0, 350.0]))
POINT = st.tuples(VALUE, st.sampled_from(list(Quality)))
SCAN = st.tuples(POINT, POINT, POINT, POINT, st.floats(0, 5))


@settings(max_examples=40, deadline=None)
@given(st.lists(SCAN, max_size=30))
def test_any_input_leaves_pumps_finite_in_limits_and_able_to_run(
    rows: list[
        tuple[
            tuple[float, Quality], tuple[float, Quality], tuple[float, Quality], tuple[float, Quality], float
        ]
    ],
) -> None:
    pumps, makeup = Circulation(), Makeup()
    for pressure, back, running, fault, dt in rows:
        for bench in (pumps, makeup):
            bench.pressure.mark(*pressure, "", bench.now)
            bench.back.mark(*back, "", bench.now)
            bench.image[f"{bench.prefix}_1_running"].mark(*running, "", bench.now)
            bench.image[f"{bench.prefix}_1_fault"].mark(*fault, "", bench.now)
        pumps.group.step(pumps.tick(dt), wanted=True)
        makeup.holding.step(makeup.tick(dt), wanted=True)
        for bench in (pumps, makeup):
            for output in bench.image.outputs.values():
                assert output.low <= output.demand <= output.high
            bench.carry_out()
        pumps.group.applied()
        makeup.holding.applied()
        assert sum(pumps.runs()) == 1
    for bench in (pumps, makeup):
        bench.pressure.put(120.0, bench.now)
        bench.back.put(330.0, bench.now)
        for suffix in ("running", "fault", "local"):
            bench.image[f"{bench.prefix}_1_{suffix}"].put(0.0, bench.now)
    pumps.run(60)
    assert any(p.state.show() == "running" for p in pumps.group.pumps)
    makeup.run(int(RETRY_S) + 60)
    assert any(makeup.runs())
