"""Raw words and values: round trip, limits, word order, codes."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drivers.profile import WORDS, ProfilePoint
from drivers.readings import Fault
from drivers.registers import decode, encode, raw_of

NUMBERS = ("uint16", "int16", "uint32", "int32", "uint64")


def point(**more: Any) -> ProfilePoint:
    return ProfilePoint.model_validate({"register": 0, "vendor": "x", "type": "uint16"} | more)


@given(st.sampled_from(NUMBERS), st.sampled_from(["high_first", "low_first"]), st.data())
def test_words_to_value_and_back(kind: str, order: str, data: st.DataObject) -> None:
    scaled = point(type=kind, word_order=order, scale=0.1, offset=-4)
    words = data.draw(st.lists(st.integers(0, 65535), min_size=WORDS[kind], max_size=WORDS[kind]))
    assume(abs(raw_of(scaled, words)) < 1 << 50)  # a float holds no more
    value, fault = decode(scaled, words)
    assert fault is Fault.NONE
    assert encode(scaled, value) == words


@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(["high_first", "low_first"])
)
def test_float_words(value: float, order: str) -> None:
    number = point(type="float32", word_order=order)
    assert decode(number, encode(number, value)) == (value, Fault.NONE)


def test_word_order_is_the_profiles() -> None:
    high, low = struct.unpack(">HH", struct.pack(">f", 49.5))
    assert decode(point(type="float32"), [high, low])[0] == 49.5
    assert decode(point(type="float32", word_order="low_first"), [low, high])[0] == 49.5
    assert decode(point(type="uint32", word_order="low_first"), [1, 2])[0] == 2 * 65536 + 1


@pytest.mark.parametrize("raw", [0x7FC00000, 0x7F800000, 0xFF800000])
def test_a_float_that_is_no_number_is_no_value(raw: int) -> None:
    value, fault = decode(point(type="float32"), [raw >> 16, raw & 0xFFFF])
    assert math.isnan(value)
    assert fault is Fault.NOT_AVAILABLE


def test_not_available_codes_are_raw() -> None:
    value, fault = decode(point(type="int16", scale=0.1, not_available=[-32768]), [0x8000])
    assert math.isnan(value)
    assert fault is Fault.NOT_AVAILABLE


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(NUMBERS))
def test_a_written_value_stays_within_range_and_type(value: float, kind: str) -> None:
    ranged = point(type=kind, scale=0.01, range=[0, 100])
    assert 0 <= decode(ranged, encode(ranged, value))[0] <= 100
    free = point(type=kind)
    assert all(0 <= word <= 65535 for word in encode(free, value))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        encode(point(), value)


def test_codes_both_ways() -> None:
    run = point(codes={0: 0x047E, 1: 0x047F})
    assert encode(run, 1.0) == [0x047F]
    assert decode(run, [0x047F])[0] == 1.0
    assert decode(run, [0x0000])[0] == 0.0
    with pytest.raises(ValueError, match="no code"):
        encode(run, 2.0)


def test_flags() -> None:
    flag = point(bit=3)
    assert decode(flag, [0b1000])[0] == 1.0
    assert decode(flag, [0b0111])[0] == 0.0
    coil = point(type="bit", table="coil")
    assert encode(coil, 1.0) == [1]
    assert decode(coil, [1])[0] == 1.0
