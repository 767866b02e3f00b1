"""Primary network and branch: the source's curve followed late, flows solved by hand, choking.

References are written out here from parameters, IEC 60534 and the pump's curve, and solved by scipy; nothing
of them asks the plant for a conductance.
"""

from functools import cache
from math import atan2, exp, hypot, pi, sin, sqrt

from sim.physics.primary import PrimaryNetwork
from sim.physics.primary_branch import PrimaryBranch
from sim.physics.secondary import Strainer
from sim.physics.valve import Valve
from sim.physics.water import density
from sim.plant import Plant, PlantParameters, ZoneParameters
from sim.weather import Weather
from tests.sim.validation_cases import Comparison, worst

DELAY = 3.0 * 3600.0
MEAN, SWING, PERIOD = -10.0, 8.0, 86400.0
DAYS = 2
STROKES = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
KVS, RANGEABILITY = 80.0, 50.0
DESIGN = 9.5  # kg/s
DROP, STRAINER_DROP = 50e3, 5e3  # Pa at the design flow, the second a part of the first
ATMOSPHERE = 101.3e3
HOT = 110.0
BOILING_120 = 198.7e3  # Pa, IAPWS-97 at 120 °C
RECOVERY = 0.9  # FL of a globe valve
LOW = 100e3  # gauge Pa in the return: hardly any static pressure


def delayed_sine(seconds: float) -> float:
    """Outdoor °C behind a first-order lag that rested at the mean when the sine began."""
    omega = 2.0 * pi / PERIOD
    x = omega * DELAY
    swing = sin(omega * seconds - atan2(x, 1.0)) / hypot(1.0, x) + x / (1.0 + x * x) * exp(-seconds / DELAY)
    return MEAN + SWING * swing


def source_curve(outdoor: float) -> float:
    """110 °C at -24.2 °C and 70 °C at +5 °C, straight between."""
    return 110.0 - 40.0 * (outdoor + 24.2) / 29.2


@cache
def late_supply() -> list[tuple[float, float, float]]:
    """(hour, model, closed form) of the supply temperature, every half hour."""
    network = PrimaryNetwork("late", delay=DELAY, disturbance=0.0)
    network.settle(MEAN)
    found = []
    for step in range(1, DAYS * 86400 // 5 + 1):
        seconds = 5.0 * step
        outdoor = MEAN + SWING * sin(2.0 * pi * seconds / PERIOD)
        network.step(5.0, outdoor)
        if step % 360 == 0:
            wanted = source_curve(delayed_sine(seconds))
            found.append((seconds / 3600.0, network.supply_temperature, wanted))
    return found


def kv_resistance(stroke: float, celsius: float) -> float:
    """Pa/(kg/s)^2 of the valve: V = Kv*sqrt(dp/(rho/1000)) in m3/h and bar."""
    rho = density(celsius)
    kv = KVS * RANGEABILITY ** (stroke - 1.0)
    return 1e5 * rho / 1000.0 * (3600.0 / rho / kv) ** 2


def branch(stroke: float, celsius: float, clogged: float = 0.0) -> PrimaryBranch:
    """The demo's branch with its valve at `stroke` in water of °C."""
    strainer = Strainer(STRAINER_DROP / DESIGN**2)
    strainer.clogged = clogged
    found = PrimaryBranch(Valve(KVS, rangeability=RANGEABILITY), (DROP - STRAINER_DROP) / DESIGN**2, strainer)
    found.valve.settle(stroke)
    found.renew(celsius)
    return found


def branch_by_hand(stroke: float, celsius: float, difference: float, clogged: float = 0.0) -> float:
    """kg/s: resistances in series, the strainer's by its free area."""
    series = (DROP - STRAINER_DROP + STRAINER_DROP / (1.0 - clogged) ** 2) / DESIGN**2
    return sqrt(difference / (series + kv_resistance(stroke, celsius)))


def choked_by_hand(stroke: float, difference: float, back: float) -> float:
    """kg/s at 120 °C: what the circuit lets through, or FL^2*(p1 - FF*pv) over the valve."""
    useful = RECOVERY**2 * (back + difference + ATMOSPHERE - 0.96 * BOILING_120)
    free = branch_by_hand(stroke, 120.0, difference)
    return min(free, sqrt(useful / kv_resistance(stroke, 120.0)))


def choking_model(stroke: float, difference: float, back: float) -> float:
    """kg/s of the branch at 120 °C."""
    one = branch(stroke, 120.0)
    return one.limit(one.flow_at(difference), back + difference)


@cache
def shared_network() -> dict[str, tuple[float, float]]:
    """(model, solved) kg/s of two zones on one network, the second with a booster at 40 Hz in its supply."""
    from scipy.optimize import fsolve

    low = ZoneParameters(name="low")
    high = ZoneParameters(name="high", booster="supply", booster_head_kpa=150.0)
    steady = PlantParameters(
        zones=(low, high),
        primary_disturbance=0.0,
        primary_network_drop_kpa=40.0,
    )
    plant = Plant(steady, Weather.constant(-24.2))
    for name, value in (("low.valve_command", 70.0), ("high.valve_command", 90.0)):
        plant.command(name, value)
    plant.command("high.booster_run", 1.0)
    plant.command("high.booster_speed", 40.0)
    for _ in range(120):
        plant.step(5.0)
    strokes = [plant.zones[name].valve.position for name in ("low", "high")]
    rho = density(HOT)
    nominal = DESIGN / density(60.0)
    head, steep = 1.4 * 150e3 * 0.8**2, 0.4 * 150e3 / nominal**2 / rho**2
    fixed = DROP / DESIGN**2
    loss = 40e3 / (2.0 * DESIGN) ** 2

    def equations(unknown: list[float]) -> list[float]:
        difference, first, second = unknown
        return [
            (110e3 - loss * (first + second) ** 2 - difference) / 1e5,
            (difference - (fixed + kv_resistance(strokes[0], HOT)) * first**2) / 1e5,
            (difference + head - (fixed + kv_resistance(strokes[1], HOT) + steep) * second**2) / 1e5,
        ]

    _, first, second = fsolve(equations, [50e3, 5.0, 10.0], xtol=1e-12)
    return {
        "low": (plant.zones["low"].primary_flow, float(first)),
        "high": (plant.zones["high"].primary_flow, float(second)),
    }


def network_follows_late() -> list[Comparison]:
    """Two days of a sine outdoors."""
    errors = [model - wanted for _, model, wanted in late_supply()]
    name = "primary, supply on the source's curve 3 h late, two days of ± 8 K outdoors"
    return [Comparison(name, "primary.py", "first-order lag in closed form", "K", 0.1, worst(errors), 0.02)]


def shortage_and_outage() -> list[Comparison]:
    """What a shortage leaves once it is complete, and the water of an outage."""
    network = PrimaryNetwork("trouble", disturbance=0.0)
    network.settle(-24.2)
    network.trouble("shortage", 0.3)
    for _ in range(6 * 720):
        network.step(5.0, -24.2)
    short = network.supply_temperature - (50.0 + 0.7 * 60.0)
    network.clear()
    network.settle(-24.2)
    network.trouble("outage")
    errors = []
    for hour in range(1, 13):
        for _ in range(720):
            network.step(5.0, -24.2)
        errors.append(network.supply_temperature - (20.0 + 90.0 * exp(-hour / 12.0)))
    source = "closed form"
    return [
        Comparison("primary, 30 % short of heat after 6 h", "primary.py", source, "K", 0.1, abs(short), 0.01),
        Comparison(
            "primary, water of an outage over 12 h", "primary.py", source, "K", 0.1, worst(errors), 0.01
        ),
    ]


def branch_flows() -> list[Comparison]:
    """Clean and clogged, choking and not, and two branches that share a network."""
    clean = [100.0 * (branch(y, HOT).flow_at(110e3) / branch_by_hand(y, HOT, 110e3) - 1.0) for y in STROKES]
    clogged = [
        100.0 * (branch(y, HOT, 0.7).flow_at(110e3) / branch_by_hand(y, HOT, 110e3, 0.7) - 1.0)
        for y in STROKES
    ]
    choked = [
        100.0 * (choking_model(0.6, dp, LOW) / choked_by_hand(0.6, dp, LOW) - 1.0)
        for dp in range(20_000, 400_000, 20_000)
    ]
    shared = [100.0 * (model / wanted - 1.0) for model, wanted in shared_network().values()]

    def row(
        what: str, errors: list[float], held: float, source: str = "IEC 60534, solved by hand"
    ) -> Comparison:
        return Comparison(
            f"primary branch, {what}", "primary_branch.py", source, "%", 0.1, worst(errors), held
        )

    return [
        row("flow at six strokes and 110 kPa", clean, 1e-6),
        row("the same with 70 % of the strainer clogged", clogged, 1e-6),
        row("120 °C at 100 kPa in the return, 20–380 kPa: free, then choking", choked, 0.1),
        row("two on one network, one with a booster", shared, 0.01, "its equations, scipy fsolve"),
    ]


def at_once(seconds: float) -> float:
    """°C of a supply that follows its curve without delay."""
    return source_curve(MEAN + SWING * sin(2.0 * pi * seconds / PERIOD))
