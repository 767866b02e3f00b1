"""Contacts against the rules of their data sheets: where they switch on a ramp, and where they let go.

Thermostat: closes at its limit, opens 10 K below it; its sensor lags behind a ramp of r K/s by
r*T*(1 - e^(-t/T)). Suction switch: closes below its limit, opens 20 kPa above it, without lag. Flood contact:
closes at 1 cm of water, which a balance of the floor's area, the inflow and the gully gives.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import exp

from sim.physics.floor import Floor
from sim.physics.terminals import Thermostat
from sim.plant import Plant, PlantParameters
from sim.weather import Weather
from tests.sim.validation_cases import Comparison, worst

LIMIT, LETS_GO, LAG = 80.0, 70.0, 15.0  # °C, °C, s
BEGIN, TOP = 60.0, 95.0  # °C of the ramp
RAMPS = (0.02, 0.1, 0.5)  # K/s
SUCTION, RELEASED = 50.0, 70.0  # kPa
FLOOR_M2, GULLY, CONTACT_M = 40.0, 2.9, 0.01  # m2, m3/h, m
INFLOWS = (2.5, 4.0, 6.0, 12.0)  # m3/h for an hour at most, then it stops
WATER = 995.0  # kg/m3

Point = tuple[float, float, bool]
"""Second, true value, what the contact says."""


@cache
def thermostat_ramp(rate: float) -> tuple[Point, ...]:
    """Up from 60 to 95 °C at `rate` K/s, a stop until the sensor has followed, and down again."""
    thermostat = Thermostat("ramp", LIMIT)
    thermostat.settle(BEGIN)
    dt = 0.01 / rate
    up = round((TOP - BEGIN) / 0.01)
    rise = [BEGIN + 0.01 * (i + 1) for i in range(up)]
    stop = [TOP] * round(10.0 * LAG / dt)
    way = [*rise, *stop, *reversed([BEGIN, *rise[:-1]])]
    return tuple((dt * (i + 1), true, thermostat.step(dt, true)) for i, true in enumerate(way))


@cache
def suction_swing() -> tuple[Point, ...]:
    """The station's loop in kPa: with makeup off it leaks to 40 kPa, then makeup brings it back above 90 kPa.

    Its vessel holds no water below the precharge, so a litre is 20 kPa: a small leak, steps of hundredths."""
    plant = Plant(PlantParameters(primary_disturbance=0.0, sensor_noise=0.0), Weather.constant(-10.0))
    found: list[Point] = []
    seconds = 0.0

    def run(dt: float, until: Callable[[float], bool]) -> None:
        nonlocal seconds
        pressure = plant.zones["low"].suction_pressure() * 1e-3
        while not until(pressure):
            plant.step(dt)
            seconds += dt
            pressure = plant.zones["low"].suction_pressure() * 1e-3
            found.append((seconds, pressure, plant.sensors["low.suction_switch"] > 0.5))

    plant.command("low.pump_1_run", 0.0)
    plant.fault("low", "leak", 6.0)
    run(1.0, lambda pressure: pressure < 120.0)
    plant.fault("low", "leak", 0.3)
    run(0.2, lambda pressure: pressure < 40.0)
    plant.clear("low")
    plant.command("low.makeup_1_run", 1.0)
    plant.command("low.makeup_1_speed", 45.0)
    run(0.02, lambda pressure: pressure > 90.0)
    return tuple(found)


@cache
def flood(inflow: float) -> tuple[Point, ...]:
    """Depth in mm on the station's floor under `inflow` m3/h until 20 mm or for an hour, and after it.

    Steps of a second."""
    floor = Floor(FLOOR_M2, GULLY / 3600.0, CONTACT_M)
    found: list[Point] = []
    running = True
    for second in range(1, 7201):
        running = running and second <= 3600 and floor.depth < 0.02
        floor.step(1.0, inflow / 3600.0 * WATER if running else 0.0)
        found.append((float(second), 1e3 * floor.depth, floor.flooded))
    return tuple(found)


def switches(points: Sequence[Point]) -> list[Point]:
    """The points at which the contact says something new, open before the first."""
    before = False
    found = []
    for point in points:
        if point[2] is not before:
            found.append(point)
        before = point[2]
    return found


def behind(rate: float, kelvin: float) -> float:
    """K by which the truth is ahead of a sensor that was at rest `kelvin` before its switch point and reaches
    it on a ramp of `rate` K/s."""
    # felt = r*(t - T + T*e^(-t/T)) = kelvin; the truth is r*t.
    low, high = 0.0, kelvin / rate + 2.0 * LAG
    for _ in range(80):
        middle = 0.5 * (low + high)
        if rate * (middle - LAG + LAG * exp(-middle / LAG)) < kelvin:
            low = middle
        else:
            high = middle
    return rate * low - kelvin


def thermostat_rule(rate: float) -> tuple[float, float]:
    """°C true at which it closes on the way up and opens on the way down."""
    return LIMIT + behind(rate, LIMIT - BEGIN), LETS_GO - behind(rate, TOP - LETS_GO)


def flood_rule(inflow: float) -> float:
    """Seconds to 1 cm of water."""
    return CONTACT_M * FLOOR_M2 / ((inflow - GULLY) / 3600.0)


def _twice(points: Sequence[Point]) -> tuple[float, float]:
    """True values where it closes and opens; NaN unless it does so once each."""
    found = switches(points)
    return (found[0][1], found[1][1]) if len(found) == 2 else (float("nan"), float("nan"))


def contacts() -> list[Comparison]:
    """Switch points of all three."""
    thermostat, times = [], []
    for rate in RAMPS:
        ends = zip(_twice(thermostat_ramp(rate)), thermostat_rule(rate), strict=True)
        thermostat += [have - want for have, want in ends]
    closes, opens = _twice(suction_swing())
    for inflow in INFLOWS:
        if inflow > GULLY:
            found = switches(flood(inflow))
            times.append(found[0][0] - flood_rule(inflow) if len(found) == 2 else float("nan"))
    wet = float(sum(flooded for _, _, flooded in flood(INFLOWS[0])))

    def row(model: str, what: str, reference: str, unit: str, limit: float, reached: float) -> Comparison:
        return Comparison(f"contacts, {what}", model, reference, unit, limit, reached, limit)

    lagging, rule, floor = "80/70 °C, lag of 15 s in closed form", "its two pressures", "floor's balance"
    return [
        row(
            "terminals.py", "thermostat on ramps of 0.02, 0.1, 0.5 K/s", lagging, "K", 0.1, worst(thermostat)
        ),
        row("terminals.py", "suction switch, closes below 50 kPa", rule, "kPa", 1.0, abs(closes - SUCTION)),
        row("terminals.py", "suction switch, opens from 70 kPa", rule, "kPa", 1.0, abs(opens - RELEASED)),
        row("floor.py", "flood of 4, 6, 12 m³/h, time to 1 cm", floor, "s", 2.0, worst(times)),
        row("floor.py", "flood of 2.5 m³/h, which the gully takes", floor, "s", 0.0, wet),
    ]
