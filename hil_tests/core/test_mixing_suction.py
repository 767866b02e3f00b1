"""Where the network does not push, the pumps of a zone that mixes must not suck themselves dry."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.settings.check import check_file
from sim.rig import Rig
from sim.weather import Weather

TWO_ZONES = Path(__file__).parents[2] / "config" / "two-zones.yaml"
CONTACT = "low.suction_switch"


@pytest.fixture
def station() -> Rig:
    """Two zones at −24 °C."""
    checked = check_file(TWO_ZONES)
    assert checked.file is not None
    rig = Rig(checked.file, checked.profiles, Weather.constant(-24.0), seed=3, dt=2.0)
    rig.run(hours=1)
    assert not rig.alarms()
    return rig


def test_in_an_outage_the_valve_is_led_back_until_the_pumps_have_water(station: Rig) -> None:
    station.fault("station", "primary_outage")
    zone, dry_s, longest_s = station.plant.zones["low"], 0.0, 0.0
    codes = set[str]()
    for _ in range(int(9 * 3600 / station.dt)):
        station.step()
        turns = any(pump.speed > 0.0 for pump in zone.pumps)
        dry_s = dry_s + station.dt if turns and zone.suction_pressure() < 50e3 else 0.0
        longest_s = max(longest_s, dry_s)
        codes |= {event.code for event in station.events if event.kind == "alarm"}
        station.events.clear()
    assert "suction_sinks" in codes, "the valve opened far, and the contact came"
    assert longest_s <= 30.0
    assert any(pump.speed > 0.0 for pump in zone.pumps)
    assert zone.valve.position > 0.2
    station.clear("station")
    station.run(hours=2)
    assert ("suction_sinks", "low") not in station.alarms()


def test_a_contact_that_lies_takes_no_heat_while_the_network_pushes(station: Rig) -> None:
    opening = station["low.valve_command"].value
    station.fault(CONTACT, "stuck_on")
    station.run(minutes=30)
    assert station.alarms() == {("suction_contradicted", "low")}
    assert station["low.valve_command"].value == pytest.approx(opening, abs=5.0)
    # One alarm, though it comes and goes.
    station.events.clear()
    for _ in range(5):
        station.clear(CONTACT)
        station.run(seconds=60)
        station.fault(CONTACT, "stuck_on")
        station.run(seconds=60)
    assert not [event for event in station.events if event.kind == "alarm"]
