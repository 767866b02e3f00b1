"""A whole indirect station against 24 h of the same station in Dymola: see validation_dymola.py."""

import pytest

from tests.sim.validation_cases import failures
from tests.sim.validation_dymola import CP, FILE, REFERENCE_NTU, load, station_day


@pytest.fixture(scope="module")
def rows():
    if not FILE.parent.exists():
        pytest.skip(f"no reference data at {FILE.parent}: the station is NOT validated in this run")
    return load()


def test_the_files_heat_and_what_its_meter_shows(rows):
    for row in rows[7:]:
        primary = CP * row["m1_kg_s"] * (row["T1_in_C"] - row["T1_out_C"])
        secondary = CP * row["m2_kg_s"] * (row["T2_out_C"] - row["T2_in_C"])
        assert primary == pytest.approx(secondary, rel=1e-3)
        metered = CP * row["m1_kg_s"] * (row["T1_in_C"] - row["T2_in_C"])
        assert row["Q_W"] == pytest.approx(metered, rel=1e-3)
        assert row["Q_W"] > 1.01 * secondary


@pytest.mark.usefixtures("rows")
def test_the_station_of_a_day_with_both_nominal_ntu():
    assert pytest.approx(1.961, abs=1e-3) == REFERENCE_NTU
    assert failures(station_day()) == []
