"""The outdoor temperature and the forecast on the plant: a sensor that lies, witnesses that lie, all lost, a
cold snap that is foretold. Judged by the coldest building against a twin that nothing befalls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from statistics import median

import pytest

from controller.control.blocks.setpoint.forecast import ForecastSettings
from controller.safety.witnesses.outdoor_witness import OutdoorSettings
from controller.settings.check import Checked
from sim.outlook import FORECAST, UPSTREAM, Outlook
from sim.rig import Rig
from sim.weather import CHINA, Weather

pytestmark = pytest.mark.timeout(300)

OUTDOOR = "station.outdoor_temperature"
START = datetime(2013, 1, 1, tzinfo=CHINA).timestamp()
STEP_S = 5.0


class Station(Rig):
    """The demo station, told about the weather from further up."""

    def coldest(self) -> float:
        """Air of the coldest building, °C."""
        return min(branch.building.air for branch in self.plant.zones["low"].branches)

    @property
    def heat(self) -> float:
        """Heat from the primary, GJ."""
        return self.plant.zones["low"].heat_from_primary * 1e-9

    def reckons(self) -> tuple[float, str]:
        """Outdoor temperature that the station works with, and why."""
        return self[OUTDOOR].value, self[OUTDOOR].reason


@pytest.fixture
def told(checked: Checked) -> Callable[..., Station]:
    """Makes a station with one outdoor sensor in a weather; `forecast`: its feed-forward."""

    def make(weather: Weather, forecast: ForecastSettings | None = None) -> Station:
        assert checked.file is not None
        file = checked.file.model_copy(deep=True)
        file.outdoor = OutdoorSettings()
        file.points[OUTDOOR].second = None
        file.circuits["low"].forecast = forecast
        return Station(file, checked.profiles, weather, dt=STEP_S, outlook=Outlook(weather, 1))

    return make


def test_a_drifting_sensor_with_one_witness_leaves_nobody_cold(told: Callable[..., Station]) -> None:
    """0.9 K/h for eight hours: as far as 0.1 K/h goes in three days."""
    weather = Weather.constant(-15.0)
    station, twin = told(weather), told(weather)
    for rig in (station, twin):
        rig.fault(FORECAST, "lost")
    station.fault(OUTDOOR, "drift", 0.9)
    station.run(hours=8)
    twin.run(hours=8)
    print(f"coldest {station.coldest():.2f} °C, twin {twin.coldest():.2f} °C; {station.reckons()}")
    assert station["station.outdoor_sensor"].value == pytest.approx(-7.8, abs=0.3)
    assert station.reckons() == (pytest.approx(-14.0, abs=1.0), "doubtful")
    assert ("outdoor_doubtful", OUTDOOR) in station.alarms()
    assert station.coldest() >= twin.coldest() - 1.0
    assert twin.alarms() == set()


def test_a_witness_that_lies_by_ten_kelvin_costs_little_and_chills_nobody(
    told: Callable[..., Station],
) -> None:
    weather = Weather.constant(-10.0)
    warm, cold, twin = told(weather), told(weather), told(weather)
    for rig in (warm, cold, twin):
        rig.fault(FORECAST, "lost")
    warm.fault(UPSTREAM, "wrong", 10.0)
    cold.fault(UPSTREAM, "wrong", -10.0)
    for rig in (warm, cold, twin):
        rig.run(hours=4)
    print(f"heat {warm.heat:.1f} and {cold.heat:.1f} GJ, twin {twin.heat:.1f} GJ")
    assert ("outdoor_doubtful", OUTDOOR) in warm.alarms()
    assert ("outdoor_doubtful", OUTDOOR) in cold.alarms()
    assert warm.reckons()[0] == pytest.approx(-10.0, abs=0.3)
    assert warm.heat == pytest.approx(twin.heat, rel=0.01)
    assert cold.reckons()[0] == pytest.approx(-16.0, abs=0.3)
    assert twin.heat < cold.heat < 1.25 * twin.heat


def test_a_witness_that_lies_against_two_changes_nothing(told: Callable[..., Station]) -> None:
    station = told(Weather.constant(-10.0))
    station.fault(UPSTREAM, "wrong", -10.0)
    station.run(hours=2)
    assert station.reckons() == (pytest.approx(-10.0, abs=0.3), "")
    assert station.alarms() == {("outdoor_doubtful", UPSTREAM)}


def test_when_all_is_lost_one_after_the_other_stands_in(told: Callable[..., Station]) -> None:
    station = told(Weather.constant(-12.0))
    station.run(hours=1.2)
    station.fault(OUTDOOR, "open")
    station.run(minutes=2)
    assert station.reckons() == (pytest.approx(-12.0, abs=1.5), "upstream")
    station.fault(UPSTREAM, "lost")
    station.run(hours=2.1)
    assert station.reckons() == (pytest.approx(-12.0, abs=2.0), "forecast")
    station.fault(FORECAST, "lost")
    station.restart(remember=False)  # with an empty memory not even the mean of ten days is left
    station.run(minutes=2)
    assert station.reckons() == (-10.0, "assumed")
    assert ("outdoor_lost", OUTDOOR) in {(a.code, a.subject) for a in station.station.alarms.view()}


@pytest.mark.parametrize("wrong", [5.0, -5.0])
def test_rooms_settle_what_two_sensors_dispute(checked: Checked, wrong: float) -> None:
    """What is usual in the rooms is known from before; half a day with the first sensor 5 K off."""
    assert checked.file is not None
    station = Station(checked.file, checked.profiles, Weather.constant(5.0), dt=STEP_S)
    station.run(hours=1)
    rooms = median(station[f"low.room_temperature_{number}"].value for number in (1, 2, 3))
    assert station.station.witness is not None
    station.station.witness.restore({"pair": {"usual": rooms, "known": 86400.0}})
    before = station.coldest()
    station.fault(OUTDOOR, "offset", wrong)
    station.run(minutes=5)
    assert station.reckons() == (pytest.approx(5.0 + 0.5 * wrong, abs=0.5), "rooms_of_two")
    assert ("sensors_disagree", OUTDOOR) in station.alarms()
    station.run(hours=12)
    print(f"coldest {station.coldest() - before:+.2f} K; {station.reckons()}")
    assert abs(station.coldest() - before) < 0.5
    assert abs(station.reckons()[0] - 5.0) < abs(0.5 * wrong)
    station.clear(OUTDOOR)
    station.run(minutes=5)
    assert station.alarms() == set()


def test_a_foretold_cold_snap_finds_the_rooms_warmer(told: Callable[..., Station]) -> None:
    """−5 °C, and from the third hour on colder, 12 K by the ninth."""
    rows = []
    for forecast in (None, ForecastSettings()):
        weather = Weather.constant(-5.0)
        weather.lay_cold_wave(START + 9 * 3600.0, 3.0, -12.0)
        station = told(weather, forecast)
        station.run(hours=10)
        rows.append((station.coldest(), station.heat))
    (cold, less), (warm, more) = rows
    print(f"coldest {cold:.2f} °C without, {warm:.2f} °C with the forecast; {less:.1f} and {more:.1f} GJ")
    assert warm > cold + 0.05
    assert less < more < 1.08 * less


def test_a_forecast_that_is_lost_is_the_stations_own_curve(told: Callable[..., Station]) -> None:
    weather = Weather.constant(-5.0)
    weather.lay_cold_wave(START + 14 * 3600.0, 3.0, -12.0)
    station, plain = told(weather, ForecastSettings(stale_after=3600.0)), told(weather)
    for rig in (station, plain):
        rig.run(hours=1.2)
    assert station["low.supply_demand"].value > plain["low.supply_demand"].value + 0.3
    station.fault(FORECAST, "lost")
    for rig in (station, plain):
        rig.run(hours=2.3)
    assert station["low.supply_demand"].value == pytest.approx(plain["low.supply_demand"].value, abs=0.15)
