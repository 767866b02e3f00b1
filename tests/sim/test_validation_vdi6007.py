"""The two-element building against the test cases of VDI 6007-1.

Every hourly value of every case in the file, parameters only. The reference is the mean of the hour before
its stamp, in steps of 0.1 K. Around the test room it is 22 °C for ever, with the standard's outer film of
25 W/(m2·K).
"""

import json
from pathlib import Path

import pytest

from sim.physics.elements import Elements
from sim.physics.two_elements import TwoElements

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "vdi6007_testcases.json"
CASES = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
TOLERANCE = 0.10  # K; the standard's own criterion is 0.1 K on rounded values, its implementations use 0.15
OUTER_FILM = 25.0
OUTDOOR = 22.0
HOUR = 3600.0
AIR = 1.2 * 1006.0  # J/(m3·K)


def test_the_reference_is_there():
    if not CASES:
        pytest.skip(f"no reference data at {FILE}: the building model is NOT validated in this run")
    assert sorted(CASES) == ["1", "2", "3", "4"]


def elements(parameters: dict[str, str]) -> Elements:
    p = {name: float(text) for name, text in parameters.items()}
    return Elements(
        exterior_area=p["AExt"],
        exterior_resistance=p["RExt"],
        exterior_capacity=p["CExt"],
        exterior_rest=p["RExtRem"] + 1.0 / (OUTER_FILM * p["AExt"]),
        interior_area=p["AInt"],
        interior_resistance=p["RInt"],
        interior_capacity=p["CInt"],
        window_area=p["AWin"],
        window_resistance=p["RWin"],
        air_capacity=p["VAir"] * AIR,
        exterior_film=p["hConExt"],
        window_film=p["hConWin"],
        interior_film=p["hConInt"],
        radiation=p["hRad"],
    )


def daily_gains(table: str) -> list[float]:
    """W in the 24 hours of a day, from `second,W;…`; where a second stands twice the second value begins."""
    rows = [tuple(float(field) for field in row.split(",")) for row in table.split(";")]
    assert rows[-1][0] == 24 * HOUR
    hours = []
    for hour in range(24):
        begin = [value for second, value in rows if second <= hour * HOUR][-1]
        end = next(value for second, value in rows if second >= (hour + 1) * HOUR)
        assert begin == end, f"gains change within hour {hour}"
        hours.append(begin)
    return hours


def deviations(case: dict[str, object], part: float) -> dict[float, float]:
    """Model minus reference in K by second; `part` s is the step."""
    gains = daily_gains(case["intGai"])
    radiative = "radiative heat source" in case["doc"]
    assert radiative != ("convective heat source" in case["doc"])
    reference = dict(case["reference"])
    assert len(reference) == case["n"] == 73
    room = TwoElements(elements(case["params"]), float(case["params"]["T_start"]) - 273.15)
    result = {0.0: room.air - reference.pop(0.0)}
    steps = round(HOUR / part)
    for hour in range(1, round(max(reference) / HOUR) + 1):
        heat = gains[(hour - 1) % 24]
        total = 0.0
        for _ in range(steps):
            total += room.step(part, OUTDOOR, 0.0 if radiative else heat, heat if radiative else 0.0)
        wanted = reference.pop(hour * HOUR, None)
        if wanted is not None:
            result[hour * HOUR] = total / steps - wanted
    assert not reference, f"reference values between the hours: {sorted(reference)}"
    return result


@pytest.mark.parametrize("number", sorted(CASES))
def test_every_hour_of_the_case(number, record_property):
    found = deviations(CASES[number], 60.0)
    second, worst = max(found.items(), key=lambda item: abs(item[1]))
    record_property("worst_deviation_K", worst)
    print(f"VDI 6007-1 case {number}: worst {worst:+.3f} K at {second / HOUR:.0f} h")
    # Written so that NaN fails.
    bad = {second: value for second, value in found.items() if not abs(value) <= TOLERANCE}
    assert not bad
    assert len(found) == 73


@pytest.mark.parametrize("number", sorted(CASES))
def test_hourly_steps_end_where_minutes_do(number):
    case = CASES[number]
    room, fine = (TwoElements(elements(case["params"]), OUTDOOR) for _ in range(2))
    gains = daily_gains(case["intGai"])
    for hour in range(48):
        heat = gains[hour % 24]
        room.step(HOUR, OUTDOOR, 0.5 * heat, 0.5 * heat)
        for _ in range(240):
            fine.step(15.0, OUTDOOR, 0.5 * heat, 0.5 * heat)
        assert room.air == pytest.approx(fine.air, abs=0.02)


def test_a_missing_key_and_a_nan_fail():
    if not CASES:
        pytest.skip(f"no reference data at {FILE}")
    parameters = dict(CASES["1"]["params"])
    del parameters["RInt"]
    with pytest.raises(KeyError, match="RInt"):
        elements(parameters)
    with pytest.raises(ValueError, match="interior_resistance"):
        elements({**parameters, "RInt": "nan"})
