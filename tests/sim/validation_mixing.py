"""Mixing zone and secondary network: flows against the equations of the drawing, temperature against the mix.

The equations are written from the parameters and solved by scipy's fsolve for the pressures and flows of all
paths at once; the plant solves them by one unknown.
"""

from dataclasses import dataclass, replace
from functools import cache
from math import exp, sqrt

from sim.physics.mixing import MixingZone
from sim.physics.secondary import SecondaryNetwork
from sim.physics.water import density
from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.weather import Weather
from tests.sim.validation_cases import Comparison, worst

CP = 4180.0
ARRANGEMENTS = ("three_way", "injection")
STROKES = (0.2, 0.4, 0.6, 0.8, 1.0)
SPEEDS = (50.0, 30.0, 0.0)  # Hz
SOURCE, NETWORK_DROP = 110e3, 10e3  # Pa
ZONE = ZoneParameters(kind="mixing", makeup_pumps=0)


@dataclass(frozen=True)
class Mixed:
    """One state of the zone; kg/s and °C. `solved` are A, B and users by the equations."""

    stroke: float
    primary: float
    bypass: float
    users: float
    solved: tuple[float, float, float]
    supply: float
    mixture: float


def valve_conductance(stroke: float, celsius: float) -> float:
    """kg/s per sqrt(Pa), Kv by IEC 60534."""
    p = ZONE
    return (
        p.valve_kvs_m3_per_h
        * p.valve_rangeability ** (stroke - 1.0)
        / 3600.0
        * sqrt(density(celsius) / 100.0)
    )


def solve(
    three_way: bool, stroke: float, speed: float, hot: float, header: float
) -> tuple[float, float, float]:
    """kg/s in A, in B and to the users. Unknown: difference at the station, lift, all three flows."""
    from scipy.optimize import fsolve

    p = ZONE
    back_design = p.design_supply_c - p.design_heat_kw * 1e3 / (p.secondary_flow_kg_per_s * CP)
    design = p.design_heat_kw * 1e3 / (CP * (p.design_primary_supply_c - back_design))
    loss = NETWORK_DROP / p.primary_flow_kg_per_s**2
    way_a = p.exchanger_primary_drop_kpa * 1e3 / design**2 + 1.0 / valve_conductance(stroke, hot) ** 2
    bypass_flow = p.secondary_flow_kg_per_s - design
    port = 1e-3 + (1.0 - 1e-3) * (1.0 - stroke) if three_way else 1.0
    way_b = p.mixing_bypass_drop_kpa * 1e3 / bypass_flow**2 / port**2
    square = density(header) ** 2
    design_volume = p.secondary_flow_kg_per_s / density(p.design_supply_c - 15.0)
    users = p.network_drop_kpa * 1e3 / design_volume**2 / square
    nominal = p.pump_flow_m3_per_h / 3600.0
    head = 1.4 * p.pump_head_kpa * 1e3 * (speed / 50.0) ** 2
    steep = 0.4 * p.pump_head_kpa * 1e3 / nominal**2 / square

    def equations(x: list[float]) -> list[float]:
        difference, lift, a, b, m = x
        # Standing pumps are two equal resistances side by side, as steep as their curve.
        pumps = head - (steep if speed > 0.0 else steep / 4.0) * m * abs(m)
        return [
            (SOURCE - loss * a * a - difference) / 1e4,
            (difference + lift - way_a * a * abs(a)) / 1e4,
            (lift - way_b * b * abs(b)) / 1e4 if lift > 0.0 or b > 0.0 else b,
            a + b - m,
            (pumps - lift - users * m * abs(m)) / 1e4,
        ]

    start = [SOURCE, 5e3, 8.0, 15.0, 23.0] if speed > 0.0 else [SOURCE, -5e4, 8.0, 0.0, 8.0]
    found, _, done, message = fsolve(equations, start, xtol=1e-12, full_output=True)
    if done != 1 and max(map(abs, equations(found))) > 1e-8:
        raise ValueError(f"the reference is not solved: {message}")
    return float(found[2]), float(found[3]), float(found[4])


@cache
def states(arrangement: str, speed: float) -> list[Mixed]:
    """The zone at rest at every stroke, the first pump at `speed` Hz (0 stands)."""
    found = []
    for stroke in STROKES:
        plant = _plant(arrangement)
        plant.command("low.valve_command", 100.0 * stroke)
        plant.command("low.pump_1_run", float(speed > 0.0))
        plant.command("low.pump_1_speed", speed)
        for _ in range(720):
            plant.step(5.0)
        zone = _zone(plant)
        hot, position = plant.primary.supply_temperature, zone.valve.position
        solved = solve(arrangement == "three_way", position, speed, hot, zone.header)
        mixture = (zone.primary_flow * hot + zone.bypass_flow * zone.header) / zone.flow
        found.append(
            Mixed(position, zone.primary_flow, zone.bypass_flow, zone.flow, solved, zone.supply, mixture)
        )
    return found


@cache
def moving_valve() -> list[tuple[float, float, float]]:
    """(second, model, exact) of the supply while the valve runs from 20 to 90 % and back, steps of 1 s.

    Exact: the mixed volume at the flows of each second, integrated in closed form."""
    plant = _plant("three_way")
    zone = _zone(plant)
    plant.command("low.valve_command", 20.0)
    for _ in range(720):
        plant.step(5.0)
    mass, exact, found = ZONE.mixing_volume_m3 * 1000.0, zone.supply, []
    for second in range(1, 301):
        plant.command("low.valve_command", 90.0 if second < 150 else 20.0)
        header = zone.header
        plant.step(1.0)
        hot = plant.primary.supply_temperature
        mixture = (zone.primary_flow * hot + zone.bypass_flow * header) / zone.flow
        exact = mixture + (exact - mixture) * exp(-zone.flow / mass)
        found.append((float(second), zone.supply, exact))
    return found


def _plant(arrangement: str) -> Plant:
    zone = replace(ZONE, mixing_arrangement=arrangement)
    parameters = PlantParameters(
        zones=(zone,),
        primary_disturbance=0.0,
        primary_differential_kpa=SOURCE * 1e-3,
        primary_network_drop_kpa=NETWORK_DROP * 1e-3,
    )
    return Plant(parameters, Weather.constant(-20.0))


def _zone(plant: Plant) -> MixingZone:
    zone = plant.zones["low"]
    assert isinstance(zone, MixingZone)
    return zone


def mixing_flows() -> list[Comparison]:
    """Both arrangements: flows with the pump at full and low speed and standing; temperatures."""
    rows = []
    for arrangement in ARRANGEMENTS:
        flows, kelvins = [], []
        for speed in SPEEDS:
            for one in states(arrangement, speed):
                of = one.solved[2]
                for model, wanted in zip((one.primary, one.bypass, one.users), one.solved, strict=True):
                    flows.append(100.0 * (model - wanted) / of)
                kelvins.append(one.supply - one.mixture)
        words = arrangement.replace("_", "-")
        rows += [
            Comparison(
                f"mixing, {words}: three flows at five strokes, 50, 30 and 0 Hz",
                "mixing.py",
                "its equations, scipy fsolve",
                "%",
                0.1,
                worst(flows),
                0.02,
            ),
            Comparison(
                f"mixing, {words}: supply of the same states",
                "mixing.py",
                "mix of the two flows",
                "K",
                0.1,
                worst(kelvins),
                0.05,
            ),
        ]
    return rows


def mixing_moves() -> list[Comparison]:
    """The supply while the valve runs."""
    errors = [model - exact for _, model, exact in moving_valve()]
    return [
        Comparison(
            "mixing, supply while the valve runs, steps of 1 s",
            "mixing.py",
            "mixed volume in closed form",
            "K",
            0.5,
            worst(errors),
            0.5,
        )
    ]


def branches_in_parallel() -> list[Comparison]:
    """Four branches with balancing valves moved and one silted, against fsolve on branch flows and node."""
    from scipy.optimize import fsolve

    shares, design, drop, strainer, main = (0.1, 0.2, 0.3, 0.4), 0.03, 150e3, 5e3, 0.3
    network = SecondaryNetwork(design, drop, strainer, main, shares)
    strokes, free = (0.3, 0.7, 1.0, 0.5), (1.0, 0.5, 1.0, 1.0)
    for branch, stroke, area in zip(network.branches, strokes, free, strict=True):
        branch.valve.settle(stroke)
        branch.blocked = 1.0 - area
    network.strainer.clogged = 0.5
    network.renew()
    rest = (drop - strainer) / design**2
    parallel = (1.0 - main) * rest

    def resistance(share: float, stroke: float, area: float) -> float:
        whole = parallel / share**2
        opening = (1e-3 + (1.0 - 1e-3) * stroke) / (1e-3 + (1.0 - 1e-3) * 0.7)
        return (0.7 * whole + 0.3 * whole / opening**2) / area**2

    pipes = [resistance(*one) for one in zip(shares, strokes, free, strict=True)]
    common = strainer / design**2 / 0.5**2 + main * rest

    def equations(flows: list[float]) -> list[float]:
        total = sum(flows)
        return [
            (drop - common * total**2 - pipe * flow**2) / drop
            for pipe, flow in zip(pipes, flows, strict=True)
        ]

    solved = fsolve(equations, [0.003, 0.004, 0.009, 0.009], xtol=1e-12)
    total = sqrt(drop / network.resistance)
    errors = [
        100.0 * (share * total / flow - 1.0) for share, flow in zip(network.shares, solved, strict=True)
    ]
    return [
        Comparison(
            "secondary network, four branches, one silted, clogged strainer",
            "secondary.py",
            "its equations, scipy fsolve",
            "%",
            0.1,
            worst(errors),
            1e-4,
        )
    ]
