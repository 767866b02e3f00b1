"""Pipes against a measured week of a district-heating network (AIT, Pongau 2009), next to Dymola's own pipe.

How the columns are used: T1 and m1 (the sum of the place, most of which leaves behind pipe 0 by an excluded
branch) enter pipe 0; m2, m3, m4 are what points 2, 3, 4 draw, so pipe 1 carries their sum and pipe 5
m2 + m3; T_outdoor is the temperature of the ground at 2 m radius; T2, T3, T4 are only compared with.
Between the rows (15 min) inputs run straight, as in the reference's table; the outlet of the last 60 s before
a row is compared with that row. Only rows after 10 000 s count. Water is that of 85 °C.

Two things are part of Dymola's figures (1.78 and 1.46 K at points 2 and 3) without being the pipe:
- resistance: for pipes 2, 3, 4 it divides the casing's RADIUS of 70 mm by the steel's DIAMETER of 33.7 mm, so
  its insulation has 5.07 m·K/W with the soil, and not the 9.67 of coaxial shells of that geometry (for the
  others it takes 89.9 mm for 88.9, and the casing's diameter for its radius in the soil: 4.85 and not 4.88);
- thermometer: first order in the water that passes (1 s at 1 kg/s) with a loss to 20 °C in 6500 s, which
  shows 0.4 K less at 0.03 kg/s. At point 4 it sees no flow below 0.001 kg/s. Point 4 stands for half of
  the week; what errs there is a few rows where the meter shows flow and the thermometer none, or the reverse.
Source of both: PlugFlowAIT.mo and TemperatureTwoPort.mo of Modelica Buildings. So pipe is compared with pipe
under the same resistance and thermometer; the same network with the honest shells stands beside it.
"""

import csv
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from math import exp, isfinite, log, pi

from sim.physics.pipe import Pipe
from sim.physics.water import density, heat_capacity
from tests.sim.validation_cases import DATA, Comparison, mean, rms

FILE = DATA / "pipes" / "ait_pongau_2009.csv"
TEMPERATURES = ("T1_K", "T2_K", "T3_K", "T4_K", "T_outdoor_K")
FLOWS = ("m1_kg_s", "m2_kg_s", "m3_kg_s", "m4_kg_s")
DYMOLA = {2: 1.78, 3: 1.46, 4: 4.35}
ZERO = 273.15
DT = 60.0
STEPS = 15
FIRST = 10_000.0
WATER = 85.0
LENGTH = {0: 20.0, 1: 115.0, 2: 76.0, 3: 38.0, 4: 29.0, 5: 20.0}
MAINS = (0, 1, 5)
WALL = 0.0032
# m·K/W as the reference has them (see above).
REFERENCE_MAIN = log(0.18 / 0.0899) / (2 * pi * 0.024) + log(2 / 0.18) / (2 * pi * 2.4)
REFERENCE_SERVICE = log(0.07 / 0.0337) / (2 * pi * 0.024) + log(2 / 0.07) / (2 * pi * 2.4)


@cache
def load() -> list[dict[str, float]]:
    """The rows of the file in °C and kg/s; refuses what is missing or not a number."""
    with FILE.open(encoding="utf-8") as lines:
        table = [
            {name: float(row[name]) for name in ("time_s", *TEMPERATURES, *FLOWS)}
            for row in csv.DictReader(lines)
        ]
    assert len(table) == 672
    for i, row in enumerate(table):
        assert all(isfinite(value) for value in row.values()), f"line {i + 2} of {FILE}"
        assert row["time_s"] == 900.0 * i
        for name in TEMPERATURES:
            row[name] -= ZERO
    return table


def network(coaxial: bool, start: float) -> dict[int, Pipe]:
    """The six pipes: with the shells of their geometry, or with the reference's resistances."""
    pipes = {}
    for number, length in LENGTH.items():
        main = number in MAINS
        pipe = Pipe.buried(
            length,
            inner_diameter=0.0825 if main else 0.0337 - 2 * WALL,
            wall=WALL,
            casing_diameter=0.18 if main else 0.14,
            insulation_conductivity=0.024,
            soil_conductivity=2.4,
            soil_diameter=4.0,
            cp=heat_capacity(WATER),
            density=density(WATER),
            temperature=start,
        )
        if not coaxial:
            resistance = REFERENCE_MAIN if main else REFERENCE_SERVICE
            pipe = Pipe(
                pipe.mass,
                length / resistance,
                cp=pipe.cp,
                temperature=start,
                wall_capacity=pipe.wall_capacity,
            )
        pipes[number] = pipe
    return pipes


@dataclass
class Point:
    """A consumer: its thermometer and what was measured in °C, errors of bare water and thermometer in K."""

    shown: float
    water: float = 0.0
    measured: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    metered: list[float] = field(default_factory=list)

    def pass_by(self, water: float, flow: float) -> None:
        self.water = water
        rate = flow / 1.0 + 1.0 / 6500.0
        goal = (flow * water + 20.0 / 6500.0) / rate
        self.shown = goal + (self.shown - goal) * exp(-rate * DT)

    def compare(self, measured: float) -> None:
        self.measured.append(measured)
        self.bare.append(self.water - measured)
        self.metered.append(self.shown - measured)


@cache
def run(coaxial: bool) -> dict[int, Point]:
    """The week at points 2, 3 and 4, from FIRST on."""
    rows = load()
    pipes = network(coaxial, rows[0]["T2_K"])
    points = {number: Point(rows[0][f"T{number}_K"]) for number in (2, 3, 4)}
    for row, following in pairwise(rows):
        for step in range(STEPS):
            share = (step + 0.5) / STEPS
            now = {name: value + share * (following[name] - value) for name, value in row.items()}
            m2, m3, m4, ground = now["m2_kg_s"], now["m3_kg_s"], now["m4_kg_s"], now["T_outdoor_K"]
            entrance = pipes[0].step(DT, now["T1_K"], now["m1_kg_s"], ground)
            first = pipes[1].step(DT, entrance, m2 + m3 + m4, ground)
            second = pipes[5].step(DT, first, m2 + m3, ground)
            points[2].pass_by(pipes[2].step(DT, second, m2, ground), m2)
            points[3].pass_by(pipes[3].step(DT, second, m3, ground), m3)
            points[4].pass_by(pipes[4].step(DT, first, m4, ground), m4 if m4 >= 0.001 else 0.0)
        if following["time_s"] > FIRST:
            for number, point in points.items():
                point.compare(following[f"T{number}_K"])
    return points


_OFFSET = "3 K too warm at any flow, so no loss of heat; not explained, nothing is fitted"
_MISSING_HEAT = "as much heat is missing as the buried branch loses, see Pongau below; nothing is fitted"
_NO_THERMOMETER = "without the loss of its thermometer, which is part of Dymola's figure"
_STANDS = "the branch stands for hours, and there the recorded flow and temperature contradict each other"


def _row(number: int, what: str, reached: float, held: float, missed_because: str = "") -> Comparison:
    return Comparison(
        f"pipe, point {number}, {what}, RMS",
        "pipe.py",
        f"Pongau, measured; limit: Dymola's {DYMOLA[number]:.2f} K",
        "K",
        DYMOLA[number],
        reached,
        held,
        missed_because,
    )


def with_the_references_assumptions() -> list[Comparison]:
    """Dymola's resistance, with its thermometer and without; point 4 is reported and kept from growing."""
    points = run(coaxial=False)
    return [
        _row(2, "Dymola's two assumptions", rms(points[2].metered), DYMOLA[2]),
        _row(3, "Dymola's two assumptions", rms(points[3].metered), DYMOLA[3]),
        _row(4, "Dymola's two assumptions", rms(points[4].metered), 11.0, _STANDS),
        _row(2, "Dymola's resistance, bare water", rms(points[2].bare), DYMOLA[2]),
        _row(3, "Dymola's resistance, bare water", rms(points[3].bare), 1.65, _NO_THERMOMETER),
    ]


def with_the_written_geometry() -> list[Comparison]:
    """Coaxial shells of the geometry in the data's README, bare water."""
    points = run(coaxial=True)
    return [
        _row(2, "written geometry", rms(points[2].bare), 3.4, _OFFSET),
        _row(3, "written geometry", rms(points[3].bare), 4.0, _MISSING_HEAT),
    ]


def mean_excess(number: int) -> float:
    """K by which the written geometry is too warm at a point."""
    return mean(run(coaxial=True)[number].bare)
