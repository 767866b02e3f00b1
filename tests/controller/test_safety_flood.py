"""Flood: the contact alone alarms; with a second sign makeup is limited, then stopped, or heat closed off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controller.settings.station import StationFile

DAYS = {"days": [60.0] * 7}
"""Makeup ran for a minute a day."""


@pytest.fixture
def two_contacts(make_desk: Callable[..., Any]) -> Any:
    """A station with a second, higher flood contact, its valve open."""

    def edit(file: StationFile) -> None:
        contact = file.points["station.flood"]
        file.points["station.flood_high"] = contact.model_copy(update={"source": "contacts.channel_7"})

    desk = make_desk(edit)
    desk.run(30)
    desk.open_valve()
    return desk


def burst(desk: Any, down_to: float = 200.0) -> None:
    """The pressure falls by 1 kPa a second."""
    pressure = desk["low.return_pressure"].value
    while pressure > down_to:
        pressure -= 1.0
        desk.set("low.return_pressure", pressure)
        desk.set("low.supply_pressure", pressure + 90.0)
        desk.set("low.makeup_flow", 5.0)
        desk.scan()


def makeup_share(desk: Any, seconds: int) -> float:
    """Share of the time that a makeup pump is on."""
    on = 0
    for _ in range(seconds):
        desk.scan()
        on += any(desk[f"low.makeup_{number}_run"].on for number in (1, 2))
    return on / seconds


def test_a_burst_alone_limits_nothing_and_is_told(warm: Any) -> None:
    burst(warm)
    assert ("pressure_drops", "low") in warm.alarms()
    assert makeup_share(warm, 600) == 1.0
    assert "pressure_drops" in warm.codes()  # as long as the pressure lies low
    (low,) = (alarm for alarm in warm.station.alarms.view() if alarm.code == "pressure_low")
    assert low.hidden_by == "pressure_drops@low"
    warm.set("low.return_pressure", 340.0)
    warm.set("low.supply_pressure", 430.0)
    warm.run(1810)
    assert "pressure_drops" not in warm.codes()


def test_flood_with_a_burst_limits_makeup_then_stops_it(warm: Any) -> None:
    burst(warm)
    warm.run(300)
    warm.set("station.flood", 1.0)
    warm.run(3)
    assert ("flood_makeup", "low") in warm.alarms()
    (floor,) = (alarm for alarm in warm.station.alarms.view() if alarm.code == "flood")
    assert floor.hidden_by == "flood_makeup@low"  # the leak is told, not the wet floor first
    assert makeup_share(warm, 600) == pytest.approx(0.2, abs=0.02)
    assert "rule_flood_makeup" in warm.reason("low.makeup_1_run") + warm.reason("low.makeup_2_run")
    warm.run(320)
    assert ("flood_makeup_stop", "low") in warm.alarms()
    assert makeup_share(warm, 600) == 0.0
    assert warm["low.pump_1_run"].on
    warm.set("station.flood", 0.0)
    warm.run(70)
    assert not {"flood_makeup", "flood_makeup_stop", "flood"} & warm.codes()
    assert makeup_share(warm, 60) > 0.9


def test_flood_before_the_burst_is_the_same(warm: Any) -> None:
    warm.set("station.flood", 1.0)
    warm.run(60)
    burst(warm)
    warm.run(11)
    assert ("flood_makeup", "low") in warm.alarms()


def test_a_hand_does_not_get_past_the_flood(warm: Any) -> None:
    warm.set("station.flood", 1.0)
    warm.run(10)
    burst(warm)
    warm.run(20)
    warm.override("low.makeup_1_run", 1.0)
    warm.run(60)
    assert not warm["low.makeup_1_run"].on


def test_flood_with_far_more_makeup_than_usual_limits_and_goes_on_while_the_pressure_holds(warm: Any) -> None:
    holding = warm.station.circuits[0].circuit.pressure_holding
    holding.guard.remember(DAYS)
    warm.set("low.return_pressure", 335.0)
    warm.set("low.makeup_flow", 5.0)
    warm.run(400)
    assert ("makeup_excess", "low") in warm.alarms()
    assert "flood_makeup" not in warm.codes()
    warm.set("station.flood", 1.0)
    warm.run(15)
    assert ("flood_makeup", "low") in warm.alarms()
    holding.guard.remember({"days": [20000.0] * 7})  # by now that much is usual
    warm.run(1200)
    assert "makeup_excess" not in warm.codes()
    assert "flood_makeup_stop" not in warm.codes()
    assert makeup_share(warm, 600) == pytest.approx(0.2, abs=0.02)


def test_a_burst_of_yesterday_and_a_wet_floor_are_two_things(warm: Any) -> None:
    burst(warm)
    warm.set("low.return_pressure", 350.0)
    warm.set("low.supply_pressure", 440.0)
    warm.set("low.makeup_flow", 0.0)
    warm.run(1900)
    warm.set("station.flood", 1.0)
    warm.run(60)
    assert "flood_makeup" not in warm.codes()


def primary(desk: Any, pressure: float, over_s: int) -> None:
    begin = desk["station.primary_supply_pressure"].value
    for second in range(over_s):
        desk.set("station.primary_supply_pressure", begin + (pressure - begin) * (second + 1) / over_s)
        desk.scan()


def test_flood_and_a_fall_of_the_primary_close_the_heat(warm: Any) -> None:
    warm.run(60)
    primary(warm, 620.0, 20)
    warm.run(60)
    assert warm["low.valve_command"].value > 30.0
    warm.set("station.flood", 1.0)
    warm.run(140)
    assert warm["low.valve_command"].value == 0.0
    assert ("flood_primary", "low") in warm.alarms()
    assert "rule_flood_primary" in warm.reason("low.valve_command")
    assert warm["low.pump_1_run"].on
    warm.set("station.flood", 0.0)
    warm.run(70)
    assert "flood_primary" not in warm.codes()


@pytest.mark.parametrize(("pressure", "over_s"), [(620.0, 1200), (660.0, 10)])
def test_a_slow_or_small_fall_of_the_primary_closes_nothing(warm: Any, pressure: float, over_s: int) -> None:
    warm.set("station.flood", 1.0)
    warm.run(60)
    primary(warm, pressure, over_s)
    warm.run(60)
    assert "flood_primary" not in warm.codes()


def test_a_spike_or_a_dead_sensor_of_the_primary_closes_nothing(warm: Any) -> None:
    warm.set("station.flood", 1.0)
    warm.run(60)
    warm.set("station.primary_supply_pressure", 900.0)
    warm.run(6)
    warm.set("station.primary_supply_pressure", 700.0)
    warm.run(60)
    warm.fail("station.primary_return_pressure")
    warm.run(60)
    assert "flood_primary" not in warm.codes()


def test_two_flood_contacts_close_the_heat_after_a_minute(two_contacts: Any) -> None:
    two_contacts.set("station.flood", 1.0)
    two_contacts.set("station.flood_high", 1.0)
    two_contacts.run(55)
    assert two_contacts["low.valve_command"].value > 30.0
    two_contacts.run(140)
    assert two_contacts["low.valve_command"].value == 0.0
    assert ("flood_high", "low") in two_contacts.alarms()


@pytest.mark.parametrize("contact", ["station.flood", "station.flood_high"])
def test_one_of_two_flood_contacts_only_tells(two_contacts: Any, contact: str) -> None:
    before = two_contacts["low.valve_command"].value
    two_contacts.set(contact, 1.0)
    two_contacts.run(120)
    assert two_contacts.codes() == {"flood"}
    assert two_contacts["low.valve_command"].value == pytest.approx(before, abs=5.0)


def test_a_flood_beats_frost_but_the_pumps_run(two_contacts: Any) -> None:
    for contact in ("station.flood", "station.flood_high"):
        two_contacts.set(contact, 1.0)
    two_contacts.set("low.return_temperature", 12.0)
    two_contacts.run(200)
    assert {"frost", "flood_high"} <= two_contacts.codes()
    assert two_contacts["low.valve_command"].value == 0.0
    assert two_contacts["low.pump_1_run"].on


def test_the_table_has_the_order_of_the_last_word(two_contacts: Any) -> None:
    order = [
        "emergency_stop", "power_failure", "valve_local", "no_circulation", "thermostat", "over_temperature",
        "over_pressure", "suction_low", "flood_makeup_stop", "flood_makeup", "flood_primary", "flood_high",
        "frost", "return_cool", "outdoor_frost", "tank_low",
    ]  # fmt: skip
    codes = two_contacts.station.table.codes
    places = [codes.index(code) for code in order]
    assert places == sorted(places)


def test_what_the_sign_shows_while_the_row_acts_counts_for_the_next_flood(warm: Any) -> None:
    burst(warm, 300.0)
    warm.set("station.flood", 1.0)
    warm.run(1200)
    burst(warm, 200.0)
    assert ("flood_makeup", "low") in warm.alarms()
    warm.set("station.flood", 0.0)
    warm.run(900)  # the first burst is forgotten, the second is not
    assert not {"flood_makeup", "flood_makeup_stop"} & warm.codes()
    warm.set("station.flood", 1.0)
    warm.run(15)
    assert ("flood_makeup", "low") in warm.alarms()


def test_a_broken_circuit_does_not_blind_the_flood(warm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(warm.station.circuits[0].circuit), "step", fails)
    warm.run(5)
    burst(warm)
    warm.set("station.flood", 1.0)
    warm.run(15)
    assert ("flood_makeup", "low") in warm.alarms()


def test_flood_while_a_hand_keeps_the_pressure_up_is_seen_by_what_was_filled_in(warm: Any) -> None:
    """No pressure falls, and nothing is usual yet: 40 m³ lose 0.2 m³ an hour at the most."""
    warm.override("low.makeup_1_run", 1.0)
    warm.set("low.makeup_1_running", 1.0)
    warm.set("low.makeup_flow", 5.0)
    warm.run(300)
    warm.set("station.flood", 1.0)
    warm.run(60)
    assert "flood_makeup" not in warm.codes()
    warm.run(120)
    assert ("flood_makeup", "low") in warm.alarms()
    assert makeup_share(warm, 600) == pytest.approx(0.2, abs=0.02)
