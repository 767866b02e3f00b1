"""Every example file runs its simulated plant: it holds its set-points, and hot primary water stays out."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from controller.points import Output
from controller.settings.check import check_file
from controller.settings.station import StationFile
from sim.rig import Rig
from sim.season import BALANCE_LIMIT
from sim.weather import Weather

CONFIG = Path(__file__).parents[2] / "config"
FILES = sorted(path.stem for path in CONFIG.glob("*.yaml"))
MIXING = ["injection", "two-zones"]
STEP_S = 2.0
OF_A_COLD_START = {"return_cool", "over_pressure"}
"""Cold water in a full loop: its return is cool, and what it grows by goes out over the relief."""


def make_rig(
    name: str, weather: Weather, *, cold: bool = False, dt: float = STEP_S
) -> tuple[StationFile, Rig]:
    checked = check_file(CONFIG / f"{name}.yaml")
    assert checked.file is not None, checked.errors
    file = checked.file.model_copy(deep=True)
    return file, Rig(file, checked.profiles, weather, cold=cold, dt=dt)


class Errors:
    """Supply less set-point of every zone, K, and what the outputs did meanwhile."""

    def __init__(self, file: StationFile) -> None:
        self.of: dict[str, list[float]] = {name: [] for name in file.circuits}
        self.outside: set[str] = set()

    def note(self, rig: Rig) -> None:
        for name, rows in self.of.items():
            rows.append(rig.plant.zones[name].supply - rig[f"{name}.supply_setpoint"].value)
        self.outside |= {o.name for o in rig.station.image.outputs.values() if not within(o)}

    def worst(self, name: str) -> float:
        return max(abs(error) for error in self.of[name])

    def mean(self, name: str) -> float:
        return sum(abs(error) for error in self.of[name]) / len(self.of[name])


def adds_up(rig: Rig) -> bool:
    """Heat and water of the plant, within the limit of a season."""
    plant = rig.plant
    return max(plant.energy_balance_error(), plant.mass_balance_error()) < BALANCE_LIMIT


def within(output: Output) -> bool:
    """Nothing is put out, or a number within the limits."""
    return math.isnan(output.value) or output.low <= output.value <= output.high


def every_zone_holds_its_set_point(name: str, weather: Weather) -> tuple[StationFile, Rig]:
    """After an hour: ±1 K at any time, 0.5 K in the mean, no alarm in all three hours."""
    file, rig = make_rig(name, weather)
    errors = Errors(file)
    rig.run(hours=1)
    rig.run(hours=2, each=errors.note)
    for zone in file.circuits:
        assert errors.worst(zone) < 1.0, zone
        assert errors.mean(zone) < 0.5, zone
    assert not errors.outside
    assert {(e.code, e.subject) for e in rig.events if e.kind == "alarm"} == set()
    return file, rig


@pytest.mark.parametrize("name", FILES)
def test_every_zone_holds_its_set_point_in_a_real_night(name: str) -> None:
    _, rig = every_zone_holds_its_set_point(name, Weather.load("shenyang_2013_01"))
    assert adds_up(rig)


@pytest.mark.parametrize("name", FILES)
def test_in_steady_frost_pumps_bring_the_design_flow_and_rooms_are_warm(name: str) -> None:
    """demo.yaml is the nominal station with a set-point below its network's drop: its flow is not asked."""
    file, rig = every_zone_holds_its_set_point(name, Weather.constant(-10.0))
    assert adds_up(rig)
    for zone in file.circuits if name != "demo" else ():
        plant = rig.plant.zones[zone]
        assert plant.flow == pytest.approx(plant.parameters.secondary_flow_kg_per_s, rel=0.05)
        rooms = [branch.building.air for branch in plant.branches]
        assert sum(rooms) / len(rooms) == pytest.approx(20.0, abs=0.5)


@pytest.mark.parametrize("name", ["primary-pump", "soft-starter", "three-zones"])
def test_a_cold_start_gets_there(name: str) -> None:
    """Water 20 °C, houses 15 °C, −10 °C outside: on the set-point two hours later, no grave alarm."""
    file, rig = make_rig(name, Weather.constant(-10.0), cold=True)
    errors = Errors(file)
    rig.run(hours=2)
    rig.run(hours=1, each=errors.note)
    for zone in file.circuits:
        assert errors.worst(zone) < 1.0, zone
        assert errors.mean(zone) < 0.5, zone
    assert adds_up(rig)
    assert {e.code for e in rig.events if e.kind == "alarm"} <= OF_A_COLD_START


def test_a_distributed_pump_holds_down_to_its_lowest_speed() -> None:
    """+10 °C outside asks for 12 of 50 Hz: it goes on, and does not turn to on and off."""
    file, rig = make_rig("primary-pump", Weather.constant(10.0))
    errors, stopped = Errors(file), 0

    def watch(rig: Rig) -> None:
        nonlocal stopped
        errors.note(rig)
        stopped += rig["low.booster_run"].value < 0.5

    rig.run(hours=1)
    rig.run(hours=2, each=watch)
    assert errors.worst("low") < 1.0
    assert stopped == 0


def test_below_its_lowest_speed_a_distributed_pump_rests_in_between() -> None:
    """+14 °C outside: on and off, eight starts an hour in the mean; the mean supply is still right."""
    file, rig = make_rig("primary-pump", Weather.constant(14.0))
    errors, starts, ran = Errors(file), 0, True

    def watch(rig: Rig) -> None:
        nonlocal starts, ran
        errors.note(rig)
        runs = rig["low.booster_run"].value >= 0.5
        starts, ran = starts + (runs and not ran), runs

    rig.run(hours=1)
    rig.run(hours=2, each=watch)
    assert abs(sum(errors.of["low"]) / len(errors.of["low"])) < 0.2
    assert 2 <= starts <= 24
    assert not {subject for _, subject in rig.alarms() if subject.startswith("low")}


def test_a_pump_on_a_starter_fails_over_by_its_contacts() -> None:
    """No drive says anything: the running contact opens, and the other starter's relay closes."""
    _, rig = make_rig("soft-starter", Weather.constant(-10.0), dt=1.0)
    rig.run(minutes=20)
    assert rig["low.pump_1_run"].value == 1.0
    assert ("relays", "channel_3") in dict(rig.step().writes)
    rig.fault("low.pump_1", "trip")
    rig.run(seconds=30)
    assert rig["low.pump_2_run"].value == 1.0
    assert rig.plant.zones["low"].pumps[1].speed == pytest.approx(1.0, abs=0.01)
    assert ("pump_failed", "low.pump_1") in rig.alarms()
    assert rig["low.circulation"].value == 1


class Header:
    """How long water that moves to the users is above alarm + 5 K, s without a break."""

    def __init__(self, file: StationFile, zone: str = "low") -> None:
        self.zone = zone
        self.limit = file.circuits[zone].supply.alarm + 5.0
        self.now = self.longest = 0.0

    def note(self, rig: Rig) -> None:
        zone = rig.plant.zones[self.zone]
        moves = zone.flow > 0.02 * zone.parameters.secondary_flow_kg_per_s
        self.now = self.now + rig.dt if moves and zone.supply > self.limit else 0.0
        self.longest = max(self.longest, self.now)


@pytest.mark.parametrize("fault", ["one pump", "both pumps", "power"])
@pytest.mark.parametrize("name", MIXING)
def test_hot_primary_water_never_reaches_the_users(name: str, fault: str) -> None:
    """−24 °C outside, primary at 109 °C: what still flows without a pump is hot for less than 20 s."""
    file, rig = make_rig(name, Weather.constant(-24.0), dt=1.0)
    rig.run(minutes=30)
    assert rig.plant.primary.supply_temperature > 105.0
    if fault == "power":
        rig.fault("station", "power_failure")
    else:
        for number in (1, 2) if fault == "both pumps" else (1,):
            rig.fault(f"low.pump_{number}", "trip")
    header = Header(file)
    rig.run(minutes=15, each=header.note)
    assert header.longest < 20.0
    assert adds_up(rig)


@pytest.mark.parametrize("name", MIXING)
def test_a_valve_that_check_warns_of_does_let_it_through(name: str) -> None:
    """The warnings of `check` are about something: slow, or staying where it is without power."""
    checked = check_file(CONFIG / f"{name}.yaml")
    assert checked.file is not None
    for change, faults in (
        ({"stroke_time": 150.0}, ("low.pump_1", "low.pump_2")),
        ({"on_signal_loss": "hold"}, ("station",)),
    ):
        file = checked.file.model_copy(deep=True)
        low = file.circuits["low"]
        assert low.valve is not None
        low.valve = low.valve.model_copy(update=change)
        rig = Rig(file, checked.profiles, Weather.constant(-24.0), dt=1.0)
        rig.run(minutes=30)
        for fault in faults:
            rig.fault(fault, "power_failure" if fault == "station" else "trip")
        header = Header(file)
        rig.run(minutes=5, each=header.note)
        assert header.longest > 20.0
