"""Water on the station's floor: the contact follows it, late, and only where the gully cannot keep up."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.physics.floor import Floor
from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.weather import Weather

DRAIN = 2.9 / 3600.0


def make(**changes) -> Plant:
    zone = ZoneParameters(leak_m3_per_h=0.0)
    return Plant(
        replace(PlantParameters(), zones=(zone,), sensor_noise=0.0, primary_disturbance=0.0, **changes),
        Weather.constant(-10.0),
    )


def until_flooded(plant: Plant, within: int) -> int | None:
    """Seconds until the contact closes, None when it does not."""
    for second in range(1, within + 1):
        plant.step(1.0)
        if plant.sensors["station.flood"]:
            return second
    return None


def test_water_rises_by_what_the_gully_leaves_and_runs_off_again():
    floor = Floor(40.0, DRAIN, 0.01)
    inflow = 10.0 / 3600.0 * 995.0
    needed = 0.01 * 40.0 / (10.0 / 3600.0 - DRAIN)
    for _ in range(int(needed)):
        floor.step(1.0, inflow)
    assert not floor.flooded
    floor.step(1.0, inflow)
    assert floor.flooded
    for _ in range(int(0.01 * 40.0 / DRAIN) + 2):
        floor.step(1.0, 0.0)
    assert floor.depth == 0.0


@given(st.lists(st.tuples(st.floats(0.001, 3600.0), st.floats(0.0, 1e3)), max_size=30))
def test_the_floor_is_never_below_dry_nor_deeper_than_what_came(steps):
    floor, came = Floor(40.0, DRAIN, 0.01), 0.0
    for dt, inflow in steps:
        came += dt * inflow
        floor.step(dt, inflow)
        assert 0.0 <= floor.depth <= came / 995.0 / 40.0 * (1.0 + 1e-9)


def test_a_leak_in_the_station_floods_it_with_a_delay():
    plant = make()
    plant.fault("low", "leak_inside", 10.0)
    plant.command("low.makeup_1_run", 1.0)
    plant.command("low.makeup_1_speed", 50.0)
    flooded = until_flooded(plant, 1200)
    assert flooded is not None
    # 8 to 11 m3/h by the loop's pressure, less the gully, on 40 m2.
    assert 170 < flooded < 330
    assert plant.mass_balance_error() < 1e-9
    plant.clear("low")
    for _ in range(40):
        plant.step(60.0)
    assert plant.sensors["station.flood"] == 0.0


@pytest.mark.parametrize(("kind", "value"), [("burst", 40.0), ("leak", 5.0), ("leak_inside", 2.0)])
def test_what_is_out_in_the_network_or_small_does_not(kind, value):
    plant = make()
    plant.fault("low", kind, value)
    assert until_flooded(plant, 1800) is None


def test_a_tank_that_runs_over_floods_the_station():
    """0.5 m on 4 m2 fill at 10 m3/h in 12 min; 7.1 m3/h more than the gully make 1 cm in 3.4 min."""
    plant = make()
    plant.command("station.tank_inlet", 1.0)
    flooded = until_flooded(plant, 3600)
    assert flooded == pytest.approx(720 + 203, abs=5)
    assert plant.mass_balance_error() < 1e-9
    plant.settle()
    assert plant.sensors["station.flood"] == 0.0


def test_a_large_gully_keeps_the_contact_open():
    plant = make(floor_drain_m3_per_h=11.0)
    plant.command("station.tank_inlet", 1.0)
    assert until_flooded(plant, 3600) is None
    assert plant.tank.overflow_mass > 0.0
