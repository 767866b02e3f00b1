"""Floor heating against the published law of EN 1264 and against closed forms of its cooling.

A floor gives 8.92*(T(floor) - room)^1.1 W/m2 (EN 1264-2, basic characteristic): 100 W/m2 at 9 K. It is sized
here for these 100 W/m2 with water of 40/33 °C. The water's excess is the standard's logarithmic mean, 16.2 K;
pipes and screed take what is more than 9 K, linear in the heat.
"""

from functools import cache
from math import exp, log

from sim.physics.radiator import FloorHeating
from tests.sim.validation_cases import Comparison, worst

AREA, ROOM = 1000.0, 20.0  # m2, °C
SUPPLY, BACK, DESIGN = 40.0, 33.0, 100.0  # °C, °C, W/m2
FLOW = DESIGN * AREA / (4180.0 * (SUPPLY - BACK))  # kg/s
WATER = 560.0  # kg, 5 m of pipe of 12 mm a square metre
SCREED = 130e3  # J/(m2·K)
EN_1264, EXPONENT = 8.92, 1.1
WARM = 29.0  # °C at the start of the cooling, the floor that EN 1264 allows
HOURS = 24


def given(excess: float) -> float:
    """W/m2 of a floor `excess` K above the room, as published."""
    return EN_1264 * excess**EXPONENT


def excess_of(heat: float) -> float:
    """K of a floor above the room for `heat` W/m2, as published."""
    return float((heat / EN_1264) ** (1.0 / EXPONENT))


def water_excess(supply: float, back: float) -> float:
    """K of the water above the room, as EN 1264 counts it."""
    return (supply - back) / log((supply - ROOM) / (back - ROOM))


INSIDE = (water_excess(SUPPLY, BACK) - excess_of(DESIGN)) / DESIGN  # m2·K/W between water and floor


def floor(exponent: float = EXPONENT) -> FloorHeating:
    """The floor of this design."""
    share = INSIDE * DESIGN / (0.5 * (SUPPLY + BACK) - ROOM)
    return FloorHeating(FLOW, SUPPLY, BACK, ROOM, WATER, SCREED * AREA, exponent, inner_share=share)


@cache
def emission() -> list[tuple[float, float, float]]:
    """(mean floor, mean water, W/m2) in K above the room, settled, for supplies from 22 to 46 °C."""
    found = []
    for supply in range(22, 47, 2):
        heater = floor()
        back = heater.settle(float(supply), FLOW, ROOM)
        mean = sum(heater.floors) / 3.0 - ROOM
        found.append((mean, water_excess(supply, back), heater.heat / AREA))
    return found


def water_excess_for(heat: float) -> float:
    """K of the mean water above the room for `heat` W/m2: floor and pipes in series."""
    return excess_of(heat) + INSIDE * heat


@cache
def cooling(exponent: float) -> list[tuple[float, float, float]]:
    """(hours, model, closed form) in °C of a floor without flow in a room that stays at 20 °C, steps of a
    minute.

    C*dx/dt = -K*x^n of one body: x = (x0^(1-n) + (n-1)*K/C*t)^(1/(1-n)), for n = 1 the RC of x0*e^(-t/RC)."""
    heater = floor(exponent)
    heater.fill(WARM)
    capacity = SCREED * AREA + WATER * 4180.0
    start = WARM - ROOM
    constant = DESIGN * AREA / excess_of(DESIGN) ** exponent
    found = [(0.0, WARM, WARM)]
    for minute in range(1, HOURS * 60 + 1):
        heater.step(60.0, WARM, 0.0, ROOM)
        rate = constant / capacity * 60.0 * minute
        if exponent == 1.0:
            left = start * exp(-rate)
        else:
            power = exponent - 1.0
            left = (start**-power + power * rate) ** (-1.0 / power)
        found.append((minute / 60.0, sum(heater.floors) / 3.0, ROOM + left))
    return found


def floors() -> list[Comparison]:
    """Emission over floor and water, and cooling."""
    of_floor = [100.0 * (heat / given(mean) - 1.0) for mean, _, heat in emission()]
    of_water = [100.0 * (water / water_excess_for(heat) - 1.0) for _, water, heat in emission()]

    def row(what: str, source: str, unit: str, limit: float, reached: float) -> Comparison:
        model = "radiator.py:FloorHeating"
        return Comparison(f"floor heating, {what}", model, source, unit, limit, reached, limit)

    def away(exponent: float) -> float:
        return worst([model - exact for _, model, exact in cooling(exponent)])

    published = "EN 1264-2, 8.92·(T − room)^1.1 W/m²"
    return [
        row("W/m² of floors 1 to 13 K above the room", published, "%", 1.0, worst(of_floor)),
        row("mean water for 8 to 140 W/m²", published + " and 0.0725 m²·K/W", "%", 1.0, worst(of_water)),
        row("24 h of cooling, n = 1.1", "closed form, one body", "K", 0.1, away(EXPONENT)),
        row("24 h of cooling, n = 1", "RC, e^(−t/RC)", "K", 0.1, away(1.0)),
    ]
