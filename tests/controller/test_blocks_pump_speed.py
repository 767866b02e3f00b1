"""What sets the speed of the pumps: each mode in a closed loop, its losses, and noise."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from controller.points import Quality
from tests.controller.pump_bench import PumpBench


def lose(bench: PumpBench, name: str) -> None:
    bench.image[name].mark(math.nan, Quality.BAD, "stale", bench.now)


def codes(bench: PumpBench) -> list[str]:
    term = bench.group.explain(bench.output("1_speed"))
    return [term.code, *(child.code for child in term.children)]


def test_noise_does_not_move_the_drive() -> None:
    """1 kPa of noise, as a 0.25 % transmitter of 0.4 MPa shows: in half an hour the speed stands still."""
    bench = PumpBench(noise=1.0)
    bench.run(600)
    seen: list[float] = []
    bench.run(1800, each=lambda: seen.append(bench.speed(1)))
    travel = sum(abs(b - a) for a, b in pairwise(seen))
    assert travel < 1.0
    assert bench.made() == pytest.approx(120.0, abs=4.0)
    assert codes(bench)[0] == "speed_holds_in_band"


def test_a_change_of_load_is_regulated_out() -> None:
    bench = PumpBench(noise=1.0)
    bench.run(600)
    bench.head = 250.0
    bench.run(120)
    assert bench.made() == pytest.approx(120.0, abs=4.0)


def test_a_new_set_point_is_gone_to_slowly() -> None:
    bench = PumpBench()
    bench.run(600)
    bench.options.setpoint = 150.0
    bench.run(30)
    assert bench.group.speeds.setpoint == pytest.approx(135.0)
    bench.run(300)
    assert bench.made() == pytest.approx(150.0, abs=3.0)


def test_set_point_by_outdoor_temperature_and_by_time_of_day() -> None:
    bench = PumpBench(
        setpoint_by_outdoor={"-20 °C": "150 kPa", "10 °C": "90 kPa"}, setpoint_by_time={"22-06": "80 kPa"}
    )
    bench.outdoor.put(-5.0, 0.0)
    bench.second = 12 * 3600.0
    bench.run(300)
    assert bench.group.speeds.setpoint == pytest.approx(120.0)
    assert "dp_setpoint_by_outdoor" in codes(bench)
    bench.second = 23 * 3600.0
    bench.run(300)
    assert bench.group.speeds.setpoint == pytest.approx(80.0)
    assert "dp_setpoint_by_time" in codes(bench)
    lose(bench, "station.outdoor_temperature")
    bench.second = None
    bench.run(300)
    assert bench.group.speeds.setpoint == pytest.approx(120.0)


def test_proportional_set_point_with_a_meter() -> None:
    bench = PumpBench(control="proportional", nominal_flow="100 m³/h", lowest_setpoint="60 kPa")
    bench.put("low.circulation_flow", "flow", 50.0)
    bench.run(900)
    assert bench.group.speeds.setpoint == pytest.approx(90.0, abs=1.0)
    assert bench.made() == pytest.approx(90.0, abs=3.0)


def test_proportional_set_point_without_a_meter_settles() -> None:
    """dp = 200·s² and set = 60 + 60·s² meet at s² = 60/140."""
    bench = PumpBench(control="proportional", lowest_setpoint="60 kPa")
    bench.run(1800)
    seen: list[float] = []
    bench.run(600, each=lambda: seen.append(bench.group.speed))
    assert bench.made() == pytest.approx(200 * 60 / 140, abs=5.0)
    assert max(seen) - min(seen) < 0.5


def test_worst_point_gets_its_pressure_and_its_loss_keeps_the_local_set_point() -> None:
    bench = PumpBench(control="worst_point", worst_setpoint="50 kPa", setpoint="100 kPa")
    worst = bench.image["low.worst_point_pressure"]
    bench.run(7200, each=lambda: worst.put(bench.made() - 90.0, bench.now))
    assert bench.made() == pytest.approx(140.0, abs=5.0)
    held = bench.group.speeds.local_setpoint
    lose(bench, "low.worst_point_pressure")
    bench.run(3600)
    assert bench.group.speeds.local_setpoint == held
    assert bench.made() == pytest.approx(140.0, abs=5.0)
    assert "worst_point_lost" in codes(bench)


def test_worst_point_that_nothing_satisfies_stays_within_its_bounds() -> None:
    bench = PumpBench(control="worst_point", highest_setpoint="180 kPa")
    bench.put("low.worst_point_pressure", "pressure", 0.0)
    bench.run(7200)
    assert bench.group.speeds.local_setpoint <= 180.0


def test_temperature_difference_too_large_asks_for_more_water() -> None:
    bench = PumpBench(control="temperature_difference", temperature_difference="12 K")
    back = bench.image["low.return_temperature"]

    def mix() -> None:
        # The same heat: the difference falls as the flow rises.
        back.put(50.0 - 12.0 * 38.0 / max(bench.actual[0], 10.0), bench.now)

    bench.run(5 * 3600, each=mix)
    assert bench.group.speed == pytest.approx(38.0, abs=1.0)
    speed = bench.group.speed
    lose(bench, "low.return_temperature")
    bench.run(3600)
    assert bench.group.speed == speed
    assert codes(bench)[0] == "speed_kept_without_temperature"


def test_a_return_too_cold_asks_for_more_water() -> None:
    bench = PumpBench(control="return_temperature", return_temperature="38 °C")
    bench.put("low.return_temperature", "temperature", 36.0)
    before = bench.group.speed
    bench.run(600)
    assert bench.group.speed > before + 1.0
    assert codes(bench)[0] == "speed_by_return"


def test_least_flow_holds_the_speed_up_and_lets_it_sink_again() -> None:
    bench = PumpBench(min_flow="60 m³/h", setpoint="60 kPa")
    flow = bench.image["low.circulation_flow"]
    bench.run(900, each=lambda: flow.put(2.0 * bench.actual[0] * 0.7, bench.now))
    assert bench.group.speed == pytest.approx(60.0 / 1.4, abs=2.5)
    assert "speed_least_flow" in codes(bench)
    bench.run(3600, each=lambda: flow.put(4.0 * bench.actual[0], bench.now))
    assert bench.made() == pytest.approx(60.0, abs=4.0)


def test_speed_and_local_set_point_outlive_a_restart() -> None:
    bench = PumpBench(control="worst_point")
    bench.group.speeds.local_setpoint = 155.0
    bench.run(600)
    again = PumpBench(control="worst_point")
    again.group.restore(bench.group.state())
    assert again.group.speed == pytest.approx(bench.group.speed)
    assert again.group.speeds.local_setpoint == pytest.approx(155.0)
    again.group.restore({"speed": {"speed": "fast", "local_setpoint": None}, "duty": 9, "pumps": [None, 3]})
    assert again.group.speed == pytest.approx(bench.group.speed)
