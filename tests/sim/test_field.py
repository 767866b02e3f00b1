"""The field: what the emulated devices are told acts on the plant, pumps on starters included."""

from pathlib import Path

import pytest

from controller.settings.check import check_file
from sim.field import Field
from sim.weather import Weather

CONFIG = Path(__file__).parents[2] / "config"
PUMP_2 = 19
"""Coil of relays.channel_4."""


@pytest.fixture
def field() -> Field:
    checked = check_file(CONFIG / "soft-starter.yaml")
    assert checked.file is not None
    return Field(checked.file, checked.profiles, Weather.constant(-10.0), cold=True)


def test_a_relay_starts_a_pump_at_mains_speed_and_its_contact_says_so(field: Field) -> None:
    assert field.plant.sensors["low.pump_2_running"] == 0.0
    field.devices["relays"].bank.write("coil", PUMP_2, [1])
    for _ in range(30):
        field.step(1.0)
    assert field.plant.zones["low"].pumps[1].speed == pytest.approx(1.0)
    assert field.devices["contacts"].bank.peek("coil", 8) == [1]
    assert field.devices["contacts"].bank.peek("coil", 5) == [0]
    field.devices["relays"].bank.write("coil", PUMP_2, [0])
    for _ in range(10):
        field.step(1.0)
    assert field.plant.zones["low"].pumps[1].speed == 0.0


def test_the_starters_relay_holds_when_nobody_writes_any_more(field: Field) -> None:
    """The file says keep_running, so the module is set to hold."""
    field.devices["relays"].bank.write("coil", PUMP_2, [1])
    for _ in range(60):
        field.step(1.0)
    assert not field.devices["relays"].lost("channel_1")
    assert field.devices["relays"].lost("channel_4")
    assert field.plant.zones["low"].pumps[1].running


def test_a_relay_that_is_on_closes_an_isolation_valve_and_its_contacts_say_so() -> None:
    """`close: relays.channel_3`: with the relay off, as after a loss, the valve is open."""
    checked = check_file(CONFIG / "parallel-exchangers.yaml")
    assert checked.file is not None
    field = Field(checked.file, checked.profiles, Weather.constant(-10.0))
    contacts, relays = field.devices["contacts"].bank, field.devices["relays"].bank
    ends = [contacts.peek("coil", coil)[0] for coil in (4, 5)]
    assert ends == [1, 0]
    for on, expected in ((1, [0, 1]), (0, [1, 0])):
        relays.write("coil", 18, [on])
        for _ in range(95):
            field.step(1.0)
        assert [contacts.peek("coil", coil)[0] for coil in (4, 5)] == expected


@pytest.mark.parametrize(
    ("sensor", "device", "channel", "shown"),
    [
        ("station.tank_level", "analog", 7, 0xFFFF),  # all that an input of ±20 mA can show
        ("low.return_temperature", "temperatures", 5, 0),  # 0 ohm: the lower end
    ],
)
def test_a_short_shows_by_the_kind_of_signal(sensor: str, device: str, channel: int, shown: int) -> None:
    checked = check_file(CONFIG / "demo.yaml")
    assert checked.file is not None
    field = Field(checked.file, checked.profiles, Weather.constant(-10.0))
    register = field.devices[device].bank.peek
    before = register("holding", channel - 1)
    field.plant.fault(sensor, "short")
    field.step(1.0)
    assert register("holding", channel - 1) == [shown]
    field.plant.clear(sensor)
    field.step(1.0)
    assert register("holding", channel - 1) == pytest.approx(before, abs=60)
