"""Water, valve, pump and the elastic loop against IAPWS-97, IEC 60534, exact laws and calculated figures.

The figures without another source are calculated for the 2 MW demo (40 m3 of water) in FACTS §1 and §8.
"""

from functools import cache
from math import sqrt

from sim.physics.hydraulics import branch_conductance, branch_flow, parallel_pumps_flow
from sim.physics.pressure import ElasticLoop
from sim.physics.pump import Pump, PumpCurve
from sim.physics.valve import Valve, choked_pressure_drop, flow_conductance
from sim.physics.water import density, heat_capacity, saturation_pressure
from tests.sim.validation_cases import Comparison, worst

STROKES = (0.1, 0.3, 0.5, 0.7, 0.9)
# Share of the full flow at STROKES by authority, R = 50.
INSTALLED = {
    1.0: (0.0296, 0.0647, 0.1414, 0.3092, 0.6762),
    0.5: (0.0418, 0.0913, 0.1980, 0.4178, 0.7922),
    0.3: (0.0539, 0.1175, 0.2524, 0.5105, 0.8588),
    0.2: (0.0660, 0.1434, 0.3043, 0.5881, 0.8990),
}
KV = ((0.5, 49.68), (1.0, 35.13), (2.0, 24.84))  # bar, m3/h
# Vessel gas in m3, free air as a share, kPa/K at 0.35 MPa and 50 °C.
ELASTICITY = ((0.0, 0.0, 575.0), (0.0, 0.001, 152.0), (0.75, 0.0, 11.0))
LEAKS = ((0.0, 1.4), (0.75, 76.0))  # vessel gas, minutes from 0.35 to 0.05 MPa
CALCULATED = "calculated, 40 m³"


@cache
def water_against_iapws() -> list[Comparison]:
    """1 to 150 °C at 0.6 and 1.6 MPa."""
    import iapws

    rho, cp, cp_high, boil = [], [], [], []
    for celsius in (*range(1, 151, 4), 150):
        for pressure in (0.6, 1.6):
            water = iapws.IAPWS97(T=celsius + 273.15, P=pressure)
            rho.append(100.0 * (density(celsius) / water.rho - 1.0))
            (cp if pressure < 1.0 else cp_high).append(
                100.0 * (heat_capacity(celsius) / water.cp / 1e3 - 1.0)
            )
        boiling = iapws.IAPWS97(T=celsius + 273.15, x=0.0)
        boil.append(100.0 * (saturation_pressure(celsius) / boiling.P / 1e6 - 1.0))

    def row(what: str, limit: float, errors: list[float]) -> Comparison:
        return Comparison(
            f"water, {what}, 1–150 °C", "water.py", "IAPWS-97", "%", limit, worst(errors), limit
        )

    return [
        row("density at 0.6 and 1.6 MPa", 0.1, rho),
        row("heat capacity at 0.6 MPa", 0.1, cp),
        row("heat capacity at 1.6 MPa", 0.2, cp_high),
        row("boiling pressure", 0.1, boil),
    ]


def installed_share(authority: float, stroke: float) -> float:
    """Flow share of a valve that takes `authority` of 100 kPa when fully open: out of Kv and resistance."""
    valve = Valve(80.0, rangeability=50.0)
    valve.settle(1.0)
    full = valve.conductance(density(110.0)) * sqrt(authority * 100e3)
    resistance = (1.0 - authority) * 100e3 / full**2
    valve.settle(stroke)
    return branch_flow(branch_conductance(resistance, valve.conductance(density(110.0))), 100e3) / full


def installed_characteristics() -> list[Comparison]:
    """One row an authority, over five strokes."""
    return [
        Comparison(
            f"valve, share of flow at five strokes, authority {authority:g}",
            "valve.py, hydraulics.py",
            "installed characteristic of R = 50 in closed form",
            "",
            1e-3,
            worst(
                [
                    installed_share(authority, stroke) - expected
                    for stroke, expected in zip(STROKES, INSTALLED[authority], strict=True)
                ]
            ),
            1e-4,
        )
        for authority in INSTALLED
    ]


def flow_coefficient() -> list[Comparison]:
    """36 m3/h of 110 °C at three pressure drops."""
    rho = density(110.0)
    flows = [flow_conductance(kv, rho) * sqrt(bar * 1e5) / rho * 3600.0 for bar, kv in KV]
    found = worst([100.0 * (flow / 36.0 - 1.0) for flow in flows])
    return [Comparison("valve, 36 m³/h by three Kv", "valve.py", "IEC 60534-2-1", "%", 0.1, found, 0.1)]


def choking() -> list[Comparison]:
    """120 °C before the valve at 0.35 MPa absolute: 2 bar are more than can work; at gauge they are not."""
    boiling = saturation_pressure(120.0)
    low = choked_pressure_drop(350e3, boiling) * 1e-3
    high = choked_pressure_drop(350e3 + 101e3, boiling) * 1e-3
    return [
        Comparison(
            "valve, useful drop at 120 °C and 0.35 MPa absolute: below 2 bar",
            "valve.py",
            "IEC 60534-2-1",
            "kPa",
            200.0,
            low,
            200.0,
        ),
        Comparison(
            "valve, what 1 atm more leaves short of 2 bar: nothing",
            "valve.py",
            "IEC 60534-2-1",
            "kPa",
            0.0,
            max(0.0, 200.0 - high),
            0.0,
        ),
    ]


def running_pump(speed: float, flow: float = 0.03, head: float = 200e3) -> Pump:
    """A pump that has reached `speed` (share of nominal)."""
    pump = Pump(PumpCurve(flow, head))
    pump.settle(True, speed)
    return pump


def affinity_laws() -> list[Comparison]:
    """Head ~ n², power ~ n³ at the same share of flow; nominal point; the working point of a circuit."""
    curve = PumpCurve(0.03, 200e3)
    errors = []
    for speed in (0.4, 0.7, 1.0):
        for share in (0.0, 0.5, 1.0, 1.3):
            flow = share * 0.03
            errors.append(curve.head(flow * speed, speed) / (speed**2 * curve.head(flow, 1.0)) - 1.0)
            power = curve.shaft_power(flow, 1.0)
            errors.append(curve.shaft_power(flow * speed, speed) / (speed**3 * power) - 1.0)
    points = [
        curve.head(0.03, 1.0) / 200e3 - 1.0,
        curve.shaft_power(0.03, 1.0) / (200e3 * 0.03 / 0.75) - 1.0,
        parallel_pumps_flow([running_pump(1.0)], 0.0, 200e3 / 0.03**2) / 0.03 - 1.0,
    ]

    def row(what: str, found: list[float]) -> Comparison:
        return Comparison(
            f"pump, {what}", "pump.py", "affinity laws, exact", "%", 0.1, 100.0 * worst(found), 1e-4
        )

    return [
        row("head ~ n², power ~ n³", errors),
        row("nominal head, power and working point", points),
    ]


def heated_by_a_little(loop: ElasticLoop) -> float:
    """Pressure rise in kPa per kelvin at 0.35 MPa and 50 °C."""
    loop.fill(350e3, 50.0)
    return (loop.step(1.0, 0.0, 50.01) - 350e3) / 0.01 * 1e-3


def _loop(what: str, limit: float, reached: float) -> Comparison:
    return Comparison(f"loop, {what}", "pressure.py", CALCULATED, "%", limit, reached, limit)


def elasticity() -> list[Comparison]:
    """Three gas contents, and the growth of the water."""
    growth = 40.0 * (density(50.0) / density(51.0) - 1.0) * 1e3
    return [
        *(
            _loop(
                f"{expected:g} kPa/K with {100 * air:g} % air and {gas:g} m³ of vessel gas",
                5.0,
                100.0 * abs(heated_by_a_little(ElasticLoop(40.0, gas, air)) / expected - 1.0),
            )
            for gas, air, expected in ELASTICITY
        ),
        _loop("growth of 18 l/K", 5.0, 100.0 * abs(growth / 18.0 - 1.0)),
    ]


def _leaking(gas: float, air: float = 0.0) -> tuple[ElasticLoop, float]:
    """A filled loop and its leak of 1 % an hour in kg/s."""
    loop = ElasticLoop(40.0, gas, air)
    loop.fill(350e3, 50.0)
    return loop, 0.01 * 40.0 / 3600.0 * density(50.0)


def leak_minutes(gas: float, air: float = 0.0) -> float:
    """Minutes that a leak of 1 % an hour takes from 0.35 to 0.05 MPa."""
    loop, leak = _leaking(gas, air)
    seconds = 0
    while loop.step(1.0, -leak, 50.0) > 50e3:
        seconds += 1
    return seconds / 60.0


def leaks() -> list[Comparison]:
    """Two times in full. With air the 5 min of the calculation are the pace at the start: expanding air makes
    the true way 13 min long."""
    loop, leak = _leaking(0.0, 0.001)
    pace = 300e3 / ((350e3 - loop.step(1.0, -leak, 50.0)) * 60.0)
    return [
        *(
            _loop(
                f"leak of 1 %/h with {gas:g} m³ of vessel gas: {minutes:g} min to 0.05 MPa",
                5.0,
                100.0 * abs(leak_minutes(gas) / minutes - 1.0),
            )
            for gas, minutes in LEAKS
        ),
        _loop(
            "the same with 0.1 % air: 5.3 min at the first minute's pace", 5.0, 100.0 * abs(pace / 5.3 - 1.0)
        ),
    ]
