"""The outdoor temperature as a chain: sensors, what is written from further up, and who is believed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
from conftest import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.commands import Answer, Command, CommandKind
from controller.control.circuits.outdoor_written import FORECAST_POINTS, HOURS, OutdoorWritten
from controller.points import Image, Override, Point, Quality
from controller.safety.witnesses.outdoor_witness import OUTDOOR, OutdoorSettings, OutdoorWitness
from controller.safety.witnesses.substitutes import OutdoorSubstitute
from controller.settings.station import PointSettings, StationFile
from drivers.readings import Fault

UPSTREAM = "station.outdoor_upstream"
HOUR = 3600.0


class Outdoors:
    """The chain alone, in scans of a minute: what the sensors show, and what is written."""

    def __init__(self, **settings: float) -> None:
        self.image = Image()
        self.point = self.image.add(Point(OUTDOOR, "temperature"))
        self.written = OutdoorWritten(self.image)
        self.witness = OutdoorWitness(OutdoorSettings(**settings), self.image, self.written)
        self.substitute = OutdoorSubstitute(self.point)
        self.now = 1e6

    def write(self, name: str, value: float) -> Answer:
        """A write from further up, through its check."""
        wish = self.written.wishes[name]
        command = Command(CommandKind.WRITE, name, value, "dispatch", "opcua")
        answer = wish.check(command)
        if answer.accepted:
            wish.apply(command, self.now)
        return answer

    def forecast(self, *values: float, seconds: float = 0.0) -> None:
        """Write a forecast, the same value to the end; it takes `seconds`."""
        for number, name in enumerate(FORECAST_POINTS):
            self.write(name, values[min(number, len(values) - 1)])
            self.now += seconds / len(HOURS)

    def show(self, value: float, hours: float = 1 / 60) -> tuple[float, str]:
        """The sensor shows it for so long (NaN: it is lost); what the station then reckons with, and why."""
        for _ in range(round(hours * 60)):
            self.now += 60.0
            if math.isnan(value):
                self.point.mark(value, Quality.BAD, "open_circuit", self.now)
            else:
                self.point.put(value, self.now)
            self.witness.step(self.now, 60.0)
            self.substitute.step(self.now, 60.0)
        return self.point.value, self.point.reason

    @property
    def forecast_reason(self) -> tuple[Quality, str]:
        point = self.image[FORECAST_POINTS[0]]
        return point.quality, point.reason

    def told(self) -> dict[str, str]:
        """Subjects of the alarms that stand, with their priority."""
        return {rule.subject: rule.priority for rule in self.witness.rules() if rule.when()}


def test_a_sensor_that_nobody_contradicts_is_believed() -> None:
    outdoors = Outdoors()
    assert outdoors.show(-10.0, 3.0) == (-10.0, "")
    outdoors.write(UPSTREAM, -13.0)
    outdoors.forecast(-12.0)
    assert outdoors.show(-10.0, 1.9) == (-10.0, "")
    assert outdoors.point.quality is Quality.GOOD
    assert outdoors.told() == {}


# ---- one against one


@pytest.mark.parametrize(
    ("sensor", "upstream", "used"),
    [
        (-10.0, -15.0, -15.0),  # colder: believed
        (-10.0, -30.0, -16.0),  # much colder: bounded
        (-10.0, 10.0, -10.0),  # warmer: never
    ],
)
def test_one_against_one_takes_the_colder_within_bounds(sensor: float, upstream: float, used: float) -> None:
    outdoors = Outdoors()
    outdoors.write(UPSTREAM, upstream)
    assert outdoors.show(sensor, 59 / 60) == (sensor, "")
    assert outdoors.show(sensor, 3 / 60) == (used, "doubtful")
    assert outdoors.point.quality is Quality.UNCERTAIN
    assert outdoors.told() == {OUTDOOR: "high"}
    assert outdoors.image["station.outdoor_sensor"].value == sensor


def test_a_short_difference_is_no_doubt_and_agreeing_again_ends_one() -> None:
    outdoors = Outdoors()
    outdoors.write(UPSTREAM, -15.0)
    for _ in range(2):
        assert outdoors.show(-10.0, 0.9)[1] == ""
        assert outdoors.show(-11.5, 0.05)[1] == ""
    outdoors.write(UPSTREAM, -15.0)
    assert outdoors.show(-10.0, 1.1)[1] == "doubtful"
    assert outdoors.show(-11.5, 0.5)[1] == "doubtful", "less than the limit is not yet agreement"
    outdoors.write(UPSTREAM, -15.0)
    assert outdoors.show(-13.0, 0.1)[1] == "doubtful"
    assert outdoors.show(-13.0, 0.2) == (-13.0, "")


def test_witnesses_that_fall_silent_do_not_make_a_warm_sensor_true() -> None:
    outdoors = Outdoors()
    outdoors.write(UPSTREAM, -15.0)
    assert outdoors.show(-10.0, 1.5) == (-15.0, "doubtful")
    assert outdoors.show(-8.0, 5.0) == (-14.0, "doubtful"), "its last correction, at most six kelvin"
    assert outdoors.told() == {OUTDOOR: "high"}
    outdoors.show(math.nan, 0.3)
    assert outdoors.show(-8.0) == (-8.0, ""), "somebody has changed the sensor"


def test_a_loose_contact_does_not_make_a_warm_sensor_true() -> None:
    outdoors = Outdoors()
    outdoors.write(UPSTREAM, -15.0)
    for _ in range(25):
        outdoors.show(-10.0, 3 / 60)
        assert outdoors.show(math.nan) == (-15.0, "upstream")
    assert outdoors.show(-10.0) == (-15.0, "doubtful")


def test_a_forecast_alone_is_a_witness_too_while_it_is_young() -> None:
    outdoors = Outdoors()
    outdoors.forecast(-15.0)
    assert outdoors.show(-10.0, 1.1) == (-15.0, "doubtful")
    assert outdoors.forecast_reason == (Quality.BAD, "forecast_doubted"), "no feed-forward by it either"
    assert outdoors.show(-15.0, 0.3) == (-15.0, "")
    assert outdoors.show(-15.0, 11.0) == (-15.0, "")
    assert outdoors.show(-10.0, 5.0) == (-10.0, ""), "a forecast of yesterday contradicts nobody"


# ---- two against one


def test_two_that_agree_outvote_the_sensor() -> None:
    outdoors = Outdoors()
    outdoors.write(UPSTREAM, -15.0)
    outdoors.forecast(-14.5)
    assert outdoors.show(-10.0, 1.1) == (-15.0, "outvoted")
    assert outdoors.told() == {OUTDOOR: "high"}
    assert outdoors.forecast_reason == (Quality.GOOD, "")
    again = Outdoors()
    again.write(UPSTREAM, -5.0)
    again.forecast(-5.0)
    assert again.show(-10.0, 1.1) == (-5.0, "outvoted")
    cold = Outdoors()
    cold.write(UPSTREAM, -20.0)
    cold.forecast(-20.0)
    assert cold.show(-5.0, 1.1) == (-20.0, "outvoted")
    far = Outdoors()
    far.write(UPSTREAM, 15.0)
    far.forecast(15.0)
    assert far.show(-10.0, 1.1) == (-4.0, "outvoted"), "two of one source cannot stop the heat"


def test_the_odd_witness_is_not_used() -> None:
    outdoors = Outdoors()
    outdoors.write(UPSTREAM, -20.0)
    outdoors.forecast(-11.0)
    assert outdoors.show(-10.0, 1.1) == (-10.0, "")
    assert outdoors.told() == {UPSTREAM: "warning"}
    again = Outdoors()
    again.write(UPSTREAM, -11.0)
    again.forecast(-16.0)
    assert again.show(-10.0, 1.1) == (-10.0, "")
    assert again.told() == {"station.forecast_0h": "warning"}
    assert again.forecast_reason == (Quality.BAD, "forecast_doubted")


def test_a_forecast_between_two_measurements_is_the_middle_of_three() -> None:
    outdoors = Outdoors()
    outdoors.write(UPSTREAM, -15.0)
    outdoors.forecast(-13.0)
    assert outdoors.show(-10.0, 1.1) == (-13.0, "doubtful")
    assert outdoors.told() == {OUTDOOR: "high"}
    assert outdoors.forecast_reason == (Quality.GOOD, "")


def test_three_opinions_leave_the_coldest_within_bounds() -> None:
    outdoors = Outdoors()
    outdoors.forecast(-15.0)
    outdoors.write(UPSTREAM, -5.0)
    assert outdoors.show(-10.0, 1.1) == (-15.0, "doubtful")


# ---- the sensor is lost


def test_the_order_of_those_who_stand_in() -> None:
    outdoors = Outdoors()
    outdoors.show(-10.0, 24.0)
    outdoors.write(UPSTREAM, -12.0)
    outdoors.forecast(-13.0, -19.0)
    assert outdoors.show(math.nan, 1.0) == (-12.0, "upstream")
    value, reason = outdoors.show(math.nan, 2.0)
    assert (round(value, 2), reason) == (-16.0, "forecast"), "upstream is 3 h old by now"
    assert outdoors.show(math.nan, 44.9)[1] == "forecast"
    mean = outdoors.substitute.mean
    assert outdoors.show(math.nan, 0.5) == (mean - 3.0, "ten_day_mean")
    assert mean == pytest.approx(-10.0), "what others say of the weather teaches the mean nothing"


def test_without_a_forecast_the_last_value_is_held_before_the_mean() -> None:
    outdoors = Outdoors()
    outdoors.show(-10.0, 1.0)
    outdoors.write(UPSTREAM, -12.0)
    assert outdoors.show(math.nan, 0.1) == (-12.0, "upstream")
    outdoors.written.upstream.slot.clear()
    assert outdoors.show(math.nan, 1.0) == (-10.0, "held")
    assert outdoors.show(math.nan, 1.0) == (-13.0, "ten_day_mean")


def test_two_witnesses_that_contradict_each_other_leave_the_colder() -> None:
    outdoors = Outdoors()
    outdoors.write(UPSTREAM, -10.0)
    outdoors.forecast(-15.0)
    assert outdoors.show(math.nan, 1.1) == (-15.0, "upstream")
    assert set(outdoors.told()) == {UPSTREAM, "station.forecast_0h"}


# ---- the forecast is a set


def test_a_forecast_counts_as_a_set() -> None:
    outdoors = Outdoors()
    outdoors.show(-10.0)
    for name in FORECAST_POINTS[:-1]:
        outdoors.write(name, -11.0)
    outdoors.show(-10.0)
    assert outdoors.forecast_reason == (Quality.BAD, "no_forecast")
    outdoors.show(-10.0, 0.3)
    assert outdoors.forecast_reason == (Quality.BAD, "forecast_incomplete")
    outdoors.write(FORECAST_POINTS[-1], -11.0)
    outdoors.show(-10.0, 0.3)
    assert outdoors.forecast_reason == (Quality.BAD, "forecast_incomplete")
    outdoors.forecast(-11.0, seconds=500.0)
    outdoors.show(-10.0)
    assert outdoors.forecast_reason == (Quality.GOOD, "")


def test_a_torn_forecast_leaves_the_one_before_in_force() -> None:
    outdoors = Outdoors()
    outdoors.forecast(-11.0)
    begin = outdoors.now
    outdoors.show(-10.0, 1.0)
    outdoors.write(FORECAST_POINTS[0], -13.0)
    outdoors.show(-10.0)
    assert outdoors.forecast_reason == (Quality.GOOD, "")
    outdoors.show(-10.0, 0.3)
    assert outdoors.forecast_reason == (Quality.UNCERTAIN, "forecast_incomplete")
    point = outdoors.image[FORECAST_POINTS[0]]
    assert (point.value, point.time) == (-11.0, begin)


def test_a_forecast_far_from_what_is_measured_is_refused() -> None:
    outdoors = Outdoors()
    outdoors.show(-10.0)
    outdoors.forecast(-18.5)
    outdoors.show(-10.0)
    assert outdoors.forecast_reason == (Quality.BAD, "forecast_far")
    outdoors.forecast(-17.5)
    outdoors.show(-10.0)
    assert outdoors.forecast_reason == (Quality.GOOD, "")


def test_a_far_forecast_still_tells_that_the_sensor_may_lie() -> None:
    outdoors = Outdoors()
    outdoors.show(0.0)
    outdoors.forecast(-20.0)
    assert outdoors.show(0.0, 1.1) == (-6.0, "doubtful")
    assert outdoors.told() == {OUTDOOR: "high"}
    assert outdoors.show(math.nan)[1] == "held", "but it is no substitute"
    near = Outdoors()
    near.write(UPSTREAM, -18.0)
    near.show(0.0)
    near.forecast(-20.0)
    near.show(0.0)
    assert near.forecast_reason == (Quality.GOOD, ""), "somebody who measures confirms it"


def test_a_forecast_that_is_given_back_is_gone() -> None:
    outdoors = Outdoors()
    outdoors.forecast(-11.0)
    outdoors.show(-10.0)
    for wish in outdoors.written.forecast:
        wish.apply(Command(CommandKind.RELEASE, wish.point.name, 0.0, "li", "panel"), outdoors.now)
    outdoors.show(-10.0)
    assert outdoors.forecast_reason == (Quality.BAD, "no_forecast")


def test_absurd_values_are_refused_at_the_door() -> None:
    outdoors = Outdoors()
    for value in (-60.1, 60.1, math.nan, math.inf):
        assert outdoors.write(FORECAST_POINTS[3], value).code == "outside_range"
        assert outdoors.write(UPSTREAM, value).code == "outside_range"


# ---- restarts


def test_a_restart_goes_on_with_doubts_and_forecast() -> None:
    outdoors, again = Outdoors(), Outdoors()
    outdoors.write(UPSTREAM, -15.0)
    outdoors.forecast(-16.0, -20.0)
    outdoors.show(-10.0, 1.5)
    state = json.loads(json.dumps(outdoors.witness.state()))
    again.now = outdoors.now
    again.witness.restore(state)
    assert again.show(-10.0) == (-15.0, "outvoted")
    assert again.forecast_reason == (Quality.GOOD, "")
    assert again.show(math.nan, 6.0)[1] == "forecast"


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        {"differ": [1, 2], "correction": "x", "written": 3},
        {"written": {"in_force": {"values": [0.0], "written": 1e6}, "newest": [], "slots": 1}},
        {"written": {"in_force": {"values": ["x"] * 9, "written": 1e6}}},
        {"written": {"in_force": {"values": [99.0] * 9, "written": 1e6}}},
        {"written": {"in_force": {"values": [-5.0] * 9, "written": None}}},
    ],
)
def test_odd_state_is_left_out(state: object) -> None:
    outdoors = Outdoors()
    outdoors.witness.restore(state)
    assert outdoors.show(-10.0) == (-10.0, "")
    assert outdoors.forecast_reason == (Quality.BAD, "no_forecast")


def test_a_forecast_of_a_clock_that_was_ahead_blocks_no_later_one() -> None:
    outdoors = Outdoors()
    outdoors.forecast(-12.0)
    outdoors.show(-10.0)
    outdoors.now -= 1e5
    outdoors.show(-10.0)
    assert outdoors.forecast_reason == (Quality.BAD, "no_forecast")
    outdoors.forecast(-11.0)
    outdoors.show(-10.0)
    assert outdoors.forecast_reason == (Quality.GOOD, "")


# ---- whatever comes

SEEN = st.one_of(st.just(math.nan), st.floats(-48, 60))
TOLD = st.one_of(st.none(), st.floats(-60, 60))


@given(st.lists(st.tuples(SEEN, TOLD, TOLD, st.sampled_from([0.05, 1.1, 8.0])), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_it_is_always_a_number_and_never_much_warmer_than_a_sensor_that_can_be_read(
    rows: list[tuple[float, float | None, float | None, float]],
) -> None:
    outdoors = Outdoors()
    for sensor, upstream, forecast, hours in rows:
        if upstream is not None:
            outdoors.write(UPSTREAM, upstream)
        if forecast is not None:
            outdoors.forecast(forecast)
        value, reason = outdoors.show(sensor, hours)
        assert math.isfinite(value)
        assert outdoors.point.usable
        if not math.isnan(sensor):
            assert value <= sensor + 6.0 + 1e-9
            assert value >= sensor - 6.0 - 1e-9 or reason == "outvoted"


# ---- in a station


def alone(file: StationFile) -> None:
    """One outdoor sensor."""
    file.points[OUTDOOR] = PointSettings.model_validate({"from": "temperatures.channel_1"})


def witnessed(file: StationFile) -> None:
    alone(file)
    file.outdoor = OutdoorSettings()


def tell(desk: Desk, name: str, value: float) -> None:
    command = Command(CommandKind.WRITE, name, value, "dispatch", "opcua")
    assert desk.station.check(command).accepted
    desk.scan(command)


def test_a_station_takes_what_is_written_and_keeps_it_over_a_restart(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(witnessed)
    desk.run(30)
    rows = {info.name: info for info in desk.station.catalogue if info.role == "wish"}
    assert set(rows) == {UPSTREAM, *FORECAST_POINTS}
    assert all(info.writable and (info.low, info.high) == (-60.0, 60.0) for info in rows.values())
    tell(desk, UPSTREAM, -11.0)
    for name in FORECAST_POINTS:
        tell(desk, name, -11.0)
    desk.fail(OUTDOOR)
    desk.run(10)
    assert (desk[OUTDOOR].value, desk[OUTDOOR].reason) == (-11.0, "upstream")
    assert (OUTDOOR in {subject for code, subject in desk.alarms() if code == "input_bad"}) is True
    assert "quality_upstream" in desk.reason(OUTDOOR)
    fresh = make_desk(witnessed)
    fresh.now = desk.now
    kept = {name: Override(-11.0, "dispatch", "opcua", desk.now + 48 * HOUR) for name in FORECAST_POINTS}
    fresh.station.restore_overrides(kept, fresh.now)
    fresh.fail(OUTDOOR)
    fresh.run(10)
    assert (fresh[OUTDOOR].value, fresh[OUTDOOR].reason) == (-11.0, "forecast")


def test_a_station_tells_a_doubt_and_heats_for_the_colder(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(witnessed)
    desk.run(30)
    before = desk["low.supply_demand"].value
    tell(desk, UPSTREAM, -15.0)
    desk.run(3700, dt=5.0)
    assert ("outdoor_doubtful", OUTDOOR) in desk.alarms()
    assert desk["low.supply_demand"].value > before + 2.0
    desk.set(OUTDOOR, -15.0)
    desk.run(700, dt=5.0)
    assert "outdoor_doubtful" not in desk.codes()


def test_a_station_without_the_section_has_no_such_points(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(alone)
    desk.run(30)
    assert desk.station.witness is None
    assert not [name for name in desk.station.image.points if "forecast" in name or "upstream" in name]
    desk.fail(OUTDOOR, Fault.OPEN_CIRCUIT)
    desk.run(10)
    assert desk[OUTDOOR].reason == "held"
