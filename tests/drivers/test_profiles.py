"""Every profile of the library keeps every invariant, and agrees with frames from outside this project."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drivers.library import (
    PROFILES,
    UNITS,
    ProfileError,
    UnknownProfile,
    find_profile,
    list_profiles,
    load_profile,
)
from drivers.profile import Profile, ProfilePoint
from drivers.readings import Fault
from drivers.registers import decode, encode, raw_of

NAMES = list_profiles()
CHINESE = re.compile(r"[\u4e00-\u9fff]")
TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}

profiles = {name: load_profile(find_profile(name)) for name in NAMES}
points = [(name, point) for name in NAMES for point in profiles[name].points]


@pytest.fixture(params=NAMES)
def profile(request: pytest.FixtureRequest) -> Profile:
    return profiles[request.param]


def test_the_demo_station_and_the_rest_are_there() -> None:
    assert {"abb/acs580", "advantech/adam-4015", "belimo/lr24a-mod", "kamstrup/multical-603"} <= set(NAMES)
    assert len(NAMES) >= 18


def test_name_is_the_place_in_the_library() -> None:
    for name in NAMES:
        assert profiles[name].device == name


def test_both_languages_everywhere(profile: Profile) -> None:
    for text in (*profile.setup, *profile.caveats):
        assert CHINESE.search(text.zh), f"no Chinese in: {text.zh}"
        assert not CHINESE.search(text.en), f"Chinese in: {text.en}"
        assert text.en.strip().endswith((".", ")"))
    assert profile.title.zh != profile.title.en


def test_source_says_where_it_was_read(profile: Profile) -> None:
    if profile.verified:
        assert "page" in profile.source
        assert "second hand" not in profile.source
    else:
        assert re.search(r"[Ss]econd hand|not read|general knowledge", profile.source)
    assert profile.caveats


def test_points_are_sane(profile: Profile) -> None:
    for name, point in profile.points.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert point.vendor
        assert point.unit in UNITS
        if point.poll is not None:
            assert 0.2 <= point.poll <= 300
        if point.write is not None:
            assert 0 < point.write.refresh <= 60
            assert point.write.on_loss != "unknown"
        if point.unit:
            assert point.range is not None, f"{name} has a unit and no range"


def test_units_are_those_of_the_controller() -> None:
    quantities = pytest.importorskip("controller.quantities")
    weather = {
        "W/m²",
        "m/s",
    }  # irradiance and wind: known here, quantities of the controller if it wants them
    assert UNITS - weather <= {"", *quantities.UNITS}


def random_words(point: ProfilePoint) -> st.SearchStrategy[list[int]]:
    top = 1 if point.type == "bit" else 0xFFFF
    return st.lists(st.integers(0, top), min_size=point.words, max_size=point.words)


@given(data=st.data(), where=st.sampled_from(points))
def test_raw_to_value_to_raw(data: st.DataObject, where: tuple[str, str]) -> None:
    name, point_name = where
    point = profiles[name].points[point_name]
    words = data.draw(random_words(point))
    value, fault = decode(point, words)
    if fault is not Fault.NONE:
        assert math.isnan(value)
        return
    if point.is_flag:
        assert value in (0.0, 1.0)
        if point.codes:
            assert decode(point, encode(point, value)) == (value, Fault.NONE)
        return
    low, high = point.range or (-math.inf, math.inf)
    if low <= value <= high:
        back = raw_of(point, encode(point, value))
        assert back == pytest.approx(
            raw_of(point, words), rel=1e-6, abs=0 if point.type != "float32" else 1e-30
        )
    else:
        clamped, _ = decode(point, encode(point, value))
        nearest = low if value < low else high
        assert clamped == pytest.approx(nearest, rel=1e-6, abs=abs(point.scale))


@given(where=st.sampled_from(points), value=st.floats(allow_nan=False, allow_infinity=False))
def test_any_value_is_held_to_the_range(where: tuple[str, str], value: float) -> None:
    point = profiles[where[0]].points[where[1]]
    assume(not point.codes and point.bit is None and point.range is not None)
    assert point.range is not None
    decoded, fault = decode(point, encode(point, value))
    assert fault in (Fault.NONE, Fault.NOT_AVAILABLE)
    slack = abs(point.scale) + 1e-6 * max(map(abs, point.range))
    assert point.range[0] - slack <= decoded <= point.range[1] + slack


# ---- frames from outside: makers' manuals, register collections, recordings


def crc_of(frame: bytes) -> bytes:
    """CRC by the table-free definition, written out here so that it shares nothing with sim.slave."""
    register = 0xFFFF
    for byte in frame:
        register ^= byte
        for _ in range(8):
            odd = register & 1
            register >>= 1
            if odd:
                register ^= 0xA001
    return register.to_bytes(2, "little")


FRAMES = [
    # request, profile, points that it reads (all of them, in order)
    ("01 04 06 00 00 06 70 80", "moxa/iologik-e1260", [f"channel_{i}" for i in range(1, 7)]),
    ("01 04 00 34 00 02 30 05", "eastron/sdm630", ["power"]),
    ("01 03 20 12 00 02 6F CE", "chint/dtsu666", ["power"]),
    ("01 03 00 00 00 0A C5 CD", "tuf/tuf-2000m", ["flow", "power", "velocity"]),
    ("01 03 21 02 00 02 6F F7", "delta/ms300", ["frequency"]),
    ("02 03 0C 1E 00 04 27 6C", "schneider/atv320", []),
    ("02 06 23 29 00 0D 92 70", "schneider/atv320", []),
]


@pytest.mark.parametrize(("text", "name", "read"), FRAMES)
def test_documented_request_reads_these_points(text: str, name: str, read: list[str]) -> None:
    frame = bytes.fromhex(text)
    assert crc_of(frame[:-2]) == frame[-2:]
    if frame[1] == 6:  # acceleration, number 9001 of the manual: the number is the wire address
        assert int.from_bytes(frame[2:4], "big") == 9001
        return
    table = TABLES[frame[1]]
    start, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
    found = [
        (point.register_, point_name)
        for point_name, point in profiles[name].points.items()
        if point.table == table
        and start <= point.register_
        and point.register_ + point.words <= start + count
    ]
    assert [point_name for _, point_name in sorted(found)] == read


@pytest.mark.parametrize(
    ("name", "point", "words", "value"),
    [
        ("tuf/tuf-2000m", "supply_temperature", [0x806B, 0x4212], 36.625),  # TUF2000M-REGISTER-MAP.md
        ("delta/ms300", "frequency", [0x1770], 60.0),  # MS300 manual, page A-5
        ("invt/gd200a", "running", [0x0003], 0.0),  # GD200A manual, page 145: stopped
        ("invt/gd200a", "running", [0x0001], 1.0),
        ("invt/gd200a", "running", [0x0004], 0.0),  # page 140: fault
        ("invt/gd200a", "fault", [0x0004], 1.0),
        ("invt/gd200a", "fault", [0x0001], 0.0),
        ("invt/gd200a", "remote", [0x0040], 1.0),  # bits 5-6 = 10: communication
        ("invt/gd200a", "remote", [0x0020], 0.0),  # 01: terminals
        ("advantech/adam-4117", "channel_1", [0], -20.0),  # SolarNetwork: low + (high - low)·raw/65535
        ("advantech/adam-4117", "channel_1", [65535], 20.0),
        ("advantech/adam-4015", "channel_6", [65535], 150.0),
        ("moxa/iologik-e1260", "channel_2", [0xFF38], -20.0),
        ("belimo/lr24a-mod", "position", [4321], 43.21),
        ("abb/acs580", "speed", [20000], 50.0),
        ("abb/acs580", "frequency", [4987, 0], 49.87),  # LO-HI
        ("abb/acs580", "run", [0x047F], 1.0),
        ("abb/acs580", "run", [0x047E], 0.0),
        ("abb/acs580", "run", [0x0000], 0.0),
        ("danfoss/fc-102", "speed", [0x4000], 50.0),
        ("danfoss/fc-102", "running", [0x0F07], 1.0),
    ],
)
def test_documented_words(name: str, point: str, words: list[int], value: float) -> None:
    decoded, fault = decode(profiles[name].points[point], words)
    assert fault is Fault.NONE
    assert decoded == pytest.approx(value, abs=5e-4)  # the sources round


def test_belimo_not_available() -> None:
    value, fault = decode(profiles["belimo/lr24a-mod"].points["position"], [65535])
    assert math.isnan(value)
    assert fault is Fault.NOT_AVAILABLE


# ---- reading profiles


GOOD = """
device: some/thing
title: {en: Thing, zh: 东西}
kind: io
source: nowhere
points:
  channel_1: {register: 010, vendor: one, type: uint16, poll: 1 s}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "thing.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(ProfileError) as caught:
        load_profile(write(tmp_path, text))
    assert caught.value.file.name == "thing.yaml"
    return [(p.line, p.key, p.text) for p in caught.value.problems]


def test_scalars_stay_text(tmp_path: Path) -> None:
    profile = load_profile(find_profile("thing.yaml", write(tmp_path, GOOD).parent))
    assert profile.points["channel_1"].register_ == 10  # not octal 8


def test_duplicate_key_is_refused(tmp_path: Path) -> None:
    text = GOOD + "  channel_1: {register: 2, vendor: two, type: uint16, poll: 1 s}\n"
    assert problems(tmp_path, text) == [(8, "points.channel_1", "defined twice (first at line 7)")]


@pytest.mark.parametrize("value", ["&a [*a]", "*missing", "!!python/name:os.system", "!own 3"])
def test_anchors_and_tags_are_refused(tmp_path: Path, value: str) -> None:
    assert problems(tmp_path, GOOD.replace("010", value))


@pytest.mark.parametrize(
    "text", ["", "- 1", "just text", "a: [", "\t", "a\x00b", "a: &x {b: *x}", "? {a: b}\n: c"]
)
def test_any_other_text_is_an_error_and_no_traceback(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("register: 010", "register: 70000", "points.channel_1.register", "65535"),
        ("type: uint16", "typo: uint16", "points.channel_1.typo", ""),
        ("type: uint16", "type: bit", "points.channel_1.type", "does not fit"),
        ("poll: 1 s", "poll: 1", "points.channel_1.poll", "no unit"),
        ("poll: 1 s", "unit: bar, poll: 1 s", "points.channel_1.unit", "not one of ours"),
        ("poll: 1 s", "range: [5, 1], poll: 1 s", "points.channel_1.range", "smaller"),
        ("poll: 1 s", "scale: 0, poll: 1 s", "points.channel_1.scale", "0"),
        (", poll: 1 s", "", "points.channel_1.poll", "poll"),
        (
            "poll: 1 s",
            "quality: {point: x, bits: {0: open_circuit}}, poll: 1 s",
            "points.channel_1.quality.point",
            "x",
        ),
        ("poll: 1 s", "write: {refresh: 1 s, on_loss: hold}", "points.channel_1.range", "range"),
        (
            "poll: 1 s",
            "range: [0, 1], write: {refresh: 9 s, after: 9 s, on_loss: hold}",
            "points.channel_1.write.refresh",
            "shorter",
        ),
        ("channel_1:", "other:", "points", "channel_1"),
        (
            "poll: 1 s}",
            "poll: 1 s}\n  b: {register: 9, vendor: b, type: uint32, poll: 1 s}",
            "points.b.register",
            "overlaps channel_1",
        ),
    ],
)
def test_wrong_profiles(tmp_path: Path, old: str, new: str, key: str, words: str) -> None:
    found = problems(tmp_path, GOOD.replace(old, new))
    assert [(k, True) for _, k, text in found if k == key and words in text], found
    assert all(line >= 6 for line, k, _ in found if k.startswith("points"))


def test_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(UnknownProfile, match="did you mean abb/acs580"):
        find_profile("abb/acs500")
    with pytest.raises(UnknownProfile, match="no such file"):
        find_profile("nothing.yaml")
    assert find_profile("abb/acs580").is_relative_to(PROFILES)
