"""Rows 2 and 3 of the safety table: no proven circulation, thermostat, over-temperature."""

from __future__ import annotations

from collections.abc import Iterator

from controller.points import Image
from controller.safety.rows.frost_rules import FROST_OPENING
from controller.safety.rows.parts import HoldAtMost, above, at_most, below, on, shown
from controller.safety.rows.protected import Protected
from controller.safety.rules import Rule
from controller.safety.witnesses.plausibility import SUPPLY_ABOVE_PRIMARY

WITNESS_K = 2.0


def circulation_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """2: no proven circulation closes the valve, whatever frost wants."""
    flow = image[f"{circuit.name}.circulation"]
    hold = HoldAtMost(circuit.valve, circuit.keep_warm)
    yield Rule(
        "no_circulation",
        circuit.name,
        lambda: flow.usable and flow.value == 0,
        act=at_most([circuit.valve], circuit.keep_warm),
        clear_s=5.0,  # pumps that run down or up pass the proof more than once
        priority="urgent",
        tell_after_s=20.0,  # a start or a change-over of pumps is no alarm
        tells=circuit.pumps_asked,
    )
    yield Rule(
        "circulation_unknown",
        circuit.name,
        lambda: not flow.usable or flow.value == 2,
        after_s=5.0,
        act=hold,
        begin=hold.begin,
        priority="high",
        tells=circuit.pumps_asked,
    )


def heat_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """3: thermostat and over-temperature."""
    find = image.points.get
    name = circuit.name
    supply = image[f"{name}.supply_temperature"]
    sensors = image.sensors(supply.name) or (supply,)
    thermostat = on(find(f"{name}.thermostat"))
    trip, cooler = circuit.supply_trip, circuit.supply_alarm - WITNESS_K
    hold, hold_contradicted = (HoldAtMost(circuit.valve, FROST_OPENING) for _ in range(2))

    def thermostat_confirmed() -> bool:
        """The contact, and no sensor that denies it: on a cold day 60 °C is ordinary."""
        return thermostat() and not below(supply, cooler)

    def limit_contradicted(code: str) -> None:
        """One sensor may lie as well as the contact; two that agree outvote it."""
        if sum(below(sensor, cooler) for sensor in sensors) < 2:
            hold_contradicted(code)

    def hot_twice() -> bool:
        """Two sensors, or one with the thermostat or without a witness (another, primary) that denies it."""
        witnesses = sum(above(sensor, trip - WITNESS_K) for sensor in sensors)
        if witnesses >= 2 and any(above(sensor, trip) for sensor in sensors):
            return True
        other_denies = any(below(sensor, trip - WITNESS_K) for sensor in sensors)
        denied = other_denies or supply.reason == SUPPLY_ABOVE_PRIMARY
        return above(supply, trip) and (thermostat() or not denied)

    shows = shown("temperature", supply, "temperature")
    yield Rule(
        "thermostat",
        name,
        thermostat_confirmed,
        act=at_most([circuit.valve], 0.0),
        priority="urgent",
        shows=shows,
    )
    yield Rule(
        "over_temperature",
        name,
        hot_twice,
        after_s=10.0,
        act=at_most([circuit.valve], 0.0),
        # A sensor that dies meanwhile must not keep the valve shut for ever.
        until=lambda: not above(supply, circuit.supply_alarm) and not thermostat_confirmed(),
        clear_s=10.0,
        priority="urgent",
        shows=shows,
    )
    yield Rule(
        "supply_high",
        name,
        lambda: above(supply, circuit.supply_alarm),
        after_s=5.0,
        act=hold,
        begin=hold.begin,
        until=lambda: not above(supply, circuit.supply_alarm - 1.0),
        priority="high",
        # A valve that leaks a little heats the water that stands in the exchanger; nobody gets it.
        tells=lambda: circuit.plan().heat or circuit.valve.value > circuit.keep_warm,
        shows=shows,
    )
    yield Rule(
        "thermostat_contradicted",
        name,
        lambda: thermostat() and not thermostat_confirmed(),
        after_s=5.0,
        act=limit_contradicted,
        begin=hold_contradicted.begin,
        priority="high",
        shows=shows,
    )
