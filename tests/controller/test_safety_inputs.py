"""What is believed of the inputs: quality, redundancy, substitutes, proof of flow."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from controller.channels import InputChannel, Wiring
from controller.control.circuits.roles import CIRCUIT_ROLES, STATION_ROLES
from controller.points import Image, Point, Quality
from controller.safety.inputs import Inputs
from controller.safety.witnesses.proof import CirculationProof
from controller.safety.witnesses.substitutes import OutdoorSubstitute, ReturnPressureSubstitute
from drivers.readings import NEVER, Fault, Key, Reading

TEMPERATURE = InputChannel("low.t", "temperature", ("io", "t"), -10, 150, 10.0, 10.0)
CURRENT = InputChannel(
    "low.p",
    "pressure",
    ("io", "p"),
    -100,
    2500,
    math.inf,
    10.0,
    raw_span=(4.0, 20.0),
    value_span=(0.0, 1000.0),
)
CONTACT = InputChannel("low.c", "flag", ("io", "c"), 0, 1, math.inf, 10.0)


class Front:
    """An input stage with its readings."""

    def __init__(self, *channels: InputChannel, redundant: tuple[str, ...] = ()) -> None:
        self.image = Image()
        self.inputs = Inputs(Wiring(channels, (), redundant), self.image)
        self.readings: dict[Key, Reading] = {}
        self.now = 0.0

    def show(self, value: float, point: str = "t", fault: Fault = Fault.NONE, seconds: int = 1) -> Point:
        """A fresh reading in each of so many scans; the point afterwards."""
        for _ in range(seconds):
            self.now += 1.0
            self.readings["io", point] = Reading(value, self.now, fault)
            self.inputs.step(self.readings, self.now)
        return self.image[f"low.{point}"]


def judged(point: Point) -> tuple[Quality, str]:
    return point.quality, point.reason


def test_good_value_carries_the_time_of_its_reading() -> None:
    front = Front(TEMPERATURE)
    point = front.show(49.0, seconds=3)
    assert judged(point) == (Quality.GOOD, "")
    front.now += 4.0
    front.inputs.step(front.readings, front.now)
    assert (point.value, point.time) == (49.0, 3.0)


@pytest.mark.parametrize("fault", [f for f in Fault if f])
def test_a_fault_of_the_device_is_the_reason(fault: Fault) -> None:
    front = Front(TEMPERATURE)
    front.show(49.0, seconds=3)
    assert judged(front.show(math.nan, fault=fault)) == (Quality.BAD, str(fault))


def test_a_value_without_a_number_is_bad() -> None:
    front = Front(TEMPERATURE)
    assert not front.show(math.nan).usable
    assert not front.show(math.inf).usable


def test_never_read_is_bad() -> None:
    front = Front(TEMPERATURE)
    front.inputs.step({}, 0.0)
    assert judged(front.image["low.t"]) == (Quality.BAD, "never_read")
    front.readings["io", "t"] = NEVER
    front.inputs.step(front.readings, 1.0)
    assert judged(front.image["low.t"]) == (Quality.BAD, "never_read")


def test_stale_by_the_time_it_was_read_and_good_again_after_20_s() -> None:
    front = Front(TEMPERATURE)
    point = front.show(49.0, seconds=3)
    for age, quality in ((9.0, Quality.GOOD), (10.5, Quality.BAD)):
        front.now = 3.0 + age
        front.inputs.step(front.readings, front.now)
        assert point.quality is quality
    assert point.reason == "stale"
    assert judged(front.show(49.0)) == (Quality.BAD, "recovering")
    assert not front.show(49.0, seconds=19).usable
    assert judged(front.show(49.0)) == (Quality.GOOD, "")


@pytest.mark.parametrize(
    ("quantity", "good_after", "seconds"),
    [
        ("temperature", None, 20),
        ("pressure", None, 5),
        ("length", None, 10),
        ("flag", None, 0),
        ("percent", None, 5),
        ("pressure", 60.0, 60),
        ("flag", 3.0, 3),
        ("temperature", 0.0, 0),
    ],
)
def test_good_again_after_the_time_of_its_kind_or_of_the_file(
    quantity: str, good_after: float | None, seconds: int
) -> None:
    channel = InputChannel("low.t", quantity, ("io", "t"), -1, 100, math.inf, 10.0, good_after_s=good_after)
    front = Front(channel)
    front.show(1.0, seconds=3)
    assert not front.show(math.nan, fault=Fault.OPEN_CIRCUIT).usable
    waited = 0
    while not front.show(1.0).usable:
        waited += 1
        assert front.image["low.t"].reason == "recovering"
    assert waited == seconds


def test_a_sensor_that_comes_and_goes_stays_bad() -> None:
    """A loose wire: good for 3 s, open for 1 s, for ever."""
    front = Front(TEMPERATURE)
    front.show(math.nan, fault=Fault.OPEN_CIRCUIT)
    for _ in range(20):
        for _ in range(3):
            assert not front.show(49.0).usable
        front.show(math.nan, fault=Fault.OPEN_CIRCUIT)


@pytest.mark.parametrize(
    ("current", "reason"),
    [(3.5, "open_circuit"), (0.0, "open_circuit"), (-5.0, "open_circuit"), (21.5, "short_circuit")],
)
def test_wire_break_and_short_of_a_current_loop(current: float, reason: str) -> None:
    front = Front(CURRENT)
    front.show(8.0, "p", seconds=3)
    assert judged(front.show(current, "p")) == (Quality.BAD, reason)


@pytest.mark.parametrize(("current", "value"), [(3.8, -12.5), (4.0, 0.0), (12.0, 500.0), (20.5, 1031.25)])
def test_current_loop_within_namur_limits_is_scaled(current: float, value: float) -> None:
    front = Front(CURRENT)
    assert front.show(current, "p").value == pytest.approx(value)


@pytest.mark.parametrize("end", [-50.0, 150.0])
def test_no_temperature_believes_the_ends_of_a_pt100_modules_range(end: float) -> None:
    """ADAM-4015 does not flag a broken wire: the value goes to an end of −50 … 150 °C."""
    for roles in (STATION_ROLES, CIRCUIT_ROLES):
        for name, role in roles.items():
            assert role.quantity != "temperature" or not role.low <= end <= role.high, name


def test_a_substitute_does_not_hide_what_is_wrong_with_the_sensor() -> None:
    front = Front(TEMPERATURE)
    front.show(math.nan, fault=Fault.OPEN_CIRCUIT)
    front.image["low.t"].mark(40.0, Quality.UNCERTAIN, "held", 0.0)
    assert [reason for _, _, reason in front.inputs.complaints()] == ["open_circuit"]
    front.show(40.0)
    assert [reason for _, _, reason in front.inputs.complaints()] == [""]


def test_out_of_range_is_bad() -> None:
    front = Front(TEMPERATURE)
    assert judged(front.show(150.5)) == (Quality.BAD, "out_of_range")
    assert judged(front.show(-50.0)) == (Quality.BAD, "out_of_range")


def test_a_jump_is_not_believed_for_5_s_then_it_is_the_truth() -> None:
    front = Front(TEMPERATURE)
    front.show(49.0, seconds=10)
    point = front.show(80.0)
    assert judged(point) == (Quality.UNCERTAIN, "jump")
    assert point.value == 49.0
    assert front.show(80.0, seconds=6).value == 80.0
    assert judged(point) == (Quality.GOOD, "")


def test_a_single_spike_never_gets_through() -> None:
    front = Front(TEMPERATURE)
    front.show(49.0, seconds=10)
    for _ in range(20):
        assert front.show(90.0).value == 49.0
        assert front.show(49.0, seconds=10).value == 49.0


def test_a_contact_needs_no_recovery_time() -> None:
    front = Front(CONTACT)
    front.show(1.0, "c", fault=Fault.NO_REPLY)
    assert front.show(1.0, "c").on


def pair() -> Front:
    channels = [
        InputChannel(f"low.t{n}", "temperature", ("io", f"t{n}"), -10, 150, 10.0, 10.0) for n in ("_1", "_2")
    ]
    return Front(*channels, redundant=("low.t",))


def both(front: Front, first: float, second: float) -> Point:
    """Both sensors shown for so long that neither jumps nor recovery are left."""
    for _ in range(25):
        front.readings["io", "t_2"] = Reading(
            second, front.now + 1, Fault.OPEN_CIRCUIT if math.isnan(second) else Fault.NONE
        )
        front.show(first, "t_1", Fault.OPEN_CIRCUIT if math.isnan(first) else Fault.NONE)
    return front.image["low.t"]


def test_redundant_pair() -> None:
    front = pair()
    assert judged(both(front, 49.0, 48.0)) == (Quality.GOOD, "")
    assert front.image["low.t"].value == 49.0
    assert judged(both(front, math.nan, 48.0)) == (Quality.UNCERTAIN, "second_sensor")
    assert front.image["low.t"].value == 48.0
    assert judged(both(front, 49.0, math.nan)) == (Quality.GOOD, "")
    assert judged(both(front, math.nan, math.nan)) == (Quality.BAD, "open_circuit")


@pytest.mark.parametrize(("first", "second"), [(55.0, 49.0), (49.0, 55.0)])
def test_a_pair_that_disagrees_shows_the_higher_and_says_so(first: float, second: float) -> None:
    front = pair()
    assert judged(both(front, first, second)) == (Quality.UNCERTAIN, "disagree")
    assert front.image["low.t"].value == 55.0


@pytest.mark.parametrize(
    ("quantity", "first", "agrees", "differs"),
    [
        ("pressure", 300.0, 328.0, 335.0),
        ("length", 1.2, 1.35, 1.45),
        ("flow", 2.0, 3.0, 4.0),
        ("flow", 40.0, 46.0, 50.0),
        ("power", 30.0, 80.0, 120.0),
        ("power", 1500.0, 1750.0, 1950.0),
        ("percent", 40.0, 48.0, 52.0),
    ],
)
def test_sensors_of_any_kind_disagree_by_what_such_sensors_differ(
    quantity: str, first: float, agrees: float, differs: float
) -> None:
    channels = [
        InputChannel(f"low.v_{n}", quantity, ("io", f"v_{n}"), -10, 5000, 5000.0, 10.0) for n in (1, 2)
    ]
    for second, reason in ((agrees, ""), (differs, "disagree")):
        front = Front(*channels, redundant=("low.v",))
        for _ in range(25):
            front.now += 1.0
            for number, value in ((1, first), (2, second)):
                front.readings["io", f"v_{number}"] = Reading(value, front.now, Fault.NONE)
            front.inputs.step(front.readings, front.now)
        assert front.image["low.v"].reason == reason
        assert front.image["low.v"].value == (second if reason else first)


def three(front: Front, *values: float) -> Point:
    """Three sensors shown for so long that neither jumps nor recovery are left; NaN: a broken wire."""
    for _ in range(25):
        front.now += 1.0
        for number, value in enumerate(values, 1):
            fault = Fault.OPEN_CIRCUIT if math.isnan(value) else Fault.NONE
            front.readings["io", f"t_{number}"] = Reading(value, front.now, fault)
        front.inputs.step(front.readings, front.now)
    return front.image["low.t"]


def triple() -> Front:
    channels = [
        InputChannel(f"low.t_{n}", "temperature", ("io", f"t_{n}"), -10, 150, 10.0, 10.0) for n in (1, 2, 3)
    ]
    return Front(*channels, redundant=("low.t",))


LOST = math.nan


@pytest.mark.parametrize(
    ("values", "value", "quality", "reason"),
    [
        ((49.0, 50.0, 51.0), 50.0, Quality.GOOD, ""),
        ((51.0, 49.0, 50.0), 50.0, Quality.GOOD, ""),
        ((LOST, 49.0, 50.0), 49.0, Quality.UNCERTAIN, "second_sensor"),
        ((49.0, LOST, 50.0), 49.0, Quality.GOOD, ""),
        ((LOST, LOST, 50.0), 50.0, Quality.UNCERTAIN, "second_sensor"),
        ((LOST, LOST, LOST), LOST, Quality.BAD, "open_circuit"),
        ((LOST, 49.0, 60.0), 60.0, Quality.UNCERTAIN, "disagree"),
        ((49.0, 55.0, 61.0), 55.0, Quality.UNCERTAIN, "disagree"),
    ],
)
def test_three_sensors_say_one_value(
    values: tuple[float, float, float], value: float, quality: Quality, reason: str
) -> None:
    point = three(triple(), *values)
    assert judged(point) == (quality, reason)
    assert point.value == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("liar", [1, 2, 3])
@pytest.mark.parametrize("wrong", [-5.0, 5.0])
def test_two_of_three_outvote_the_one_that_lies_until_it_is_near_again(liar: int, wrong: float) -> None:
    front, values = triple(), [50.0, 50.0, 50.0]
    values[liar - 1] += wrong
    assert three(front, *values).value == 50.0
    assert judged(front.image[f"low.t_{liar}"]) == (Quality.BAD, "against_two")
    assert [(point.name, why) for point, _, why in front.inputs.complaints() if why] == [
        (f"low.t_{liar}", "against_two")
    ]
    assert not front.inputs.quiet
    values[liar - 1] = 50.0 + 2.5 * math.copysign(1.0, wrong)
    three(front, *values)
    assert not front.image[f"low.t_{liar}"].usable
    values[liar - 1] = 50.0 + 1.5 * math.copysign(1.0, wrong)
    three(front, *values)
    assert all(front.image[f"low.t_{number}"].usable for number in (1, 2, 3))
    assert front.inputs.quiet


# ---- substitutes


def test_outdoor_lost_is_held_then_the_mean_less_three_kelvin() -> None:
    point = Point("station.outdoor_temperature", "temperature")
    substitute = OutdoorSubstitute(point)
    for second in range(0, 36_000, 5):
        point.put(-10.0 if second < 18_000 else -12.0, second)
        substitute.step(second, 5.0)
    mean = substitute.mean
    assert -10.1 < mean < -10.0
    for second in range(36_000, 36_000 + 7 * 3600, 60):
        point.mark(math.nan, Quality.BAD, "open_circuit", second)
        substitute.step(second, 5.0)
        lost = second - 35_995
        expected = ("held", -12.0) if lost <= 7200 else ("ten_day_mean", mean - 3.0)
        assert (point.reason, point.value) == expected
        assert point.quality is Quality.UNCERTAIN


def test_outdoor_never_seen_is_assumed_cold() -> None:
    point = Point("station.outdoor_temperature", "temperature")
    OutdoorSubstitute(point).step(0.0, 0.0)
    assert (point.value, point.reason) == (-10.0, "assumed")


def test_outdoor_mean_survives_a_restart_and_odd_state_does_not() -> None:
    point = Point("station.outdoor_temperature", "temperature")
    substitute = OutdoorSubstitute(point)
    substitute.restore({"mean": -15.0})
    substitute.step(0.0, 1.0)
    assert point.value == -18.0
    for odd in ({"mean": "cold"}, {"mean": math.nan}, {}, {"mean": None}):
        fresh = OutdoorSubstitute(point)
        fresh.restore(odd)
        assert math.isnan(fresh.mean)


def pressures() -> tuple[Image, ReturnPressureSubstitute]:
    image = Image()
    for role, value in (
        ("return_pressure", 350.0),
        ("supply_pressure", 440.0),
        ("differential_pressure", 120.0),
    ):
        image.add(Point(f"low.{role}", "pressure")).put(value, 0.0)
    return image, ReturnPressureSubstitute(image, "low", 1)


def test_return_pressure_is_rebuilt_with_the_exchangers_own_drop() -> None:
    """440 − 120 is 30 kPa too low: the exchanger lies between; makeup must not fill by as much."""
    image, substitute = pressures()
    for second in range(1200):
        substitute.step(second, 1.0)
    point = image["low.return_pressure"]
    point.mark(math.nan, Quality.BAD, "open_circuit", 1200.0)
    substitute.step(1200.0, 1.0)
    assert (point.quality, point.reason) == (Quality.UNCERTAIN, "from_supply_pressure")
    assert point.value == pytest.approx(350.0, abs=0.5)


def test_return_pressure_stays_bad_when_another_one_is_lost_too() -> None:
    image, substitute = pressures()
    image["low.return_pressure"].mark(math.nan, Quality.BAD, "open_circuit", 0.0)
    image["low.differential_pressure"].mark(math.nan, Quality.BAD, "open_circuit", 0.0)
    substitute.step(1.0, 1.0)
    assert not image["low.return_pressure"].usable


# ---- does water flow?


@pytest.mark.parametrize(
    ("drives", "pressure", "supply_less_back", "expected"),
    [
        ((1, 0), 120, 90, "yes"),
        ((0, 0), 120, 90, "no"),  # a frozen transmitter against drives that all stand
        ((0, 0), None, None, "no"),
        ((1, 0), 0, 90, "yes"),  # the differential transmitter lies
        ((1, 0), 0, 0, "no"),
        ((1, 0), 0, None, "no"),
        ((1, 0), None, None, "yes"),
        ((None, None), 120, 90, "yes"),
        ((None, None), 0, 90, "yes"),
        ((None, None), 0, 0, "no"),
        ((None, None), None, None, "unknown"),
        ((0, None), None, None, "unknown"),
    ],
)
def test_proof_of_circulation(
    drives: tuple[int | None, ...], pressure: float | None, supply_less_back: float | None, expected: str
) -> None:
    image = Image()
    for number, runs in enumerate(drives, 1):
        point = image.add(Point(f"low.pump_{number}_running", "flag"))
        if runs is not None:
            point.put(runs, 0.0)
    values = {"differential_pressure": pressure, "return_pressure": 350.0}
    values["supply_pressure"] = None if supply_less_back is None else 350.0 + supply_less_back
    for role, value in values.items():
        point = image.add(Point(f"low.{role}", "pressure"))
        if value is not None:
            point.put(value, 0.0)
    proof = CirculationProof(image, "low", 2, 15.0)
    proof.step(0.0)
    assert image["low.circulation"].show() == expected


def frozen_pair() -> Front:
    channels = [
        InputChannel(f"low.t_{number}", "temperature", ("io", str(number)), -10, 150, 10.0, 10.0)
        for number in (1, 2)
    ]
    return Front(*channels, redundant=("low.t",))


def show_pair(front: Front, first: float, second: float) -> None:
    front.now += 1.0
    for key, value in (("1", first), ("2", second)):
        front.readings["io", key] = Reading(value, front.now, Fault.NONE)
    front.inputs.step(front.readings, front.now)


def test_a_sensor_that_hangs_while_the_other_moves_is_bad_until_it_has_moved_for_60_s() -> None:
    front = frozen_pair()
    for scan in range(890):
        show_pair(front, 50.0, 50.0 + scan / 500)
    assert judged(front.image["low.t"]) == (Quality.GOOD, "")
    for _ in range(20):
        show_pair(front, 50.0, 51.8)
    assert judged(front.image["low.t_1"]) == (Quality.BAD, "frozen")
    assert judged(front.image["low.t"]) == (Quality.UNCERTAIN, "second_sensor")
    assert front.image["low.t"].value == 51.8
    assert [(point.name, why) for point, _, why in front.inputs.complaints() if why] == [
        ("low.t_1", "frozen")
    ]
    for scan in range(59):
        show_pair(front, 51.0 + scan % 2 / 20, 51.8)
        assert not front.image["low.t_1"].usable
    for scan in range(3):
        show_pair(front, 51.0 + scan % 2 / 20, 51.8)
    assert judged(front.image["low.t"]) == (Quality.GOOD, "")


def test_two_quiet_sensors_are_no_frozen_ones() -> None:
    front = frozen_pair()
    for scan in range(4000):
        show_pair(front, 50.0, 50.05 + scan % 3 / 20)
    assert judged(front.image["low.t"]) == (Quality.GOOD, "")


@pytest.mark.parametrize(
    ("end", "current", "reason"),
    [
        (20.0, 20.0, "over_range"),
        (20.0, 19.995, "over_range"),
        (20.0, 19.98, ""),
        (20.5, 20.5, "over_range"),
        (25.0, 20.0, ""),
        (25.0, 22.0, "short_circuit"),
    ],
)
def test_a_shorted_transmitter_is_seen_on_inputs_that_end_before_21_ma(
    end: float, current: float, reason: str
) -> None:
    """NAMUR NE 43 speaks of more than 21 mA; an input of ±20 mA shows its end."""
    front = Front(replace(CURRENT, raw_end=end))
    front.show(8.0, "p", seconds=3)
    point = front.show(current, "p", seconds=10)
    assert judged(point) == (Quality.BAD if reason else Quality.GOOD, reason)
