"""Two exchangers in parallel on their simulated plant: they follow the load, and no fault stops the heat."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from controller.commands import Command, CommandKind
from controller.cycle import scan
from controller.settings.check import Checked, check_file
from controller.settings.station import StationFile
from sim.bank import Behaviour
from sim.rig import Rig
from sim.season import BALANCE_LIMIT
from sim.weather import Weather

pytestmark = pytest.mark.timeout(600)
CONFIG = Path(__file__).parents[2] / "config" / "parallel-exchangers.yaml"
STROKE_S = 90.0
START = 1_700_000_000.0
QUICK: dict[str, Any] = {"close_after": 600.0, "settle": 60.0}


@pytest.fixture(scope="module")
def checked() -> Checked:
    return check_file(CONFIG)


def make_rig(
    checked: Checked,
    weather: Weather | float,
    *,
    contacts: bool = True,
    dt: float = 2.0,
    **changes: object,
) -> Rig:
    """The example with other settings of its exchangers."""
    assert checked.file is not None, checked.errors
    file: StationFile = checked.file.model_copy(deep=True)
    low = file.circuits["low"]
    assert low.kind == "exchanger"
    assert low.exchangers is not None
    low.exchangers = low.exchangers.model_copy(update={**QUICK, **changes})
    for valve in low.exchangers.valves if not contacts else ():
        valve.opened = valve.closed = None
    weather = Weather.constant(weather) if isinstance(weather, float) else weather
    return Rig(file, checked.profiles, weather, dt=dt)


def told(rig: Rig) -> set[int]:
    """Numbers of the exchangers that are told to be open."""
    return {n for n in (1, 2) if rig[f"low.exchanger_{n}_open"].value >= 0.5}


def one_rests(rig: Rig) -> tuple[int, int]:
    """Let it come down to one; (the one that serves, the one that rests)."""
    for _ in range(3600):
        rig.step()
        if len(told(rig)) == 1:
            break
    rig.run(seconds=STROKE_S + 60)
    (serves,) = told(rig)
    return serves, 3 - serves


def write(rig: Rig, name: str, value: float) -> bool:
    """A person writes; whether it is taken."""
    command = Command(CommandKind.WRITE, name, value, "li", "panel")
    if not rig.station.check(command).accepted:
        return False
    scan(rig.station, rig.plant.time, rig.plant.time, rig.readings, [command])
    return True


def adds_up(rig: Rig) -> bool:
    return max(rig.plant.energy_balance_error(), rig.plant.mass_balance_error()) < BALANCE_LIMIT


class Watch:
    """Supply less set-point, K, and the least flow path: how open the more open isolation valve is."""

    def __init__(self) -> None:
        self.errors: list[float] = []
        self.open: list[set[int]] = []
        self.least_open = 1.0

    def note(self, rig: Rig) -> None:
        zone: Any = rig.plant.zones["low"]
        self.errors.append(zone.supply - rig["low.supply_setpoint"].value)
        self.open.append(told(rig))
        self.least_open = min(self.least_open, max(valve.position for valve in zone.bank.valves))

    def worst(self) -> float:
        return max(abs(error) for error in self.errors)


# ---- load


@pytest.mark.parametrize("isolates", ["primary", "both"])
def test_number_follows_the_load_without_a_swing(checked: Checked, isolates: str) -> None:
    """+5 → −24 → +5 °C within hours: one, two, one. A change-over moves the supply by less than 1 K, a little
    more for some seconds where the standing secondary water of the new one comes out."""
    cold = [5.0, 5.0, -2.0, -9.0, -16.0, -24.0, -24.0, -16.0, -9.0, -2.0, 5.0, 5.0, 5.0]
    weather = Weather(cold, [0.0] * len(cold), [0.0] * len(cold), START)
    rig = make_rig(checked, weather, isolates=isolates, dt=2.0)
    makeup = rig.station.file.circuits["low"].makeup
    assert makeup is not None
    makeup.start_below = 100.0  # cold water that is made up at the same time is another disturbance
    watch = Watch()
    rig.run(hours=12, each=watch.note)
    numbers = [len(open_) for open_ in watch.open]
    changes = [i for i, (a, b) in enumerate(pairwise(numbers), 1) if a != b]
    assert [numbers[0], *(numbers[i] for i in changes)] == [2, 1, 2, 1]
    assert watch.least_open == 1.0
    for i in changes:
        before, after = watch.errors[max(0, i - 60) : i], watch.errors[i : i + 300]
        assert max(after) - max(before) < 1.0
        assert min(before) - min(after) < (1.0 if isolates == "primary" else 1.5)
    hour = int(3600 / rig.dt)
    assert all(number == 2 for number in numbers[5 * hour : 7 * hour])
    assert not {code for code, _ in rig.alarms() if code.startswith("exchanger")}
    assert adds_up(rig)


# ---- faults


def test_a_stuck_isolation_valve_is_told_in_time_and_heat_goes_on(checked: Checked) -> None:
    rig = make_rig(checked, 3.0)
    serves, rests = one_rests(rig)
    rig.fault(f"low.exchanger_{rests}_valve", "stuck")
    assert write(rig, "low.exchangers.open_above", 30.0)
    for _ in range(900):
        rig.step()
        if rests in told(rig):
            break
    alarm = ("exchanger_stuck", f"low.exchanger_{rests}")
    rig.run(seconds=STROKE_S)
    assert alarm not in rig.alarms()
    rig.run(seconds=30)
    assert alarm in rig.alarms()
    watch = Watch()
    rig.run(minutes=10, each=watch.note)
    assert told(rig) == {1, 2}
    assert watch.worst() < 1.0
    rig.clear(f"low.exchanger_{rests}_valve")
    rig.run(seconds=STROKE_S + 10)
    assert alarm not in rig.alarms()
    assert rig["low.exchangers_open"].value == 2
    assert serves in told(rig)


def test_one_that_leaves_its_open_end_is_replaced(checked: Checked) -> None:
    """Somebody shuts the one that serves, by hand: alarm and the other one within two minutes."""
    rig = make_rig(checked, 3.0)
    serves, rests = one_rests(rig)
    zone: Any = rig.plant.zones["low"]
    zone.bank.valves[serves - 1].settle(0.0)
    zone.bank.valves[serves - 1].stuck = True
    zone.bank.renew()
    rig.run(seconds=20)
    assert ("exchanger_stuck", f"low.exchanger_{serves}") in rig.alarms()
    assert rests in told(rig)
    rig.run(minutes=20)
    assert abs(zone.supply - rig["low.supply_setpoint"].value) < 1.0
    assert "supply_low" not in {code for code, _ in rig.alarms()}


def test_without_contacts_missing_heat_tells(checked: Checked) -> None:
    """The one that takes over by hours never opens: all are told to open, long before supply_low."""
    rig = make_rig(checked, 3.0, contacts=False, hours_difference=3600.0)
    _, rests = one_rests(rig)
    rig.fault(f"low.exchanger_{rests}_valve", "stuck")
    for _ in range(3 * 3600):
        rig.step()
        if told(rig) == {rests}:
            break
    assert told(rig) == {rests}
    shut_at = rig.plant.time
    watch = Watch()
    for _ in range(900):
        rig.step()
        watch.note(rig)
        if ("exchanger_no_heat", "low") in rig.alarms():
            break
    assert rig.plant.time - shut_at < STROKE_S + 240
    assert ("exchanger_stuck", f"low.exchanger_{rests}") in rig.alarms()
    rig.run(seconds=2 * STROKE_S)
    assert told(rig) == {1, 2}
    rig.run(minutes=15)
    assert abs(rig.plant.zones["low"].supply - rig["low.supply_setpoint"].value) < 1.0
    assert "supply_low" not in {event.code for event in rig.events}
    assert adds_up(rig)


def test_when_the_contacts_module_dies_all_open(checked: Checked) -> None:
    rig = make_rig(checked, 3.0)
    one_rests(rig)
    rig.behave("contacts", Behaviour("dead"))
    rig.run(seconds=90)
    assert told(rig) == {1, 2}
    assert "exchanger_stuck" not in {code for code, _ in rig.alarms()}


def test_a_broken_circuit_opens_all_but_what_is_out(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(checked, 3.0)
    serves, rests = one_rests(rig)

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(type(rig.station.circuits[0].circuit), "step", fails)
        rig.run(seconds=5)
        assert told(rig) == {1, 2}
    rig.run(minutes=2)
    serves, rests = one_rests(rig)
    assert write(rig, f"low.exchanger_{rests}_out", 1.0)
    rig.run(seconds=5)
    monkeypatch.setattr(type(rig.station.circuits[0].circuit), "step", fails)
    rig.run(seconds=5)
    assert told(rig) == {serves}


# ---- people


def test_out_for_cleaning(checked: Checked) -> None:
    """The other one serves first, the last one is refused, and the settings survive as an operator's own."""
    rig = make_rig(checked, 3.0)
    serves, rests = one_rests(rig)
    watch = Watch()
    assert write(rig, f"low.exchanger_{serves}_out", 1.0)
    rig.run(minutes=6, each=watch.note)
    assert told(rig) == {rests}
    assert rig[f"low.exchanger_{serves}_state"].show() == "out"
    assert watch.least_open == 1.0
    assert watch.worst() < 1.0
    assert not write(rig, f"low.exchanger_{rests}_out", 1.0)
    rig.station.restore_setting(f"low.exchanger_{rests}_out", 1.0)
    assert rig[f"low.exchanger_{rests}_out"].value == 0.0
    assert rig.station.explain(f"low.exchanger_{serves}_open").code == "exchanger_out"
    rig.plant.weather = Weather.constant(-20.0)
    rig.run(minutes=20)
    assert told(rig) == {rests}
    assert write(rig, f"low.exchanger_{serves}_out", 0.0)
    rig.run(minutes=15)
    assert told(rig) == {1, 2}


def test_a_person_cannot_shut_all_while_heat_is_wanted(checked: Checked) -> None:
    rig = make_rig(checked, 3.0)
    for number in (1, 2):
        hand = Command(CommandKind.OVERRIDE, f"low.exchanger_{number}_open", 0.0, "li", "panel", 600.0)
        assert rig.station.check(hand).accepted
        scan(rig.station, rig.plant.time, rig.plant.time, rig.readings, [hand])
    rig.run(seconds=5)
    assert told(rig) == {1, 2}
    assert ("exchangers_shut", "low") in rig.alarms()
    rig.run(seconds=700)
    assert ("exchangers_shut", "low") not in rig.alarms()


def test_a_restart_moves_no_valve(checked: Checked) -> None:
    rig = make_rig(checked, 3.0)
    serves, rests = one_rests(rig)
    zone: Any = rig.plant.zones["low"]
    hours = rig[f"low.exchanger_{serves}_hours"].value
    for remember in (True, False):
        rig.restart(remember=remember)
        travel = [valve.travel for valve in zone.bank.valves]
        rig.run(minutes=3)
        assert [valve.travel for valve in zone.bank.valves] == travel
        assert told(rig) == {serves}
        assert rig[f"low.exchanger_{rests}_state"].show() == "closed"
        if remember:
            assert rig[f"low.exchanger_{serves}_hours"].value == pytest.approx(hours + 0.05, abs=0.01)


# ---- frost


@pytest.mark.parametrize(("standing", "dip"), [(8.0, 4.0), (29.0, 1.3)])
def test_a_resting_one_is_warmed_and_its_cold_water_is_hardly_felt(
    checked: Checked, standing: float, dip: float
) -> None:
    """Both sides shut, warmed after half an hour as if +3 °C were hard frost. Its own water comes out:
    29 °C is what four hours in a room of 12 °C leave, 8 °C what nobody has warmed. Over in a minute."""
    rig = make_rig(checked, 3.0, isolates="both", warm_below=4.0, warm_every=1800.0, dt=2.0)
    _, rests = one_rests(rig)
    zone: Any = rig.plant.zones["low"]
    rig.run(minutes=15)
    zone.bank.units[rests - 1].fill(standing)
    zone.restart_ledger()
    watch = Watch()
    rig.run(minutes=30, each=watch.note)
    assert {1, 2} in watch.open
    assert told(rig) == {3 - rests}
    assert rig.truth(f"low.exchanger_{rests}_temperature") > 28.0
    assert watch.worst() < dip
    assert rig.dt * len([error for error in watch.errors if abs(error) > 1.0]) < 60.0
    assert adds_up(rig)
