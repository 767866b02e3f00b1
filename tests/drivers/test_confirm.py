"""What counts as confirmed, late, wrong and overwritten; all in plant time, no wire."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.confirm import FAILURES, GOOD_S, ReadBack, fits
from tests.drivers.bus_helpers import profile_of

WRITE = {"write": {"refresh": "5 s", "on_loss": "hold"}}
POINTS = profile_of(
    {
        "speed": {"register": "0", "scale": "0.01", "unit": "Hz", "range": ["0", "50"], **WRITE},
        "run": {"register": "1", "codes": {"0": "1150", "1": "1151"}, **WRITE},
        "a": {"register": "2", "bit": "0", **WRITE},
        "b": {"register": "2", "bit": "3", **WRITE},
    }
).points
SPEED = POINTS["speed"]


def watched(
    shows: Callable[[int, int], int], told: Callable[[int], int], seconds: int
) -> tuple[ReadBack, list[int]]:
    """A register read every second: `shows(second, told)`. With the seconds at which it is told again."""
    back = ReadBack([SPEED], 1.0)
    again = []
    for second in range(seconds):
        back.told([told(second)], float(second))
        if back.saw([shows(second, told(second))], second + 0.5):
            again.append(second)
    return back, again


def test_rounding_is_confirmed_and_another_value_is_not() -> None:
    assert fits([SPEED], [3012], [3000])  # 1/400 of 5000 counts
    assert not fits([SPEED], [3013], [3000])
    assert fits([POINTS["run"]], [1151], [1151])
    assert not fits([POINTS["run"]], [1150], [1151])


def test_of_flags_in_one_register_only_those_that_are_written_count() -> None:
    both = [POINTS["a"], POINTS["b"]]
    assert fits(both, [0b11101001], [0b00001001])
    assert not fits(both, [0b11100001], [0b00001001])
    assert fits([POINTS["a"]], [0b11100001], [0b00001001])


def test_a_device_that_ignores_writes_is_told_again_and_then_given_up() -> None:
    back, again = watched(lambda second, told: 1000, lambda second: 1000 if second < 10 else 4000, 40)
    # Known to be late for 7 s, then three windows of 7 s.
    assert again == pytest.approx([24, 31, 38], abs=1)
    assert not back.confirmed
    assert not back.overwritten
    assert back.found == [1000]


def test_a_slow_device_is_only_slow_however_often_it_is_told_another_value() -> None:
    def ramp(second: int) -> int:
        return 1000 + 30 * second

    back, again = watched(lambda second, told: ramp(max(second - 5, 0)), ramp, 100)
    assert again == []
    assert back.failures == 0


def test_a_second_master_is_seen_though_our_value_stands_there_most_of_the_time() -> None:
    back, again = watched(lambda second, told: 2000 if second % 3 == 2 else told, lambda second: 4000, 40)
    assert len(again) >= FAILURES
    assert not back.confirmed
    assert back.overwritten


def test_a_single_restart_of_the_device_is_told_again_and_forgotten() -> None:
    back, again = watched(lambda second, told: 0 if second == 20 else told, lambda second: 4000, 40)
    assert back.failures == len(again) == 1
    back, again = watched(lambda second, told: 0 if second == 20 else told, lambda second: 4000, 120)
    assert back.failures == 0


def test_good_again_after_a_minute_without_a_difference() -> None:
    back, _ = watched(
        lambda second, told: 2000 if second < 40 else told, lambda second: 4000, 40 + int(GOOD_S) - 1
    )
    assert not back.confirmed
    back, _ = watched(
        lambda second, told: 2000 if second < 40 else told, lambda second: 4000, 40 + int(GOOD_S) + 1
    )
    assert back.confirmed


def test_nothing_is_judged_before_anything_was_written_nor_after_the_device_was_gone() -> None:
    back = ReadBack([SPEED], 1.0)
    assert not any(back.saw([7], float(second)) for second in range(100))
    back.told([4000], 100.0)
    for second in range(101, 200):
        back.saw([7], float(second))
    assert not back.confirmed
    back.forget()
    assert back.confirmed
