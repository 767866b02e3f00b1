"""Values as people write them, in the one unit of their quantity."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.quantities import QUANTITIES, UNITS, BadQuantity, Quantity, parse, parse_span
from drivers.library import UNITS as PROFILE_UNITS


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        ("pressure", "0.35 MPa", 350.0),
        ("pressure", "3.5bar", 350.0),
        ("pressure", "  350 kPa ", 350.0),
        ("pressure", "350 000 Pa", 350.0),
        ("temperature", "-24.2 °C", -24.2),
        ("temperature", "−24.2 ℃", -24.2),
        ("temperature", "20 度", 20.0),
        ("temperature_difference", "+1.5 K", 1.5),
        ("time", "5 min", 300.0),
        ("time", "1 d", 86400.0),
        ("flow", "10 l/s", 36.0),
        ("area", "50 000 m²", 50000.0),
        ("area", "50\u00a0000 m²", 50000.0),
        ("area", "5 万m²", 50000.0),
        ("heat", "1 MWh", 3.6),
        ("number", "0.5", 0.5),
    ],
)
def test_what_people_write(quantity: str, text: str, value: float) -> None:
    assert parse(text, QUANTITIES[quantity]) == pytest.approx(value)


@pytest.mark.parametrize(
    ("quantity", "text", "code"),
    [
        ("time", "30", "no_unit"),
        ("time", "30 K", "wrong_unit"),
        ("time", "30 S", "wrong_unit"),
        ("time", "s", "not_a_number"),
        ("time", "", "not_a_number"),
        ("time", "1e3 s", "not_a_number"),
        ("time", "0x10 s", "not_a_number"),
        ("time", "1_0 s", "not_a_number"),
        ("time", "1,5 s", "not_a_number"),
        ("time", "1.5.2 s", "not_a_number"),
        ("time", "30 00 s", "not_a_number"),
        ("time", "nan s", "not_a_number"),
        ("time", "inf s", "not_a_number"),
        ("time", "３０ s", "not_a_number"),
        ("time", "30 s or so", "not_a_number"),
        ("time", f"{'9' * 400} s", "huge"),
        ("number", "5 m", "wrong_unit"),
    ],
)
def test_what_is_refused(quantity: str, text: str, code: str) -> None:
    with pytest.raises(BadQuantity) as caught:
        parse(text, QUANTITIES[quantity])
    assert (caught.value.code, caught.value.text) == (code, text)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("25…50 Hz", (25, 50)),
        ("25……50 Hz", (25, 50)),
        ("25 Hz … 50 Hz", (25, 50)),
        ("25 .. 50 Hz", (25, 50)),
        ("25...50Hz", (25, 50)),
        ("25~50 Hz", (25, 50)),
        ("25–50 Hz", (25, 50)),
        ("-5…-2.5 Hz", (-5, -2.5)),
    ],
)
def test_spans(text: str, ends: tuple[float, float]) -> None:
    assert parse_span(text, QUANTITIES["frequency"]) == ends


def test_the_ends_of_a_span_may_have_their_own_units() -> None:
    assert parse_span("500 kPa…1.6 MPa", QUANTITIES["pressure"]) == (500, 1600)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("25-50 Hz", "not_a_span"),
        ("25…50", "no_unit"),
        ("25 K…50 Hz", "wrong_unit"),
        ("…", "not_a_span"),
    ],
)
def test_bad_spans(text: str, code: str) -> None:
    with pytest.raises(BadQuantity) as caught:
        parse_span(text, QUANTITIES["frequency"])
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "shown"),
    [(41.25, "41.2 °C"), (-0.04, "0.0 °C"), (math.nan, "–"), (math.inf, "–"), (-math.inf, "–")],
)
def test_shown_to_people(value: float, shown: str) -> None:
    assert QUANTITIES["temperature"].show(value) == shown


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=lambda quantity: quantity.key)
def test_units_belong_to_their_quantity(quantity: Quantity) -> None:
    assert quantity.factor("parsec") is None
    offered = quantity.units().split(", ")
    assert offered[0] == quantity.unit
    factors = [quantity.factor(unit) for unit in offered]
    assert len(set(factors)) == len(factors), "two spellings of one unit are offered"


def test_every_unit_of_the_profiles_is_known() -> None:
    unknown = {unit for unit in PROFILE_UNITS if unit} - set(UNITS)
    assert unknown == set()


@given(st.floats(-1e6, 1e6), st.sampled_from(sorted(QUANTITIES)))
def test_a_written_value_is_read_back(value: float, key: str) -> None:
    quantity = QUANTITIES[key]
    for unit in quantity.units().split(", "):
        read = parse(f"{value:.6f} {unit}", quantity)
        assert read == pytest.approx(float(f"{value:.6f}") * (quantity.factor(unit) or 1.0), rel=1e-9)


@given(st.text(max_size=20), st.sampled_from(sorted(QUANTITIES)))
def test_any_text_is_a_finite_value_or_refused(text: str, key: str) -> None:
    with contextlib.suppress(BadQuantity):
        assert math.isfinite(parse(text, QUANTITIES[key]))
    with contextlib.suppress(BadQuantity):
        assert all(map(math.isfinite, parse_span(text, QUANTITIES[key])))
