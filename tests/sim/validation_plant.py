"""The plant against itself: heat and water of a moving day, and what halving its step changes.

The night of the second is the one of hil_tests/core/test_step_size.py, with the controller in the loop.
"""

from functools import cache

from sim.plant import Plant, PlantParameters
from sim.weather import Weather
from tests.sim.validation_cases import Comparison


@cache
def moving_day() -> tuple[float, float, float]:
    """Errors of the balances of heat and of water (shares), and the return pressure at the end in kPa.

    Weather, valve, pump and tank all move; makeup holds the pressure by hand."""
    plant = Plant(PlantParameters(), Weather.load("shenyang_2013_01"), seed=3)
    for i in range(24 * 60):
        low = plant.sensors["low.return_pressure"] < 300.0
        plant.command("low.makeup_1_run", 1.0 if low else 0.0)
        plant.command("low.makeup_1_speed", 50.0)
        plant.command("low.valve_command", 60.0 + 30.0 * ((i // 60) % 2))
        plant.command("low.pump_1_speed", 30.0 + (i % 20))
        plant.command("station.tank_inlet", float(i % 100 < 50))
        for _ in range(12):
            plant.step(5.0)
    return plant.energy_balance_error(), plant.mass_balance_error(), plant.truth["low.return_pressure"]


def balances() -> list[Comparison]:
    """Of the moving day."""
    heat, water, _ = moving_day()

    def row(what: str, reached: float, held: float) -> Comparison:
        name = f"plant, balance of {what} over a moving day"
        return Comparison(name, "plant.py", "conservation", "%", 0.1, 100.0 * reached, held)

    return [row("heat", heat, 0.1), row("water", water, 1e-4)]


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
