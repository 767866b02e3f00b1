"""Buildings, heating surfaces, riser against closed solutions and calculated figures (FACTS §1 and §8)."""

from dataclasses import replace
from math import exp

from sim.physics.building import Building
from sim.physics.radiator import FloorHeating, Radiators
from sim.physics.riser import Riser
from tests.sim.validation_cases import Comparison, worst

HEAT_LOSS = 2e6 / 44.2
FLOW = 31.9
LOAD = FLOW * 4180.0 * 15.0
CALCULATED = "calculated for the 2 MW demo"
# Time constant in h, °C after 12 h without heat at -24 °C.
COOLED = ((79, 13.8), (100, 15.0), (147, 16.5))
HELD_ABOVE_THE_WALLS = 1.6  # K: 26 W/m2 over 17 W/(m2·K), gone at once with the heating
TIME_CONSTANTS = (4, 79, 100, 147)
COLDER = ((24, 2.1), (72, 5.1))  # h, K
# Outdoor, supply and return in °C for 60/45 at -24.2 °C.
HEAT_CURVE = ((-15, 53.10, 41.22), (-10, 49.21, 39.03), (0, 41.05, 34.27))
FLOOR_SHARES = (0.25, 0.5, 0.75)
RISER = ((25.0, 88), (5.0, 29))  # °C at the start, minutes to 0 °C


def nominal(hours: float = 100.0, **changes: float) -> Building:
    """The buildings of the demo as one, with the time constant `hours`."""
    return Building(HEAT_LOSS, hours * 3600.0, radiant_share=0.35, **changes)


def radiators() -> Radiators:
    return Radiators(FLOW, 60.0, 45.0, 20.0, 17_000.0)


def floors() -> FloorHeating:
    return FloorHeating(FLOW, 60.0, 45.0, 20.0, 17_000.0, screed=130e3 * 30_000)


def _building(what: str, unit: str, limit: float, reached: float, source: str = CALCULATED) -> Comparison:
    return Comparison(f"building, {what}", "building.py", source, unit, limit, reached, limit)


def cooled_for_12_hours(hours: float) -> Building:
    """At -24 °C from 20 °C under design heat, heating off."""
    building = nominal(hours)
    building.settle(-24.0, 20.0, 0.35)
    for _ in range(720):
        building.step(60.0, -24.0, 0.0, 0.0)
    return building


def cool_down() -> list[Comparison]:
    """The calculation counts one node: that is what the walls do. The air has lost at once what the heating
    held it above them, as no node of its own does in one-node models."""
    walls, air = [], []
    for hours, expected in COOLED:
        building = cooled_for_12_hours(hours)
        walls.append(building.interior - expected)
        air.append(building.air - (expected - HELD_ABOVE_THE_WALLS))
    return [
        _building("walls after 12 h at −24 °C: 13.8, 15.0, 16.5 °C", "K", 0.5, worst(walls)),
        _building("air after 12 h: 1.6 K below that", "K", 0.3, worst(air)),
    ]


def time_constants() -> list[Comparison]:
    """Share that slow cooling leaves after one more time constant."""
    found = []
    for hours in TIME_CONSTANTS:
        building = nominal(hours)
        building.fill(20.0)
        for _ in range(hours):
            building.step(1800.0, 0.0, 0.0, 0.0)
        early = building.air
        for _ in range(hours):
            building.step(3600.0, 0.0, 0.0, 0.0)
        found.append(100.0 * (building.air / early / exp(-1.0) - 1.0))
    what = "slow cooling by e⁻¹ in 4, 79, 100, 147 h"
    return [_building(what, "%", 0.5, worst(found), "exponential, exact")]


def held_valve() -> list[Comparison]:
    """Outdoors from -14 to -24 °C under the heat of before, 100 h."""
    found = []
    for hours, kelvin in COLDER:
        building = nominal(100)
        heat = building.settle(-14.0, 20.0, 0.35)
        for _ in range(hours):
            building.step(3600.0, -24.0, 0.65 * heat, 0.35 * heat)
        found.append(20.0 - building.air - kelvin)
    return [_building("10 K colder under a held valve: 2.1 K in 24 h, 5.1 K in 72 h", "K", 0.3, worst(found))]


def heating_surfaces() -> list[Comparison]:
    """Design point, returns and heat on the heat curve, floors by their exponent."""
    design, returns, heats, floor = [], [], [], []
    for heater in (radiators(), floors()):
        design.append(heater.settle(60.0, FLOW, 20.0) - 45.0)
        design.append(heater.heat / LOAD - 1.0)
    for outdoor, supply, back in HEAT_CURVE:
        heater = radiators()
        returns.append(heater.settle(supply, FLOW, 20.0) - back)
        heats.append(100.0 * (heater.heat / (LOAD * (20 - outdoor) / 44.2) - 1.0))
    for share in FLOOR_SHARES:
        # Excess of the mean water over the room ~ q^(1/1.1) with half of it inside the floor (linear in q).
        heater = floors()
        supply = 20.0 + 0.5 * 32.5 * (share ** (1 / 1.1) + share) + 0.5 * 15.0 * share
        heater.settle(supply, FLOW, 20.0)
        floor.append(100.0 * (heater.heat / (share * LOAD) - 1.0))

    def row(
        what: str, source: str, unit: str, limit: float, reached: float, held: float | None = None
    ) -> Comparison:
        held = limit if held is None else held
        return Comparison(f"heating surface, {what}", "radiator.py", source, unit, limit, reached, held)

    curve = "heat curve by the radiator law, EN 442, n = 1.3"
    return [
        row("design point 60/45/20 °C", "EN 442, EN 1264", "K", 0.01, worst(design), 1e-6),
        row("return at −15, −10, 0 °C", curve, "K", 0.15, worst(returns)),
        row("heat at −15, −10, 0 °C", curve, "%", 2.0, worst(heats)),
        replace(
            row("floor at 25, 50, 75 % of load", "EN 1264, n = 1.1", "%", 1.0, worst(floor)),
            model="radiator.py:FloorHeating",
        ),
    ]


def riser_minutes(start: float) -> tuple[float, bool]:
    """Minutes that standing water takes from `start` to 0 °C in a staircase of -10 °C, and whether it is
    frozen there."""
    riser = Riser(temperature=start)
    seconds = 0
    while riser.temperature > 0.0:
        riser.step(5.0, 0.0, 0.0, -24.0, 20.0)
        seconds += 5
    return seconds / 60.0, riser.frozen


def riser_freezing() -> list[Comparison]:
    """From 25 and from 5 °C."""
    return [
        Comparison(
            f"riser, {start:g} to 0 °C at −10 °C in {minutes} min",
            "riser.py",
            "calculated for a bare DN25",
            "min",
            1.0,
            abs(riser_minutes(start)[0] - minutes),
            1.0,
        )
        for start, minutes in RISER
    ]
