"""A whole indirect station against 24 h of the same station in Dymola (Modelica Buildings, DHC.ETS.Heating).

Ours are the exchanger, the valve, the two pressure drops and a PI loop. The file drives them with T1_in,
T2_in and m2 (straight between its rows of 864 s); compared are T1_out, T2_out, m1, valve_y and heat.
Parameters are those of the data's README: 19 kW, 0.454 kg/s on both sides, eps 0.6667 (NTU 2) nominal, films
with the power 0.8, R = 50, leakage 1e-4, 9 kPa and 9 kPa of 18 kPa, k = 0.1 per K, Ti = 40 s, 50 °C wanted.
The README gives no contents and no stroke time: half a litre a side, 2 kg of plates and a quick actuator;
rows are 864 s apart, so these show only where a load jumps. The lowest position is that of the file.

Heat is taken from the file's temperatures and flows, whose primary and secondary sides agree within 0.1 %.
Its column Q_W is not the heat: in that release the station's meter takes the building's return for the
district's (PartialIndirect.mo subtracts senTBuiRet): Q_W = cp*m1*(T1_in - T2_in), up to 1.5 times the heat.
A test below holds that, and uses Q_W for what it is.

What remains under these parameters is a return 0.11 K colder with 1 % less primary flow: the reference limits
Z to 0.98 in its formula (epsilon_ntuZ.mo, ntu_epsilonZ.mo), also where it turns eps 0.6667 at Z = 1 into the
nominal NTU, which so is 1.961 and not 2. With that number the difference goes: the last test.
"""

import csv
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, log, sqrt
from pathlib import Path

import pytest

from sim.physics.exchanger import Exchanger
from sim.physics.hydraulics import branch_conductance, branch_flow
from sim.physics.valve import Valve, flow_conductance
from sim.physics.water import density

FILE = (
    Path(__file__).resolve().parents[3] / "shared" / "data" / "buildings_DHC_ETS_Heating_Indirect_dymola.csv"
)
COLUMNS = ("t_s", "T1_in_C", "T1_out_C", "T2_out_C", "T2_in_C", "m1_kg_s", "m2_kg_s", "valve_y", "Q_W")
CP = 4184.0  # Modelica Buildings' water
NOMINAL_FLOW = 0.454
NTU = 2.0
DROP = 9000.0
SETPOINT = 50.0
GAIN, INTEGRAL_TIME = 0.1, 40.0
LOWEST = 0.01
DT = 2.0
# The load begins at 1 h; until then the loop is warmer than its set-point and the valve rests. It leaves its
# stop just before the row of 5184 s.
CONTROLLED = 6000.0


@pytest.fixture(scope="module")
def rows():
    if not FILE.parent.exists():
        pytest.skip(f"no reference data at {FILE.parent}: the station is NOT validated in this run")
    with FILE.open(encoding="utf-8") as lines:
        table = [{name: float(row[name]) for name in COLUMNS} for row in csv.DictReader(lines)]
    assert len(table) == 101
    for i, row in enumerate(table):
        assert all(isfinite(value) for value in row.values()), f"line {i + 2} of {FILE}"
        assert row["t_s"] == 864.0 * i
    return table


class Station:
    """Exchanger, valve, resistance and PI of the run."""

    def __init__(self, start: float, ntu: float) -> None:
        rho = density(55.0)
        self.exchanger = Exchanger(
            ntu * NOMINAL_FLOW * CP,
            NOMINAL_FLOW,
            NOMINAL_FLOW,
            cp1=CP,
            cp2=CP,
            water_capacity=0.5 * CP,
            plate_capacity=2.0 * 500.0,
            temperature=start,
        )
        kvs = NOMINAL_FLOW / sqrt(DROP) / flow_conductance(1.0, rho)
        self.valve = Valve(kvs, "equal_percentage", 50.0, 1e-4, stroke_time=10.0, dead_band=0.0, stiction=0.0)
        self.valve.settle(1.0)
        self.rho = rho
        self.resistance = DROP / NOMINAL_FLOW**2
        self.integral = 1.0
        self.primary = 0.0
        self.outlet1 = self.outlet2 = start

    def step(self, dt: float, inlet1: float, inlet2: float, flow2: float) -> None:
        error = SETPOINT - self.outlet2
        output = GAIN * error + self.integral
        command = min(1.0, max(LOWEST, output))
        # The integral stands while the output is beyond a limit and the error pushes further.
        if output == command or (output > command) != (error > 0.0):
            self.integral += dt * GAIN * error / INTEGRAL_TIME
        self.valve.step(dt, command)
        self.primary = branch_flow(
            branch_conductance(self.resistance, self.valve.conductance(self.rho)), 2.0 * DROP
        )
        self.outlet1, self.outlet2 = self.exchanger.step(dt, inlet1, self.primary, inlet2, flow2)


@dataclass(frozen=True)
class Compared:
    """One row: what the file has and what we have."""

    row: dict[str, float]
    outlet1: float
    outlet2: float
    primary: float
    position: float

    def heat(self) -> float:
        """Ours, by the secondary side, in W."""
        return CP * self.row["m2_kg_s"] * (self.outlet2 - self.row["T2_in_C"])

    def reference_heat(self) -> float:
        """The file's, by its secondary side, in W."""
        return CP * self.row["m2_kg_s"] * (self.row["T2_out_C"] - self.row["T2_in_C"])


def run(rows, ntu: float) -> list[Compared]:
    station = Station(rows[0]["T2_in_C"], ntu)
    steps = round(864.0 / DT)
    compared = []
    for row, following in pairwise(rows):
        for step in range(steps):
            share = (step + 1.0) / steps
            now = {name: value + share * (following[name] - value) for name, value in row.items()}
            station.step(DT, now["T1_in_C"], now["T2_in_C"], now["m2_kg_s"])
        compared.append(
            Compared(following, station.outlet1, station.outlet2, station.primary, station.valve.position)
        )
    return [row for row in compared if row.row["t_s"] > CONTROLLED]


def rms(errors: list[float]) -> float:
    return sqrt(sum(error * error for error in errors) / len(errors))


def test_the_files_heat_and_what_its_meter_shows(rows):
    for row in rows[7:]:
        primary = CP * row["m1_kg_s"] * (row["T1_in_C"] - row["T1_out_C"])
        secondary = CP * row["m2_kg_s"] * (row["T2_out_C"] - row["T2_in_C"])
        assert primary == pytest.approx(secondary, rel=1e-3)
        metered = CP * row["m1_kg_s"] * (row["T1_in_C"] - row["T2_in_C"])
        assert row["Q_W"] == pytest.approx(metered, rel=1e-3)
        assert row["Q_W"] > 1.01 * secondary


def test_temperatures_flow_and_heat_of_the_station(rows):
    compared = run(rows, NTU)
    supply = [one.outlet2 - one.row["T2_out_C"] for one in compared]
    back = [one.outlet1 - one.row["T1_out_C"] for one in compared]
    flow = [one.primary / one.row["m1_kg_s"] - 1.0 for one in compared]
    position = [one.position - one.row["valve_y"] for one in compared]
    total = sum(one.heat() for one in compared) / sum(one.reference_heat() for one in compared) - 1.0
    single = [one.heat() / one.reference_heat() - 1.0 for one in compared]
    meter = sum(one.primary * (one.row["T1_in_C"] - one.row["T2_in_C"]) for one in compared) * CP
    metered = meter / sum(one.row["Q_W"] for one in compared) - 1.0
    print(
        f"supply {rms(supply):.3f} K, return {rms(back):.3f} K RMS; heat {100 * total:+.3f} % in all, "
        f"{100 * rms(single):.2f} % RMS a row; primary flow {100 * rms(flow):.2f} % RMS; valve "
        f"{100 * rms(position):.2f} % of stroke; Q_W {100 * metered:+.2f} %"
    )
    assert rms(supply) < 0.1
    assert rms(back) < 0.15
    assert abs(total) < 0.001
    assert rms(single) < 0.005
    assert rms(flow) < 0.02
    assert rms(position) < 0.01
    assert abs(metered) < 0.02


def test_the_rest_is_the_limit_in_the_references_formula(rows):
    eps, limit = 2.0 / 3.0, 0.98
    ntu = log((1.0 - eps) / (1.0 - limit * eps)) / (limit - 1.0)
    assert ntu == pytest.approx(1.961, abs=1e-3)
    compared = run(rows, ntu)
    back = rms([one.outlet1 - one.row["T1_out_C"] for one in compared])
    flow = rms([one.primary / one.row["m1_kg_s"] - 1.0 for one in compared])
    position = rms([one.position - one.row["valve_y"] for one in compared])
    print(f"NTU {ntu:.3f}: return {back:.3f} K, flow {100 * flow:.2f} %, valve {100 * position:.2f} % RMS")
    assert back < 0.05
    assert flow < 0.01
