"""What each watcher finds, within its stated time, and what it must not take for a fault."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from equipment_desk import SHAPE, Desk, Plant, codes, remembered, values_of

from controller.equipment.balances import (
    Crossing,
    PairDrift,
    PrimaryBalance,
    PrimaryCrossing,
    SecondaryBalance,
)
from controller.equipment.exchanger import ExchangerFouling, conductance
from controller.equipment.frozen import FrozenSensors, MeterStuck
from controller.equipment.loop import LoopFlow, PumpHead
from controller.equipment.makeup import SuddenLeak
from controller.equipment.valve import ValveFlow
from controller.equipment.watcher import Watcher
from controller.points import Output, Point, Term
from controller.safety.rules import Rule

LEARNING_H = 260.0
VALVE = "low.valve_command"


def learned(make: object, plant: Plant) -> tuple[Desk, Watcher]:
    """A watcher at the end of its learning time."""
    desk = Desk(plant)
    watcher: Watcher = make(desk)  # type: ignore[operator]
    desk.run(watcher, LEARNING_H)
    assert codes(watcher) == set()
    assert not watcher.suspect
    return desk, watcher


def fouling(desk: Desk) -> Watcher:
    return ExchangerFouling(desk.image, "low")


def valve_flow(desk: Desk) -> Watcher:
    return ValveFlow(desk.image, "low", desk.valve, SHAPE)


def loop(desk: Desk) -> Watcher:
    return LoopFlow(desk.image, "low")


def pump(desk: Desk) -> Watcher:
    return PumpHead(desk.image, "low", 1, 2)


# ---- exchanger


@pytest.mark.parametrize("capacity", [42.1])
def test_conductance_of_a_published_design_point(capacity: float) -> None:
    found = conductance(110.0, 51.5069, 45.0, 62.8524, capacity)
    assert found == pytest.approx(120.0, rel=1e-3)


def test_conductance_of_equal_capacity_flows() -> None:
    assert conductance(100.0, 60.0, 50.0, 90.0, 1.0) == pytest.approx(4.0)


@pytest.mark.parametrize(
    "wrong", [(60.0, 50.0, 40.0, 65.0), (60.0, 39.0, 40.0, 50.0), (60.0, 60.0, 40.0, 50.0)]
)
def test_no_conductance_from_temperatures_that_cannot_be(wrong: tuple[float, ...]) -> None:
    assert math.isnan(conductance(*wrong, 1.0))


def test_fouling_of_a_quarter_is_told_within_a_week() -> None:
    plant = Plant()
    desk, watcher = learned(fouling, plant)
    plant.fouling = 0.25
    assert desk.until(watcher, "exchanger_fouled", 168.0) < 168.0
    desk.run(watcher, 300.0)
    assert desk.image["low.exchanger_fouling"].value == pytest.approx(25.0, abs=1.5)
    plant.fouling = 0.0
    desk.run(watcher, 168.0)
    assert codes(watcher) == set()


def test_other_flows_are_not_fouling() -> None:
    plant = Plant()
    desk, watcher = learned(fouling, plant)
    plant.openings = (60.0, 95.0)
    desk.run(watcher, 240.0)
    assert codes(watcher) == set()
    assert desk.image["low.exchanger_fouling"].value == pytest.approx(0.0, abs=2.0)


def test_fouling_is_not_learned_as_clean() -> None:
    plant = Plant()
    desk, watcher = learned(fouling, plant)
    plant.fouling = 0.4
    desk.run(watcher, 168.0)
    clean = remembered(watcher)["clean"]
    desk.run(watcher, 168.0)
    assert remembered(watcher)["clean"] == clean
    assert codes(watcher) == {"exchanger_fouled"}


def test_a_doubted_sensor_keeps_the_exchanger_from_being_judged() -> None:
    plant = Plant()
    desk, watcher = learned(fouling, plant)
    doubt = PairDrift(desk.image, "low.supply_temperature")
    doubt.verdict.lasts_s = 3600.0
    watcher.trusts = (doubt,)
    plant.fouling = 0.5
    assert desk.until(watcher, "exchanger_fouled", 168.0) == math.inf


def witnessed(desk: Desk) -> tuple[ExchangerFouling, ValveFlow]:
    """Plates and valve as a station has them."""
    plates, valve = ExchangerFouling(desk.image, "low"), ValveFlow(desk.image, "low", desk.valve, SHAPE)
    valve.exchanger, plates.passing = plates, valve.flow
    return plates, valve


class Both(Watcher):
    """Two watchers that are stepped as one."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.plates, self.valve = witnessed(desk)

    @property
    def suspect(self) -> bool:
        return self.plates.suspect or self.valve.suspect

    def step(self, now: float, may_learn: bool) -> None:
        self.plates.step(now, may_learn)
        self.valve.step(now, may_learn)

    def rules(self) -> Iterator[Rule]:
        yield from self.plates.rules()
        yield from self.valve.rules()

    def explain(self) -> Term:
        return self.plates.explain()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        pass


def test_water_beside_valve_and_plates_is_neither_dirt_nor_a_leak() -> None:
    plant = Plant()
    desk, watcher = learned(Both, plant)
    plant.bypass = 0.05
    assert desk.until(watcher, "excess_flow", 72.0) < 72.0
    for _ in range(5):
        desk.run(watcher, 24.0)
        assert codes(watcher) == {"excess_flow"}
    assert isinstance(watcher, Both)
    seen = values_of(watcher.plates, "excess_flow")
    assert seen["excess"] == pytest.approx(100 * (seen["flow"] / seen["needed"] - 1), abs=4.0)
    assert seen["measured"] > 2.0 + seen["expected"]
    assert seen["lasts"] > 86400.0
    plant.bypass = 0.0
    desk.run(watcher, 168.0)
    assert codes(watcher) == set()


@pytest.mark.parametrize(
    ("change", "code"), [({"fouling": 0.5}, "exchanger_fouled"), ({"leak": 0.05}, "valve_leaks")]
)
def test_dirt_and_a_leak_are_no_excess_flow(change: dict[str, float], code: str) -> None:
    plant = Plant()
    desk, watcher = learned(Both, plant)
    vars(plant).update(change)
    assert desk.until(watcher, code, 168.0) < 168.0
    for _ in range(4):
        desk.run(watcher, 24.0)
        assert codes(watcher) == {code}


def test_without_the_valve_as_a_witness_it_is_told_as_dirt() -> None:
    plant = Plant()
    desk, watcher = learned(fouling, plant)
    plant.bypass = 0.05
    desk.run(watcher, 168.0)
    assert codes(watcher) == {"exchanger_fouled"}


def test_excess_flow_survives_a_restart() -> None:
    plant = Plant()
    desk, watcher = learned(Both, plant)
    assert isinstance(watcher, Both)
    plant.bypass = 0.05
    desk.run(watcher, 72.0)
    plates, valve = witnessed(Desk(plant))
    plates.restore(remembered(watcher.plates))
    valve.restore(remembered(watcher.valve))
    assert codes(plates) == codes(watcher.plates) == {"excess_flow"}
    assert codes(valve) == set()


# ---- valve


def test_a_leak_of_two_percent_is_told_within_three_days() -> None:
    plant = Plant()
    desk, watcher = learned(valve_flow, plant)
    plant.leak = 0.02
    assert desk.until(watcher, "valve_leaks", 72.0) < 72.0
    desk.run(watcher, 168.0)
    assert values_of(watcher, "valve_leaks")["leak"] == pytest.approx(2.0, abs=0.2)
    assert codes(watcher) == {"valve_leaks"}


def test_a_clogged_strainer_takes_flow() -> None:
    plant = Plant()
    desk, watcher = learned(valve_flow, plant)
    plant.strainer = 2.0
    assert desk.until(watcher, "primary_strainer_clogged", 72.0) < 72.0
    assert codes(watcher) == {"primary_strainer_clogged"}


def test_a_coupling_that_slips_is_neither_a_leak_nor_a_strainer() -> None:
    plant = Plant()
    desk, watcher = learned(valve_flow, plant)
    plant.slip_from = 60.0
    assert desk.until(watcher, "valve_slips", 72.0) < 72.0
    desk.run(watcher, 72.0)
    assert codes(watcher) == {"valve_slips"}


def test_other_pressures_are_no_fault_of_the_valve() -> None:
    plant = Plant()
    desk, watcher = learned(valve_flow, plant)
    plant.openings = (30.0, 95.0)
    desk.run(watcher, 240.0)
    assert codes(watcher) == set()


# ---- loop and pumps


def test_less_water_at_the_same_head() -> None:
    plant = Plant()
    desk, watcher = learned(loop, plant)
    plant.loop = 0.93
    assert desk.until(watcher, "loop_throttled", 72.0) < 72.0
    assert codes(watcher) == {"loop_throttled"}


def test_more_water_at_the_same_head() -> None:
    plant = Plant()
    desk, watcher = learned(loop, plant)
    plant.loop = 1.1
    assert desk.until(watcher, "loop_short_circuit", 72.0) < 72.0
    assert codes(watcher) == {"loop_short_circuit"}


def test_wear_of_a_tenth_is_told_within_a_week() -> None:
    plant = Plant()
    desk, watcher = learned(pump, plant)
    plant.head = 0.9
    assert desk.until(watcher, "pump_worn", 168.0) < 168.0
    desk.run(watcher, 168.0)
    assert codes(watcher) == {"pump_worn"}
    assert desk.image["low.pump_1_wear"].value == pytest.approx(10.0, abs=0.5)


def test_water_back_through_the_idle_pump_is_not_called_wear() -> None:
    plant = Plant()
    desk, watcher = learned(pump, plant)
    plant.backflow = 0.6
    assert desk.until(watcher, "check_valve_leaks", 72.0) < 72.0
    assert "pump_worn" not in codes(watcher)


def test_a_clogged_loop_is_not_wear() -> None:
    plant = Plant()
    desk, watcher = learned(pump, plant)
    plant.loop = 0.85
    desk.run(watcher, 168.0)
    assert codes(watcher) == set()


def test_two_running_pumps_are_not_judged_one_by_one() -> None:
    plant = Plant()
    desk, watcher = learned(pump, plant)
    desk.world = lambda hour: plant(hour) | {"low.pump_2_frequency": 30.0, "low.pump_1_frequency": 60.0}
    desk.run(watcher, 72.0)
    assert codes(watcher) == set()


# ---- sensors


@pytest.mark.parametrize(
    ("make", "sensor", "code"),
    [
        (PrimaryBalance, "station.primary_return_temperature", "primary_sensors_drift"),
        (PrimaryBalance, "station.primary_supply_temperature", "primary_sensors_drift"),
        (lambda image: SecondaryBalance(image, "low"), "low.return_temperature", "secondary_sensors_drift"),
        (lambda image: PairDrift(image, "low.supply_temperature"), "low.supply_temperature_1", "pair_drifts"),
    ],
)
@pytest.mark.parametrize("away", [2.0, -2.0])
def test_two_kelvin_off_are_told_within_three_days(make: object, sensor: str, code: str, away: float) -> None:
    plant = Plant()
    desk, watcher = learned(lambda desk: make(desk.image), plant)  # type: ignore[operator]
    plant.offset[sensor] = away
    assert desk.until(watcher, code, 72.0) < 72.0


@pytest.mark.parametrize("make", [PrimaryBalance, lambda image: SecondaryBalance(image, "low")])
def test_another_load_is_no_drift(make: object) -> None:
    plant = Plant()
    desk, watcher = learned(lambda desk: make(desk.image), plant)  # type: ignore[operator]
    plant.openings = (70.0, 95.0)
    plant.loop = 0.9
    desk.run(watcher, 120.0)
    assert codes(watcher) == set()


def test_a_small_drift_is_suspected_before_it_is_told() -> None:
    plant = Plant()
    desk, watcher = learned(lambda desk: PrimaryBalance(desk.image), plant)
    plant.offset["station.primary_return_temperature"] = 0.3
    desk.run(watcher, 24.0)
    assert watcher.suspect
    assert codes(watcher) == set()


def test_temperatures_that_no_exchanger_can_make() -> None:
    plant = Plant()
    desk = Desk(plant)
    watcher = Crossing(desk.image, "low")
    desk.run(watcher, 24.0)
    assert not watcher.suspect
    plant.offset["low.return_temperature"] = 30.0
    assert desk.until(watcher, "temperatures_cross", 1.0) <= 0.6


def test_primary_water_that_comes_back_warmer_than_it_came() -> None:
    """Supply and return on each other's terminals, at a station that has learned nothing."""
    plant = Plant()
    desk = Desk(plant)
    watcher = PrimaryCrossing(desk.image, "low")
    desk.run(watcher, 24.0)
    assert not watcher.suspect
    supply, back = (f"station.primary_{side}_temperature" for side in ("supply", "return"))

    def swapped(hour: float) -> dict[str, float]:
        values = plant(hour)
        return values | {supply: values[back], back: values[supply]}

    desk.world = lambda hour: swapped(hour) | {"station.primary_flow": 0.0}
    assert desk.until(watcher, "temperatures_cross", 24.0) == math.inf, "standing water cools as it likes"
    desk.world = swapped
    assert desk.until(watcher, "temperatures_cross", 1.0) <= 0.6
    assert next(watcher.rules()).subject == back


def test_a_value_that_never_moves_is_told_after_six_hours() -> None:
    desk = Desk(lambda hour: {"low.return_temperature": 40.0 + 0.05 * round(hour * 40) % 3})
    point = desk.image["low.return_temperature"]
    watcher = FrozenSensors([point])
    desk.run(watcher, 24.0)
    assert codes(watcher) == set()
    desk.world = lambda hour: {"low.return_temperature": 40.0}
    assert desk.until(watcher, "sensor_frozen", 8.0) == pytest.approx(6.0, abs=0.1)


def test_a_bad_value_is_not_a_frozen_one() -> None:
    desk = Desk(lambda hour: {"low.return_temperature": math.nan})
    watcher = FrozenSensors([desk.image["low.return_temperature"]])
    desk.run(watcher, 24.0)
    assert not watcher.suspect


# ---- meter


def stuck(desk: Desk) -> MeterStuck:
    return MeterStuck(desk.image, "station.primary_flow", {"low": desk.valve})


def test_a_meter_that_stays_while_the_valve_moves() -> None:
    plant = Plant()
    desk = Desk(plant)
    watcher = stuck(desk)
    desk.run(watcher, 24.0)
    assert codes(watcher) == set()
    desk.world = lambda hour: (
        plant(hour)
        | {
            "station.primary_flow": 25.0,
            "low.valve_position": 50.0 + 10.0 * math.sin(hour),
        }
    )
    assert desk.until(watcher, "meter_stuck", 1.0) <= 0.6


def test_a_meter_that_stays_while_everything_stands_is_right() -> None:
    still = Plant()(30.0) | {"station.primary_flow": 25.0}
    desk = Desk(lambda hour: still)
    watcher = stuck(desk)
    desk.run(watcher, 24.0)
    assert codes(watcher) == set()


def test_a_meter_of_two_circuits_moves_with_either() -> None:
    """The first one stands, the second one's pump draws more and less."""
    still = Plant()(30.0) | {"station.primary_flow": 25.0}
    desk = Desk(lambda hour: still)
    pump = desk.image.add(Output("high.primary_command", "percent", 0, 100, failsafe=None))
    desk.image.add(Point("high.supply_temperature", "temperature"))
    watcher = MeterStuck(desk.image, "station.primary_flow", {"low": desk.valve, "high": pump})
    pump.put(40.0, 0.0)
    desk.run(watcher, 2.0)
    assert codes(watcher) == set()
    pump.put(44.0, 7200.0)
    assert desk.until(watcher, "meter_stuck", 1.0) <= 0.6


def test_no_flow_while_heat_flows() -> None:
    plant = Plant()
    desk = Desk(lambda hour: plant(hour) | {"station.primary_flow": 0.0})
    assert desk.until(stuck(desk), "meter_stuck", 1.0) <= 0.6


def test_no_flow_through_a_closed_valve_is_right() -> None:
    plant = Plant()
    desk = Desk(lambda hour: plant(hour) | {"station.primary_flow": 0.0, "low.valve_position": 0.0})
    watcher = stuck(desk)
    desk.run(watcher, 24.0)
    assert codes(watcher) == set()


# ---- makeup


def fills(hour: float, every_h: float, lasts_h: float) -> float:
    """Makeup in portions of 3 m³/h."""
    return 3.0 if hour % every_h < lasts_h else 0.0


def test_a_leak_is_told_against_what_is_usual() -> None:
    desk = Desk(lambda hour: {"low.makeup_flow": fills(hour, 3.0, 0.06)})
    watcher = SuddenLeak(desk.image, "low")
    desk.run(watcher, 200.0, sample=20.0)
    assert codes(watcher) == set()
    desk.world = lambda hour: {"low.makeup_flow": fills(hour, 0.5, 0.085)}
    assert desk.until(watcher, "leak_begins", 1.5, sample=20.0) <= 1.0
    assert values_of(watcher, "leak_begins")["usual"] == pytest.approx(0.06, abs=0.02)
    desk.world = lambda hour: {"low.makeup_flow": fills(hour, 3.0, 0.06)}
    desk.run(watcher, 48.0)
    assert codes(watcher) == set()
