"""Cases 6, 7, 8, 10, 11 and 12 of VDI 6007-1: set temperature, limited heat, sun by side, neighbour, cooled
ceiling, ventilation.

Parameters, gains and references are those that Modelica Buildings publishes for these cases
(`ThermalZones.ReducedOrder.Validation.VDI6007`, BSD-3; tables of the standard), first and 60th day. Heat is
counted as the room's: above 0 heating. Everything goes through the inputs of `TwoElements.step`; nothing in
the model knows of a case. Around the room it is 22 °C, or a summer's day.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from sim.physics.elements import Elements, Facing, equivalent_excess
from sim.physics.two_elements import TwoElements
from tests.sim.validation_cases import Comparison, worst

DAYS = (1, 60)
KELVIN, WATT = 0.15, 1.5  # thresholds of Modelica Buildings
OUTDOOR = (
    18.8, 17.1, 16.5, 16.1, 16.5, 17.8, 20.3, 22.8, 24.8, 26.7, 28.1, 29.0,
    29.7, 30.4, 30.9, 31.0, 30.8, 30.1, 28.9, 27.0, 24.7, 22.9, 21.9, 20.9,
)  # fmt: skip
# W/m2 behind the windows of two sides, and on their walls, by hour.
WINDOW_1 = (0, 0, 0, 0, 17, 38, 59, 98, 186, 287, 359, 385, 359, 287, 186, 98, 59, 38, 17, 0, 0, 0, 0, 0)
WINDOW_2 = (0, 0, 0, 0, 17, 36, 51, 64, 74, 84, 92, 100, 180, 344, 475, 528, 492, 359, 147, 0, 0, 0, 0, 0)
WALL_1 = (0, 0, 0, 0, 24, 58, 91, 203, 348, 472, 553, 581, 553, 472, 348, 203, 91, 58, 24, 0, 0, 0, 0, 0)
WALL_2 = (0, 0, 0, 0, 23, 53, 77, 97, 114, 131, 144, 159, 372, 557, 685, 733, 666, 474, 177, 0, 0, 0, 0, 0)
CONVECTIVE = 0.09  # of the sun behind a window
ABSORBED = 0.7
VENTILATION = 100.0 * 0.000330375898 * 1005.45  # W/K of 100 m3/h
PANE = 7.0  # m2 a window


@dataclass(frozen=True)
class Case:
    """`inputs` gives the arguments of `TwoElements.step` by hour of the day; `reference` two days of it."""

    room: Elements
    start: float
    inputs: Callable[[int], dict[str, float]]
    reference: tuple[tuple[float, ...], tuple[float, ...]]
    heat: bool  # what the reference is: W, or °C


def _room(
    exterior: tuple[float, float, float, float],
    films: tuple[float, float, float],
    interior: tuple[float, float, float],
) -> Elements:
    area, resistance, capacity, rest = exterior
    outer, film, inner_film = films
    return Elements(
        area,
        resistance,
        capacity,
        rest + 1.0 / (outer * area),
        *interior,
        exterior_film=film,
        interior_film=inner_film,
    )


ROOM_S = _room(
    (10.5, 0.00436791293674, 1600848.94, 0.03895919557),
    (25.0, 2.7, 2.24),
    (75.5, 0.000595693407511, 14836354.6282),
)
TWO_SIDES = _room(
    (25.5, 0.0017362530106, 5259932.23, 0.01913729904),
    (25.0, 2.7, 2.12),
    (60.5, 0.000668895639141, 12391363.8631),
)
OVER_GROUND = _room(
    (28.0, 0.00171957697767797, 4338751.41, 0.011638548),
    (9.75, 2.4, 2.398),
    (58.0, 0.000779671554640369, 12333949.4129606),
)


def _blind(radiation: float) -> float:
    """W/m2 behind a blind that closes above 100."""
    return radiation * (0.15 if radiation > 100.0 else 1.0)


def _thermostat(hour: int) -> dict[str, float]:
    by_day = 6 <= hour < 18
    return {
        "outdoor": 22.0,
        "convective": 0.0,
        "radiant": 1000.0 if by_day else 0.0,
        "setpoint": 27.0 if by_day else 22.0,
    }


def _unlimited(hour: int) -> dict[str, float]:
    return _thermostat(hour) | {"most": 1e6, "least": -1e6}


def _limited(hour: int) -> dict[str, float]:
    return _thermostat(hour) | {"most": 500.0, "least": -500.0}


def _ceiling(hour: int) -> dict[str, float]:
    return _limited(hour) | {"cool_surface": 1.0}


def _summer(hour: int, interior_sun: float, radiant_sun: float = 0.0) -> dict[str, float]:
    """People and machines from 7 to 17 o'clock; W of sun by where it falls."""
    present = 7 <= hour < 17
    sun = interior_sun + radiant_sun
    return {
        "outdoor": OUTDOOR[hour],
        "convective": (280.0 if present else 0.0) + CONVECTIVE * sun,
        "radiant": (80.0 if present else 0.0) + (1.0 - CONVECTIVE) * radiant_sun,
        "sun": (1.0 - CONVECTIVE) * interior_sun,
    }


def _two_sides(hour: int) -> dict[str, float]:
    """What comes through a window cannot fall on its own side (10.5 and 15 m2), but on the other."""
    suns = PANE * _blind(WINDOW_1[hour]), PANE * _blind(WINDOW_2[hour])
    exterior, interior = 10.5 + 15.0, 60.5
    radiant = sum(
        sun * other / (other + interior) / (exterior / (exterior + interior))
        for sun, other in zip(suns, (15.0, 10.5), strict=True)
    )
    excess = equivalent_excess(
        OUTDOOR[hour],
        (
            Facing(0.05796831135677373, ABSORBED * WALL_1[hour]),
            Facing(0.13249899738691134, ABSORBED * WALL_2[hour]),
            Facing(2.0 * 0.4047663456281575),
        ),
    )
    return _summer(hour, sum(suns) - radiant, radiant) | {"excess": excess}


def _over_ground(hour: int) -> dict[str, float]:
    excess = equivalent_excess(
        OUTDOOR[hour],
        (Facing(0.04646093176283288 + 0.32441554918476245), Facing(0.6291235190524047, adjacent=15.0)),
    )
    return _summer(hour, PANE * _blind(WINDOW_1[hour])) | {"excess": excess}


def _ventilated(hour: int) -> dict[str, float]:
    factor = 0.5 if 7 <= hour < 17 else 1.0
    return _summer(hour, PANE * _blind(WINDOW_1[hour])) | {"loss_factor": factor}


_NIGHT = (0.0,) * 6
CASES = {
    6: Case(ROOM_S, 22.0, _unlimited, (
        (*_NIGHT, 764, 696, 632, 570, 511, 455, 402, 351, 302, 255, 210, 167,
         -638, -610, -583, -557, -533, -511),
        (-774, -742, -711, -682, -654, -627, 163, 120, 78, 39, 2, -33,
         -67, -99, -130, -159, -187, -214, -1004, -960, -919, -880, -843, -808),
    ), heat=True),
    7: Case(ROOM_S, 22.0, _limited, (
        (*_NIGHT, 500, 500, 500, 500, 500, 481, 426, 374, 324, 276, 230, 186,
         -500, -500, -500, -500, -500, -500),
        (-500, -500, -500, -500, -500, -500, -149, -179, -207, -234, -259, -284,
         -307, -329, -350, -371, -390, -409, -500, -500, -500, -500, -500, -500),
    ), heat=True),
    8: Case(TWO_SIDES, 22.0, _two_sides, (
        (22, 21.9, 21.9, 21.8, 22, 22.3, 22.7, 24.8, 24.7, 25.2, 25.6, 26.1,
         25.9, 26.3, 26.6, 27.5, 27.6, 26, 25.8, 25.6, 25.6, 25.5, 25.5, 25.5),
        (40.9, 40.7, 40.5, 40.2, 40.3, 40.4, 40.6, 42.6, 42.4, 42.7, 43, 43.3,
         43, 43.2, 43.4, 44.2, 44.1, 42.4, 42, 41.7, 41.6, 41.4, 41.2, 41.1),
    ), heat=False),
    10: Case(OVER_GROUND, 17.6, _over_ground, (
        (17.6, 17.6, 17.5, 17.5, 17.6, 17.8, 18, 20, 19.7, 20, 20.3, 20.5,
         20.6, 20.7, 20.8, 21.5, 21.4, 19.8, 19.7, 19.6, 19.6, 19.5, 19.5, 19.5),
        (25.5, 25.3, 25.2, 25.1, 25.1, 25.2, 25.3, 27.3, 26.9, 27.1, 27.3, 27.4,
         27.5, 27.5, 27.5, 28.1, 28, 26.3, 26.1, 26, 25.9, 25.8, 25.7, 25.6),
    ), heat=False),
    11: Case(replace(ROOM_S, interior_film=3.0), 22.0, _ceiling, (
        (22, 22, 22, 22, 22, 22, 24.9, 25.2, 25.6, 25.9, 26.2, 26.5,
         26.8, 27, 27, 27, 27, 27, 25.3, 25.2, 25.1, 24.9, 24.8, 24.7),
        (26.2, 26.1, 26, 25.8, 25.7, 25.6, 27, 27, 27, 27, 27, 27,
         27.1, 27.2, 27.3, 27.4, 27.5, 27.6, 27, 26.9, 26.7, 26.6, 26.5, 26.4),
    ), heat=False),
    12: Case(replace(ROOM_S, air_change=VENTILATION), 22.0, _ventilated, (
        (21.5, 21.2, 21, 20.9, 21, 21.3, 21.9, 24.1, 24, 24.4, 24.8, 25.1,
         25.3, 25.5, 25.6, 26.3, 26.3, 25.2, 25, 24.6, 24.2, 24, 23.8, 23.6),
        (30.5, 30, 29.8, 29.6, 29.6, 29.9, 30.3, 33.2, 33, 33.4, 33.7, 33.9,
         34.1, 34.2, 34.3, 34.9, 34.8, 33, 32.7, 32.2, 31.8, 31.4, 31.2, 30.9),
    ), heat=False),
}  # fmt: skip
# W of case 11.
CEILING_HEAT = (
    (*_NIGHT, 500, 500, 500, 500, 500, 500, 500, 464, 397, 333, 272, 215,
     -500, -500, -500, -500, -500, -500),
    (-500, -500, -500, -500, -500, -500, 126, 76, 28, -122, -391, -500,
     -500, -500, -500, -500, -500, -500, -500, -500, -500, -500, -500, -500),
)  # fmt: skip


@cache
def hourly(number: int) -> tuple[tuple[tuple[float, float], ...], ...]:
    """(°C, W) as means of every hour of the two days; the standard's step is the hour, inside it the model's
    is a minute."""
    case = CASES[number]
    room = TwoElements(case.room, case.start)
    found: dict[int, list[tuple[float, float]]] = {day: [] for day in DAYS}
    for hour in range(24 * DAYS[-1]):
        inputs = case.inputs(hour % 24)
        room.step(3600.0, **inputs)
        rows = found.get(hour // 24 + 1)
        if rows is not None:
            rows.append((room.mean, room.ideal_heat))
    return tuple(tuple(found[day]) for day in DAYS)


def errors(number: int) -> list[float]:
    """Model minus reference, K or W, of all 48 hours."""
    case = CASES[number]
    return [
        row[case.heat] - wanted
        for rows, day in zip(hourly(number), case.reference, strict=True)
        for row, wanted in zip(rows, day, strict=True)
    ]


def _row(number: int, what: str, reached: float, heat: bool, held: float) -> Comparison:
    unit, limit = ("W", WATT) if heat else ("K", KELVIN)
    return Comparison(
        f"building, case {number}, {what}",
        "two_elements.py",
        "VDI 6007-1, by Modelica Buildings",
        unit,
        limit,
        reached,
        held,
    )


def input_cases() -> list[Comparison]:
    """The worst of 48 hours each."""
    ceiling = [
        rows[hour][1] - wanted[hour]
        for rows, wanted in zip(hourly(11), CEILING_HEAT, strict=True)
        for hour in range(24)
    ]
    return [
        _row(6, "set temperature, heat", worst(errors(6)), True, WATT),
        _row(7, "the same with 500 W at most", worst(errors(7)), True, WATT),
        _row(8, "sun on two sides", worst(errors(8)), False, 0.1),
        _row(10, "floor over 15 °C", worst(errors(10)), False, KELVIN),
        _row(11, "cooled ceiling, air", worst(errors(11)), False, 0.1),
        _row(11, "cooled ceiling, heat", worst(ceiling), True, 1.0),
        _row(12, "ventilation by the hour", worst(errors(12)), False, KELVIN),
    ]
