"""The plate exchanger against tables, `ht` and its own formula; where no source stands, figures of FACTS §1.

`ht` (heat transfer library, 1.0 or newer) is asked for 200 seeded random design points.
"""

from functools import cache
from math import log
from random import Random

from sim.physics.exchanger import Exchanger, effectiveness
from tests.sim.validation_cases import Comparison, worst

# NTU, Z, effectiveness (counter-flow, VDI Heat Atlas C1).
TABLE = [
    (0.5, 0.3, 0.374479),
    (1, 0.3, 0.591540),
    (1, 0.5, 0.564733),
    (2, 0.5, 0.774600),
    (3, 0.3, 0.911011),
    (3, 0.5, 0.874425),
    (4, 0.3, 0.956642),
    (5, 0.3, 0.978669),
    (3, 1, 0.75),
    (5, 1, 0.833333),
]
# Primary and secondary temperatures in °C, kW/K a MW.
DESIGN_POINTS = [
    ((110, 60), (45, 60), 34.399),
    ((110, 50), (40, 50), 35.835),
    ((95, 55), (45, 60), 50.110),
]
RANDOM_POINTS = 200


def _row(
    what: str, reference: str, unit: str, limit: float, reached: float, held: float | None = None
) -> Comparison:
    held = limit if held is None else held
    return Comparison(f"exchanger, {what}", "exchanger.py", reference, unit, limit, reached, held)


def effectiveness_table() -> list[Comparison]:
    """The formula at the points of the table."""
    found = worst([effectiveness(ntu, ratio) - expected for ntu, ratio, expected in TABLE])
    return [_row(f"{len(TABLE)} table points of effectiveness", "VDI Heat Atlas C1", "", 1e-4, found, 1e-6)]


def design_points() -> list[Comparison]:
    """UA of three design points: the heat by effectiveness, and the logarithmic mean difference."""
    heats, means = [], []
    for hot, cold, ua in DESIGN_POINTS:
        c1, c2 = 1e6 / (hot[0] - hot[1]), 1e6 / (cold[1] - cold[0])
        eps = effectiveness(ua * 1e3 / c1, c1 / c2)
        heats.append(100.0 * (eps * c1 * (hot[0] - cold[0]) / 1e6 - 1.0))
        at_hot, at_cold = hot[0] - cold[1], hot[1] - cold[0]
        means.append(100.0 * (1e3 / ua / ((at_hot - at_cold) / log(at_hot / at_cold)) - 1.0))
    source = "calculated: 34.399, 35.835, 50.110 kW/K a MW"
    return [
        _row("heat of three design points", source, "%", 0.1, worst(heats), 0.01),
        _row("logarithmic mean of three design points", source, "%", 0.1, worst(means), 0.01),
    ]


def dynamic_model_at_rest() -> list[Comparison]:
    """600 s from cold at the check point of FACTS §1."""
    exchanger = Exchanger(120e3, 10.0, 33.0, cp1=4210.0, cp2=4180.0)
    for _ in range(600):
        out1, out2 = exchanger.step(1.0, 110.0, 10.0, 45.0, 33.0)
    source = "`ht`: 2 462 557 W, 51.5069 and 62.8524 °C"
    return [
        _row(
            "dynamic model at rest, heat",
            source,
            "%",
            0.1,
            100.0 * abs(exchanger.heat / 2_462_557 - 1.0),
            1e-3,
        ),
        _row(
            "dynamic model at rest, outlets", source, "K", 0.01, worst([out1 - 51.5069, out2 - 62.8524]), 1e-3
        ),
    ]


@cache
def against_ht() -> list[Comparison]:
    """Steady heat, heat of the settled chain by both sides, and the primary outlet."""
    import ht

    random = Random(1)
    formula, chain, outlet = [], [], []
    for _ in range(RANDOM_POINTS):
        m1, m2 = random.uniform(2, 30), random.uniform(5, 90)
        ua = random.uniform(0.3, 3.0) * min(m1, m2) * 4200
        inlet1, inlet2 = random.uniform(60, 130), random.uniform(20, 55)
        exchanger = Exchanger(ua, m1, m2, cp1=4210.0, cp2=4180.0)
        out1, out2 = exchanger.settle(inlet1, m1, inlet2, m2)
        witness = ht.effectiveness_NTU_method(
            mh=m1, mc=m2, Cph=4210.0, Cpc=4180.0, subtype="counterflow", Thi=inlet1, Tci=inlet2, UA=ua
        )
        formula.append(100.0 * (exchanger.steady_heat(inlet1, m1, inlet2, m2) / witness["Q"] - 1.0))
        chain.append(100.0 * (exchanger.heat / witness["Q"] - 1.0))
        chain.append(100.0 * (m2 * 4180.0 * (out2 - inlet2) / witness["Q"] - 1.0))
        outlet.append(out1 - witness["Tho"])
    source = f"`ht`, {RANDOM_POINTS} random points"
    return [
        _row("heat by the formula", source, "%", 0.1, worst(formula), 1e-4),
        _row("heat of the settled cells, both sides", source, "%", 0.1, worst(chain)),
        _row("primary outlet of the settled cells", source, "K", 0.05, worst(outlet)),
    ]


@cache
def chain_up_to_ntu_8() -> list[Comparison]:
    """The settled chain of cells against the formula of the whole, either side the weaker one."""
    errors = []
    for step in range(1, 41):
        for tenth in range(1, 11):
            ntu, ratio = 0.2 * step, 0.1 * tenth
            for flow1, flow2 in ((ratio, 1.0), (1.0, ratio)):
                exchanger = Exchanger(ntu * ratio * 4180.0, flow1, flow2, cp1=4180.0, cp2=4180.0)
                exchanger.settle(100.0, flow1, 0.0, flow2)
                expected = exchanger.steady_heat(100.0, flow1, 0.0, flow2)
                errors.append(exchanger.heat / expected - 1.0)
    return [
        _row("settled cells, NTU 0.2 to 8, Z 0.1 to 1", "ε-NTU formula", "", 1e-4, worst(errors), 1e-6),
    ]
