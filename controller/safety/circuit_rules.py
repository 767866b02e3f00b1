"""The rows of the safety table for one heating circuit, and for the station around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from controller.control.blocks.season import SeasonPlan
from controller.points import Image, Output, Point
from controller.safety.frost_rules import FROST_OPENING, frost_rules
from controller.safety.parts import HoldAtMost, above, at_most, below, on, shown
from controller.safety.protected import Protected
from controller.safety.rules import Rule

SUCTION_KPA = 50.0
SUCTION_CONTRADICTED_KPA = 80.0
WITNESS_K = 2.0
SUPPLY_LOW_K = 5.0
PRESSURES_DIFFER_KPA = 80.0
"""More than an exchanger's drop: the transmitters contradict each other."""


def circuit_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """All rows of a circuit, the strongest first."""
    yield from _stops(circuit, image)
    yield from _local(circuit, image)
    yield from _circulation(circuit, image)
    yield from _heat(circuit, image)
    yield from _pressure(circuit, image)
    yield from frost_rules(circuit, image)
    yield from _tells(circuit, image)


def _stops(circuit: Protected, image: Image) -> Iterator[Rule]:
    """1: emergency stop, power failure."""
    find = image.points.get
    everything = [circuit.valve, *circuit.pump_runs, *circuit.makeup_runs]
    yield Rule(
        "emergency_stop",
        circuit.name,
        on(find("station.emergency_stop")),
        act=at_most(everything, 0.0),
        priority="urgent",
    )
    running = [find(f"{output.name.removesuffix('_run')}_running") for output in circuit.pump_runs]

    def no_power() -> bool:
        """Two signs: the contact, and no drive that says it runs."""
        return on(find("station.power_failure"))() and not any(on(point)() for point in running)

    yield Rule(
        "power_failure",
        circuit.name,
        no_power,
        after_s=2.0,
        act=at_most([circuit.valve, *circuit.makeup_runs], 0.0),
        clear_s=5.0,
        priority="urgent",
    )


def _local(circuit: Protected, image: Image) -> Iterator[Rule]:
    """1: what the cabinet has taken over is followed, so that giving it back is no bump."""
    find = image.points.get
    position = find(f"{circuit.name}.valve_position")

    def follow(output: Output, actual: Point | None) -> Callable[[str], None]:
        def act(code: str) -> None:
            value = actual.value if actual is not None and actual.usable else output.value
            if math.isfinite(value):
                value = min(max(value, output.low), output.high)
                output.limit.at_most(value, code)
                output.limit.at_least(value, code)

        return act

    yield Rule(
        "valve_local",
        f"{circuit.name}.valve_command",
        on(find(f"{circuit.name}.valve_local")),
        act=follow(circuit.valve, position),
        priority="warning",
    )
    runs = [*circuit.pump_runs, *circuit.makeup_runs]
    speeds = [*circuit.pump_speeds, *circuit.makeup_speeds]
    for run, speed in zip(runs, speeds, strict=True):
        pump = run.name.removesuffix("_run")
        local = on(find(f"{pump}_local"))
        follow_run = follow(run, find(f"{pump}_running"))
        follow_speed = follow(speed, find(f"{pump}_frequency"))

        def act(
            code: str, a: Callable[[str], None] = follow_run, b: Callable[[str], None] = follow_speed
        ) -> None:
            a(code)
            b(code)

        yield Rule("pump_local", pump, local, act=act, priority="warning")


def _circulation(circuit: Protected, image: Image) -> Iterator[Rule]:
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


def _heat(circuit: Protected, image: Image) -> Iterator[Rule]:
    """3: thermostat and over-temperature."""
    find = image.points.get
    name = circuit.name
    supply = image[f"{name}.supply_temperature"]
    first = find(f"{name}.supply_temperature_1") or supply
    second = find(f"{name}.supply_temperature_2")
    thermostat = on(find(f"{name}.thermostat"))
    trip, cooler = circuit.supply_trip, circuit.supply_alarm - WITNESS_K
    hold, hold_contradicted = (HoldAtMost(circuit.valve, FROST_OPENING) for _ in range(2))

    def thermostat_confirmed() -> bool:
        """The contact, and no sensor that denies it: on a cold day 60 °C is ordinary."""
        return thermostat() and not below(supply, cooler)

    def limit_contradicted(code: str) -> None:
        """One sensor may lie as well as the contact; two that agree outvote it."""
        if second is None or not (below(first, cooler) and below(second, cooler)):
            hold_contradicted(code)

    def hot_twice() -> bool:
        """Both sensors, or one with the thermostat or without a second that could deny it."""
        if above(first, trip) and above(second, trip - WITNESS_K):
            return True
        if above(second, trip) and above(first, trip - WITNESS_K):
            return True
        other_denies = below(first, trip - WITNESS_K) or below(second, trip - WITNESS_K)
        return above(supply, trip) and (thermostat() or not other_denies)

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


def _pressure(circuit: Protected, image: Image) -> Iterator[Rule]:
    """4 and 5: over-pressure, suction, tank."""
    find = image.points.get
    name = circuit.name
    pressure = find(f"{name}.return_pressure")
    shows = shown("pressure", pressure, "pressure")
    supply, added = find(f"{name}.supply_pressure"), find(f"{name}.differential_pressure")
    high = circuit.pressure_set + circuit.pressure_high

    def other_pressure() -> float:
        """Return pressure by the other two transmitters, up to the exchanger's drop too low; NaN: blind."""
        if supply is None or added is None or not (supply.usable and added.usable):
            return math.nan
        return supply.value - added.value

    def relieve(code: str) -> None:
        """Stop makeup; open relief, unless the others deny it: a lying transmitter would empty the loop."""
        at_most(circuit.makeup_runs, 0.0)(code)
        if circuit.relief is None or pressure is None:
            return
        if pressure.value - other_pressure() > PRESSURES_DIFFER_KPA:
            circuit.relief.limit.at_most(0.0, code)
        elif above(pressure, circuit.relief_open):
            circuit.relief.limit.at_least(1.0, code)

    yield Rule(
        "over_pressure",
        name,
        lambda: above(pressure, high),
        after_s=5.0,
        act=relieve,
        until=lambda: not above(pressure, high - 10.0),
        priority="high",
        shows=shows,
    )
    switch = on(find(f"{name}.suction_switch"))

    def sucks_dry() -> bool:
        """The contact, and a transmitter that agrees or cannot say."""
        return switch() and not above(pressure, SUCTION_CONTRADICTED_KPA)

    def reads_dry() -> bool:
        """Where there is no contact: the transmitter, and no other that denies it."""
        if find(f"{name}.suction_switch") is not None:
            return False
        return below(pressure, SUCTION_KPA) and not other_pressure() >= SUCTION_CONTRADICTED_KPA

    yield Rule(
        "suction_low",
        name,
        lambda: sucks_dry() or reads_dry(),
        after_s=5.0,
        act=at_most(circuit.pump_runs, 0.0),
        until=lambda: not sucks_dry() and not below(pressure, SUCTION_CONTRADICTED_KPA),
        clear_s=10.0,
        priority="urgent",
        tells=circuit.filled,
        shows=shows,
    )
    yield Rule(
        "suction_contradicted",
        name,
        lambda: switch() and not sucks_dry(),
        after_s=5.0,
        priority="high",
        shows=shows,
    )


def _tells(circuit: Protected, image: Image) -> Iterator[Rule]:
    """Rows that only raise an alarm."""
    find = image.points.get
    name = circuit.name
    pressure = find(f"{name}.return_pressure")
    yield Rule(
        "pressure_low",
        name,
        lambda: circuit.filled() and below(pressure, circuit.pressure_set - circuit.pressure_low),
        after_s=60.0,
        priority="high",
        shows=shown("pressure", pressure, "pressure"),
    )
    position = find(f"{name}.valve_position")

    def astray() -> bool:
        return (
            position is not None
            and position.usable
            and math.isfinite(circuit.valve.value)
            and abs(position.value - circuit.valve.value) > 5.0
        )

    yield Rule(
        "valve_astray",
        f"{name}.valve_command",
        astray,
        after_s=circuit.stroke_time + 15.0,
        priority="high",
        shows=lambda: (
            ("command", circuit.valve.value, "percent"),
            ("position", position.value if position is not None else math.nan, "percent"),
        ),
    )
    for run in (*circuit.pump_runs, *circuit.makeup_runs):
        pump = run.name.removesuffix("_run")
        failure = image[f"{pump}_failure"]
        yield Rule(
            "pump_failed",
            pump,
            lambda failure=failure: failure.usable and failure.value > 0,  # type: ignore[misc]
            priority="high",
            shows=lambda failure=failure: (("why", f"failure_{failure.show()}", "text"),),  # type: ignore[misc]
        )
    mode = image[f"{name}.valve_mode"]
    yield Rule(
        "supply_lost",
        f"{name}.supply_temperature",
        lambda: mode.usable and mode.show() in ("holds", "estimates", "day_average"),
        after_s=5.0,
        priority="high",
        shows=lambda: (("opening", circuit.valve.value, "percent"),),
    )
    supply, setpoint = image[f"{name}.supply_temperature"], image[f"{name}.supply_setpoint"]
    yield Rule(
        "supply_low",
        name,
        lambda: setpoint.usable and below(supply, setpoint.value - SUPPLY_LOW_K),
        after_s=1800.0,
        until=lambda: not (setpoint.usable and below(supply, setpoint.value - SUPPLY_LOW_K / 2)),
        priority="high",
        shows=lambda: (
            ("temperature", supply.value, "temperature"),
            ("setpoint", setpoint.value, "temperature"),
            ("opening", circuit.valve.value, "percent"),
        ),
    )


def station_rules(
    image: Image,
    makeup_runs: Sequence[Output],
    tank_low: float,
    tank_high: float,
    plan: Callable[[], SeasonPlan],
) -> Iterator[Rule]:
    """Rows of what all circuits share. Levels in m; NaN for a station without a tank."""
    find = image.points.get
    level = find("station.tank_level")
    shows = shown("level", level, "length")
    yield Rule(
        "tank_low",
        "station.tank_level",
        lambda: below(level, tank_low),
        after_s=3.0,
        act=at_most(makeup_runs, 0.0),
        until=lambda: not below(level, tank_low + 0.1),
        priority="high",
        tells=lambda: plan().makeup,
        shows=shows,
    )
    yield Rule(
        "tank_high",
        "station.tank_level",
        lambda: above(level, tank_high),
        after_s=30.0,
        priority="warning",
        shows=shows,
    )
    yield Rule("flood", "station.flood", on(find("station.flood")), after_s=2.0, priority="high")
    outdoor = image["station.outdoor_temperature"]
    yield Rule(
        "outdoor_lost",
        "station.outdoor_temperature",
        lambda: outdoor.reason in ("held", "ten_day_mean", "assumed"),
        after_s=5.0,
        priority="high",
        shows=shown("temperature", outdoor, "temperature"),
    )
