"""The plant against itself: heat and water of a moving day, and what halving its step changes.

The night of the second is the one of hil_tests/core/test_step_size.py, with the controller in the loop.
"""

from dataclasses import dataclass
from functools import cache

from sim.physics.balances import water_mass
from sim.plant import Plant, PlantParameters
from sim.weather import Weather
from tests.sim.validation_cases import Comparison, worst


@dataclass(frozen=True)
class Moment:
    """What the moving day has come to at an hour.

    Energies in GJ since its start, water of tank and loops in m3 of 1000 kg, temperatures in °C."""

    hour: float
    heat_came: float
    heat_lost: float
    heat_stored: float
    water_came: float
    water_left: float
    water_held: float
    primary_supply: float
    primary_return: float
    supply: float
    back: float
    outdoor: float

    @property
    def heat_error(self) -> float:
        """GJ that do not add up."""
        return self.heat_came - self.heat_lost - self.heat_stored

    @property
    def water_error(self) -> float:
        """m3 that do not add up."""
        return self.water_came - self.water_left - self.water_held


def _moment(plant: Plant, start: float, water_at_start: float) -> Moment:
    """The ledger as the zones and the tank keep it, beside the heat and the water that their states hold."""
    zones, tank, truth = list(plant.zones.values()), plant.tank, plant.truth
    water_came = tank.inlet_mass + sum(zone.water_from_primary for zone in zones)
    water_left = tank.overflow_mass + sum(zone.holding.water_lost for zone in zones)
    return Moment(
        (plant.time - start) / 3600.0,
        1e-9 * sum(zone.heat_from_primary + zone.heat_other for zone in zones),
        1e-9 * sum(zone.heat_lost for zone in zones),
        1e-9 * sum(zone.stored_heat() - zone.heat_at_start for zone in zones),
        1e-3 * water_came,
        1e-3 * water_left,
        1e-3 * (water_mass(tank, zones) - water_at_start),
        truth["station.primary_supply_temperature"],
        truth["station.primary_return_temperature"],
        truth["low.supply_temperature"],
        truth["low.return_temperature"],
        truth["station.outdoor_temperature"],
    )


@cache
def moving_day() -> tuple[Plant, tuple[Moment, ...]]:
    """The plant after the day, and the day every ten minutes.

    Weather, valve, pump and tank all move; makeup holds the pressure by hand."""
    plant = Plant(PlantParameters(), Weather.load("shenyang_2013_01"), seed=3)
    start, water_at_start = plant.time, water_mass(plant.tank, list(plant.zones.values()))
    moments = [_moment(plant, start, water_at_start)]
    for minute in range(24 * 60):
        low = plant.sensors["low.return_pressure"] < 300.0
        plant.command("low.makeup_1_run", 1.0 if low else 0.0)
        plant.command("low.makeup_1_speed", 50.0)
        plant.command("low.valve_command", 60.0 + 30.0 * ((minute // 60) % 2))
        plant.command("low.pump_1_speed", 30.0 + (minute % 20))
        plant.command("station.tank_inlet", float(minute % 100 < 50))
        for _ in range(12):
            plant.step(5.0)
        if minute % 10 == 9:
            moments.append(_moment(plant, start, water_at_start))
    return plant, tuple(moments)


def balances() -> list[Comparison]:
    """Of the moving day, at its end and at its worst moment."""
    plant, moments = moving_day()
    heat, water = plant.energy_balance_error(), plant.mass_balance_error()
    turnover = moments[-1].heat_came
    held = 1e-3 * water_mass(plant.tank, list(plant.zones.values()))
    worst_heat = worst([moment.heat_error for moment in moments]) / turnover
    worst_water = worst([moment.water_error for moment in moments]) / held

    def row(what: str, reached: float, held: float) -> Comparison:
        name = f"plant, balance of {what}"
        return Comparison(name, "plant.py", "conservation", "%", 0.1, 100.0 * reached, held)

    return [
        row("heat over a moving day", heat, 0.1),
        row("water over a moving day", water, 1e-4),
        row("heat, its worst ten minutes, of the day's heat", worst_heat, 1e-4),
        row("water, its worst ten minutes, of all water", worst_water, 1e-4),
    ]


def _change(whole: float, halved: float) -> float:
    return 100.0 * abs(halved / whole - 1.0)


NIGHT_DAYS, NIGHT_SEEDS = 0.35, (3, 4, 5)


@cache
def halved_step() -> list[Comparison]:
    """A night in January at scans of 1 s, the plant stepped once and twice a scan; mean of three seeds,
    because noise is drawn anew at every step and the valve follows it."""
    from hil_tests.core.test_step_size import season

    runs = [[season(parts, seed, NIGHT_DAYS) for seed in NIGHT_SEEDS] for parts in (1, 2)]
    whole, halved = ({key: sum(run[key] for run in some) / len(some) for key in some[0]} for some in runs)

    def row(what: str, unit: str, limit: float, reached: float) -> Comparison:
        source = "the same night at half the step"
        return Comparison(f"step halved, {what}", "plant.py", source, unit, limit, reached, limit)

    means = max(_change(whole[key], halved[key]) for key in ("heat_gj", "pump_kwh", "supply", "room"))
    hours = max(
        abs(halved[key] - whole[key]) / max(1.0, 0.05 * whole[key])
        for key in ("degree_hours_below_20", "degree_hours_below_18", "degree_hours_above_24")
    )
    moves = max(_change(whole[key], halved[key]) for key in ("strokes", "starts"))
    alarms = sum(one["alarms"] != two["alarms"] for one, two in zip(*runs, strict=True))
    return [
        row("heat, kWh, mean supply, mean room", "%", 0.5, means),
        row("degree-hours, as a part of 1 K·h or 5 %", "", 1.0, hours),
        row("travel and starts of the valve", "%", 10.0, moves),
        row("three runs with the same alarms, but for", "runs", 0.0, float(alarms)),
    ]
