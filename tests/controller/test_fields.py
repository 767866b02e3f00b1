"""Types of settings: what they take, and the code and values of what they refuse."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from controller.fields import (
    Amount,
    DayWindow,
    Flag,
    Name,
    Reference,
    Settings,
    Span,
    Whole,
    Words,
    plain_width,
)
from controller.quantities import QUANTITIES
from controller.texts import catalogue

PRESSURE = Annotated[float, Amount("pressure", 50, 1200)]
SPEED = Annotated[tuple[float, float], Span("frequency", 10, 60)]


def read(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refused(kind: Any, value: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(ValidationError) as caught:
        read(kind, value)
    error = caught.value.errors()[0]
    return error["type"], error.get("ctx", {})


@pytest.mark.parametrize(
    ("kind", "value", "is_"),
    [
        (PRESSURE, "0.35 MPa", 350.0),
        (PRESSURE, 350.0, 350.0),
        (SPEED, "25…50 Hz", (25.0, 50.0)),
        (SPEED, (25.0, 50.0), (25.0, 50.0)),
        (Flag, "yes", True),
        (Flag, "no", False),
        (Flag, True, True),
        (Name, "low_pump_1", "low_pump_1"),
        (Reference, "analog.channel_1", "analog.channel_1"),
        (Whole, "010", 10),
        (Whole, "-3", -3),
        (Words, " 香坊，三号站 ", "香坊，三号站"),
        (DayWindow, "06-08", (21600.0, 28800.0)),
        (DayWindow, "22:30-05:00", (81000.0, 18000.0)),
        (DayWindow, "20-24", (72000.0, 86400.0)),
        (DayWindow, (0.0, 60.0), (0.0, 60.0)),
    ],
)
def test_taken(kind: Any, value: Any, is_: Any) -> None:
    assert read(kind, value) == is_


@pytest.mark.parametrize(
    ("kind", "value", "code", "values"),
    [
        (PRESSURE, "5 MPa", "too_high", {"value": "5 MPa", "allowed": "0.05 … 1.2 MPa"}),
        (PRESSURE, "20 kPa", "too_low", {"value": "20 kPa", "allowed": "50 … 1200 kPa"}),
        (PRESSURE, 20.0, "too_low", {"value": "20.0", "allowed": "50 … 1200 kPa"}),
        (PRESSURE, float("nan"), "not_a_number", {}),
        (PRESSURE, True, "not_a_number", {}),
        (PRESSURE, "350", "no_unit", {"examples": "350 kPa, 350 MPa, 350 bar"}),
        (PRESSURE, "３５０ kPa", "full_width", {"value": "３５０ kPa", "right": "350 kPa"}),
        (PRESSURE, {"kPa": "350"}, "value_not_map", {}),
        (PRESSURE, ["350 kPa"], "value_not_list", {}),
        (Annotated[float, Amount("time", low=0)], "-1 s", "too_low", {"allowed": "≥ 0 s"}),
        (Annotated[float, Amount("time", high=60)], "5 min", "too_high", {"allowed": "≤ 1 min"}),
        (Annotated[float, Amount("number")], "5 m", "plain_number", {"value": "5 m"}),
        (SPEED, "50…25 Hz", "span_order", {"value": "50…25 Hz"}),
        (SPEED, "25…70 Hz", "too_high", {"value": "70 Hz", "allowed": "10 … 60 Hz"}),
        (SPEED, "50 Hz", "not_a_span", {"unit": "Hz"}),
        (Flag, "on", "not_a_flag", {"value": "on"}),
        (Flag, "true", "not_a_flag", {}),
        (Flag, "Yes", "not_a_flag", {}),
        (Name, "Low pump", "not_a_name", {}),
        (Name, "低区", "not_a_name", {}),
        (Name, "a，b", "full_width", {"right": "a,b"}),
        (Reference, "analog", "not_a_reference", {}),
        (Whole, "1.0", "not_whole", {}),
        (Whole, "1" * 30, "not_whole", {}),
        (Words, "  ", "not_text", {}),
        (Words, "a\nb", "not_text", {}),
        (DayWindow, "24-25", "not_a_window", {}),
        (DayWindow, "08-08", "not_a_window", {}),
        (DayWindow, "23-24:30", "not_a_window", {}),
    ],
)
def test_refused(kind: Any, value: Any, code: str, values: dict[str, str]) -> None:
    found, context = refused(kind, value)
    assert found == code
    assert values.items() <= context.items()
    assert f"check.{code}" in catalogue("en")


def test_unknown_keys_are_errors() -> None:
    class Model(Settings):
        a: Words = "x"

    with pytest.raises(ValidationError, match="extra_forbidden"):
        Model.model_validate({"b": "1"})


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("－５　℃", "-5 °C"),
        ("０６：００", "06:00"),
        ("a，b", "a,b"),
        ("5。5", "5.5"),
        ("25…50", "25...50"),
    ],
)
def test_plain_width(text: str, plain: str) -> None:
    assert plain_width(text) == plain


KINDS = [PRESSURE, SPEED, Flag, Name, Reference, Whole, Words, DayWindow]
KINDS += [Annotated[float, Amount(key, -10, 10)] for key in QUANTITIES]
SHAPES = (
    st.text(max_size=12) | st.none() | st.lists(st.text(max_size=3)) | st.dictionaries(st.text(), st.text())
)


@given(st.sampled_from(KINDS), SHAPES)
def test_any_value_is_taken_or_refused_with_a_code_that_has_its_text(kind: Any, value: Any) -> None:
    try:
        read(kind, value)
    except ValidationError as problem:
        for error in problem.errors():
            assert f"check.{error['type']}" in catalogue("en")
